"""Which things does a selector mean? One grammar for the command line, search, views and reports (CONTRACT.md).

    a, b            union            a & b           both
    a, -b           without          x..y            what lies between
    +x   x+         upstream, downstream             2+x+1   so many hops
    name  kind:k  ns:n  env:e  source:s  tag:k=v  owner:o     * ? glob
    'quoted names'  "with spaces"

A name is looked for as it stands, then as the end of a longer name (`customer_daily` finds `features/customer_daily`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lineage.errors import QuestionError
from lineage.model.vocabulary import Kind

_HOPS_UP = re.compile(r"(\d*)\+(?=.)")
_HOPS_DOWN = re.compile(r"(?<=.)\+(\d*)$")
FILTERS = ("kind", "ns", "env", "source", "tag", "owner", "id")


@dataclass(frozen=True, slots=True)
class Name:
    """A thing by its name, or many by a glob."""

    text: str
    glob: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Things with a property: `kind:model`, `tag:team=fraud`."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Things with what lies up- and downstream of them; None = all the way, 0 = not in that direction."""

    of: Selector
    up: int | None = 0
    down: int | None = 0


@dataclass(frozen=True, slots=True)
class Path:
    """What lies between two selections."""

    begin: Selector
    end: Selector


@dataclass(frozen=True, slots=True)
class Both:
    """What is in every part."""

    parts: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """What is in one of the parts, without what is in one of `without`."""

    parts: tuple[Selector, ...]
    without: tuple[Selector, ...] = ()


Selector = Name | Filter | Reach | Path | Both | Any


def parse(text: str) -> Selector:
    """Return what `text` selects; raises `QuestionError` that points at the place it cannot read.

    >>> parse("2+churn+ & kind:model")
    Both(parts=(Reach(of=Name(text='churn', glob=False), up=2, down=None), Filter(field='kind', value='model')))
    >>> parse("kind:model, -tag:team=ops")
    Any(parts=(Filter(field='kind', value='model'),), without=(Filter(field='tag', value='team=ops'),))
    """
    parts: list[Selector] = []
    without: list[Selector] = []
    for piece in _split(text, ","):
        body, negative = (piece[1:].strip(), True) if piece.startswith("-") else (piece, False)
        if not body:
            raise QuestionError(
                "a part of the selector is empty", where=text, remedy="write a name between the commas"
            )
        ands = _split(body, "&")
        if any(not part for part in ands):
            raise QuestionError(
                "a part of the selector is empty", where=text, remedy="write a name beside each &"
            )
        read = tuple(_term(part, text) for part in ands)
        (without if negative else parts).append(read[0] if len(read) == 1 else Both(read))
    if not parts and not without:
        raise QuestionError("the selector is empty", remedy="write a name, or kind:model, or *")
    if not parts:
        parts.append(Name("*", glob=True))
    return parts[0] if len(parts) == 1 and not without else Any(tuple(parts), tuple(without))


def _split(text: str, separator: str) -> list[str]:
    pieces = [""]
    quote = ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
            pieces[-1] += character
        elif character in "'\"":
            quote = character
            pieces[-1] += character
        elif character == separator:
            pieces.append("")
        else:
            pieces[-1] += character
        if place == len(text) - 1 and quote:
            raise QuestionError(
                "a quotation mark is not closed", where=f"{text} (from character {text.rindex(quote) + 1})"
            )
    return [piece.strip() for piece in pieces]


def _term(text: str, whole: str) -> Selector:
    begin, dots, end = _unquoted_partition(text, "..")
    if dots:
        if not begin or not end:
            raise QuestionError("x..y needs a name on both sides", where=whole)
        return Path(_term(begin, whole), _term(end, whole))
    up: int | None = 0
    down: int | None = 0
    match = _HOPS_UP.match(text)
    if match:
        up = int(match[1]) if match[1] else None
        text = text[match.end() :]
    match = _HOPS_DOWN.search(text)
    if match:
        down = int(match[1]) if match[1] else None
        text = text[: match.start()]
    base = _base(text.strip(), whole)
    return Reach(base, up, down) if up != 0 or down != 0 else base


def _unquoted_partition(text: str, separator: str) -> tuple[str, str, str]:
    quote = ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif text.startswith(separator, place):
            return text[:place].strip(), separator, text[place + len(separator) :].strip()
    return text, "", ""


def _base(text: str, whole: str) -> Selector:
    if not text:
        raise QuestionError("a name is missing", where=whole)
    if text[0] in "'\"" and text[-1] == text[0] and len(text) > 1:
        return Name(text[1:-1])
    field, colon, value = text.partition(":")
    if colon and field in FILTERS and not value.startswith("//"):
        value = value.strip("'\"")
        if field == "kind" and value not in set(Kind):
            kinds = ", ".join(Kind)
            raise QuestionError("there is no such kind", where=value, remedy=f"choose one of {kinds}")
        if field == "tag" and "=" not in value:
            raise QuestionError("a tag is written tag:key=value", where=text)
        return Filter(field, value)
    return Name(text, glob="*" in text or "?" in text)
