"""What has been said of a run, and by a bundle of facts, since rows were last written?

A run is told of by several records, and most runs of a job say the same but for their name and times: what they have in
common is kept once and found by where it lies in memory.
"""

from __future__ import annotations

from typing import Any

from lineage.model.facts import Key, Link, Run
from lineage.model.moment import LAST
from lineage.model.vocabulary import TERMINAL, RunState

STATE_BIT = {state: 1 << number for number, state in enumerate(RunState)}
"""How the states seen of a run are kept: a set, so that no order can lose one."""

_TERMINAL_STATES = frozenset(TERMINAL)

Used = tuple[int, int, str]
"""A dataset as a run used it: 0 read or 1 written, its number, its version."""


def word(key: Key) -> str:
    """Return the name of a run or an actor as rows hold it."""
    return f"{key.namespace}\n{key.name}"


class Frame:
    """What runs that are alike have in common: job, datasets, attributes and actor, as rows hold them."""

    __slots__ = ("actor", "job", "kept", "said", "uses")

    def __init__(self, fact: Run, job: int, uses: tuple[Used, ...], said: tuple[int, ...]) -> None:
        # It is found by where these lie in memory, so they must stay there.
        self.kept = (fact.job, fact.inputs, fact.outputs, fact.attributes, fact.actor)
        self.job = job
        self.uses = uses
        self.said = said
        self.actor = None if fact.actor is None else word(fact.actor)


def _merged(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted({*one, *other}))


class SeenRun:
    """What the records of one flush say of one run."""

    __slots__ = (
        "actor",
        "ended",
        "entity",
        "first_at",
        "frame",
        "job",
        "last_at",
        "name",
        "parent",
        "said",
        "started",
        "states",
        "streaming",
        "uses",
    )

    def __init__(self, frame: Frame, name: str) -> None:
        self.job = frame.job
        self.name = name
        self.states = 0
        self.started: int | None = None
        self.ended: int | None = None
        self.first_at = LAST
        self.last_at = 0
        self.streaming = 0
        self.entity: int | None = None
        self.frame = frame
        self.actor = frame.actor
        self.parent: Key | None = None
        self.uses = frame.uses
        self.said = frame.said

    def take(self, fact: Run) -> None:
        """Take state, times and parent."""
        at = fact.at.lo
        state = fact.state
        self.states |= STATE_BIT[state]
        self.first_at = min(self.first_at, at)
        self.last_at = max(self.last_at, at)
        if fact.started is not None:
            self.started = fact.started.lo if self.started is None else min(self.started, fact.started.lo)
        elif state is RunState.START:
            self.started = at if self.started is None else min(self.started, at)
        if fact.ended is not None:
            self.ended = fact.ended.hi if self.ended is None else max(self.ended, fact.ended.hi)
        elif state in _TERMINAL_STATES and fact.started is None:
            self.ended = at if self.ended is None else max(self.ended, at)
        parent = fact.parent
        if parent is not None and parent is not self.parent:
            self.parent = parent if self.parent is None else min(self.parent, parent, key=word)
        if fact.streaming:
            self.streaming = 1

    def row(self, number: int) -> tuple[Any, ...]:
        """Return the row of the run; what is not known is an empty text (`lineage.store.derived`)."""
        return (
            number,
            self.job,
            self.name,
            "" if self.entity is None else self.entity,
            self.states,
            "" if self.started is None else self.started,
            "" if self.ended is None else self.ended,
            self.first_at,
            self.last_at,
            self.streaming,
            self.actor or "",
            "" if self.parent is None else word(self.parent),
        )

    def join(self, frame: Frame) -> None:
        """Take what another record has in common with other runs."""
        self.frame = frame
        if frame.uses is not self.uses:
            self.uses = _merged(self.uses, frame.uses)
        if frame.said is not self.said:
            self.said = _merged(self.said, frame.said)
        if frame.actor is not None and (self.actor is None or frame.actor < self.actor):
            self.actor = frame.actor


class Slot:
    """The rows of one fact of a bundle (a link's is the beginning of its row), without the times it was so."""

    __slots__ = ("first", "last", "link", "rows", "seq")

    def __init__(self, rows: list[tuple[Any, ...]], link: Link | None = None) -> None:
        self.rows = rows
        self.link = link
        self.seq = -1
        self.first: int | None = None
        self.last: int | None = None

    def take(self, first: int | None, last: int | None, seq: int) -> None:
        """Take that it was so between these times; a negative `seq` means that nothing has been taken yet."""
        if self.seq < 0:
            self.first, self.last, self.seq = first, last, seq
        elif first is not None and last is not None:
            self.first = first if self.first is None else min(self.first, first)
            self.last = last if self.last is None else max(self.last, last)


def spans_of(runs: dict[int, SeenRun], measures: list[tuple[Any, ...]]) -> list[tuple[int, int, int]]:
    """Return each thing with from when to when runs and rows of measurements show it.

    A dataset is shown by the whole of a run that uses it, so that the order of a run's records does not matter.
    """
    firsts: dict[int, int] = {}
    lasts: dict[int, int] = {}
    spans: dict[tuple[int, int], list[Any]] = {}
    for number, seen in runs.items():
        span = spans.get((seen.job, id(seen.uses)))
        if span is None:
            spans[seen.job, id(seen.uses)] = [seen.first_at, seen.last_at, (seen.job, *_datasets(seen))]
        else:
            span[0] = min(span[0], seen.first_at)
            span[1] = max(span[1], seen.last_at)
        if seen.entity is not None:
            spans[-number, 0] = [seen.first_at, seen.last_at, (seen.entity,)]
    shown = [(thing, first, last) for first, last, things in spans.values() for thing in things]
    for thing, first, last in (*shown, *[(row[1], row[3], row[3]) for row in measures]):
        if first < firsts.get(thing, LAST + 1):
            firsts[thing] = first
        if last > lasts.get(thing, -1):
            lasts[thing] = last
    return [(thing, first, lasts[thing]) for thing, first in firsts.items()]


def _datasets(seen: SeenRun) -> list[int]:
    return [use[1] for use in seen.uses]
