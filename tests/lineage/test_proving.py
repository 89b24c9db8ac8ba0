"""A changed byte anywhere in a workspace is found and named; notes and anchors hold a log to what it was."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

import lineage
from lineage.cli import main
from lineage.errors import CancelledError, QuestionError, UnreadableInputError
from lineage.evidence.merkle import leaf_hash, root_of
from lineage.evidence.note import read
from lineage.progress import Progress
from lineage.store import database, log

Change = Callable[..., None]


def event(number: int, job: str = "load") -> bytes:
    """A finished run of `job` as one line."""
    said = {
        "eventType": "COMPLETE",
        "eventTime": f"2026-03-01T00:{number % 60:02d}:00Z",
        "run": {"runId": f"0190d9a0-0000-7000-8000-{number:012d}"},
        "job": {"namespace": "etl", "name": job},
        "inputs": [{"namespace": "s3://lake", "name": f"raw/{job}"}],
        "outputs": [{"namespace": "s3://lake", "name": f"clean/{job}"}],
        "producer": "https://example.com/producer",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }
    return json.dumps(said).encode() + b"\n"


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Two imports, a rejected line, two decisions of which one was taken back."""
    first, second = tmp_path / "first.ndjson", tmp_path / "second.ndjson"
    first.write_bytes(b"".join(event(n) for n in range(30)) + b"{broken\n")
    second.write_bytes(b"".join(event(n, "publish") for n in range(30, 50)))
    path = tmp_path / "audit.trail"
    with lineage.open(path) as workspace:
        workspace.import_([first])
        workspace.identity(
            "merge", "s3://lake/raw/load", "s3://lake/clean/load", who="Ada Berg", why="one table"
        )
        workspace.import_([second])
        workspace.identity("undo", "1", who="Ada Berg", why="it was not")
    return path


@pytest.fixture
def tamper(filled: Path) -> Change:
    """Change the file behind the program's back."""

    def change(statement: str, *values: Any) -> None:
        with contextlib.closing(database.driver().connect(filled)) as connection:
            assert connection.execute(statement, values).rowcount != 0
            connection.commit()

    return change


def verified(path: Path) -> dict[str, Any]:
    """What verification says."""
    with lineage.open(path) as workspace:
        return workspace.verify().items[0]


def failures(path: Path) -> set[str]:
    """What was changed, by its kind."""
    return {item["what"] for item in verified(path)["failed"]}


def test_a_sound_workspace_verifies_in_full(filled: Path) -> None:
    """Nothing fails, everything was looked at, and the root is that over the 51 records."""
    item = verified(filled)
    assert item["failed"] == []
    assert item["tree_size"] == 51
    assert {name: item["checked"][name] for name in ("records", "checkpoints", "links", "decisions")} == {
        "records": 51,
        "checkpoints": 2,
        "links": 4,
        "decisions": 2,
    }
    assert item["checked"]["facts of records"] == 51
    assert item["checked"]["derived"] == 17
    lines = (filled.parent / "first.ndjson").read_bytes().splitlines()
    lines += (filled.parent / "second.ndjson").read_bytes().splitlines()
    leaves = []
    for number, line in enumerate(lines):
        file, place = (1, number) if number < 31 else (2, number - 31)
        begin = 0 if file == 1 else 31
        offset = sum(len(other) + 1 for other in lines[begin:number])
        numbers = b"".join(value.to_bytes(8, "big") for value in (file, place + 1, offset))
        leaves.append(leaf_hash(hashlib.sha256(line).digest() + numbers))
    assert item["root"] == root_of(leaves).hex()


