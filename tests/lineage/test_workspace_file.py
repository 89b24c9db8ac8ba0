"""What a workspace file does when it is damaged, foreign, newer, locked, read-only, or out of room."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lineage
from lineage import cli
from lineage.errors import WorkspaceError
from lineage.store import database as opening
from lineage.store.lock import import_lock
from lineage.store.tables import APPLICATION_ID

# Two SQLite libraries in one process do not see each other's locks.
sqlite = opening.driver()
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"


def event(number: int, job: str = "load", filler: str = "") -> bytes:
    """A finished run of `job` that reads one table and writes another, as one line."""
    said = {
        "eventType": "COMPLETE",
        "eventTime": f"2026-03-01T{number // 60 % 24:02d}:{number % 60:02d}:00Z",
        "run": {"runId": f"0190d9a0-0000-7000-8000-{number:012d}"},
        "job": {"namespace": "etl", "name": job},
        "inputs": [{"namespace": "s3://lake", "name": f"raw/{job}"}],
        "outputs": [{"namespace": "s3://lake", "name": f"clean/{job}"}],
        "producer": "https://example.com/producer",
        "schemaURL": SCHEMA,
    }
    return json.dumps({**said, "filler": filler} if filler else said).encode() + b"\n"


def digest(path: Path) -> str:
    """The digest of the workspace at `path`."""
    with lineage.open(path, create=False) as workspace:
        return str(workspace.digest().items[0]["digest"])


def answered(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run a verb and return exit status, stdout and stderr."""
    status = cli.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A log of 40 runs."""
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(event(number) for number in range(40)))
    return path


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """A log of 20 more."""
    path = tmp_path / "later.ndjson"
    path.write_bytes(b"".join(event(number, "publish") for number in range(40, 60)))
    return path


@pytest.fixture
def filled(tmp_path: Path, source: Path) -> Path:
    """A workspace with one import in it, closed."""
    path = tmp_path / "box" / "audit.trail"
    path.parent.mkdir()
    with lineage.open(path) as workspace:
        workspace.import_([source])
    return path


def refused(path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Ask and import; both must end with 2 and the same single line, and leave every byte as it was."""
    before = path.read_bytes()
    beside = sorted(path.parent.iterdir())
    lines = []
    for arguments in (("entities",), ("import", source), ("digest",)):
        status, out, err = answered(capsys, "-w", path, *arguments)
        assert (status, out) == (2, "")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        assert str(path) in err
        lines.append(err)
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == beside
    assert len(set(lines)) == 1
    return lines[0]


