"""When was it, and how sure are we?

Times inside the product are UTC microseconds since 1970. A `Moment` is exact (`lo == hi`) or lies between two bounds:
a source that keeps no history can only say "after it was last seen old, before it was first seen new" (DESIGN 2.4).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FRACTION = re.compile(r"([.,]\d{6})\d+")
_HAS_FRACTION = re.compile(r"[.,]\d{7,}")
LAST = 253_402_300_799_999_999
"""The last microsecond of the year 9999: no time beyond it is taken for one."""


class Moment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A point in time as evidenced.

    Attributes:
        lo: not before this UTC microsecond.
        hi: not after this UTC microsecond; equal to `lo` when the time is exact.
        text: the time as the source wrote it, kept where `lo` loses something (a zone, nanoseconds); else empty.
        assumed: true when the source named no zone and one was assumed.
    """

    lo: int
    hi: int
    text: str = ""
    assumed: bool = False

    @property
    def exact(self) -> bool:
        """True when both bounds are the same microsecond."""
        return self.lo == self.hi


def exactly(microseconds: int) -> Moment:
    """Return the exact moment of that UTC microsecond.

    >>> exactly(0)
    Moment(lo=0, hi=0, text='', assumed=False)
    """
    return Moment(microseconds, microseconds)


def from_seconds(seconds: float) -> Moment:
    """Return the moment of Unix `seconds`; raises `ValueError` outside the years 1970 to 9999."""
    return exactly(_checked(round(seconds * 1_000_000)))


def from_milliseconds(milliseconds: float) -> Moment:
    """Return the moment of Unix `milliseconds`; raises `ValueError` outside the years 1970 to 9999."""
    return exactly(_checked(round(milliseconds * 1_000)))


def parse(text: str, zone: str = "") -> Moment:
    """Read an ISO 8601 time, or a bare date as its first instant; raises `ValueError` when it is none.

    Without an offset in `text`, the IANA zone `zone` is taken, else UTC, and the moment is marked `assumed`. In the
    hour that a clock change repeats, the moment spans both readings. More than six fractional digits are cut and the
    text is kept.

    >>> parse("2026-06-01T10:00:00Z")
    Moment(lo=1780308000000000, hi=1780308000000000, text='', assumed=False)
    >>> parse("2026-06-01T10:00:00").assumed
    True
    """
    clipped = text
    if len(text) > 26 and (text[26] not in "Z+-" or text[19] != ".") and _HAS_FRACTION.search(text):
        clipped = _FRACTION.sub(r"\1", text)
    moment = datetime.fromisoformat(clipped)
    if moment.tzinfo is not None:
        # Not `// _MICROSECOND`: every event has a time, and this takes a third of the time of that.
        since = moment - EPOCH
        value = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        if not 0 <= value <= LAST:
            _checked(value)
        return Moment(value, value, text if clipped is not text else "")
    if not zone:
        value = _checked((moment.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND)
        return Moment(value, value, text, assumed=True)
    local = moment.replace(tzinfo=_zone(zone))
    first = _checked((local.astimezone(UTC) - EPOCH) // _MICROSECOND)
    second = (local.replace(fold=1).astimezone(UTC) - EPOCH) // _MICROSECOND
    return Moment(min(first, second), max(first, second), text, assumed=True)


def to_iso(microseconds: int) -> str:
    """Return ISO 8601 UTC with `Z`, microseconds only if present (CONTRACT.md).

    >>> to_iso(1780308000000000)
    '2026-06-01T10:00:00Z'
    >>> to_iso(1780308000000001)
    '2026-06-01T10:00:00.000001Z'
    """
    return (EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=None).isoformat() + "Z"


def _zone(name: str) -> ZoneInfo | timezone:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"no time zone is called {name!r}") from error


def _checked(microseconds: int) -> int:
    if not 0 <= microseconds <= LAST:
        raise ValueError(f"{microseconds} microseconds lie outside the years 1970 to 9999")
    return microseconds
