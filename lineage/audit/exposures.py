"""Which models learned from a bad dataset version, and where and when did they serve?

What is followed is what runs wrote and read, not what jobs do in general: a run counts when it read a version that
counts. A read whose version is not recorded, or named in other words than the writing, is taken to be of what was
written last before the run began; such a way is `certain: false`, and its hop says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lineage.audit.view import View, names, thing_id, thing_name
from lineage.errors import QuestionError
from lineage.model.answer import Answer, Item
from lineage.model.moment import to_iso
from lineage.model.naming import identifier
from lineage.store import asking, listing, pairing

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step: a dataset in a version, or a run; `certain` is false where the version had to be assumed."""

    thing: int
    version: str
    run_id: str
    at: int | None
    certain: bool
    number: int | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    datasets: frozenset[int]
    version: str
    since: int | None
    until: int | None

    def covers(self, version: str, at: int | None) -> bool:
        """Tell whether what was written, or only read, then and so counts as bad."""
        within = at is None or (
            (self.since is None or at >= self.since) and (self.until is None or at < self.until)
        )
        return within and (not self.version or version == self.version)


def exposure(
    view: View,
    selector: str,
    *,
    since: int | None = None,
    until: int | None = None,
    version: str = "",
    limit: int | None = None,
) -> Answer:
    """List model versions that learned from the selected datasets, with one item for each time they served.

    `since` and `until` bound when the bad data was written (or read, where no writing is recorded); `version` names it
    (`dt=2026-05-10`). A version that never served has one item without a target. The answer is not complete
    when no run is known to have used any of them: an empty one is then no clearance. Raises `QuestionError` when no
    dataset is picked.
    """
    picked = view.select(selector)
    kinds = listing.kinds_of(view.connection, picked)
    datasets = frozenset(number for number in picked if kinds[number] in {"dataset", "feature-view"})
    if not datasets:
        raise QuestionError(
            "no dataset is called so", where=selector, remedy="name one of `modeltrail entities kind:dataset`"
        )
    used = listing.run_numbers(view.connection, sorted(datasets), since=None, until=None)
    ways = _ways(view, _Wanted(datasets, version, since, until))
    versions = _learned(view, ways)
    things = names(
        view.connection,
        {*versions, *(hop.thing for way in versions.values() for hop in way), *datasets},
    )
    served: dict[str, list[Row]] = defaultdict(list)
    for row in listing.episodes(view.connection):
        for model in row["body"]["models"]:
            served[model["id"] or ""].append(row)
    proof = listing.run_records(
        view.connection, sorted({hop.number for way in versions.values() for hop in way if hop.number})
    )
    found: list[tuple[Item, list[int]]] = []
    for number, way in versions.items():
        thing = things[number]
        base = _base(thing, way, things)
        records = [seq for hop in way if hop.number for seq in proof.get(hop.number, [])[:1]]
        known = listing.served_names(view.connection, number, "model-version")
        rows = list({row["eid"]: row for name in known for row in served.get(name, ())}.values())
        for row in rows:
            body = row["body"]
            item = base | {
                "target": body["target"],
                "environment": body["environment"],
                "served_from": body["deployed_at"],
                "served_to": body["ended_at"],
                "deployed_by": body["deployed_by"],
                "episode": row["eid"],
            }
            found.append((item, [*records, *body["records"]]))
        if not rows:
            empty = dict.fromkeys(
                ("target", "environment", "served_from", "served_to", "deployed_by", "episode")
            )
            found.append((base | empty, records))
    shown = found if limit is None else found[:limit]
    evidence = view.evidence(seq for _, records in shown for seq in records)
    for item, records in shown:
        item["evidence"] = [evidence[seq] for seq in dict.fromkeys(records) if seq in evidence]
    whole = bool(used) and len(shown) == len(found)
    return view.answer([item for item, _ in shown], len(found), complete=whole)


