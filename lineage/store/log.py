"""What has been recorded, byte for byte, and what did each record say? The append-only half of a workspace.

Records and the facts they state stand in blocks (`lineage.store.blocks`). Facts are read back whole, in the order of
the records, by whoever derives from them; no question is asked of them by SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection

from lineage.errors import BugError
from lineage.model.facts import AnyFact, Bundle
from lineage.store.blocks import BlockWriter, facts_in, raws_in
from lineage.text import dumps

__all__ = ["BlockWriter"]


def write(
    connection: Connection,
    records: list[tuple[Any, ...]],
    blocks: tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]],
    problems: list[tuple[Any, ...]],
) -> None:
    """Add records, their blocks and problems to the log; values in the order of the tables' columns.

    A record's digest is given as a `bytearray` and a missing row as an empty text: for anything but numbers, texts and
    byte arrays the driver looks for an adapter, which takes three times as long as writing the row.
    """
    if records:
        connection.exec_driver_sql("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, nullif(?, ''))", records)
        evidence, facts = blocks
        connection.exec_driver_sql("INSERT INTO block (first, body) VALUES (?, ?)", evidence)
        connection.exec_driver_sql("INSERT INTO fact_block (first, body) VALUES (?, ?)", facts)
    if problems:
        connection.exec_driver_sql(
            "INSERT OR IGNORE INTO problem VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", problems
        )


def open_batch(
    connection: Connection, at: int, tool: str, labels: Mapping[str, str], paths: Sequence[str]
) -> int:
    """Begin an import and return its number."""
    connection.exec_driver_sql(
        "INSERT INTO batch (started, finished, tool, labels, paths) VALUES (?, NULL, ?, ?, ?)",
        (at, tool, dumps(dict(labels)).decode(), dumps(list(paths)).decode()),
    )
    return int(connection.exec_driver_sql("SELECT max(id) FROM batch").scalar_one())


def close_batch(connection: Connection, batch: int, at: int, tree: tuple[int, bytes, bytes]) -> None:
    """End an import with a checkpoint: size, root and frontier of the Merkle tree."""
    connection.exec_driver_sql("UPDATE batch SET finished = ? WHERE id = ?", (at, batch))
    size, root, frontier = tree
    connection.exec_driver_sql(
        "INSERT OR IGNORE INTO checkpoint VALUES (?, ?, ?, ?, ?)", (size, batch, at, root, frontier)
    )


def open_file(
    connection: Connection,
    batch: int,
    path: str,
    source: str,
    labels: Mapping[str, str],
    context: int,
    length: int,
) -> int:
    """Begin a file of an import and return its number; `context` is what else decides the meaning of its records."""
    connection.exec_driver_sql(
        "INSERT INTO file (batch, path, source, labels, context, bytes, read, accepted, duplicate, filtered, rejected,"
        " problems, seconds) VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0)",
        (batch, path, source, dumps(dict(labels)).decode(), context, length),
    )
    return int(connection.exec_driver_sql("SELECT max(id) FROM file").scalar_one())


def read_before(connection: Connection, tool: str) -> dict[tuple[str, str, str, int, bytes], int]:
    """Return how many records each file held that `tool` has read to its end without a problem.

    By path, source, labels as stored, context and SHA-256: where all are the same, every record is a duplicate.
    """
    rows = connection.exec_driver_sql(
        "SELECT f.path, f.source, f.labels, f.context, f.sha256, f.read FROM file f JOIN batch b ON b.id = f.batch"
        " WHERE b.tool = ? AND f.finished IS NOT NULL AND f.problems = 0 AND f.read > 0",
        (tool,),
    )
    return {(row[0], row[1], row[2], row[3], bytes(row[4])): row[5] for row in rows}


def count_file(connection: Connection, file: int, counts: tuple[int, ...], seconds: float) -> None:
    """Set a file's counts: read, accepted, duplicate, filtered, rejected, problems."""
    connection.exec_driver_sql(
        "UPDATE file SET read = ?, accepted = ?, duplicate = ?, filtered = ?, rejected = ?, problems = ?,"
        " seconds = ? WHERE id = ?",
        (*counts, seconds, file),
    )


def close_file(connection: Connection, file: int, digest: bytes, at: int, reasons: Mapping[str, int]) -> None:
    """End a file: its SHA-256 and how many records were left out for which reason."""
    connection.exec_driver_sql("UPDATE file SET sha256 = ?, finished = ? WHERE id = ?", (digest, at, file))
    if reasons:
        connection.exec_driver_sql(
            "INSERT OR REPLACE INTO filtered VALUES (?, ?, ?)", [(file, why, n) for why, n in reasons.items()]
        )


def last_frontier(connection: Connection) -> tuple[int, bytes]:
    """Return size and frontier of the last checkpoint; (0, b"") when there is none."""
    row = connection.exec_driver_sql(
        "SELECT size, frontier FROM checkpoint ORDER BY size DESC LIMIT 1"
    ).fetchone()
    return (row[0], row[1]) if row else (0, b"")


