"""What do MLflow, Prometheus and Marquez show now? Their answers, kept as files and imported like any other file.

The files lie in a folder beside the workspace, with a note of what was asked and whether all of it was answered; the
token is in neither. What was received before an error is kept, and the note then says that it is not complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from lineage import clock
from lineage.errors import CancelledError, QuestionError, UserError
from lineage.fetching_answers import Page, iso, marquez, prometheus
from lineage.fetching_http import Server, checked
from lineage.fetching_mlflow import as_line, poll
from lineage.model.answer import Answer, Item
from lineage.progress import SILENT, Progress, Step
from lineage.workspace import Workspace

SOURCES = {"mlflow-rest": "mlflow-rest", "prometheus": "prometheus", "marquez": "openlineage"}
"""What may be asked, and the source that reads its answers."""

MAX_BYTES = 2 << 30
"""Bytes of all answers of one fetch; what is beyond is not asked for, and the note says so."""

DAY = 86_400_000_000
OVERLAP = 600_000_000
"""Microseconds by which spans overlap: an event may be told later than it happened. Told twice, it changes nothing."""

_WHAT = {"mlflow-rest": "", "prometheus": "monitor", "marquez": "run"}
_SLICE = 0.2


@dataclass(frozen=True, slots=True)
class Asked:
    """What a server is asked.

    Attributes:
        source: one of `SOURCES`.
        queries: for Prometheus, each `METRIC` or `NAME=EXPRESSION`; step: seconds between samples.
        since, until: UTC microseconds; None = a day ago, and now. MLflow shows only what is there now.
        labels: given with the import.
    """

    source: str
    queries: tuple[str, ...] = ()
    step: int = 60
    since: int | None = None
    until: int | None = None
    labels: Mapping[str, str] | None = None


def fetch(
    workspace: Workspace,
    server: Server,
    asked: Asked,
    *,
    progress: Progress = SILENT,
    seen: set[str] | None = None,
) -> Answer:
    """Ask a server once, keep its answers and import them; the items are those of an import.

    `seen` remembers between calls what MLflow answered: the same again is not kept once more. Raises `QuestionError`
    for what cannot be asked, and the error of a server that gave no answer at all; an error after the first answers
    stands as `note` at the note's item.
    """
    if asked.source not in SOURCES:
        raise QuestionError(
            "this source cannot be fetched", where=asked.source, remedy=f"choose one of {', '.join(SOURCES)}"
        )
    checked(server.address)
    present = clock.now()
    until = present if asked.until is None else asked.until
    since = until - DAY if asked.since is None else asked.since
    if since >= until or asked.step < 1:
        raise QuestionError(
            "the span is empty", where=f"{iso(since)} to {iso(until)}", remedy="check --from and --to"
        )
    patient = replace(server, pause=_pausing(progress))
    folder = _folder(workspace.path, asked.source, present)
    kept: list[tuple[Path, tuple[tuple[str, str], ...]]] = []
    complete, said, size, digest = True, "", 0, hashlib.sha256()
    try:
        for number, page in enumerate(_pages(patient, asked, since, until), 1):
            progress.say(Step(f"asking {server.address}, answer {number}", records=number))
            complete = complete and page.whole
            if page.holds:
                kept.append((_write(folder, asked.source, page, kept), page.labels))
                digest.update(_undated(page, asked.source))
            size += len(page.raw)
            if size > MAX_BYTES:
                complete, said = False, f"more than {MAX_BYTES} bytes: the rest was not asked for"
                break
    except UserError as error:
        if not kept:
            raise
        complete, said = False, str(error)
    if seen is not None and asked.source == "mlflow-rest" and complete:
        if digest.hexdigest() in seen:
            for path in {path for path, _ in kept}:
                path.unlink()
            folder.rmdir()
            return Answer([], 0)
        seen.clear()
        seen.add(digest.hexdigest())
    note = _note(folder, server, asked, (since, until, present), complete=complete)
    return _imported(workspace, asked, kept, note, said, progress, complete=complete)


def fetch_every(
    workspace: Workspace,
    server: Server,
    asked: Asked,
    every: float,
    *,
    progress: Progress = SILENT,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Answer]:
    """Ask again and again, `every` so many seconds, until cancelled; each answer goes on where the last one ended.

    What goes wrong is told and tried again the next time, from where it was complete last.
    """
    seen: set[str] = set()
    since = asked.since
    pause = _pausing(progress)
    while True:
        until = clock.now()
        try:
            answer = fetch(
                workspace, server, replace(asked, since=since, until=until), progress=progress, seen=seen
            )
        except QuestionError:
            raise
        except UserError as error:
            tell(f"{error} It is tried again in {every:g} seconds.")
            answer = None
        if answer is not None:
            if all(item.get("complete", True) for item in answer.items):
                since = until - OVERLAP
            yield answer
        if since is None:
            since = until - DAY
        pause(every)


def _pages(server: Server, asked: Asked, since: int, until: int) -> Iterator[Page]:
    if asked.source == "prometheus":
        yield from prometheus(server, list(asked.queries), since, until, asked.step)
    elif asked.source == "marquez":
        yield from marquez(server, since, until)
    else:
        for call in poll(server):
            yield Page(as_line(call), 1, call["status"] in {200, 404})


def _folder(workspace: Path, source: str, present: int) -> Path:
    stamp = iso(present).replace("-", "").replace(":", "")
    parent = workspace.with_name(workspace.name + ".fetched")
    names = (f"{stamp}-{source}" + (f"-{number}" if number else "") for number in count())
    return next(parent / name for name in names if not (parent / name).exists())


def _write(folder: Path, source: str, page: Page, kept: Sequence[tuple[Path, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if source == "mlflow-rest":
        path = folder / "calls.jsonl"
        with path.open("ab") as stream:
            stream.write(page.raw)
        return path
    path = folder / f"answer-{len(kept) + 1:06d}.json"
    path.write_bytes(page.raw)
    return path


def _undated(page: Page, source: str) -> bytes:
    if source != "mlflow-rest":
        return page.raw
    return json.dumps({name: value for name, value in json.loads(page.raw).items() if name != "at"}).encode()


def _note(folder: Path, server: Server, asked: Asked, times: tuple[int, int, int], *, complete: bool) -> Path:
    since, until, present = times
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "fetch.json"
    said = {
        "modeltrail_fetch": 1,
        "server": server.address,
        "source": asked.source,
        "what": _WHAT[asked.source],
        "from": iso(since),
        "to": iso(until),
        "asked_at": iso(present),
        "asked": list(asked.queries),
        "complete": complete,
    }
    path.write_text(json.dumps(said, ensure_ascii=False, indent=1) + os.linesep, "utf-8")
    return path


def _imported(
    workspace: Workspace,
    asked: Asked,
    kept: Sequence[tuple[Path, tuple[tuple[str, str], ...]]],
    note: Path,
    said: str,
    progress: Progress,
    *,
    complete: bool,
) -> Answer:
    """Import files of the same labels together, and the note last: it is true only when they are in."""
    groups: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for path, labels in kept:
        paths = groups.setdefault(labels, [])
        if path not in paths:
            paths.append(path)
    items: list[Item] = []
    for labels, paths in groups.items():
        given = {**dict(labels), **(asked.labels or {})}
        items += workspace.import_(paths, source=SOURCES[asked.source], labels=given, progress=progress).items
    (last,) = workspace.import_([note], source="fetched", progress=progress).items
    items.append({**last, "complete": complete, "note": said})
    return Answer(items, len(items))


def _pausing(progress: Progress) -> Callable[[float], None]:
    """Return what waits and looks all the while whether the person asked to stop."""

    def pause(seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if progress.cancelled():
                raise CancelledError("waiting for the server")
            time.sleep(min(_SLICE, left))

    return pause
