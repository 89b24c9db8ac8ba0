"""What must agree when a workspace is verified: checkpoints, anchors, and where each record says it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Size and root of the tree after an import (`batch`), at a time (UTC microseconds)."""

    size: int
    batch: int
    at: int
    root: bytes
    frontier: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """Something from outside that fixes a checkpoint: its form (`note`, `rfc3161`), when it was added and made."""

    id: int
    at: int
    form: str
    name: str
    size: int | None
    root: bytes | None
    told: int | None
    body: bytes


def checkpoints(connection: Connection) -> list[Checkpoint]:
    """Return all checkpoints, smallest first."""
    rows = connection.exec_driver_sql("SELECT size, batch, at, root, frontier FROM checkpoint ORDER BY size")
    return [Checkpoint(*row) for row in rows]


def anchors(connection: Connection) -> list[Anchor]:
    """Return all anchors, oldest first."""
    rows = connection.exec_driver_sql(
        "SELECT id, at, form, name, size, root, told, body FROM anchor ORDER BY id"
    )
    return [Anchor(*row) for row in rows]


def add_anchor(connection: Connection, anchor: Anchor) -> None:
    """Keep an anchor; its number is given here."""
    connection.exec_driver_sql(
        "INSERT INTO anchor (at, form, name, size, root, told, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (anchor.at, anchor.form, anchor.name, anchor.size, anchor.root, anchor.told, anchor.body),
    )


def records(connection: Connection) -> Iterator[tuple[int, int, int, int, int, bytes]]:
    """Yield number, file, line, offset, length and SHA-256 of every record, in order."""
    for row in connection.exec_driver_sql(
        "SELECT seq, file, line, offset, length, sha256 FROM record ORDER BY seq"
    ):
        yield row[0], row[1], row[2], row[3], row[4], row[5]


def blocks(connection: Connection) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, first record and body of every block of evidence, in the order of the records."""
    for row in connection.exec_driver_sql("SELECT id, first, body FROM block ORDER BY first, id"):
        yield row[0], row[1], row[2]


def fact_blocks(connection: Connection) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, first record and body of every block of facts, in the order of the records."""
    for row in connection.exec_driver_sql("SELECT id, first, body FROM fact_block ORDER BY first, id"):
        yield row[0], row[1], row[2]


def files(connection: Connection) -> dict[int, str]:
    """Return the path of each file, by its number."""
    return {row[0]: row[1] for row in connection.exec_driver_sql("SELECT id, path FROM file")}


def unbound(connection: Connection) -> list[str]:
    """Return which finished imports, decisions and anchors no link binds."""
    rows = connection.exec_driver_sql(
        "WITH b AS (SELECT coalesce(max(batch), 0) AS batch, coalesce(max(decision), 0) AS decision,"
        " coalesce(max(anchor), 0) AS anchor FROM binding)"
        " SELECT 'import ' || t.id FROM batch t, b WHERE t.finished IS NOT NULL AND t.id > b.batch"
        " UNION ALL SELECT 'decision ' || t.id FROM decision t, b WHERE t.id > b.decision"
        " UNION ALL SELECT 'anchor ' || t.id FROM anchor t, b WHERE t.id > b.anchor"
    )
    return [row[0] for row in rows]


def bare(connection: Connection) -> list[int]:
    """Return the finished imports with records after which no checkpoint was kept."""
    rows = connection.exec_driver_sql(
        "SELECT b.id FROM batch b WHERE b.finished IS NOT NULL AND EXISTS (SELECT 1 FROM file f JOIN record r"
        " ON r.file = f.id WHERE f.batch = b.id) AND NOT EXISTS (SELECT 1 FROM checkpoint c WHERE c.batch = b.id)"
        " ORDER BY b.id"
    )
    return [row[0] for row in rows]


def unsound(connection: Connection) -> list[str]:
    """Return what SQLite itself finds wrong with the file, at most ten sentences."""
    rows = connection.exec_driver_sql("PRAGMA integrity_check(10)")
    return [str(row[0]) for row in rows if row[0] != "ok"]
