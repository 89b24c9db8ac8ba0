"""How does a report become CSV? The primary table, with each row's evidence in the last columns."""

from __future__ import annotations

import csv
import io

from lineage.reports.document import Cell, Report, Row

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report) -> bytes:
    """Return the primary table as UTF-8 CSV with a byte order mark; a cell that a spreadsheet would run is quoted.

    The header of the report stands in its other formats; CSV holds rows only, so that programs can read it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for section in report.sections:
        if section.primary:
            writer.writerow([*(column.name for column in section.columns), "evidence"])
            writer.writerows(
                [*(inert(cell) for cell in row.cells), evidence_text(row)] for row in section.rows
            )
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "backslashreplace")


def inert(cell: Cell) -> Cell:
    """Return `cell` so that no spreadsheet takes it for a formula.

    >>> inert("=HYPERLINK(1)")
    "'=HYPERLINK(1)"
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def evidence_text(row: Row) -> str:
    """Return where the evidence of a row lies: file:line, its SHA-256, one after the other."""
    return " | ".join(f"{place(entry)} sha256:{entry['sha256']}" for entry in row.evidence)


def place(entry: dict[str, object]) -> str:
    """Return file and line (or row) of an evidence reference."""
    return f"{entry['file']}:{entry.get('line') or entry.get('row', '')}"
