import hashlib
import os
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Coverage, Entity, Happened, Key, Link, Measured, Run, Use
from lineage.model.moment import exactly
from lineage.source import Filtered, Origin, Problem, Record, recognise
from lineage.sources import mlmd
from lineage.text import dumps, loads

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "mlmd"
CORPUS = Path(
    os.environ.get("MODELTRAIL_CORPUS") or Path(__file__).resolve().parents[4] / "shared" / "corpus"
)
NS = "mlmd:school"
START = 1_769_925_600_000_000
VERSION_TAG = "modelregistry.kubeflow.org/model-version-id"
MODEL_TAG = "modelregistry.kubeflow.org/registered-model-id"


def database(folder, *scripts):
    """A database file made of sample scripts."""
    path = folder / "metadata.sqlite"
    connection = sqlite3.connect(path)
    for script in ("schema.sql", *scripts):
        text = script if ";" in script else (SAMPLES / script).read_text(encoding="utf-8")
        connection.executescript(text)
    connection.commit()
    connection.close()
    return path


def said(path, **labels):
    """Everything a file says, each with the row of its record; the record alone has to say it."""
    origin = Origin(str(path), {"instance": "school", **labels}, folder="school")
    found = []
    for record in mlmd.records(file_input(path), origin):
        if isinstance(record, Problem):
            found.append(("", record))
            continue
        stated = list(mlmd.read(Record(record.raw), Origin("elsewhere")))
        assert stated, f"{record.row} ends as nothing"
        found += [(record.row, fact) for fact in stated]
    return found


def of(found, kind, row=""):
    """What was said of one kind, in records whose row starts so."""
    return [fact for name, fact in found if isinstance(fact, kind) and name.startswith(row)]


def only(found, kind, row):
    """The one fact of a kind that a record states."""
    (fact,) = of(found, kind, row)
    return fact


def run(number):
    """The key of an execution."""
    return Key("run", NS, str(number))


def place(uri):
    """The key of a dataset in the sample's bucket."""
    return Key("dataset", "s3://school", uri)


@pytest.fixture
def pipeline(tmp_path):
    """What the pipeline's database says."""
    return said(database(tmp_path, "pipeline.sql"))


@pytest.fixture
def registry(tmp_path):
    """What the registry's database says."""
    return said(database(tmp_path, "registry.sql"))


MODEL = Key("model-version", NS, "grades/model/2")


def test_an_execution_is_a_run_of_its_step_with_what_it_read_and_made(pipeline):
    """Execution 2: step by its node context, state 3 = COMPLETE, milliseconds, `user` as a client-side actor."""
    trained = only(pipeline, Run, "Execution/2")

    assert (trained.key, trained.job) == (run(2), Key("job", NS, "grades.Fitter"))
    assert (str(trained.state), trained.started, trained.ended) == (
        "complete",
        exactly(START + 120_000_000),
        exactly(START + 600_000_000),
    )
    assert trained.individual
    assert trained.actor == Key("actor", "mlmd", "ida.frey")
    assert trained.attributes["user_basis"] == "execution property user (client-side)"
    assert trained.inputs == (Use(place("grades/examples/1")),)
    assert trained.outputs == ()
    assert trained.parent == Key("run", NS, "pipeline-runs/grades.2026-02-01")


def test_only_who_is_recorded_ran_it(pipeline):
    """No execution but 2 has a property `user`: nobody is named for the others."""
    assert {fact.key.name: fact.actor for fact in of(pipeline, Run) if fact.actor} == {
        "2": Key("actor", "mlmd", "ida.frey")
    }


def test_events_have_a_direction_and_a_ground(pipeline):
    """3 and 5 lead into the run, 4 out of it; 2 is declared; 7 (pending) is no output at all."""
    links = {(link.source.name, link.target.name): link for link in of(pipeline, Link, "Execution/")}

    assert str(links["2", "grades/model/2"].type) == "produced"
    assert links["2", "grades/model/2"].detail == {"name": "model"}
    assert links["2", "grades/model/2"].at == exactly(START + 600_000_000)
    assert str(links["grades/Model/5", "2"].type) == "input"
    assert str(links["grades/model/2", "3"].basis) == "observed"
    assert str(links["grades/examples/1", "3"].basis) == "declared"
    assert not any("book" in name for pair in links for name in pair)
    assert "pending output" in only(pipeline, Run, "Execution/2").attributes["events"]


def test_states_are_those_of_ml_metadata(pipeline):
    """1 NEW, 2 RUNNING, 3 COMPLETE, 4 FAILED, 5 CACHED, 6 CANCELED: a cached step did not fail."""
    assert {fact.key.name: str(fact.state) for fact in of(pipeline, Run)} == {
        "1": "complete",
        "2": "complete",
        "3": "complete",
        "4": "complete",
        "5": "fail",
        "6": "abort",
        "7": "running",
    }
    assert only(pipeline, Run, "Execution/3").attributes["cached"] is True
    assert only(pipeline, Run, "Execution/7").ended is None


