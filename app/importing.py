"""How do files get into the workspace while the window stays smooth?

The import is the command line itself in a process of its own: it tells its progress as JSON lines, and to stop it is
to kill it, which loses nothing (DESIGN 2.2).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal, Slot

from lineage.errors import BugError, UserError

BEHIND = "10"
"""By how much an import steps back behind the window (store-performance 6)."""

DONE = (0, 1)
"""Exit statuses of an import that was done; 1 = something needs a person (CONTRACT.md)."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import ended.

    Attributes:
        items: one dict a file, as `modeltrail import --format json` prints them.
        stopped: the person stopped it; what was complete is kept.
    """

    items: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False

    def total(self, name: str) -> int:
        """Return the sum of a counted field over all files."""
        return sum(value for item in self.items if isinstance(value := item.get(name), int))


class ImportProcess(QObject):
    """One import at a time, in a child process.

    Signals:
        progress: doing, done, total, records, problems; `total` 0 = not known.
        finished: with an `Imported`.
        failed: with a `UserError` when it could not be done at all, or a `BugError` when we made a mistake.
    """

    progress = Signal(str, object, object, object, object)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._stopped = False
        self._errors: list[str] = []
        self._partial = b""

    @property
    def running(self) -> bool:
        """True while an import runs."""
        return self._process is not None

    def start(self, workspace: str, paths: Sequence[str], labels: Mapping[str, str] | None = None) -> None:
        """Import `paths` into the workspace file `workspace`."""
        words = ["-m", "lineage", "-w", workspace, "import", *paths, "--progress", "json", "--format", "json"]
        for name, value in (labels or {}).items():
            words += ["--label", f"{name}={value}"]
        self.run(words)

    def run(self, words: Sequence[str]) -> None:
        """Start Python with `words`; the exit status is read as the command line's."""
        self._stopped = False
        self._errors.clear()
        self._partial = b""
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONIOENCODING", "utf-8")
        environment.insert("PYTHONUNBUFFERED", "1")
        environment.insert("MODELTRAIL_NICE", BEHIND)
        process.setProcessEnvironment(environment)
        process.readyReadStandardError.connect(self._read_progress)
        process.finished.connect(self._ended)
        process.errorOccurred.connect(self._broke)
        self._process = process
        process.start(sys.executable, list(words))

    def stop(self) -> None:
        """Stop the import; nothing that was complete is lost."""
        if self._process is not None:
            self._stopped = True
            self._process.kill()

    def close(self) -> None:
        """Stop without telling anybody, and wait until the process is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(5_000)
            process.deleteLater()

    @Slot()
    def _read_progress(self) -> None:
        if self._process is None:
            return
        lines = (self._partial + bytes(self._process.readAllStandardError().data())).split(b"\n")
        self._partial = lines.pop()
        last: dict[str, Any] | None = None
        for line in lines:
            step = _object(line)
            if step is not None and "doing" in step:
                last = step
            elif line.strip():
                self._errors.append(line.decode("utf-8", "replace"))
        if last is not None:
            self.progress.emit(
                str(last.get("doing", "")),
                last.get("done", 0),
                last.get("total", 0),
                last.get("records", 0),
                last.get("problems", 0),
            )

    @Slot(int, QProcess.ExitStatus)
    def _ended(self, status: int, how: QProcess.ExitStatus) -> None:
        process = self._process
        if process is None:
            return
        self._read_progress()
        if self._partial.strip() and _object(self._partial) is None:
            self._errors.append(self._partial.decode("utf-8", "replace"))
        self._process = None
        output = process.readAllStandardOutput().data()
        process.deleteLater()
        if self._stopped:
            self.finished.emit(Imported(stopped=True))
        elif how is QProcess.ExitStatus.NormalExit and status in DONE and not self._broken():
            answer = _object(bytes(output)) or {}
            items = answer.get("items")
            self.finished.emit(Imported(items if isinstance(items, list) else []))
        else:
            self.failed.emit(self._why(status, how))

    @Slot(QProcess.ProcessError)
    def _broke(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            process, self._process = self._process, None
            process.deleteLater()
            self.failed.emit(UserError("the import could not be started", where=process.errorString()))

    def _broken(self) -> bool:
        # Python ends with status 1 for an uncaught exception, which the contract uses as well.
        return any(line.startswith("Traceback (most recent call last)") for line in self._errors)

    def _why(self, status: int, how: QProcess.ExitStatus) -> UserError | BugError:
        said = next((line for line in reversed(self._errors) if line.strip()), "")
        if said and how is QProcess.ExitStatus.NormalExit and status == 2:
            return UserError(said.removeprefix("modeltrail: ").rstrip("."))
        if self._broken():
            return BugError("the import made a mistake:\n" + "\n".join(self._errors))
        return UserError(
            "the import ended unexpectedly",
            where=said or f"exit status {status}",
            remedy="import the same files again; what was complete has been kept",
        )


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
