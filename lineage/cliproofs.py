"""Which verbs let others check us, and how are they asked? Verify, checkpoint, anchor, seal, export, pack."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace as Arguments
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage.cliout import progress_on_stderr
from lineage.errors import QuestionError

EXPORTS = ("prov", "cyclonedx", "openlineage", "graphml", "csv")
"""What `--format` means of an export: the file's format; the answer itself is then JSON or a table."""

if TYPE_CHECKING:
    from lineage.model.answer import Answer
    from lineage.workspace import Workspace


def add(verb: Callable[..., ArgumentParser]) -> None:
    """Add the verbs; `verb` takes name, meaning and example."""
    made = verb(
        "verify",
        "recompute everything from the recorded bytes up, or check an evidence pack; exit status 1 when it was changed",
        "-w audit.trail verify --format table\n  modeltrail verify pack.zip",
    )
    made.add_argument(
        "file", nargs="?", default="", metavar="FILE.zip", help="a pack; the workspace itself when left out"
    )
    made = verb(
        "pack",
        "write an evidence pack: a report, its data, the records cited, proofs, and what checks them without us",
        "-w audit.trail pack -o 2026-h1.zip --from 2026-01-01 --to 2026-07-01",
        options=("span",),
    )
    made.add_argument("-o", "--output", required=True, metavar="FILE.zip", help="the pack to write")
    made.add_argument("--kind", default="deployments", metavar="KIND", help="which report; see report --list")
    made = verb(
        "checkpoint",
        "write a note of the log's size and root, to be kept elsewhere",
        "-w audit.trail checkpoint -o 2026-06-30.note",
    )
    made.add_argument("-o", "--output", default="", metavar="FILE", help="where to write the note")
    made = verb(
        "anchor",
        "keep a note that was kept elsewhere, or an RFC 3161 reply about one, and hold the log against it",
        "-w audit.trail anchor 2026-06-30.note",
    )
    made.add_argument("file", metavar="FILE", help="a note, or the .tsr of a time-stamping service")
    made = verb(
        "seal", "write a compact read-only copy and say its SHA-256", "-w audit.trail seal -o 2026-h1.trail"
    )
    made.add_argument("-o", "--output", required=True, metavar="FILE", help="the copy; must not be there yet")
    made = verb(
        "export",
        "write a lineage as PROV-JSON, CycloneDX ML-BOM, OpenLineage, GraphML or CSV",
        "-w audit.trail export 'churn 12' --format cyclonedx -o churn.cdx.json",
        "SELECTOR",
        options=("as-of", "known-at"),
        formats=EXPORTS,
    )
    made.add_argument("-o", "--output", required=True, metavar="FILE", help="the file to write")


def _export(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    form, given.format = given.format, None
    if form not in EXPORTS:
        raise QuestionError("no format is named", remedy=f"give --format {', '.join(EXPORTS)}")
    answer = workspace.export(given.selector, given.output, form, as_of=given.as_of, known_at=given.known_at)
    return answer, 0


def _pack(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    with progress_on_stderr(given.progress) as progress:
        answer = workspace.pack(given.output, given.kind, given.since, given.until, progress=progress)
    return answer, int(any(item["failed"] for item in answer.items))


def _verify(workspace: Workspace | None, given: Arguments) -> tuple[Answer, int]:
    if workspace is None:
        from lineage.packing import verify_pack

        answer = verify_pack(Path(given.file))
        return answer, int(any(item["failed"] for item in answer.items))
    with progress_on_stderr(given.progress) as progress:
        answer = workspace.verify(progress=progress)
    return answer, int(any(item["failed"] for item in answer.items))


def _checkpoint(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    return workspace.checkpoint(given.output), 0


def _anchor(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    answer = workspace.anchor(given.file)
    return answer, int(not all(item["holds"] for item in answer.items))


def _seal(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    return workspace.seal(given.output), 0


ASK: dict[str, Callable[[Any, Arguments], tuple[Answer, int]]] = {
    "verify": _verify,
    "checkpoint": _checkpoint,
    "anchor": _anchor,
    "seal": _seal,
    "export": _export,
    "pack": _pack,
}
