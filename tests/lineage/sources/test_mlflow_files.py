import hashlib
from pathlib import Path

import pytest

from lineage.inputs import FolderInput
from lineage.model.facts import Coverage, Entity, Key, Link, Run
from lineage.model.moment import exactly
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import mlflow_files

RUN = "a" * 32
SCORE = "b" * 32
LOGGED = "m-" + "c" * 32
EXPERIMENT = "123456789012345678"
TREE = {
    "0/meta.yaml": "experiment_id: '0'\nname: Default\nartifact_location: file:///home/ana/mlruns/0\n"
    "creation_time: 1767225600000\nlast_update_time: 1767225600000\nlifecycle_stage: active\n",
    f"{EXPERIMENT}/meta.yaml": f"experiment_id: '{EXPERIMENT}'\nname: fraud\nartifact_location: file:///home/ana/1\n"
    "creation_time: 1767225600000\nlast_update_time: 1767225600000\nlifecycle_stage: active\n",
    f"{EXPERIMENT}/tags/team": "ml",
    f"{EXPERIMENT}/datasets/d1/meta.yaml": "digest: '49533473'\nname: tx\nsource_type: s3\n"
    'source: \'{"uri": "s3://lake/tx.parquet"}\'\nschema: \'{"mlflow_colspec": []}\'\n',
    # The run is only in the path: destination_id repeats the dataset.
    f"{EXPERIMENT}/{RUN}/inputs/i1/meta.yaml": "destination_id: d1\ndestination_type: RUN\nsource_id: d1\n"
    "source_type: DATASET\ntags:\n  mlflow.data.context: training\n",
    f"{EXPERIMENT}/{RUN}/meta.yaml": "run_id: x\nrun_name: train\nuser_id: ana\nstatus: 3\nlifecycle_stage: active\n"
    "start_time: 1767312000000\nend_time: 1767312060000\nsource_type: 4\ntags: []\n",
    f"{EXPERIMENT}/{RUN}/tags/mlflow.user": "ana.ops",
    f"{EXPERIMENT}/{RUN}/tags/mlflow.source.git.commit": "1" * 40,
    f"{EXPERIMENT}/{RUN}/params/optimizer/lr": "0.1",
    f"{EXPERIMENT}/{RUN}/metrics/auc": "1767312010000 0.7 2\n1767312020000 0.8 3\n1767312030000 0.1 1\n",
    f"{EXPERIMENT}/{RUN}/metrics/loss": "1767312010000 nan 0\n",
    f"{EXPERIMENT}/{RUN}/outputs/{LOGGED}/meta.yaml": f"source_id: {LOGGED}\nsource_type: RUN_OUTPUT\n"
    "destination_id: x\ndestination_type: MODEL_OUTPUT\nstep: 4\n",
    f"{EXPERIMENT}/{RUN}/artifacts/model/MLmodel": "flavors: {}\n",
    f"{EXPERIMENT}/{SCORE}/meta.yaml": "run_id: y\nuser_id: ''\nstatus: 1\nlifecycle_stage: active\n"
    "start_time: 1767312000000\nend_time: null\n",
    f"{EXPERIMENT}/{SCORE}/inputs/i2/meta.yaml": f"source_id: {LOGGED}\nsource_type: MODEL\n"
    "destination_id: y\ndestination_type: RUN\ntags: {}\n",
    f"{EXPERIMENT}/models/{LOGGED}/meta.yaml": f"model_id: {LOGGED}\nname: net\nstatus: 2\nsource_run_id: {RUN}\n"
    "artifact_location: file:///home/ana/x\ncreation_timestamp: 1767312040000\n"
    "last_updated_timestamp: 1767312040000\n",
    f"{EXPERIMENT}/models/{LOGGED}/metrics/auc": f"1767312050000 0.9 0 {RUN} tx 49533473\n",
    f"{EXPERIMENT}/traces/tr-1/trace_info.yaml": "x: 1\n",
    ".trash/77/meta.yaml": "experiment_id: '77'\nname: old\nlifecycle_stage: deleted\n"
    "creation_time: 1767225600000\nlast_update_time: 1767398400000\n",
    "models/fraud/meta.yaml": "name: fraud\naliases: {}\ndescription: cards\ncreation_timestamp: 1767316000000\n"
    "last_updated_timestamp: 1767316000000\n",
    "models/fraud/aliases/champion": "1",
    "models/fraud/tags/sla": "gold",
    "models/fraud/version-1/meta.yaml": f"name: fraud\nversion: 1\naliases: []\ncurrent_stage: None\nrun_id: {RUN}\n"
    f"source: models:/{LOGGED}\nstorage_location: file:///home/ana/x\ncreation_timestamp: 1767316000000\n"
    "last_updated_timestamp: 1767316000000\nstatus: READY\nuser_id: null\n",
    "models/fraud/version-2/meta.yaml": "name: fraud\nversion: 2\ncurrent_stage: Deleted_Internal\nrun_id: "
    + "f" * 32
    + "\nsource: s3://models/two\nstorage_location: s3://models/two\ncreation_timestamp: 1767317000000\n"
    "last_updated_timestamp: 1767318000000\nstatus: READY\n",
    "models/greeting/meta.yaml": "name: greeting\ncreation_timestamp: 1767316000000\n",
    "models/greeting/tags/mlflow.prompt.is_prompt": "true",
}
INSTANCE = hashlib.sha256(b"1767225600000file:///home/ana/mlruns/0").hexdigest()[:12]
NS = f"mlflow:{INSTANCE}/default"


