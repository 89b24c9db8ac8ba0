"""What an import makes of other people's real files: every record accounted for, nothing invented, no byte changed."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import lineage
from lineage.ingest import survey
from lineage.model.answer import Item
from lineage.source import sources
from lineage.store import log
from lineage.workspace import Workspace

FOLDERS = (
    "ops/openlineage",
    "ops/k8s-audit",
    "ops/kserve",
    "ops/openslo",
    "ops/odcs",
    "ops/airflow",
    "ops/spark-eventlog",
    "ops/github",
    "ops/gitlab",
    "ops/argocd",
    "ops/helm",
    "ops/incidents",
    "ops/access",
    "ops/azure",
    "ops/gcp-audit",
    "ml/dvc",
    "ml/huggingface",
    "ml/kedro",
    "ml/bentoml",
    "ml/clearml",
    "ml/mlflow",
    "ml/mlmd",
    "ml/sagemaker-standin",
)
PUT_TOGETHER = {"bentoml", "airflow", "dvc", "git", "huggingface", "kedro", "mlmd", "spark-eventlog"}
"""Sources whose records are rows of a database, or made of what several lines and files say."""
NAMES = {source.NAME for source in sources()}


def contents(place: Path) -> dict[Path, str]:
    """Every file with its SHA-256."""
    files = [place] if place.is_file() else [path for path in sorted(place.rglob("*")) if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def mixed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Everything in one workspace, imported at once."""
    path = tmp_path_factory.mktemp("corpus") / "mixed.trail"
    before = {name: contents(corpus / name) for name in FOLDERS}
    with lineage.open(path) as workspace:
        workspace.import_([corpus / name for name in FOLDERS])
        yield workspace
    assert {name: contents(corpus / name) for name in FOLDERS} == before


@pytest.fixture(scope="module")
def files(mixed: Workspace) -> dict[str, Item]:
    """What became of each file, by its path."""
    return {file["file"]: file for batch in mixed.imports().items for file in batch["files"]}


@pytest.fixture(scope="module")
def problems(mixed: Workspace) -> list[Item]:
    """Everything that could not be read."""
    found = mixed.problems()
    assert found.complete
    return found.items


def of(files: dict[str, Item], part: str) -> list[Item]:
    """The files below a folder of the corpus."""
    return [file for path, file in files.items() if f"/corpus/{part}" in path or path.endswith(part)]


def test_every_record_is_accounted_for(files: dict[str, Item]) -> None:
    """Read is accepted, duplicate, filtered with a reason, or rejected; for every file of every source."""
    assert {file["source"] for file in files.values()} >= NAMES & {
        "openlineage",
        "kubernetes-audit",
        "kubernetes-dump",
        "mlflow",
        "mlflow-files",
        "mlflow-rest",
        "openslo",
        "odcs",
    }
    for path, file in files.items():
        assert file["read"] == sum(file[n] for n in ("accepted", "duplicate", "filtered", "rejected")), path
        assert sum(file["reasons"].values()) == file["filtered"], path
        assert all(file["reasons"]), path
        assert file["finished"], path


def test_every_rejected_record_has_a_problem_with_its_place(
    files: dict[str, Item], problems: list[Item]
) -> None:
    """File, line or row, a code and a reason for a person; and none of them is a failure of ours."""
    lost: Counter[str] = Counter()
    for problem in problems:
        assert problem["code"] != "reader-failed", problem
        assert problem["file"] in files
        assert problem["reason"]
        if problem["rejected"]:
            lost[problem["file"]] += 1
            assert problem["line"] or problem["row"], problem
            assert problem["evidence"], problem
    for path, file in files.items():
        assert lost[path] >= file["rejected"], path


def test_problems_name_lines_that_are_there(problems: list[Item]) -> None:
    """The line a problem names exists, and its value, where it is text of the file, stands in it."""
    for problem in problems:
        if not problem["line"]:
            continue
        path = Path(problem["file"])
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert 1 <= problem["line"] <= raw.count(b"\n") + 1


