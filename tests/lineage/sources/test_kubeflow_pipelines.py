import base64
import gzip
import json
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Entity, Key, Link, Run, Use
from lineage.model.moment import parse
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import kubeflow_pipelines
from lineage.text import dumps

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "kubeflow_pipelines"
ORIGIN = Origin("saved", {"instance": "school"})
PIPELINES = "kubeflow-pipelines:school"
V1 = "5f6a7b8c-0000-4000-8000-000000000001"
WORKFLOW = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "a"}}
V2 = "6a7b8c9d-0000-4000-8000-00000000000"


def said(given):
    """Everything an input says; the record alone has to say it."""
    found = []
    for record in kubeflow_pipelines.records(given, ORIGIN):
        if isinstance(record, Problem):
            found.append(record)
            continue
        stated = list(kubeflow_pipelines.read(Record(record.raw), ORIGIN))
        assert stated, f"{record.row} ends as nothing"
        found += stated
    return found


def sample(name):
    """What a sample file says."""
    return said(file_input(SAMPLES / name))


def of(found, kind):
    """What was said of one kind."""
    return [fact for fact in found if isinstance(fact, kind)]


def runs(found):
    """The runs by the end of their job's name and their own number."""
    return {f"{run.job.name}|{run.key.name.rpartition('/')[2]}": run for run in of(found, Run)}


def run_key(name):
    """The key of a run of the pipeline service or one of its tasks."""
    return Key("run", "kubeflow-pipelines", name)


def place(uri):
    """The key of a dataset by its URI."""
    store, _, name = uri.partition("://")[2].partition("/")
    return Key("dataset", f"{uri.partition('://')[0]}://{store}", name)


def written(tmp_path, value, name="saved.json"):
    """A saved answer."""
    path = tmp_path / name
    path.write_bytes(value if isinstance(value, bytes) else dumps(value))
    return file_input(path)


def test_a_v1_run_is_its_workflow_with_steps_and_artifacts():
    """run-v1.json: the name from the annotation, the id from the run, keys in the workflow's artifact repository."""
    found = sample("run-v1.json")
    by_name = runs(found)

    whole = by_name[f"marks|{V1}"]
    assert whole.key == run_key(V1)
    assert whole.job == Key("job", PIPELINES, "marks")
    assert (str(whole.state), whole.started, whole.ended) == (
        "complete",
        parse("2026-02-01T06:00:01Z"),
        parse("2026-02-01T06:10:00Z"),
    )
    assert whole.actor is None
    assert whole.attributes["service_account"] == "pipeline-runner"
    assert whole.attributes["params"] == {"rounds": "10"}
    load, fit = by_name["marks.load|n-load"], by_name["marks.fit|n-fit"]
    table = place("s3://school-pipelines/artifacts/marks-x7k2p/load/table.tgz")
    assert load.inputs == (Use(place("gs://school-raw/essays.csv")),)
    assert load.outputs == fit.inputs == (Use(table),)
    assert load.parent == whole.key
    assert whole.inputs == load.inputs
    assert whole.outputs == ()


def test_what_never_ran_did_not_fail_and_made_nothing():
    """Skipped and Omitted in Argo, SKIPPED in the API: state other; a cached task is complete."""
    found = [*sample("run-v1.json"), *sample("workflows.yaml"), *sample("runs-v2.json")]
    by_name = runs(found)
    for name in ("marks.report|n-report", "school/grade.alert|grade-5", "essays.score|t4"):
        never = by_name[name]
        assert (str(never.state), never.inputs, never.outputs) == ("other", (), ()), name
        assert never.attributes["skipped"] is True
    cached = by_name["essays.train|t7"]
    assert (str(cached.state), cached.attributes["cached"]) == ("complete", True)


def test_an_attempt_that_was_retried_is_no_failed_step():
    """grade-3 failed and grade-4 did not: the step grade-2 is complete, with two attempts, and what they read."""
    by_name = runs(sample("workflows.yaml"))

    assert not {name for name in by_name if name.endswith(("grade-3", "grade-4"))}
    fit = by_name["school/grade.fit|grade-2"]
    assert (str(fit.state), fit.attributes["attempts"]) == ("complete", 2)
    assert fit.inputs == (Use(place("s3://school/essays/2026-02")),)
    assert fit.outputs == (Use(place("s3://school/models/fit/1")),)


