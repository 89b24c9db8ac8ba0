"""Which service level agreement holds for what, since when, on what ground, and under which deployments?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lineage.audit.attaining import UNMEASURED, Attaining
from lineage.audit.view import View, names, spoken, thing_id, thing_name
from lineage.identity.agreement import ObjectiveRow, SlaInForce, TargetRow, assign, in_force
from lineage.identity.inforce import Agreements
from lineage.identity.known import key_of
from lineage.model.answer import Answer, Item, bounded
from lineage.model.facts import Key
from lineage.model.moment import LAST
from lineage.model.vocabulary import Outcome
from lineage.store import asking, gathering, listing

Row = dict[str, Any]
_MOST = 100
"""Records of one series that are cited; `measured_by` names the series, which leads to all."""


@dataclass
class Binding:
    """Which agreements bind which targets, worked out once for a view."""

    view: View

    @cached_property
    def rows(self) -> list[Row]:
        """Every objective as recorded."""
        return gathering.objectives(self.view.connection)

    @cached_property
    def keys(self) -> dict[int, Key]:
        """The targets by their number."""
        things = asking.things_of_kind(self.view.connection, "target")
        return {thing.id: key_of(thing) for thing in things}

    @cached_property
    def agreed(self) -> Agreements:
        """The objectives joined to every target, with the labels it bore at each time."""
        objectives = [ObjectiveRow(row["fact"], record=row["record"]) for row in self.rows]
        paths = {row["record"]: row["path"] for row in self.rows}
        return Agreements(assign(objectives, list(self._targets())), paths)

    @cached_property
    def boundaries(self) -> list[int]:
        """The times at which some agreement begins or ends."""
        moments = [moment for row in self.rows for moment in (row["fact"].since, row["fact"].until) if moment]
        return sorted({bound for moment in moments for bound in (moment.lo, moment.hi)})

    def _targets(self) -> Iterable[TargetRow]:
        shown: dict[int, list[tuple[int, Any]]] = defaultdict(list)
        if self.rows:
            for row in gathering.target_happenings(self.view.connection):
                if row["fact"].outcome is Outcome.DONE and row["fact"].workload is not None:
                    shown[row["target"]].append((row["at_lo"], row["fact"].workload))
        for number, key in self.keys.items():
            yield TargetRow(key, since=0, until=0)
            steps = shown[number]
            ends = [*(since for since, _ in steps[1:]), LAST]
            for (since, workload), until in zip(steps, ends, strict=False):
                yield TargetRow(key, workload.labels, workload.annotations, since, until)

    def at(self, target: int, moment: int) -> list[Item]:
        """Return what binds a target at a moment, as CONTRACT.md's `sla[]` writes it."""
        return [self.agreed.item(found) for found in self._found(target, moment)]

    def _found(self, target: int, moment: int) -> Sequence[SlaInForce]:
        key = self.keys.get(target)
        return in_force(self.agreed.assignments, key, moment) if key is not None and self.rows else ()

    def names(self, under: Iterable[tuple[Row, SlaInForce]]) -> list[str]:
        """Return what the targets of these deployments are called."""
        keys = {self.keys[episode["target"]] for episode, _ in under if episode["target"] in self.keys}
        return sorted({name for key in keys for name in TargetRow(key).names})

    def during(self, episode: Row) -> list[SlaInForce]:
        """Return what bound a deployment at some time while it lasted."""
        if episode["action"] == "delete":
            return []
        begin, end = episode["start_hi"], episode["end_lo"] or LAST
        moments = [begin, *(moment for moment in self.boundaries if begin < moment < end)]
        found = [each for moment in moments for each in self._found(episode["target"], moment)]
        return list({each.record: each for each in found}.values())


