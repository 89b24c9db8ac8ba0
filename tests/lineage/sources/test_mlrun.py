"""What do MLRun's artifacts, runs, functions and model endpoints prove?

The rules come from the producer's own code: `ArtifactMetadata`, `ArtifactSpec` and `ModelSpec` (base.py and model.py
of mlrun/artifacts); producers as `<project>/<uid>[-<iteration>]` (mlrun/artifacts/manager.py); store URIs
(`parse_artifact_uri` in mlrun/utils/helpers.py); states (`RunStates` in mlrun/common/runtimes/constants.py); routes and
steps (mlrun/serving/states.py); model endpoints (mlrun/common/schemas/model_monitoring/model_endpoints.py).
"""

import json
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Entity, Happened, Link, Run
from lineage.model.moment import parse
from lineage.model.naming import dataset, dataset_at
from lineage.model.vocabulary import Relation, RunState
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import mlrun
from lineage.sources._serving_graph import routes

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "mlrun"
TREE, OLD, PREP = "5f2c" * 8, "1a1a" * 8, "7e7e" * 8


def said(name: str, **labels: str) -> list:
    """Everything that a sample states."""
    path = SAMPLES / name
    origin = Origin(str(path), labels, path.parent.name)
    found = []
    for record in mlrun.records(file_input(path), origin):
        found += [record] if isinstance(record, Problem) else list(mlrun.read(record, origin))
    return found


def of(facts: list, kind: type) -> list:
    """Those of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


@pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.name)
def test_every_form_is_recognised_and_read_without_a_problem(path):
    """Lists of the API and a project file, by the fields of their objects."""
    source, confidence = recognise(sample_of(file_input(path)))
    assert (source.NAME, confidence > 0.9) == ("mlrun", True)
    assert of(said(path.name), Problem) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"runs": []}',
        '{"kind": "model", "metadata": {"name": "x"}, "spec": {}}',
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {target_path: x}\n",
        "kind: job\nname: x\n",
    ],
)
def test_what_is_no_mlrun_is_left_to_others(text):
    """Kinds, metadata and spec are everywhere."""
    assert mlrun.recognises(Sample("x", text.encode())) == 0


def test_a_model_version_is_what_one_run_made_with_all_its_tags():
    """artifacts.json shows clf of tree 5f2c... twice, as latest and as prod; iteration 3 of 1a1a... is another."""
    versions = {
        fact.key.name: fact for fact in of(said("artifacts.json"), Entity) if fact.key.kind == "model-version"
    }
    assert versions.keys() == {f"clf/{TREE}", f"clf/{OLD}-3"}
    clf = versions[f"clf/{TREE}"]
    assert clf.attributes["aliases"] == ["latest", "prod"]
    assert versions[f"clf/{OLD}-3"].attributes["aliases"] == []
    assert clf.created == parse("2026-02-02T09:00:00.123Z")
    assert (clf.attributes["created_by"], clf.attributes["run_id"]) == ("ines", TREE)
    assert clf.attributes["storage_location"] == "s3://mlrun/shop/models/clf/"


def test_a_dataset_is_known_by_its_key_and_its_place():
    """The store names it prep_cleaned, its file lies in S3; the run prep made it."""
    found = said("artifacts.json")
    own = dataset("mlrun/shop/artifacts", "prep_cleaned")
    assert Alias(own, dataset_at("s3://mlrun/shop/artifacts/cleaned.parquet"), "target_path") in found
    (made,) = [link for link in of(found, Link) if link.type is Relation.OUTPUT]
    assert (made.source.name, made.target) == (PREP, own)


def test_a_run_says_who_when_and_what_it_read_and_made():
    """runs.json: ines trained from 8:00 to 9:00:05 on two inputs; omar's failed; a child iteration is no run."""
    found = said("runs.json")
    trained, failed = of(found, Run)
    assert (trained.state, trained.ended) == (RunState.COMPLETE, parse("2026-02-02T09:00:05Z"))
    assert trained.actor == ("actor", "mlrun", "ines")
    assert [(use.key.name, use.version) for use in trained.inputs] == [
        ("prep_cleaned", PREP),
        ("raw/", ""),
    ]
    assert (failed.state, failed.actor) == (RunState.FAIL, ("actor", "mlrun", "omar"))
    (made,) = [link for link in of(found, Link) if link.type is Relation.PRODUCED]
    assert made.target == ("model-version", "mlrun/shop", f"clf/{TREE}")


def test_no_secret_is_shown():
    """Passwords stand in parameters, variables and the arguments of a route."""
    assert "hunter2" not in repr([said(path.name) for path in SAMPLES.iterdir()])


