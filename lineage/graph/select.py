"""Which entities does a parsed selector pick in this workspace?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from lineage.errors import QuestionError
from lineage.graph import reach, selector
from lineage.graph.reach import Graph
from lineage.model.naming import display
from lineage.model.vocabulary import Kind
from lineage.source import sources
from lineage.store import asking, listing
from lineage.store.database import Connection

_ALIKE_AMONG = 5_000
"""Among so many names of a kind one is looked for that is spelled alike."""


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
    things = asking.things(scope.connection, found[:6]).values()
    named = [selector.quoted(f"{thing.kind}|{thing.namespace}|{thing.name}") for thing in things]
    remedy = f"choose one of {'  '.join(named)}" if named else "search for a part of its name"
    raise QuestionError(
        f"the selector names {len(found)} things where one is needed", where=text, remedy=remedy
    )


def _pick(node: selector.Selector, scope: Scope) -> set[int]:
    match node:
        case selector.Name(text, glob):
            return _named(text, scope, glob=glob)
        case selector.Filter(field, value):
            return _filtered(field, value, scope)
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
        return set(asking.ids_like(connection, text)) | _targets(connection, text, glob=True)
    found = (
        asking.ids_named(connection, text)
        or _targets(connection, text)
        or asking.ids_ending(connection, text)
    )
    if found:
        return set(found)
    raise QuestionError("nothing is called so", where=text, remedy=_suggestion(connection, text))


def _targets(connection: Connection, text: str, *, glob: bool = False) -> set[int]:
    """Return the deployment targets that are shown by that name (`prod-eu/fraud/scorer`), or by that pattern."""
    if "/" not in text and not glob:
        return set()
    shown = {
        thing.id: display(thing.kind, thing.namespace, thing.name)
        for thing in asking.things_of_kind(connection, Kind.TARGET)
    }
    return {
        number
        for number, name in shown.items()
        if (fnmatchcase(name, text) if glob else name == text or name.endswith(f"/{text}"))
    }


def _suggestion(connection: Connection, text: str) -> str:
    """Return what a person may have meant: names with the same words, else names spelled alike."""
    alike, _ = asking.ids_found(connection, text, 5)
    things = asking.things(connection, alike).values()
    names = [display(thing.kind, thing.namespace, thing.name) for thing in things]
    if not names:
        known = {
            display(thing.kind, thing.namespace, thing.name): None
            for kind in (Kind.TARGET, Kind.MODEL, Kind.MODEL_VERSION, Kind.DATASET, Kind.JOB)
            for thing in asking.things_of_kind(connection, kind)[:_ALIKE_AMONG]
        }
        last = {name.rpartition("/")[2]: name for name in reversed(known)}
        names = get_close_matches(text, known, 3) or [
            last[name] for name in get_close_matches(text.rpartition("/")[2], last, 3)
        ]
    if not names:
        return "search for a part of the name"
    return "did you mean " + ", ".join(selector.quoted(name) for name in dict.fromkeys(names))


def _filtered(field: str, value: str, scope: Scope) -> set[int]:
    found = set(_FILTERS[field](scope.connection, value))
    known: set[str] = set()
    if not found and field == "env" and not {"*", "?"} & set(value):
        targets = asking.things_of_kind(scope.connection, Kind.TARGET)
        known = {str(thing.attributes.get("environment", "")) for thing in targets} - {""}
    elif not found and field == "source":
        known = {source.NAME for source in sources()}
    if known and value not in known:
        word = {"env": "environment", "source": "source"}[field]
        raise QuestionError(
            f"there is no such {word}", where=value, remedy=f"choose one of {', '.join(sorted(known))}"
        )
    return found


def whole_of(connection: Connection, ids: set[int]) -> set[int]:
    """Return `ids` with the parts of split jobs replaced by their jobs."""
    return {thing.whole or thing.id for thing in asking.things(connection, ids).values()}


def starts(connection: Connection, ids: set[int]) -> list[int]:
    """Return `ids` with the parts of split jobs and the versions of models: where a walk from them begins."""
    return sorted(ids.union(*members(connection, ids).values()))


def members(connection: Connection, ids: set[int]) -> dict[int, set[int]]:
    """Return what stands for a thing in the graph when the thing itself has no edges: its parts, its versions."""
    found = {number: set(parts) for number, parts in asking.parts_of(connection, sorted(ids)).items()}
    for number, kind in listing.kinds_of(connection, sorted(ids)).items():
        if kind == Kind.MODEL:
            for name in listing.served_names(connection, number, kind):
                found.setdefault(number, set()).update(asking.ids_named(connection, name))
    return found


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
