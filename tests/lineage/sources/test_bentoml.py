"""What does a BentoML store prove, and what of it is no deployment?

The rules come from the producer's own code: `ModelInfo` (bentoml/_internal/models/model.py), `BentoInfo`,
`BentoRunnerInfo`, `BentoServiceInfo` and `BentoModelInfo` (bentoml/_internal/bento/bento.py), and `Deployment.to_dict`
with `DeploymentStatus` (bentoml/_internal/cloud/deployment.py and schemas), whose times have no zone and are UTC.
"""

import json
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Coverage, Entity, Happened, Link
from lineage.model.moment import parse
from lineage.model.vocabulary import Basis, Relation
from lineage.opening import FolderInput
from lineage.source import Origin, Problem, Record, Sample, recognise
from lineage.sources import bentoml

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "bentoml"
HOME = SAMPLES / "home"
DEPLOYED = SAMPLES / "deployments.json"


def said(path: Path, **labels: str) -> list:
    """Everything that a file or folder states."""
    given = FolderInput(path, path.name) if path.is_dir() else file_input(path)
    origin = Origin(str(path), labels, path.parent.name)
    found = []
    for record in bentoml.records(given, origin):
        found += [record] if isinstance(record, Problem) else list(bentoml.read(record, origin))
    return found


def of(facts: list, kind: type) -> list:
    """Those of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


def read(text: str, **labels: str) -> list:
    """What one document states."""
    return list(bentoml.read(Record(text.encode(), line=1), Origin("x", labels)))


def test_a_store_is_one_input_and_its_files_are_known_by_themselves():
    """The folder by the places of its files; model.yaml, bento.yaml and the deployments by their own fields."""
    listing = tuple(sorted(str(path.relative_to(HOME)) for path in HOME.rglob("*") if path.is_file()))
    assert recognise(Sample("home", listing=listing))[0].NAME == "bentoml"
    for path in (*HOME.rglob("*.yaml"), DEPLOYED):
        assert recognise(sample_of(file_input(path)))[0].NAME == "bentoml", path


@pytest.mark.parametrize(
    "text",
    [
        "name: a\nversion: 1\nchannels: []\ndependencies: []\n",
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
        '[{"name": "a", "status": "running"}]',
        "",
    ],
)
def test_what_is_no_bentoml_is_left_to_others(text):
    """A conda file, a Kubernetes service, some list."""
    assert bentoml.recognises(Sample("x", text.encode())) == 0


def test_a_model_has_its_origin_its_time_and_no_secret():
    """models/fraud/ab12cd34ef/model.yaml: saved on 1 March from MLflow's fraud-detector 7; a token is withheld."""
    found = said(HOME)
    (entity,) = [
        fact
        for fact in of(found, Entity)
        if fact.key == ("model-version", "bentoml", "fraud/ab12cd34ef") and not fact.listing
    ]
    assert entity.created == parse("2026-03-01T08:00:00Z")
    assert entity.attributes["copied_from"] == "models:/fraud-detector/7"
    assert entity.attributes["git_commit"] == "1f2e3d4c"
    assert entity.attributes["framework"] == "scikit-learn"
    assert entity.attributes["metadata"]["registry_token"] == "(withheld)"
    (data,) = [link for link in of(found, Link) if link.type is Relation.DERIVED]
    assert (data.source, data.basis) == (("dataset", "s3://lake", "fraud/train/"), Basis.BY_NAME)


def test_a_bento_holds_the_models_that_its_services_and_runners_name():
    """1.4 names them under services, also of a dependency; 1.0 at the top and at runners; one may be deleted since."""
    parts = {
        (link.target.name, link.source.namespace, link.source.name, link.rule)
        for link in of(said(HOME), Link)
        if link.type is Relation.PART_OF
    }
    assert parts == {
        ("scorer/k1k2k3k4k5", "bentoml", "fraud/zz99yy88xx", "services[0].models[0].tag"),
        (
            "scorer/k1k2k3k4k5",
            "huggingface",
            "sentence-transformers/all-MiniLM-L6-v2/c9745ed1d9f2",
            "services[0].dependencies[0].models[0].tag",
        ),
        ("scorer/a0a0a0a0a0", "bentoml", "fraud/ab12cd34ef", "runners[0].models[0]"),
        ("scorer/a0a0a0a0a0", "bentoml", "fraud/deleted0000", "runners[0].models[1]"),
    }