def listed(folder):
    """A sample of the folder, as an import makes it."""
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return Sample(folder.name, listing=tuple(paths))


def said(folder):
    """Everything the folder says."""
    origin = Origin(str(folder), folder=folder.parent.name)
    found = []
    for record in mlflow_files.records(FolderInput(folder, folder.name), origin):
        if isinstance(record, Problem):
            found.append(("", record))
            continue
        stated = list(mlflow_files.read(record, origin))
        assert stated, f"{record.row} ends as nothing"
        assert stated == list(mlflow_files.read(Record(record.raw), origin))
        found += [(record.row, fact) for fact in stated]
    return found


def of(found, kind):
    """What was said of one kind."""
    return [fact for _, fact in found if isinstance(fact, kind)]


def entity(found, key):
    """What was said of one thing."""
    return next(fact for fact in of(found, Entity) if fact.key == key)


@pytest.fixture
def folder(tmp_path):
    """An `mlruns` folder with its traps (sources-ml 2.3)."""
    top = tmp_path / "mlruns"
    for path, text in TREE.items():
        place = top / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return top


@pytest.fixture
def found(folder):
    """What it says."""
    return said(folder)


def test_a_run_is_put_together_from_its_small_files(found):
    """State by number, the run's id from its path, keys with slashes, the metric of the last step."""
    run = next(fact for fact in of(found, Run) if fact.key.name == RUN)

    assert (run.key, run.job, run.state) == (Key("run", NS, RUN), Key("job", NS, "fraud"), "complete")
    assert run.actor == Key("actor", "mlflow", "ana.ops")
    assert [(use.key[1:], use.version) for use in run.inputs] == [(("s3://lake", "tx.parquet"), "49533473")]
    assert run.attributes["params"] == {"optimizer/lr": "0.1"}
    assert run.attributes["metrics"] == {"auc": 0.8, "loss": "NaN"}
    assert run.attributes["inputs"][0]["context"] == "training"
    assert (run.started, run.ended) == (exactly(1767312000000_000), exactly(1767312060000_000))


def test_models_flow_out_of_and_into_runs(found):
    """outputs/ names what a run made, an input of type MODEL what it read."""
    links = {(str(link.type), link.source.name, link.target.name, link.rule) for link in of(found, Link)}

    assert {
        ("produced", RUN, LOGGED, "inputs.MODEL_OUTPUT"),
        ("produced", RUN, LOGGED, "logged_models.source_run_id"),
        ("input", LOGGED, SCORE, "inputs.MODEL_INPUT"),
        ("registered", LOGGED, "fraud/1", "model_versions.source"),
        ("produced", RUN, "fraud/1", "model_versions.run_id"),
        ("evaluated", "tx.parquet", LOGGED, "logged_model_metrics.dataset"),
    } <= links


def test_a_version_has_its_alias_from_the_folder_of_aliases(found):
    """Its own meta.yaml says `aliases: []`; the user and the commit are those of the run."""
    attributes = entity(found, Key("model-version", NS, "fraud/1")).attributes

    assert attributes["aliases"] == ["champion"]
    assert (attributes["created_by"], attributes["git_commit"]) == ("ana.ops", "1" * 40)
    assert attributes["stage"] is None
    assert entity(found, Key("model", NS, "fraud")).attributes["tags"] == {"sla": "gold"}


def test_a_deleted_version_is_not_redacted_here_and_its_run_may_be_gone(found):
    """Version 2 keeps its source; its run's folder was removed."""
    second = entity(found, Key("model-version", NS, "fraud/2"))

    assert (second.attributes["deleted"], second.attributes["source"]) == (True, "s3://models/two")
    assert second.ended == exactly(1767318000000_000)
    assert entity(found, Key("run", NS, "f" * 32)).attributes["purged"] is True


def test_a_deleted_experiment_lies_in_the_trash(found):
    """It has ended, it has not vanished."""
    old = entity(found, Key("job", NS, "old"))
    assert (old.attributes["deleted"], old.ended) == (True, exactly(1767398400000_000))


def test_prompts_are_left_out(found):
    """They lie among the models here, too."""
    assert [fact.reason for fact in of(found, Filtered)] == ["prompt"]


