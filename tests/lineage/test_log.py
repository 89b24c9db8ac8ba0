"""What was recorded can be shown byte for byte, changed by nobody, and asked as it was known then."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lineage
from lineage.evidence.merkle import entry, inclusion_proof, leaf_hash, root_of, verify_inclusion
from lineage.ingest import COMMIT_RECORDS
from lineage.store import database, log
from lineage.workspace import Workspace

SAMPLES = Path(__file__).resolve().parents[1] / "sources"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"


def event(number: int, job: str = "load") -> dict[str, Any]:
    """A finished run of `job`."""
    return {
        "eventType": "COMPLETE",
        "eventTime": f"2026-03-{1 + number % 28:02d}T00:{number % 60:02d}:00Z",
        "run": {"runId": f"0190d9a0-0000-7000-8000-{number:012d}"},
        "job": {"namespace": "etl", "name": job},
        "inputs": [{"namespace": "s3://lake", "name": f"raw/{job}"}],
        "outputs": [{"namespace": "s3://lake", "name": f"clean/{job}/ü"}],
        "producer": "https://example.com/producer",
        "schemaURL": SCHEMA,
    }


def isvc(name: str, version: int, day: int) -> str:
    """An exported object that serves a version since a day."""
    return (
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata:\n"
        f"  name: {name}\n  namespace: shop\n  creationTimestamp: '2026-03-{day:02d}T00:00:00Z'\n  generation: 1\n"
        f"spec:\n  predictor:\n    model:\n      modelFormat: {{name: sklearn}}\n      storageUri: s3://models/churn/{version}\n"
        "status:\n  conditions:\n  - {type: Ready, status: 'True'}\n"
    )


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Lines, a list, a wrapped list, a single event, YAML documents and a packed log."""
    folder = tmp_path / "box"
    folder.mkdir()
    lines = [json.dumps(event(number), ensure_ascii=number % 2 == 0).encode() for number in range(300)]
    (folder / "a-lines.ndjson").write_bytes(b"\xef\xbb\xbf" + b"\r\n\n".join(lines[:100]) + b"\r\n")
    (folder / "b-list.json").write_text(json.dumps([event(n, "other") for n in range(40)], indent=1))
    (folder / "c-wrapped.json").write_text(
        json.dumps({"x": [event(1)], "events": [event(n, "more") for n in range(5)]})
    )
    (folder / "d-single.json").write_text("\n" + json.dumps(event(7, "single"), indent=2) + "\n")
    (folder / "e-objects.yaml").write_text(
        "# all\n---\n" + "---\n".join(isvc(f"s{n}", n, n + 1) for n in range(9))
    )
    (folder / "f-packed.ndjson.gz").write_bytes(gzip.compress(b"\n".join(lines[100:]) + b"\n{broken\n"))
    return folder


@pytest.fixture
def filled(tmp_path: Path, box: Path) -> Path:
    """A workspace with the box in two imports."""
    path = tmp_path / "audit.trail"
    with lineage.open(path) as workspace:
        workspace.import_(sorted(box.iterdir())[:3], labels={"cluster": "prod"})
        workspace.import_([box], labels={"cluster": "prod"})
    return path