def test_only_a_function_that_is_ready_was_deployed():
    """functions.json: scorer is ready; draft ended in an error and is only declared; a job serves nothing."""
    found = said("functions.json")
    (seen,) = of(found, Happened)
    assert (seen.type, seen.subject) == ("observe", ("target", "mlrun://mlrun", "shop/shop-scorer"))
    (component,) = seen.workload.components
    assert (component.name, component.claims[0].kind) == ("clf", "model-uri")
    assert seen.workload.platform == "nuclio"
    declared = [fact for fact in of(found, Entity) if fact.attributes.get("declared")]
    assert [fact.key.name for fact in declared] == ["shop/shop-draft"]


def test_with_its_cluster_a_function_is_the_object_there():
    """The function's own name in the cluster is `nuclio_name`."""
    (seen,) = of(said("functions.json", cluster="prod-eu", namespace="ml"), Happened)
    assert seen.subject == ("target", "kubernetes://prod-eu", "ml/nucliofunctions/shop-scorer")


def test_a_model_endpoint_is_a_monitor_and_no_deployment():
    """endpoints.json: the route clf was last asked on 9 February."""
    found = said("endpoints.json")
    (monitor,) = of(found, Entity)
    assert (monitor.key.kind, monitor.attributes["last_request"]) == ("monitor", "2026-02-09T10:05:00Z")
    assert [link.source.name for link in of(found, Link)] == [f"clf/{TREE}"]
    assert of(found, Happened) == []


def test_models_are_found_in_routers_flows_and_runners():
    """The places of mlrun/serving/states.py: routes, steps, the models of a runner."""
    graph = {
        "kind": "flow",
        "steps": {
            "pre": {"kind": "task", "class_name": "Pre", "class_args": {"factor": 2}},
            "ensemble": {
                "kind": "router",
                "routes": {"a": {"class_args": {"model_path": "store://models/p/a:v1"}}},
            },
            "runner": {
                "class_args": {
                    "models": {
                        "b": ["Cls", {"model_path": "s3://m/b"}],
                        "c": {"artifact_uri": "store://models/p/c"},
                    }
                }
            },
        },
    }
    assert [(route.name, route.uri) for route in routes(graph, "g")] == [
        ("a", "store://models/p/a:v1"),
        ("b", "s3://m/b"),
        ("c", "store://models/p/c"),
    ]


def test_data_run_model_and_service_are_one_chain(tmp_path):
    """Imported together: what serves is the version, and behind it the run and the data."""
    with lineage.open(tmp_path / "a.trail") as workspace:
        workspace.import_([SAMPLES])
        (live,) = workspace.live().items
        (graph,) = workspace.trace("kind:target").items
        assert workspace.problems().items == []
    assert (live["model"], live["model_version"], live["platform"]) == ("clf", TREE, "nuclio")
    names = {node["name"] for node in graph["nodes"]}
    assert TREE in names
    assert any("cleaned" in name for name in names)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"kind": "model", "metadata": {"key": ""}, "spec": {"producer": 3}}', "missing-field"),
        (
            '{"kind": "model", "metadata": {"key": "a", "tree": [1], "created": "x"}, "spec": {"producer": {}}}',
            "bad-time",
        ),
        (
            '{"metadata": {"uid": "a"}, "spec": {"handler": 1, "inputs": 3}, "status": {"state": "odd"}}',
            "unknown-status",
        ),
        ('{"metadata": {"uid": ""}, "spec": {"handler": 1}, "status": {"state": ""}}', "missing-field"),
        ('{"kind": "model-endpoint", "metadata": {}, "spec": {}}', "missing-field"),
        ('{"kind": "project", "metadata": {}, "spec": {"artifacts": [3]}}', "bad-value"),
        ('{"a": 1}', "not-mlrun"),
        ("a: [", "malformed-yaml"),
        ("{", "malformed-json"),
    ],
)
def test_a_bad_value_is_a_problem(text, code):
    """Nothing raises, and every record ends as something."""
    found = list(mlrun.read(Record(text.encode(), line=1), Origin("x")))
    assert code in {problem.code for problem in of(found, Problem)}


@pytest.mark.parametrize("text", ['{"artifacts": []}', "[]"])
def test_an_answer_without_items_is_left_out_with_a_reason(text):
    """An empty page is sound and says nothing."""
    assert list(mlrun.read(Record(text.encode()), Origin("x"))) == [Filtered("empty")]


def test_an_endless_graph_ends():
    """A graph as deep as a reader of text allows gives no answer and no failure."""
    graph: dict = {}
    for _ in range(90):
        graph = {"steps": {"s": graph}}
    body = {"kind": "serving", "metadata": {"name": "a", "project": "p"}, "spec": {"graph": graph}}
    assert list(mlrun.read(Record(json.dumps(body).encode()), Origin("x"))) == [Filtered("serves-no-model")]
