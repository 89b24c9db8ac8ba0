"""What does a number mean that should be a time in milliseconds since 1970, and what is wrong with one that is none?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lineage.model.moment import Moment, from_milliseconds
from lineage.source import Problem
from lineage.text import clip

_SECONDS = 100_000_000_000


@dataclass(slots=True)
class Notes:
    """The problems met while one record is read; none of them stops it."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, code: str, reason: str, name: str, value: object) -> None:
        """Note what is wrong with the field `name` and the value it held."""
        self.problems.append(Problem(code, reason, name, clip(value), fatal=False))

    def time(self, item: Mapping[str, Any], *names: str) -> Moment | None:
        """Return the time under the first of `names` that is there; None when absent, 0 (never set) or unsound.

        A value that lies in 1970 to 1973 is one of seconds in a field of milliseconds, which the API accepts: it is a
        problem, and not corrected (sources-ml 2.4).
        """
        for name in names:
            value = item.get(name)
            if value is None or value == "":
                continue
            number = milliseconds(value)
            if number is None or number < 0:
                self.add("bad-time", "the time is no count of milliseconds since 1970", name, value)
                return None
            if number == 0:
                return None
            if number < _SECONDS:
                self.add(
                    "suspect-time", "the time looks like seconds where milliseconds are kept", name, value
                )
                return None
            try:
                return from_milliseconds(number)
            except ValueError:
                self.add("bad-time", "the time lies beyond the year 9999", name, value)
                return None
        return None


def milliseconds(value: object) -> int | None:
    """Return `value` as a whole number, or None when it is none; SQLite and YAML give numbers as text, too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and len(value) < 20 and value.strip().lstrip("-").isdecimal():
        return int(value)
    return None


def sound_time(value: object) -> int | None:
    """Return a time in milliseconds that can date a snapshot, else None."""
    number = milliseconds(value)
    return number if number is not None and _SECONDS <= number < 253_402_300_800_000 else None
