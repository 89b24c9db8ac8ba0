"""How is somebody's SQLite file opened as evidence: read-only, byte-identical afterwards, nothing in it trusted?"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from lineage.source import Input

_LARGEST_TEXT = 64 << 20


@contextmanager
def still(given: Input) -> Iterator[Path]:
    """Give a path whose database can be read without touching the file; raises `OSError` when it cannot be read.

    Beside a write-ahead log or a rollback journal that holds something, both are copied and the copy is opened: SQLite
    has to write to bring them together. A member of an archive is unpacked likewise.
    """
    if given.path is not None:
        path = Path(given.path)
        beside = [place for place in (Path(f"{path}{end}") for end in ("-wal", "-journal")) if _holds(place)]
        if not beside:
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="modeltrail-") as folder:
            copy = Path(folder) / "copy.db"
            for _ in range(3):
                before = [stamp(place) for place in (path, *beside)]
                shutil.copyfile(path, copy)
                for place in beside:
                    shutil.copyfile(place, f"{copy}{str(place).removeprefix(str(path))}")
                if before == [stamp(place) for place in (path, *beside)]:
                    break
            yield copy
        return
    with tempfile.TemporaryDirectory(prefix="modeltrail-") as folder:
        copy = Path(folder) / "copy.db"
        with given.open() as stream, copy.open("wb") as out:
            shutil.copyfileobj(stream, out, 1 << 20)
        yield copy


def _holds(place: Path) -> bool:
    try:
        return place.stat().st_size > 0
    except OSError:
        return False


def stamp(place: Path) -> tuple[int, int]:
    """Return what changes when the file is written to: its size and its time."""
    status = place.stat()
    return status.st_size, status.st_mtime_ns


def connect(path: Path) -> sqlite3.Connection:
    """Open a file that `still` gave; raises `sqlite3.DatabaseError`, at the latest when it is first read."""
    beside = any(_holds(Path(f"{path}{end}")) for end in ("-wal", "-journal"))
    mode = "mode=rw" if beside else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"file:{quote(os.fsencode(path.absolute()))}?{mode}", uri=True)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.row_factory = sqlite3.Row
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_TEXT)
    # Views and triggers of a file from outside may call functions: none of its schema is trusted.
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA query_only=ON")
    return connection


def why(error: sqlite3.DatabaseError) -> str:
    """Return what a person can make of an error of SQLite."""
    text = str(error)
    if "not a database" in text:
        return "the file is no SQLite database, or an encrypted one"
    if "malformed" in text:
        return "the database is damaged: make a copy with SQLite's .recover and import that"
    if "locked" in text or "busy" in text:
        return "another program keeps the database locked: import a copy of it"
    if "unsupported file format" in text:
        return "the database was written by a newer SQLite than this one reads"
    return f"SQLite cannot read the database: {text}"
