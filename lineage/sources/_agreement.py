"""What do the metrics and amounts of an agreement say, in one spelling?

Shared by the readers of OpenSLO, data contracts and lists. Amounts are worked out in decimal, so that 99.9 % is the
ratio 0.999 and 300 ms are 0.3 s, not something next to it. What can be read in two ways is refused with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from lineage.text import MalformedError, clip

COMPARATORS = {
    ">=": ">=",
    "=>": ">=",
    "≥": ">=",
    "gte": ">=",
    "ge": ">=",
    "min": ">=",
    "minimum": ">=",
    "at least": ">=",
    "<=": "<=",
    "=<": "<=",
    "≤": "<=",
    "lte": "<=",
    "le": "<=",
    "max": "<=",
    "maximum": "<=",
    "at most": "<=",
    "up to": "<=",
    ">": ">",
    "gt": ">",
    "more than": ">",
    "<": "<",
    "lt": "<",
    "less than": "<",
    "under": "<",
    "=": "=",
    "==": "=",
    "eq": "=",
}
"""The comparators as they are written, by the sign that a fact has."""

_LOWER_IS_BETTER = frozenset(
    {
        "age",
        "cost",
        "delay",
        "downtime",
        "drift",
        "duration",
        "error",
        "errors",
        "failure",
        "failures",
        "frequency",
        "freshness",
        "incidents",
        "interval",
        "lag",
        "latency",
        "loss",
        "mae",
        "mape",
        "mtta",
        "mttd",
        "mttr",
        "psi",
        "rmse",
        "rpo",
        "rto",
        "staleness",
        "time",
        "timeliness",
        "wape",
    }
)
_HIGHER_IS_BETTER = frozenset(
    {
        "accuracy",
        "auc",
        "availability",
        "completeness",
        "correctness",
        "coverage",
        "durability",
        "f1",
        "free",
        "precision",
        "quality",
        "recall",
        "reliability",
        "retention",
        "success",
        "throughput",
        "uptime",
        "validity",
        "yield",
    }
)
_RATIOS = frozenset(
    {
        "availability",
        "completeness",
        "coverage",
        "durability",
        "error",
        "errors",
        "reliability",
        "success",
        "uptime",
    }
)
_RATIO_UNITS = {
    "%": Decimal("0.01"),
    "percent": Decimal("0.01"),
    "percentage": Decimal("0.01"),
    "pct": Decimal("0.01"),
    "prozent": Decimal("0.01"),
    "‰": Decimal("0.001"),
    "permille": Decimal("0.001"),
    "ratio": Decimal(1),
    "fraction": Decimal(1),
    "share": Decimal(1),
}
DAY = Decimal(86_400)
_SECONDS = {
    Decimal("1e-9"): "ns nanosecond nanoseconds",
    Decimal("1e-6"): "us µs μs microsecond microseconds",
    Decimal("0.001"): "ms msec millis millisecond milliseconds",
    Decimal(1): "s sec secs second seconds",
    Decimal(60): "m min mins minute minutes",
    Decimal(3_600): "h hr hrs hour hours",
    DAY: "d day days",
    7 * DAY: "w wk week weeks",
    30 * DAY: "M mo mon month months",
    91 * DAY: "Q quarter quarters",
    365 * DAY: "y Y yr yrs year years",
}
"""Units of time in seconds. Months, quarters and years have no length of their own: 30, 91 and 365 days are taken."""
_TIME_UNITS = {word: factor for factor, words in _SECONDS.items() for word in words.split()}

_AMOUNT = re.compile(
    r"\s*(?P<sign>>=|=>|≥|<=|=<|≤|==|=|>|<|[A-Za-z]+(?: [A-Za-z]+)?(?=\s+\d))?"
    r"\s*(?P<number>[+-]?(?:\d[\d.,'\u2019_\u00a0\u202f ]*|[.,]\d+)(?:[eE][+-]?\d+)?)\s*(?P<unit>.*?)\s*$",
    re.DOTALL,
)
_GROUPED = re.compile(r"\d{1,3}(?:([.,])\d{3})+")
_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?"
)
_PERCENTILE = re.compile(r"(?:^|-)t?p(\d{1,5}(?:\.\d+)?)(?=-|$)")
_NTH = re.compile(r"(?:^|-)(\d{1,2}(?:\.\d+)?)(?:st|nd|rd|th)(?:-(?:percentile|pctl?|quantile))?(?=-|$)")
_MEDIAN = re.compile(r"(?:^|-)median(?=-|$)")
_WORDS = re.compile(r"[^\w.%]+|_+|(?<=[a-z])(?=[A-Z])")


class Amount(NamedTuple):
    """An amount as promised: ratios 0..1, times in seconds; `comparator` is empty where the text has none."""

    value: float
    unit: str
    comparator: str = ""


def mapping(value: Any) -> Mapping[str, Any]:
    """Return `value` when it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return `value` when it is a list, a single mapping as a list of it, else nothing."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) and value else []


