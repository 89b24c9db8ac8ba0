import json
import sqlite3
from pathlib import Path

import pytest

import lineage
from lineage.inputs import FolderInput, file_input, sample_of
from lineage.model.facts import Alias, Coverage, Entity, Happened, Key, Link
from lineage.model.moment import exactly
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import kubeflow_registry, mlflow_rest, mlmd
from lineage.text import dumps

SAMPLES = Path(__file__).resolve().parents[2] / "sources"
ANSWERS = SAMPLES / "kubeflow_registry" / "answers"
CALLS = SAMPLES / "kubeflow_registry" / "calls.jsonl"
ORIGIN = Origin("saved", {"instance": "school"})


def said(given, source=kubeflow_registry, origin=ORIGIN):
    """Everything an input says, each with the row of its record; the record alone has to say it."""
    found = []
    for record in source.records(given, origin):
        if isinstance(record, Problem):
            found.append(("", record))
            continue
        stated = list(source.read(Record(record.raw, row=record.row), Origin("elsewhere")))
        assert stated, f"{record.row} ends as nothing"
        found += [(record.row, fact) for fact in stated]
    return found


def of(found, kind):
    """What was said of one kind."""
    return [fact for _, fact in found if isinstance(fact, kind)]


def written(tmp_path, value, name="model_versions.json"):
    """A saved answer."""
    path = tmp_path / name
    path.write_bytes(value if isinstance(value, bytes) else dumps(value))
    return file_input(path)


@pytest.fixture
def database(tmp_path):
    """The database that the saved answers were made of."""
    path = tmp_path / "metadata.sqlite"
    connection = sqlite3.connect(path)
    for script in ("schema.sql", "registry.sql"):
        connection.executescript((SAMPLES / "mlmd" / script).read_text(encoding="utf-8"))
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def folder():
    """What the folder of saved answers says."""
    return said(FolderInput(ANSWERS, "answers"))


def test_answers_and_database_say_the_same(database, folder):
    """Every entity, link, alias and happening of models, versions, services and environments, key by key."""
    rows = said(file_input(database), mlmd)
    skipped = {"job", "run", "dataset"}

    def shape(found):
        entities = {
            (fact.key, dumps(fact.attributes), fact.created, fact.listing)
            for fact in of(found, Entity)
            if fact.key.kind not in skipped and fact.attributes.keys() - {"uri", "storage_location"}
        }
        others = {
            repr(fact)
            for kind in (Link, Alias, Happened)
            for fact in of(found, kind)
            if "experiment" not in repr(fact)
        }
        return entities, others

    assert shape(folder) == shape(rows)
    keys = {fact.key for fact in of(folder, Entity)}
    assert Key("model-version", "kubeflow:school", "grader/v2") in keys
    assert Key("target", "kubeflow-registry://school", "school/inferenceservices/grader-api") in keys


def test_an_answer_by_itself_calls_things_by_their_ids(tmp_path):
    """A list of versions does not name their models: the key is the id, the attributes say whose version it is."""
    found = said(file_input(ANSWERS / "model_versions.json"))
    entities = {fact.key: fact for fact in of(found, Entity)}

    second = entities[Key("model-version", "kubeflow:school/model-versions", "3")]
    assert second.attributes["registered_model_id"] == "1"
    assert second.attributes["version"] == "v2"
    assert second.created == exactly(1_772_442_000_000_000)
    assert of(found, Coverage) == []


def test_calls_tell_what_was_shown_whole_and_when():
    """Both pages of the models were asked for, the services only as narrowed; the calls are dated."""
    found = said(file_input(CALLS))

    shown = {fact.listing: fact for fact in of(found, Coverage)}
    assert set(shown) == {"kubeflow:school/registered-models", "kubeflow:school/model-versions"}
    assert shown["kubeflow:school/registered-models"].detail == {"count": 2}
    assert all(fact.until == exactly(1_772_524_800_000_000) for fact in shown.values())
    assert sorted(fact.reason for fact in of(found, Filtered)) == [
        "call-not-relevant",
        "http-404",
        "metric-parameter-or-document",
    ]
    (failed,) = of(found, Problem)
    assert (failed.code, failed.line) == ("call-failed", 10)


