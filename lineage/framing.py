"""Where does each record of a file begin and end? Lines, JSON values and YAML documents with their exact bytes.

Splitters for the `records` of a source. They stream where the format allows it, give line numbers and byte offsets of
the decompressed file, and turn what is cut, too large or unreadable into a `Problem` with its place.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO

import msgspec

from lineage.source import Input, Problem, Record
from lineage.text import MalformedError, decode, loads

MAX_RECORD = 32 * 1024 * 1024
"""The largest record taken, in bytes: a real event of 240 kB was seen, 50 MB in one line is an accident."""

MAX_DOCUMENT = 256 * 1024 * 1024
"""The largest JSON or YAML file that is read whole, in bytes."""

_CHUNK = 1 << 20
_READ_ERRORS = (EOFError, zlib.error, OSError)
_DOCUMENT_START = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_CONTENT = re.compile(rb"^[ \t]*[^\s#]", re.MULTILINE)


def lines(given: Input) -> Iterator[Record | Problem]:
    """Cut `given` into its non-empty lines; a UTF-8 byte order mark is no part of the first.

    A line above `MAX_RECORD` is one problem that names its length and SHA-256; a compressed file that breaks off
    keeps every whole line before the break and says where it broke.
    """
    with given.open() as stream:
        yield from _lines(stream)


def _lines(stream: BinaryIO) -> Iterator[Record | Problem]:
    offset = 0
    number = 0
    rest = b""
    while True:
        try:
            chunk = stream.read(_CHUNK)
        except _READ_ERRORS as error:
            if rest:
                yield _cut(rest, offset, number + 1)
            yield Problem(
                "cut-file", f"the file breaks off: {error}", offset=offset + len(rest), line=number + 1
            )
            return
        if not chunk:
            break
        if offset == 0 and not rest and chunk.startswith(b"\xef\xbb\xbf"):
            chunk = chunk[3:]
            offset = 3
        block = rest + chunk if rest else chunk
        pieces = block.split(b"\n")
        rest = pieces.pop()
        for piece in pieces:
            number += 1
            if len(piece) > MAX_RECORD:
                yield _too_large(hashlib.sha256(piece).hexdigest(), len(piece), offset, number)
            elif piece and not piece.isspace():
                yield Record(piece, offset, number)
            offset += len(piece) + 1
        if len(rest) > MAX_RECORD:
            number += 1
            digest = hashlib.sha256(rest)
            length = len(rest)
            rest = b""
            ended = False
            while not ended:
                try:
                    chunk = stream.read(_CHUNK)
                except _READ_ERRORS:
                    break
                if not chunk:
                    break
                piece, newline, after = chunk.partition(b"\n")
                digest.update(piece)
                length += len(piece)
                if newline:
                    ended = True
                    rest = after
            yield _too_large(digest.hexdigest(), length, offset, number)
            offset += length + (1 if ended else 0)
            if rest:
                pieces = rest.split(b"\n")
                rest = pieces.pop()
                for piece in pieces:
                    number += 1
                    if piece and not piece.isspace():
                        yield Record(piece, offset, number)
                    offset += len(piece) + 1
    if rest and not rest.isspace():
        yield Record(rest, offset, number + 1)


def _too_large(digest: str, length: int, offset: int, line: int) -> Problem:
    reason = f"a record of {length} bytes is larger than {MAX_RECORD} (its SHA-256 is {digest})"
    return Problem("too-large", reason, offset=offset, line=line)


def _cut(rest: bytes, offset: int, line: int) -> Problem:
    return Problem(
        "cut-record", "the last record is cut off", value=repr(rest[:120]), offset=offset, line=line
    )


def whole(given: Input) -> Record | Problem:
    """Return the whole file as one record, or the problem that it breaks off or is above `MAX_DOCUMENT`."""
    parts: list[bytes] = []
    size = 0
    with given.open() as stream:
        while True:
            try:
                chunk = stream.read(_CHUNK)
            except _READ_ERRORS as error:
                return Problem("cut-file", f"the file breaks off: {error}", offset=size)
            if not chunk:
                return Record(b"".join(parts), 0, 1)
            size += len(chunk)
            if size > MAX_DOCUMENT:
                return Problem("too-large", f"the file is larger than {MAX_DOCUMENT} bytes", offset=0)
            parts.append(chunk)


def json_values(given: Input, *path: str) -> Iterator[Record | Problem]:
    """Cut a JSON file into records: one a line where lines are values, else the items of a list, else the whole.

    The list is the file's own value, or stands under the first of the keys `path` that the file's object has
    (`items`, `Records`, `events`). Items keep their exact bytes and offset.
    """
    first = _peek(given)
    if first is not None and _is_json_line(first):
        yield from lines(given)
        return
    document = whole(given)
    if isinstance(document, Problem):
        yield document
        return
    yield from json_items(document, *path)


def json_items(document: Record, *path: str) -> Iterator[Record | Problem]:
    """Cut one JSON document that may hold a list into the list's items, as `json_values` does."""
    raw = document.raw
    try:
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            decode(raw)
            yield document
            return
        value = msgspec.json.decode(
            raw.removeprefix(b"\xef\xbb\xbf"), type=list[msgspec.Raw] | dict[str, msgspec.Raw]
        )
    except (msgspec.DecodeError, MalformedError, RecursionError, UnicodeDecodeError):
        try:
            loads(raw)
        except MalformedError as error:
            line = document.line + max(error.line - 1, 0)
            yield Problem(error.code, error.reason, line=line, offset=document.offset, value=repr(raw[:80]))
        else:
            yield document
        return
    if isinstance(value, dict):
        key = next((name for name in path if bytes(value.get(name, b""))[:1] == b"["), None)
        if key is None:
            yield document
            return
        items = msgspec.json.decode(value[key], type=list[msgspec.Raw])
        row = f"/{key}"
    else:
        items = value
        row = ""
    position = 0
    counted = 0
    line = document.line or 1
    for number, item in enumerate(items):
        body = bytes(item)
        position = raw.index(body, position)
        line += raw.count(b"\n", counted, position)
        counted = position
        yield Record(body, document.offset + position, line, f"{document.row}{row}/{number}")
        position += len(body)


def yaml_documents(given: Input) -> Iterator[Record | Problem]:
    """Cut a YAML file into its documents (`---`), empty ones left out; JSON is YAML's subset and comes back whole."""
    document = whole(given)
    if isinstance(document, Problem):
        yield document
        return
    raw = document.raw
    starts = [match.start() for match in _DOCUMENT_START.finditer(raw)]
    bounds = [0, *(start for start in starts if start), len(raw)]
    line = 1
    for begin, end in pairwise(bounds):
        body = raw[begin:end]
        content = body[3:] if body.startswith(b"---") else body
        if _CONTENT.search(content):
            yield Record(body, begin, line)
        line += body.count(b"\n")


def _peek(given: Input) -> bytes | None:
    """Return the first line when it is whole within the first MiB; None for a single-line or longer one."""
    with given.open() as stream:
        try:
            head = stream.read(_CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip()
        except _READ_ERRORS:
            return b"{}"
    first, newline, after = head.partition(b"\n")
    return first if newline and after.strip() else None


def _is_json_line(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True