def _base(thing: asking.Thing, way: tuple[Hop, ...], things: dict[int, asking.Thing]) -> Item:
    path = [
        {
            "id": thing_id(things[hop.thing]),
            "display": thing_name(things[hop.thing]),
            "kind": things[hop.thing].kind,
            "version": hop.version or None,
            "run_id": hop.run_id or None,
            "at": None if hop.at is None else to_iso(hop.at),
            "certain": hop.certain,
        }
        for hop in way
    ]
    own = {"id": thing_id(thing), "display": thing_name(thing), "kind": thing.kind}
    path.append(own | {"version": None, "run_id": None, "at": None, "certain": True})
    first = things[way[0].thing]
    return {
        "dataset": thing_name(first),
        "dataset_version": way[0].version or None,
        "model": thing.attributes.get("model") or thing.name.rpartition("/")[0],
        "model_version": str(thing.attributes.get("version") or thing.name.rpartition("/")[2]),
        "model_version_id": identifier(thing.kind, thing.namespace, thing.name),
        "certain": all(hop.certain for hop in way),
        "path": path,
    }


def _ways(view: View, wanted: _Wanted) -> dict[int, tuple[tuple[Hop, ...], Row]]:
    """Return, for each run that used what counts, the surest way to it; runs are taken in the order of time."""
    by_run: dict[int, list[Row]] = defaultdict(list)
    for row in pairing.uses(view.connection):
        by_run[row["run"]].append(row)
    written: dict[int, dict[str, int]] = defaultdict(dict)
    bad: dict[tuple[int, str], tuple[Hop, ...]] = {}
    ways: dict[int, tuple[tuple[Hop, ...], Row]] = {}
    ordered = sorted(by_run.values(), key=lambda rows: (rows[0]["began"] or 0, rows[0]["run"]))
    for rows in ordered:
        way: tuple[Hop, ...] | None = None
        for row in (row for row in rows if not row["output"]):
            found = _read(row, written[row["dataset"]], bad, wanted)
            if found is not None and (way is None or _surer(found, way)):
                way = found
        first = rows[0]
        step = None
        if way is not None:
            step = Hop(first["job"], "", first["run_id"], first["began"], True, first["run"])
            ways[first["run"]] = ((*way, step), first)
        for row in (row for row in rows if row["output"]):
            place = (row["dataset"], row["version"])
            written[row["dataset"]].pop(row["version"], None)
            written[row["dataset"]][row["version"]] = row["began"] or 0
            hop = Hop(row["dataset"], row["version"], "", row["over"], True)
            bad.pop(place, None)
            if row["dataset"] in wanted.datasets and wanted.covers(row["version"], row["over"]):
                bad[place] = (hop,)
            elif way is not None and step is not None:
                bad[place] = (*way, step, hop)
    return ways


def _surer(one: tuple[Hop, ...], other: tuple[Hop, ...]) -> bool:
    """Tell whether a way is better known, or shorter, than another."""
    return (not all(hop.certain for hop in one), len(one)) < (
        not all(hop.certain for hop in other),
        len(other),
    )


def _read(
    row: Row, written: dict[str, int], bad: dict[tuple[int, str], tuple[Hop, ...]], wanted: _Wanted
) -> tuple[Hop, ...] | None:
    """Return the way to what a run read, if that counts."""
    dataset, version = row["dataset"], row["version"]
    if version in written and (version or len(written) == 1):
        return bad.get((dataset, version))
    if not written:
        if dataset in wanted.datasets and wanted.covers(version, row["began"]):
            sure = bool(version) or not wanted.version
            return (Hop(dataset, version, "", row["began"], sure),)
        return None
    last = next(reversed(written))
    way = bad.get((dataset, last))
    if way is None:
        return None
    assumed = Hop(dataset, last, "", way[-1].at, False)
    return (*way[:-1], assumed)


def _learned(view: View, ways: dict[int, tuple[tuple[Hop, ...], Row]]) -> dict[int, tuple[Hop, ...]]:
    """Return the model versions that came out of these runs, each with the surest way to it."""
    by_entity = {row["entity"]: way for way, row in ways.values() if row["entity"] is not None}
    roots = {thing.id: thing.root for thing in asking.things(view.connection, by_entity).values()}
    by_root = {roots[number]: way for number, way in by_entity.items()}
    found: dict[int, tuple[Hop, ...]] = {}
    for row in pairing.produced(view.connection):
        named = ways.get(row["run"]) if row["run"] is not None else None
        for way in _both(by_root.get(row["source"]), named[0] if named else None):
            if row["version"] not in found or _surer(way, found[row["version"]]):
                found[row["version"]] = way
    return dict(sorted(found.items(), key=lambda entry: (entry[1][-1].at or 0, entry[0])))


def _both(*ways: tuple[Hop, ...] | None) -> Iterable[tuple[Hop, ...]]:
    return (way for way in ways if way is not None)
