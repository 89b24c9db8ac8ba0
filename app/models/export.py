"""How are rows written to a file that other programs read? CSV, JSON, XLSX; whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PySide6.QtCore import QIODevice, QSaveFile

from lineage.errors import UserError


def write_rows(path: str, csv: str, table: Sequence[Sequence[str]], items: Sequence[object]) -> int:
    """Write rows in the format that the suffix of `path` names and return how many; raises `UserError`.

    Args:
        path: `.csv`, `.json` or `.xlsx`.
        csv: the rows as CSV with their header.
        table: the header and the rows as text, for the workbook.
        items: the rows as the answer gave them, for JSON.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".json":
        content = json.dumps(items, ensure_ascii=False, indent=2).encode()
    elif suffix == ".xlsx":
        content = _workbook(table)
    elif suffix == ".csv":
        # The mark tells Excel that it is UTF-8.
        content = b"\xef\xbb\xbf" + csv.encode()
    else:
        raise UserError(
            "the name does not say a format", where=path, remedy="let it end in .csv, .json or .xlsx"
        )
    file = QSaveFile(path)
    if not file.open(QIODevice.OpenModeFlag.WriteOnly) or file.write(content) < 0 or not file.commit():
        raise UserError(
            "the file cannot be written", where=f"{path}: {file.errorString()}", remedy="choose another place"
        )
    return len(items)


def _workbook(table: Sequence[Sequence[str]]) -> bytes:
    import xlsxwriter

    with TemporaryDirectory(prefix="modeltrail-") as folder:
        path = Path(folder) / "rows.xlsx"
        # Text from outside stays text: nothing is run as a formula, followed as a link or read as a number.
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(str(path), options) as book:
            sheet = book.add_worksheet("Register")
            bold = book.add_format({"bold": True, "bottom": 1})
            for row, cells in enumerate(table):
                for column, text in enumerate(cells):
                    sheet.write_string(row, column, text, bold if row == 0 else None)
            sheet.freeze_panes(1, 0)
            if table:
                sheet.autofilter(0, 0, max(1, len(table) - 1), max(0, len(table[0]) - 1))
                for column in range(len(table[0])):
                    widest = max(len(cells[column]) for cells in table[:200])
                    sheet.set_column(column, column, min(60, max(10, widest + 2)))
        return path.read_bytes()