@pytest.mark.parametrize("name", FOLDERS)
def test_each_folder_alone(corpus: Path, tmp_path: Path, name: str) -> None:
    """Imported by itself and again: the second time adds nothing, and the files are as they were."""
    before = contents(corpus / name)
    with lineage.open(tmp_path / "one.trail") as workspace:
        first = workspace.import_([corpus / name])
        digest, troubles = workspace.digest().items, workspace.problems().total
        again = workspace.import_([corpus / name])
        assert workspace.digest().items == digest
        assert workspace.problems().total == troubles
        assert workspace.rebuild().items[0]["digest"] == digest[0]["digest"]
    assert contents(corpus / name) == before
    for one, two in zip(first.items, again.items, strict=True):
        assert one["read"] == sum(one[n] for n in ("accepted", "duplicate", "filtered", "rejected"))
        assert (two["read"], two["duplicate"]) == (one["read"], one["read"])


def test_what_is_not_recognised_is_no_evidence(corpus: Path) -> None:
    """Schemas, model files and requirements are passed over with a note, and nothing that is evidence is."""
    passed = {
        item.found.path.partition("/corpus/")[2]
        for item in survey([corpus / name for name in FOLDERS])
        if item.source is None
    }
    allowed = ("ops/openlineage/schema/", "ops/openlineage/spec-tests/", "ml/mlflow/server-3.17/artifacts/")
    expected = {"ops/odcs/schema/odcs-json-schema-v3.1.0.json"}
    expected |= {f"ml/dvc/{name}" for name in ("dag.dot", "worktree/metrics.json", "worktree/params.yaml")}
    expected |= {f"ml/dvc/worktree/{place}/.gitignore" for place in ("data", "data/raw", "models")}
    missing = set() if "openslo" in NAMES else {path for path in passed if path.startswith("ops/openslo/")}
    missing |= set() if "odcs" in NAMES else {path for path in passed if path.startswith("ops/odcs/")}
    assert {path for path in passed if not path.startswith(allowed)} - missing <= expected


def test_a_mixed_import_twice_adds_nothing(
    mixed: Workspace, corpus: Path, tmp_path: Path, files: dict[str, Item]
) -> None:
    """All folders at once, twice, or in two halves the other way round: one digest, and a rebuild has it, too."""
    digest = mixed.digest().items
    again = mixed.import_([corpus / name for name in FOLDERS])
    assert sum(item["accepted"] + item["filtered"] + item["rejected"] for item in again.items) == 0
    assert sum(item["read"] for item in again.items) == sum(file["read"] for file in files.values())
    assert mixed.digest().items == digest
    with lineage.open(tmp_path / "halves.trail") as other:
        other.import_([corpus / name for name in reversed(FOLDERS[3:])])
        other.import_([corpus / name for name in reversed(FOLDERS[:3])])
        assert other.digest().items == digest
        assert other.rebuild().items[0]["digest"] == digest[0]["digest"]


def test_evidence_is_the_bytes_of_the_files(mixed: Workspace) -> None:
    """Every record cut from a file of text stands in it at its offset, byte for byte, with its SHA-256."""
    bodies: dict[str, bytes] = {}
    seen: Counter[str] = Counter()
    with mixed._database.reading() as connection:
        total = log.size(connection)
        for number in range(total):
            kept = log.stored_record(connection, number)
            assert kept is not None
            assert hashlib.sha256(kept.raw).digest() == kept.sha256
            if kept.source.startswith("mlflow") or kept.source in PUT_TOGETHER:
                continue
            if kept.file not in bodies:
                path = Path(kept.file)
                bodies[kept.file] = (
                    gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
                )
            body = bodies[kept.file]
            assert body[kept.offset : kept.offset + len(kept.raw)] == kept.raw, kept.file
            assert kept.line == body[: kept.offset].count(b"\n") + 1, kept.file
            seen[kept.source] += 1
    assert seen["openlineage"] > 100
    assert seen["kubernetes-audit"] > 3000
    assert seen["kubernetes-dump"] > 100


