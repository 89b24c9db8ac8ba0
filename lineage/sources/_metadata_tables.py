"""What stands in the tables of an ML Metadata database, each thing with its type, properties and contexts?

Schema: google/ml-metadata, metadata_store/metadata_source_query_config; version 10 and what is alike in 4 to 9. Which
tables and columns there are is asked of the file, never concluded from its schema version. Types are known by name and
by base type (`ParentType`). Columns `*_since_epoch` are milliseconds.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lineage.source import Problem
from lineage.sources._epoch_times import sound_time
from lineage.sources._sqlite_file import why

NEEDED = frozenset({"Type", "Artifact", "Execution", "Event", "Context"})
"""The tables that make a database one of ML Metadata."""

_TABLES = (
    "Type",
    "ParentType",
    "Artifact",
    "ArtifactProperty",
    "Execution",
    "ExecutionProperty",
    "Context",
    "ContextProperty",
    "Event",
    "EventPath",
    "Association",
    "Attribution",
    "ParentContext",
)
_VALUES = ("int_value", "double_value", "string_value", "bool_value")
_LONGEST = 1 << 20
_OUTPUT = 4

Row = dict[str, Any]


class Typed(NamedTuple):
    """A type: its name, and the names of all types above it."""

    name: str
    above: tuple[str, ...] = ()

    def among(self, *names: str) -> bool:
        """Tell whether the type or one above it has one of `names`, as a whole or as the last part of a dotted name.

        >>> Typed("system.Model").among("Model"), Typed("Examples", ("mlmd.Dataset",)).among("Dataset")
        (True, True)
        """
        return any(name.rpartition(".")[2] in names for name in (self.name, *self.above))


@dataclass(slots=True)
class Thing:
    """An artifact, execution or context.

    Attributes:
        row: its columns that hold something; properties: those of its type; custom: those a client added.
        contexts: the ids of the contexts it belongs to.
    """

    row: Row
    type: Typed
    properties: Row = field(default_factory=dict)
    custom: Row = field(default_factory=dict)
    contexts: list[int] = field(default_factory=list)

    @property
    def id(self) -> int:
        """The id, unique among things of its kind in this database."""
        return int(self.row["id"])

    def said(self, *names: str) -> Any:
        """Return the first of the properties `names` that there is, of the type or custom; None when there is none."""
        for name in names:
            for held in (self.properties, self.custom):
                if held.get(name) not in (None, ""):
                    return held[name]
        return None


@dataclass(slots=True)
class Tables:
    """A whole database.

    Attributes:
        events: the events of each execution; paths: the output or input name of each event.
        makers: the execution that made each artifact first.
        parents: the parent contexts of each context; damaged: the tables that could not be read to their end.
    """

    artifacts: dict[int, Thing] = field(default_factory=dict)
    executions: dict[int, Thing] = field(default_factory=dict)
    contexts: dict[int, Thing] = field(default_factory=dict)
    events: dict[int, list[Row]] = field(default_factory=dict)
    makers: dict[int, int] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)
    parents: dict[int, list[int]] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def of(self, thing: Thing, *names: str) -> list[Thing]:
        """Return the contexts of `thing` whose type is among `names`."""
        held = (self.contexts.get(number) for number in thing.contexts)
        return [context for context in held if context is not None and context.type.among(*names)]

    def above(self, context: Thing, *names: str) -> list[Thing]:
        """Return the parents of `context` whose type is among `names`."""
        held = (self.contexts.get(number) for number in self.parents.get(context.id, ()))
        return [parent for parent in held if parent is not None and parent.type.among(*names)]


def columns(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return the tables of ML Metadata that there are, with their columns; views and virtual tables are none."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    there = {name for name, sql in rows if not str(sql).upper().startswith("CREATE VIRTUAL")}
    return {
        table: tuple(row["name"] for row in connection.execute(f'PRAGMA table_info("{table}")'))
        for table in _TABLES
        if table in there
    }


def load(connection: sqlite3.Connection) -> Tables:
    """Read the database; what cannot be read is among the problems and costs no other table."""
    there = columns(connection)
    tables = Tables()

    def rows(table: str) -> Iterator[Row]:
        names = there.get(table, ())
        if not names:
            return
        listed = ", ".join(f'"{name}"' for name in names)
        try:
            for row in connection.execute(f'SELECT {listed} FROM "{table}"'):  # noqa: S608 - our own table names
                yield {name: plain(row[name]) for name in names if row[name] is not None}
        except sqlite3.DatabaseError as error:
            tables.damaged.add(table)
            tables.problems.append(Problem("unreadable-table", why(error), field=table, row=table))

    types = _types(rows, tables)
    for table, kept in (
        ("Artifact", tables.artifacts),
        ("Execution", tables.executions),
        ("Context", tables.contexts),
    ):
        for row in rows(table):
            number = whole(row.get("id"))
            if number is None:
                reason = "a row has no whole number as its id"
                tables.problems.append(Problem("bad-id", reason, "id", repr(row.get("id"))[:200], row=table))
                continue
            kept[number] = Thing(row, types.get(whole(row.get("type_id")), Typed("")))
        for row in rows(f"{table}Property"):
            thing = kept.get(whole(row.get(f"{table.lower()}_id")) or -1)
            if thing is not None and row.get("name") is not None:
                held = thing.custom if row.get("is_custom_property") else thing.properties
                value = next((row[name] for name in _VALUES if name in row), None)
                if "bool_value" in row and isinstance(value, int):
                    value = bool(value)
                held[str(row["name"])] = value
    for row in rows("Event"):
        execution, artifact = whole(row.get("execution_id")), whole(row.get("artifact_id"))
        tables.events.setdefault(execution or -1, []).append(row)
        if row.get("type") == _OUTPUT and execution is not None and artifact is not None:
            tables.makers[artifact] = min(execution, tables.makers.get(artifact, execution))
    for row in rows("EventPath"):
        if row.get("step_key") and (number := whole(row.get("event_id"))) is not None:
            tables.paths.setdefault(number, str(row["step_key"]))
    for table, kept, name in (
        ("Association", tables.executions, "execution_id"),
        ("Attribution", tables.artifacts, "artifact_id"),
    ):
        for row in rows(table):
            thing, context = kept.get(whole(row.get(name)) or -1), whole(row.get("context_id"))
            if thing is not None and context is not None:
                thing.contexts.append(context)
    for row in rows("ParentContext"):
        child, parent = whole(row.get("context_id")), whole(row.get("parent_context_id"))
        if child is not None and parent is not None:
            tables.parents.setdefault(child, []).append(parent)
    for thing in (*tables.artifacts.values(), *tables.executions.values()):
        thing.contexts.sort()
    return tables


def _types(rows: Any, tables: Tables) -> dict[int | None, Typed]:
    names: dict[int, str] = {}
    above: dict[int, list[int]] = {}
    for row in rows("Type"):
        number = whole(row.get("id"))
        if number is not None:
            names[number] = str(row.get("name") or "")
    for row in rows("ParentType"):
        child, parent = whole(row.get("type_id")), whole(row.get("parent_type_id"))
        if child is not None and parent is not None:
            above.setdefault(child, []).append(parent)
    found: dict[int | None, Typed] = {}
    for number, name in names.items():
        seen: dict[int, None] = {}
        ahead = list(above.get(number, ()))
        while ahead:
            parent = ahead.pop()
            if parent not in seen and parent != number:
                seen[parent] = None
                ahead += above.get(parent, ())
        found[number] = Typed(name, tuple(sorted(names[parent] for parent in seen if parent in names)))
    return found


def latest(tables: Tables) -> int | None:
    """Return the latest sound time in the database (milliseconds): it was so then at the earliest."""
    times = [
        time
        for kept in (tables.artifacts, tables.executions, tables.contexts)
        for thing in kept.values()
        for name in ("create_time_since_epoch", "last_update_time_since_epoch")
        if (time := sound_time(thing.row.get(name))) is not None
    ]
    return max(times, default=None)


def whole(value: object) -> int | None:
    """Return a whole number, None for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def plain(value: object) -> Any:
    """Return a cell as JSON can hold it; bytes are named by their number, texts beyond 1 MiB are cut."""
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:1000]}… ({len(value)} characters)"
    return value
