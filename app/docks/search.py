"""Which things have these words in their names? Results with a facet for each kind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QListWidgetItem, QSplitter, QVBoxLayout, QWidget

from app.models.answers import AnswerModel, identity_by
from app.models.columns import ENTITIES, kind_icon, kind_word
from app.models.look import icon
from app.models.wording import Item, counted, number
from app.tables import AnswerTable

if TYPE_CHECKING:
    from app.session import Session
    from app.settings import Settings
    from lineage.model.answer import Answer
    from lineage.workspace import Workspace

LIMIT = 2_000
TYPING = 180
"""Milliseconds without a key after which the search is asked."""


class SearchDock(QWidget):
    """Words above, kinds with their counts in the middle, results below.

    Signals:
        picked: with the thing that is current, or None.
        opened: with the thing that was activated.
    """

    picked = Signal(object)
    opened = Signal(object)

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._items: list[Item] = []
        self.words = QLineEdit(self)
        self.words.setClearButtonEnabled(True)
        self.words.setPlaceholderText("Search all things by name")
        self.words.setAccessibleName("Search all things by name")
        self._typing = QTimer(self, singleShot=True, interval=TYPING)
        self._typing.timeout.connect(self.refresh)
        self.words.textChanged.connect(lambda _: self._typing.start())
        self.words.returnPressed.connect(self.refresh)
        self.kinds = QListWidget(self)
        self.kinds.setAccessibleName("Kinds")
        self.kinds.setIconSize(QSize(16, 16))
        self.kinds.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.kinds.itemSelectionChanged.connect(self._narrow)
        self.table = AnswerTable(AnswerModel(ENTITIES, identity_by("id"), self), "Things found", self)
        self.table.set_compact(True)
        self.table.choose_columns(settings.columns("entities"))
        self.table.columnsChanged.connect(lambda keys: settings.set_columns("entities", keys))
        self.table.picked.connect(self.picked)
        self.table.opened.connect(self.opened)
        self._count = QLabel(self)
        self._count.setTextFormat(Qt.TextFormat.PlainText)
        split = QSplitter(Qt.Orientation.Vertical, self)
        split.addWidget(self.kinds)
        split.addWidget(self.table)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 3)
        split.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(self.words)
        column.addWidget(split, 1)
        column.addWidget(self._count)
        self.setFocusProxy(self.words)

    def refresh(self) -> None:
        """Ask again; without words, all things."""
        self._typing.stop()
        text = self.words.text().strip()
        dates = self._session.dates

        def question(workspace: Workspace) -> Answer:
            if text:
                return workspace.search(text, LIMIT)
            return workspace.entities(as_of=dates.as_of, known_at=dates.known_at, limit=LIMIT)

        self.table.say_when_empty("Searching…")
        self._session.ask(self, question, self._show, key="search")

    def clear(self) -> None:
        """Show nothing: the workspace was closed."""
        self.words.clear()
        self._typing.stop()
        self._items = []
        self._fill_kinds()
        self._narrow()

    def _show(self, answer: Answer) -> None:
        self._items = list(answer.items)
        words = self.words.text().strip()
        self.table.say_when_empty(
            "Nothing has all these words in its name." if words else "Nothing is known yet."
        )
        self._fill_kinds()
        self._narrow()
        shown, total = len(answer.items), answer.total
        more = "" if answer.complete and shown >= total else ", and more: add a word"
        self._count.setText(counted(shown, "thing") + (f" of {number(total)}" if total > shown else more))

    def _fill_kinds(self) -> None:
        chosen = {item.data(Qt.ItemDataRole.UserRole) for item in self.kinds.selectedItems()}
        self.kinds.blockSignals(True)
        self.kinds.clear()
        for kind, count in Counter(str(item.get("kind")) for item in self._items).most_common():
            row = QListWidgetItem(
                icon(kind_icon({"kind": kind})), f"{kind_word({'kind': kind})}  {number(count)}"
            )
            row.setData(Qt.ItemDataRole.UserRole, kind)
            self.kinds.addItem(row)
            row.setSelected(kind in chosen)
        self.kinds.blockSignals(False)

    def _narrow(self) -> None:
        chosen = {item.data(Qt.ItemDataRole.UserRole) for item in self.kinds.selectedItems()}
        self.table.answers.set_items(
            [item for item in self._items if not chosen or item.get("kind") in chosen]
        )
