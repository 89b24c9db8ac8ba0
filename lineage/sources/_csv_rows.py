"""Where does each row of a list that a person keeps begin and end, and which column is which?

Comma, semicolon, tab or bar; UTF-8 with or without a mark, or UTF-16; cells over several lines; a row keeps its exact
bytes, its offset and the line it begins on. The header is a record of its own, so that the evidence holds what makes
the rows readable, and travels with every row in `Record.parsed`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lineage import framing
from lineage.source import Filtered, Input, Problem, Record
from lineage.text import MalformedError, clip

DELIMITERS = ",;\t|"

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_TEXT_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_SEPARATOR = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_UNIT = re.compile(r"(.+?)\s*[\[(]([^\])]+)[\])]")
_SPACES = re.compile(r"[\W_]+")
_LEADING = 5


class Header(NamedTuple):
    """The columns of a list.

    Attributes:
        names: the cells of the header as written; `columns`: what each is, empty where it is not known.
        units: the unit that stands in brackets in a header cell (`target [ms]`), by column.
        delimiter: the character between cells.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    units: Mapping[str, str]
    delimiter: str

    @property
    def doubled(self) -> tuple[str, ...]:
        """The known columns that stand twice."""
        known = [column for column in self.columns if column]
        return tuple(dict.fromkeys(column for column in known if known.count(column) > 1))


class Row(NamedTuple):
    """What the splitter knows of a row."""

    header: Header
    cells: tuple[str, ...]


class _Line(NamedTuple):
    raw: bytes
    text: str
    offset: int
    number: int
    bad: str = ""


def header_of(line: str, synonyms: Mapping[str, str]) -> Header:
    """Return the header that `line` is, by the delimiter that makes most known columns of it.

    `synonyms` gives the column of each spelling, in small letters with single spaces.

    >>> header_of("Dienst;Valid from", {"dienst": "service", "valid from": "since"}).columns
    ('service', 'since')
    """
    best = Header((), (), {}, ",")
    for delimiter in DELIMITERS:
        try:
            names = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        columns, units = _columns(names, synonyms)
        if sum(map(bool, columns)) > sum(map(bool, best.columns)):
            best = Header(tuple(names), tuple(columns), units, delimiter)
    return best


