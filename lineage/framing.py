"""Where does each record of a file begin and end? Lines, JSON values and YAML documents with their exact bytes.

Splitters for the `records` of a source. They stream where the format allows it, give line numbers and byte offsets of
the decompressed file, and turn what is cut, too large or unreadable into a `Problem` with its place. Files in UTF-16
(a redirected command on Windows) are cut as well, into the bytes that stand there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO

import msgspec

from lineage.extents import item_extents, lenient_extents
from lineage.source import Input, Problem, Record
from lineage.text import MalformedError, decode, is_utf16, loads

MAX_RECORD = 32 * 1024 * 1024
"""The largest record taken, in bytes: a real event of 240 kB was seen, 50 MB in one line is an accident."""

MAX_DOCUMENT = 256 * 1024 * 1024
"""The largest JSON or YAML file that is read whole, in bytes."""

_CHUNK = 1 << 20
_MARK = b"\xef\xbb\xbf"
_WHITE = b" \t\r\n"
_READ_ERRORS = (EOFError, OSError)
_DOCUMENT_START = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_CONTENT = re.compile(rb"^[ \t]*[^\s#]", re.MULTILINE)


class _Text:
    """A document as UTF-8, and where each place of that lies in the bytes of the file; asked in rising order."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.wide = is_utf16(raw)
        self.utf8 = decode(raw).encode() if self.wide else raw
        self.start = 0 if self.wide or not raw.startswith(_MARK) else 3
        self._asked = 0
        self._place = 2 if self.wide and raw[:2] in (b"\xff\xfe", b"\xfe\xff") else 0

    def place(self, position: int) -> int:
        """Return the offset in the file's bytes of `position` in the UTF-8."""
        if not self.wide:
            return position
        self._place += len(self.utf8[self._asked : position].decode().encode("utf-16-le"))
        self._asked = position
        return self._place

    def cut(self, begin: int, end: int) -> tuple[bytes, int]:
        """Return the file's bytes from `begin` to `end` of the UTF-8, and their offset."""
        first = self.place(begin)
        return self.raw[first : self.place(end)], first


def lines(given: Input) -> Iterator[Record | Problem]:
    """Cut `given` into its non-empty lines without their ends; a UTF-8 byte order mark is no part of the first.

    A line above `MAX_RECORD` is one problem that names its length and SHA-256; a compressed file that breaks off
    keeps every whole line before the break and says where it broke.
    """
    with given.open() as stream:
        try:
            first = stream.read(_CHUNK)
            if first == _MARK:
                first += stream.read(_CHUNK)
        except _READ_ERRORS as error:
            yield _broken(error, 0, 1)
            return
        if not is_utf16(first):
            yield from _lines(first, stream)
            return
    document = whole(given)
    if isinstance(document, Problem):
        yield document
        return
    try:
        text = _Text(document.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, line=1, offset=0)
        return
    position = 0
    for number, line in enumerate(text.utf8.split(b"\n"), 1):
        if line and not line.isspace():
            end = position + len(line.removesuffix(b"\r"))
            yield _checked(Record(*text.cut(position, end), number))
        position += len(line) + 1


def _lines(chunk: bytes, stream: BinaryIO) -> Iterator[Record | Problem]:
    number = 0
    rest = b""
    offset = 3 if chunk.startswith(_MARK) else 0
    chunk = chunk[offset:]
    while chunk:
        block = rest + chunk if rest else chunk
        if block.isspace():
            # A file of nothing but line ends would otherwise be taken line by line.
            end = block.rfind(b"\n") + 1
            number += block.count(b"\n")
            offset += end
            pieces = [block[end:]]
        else:
            pieces = block.split(b"\n")
        returns = b"\r\n" in block
        rest = pieces.pop()
        for piece in pieces:
            number += 1
            if len(piece) > MAX_RECORD:
                yield _too_large(hashlib.sha256(piece).hexdigest(), len(piece), offset, number)
            elif piece and not piece.isspace():
                yield Record(piece.removesuffix(b"\r") if returns else piece, offset, number)
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
                        yield Record(piece.removesuffix(b"\r"), offset, number)
                    offset += len(piece) + 1
        try:
            chunk = stream.read(_CHUNK)
        except _READ_ERRORS as error:
            if rest:
                yield _cut(rest, offset, number + 1)
            yield _broken(error, offset + len(rest), number + 1)
            return
    if rest and not rest.isspace():
        yield Record(rest.removesuffix(b"\r"), offset, number + 1)


def _too_large(digest: str, length: int, offset: int, line: int, row: str = "") -> Problem:
    reason = f"a record of {length} bytes is larger than {MAX_RECORD} (its SHA-256 is {digest})"
    return Problem("too-large", reason, offset=offset, line=line, row=row)


def _checked(record: Record) -> Record | Problem:
    if len(record.raw) <= MAX_RECORD:
        return record
    digest = hashlib.sha256(record.raw).hexdigest()
    return _too_large(digest, len(record.raw), record.offset, record.line, record.row)


def _cut(rest: bytes, offset: int, line: int) -> Problem:
    return Problem(
        "cut-record", "the last record is cut off", value=repr(rest[:120]), offset=offset, line=line
    )


def _broken(error: Exception, offset: int, line: int) -> Problem:
    return Problem("cut-file", f"the file breaks off: {error}", offset=offset, line=line)


