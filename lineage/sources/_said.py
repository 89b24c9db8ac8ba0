"""What does one object of a tool's export say? Its texts, times and parts, and a problem for each unsound value."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from lineage import framing
from lineage.model import moment
from lineage.model.facts import Json
from lineage.model.moment import Moment
from lineage.source import Input, Problem, Record
from lineage.sources._withheld import MAX_TEXT, clean, table
from lineage.text import MalformedError, clip, dumps, load_yaml, loads

_NUMBER = re.compile(r"\d{9,16}(?:\.\d+)?")
_MILLISECONDS = 100_000_000_000
_MICROSECONDS = 100_000_000_000_000


class Said:
    """One object while it is read; its parts share its problems.

    Attributes:
        body: the object; empty where the record holds something else in its place.
        where: the path of the object in the record, for the places of problems and claims.
        problems: values that were none, in the order found; none of them is fatal.
        zone: the IANA zone of times that name none.
    """

    __slots__ = ("body", "problems", "where", "zone")

    def __init__(
        self,
        body: Mapping[str, Any],
        zone: str = "",
        where: str = "",
        problems: list[Problem] | None = None,
    ) -> None:
        self.body = body
        self.zone = zone
        self.where = where
        self.problems: list[Problem] = [] if problems is None else problems

    def place(self, name: str) -> str:
        """Return the path of the field `name`."""
        return f"{self.where}.{name}" if self.where else name

    def wrong(self, code: str, reason: str, name: str, value: object) -> None:
        """Note what is wrong with the value of the field `name`."""
        self.problems.append(Problem(code, reason, self.place(name), clip(value), fatal=False))

    def text(self, *names: str) -> str:
        """Return the first of the fields that holds something, as text without credentials; "" when none does.

        >>> Said({"id": None, "name": "a", "n": 3}).text("id", "name"), Said({"n": 3}).text("n")
        ('a', '3')
        """
        for name in names:
            value = self.body.get(name)
            if value is None or value == "":
                continue
            if isinstance(value, (dict, list)):
                self.wrong("bad-value", "this is no text", name, value)
                continue
            return clip(clean(_scalar(value).strip()), MAX_TEXT)
        return ""

    def time(self, *names: str) -> Moment | None:
        """Return the first time that the fields hold: ISO 8601, or seconds, milliseconds, microseconds since 1970.

        >>> Said({"at": 1780308000}).time("at") == Said({"at": "2026-06-01T10:00:00Z"}).time("at")
        True
        """
        for name in names:
            value = self.body.get(name)
            if value is None or value == "":
                continue
            try:
                return _moment(value, self.zone)
            except ValueError as error:
                self.wrong("bad-time", f"this is no time: {error}", name, value)
        return None

    def part(self, name: str) -> Said:
        """Return the object in the field `name`; an empty one where there is none."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, dict):
            if value not in ("", []):
                self.wrong("bad-value", "this is no object", name, value)
            value = None
        return Said(value or {}, self.zone, self.place(name), self.problems)

    def each(self, name: str) -> Iterator[Said]:
        """Yield the objects in the list `name`; what is no object is a problem."""
        for number, value in enumerate(self.entries(name)):
            if isinstance(value, dict):
                yield Said(value, self.zone, f"{self.place(name)}[{number}]", self.problems)
            elif value is not None:
                self.wrong("bad-value", "this is no object", f"{name}[{number}]", value)

    def entries(self, name: str) -> list[Any]:
        """Return the list in the field `name`; an empty one where there is none."""
        value = self.body.get(name)
        if value is None or isinstance(value, list):
            return value or []
        if value not in ("", {}):
            self.wrong("bad-value", "this is no list", name, value)
        return []

    def texts(self, name: str) -> list[str]:
        """Return the texts in the list `name`, in order; a single text counts as a list of one."""
        value = self.body.get(name)
        if isinstance(value, str):
            return [clean(value)] if value else []
        return [clean(_scalar(entry)) for entry in self.entries(name) if not isinstance(entry, (dict, list))]


def cut(given: Input, *lists: str) -> Iterator[Record | Problem]:
    """Cut an export into the items of its list, its lines, or the whole; one with several of `lists` stays whole."""
    document = framing.whole(given)
    held: dict[str, msgspec.Raw] = {}
    if isinstance(document, Record):
        with contextlib.suppress(msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            held = msgspec.json.decode(document.raw, type=dict[str, msgspec.Raw])
    several = len(held.keys() & set(lists)) > 1
    yield from framing.json_values(given, *(() if several else lists))


def parsed(record: Record) -> Any:
    """Return the JSON or YAML value of a record; raises `MalformedError` with the line in the file."""
    raw = record.raw.lstrip(b"\xef\xbb\xbf \t\r\n")
    return loads(record.raw) if raw[:1] in (b"{", b"[") else load_yaml(record.raw)


def opened(record: Record, zone: str) -> Said | Problem:
    """Return the object of a record, or the problem that it holds none."""
    try:
        value = parsed(record)
    except MalformedError as error:
        line = max(error.line, 1) + record.line - 1 if record.line else 0
        reason = error.reason if record.line or not error.line else f"{error.reason} (line {error.line})"
        return Problem(error.code, reason, value=repr(record.raw[:80]), line=line)
    if not isinstance(value, dict):
        return Problem("not-an-object", "the record is no object", value=clip(value))
    return Said(value, zone)


def kept(attributes: Mapping[str, Json]) -> dict[str, Json]:
    """Return the attributes that say something.

    >>> kept({"a": "", "b": [], "c": False, "d": 0})
    {'c': False, 'd': 0}
    """
    return {
        name: value for name, value in attributes.items() if value is not None and value not in ("", [], {})
    }


def plain(value: Any) -> Json:
    """Return a value of somebody's own making as an attribute: texts as they stand, others as JSON without secrets.

    >>> plain({"a": [1], "password": "x"}), plain(2.5)
    ('{"a":[1],"password":"(withheld)"}', 2.5)
    """
    if isinstance(value, (dict, list)):
        return clip(dumps(_shown(value)).decode("utf-8", "replace"), MAX_TEXT)
    return value


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(entry) for entry in value]
    if isinstance(value, dict):
        return table("shown", {str(name): _shown(entry) for name, entry in value.items()}).get("shown", {})
    return clean(value) if isinstance(value, str) else value


def plains(values: Mapping[str, Any]) -> dict[str, Json]:
    """Return such values by name; those that are absent are left out."""
    return {str(name): plain(value) for name, value in values.items() if value is not None}


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _moment(value: object, zone: str) -> Moment:
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        return moment.parse(value.strip(), zone)
    number = math.nan if isinstance(value, (bool, dict, list)) else float(str(value))
    if not math.isfinite(number):
        raise ValueError("not a number")
    if number >= _MICROSECONDS:
        return moment.from_milliseconds(number / 1000)
    return moment.from_milliseconds(number) if number >= _MILLISECONDS else moment.from_seconds(number)