def openlineage_events(place: Path) -> Iterator[dict[str, Any]]:
    """Every run event of a folder, by a reader that knows nothing of ours: lines, lists or one value."""
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if not path.is_file() or "schema" in path.parts or "spec-tests" in path.parts:
            continue
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        try:
            values = [json.loads(raw)]
        except ValueError:
            values = [json.loads(line) for line in raw.splitlines() if line.strip()]
        for value in values:
            for event in value if isinstance(value, list) else [value]:
                if isinstance(event, dict) and isinstance(event.get("run"), dict):
                    yield event


@pytest.mark.parametrize("name", ["ops/openlineage", "ops/airflow/ol-airflow.ndjson"])
def test_no_failed_run_is_invented(corpus: Path, tmp_path: Path, name: str) -> None:
    """As many runs have failed as have a FAIL event in the files and no later word, and no other is said to have."""
    said: dict[str, set[str]] = {}
    for event in openlineage_events(corpus / name):
        identity = event["run"].get("runId")
        if identity and "{{" not in str(event.get("eventTime")):
            said.setdefault(identity, set()).add(str(event.get("eventType", "")).upper())
    failed = {identity for identity, types in said.items() if "FAIL" in types}
    assert (name == "ops/openlineage") <= bool(said)
    with lineage.open(tmp_path / "one.trail") as workspace:
        workspace.import_([corpus / name])
        runs = workspace.runs().items
    assert {run["run_id"] for run in runs} >= set(said)
    assert {run["run_id"] for run in runs if run["state"] == "FAIL"} == failed
    aborted = {identity for identity, types in said.items() if "ABORT" in types} - failed
    assert {run["run_id"] for run in runs if run["state"] == "ABORT"} == aborted


@pytest.mark.parametrize(
    ("name", "deployments", "read", "rejected"),
    [
        ("k8s-2971-events.log.gz", 0, 2971, 0),
        ("k8s-first150.log", 0, 150, 0),
        ("panther-aks.jsonl", 0, None, 6),
        ("panther-eks.jsonl", 0, None, 6),
        ("panther-gke.jsonl", 0, None, 6),
        ("composed-isvc.log", 4, None, 0),
    ],
)
def test_only_real_deployments_are_in_the_register(
    corpus: Path, tmp_path: Path, name: str, deployments: int, read: int | None, rejected: int
) -> None:
    """Thousands of calls about other things make no deployment; the composed log makes the four it tells of.

    The panther logs hold six calls each that change roles and bindings, cut down to a few fields: without stage or time
    nobody can say whether and when a right changed, so each is a problem.
    """
    path = corpus / "ops" / "k8s-audit" / name
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    with lineage.open(tmp_path / "one.trail") as workspace:
        (item,) = workspace.import_([path]).items
        assert item["read"] == (read or sum(1 for line in raw.splitlines() if line.strip()))
        assert workspace.deployments().total == deployments
        assert (item["rejected"], item["problems"]) == (rejected, rejected)


def test_the_composed_log_by_hand(corpus: Path, tmp_path: Path) -> None:
    """Who told what to serve which model when, and until when: one item for each of the log's four lines."""
    path = corpus / "ops" / "k8s-audit" / "composed-isvc.log"
    calls = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    with lineage.open(tmp_path / "one.trail") as workspace:
        workspace.import_([path])
        items = workspace.deployments().items

    times = [call["requestReceivedTimestamp"] for call in calls]
    assert [item["action"] for item in items] == ["deploy", "deploy", "rollback", "delete"]
    assert [item["actor"] for item in items] == [call["user"]["username"] for call in calls]
    assert [item["endpoint"] for item in items] == [call["objectRef"]["name"] for call in calls]
    assert [item["deployed_at"] for item in items] == times
    assert [item["ended_at"] for item in items] == [*times[1:], None]
    assert [[model["uri"] for model in item["models"]] for item in items] == [
        [call["requestObject"]["spec"]["predictor"]["model"]["storageUri"]]
        if call.get("requestObject")
        else []
        for call in calls
    ]
    assert [item["evidence"][0]["line"] for item in items] == [1, 2, 3, 4]


