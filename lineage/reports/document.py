"""What does a report hold, before it has a format?

A report is a header that says what was asked and on which evidence the answer stands, tables of typed cells
whose every row names its evidence, and the completeness statement. Every format is written from the same
object, so they cannot disagree (audit-evidence A3).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lineage.model.answer import Item

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `name` for machines, `title` for people, `wide` where its text is long."""

    name: str
    title: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells in the order of the columns, and the evidence records it stands on."""

    cells: tuple[Cell, ...]
    evidence: tuple[Item, ...] = ()


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
        kind, title: of the report; `header`: names and values in the fixed order of audit-evidence A3.
        items: the answer's items as they are, for the machine formats.
        logic: how the answer was made, in sentences.
    """

    kind: str
    title: str
    header: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    items: tuple[Item, ...] = ()
    logic: tuple[str, ...] = ()
    parameters: Item = field(default_factory=dict)
