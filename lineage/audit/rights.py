"""Which rights held when, as far as the imported roles, policies and lists show?

A binding, or all that one account says of a principal, is one statement; a later statement of the same replaces it, a
call that deletes it or a complete listing that no longer holds it ends it. What was seen in a dump at two times began
or ended somewhere between them. A right without any time (a manifest, a policy document) may hold, and no more is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.model.facts import Grant, Happened, Key
from lineage.model.moment import Moment, exactly
from lineage.model.vocabulary import Kind, Outcome

HELD, PERHAPS, NOT = 2, 1, 0

_BUILT_IN = "ClusterRole/cluster-admin"
_DEPTH = 6

Row = dict[str, Any]
Unit = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Right:
    """One right with the interval it held for.

    Attributes:
        since, until: bounds where a source keeps no history; None = not known, or not ended.
        basis: `stated` (seen in force), `list`, `declared` (a manifest or document), `undated`, `built-in`.
        records: the evidence, None where it is known without any.
    """

    fact: Grant
    since: Moment | None
    until: Moment | None
    basis: str
    records: tuple[int, ...]

    def at(self, moment: int) -> int:
        """Tell whether it held at the microsecond `moment`: `HELD`, `PERHAPS` or `NOT`."""
        if self.since is not None and moment < self.since.lo:
            return NOT
        if self.until is not None and moment >= self.until.hi:
            return NOT
        sure = self.basis in {"stated", "list", "built-in"}
        begun = self.since is None or moment >= self.since.hi
        ended = self.until is not None and moment >= self.until.lo
        return HELD if sure and begun and not ended else PERHAPS


@dataclass(frozen=True, slots=True)
class Path:
    """What a principal may do, by one right after the other: a binding and the role's rule, a group and its policy."""

    rights: tuple[Right, ...]

    @property
    def last(self) -> Right:
        """The right that names the permissions, or the role that nothing more is known of."""
        return self.rights[-1]

    @property
    def where(self) -> str:
        """What it holds for: as narrow as the narrowest binding."""
        narrow = [right.fact.where for right in self.rights if right.fact.where not in {"", "*"}]
        return narrow[-1] if narrow else self.last.fact.where

    @property
    def conditional(self) -> str:
        """Every condition on the way."""
        return "; ".join(right.fact.conditional for right in self.rights if right.fact.conditional)

    @property
    def allowed(self) -> bool:
        """False for an explicit denial."""
        return all(right.fact.allowed for right in self.rights)

    def at(self, moment: int) -> int:
        """Tell whether it held at a moment: as surely as its least sure step."""
        return min(right.at(moment) for right in self.rights)


class Rights:
    """All rights of a workspace.

    Attributes:
        of: the rights of each principal, role and policy.
        places: the systems of which an export or a list of rights is known; single calls and manifests are no list.
    """

    def __init__(
        self, rows: Iterable[Row], happened: Iterable[Happened], listings: Mapping[str, Sequence[int]]
    ) -> None:
        self.of: dict[Key, list[Right]] = defaultdict(list)
        self.places: set[str] = set()
        for right in _rights(list(rows), list(happened), listings):
            self.of[right.fact.grantee].append(right)
            if right.basis == "list" or right.fact.detail.get("listing"):
                self.places.add(right.fact.place)
        self._paths: dict[Key, tuple[Path, ...]] = {}

    def paths(self, principal: Key) -> tuple[Path, ...]:
        """Return everything `principal` may do or may not, at whatever time."""
        found = self._paths.get(principal)
        if found is None:
            found = self._paths[principal] = tuple(self._walk(principal, (), {principal}))
        return found

    def _walk(self, principal: Key, so_far: tuple[Right, ...], seen: set[Key]) -> Iterable[Path]:
        for right in self.of.get(principal, ()):
            role = role_key(right.fact)
            way = (*so_far, right)
            inner = self.of.get(role, ())
            if right.fact.grantee == role or role in seen or len(way) >= _DEPTH:
                yield Path(way)
            elif inner:
                yield from self._walk(role, way, seen | {role})
            elif right.fact.role == _BUILT_IN and right.fact.place.startswith("kubernetes://"):
                # The API server restores this role whenever it starts; kubectl shows it as any other.
                fact = Grant(role, _BUILT_IN, ("* *.*",), where="*", place=right.fact.place, via=_BUILT_IN)
                yield Path((*way, Right(fact, None, None, "built-in", ())))
            else:
                yield Path(way)


