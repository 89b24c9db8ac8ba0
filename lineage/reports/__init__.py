"""How is an answer put into a file that proves it? The kinds of report, and one writer for each format.

The same checkpoint, parameters and version give the same bytes: nothing here reads a clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.audit.view import View
from lineage.errors import QuestionError, UnreadableInputError
from lineage.model.answer import Answer, Item
from lineage.progress import SILENT, Progress, Step
from lineage.reports import (
    as_csv,
    as_html,
    as_json,
    as_pdf,
    as_xlsx,
    changes,
    completeness,
    controls,
    deployments,
    duties,
    impact,
    inventory,
    sample,
)
from lineage.reports.document import Report

Writer = Callable[[Report], bytes]

WRITERS: dict[str, Writer] = {
    "pdf": as_pdf.render,
    "html": as_html.render,
    "xlsx": as_xlsx.render,
    "csv": as_csv.render,
    "json": as_json.render,
}


@dataclass(frozen=True, slots=True)
class ReportKind:
    """A kind of report: its word, its title, the formats it comes in, and what makes it."""

    name: str
    title: str
    formats: tuple[str, ...]
    make: Callable[..., Report]


def kinds() -> tuple[ReportKind, ...]:
    """Return every kind of report there is."""
    made = (
        ("deployments", deployments.TITLE, deployments.make),
        ("completeness", completeness.TITLE, completeness.make),
        ("changes", changes.TITLE, changes.make),
        ("impact", impact.TITLE, impact.make),
        ("duties", duties.TITLE, duties.make),
        ("inventory", inventory.TITLE, inventory.make),
        ("sample", sample.TITLE, sample.make),
        ("controls", controls.TITLE, controls.make),
    )
    return tuple(ReportKind(name, title, tuple(WRITERS), make) for name, title, make in made)


def write(
    view: View,
    kind: str,
    directory: Path,
    *,
    formats: tuple[str, ...] = (),
    since: int | None = None,
    until: int | None = None,
    seed: str = "",
    workspace: dict[str, Any],
    progress: Progress = SILENT,
) -> Answer:
    """Write a report into `directory`, one file a format; each item names a file, its SHA-256 and its number of rows.

    `seed` is what samples are drawn by. Raises `QuestionError` for a kind or format that does not exist,
    `UnreadableInputError` when the folder cannot be written.
    """
    chosen = next((known for known in kinds() if known.name == kind), None)
    if chosen is None:
        names = ", ".join(known.name for known in kinds())
        raise QuestionError("there is no such kind of report", where=kind, remedy=f"choose one of {names}")
    for name in formats:
        if name not in chosen.formats:
            raise QuestionError(
                f"the {kind} report does not come as that",
                where=name,
                remedy=f"choose of {', '.join(chosen.formats)}",
            )
    wanted = formats or chosen.formats
    progress.say(Step(f"{kind} report", 0, len(wanted)))
    report = chosen.make(view, since=since, until=until, workspace=workspace, seed=seed)
    rows = sum(len(section.rows) for section in report.sections if section.primary)
    items: list[Item] = []
    for number, name in enumerate(wanted, 1):
        body = WRITERS[name](report)
        place = directory / f"{kind}.{name}"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            place.write_bytes(body)
        except OSError as error:
            raise UnreadableInputError(
                error.strerror or "the report cannot be written",
                where=str(place),
                remedy="choose a folder that you may write to",
            ) from error
        items.append(
            {
                "file": str(place),
                "sha256": hashlib.sha256(body).hexdigest(),
                "rows": rows,
                "pages": as_pdf.pages(body) if name == "pdf" else None,
                "bytes": len(body),
                "evidence": [],
            }
        )
        progress.say(Step(f"{kind} report", number, len(wanted)))
    return view.answer(items, len(items))
