"""How does a lineage open in a spreadsheet? One edge a line, nothing that would run as a formula."""

from __future__ import annotations

import csv
import io
from typing import Any

from lineage.exports.lineage import Lineage, evidence_text, instant

COLUMNS = (
    "from",
    "to",
    "type",
    "via_run",
    "basis",
    "confidence",
    "rule",
    "valid_from",
    "valid_to",
    "evidence",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(lineage: Lineage) -> bytes:
    """Return the edges as CSV in UTF-8; a text that a spreadsheet would run is preceded by an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for edge in lineage.edges:
        said = edge | {
            "valid_from": instant(edge["valid_from"]),
            "valid_to": instant(edge["valid_to"]),
            "evidence": evidence_text(edge),
        }
        writer.writerow([_cell(said.get(name)) for name in COLUMNS])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
