"""How is a workspace file opened, checked and kept safe?

A workspace is a document: one SQLite file with our `application_id`, a numbered schema, WAL and full synchronisation.
The SQLite library must not be older than 3.51.3 (a WAL bug can lose data, and 3.40's planner is a thousand times
slower on lineage): where Python brings an older one, the pysqlite3 wheel is used (store-performance 0, finding B).
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from lineage.errors import BugError, WorkspaceError
from lineage.store.tables import APPLICATION_ID, DERIVED, LOG, RUN_NAME, SECONDARY, metadata

OLDEST_SQLITE = (3, 51, 3)


def driver() -> ModuleType:
    """Return the newest SQLite driver at hand: pysqlite3 where it is installed, else Python's own."""
    if sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return sqlite3
    try:
        import pysqlite3
    except ImportError:
        return sqlite3
    return pysqlite3 if pysqlite3.sqlite_version_info >= sqlite3.sqlite_version_info else sqlite3


def sqlite_version() -> str:
    """Return the version of the SQLite library in use."""
    return str(driver().sqlite_version)


__all__ = ["Connection", "Database", "open_database"]


def commit_and_go_on(connection: Connection) -> None:
    """Commit what has been written and begin the next transaction."""
    connection.exec_driver_sql("COMMIT")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _create_log(connection: Connection) -> None:
    for name in LOG:
        metadata.tables[name].create(connection)
    connection.exec_driver_sql("INSERT INTO meta VALUES ('workspace', ?)", (str(uuid.uuid4()),))


def create_derived(connection: Connection, *, temporary: bool = False) -> None:
    """Make the empty derived tables; `temporary` ones shadow those of the file (a view of what was known earlier)."""
    for name in DERIVED:
        statement = str(CreateTable(metadata.tables[name]).compile(connection))
        if temporary:
            statement = statement.replace("CREATE TABLE", "CREATE TEMP TABLE", 1)
        connection.exec_driver_sql(statement)
    place = "temp" if temporary else "main"
    connection.exec_driver_sql(RUN_NAME.format(place="temp." if temporary else ""))
    connection.exec_driver_sql(
        f"CREATE VIRTUAL TABLE {place}.found USING fts5("
        "text, content='', contentless_delete=1, tokenize='trigram', detail=none)"
    )


def create_indexes(connection: Connection, *, temporary: bool = False) -> None:
    """Make the secondary indexes; after a first bulk load that is 1.65 times cheaper than before it."""
    place = "temp." if temporary else ""
    for index in SECONDARY:
        columns = ", ".join(f'"{column.name}"' for column in index.columns)
        if index.table is None:
            raise BugError(f"the index {index.name} has no table")
        connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {place}{index.name} ON {index.table.name} ({columns})"
        )


def drop_derived(connection: Connection) -> None:
    """Throw away everything that follows from the facts."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS main.found")
    for name in DERIVED:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS main.{name}")


def _step_1(connection: Connection) -> None:
    _create_log(connection)
    for index in ("record", "block", "fact_block"):
        for made in metadata.tables[index].indexes:
            with suppress(DBAPIError):
                made.create(connection, checkfirst=True)
    create_derived(connection)


STEPS: tuple[Callable[[Connection], None], ...] = (_step_1,)
"""The numbered schema steps; step n leads from version n - 1 to n."""

SCHEMA = len(STEPS)


class Database:
    """A workspace file, open.

    Attributes:
        path: the file.
        read_only: true on read-only media, or for a file of a newer program.
        note: why it is read-only, for people; empty otherwise.
    """

    def __init__(self, path: Path, *, read_only: bool, note: str = "") -> None:
        self.path = path
        self.read_only = read_only
        self.note = note
        self._engine = _engine(path, read_only=read_only)

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    def connect(self) -> Connection:
        """Return a new connection for reading; the caller closes it."""
        return self._engine.connect()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for the time of a block of reads."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in one write transaction; raises `WorkspaceError` when the file cannot be written."""
        if self.read_only:
            raise WorkspaceError("the workspace is read-only", where=f"{self.path} {self.note}".strip())
        with self._engine.connect() as connection:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    with suppress(DBAPIError):
                        connection.exec_driver_sql("ROLLBACK")
                    raise
                connection.exec_driver_sql("COMMIT")
            except DBAPIError as error:
                raise refusal(error, self.path) from error


def refusal(error: DBAPIError, path: Path) -> WorkspaceError:
    """Say in words of the user's world why SQLite refused."""
    text = str(error.orig)
    if "locked" in text or "busy" in text:
        return WorkspaceError(
            "another program is writing to the workspace", where=str(path), remedy="wait for it, or stop it"
        )
    if "full" in text:
        return WorkspaceError(
            "the disk is full; what was complete has been kept",
            where=str(path),
            remedy="free some room, import again",
        )
    if "readonly" in text or "unable to open" in text:
        return WorkspaceError(
            "the workspace cannot be written", where=str(path), remedy="choose a folder that you may write to"
        )
    if "malformed" in text or "not a database" in text:
        return WorkspaceError(
            "the workspace file is damaged", where=str(path), remedy="restore it from a copy, or import anew"
        )
    return WorkspaceError(f"the workspace refused the work ({text})", where=str(path))