def unpacked(path: Path) -> bytes:
    """The bytes that offsets count."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def leaves(workspace: Workspace) -> list[bytes]:
    """The leaves of the tree, from the table of records."""
    with workspace._database.reading() as connection:
        return [leaf_hash(entry(*place)) for place in log.places(connection)]


def records(workspace: Workspace) -> list[dict[str, Any]]:
    """Every record that is kept."""
    with workspace._database.reading() as connection:
        return [workspace.record(number) for number in range(log.size(connection))]


def test_every_record_is_the_bytes_that_stand_in_the_file(filled: Path) -> None:
    """Lines, items, documents, packed or not: bytes, offset, line, length and SHA-256 agree with the file."""
    with lineage.open(filled) as workspace:
        kept = records(workspace)
    assert len(kept) == 100 + 40 + 5 + 1 + 9 + 201
    for item in kept:
        body = unpacked(Path(item["file"]))
        raw = item["text"].encode()
        assert body[item["offset"] : item["offset"] + item["length"]] == raw
        assert item["line"] == body[: item["offset"]].count(b"\n") + 1
        assert item["sha256"] == hashlib.sha256(raw).hexdigest()
    rows = {item["row"] for item in kept}
    assert {"/0", "/39", "/events/4", ""} <= rows


def test_rejected_records_are_kept_like_all_others(filled: Path) -> None:
    """What could not be read is evidence, too, and its problem names it."""
    with lineage.open(filled) as workspace:
        (problem,) = workspace.problems().items
        (evidence,) = problem["evidence"]
        assert workspace.record(evidence["record"])["text"] == "{broken"
        assert (problem["line"], evidence["line"], evidence["sha256"]) == (
            201,
            201,
            hashlib.sha256(b"{broken").hexdigest(),
        )


def test_the_root_of_each_import_follows_from_the_records(filled: Path, box: Path) -> None:
    """Recomputed from the table of records at every size noted; an import that adds nothing notes nothing new."""
    with lineage.open(filled) as workspace:
        workspace.import_([box], labels={"cluster": "prod"})
        whole = leaves(workspace)
        noted = [(batch["size"], batch["root"]) for batch in workspace.imports().items if batch["root"]]
        assert [size for size, _ in noted] == [145, len(whole)]
        assert all(root == root_of(whole[:size]).hex() for size, root in noted)


def test_every_record_can_be_proven_against_the_last_checkpoint(filled: Path) -> None:
    """A proof of a few hashes shows each record under the root, and shows no other record there."""
    with lineage.open(filled) as workspace:
        whole = leaves(workspace)[:200]
    root = root_of(whole)
    for index in range(0, len(whole), 7):
        proof = inclusion_proof(whole, index)
        assert len(proof) <= 8
        assert verify_inclusion(whole[index], index, len(whole), proof, root)
        assert not verify_inclusion(whole[index - 1], index, len(whole), proof, root)


def changed_records(workspace: Workspace) -> list[int]:
    """The records whose bytes no longer have the SHA-256 that stands in the tree."""
    with workspace._database.reading() as connection:
        digests = [place[0] for place in log.places(connection)]
        return [
            number
            for number, raw in log.raw_records(connection)
            if hashlib.sha256(raw).digest() != digests[number]
        ]


@pytest.fixture
def tamper(filled: Path) -> Callable[[str, tuple[Any, ...]], None]:
    """Change the file behind the program's back."""

    def change(statement: str, values: tuple[Any, ...]) -> None:
        with contextlib.closing(database.driver().connect(filled)) as connection:
            connection.execute(statement, values)
            connection.commit()

    return change


