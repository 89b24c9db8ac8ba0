"""Which entities does a parsed selector pick in this workspace?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lineage.errors import QuestionError
from lineage.graph import reach, selector
from lineage.graph.reach import Graph
from lineage.store import asking
from lineage.store.database import Connection


@dataclass(frozen=True, slots=True)
class Scope:
    """Where and when a selector is read.

    Attributes:
        connection: the workspace; graph: gives the whole graph, made only when it is needed.
        lo, hi: the valid time, UTC microseconds; equal for an instant.
    """

    connection: Connection
    graph: Callable[[], Graph]
    lo: int
    hi: int


def select(text: str, scope: Scope) -> list[int]:
    """Return the ids that `text` selects, in the order of kind and name; raises `QuestionError` when it names nothing.

    An empty text selects everything.
    """
    if not text.strip():
        return asking.all_ids(scope.connection)
    picked = _pick(selector.parse(text), scope)
    things = asking.things(scope.connection, picked)
    return sorted(
        things, key=lambda number: (things[number].kind, things[number].namespace, things[number].name)
    )


def select_one(text: str, scope: Scope) -> int:
    """Return the one thing that `text` selects; raises `QuestionError` when there is none or several."""
    found = select(text, scope)
    if len(found) == 1:
        return found[0]
    names = [
        f"{thing.kind}|{thing.namespace}|{thing.name}"
        for thing in asking.things(scope.connection, found[:6]).values()
    ]
    raise QuestionError(
        f"the selector names {len(found)} things where one is needed",
        where=text,
        remedy="choose one of " + "  ".join(repr(name) for name in names),
    )


def _pick(node: selector.Selector, scope: Scope) -> set[int]:
    match node:
        case selector.Name(text, glob):
            return _named(text, scope, glob=glob)
        case selector.Filter(field, value):
            return set(_FILTERS[field](scope.connection, value))
        case selector.Reach(of, up, down):
            return _reached(_pick(of, scope), scope, up, down)
        case selector.Path(begin, end):
            return _between(_pick(begin, scope), _pick(end, scope), scope)
        case selector.Both(parts):
            return set.intersection(*(_pick(part, scope) for part in parts))
        case selector.Any(parts, without):
            kept = set().union(*(_pick(part, scope) for part in parts))
            return kept.difference(*(_pick(part, scope) for part in without))


def _named(text: str, scope: Scope, *, glob: bool) -> set[int]:
    connection = scope.connection
    if glob:
        return set(asking.ids_like(connection, text))
    found = asking.ids_named(connection, text) or asking.ids_ending(connection, text)
    if found:
        return set(found)
    alike, _ = asking.ids_found(connection, text, 5)
    names = [thing.name for thing in asking.things(connection, alike).values()]
    remedy = (
        "did you mean " + ", ".join(repr(name) for name in names)
        if names
        else "search for a part of the name"
    )
    raise QuestionError("nothing is called so", where=text, remedy=remedy)


def whole_of(connection: Connection, ids: set[int]) -> set[int]:
    """Return `ids` with the parts of split jobs replaced by their jobs."""
    return {thing.whole or thing.id for thing in asking.things(connection, ids).values()}


def starts(connection: Connection, ids: set[int]) -> list[int]:
    """Return `ids` with the parts of split jobs added: where a walk from them begins."""
    parts = asking.parts_of(connection, sorted(ids))
    return sorted(ids.union(*parts.values()))


def _reached(ids: set[int], scope: Scope, up: int | None, down: int | None) -> set[int]:
    begin = starts(scope.connection, ids)
    found = set(begin)
    for hops, upward in ((up, True), (down, False)):
        if hops != 0:
            found |= reach.reach(scope.graph(), begin, lo=scope.lo, hi=scope.hi, up=upward, hops=hops).keys()
    return whole_of(scope.connection, found)


def _between(begin: set[int], end: set[int], scope: Scope) -> set[int]:
    graph = scope.graph()
    down = reach.reach(graph, starts(scope.connection, begin), lo=scope.lo, hi=scope.hi).keys()
    up = reach.reach(graph, starts(scope.connection, end), lo=scope.lo, hi=scope.hi, up=True).keys()
    return whole_of(scope.connection, set(down & up))


_FILTERS: dict[str, Callable[[Connection, str], list[int]]] = {
    "kind": asking.ids_of_kind,
    "ns": asking.ids_in_namespace,
    "env": asking.ids_in_environment,
    "source": asking.ids_from_source,
    "tag": asking.ids_tagged,
    "owner": asking.ids_owned,
    "id": asking.ids_named,
}
