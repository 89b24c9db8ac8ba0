"""Which series measures an objective, by the names the document gives, and what does it say of each stretch of time?

Nothing is guessed. A series is taken where it bears both names: that of the metric (the objective's metric, indicator
or own name, also written `sli:<name>` or `<name>:ratio`; counts end in `good`, `bad`, `total` or `valid`), and, in a
label, that of the service, target or agreement. Several such series are none: nobody says which one counts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lineage.audit.attainment import (
    OCCURRENCES,
    TIMESLICES,
    Promise,
    Slice,
    Span,
    increases,
    lasting,
    shares,
    step_of,
    values,
)
from lineage.model.facts import Key, Objective, Series

SUBJECT_LABELS = frozenset(
    {"service", "service-name", "target", "endpoint", "dataset", "inference-service", "inferenceservice"}
)
AGREEMENT_LABELS = frozenset({"slo", "sla", "objective", "slo-name", "sla-name"})
_WORDS = re.compile(r"[^a-z0-9.]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ROLE = re.compile(r"(.+?)-(good|bad|total|valid)(?:-events)?(?:-total)?\Z")
_LIMIT = re.compile(r"(.+) (<=|<|>=|>) ([0-9.eE+-]+)\Z")
_SLICE = re.compile(r"(\d+)\s*([smhd]?)\Z")
_SECONDS = {"s": 1, "m": 60, "": 60, "h": 3_600, "d": 86_400}
"""OpenSLO, `timeSliceWindow`: a number alone is minutes."""
_VALUES = frozenset(
    {"latency", "latencies", "time", "duration", "delay", "age", "lag", "freshness", "staleness"}
)
"""What is a value and no share: 0.2 of it without a unit may be seconds, though the promise is of a ratio."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """What measures an objective; without slices, `why` says what is missing."""

    promise: Promise
    slices: tuple[Slice, ...] = ()
    names: tuple[str, ...] = ()
    records: tuple[int, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Merged:
    """All pieces of one series: a time that has two values in them has none."""

    samples: dict[int, float]
    step: int
    counter: bool
    units: frozenset[str]
    records: tuple[int, ...]

    def spans(self) -> dict[Span, Decimal]:
        """Return the events counted in each span of time."""
        return (increases if self.counter else lasting)(self.samples, self.step)


def plain(name: str) -> str:
    """Return a name in small letters with hyphens, without what marks it as an indicator.

    >>> plain("sli:Availability:ratio"), plain("iris_availability"), plain("errorRate")
    ('availability', 'iris-availability', 'error-rate')
    """
    said = _WORDS.sub("-", _CAMEL.sub("-", name).lower()).strip("-")
    for mark in ("sli-", "slo-"):
        said = said.removeprefix(mark)
    return said.removesuffix("-ratio").removesuffix("-seconds")


def indicator(
    fact: Objective, said: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], also: Iterable[str] = ()
) -> Indicator:
    """Find what measures an objective among all pieces of series (`gathering.series`), in any order.

    `said` are the attributes of the objective, `also` further names of the targets that it binds.
    """
    limit = _LIMIT.match(fact.metric)
    promise = _promise(fact, said, limited=limit is not None)
    if fact.percentile is not None:
        why = "percentiles cannot be averaged over time: their values do not add up to that of the window"
        return Indicator(promise, why=f"{why}; counts of good and of all events would")
    names = {
        plain(limit[1] if limit else fact.metric),
        plain(fact.key.name),
        plain(str(said.get("indicator") or "")),
    }
    names.discard("")
    subjects = {*fact.subjects, *(dataset.name for dataset in fact.datasets), *also}
    found: dict[str, dict[Key, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        series: Series = row["fact"]
        if _about(fact, series.labels, subjects):
            name = plain(series.metric)
            role = _ROLE.match(name)
            if role and role[1] in names:
                found["total" if role[2] == "valid" else role[2]][series.subject].append(row)
            elif name in names:
                found[""][series.subject].append(row)
    return _taken(promise, limit, found, fact)


def _promise(fact: Objective, said: Mapping[str, Any], *, limited: bool) -> Promise:
    target = str(said.get("time_slice_target") or "")
    length = _SLICE.match(str(said.get("time_slice_window") or ""))
    try:
        slice_target = float(target) if target else None
    except ValueError:
        slice_target = None
    return Promise(
        fact.comparator,
        fact.target,
        fact.method,
        fact.unit == "ratio",
        1.0 if limited and slice_target is None else slice_target,
        int(length[1]) * _SECONDS[length[2]] * 1_000_000 if length else 0,
    )


def _about(fact: Objective, labels: Mapping[str, str], subjects: set[str]) -> bool:
    """Tell whether the labels name what the objective is about, and none of them names another."""
    bearing = False
    for label, text in labels.items():
        name = _WORDS.sub("-", label.lower()).strip("-")
        if name in SUBJECT_LABELS or name in AGREEMENT_LABELS:
            if text not in (subjects if name in SUBJECT_LABELS else {fact.key.name}):
                return False
            bearing = True
    pairs = [[pair.strip().partition("=") for pair in one.split(",")] for one in subjects if "=" in one]
    return bearing or any(all(labels.get(name) == text for name, _, text in one) for one in pairs)


def _taken(
    promise: Promise,
    limit: re.Match[str] | None,
    found: Mapping[str, Mapping[Key, Sequence[Mapping[str, Any]]]],
    fact: Objective,
) -> Indicator:
    used = _used(promise, found)
    for role in used:
        if len(found[role]) > 1:
            several = ", ".join(sorted(key.name for key in found[role]))
            return Indicator(promise, why=f"several series bear the names of the objective: {several}")
    if not used:
        label = ", ".join(fact.subjects) or fact.key.name
        why = f"no imported series bears the metric {fact.metric!r} with a label that names {label}"
        return Indicator(promise, why=why)
    merged = {role: _merged(next(iter(found[role].values()))) for role in used}
    names = tuple(next(iter(found[role])).name for role in used)
    records = tuple(sorted({record for one in merged.values() for record in one.records}))
    slices, why = _slices(merged, promise, limit, fact)
    if not slices and not why:
        why = "the series has no two samples that say how long a value lasts"
    if limit and promise.ratio and not promise.method and "" in merged:
        promise = Promise(
            promise.comparator, promise.target, TIMESLICES, True, promise.slice_target, promise.slice_length
        )
    return Indicator(promise, tuple(slices), names, records, why)


def _used(promise: Promise, found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the series to use: counts where both are there, as they say most; else the ratio itself."""
    if promise.ratio:
        for pair in (("good", "total"), ("bad", "total"), ("good", "bad")):
            if set(pair) <= found.keys():
                return pair
    return ("",) if "" in found else ()