def _columns(names: Sequence[str], synonyms: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return what each cell of a header is; of two spellings of one column the more usual one has it."""
    ranks = {name: rank for rank, name in enumerate(synonyms)}
    columns: list[str] = []
    units: dict[str, str] = {}
    best: dict[str, int] = {}
    for name in names:
        # On a cell of 64 KiB, which no header has, the search for a unit would take a minute.
        found = _UNIT.fullmatch(name.strip()) if len(name) <= 200 else None
        plain = spelling(name)
        if plain not in synonyms and found is not None:
            plain = spelling(found[1])
            if plain in synonyms:
                units[synonyms[plain]] = found[2].strip()
        column = synonyms.get(plain, "")
        rank = ranks.get(plain, 0)
        before = best.setdefault(column, rank)
        if column and rank > before:
            column = ""
        elif column and rank < before:
            columns = ["" if other == column else other for other in columns]
            best[column] = rank
        columns.append(column)
    return columns, units


def spelling(name: str) -> str:
    """Return a header cell in small letters with single spaces.

    >>> spelling(" Valid_From ")
    'valid from'
    """
    return _SPACES.sub(" ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip().lower()


def first_header(text: str, synonyms: Mapping[str, str]) -> Header | None:
    """Return the header among the first lines of `text` that hold anything, None when there is none."""
    if text[:1] in {"{", "["}:
        # Every file is looked at by every list's reader, and most are JSON.
        return None
    lines = text.splitlines(keepends=True)
    place = 0
    tried = 0
    while place < len(lines) and tried < _LEADING:
        line = lines[place]
        if not line.strip() or line.startswith("#"):
            place += 1
            continue
        taken = _header_lines(lines[place:])
        header = header_of("".join(lines[place : place + taken]), synonyms)
        if any(header.columns):
            return header
        if not _SEPARATOR.fullmatch(line):
            return None
        place += 1
        tried += 1
    return None


def _header_lines(lines: Sequence[str]) -> int:
    """Return how many lines a header takes: a cell in quotes may go over several."""
    quotes = 0
    for taken, line in enumerate(lines[:_LEADING], start=1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return taken
    return 1


def rows(given: Input, synonyms: Mapping[str, str]) -> Iterator[Record | Problem]:
    """Cut a list into its header and its rows; blank lines and lines of `#` above the header are left out.

    A row whose quotes never close, or that is not text, is a problem; the reading goes on at the next line.
    """
    document = framing.whole(given)
    if isinstance(document, Problem):
        yield document
        return
    lines = list(_lines(document.raw))
    header: Header | None = None
    place = 0
    while place < len(lines):
        line = lines[place]
        if not line.text.strip() and not line.bad:
            place += 1
            continue
        if header is None:
            if line.text.startswith("#") or _SEPARATOR.fullmatch(line.text):
                place += 1
                continue
            taken = _header_lines([after.text for after in lines[place : place + _LEADING]])
            held = lines[place : place + taken]
            place += taken
            header = header_of("".join(part.text for part in held), synonyms)
            yield Record(b"".join(part.raw for part in held), line.offset, line.number)
            if not any(header.columns):
                reason = "the first row names no column that is known"
                yield Problem(
                    "unknown-header", reason, value=clip(line.text), offset=line.offset, line=line.number
                )
                return
            for column in header.doubled:
                reason = f"two columns say the {column}; rows in which they differ are not read"
                names = " / ".join(
                    name for name, known in zip(header.names, header.columns, strict=True) if known == column
                )
                yield Problem(
                    "duplicate-header", reason, column, clip(names), line.offset, line.number, fatal=False
                )
            continue
        taken, found = _row(lines, place, header)
        yield found
        place += taken


def _row(lines: Sequence[_Line], place: int, header: Header) -> tuple[int, Record | Problem]:
    """Return how many lines the row that begins at `place` takes, and the row."""
    first = lines[place]
    taken = 0

    def texts() -> Iterator[str]:
        nonlocal taken
        for line in lines[place:]:
            if line.bad:
                raise MalformedError("bad-encoding", line.bad)
            taken += 1
            yield line.text

    try:
        cells = next(csv.reader(texts(), delimiter=header.delimiter, strict=True))
    except MalformedError as error:
        return 1, Problem(
            error.code, error.reason, value=clip(repr(first.raw)), offset=first.offset, line=first.number
        )
    except csv.Error as error:
        unclosed = "unexpected end" in str(error) or "larger than" in str(error)
        code, reason = (
            ("unclosed-quote", "a quote is opened and never closed")
            if unclosed
            else (
                "malformed-row",
                f"the row cannot be cut into cells: {error}",
            )
        )
        return 1, Problem(
            code, reason, value=clip(first.text.strip()), offset=first.offset, line=first.number
        )
    raw = b"".join(line.raw for line in lines[place : place + taken])
    return taken, Record(raw, first.offset, first.number, parsed=Row(header, tuple(cells)))


def _lines(raw: bytes) -> Iterator[_Line]:
    """Cut bytes into lines with their text, places counted in the bytes of the file."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16-le" if raw[:2] == b"\xff\xfe" else "utf-16-be"
        offset = 2
        for number, found in enumerate(_TEXT_LINE.finditer(raw[2:].decode(encoding, "replace")), start=1):
            body = found[0].encode(encoding, "replace")
            yield _Line(body, found[0], offset, number)
            offset += len(body)
        return
    start = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    for number, match in enumerate(_LINE.finditer(raw, start), start=1):
        body = match[0]
        try:
            yield _Line(body, body.decode(), match.start(), number)
        except UnicodeDecodeError as error:
            bad = f"byte {match.start() + error.start} (0x{body[error.start]:02x}) is not UTF-8; save the list as UTF-8"
            yield _Line(body, "", match.start(), number, bad)


def cells_of(row: Row) -> dict[str, str]:
    """Return the cells of a row by their column; raises `MalformedError` when the row cannot be trusted.

    More cells than columns mean an unquoted delimiter, so no cell can be trusted; missing cells at the end are empty.
    """
    header, cells = row
    if len(cells) > len(header.columns) and any(cell.strip() for cell in cells[len(header.columns) :]):
        raise MalformedError(
            "too-many-cells", f"the row has {len(cells)} cells for {len(header.columns)} columns"
        )
    said: dict[str, str] = {}
    for column, cell in zip(header.columns, cells, strict=False):
        text = cell.strip()
        if not column or not text:
            continue
        if said.setdefault(column, text) != text:
            raise MalformedError("duplicate-header", f"two columns say the {column}, and differ")
    return said


def said_in(record: Record) -> dict[str, str] | Problem | Filtered:
    """Return the cells of a row by their column, or why a record says nothing: the header, an empty or a broken row."""
    row = record.parsed
    if not isinstance(row, Row):
        return Filtered("header")
    try:
        said = cells_of(row)
    except MalformedError as error:
        return Problem(error.code, error.reason, value=clip(" | ".join(row.cells)))
    return said or Filtered("empty")
