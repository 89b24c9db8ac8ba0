"""How do samples become one series: named by its labels, in the order of time, without what is no number?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping

from lineage.model.facts import Entity, Fact, Json, Key, Series
from lineage.model.vocabulary import Kind
from lineage.source import Origin, Problem
from lineage.text import clip

_PLAIN = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*\Z")
_COUNTED = ("_total", "_sum", "_count", "_bucket", "_created")
_UNITS = {
    "_seconds": "s",
    "_bytes": "bytes",
    "_ratio": "ratio",
    "_celsius": "celsius",
    "_joules": "joules",
    "_volts": "volts",
    "_amperes": "amperes",
    "_meters": "meters",
    "_grams": "grams",
}
"""Prometheus, "Metric and label naming": the base unit ends the name, before the suffix of its type."""


class Samples:
    """The samples of one series as they are read, and what was left out of them."""

    def __init__(self) -> None:
        self._values: dict[int, float] = {}
        self._differ: dict[int, tuple[float, float]] = {}
        self._refused: dict[str, list[tuple[str, str, str]]] = {}
        self.not_numbers = 0

    def add(self, time: int, value: float) -> None:
        """Keep a sample at `time` (UTC microseconds); NaN and the infinite are counted and left out."""
        if not math.isfinite(value):
            self.not_numbers += 1
        elif self._values.setdefault(time, value) != value:
            self._differ.setdefault(time, (self._values[time], value))

    def refuse(self, code: str, reason: str, field: str, value: object) -> None:
        """Leave out a sample that cannot be read."""
        self._refused.setdefault(code, []).append((reason, field, clip(value)))

    def taken(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Return times and values in the order of time; a time that has two values has none."""
        times = sorted(self._values.keys() - self._differ.keys())
        return tuple(times), tuple(self._values[time] for time in times)

    def problems(self) -> Iterator[Problem]:
        """Yield one problem a kind for all that was left out, naming the first and how many there are."""
        for code, found in self._refused.items():
            reason, field, value = found[0]
            more = f" ({len(found)} samples of the series, this is the first)" if len(found) > 1 else ""
            yield Problem(code, reason + more, field, value, fatal=False)
        if self._differ:
            first = min(self._differ)
            reason = f"{len(self._differ)} times of the series have two different values; these are left out"
            yield Problem("conflicting-values", reason, "value", str(self._differ[first]), fatal=False)


def series_name(metric: str, labels: Mapping[str, str]) -> str:
    r"""Return the name of a series as PromQL writes it, labels sorted.

    >>> series_name("up", {"job": "iris", "code": "5\"0"})
    'up{code="5\\"0",job="iris"}'
    """
    if not labels:
        return metric
    return f"{metric}{{{','.join(f'{_label(name)}={_quoted(labels[name])}' for name in sorted(labels))}}}"


def _label(name: str) -> str:
    return name if _PLAIN.match(name) else _quoted(name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def monitor(origin: Origin, system: str, metric: str, labels: Mapping[str, str]) -> Key:
    """Return the key of a series; the label `instance`, given with the import, tells two servers apart."""
    instance = origin.label("instance")
    return Key(Kind.MONITOR, f"{system}:{instance}" if instance else system, series_name(metric, labels))


def unit_of(metric: str) -> str:
    """Return the unit that a metric's name ends in, seconds as `s`; empty where it names none.

    >>> unit_of("http_request_duration_seconds_sum"), unit_of("http_request_duration_seconds_count")
    ('s', '')
    >>> unit_of("sli:availability:ratio")
    'ratio'
    """
    plain = "_" + metric.rpartition(":")[2]
    if plain.endswith(("_count", "_bucket")):
        return ""
    for suffix in _COUNTED:
        plain = plain.removesuffix(suffix)
    return next((unit for suffix, unit in _UNITS.items() if plain.endswith(suffix)), "")


def is_counter(metric: str, labels: Mapping[str, str]) -> bool:
    """Tell whether a name is that of a running total: OpenMetrics reserves `_total`, and `_bucket` with `le`."""
    return metric.endswith("_total") or (metric.endswith("_bucket") and "le" in labels)


def kept_or_lost(told: Iterable[Fact | Problem]) -> Iterator[Fact | Problem]:
    """Yield all that a record says; where it states nothing, its problems are those of a lost record."""
    every = list(told)
    kept = any(isinstance(one, Fact) for one in every)
    for one in every:
        if isinstance(one, Problem) and not kept:
            yield Problem(one.code, one.reason, one.field, one.value)
        else:
            yield one


def facts(
    subject: Key,
    metric: str,
    samples: Samples,
    labels: Mapping[str, str],
    *,
    unit: str = "",
    counter: bool = False,
    step: int = 0,
    detail: Mapping[str, Json] | None = None,
    said: Mapping[str, Json] | None = None,
) -> Iterator[Fact | Problem]:
    """Say what was measured, and what of it was left out; `said` = what else is known of the series itself."""
    times, values = samples.taken()
    left = {"not_numbers": samples.not_numbers} if samples.not_numbers else {}
    if times or left:
        attributes: dict[str, Json] = {"metric": metric, "unit": unit, "labels": dict(labels), **(said or {})}
        yield Entity(subject, {name: value for name, value in attributes.items() if value not in ("", {})})
        yield Series(
            subject, metric, times, values, unit, counter, step, dict(labels), {**(detail or {}), **left}
        )
    yield from samples.problems()