def test_a_store_deploys_nothing_and_names_nobody():
    """Four things were registered; none of it ran anywhere, and no user stands in a store."""
    happened = of(said(HOME), Happened)

    assert [fact.type for fact in happened] == ["register"] * 4
    assert all(fact.actor is None and fact.workload is None for fact in happened)
    assert "hunter2" not in repr(said(HOME))


def test_the_store_as_a_whole_says_what_latest_was_and_that_this_was_all():
    """`latest` of fraud is zz99yy88xx, as of the youngest thing in it (2 April 09:30) or when a person says."""
    found = said(HOME)
    aliases = {
        fact.key.name: fact.attributes["aliases"]
        for fact in of(found, Entity)
        if "aliases" in fact.attributes
    }
    assert aliases == {"fraud": {"latest": "zz99yy88xx"}, "scorer": {"latest": "k1k2k3k4k5"}}
    assert {(fact.listing, fact.until, fact.complete) for fact in of(found, Coverage)} == {
        ("bentoml/store", parse("2026-04-02T09:30:00Z"), True),
        ("bentoml/bentos/store", parse("2026-04-02T09:30:00Z"), True),
    }
    later = said(HOME, observed_at="2026-05-01T00:00:00Z", instance="risk")
    assert {(fact.listing, fact.until.lo) for fact in of(later, Coverage)} == {
        ("bentoml:risk/store", parse("2026-05-01T00:00:00Z").lo),
        ("bentoml:risk/bentos/store", parse("2026-05-01T00:00:00Z").lo),
    }


def test_only_a_deployment_that_serves_is_seen_serving():
    """The running one and the one scaled to zero; the terminated one is a thing that is there, and serves nothing."""
    found = said(DEPLOYED)
    seen = {fact.subject.name: fact for fact in of(found, Happened)}

    assert seen.keys() == {"scorer-prod", "scorer-test"}
    running = seen["scorer-prod"]
    assert running.subject.namespace == "bentocloud://risk.cloud.bentoml.com/google-cloud-us-central-1"
    assert [(claim.kind, claim.value) for claim in running.workload.components[0].claims] == [
        ("name", "scorer"),
        ("version-label", "k1k2k3k4k5"),
    ]
    assert running.workload.platform == "bentoml"
    assert running.workload.resources == {"min_replicas": "1", "max_replicas": "3", "instance_type": "cpu.2"}
    assert running.at.lo == parse("2026-04-02T10:00:00Z").lo
    assert running.at.assumed, "the list names no zone"
    assert "hunter2" not in repr(found)


def test_who_made_a_deployment_is_not_who_changed_it():
    """Maria made both; scorer-test was changed a week later, by whom is not said."""
    seen = {fact.subject.name: fact for fact in of(said(DEPLOYED), Happened)}

    assert seen["scorer-prod"].actor == ("actor", "bentocloud", "maria")
    assert seen["scorer-test"].actor is None
    assert seen["scorer-test"].detail["creator"] == "maria"


def test_a_served_bento_leads_through_its_model_to_the_registry_it_came_from(tmp_path):
    """deployments.json names scorer:k1..., its bento.yaml fraud:zz...; nothing more is needed to know what serves."""
    with lineage.open(tmp_path / "a.trail") as workspace:
        workspace.import_([HOME, DEPLOYED])
        live = {item["target"]: item for item in workspace.live().items}
        traced = json.dumps(workspace.trace("scorer-prod").to_dict())
        assert workspace.problems().items == []
    assert len(live) == 2
    (prod,) = [item for target, item in live.items() if target.endswith("scorer-prod")]
    assert (prod["model"], prod["model_version"], prod["platform"]) == ("scorer", "k1k2k3k4k5", "bentoml")
    assert "fraud/zz99yy88xx" in traced
    assert "fraud/ab12cd34ef" not in traced