def sla(
    view: View,
    selector: str = "",
    *,
    since: int | None = None,
    until: int | None = None,
    limit: int | None = None,
) -> Answer:
    """List every version of every agreement, with the deployment episodes that it was in force for.

    The selector picks agreements; or targets, environments, models (then the agreements that bound their deployments).
    Attainment is of the newest window in the period (all of them are in `windows`); where nothing measures a promise,
    `value` and `met` are null and `why` says what is missing: not measured is neither met nor missed.
    """
    binding, attaining = Binding(view), Attaining(view)
    picked = set(view.select(selector)) if selector.strip() else None
    bound: dict[int, list[tuple[Row, SlaInForce]]] = defaultdict(list)
    wanted = None if picked is None else {row["eid"] for row in episodes_of(view, picked)}
    for episode in listing.episodes(view.connection):
        if view.as_of is None or episode["start_lo"] <= view.as_of:
            for found in binding.during(episode):
                bound[found.record].append((episode, found))
    things = names(view.connection, [row["entity"] for row in binding.rows])
    evidence = view.evidence(row["record"] for row in binding.rows)
    items: list[Item] = []
    measured: list[list[int]] = []
    for row in binding.rows:
        under = bound[row["record"]]
        if picked is not None and wanted is not None and row["entity"] not in picked:
            under = [(episode, found) for episode, found in under if episode["eid"] in wanted]
            if not under:
                continue
        item = _item(row, under, things[row["entity"]], view.as_of)
        item["evidence"] = [evidence[row["record"]]]
        if _within(under[0][1] if under else row["fact"], view.as_of, since, until):
            interval = _surely(under[0][1] if under else row["fact"])
            served = [episode for episode, _ in under]
            told, each, records = attaining.of(row, interval, served, binding.names(under), (since, until))
            item.update(told)
            for served_by, verdict in zip(item["episodes"], each, strict=False):
                served_by.update(verdict)
            items.append(item)
            measured.append(records)
    shown = items if limit is None else items[:limit]
    further = view.evidence(record for records in measured[: len(shown)] for record in records[:_MOST])
    for item, records in zip(shown, measured, strict=False):
        item["evidence"] += [further[record] for record in records[:_MOST] if record in further]
    return view.answer(shown, len(items))


def episodes_of(view: View, ids: Iterable[int]) -> list[Row]:
    """Return the deployment episodes of these targets, and those that served these models or versions."""
    numbers = list(ids)
    kinds = listing.kinds_of(view.connection, numbers)
    targets = [number for number in numbers if kinds[number] == "target"]
    rows = listing.episodes(view.connection, targets)
    versions = {
        name for number in numbers for name in listing.served_names(view.connection, number, kinds[number])
    }
    if versions:
        chosen = set(targets)
        rows += [
            row
            for row in listing.episodes(view.connection)
            if row["target"] not in chosen and any(model["id"] in versions for model in row["body"]["models"])
        ]
        rows.sort(key=lambda row: (row["start_lo"], row["start_hi"], row["eid"]))
    return rows


def _within(said: Any, as_of: int | None, since: int | None, until: int | None) -> bool:
    """Tell whether an agreement may hold at the valid time, and at some time of the period."""
    begin = getattr(said, "effective_from", None) or getattr(said, "since", None)
    end = getattr(said, "effective_to", None) or getattr(said, "until", None)
    first, last = (begin.lo if begin else 0), (end.hi if end else LAST)
    held = as_of is None or first <= as_of < last
    return held and (since is None or last > since) and (until is None or first < until)


def _surely(said: Any) -> tuple[int, int]:
    """Return when a version of an agreement was in force without doubt."""
    begin = getattr(said, "effective_from", None) or getattr(said, "since", None)
    end = getattr(said, "effective_to", None) or getattr(said, "until", None)
    return (begin.hi if begin else 0), (end.lo if end else LAST)


def _later(episode: Row, as_of: int | None) -> bool:
    """Tell whether a deployment ended only after the valid time."""
    return as_of is not None and (episode["end_lo"] or LAST) > as_of


def _item(row: Row, under: list[tuple[Row, SlaInForce]], thing: asking.Thing, as_of: int | None) -> Item:
    fact = row["fact"]
    begin = under[0][1].effective_from if under else fact.since
    end = under[0][1].effective_to if under else fact.until
    item: Item = {
        "name": fact.key.name,
        "id": thing_id(thing),
        "display": thing_name(thing),
        "version": fact.version or None,
        "subject": ", ".join([*fact.subjects, *(f"{key.namespace}/{key.name}" for key in fact.datasets)]),
        "metric": fact.metric,
        "comparator": fact.comparator,
        "target": fact.target,
        "unit": fact.unit,
        "percentile": fact.percentile,
        "window": fact.window or None,
        "rolling": fact.rolling,
        "effective_from": bounded(begin.lo or None, begin.hi or None) if begin is not None else None,
        "effective_to": bounded(end.lo, end.hi) if end is not None else None,
        "basis": under[0][1].basis if under else fact.ground,
        "document": fact.document or row["path"],
        "owner": fact.owner or None,
        "text": fact.text or None,
        **UNMEASURED,
        "method": fact.method or None,
        "episodes": [
            {
                "id": episode["eid"],
                "target": episode["body"]["target"],
                "model": episode["body"]["model"],
                "model_version": episode["body"]["model_version"],
                "deployed_at": episode["body"]["deployed_at"],
                "ended_at": None if _later(episode, as_of) else episode["body"]["ended_at"],
                "basis": found.basis,
            }
            for episode, found in under
        ],
    }
    return item | spoken(item, "effective_from", "effective_to")
