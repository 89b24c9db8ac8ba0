"""How is a workspace file opened, checked and kept safe?

A workspace is a document: one SQLite file with our `application_id`, a numbered schema, WAL and full synchronisation.
The SQLite library must not be older than 3.51.3 (a WAL bug can lose data, and 3.40's planner is a thousand times
slower on lineage): where Python brings an older one, the pysqlite3 wheel is used (store-performance 0, finding B).
"""

from __future__ import annotations

import os
import sqlite3
import stat
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

from lineage.errors import BugError, ModelTrailError, WorkspaceError
from lineage.store.refusal import UNREADABLE, damaged, in_wal, refusal
from lineage.store.tables import APPLICATION_ID, DERIVED, LOG, RUN_NAME, SECONDARY, metadata
from lineage.text import plain_path

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
        f"CREATE VIRTUAL TABLE {place}.found USING fts5(text, content='', tokenize='trigram', detail=none)"
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

    def copy_to(self, path: Path) -> None:
        """Write a compact copy of all there is to `path`, through SQLite: a part may stand in the write-ahead log."""
        with self.connect() as connection, self.explained():
            connection.exec_driver_sql("VACUUM INTO ?", (str(path),))

    def connect(self) -> Connection:
        """Return a new connection for reading; the caller closes it."""
        with self.explained():
            return self._engine.connect()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what SQLite or a damaged file raises inside into a `WorkspaceError`; the rest is raised as it is."""
        try:
            yield
        except ModelTrailError:
            raise
        except Exception as error:
            said = refusal(error, self.path) if isinstance(error, DBAPIError) else None
            if isinstance(said, WorkspaceError):
                raise said from error
            # A damaged page may just as well give a wrong value as an error: whose fault it is, the file can tell.
            if isinstance(error, UNREADABLE) or self._is_damaged():
                raise damaged(str(error), self.path) from error
            if said is not None:
                raise said from error
            raise

    def _is_damaged(self) -> bool:
        try:
            with self._engine.connect() as connection:
                return connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok"
        except DBAPIError as error:
            return isinstance(refusal(error, self.path), WorkspaceError)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for a block of reads that all see one state; raises `WorkspaceError` when it is damaged."""
        with self.connect() as connection, self.explained():
            connection.exec_driver_sql("BEGIN")
            yield connection

    def check_writable(self) -> None:
        """Raise `WorkspaceError` when nothing can be imported here."""
        if self.read_only:
            raise WorkspaceError(
                f"the workspace is read-only {self.note}".strip(),
                where=str(self.path),
                remedy="copy it to a folder that you may write to, or open it with the newer program",
            )

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in one write transaction; raises `WorkspaceError` when the file cannot be written."""
        self.check_writable()
        with self.connect() as connection, self.explained():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                with suppress(DBAPIError):
                    connection.exec_driver_sql("ROLLBACK")
                raise


def open_database(path: Path, *, create: bool) -> Database:
    """Open the workspace at `path`, bringing an older one up to date after keeping a copy beside it.

    Nothing is written to a file before it is known to be ours. Raises `WorkspaceError` when there is none (and
    `create` is false), when the file is something else, or damaged.
    """
    if not _check_header(path):
        if not create:
            raise WorkspaceError(
                "there is no workspace", where=str(path), remedy="check the name, or import into it"
            )
        return _create(path)
    version = _check_schema(path)
    if version > SCHEMA:
        note = f"(made by a newer ModelTrail: schema {version}, this one knows {SCHEMA})"
        return Database(path, read_only=True, note=note)
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return Database(path, read_only=True, note="(the file or its folder is read-only)")
    database = Database(path, read_only=False)
    try:
        if version < SCHEMA:
            _keep_copy(database, version)
            _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


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
        with database.connect() as connection:
            connection.exec_driver_sql("PRAGMA page_size = 8192")
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        _migrate(database)
    except BaseException as error:
        database.close()
        if isinstance(error, DBAPIError):
            raise refusal(error, path) from error
        raise
    return database


def _migrate(database: Database) -> None:
    for number, step in enumerate(STEPS, 1):
        with database.writing() as connection:
            # Another program may have done it while this one waited for its turn.
            if int(connection.exec_driver_sql("PRAGMA user_version").scalar_one()) < number:
                step(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {number}")
                connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def _keep_copy(database: Database, version: int) -> None:
    """Keep the workspace as it is beside it."""
    copy = database.path.with_name(f"{database.path.name}.schema-{version}")
    made = copy.with_name(f"{copy.name}.part")
    made.unlink(missing_ok=True)
    database.copy_to(made)
    made.replace(copy)


def _check_header(path: Path) -> bool:
    """Tell whether there is a workspace, by the file's own bytes; raises `WorkspaceError` for anything else there.

    A file without a byte in it, and one whose making was interrupted, is none yet.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise WorkspaceError("it is no file", where=str(path), remedy="name a file, such as audit.trail")
        with path.open("rb") as stream:
            head = stream.read(100)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        raise WorkspaceError(
            reason or "the file cannot be read",
            where=plain_path(str(path)),
            remedy="check the name, and that you may read it",
        ) from error
    if not head:
        return False
    if not head.startswith(b"SQLite format 3\x00"):
        raise WorkspaceError("the file is no workspace", where=str(path), remedy="choose another file")
    identity = int.from_bytes(head[68:72], "big")
    # The identity of a workspace whose first import was killed may still stand in the write-ahead log only.
    if identity == APPLICATION_ID or (identity == 0 and in_wal(path)):
        return True
    if identity == 0 and _is_empty(path):
        return False
    raise WorkspaceError(
        "the file is a database of another program", where=str(path), remedy="choose another file"
    )


