"""Has anything else of the log been changed: facts, files, problems, decisions? A chain of SHA-256 over all of it.

The Merkle tree binds records with their places. Whatever else is only ever added to is bound by a chain: each link is
the SHA-256 of the link before it and of the rows added since, one link for each import, decision and anchor. What a
killed import left is bound by the next link. The note of a checkpoint carries the last link (issue 5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from lineage.text import dumps

SEGMENTS: dict[str, str] = {
    "batch": "SELECT id, started, finished, tool, labels, paths FROM batch WHERE id > :b AND id <= :B ORDER BY id",
    "file": "SELECT id, batch, path, source, labels, context, bytes, sha256, read, accepted, duplicate, filtered,"
    " rejected, problems, seconds, finished FROM file WHERE batch > :b AND batch <= :B ORDER BY id",
    "problem": "SELECT p.id, p.file, p.record, p.line, p.offset, p.row, p.field, p.value, p.code, p.reason, p.fatal"
    " FROM problem p JOIN file f ON f.id = p.file WHERE f.batch > :b AND f.batch <= :B ORDER BY p.id",
    "filtered": "SELECT t.file, t.reason, t.n FROM filtered t JOIN file f ON f.id = t.file"
    " WHERE f.batch > :b AND f.batch <= :B ORDER BY t.file, t.reason",
    "row": "SELECT seq, row FROM record WHERE seq >= :s AND seq < :S AND row IS NOT NULL ORDER BY seq",
    "fact_block": "SELECT first, body FROM fact_block WHERE first >= :s AND first < :S ORDER BY first",
    "decision": "SELECT id, at, who, why, action, one, other, undoes FROM decision WHERE id > :d AND id <= :D"
    " ORDER BY id",
    "anchor": "SELECT id, at, form, name, size, root, told, body FROM anchor WHERE id > :a AND id <= :A ORDER BY id",
}
"""What one link binds, table by table: the rows added since the link before it."""

Bounds = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain: its number, time (UTC microseconds), upper bounds of what it binds, and its hash."""

    id: int
    at: int
    upto: Bounds
    head: bytes


def links(connection: Connection) -> list[Link]:
    """Return the chain, oldest first."""
    rows = connection.exec_driver_sql(
        "SELECT id, at, size, batch, decision, anchor, head FROM binding ORDER BY id"
    )
    return [Link(row[0], row[1], (row[2], row[3], row[4], row[5]), row[6]) for row in rows]


def origin(connection: Connection) -> str:
    """Return the name of the log: what its notes call it, with the workspace's id."""
    found = connection.exec_driver_sql("SELECT value FROM meta WHERE key = 'workspace'").scalar()
    return f"modeltrail/{found}"


def begin(connection: Connection) -> bytes:
    """Return what the first link stands on: the workspace's own name."""
    return hashlib.sha256(origin(connection).encode()).digest()


def present(connection: Connection) -> Bounds:
    """Return the bounds of all there is: records, batches, decisions, anchors."""
    row = connection.exec_driver_sql(
        "SELECT (SELECT coalesce(max(seq) + 1, 0) FROM record), (SELECT coalesce(max(id), 0) FROM batch),"
        " (SELECT coalesce(max(id), 0) FROM decision), (SELECT coalesce(max(id), 0) FROM anchor)"
    ).one()
    return row[0], row[1], row[2], row[3]


def parts(connection: Connection, since: Bounds, upto: Bounds) -> Iterator[bytes]:
    """Yield the SHA-256 of what each table gained between two bounds, in the order of `SEGMENTS`."""
    names = dict(zip("sbdaSBDA", (*since, *upto), strict=True))
    for sql in SEGMENTS.values():
        whole = hashlib.sha256()
        for row in connection.exec_driver_sql(sql, names):
            line = _line(row)
            whole.update(len(line).to_bytes(8, "big") + line)
        yield whole.digest()


def head(before: bytes, at: int, upto: Bounds, segments: Sequence[bytes]) -> bytes:
    """Return a link's hash: of the link before it, its time and bounds, and the hash of each segment."""
    told = dumps([at, *upto])
    return hashlib.sha256(before + len(told).to_bytes(8, "big") + told + b"".join(segments)).digest()


def bind(connection: Connection, at: int) -> None:
    """Add a link that binds all that was added since the last one, at the UTC microsecond `at`."""
    chain = links(connection)
    before = chain[-1].head if chain else begin(connection)
    since = chain[-1].upto if chain else (0, 0, 0, 0)
    upto = present(connection)
    made = head(before, at, upto, list(parts(connection, since, upto)))
    connection.exec_driver_sql(
        "INSERT INTO binding (at, size, batch, decision, anchor, head) VALUES (?, ?, ?, ?, ?, ?)",
        (at, *upto, made),
    )


def _line(row: Sequence[Any]) -> bytes:
    return dumps([hashlib.sha256(cell).hexdigest() if isinstance(cell, bytes) else cell for cell in row])
