"""Which things are known, and what is known of one of them?"""

from __future__ import annotations

from collections.abc import Sequence

from lineage.audit.particulars import particulars
from lineage.audit.view import View, names, page, spoken, thing_id, thing_name
from lineage.graph import reach
from lineage.graph.select import members, select_one
from lineage.graph.trace import Trace, edge_item, trace
from lineage.model.answer import Answer, Item, bounded
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind
from lineage.store import asking, listing
from lineage.store.asking import Thing

MOST = 500
"""How many events and checks of one thing are shown, the newest; failed checks are shown before others."""


def entities(view: View, selector: str = "", *, limit: int | None = None, offset: int = 0) -> Answer:
    """List the things that `selector` picks (everything when it is empty)."""
    picked = view.select(selector)
    shown = page(picked, limit, offset)
    return view.answer(thing_items(view, shown), len(picked))


def search(view: View, text: str, *, limit: int = 50) -> Answer:
    """List things with every word of `text` in a name of theirs, last seen first."""
    found, complete = asking.ids_found(view.connection, text, limit)
    items = thing_items(view, found)
    return view.answer(items, len(items), complete=complete)


def thing_items(view: View, ids: Sequence[int]) -> list[Item]:
    """Return things as CONTRACT.md's entities, in the order given."""
    things = asking.things(view.connection, ids)
    aliases = asking.aliases_of(view.connection, ids)
    seqs = dict(listing.first_records(view.connection, ids))
    evidence = view.evidence(seqs.values())
    more = particulars(view, things)
    return [
        _item(things[number], aliases[number], evidence.get(seqs.get(number, -1)), more.get(number, {}))
        for number in ids
        if number in things
    ]


def _item(thing: Thing, aliases: list[Item], evidence: Item | None, more: Item) -> Item:
    item: Item = {
        "id": thing_id(thing),
        "kind": thing.kind,
        "namespace": thing.namespace,
        "name": thing.name,
        "display": (more.get("name") if thing.kind == Kind.RUN else None) or thing_name(thing),
        "aliases": aliases,
        "first_seen": None if thing.first_seen is None else to_iso(thing.first_seen),
        "last_seen": None if thing.last_seen is None else to_iso(thing.last_seen),
        "ended": bounded(thing.ended_lo, thing.ended_hi),
        "attributes": thing.attributes | more,
        "evidence": [evidence] if evidence else [],
    }
    return item | spoken(item, "ended")


def show(view: View, selector: str) -> Answer:
    """Say everything about one thing: itself, its attributes in time, edges, events, checks, runs and evidence."""
    number = select_one(selector, view.scope())
    item = thing_items(view, [number])[0]
    near = trace({number}, view.scope(), up=1, down=1)
    evidence = view.evidence(edge[side] for edge in near.edges for side in ("ev_first", "ev_last"))
    runs = listing.run_ids(view.connection, [edge["run"] for edge in near.edges])
    history = listing.attribute_history(view.connection, number)
    many = listing.count_happenings(view.connection, subjects=[number])
    happened = listing.happenings(view.connection, subjects=[number], limit=MOST, offset=max(0, many - MOST))
    failed, checks, checked = listing.newest_measures(view.connection, number, MOST)
    proof = view.evidence([row["record"] for rows in (history, happened, failed, checks) for row in rows])
    item["edges"] = _edges(near, runs, evidence)
    item["neighbours"] = thing_items(view, [other for other in near.depth if other != number])
    item["history"] = [
        {
            "attribute": row["name"],
            "value": row["value"],
            "from": None if row["first_at"] is None else to_iso(row["first_at"]),
            "to": None if row["last_at"] is None else to_iso(row["last_at"]),
            "evidence": [proof[row["record"]]],
        }
        for row in history
    ]
    item["events"] = [
        {
            "at": bounded(row["at_lo"], row["at_hi"]),
            "type": row["type"],
            "outcome": row["outcome"],
            "actor": row["actor"],
            "evidence": [proof[row["record"]]],
        }
        for row in happened
    ]
    item["events_total"] = many
    item["failed_checks"] = [_check(row, proof) for row in failed]
    item["checks"] = [_check(row, proof) for row in checks]
    item["checks_total"] = checked
    item["facts"] = listing.records_about(view.connection, number)
    return view.answer([item], 1, complete=many <= MOST and checked <= MOST)


def _check(row: Item, proof: dict[int, Item]) -> Item:
    return {
        "at": to_iso(row["at"]),
        "metric": row["metric"],
        "value": row["value"],
        "success": None if row["success"] is None else bool(row["success"]),
        "severity": row["severity"],
        "detail": row["detail"],
        "evidence": [proof[row["record"]]],
    }


def lineage(view: View, selector: str, *, up: int | None, down: int | None) -> Answer:
    """Draw what feeds the selected things and what they feed: nodes with their depth, and edges."""
    ids = set(view.select(selector))
    found = trace(ids, view.scope(), up=up, down=down)
    order = sorted(
        found.depth,
        key=lambda number: (
            found.depth[number],
            thing_name(found.things[number]),
            thing_id(found.things[number]),
        ),
    )
    nodes = thing_items(view, order)
    for node, number in zip(nodes, order, strict=True):
        node["depth"] = found.depth[number]
    evidence = view.evidence(edge[side] for edge in found.edges for side in ("ev_first", "ev_last"))
    runs = listing.run_ids(view.connection, [edge["run"] for edge in found.edges])
    return view.answer([{"nodes": nodes, "edges": _edges(found, runs, evidence), "evidence": []}], 1)


def _edges(found: Trace, runs: dict[int, str], evidence: dict[int, Item]) -> list[Item]:
    """Return the edges of a trace, those farthest upstream first, in an order that no import can change."""
    items = []
    for edge in found.edges:
        item = edge_item(edge, found.things, runs, evidence)
        item["from_display"] = thing_name(found.things[edge["src"]])
        item["to_display"] = thing_name(found.things[edge["dst"]])
        items.append((found.depth[edge["src"]], item | spoken(item, "valid_from", "valid_to")))
    items.sort(
        key=lambda pair: (
            pair[0],
            pair[1]["from"],
            pair[1]["type"],
            pair[1]["to"],
            str(pair[1]["valid_from"]),
        )
    )
    return [item for _, item in items]


def paths(view: View, begin: str, end: str, *, limit: int = 10) -> Answer:
    """Count the paths between two things exactly, and list the first."""
    scope = view.scope()
    source = select_one(begin, scope)
    target = select_one(end, scope)
    lo, hi = view.span
    of = members(view.connection, {source, target})
    found = reach.between(view.graph(), source, target, lo=lo, hi=hi, limit=limit, members=of)
    shown = names(view.connection, {number for path in found.paths for number in path})
    whole = names(view.connection, {thing.whole for thing in shown.values()})
    shown = {number: whole[thing.whole] if thing.whole else thing for number, thing in shown.items()}
    item: Item = {
        "from": thing_id(shown[source]) if source in shown else None,
        "to": thing_id(shown[target]) if target in shown else None,
        "count": found.count,
        "paths": [[thing_id(shown[number]) for number in path] for path in found.paths],
        "display": [[thing_name(shown[number]) for number in path] for path in found.paths],
        "evidence": [],
    }
    complete = found.count is not None and found.count == len(found.paths)
    return view.answer([item], 1, complete=complete)
