"""How does a report become a printed document? Typst sets the pages in a child process, from text, never markup.

PDF/A-2b and PDF/UA-1, with our own fonts. What a font has no sign for is shown by its number. A table that is long is
cut, and says so with the SHA-256 of the file that holds all of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from lineage.errors import BugError, UnreadableInputError
from lineage.model.answer import Item
from lineage.reports import as_csv
from lineage.reports.as_csv import place
from lineage.reports.as_html import headings, lines
from lineage.reports.document import Report, Row, Section
from lineage.text import display_text

MOST_ROWS = 2_000
"""Rows of a table that are printed, about 200 pages (audit-evidence C: 30,000 rows would take 7.6 GB)."""

LONGEST = 500
"""Characters of a cell that are printed."""

MOST_CITED = 12
"""Records that one printed row names, the first; CSV and JSON name all of them."""

MOST_SECONDS = 600
_TOKEN = re.compile(r"[!-~]{17,}")
_CODE = re.compile(r"[!-~]{9,}")
_PIECE = 4
_COUNT = re.compile(rb"/Type\s*/Pages\b[^>]*?/Count (\d+)|/Count (\d+)[^>]*?/Type\s*/Pages\b")


def render(report: Report) -> bytes:
    """Return the document's bytes: the same for the same report.

    Raises `UnreadableInputError` when the pages could not be made in the time and memory there is.
    """
    with tempfile.TemporaryDirectory(prefix="modeltrail-") as made:
        folder = Path(made)
        (folder / "report.json").write_text(json.dumps(_told(report)), "utf-8")
        with as_file(files("resources").joinpath("templates/report.typ")) as template:
            shutil.copyfile(template, folder / "report.typ")
        with as_file(files("resources").joinpath("fonts")) as fonts:
            _run(folder, fonts)
        return (folder / "report.pdf").read_bytes()


def pages(body: bytes) -> int | None:
    """Return how many pages a document of ours has; None where it does not say so in the clear."""
    found = [int(first or second) for first, second in _COUNT.findall(body)]
    return max(found, default=None)


def _run(folder: Path, fonts: Path) -> None:
    program = Path(__file__).with_name("typesetting.py")
    try:
        ended = subprocess.run(
            [sys.executable, "-P", str(program), str(folder), str(fonts)],
            capture_output=True,
            timeout=MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnreadableInputError(
            f"the pages of the PDF were not made in {MOST_SECONDS} seconds",
            where="pdf",
            remedy="ask for a shorter period, or for xlsx or csv, which hold every row",
        ) from None
    if ended.returncode:
        said = ended.stderr.decode("utf-8", "replace").strip()
        if "ModuleNotFoundError" in said:
            raise UnreadableInputError(
                "the PDF needs the package typst, which is not installed here",
                where="pdf",
                remedy="install it, or ask for html, xlsx, csv or json",
            )
        if "MemoryError" in said or ended.returncode < 0 or "allocation" in said:
            raise UnreadableInputError(
                "the pages of the PDF need more memory than they may take",
                where="pdf",
                remedy="ask for a shorter period, or for xlsx or csv, which hold every row",
            )
        raise BugError(f"the pages of the PDF could not be set: {said[-600:]}")


def _told(report: Report) -> dict[str, Any]:
    """Return what the template is given: text in pieces between which a line may break."""
    proof: dict[str, Item] = {}
    sections = [_section(report, section, proof) for section in report.sections]
    return {
        "title": shown(report.title),
        "id": report.id,
        "program": shown(dict(report.header).get("Program", "")),
        "header": [
            [name, [pieces(part, 4_000) for part in value.split("\n")]] for name, value in report.header
        ],
        "sections": sections,
        "logic": [pieces(sentence, 4_000) for sentence in report.logic],
        "evidence": [
            {
                "number": number,
                "place": pieces(place(entry)),
                "sha256": pieces(str(entry["sha256"])),
                "imported": str(entry["imported_at"]),
            }
            for number, entry in sorted(proof.items(), key=lambda pair: (len(pair[0]), pair[0]))
        ],
    }


def _section(report: Report, section: Section, proof: dict[str, Item]) -> dict[str, Any]:
    heads = headings(section)
    rows = section.rows[:MOST_ROWS]
    cells = [
        [
            [
                {
                    "label": shown(line.label),
                    "text": pieces(line.text, 2 * LONGEST, _CODE if "code" in line.style else _TOKEN),
                    "style": line.style,
                    "bold": head.style == "stack",
                }
                for line in lines(section, row, head, report.absent, LONGEST)
            ]
            for head in heads
        ]
        for row in rows
    ]
    return {
        "title": f"{section.title} ({len(section.rows):,})",
        "note": pieces(section.note, 4_000) if section.note else [],
        "empty": pieces(section.empty, 4_000),
        "cut": pieces(_cut(report, section), 4_000) if len(section.rows) > len(rows) else [],
        "heads": [head.title for head in heads],
        "numbers": [head.style == "number" for head in heads],
        "widths": [
            _width(head.title, (line for row in cells for line in row[number]))
            for number, head in enumerate(heads)
        ],
        "cites": any(row.evidence for row in rows),
        "rows": [
            {"cells": listed, "cited": _cited(row, proof), "more": _more(row)}
            for row, listed in zip(rows, cells, strict=True)
        ],
    }


def _cut(report: Report, section: Section) -> str:
    """Say that a table is cut, and which file holds all of it."""
    said = f"This document shows the first {MOST_ROWS:,} of {len(section.rows):,} rows."
    if not section.primary:
        return f"{said} The workbook (xlsx) and the JSON hold all of them."
    digest = hashlib.sha256(as_csv.render(report)).hexdigest()
    return f"{said} The file {report.kind}.csv holds all of them; its SHA-256 is {digest}."


def _cited(row: Row, proof: dict[str, Item]) -> list[str]:
    """Return the records that a row is printed with; of a row that stands on very many the first."""
    every = {str(entry["record"]): entry for entry in row.evidence}
    for number in list(every)[:MOST_CITED]:
        proof.setdefault(number, every[number])
    return list(every)[:MOST_CITED]


def _more(row: Row) -> str:
    more = len({entry["record"] for entry in row.evidence}) - MOST_CITED
    return f"and {more:,} more, all named in the CSV and JSON" if more > 0 else ""


def _width(title: str, found: Iterable[dict[str, Any]]) -> int:
    """Return how wide a column is set, relative to the others: as its longer lines, within bounds."""
    lengths = sorted(len(line["label"]) + sum(map(len, line["text"])) for line in found)
    usual = lengths[int(len(lengths) * 0.9)] if lengths else 1
    return max(min(len(title) + 3, 16), min(usual, 34), 7)


def shown(text: str, limit: int = LONGEST) -> str:
    r"""Return `text` as the fonts can show it: hidden and missing signs by their number, a long one cut.

    >>> shown("a\U0001f9ea")
    'a⟨U+1F9EA⟩'
    """
    visible = display_text(text, limit)
    if visible.isascii():
        return visible
    return "".join(sign if _covered(ord(sign)) else f"⟨U+{ord(sign):04X}⟩" for sign in visible)


def pieces(text: str, limit: int = LONGEST, token: re.Pattern[str] = _TOKEN) -> list[str]:
    """Return `text` as it may be shown, in pieces between which a line may break; copied text stays whole.

    >>> pieces("sha256 0123456789abcdef0")
    ['sha256 0123', '4567', '89ab', 'cdef', '0']
    """
    broken: list[str] = []
    rest, end = shown(text, limit), 0
    for found in token.finditer(rest):
        word = found[0]
        broken.append(rest[end : found.start()] + word[:_PIECE])
        broken += [word[at : at + _PIECE] for at in range(_PIECE, len(word), _PIECE)]
        end = found.end()
    if rest[end:]:
        broken.append(rest[end:])
    return broken or [""]


@cache
def _ranges() -> tuple[list[int], list[int]]:
    """Return first and last numbers of the signs that the fonts have, as their folder lists them."""
    words = files("resources").joinpath("fonts/coverage.txt").read_text("ascii").split()
    bounds = [(first, last or first) for first, _, last in (word.partition("-") for word in words)]
    return [int(first, 16) for first, _ in bounds], [int(last, 16) for _, last in bounds]


def _covered(number: int) -> bool:
    first, last = _ranges()
    at = bisect_right(first, number) - 1
    return at >= 0 and number <= last[at]
