"""What do Nuclio functions and the MLRun graphs in them prove, as exported objects and as calls of the API?

The rules come from the producers' own code: the custom resource and its states (nuclio, pkg/platform/kube/apis and
pkg/functionconfig/types.go), the labels of what the controller makes of it (`nuclio.io/function-name`), MLRun's serving
specification in `SERVING_SPEC_ENV` (mlrun/runtimes/nuclio/serving.py), version 1's `SERVING_MODEL_<name>`.
"""

import copy
import json
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Happened
from lineage.model.moment import parse
from lineage.model.vocabulary import Outcome
from lineage.source import Filtered, Origin, Problem, Record, recognise
from lineage.sources import kubernetes_audit, kubernetes_dump

ROOT = Path(__file__).resolve().parents[2] / "sources"
DUMP = ROOT / "kubernetes_dump" / "nuclio.json"
ORIGIN = Origin("x.json", {"cluster": "prod-eu"}, "x")
TREE = "5f2c" * 8
OBJECTS = {item["metadata"]["name"]: item for item in json.loads(DUMP.read_text())["items"]}


def said(body: dict) -> list:
    """What one exported object states."""
    return list(kubernetes_dump.read(Record(json.dumps(body).encode()), ORIGIN))


def of(facts: list, kind: type) -> list:
    """Those of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


def called(body: dict, verb: str = "update", second: int = 0, code: int = 200) -> dict:
    """A call of the API server about a function."""
    meta = body["metadata"]
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": f"a-{meta['name']}-{verb}-{second}",
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": "ines@example.com"},
        "objectRef": {
            "resource": "nucliofunctions",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "apiGroup": "nuclio.io",
            "apiVersion": "v1beta1",
        },
        "responseStatus": {"code": code},
        "requestObject": None if verb == "delete" else body,
        "requestReceivedTimestamp": f"2026-02-04T10:00:{second:02d}.000000Z",
    }


def audited(event: dict) -> list:
    """What one call states."""
    return list(kubernetes_audit.read(Record(json.dumps(event).encode()), ORIGIN))


def test_functions_are_recognised():
    """By their kind and API group, as other objects that serve."""
    assert recognise(sample_of(file_input(DUMP)))[0].NAME == "kubernetes-dump"


def test_a_ready_function_serves_the_models_of_its_graph():
    """shop-scorer: two routes; the image and the amounts are the function's, whose own name is the target's."""
    (seen,) = of(said(OBJECTS["shop-scorer"]), Happened)
    assert seen.subject == ("target", "kubernetes://prod-eu", "mlrun/nucliofunctions/shop-scorer")
    assert seen.workload.platform == "nuclio"
    parts = {component.name: component for component in seen.workload.components}
    assert parts.keys() == {"clf", "old", "function"}
    assert parts["clf"].uri == f"store://models/shop/clf#0:latest@{TREE}"
    assert parts["clf"].claims[0].where == "spec.env[1].value.graph.routes.clf.class_args.model_path"
    assert parts["old"].uri == "s3://mlrun/shop/models/old/"
    assert parts["function"].image == "registry.example/shop-scorer:latest"
    assert seen.workload.resources == {"cpu": "500m", "min_replicas": "1", "max_replicas": "4"}


def test_no_secret_of_a_graph_or_a_variable_is_kept():
    """Passwords stand in a variable, in the graph's arguments, in its secret sources and in a broken graph."""
    assert "hunter2" not in repr([said(body) for body in OBJECTS.values()])
    assert "hunter2" not in repr(audited(called(OBJECTS["shop-scorer"])))


def test_a_function_without_a_model_and_a_copy_of_one_are_left_out():
    """Nuclio runs anybody's code; the Deployment that its controller made is told by the function already."""
    assert said(OBJECTS["etl"]) == [Filtered("no-model-evidence")]
    assert said(OBJECTS["nuclio-shop-scorer"]) == [Filtered("owned-by")]


def test_a_function_that_is_being_built_serves_nothing_yet():
    """shop-new is building: a thing that is there, and no deployment, neither in an export nor in a call."""
    found = said(OBJECTS["shop-new"])
    assert of(found, Happened) == []
    assert [fact.attributes["declared"] for fact in of(found, Entity)] == [True]
    assert audited(called(OBJECTS["shop-new"])) == [Filtered("serves-nothing-yet")]


def test_a_model_a_variable_and_a_function_that_is_off():
    """shop-v1 has SERVING_MODEL_m1 and sleeps, ready to serve; shop-off is disabled and gets no traffic."""
    (asleep,) = of(said(OBJECTS["shop-v1"]), Happened)
    assert next((part.name, part.uri, part.weight) for part in asleep.workload.components) == (
        "m1",
        "s3://mlrun/shop/models/m1/",
        None,
    )
    (off,) = of(said(OBJECTS["shop-off"]), Happened)
    assert {part.weight for part in off.workload.components} == {0.0}