def test_a_model_artifact_is_a_version_known_by_its_place(pipeline):
    """By type name or base type, whatever the type is called; a DELETED one ended, secrets are withheld."""
    entities = {fact.key: fact for fact in of(pipeline, Entity, "Artifact/")}
    model = entities[MODEL]

    assert model.attributes["model"] == "grades/model"
    assert model.attributes["version"] == "2"
    assert model.attributes["storage_location"] == "s3://school/grades/model/2"
    assert model.attributes["run_id"] == "2"
    assert model.attributes["tags"]["api_key"] == "(withheld)"
    assert Key("model-version", NS, "grades/book/6") in entities
    gone = entities[Key("model-version", NS, "grades/Model/5")]
    assert (gone.attributes["deleted"], gone.ended) == (True, exactly(1_769_925_000_000_000))
    data = entities[place("grades/examples/1")]
    assert data.attributes["versions"] == [{"version": "xor:17000"}]


def test_a_blessing_is_a_check_of_the_model_that_it_judges(pipeline):
    """`current_model_id` 2, blessed 1."""
    blessed = only(pipeline, Measured, "Artifact/3")
    assert (blessed.subject, blessed.metric, blessed.success) == (MODEL, "blessed", True)


def test_a_push_that_completed_is_a_deployment_and_a_failed_one_is_not(pipeline):
    """Execution 4 pushed artifact 4; execution 5 failed, whatever its output says."""
    pushed = only(pipeline, Happened, "Execution/4")

    assert pushed.subject == Key("target", "tfx://school", "srv/serving/grades")
    assert (pushed.type, pushed.at, pushed.actor) == ("apply", exactly(START + 1_800_000_000), None)
    assert [part.uri for part in pushed.workload.components] == ["s3://school/grades/model/2"]
    assert of(pipeline, Happened, "Execution/5") == []


def test_what_is_missing_is_a_problem_and_costs_no_record(pipeline):
    """Event 13 names artifact 99, which is not there; artifact 8 has no place but a name of its own."""
    (problem,) = of(pipeline, Problem)
    assert (problem.code, problem.fatal) == ("missing-artifact", False)
    assert only(pipeline, Run, "Execution/6").state == "abort"
    assert only(pipeline, Run, "Execution/7").inputs == (Use(Key("dataset", f"{NS}/artifacts", "8")),)


def test_a_run_of_kubeflow_is_called_as_everywhere_else(pipeline):
    """The pipeline run of executions 6 and 7 is the context of type system.PipelineRun; 7 lies in the graph 6."""
    key = Key("run", "kubeflow-pipelines", "0c1d2e3f-0000-4000-8000-00000000000a")
    assert only(pipeline, Run, "Execution/6").parent == key
    assert only(pipeline, Run, "Execution/7").parent == run(6)
    assert only(pipeline, Entity, "Context/5").key == key
    assert of(pipeline, Filtered) == [Filtered("grouping-context")]


def test_a_registered_version_has_the_ids_that_kserve_labels_name(registry):
    """Context 3 `1:v2` with registered_model_id 1; author and time as in the rows; artifact 2 is its place."""
    version = next(fact for fact in of(registry, Entity, "Context/3"))

    assert version.key == Key("model-version", "kubeflow:school", "grader/v2")
    assert version.attributes == {
        "id": "3",
        "state": "LIVE",
        "created_at": "2026-03-02T09:00:00Z",
        "updated_at": "2026-03-02T09:00:00Z",
        "model": "grader",
        "version": "v2",
        "registered_model_id": "1",
        "created_by": "jon.aas",
        "created_by_basis": "ModelVersion.author (client-side)",
        "uri": "s3://school/models/grader/2",
        "storage_location": "s3://school/models/grader/2",
        "deleted": False,
        "tags": {"accuracy": "0.93", VERSION_TAG: "3", MODEL_TAG: "1"},
    }
    aliases = {(fact.key.namespace, fact.key.name): fact.other.name for fact in of(registry, Alias)}
    assert aliases["kubeflow:school/model-versions", "3"] == "grader/v2"
    assert aliases["kubeflow:school/registered-models", "1"] == "grader"
    registered = only(registry, Happened, "Context/3")
    assert (registered.type, registered.actor) == ("register", None)


def test_a_version_comes_from_the_pipeline_run_that_its_artifact_names(registry):
    """Artifact 1: model_source_class pipelinerun, model_source_id the run's UUID."""
    made = next(link for link in of(registry, Link, "Context/2") if str(link.type) == "produced")
    assert made.source == Key("run", "kubeflow-pipelines", "0c1d2e3f-0000-4000-8000-00000000000a")
    assert made.target.name == "grader/v1"


