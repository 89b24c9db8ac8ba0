"""What feeds a thing, what does it feed, and why is each edge believed?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lineage.graph import reach
from lineage.graph.select import Scope, starts
from lineage.model.answer import Item, bounded
from lineage.model.moment import LAST
from lineage.model.naming import identifier
from lineage.store import asking
from lineage.store.asking import Thing

SQL_HOPS = 5
"""Up to here a walk is a few indexed reads; beyond, the whole graph in memory is faster (store-performance 3)."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A neighbourhood: depth is negative upstream, positive downstream, 0 for what was asked about."""

    depth: dict[int, int]
    edges: list[dict[str, Any]]
    things: dict[int, Thing]


def trace(ids: set[int], scope: Scope, *, up: int | None, down: int | None) -> Trace:
    """Return what lies within `up` and `down` hops of `ids` (None = all the way, 0 = not in that direction)."""
    begin = starts(scope.connection, ids)
    depth = dict.fromkeys(begin, 0)
    for hops, upward in ((up, True), (down, False)):
        if hops == 0:
            continue
        if hops is not None and hops <= SQL_HOPS:
            found = asking.neighbours(
                scope.connection, begin, up=upward, hops=hops, lo=scope.lo, hi=scope.hi, limit=50_000
            )
        else:
            found = reach.reach(scope.graph(), begin, lo=scope.lo, hi=scope.hi, up=upward, hops=hops)
        for number, distance in found.items():
            signed = -distance if upward else distance
            if number not in depth or abs(signed) < abs(depth[number]):
                depth[number] = signed
    edges = asking.edges_between(scope.connection, depth, scope.lo, scope.hi)
    return _whole(depth, edges, scope)


def _whole(depth: dict[int, int], edges: list[dict[str, Any]], scope: Scope) -> Trace:
    """Show the parts of split jobs as the jobs they are parts of."""
    things = asking.things(scope.connection, depth)
    whole = {number: thing.whole or number for number, thing in things.items()}
    shown: dict[int, int] = {}
    for number in sorted(depth, key=lambda member: (abs(depth[member]), depth[member])):
        shown.setdefault(whole[number], depth[number])
    moved = [{**edge, "src": whole[edge["src"]], "dst": whole[edge["dst"]]} for edge in edges]
    kept = _joined([edge for edge in moved if edge["src"] != edge["dst"]])
    missing = shown.keys() - things.keys()
    things.update(asking.things(scope.connection, missing))
    return Trace(shown, kept, {number: things[number] for number in shown})


def _joined(edges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Show as one edge what is said again and again while it holds; what ended and began anew stays apart.

    The stronger ground is kept, with the first and the last record that say so.
    """
    kept: list[dict[str, Any]] = []
    edges.sort(
        key=lambda edge: (edge["src"], edge["type"], edge["dst"], edge["valid_from"], edge["valid_to"])
    )
    for edge in edges:
        last = kept[-1] if kept else None
        if (
            last is None
            or (last["src"], last["type"], last["dst"]) != (edge["src"], edge["type"], edge["dst"])
            or edge["valid_from"] > last["valid_to"]
        ):
            kept.append(edge)
            continue
        if (edge["confidence"], edge["basis"]) > (last["confidence"], last["basis"]):
            last |= {name: edge[name] for name in ("confidence", "basis", "rule", "run")}
        last["valid_to"] = max(last["valid_to"], edge["valid_to"])
        last["ev_last"] = edge["ev_last"]
    return kept


def edge_item(
    edge: dict[str, Any], names: dict[int, Thing], runs: dict[int, str], evidence: dict[int, Item]
) -> Item:
    """Return an edge as CONTRACT.md writes it."""
    source = names[edge["src"]]
    target = names[edge["dst"]]
    seen = dict.fromkeys((edge["ev_first"], edge["ev_last"]))
    begin = edge["valid_from"] or None
    end = None if edge["valid_to"] == LAST else edge["valid_to"]
    return {
        "from": identifier(source.kind, source.namespace, source.name),
        "to": identifier(target.kind, target.namespace, target.name),
        "type": edge["type"],
        "via_run": runs.get(edge["run"]) if edge["run"] is not None else None,
        "basis": edge["basis"],
        "confidence": edge["confidence"],
        "rule": edge["rule"],
        "valid_from": bounded(begin, edge["uncertain"] or begin),
        "valid_to": bounded(end, end),
        "evidence": [evidence[number] for number in seen if number in evidence],
    }