def test_broken_manifests_are_named_and_the_rest_known(
    corpus: Path, files: dict[str, Item], problems: list[Item]
) -> None:
    """The same files are refused that another YAML reader refuses, with the same line; all others are read."""
    refused = {}
    documents = 0
    for path in sorted((corpus / "ops" / "kserve").rglob("*.y*ml")):
        try:
            documents += sum(1 for value in yaml.safe_load_all(path.read_text()) if value is not None)
        except yaml.MarkedYAMLError as error:
            refused[path.name] = error.problem_mark.line + 1 if error.problem_mark else 0
    ours = {
        Path(problem["file"]).name: problem["line"]
        for problem in problems
        if "/kserve/" in problem["file"] and problem["code"] == "malformed-yaml"
    }
    assert ours == refused
    read = sum(file["read"] for file in of(files, "ops/kserve"))
    assert read == documents + len(refused)


@pytest.mark.skipif("openslo" not in NAMES, reason="OpenSLO is not read yet")
def test_agreements_of_openslo_are_there(corpus: Path, tmp_path: Path) -> None:
    """Every SLO document is a thing of its name."""
    names = set()
    for path in sorted((corpus / "ops" / "openslo").rglob("*.y*ml")):
        for value in yaml.safe_load_all(path.read_text()):
            if isinstance(value, dict) and value.get("kind") == "SLO":
                names.add(value["metadata"]["name"])
    assert names
    with lineage.open(tmp_path / "one.trail") as workspace:
        answer = workspace.import_([corpus / "ops" / "openslo"])
        known = {item["name"] for item in workspace.entities("kind:sla").items}
    assert sum(item["rejected"] for item in answer.items) == 0
    assert {name for name in names if not any(name in other for other in known)} == set()


@pytest.mark.skipif("odcs" not in NAMES, reason="ODCS is not read yet")
def test_contracts_of_odcs_are_read(corpus: Path, tmp_path: Path) -> None:
    """Every example of the standard is recognised and read, and none is refused."""
    examples = sorted((corpus / "ops" / "odcs" / "examples").rglob("*.yaml"))
    with lineage.open(tmp_path / "one.trail") as workspace:
        answer = workspace.import_([corpus / "ops" / "odcs"])
        sla = workspace.sla().items
    taken = [item for item in answer.items if item["source"] == "odcs"]
    assert {Path(item["file"]) for item in taken} == set(examples)
    assert sum(item["rejected"] for item in taken) == 0
    assert sum(item["accepted"] for item in taken) >= 2
    assert sla


@pytest.mark.skipif(not {"sla-csv", "people-csv"} & NAMES, reason="lists are not read yet")
def test_lists_of_service_levels_are_read(corpus: Path, tmp_path: Path) -> None:
    """Rows of a list that a person keeps are accepted or named."""
    folder = corpus / "ops" / "sla-csv"
    if not folder.is_dir():
        pytest.skip("no such lists here")
    before = contents(folder)
    with lineage.open(tmp_path / "one.trail") as workspace:
        answer = workspace.import_([folder])
        for item in answer.items:
            assert item["read"] == sum(item[n] for n in ("accepted", "duplicate", "filtered", "rejected"))
        assert any(item["accepted"] for item in answer.items)
        assert "reader-failed" not in {problem["code"] for problem in workspace.problems().items}
    assert contents(folder) == before


def test_every_other_file_of_the_corpus_does_no_harm(corpus: Path, tmp_path: Path) -> None:
    """Sources meet files of formats that are read elsewhere or later: no failure of ours, no file changed."""
    before = contents(corpus)
    with lineage.open(tmp_path / "all.trail") as workspace:
        answer = workspace.import_([corpus])
        codes = Counter(problem["code"] for problem in workspace.problems().items)
        digest = workspace.digest().items[0]["digest"]
        for item in answer.items:
            assert item["read"] == sum(item[n] for n in ("accepted", "duplicate", "filtered", "rejected"))
        assert workspace.rebuild().items[0]["digest"] == digest
    assert codes["reader-failed"] == 0
    assert contents(corpus) == before
