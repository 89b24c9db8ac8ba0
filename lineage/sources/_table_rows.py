"""Where does each row of a workbook, a Parquet file or a query's result begin, and what do its cells hold exactly?

A row becomes canonical JSON of its cells, with the sheet and row as its place. Of a formula a workbook keeps the value
that was last worked out; that value is taken, the formula stands beside it in the evidence, and it is said so.
"""

from __future__ import annotations

import sqlite3
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from itertools import zip_longest
from typing import Any, BinaryIO, NamedTuple
from xml.etree.ElementTree import ParseError

from lineage import framing
from lineage.model.facts import Json
from lineage.source import Input, Problem, Record
from lineage.sources._csv_rows import spelling
from lineage.sources._sqlite_file import connect, still, why
from lineage.sources._table_mapping import Table
from lineage.text import clip, dumps

LOOKED_THROUGH = 20
"""Rows of a sheet in which the names of the columns are looked for."""

MAX_STEPS = 2_000_000
"""Thousands of steps of SQLite's machine after which a query is stopped: it would never end."""

_LARGEST_BOOK = 1 << 30
_BATCH = 2_048
_BOOK_ERRORS = (
    OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError, NotImplementedError,
    zipfile.BadZipFile, zlib.error, ParseError,
)  # fmt: skip
"""What the reader of workbooks was seen to raise on damaged ones."""

_ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)


class Cells(NamedTuple):
    """A row that is no text: its cells by column, and how a mapping reads them."""

    cells: dict[str, Json]
    tables: tuple[Table, ...]


GridRow = tuple[int, dict[str, Json], dict[str, str]]
"""The number of a row, its cells, and the formulas among them."""


class Grid(NamedTuple):
    """A sheet, a table or a query's result: its name, the names of its columns, and rows with their number.

    Each row is what its cells hold, and the formulas among them by column. `tables`: how a mapping reads the rows.
    """

    place: str
    columns: tuple[str, ...]
    rows: Iterator[GridRow | Problem]
    header: int = 0
    tables: tuple[Table, ...] = ()