def test_who_submitted_a_workflow_is_known_where_argo_notes_it():
    """The label creator-email, with `.at.` for `@`; a workflow that was stopped was aborted and did not fail."""
    whole = {run.key.name: run for run in of(sample("workflows.yaml"), Run) if run.parent is None}

    grade = whole["9a000000-0000-4000-8000-000000000002"]
    assert grade.actor == Key("actor", "argo", "ida.frey@school.example")
    assert grade.attributes["cron-workflow"] == "grade"
    adhoc = whole["9a000000-0000-4000-8000-000000000003"]
    assert (adhoc.job.name, str(adhoc.state), adhoc.actor) == ("school/adhoc", "abort", None)


def test_a_schedule_defines_a_job_and_runs_nothing():
    """The CronWorkflow of workflows.yaml is of the same name as the job of its workflow."""
    found = sample("workflows.yaml")
    defined = [fact for fact in of(found, Entity) if "schedule" in fact.attributes]
    assert [(fact.key.name, fact.attributes) for fact in defined] == [
        (
            "school/grade",
            {
                "templates": ["fit"],
                "images": ["registry.school.example/fit:3"],
                "schedule": "0 10 * * *",
                "timezone": "Europe/Oslo",
            },
        )
    ]
    assert len([run for run in of(found, Run) if run.parent is None]) == 2


def test_a_v2_run_lists_its_tasks_with_artifacts_by_id():
    """runs-v2.json, the first run: root, driver and executor are the service's own; secrets are withheld."""
    found = sample("runs-v2.json")
    by_name = runs(found)

    train = by_name["essays.train|t3"]
    artifacts = f"{PIPELINES}/artifacts"
    assert train.inputs == (Use(Key("dataset", artifacts, "11")),)
    assert train.outputs == (Use(Key("dataset", artifacts, "12")),)
    assert train.attributes["execution_id"] == "41"
    whole = by_name[f"essays|{V2}2"]
    assert whole.attributes["params"] == {"rounds": 5, "api_token": "(withheld)"}
    assert whole.started == parse("2026-03-01T07:00:00Z")
    assert {run.key.name for run in of(found, Run) if run.parent == whole.key} == {f"{V2}2/t3", f"{V2}2/t4"}


def test_artifacts_in_full_make_the_model_a_version():
    """The second run: artifact a2 of type Model, made by t7 and read by t8, whose own output was never finished."""
    found = sample("runs-v2.json")
    model = Key("model-version", PIPELINES, "essays/grader/a2")

    version = next(fact for fact in of(found, Entity) if fact.key == model)
    assert version.attributes["storage_location"] == "s3://school/models/grader/kfp-3"
    links = {(str(link.type), link.source.name, link.target.name) for link in of(found, Link)}
    assert ("produced", f"{V2}3/t7", "essays/grader/a2") in links
    assert ("input", "essays/grader/a2", f"{V2}3/t8") in links
    failed = runs(found)["essays.score|t8"]
    assert (str(failed.state), failed.outputs) == ("fail", ())
    assert runs(found)[f"essays|{V2}3"].attributes["message"] == "out of memory"


def test_a_run_that_goes_on_has_no_end():
    """The third run says it finished in 1970."""
    goes_on = runs(sample("runs-v2.json"))[f"p-9|{V2}4"]
    assert (str(goes_on.state), goes_on.ended) == ("running", None)


def test_artifacts_are_the_data_at_their_place():
    """artifacts.json gives the ids that tasks name their URIs."""
    found = sample("artifacts.json")
    assert {(fact.key.name, fact.other) for fact in of(found, Alias)} == {
        ("11", place("s3://school/essays/2026-02")),
        ("12", place("s3://school-pipelines/v2/essays/train/model")),
    }


def test_a_compiled_pipeline_defines_steps_and_what_they_import():
    """compiled.yaml: through a loop; an importer's constant is declared input; the platform's document says nothing."""
    found = sample("compiled.yaml")

    entities = {fact.key.name: fact.attributes for fact in of(found, Entity)}
    assert entities["essays-yearly"] == {
        "sdk": "kfp-2.7.0",
        "schema": "2.1.0",
        "steps": ["importer", "train"],
        "images": ["registry.school.example/train:7"],
        "params": {"rounds": "5.0"},
    }
    assert entities["essays-yearly.train"]["image"] == "registry.school.example/train:7"
    (imported,) = [link for link in of(found, Link) if str(link.type) == "input"]
    assert (imported.source, str(imported.basis)) == (place("s3://school/essays/2026-02"), "declared")
    assert of(found, Run) == []
    assert of(found, Filtered) == [Filtered("platform-spec")]


def test_lineage_leads_from_the_model_through_its_steps_to_the_data(tmp_path):
    """Everything in one workspace: above the model that task t3 made lie the essays, by way of the artifacts' ids."""
    with lineage.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([SAMPLES])
        above = workspace.trace("v2/essays/train/model", up=5).items
        assert workspace.problems().items == []
    text = json.dumps(above)
    assert "essays/2026-02" in text
    assert "essays.train" in text or "t3" in text


