"""How does a report become a page? One file, no script, nothing loaded from anywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from lineage.reports.as_csv import place
from lineage.reports.document import Cell, Column, Form, Report, Row, Section
from lineage.text import display_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Template

_LONGEST = 4_000
_SHORT = 30
"""A text up to so many characters is not broken into lines."""

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?Z)")


@dataclass(frozen=True, slots=True)
class Line:
    """One value within a cell of the page: a label unless it is the first, and how it is set."""

    label: str
    text: str
    style: str


@dataclass(frozen=True, slots=True)
class Heading:
    """One column of the page, of one or more columns of the table."""

    title: str
    columns: tuple[int, ...]
    style: str


def headings(section: Section) -> list[Heading]:
    """Return the columns of the page: those of one group become one, those without any value none."""
    found: dict[str, list[int]] = {}
    for number, column in enumerate(section.columns):
        if column.on_page:
            found.setdefault(column.group or column.title, []).append(number)
    return [
        Heading(title, tuple(numbers), _style(section.columns[numbers[0]], grouped=len(numbers) > 1))
        for title, numbers in found.items()
        if any(row.cells[number] not in ("", None) for row in section.rows for number in numbers)
    ]


def _style(column: Column, *, grouped: bool) -> str:
    if column.form is Form.NUMBER:
        return "number"
    return "stack" if grouped else "wide" if column.wide else ""


def lines(
    section: Section, row: Row, heading: Heading, absent: frozenset[str], limit: int = _LONGEST
) -> Iterator[Line]:
    """Yield what stands in one cell of the page, the most important first, each cut to `limit` characters."""
    for number in heading.columns:
        column, cell = section.columns[number], row.cells[number]
        if cell in ("", None):
            continue
        style = "none" if cell in absent else "flag" if column.name == "flags" else str(column.form)
        first = number == heading.columns[0]
        label = "" if first or column.name == "action" else column.title
        parts = str(cell).split("; ") if column.form is Form.LIST else [_text(cell, column)]
        for part in parts:
            text = shown(part, limit)
            short = " short" if len(text) <= _SHORT and column.form is not Form.CODE else ""
            yield Line(label, text, style + (" first" if first else "") + short)


def _text(cell: Cell, column: Column) -> str:
    text = f"{cell:,}" if isinstance(cell, int) and column.form is Form.NUMBER else str(cell)
    return _ISO.sub(r"\1 \2", text) if column.form is Form.TIME else text


def shown(value: object, limit: int = _LONGEST) -> str:
    """Return a text as it may be shown: without characters that hide or reorder others."""
    return display_text(str(value), limit)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = shown
    environment.filters["place"] = place
    environment.globals["headings"] = headings
    environment.globals["lines"] = lines
    return environment.from_string(files("resources").joinpath("templates/report.html").read_text("utf-8"))


def render(report: Report) -> bytes:
    """Return the page; every text from outside is escaped and shown without hidden characters."""
    return _template().render(report=report).encode("utf-8", "backslashreplace")
