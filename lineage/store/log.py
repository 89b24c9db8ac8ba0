"""What has been recorded, byte for byte, and what did each record say? The append-only half of a workspace.

Records are kept in blocks of about 1,000, one zstd block of their raw bytes; the facts they state stand in larger
blocks of their own, what recurs in a block once. That is 5 to 8 % of the raw size and faster than keeping them apart
(store-performance 1d). Facts are read back whole, in the order of the records, by whoever derives from them; no
question is asked of them by SQL.
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
from lineage.model.facts import AnyFact, Bundle, Key, Measured, Run
from lineage.model.moment import exactly
from lineage.model.vocabulary import RunState
from lineage.text import dumps

BLOCK_RECORDS = 1024
BLOCK_BYTES = 4 << 20
FACT_RECORDS = 16_384
FACTS = 40_000
"""Facts repeat from run to run of a job: the more records share a block, the more of them are written once."""

_LEVEL = 3
_STATES = tuple(RunState)
_STATE_NUMBERS = {state: number for number, state in enumerate(_STATES)}


class _Runs(msgspec.Struct, array_like=True, gc=False):
    """Runs in columns: `like` is the fact that says the same but for the run's name, its parent, state and time.

    `parent` is the number of one of `parents`, -1 where none is said.
    """

    parents: list[Key] = []
    like: list[int] = []
    parent: list[int] = []
    name: list[str] = []
    state: list[int] = []
    at: list[int] = []


class _Measures(msgspec.Struct, array_like=True, gc=False):
    """Measurements in columns: `like` says the same but for value, verdict, time and run, which are those of `run`."""

    like: list[int] = []
    run: list[int] = []
    value: list[float | None] = []
    success: list[bool | None] = []


class _FactBlock(msgspec.Struct, array_like=True, gc=False):
    """What the records of a block say.

    Attributes:
        facts: facts as they are; bundles: of facts, by their numbers.
        said: for each record, four times the number of a fact, a bundle (+ 1), a run (+ 2) or a measurement (+ 3).
    """

    facts: list[AnyFact] = []
    bundles: list[list[int]] = []
    runs: _Runs = msgspec.field(default_factory=_Runs)
    measures: _Measures = msgspec.field(default_factory=_Measures)
    said: list[list[int]] = []


_encode = msgspec.msgpack.Encoder().encode
_facts = msgspec.msgpack.Decoder(_FactBlock)
_raws = msgspec.msgpack.Decoder(list[bytes])


class BlockWriter:
    """Gathers records and their facts and gives them out as compressed blocks."""

    def __init__(self) -> None:
        self._compress = zstandard.ZstdCompressor(level=_LEVEL).compress
        self._raws: list[bytes] = []
        self._first = 0
        self._bytes = 0
        self._facts = _FactBlock()
        self._numbers: dict[int, int] = {}
        self._kept: list[object] = []
        self._like: dict[tuple[Any, ...], int] = {}
        self._parents: dict[Key | None, int] = {None: -1}
        self._first_said = 0
        self._blocks: list[tuple[int, bytes]] = []
        self._fact_blocks: list[tuple[int, bytes]] = []

    def add(self, seq: int, raw: bytes, facts: Sequence[AnyFact | Bundle]) -> None:
        """Take the record numbered `seq` and what it said."""
        if not self._raws:
            self._first = seq
        block = self._facts
        if not block.said:
            self._first_said = seq
        numbers = self._numbers
        said = []
        run: Run | None = None
        place = 0
        for fact in facts:
            kind = type(fact)
            if kind is Run:
                run = fact  # type: ignore[assignment]
                said.append(self._run(fact))  # type: ignore[arg-type]
                place = len(block.runs.like) - 1
            elif kind is Measured:
                said.append(self._measured(fact, run, place) if run is not None else self._whole(fact))  # type: ignore[arg-type]
            else:
                number = numbers.get(id(fact))
                said.append(self._number(fact) if number is None else number)
        block.said.append(said)
        self._raws.append(raw)
        self._bytes += len(raw)
        if len(self._raws) >= BLOCK_RECORDS or self._bytes >= BLOCK_BYTES:
            self._end_block()
        if len(block.said) >= FACT_RECORDS or len(block.facts) >= FACTS:
            self._end_facts()

    def _whole(self, fact: AnyFact) -> int:
        facts = self._facts.facts
        facts.append(fact)
        return 4 * len(facts) - 4

    def _number(self, fact: AnyFact | Bundle) -> int:
        """Give a fact or a bundle that may recur its number in the block."""
        if isinstance(fact, tuple):
            numbers = self._numbers
            parts = []
            for part in fact:
                number = numbers.get(id(part))
                parts.append((self._number(part) if number is None else number) >> 2)
            self._facts.bundles.append(parts)
            number = 4 * len(self._facts.bundles) - 3
        else:
            number = self._whole(fact)
        self._numbers[id(fact)] = number
        self._kept.append(fact)
        return number

    def _run(self, fact: Run) -> int:
        at = fact.at
        key = fact.key
        lo = at.lo
        if lo != at.hi or at.text or at.assumed or fact.started is not None or fact.ended is not None:
            same = self._whole(fact) >> 2
        else:
            # The parts that recur are the same objects each time; the first such run keeps them alive.
            named = (
                key.namespace,
                id(fact.job),
                id(fact.inputs),
                id(fact.outputs),
                id(fact.attributes),
                id(fact.actor),
                fact.individual,
                fact.streaming,
            )
            found = self._like.get(named)
            if found is None:
                found = self._like[named] = self._whole(fact) >> 2
            same = found
        runs = self._facts.runs
        parent = self._parents.get(fact.parent)
        if parent is None:
            parent = self._parents[fact.parent] = len(runs.parents)
            runs.parents.append(fact.parent)  # type: ignore[arg-type]
        runs.like.append(same)
        runs.parent.append(parent)
        runs.name.append(key.name)
        runs.state.append(_STATE_NUMBERS[fact.state])
        runs.at.append(lo)
        return 4 * len(runs.like) - 2

    def _measured(self, fact: Measured, run: Run, place: int) -> int:
        if fact.run != run.key or fact.at != run.at:
            return self._whole(fact)
        detail = fact.detail
        named = (fact.subject, fact.metric, fact.unit, fact.severity, id(detail) if detail else 0)
        same = self._like.get(named)
        if same is None:
            same = self._like[named] = self._whole(fact) >> 2
        measures = self._facts.measures
        measures.like.append(same)
        measures.run.append(place)
        measures.value.append(fact.value)
        measures.success.append(fact.success)
        return 4 * len(measures.like) - 1

    def _end_block(self) -> None:
        if self._raws:
            self._blocks.append((self._first, self._packed(self._raws)))
        self._raws = []
        self._bytes = 0

    def _end_facts(self) -> None:
        if self._facts.said:
            self._fact_blocks.append((self._first_said, self._packed(self._facts)))
        self._facts = _FactBlock()
        self._kept = []
        self._numbers = {}
        self._like = {}
        self._parents = {None: -1}

    def _packed(self, value: object) -> bytes:
        # The compressor's result lies in memory for the worst case; the copy takes what it needs.
        return bytes(memoryview(self._compress(_encode(value))))

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
    block = _facts.decode(zstandard.ZstdDecompressor().decompress(body))
    facts = block.facts
    bundles = [tuple(facts[number] for number in bundle) for bundle in block.bundles]
    parents = (*block.runs.parents, None)
    runs = [
        _run_like(facts[like], parents[parent], *rest)
        for like, parent, *rest in zip(*msgspec.structs.astuple(block.runs)[1:], strict=True)
    ]
    measures = [
        _measure_like(facts[like], runs[run], *rest)
        for like, run, *rest in zip(*msgspec.structs.astuple(block.measures), strict=True)
    ]
    kinds: tuple[Sequence[Any], ...] = (facts, bundles, runs, measures)
    for numbers in block.said:
        yield [kinds[number & 3][number >> 2] for number in numbers]


def _run_like(like: AnyFact, parent: Key | None, name: str, state: int, at: int) -> Run:
    if not isinstance(like, Run):
        raise BugError("a run in a block of facts is like something else")
    if like.at.lo == at and like.key.name == name and like.state is _STATES[state] and like.parent == parent:
        return like
    key = Key(like.key.kind, like.key.namespace, name)
    return msgspec.structs.replace(like, key=key, parent=parent, state=_STATES[state], at=exactly(at))


def _measure_like(like: AnyFact, run: Run, value: float | None, success: bool | None) -> Measured:  # noqa: FBT001 - a column
    if not isinstance(like, Measured):
        raise BugError("a measurement in a block of facts is like something else")
    return msgspec.structs.replace(like, at=run.at, run=run.key, value=value, success=success)


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
