"""Which workspace is open, at which dates is it looked at, and has it changed?

Every question a widget has goes through `Session.ask`: it runs away from the main thread, for the workspace that is
open at that moment, and its answer is dropped when another one has been opened meanwhile.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.tasks import Cancel, Tasks

if TYPE_CHECKING:
    from lineage.workspace import Workspace

Result = TypeVar("Result")
WATCH_EVERY = 5_000
"""Milliseconds between two looks at whether another process has changed the workspace."""


@dataclass(frozen=True, slots=True)
class Dates:
    """The two times everything is shown at: valid time and recorded time, ISO 8601 in UTC; None = now."""

    as_of: str | None = None
    known_at: str | None = None

    @property
    def past(self) -> bool:
        """True when either is set."""
        return self.as_of is not None or self.known_at is not None


class Session(QObject):
    """The open workspace.

    Signals:
        opened: with the path, when questions can be asked.
        closed: when no more can be.
        changed: the data changed, or the dates did: ask again.
        refused: with the path and the error, when a workspace could not be opened.
    """

    opened = Signal(str)
    closed = Signal()
    changed = Signal()
    refused = Signal(str, object)

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._workspace: Workspace | None = None
        self._opening = ""
        self._generation = -1
        self.dates = Dates()
        self._watch = QTimer(self, interval=WATCH_EVERY)
        self._watch.timeout.connect(self.look)

    @property
    def path(self) -> str:
        """The path of the open workspace; empty when none is."""
        return str(self._workspace.path) if self._workspace is not None else ""

    @property
    def is_open(self) -> bool:
        """True when questions can be asked."""
        return self._workspace is not None

    @property
    def note(self) -> str:
        """Why nothing can be imported here, for people; empty otherwise."""
        return self._workspace.note if self._workspace is not None else ""

    def open(self, path: str | Path, *, create: bool = False) -> None:
        """Open the workspace at `path` in the background, closing the one that is open."""
        self.close()
        self._opening = wanted = str(path)

        def work(_cancel: Cancel) -> tuple[Workspace, int]:
            # Loaded here and not in the main thread: the canvas will want it.
            importlib.import_module("numpy")
            from lineage.workspace import Workspace

            workspace = Workspace.open(Path(wanted), create=create)
            return workspace, workspace.generation()

        def done(result: tuple[Workspace, int]) -> None:
            workspace, generation = result
            if self._opening != wanted or self._workspace is not None:
                workspace.close()
                return
            self._workspace, self._generation = workspace, generation
            self._opening = ""
            self._watch.start()
            self.opened.emit(wanted)

        def failed(error: BaseException) -> None:
            if self._opening == wanted:
                self._opening = ""
            self.refused.emit(wanted, error)

        self._tasks.change(self, work, done, failed=failed)

    def close(self) -> None:
        """Close the workspace once the questions under way have ended; their answers are dropped."""
        self._opening = ""
        workspace, self._workspace = self._workspace, None
        if workspace is None:
            return
        self._watch.stop()
        self.dates = Dates()
        waiting = self._tasks.pending()
        self._tasks.cancel_queries()

        def work(_cancel: Cancel) -> None:
            wait(waiting)
            workspace.close()

        self._tasks.change(self, work, lambda _: None)
        self.closed.emit()

    def ask(
        self,
        owner: QObject,
        question: Callable[[Workspace], Result],
        done: Callable[[Result], None],
        *,
        key: str = "",
        failed: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Ask the open workspace; `done` gets the answer in the main thread. Nothing happens when none is open."""
        workspace = self._workspace
        if workspace is None:
            return
        self._tasks.query(owner, lambda _: question(workspace), done, key=key, failed=failed)

    def do(
        self,
        owner: QObject,
        work: Callable[[Workspace], Result],
        done: Callable[[Result], None],
        *,
        failed: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Change the open workspace, one change after the other; afterwards every view asks again."""
        workspace = self._workspace
        if workspace is None:
            return

        def finished(result: Result) -> None:
            done(result)
            self.look()

        self._tasks.change(owner, lambda _: work(workspace), finished, failed=failed)

    def look_at(self, dates: Dates) -> None:
        """Show everything as it was at these dates."""
        if dates != self.dates:
            self.dates = dates
            self.changed.emit()

    def hold(self, on: bool) -> None:
        """Do not look for changes for a while; afterwards they are looked for at once."""
        if on:
            self._watch.stop()
        elif self._workspace is not None and not self._watch.isActive():
            self._watch.start()
            self.look()

    def look(self) -> None:
        """See whether the data changed, by us or by another process, and say so."""

        def done(generation: int) -> None:
            if generation != self._generation:
                self._generation = generation
                self.changed.emit()

        self.ask(self, lambda workspace: workspace.generation(), done, key="generation")
