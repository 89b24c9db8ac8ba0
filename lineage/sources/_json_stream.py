"""Where does each answer begin and end in a file to which a loop of commands printed one JSON value after another?

`for x in ...; do aws ... describe-x; done > all.json` leaves indented values with nothing between them: neither one
value nor one a line. Such a file is cut here; every other form is left to `lineage.framing`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lineage import framing
from lineage.source import Input, Problem, Record
from lineage.text import MalformedError, decode

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[ \t\r\n]*")
_NEXT = re.compile(r"^[{\[]", re.MULTILINE)
_OPENS, _CLOSES = re.compile(rb"^[{\[]", re.MULTILINE), re.compile(rb"^[}\]]", re.MULTILINE)


def values(given: Input, *path: str) -> Iterator[Record | Problem]:
    """Cut a file as `framing.json_values` does, or into the values that follow each other in it."""
    cut = framing.json_values(given, *path)
    first = next(cut, None)
    if first is None:
        return
    if isinstance(first, Problem) and first.code == "malformed-json":
        document = framing.whole(given)
        if isinstance(document, Record) and _several(document.raw):
            yield from _one_by_one(document)
            return
    yield first
    yield from cut


def _several(raw: bytes) -> bool:
    closed = _CLOSES.search(raw)
    return closed is not None and _OPENS.search(raw, closed.end()) is not None


def _one_by_one(document: Record) -> Iterator[Record | Problem]:
    try:
        text = decode(document.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, line=1, offset=0)
        return
    offset = len(document.raw) - len(text.encode()) if document.raw[:3] == b"\xef\xbb\xbf" else 0
    line, position = 1, 0
    while True:
        begin = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
        offset += len(text[position:begin].encode())
        line += text.count("\n", position, begin)
        if begin >= len(text):
            return
        try:
            _, end = _DECODER.raw_decode(text, begin)
        except (ValueError, RecursionError) as error:
            after = _NEXT.search(text, begin + 1)
            end = after.start() if after else len(text)
            reason = f"no JSON value stands here: {error}"
            yield Problem("malformed-json", reason, value=text[begin : begin + 80], offset=offset, line=line)
        else:
            yield Record(text[begin:end].encode(), offset, line)
        offset += len(text[begin:end].encode())
        line += text.count("\n", begin, end)
        position = end
