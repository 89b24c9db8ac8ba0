"""From where, and from when, is a question asked?

A `View` is one connection and one pair of times: as it was (`as_of`, valid time), as we knew (`known_at`,
recorded time; the connection then shadows the derived tables with ones made from the earlier records alone).
Every question takes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from lineage import clock
from lineage.errors import QuestionError
from lineage.graph.reach import Graph
from lineage.graph.select import Scope, select
from lineage.model.answer import Answer, Item
from lineage.model.moment import LAST, parse, to_iso
from lineage.model.naming import display, identifier
from lineage.store import asking, log
from lineage.store.asking import Thing
from lineage.store.database import Connection

Time = str | int | None
"""A time as ISO 8601 text, as UTC microseconds, or None = now."""


def microseconds(time: Time, name: str = "time") -> int | None:
    """Return a time as UTC microseconds; raises `QuestionError` when it is none.

    >>> microseconds("1970-01-01T00:00:01Z")
    1000000
    """
    if time is None or isinstance(time, int):
        return time
    try:
        return parse(time).lo
    except ValueError:
        raise QuestionError(
            f"{name} is no time", where=time, remedy="write it like 2026-06-01 or 2026-06-01T10:00:00Z"
        ) from None


@dataclass(frozen=True, slots=True)
class View:
    """One workspace, seen at one pair of times.

    Attributes:
        as_of: valid time in UTC microseconds, None = now; `ever` = whatever held at any time.
        known_at: recorded time in UTC microseconds, None = all that is recorded.
        settled: false while an import is under way or was broken off, so that not all that follows is worked out.
    """

    connection: Connection
    graph: Callable[[], Graph]
    as_of: int | None = None
    known_at: int | None = None
    ever: bool = False
    coverage: list[Item] = field(default_factory=list)
    settled: bool = True

    @property
    def span(self) -> tuple[int, int]:
        """The valid time as lower and upper bound, equal for an instant."""
        if self.ever:
            return 0, LAST - 1
        moment = clock.now() if self.as_of is None else self.as_of
        return moment, moment

    @property
    def moment(self) -> int:
        """The instant asked about."""
        return clock.now() if self.as_of is None else self.as_of

    def scope(self) -> Scope:
        """Return what a selector is read in."""
        lo, hi = self.span
        return Scope(self.connection, self.graph, lo, hi)

    def select(self, text: str) -> list[int]:
        """Return the ids of what a selector picks."""
        return select(text, self.scope())

    def evidence(self, seqs: Iterable[int | None]) -> dict[int, Item]:
        """Return evidence references for record numbers; each also names its number as `record`."""
        wanted = [seq for seq in seqs if seq is not None]
        found = log.evidence_rows(self.connection, wanted)
        return {seq: _reference(seq, row) for seq, row in found.items()}

    def answer(self, items: list[Item], total: int, *, complete: bool | None = None) -> Answer:
        """Return an answer seen from here; incomplete when fewer are shown than there are, or not all is worked out."""
        whole = len(items) == total if complete is None else complete
        return Answer(items, total, whole and self.settled, self.as_of, self.known_at, self.coverage)


def _reference(seq: int, row: Item) -> Item:
    place = {"row": row["row"]} if row["row"] and not row["line"] else {"line": row["line"]}
    if row["row"] and row["line"]:
        place["row"] = row["row"]
    return {
        "source": row["source"],
        "file": row["file"],
        **place,
        "offset": row["offset"],
        "sha256": row["sha256"],
        "imported_at": to_iso(row["imported_at"]),
        "record": seq,
    }


def thing_id(thing: Thing) -> str:
    """Return the id of a thing in answers."""
    return identifier(thing.kind, thing.namespace, thing.name)


def thing_name(thing: Thing) -> str:
    """Return how a thing is shown."""
    return display(thing.kind, thing.namespace, thing.name)


def names(connection: Connection, ids: Iterable[int | None]) -> dict[int, Thing]:
    """Return the things that stand for these ids."""
    first = asking.things(connection, [number for number in ids if number is not None])
    roots = asking.things(connection, {thing.root for thing in first.values()})
    return {number: roots[thing.root] for number, thing in first.items()}


def page(items: list[int], limit: int | None, offset: int) -> list[int]:
    """Return the part of `items` that is asked for."""
    return items[offset:] if limit is None else items[offset : offset + limit]


def spoken(item: Item, *fields: str, text: str | None = None) -> Item:
    """Return the `_text` that stands beside times (CONTRACT.md): as the source wrote it, else its bounds in words.

    >>> spoken({"at": {"not_before": None, "not_after": "2026-01-02T00:00:00Z"}}, "at")
    {'_text': 'at: by 2026-01-02T00:00:00Z'}
    """
    words = [f"{name}: {time_text(item[name])}" for name in fields if isinstance(item.get(name), dict)]
    return {"_text": text or "; ".join(words) or None}


def time_text(value: Any) -> str:
    """Return a time of an answer for people: exact, or between its two bounds.

    >>> time_text({"not_before": "2026-01-01T00:00:00Z", "not_after": None})
    'after 2026-01-01T00:00:00Z'
    """
    if not isinstance(value, dict):
        return str(value or "")
    before, after = value.get("not_before"), value.get("not_after")
    if before and after:
        return f"between {before} and {after}"
    return f"after {before}" if before else f"by {after}"
