"""How is an answer written to a terminal, a pipe or a file?"""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from lineage.progress import Progress, Step
from lineage.text import display_text

if TYPE_CHECKING:
    from lineage.model.answer import Answer

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HIDDEN_IN_TABLES = frozenset(
    {"evidence", "id", "aliases", "_text", "identity_chain", "attributes", "detail"}
)


def write_answer(answer: Answer, form: str, out: TextIO) -> None:
    """Write `answer` as `json`, `csv` or `table`."""
    if form == "json":
        out.write(json.dumps(answer.to_dict(), ensure_ascii=False, indent=2) + "\n")
    elif form == "csv":
        out.write(as_csv(answer))
    else:
        out.write(as_table(answer, shutil.get_terminal_size((140, 40)).columns))


def as_csv(answer: Answer) -> str:
    """Return the items as CSV with a header: nested values as JSON, nothing that a spreadsheet would run as a formula.

    >>> from lineage.model.answer import Answer
    >>> print(as_csv(Answer([{"name": "=1+1", "n": 2}], 1)), end="")
    name,n
    '=1+1,2
    """
    columns = list(dict.fromkeys(name for item in answer.items for name in item))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for item in answer.items:
        writer.writerow([_csv_cell(item.get(name)) for name in columns])
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def as_table(answer: Answer, width: int) -> str:
    """Return the items as aligned columns for a terminal `width` cells wide, with how many are shown of how many."""
    lines = []
    items = answer.items
    if len(items) == 1 and {"nodes", "edges"} <= items[0].keys():
        items = items[0]["edges"]
    columns = [
        name
        for name in dict.fromkeys(name for item in items for name in item)
        if name not in _HIDDEN_IN_TABLES and any(item.get(name) not in (None, "", [], {}) for item in items)
    ]
    if len(items) == 1:
        lines = [f"{name:>20}  {display_text(_cell(value), 2000)}" for name, value in items[0].items()]
    elif columns:
        cells = [[_cut(display_text(_cell(item.get(name))), 48) for name in columns] for item in items]
        sizes = [
            max(_cells(name), *(_cells(row[place]) for row in cells)) for place, name in enumerate(columns)
        ]
        for row in [columns, *cells]:
            line = "  ".join(_pad(text, size) for text, size in zip(row, sizes, strict=True))
            lines.append(_cut(line.rstrip(), width))
    complete = "" if answer.complete else ", not complete"
    lines.append(f"({answer.shown} of {answer.total}{complete})")
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        if {"not_before", "not_after"} == value.keys():
            return f"{value['not_before'] or '…'} .. {value['not_after'] or '…'}"
        return ", ".join(f"{name}={_cell(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return "; ".join(_cell(inner) for inner in value)
    return str(value)


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _pad(text: str, size: int) -> str:
    return text + " " * (size - _cells(text))


def _cut(text: str, size: int) -> str:
    if _cells(text) <= size:
        return text
    while text and _cells(text) > size - 1:
        text = text[:-1]
    return text + "…"


@contextmanager
def progress_on_stderr(form: str | None) -> Iterator[Progress]:
    """Give a progress that writes to stderr: JSON lines, a bar, or nothing; at most ten times a second."""
    if form is None:
        form = "bar" if sys.stderr.isatty() else "none"
    last = 0.0

    def report(step: Step) -> None:
        nonlocal last
        present = time.monotonic()
        if present - last < 0.1 and step.done < step.total:
            return
        last = present
        if form == "json":
            said = {
                "doing": step.doing,
                "done": step.done,
                "total": step.total,
                "records": step.records,
                "problems": step.problems,
            }
            _say(json.dumps(said) + "\n")
        elif form == "bar":
            share = f"{100 * step.done // step.total:3d} %" if step.total else "     "
            text = _cut(f"{share} {display_text(step.doing)}", shutil.get_terminal_size((80, 24)).columns - 1)
            _say(f"\r\x1b[K{text}")

    try:
        yield Progress(report)
    finally:
        if form == "bar" and last:
            _say("\r\x1b[K")


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
