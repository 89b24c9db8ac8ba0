"""What could not be read, where, and why?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.answers import AnswerModel, identity_by
from app.models.columns import PROBLEMS
from app.tables import AnswerTable

if TYPE_CHECKING:
    from app.session import Session
    from app.settings import Settings
    from lineage.model.answer import Answer

LIMIT = 20_000
"""Rows shown at most; the number there are is always said."""


class ProblemsDock(QWidget):
    """Every record that could not be read whole.

    Signals:
        picked: with the item that is current, or None.
        counted: with how many there are.
    """

    picked = Signal(object)
    counted = Signal(int)

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.table = AnswerTable(
            AnswerModel(PROBLEMS, identity_by("file", "line", "offset", "row", "field", "code"), self),
            "Problems",
            self,
        )
        self.table.set_compact(True)
        self.table.choose_columns(settings.columns("problems"))
        self.table.columnsChanged.connect(lambda keys: settings.set_columns("problems", keys))
        self.table.picked.connect(self.picked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table)
        self.setFocusProxy(self.table)

    def refresh(self) -> None:
        """Ask again."""
        self._session.ask(self, lambda workspace: workspace.problems(limit=LIMIT), self._show, key="problems")

    def clear(self) -> None:
        """Show nothing: the workspace was closed."""
        self.table.answers.set_items([])

    def _show(self, answer: Answer) -> None:
        self.table.say_when_empty("Everything that was imported could be read.")
        self.table.answers.set_items(answer.items)
        self.counted.emit(answer.total)
