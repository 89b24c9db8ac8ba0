"""What may have made a target misbehave? What changed upstream of what served, ranked, each reason with its weight.

The score is the sum of the weights, so that any reason can be looked at, and taken off, by itself. What is upstream but
shows no reason is listed as ruled out (`rank` null). A ranking is a place to look first; it proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

from lineage.audit.agreements import episodes_of
from lineage.audit.ancestry import Ancestry, Reached, Written
from lineage.audit.register import serving_at
from lineage.audit.runs import state_of
from lineage.audit.view import View, names, thing_id, thing_name
from lineage.errors import QuestionError
from lineage.model.answer import Answer, Item
from lineage.model.moment import LAST, to_iso
from lineage.store import asking, gathering, listing

Row = dict[str, Any]

CHANGED, NEWLY_SERVED, ON_PATH, ASSUMED = 2.0, 1.0, 1.0, -0.5
FAILED, WARNED, VOLUME, SCHEMA, UNFINISHED, LATE = 4.0, 3.0, 4.0, 3.0, 3.0, 3.0
DEPLOYED, SHARED, INHERITED, SPREAD = 2.0, 1.0, -3.0, 1.5
"""The weights of the reasons. A finding on the data outweighs that something merely changed; one that an input of it
already shows is mostly inherited from there, and speaks against that input."""

_JUMP = 2.0
_LATENESS = 1.75
_USUAL = 8
"""A volume is compared with the median of so many writings before; twice as many or half is a jump. A job is late when
it had not run for so many times its usual interval."""


@dataclass
class _Suspect:
    what: str
    thing: int
    at: int | None
    way: tuple[int, ...]
    why: list[Item] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    version: str = ""
    run_id: str = ""

    def add(self, factor: str, weight: float, text: str) -> None:
        self.why.append({"factor": factor, "weight": round(weight, 2), "text": text})

    @property
    def score(self) -> float:
        return round(float(sum(reason["weight"] for reason in self.why)), 2)

    def shows(self, *factors: str) -> bool:
        return any(reason["factor"] in factors for reason in self.why)


_ODD = ("failed-check", "warned-check", "volume", "schema", "run-not-complete", "late-run")
_REASONS = (*_ODD, "deployment", "changed", "newly-served")


def suspects(view: View, selector: str, *, window: int, limit: int | None = None) -> Answer:
    """Rank what may have caused trouble at the selected targets at the view's time, `window` in microseconds.

    The answer is not complete when no record says which run made what served: nothing upstream of it can be suspected.
    Raises `QuestionError` when the selector picks nothing that was ever deployed.
    """
    moment = view.moment
    since = moment - window
    by_target: dict[int, list[Row]] = defaultdict(list)
    for row in episodes_of(view, view.select(selector)):
        by_target[row["target"]].append(row)
    if not by_target:
        raise QuestionError(
            "nothing that was ever deployed is called so",
            where=selector,
            remedy="name a target, an environment or a model; `modeltrail live` lists what serves",
        )
    live = {target: serving_at(rows, moment)[0] for target, rows in by_target.items()}
    ancestry = Ancestry(view)
    found: list[_Suspect] = []
    upstream: dict[Written, Reached] = {}
    reaches: dict[Written, set[int]] = defaultdict(set)
    fresh: set[Written] = set()
    traced = True
    for target, rows in live.items():
        for row in rows:
            versions = _versions(view, row)
            traced = traced and any(ancestry.makers.get(version) for version in versions)
            for made, reached in ancestry.upstream(versions).items():
                upstream.setdefault(made, Reached(made, (*reached.way, target), reached.certain))
                reaches[made].add(target)
                if row["start_hi"] >= since:
                    fresh.add(made)
        found += [
            _deployment(row, target, moment, since) for row in by_target[target] if _in(row, since, moment)
        ]
    targets = [target for target, rows in live.items() if rows]
    data = _data(view, upstream, since, moment)
    for made, suspect in data.items():
        if made in fresh:
            suspect.add("newly-served", NEWLY_SERVED, "what learned from it began to serve within the window")
        if len(targets) > 1 and len(reaches[made]) == len(targets):
            suspect.add("shared", SHARED, f"upstream of all {len(targets)} targets")
    _inherit(ancestry, data)
    found += data.values()
    found += _late(ancestry, upstream, moment)
    kept = [suspect for suspect in found if suspect.shows(*_REASONS)]
    out = [suspect for suspect in found if not suspect.shows(*_REASONS)]
    kept.sort(key=lambda each: (-each.score, -(each.at or 0), each.what, each.version))
    items = _items(view, kept, out, limit)
    total = len(kept) + len(out)
    return view.answer(items, total, complete=traced and len(items) == total)


def _versions(view: View, row: Row) -> list[int]:
    ids = [model["id"] for model in row["body"]["models"] if model["id"]]
    return [number for name in ids for number in asking.ids_named(view.connection, name)]


def _in(row: Row, since: int, moment: int) -> bool:
    return bool(row["start_hi"] >= since and row["start_lo"] <= moment)


def _deployment(row: Row, target: int, moment: int, since: int) -> _Suspect:
    body = row["body"]
    suspect = _Suspect("deployment", target, row["start_lo"], (target,), records=list(body["records"]))
    said = f"{body['model'] or 'unknown model'} {body['model_version'] or ''}".strip()
    suspect.version = said
    suspect.add(
        "deployment", DEPLOYED, f"{body['action']} of {said} by {body['deployed_by'] or body['actor']}"
    )
    recent = 1 - (moment - row["start_lo"]) / max(1, moment - since)
    suspect.add("changed", CHANGED * max(0.0, recent), "the nearer to the trouble, the more")
    return suspect


def _data(view: View, upstream: dict[Written, Reached], since: int, moment: int) -> dict[Written, _Suspect]:
    datasets = sorted({made.dataset for made in upstream})
    figures: dict[int, list[Row]] = defaultdict(list)
    measures = listing.measures(view.connection, subjects=datasets) if datasets else []
    roots = {
        thing.id: thing.root
        for thing in asking.things(view.connection, {m["subject"] for m in measures}).values()
    }
    for row in measures:
        if row["at"] <= moment and row["metric"] == "rowCount" and row["value"] is not None:
            figures[roots[row["subject"]]].append(row)
    checked: dict[int, list[Row]] = defaultdict(list)
    for row in gathering.checks(view.connection, subjects=datasets, until=moment + 1):
        checked[row["root"]].append(row)
    schemas = {
        number: [row for row in listing.attribute_history(view.connection, number) if row["name"] == "schema"]
        for number in datasets
    }
    states = {row["id"]: row for row in listing.run_rows(view.connection, [made.run for made in upstream])}
    proof = listing.run_records(view.connection, [made.run for made in upstream])
    found = {}
    for made, reached in upstream.items():
        suspect = _Suspect(
            "dataset", made.dataset, made.over, reached.way, version=made.version, run_id=made.run_id
        )
        suspect.records += proof.get(made.run, [])[-1:]
        suspect.add("on-path", ON_PATH, "what served was made from this writing, by what runs read and wrote")
        if not reached.certain:
            suspect.add("assumed", ASSUMED, "a version on the way is not recorded: the newest then was taken")
        if made.over >= since:
            recent = 0.5 + 0.5 * (made.over - since) / max(1, moment - since)
            suspect.add("changed", CHANGED * min(1.0, recent), "written within the window")
        until = _next(made, upstream, moment)
        _checks(suspect, [row for row in checked[made.dataset] if made.over <= row["at"] < until])
        _volume(suspect, made, figures[made.dataset])
        for row in schemas[made.dataset]:
            first = min(each["first_at"] for each in schemas[made.dataset])
            if made.began <= row["first_at"] <= made.over + 1 and row["first_at"] > first:
                suspect.add("schema", SCHEMA, "its columns differ from the writing before")
                suspect.records.append(row["record"])
        state, problems = state_of(states[made.run]["states"])
        if state in {"fail", "abort"} or problems:
            suspect.add(
                "run-not-complete",
                UNFINISHED,
                f"the run that wrote it: {state} {', '.join(problems)}".strip(),
            )
        found[made] = suspect
    return found


def _next(made: Written, upstream: dict[Written, Reached], moment: int) -> int:
    """Return until when a check is of this writing: the next one of the dataset, or the time asked about."""
    later = [each.over for each in upstream if each.dataset == made.dataset and each.over > made.over]
    return min([*later, made.over + 86_400_000_000, moment + 1])


def _checks(suspect: _Suspect, rows: list[Row]) -> None:
    for severe, factor, weight in ((True, "failed-check", FAILED), (False, "warned-check", WARNED)):
        bad = [row for row in rows if row["success"] == 0 and (row["severity"] != "warn") == severe]
        if bad:
            said = ", ".join(dict.fromkeys(row["metric"] for row in bad))
            suspect.add(factor, weight, f"{len(bad)} checks after it: {said}")
            suspect.records += [row["record"] for row in bad]


def _volume(suspect: _Suspect, made: Written, rows: list[Row]) -> None:
    own = next((row for row in rows if row["run_id"] == made.run_id), None)
    before = [row["value"] for row in rows if own is not None and row["at"] < own["at"]][-_USUAL:]
    if own is None or len(before) < 3:
        return
    usual = median(before)
    ratio = own["value"] / usual if usual else float("inf")
    if ratio >= _JUMP or ratio <= 1 / _JUMP:
        suspect.add("volume", VOLUME, f"{own['value']:.0f} rows where {usual:.0f} are usual")
        suspect.records.append(own["record"])


def _inherit(ancestry: Ancestry, data: dict[Written, _Suspect]) -> None:
    """Say of what is odd already at an input that it is inherited."""
    odd = {
        made: suspect
        for made, suspect in data.items()
        if suspect.shows("volume", "failed-check", "warned-check")
    }
    by_place = {(made.dataset, made.version): made for made in odd}
    blamed = []
    for made, suspect in odd.items():
        inputs = [(read["dataset"], read["version"]) for read in ancestry.reads.get(made.run, ())]
        source = next((by_place[place] for place in inputs if by_place.get(place, made) != made), None)
        if source is not None:
            suspect.add("inherited", INHERITED, "an input of it was odd already")
            blamed.append(data[source])
    for suspect in blamed:
        if not suspect.shows("spread", "inherited"):
            suspect.add("spread", SPREAD, "what was made from it is odd too")


def _late(ancestry: Ancestry, upstream: dict[Written, Reached], moment: int) -> list[_Suspect]:
    """Return the datasets upstream that were not written again when they used to be."""
    found = []
    for dataset in sorted({made.dataset for made in upstream}):
        times = sorted({made.began for made in ancestry.writings[dataset] if made.began <= moment})[-_USUAL:]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        if len(gaps) >= 3 and moment - times[-1] > _LATENESS * median(gaps):
            way = next(reached.way for made, reached in upstream.items() if made.dataset == dataset)
            suspect = _Suspect("late run", dataset, times[-1], way)
            hours = (moment - times[-1]) / 3_600_000_000
            suspect.add(
                "late-run", LATE, f"not written for {hours:.0f} h, usually every {median(gaps) / 3.6e9:.0f} h"
            )
            found.append(suspect)
    return found


def _items(view: View, kept: list[_Suspect], out: list[_Suspect], limit: int | None) -> list[Item]:
    shown = [*kept, *out][: None if limit is None else limit]
    things = names(view.connection, {number for each in shown for number in (each.thing, *each.way)})
    evidence = view.evidence(seq for each in shown for seq in each.records)
    return [
        {
            "rank": place + 1 if place < len(kept) else None,
            "score": each.score if place < len(kept) else 0.0,
            "what": f"{each.what}: {thing_name(things[each.thing])} {each.version}".strip(),
            "thing_id": thing_id(things[each.thing]),
            "at": None if each.at is None or each.at >= LAST else to_iso(each.at),
            "path": [thing_id(things[number]) for number in each.way],
            "why": each.why,
            "run_id": each.run_id or None,
            "ruled_out": place >= len(kept),
            "evidence": [evidence[seq] for seq in dict.fromkeys(each.records) if seq in evidence],
        }
        for place, each in enumerate(shown)
    ]
