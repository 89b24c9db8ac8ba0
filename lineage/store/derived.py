"""How are derived rows written so that the order they arrive in does not matter?

Every statement here commutes: earliest of two, latest of two, union of states, or "this row exists". So
importing in any order, twice, or in parts leaves the same rows (DESIGN 2.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from lineage.store.consequences import insert_edges
from lineage.text import dumps

_LOW = "min(coalesce({0}, excluded.{0}), coalesce(excluded.{0}, {0}))"
_HIGH = "max(coalesce({0}, excluded.{0}), coalesce(excluded.{0}, {0}))"


def _low(name: str) -> str:
    return f"{name} = {_LOW.format(name)}"


def _high(name: str) -> str:
    return f"{name} = {_HIGH.format(name)}"


STATEMENTS = {
    "entity": "INSERT INTO entity (id, kind, namespace, name, root, attributes) VALUES (?, ?, ?, ?, ?, '{}')",
    "span": "UPDATE entity SET "
    "created = min(coalesce(created, ?1), coalesce(?1, created)), "
    "ended_lo = max(coalesce(ended_lo, ?2), coalesce(?2, ended_lo)), "
    "ended_hi = max(coalesce(ended_hi, ?3), coalesce(?3, ended_hi)), "
    "record = min(coalesce(record, ?4), ?4) WHERE id = ?5",
    "spelling": "INSERT OR IGNORE INTO spelling VALUES (?, ?, ?)",
    "alias": "INSERT OR IGNORE INTO alias VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "attribute": "INSERT INTO attribute VALUES (?, ?, ?, ?, ?, ?, ?)"
    f" ON CONFLICT DO UPDATE SET {_low('first_at')}, {_high('last_at')}",
    "listing": "INSERT OR IGNORE INTO listing VALUES (?, ?)",
    "sighting": "INSERT OR IGNORE INTO sighting VALUES (?, ?, ?, ?)",
    "coverage": "INSERT OR IGNORE INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?)",
    "run": "INSERT INTO run VALUES (?, ?, ?, nullif(?, ''), ?, nullif(?, ''), nullif(?, ''), ?, ?, ?, nullif(?, ''),"
    " nullif(?, '')) ON CONFLICT (id) DO UPDATE SET"
    " states = states | excluded.states, entity = coalesce(entity, excluded.entity),"
    f" {_low('started')}, {_high('ended')}, {_low('first_at')}, {_high('last_at')}, {_high('streaming')},"
    f" {_low('actor')}, {_low('parent')}",
    "run_record": "INSERT OR IGNORE INTO run_record VALUES (?, ?)",
    "run_use": "INSERT OR IGNORE INTO run_use VALUES (?, ?, ?, ?)",
    "seen": f"INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET {_low('first_at')}, {_high('last_at')}",
    "seen_again": "INSERT INTO seen SELECT u.dataset, r.first_at, r.last_at FROM run r JOIN run_use u ON u.run = r.id"
    f" WHERE r.id = ? ON CONFLICT DO UPDATE SET {_low('first_at')}, {_high('last_at')}",
    "saying": "INSERT OR IGNORE INTO saying VALUES (?, ?, ?)",
    "run_said": "INSERT OR IGNORE INTO run_said VALUES (?, ?)",
    "link": "INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    f" confidence = max(confidence, excluded.confidence), {_low('first_at')}, {_high('last_at')}, {_high('ended')}",
    "happening": "INSERT INTO happening (type, subject, hid, at_lo, at_hi, outcome, actor, body, record)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hid, type, subject) DO UPDATE SET body = excluded.body,"
    " at_lo = excluded.at_lo, at_hi = excluded.at_hi, outcome = excluded.outcome, actor = excluded.actor,"
    " record = excluded.record WHERE (excluded.actor IS NULL, excluded.body) < (actor IS NULL, body)",
    "objective": "INSERT OR IGNORE INTO objective (entity, body, record) VALUES (?, ?, ?)",
    "granted": "INSERT OR IGNORE INTO granted (entity, body, record) VALUES (?, ?, ?)",
    "series": "INSERT OR IGNORE INTO series (entity, metric, first_at, last_at, n, body, record)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)",
    "measure_sort": "INSERT OR IGNORE INTO measure_sort VALUES (?, ?, ?, ?, ?)",
    "measure": "INSERT INTO measure VALUES (?, ?, ?, ?, nullif(?, ''), nullif(?, ''), nullif(?, ''), ?)",
}
"""The statement for each kind of derived row; values in the order of the table's columns unless named.