def test_a_serve_model_without_its_service_and_an_artifact_without_its_version_are_left_out(tmp_path):
    """The answer names neither, and no path does."""
    serving = {
        "id": "1",
        "modelVersionId": "2",
        "lastKnownState": "RUNNING",
        "createTimeSinceEpoch": "1772355720000",
    }
    artifact = {
        "id": "1",
        "artifactType": "model-artifact",
        "uri": "s3://a/b",
        "createTimeSinceEpoch": "1772355720000",
    }
    found = said(written(tmp_path, [serving, artifact], "saved.json"))
    assert [fact.reason for fact in of(found, Filtered)] == ["service-not-named", "version-not-named"]


def test_several_collections_in_one_object_know_each_other(tmp_path):
    """By the names of the collections, as the paths have them."""
    everything = {
        name: json.loads((ANSWERS / f"{name}.json").read_bytes())
        for name in ("registered_models", "model_versions", "serving_environments")
    }
    found = said(written(tmp_path, everything, "registry.json"))
    keys = {fact.key.name for fact in of(found, Entity)}
    assert keys == {"grader", "old-grader", "grader/v1", "grader/v2", "school"}


def test_a_folder_of_answers_is_read_as_one_and_its_deployment_found(tmp_path):
    """A KServe object with the labels of model 1 and version 3 is grader v2, be every answer a file of its own."""
    live = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "grader-api",
            "namespace": "school",
            "uid": "0b0e3f52-0000-4000-8000-000000000001",
            "creationTimestamp": "2026-03-03T10:00:00Z",
            "labels": {
                "modelregistry.kubeflow.org/registered-model-id": "1",
                "modelregistry.kubeflow.org/model-version-id": "3",
            },
        },
        "spec": {"predictor": {"model": {"modelFormat": {"name": "onnx"}, "storageUri": "pvc://models/x"}}},
    }
    (tmp_path / "live.json").write_bytes(dumps(live))
    for names in (["answers"], ["answers/registered_models.json", "answers/model_versions.json"]):
        with lineage.open(tmp_path / f"{len(names)}.trail") as workspace:
            workspace.import_([tmp_path / "live.json", *(ANSWERS.parent / name for name in names)])
            items = workspace.deployments().items
            found = next(item for item in items if item["platform"] == "kserve")
            (model,) = found["models"]
            assert (model["model"], model["version"], model["link_rule"]) == (
                "grader",
                "v2",
                "registry-label",
            )
            assert model["link_confidence"] == "exact"
            assert workspace.problems().items == []


def test_recognised_by_content_and_not_taken_from_others():
    """Each sample is the registry's; MLflow's answers of the same file names are not."""
    for path in [*ANSWERS.iterdir(), CALLS]:
        assert recognise(sample_of(file_input(path)))[0].NAME == "kubeflow-registry", path.name
    listed = tuple(sorted(path.name for path in ANSWERS.iterdir()))
    assert recognise(Sample("answers", listing=listed))[0].NAME == "kubeflow-registry"
    other = b'{"registered_models": [{"name": "a", "creation_timestamp": 1772355600000}]}'
    assert recognise(Sample("registered_models.json", other))[0] is mlflow_rest
    assert (
        kubeflow_registry.recognises(Sample("x", listing=("registered_models.json", "model_versions.json")))
        == 0
    )
    assert kubeflow_registry.recognises(Sample("x", listing=(*listed, "README.md"))) == 0


@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b"[]",
        b"null",
        b'{"items": 5}',
        b'{"items": [null, 3, {"id": null, "createTimeSinceEpoch": "1"}]}',
        b'{"id": "1", "createTimeSinceEpoch": "soon", "state": [], "name": {"a": 1}, "registeredModelId": {}}',
        b'{"id": {"a": 1}, "createTimeSinceEpoch": "-5", "customProperties": [1], "registeredModelId": "1"}',
        b'{"items": [{"id": "1", "createTimeSinceEpoch": "9999999999999999999", "customProperties": {"a": null}}]}',
        b'{"path": "/api/model_registry/v1alpha3/model_versions", "response": "nonsense"}',
        b'{"path": "/api/model_registry/v1alpha3/model_versions", "response": [1], "status": "x"}',
        b'{"path": [], "response": null}',
        b'{"registered_models": 7, "model_versions": [[]]}',
        b"\xff\xfe{",
    ],
)
def test_hostile_answers_are_problems_at_most(tmp_path, value):
    """Whatever stands there, each record ends as something and nothing is raised."""
    said(written(tmp_path, value))