def role_key(fact: Grant) -> Key:
    """Return the key under which what the role of a right allows is told."""
    system = fact.place if fact.place.startswith("kubernetes://") else fact.grantee.namespace
    return Key(Kind.ACTOR, system, fact.role)


def _rights(
    rows: Sequence[Row], happened: Sequence[Happened], listings: Mapping[str, Sequence[int]]
) -> Iterable[Right]:
    units: dict[Unit, list[Row]] = defaultdict(list)
    for row in rows:
        fact: Grant = row["fact"]
        if fact.at is None:
            yield Right(fact, fact.since, fact.until, _basis(fact), (row["record"],))
        else:
            units[_unit(fact)].append(row)
    changed: dict[Unit, list[Moment]] = defaultdict(list)
    for call in happened:
        if call.outcome is Outcome.DONE:
            changed[str(call.detail.get("place")), str(call.detail.get("via"))].append(call.at)
    for unit, stated in units.items():
        yield from _in_time(stated, changed[unit], listings)


def _basis(fact: Grant) -> str:
    if fact.detail.get("declared"):
        return "declared"
    return "list" if fact.via == "access list" else "undated"


def _unit(fact: Grant) -> Unit:
    return (fact.place, fact.via if fact.place.startswith("kubernetes://") else fact.grantee.name)


def _content(fact: Grant) -> tuple[Any, ...]:
    names = fact.detail.get("resource_names")
    said = (fact.grantee, fact.role, fact.permissions, fact.where, fact.via, fact.allowed, fact.conditional)
    return (*said, str(names))


def _in_time(
    stated: Sequence[Row], calls: Sequence[Moment], listings: Mapping[str, Sequence[int]]
) -> Iterable[Right]:
    """Yield the rights of one unit, each from the first statement that holds it to the first that does not."""
    # A time with a call is exact; a dump's shows only what held then.
    times = {row["fact"].at.lo: bool(row["fact"].detail.get("by_call")) for row in stated}
    times |= {call.lo: True for call in calls}
    for listing in {str(row["fact"].detail.get("listing", "")) for row in stated}:
        for moment in listings.get(listing, ()):
            times.setdefault(moment, False)
    order = sorted(times)
    groups: dict[tuple[Any, ...], dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in stated:
        groups[_content(row["fact"])][row["fact"].at.lo].append(row)
    for held in groups.values():
        run: list[Row] = []
        before = 0
        for place, moment in enumerate(order):
            if moment in held:
                run.extend(held[moment])
                if place + 1 < len(order):
                    continue
            if run:
                ended = moment not in held
                last = order[place - 1] if ended else moment
                until = None
                if ended:
                    until = exactly(moment) if times[moment] else Moment(last, moment)
                yield _right(run, before, until)
                run = []
            before = moment


def _right(run: Sequence[Row], before: int, until: Moment | None) -> Right:
    first: Grant = min((row["fact"] for row in run), key=lambda fact: fact.at.lo if fact.at else 0)
    known = [row["fact"].since for row in run if row["fact"].since is not None]
    since = min(known, key=lambda moment: (moment.hi, moment.lo)) if known else None
    seen = first.at.lo if first.at is not None else before
    if since is None or since.hi <= before:
        since = Moment(before, seen) if before else None
    elif since.lo < before:
        since = Moment(before, since.hi)
    return Right(first, since, until, "stated", tuple(dict.fromkeys(row["record"] for row in run)))
