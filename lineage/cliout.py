"""How is an answer written to a terminal, a pipe or a file?"""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from lineage.clishow import shown
from lineage.clitable import cut
from lineage.progress import Progress, Step
from lineage.text import display_text

if TYPE_CHECKING:
    from lineage.model.answer import Answer

_FORMULA = ("=", "+", "-", "@", "\t", "\r")

FIELDS = {
    "import": "file source format read accepted duplicate filtered rejected problems bytes sha256 seconds",
    "sources": "name format status facts",
    "problems": "file line offset field value reason code",
    "entities": "id kind namespace name display aliases first_seen last_seen ended attributes",
    "trace": "from to type via_run basis confidence rule valid_from valid_to",
    "deployments": "id action outcome target platform environment cluster namespace endpoint models deployed_at"
    " ended_at ended_by actor actor_kind deployed_by identity_chain effective_identity on_behalf_of approved_by"
    " approved_at change_ref reason replaces image_digest resources sla flags",
    "live": "target platform environment model model_version uri models since deployed_by sla candidates",
    "events": "at type subject actor person outcome detail",
    "runs": "run_id job state started_at ended_at actor code inputs outputs problems",
    "sla": "name target subject window_from window_to value coverage met method budget_left episodes",
    "checks": "at dataset check column verdict severity value unit run",
    "compare": "change what subject before after at actor person",
    "exposure": "dataset model model_version target served_from served_to path",
    "suspects": "rank score what at path why",
    "findings": "code severity subject text sides",
    "report": "file sha256 rows pages",
    "paths": "path step id",
    "identity": "id action one other who why at holds undone_by confidence",
}
"""The fields that CONTRACT.md promises for an item: the first columns of CSV, also of an empty one."""


def write_answer(answer: Answer, form: str, out: TextIO, verb: str = "") -> None:
    """Write `answer` as `json`, `csv` or `table`; what the output's encoding does not hold is written as an escape."""
    encoding = getattr(out, "encoding", None) or "utf-8"
    if form == "json":
        # JSON is UTF-8 (RFC 8259, 8.1); into any other encoding, and for half a surrogate pair, only ASCII is safe.
        text = json.dumps(answer.to_dict(), ensure_ascii=False, indent=2) + "\n"
        if encoding.lower().replace("-", "") != "utf8" or not _fits(text, encoding):
            text = json.dumps(answer.to_dict(), ensure_ascii=True, indent=2) + "\n"
    elif form == "csv":
        text = as_csv(answer, verb)
    else:
        text = shown(answer, verb, shutil.get_terminal_size((140, 40)).columns)
    if not _fits(text, encoding):
        text = text.replace("…", "~").encode(encoding, "backslashreplace").decode(encoding)
    out.write(text)
    out.flush()


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def as_csv(answer: Answer, verb: str = "") -> str:
    """Return the items as CSV with a header: nested values as JSON, nothing that a spreadsheet would run as a formula.

    A lineage is written edge by edge, paths step by step.

    >>> from lineage.model.answer import Answer
    >>> print(as_csv(Answer([{"name": "=1+1", "n": 2}], 1)), end="")
    name,n
    '=1+1,2
    """
    items = answer.items
    if verb == "trace":
        items = [edge for item in items for edge in item["edges"]]
    elif verb == "paths":
        items = [
            {"path": number, "step": step, "id": thing}
            for item in items
            for number, path in enumerate(item["paths"], 1)
            for step, thing in enumerate(path)
        ]
    promised = FIELDS.get(verb, "").split()
    if items:
        promised = [name for name in promised if any(name in item for item in items)]
    columns = list(dict.fromkeys([*promised, *(name for item in items for name in item)]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for item in items:
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
            text = cut(f"{share} {display_text(step.doing)}", shutil.get_terminal_size((80, 24)).columns - 1)
            _say(f"\r\x1b[K{text}")

    try:
        yield Progress(report)
    finally:
        if form == "bar" and last:
            _say("\r\x1b[K")


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