def whole(given: Input) -> Record | Problem:
    """Return the whole file as one record, or the problem that it breaks off or is above `MAX_DOCUMENT`."""
    parts: list[bytes] = []
    size = 0
    with given.open() as stream:
        while True:
            try:
                chunk = stream.read(_CHUNK)
            except _READ_ERRORS as error:
                return _broken(error, size, sum(part.count(b"\n") for part in parts) + 1)
            if not chunk:
                return Record(b"".join(parts), 0, 1)
            size += len(chunk)
            if size > MAX_DOCUMENT:
                return Problem("too-large", f"the file is larger than {MAX_DOCUMENT} bytes", offset=0)
            parts.append(chunk)


def json_values(given: Input, *path: str) -> Iterator[Record | Problem]:
    """Cut a JSON file into records: one a line where lines are values, else the items of a list, else the whole.

    The list is the file's own value, or stands under the first of the keys `path` that the file's object has
    (`items`, `Records`, `events`). Items keep their exact bytes and offset. A file that is no JSON as a whole is cut
    into lines where any of its first lines is an object: one bad line must not take the others with it.
    """
    head = _head(given)
    first, newline, after = head.partition(b"\n")
    if newline and after.strip() and _is_json_line(first):
        yield from lines(given)
        return
    document = whole(given)
    if isinstance(document, Problem):
        problem = document
    else:
        cut = json_items(document, *path)
        item = next(cut, None)
        if not isinstance(item, Problem) or item.code == "too-large":
            if item is not None:
                yield item
            yield from cut
            return
        problem = item
        head = document.raw
    if _is_lines(head):
        yield from lines(given)
    else:
        yield problem


def documents(given: Input, *path: str) -> Iterator[Record | Problem]:
    """Cut a file that is JSON or YAML by its first letter, as `json_values` or `yaml_documents` does."""
    if _head(given)[:1] in {b"{", b"["}:
        yield from json_values(given, *path)
    else:
        yield from yaml_documents(given)


def _is_lines(head: bytes) -> bool:
    """Tell whether any of the first lines is a JSON object by itself, or the first is longer than can be looked at."""
    if is_utf16(head):
        try:
            head = decode(head[: len(head) & ~1]).encode()
        except MalformedError:
            return False
    if b"\n" not in head:
        return len(head) >= _CHUNK
    return any(_is_json_line(line) for line in head.split(b"\n", 100)[:100])


def json_items(document: Record, *path: str) -> Iterator[Record | Problem]:
    """Cut one JSON document that may hold a list into the list's items, as `json_values` does.

    What is wrong inside an item (NaN, half a surrogate pair, a key that stands twice) is left for whoever reads it.
    """
    try:
        text = _Text(document.raw)
        try:
            found = item_extents(text.utf8, text.start, path)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            found = lenient_extents(text.utf8, text.start, path)
    except (ValueError, RecursionError):
        yield _refused(document)
        return
    line = document.line or 1
    if found is None:
        yield _checked(_trimmed(document, text))
        return
    row, extents = found
    if row is None:
        position = extents[0][0]
        line += text.utf8.count(b"\n", 0, position)
        reason = "a key stands twice in the object that holds the list"
        yield Problem("duplicate-key", reason, line=line, offset=document.offset + text.place(position))
        return
    counted = 0
    for number, (begin, end) in enumerate(extents):
        line += text.utf8.count(b"\n", counted, begin)
        counted = begin
        body, offset = text.cut(begin, end)
        yield _checked(Record(body, document.offset + offset, line, f"{document.row}{row}/{number}"))


def _trimmed(document: Record, text: _Text) -> Record:
    """Return the value without the blanks around it: a file of one line holds the same record as one that grew."""
    begin = len(text.utf8) - len(text.utf8[text.start :].lstrip(_WHITE))
    end = len(text.utf8.rstrip(_WHITE))
    body, offset = text.cut(begin, end)
    line = (document.line or 1) + text.utf8.count(b"\n", 0, begin)
    return Record(body, document.offset + offset, line, document.row)


def _refused(document: Record) -> Record | Problem:
    try:
        loads(document.raw)
    except MalformedError as error:
        line = document.line + max(error.line - 1, 0)
        value = repr(document.raw[:80])
        return Problem(error.code, error.reason, line=line, offset=document.offset, value=value)
    return _checked(document)


def yaml_documents(given: Input) -> Iterator[Record | Problem]:
    """Cut a YAML file into its documents (`---`), empty ones left out; JSON is YAML's subset and comes back whole."""
    document = whole(given)
    if isinstance(document, Problem):
        yield document
        return
    try:
        text = _Text(document.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, line=1, offset=0)
        return
    raw = text.utf8
    starts = [match.start() for match in _DOCUMENT_START.finditer(raw)]
    bounds = [0, *(start for start in starts if start), len(raw)]
    line = 1
    for begin, end in pairwise(bounds):
        body = raw[begin:end].removeprefix(_MARK)
        content = body[3:] if body.startswith(b"---") else body
        if _CONTENT.search(content):
            yield _checked(Record(*text.cut(begin, end), line))
        line += raw.count(b"\n", begin, end)


def _head(given: Input) -> bytes:
    """Return the first MiB without its mark and leading blanks, UTF-16 as UTF-8; what there is, when it breaks off."""
    with given.open() as stream:
        try:
            head = stream.read(_CHUNK)
        except _READ_ERRORS:
            return b""
    if is_utf16(head):
        try:
            return decode(head[: len(head) & ~1]).lstrip().encode()
        except MalformedError:
            return b""
    return head.removeprefix(_MARK).lstrip()


def _is_json_line(line: bytes) -> bool:
    if not line.startswith(b"{"):
        return False
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True