def open_database(path: Path, *, create: bool) -> Database:
    """Open the workspace at `path`, bringing an older one up to date after keeping a copy beside it.

    Raises `WorkspaceError` when there is none (and `create` is false), when the file is something else, or damaged.
    """
    if not path.exists():
        if not create:
            raise WorkspaceError(
                "there is no workspace", where=str(path), remedy="check the name, or import into it"
            )
        return _create(path)
    _check_header(path)
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    probe = Database(
        path, read_only=not writable, note="" if writable else "(the file or its folder is read-only)"
    )
    try:
        with probe.reading() as connection:
            version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
            identity = int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
            strange = connection.exec_driver_sql(
                "SELECT name FROM sqlite_schema WHERE type IN ('view', 'trigger') LIMIT 1"
            ).scalar()
    except DBAPIError as error:
        probe.close()
        raise refusal(error, path) from error
    problem = ""
    if identity != APPLICATION_ID:
        problem = "the file is a database of another program"
    elif strange is not None:
        problem = f"the workspace holds {strange!r}, which ModelTrail did not make"
    if problem:
        probe.close()
        raise WorkspaceError(problem, where=str(path), remedy="choose another file")
    if version > SCHEMA:
        probe.close()
        note = f"(made by a newer ModelTrail: schema {version}, this one knows {SCHEMA})"
        return Database(path, read_only=True, note=note)
    if version < SCHEMA and writable:
        shutil.copy2(path, path.with_name(f"{path.name}.schema-{version}"))
        _migrate(probe, version)
    return probe


def _create(path: Path) -> Database:
    if not path.parent.is_dir():
        raise WorkspaceError(
            "the folder of the workspace does not exist",
            where=str(path.parent),
            remedy="make it, or choose another",
        )
    if not os.access(path.parent, os.W_OK):
        raise WorkspaceError(
            "the folder cannot be written",
            where=str(path.parent),
            remedy="choose a folder that you may write to",
        )
    database = Database(path, read_only=False)
    try:
        with database.reading() as connection:
            connection.exec_driver_sql("PRAGMA page_size = 8192")
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        _migrate(database, 0)
    except DBAPIError as error:
        database.close()
        raise refusal(error, path) from error
    return database


def _migrate(database: Database, version: int) -> None:
    for number, step in enumerate(STEPS[version:], version + 1):
        with database.writing() as connection:
            step(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {number}")
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def _check_header(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise WorkspaceError(
            error.strerror or "the file cannot be read", where=str(path), remedy="check that you may read it"
        ) from error
    if head and not head.startswith(b"SQLite format 3\x00"):
        raise WorkspaceError("the file is no workspace", where=str(path), remedy="choose another file")


def _engine(path: Path, *, read_only: bool) -> Engine:
    module = driver()
    mode = "ro" if read_only else "rwc"
    wal = path.with_name(path.name + "-wal")
    immutable = "&immutable=1" if read_only and not (wal.exists() and wal.stat().st_size) else ""
    uri = f"file:{quote(str(path))}?mode={mode}{immutable}"

    def connect() -> Any:
        made = module.connect(uri, uri=True, check_same_thread=False, timeout=10, isolation_level=None)
        made.execute("PRAGMA trusted_schema = OFF")
        made.execute("PRAGMA cell_size_check = ON")
        made.execute("PRAGMA temp_store = MEMORY")
        made.execute("PRAGMA cache_size = -131072")
        if not read_only:
            made.execute("PRAGMA synchronous = FULL")
        return made

    return create_engine("sqlite://", creator=connect, poolclass=NullPool, module=module)


@contextmanager
def import_lock(path: Path) -> Iterator[None]:
    """Hold the right to import into `path`; raises `WorkspaceError` naming who holds it.

    The lock is the operating system's, so that a killed import leaves none behind; the small file stays, since removing
    it would let two programs hold locks on different files of one name.
    """
    lock = path.with_name(path.name + ".lock")
    try:
        stream = lock.open("a+b")
    except OSError as error:
        raise WorkspaceError(
            "the folder cannot be written",
            where=str(lock.parent),
            remedy="choose a folder that you may write to",
        ) from error
    with stream:
        if not _take(stream.fileno()):
            stream.seek(0)
            holder = stream.read(200).decode("utf-8", "replace") or "another process"
            raise WorkspaceError(
                f"an import is running already ({holder})", where=str(path), remedy="wait for it, or stop it"
            )
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
        stream.flush()
        try:
            yield
        finally:
            stream.truncate(0)


def _take(descriptor: int) -> bool:
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
