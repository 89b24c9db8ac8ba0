"""What do Vertex AI's saved answers prove, alone and together with the audit log of the same project?"""

import json
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Link, Run
from lineage.model.moment import parse
from lineage.model.vocabulary import Kind, Relation, RunState
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import vertex
from lineage.workspace import Workspace

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "vertex"
ANSWERS, SUBGRAPH, AUDIT = SAMPLES / "answers.json", SAMPLES / "subgraph.json", SAMPLES / "audit.jsonl"
PLACE = "projects/4711/locations/europe-west4"
MODEL, ENDPOINT = "1234567890123456789", "5678901234567890123"


def outcomes(path):
    """Every record of a file with all that was read from it, so that none can be lost."""
    origin = Origin(str(path), {}, path.parent.name)
    found = []
    for record in vertex.records(file_input(path), origin):
        said = [record] if isinstance(record, Problem) else list(vertex.read(record, origin))
        assert said, "a record must end as something"
        found.append((record, said))
    return found


def facts(path, kind):
    """What a file states, of one kind."""
    return [fact for _, said in outcomes(path) for fact in said if isinstance(fact, kind)]


def register(tmp_path, *paths):
    """The items of the register after an import of `paths`, oldest first."""
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_(list(paths))
        return list(workspace.deployments().items)


def shares(item):
    """The models of an item of the register with their shares."""
    return [(one["model"], one["version"], one["weight"]) for one in item["models"]]


@pytest.mark.parametrize(
    ("path", "name"), [(ANSWERS, "vertex"), (AUDIT, "gcp-audit")], ids=["answers", "audit"]
)
def test_answers_and_audit_log_are_told_apart(path, name):
    """Both hold the same resource names."""
    assert name == recognise(sample_of(file_input(path)))[0].NAME


@pytest.mark.parametrize("wrap", ["one", "list", "lines", "stream"])
def test_every_form_says_the_same(tmp_path, wrap):
    """An answer by itself, in the list that the API returns, one a line, and one printed after another."""
    model = json.loads(ANSWERS.read_text())[1]
    text = {
        "one": json.dumps(model),
        "list": json.dumps({"models": [model]}, indent=1),
        "lines": json.dumps(model) + "\n" + json.dumps(model) + "\n",
        "stream": (json.dumps(model, indent=1) + "\n") * 2,
    }[wrap]
    path = tmp_path / "models.json"
    path.write_text(text)

    assert recognise(sample_of(file_input(path)))[0].NAME == "vertex"
    expected = [said for _, said in outcomes(ANSWERS)][1]
    assert {repr(said) for _, said in outcomes(path)} == {repr(expected)}


def test_a_version_is_known_by_number_and_version():
    """Version 1 lies at gs://models/churn/1 and is the default; its pipeline made it; no token is kept."""
    version = next(one for one in facts(ANSWERS, Entity) if one.key.name == f"{MODEL}/1")

    assert (version.key.kind, version.created) == (Kind.MODEL_VERSION, parse("2026-06-01T08:00:00.123456Z"))
    assert version.attributes["storage_location"] == "gs://models/churn/1"
    assert version.attributes["aliases"] == ["default"]
    assert version.attributes["run_id"] == "train-20260601"
    assert version.attributes["tags"] == {"git-commit": "4be1c0de77aa"}


def test_a_pipeline_run_reads_what_it_did_not_make():
    """Its tasks read gs://lake/raw/2026-06-01 and made gs://results/table, which is no input of the run as a whole."""
    run = next(run for run in facts(ANSWERS, Run) if run.key.name == "train-20260601")

    assert (run.job.name, run.state, run.actor) == ("churn-training", RunState.COMPLETE, None)
    assert [use.key[1:] for use in run.inputs] == [("gs://lake", "raw/2026-06-01")]
    assert [use.key[1:] for use in run.outputs] == [("gs://results", "table")]
    assert run.attributes["params"] == {"api_key": "(withheld)", "depth": 4}
    made = [link for link in facts(ANSWERS, Link) if link.source == run.key]
    assert {(link.target.name, link.type) for link in made} == {(f"{MODEL}/1", Relation.PRODUCED)}


def test_a_failed_job_made_nothing():
    """Custom job 55 failed for want of quota."""
    run = next(run for run in facts(ANSWERS, Run) if run.key.name == "customJobs/55")

    assert (run.state, run.outputs, run.attributes["failure_reason"]) == (RunState.FAIL, (), "no quota")


