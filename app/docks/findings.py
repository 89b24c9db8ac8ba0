"""What do the facts together call into question?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.answers import AnswerModel, identity_by
from app.models.columns import FINDINGS
from app.tables import AnswerTable

if TYPE_CHECKING:
    from app.session import Session
    from app.settings import Settings
    from lineage.model.answer import Answer


class FindingsDock(QWidget):
    """What needs a person, with both sides.

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
            AnswerModel(FINDINGS, identity_by("code", "subject", "text"), self), "Findings", self
        )
        self.table.set_compact(True)
        self.table.choose_columns(settings.columns("findings"))
        self.table.columnsChanged.connect(lambda keys: settings.set_columns("findings", keys))
        self.table.picked.connect(self.picked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table)
        self.setFocusProxy(self.table)

    def refresh(self) -> None:
        """Ask again."""
        known_at = self._session.dates.known_at
        self._session.ask(
            self, lambda workspace: workspace.findings(known_at=known_at), self._show, key="findings"
        )

    def clear(self) -> None:
        """Show nothing: the workspace was closed."""
        self.table.answers.set_items([])

    def _show(self, answer: Answer) -> None:
        self.table.say_when_empty("Nothing needs a person: the sources agree with one another.")
        self.table.answers.set_items(answer.items)
        self.counted.emit(answer.total)
