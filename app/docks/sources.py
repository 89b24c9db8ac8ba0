"""What was imported, and what was looked at at all? None found is not the same as not looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from app.models.answers import AnswerModel, identity_by
from app.models.columns import COVERAGE, IMPORTS
from app.tables import AnswerTable

if TYPE_CHECKING:
    from app.session import Session
    from app.settings import Settings
    from lineage.model.answer import Answer


class SourcesDock(QWidget):
    """Imported files, and coverage.

    Signals:
        picked: with `import` or `coverage` and the item that is current, or None.
        covered: with the coverage items, for the status bar.
    """

    picked = Signal(str, object)
    covered = Signal(list)

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.imports = AnswerTable(
            AnswerModel(IMPORTS, identity_by("batch", "file"), self), "Imported files", self
        )
        self.coverage = AnswerTable(
            AnswerModel(COVERAGE, identity_by("source", "scope", "what"), self),
            "Coverage of the sources",
            self,
        )
        self.tabs = QTabWidget(self)
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.coverage, "Coverage")
        self.tabs.addTab(self.imports, "Imported files")
        for kind, table in (("import", self.imports), ("coverage", self.coverage)):
            table.set_compact(True)
            table.choose_columns(settings.columns(kind))
            table.columnsChanged.connect(lambda keys, kind=kind: settings.set_columns(kind, keys))
            table.picked.connect(lambda item, kind=kind: self.picked.emit(kind, item))
        self.imports.say_when_empty("Nothing was imported yet.")
        self.coverage.say_when_empty("Nothing was imported yet, so nothing was looked at.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tabs)
        self.setFocusProxy(self.tabs)

    def refresh(self) -> None:
        """Ask again."""
        known_at = self._session.dates.known_at
        self._session.ask(self, lambda workspace: workspace.imports(), self._show_imports, key="imports")
        self._session.ask(
            self, lambda workspace: workspace.coverage(known_at=known_at), self._show_coverage, key="coverage"
        )

    def clear(self) -> None:
        """Show nothing: the workspace was closed."""
        self.imports.answers.set_items([])
        self.coverage.answers.set_items([])

    def _show_imports(self, answer: Answer) -> None:
        files: list[dict[str, Any]] = []
        for batch in answer.items:
            for file in batch.get("files") or []:
                at = batch.get("finished_at") or batch.get("started_at")
                files.append(
                    {**file, "batch": batch.get("batch"), "imported_at": at, "labels": batch.get("labels")}
                )
        self.imports.answers.set_items(files)

    def _show_coverage(self, answer: Answer) -> None:
        self.coverage.answers.set_items(answer.items)
        self.covered.emit(answer.items)
