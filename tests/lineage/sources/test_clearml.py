"""What do ClearML's tasks, models and datasets prove?

The rules come from the producer's own code: the fields of `Task`, `Script`, `Execution`, `Artifact`, `TaskModels`,
`ParamsItem`, `TaskStatusEnum` and `Model` (clearml/backend_api/services/v2_23/tasks.py and models.py); what an export
and an offline session hold (`Task.export_task`, `Task.import_offline_session` in clearml/task.py); what a dataset is,
and how a task names one it used (`Dataset.__tag`, `__hyperparams_section` in clearml/datasets/dataset.py).
"""

import json
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Entity, Happened, Link, Run, Use
from lineage.model.moment import parse
from lineage.model.naming import dataset
from lineage.model.vocabulary import Relation, RunState
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import clearml

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "clearml"
TASKS = SAMPLES / "tasks.get_all.json"
DATA, TRAIN, FAILED, QUEUED = ("a1" * 16, "b2" * 16, "d4" * 16, "e5" * 16)
BASE, PRICER = "c0" * 16, "c3" * 16


def said(path: Path, **labels: str) -> list:
    """Everything that a file states."""
    origin = Origin(str(path), labels, path.parent.name)
    found = []
    for record in clearml.records(file_input(path), origin):
        found += [record] if isinstance(record, Problem) else list(clearml.read(record, origin))
    return found


