"""Which thing does a person mean who types a part of its name?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QStringListModel, QTimer, Signal
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget

from app.models.columns import kind_word, name_of
from app.models.things import selector_of
from app.models.wording import Item

if TYPE_CHECKING:
    from app.session import Session
    from lineage.model.answer import Answer

TYPING = 150
"""Milliseconds without a key after which names are looked for."""
SHOWN = 30


class ThingLine(QLineEdit):
    """A line that offers the things whose names hold what is typed; Return takes the text as a selector.

    Signals:
        chosen: with a selector and what to call the thing.
    """

    chosen = Signal(str, str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._found: dict[str, Item] = {}
        self._shown = ""
        self.setPlaceholderText("Show the lineage of …")
        self.setAccessibleName("Thing in the middle")
        self.setClearButtonEnabled(True)
        self._names = QStringListModel(self)
        completer = QCompleter(self._names, self)
        completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        completer.setMaxVisibleItems(14)
        completer.activated.connect(self._take_found)
        self.setCompleter(completer)
        self._typing = QTimer(self, singleShot=True, interval=TYPING)
        self._typing.timeout.connect(self._search)
        self.textEdited.connect(lambda _: self._typing.start())
        self.returnPressed.connect(self._take_text)

    def show_name(self, name: str) -> None:
        """Show what is in the middle."""
        self._typing.stop()
        self._shown = name
        self.setText(name)

    def _search(self) -> None:
        text = self.text().strip()
        if len(text) > 1:
            self._session.ask(self, lambda workspace: workspace.search(text, SHOWN), self._offer, key="names")

    def _offer(self, answer: Answer) -> None:
        self._found = {f"{name_of(item)}   ({kind_word(item)})": item for item in answer.items}
        self._names.setStringList(list(self._found))
        if self.hasFocus() and self._found:
            self.completer().complete()

    def _take_found(self, text: str) -> None:
        item = self._found.get(text)
        if item is not None:
            # After the completer has written its own text into the line.
            QTimer.singleShot(0, self, lambda: self.chosen.emit(selector_of(item.get("id")), name_of(item)))

    def _take_text(self) -> None:
        text = self.text().strip()
        if text and text != self._shown and text not in self._found:
            self._typing.stop()
            self.chosen.emit(text, text)