def blocks(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """The records of each block, by the number of the block."""
    with lineage.open(path) as workspace, workspace._database.reading() as connection:
        raws = dict(log.raw_records(connection))
        starts = connection.exec_driver_sql("SELECT id, first FROM block ORDER BY first").fetchall()
    ends = [first for _, first in starts[1:]] + [len(raws)]
    for (number, first), end in zip(starts, ends, strict=True):
        yield number, [raws[seq] for seq in range(first, end)]


@pytest.mark.parametrize("seq", [0, 1, 127, 144, 145, 200, 355])
def test_one_changed_byte_is_found(
    filled: Path, tamper: Callable[[str, tuple[Any, ...]], None], seq: int
) -> None:
    """A record altered inside its block, which SQLite cannot see, has another SHA-256; no other record has."""
    import msgspec
    import zstandard

    first = 0
    for number, raws in blocks(filled):
        if first <= seq < first + len(raws):
            altered = bytearray(raws[seq - first])
            altered[len(altered) // 2] ^= 1
            raws[seq - first] = bytes(altered)
            body = zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(raws))
            tamper("UPDATE block SET body = ? WHERE id = ?", (body, number))
        first += len(raws)
    with lineage.open(filled) as workspace:
        assert changed_records(workspace) == [seq]


@pytest.mark.parametrize(
    ("column", "value"),
    [("sha256", hashlib.sha256(b"forged").digest()), ("line", 77777), ("offset", 77777), ("file", 1)],
)
def test_a_changed_row_changes_the_root(
    filled: Path, tamper: Callable[[str, tuple[Any, ...]], None], column: str, value: object
) -> None:
    """Forging what the table says of a record, or swapping its bytes together with its hash, breaks the checkpoint."""
    with lineage.open(filled) as workspace:
        noted = workspace.imports().items[-1]["root"]
        assert root_of(leaves(workspace)).hex() == noted
    tamper(f"UPDATE record SET {column} = ? WHERE seq = 150", (value,))
    with lineage.open(filled) as workspace:
        assert root_of(leaves(workspace)).hex() != noted


def test_a_removed_record_changes_the_root(
    filled: Path, tamper: Callable[[str, tuple[Any, ...]], None]
) -> None:
    """Evidence cannot be taken out unseen."""
    with lineage.open(filled) as workspace:
        noted = workspace.imports().items[-1]["root"]
    tamper("DELETE FROM record WHERE seq = ?", (150,))
    with lineage.open(filled) as workspace:
        assert root_of(leaves(workspace)).hex() != noted


def test_the_tree_grows_over_many_transactions(
    tmp_path: Path, box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed every few records, or all at once, the same records have the same root and blocks read alike."""
    roots = set()
    for step in (3, 64, COMMIT_RECORDS):
        monkeypatch.setattr("lineage.ingest.COMMIT_RECORDS", step)
        with lineage.open(tmp_path / f"{step}.trail") as workspace:
            workspace.import_([box], labels={"cluster": "prod"})
            noted = workspace.imports().items[-1]["root"]
            assert noted == root_of(leaves(workspace)).hex()
            assert changed_records(workspace) == []
            roots.add(noted)
    assert len(roots) == 1


def test_the_digest_of_a_file_is_that_of_the_file(filled: Path, box: Path) -> None:
    """What `sha256sum` says of the file as it lies there, packed or not."""
    with lineage.open(filled) as workspace:
        files = {
            file["file"]: file["sha256"] for batch in workspace.imports().items for file in batch["files"]
        }
    assert files == {
        path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(box.iterdir())
    }


QUESTIONS: dict[str, Callable[..., Any]] = {
    "entities": Workspace.entities,
    "deployments": Workspace.deployments,
    "events": Workspace.events,
    "runs": Workspace.runs,
    "sla": Workspace.sla,
    "findings": Workspace.findings,
    "coverage": Workspace.coverage,
    "digest": Workspace.digest,
    "live": lambda workspace, **times: workspace.live(as_of="2026-06-01", **times),
    "trace": lambda workspace, **times: workspace.trace("clean/load/ü", as_of="2026-06-01", **times),
    "ever": lambda workspace, **times: workspace.trace("clean/load/ü", ever=True, **times),
    "show": lambda workspace, **times: workspace.show("clean/load/ü", **times),
    "paths": lambda workspace, **times: workspace.paths("raw/load", "clean/load/ü", ever=True, **times),
}


def test_an_answer_as_it_was_known_then(tmp_path: Path, box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every question, asked as known before later imports, has the answer given then; on a read-only file as well."""
    clock = iter(f"2026-07-{day:02d}T00:00:00Z" for day in range(1, 29))
    path = tmp_path / "audit.trail"
    later = tmp_path / "later"
    later.mkdir()
    (later / "moved.yaml").write_text(isvc("s0", 99, 20) + "---\n" + isvc("new", 1, 21))
    (later / "more.ndjson").write_text(
        "".join(json.dumps(event(number, job) | {"eventTime": "2026-02-01T00:00:00Z"}) + "\n"
                for number, job in ((900, "load"), (901, "other"), (902, "brand-new")))
    )  # fmt: skip
    steps = [[box / "a-lines.ndjson"], [box], [later]]
    given: list[tuple[str, dict[str, Any]]] = []
    with lineage.open(path) as workspace:
        for paths in steps:
            monkeypatch.setenv("MODELTRAIL_NOW", next(clock))
            workspace.import_(paths, labels={"cluster": "prod", "observed_at": "2026-06-15T00:00:00Z"})
            known = next(clock)
            monkeypatch.setenv("MODELTRAIL_NOW", known)
            given.append((known, {name: ask(workspace).items for name, ask in QUESTIONS.items()}))
        assert len({json.dumps(answers["digest"]) for _, answers in given}) == len(steps)
        assert len({json.dumps(answers["deployments"], default=str) for _, answers in given}) > 1
        for known, answers in (*given, *reversed(given)):
            for name, ask in QUESTIONS.items():
                assert ask(workspace, known_at=known).items == answers[name], (name, known)
        assert workspace.entities(known_at="2026-06-30").items == []

    for name in ("-wal", "-shm"):
        assert not path.with_name(path.name + name).exists()
    monkeypatch.setattr(database.os, "access", lambda *_: False)
    before = path.read_bytes()
    with lineage.open(path) as workspace:
        assert workspace.read_only
        for known, answers in given:
            for name, ask in QUESTIONS.items():
                assert ask(workspace, known_at=known).items == answers[name], (name, known)
    assert path.read_bytes() == before
