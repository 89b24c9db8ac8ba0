"""What does a report hold, before it has a format?

A report is a header that says what was asked and on which evidence the answer stands, tables of typed cells
whose every row names its evidence, and the completeness statement. Every format is written from the same
object, so they cannot disagree (audit-evidence A3).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from lineage.model.answer import Item
from lineage.text import dumps

Cell = str | int | float | bool | None


class Form(StrEnum):
    """What a column holds, as far as it decides how the column is set; a list is parted by semicolons."""

    TEXT = "text"
    TIME = "time"
    NUMBER = "number"
    CODE = "code"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: for machines; `title`: for people.
        wide: its text is long.
        group: the columns of one group stand below each other on a page, under this heading.
        on_page: false where the page says it elsewhere (beside the evidence).
    """

    name: str
    title: str
    wide: bool = False
    group: str = ""
    form: Form = Form.TEXT
    on_page: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells in the order of the columns, and the evidence records it stands on."""

    cells: tuple[Cell, ...]
    evidence: tuple[Item, ...] = ()

    def item(self, columns: tuple[Column, ...]) -> Item:
        """Return the row by the names of its columns, with its evidence."""
        return {
            **dict(zip((column.name for column in columns), self.cells, strict=True)),
            "evidence": list(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a report.

    Attributes:
        name: a short word, used for sheets and files.
        note: what the reader must know first; `empty`: what an empty table means.
        primary: the table that the report is about, as against those that ride along.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    empty: str = "Nothing is evidenced."
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A report.

    Attributes:
        kind, title: of the report; `header`: names and values in the fixed order of audit-evidence A3,
            the lines of a value parted by line breaks.
        items: the answer's items as they are, for the machine formats.
        logic: how the answer was made, in sentences.
        absent: cells that say that something is not evidenced, in the words used.
    """

    kind: str
    title: str
    header: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    items: tuple[Item, ...] = ()
    logic: tuple[str, ...] = ()
    parameters: Item = field(default_factory=dict)
    absent: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """A hash of parameters, items and tables: the same for every format, another as soon as anything differs."""
        tables = [[section.name, [row.cells for row in section.rows]] for section in self.sections]
        return hashlib.sha256(dumps([self.parameters, self.items, tables])).hexdigest()
