"""What do the rules of identity read? Everything said of targets, agreements, people and aliases, whole.

Unlike `lineage.store.listing`, nothing here is a page: episodes and intervals follow from all of it together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from lineage.model.facts import Grant, Happened, Objective, Series
from lineage.model.moment import LAST
from lineage.store.listing import Row, dicts

_happened = msgspec.msgpack.Decoder(Happened)
_objective = msgspec.msgpack.Decoder(Objective)
_grant = msgspec.msgpack.Decoder(Grant)
_series = msgspec.msgpack.Decoder(Series)


def observed(connection: Connection, number: int, name: str) -> list[tuple[int, Any, int]]:
    """Return what each listing showed of one attribute of a thing (root): its time, the value, the record; by time."""
    return [
        (row[0], json.loads(row[1]), row[2])
        for row in connection.exec_driver_sql(
            "SELECT a.slot, a.value, a.record FROM attribute a JOIN entity e ON e.id = a.entity"
            " WHERE e.root = ? AND a.name = ? AND a.slot > 0 ORDER BY a.slot, a.value",
            (number, name),
        )
    ]


def principals(connection: Connection) -> list[Row]:
    """Return which principals people lists give to which person, and for which time."""
    return dicts(
        connection,
        "SELECT a.entity AS person, o.namespace, o.name, a.since, a.until FROM alias a"
        " JOIN entity e ON e.id = a.entity AND e.kind = 'actor' AND e.namespace = 'people'"
        " JOIN entity o ON o.id = a.other WHERE a.rule = 'people-list' ORDER BY e.name, o.namespace, o.name, a.since",
    )


def target_happenings(connection: Connection) -> list[Row]:
    """Return every happening to a deployment target, by target (root) and time, with what the record said."""
    found = dicts(
        connection,
        "SELECT e.root AS target, h.hid, h.at_lo, h.at_hi, h.body, h.record, f.source, f.labels FROM happening h"
        " JOIN entity e ON e.id = h.subject JOIN record r ON r.seq = h.record JOIN file f ON f.id = r.file"
        " WHERE e.kind = 'target' ORDER BY e.root, h.at_lo, h.at_hi, h.hid, h.type, h.body",
    )
    for row in found:
        row["fact"] = _happened.decode(row.pop("body"))
    return found


def happenings_of(connection: Connection, types: Sequence[str]) -> list[Row]:
    """Return every happening of these types, to whatever thing: its id, what the record said, the record."""
    marks = ", ".join("?" * len(types))
    found = dicts(
        connection,
        f"SELECT hid, body, record FROM happening WHERE type IN ({marks}) ORDER BY at_lo, at_hi, hid, type, body",
        tuple(types),
    )
    for row in found:
        row["fact"] = _happened.decode(row.pop("body"))
    return found


def missing_from_listings(connection: Connection) -> list[Row]:
    """Return the targets that a complete listing no longer held though an earlier one of the same name did."""
    return dicts(
        connection,
        "SELECT DISTINCT e.root AS target, l.name AS listing, c.until AS at, c.record FROM coverage c"
        " JOIN listing l ON l.name = c.listing JOIN sighting s ON s.listing = l.id AND s.at < c.until"
        " JOIN entity e ON e.id = s.entity WHERE c.complete AND e.kind = 'target' AND NOT EXISTS ("
        "  SELECT 1 FROM sighting n JOIN entity o ON o.id = n.entity WHERE n.listing = l.id AND o.root = e.root"
        "  AND n.at >= (SELECT coalesce(max(p.until), 0) FROM coverage p WHERE p.listing = c.listing AND p.complete"
        "   AND p.until < c.until) AND n.at <= c.until)"
        " AND c.since = c.until ORDER BY 1, 3",
    )


def objectives(connection: Connection) -> list[Row]:
    """Return every SLA objective as recorded: entity (root), what the record said, when it was imported, the record."""
    found = dicts(
        connection,
        "SELECT e.root AS entity, o.body, o.record, b.started AS imported_at, f.path FROM objective o"
        " JOIN entity e ON e.id = o.entity JOIN record r ON r.seq = o.record JOIN file f ON f.id = r.file"
        " JOIN batch b ON b.id = f.batch ORDER BY e.namespace, e.name, o.body",
    )
    for row in found:
        row["fact"] = _objective.decode(row.pop("body"))
    return found


def series(connection: Connection) -> list[Row]:
    """Return every piece of every series: entity (root), what the record said of it, the record; by name and time."""
    found = dicts(
        connection,
        "SELECT e.root AS entity, s.body, s.record FROM series s JOIN entity e ON e.id = s.entity"
        " ORDER BY e.namespace, e.name, s.metric, s.first_at, s.body",
    )
    for row in found:
        row["fact"] = _series.decode(row.pop("body"))
    return found


def checks(
    connection: Connection, *, subjects: Sequence[int] | None = None, since: int = 0, until: int = LAST
) -> list[Row]:
    """Return the checks made of these subjects (roots), oldest first: what has a verdict, no value, or is of drift."""
    among = "1" if subjects is None else f"e.root IN ({', '.join(map(str, map(int, subjects))) or 'NULL'})"
    found = dicts(
        connection,
        "SELECT m.id, m.subject, e.root, s.metric, m.at, m.value, s.unit, m.success, s.severity, r.run_id,"
        " j.name AS job, s.detail, m.record FROM measure m JOIN measure_sort s ON s.id = m.sort"
        " JOIN entity e ON e.id = m.subject LEFT JOIN run r ON r.id = m.run LEFT JOIN entity j ON j.id = r.job"
        f" WHERE {among} AND m.at >= ? AND m.at < ?"
        " AND (m.success IS NOT NULL OR m.value IS NULL OR s.metric LIKE '%drift%')"
        " ORDER BY m.at, e.namespace, e.name, s.metric, s.detail, m.value, r.run_id, m.record",
        (since, until),
    )
    for row in found:
        row["detail"] = json.loads(row["detail"])
    return found


def grants(connection: Connection) -> list[Row]:
    """Return every right as recorded: the principal (root), what the record said, the record; by principal and body."""
    found = dicts(
        connection,
        "SELECT e.root AS grantee, g.body, g.record FROM granted g JOIN entity e ON e.id = g.entity"
        " ORDER BY e.namespace, e.name, g.body",
    )
    for row in found:
        row["fact"] = _grant.decode(row.pop("body"))
    return found


def complete_listings(connection: Connection, what: str) -> dict[str, list[int]]:
    """Return when each listing of `what` was shown as a whole, by the listing's name; rising."""
    found: dict[str, list[int]] = {}
    for row in connection.exec_driver_sql(
        "SELECT DISTINCT listing, until FROM coverage WHERE what = ? AND complete AND since = until ORDER BY until",
        (what,),
    ):
        found.setdefault(row[0], []).append(row[1])
    return found


def conflicting_runs(connection: Connection, terminal: Sequence[int]) -> list[Row]:
    """Return the runs of which two different ends were recorded; `terminal` are the bits of the ends."""
    bits = [int(bit) for bit in terminal]
    count = " + ".join(f"((r.states & {bit}) != 0)" for bit in bits)
    return dicts(
        connection,
        "SELECT r.run_id, r.states, e.namespace, e.name, "
        "(SELECT max(record) FROM run_record WHERE run = r.id) AS record"
        f" FROM run r JOIN entity e ON e.id = r.job WHERE {count} > 1 ORDER BY e.namespace, e.name, r.run_id",
    )