def places(connection: Connection, start: int = 0) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield SHA-256, file, line and offset of every record from number `start` on: what the tree's entries hold."""
    for row in connection.exec_driver_sql(
        "SELECT sha256, file, line, offset FROM record WHERE seq >= ? ORDER BY seq", (start,)
    ):
        yield row[0], row[1], row[2], row[3]


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it is kept.

    Attributes:
        seq: its number in the log, from 0; `raw`: its bytes.
        source, file, imported_at: by which source, from which path, when (UTC microseconds) it was imported.
        line, offset, row: its place in that file.
    """

    seq: int
    raw: bytes
    sha256: bytes
    source: str
    file: str
    line: int
    offset: int
    row: str
    imported_at: int
    labels: dict[str, str]


def stored_record(connection: Connection, seq: int) -> Stored | None:
    """Return record `seq` with its bytes, or None when there is none; raises `BugError` when the bytes are lost."""
    row = connection.exec_driver_sql(
        "SELECT r.sha256, f.source, f.path, r.line, r.offset, r.row, b.started, f.labels"
        " FROM record r JOIN file f ON f.id = r.file JOIN batch b ON b.id = f.batch WHERE r.seq = ?",
        (seq,),
    ).fetchone()
    if row is None:
        return None
    block = connection.exec_driver_sql(
        "SELECT first, body FROM block WHERE first <= ? ORDER BY first DESC LIMIT 1", (seq,)
    ).fetchone()
    if block is None:
        raise BugError(f"the block of record {seq} is missing")
    raws = raws_in(block[1])
    if seq - block[0] >= len(raws):
        raise BugError(f"the block of record {seq} ends before it")
    labels = msgspec.json.decode(row[7], type=dict[str, str])
    return Stored(
        seq, raws[seq - block[0]], row[0], row[1], row[2], row[3], row[4], row[5] or "", row[6], labels
    )


def raw_records(connection: Connection) -> Iterator[tuple[int, bytes]]:
    """Yield every record's number and bytes, in order."""
    for first, body in connection.exec_driver_sql("SELECT first, body FROM block ORDER BY first"):
        yield from enumerate(raws_in(body), first)


def said(connection: Connection, *, below: int | None = None) -> Iterator[tuple[int, list[AnyFact | Bundle]]]:
    """Yield every record's number and facts, in order; only records numbered below `below`, where given."""
    limit = below if below is not None else 1 << 62
    for first, body in connection.exec_driver_sql(
        "SELECT first, body FROM fact_block WHERE first < ? ORDER BY first", (limit,)
    ):
        for seq, facts in enumerate(facts_in(body), first):
            if seq < limit:
                yield seq, facts


def facts_of(connection: Connection, seq: int) -> list[AnyFact]:
    """Return what record `seq` said."""
    block = connection.exec_driver_sql(
        "SELECT first, body FROM fact_block WHERE first <= ? ORDER BY first DESC LIMIT 1", (seq,)
    ).fetchone()
    if block is None:
        return []
    found: list[AnyFact] = []
    for fact in next(islice(facts_in(block[1]), seq - block[0], None), []):
        found.extend(fact if isinstance(fact, tuple) else (fact,))
    return found


def evidence_rows(connection: Connection, seqs: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return, for each record number, its place as the contract writes an evidence reference (times raw)."""
    found: dict[int, dict[str, Any]] = {}
    numbers = list(dict.fromkeys(seqs))
    for start in range(0, len(numbers), 500):
        part = numbers[start : start + 500]
        marks = ",".join("?" * len(part))
        for row in connection.exec_driver_sql(
            "SELECT r.seq, f.source, f.path, r.line, r.row, r.offset, r.sha256, b.started FROM record r"
            f" JOIN file f ON f.id = r.file JOIN batch b ON b.id = f.batch WHERE r.seq IN ({marks})",
            tuple(part),
        ):
            found[row[0]] = {
                "source": row[1],
                "file": row[2],
                "line": row[3],
                "row": row[4] or "",
                "offset": row[5],
                "sha256": row[6].hex(),
                "imported_at": row[7],
            }
    return found


def known_identities(connection: Connection) -> set[int]:
    """Return what tells records apart (source, labels and bytes, as 64 bits), of all records there are."""
    contexts: dict[int, int] = {
        row[0]: row[1] for row in connection.exec_driver_sql("SELECT id, context FROM file")
    }
    return {
        int.from_bytes(row[0], "little", signed=True) ^ contexts[row[1]]
        for row in connection.exec_driver_sql("SELECT substr(sha256, 1, 8), file FROM record")
    }


def size(connection: Connection) -> int:
    """Return the number of records."""
    return int(connection.exec_driver_sql("SELECT coalesce(max(seq) + 1, 0) FROM record").scalar_one())


def size_at(connection: Connection, known_at: int) -> int:
    """Return how many records had been recorded at that UTC microsecond."""
    return int(
        connection.exec_driver_sql(
            "SELECT coalesce(max(r.seq) + 1, 0) FROM record r JOIN file f ON f.id = r.file"
            " JOIN batch b ON b.id = f.batch WHERE b.started <= ?",
            (known_at,),
        ).scalar_one()
    )
