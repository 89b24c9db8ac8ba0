"""Which tables of an Airflow metadata database are read, and which of their columns?

Tables and columns are asked for, never concluded from a version: Airflow 2.2 to 2.x (`dataset` tables,
`execution_date`) and 3.x (`asset` tables, `logical_date`). Nothing that was pickled is looked into, and of a run's
configuration only what no secret can hide in is taken.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from lineage.model import moment
from lineage.source import Origin, Problem
from lineage.sources._airflow_names import plain, time_of
from lineage.sources._sqlite_file import why
from lineage.text import MalformedError, clip, loads

_TABLES: Final = (
    "ab_user",
    "dag",
    "dag_owner_attributes",
    "dag_run",
    "dag_tag",
    "job",
    "log",
    "log_template",
    "serialized_dag",
    "task_instance",
    "task_instance_history",
    *(f"{word}{end}" for word in ("asset", "dataset") for end in ("", "_event")),
    *(
        f"{start}_{word}_{end}"
        for word in ("asset", "dataset")
        for start, end in (
            ("dag_schedule", "reference"),
            ("task_outlet", "reference"),
            ("task_inlet", "reference"),
            ("dagrun", "event"),
        )
    ),
)
_BIG = frozenset({"conf", "executor_config", "context_carrier", "next_kwargs", "rendered_fields", "password"})
"""Columns that are never taken: pickles, secrets, and what only Airflow's scheduler needs."""

_YEAR = 366 * 86_400_000_000

_TIMES: Final = {
    "dag": ("last_parsed_time",),
    "dag_run": ("end_date", "last_scheduling_decision"),
    "job": ("latest_heartbeat",),
    "log": ("dttm",),
    "task_instance": ("end_date",),
}

Row = dict[str, Any]


class Database:
    """The tables of one database, as far as they are Airflow's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.problems: list[Problem] = []
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        there = {name for name, sql in rows if not str(sql).upper().startswith("CREATE VIRTUAL")}
        self.columns = {
            table: tuple(row["name"] for row in connection.execute(f'PRAGMA table_info("{table}")'))
            for table in _TABLES
            if table in there
        }
        self.damaged: set[str] = set()

    def has(self, table: str, *columns: str) -> bool:
        """Tell whether the table is there with these columns."""
        return set(columns) <= set(self.columns.get(table, ())) and table in self.columns

    def word(self) -> str:
        """Return what this version calls an asset in its tables."""
        return "asset" if "asset" in self.columns else "dataset"

    def rows(self, table: str, order: str = "") -> Iterator[Row]:
        """Yield the rows of a table without their nulls; a damaged page ends it with a problem."""
        columns = [name for name in self.columns.get(table, ()) if name not in _BIG]
        if not columns:
            return
        names = ", ".join(f'"{name}"' for name in columns)
        sql = f'SELECT {names} FROM "{table}"'  # noqa: S608 - our own table names and the file's own column names
        if order in columns:
            sql += f' ORDER BY "{order}"'
        try:
            for row in self._connection.execute(sql):
                yield {name: row[name] for name in columns if row[name] is not None}
        except sqlite3.DatabaseError as error:
            self.damaged.add(table)
            self.problems.append(Problem("unreadable-table", why(error), field=table, row=table))

    def latest(self) -> set[int]:
        """Return the latest times at which the database was written to, a thousand of each kind (microseconds)."""
        found = set()
        for table, names in _TIMES.items():
            for name in names:
                if not self.has(table, name):
                    continue
                sql = f'SELECT DISTINCT "{name}" FROM "{table}" ORDER BY "{name}" DESC LIMIT 1000'  # noqa: S608 - ours
                with contextlib.suppress(sqlite3.DatabaseError):
                    # What is damaged here is said of where the rows themselves are read.
                    for row in self._connection.execute(sql):
                        with contextlib.suppress(ValueError, OverflowError):
                            at = time_of(row[0])
                            if at is not None:
                                found.add(at.lo)
        return found

    def confs(self) -> dict[Any, str]:
        """Return the MLflow run that a run's configuration names, by the run's number; pickles are not opened."""
        found: dict[Any, str] = {}
        if not self.has("dag_run", "id", "conf"):
            return found
        try:
            for row in self._connection.execute("SELECT id, conf FROM dag_run WHERE typeof(conf) = 'text'"):
                if "mlflow_run_id" not in row["conf"]:
                    continue
                try:
                    said = plain(loads(row["conf"]))
                except MalformedError:
                    continue
                named = said.get("mlflow_run_id") if isinstance(said, dict) else None
                if isinstance(named, str) and named:
                    found[row["id"]] = named
        except sqlite3.DatabaseError as error:
            self.problems.append(Problem("unreadable-table", why(error), field="conf", row="dag_run"))
        return found


def namespace_of(database: Database, origin: Origin) -> tuple[str, Problem | None]:
    """Return the namespace that jobs and runs are called in.

    That is what `[openlineage] namespace` sets, which the database does not hold; without the label it is made of the
    moment at which the database was set up (the first log template), which no two installations share.
    """
    if label := origin.label("namespace"):
        return label, None
    if label := origin.label("instance"):
        return f"airflow:{label}", None
    made = min(
        (str(row["created_at"]) for row in database.rows("log_template") if "created_at" in row), default=""
    )
    name = (
        hashlib.sha256(made.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        if made
        else origin.folder or "unnamed"
    )
    reason = (
        f"the database does not hold Airflow's OpenLineage namespace, so its jobs are called by airflow:{name};"
        " to join them with Airflow's events name it with --label namespace=NAME ([openlineage] namespace)"
    )
    return f"airflow:{name}", Problem("no-namespace", reason, fatal=False)


def observed(database: Database, origin: Origin) -> tuple[int | None, Problem | None]:
    """Return when the database was as it is: as said, else its latest time but for one more than a year ahead."""
    problem = None
    if label := origin.label("observed_at"):
        try:
            return moment.parse(label, origin.label("timezone")).lo, None
        except ValueError:
            reason = "the label observed_at is no ISO 8601 time; the database's own times are taken"
            problem = Problem("bad-label", reason, "observed_at", clip(label), fatal=False)
    times = sorted(database.latest())
    while len(times) > 1 and times[-1] - times[-2] > _YEAR:
        times.pop()
    if times:
        return times[-1], problem
    reason = "the database holds no time to date it by: say when it was so with --label observed_at=TIME"
    return None, problem or Problem("no-snapshot-time", reason, fatal=False)