def test_a_wish_is_no_deployment_and_a_running_serve_model_is_a_sighting(registry):
    """Both services have a desired state; only ServeModel 1 was known to be running: version 2 at grader-batch."""
    seen = [fact for fact in of(registry, Happened) if fact.type != "register"]

    assert [(fact.type, fact.subject.name, str(fact.outcome)) for fact in seen] == [
        ("observe", "school/inferenceservices/grader-batch", "done")
    ]
    assert seen[0].at == exactly(1_772_355_780_000_000)
    assert [(claim.kind, claim.value) for claim in seen[0].workload.components[0].claims] == [
        ("registry-label", "1/2")
    ]
    services = {fact.key.name: fact.attributes for fact in of(registry, Entity, "Context/")}
    api = services["school/inferenceservices/grader-api"]
    assert (api["desired_state"], api["model_version_id"], api["declared"]) == ("DEPLOYED", "3", True)
    assert api["kubernetes_uid"] == "0b0e3f52-0000-4000-8000-000000000001"
    assert services["school/inferenceservices/grader-batch"]["serves_newest"] is True


def test_experiments_are_jobs_and_their_runs_read_their_datasets(registry):
    """Context 9 `8:run-a`, FINISHED; its owner is no actor."""
    done = only(registry, Run, "Context/9")
    assert (done.job.name, str(done.state), done.actor) == ("grading", "complete", None)
    assert done.inputs == (Use(place("essays/2026-02"), "d1"),)
    assert (done.started, done.ended) == (exactly(1_772_355_610_000_000), exactly(1_772_355_650_000_000))


def test_listings_are_complete_as_of_the_latest_time_in_them(registry):
    """The greatest time in the rows is 1772449200000."""
    covered = {fact.listing: fact for fact in of(registry, Coverage)}
    assert covered["kubeflow:school/model-versions"].detail == {"count": 2}
    assert all(fact.complete and fact.until == exactly(1_772_449_200_000_000) for fact in covered.values())


def _inference_service(**labels):
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "grader-api",
            "namespace": "school",
            "uid": "0b0e3f52-0000-4000-8000-000000000001",
            "creationTimestamp": "2026-03-03T10:00:00Z",
            "labels": {f"modelregistry.kubeflow.org/{name}": text for name, text in labels.items()},
        },
        "spec": {"predictor": {"model": {"modelFormat": {"name": "onnx"}, "storageUri": "pvc://models/x"}}},
    }


@pytest.mark.parametrize(
    ("labels", "rule", "confidence", "version"),
    [
        ({"registered-model-id": "1", "model-version-id": "2"}, "registry-label", "exact", "v1"),
        ({"registered-model-id": "1", "inference-service-id": "5"}, "registry-label", "strong", "v2"),
        ({"inference-service-id": "5"}, "registry-label", "strong", "v2"),
        ({"registered-model-id": "1"}, "alias", "medium", "v2"),
    ],
)
def test_labels_of_kserve_tie_a_deployment_to_the_registered_version(
    tmp_path, labels, rule, confidence, version
):
    """By version id; by the registry's inference service; without a version the newest of the model is served."""
    database(tmp_path, "registry.sql")
    (tmp_path / "live.json").write_bytes(dumps(_inference_service(**labels)))
    with lineage.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([tmp_path])
        item = next(
            item for item in workspace.deployments().items if item["target"].endswith("school/grader-api")
        )
    (model,) = item["models"]
    assert (model["link_rule"], model["link_confidence"]) == (rule, confidence)
    assert (model["model"], model["version"]) == ("grader", version)


def test_a_database_is_recognised_by_its_tables_and_left_as_it_is(tmp_path):
    """Name and place do not matter; the bytes are the same afterwards, and nothing lies beside the file."""
    path = database(tmp_path, "pipeline.sql").rename(tmp_path / "anything.bin")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    assert recognise(sample_of(file_input(path)))[0].NAME == "mlmd"
    said(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["anything.bin"]


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE `Execution` SET last_known_state = 'x', create_time_since_epoch = 'soon', type_id = x'00ff';",
        "UPDATE `Event` SET type = x'ff', artifact_id = 'none', milliseconds_since_epoch = -5;",
        "UPDATE `Artifact` SET uri = x'ff00', state = 4000, type_id = NULL WHERE 0; UPDATE `Artifact` SET uri = 7;",
        "UPDATE `Context` SET name = char(0) || 'a'; UPDATE `ArtifactProperty` SET name = x'01', int_value = 1e400;",
        "DELETE FROM `Type`;",
        "DELETE FROM `Context`; DELETE FROM `Artifact`;",
        "INSERT INTO `ParentType` SELECT id, id FROM `Type`; INSERT INTO `ParentType` VALUES (1, 10);",
        "DROP TABLE `Attribution`; DROP TABLE `ParentType`; DROP TABLE `ContextProperty`; DROP TABLE `EventPath`;",
        "UPDATE `Execution` SET last_update_time_since_epoch = 9223372036854775807;",
    ],
)
@pytest.mark.parametrize("sample", ["pipeline.sql", "registry.sql"])
def test_hostile_cells_are_no_failure(tmp_path, sample, script):
    """Wrong types, missing tables, cycles of types, absurd times: every record still ends as something."""
    found = said(database(tmp_path, sample, script))
    assert found
    assert all(not problem.fatal for problem in of(found, Problem) if problem.code != "missing-field")


