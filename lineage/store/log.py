"""What has been recorded, byte for byte, and what did each record say? The append-only half of a workspace.

Records are kept in blocks of about 512, one zstd block of their raw bytes; the facts they state stand in
blocks of their own, equal facts of a block once. That is 5 to 10 % of the raw size and faster than keeping
them apart (store-performance 1d). Facts are read back whole, in the order of the records, by whoever derives
from them; no question is asked of them by SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Connection

from lineage.errors import BugError
from lineage.model.facts import AnyFact, Bundle
from lineage.text import dumps

BLOCK_RECORDS = 512
BLOCK_BYTES = 2 << 20
FACT_RECORDS = 1024
"""Facts repeat from run to run of a job: the more records share a block, the more of them are written once."""

EVIDENCE_LEVEL = 1
FACTS_LEVEL = 3

_encode = msgspec.msgpack.Encoder().encode
_facts = msgspec.msgpack.Decoder(tuple[list[AnyFact], list[list[int]], list[list[int]]])
_raws = msgspec.msgpack.Decoder(list[bytes])


class BlockWriter:
    """Gathers records and their facts and gives them out as compressed blocks."""

    def __init__(self) -> None:
        self._compress = zstandard.ZstdCompressor(level=EVIDENCE_LEVEL).compress
        self._compress_facts = zstandard.ZstdCompressor(level=FACTS_LEVEL).compress
        self._raws: list[bytes] = []
        self._first = 0
        self._bytes = 0
        self._unique: list[AnyFact] = []
        self._bundles: list[list[int]] = []
        self._numbers: dict[int, int] = {}
        self._kept: list[object] = []
        self._said: list[list[int]] = []
        self._first_said = 0
        self._blocks: list[tuple[int, bytes]] = []
        self._fact_blocks: list[tuple[int, bytes]] = []

    def add(self, seq: int, raw: bytes, facts: Sequence[AnyFact | Bundle]) -> None:
        """Take the record numbered `seq` and what it said."""
        if not self._raws:
            self._first = seq
        if not self._said:
            self._first_said = seq
        numbers = self._numbers
        said = []
        for fact in facts:
            number = numbers.get(id(fact))
            said.append(self._number(fact) if number is None else number)
        self._said.append(said)
        self._raws.append(raw)
        self._bytes += len(raw)
        if len(self._raws) >= BLOCK_RECORDS or self._bytes >= BLOCK_BYTES:
            self._end_block()
        if len(self._said) >= FACT_RECORDS:
            self._end_facts()

    def _number(self, fact: AnyFact | Bundle) -> int:
        """Give a fact its place in the block, a bundle the place before it counted backwards from -1."""
        if isinstance(fact, tuple):
            self._bundles.append([self._numbers.get(id(part), -1) for part in fact])
            parts = self._bundles[-1]
            for place, part in enumerate(fact):
                if parts[place] < 0:
                    parts[place] = self._number(part)
            number = -len(self._bundles)
        else:
            number = len(self._unique)
            self._unique.append(fact)
        self._numbers[id(fact)] = number
        self._kept.append(fact)
        return number

    def _end_block(self) -> None:
        if self._raws:
            self._blocks.append((self._first, self._compress(_encode(self._raws))))
        self._raws = []
        self._bytes = 0

    def _end_facts(self) -> None:
        if self._said:
            body = _encode((self._unique, self._bundles, self._said))
            self._fact_blocks.append((self._first_said, self._compress_facts(body)))
        self._unique = []
        self._bundles = []
        self._kept = []
        self._numbers = {}
        self._said = []

    def take(self) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
        """End the blocks that are being filled, return the blocks of evidence and of facts, and forget them."""
        self._end_block()
        self._end_facts()
        blocks, self._blocks = self._blocks, []
        facts, self._fact_blocks = self._fact_blocks, []
        return blocks, facts


def write(
    connection: Connection,
    records: list[tuple[Any, ...]],
    blocks: tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]],
    problems: list[tuple[Any, ...]],
) -> None:
    """Add records, their blocks and problems to the log; values in the order of the tables' columns."""
    if records:
        connection.exec_driver_sql("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", records)
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
    raws = _raws.decode(zstandard.ZstdDecompressor().decompress(block[1]))
    if seq - block[0] >= len(raws):
        raise BugError(f"the block of record {seq} ends before it")
    labels = msgspec.json.decode(row[7], type=dict[str, str])
    return Stored(
        seq, raws[seq - block[0]], row[0], row[1], row[2], row[3], row[4], row[5] or "", row[6], labels
    )


def raw_records(connection: Connection) -> Iterator[tuple[int, bytes]]:
    """Yield every record's number and bytes, in order."""
    decompress = zstandard.ZstdDecompressor().decompress
    for first, body in connection.exec_driver_sql("SELECT first, body FROM block ORDER BY first"):
        yield from enumerate(_raws.decode(decompress(body)), first)


def said(connection: Connection, *, below: int | None = None) -> Iterator[tuple[int, list[AnyFact | Bundle]]]:
    """Yield every record's number and facts, in order; only records numbered below `below`, where given."""
    limit = below if below is not None else 1 << 62
    for first, body in connection.exec_driver_sql(
        "SELECT first, body FROM fact_block WHERE first < ? ORDER BY first", (limit,)
    ):
        for seq, facts in enumerate(_unpacked(body), first):
            if seq < limit:
                yield seq, facts


def _unpacked(body: bytes) -> Iterator[list[AnyFact | Bundle]]:
    unique, bundles, numbers = _facts.decode(zstandard.ZstdDecompressor().decompress(body))
    whole = [tuple(unique[index] for index in bundle) for bundle in bundles]
    for indexes in numbers:
        yield [unique[index] if index >= 0 else whole[-index - 1] for index in indexes]  # type: ignore[misc]


def facts_of(connection: Connection, seq: int) -> list[AnyFact]:
    """Return what record `seq` said."""
    block = connection.exec_driver_sql(
        "SELECT first, body FROM fact_block WHERE first <= ? ORDER BY first DESC LIMIT 1", (seq,)
    ).fetchone()
    if block is None:
        return []
    found: list[AnyFact] = []
    for fact in next(islice(_unpacked(block[1]), seq - block[0], None), []):
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
