"""Over which windows of time is an agreement judged: rolling ones, or those of a calendar in its own zone?"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.0+)?S)?)?\Z"
)
_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = date(1970, 1, 5)
_MOST = 500
"""Windows before the newest are left out: more than a year of days."""


class WindowError(ValueError):
    """A window that cannot be laid on time; the text says why."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a window is: months and days are of the calendar, seconds of the clock."""

    months: int = 0
    days: int = 0
    seconds: int = 0


def length_of(duration: str) -> Length:
    """Read an ISO 8601 duration; raises `WindowError`.

    >>> length_of("P1M"), length_of("P4W"), length_of("PT90M")
    (Length(months=1, days=0, seconds=0), Length(months=0, days=28, seconds=0), Length(months=0, days=0, seconds=5400))
    """
    found = _DURATION.match(duration)
    parts = [int(part or 0) for part in found.groups()] if found else []
    if not any(parts):
        raise WindowError(f"the window {duration!r} is no duration")
    years, months, weeks, days, hours, minutes, seconds = parts
    length = Length(12 * years + months, 7 * weeks + days, 3600 * hours + 60 * minutes + seconds)
    if sum(map(bool, (length.months, length.days, length.seconds))) > 1:
        raise WindowError(f"the window {duration!r} mixes months, days and hours")
    return length


def rolling(duration: str, first: int, end: int, zone: str = "") -> list[tuple[int, int]]:
    """Return the rolling window that ends at `end` and those before it back to `first`, newest first.

    A day is 24 hours here; a month goes back to the same day and hour in the zone.

    >>> rolling("PT1H", first=0, end=7_200_000_000)
    [(3600000000, 7200000000), (0, 3600000000)]
    """
    length, place = length_of(duration), _zone(zone)
    found: list[tuple[int, int]] = []
    stop = end
    while stop > first and len(found) < _MOST:
        if length.months:
            start = _instant(_months(_local(end, place), -length.months * (len(found) + 1)), place)
        else:
            start = stop - (86_400 * length.days + length.seconds) * _SECOND
        found.append((start, stop))
        stop = start
    return found


def of_calendar(
    duration: str, first: int, end: int, zone: str = "", start: str = ""
) -> list[tuple[int, int]]:
    """Return the calendar windows, newest first, from the one before `end` back to the one that holds `first`.

    They begin at midnight of the first of the month or quarter, of Monday, of the day, in the zone; with `start`, a
    local time that the document gives, at that and every length after it. Raises `WindowError`.

    >>> vienna = of_calendar("P1M", 1_774_000_000_000_000, 1_774_900_000_000_000, "Europe/Vienna")
    >>> [(to - since) // 3_600_000_000 for since, to in vienna]  # March has the hour less of the clock change
    [743]
    """
    length, place = length_of(duration), _zone(zone)
    origin = _started(start, length)
    base = _instant(origin, place)

    def edge(number: int) -> int:
        if length.seconds:
            return base + number * length.seconds * _SECOND
        if length.months:
            return _instant(_months(origin, number * length.months), place)
        return _instant(origin + timedelta(number * length.days), place)

    local = _local(end - 1, place)
    if length.seconds:
        number = (end - 1 - base) // (length.seconds * _SECOND)
    elif length.months:
        number = (12 * (local.year - origin.year) + local.month - origin.month) // length.months
    else:
        number = (local.date() - origin.date()).days // length.days
    # A window begins at the hour of `start`, which the date alone does not tell.
    if edge(number) > end - 1:
        number -= 1
    found: list[tuple[int, int]] = []
    while len(found) < _MOST and edge(number + 1) > first:
        found.append((edge(number), edge(number + 1)))
        number -= 1
    return found


def _started(start: str, length: Length) -> datetime:
    if start:
        try:
            return datetime.fromisoformat(start.strip()).replace(tzinfo=None)
        except ValueError:
            raise WindowError(f"the start {start!r} of the calendar window is no time") from None
    whole_weeks = length.days and length.days % 7 == 0
    return datetime.combine(_MONDAY if whole_weeks else _EPOCH.date(), datetime.min.time())


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WindowError(f"the zone {name!r} is not known") from None


def _local(time: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=time)).astimezone(zone).replace(tzinfo=None)


def _instant(local: datetime, zone: ZoneInfo) -> int:
    return (local.replace(tzinfo=zone).astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def _months(local: datetime, count: int) -> datetime:
    """Move by months; a day that the month does not have is its last."""
    year, month = divmod(12 * local.year + local.month - 1 + count, 12)
    return local.replace(
        year=year, month=month + 1, day=min(local.day, calendar.monthrange(year, month + 1)[1])
    )
