"""How does a report become a workbook? One sheet for header and logic, one a table, no live formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lineage.errors import BugError
from lineage.reports.as_csv import evidence_text
from lineage.reports.document import Cell, Form, Report, Row, Section
from lineage.text import display_text

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet


MAX_ROWS = 1_000_000
MAX_TEXT = 32_767
_COVER = 120.0
_ON_ONE_PAGE = 12


@dataclass(frozen=True, slots=True)
class _Forms:
    """How cells are set: headings, short text, long text, numbers."""

    bold: Any
    plain: Any
    wrap: Any
    number: Any


def render(report: Report) -> bytes:
    """Return the workbook's bytes: the same for the same report. Raises `BugError` if a cell could not be written."""
    import xlsxwriter

    body = io.BytesIO()
    book = xlsxwriter.Workbook(
        body, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties(
        {"title": report.title, "created": datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)}
    )
    forms = _Forms(
        book.add_format(
            {"bold": True, "bg_color": "#E8EDF0", "border": 1, "text_wrap": True, "valign": "top"}
        ),
        book.add_format({"valign": "top"}),
        book.add_format({"text_wrap": True, "valign": "top"}),
        book.add_format({"valign": "top", "num_format": "#,##0"}),
    )
    cover = book.add_worksheet("Report")
    cover.set_column(0, 0, 26)
    cover.set_column(1, 1, _COVER)
    cover.hide_gridlines(2)
    said = [("Title", report.title), *report.header, ("How it was made", "\n".join(report.logic))]
    tables = [f"{each.title}: {len(each.rows)} rows. {each.note}".strip() for each in report.sections]
    line = 0
    for name, value in (*said, ("Tables", "\n".join(tables))):
        _put(cover, line, 0, name, forms.bold)
        for part in value.split("\n"):
            _put(cover, line, 1, part, forms.wrap)
            cover.set_row(line, _height([(part, _COVER)]))
            line += 1
    _on_paper(cover)
    for section in report.sections:
        _sheets(book, section, forms)
    book.close()
    return body.getvalue()


def _sheets(book: Any, section: Section, forms: _Forms) -> None:
    parts = [section.rows[at : at + MAX_ROWS] for at in range(0, len(section.rows), MAX_ROWS)] or [()]
    for number, rows in enumerate(parts, 1):
        title = section.title if len(parts) == 1 else f"{section.title} {number}"
        sheet = book.add_worksheet(title[:31])
        shows_evidence = any(row.evidence for row in section.rows)
        titles = _titles(section) + (["Evidence"] if shows_evidence else [])
        widths = [_width(section, place, rows, name) for place, name in enumerate(titles)]
        for place, name in enumerate(titles):
            _put(sheet, 0, place, name, forms.bold)
            sheet.set_column(place, place, widths[place])
        sheet.set_row(0, _height(zip(titles, widths, strict=True)))
        for line, row in enumerate(rows, 1):
            sheet.set_row(line, _height(zip(map(str, row.cells), widths, strict=False)))
            for place, cell in enumerate(row.cells):
                column = section.columns[place]
                wraps = column.wide or column.form is Form.LIST
                number_form = forms.number if column.form is Form.NUMBER else forms.plain
                _put(sheet, line, place, cell, forms.wrap if wraps else number_form)
            if shows_evidence:
                _put(sheet, line, len(section.columns), evidence_text(row), forms.plain)
        if not rows:
            _put(sheet, 1, 0, section.empty, forms.plain)
        sheet.freeze_panes(1, 1 if section.primary else 0)
        sheet.autofilter(0, 0, max(len(rows), 1), len(titles) - 1)
        sheet.repeat_rows(0)
        sheet.repeat_columns(0)
        _on_paper(sheet, whole=len(titles) <= _ON_ONE_PAGE)


def _on_paper(sheet: Worksheet, *, whole: bool = True) -> None:
    """Set a sheet up for A4; `whole`: all columns on one page, as long as that can be read."""
    sheet.set_landscape()
    sheet.set_paper(9)
    if whole:
        sheet.fit_to_pages(1, 0)


def _height(cells: Iterable[tuple[str, float]]) -> float:
    """Return how high a row is for texts in columns so wide; not every program works it out when it opens a file."""
    most = max((-(-len(text) // max(1, int(width) - 2)) for text, width in cells), default=1)
    return 15.0 * max(1, min(most, 20))


def _titles(section: Section) -> list[str]:
    """Return the headings; of two equal ones each also names its group, so that a filter can tell them apart."""
    titles = [column.title for column in section.columns]
    return [
        f"{column.group}: {column.title}" if titles.count(column.title) > 1 and column.group else column.title
        for column in section.columns
    ]


def _width(section: Section, place: int, rows: Sequence[Row], title: str) -> float:
    """Return how wide a column is set: as its longest cell, within what can be read."""
    if place >= len(section.columns):
        return 60
    longest = max((len(str(row.cells[place] or "")) for row in rows[:1000]), default=0)
    return float(max(10, min(len(title) + 4, 24), min(longest + 3, 44)))


def _put(sheet: Worksheet, line: int, place: int, cell: Cell, form: Any) -> None:
    """Write one cell by its type; text never becomes a formula, and what does not fit is said, not lost."""
    if cell is None or cell == "":
        failed = sheet.write_blank(line, place, None, form)
    elif isinstance(cell, bool):
        failed = sheet.write_boolean(line, place, cell, form)
    elif isinstance(cell, (int, float)):
        failed = sheet.write_number(line, place, cell, form)
    else:
        failed = sheet.write_string(line, place, display_text(cell, MAX_TEXT - 40), form)
    if failed:
        raise BugError(f"a cell of the workbook could not be written (row {line}, column {place}: {failed})")
