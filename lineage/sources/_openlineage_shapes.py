"""How is one facet decoded, and what is it that stops it?

A facet of the wrong shape is a problem with its field and value and is left out; the rest of the event stands. What
reads a facet gives attributes: plain JSON values, without passwords, with None where a facet was deleted (`_deleted`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from lineage.model.facts import Json
from lineage.source import Problem
from lineage.text import MalformedError, clip, loads

REMEMBERED: Final = 4_096
"""How many different facets of a kind are remembered at once."""

OF_ONE_JOB: Final = 8
"""How many different outputs and parents of one job are remembered."""

LONGEST: Final = 32 * 1024
"""Facets above this many bytes are read anew each time, so that what is remembered stays small."""

TEXT_LIMIT: Final = 2_000
ANY = dict[str, Any]

_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_USER_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
_SECRET_IN_URL = re.compile(r"(?i)([?&;][^=&;]*(?:passw|secret|token|sig|key|credential)[^=&;]*=)[^&;\s]*")
_PIECES = msgspec.json.Decoder(dict[str, msgspec.Raw])

_T = TypeVar("_T")
_K = TypeVar("_K")
_V = TypeVar("_V")


class Facet(msgspec.Struct, gc=False):
    """What every facet may carry."""

    deleted: bool | None = msgspec.field(default=None, name="_deleted")


class Tag(msgspec.Struct, gc=False):
    """One tag of a dataset, a column of it, a job or a run."""

    key: str
    value: Any = None
    field: str | None = None


class Tags(Facet):
    """The facet `tags`."""

    tags: list[Tag] | None = None


class Reader(NamedTuple):
    """How one facet is read into attributes; `names`: those that a deleted facet declares absent."""

    decoder: msgspec.json.Decoder[Any]
    read: Callable[[Any], dict[str, Json]]
    names: tuple[str, ...]


def reader(shape: Any, read: Callable[[Any], dict[str, Json]], *names: str) -> Reader:
    """Return how a facet of that shape is read."""
    return Reader(msgspec.json.Decoder(shape), read, names)


def attributes(known: Reader, raw: bytes, where: str) -> dict[str, Json] | Problem:
    """Return what one facet says in attributes."""
    facet = take(known.decoder, raw, where)
    if isinstance(facet, Problem):
        return facet
    gone = facet.get("_deleted") if isinstance(facet, dict) else facet.deleted
    return dict.fromkeys(known.names) if gone is True else known.read(facet)


def holdable(value: Json) -> Any:
    """Return `value` with integers beyond 64 bits as text, as `lineage.text` reads them: no database holds them."""
    if type(value) is int and not -(2**63) <= value < 2**63:
        return str(value)
    if isinstance(value, dict):
        return {name: holdable(inner) for name, inner in value.items()}
    return [holdable(inner) for inner in value] if isinstance(value, list) else value


def pieces(raw: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """Return the facets of an object by name; raises `msgspec.DecodeError` when it is none."""
    return _PIECES.decode(raw)


def take(decoder: msgspec.json.Decoder[_T], raw: bytes | msgspec.Raw, where: str) -> _T | Problem:
    """Return the decoded facet, or the problem that it has not the shape it must have.

    Raises `msgspec.DecodeError` for a text that no text can hold; such a record is read again by `lineage.text`.
    """
    body = bytes(raw)
    refuse_nul(body)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        return _wrong(body, where, str(error))
    except RecursionError:
        return Problem("too-deep", "the facet is nested too deeply", where, cut(body), fatal=False)


def refuse_nul(raw: bytes) -> None:
    """Raise `msgspec.DecodeError` when a text holds NUL: databases cannot, and `lineage.text` makes it visible."""
    if b"\\" in raw and b"\\u0000" in raw:
        raise msgspec.DecodeError("a text holds NUL")


def keep(memory: dict[_K, _V], key: _K, value: _V, size: int, limit: int = REMEMBERED) -> None:
    """Remember what was read from `size` bytes, unless they are many; a full memory begins anew."""
    if size <= LONGEST:
        if len(memory) >= limit:
            memory.clear()
        memory[key] = value


def cut(raw: bytes) -> str:
    """Return the beginning of `raw` as text, for the value of a problem."""
    return clip(raw[:400].decode("utf-8", "replace"))


def _wrong(raw: bytes, where: str, message: str) -> Problem:
    found = _PLACE.search(message)
    path = found.group(1) if found else ""
    reason = message[: found.start()] if found else message
    missing = _MISSING.match(reason)
    if missing:
        place = ".".join(part for part in (where, path, missing.group(1)) if part)
        return Problem("missing-field", "the field is missing", place, fatal=False)
    place = ".".join(part for part in (where, path) if part)
    return Problem("bad-type", reason[:1].lower() + reason[1:], place, _value_at(raw, path), fatal=False)


def _value_at(raw: bytes, path: str) -> str:
    """Return the value that msgspec's `path` names; where it says `...` (any key), what holds it."""
    try:
        value = loads(raw)
    except MalformedError:
        return cut(raw)
    for name, index in _STEP.findall(path):
        if index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            break
    return clip(value)


def without_secrets(url: str) -> str:
    """Return the address without the user, password or token in it.

    >>> without_secrets("postgres://shop:pw@db:5432/shop?sslkey=abc&x=1")
    'postgres://db:5432/shop?sslkey=***&x=1'
    """
    return _SECRET_IN_URL.sub(r"\1***", _USER_IN_URL.sub("", url))


def masked(name: str) -> bool:
    """Tell whether a producer's secret masker has overwritten the name (Airflow: owner `***`, sources-ops 1)."""
    return "***" in name


def tags(facet: Tags) -> dict[str, Json]:
    """Return the tags of the thing, and apart from them those of its columns."""
    whole: dict[str, Json] = {}
    columns: dict[str, dict[str, Json]] = {}
    for tag in facet.tags or ():
        if tag.key != "openlineage_client_version":
            (columns.setdefault(tag.field, {}) if tag.field else whole)[tag.key] = tag.value
    return ({"tags": whole} if whole else {}) | ({"column_tags": columns} if columns else {})


def words(*names: str, under: str = "") -> Callable[[dict[str, Any]], dict[str, Json]]:
    """Return a reader that keeps those words of a facet, under one attribute or as they are."""
    keep_words = named(**{name: name for name in names})

    def read(facet: dict[str, Any]) -> dict[str, Json]:
        said = keep_words(facet)
        return {under: said} if under and said else said

    return read


def named(**fields: str) -> Callable[[dict[str, Any]], dict[str, Json]]:
    """Return a reader that keeps those fields of a facet under the names given."""

    def read(facet: dict[str, Any]) -> dict[str, Json]:
        return {
            name: without_secrets(value) if isinstance(value, str) else value
            for name, field in fields.items()
            if (value := facet.get(field)) not in (None, "", [], {})
        }

    return read