def scalar(value: Any) -> str:
    """Return a text, number or truth value as text without the space around it, anything else as an empty text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def words(name: str) -> str:
    """Return a name in small letters with hyphens.

    >>> words("errorRate"), words("Requests Availability"), words("latency_p99.9")
    ('error-rate', 'requests-availability', 'latency-p99.9')
    """
    return "-".join(part for part in _WORDS.split(name.strip()) if part).lower()


def metric(name: str) -> tuple[str, float | None]:
    """Return the metric that `name` means in small letters with hyphens, and its percentile (0..1) where it has one.

    >>> metric("latency_p95"), metric("p999 latency"), metric("99.9th percentile latency"), metric("errorRate")
    (('latency', 0.95), ('latency', 0.999), ('latency', 0.999), ('error-rate', None))
    """
    said = words(name)
    for pattern in (_PERCENTILE, _NTH):
        found = pattern.search(said)
        if found:
            digits = found[1]
            share = Decimal(digits) / 100 if "." in digits or len(digits) <= 2 else Decimal(f"0.{digits}")
            if 0 < share < 1:
                return _without(said, found), float(share)
    found = _MEDIAN.search(said)
    if found and found[0] != said:
        return _without(said, found), 0.5
    return said, None


def _without(said: str, found: re.Match[str]) -> str:
    return (said[: found.start()] + said[found.end() :]).strip("-") or "latency"


def direction(name: str) -> str:
    """Return whether more (`>=`) or less (`<=`) of a metric is better, empty where its name does not tell.

    >>> direction("availability"), direction("time-to-repair"), direction("prediction-jitter")
    ('>=', '<=', '')
    """
    said = set(words(name).split("-"))
    if said & _LOWER_IS_BETTER and "free" not in said:
        return "<="
    return ">=" if said & _HIGHER_IS_BETTER else ""


def number(text: str, decimal: str = "") -> Decimal:
    """Read a number with a decimal point or comma; raises `MalformedError`.

    `decimal` is the decimal mark where it is known. Without it `1,234` may be either and is refused
    (`ambiguous-number`), while `99,9` and `1.234,5` can only be one thing; a lone point is a decimal point.

    >>> number("99,9"), number("1.234,5"), number("1,234,567"), number("1'000")
    (Decimal('99.9'), Decimal('1234.5'), Decimal('1234567'), Decimal('1000'))
    """
    said = re.sub(r"['\u2019_\s\u00a0\u202f]", "", text)
    points, commas = said.count("."), said.count(",")
    mark = decimal
    if not mark and points and commas:
        mark = max(".,", key=said.rfind)
    elif not mark and commas == 1:
        if _GROUPED.fullmatch(said.lstrip("+-")) and not said.lstrip("+-").startswith("0"):
            reason = (
                "the comma may be a decimal comma or part a thousand; say `--label decimal=,` or `decimal=.`"
            )
            raise MalformedError("ambiguous-number", reason)
        mark = ","
    elif not mark:
        mark = "," if points > 1 else "."
    group = "," if mark == "." else "."
    if group in said.partition(mark)[2] or (
        group in said and not _GROUPED.fullmatch(said.partition(mark)[0].lstrip("+-"))
    ):
        raise MalformedError("bad-number", "the points and commas do not make a number")
    try:
        value = Decimal(said.replace(group, "").replace(mark, "."))
    except InvalidOperation:
        raise MalformedError("bad-number", "this is no number") from None
    if not value.is_finite() or abs(value.adjusted()) > 300:
        raise MalformedError("bad-number", "the number is too large to be one")
    return value


def amount(text: str, unit: str, name: str, decimal: str = "") -> Amount:
    """Read a promised amount of the metric `name`; raises `MalformedError`.

    The text may carry its comparator and its unit. Without any unit, a share above 1 of a metric that is a ratio can
    only be in percent. Units that are neither a ratio nor a time stay as written.

    >>> amount("99,9", "%", "availability"), amount("< 200 ms", "", "latency"), amount("99.9", "", "uptime")
    (Amount(value=0.999, unit='ratio', comparator=''), Amount(value=0.2, unit='s', comparator='<'),
     Amount(value=0.999, unit='ratio', comparator=''))
    """
    length = seconds(text)
    if length is not None:
        return Amount(float(length), "s")
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise MalformedError("bad-number", "this is no amount")
    sign = (found["sign"] or "").lower()
    comparator = COMPARATORS.get(sign, "")
    if sign and not comparator:
        raise MalformedError("bad-comparator", f"{clip(sign, 40)!r} is no comparator")
    said = found["unit"] or unit.strip()
    if found["unit"] and unit.strip() and _factor(found["unit"]) != _factor(unit):
        raise MalformedError(
            "unit-conflict", f"the value says {found['unit']!r} and the unit {unit.strip()!r}"
        )
    share = _RATIO_UNITS.get(said.lower())
    ratio = share is not None or (not said and bool(_RATIOS & set(words(name).split("-"))))
    value = number(found["number"], decimal or ("," if ratio and _shares(found["number"]) else ""))
    if ratio:
        if share is None:
            share = Decimal("0.01") if value > 1 else Decimal(1)
        if not 0 <= value * share <= 1:
            reason = f"a {'share in percent' if share != 1 else 'ratio'} lies between 0 and {1 / share:f}"
            raise MalformedError("out-of-range", reason.rstrip("."))
        return Amount(float(value * share), "ratio", comparator)
    factor = time_factor(said)
    if factor is not None:
        return Amount(float(value * factor), "s", comparator)
    return Amount(float(value), said, comparator)


def _shares(digits: str) -> bool:
    """Tell whether the only comma can be no thousands mark, since a share is at most 100."""
    return digits.count(",") == 1 and "." not in digits


def _factor(unit: str) -> tuple[str, Decimal] | str:
    share = _RATIO_UNITS.get(unit.strip().lower())
    if share is not None:
        return "ratio", share
    factor = time_factor(unit.strip())
    return ("s", factor) if factor is not None else unit.strip().lower()


def time_factor(unit: str) -> Decimal | None:
    """Return the seconds of a unit of time, None when `unit` is none."""
    # `M` is a month and `m` a minute, all other spellings may stand in capitals.
    return _TIME_UNITS.get(unit) or _TIME_UNITS.get(unit.lower())


def seconds(text: str) -> Decimal | None:
    """Return the seconds of an ISO 8601 duration (`PT24H`, `P1Y`), None when `text` is none."""
    found = _DURATION.fullmatch(text.strip().upper())
    if found is None or not any(found.groups()):
        return None
    factors = (365 * DAY, 30 * DAY, 7 * DAY, DAY, Decimal(3_600), Decimal(60), Decimal(1))
    parts = zip(found.groups(), factors, strict=True)
    return sum((Decimal(part.replace(",", ".")) * factor for part, factor in parts if part), Decimal(0))