def test_a_model_from_a_registry_is_its_copy(tmp_path):
    """One registry has fraud-detector 7: the copy follows it. A second one of the same name leaves it open."""
    model = (HOME / "models/fraud/ab12cd34ef/model.yaml").read_text()
    for name in ("fraud-detector", "other"):
        text = model.replace("name: fraud\n", f"name: {name}\n").replace(
            "version: ab12cd34ef", "version: '7'"
        )
        (tmp_path / f"{name}.yaml").write_text(text.replace("models:/fraud-detector/7", ""))
    (tmp_path / "copy.yaml").write_text(model)
    with lineage.open(tmp_path / "a.trail") as workspace:
        workspace.import_([tmp_path / "copy.yaml"])
        workspace.import_([tmp_path / "fraud-detector.yaml"], labels={"instance": "one"})
        assert copies(workspace) == [("model-version|bentoml:one|fraud-detector/7", "copied_from")]
        workspace.import_([tmp_path / "fraud-detector.yaml"], labels={"instance": "two"})
        assert copies(workspace) == []


def copies(workspace) -> list:
    """What the model of the sample was copied from."""
    (graph,) = workspace.trace("model-version|bentoml|fraud/ab12cd34ef").items
    return [(edge["from"], edge["rule"]) for edge in graph["edges"] if edge["type"] == "copied"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("name: a\nsignatures: {}\ncreation_time: '2026-01-01T00:00:00Z'\n", "version"),
        ("name: [a]\nversion: b\nsignatures: {}\n", "name"),
        ("name: a\nversion: b\nsignatures: {}\ncreation_time: yesterday\n", "creation_time"),
        ("name: a\nversion: b\nsignatures: {}\nmetadata: 7\nlabels: [x]\n", "metadata"),
        ("name: a\nversion: b\nservice: s\nservices: [{models: [[1]]}]\n", "services[0].models[0]"),
        ("name: a\nversion: b\nservice: s\nmodels: {tag: x}\n", "models"),
        ('{"name": "", "admin_console": 1, "status": 2}', "name"),
        ('{"name": "a", "admin_console": "http://[", "status": {}}', "status.updated_at"),
        ("just text", ""),
        ("a: [", ""),
        ("service: !!python/object:os.system x\n", ""),
    ],
)
def test_a_bad_value_is_a_problem_with_its_field(text, field):
    """Nothing raises, and what can be used is used."""
    problems = of(read(text), Problem)
    assert field in {problem.field for problem in problems}


def test_an_unreadable_file_of_a_store_costs_no_other(tmp_path):
    """One model.yaml is no YAML: a problem with its path; the other is read."""
    for version, text in (("v1", "a: [\n"), ("v2", "name: m\nversion: v2\nsignatures: {}\n")):
        place = tmp_path / "models" / "m" / version
        place.mkdir(parents=True)
        (place / "model.yaml").write_text(text)
    found = said(tmp_path)
    assert [problem.code for problem in of(found, Problem)] == ["malformed-yaml"]
    assert ("model-version", "bentoml", "m/v2") in {fact.key for fact in of(found, Entity)}


def test_the_store_of_another_producer(corpus):
    """Three models and two bentos, as BentoML 1.4.39 wrote them.

    `grep -A3 'models:' bentos/*/*/bento.yaml` names the parts of the bentos, `cat models/churn_clf/*/model.yaml` the
    versions 1, 2 and 3 of MLflow that the models came from, `cat */*/latest` what the latest are.
    """
    found = said(corpus / "ml" / "bentoml" / "bentoml-home")
    assert of(found, Problem) == []
    assert {
        fact.key.name: fact.attributes["copied_from"]
        for fact in of(found, Entity)
        if "copied_from" in fact.attributes
    } == {
        "churn_clf/cmmlzjqypkzjqax4": "models:/churn-classifier/1",
        "churn_clf/ledzjxrq22zjqax4": "models:/churn-classifier/2",
        "churn_clf/ouxvv7cingzjqax4": "models:/churn-classifier/3",
    }
    assert {
        (link.source.name, link.target.name) for link in of(found, Link) if link.type is Relation.PART_OF
    } == {
        ("churn_clf/ouxvv7cingzjqax4", "churn_service/e4yfudcjf2zjsax4"),
        ("churn_clf/ledzjxrq22zjqax4", "churn_service/f3f5tubrtozjsax4"),
    }
    assert {
        fact.key.name: fact.attributes["aliases"]
        for fact in of(found, Entity)
        if "aliases" in fact.attributes
    } == {
        "churn_clf": {"latest": "ouxvv7cingzjqax4"},
        "churn_service": {"latest": "e4yfudcjf2zjsax4"},
    }
    assert {fact.type for fact in of(found, Happened)} == {"register"}
