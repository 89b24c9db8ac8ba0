"""What have people decided about names, and what has been taken back? Append-only, like all that is recorded."""

from __future__ import annotations

import json

from sqlalchemy import Connection

from lineage.store.listing import Row, dicts
from lineage.text import dumps

_EVER = 1 << 62


def add(
    connection: Connection,
    at: int,
    who: str,
    why: str,
    action: str,
    one: tuple[str, str, str] | str,
    other: tuple[str, str, str] | str,
    undoes: int | None = None,
) -> int:
    """Record a decision of `who` at the UTC microsecond `at` and return its number."""
    made = connection.exec_driver_sql(
        "INSERT INTO decision (at, who, why, action, one, other, undoes) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (at, who, why, action, dumps(one).decode(), dumps(other).decode(), undoes),
    )
    return int(made.scalar_one())


def every(connection: Connection, known_at: int | None = None) -> list[Row]:
    """Return all decisions recorded up to the UTC microsecond `known_at`, oldest first.

    `one` and `other` are a key (kind, namespace, name), or the text that a decision is about; `undone_by` is the number
    of the decision that takes it back, None while it holds.
    """
    until = _EVER if known_at is None else known_at
    rows = dicts(
        connection,
        "SELECT d.id, d.at, d.who, d.why, d.action, d.one, d.other, d.undoes, u.id AS undone_by FROM decision d"
        " LEFT JOIN decision u ON u.undoes = d.id AND u.at <= ?1 WHERE d.at <= ?1 ORDER BY d.id",
        (until,),
    )
    for row in rows:
        row["one"], row["other"] = json.loads(row["one"]), json.loads(row["other"])
    return rows


def count(connection: Connection, known_at: int | None = None) -> int:
    """Return how many decisions had been recorded at the UTC microsecond `known_at`."""
    until = _EVER if known_at is None else known_at
    found = connection.exec_driver_sql("SELECT count(*) FROM decision WHERE at <= ?", (until,))
    return int(found.scalar_one())


def candidates(connection: Connection) -> list[Row]:
    """Return the pairs of names that are alike and not proven, with the rule and the record that says so."""
    return dicts(
        connection,
        "SELECT x.kind, x.namespace, x.name, y.kind AS other_kind, y.namespace AS other_namespace,"
        " y.name AS other_name, a.rule, a.confidence, a.record FROM alias a JOIN entity x ON x.id = a.entity"
        " JOIN entity y ON y.id = a.other WHERE a.relation = 'candidate' AND x.root != y.root"
        " ORDER BY x.kind, x.namespace, x.name, y.namespace, y.name, a.rule",
    )


def keys_called(connection: Connection, text: str) -> list[tuple[str, str, str]]:
    """Return the names (kind, namespace, name) that are written so: by id, by name, or by namespace and name.

    Unlike a selector's, a name that is another thing's alias stands for itself: it is the names that one decides on.
    """
    found = connection.exec_driver_sql(
        "SELECT kind, namespace, name FROM entity WHERE whole IS NULL AND kind NOT IN ('run', 'column') AND"
        " (kind || '|' || namespace || '|' || name = ?1 OR name = ?1 OR namespace || '/' || name = ?1)"
        " ORDER BY kind, namespace, name LIMIT 7",
        (text,),
    )
    return [(row[0], row[1], row[2]) for row in found]