@pytest.mark.parametrize("seq", [0, 17, 30, 31, 50])
def test_a_changed_byte_of_evidence_names_record_file_and_line(
    filled: Path, tamper: Change, seq: int
) -> None:
    """Altered inside its block, where SQLite sees nothing; no other record is blamed."""
    with contextlib.closing(database.driver().connect(filled)) as connection:
        found = connection.execute(
            "SELECT id, first, body FROM block WHERE first <= ? ORDER BY first DESC", (seq,)
        ).fetchone()
    raws = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(found[2]), type=list[bytes])
    changed = bytearray(raws[seq - found[1]])
    changed[len(changed) // 2] ^= 1
    raws[seq - found[1]] = bytes(changed)
    tamper(
        "UPDATE block SET body = ? WHERE id = ?", zstandard.compress(msgspec.msgpack.encode(raws)), found[0]
    )
    (failed,) = verified(filled)["failed"]
    name = "first.ndjson" if seq < 31 else "second.ndjson"
    assert (failed["what"], failed["record"], failed["line"]) == ("evidence", seq, seq % 31 + 1)
    assert failed["file"].endswith(name)


@pytest.mark.parametrize("table", ["block", "fact_block"])
def test_every_byte_of_a_block_counts(filled: Path, tamper: Change, table: str) -> None:
    """A flipped byte anywhere in a compressed block is found, whether it can still be unpacked or not."""
    with contextlib.closing(database.driver().connect(filled)) as connection:
        (body,) = connection.execute(f"SELECT body FROM {table} WHERE id = 1").fetchone()
    for place in range(0, len(body), max(1, len(body) // 12)):
        changed = bytearray(body)
        changed[place] ^= 4
        tamper(f"UPDATE {table} SET body = ? WHERE id = 1", bytes(changed))
        found = failures(filled)
        assert found & ({"block", "evidence"} if table == "block" else {"binding"}), place


CHANGES = {
    "record-digest": ("UPDATE record SET sha256 = zeroblob(32) WHERE seq = 7", {"evidence", "checkpoint"}),
    "record-line": ("UPDATE record SET line = 999 WHERE seq = 7", {"checkpoint"}),
    "record-offset": ("UPDATE record SET offset = offset + 1 WHERE seq = 7", {"checkpoint"}),
    "record-file": ("UPDATE record SET file = 2 WHERE seq = 7", {"checkpoint"}),
    "record-length": ("UPDATE record SET length = 1 WHERE seq = 7", {"record"}),
    "record-row": ("UPDATE record SET row = '/9' WHERE seq = 7", {"binding"}),
    "record-removed": ("DELETE FROM record WHERE seq = 7", {"record", "checkpoint"}),
    "record-newest-removed": ("DELETE FROM record WHERE seq = 50", {"record", "checkpoint"}),
    "block-removed": ("DELETE FROM block WHERE id = 1", {"evidence"}),
    "facts-removed": ("DELETE FROM fact_block WHERE id = 2", {"facts", "binding"}),
    "facts-moved": ("UPDATE fact_block SET first = 32 WHERE id = 2", {"facts", "binding"}),
    "checkpoint-root": ("UPDATE checkpoint SET root = zeroblob(32) WHERE size = 31", {"checkpoint"}),
    "checkpoint-frontier": ("UPDATE checkpoint SET frontier = zeroblob(96) WHERE size = 31", {"checkpoint"}),
    "checkpoint-size": ("UPDATE checkpoint SET size = 30 WHERE size = 31", {"checkpoint"}),
    "checkpoint-removed": ("DELETE FROM checkpoint WHERE size = 31", {"checkpoint"}),
    "decision-who": ("UPDATE decision SET who = 'Eve' WHERE id = 1", {"binding"}),
    "decision-why": ("UPDATE decision SET why = why || '!' WHERE id = 2", {"binding"}),
    "decision-removed": ("DELETE FROM decision WHERE id = 2", {"binding"}),
    "file-path": ("UPDATE file SET path = '/other' WHERE id = 1", {"binding"}),
    "file-digest": ("UPDATE file SET sha256 = zeroblob(32) WHERE id = 1", {"binding"}),
    "batch-time": ("UPDATE batch SET started = started - 1 WHERE id = 2", {"binding"}),
    "problem-hidden": ("DELETE FROM problem", {"binding"}),
    "link-removed": ("DELETE FROM binding WHERE id = 2", {"binding"}),
    "newest-links-removed": ("DELETE FROM binding WHERE id > 2", {"binding"}),
    "workspace-renamed": ("UPDATE meta SET value = 'x' WHERE key = 'workspace'", {"binding"}),
    "entity": ("UPDATE entity SET name = 'raw/other' WHERE name = 'raw/load'", {"derived"}),
    "edge": ("UPDATE edge SET confidence = 0.5", {"derived"}),
    "run": ("UPDATE run SET ended = ended + 1 WHERE id = 3", {"derived"}),
    "use": ("DELETE FROM run_use WHERE run = 3 AND output = 1", {"derived"}),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_each_change_of_a_row_is_found_and_named(filled: Path, tamper: Change, name: str) -> None:
    """Rows of records, checkpoints, decisions, files, problems, links and everything derived."""
    statement, expected = CHANGES[name]
    tamper(statement)
    assert failures(filled) >= expected


def test_derived_rows_are_named_by_what_they_are(filled: Path, tamper: Change) -> None:
    """Of a removed lineage edge it is said that edges are not what the facts give, and rebuild mends it."""
    tamper("DELETE FROM edge")
    failed = verified(filled)["failed"]
    assert [(item["what"], item["where"]) for item in failed] == [("derived", "edge")]
    with lineage.open(filled) as workspace:
        workspace.rebuild()
        assert workspace.verify().items[0]["failed"] == []


def test_verification_changes_nothing(filled: Path) -> None:
    """The derived tables made for comparison are gone afterwards; every byte of the file is as it was."""
    before = filled.read_bytes()
    verified(filled)
    assert filled.read_bytes() == before


def test_a_killed_import_is_bound_by_the_next_one(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed before the kill is no failure, and is bound once something is recorded after it."""
    third = filled.parent / "third.ndjson"
    third.write_bytes(b"".join(event(n, "third") for n in range(100, 140)))
    monkeypatch.setattr("lineage.ingest.COMMIT_RECORDS", 10)
    monkeypatch.setattr("lineage.ingest.BATCH_BYTES", 1_000)

    def stop(connection: object) -> None:
        raise KeyboardInterrupt

    with lineage.open(filled) as workspace:
        with monkeypatch.context() as patched:
            patched.setattr("lineage.ingest.resolve", stop)
            with pytest.raises(KeyboardInterrupt):
                workspace.import_([third])
        with workspace._database.reading() as connection:
            assert log.size(connection) > 51
    assert verified(filled)["failed"] == []
    with lineage.open(filled) as workspace:
        workspace.import_([third])
    assert verified(filled)["failed"] == []
    assert verified(filled)["tree_size"] == 91


def test_it_can_be_stopped(filled: Path) -> None:
    """A person who asks to stop is heard."""
    with lineage.open(filled) as workspace, pytest.raises(CancelledError):
        workspace.verify(progress=Progress(cancelled=lambda: True))


def test_the_exit_status_says_it(filled: Path, tamper: Change, capsys: pytest.CaptureFixture[str]) -> None:
    """0 for a sound workspace, 1 for a changed one."""
    assert main(["-w", str(filled), "verify"]) == 0
    tamper("UPDATE decision SET who = 'Eve'")
    assert main(["-w", str(filled), "verify"]) == 1
    assert "binding" in capsys.readouterr().out


def test_a_note_is_what_c2sp_says(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Origin, size in decimal, root in base64, each on a line of its own; the same note until something is added."""
    note = filled.parent / "a.note"
    assert main(["-w", str(filled), "checkpoint", "-o", str(note)]) == 0
    said = json.loads(capsys.readouterr().out)["items"][0]
    lines = note.read_text().split("\n")
    assert lines[0].startswith("modeltrail/")
    assert lines[1] == "51"
    assert read(note.read_text()).root.hex() == verified(filled)["root"] == said["root"]
    with lineage.open(filled) as workspace:
        assert workspace.checkpoint().items[0]["note"] == note.read_text()


def rewritten(filled: Path, tmp_path: Path) -> None:
    """Put another workspace under the same name and id in its place, made in full by whoever owns the file."""
    other = tmp_path / "forged.trail"
    lines = (tmp_path / "first.ndjson").read_bytes().replace(b"00:07:00", b"00:08:00")
    (tmp_path / "forged.ndjson").write_bytes(lines)
    with contextlib.closing(database.driver().connect(filled)) as connection:
        ((identity,),) = connection.execute("SELECT value FROM meta WHERE key = 'workspace'").fetchall()
    lineage.open(other).close()
    with contextlib.closing(database.driver().connect(other)) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'workspace'", (identity,))
        connection.commit()
    with lineage.open(other) as workspace:
        workspace.import_([tmp_path / "forged.ndjson", tmp_path / "second.ndjson"])
    filled.unlink()
    other.rename(filled)


def test_an_anchor_finds_what_a_full_rewrite_hides(filled: Path, tmp_path: Path) -> None:
    """A log made anew verifies by itself; held against a note kept elsewhere it does not."""
    note = tmp_path / "kept.note"
    with lineage.open(filled) as workspace:
        workspace.checkpoint(note)
    rewritten(filled, tmp_path)
    assert verified(filled)["failed"] == []
    with lineage.open(filled) as workspace:
        assert workspace.anchor(note).items[0]["holds"] is False
    item = verified(filled)
    assert [failed["what"] for failed in item["failed"]] == ["anchor"]
    assert item["anchors"][0]["holds"] is False


def test_an_anchor_is_kept_with_its_age(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds after more was imported, once however often it is given, and says how old it is."""
    note = tmp_path / "kept.note"
    third = tmp_path / "third.ndjson"
    third.write_bytes(event(77, "third"))
    monkeypatch.setenv("MODELTRAIL_NOW", "2030-01-01T00:00:00Z")
    with lineage.open(filled) as workspace:
        workspace.import_([third])
        workspace.checkpoint(note)
        workspace.anchor(note)
        workspace.anchor(note)
    monkeypatch.setenv("MODELTRAIL_NOW", "2030-01-11T00:00:01Z")
    item = verified(filled)
    assert item["failed"] == []
    assert [(anchor["holds"], anchor["age_days"], anchor["form"]) for anchor in item["anchors"]] == [
        (True, 10, "note")
    ]


def test_a_reply_of_a_time_stamping_service_is_an_anchor(filled: Path, tmp_path: Path) -> None:
    """The hash of the note and the time stand in the reply as RFC 3161, 2.4.2 says: imprint, serial, genTime."""
    note = tmp_path / "kept.note"
    with lineage.open(filled) as workspace:
        workspace.checkpoint(note)
        imprint = b"\x04\x20" + hashlib.sha256(note.read_bytes()).digest()
        reply = tmp_path / "kept.tsr"
        reply.write_bytes(b"\x30\x40\x30" + imprint + b"\x02\x01\x07" + b"\x18\x0f20260701120000Z" + b"\x00")
        kept = workspace.anchor(reply).items[0]
    assert (kept["form"], kept["made_at"], kept["tree_size"], kept["holds"]) == (
        "rfc3161",
        "2026-07-01T12:00:00Z",
        51,
        True,
    )
    assert verified(filled)["failed"] == []


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"a\nb\nc\n", b"x/y\n3\n!!\n", b"modeltrail/other\n3\nAAAA\n", b"\x30\x00"]
)
def test_what_says_nothing_of_this_log_is_refused(filled: Path, tmp_path: Path, body: bytes) -> None:
    """Another log's note, a reply about something else, any other file."""
    other = tmp_path / "other"
    other.write_bytes(body)
    with lineage.open(filled) as workspace, pytest.raises(QuestionError):
        workspace.anchor(other)


def test_a_sealed_copy_verifies_and_is_named_by_its_hash(filled: Path, tmp_path: Path) -> None:
    """The same root and digest in one file that is marked read-only; a second one is not written over it."""
    copy = tmp_path / "sealed.trail"
    with lineage.open(filled) as workspace:
        item = workspace.seal(copy).items[0]
        expected = workspace.digest().items[0]["digest"]
        with pytest.raises(UnreadableInputError):
            workspace.seal(copy)
    assert item["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert not copy.stat().st_mode & 0o222
    with lineage.open(copy) as workspace:
        assert workspace.verify().items[0]["failed"] == []
        assert workspace.digest().items[0]["digest"] == expected
