"""Where in the bytes of a JSON document do the items of a list stand?

Asked of the document itself, or of the first list among its members that bears one of the names given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

_SPACE = re.compile(rb"[ \t\r\n]*")
_BLANKS = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_KEY = re.compile(rb'[ \t\r\n]*,?[ \t\r\n]*("(?:[^"\\]|\\.)*")[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
_LENIENT = json.JSONDecoder(parse_int=str)

Extents = tuple[str | None, list[tuple[int, int]]]
"""The pointer of a list (None: a key stands twice, at that place), and where its items begin and end."""


def item_extents(raw: bytes, start: int, path: tuple[str, ...]) -> Extents | None:
    """Return the list of a document and the extents of its items; raises msgspec's errors when it is no sound JSON.

    The object's own keys are walked from its brace on: a list's bytes may well stand in an earlier value, too.
    """
    value = msgspec.json.decode(memoryview(raw)[start:], type=list[msgspec.Raw] | dict[str, msgspec.Raw])
    position = _after(_SPACE, raw, start) + 1
    row = ""
    if isinstance(value, dict):
        places: dict[str, int] = {}
        while found := _KEY.match(raw, position):
            name = msgspec.json.decode(found[1], type=str)
            position = found.end()
            body = value[name]
            if name in places or not raw.startswith(body, position):
                return None, [(found.start(1), position)]
            places[name] = position
            position += len(memoryview(body))
        key = next((name for name in path if raw.startswith(b"[", places.get(name, len(raw)))), None)
        if key is None:
            return None
        row = f"/{key}"
        position = places[key] + 1
        value = msgspec.json.decode(value[key], type=list[msgspec.Raw])
    position = _after(_SPACE, raw, position)
    extents = []
    for number, item in enumerate(value):
        if number:
            position = _after(_COMMA, raw, position)
        end = position + len(memoryview(item))
        extents.append((position, end))
        position = end
    return row, extents


def _after(pattern: re.Pattern[bytes], raw: bytes, position: int) -> int:
    found = pattern.match(raw, position)
    return found.end() if found else position


def lenient_extents(raw: bytes, start: int, path: tuple[str, ...]) -> Extents | None:
    """Do what `item_extents` does, but let pass what Python lets pass; raises `ValueError` if it is no JSON at all."""
    text = raw[start:].decode()
    asked = [0, start]

    def place(position: int) -> int:
        asked[1] += len(text[asked[0] : position].encode())
        asked[0] = position
        return asked[1]

    def entries(position: int, closing: str) -> Iterator[tuple[Any, int, int]]:
        position = _blanks(text, position + 1)
        while not text.startswith(closing, position):
            key = None
            if closing == "}":
                key, position = _LENIENT.raw_decode(text, position)
                position = _blanks(text, position)
                if not isinstance(key, str) or not text.startswith(":", position):
                    raise ValueError("no key")
                position = _blanks(text, position + 1)
            begin = position
            _, position = _LENIENT.raw_decode(text, position)
            yield key, begin, position
            position = _blanks(text, position)
            if text.startswith(",", position):
                position = _blanks(text, position + 1)
            elif not text.startswith(closing, position):
                raise ValueError("no comma")

    position = _blanks(text, 0)
    _, end = _LENIENT.raw_decode(text, position)
    if text[end:].strip(" \t\r\n"):
        raise ValueError("more than one value")
    row = ""
    if text.startswith("{", position):
        places: dict[str, int] = {}
        for key, begin, _ in entries(position, "}"):
            if key in places:
                return None, [(place(begin), place(begin))]
            places[key] = begin
        name = next((name for name in path if text.startswith("[", places.get(name, len(text)))), None)
        if name is None:
            return None
        row = f"/{name}"
        position = places[name]
    elif not text.startswith("[", position):
        return None
    return row, [(place(begin), place(end)) for _, begin, end in entries(position, "]")]


def _blanks(text: str, position: int) -> int:
    found = _BLANKS.match(text, position)
    return found.end() if found else position