def _is_empty(path: Path) -> bool:
    probe = Database(path, read_only=True)
    try:
        with probe.reading() as connection:
            return not connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar_one()
    finally:
        probe.close()


def _check_schema(path: Path) -> int:
    """Return the version of the schema after seeing that it holds what we made, and nothing that runs by itself."""
    probe = Database(path, read_only=True)
    try:
        with probe.reading() as connection:
            version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
            identity = int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
            rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_schema").fetchall()
    finally:
        probe.close()
    if identity != APPLICATION_ID:
        raise WorkspaceError(
            "the file is a database of another program", where=str(path), remedy="choose another file"
        )
    tables = {name for kind, name, _ in rows if kind == "table"}
    for kind, name, statement in rows:
        virtual = str(statement).upper().startswith("CREATE VIRTUAL") and name != "found"
        if kind in {"view", "trigger"} or virtual:
            reason = f"the workspace holds the {kind} {name!r}, which ModelTrail did not make"
            raise WorkspaceError(reason, where=str(path), remedy="choose another file")
    missing = sorted({"found", *metadata.tables} - tables)
    if missing and version == SCHEMA:
        raise damaged(f"no such table: {missing[0]}", path)
    return version


_SETTINGS = (
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "mmap_size = 0",
    "temp_store = MEMORY",
    "cache_size = -131072",
)


def _engine(path: Path, *, read_only: bool) -> Engine:
    module = driver()
    wal = path.with_name(path.name + "-wal")

    def connect() -> Any:
        # Without a write-ahead log nobody is writing, and a file on read-only media can only be opened like this.
        still = read_only and not in_wal(path) and not (wal.exists() and os.access(path.parent, os.W_OK))
        mode = f"ro{'&immutable=1' if still else ''}" if read_only else "rwc"
        made = module.connect(
            f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}",
            uri=True,
            check_same_thread=False,
            timeout=10,
            isolation_level=None,
        )
        try:
            for setting in _SETTINGS if read_only else (*_SETTINGS, "synchronous = FULL"):
                made.execute(f"PRAGMA {setting}")
        except BaseException:
            made.close()
            raise
        return made

    return create_engine("sqlite://", creator=connect, poolclass=NullPool, module=module)
