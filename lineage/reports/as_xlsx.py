"""How does a report become a workbook? One sheet for header and logic, one a table, no live formula."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lineage.errors import BugError
from lineage.reports.as_csv import evidence_text
from lineage.reports.document import Cell, Report, Section
from lineage.text import display_text

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

MAX_ROWS = 1_000_000
MAX_TEXT = 32_767


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
    bold = book.add_format(
        {"bold": True, "bg_color": "#E8EDF0", "border": 1, "text_wrap": True, "valign": "top"}
    )
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    plain = book.add_format({"valign": "top"})
    cover = book.add_worksheet("Report")
    cover.set_column(0, 0, 26)
    cover.set_column(1, 1, 110)
    for number, (name, value) in enumerate(report.header):
        _put(cover, number, 0, name, bold)
        _put(cover, number, 1, value, wrap)
    start = len(report.header) + 1
    _put(cover, start, 0, "How it was made", bold)
    for number, sentence in enumerate(report.logic):
        _put(cover, start + number, 1, sentence, wrap)
    for section in report.sections:
        _sheets(book, section, bold, plain, wrap)
    book.close()
    return body.getvalue()


def _sheets(book: Any, section: Section, bold: Any, plain: Any, wrap: Any) -> None:
    parts = [section.rows[at : at + MAX_ROWS] for at in range(0, len(section.rows), MAX_ROWS)] or [()]
    for number, rows in enumerate(parts, 1):
        title = section.title if len(parts) == 1 else f"{section.title} {number}"
        sheet = book.add_worksheet(title[:31])
        shows_evidence = any(row.evidence for row in section.rows)
        titles = [column.title for column in section.columns] + (["Evidence"] if shows_evidence else [])
        for place, name in enumerate(titles):
            _put(sheet, 0, place, name, bold)
            wide = place >= len(section.columns) or section.columns[place].wide
            sheet.set_column(place, place, 44 if wide else max(14, min(24, len(name) + 4)))
        for line, row in enumerate(rows, 1):
            for place, cell in enumerate(row.cells):
                _put(sheet, line, place, cell, wrap if section.columns[place].wide else plain)
            if shows_evidence:
                _put(sheet, line, len(section.columns), evidence_text(row), plain)
        if not rows:
            _put(sheet, 1, 0, section.empty, plain)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(rows), 1), len(titles) - 1)


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