Of two records of one happening the one that names an actor counts, and is the evidence.

Of runs and measurements, of which there are most, what is not known is given as an empty text: the driver looks for an
adapter for each None, which takes longer than writing the row.
"""

ORDER = tuple(STATEMENTS)


def write(connection: Connection, rows: Mapping[str, Iterable[tuple[Any, ...]]]) -> None:
    """Write gathered rows, kind by kind, in the order that references need."""
    for name in ORDER:
        batch = rows.get(name)
        if batch:
            connection.exec_driver_sql(STATEMENTS[name], list(batch))


def find_entity(connection: Connection, kind: str, namespace: str, name: str) -> int | None:
    """Return the id of the entity so named, or None."""
    found = connection.exec_driver_sql(
        "SELECT id FROM entity WHERE kind = ? AND namespace = ? AND name = ?", (kind, namespace, name)
    ).scalar()
    return None if found is None else int(found)


def find_run(connection: Connection, job: int, run_id: str) -> int | None:
    """Return the id of the run so named, or None."""
    found = connection.exec_driver_sql(
        "SELECT id FROM run WHERE job = ?1 AND substr(run_id, -8) = substr(?2, -8) AND run_id = ?2",
        (job, run_id),
    ).scalar()
    return None if found is None else int(found)


def next_id(connection: Connection, table: str) -> int:
    """Return the first free id of `table`."""
    return int(connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").scalar_one())


def find_listing(connection: Connection, name: str) -> int | None:
    """Return the id of the listing so named, or None."""
    found = connection.exec_driver_sql("SELECT id FROM listing WHERE name = ?", (name,)).scalar()
    return None if found is None else int(found)


def find_saying(connection: Connection, name: str, value: str) -> int | None:
    """Return the id of an attribute of runs with this value, or None."""
    found = connection.exec_driver_sql(
        "SELECT id FROM saying WHERE name = ? AND value = ?", (name, value)
    ).scalar()
    return None if found is None else int(found)


def clear_deployments(connection: Connection) -> None:
    """Empty episodes and findings before they are made again."""
    connection.exec_driver_sql("DELETE FROM episode")
    connection.exec_driver_sql("DELETE FROM finding")
    connection.exec_driver_sql("UPDATE happening SET person = NULL WHERE person IS NOT NULL")


def insert_episodes(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add episodes: id, target, bounds of start and end, action, the register item, the first record."""
    batch = [(*row[:7], dumps(row[7]).decode(), row[8]) for row in rows]
    if batch:
        connection.exec_driver_sql(
            "INSERT INTO episode (eid, target, start_lo, start_hi, end_lo, end_hi, action, body, record)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            batch,
        )


def insert_serving(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add the edges from model versions to the targets that they served at."""
    insert_edges(connection, rows)


def insert_findings(connection: Connection, rows: Iterable[tuple[str, str, str, str, str]]) -> None:
    """Add findings: code, severity, subject, text, sides as JSON."""
    batch = list(rows)
    if batch:
        connection.exec_driver_sql(
            "INSERT INTO finding (code, severity, subject, text, sides) VALUES (?, ?, ?, ?, ?)", batch
        )


def set_environments(connection: Connection, environments: Iterable[tuple[int, str]]) -> None:
    """Say in which environment each target (root) stands."""
    batch = [(environment, number) for number, environment in environments]
    if batch:
        connection.exec_driver_sql(
            "UPDATE entity SET attributes = json_set(attributes, '$.environment', ?) WHERE id = ?", batch
        )


def set_persons(connection: Connection, persons: Iterable[tuple[str, str, int]]) -> None:
    """Say which person stands behind happenings: person, happening id and record.

    The id alone is not enough: a record may claim that of somebody else's call.
    """
    batch = list(persons)
    if batch:
        connection.exec_driver_sql("UPDATE happening SET person = ? WHERE hid = ? AND record = ?", batch)


def find_measure_sort(connection: Connection, sort: tuple[str, str, str, str]) -> int | None:
    """Return the id of what is measured: metric, unit, severity and detail; or None."""
    found = connection.exec_driver_sql(
        "SELECT id FROM measure_sort WHERE metric = ? AND unit = ? AND severity = ? AND detail = ?", sort
    ).scalar()
    return None if found is None else int(found)