def test_the_record_holds_the_files_as_they_are(folder):
    """The evidence of a run is the text of its files; artifacts and traces are no part of it."""
    records = {
        record.row: record.parsed
        for record in mlflow_files.records(FolderInput(folder, "mlruns"), Origin("mlruns"))
        if isinstance(record, Record)
    }
    files = records[f"runs/{RUN}"]["files"]

    assert files == {
        path: text for path, text in TREE.items() if f"/{RUN}/" in path and "/artifacts/" not in path
    }
    assert not any("traces" in str(record.get("files")) for record in records.values())


def test_the_folder_is_not_touched(folder):
    """Every file is what it was, and none was added."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    said(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("path", "raw", "code"),
    [
        (f"{EXPERIMENT}/{SCORE}/meta.yaml", b"status: [", "malformed-yaml"),
        (f"{EXPERIMENT}/{SCORE}/meta.yaml", b"- a\n", "malformed-yaml"),
        (f"{EXPERIMENT}/{SCORE}/meta.yaml", None, "missing-field"),
        (f"{EXPERIMENT}/{SCORE}/meta.yaml", b"\xff\xfe\x00", "bad-encoding"),
        ("models/fraud/version-2/meta.yaml", b"\xff\xfe\x00", "bad-encoding"),
        (f"{EXPERIMENT}/{RUN}/tags/odd", b"\xff\xfe\x00", "bad-encoding"),
        (f"{EXPERIMENT}/{RUN}/params/huge", b"x" * (mlflow_files.MAX_FILE + 1), "too-large"),
        (f"{EXPERIMENT}/{RUN}/inputs/i1/meta.yaml", b"a: 1\na: 2\n", "duplicate-key"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_with_its_path(folder, path, raw, code):
    """The other runs, and the rest of this one, are read."""
    if raw is None:
        (folder / path).unlink()
    else:
        (folder / path).write_bytes(raw)
    found = said(folder)

    assert [(fact.code, fact.row) for fact in of(found, Problem)] == [(code, path)]
    assert RUN in {fact.key.name for fact in of(found, Run)}


def test_of_a_long_metric_history_the_end_is_read(folder):
    """A million steps are one number in the record."""
    history = "".join(f"{1767312000000 + step} 0.{step:06d} {step}\n" for step in range(60_000))
    (folder / EXPERIMENT / RUN / "metrics" / "auc").write_text(history)
    run = next(fact for fact in of(said(folder), Run) if fact.key.name == RUN)

    assert run.attributes["metrics"]["auc"] == 0.059999


@pytest.mark.parametrize(
    ("listing", "taken"),
    [
        ((f"{EXPERIMENT}/meta.yaml",), True),
        ((f"0/{RUN}/meta.yaml",), True),
        ((f".trash/7/{RUN}/meta.yaml",), True),
        (("models/fraud/version-1/meta.yaml",), True),
        (("mlruns/0/meta.yaml",), False),
        (("models/churn/4/model.yaml", "meta.yaml"), False),
        (("conf/base/catalog.yml", "data/01_raw/x.csv"), False),
    ],
)
def test_an_mlruns_folder_is_known_by_its_layout(listing, taken):
    """Not its parent, which may hold anything; not the store of another tool."""
    assert (mlflow_files.recognises(Sample("x", listing=listing)) > 0.5) is taken


def test_a_real_file_store(corpus):
    """filestore-2.9: 12 run folders of which one in .trash, 3 experiments, 3 versions (3 deleted), champion = 2.

    `find mlruns -path '*/meta.yaml'`; run 33fa3069..: start 1762153499999, state 3, inputs d05ddebf and 49533473.
    """
    top = Path(corpus) / "ml" / "mlflow" / "filestore-2.9" / "mlruns"
    found = said(top)
    runs = {fact.key.name: fact for fact in of(found, Run)}

    best = recognise(listed(top))
    assert best is not None
    assert best[0].NAME == "mlflow-files"
    assert of(found, Problem) == []
    assert len(runs) == 12
    assert len([fact for fact in of(found, Entity) if fact.key.kind == "job"]) == 3
    assert runs["2ee212cfcfd64052b6371eaa0bad3199"].attributes["deleted"] is True
    trained = runs["33fa306985df43ebb658cd03e11220c8"]
    assert (trained.started, trained.state) == (exactly(1762153499999_000), "complete")
    assert {use.version for use in trained.inputs} == {"d05ddebf", "49533473"}
    assert trained.attributes["feast"]["feature_service"] == "demand_v1"
    versions = {
        fact.key.name: fact.attributes for fact in of(found, Entity) if fact.key.kind == "model-version"
    }
    assert {name: version["deleted"] for name, version in versions.items()} == {
        "demand-gbm/1": False,
        "demand-gbm/2": False,
        "demand-gbm/3": True,
    }
    assert versions["demand-gbm/2"]["aliases"] == ["champion"]
    assert versions["demand-gbm/3"]["run_id"] == "4fb933eb73fc4c93aa9fe88fb3effade"
    assert all(fact.complete for fact in of(found, Coverage))
