"""What did each version of an agreement attain, window by window, and which deployment is a breach charged to?

Only time in which the version was surely in force counts, up to the valid time; where none is asked for, up to the last
measurement, so that an answer does not change from day to day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lineage.audit.attainment import OCCURRENCES, Attainment, attained, within
from lineage.audit.indicators import Indicator, indicator
from lineage.audit.view import View
from lineage.audit.windows import WindowError, of_calendar, rolling
from lineage.model.answer import Item
from lineage.model.facts import Objective
from lineage.model.moment import LAST, to_iso
from lineage.store import gathering, listing

Row = dict[str, Any]
UNMEASURED: Item = {
    "window_from": None,
    "window_to": None,
    "value": None,
    "coverage": 0.0,
    "met": None,
    "budget_left": None,
    "why": None,
    "measured_by": [],
    "windows": [],
}


@dataclass
class Attaining:
    """The measurements of a workspace, read once for a view."""

    view: View

    @cached_property
    def series(self) -> list[Row]:
        """Every piece of every series."""
        return gathering.series(self.view.connection)

    def of(
        self,
        row: Row,
        interval: tuple[int, int],
        under: Sequence[Row],
        names: Iterable[str] = (),
        period: tuple[int | None, int | None] = (None, None),
    ) -> tuple[Item, list[Item], list[int]]:
        """Return the fields of an objective's item, those of each of its episodes, and the records it rests on.

        `interval` is when the version was surely in force, `names` those of the targets it binds; of the windows those
        that touch the `period` are listed, the newest first, and the first of them is the item's own.
        """
        fact: Objective = row["fact"]
        if not self.series:
            return {**UNMEASURED, "why": "no measurements are imported"}, [], []
        said = self._said(row)
        found = indicator(fact, said, self.series, names)
        if found.slices and self.view.as_of is not None:
            found = replace(found, slices=tuple(within(found.slices, 0, self.view.as_of)))
        shown: Item = {**UNMEASURED, "why": found.why or None, "measured_by": list(found.names)}
        if not found.slices:
            why = found.why or "nothing was measured by the time asked about"
            return {**shown, "why": why}, [], list(found.records)
        try:
            end, spans = self._spans(fact, said, found, interval, period)
        except WindowError as error:
            return {**shown, "why": str(error)}, [], list(found.records)
        episodes = [_lived(episode, interval, end) for episode in under]
        windows = [_window(found, span, under, episodes) for span in spans]
        if not windows:
            why = "nothing was measured while this version was in force"
            return {**shown, "why": why}, [], list(found.records)
        first = {name: value for name, value in windows[0].items() if name in UNMEASURED or name == "method"}
        each = [_verdict(found, *span) for span in episodes]
        return {**shown, **first, "windows": windows}, each, list(found.records)

    def _said(self, row: Row) -> dict[str, Any]:
        """Return the attributes of an objective; of several values that of its own record, else none."""
        found: dict[str, dict[int, Any]] = {}
        for each in listing.attribute_history(self.view.connection, row["entity"]):
            found.setdefault(each["name"], {})[each["record"]] = each["value"]
        return {
            name: next(iter(held.values())) if len(held) == 1 else held.get(row["record"])
            for name, held in found.items()
        }

    def _spans(
        self,
        fact: Objective,
        said: Mapping[str, Any],
        found: Indicator,
        interval: tuple[int, int],
        period: tuple[int | None, int | None],
    ) -> tuple[int, list[tuple[int, int]]]:
        begin, stop = interval
        asked = [moment for moment in (self.view.as_of, period[1]) if moment is not None]
        end = min([stop, *(asked or [found.slices[-1].end])])
        first = max(begin, found.slices[0].begin)
        if end <= first:
            return end, []
        if not fact.window:
            spans = [(begin or first, end)]
        elif fact.rolling:
            spans = rolling(fact.window, first, end, fact.zone)
        else:
            start = str(said.get("window_start") or "")
            spans = of_calendar(fact.window, first, end, fact.zone, start)
        cut = [(max(since, begin), min(until, stop)) for since, until in spans]
        return end, [span for span in cut if span[1] > max(span[0], period[0] or 0)]


def _verdict(found: Indicator, begin: int, end: int) -> Item:
    """Return what was attained in a stretch of time, as an item's fields."""
    if end <= begin:
        return {
            "value": None,
            "coverage": 0.0,
            "met": None,
            "why": "it did not serve while this version was in force",
        }
    return _fields(attained(found.slices, found.promise, begin, end))


def _fields(said: Attainment) -> Item:
    return {
        "value": said.value,
        "least": said.least,
        "most": said.most,
        "coverage": said.coverage,
        "met": said.met,
        "method": said.method or None,
        "budget_left": said.budget_left,
        "why": said.why or None,
    }


def _lived(episode: Row, interval: tuple[int, int], end: int) -> tuple[int, int]:
    """Return the time for which a deployment surely served under the version."""
    return max(episode["start_hi"], interval[0]), min(episode["end_lo"] or LAST, interval[1], end)


def _window(
    found: Indicator, span: tuple[int, int], under: Sequence[Row], episodes: Sequence[tuple[int, int]]
) -> Item:
    """Return what was attained in a window, and what of the bad is charged to which deployment."""
    whole = attained(found.slices, found.promise, *span)
    target = found.promise.target
    allowed = (1 - target if found.promise.more_is_better else target) * whole.weight
    charged = []
    for episode, (begin, end) in zip(under, episodes, strict=True):
        since, until = max(begin, span[0]), min(end, span[1])
        if until <= since:
            continue
        part = attained(found.slices, found.promise, since, until)
        beside = [
            other["eid"]
            for other, (start, stop) in zip(under, episodes, strict=True)
            if other["target"] != episode["target"] and max(start, since) < min(stop, until)
        ]
        charged.append(
            {
                "id": episode["eid"],
                "model": episode["body"]["model"],
                "model_version": episode["body"]["model_version"],
                "value": part.value,
                "coverage": part.coverage,
                "bad": part.bad if whole.method == OCCURRENCES else part.bad / 1_000_000,
                "bad_unit": "events" if whole.method == OCCURRENCES else "s",
                "budget_used": part.bad / allowed if allowed > 0 and whole.weight else None,
                "together_with": beside,
            }
        )
    return {
        "window_from": to_iso(span[0]),
        "window_to": to_iso(span[1]),
        **_fields(whole),
        "episodes": charged,
    }