def test_what_is_no_database_of_ml_metadata_is_one_problem(tmp_path):
    """Another database, a cut one and no database at all."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    assert [problem.code for _, problem in said(path)] == ["not-mlmd"]
    whole = database(tmp_path, "pipeline.sql").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert all(isinstance(fact, Problem) or row for row, fact in said(path))
    path.write_bytes(b"SQLite format 3\x00 and no more")
    assert [problem.code for _, problem in said(path)] == ["unreadable-database"]


@pytest.mark.skipif(not (CORPUS / "ml" / "mlmd").is_dir(), reason="the corpus is not there")
def test_the_corpus_is_read_whole_and_right():
    """Counts and rows were read with sqlite3.

    47 artifacts, 35 executions, 7 contexts, 2 listings. `SELECT * FROM Event WHERE execution_id = 11`: trainer 11 made
    artifact 14 from 6 (a warm start), its property `user` is amara.okafor; 4 PushedModels (9, 24, 32, 47); of the 6
    blessings, 16 (of model 14) and 39 (of model 37) are 0.
    """
    path = CORPUS / "ml" / "mlmd" / "metadata.sqlite"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    found = said(path)

    assert Counter(row.partition("/")[0] for row in {row for row, _ in found}) == {
        "Artifact": 47,
        "Execution": 35,
        "Context": 7,
        "listing": 2,
    }
    assert of(found, Problem) == []
    trained = only(found, Run, "Execution/11")
    assert trained.actor == Key("actor", "mlmd", "amara.okafor")
    assert trained.job == Key("job", NS, "churn-pipeline.Trainer")
    links = of(found, Link, "Execution/11")
    assert [link.source.name for link in links if link.target == run(11)] == ["churn-pipeline/model/6"]
    assert [link.target.name for link in links if link.source == run(11)] == ["churn-pipeline/model/14"]
    assert len(of(found, Happened)) == 4
    assert {fact.subject.name for fact in of(found, Measured) if fact.success is False} == {
        "churn-pipeline/model/14",
        "churn-pipeline/model/37",
    }
    assert all(str(fact.state) == "complete" for fact in of(found, Run))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_a_registered_version_stands_for_the_artifact_at_its_place(tmp_path):
    """A pipeline's model artifact and a registered version lie at one place: what serves from there is the version."""
    columns = "(`id`, `type_id`, `uri`, `state`)"
    here = f"INSERT INTO `Artifact` {columns} VALUES (9, 11, 's3://school/models/grader/2', 2);"
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "registry").mkdir()
    database(tmp_path / "pipeline", "pipeline.sql", here)
    database(tmp_path / "registry", "registry.sql")
    live = _inference_service()
    live["spec"]["predictor"]["model"]["storageUri"] = "s3://school/models/grader/2"
    (tmp_path / "live.json").write_bytes(dumps(live))
    with lineage.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([tmp_path])
        found = next(item for item in workspace.deployments().items if item["platform"] == "kserve")
    (model,) = found["models"]
    assert (model["model"], model["version"], model["link_rule"]) == ("grader", "v2", "artifact-uri")


ODD = [
    None,
    True,
    -1,
    2**70,
    1e308,
    "",
    "x" * 5000,
    "\u202e",
    [],
    {},
    [[None]],
    {"": ""},
    "2026-13-45",
    "s3://",
    "//",
]


def places(value, way=()):
    """Every place inside a value, with the way to it."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, inner in entries:
        yield (*way, name)
        yield from places(inner, (*way, name))


@pytest.mark.parametrize("sample", ["pipeline.sql", "registry.sql"])
def test_whatever_a_record_holds_it_ends_as_something(tmp_path, sample):
    """Each odd value in each place of each record, one at a time."""
    path = database(tmp_path, sample)
    for number, record in enumerate(mlmd.records(file_input(path), Origin("x", {"instance": "school"}))):
        for turn, way in enumerate(places(loads(record.raw))):
            value = loads(record.raw)
            holder = value
            for step in way[:-1]:
                holder = holder[step]
            holder[way[-1]] = ODD[(number + turn) % len(ODD)]
            assert list(mlmd.read(Record(dumps(value)), Origin("elsewhere"))), (record.row, way)
