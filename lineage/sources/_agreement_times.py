"""From when to when does an agreement hold, and over which window is it measured?

Dates are read as they stand in lists that people keep: a bare date as an end means the whole of that day. A date that
can be read in two ways is never decided without a label, but given as the bound that spans both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from lineage.model.moment import Moment, parse
from lineage.source import Origin, Problem
from lineage.sources._agreement import DAY, seconds, time_factor
from lineage.text import MalformedError, clip

_OPEN = frozenset(
    {"", "-", "\u2013", "\u2014", "open", "never", "none", "null", "n/a", "na", "unlimited", "infinity", "∞"}
)
_SHORT_WINDOW = re.compile(r"(\d+)\s*([A-Za-z]+)")
_YEAR_FIRST = re.compile(r"(\d{4})([./-])(\d{1,2})\2(\d{1,2})(?:[ T](.+))?")
_YEAR_LAST = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[ T](.+))?")
_BARE_DATE = re.compile(r"\d{4}-?\d\d-?\d\d")


class AmbiguousDateError(MalformedError):
    """A date can be read in two ways; `between` spans both."""

    def __init__(self, reason: str, between: Moment) -> None:
        self.between = between
        super().__init__("ambiguous-date", reason)


def window(text: str, unit: str = "") -> str:
    """Return an ISO 8601 duration for OpenSLO's shorthand (`28d`, `1M`) or a count and its unit; '' for neither.

    Weeks become days, so that four weeks and 28 days are one window. OpenSLO, duration-shorthand: `m` is a minute and
    `M` a month.

    >>> window("28d"), window("4w"), window("1M"), window("1Q"), window("5m"), window("30", "Day")
    ('P28D', 'P28D', 'P1M', 'P3M', 'PT5M', 'P30D')
    """
    said = text.strip()
    if seconds(said) is not None:
        return said.upper()
    found = _SHORT_WINDOW.fullmatch(f"{said}{unit.strip()}")
    factor = time_factor(found[2]) if found else None
    if found is None or factor is None or int(found[1]) == 0:
        return ""
    count = int(found[1])
    if factor == 7 * DAY:
        return f"P{7 * count}D"
    if factor == 91 * DAY:
        return f"P{3 * count}M"
    letters = {1: "S", 60: "M", 3_600: "H", 86_400: "D", 30 * 86_400: "M", 365 * 86_400: "Y"}
    letter = letters.get(int(factor))
    if letter is None:
        return ""
    return f"{'PT' if factor < DAY else 'P'}{count}{letter}"


def moment_of(text: str, origin: Origin, *, end: bool = False) -> Moment | None:
    """Return the time that `text` gives, None for an open one; raises `MalformedError`, `AmbiguousDateError`.

    A bare date is the first instant of that day, or for an end the last: `valid_to 2026-06-30` holds until the next
    midnight. Labels: `timezone` (an IANA zone, else UTC) and `dates` (`dmy` or `mdy`, for dates with the year last).

    >>> moment_of("2026-06-30", Origin("a"), end=True) == Moment(
    ...     1782864000000000, 1782864000000000, "2026-06-30", assumed=True)
    True
    """
    said = text.strip()
    if said.lower() in _OPEN or (end and said.startswith("9999-")):
        return None
    zone = origin.label("timezone")
    try:
        found = _YEAR_LAST.fullmatch(said)
        if found is None:
            first = _YEAR_FIRST.fullmatch(said)
            if first is not None:
                said = _iso(first[1], first[3], first[4], first[5])
            return _instant(said, text.strip(), zone, end=end)
        readings = {
            name: _iso(found[4], month, day, found[5])
            for name, day, month in (("dmy", found[1], found[3]), ("mdy", found[3], found[1]))
            if 1 <= int(month) <= 12
        }
        order = origin.label("dates").lower()
        if order in readings:
            return _instant(readings[order], said, zone, end=end)
        if order in {"dmy", "mdy"}:
            readings = {}
        moments = [_instant(reading, said, zone, end=end) for reading in dict.fromkeys(readings.values())]
    except (ValueError, OverflowError) as error:
        raise MalformedError("bad-time", f"this is no time: {error}") from None
    if not moments:
        raise MalformedError("bad-time", "there is no such day")
    if len(moments) == 1:
        return moments[0]
    reason = "day and month can be read either way; say `--label dates=dmy` or `dates=mdy`"
    lo, hi = min(moment.lo for moment in moments), max(moment.hi for moment in moments)
    raise AmbiguousDateError(reason, Moment(lo, hi, said, assumed=True))


def _iso(year: str, month: str, day: str, clock: str | None) -> str:
    text = f"{year}-{int(month):02}-{int(day):02}"
    return f"{text}T{clock}" if clock else text


def _instant(iso: str, text: str, zone: str, *, end: bool) -> Moment:
    iso = re.sub(r"(?i)\s*(?:utc|gmt|z)$", "Z", iso)
    iso = re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", iso)
    if end and _BARE_DATE.fullmatch(iso):
        iso = (date.fromisoformat(iso) + timedelta(days=1)).isoformat()
    read = parse(iso, zone)
    return Moment(read.lo, read.hi, text if read.assumed or read.text else "", assumed=read.assumed)


def times(
    said: Mapping[str, str], origin: Origin, report: Callable[[Problem], None]
) -> tuple[Moment | None, Moment | None]:
    """Return since and until from the fields `said` (first = since, second = until), reporting what cannot be read.

    A date that can be read in two ways gives a bound that spans both. An end before the beginning drops the end.
    """
    read: list[Moment | None] = []
    for place, (name, text) in enumerate(said.items()):
        moment = None
        try:
            moment = moment_of(text, origin, end=place == 1)
        except AmbiguousDateError as error:
            moment = error.between
            report(Problem(error.code, error.reason, name, clip(text), fatal=False))
        except MalformedError as error:
            report(Problem(error.code, error.reason, name, clip(text), fatal=False))
        read.append(moment)
    since, until = read
    if since is not None and until is not None and until.hi <= since.lo:
        name, text = list(said.items())[1]
        report(Problem("reversed-interval", "it ends before it begins", name, clip(text), fatal=False))
        until = None
    return since, until