def _slices(
    merged: Mapping[str, _Merged], promise: Promise, limit: re.Match[str] | None, fact: Objective
) -> tuple[list[Slice], str]:
    if "" not in merged:
        spans = {role: one.spans() for role, one in merged.items()}
        both = set.intersection(*(set(one) for one in spans.values()))
        good, bad, total = (spans.get(role, {}) for role in ("good", "bad", "total"))
        every = {span: total[span] if total else good[span] + bad[span] for span in both}
        wanted, other = (good, bad) if promise.more_is_better else (bad, good)
        part = {span: wanted[span] if wanted else every[span] - other[span] for span in both}
        return shares(part, every), ""
    one = merged[""]
    if one.counter:
        return [], "the series is a running total, which has to be set against another of all events"
    asked = fact.unit if limit is None else ""
    if one.units - {asked, ""}:
        return [], f"the series is in {', '.join(sorted(one.units))}, the promise in {asked or 'no unit'}"
    lasted = lasting(one.samples, one.step)
    if limit is not None:
        bound, sign = float(limit[3]), limit[2]
        lasted = {span: Decimal(_keeps(float(value), sign, bound)) for span, value in lasted.items()}
        if promise.method == OCCURRENCES:
            return [], "by occurrences needs counts of good and of all events; the series has values in time"
    elif promise.ratio and "" in one.units and _VALUES & set(plain(fact.metric).split("-")):
        return [], "the promise is of a share of events, the series gives the value itself"
    elif promise.ratio and any(not 0 <= value <= 1 for value in lasted.values()):
        return [], "the series has values that are no share between 0 and 1"
    return values(lasted), ""


def _keeps(value: float, sign: str, bound: float) -> int:
    return int({"<=": value <= bound, "<": value < bound, ">=": value >= bound, ">": value > bound}[sign])


def _merged(rows: Sequence[Mapping[str, Any]]) -> _Merged:
    samples: dict[int, float] = {}
    differ: set[int] = set()
    for row in rows:
        for time, value in zip(row["fact"].times, row["fact"].values, strict=True):
            if samples.setdefault(time, value) != value:
                differ.add(time)
    for time in differ:
        del samples[time]
    stated = [row["fact"].step for row in rows if row["fact"].step]
    return _Merged(
        samples,
        step_of(sorted(samples), min(stated, default=0)),
        any(row["fact"].counter for row in rows),
        frozenset(row["fact"].unit for row in rows),
        tuple(row["record"] for row in rows),
    )