def exact(value: Any) -> Json:
    """Return a cell as JSON keeps it without loss: times as ISO 8601, decimals as text, bytes in hexadecimal.

    >>> exact(Decimal("0.10")), exact(datetime(2026, 6, 1, 12)), exact(b"a")
    ('0.10', '2026-06-01T12:00:00', '0x61')
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, timedelta)):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return f"0x{value.hex()}"
    if isinstance(value, dict):
        return {str(name): exact(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(inner) for inner in value]
    return str(value)


def _sound(
    rows: Iterator[GridRow], errors: tuple[type[Exception], ...], code: str, place: str = ""
) -> Iterator[GridRow | Problem]:
    """Pass rows on; where the file breaks off, what came before it is kept and the break is a problem."""
    number = 0
    try:
        for row in rows:
            number = row[0]
            yield row
    except errors as error:
        reason = f"the table cannot be read further: {clip(str(error) or type(error).__name__, 160)}"
        yield Problem(code, reason, line=number, offset=0, row=place)


def row_records(grid: Grid) -> Iterator[Record | Problem]:
    """Yield each row of `grid` as a record, and say of each column once that it holds formulas."""
    told: set[str] = set()
    for row in grid.rows:
        if isinstance(row, Problem):
            yield row
            continue
        number, cells, formulas = row
        if all(value in (None, "") for value in cells.values()):
            continue
        place = f"{grid.place}!{number}" if grid.place else f"row {number}"
        held: dict[str, Json] = {"cells": cells}
        if formulas:
            held["formulas"] = formulas
        yield Record(dumps(held), line=number, row=place, parsed=Cells(cells, grid.tables))
        for column, formula in formulas.items():
            if cells.get(column) is None:
                reason = "the workbook holds no value of this formula; open it, save it, and import it again"
                yield Problem("formula-without-value", reason, column, clip(formula), 0, number, place, False)
            elif column not in told:
                told.add(column)
                reason = (
                    "the column holds formulas; the value last worked out by the spreadsheet program is taken"
                )
                yield Problem("formula", reason, column, clip(formula), 0, number, place, False)


def _stream(given: Input) -> BinaryIO | Problem:
    if given.path is not None:
        return given.open()
    document = framing.whole(given)
    return document if isinstance(document, Problem) else BytesIO(document.raw)


def sheets(given: Input, wanted: Sequence[Table] = (), rows: int = 0) -> Iterator[Grid | Problem]:
    """Yield the sheets of a workbook that `wanted` names (none: all), each with its columns.

    The header is the first row that holds most of the columns wanted, or else the first with two texts. `rows`: at
    most so many of each sheet.
    """
    stream = _stream(given)
    if isinstance(stream, Problem):
        yield stream
        return
    import openpyxl

    with stream, warnings.catch_warnings():
        # The library warns of what it leaves out (styles, validation), which holds no value of a cell.
        warnings.simplefilter("ignore")
        try:
            with zipfile.ZipFile(stream) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > _LARGEST_BOOK:
                    yield Problem("too-large", f"the workbook unpacks to more than {_LARGEST_BOOK} bytes")
                    return
            books = [
                openpyxl.load_workbook(stream, read_only=True, data_only=values, keep_links=False)
                for values in (True, False)
            ]
            names = books[0].sheetnames
            for name in dict.fromkeys(_named(names, wanted)):
                if name not in names:
                    reason = f"there is no such sheet; the workbook has {', '.join(names[:20])}"
                    yield Problem("missing-sheet", reason, "sheet", clip(name))
                    continue
                tables = [table for table in wanted if (table.sheet or names[0]) == name]
                yield _sheet(name, books[0][name], books[1][name], tables, rows)
        except _BOOK_ERRORS as error:
            reason = f"the workbook cannot be read ({clip(str(error) or type(error).__name__, 120)}); save it as .xlsx"
            yield Problem("malformed-workbook", reason)


def _named(names: Sequence[str], wanted: Sequence[Table]) -> list[str]:
    return [table.sheet or names[0] for table in wanted] if wanted else list(names)


def _sheet(name: str, values: Any, formulas: Any, tables: Sequence[Table], rows: int) -> Grid:
    if not hasattr(values, "iter_rows"):
        return Grid(name, (), iter(()))
    for sheet in (values, formulas):
        sheet.reset_dimensions()
    limit = {"max_row": rows + LOOKED_THROUGH} if rows else {}
    both = enumerate(
        zip_longest(values.iter_rows(**limit), formulas.iter_rows(values_only=True, **limit), fillvalue=()), 1
    )
    columns = {spelling(column): column for table in tables for column in table.columns.values()}
    looked: list[tuple[int, tuple[Any, Any]]] = []
    best, most = -1, 0
    for number, pair in both:
        looked.append((number, pair))
        texts = [_text(cell) for cell in pair[0]]
        known = sum(spelling(text) in columns for text in texts) if columns else sum(map(bool, texts))
        if known > most and (columns or known > 1):
            best, most = len(looked) - 1, known
            if not columns:
                break
        if number >= LOOKED_THROUGH or (columns and most == len(columns)):
            break
    if best < 0:
        return Grid(name, (), iter(()))
    header = looked[best]
    titles = [_text(cell) for cell in header[1][0]]
    titles = [columns.get(spelling(title), title) for title in titles]

    def every() -> Iterator[tuple[int, dict[str, Json], dict[str, str]]]:
        for source in (looked[best + 1 :], both):
            for number, (cells, said) in source:
                yield number, *_row(titles, cells, said)

    return Grid(
        name,
        tuple(title for title in titles if title),
        _sound(every(), _BOOK_ERRORS, "malformed-workbook", name),
        header[0],
        tuple(tables),
    )


def _text(cell: Any) -> str:
    return cell.value.strip() if isinstance(cell.value, str) else ""


def _row(
    titles: Sequence[str], cells: Iterable[Any], said: Iterable[Any]
) -> tuple[dict[str, Json], dict[str, str]]:
    held: dict[str, Json] = {}
    formulas: dict[str, str] = {}
    for title, cell, written in zip_longest(titles, cells, said):
        if not title or title in held:
            continue
        value = getattr(cell, "value", None)
        if getattr(cell, "data_type", "") == "e" and value is not None:
            held[title] = {"error": str(value)}
        elif (
            isinstance(value, datetime)
            and value.time() == time()
            and "h" not in str(cell.number_format).lower()
        ):
            held[title] = value.date().isoformat()
        else:
            held[title] = exact(value)
        text = getattr(written, "text", written)
        if isinstance(text, str) and text.startswith("=") and text != value:
            formulas[title] = text
    return held, formulas


def parquet(given: Input, rows: int = 0) -> Iterator[Grid | Problem]:
    """Yield the table of a Parquet file; numbers count its rows from 1."""
    stream = _stream(given)
    if isinstance(stream, Problem):
        yield stream
        return
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    def every(file: Any) -> Iterator[tuple[int, dict[str, Json], dict[str, str]]]:
        number = 0
        for batch in file.iter_batches(batch_size=rows or _BATCH):
            for row in batch.to_pylist():
                number += 1
                yield number, {str(name): exact(value) for name, value in row.items()}, {}
            if rows:
                return

    with stream:
        errors = (ArrowException, OSError, ValueError, KeyError, NotImplementedError)
        try:
            file = ParquetFile(stream)
            rows_ = _sound(every(file), errors, "malformed-parquet")
            yield Grid("", tuple(file.schema_arrow.names), rows_)
        except errors as error:
            yield Problem("malformed-parquet", f"the Parquet file cannot be read: {clip(str(error), 160)}")


def queried(given: Input, statement: str, place: str, rows: int = 0) -> Iterator[Grid | Problem]:
    """Yield what a query finds in somebody's SQLite file, which is opened read-only; only reading is allowed."""
    try:
        with still(given) as path:
            connection = connect(path)
            try:
                connection.set_authorizer(
                    lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
                )
                steps = iter(range(MAX_STEPS))
                connection.set_progress_handler(lambda: next(steps, None) is None, 1_000)
                found = connection.execute(statement)
                columns = tuple(str(column[0]) for column in found.description or ())

                def every() -> Iterator[tuple[int, dict[str, Json], dict[str, str]]]:
                    for number, row in enumerate(found, 1):
                        if rows and number > rows:
                            return
                        yield number, dict(zip(columns, map(exact, row), strict=True)), {}

                yield Grid(
                    place, columns, _sound(every(), (sqlite3.Error, sqlite3.Warning), "bad-query", place)
                )
            finally:
                connection.close()
    except (sqlite3.Error, sqlite3.Warning) as error:
        text = str(error)
        denied = "not authorized" in text or "prohibited" in text
        reason = "a query may only read" if denied else f"the query cannot be run: {clip(text, 160)}"
        if (
            isinstance(error, sqlite3.DatabaseError)
            and not isinstance(error, sqlite3.OperationalError)
            and not denied
        ):
            reason = why(error)
        yield Problem("bad-query", reason, place, clip(statement))
    except OSError as error:
        yield Problem("unreadable", f"the database cannot be read: {error}")


def named_table(name: str) -> str:
    """Return the query for all rows of a table or view.

    >>> named_table('a"b')
    'SELECT * FROM "a""b"'
    """
    quoted = name.replace('"', '""')
    return f'SELECT * FROM "{quoted}"'  # noqa: S608 - quoted, and only reading is allowed