def test_a_database_of_another_program_is_refused_and_not_touched(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A SQLite file that is not ours, with or without an identity of its own, keeps every byte."""
    for name, identity in (("plain.db", 0), ("other.db", 0x12345678)):
        path = tmp_path / name
        with contextlib.closing(sqlite.connect(path)) as made:
            made.executescript(f"PRAGMA application_id = {identity}; CREATE TABLE runs (id INTEGER)")

        assert "another program" in refused(path, source, capsys)


def test_a_database_that_another_program_has_open_keeps_its_write_ahead_log(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Opening and closing a foreign file must not move the pages that wait beside it."""
    path = tmp_path / "busy.db"
    with contextlib.closing(sqlite.connect(path)) as other:
        other.executescript("PRAGMA journal_mode = WAL; CREATE TABLE runs (id INTEGER)")
        waiting = path.with_name("busy.db-wal").read_bytes()
        assert waiting

        assert "another program" in refused(path, source, capsys)
        assert path.with_name("busy.db-wal").read_bytes() == waiting


@pytest.mark.parametrize(
    "body", [b"hello\n", b"PK\x03\x04", b"SQLite format 3\x00" + b"\xff" * 84, b"\x00" * 4096]
)
def test_a_file_that_is_no_database_is_refused(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    """Text, archives and headers of nothing are named as what they are not."""
    path = tmp_path / "notes.trail"
    path.write_bytes(body)

    assert refused(path, source, capsys)


def test_what_is_no_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder, a pipe (which would wait for ever), a name that cannot be: one line each."""
    os.mkfifo(tmp_path / "pipe")
    for path in (
        tmp_path,
        tmp_path / "pipe",
        tmp_path / ("x" * 300),
        "nul\0name",
        tmp_path / "no" / "such.trail",
    ):
        status, out, err = answered(capsys, "-w", path, "entities")

        assert (status, out, err.count("\n")) == (2, "", 1)


def test_a_missing_workspace_is_only_made_by_an_import(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A question to a file that is not there says so and makes none; an empty file is as good as none."""
    for path, body in ((tmp_path / "new.trail", None), (tmp_path / "empty.trail", b"")):
        if body is not None:
            path.write_bytes(body)
        status, _, err = answered(capsys, "-w", path, "live")

        assert (status, err.count("\n")) == (2, 1)
        assert (path.read_bytes() if path.exists() else None) == body
        assert answered(capsys, "-w", path, "import", source)[0] == 0


def test_making_a_workspace_can_be_begun_again_after_a_kill(tmp_path: Path, source: Path) -> None:
    """A file with a header and nothing in it, as a kill leaves it, becomes the workspace of the next import."""
    path = tmp_path / "half.trail"
    with contextlib.closing(sqlite.connect(path)) as made:
        made.executescript("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL")
    assert path.stat().st_size

    with lineage.open(path) as workspace:
        assert workspace.import_([source]).items[0]["accepted"] == 40


def test_two_programs_may_make_the_same_workspace_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that comes second finds the schema made and goes on."""
    path = tmp_path / "both.trail"
    made = opening._migrate

    def other_first(database: opening.Database) -> None:
        monkeypatch.setattr(opening, "_migrate", made)
        lineage.open(path).close()
        made(database)

    monkeypatch.setattr(opening, "_migrate", other_first)
    with lineage.open(path) as workspace:
        assert workspace.entities().total == 0


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE VIEW nice AS SELECT 1",
        "CREATE TRIGGER nice AFTER INSERT ON batch BEGIN DELETE FROM record; END",
        "CREATE VIRTUAL TABLE nice USING fts5(text)",
    ],
)
def test_what_runs_by_itself_is_not_let_in(
    filled: Path, source: Path, capsys: pytest.CaptureFixture[str], planted: str
) -> None:
    """A view, trigger or virtual table that we did not make closes the workspace, and is named."""
    with contextlib.closing(sqlite.connect(filled)) as made:
        made.executescript(planted)

    assert "'nice', which ModelTrail did not make" in refused(filled, source, capsys)


def test_a_missing_table_is_damage(filled: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Evidence that somebody dropped is said, not made anew and empty."""
    with contextlib.closing(sqlite.connect(filled)) as made:
        made.executescript("DROP TABLE record")

    assert "damaged (no such table: record)" in refused(filled, source, capsys)


def test_damage_is_said_wherever_it_is_met(
    filled: Path, later: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With any one page overwritten every verb answers, or ends with 2 and one line; none with a traceback."""
    whole = filled.read_bytes()
    verbs = (
        ["entities"],
        ["trace", "clean/load"],
        ["digest"],
        ["imports"],
        ["entities", "--known-at", "2099-01-01"],
        ["import", str(later)],
        ["rebuild"],
    )
    met = set()
    for page in range(0, len(whole) // 8192, 3):
        for verb in verbs:
            broken = bytearray(whole)
            start = page * 8192 + (100 if not page else 0)
            broken[start : start + 4000] = b"\x5a" * 4000
            for name in ("-wal", "-shm"):
                filled.with_name(filled.name + name).unlink(missing_ok=True)
            filled.write_bytes(broken)
            status, _, err = answered(capsys, "-w", filled, *verb)
            assert status in {0, 2}, (page, verb, err)
            assert err.count("\n") == (1 if status == 2 else 0), (page, verb, err)
            if status == 2:
                assert "damaged" in err, (page, verb, err)
                met.add(verb[0])

    assert met >= {"entities", "rebuild", "import"}


def test_a_cut_off_workspace_is_damage(
    filled: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy that was not finished is refused."""
    filled.write_bytes(filled.read_bytes()[:20_000])

    assert "damaged" in refused(filled, source, capsys)


def test_a_damaged_block_of_evidence_is_said(filled: Path) -> None:
    """A block whose bytes changed without SQLite noticing is damage, not a mistake of ours."""
    with contextlib.closing(sqlite.connect(filled)) as made:
        body = bytearray(made.execute("SELECT body FROM block").fetchone()[0])
        body[0] ^= 0xFF
        made.execute("UPDATE block SET body = ?", (bytes(body),))
        made.commit()

    with lineage.open(filled) as workspace, pytest.raises(WorkspaceError, match="damaged"):
        workspace.record(3)


def test_a_newer_workspace_is_shown_and_never_written(
    filled: Path, later: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Schema 99 opens read-only with a note; an import and a rebuild refuse and change no byte."""
    known = digest(filled)
    with contextlib.closing(sqlite.connect(filled)) as made:
        made.execute("PRAGMA user_version = 99")
    before = filled.read_bytes()

    with lineage.open(filled) as workspace:
        assert workspace.read_only
        assert "schema 99" in workspace.note
        assert workspace.digest().items[0]["digest"] == known
    for arguments in (["import", str(later)], ["rebuild"]):
        status, out, err = answered(capsys, "-w", filled, *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "newer ModelTrail" in err
    assert filled.read_bytes() == before
    assert not filled.with_name("audit.trail-wal").exists()


def test_an_older_workspace_is_copied_whole_before_the_first_step(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy holds also what still stood in the write-ahead log, and a step that fails leaves the old version."""

    def fails(connection: opening.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE extra (x INTEGER)")
        raise WorkspaceError("the step failed")

    def works(connection: opening.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE extra (x INTEGER)")

    known = digest(filled)
    with contextlib.closing(sqlite.connect(filled)) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("INSERT INTO meta VALUES ('late', 'in the log')")
        other.commit()
        for step in (fails, works):
            monkeypatch.setattr(opening, "STEPS", (*opening.STEPS[:1], step))
            monkeypatch.setattr(opening, "SCHEMA", 2)
            if step is fails:
                with pytest.raises(WorkspaceError, match="the step failed"):
                    lineage.open(filled)
                assert other.execute("PRAGMA user_version").fetchone() == (1,)
            else:
                assert digest(filled) == known
                assert other.execute("PRAGMA user_version").fetchone() == (2,)
    copy = filled.with_name("audit.trail.schema-1")
    with contextlib.closing(sqlite.connect(copy)) as kept:
        assert kept.execute("SELECT value FROM meta WHERE key = 'late'").fetchone() == ("in the log",)
        assert kept.execute("PRAGMA user_version").fetchone() == (1,)
        assert kept.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_a_second_import_names_who_runs_the_first(
    filled: Path, later: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """While one import holds the workspace, another ends with the holder's process; questions are still answered."""
    with import_lock(filled):
        status, out, err = answered(capsys, "-w", filled, "import", later)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert f"an import is running already (process {os.getpid()} on " in err
        assert answered(capsys, "-w", filled, "entities")[0] == 0
        link = filled.with_name("link.trail")
        link.symlink_to(filled)
        assert "an import is running already" in answered(capsys, "-w", link, "import", later)[2]

    assert answered(capsys, "-w", filled, "import", later)[0] == 0


def test_a_lock_of_the_dead_holds_nobody(
    filled: Path, later: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of a killed import may lie there with its name in it: the lock died with the process."""
    filled.with_name("audit.trail.lock").write_text("process 1 on elsewhere")

    assert answered(capsys, "-w", filled, "import", later)[0] == 0


def test_a_workspace_that_another_program_writes_is_named(
    filled: Path, later: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write lock held from outside ends an import with one line; nothing is half done."""
    known = digest(filled)
    connect = opening.driver().connect
    monkeypatch.setattr(opening.driver(), "connect", lambda *a, **k: connect(*a, **{**k, "timeout": 0.05}))
    with contextlib.closing(sqlite.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        status, out, err = answered(capsys, "-w", filled, "import", later)
        other.execute("ROLLBACK")

    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "another program is writing to the workspace" in err
    assert digest(filled) == known


def test_answers_during_an_import_say_that_they_are_not_complete(
    filled: Path, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that are kept but not yet worked out make every answer incomplete until the import has ended."""
    with lineage.open(filled) as workspace:
        assert workspace.entities().complete

    def broken_off(connection: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, lineage.open(filled) as workspace:
        patch.setattr("lineage.ingest.resolve", broken_off)
        with pytest.raises(KeyboardInterrupt):
            workspace.import_([later])
        assert not workspace.entities().complete
    with import_lock(filled), lineage.open(filled) as workspace:
        assert not workspace.entities().complete
        assert "not finished" in workspace.note
        assert workspace.entities(known_at="2099-01-01").complete
    with lineage.open(filled) as workspace:
        assert workspace.entities().complete
        assert workspace.note == ""


@contextlib.contextmanager
def nothing_writable(folder: Path) -> Iterator[None]:
    """Make a folder read-only for everybody, root too; the test is skipped where that cannot be."""
    if os.geteuid():
        modes = {path: path.stat().st_mode for path in (*folder.iterdir(), folder)}
        for path, mode in modes.items():
            path.chmod(mode & ~0o222)
        try:
            yield
        finally:
            for path, mode in reversed(modes.items()):
                path.chmod(mode)
        return
    if not mounted("--bind", folder, folder):
        pytest.skip("nothing can be mounted here")
    try:
        if not mounted("-o", "remount,ro,bind", folder):
            pytest.skip("nothing can be mounted read-only here")
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def mounted(*arguments: object) -> bool:
    """Tell whether a mount succeeded."""
    mount = shutil.which("mount")
    if mount is None or os.name != "posix":
        return False
    return not subprocess.run([mount, *map(str, arguments)], check=False, capture_output=True).returncode


def test_read_only_media_can_be_asked_everything(
    filled: Path, later: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a medium where nothing can be written every question has the answer it had; an import says what to do."""
    with lineage.open(filled) as workspace:
        known = workspace.digest().items, workspace.trace("clean/load").items, workspace.entities().items
    with nothing_writable(filled.parent):
        before = sorted(filled.parent.iterdir()), filled.read_bytes()
        with lineage.open(filled) as workspace:
            assert workspace.read_only
            assert "read-only" in workspace.note
            assert known == (
                workspace.digest().items,
                workspace.trace("clean/load").items,
                workspace.entities().items,
            )
            assert workspace.entities(known_at="2099-01-01").items == known[2]
            assert workspace.entities(known_at="2001-01-01").items == []
        new = ["-w", filled.with_name("new.trail"), "import", later]
        for arguments in (["-w", filled, "import", later], ["-w", filled, "rebuild"], new):
            status, out, err = answered(capsys, *arguments)
            assert (status, out, err.count("\n")) == (2, "", 1)
            assert "read-only" in err or "cannot be written" in err
        assert (sorted(filled.parent.iterdir()), filled.read_bytes()) == before


def test_a_read_only_copy_of_an_open_workspace_is_never_half_read(
    filled: Path, later: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stands in the write-ahead log is read too, or the workspace says that it cannot be: never left out."""
    box = tmp_path / "copy"
    with lineage.open(filled) as workspace, workspace._database.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM record").scalar_one()
        workspace.import_([later])
        known = workspace.digest().items[0]["digest"]
        shutil.copytree(filled.parent, box)
    (box / "audit.trail-shm").unlink()
    assert (box / "audit.trail-wal").stat().st_size

    with nothing_writable(box):
        status, out, err = answered(capsys, "-w", box / "audit.trail", "digest")
    if status == 2:
        assert "audit.trail-wal" in err
    else:
        assert json.loads(out)["items"][0]["digest"] == known
    assert digest(box / "audit.trail") == known


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """A disk of 2 MB and a way to change its size; the test is skipped where none can be had."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or not mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", folder):
        pytest.skip("no small disk can be mounted here")
    try:
        yield folder, lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("records", [400, 20_000])
def test_a_full_disk_keeps_what_was_complete(
    small_disk: tuple[Path, Callable[[str], None]],
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    records: int,
) -> None:
    """The import says that the disk is full; what was committed is sound and can be read; with room it is finished."""
    folder, resize = small_disk
    path = folder / "audit.trail"
    large = tmp_path / "large.ndjson"
    filler = [hashlib.sha512(bytes([n % 251, n // 251])).hexdigest() * 3 for n in range(2500)]
    large.write_bytes(b"".join(event(100 + n, f"job{n}", filler[n]) for n in range(2500)))
    monkeypatch.setattr("lineage.ingest.COMMIT_RECORDS", records)
    assert answered(capsys, "-w", path, "import", source)[0] == 0

    for _ in range(2):
        status, out, err = answered(capsys, "-w", path, "import", large)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "the disk is full; what was complete has been kept" in err
    with contextlib.closing(sqlite.connect(path)) as look:
        assert look.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept = look.execute("SELECT count(*) FROM record").fetchone()[0]
    assert kept == 40 if records == 20_000 else kept > 40 and kept % records == 40
    with lineage.open(path) as workspace:
        assert workspace.entities("load").items
        files = [file for batch in workspace.imports().items for file in batch["files"]]
    assert files[0]["finished"]
    assert sum(file["accepted"] for file in files) == kept

    resize("64m")
    assert answered(capsys, "-w", path, "import", large)[0] == 0
    with lineage.open(tmp_path / "roomy.trail") as roomy:
        roomy.import_([source])
        roomy.import_([large])
    assert digest(path) == digest(tmp_path / "roomy.trail")


def test_a_disk_too_small_to_begin_is_said(
    small_disk: tuple[Path, Callable[[str], None]], source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even the first import fits: one line, and the next attempt with more room works."""
    folder, resize = small_disk
    resize("300k")
    status, out, err = answered(capsys, "-w", folder / "audit.trail", "import", source)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "full" in err

    resize("8m")
    assert answered(capsys, "-w", folder / "audit.trail", "import", source)[0] == 0


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_import_leaves_a_workspace_that_opens(filled: Path, later: Path) -> None:
    """The identity of a workspace is known even while it stands in the write-ahead log alone."""
    path = filled.with_name("new.trail")
    program = (
        "import os, sys, lineage, lineage.ingest as ingest\n"
        "ingest.resolve = lambda connection: os.kill(os.getpid(), 9)\n"
        "lineage.open(sys.argv[1]).import_([sys.argv[2]])\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path), str(later)], check=False)

    with lineage.open(path) as workspace:
        assert workspace.import_([later]).items[0]["read"] == 20
        known = workspace.digest().items
    with lineage.open(filled.with_name("whole.trail")) as workspace:
        workspace.import_([later])
        assert workspace.digest().items == known
