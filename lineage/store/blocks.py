"""How are records and what they said packed, so that they take little room and time?

Records are kept in blocks of about 1,000, one zstd block of their raw bytes; the facts they state stand in larger
blocks of their own, what recurs in a block once. That is 5 to 8 % of the raw size and faster than keeping them apart
(store-performance 1d).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import zstandard

from lineage.errors import BugError
from lineage.model.facts import AnyFact, Bundle, Key, Measured, Run
from lineage.model.moment import exactly
from lineage.model.vocabulary import RunState

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


def raws_in(body: bytes) -> list[bytes]:
    """Return the records' bytes of a block of evidence."""
    return _raws.decode(zstandard.ZstdDecompressor().decompress(body))


def facts_in(body: bytes) -> Iterator[list[AnyFact | Bundle]]:
    """Yield what each record of a block of facts said."""
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
