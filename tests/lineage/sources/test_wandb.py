"""What do run folders and exports of Weights & Biases prove, and what is not in them?

The rules come from the producer's own code: which files a run folder has and what is in them
(wandb/sdk/internal/system/system_info.py, wandb/sdk/wandb_run.py: config.yaml wraps values, summaries end in
`_timestamp`); the attributes of a run and its states (wandb/apis/public/runs.py, docs "Run states": a crashed run is
one that stopped sending heartbeats); those of an artifact, its aliases, links and `logged_by` and `used_by`
(wandb/sdk/artifacts/artifact.py); the registry's projects are called `wandb-registry-<name>`.
"""

import json
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Happened, Link, Run, Use
from lineage.model.moment import parse
from lineage.model.naming import dataset
from lineage.model.vocabulary import Relation, RunState
from lineage.opening import FolderInput
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import wandb

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "wandb"
FOLDER, EXPORT, GRAPHQL = SAMPLES / "wandb", SAMPLES / "export.json", SAMPLES / "graphql.json"
CHURN = "wandb:acme/churn"


def said(path: Path, **labels: str) -> list:
    """Everything that a file or folder states."""
    given = FolderInput(path, path.name) if path.is_dir() else file_input(path)
    origin = Origin(str(path), labels, path.parent.name)
    found = []
    for record in wandb.records(given, origin):
        found += [record] if isinstance(record, Problem) else list(wandb.read(record, origin))
    return found


def of(facts: list, kind: type) -> list:
    """Those of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


def test_folders_and_exports_are_recognised():
    """The folder by the places of its files, one run of it too, exports by their fields."""
    listing = tuple(sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()))
    assert recognise(Sample("wandb", listing=listing))[0].NAME == "wandb"
    one = tuple(path.partition("/")[2] for path in listing if path.startswith("run-"))
    assert recognise(Sample("run-20260301_110000-k3j9x2ab", listing=one))[0].NAME == "wandb"
    for path in (EXPORT, GRAPHQL):
        assert recognise(sample_of(file_input(path)))[0].NAME == "wandb"


@pytest.mark.parametrize(
    "text",
    ['{"state": "done", "created_at": "2026"}', '{"runs": []}', '[{"aliases": [], "name": "x"}]', "[]"],
)
def test_what_is_no_export_is_left_to_others(text):
    """States, times and aliases are everywhere."""
    assert wandb.recognises(Sample("x.json", text.encode())) == 0


def test_a_run_folder_says_who_when_and_with_what_but_not_how_it_ended():
    """run-20260301_110000-k3j9x2ab: started 10:00:00.123456 UTC by ines@example.com on gpu-1, last word at 10:20:00.5.

    The folder's own name says 11:00:00, local time; no state and no end stand on disk.
    """
    run = next(fact for fact in of(said(FOLDER), Run) if fact.key.name == "k3j9x2ab")
    assert run.started == parse("2026-03-01T10:00:00.123456Z")
    assert run.at == parse("2026-03-01T10:20:00.5Z")
    assert (run.ended, run.state) == (None, RunState.OTHER)
    assert run.actor == ("actor", "wandb", "ines@example.com")
    assert run.attributes["code"] == {
        "repository": "https://git.example/churn.git",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "entry_point": "/home/ines/train.py",
    }
    assert run.attributes["params"] == {
        "lr": "0.1",
        "db": '{"host":"db.example","password":"(withheld)"}',
    }
    assert run.attributes["metrics"] == {"acc": 0.91}


def test_the_binary_log_is_not_read_and_that_is_said():
    """The .wandb file costs nothing but a word; a run without metadata is a run without user and time."""
    found = said(FOLDER, entity="acme", project="churn")
    assert [(problem.code, problem.fatal) for problem in of(found, Problem)] == [("not-read", False)]
    offline = next(fact for fact in of(found, Run) if fact.key.name == "q7w8e9rt")
    assert offline.key.namespace == CHURN
    assert (offline.actor, offline.started) == (None, None)
    assert offline.attributes["offline"]


def test_no_secret_is_shown():
    """A password stands in the arguments, the address, the configuration and an export."""
    assert "hunter2" not in repr([said(FOLDER), said(EXPORT)])


def test_an_exported_run_says_who_when_and_what_it_used_and_made():
    """export.json, the first run: ines, 10:00 to 10:30, customers v4 in, clf v2 out."""
    found = said(EXPORT)
    run = next(fact for fact in of(found, Run) if fact.key.name == "k3j9x2ab")
    assert run.key.namespace == CHURN
    assert (run.state, run.started, run.ended) == (
        RunState.COMPLETE,
        parse("2026-03-01T10:00:00Z"),
        parse("2026-03-01T10:30:00Z"),
    )
    assert run.actor == ("actor", "wandb", "ines")
    assert run.inputs == (Use(dataset(CHURN, "customers"), "v4"),)
    assert run.job.name == "train"
    links = {(link.type, link.source.name, link.target.name) for link in of(found, Link)}
    assert (Relation.PRODUCED, "k3j9x2ab", "clf/v2") in links
    assert (Relation.INPUT, "clf/v2", "eval0001") in links


def test_a_crashed_run_has_not_failed():
    """It stopped being heard of at 10:07; when and how it ended is not known."""
    run = next(fact for fact in of(said(EXPORT), Run) if fact.key.name == "z9z9z9z9")
    assert (run.state, run.ended) == (RunState.ABORT, None)
    assert run.attributes["status"] == "crashed"


def test_graphql_answers_say_the_same():
    """graphql.json: `name` is the id there, `displayName` what people see; config and summary are JSON as text."""
    (run,) = of(said(GRAPHQL, entity="acme", project="churn"), Run)
    assert run.key == ("run", CHURN, "g1g1g1g1")
    assert run.attributes["name"] == "calm-lake-1"
    assert (run.attributes["params"], run.attributes["metrics"]) == ({"lr": 0.3}, {"acc": 0.5})
    assert (run.state, run.actor) == (RunState.FAIL, ("actor", "wandb", "omar"))


def test_a_model_version_has_its_aliases_as_of_the_export():
    """clf:v2 is champion and latest when exported; v2 itself is no alias. v1 has none, and that is said."""
    found = said(EXPORT, observed_at="2026-03-10T00:00:00Z")
    versions = {fact.key.name: fact for fact in of(found, Entity) if fact.key.kind == "model-version"}
    assert versions["clf/v2"].attributes["aliases"] == ["champion", "latest"]
    assert versions["clf/v1"].attributes["aliases"] == []
    assert versions["clf/v2"].at == parse("2026-03-10T00:00:00Z")
    assert versions["clf/v2"].created == parse("2026-03-01T10:29:00Z")
    assert versions["clf/v2"].attributes["created_by"] == "ines"
    assert versions["clf/v2"].attributes["created_by_basis"] == "logged_by.user"
    assert {fact.type for fact in of(found, Happened)} == {"register"}


def test_a_registered_version_leads_back_to_the_one_it_is():
    """clf:v2 is linked to the registry as churn:v0; both records say so."""
    links = {
        (link.rule, link.source.namespace, link.source.name, link.target.namespace, link.target.name)
        for link in of(said(EXPORT), Link)
        if link.type is Relation.COPIED
    }
    ends = (CHURN, "clf/v2", "wandb:acme-org/wandb-registry-model", "churn/v0")
    assert links == {("linked_artifacts", *ends), ("source_artifact", *ends)}


def test_an_artifact_that_refers_to_files_follows_the_place_they_lie_in():
    """customers:v4 is two files in s3://lake/customers."""
    (link,) = [link for link in of(said(EXPORT), Link) if link.rule == "manifest.ref"]
    assert (link.source, link.target) == (dataset("s3://lake", "customers"), dataset(CHURN, "customers"))