def test_a_broken_graph_is_a_problem_with_its_field_and_without_its_text():
    """What cannot be read might hold secrets, so it is not repeated."""
    found = said(OBJECTS["shop-bad"])
    assert [(problem.field, problem.value, problem.fatal) for problem in of(found, Problem)] == [
        ("spec.env[0].value", "", False)
    ]
    assert len(of(found, Happened)) == 1


def test_a_graph_that_lies_elsewhere_is_a_service_of_an_unknown_model():
    """MLRun mounts a long graph from a ConfigMap: that something is served is known, what is not."""
    mount = {
        "volume": {"configMap": {"name": "serving-conf-x"}},
        "volumeMount": {"mountPath": "/tmp/mlrun/serving-conf"},
    }
    (seen,) = of(said({**OBJECTS["etl"], "spec": {"image": "x:1", "volumes": [mount]}}), Happened)
    assert [part.uri for part in seen.workload.components] == [""]


@pytest.mark.parametrize(
    "spec",
    [
        {"env": 3},
        {"env": [3, {"name": ["SERVING_SPEC_ENV"]}, {"name": "SERVING_SPEC_ENV", "value": 7}]},
        {},
        None,
    ],
)
def test_odd_specifications_end_as_something(spec):
    """Nothing raises."""
    assert said({**OBJECTS["shop-scorer"], "spec": spec})


def test_a_call_says_who_deployed_and_who_deleted():
    """An update, a denied one and a deletion by ines@example.com."""
    (told,) = of(audited(called(OBJECTS["shop-scorer"])), Happened)
    assert (told.type, told.actor[2], told.outcome) == ("apply", "ines@example.com", Outcome.DONE)
    assert told.at == parse("2026-02-04T10:00:00Z")
    (denied,) = of(audited(called(OBJECTS["shop-scorer"], code=403)), Happened)
    assert denied.outcome is Outcome.DENIED
    (gone,) = of(audited(called(OBJECTS["shop-scorer"], verb="delete")), Happened)
    assert (gone.type, gone.workload) == ("delete", None)


def test_the_end_of_a_function_that_served_nothing_is_no_deployment(tmp_path):
    """A deletion does not say what the function was: it ends what is known to have served, and nothing else."""
    path = tmp_path / "audit.log"
    calls = [
        called(OBJECTS["shop-scorer"]),
        called(OBJECTS["shop-scorer"], verb="delete", second=30),
        called(OBJECTS["etl"], verb="delete", second=40),
    ]
    path.write_text("".join(json.dumps(event) + "\n" for event in calls))
    with lineage.open(tmp_path / "a.trail") as workspace:
        workspace.import_([path], labels={"cluster": "prod-eu"})
        register = workspace.deployments().items
        assert workspace.live().items == []
    shown = [(item["action"], item["target"], item["ended_at"]) for item in register]
    assert ("deploy", "prod-eu/mlrun/shop-scorer", "2026-02-04T10:00:30Z") in shown
    assert [action for action, target, _ in shown if "etl" in target] == []


def test_build_configuration_and_status_make_one_episode(tmp_path):
    """The dashboard writes the function while it builds, then with its image; the controller writes its states.

    MLRun's export beside it names the version; the episode begins with the first object that can serve.
    """
    whole = OBJECTS["shop-scorer"]
    calls = []
    for second, state in enumerate(
        ("building", "waitingForResourceConfiguration", "configuringResources", "ready")
    ):
        body = copy.deepcopy(whole)
        body["status"]["state"] = state
        if state == "building":
            body["spec"].pop("image")
        calls.append(called(body, second=second))
    path = tmp_path / "audit.log"
    path.write_text("".join(json.dumps(event) + "\n" for event in calls))
    with lineage.open(tmp_path / "a.trail") as workspace:
        workspace.import_([path], labels={"cluster": "prod-eu"})
        workspace.import_([ROOT / "mlrun" / "artifacts.json"])
        (episode,) = workspace.deployments().items
    assert (episode["platform"], episode["target"]) == ("nuclio", "prod-eu/mlrun/shop-scorer")
    assert episode["deployed_at"] == "2026-02-04T10:00:01Z"
    assert {(model["model"], model["version"], model["component"]) for model in episode["models"]} == {
        ("clf", TREE, "clf"),
        ("clf", "1a1a" * 8 + "-3", "old"),
    }