def of(facts: list, kind: type) -> list:
    """Those of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


def runs() -> dict[str, Run]:
    """The tasks of the sample, by id."""
    return {fact.key.name: fact for fact in of(said(TASKS), Run)}


@pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.name)
def test_every_form_is_recognised_and_read_whole(path):
    """Answers with and without envelope, an offline session and a list of datasets: all of ClearML, no problem."""
    source, confidence = recognise(sample_of(file_input(path)))
    assert (source.NAME, confidence > 0.9) == ("clearml", True)
    problems = of(said(path), Problem)
    assert problems == []


@pytest.mark.parametrize(
    "text", ['{"id": 1, "type": "x", "name": "y"}', '{"models": []}', "[]", "models: []"]
)
def test_what_is_no_clearml_is_left_to_others(text):
    """Objects that have an id and a type are everywhere."""
    assert clearml.recognises(Sample("x.json", text.encode())) == 0


def test_a_training_task_says_who_when_and_what_it_used_and_made():
    """tasks.get_all.json, the second: Ines Prado, 2 February 08:00:05 to 09:00, dataset a1..., base in, pricer out."""
    run = runs()[TRAIN]
    assert (run.state, run.started, run.ended) == (
        RunState.COMPLETE,
        parse("2026-02-02T08:00:05Z"),
        parse("2026-02-02T09:00:00Z"),
    )
    assert run.actor == ("actor", "clearml", "Ines Prado")
    assert run.job == ("job", "clearml", "shop")
    assert run.inputs == (Use(dataset("clearml/datasets", DATA), DATA),)
    assert run.attributes["params"] == {"Args/db_password": "(withheld)", "Args/lr": "0.1"}
    assert run.attributes["metrics"] == {"acc/val": 0.93}
    assert run.attributes["code"] == {
        "repository": "https://git.example/shop.git",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "branch": "main",
        "entry_point": "train.py",
        "uncommitted": True,
    }
    assert run.parent is None, "a clone has the task it was cloned from as its parent"
    links = [link for link in of(said(TASKS), Link) if link.run and link.run.name == TRAIN]
    assert {(link.type, link.source.name, link.target.name) for link in links} == {
        (Relation.INPUT, BASE, TRAIN),
        (Relation.PRODUCED, TRAIN, PRICER),
    }


def test_no_secret_of_a_task_is_shown():
    """A password stands in the diff, the container's arguments, a parameter and the repository's address."""
    assert "hunter2" not in repr(said(TASKS))
    assert "s3cr3t" not in repr(said(TASKS))


def test_a_failed_task_ended_somewhen_before_its_state_was_seen():
    """The third has no end; it failed between its start and the change of its state. The fourth only waits."""
    failed, queued = runs()[FAILED], runs()[QUEUED]
    assert failed.state is RunState.FAIL
    assert (failed.at.lo, failed.at.hi) == (
        parse("2026-02-03T08:00:05Z").lo,
        parse("2026-02-03T08:30:00Z").hi,
    )
    assert failed.ended is None
    assert failed.attributes["status_message"] == "out of memory"
    assert failed.job == ("job", "clearml/projects", "p-1")
    assert (queued.state, queued.started) == (RunState.OTHER, None)


def test_a_dataset_is_one_thing_and_its_ids_are_its_versions():
    """The first task has the system tag `dataset`: it wrote version 1.0.1 of shop/prices, known by its id elsewhere."""
    found = said(TASKS)
    assert runs()[DATA].outputs == (Use(dataset("clearml/datasets", DATA), DATA),)
    (entity,) = [fact for fact in of(found, Entity) if fact.key.kind == "dataset"]
    assert entity.key == ("dataset", "clearml/datasets", "shop/prices")
    assert entity.attributes["versions"] == [
        {"version": DATA, "number": "1.0.1", "created_at": "2026-02-01T08:00:00Z"}
    ]
    assert Alias(dataset("clearml/datasets", DATA), entity.key, "clearml-dataset-id") in found
    assert [fact.key for fact in of(said(SAMPLES / "datasets.json"), Entity)] == [entity.key]


def test_a_published_model_is_registered_and_not_deployed():
    """models.json: pricer of task b2... is ready and lies in S3; being published is no deployment."""
    found = said(SAMPLES / "models.json")
    pricer = next(fact for fact in of(found, Entity) if fact.key.name == PRICER)
    assert pricer.attributes["model"] == "pricer"
    assert pricer.attributes["storage_location"] == "s3://files/shop/train/models/pricer.pt"
    assert (pricer.attributes["published"], pricer.attributes["run_id"]) == (True, TRAIN)
    assert pricer.attributes["tags"] == {"git_commit": "0123456789abcdef"}
    assert {(fact.type, fact.actor) for fact in of(found, Happened)} == {
        ("register", ("actor", "clearml", "u-7"))
    }


def test_an_offline_session_has_neither_user_nor_time():
    """task.json: that it ran is all; nobody and no time are made up."""
    (run,) = of(said(SAMPLES / "task.json"), Run)
    assert (run.actor, run.started, run.ended, run.state) == (None, None, None, RunState.OTHER)
    assert run.attributes["offline"]
    assert run.attributes["params"] == {"General/C": "0.1"}


def test_dataset_task_and_model_are_one_chain(tmp_path):
    """Imported in any order: the dataset by its name, the run, the model, and a service that reads its file."""
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "p",
            "namespace": "shop",
            "creationTimestamp": "2026-03-01T00:00:00Z",
            "uid": "1",
        },
        "spec": {"predictor": {"model": {"storageUri": "s3://files/shop/train/models/pricer.pt"}}},
    }
    (tmp_path / "p.json").write_text(json.dumps(service))
    with lineage.open(tmp_path / "a.trail") as workspace:
        workspace.import_([tmp_path / "p.json", SAMPLES], labels={})
        (live,) = workspace.live().items
        (graph,) = workspace.trace("kind:target").items
    assert (live["model"], live["model_version"]) == ("pricer", PRICER)
    shown = {node["name"] for node in graph["nodes"]}
    assert shown >= {"shop/prices", TRAIN, PRICER, BASE}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"script": {}, "hyperparams": {}}', "missing-field"),
        ('{"id": {"a": 1}, "script": {}, "hyperparams": {}}', "missing-field"),
        ('{"id": "x", "script": 7, "hyperparams": {"a": [1], "Datasets": "z"}}', "bad-value"),
        ('{"id": "x", "script": {}, "hyperparams": {}, "started": "then"}', "bad-time"),
        ('{"id": "x", "script": {}, "hyperparams": {}, "status": "fine"}', "unknown-status"),
        ('{"id": "x", "script": {}, "hyperparams": {}, "models": {"input": [3], "output": {}}}', "bad-value"),
        ('{"id": "x", "uri": "u", "ready": 1, "framework": "", "metadata": [[1]]}', "bad-value"),
        ('{"data": {"tasks": [3]}}', "bad-value"),
        ('{"tasks": 3}', "bad-value"),
        ('{"a": 1}', "not-clearml"),
        ("[1]", "not-an-object"),
        ("{", "malformed-json"),
    ],
)
def test_a_bad_value_is_a_problem(text, code):
    """Nothing raises, and every record ends as something."""
    found = list(clearml.read(Record(text.encode(), line=1), Origin("x")))
    assert code in {problem.code for problem in of(found, Problem)}


def test_an_export_of_several_lists_loses_none(tmp_path):
    """Tasks and models in one object of somebody's own making: both are read."""
    models = json.loads((SAMPLES / "models.json").read_text())["models"]
    tasks = json.loads(TASKS.read_text())["data"]["tasks"]
    (tmp_path / "all.json").write_text(json.dumps({"tasks": tasks, "models": models}))
    found = said(tmp_path / "all.json")
    assert {fact.key.name for fact in of(found, Run)} == {DATA, TRAIN, FAILED, QUEUED}
    assert {fact.key.name for fact in of(found, Entity)} >= {BASE, PRICER}


def test_an_answer_without_items_is_left_out_with_a_reason():
    """An empty page is sound and says nothing."""
    assert list(clearml.read(Record(b'{"meta": {}, "data": {"tasks": []}}'), Origin("x"))) == [
        Filtered("empty")
    ]


def test_the_offline_session_of_another_producer(corpus):
    """ClearML 2.1.12 wrote it: `jq .id,.name,.hyperparams.General.C.value,.script.entry_point offline-task.json`."""
    path = corpus / "ml" / "clearml" / "offline-task.json"
    assert recognise(sample_of(file_input(path)))[0].NAME == "clearml"
    found = said(path)
    (run,) = of(found, Run)
    assert of(found, Problem) == []
    assert run.key == ("run", "clearml", "offline-b14172ce72774d8b8710cf87b2b55e90")
    assert run.job == ("job", "clearml", "churn")
    assert run.attributes["params"] == {"General/C": "0.1"}
    assert run.attributes["code"] == {"entry_point": "r.py", "working_dir": ".", "uncommitted": True}
    assert (run.actor, run.started) == (None, None)