def test_a_service_of_an_artifact_is_the_version_and_its_data(tmp_path):
    """A service reads wandb-artifact://acme/churn/clf:v2; one of clf:champion is the same as of the export."""
    for name, tag in (("by-number", "v2"), ("by-alias", "champion")):
        service = {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {
                "name": name,
                "namespace": "a",
                "creationTimestamp": "2026-03-10T00:00:00Z",
                "uid": name,
            },
            "spec": {"predictor": {"model": {"storageUri": f"wandb-artifact://acme/churn/clf:{tag}"}}},
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(service))
    with lineage.open(tmp_path / "a.trail") as workspace:
        workspace.import_([tmp_path / "by-number.json", tmp_path / "by-alias.json", SAMPLES])
        live = {item["target"].rpartition("/")[2]: item for item in workspace.live().items}
        (graph,) = workspace.trace("by-number").items
    assert {name: (item["model"], item["model_version"]) for name, item in live.items()} == {
        "by-number": ("clf", "v2"),
        "by-alias": ("clf", "v2"),
    }
    assert {node["name"] for node in graph["nodes"]} >= {"customers", "k3j9x2ab", "clf/v2"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"displayName": "x", "state": "finished", "createdAt": "2026-01-01"}', "missing-field"),
        ('{"name": "a", "displayName": "x", "state": "odd", "createdAt": "2026-01-01"}', "unknown-status"),
        ('{"name": "a", "displayName": "x", "state": 7, "createdAt": "then"}', "bad-time"),
        ('{"name": "a", "displayName": "x", "state": "", "createdAt": "", "config": "{"}', "malformed-json"),
        ('{"name": "a", "displayName": "x", "state": "", "createdAt": "", "config": "[1]"}', "bad-value"),
        ('{"digest": "", "aliases": [], "version": "v1"}', "missing-field"),
        ('{"digest": "", "aliases": [], "version": "v1", "name": "a"}', "missing-field"),
        ('{"digest": "", "aliases": 7, "version": "v1", "name": "a", "type": "model"}', "bad-value"),
        (
            '{"digest": "", "aliases": [], "version": "v1", "name": "a", "type": "data", "manifest": 3}',
            "bad-value",
        ),
        ('{"wandb": "run-folder", "folder": "x"}', "missing-field"),
        (
            '{"wandb": "run-folder", "folder": "run-20260101_000000-a", "files": {"config.yaml": "["}}',
            "malformed-yaml",
        ),
        ('{"a": 1}', "not-wandb"),
        ("[]", "not-an-object"),
        ("nope", "not-an-object"),
    ],
)
def test_a_bad_value_is_a_problem(text, code):
    """Nothing raises, and every record ends as something."""
    found = list(wandb.read(Record(text.encode(), line=1), Origin("x")))
    assert code in {problem.code for problem in of(found, Problem)}


def test_an_export_without_items_is_left_out_with_a_reason():
    """An empty list is sound and says nothing."""
    assert list(wandb.read(Record(b'{"runs": []}'), Origin("x"))) == [Filtered("empty")]