def test_a_subgraph_ties_artifacts_to_executions():
    """Execution x1 read the raw data and made version 1; an artifact without a place is left out."""
    links = {(link.source.name, link.target.name, link.type) for link in facts(SUBGRAPH, Link)}

    assert links == {
        ("raw/2026-06-01", "executions/x1", Relation.INPUT),
        ("executions/x1", f"{MODEL}/1", Relation.PRODUCED),
    }


def test_an_endpoint_is_a_sighting_of_what_is_deployed_to_it(tmp_path):
    """900 has 90 % and 901 10 % since some moment from its creation to its last update; the others serve nothing."""
    (item,) = register(tmp_path, ANSWERS)

    assert (item["target"], shares(item)) == (
        f"{PLACE}/endpoints/{ENDPOINT}", [(MODEL, "1", 0.9), (MODEL, "2", 0.1)],
    )  # fmt: skip
    assert {one["link_rule"] for one in item["models"]} == {"cloud-registry-id"}
    assert item["deployed_at"] == {"not_before": "2026-06-01T09:00:00Z", "not_after": "2026-06-03T10:12:00Z"}
    assert (item["deployed_by"], item["flags"]) == (None, ["seen-in-listing-only"])


def test_the_audit_log_and_the_answer_are_one_change(tmp_path):
    """Ann deployed 900 and then 901 at 10 %; the answer shows the second state and adds no step.

    The log calls the project by its id, the answer by its number, and the log's first call names no version: that
    deployed model 900 is version 1 stands in the answer alone.
    """
    items = register(tmp_path, ANSWERS, AUDIT)

    assert [(item["action"], item["deployed_at"], shares(item)) for item in items] == [
        ("deploy", "2026-06-01T10:00:00.500000Z", [(MODEL, "1", 1.0)]),
        ("canary", "2026-06-03T10:00:00Z", [(MODEL, "1", 0.9), (MODEL, "2", 0.1)]),
    ]
    assert [(item["deployed_by"], item["flags"]) for item in items] == [("ann@example.com", [])] * 2
    assert items[1]["confirmed_by"] == 1


def test_the_order_of_import_does_not_matter(tmp_path):
    """Either file first, again and rebuilt: one digest."""
    digests = set()
    for number, order in enumerate([(ANSWERS, AUDIT), (AUDIT, ANSWERS)]):
        with Workspace.open(tmp_path / f"{number}.trail") as workspace:
            for path in order:
                workspace.import_([path])
            digests.add(workspace.digest().items[0]["digest"])
            workspace.import_(list(order))
            digests.add(workspace.rebuild().items[0]["digest"])
    assert len(digests) == 1


@pytest.mark.parametrize(
    "value",
    [
        {"name": f"{PLACE}/models/1"}, {"name": f"{PLACE}/models/1", "versionId": [], "createTime": "soon"},
        {"name": f"{PLACE}/endpoints/1", "deployedModels": [1, {"id": {}}], "trafficSplit": [], "updateTime": 3},
        {"name": f"{PLACE}/endpoints/1", "deployedModels": [{"model": 3}], "trafficSplit": {"x": "9999"}},
        {"name": f"{PLACE}/pipelineJobs/1", "jobDetail": {"taskDetails": [None, {"inputs": {"a": 1}}]}},
        {"name": f"{PLACE}/customJobs/1", "state": 3, "createTime": "2026-06-01T00:00:00Z", "jobSpec": []},
        {"artifacts": [1], "events": [2, {}]}, {"name": f"{PLACE}/datasets/1"}, {"models": []}, {"name": 3}, [], 1,
    ],
    ids=repr,
)  # fmt: skip
def test_nothing_that_is_malformed_raises(value, tmp_path):
    """Whatever stands in a member, the record ends as facts, a reason or problems."""
    assert list(vertex.read(Record(json.dumps(value).encode()), Origin("x")))


def test_what_is_left_out_has_a_reason():
    """A resource of another kind, and an empty list."""
    for value, reason in (({"name": f"{PLACE}/datasets/1"}, "kind"), ({"endpoints": []}, "nothing-listed")):
        said = list(vertex.read(Record(json.dumps(value).encode()), Origin("x")))
        assert said == [Filtered(reason)]
    assert vertex.recognises(Sample("a.json", b'{"name": "projects/p/locations/l/models"}')) == 0