def test_recognised_by_content_and_dumps_are_left_to_their_reader(tmp_path):
    """A list with a served model beside a workflow is a dump; audit logs and Argo CD's objects are others' too."""
    for path in SAMPLES.iterdir():
        assert recognise(sample_of(file_input(path)))[0].NAME == "kubeflow-pipelines", path.name
    workflow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "a"}}
    served = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "b"},
    }
    listed = dumps({"apiVersion": "v1", "kind": "List", "items": [workflow, served]})
    assert recognise(Sample("all.json", listed))[0].NAME == "kubernetes-dump"
    assert (
        kubeflow_pipelines.recognises(Sample("x.json", dumps({"auditID": "1", "requestObject": workflow})))
        == 0
    )
    application = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a"}}
    assert kubeflow_pipelines.recognises(Sample("x.json", dumps(application))) == 0
    mlflow = b'{"runs": [{"info": {"run_id": "1", "experiment_id": "2", "status": "FINISHED"}}]}'
    assert kubeflow_pipelines.recognises(Sample("runs.json", mlflow)) == 0


def test_steps_that_argo_packed_are_unpacked(tmp_path):
    """`compressedNodes` is gzip in base64; what cannot be unpacked is said."""
    node = {"n": {"id": "n", "type": "Pod", "templateName": "fit", "phase": "Succeeded"}}
    packed = base64.b64encode(gzip.compress(dumps(node))).decode()
    for text, number in ((packed, 1), (packed[:40], 0), ("???", 0)):
        body = {**WORKFLOW, "status": {"phase": "Succeeded", "compressedNodes": text}}
        found = said(written(tmp_path, body))
        assert len([run for run in of(found, Run) if run.parent is not None]) == number
        assert [problem.code for problem in of(found, Problem)] == ([] if number else ["steps-not-shown"])


def test_a_manifest_that_nobody_applied_is_no_run(tmp_path):
    """Without a status, or with the empty one that compilers write, it is the definition of a job."""
    body = b"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\n  generateName: tidy-\nspec: {}\n"
    body += b"status:\n  finishedAt: null\n  startedAt: null\n"
    found = said(written(tmp_path, body, "tidy.yaml"))
    assert [fact.key.name for fact in of(found, Entity)] == ["default/tidy"]
    assert of(found, Run) == []


@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b"[]",
        b"null",
        b"a: &a [*a]",
        b"\xff\xfe{",
        {"runs": None},
        {"runs": [None, 1, {"run_id": None, "state_history": 3}]},
        {
            "run_id": "1",
            "run_details": {"task_details": [None, {"inputs": [1], "outputs": {"a": {"artifact_ids": 4}}}]},
        },
        {
            "run_id": "1",
            "runtime_config": {"parameters": [1]},
            "tasks": [{"state": {}, "start_time": "soon"}],
        },
        {
            "run": {"id": "1", "pipeline_spec": {"workflow_manifest": "{"}},
            "pipeline_runtime": {"workflow_manifest": "- ["},
        },
        {"id": {"a": 1}, "pipeline_spec": 7},
        {"artifact_id": None},
        {"artifact_id": "1", "uri": {"a": 1}, "created_at": "9999-99-99"},
        {"pipelineInfo": {"name": None}, "root": []},
        {**WORKFLOW, "metadata": None, "status": {"nodes": [1]}},
        {
            **WORKFLOW,
            "status": {
                "phase": "Odd",
                "nodes": {
                    "a": None,
                    "b": {"type": "Retry", "children": ["b", "c", None]},
                    "d": {"type": "Pod", "inputs": 5, "memoizationStatus": {"hit": {}}},
                },
            },
        },
    ],
)
def test_hostile_records_are_problems_at_most(tmp_path, value):
    """Whatever stands there, each record ends as something and nothing is raised."""
    said(written(tmp_path, value))


def test_a_graph_that_contains_itself_ends(tmp_path):
    """Two components whose graphs hold each other, many times over."""
    tasks = {f"t{number}": {"componentRef": {"name": "comp-b"}} for number in range(50)}
    back = {f"u{number}": {"componentRef": {"name": "comp-a"}} for number in range(50)}
    spec = {
        "pipelineInfo": {"name": "loop"},
        "root": {"dag": {"tasks": {"a": {"componentRef": {"name": "comp-a"}}}}},
        "components": {"comp-a": {"dag": {"tasks": tasks}}, "comp-b": {"dag": {"tasks": back}}},
    }
    found = said(written(tmp_path, spec))
    assert [fact.key.name for fact in of(found, Entity)] == ["loop"]
