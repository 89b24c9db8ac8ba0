"""Which thing of a folded group shall have a card of its own?"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from lineage.text import display_text

_KEY = Qt.ItemDataRole.UserRole


class MembersDialog(QDialog):
    """The things that one card stands for, to search; Return pulls the current one out.

    Signals:
        pulled: with the id of the thing chosen.
        unfolded: all shall have cards of their own.
    """

    pulled = Signal(str)
    unfolded = Signal()

    def __init__(
        self, title: str, members: Sequence[tuple[str, str]], current: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Pull out of {title}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.line = QLineEdit(self)
        self.line.setPlaceholderText("Part of a name")
        self.line.setAccessibleName("Part of a name")
        self.line.setClearButtonEnabled(True)
        self.line.textChanged.connect(self._search)
        self.line.installEventFilter(self)
        self.list = QListWidget(self)
        self.list.setAccessibleName(title)
        self.list.setUniformItemSizes(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        for key, name in members:
            item = QListWidgetItem(display_text(name))
            item.setData(_KEY, key)
            self.list.addItem(item)
            if key == current:
                self.list.setCurrentItem(item)
        if self.list.currentRow() < 0:
            self.list.setCurrentRow(0)
        self.list.itemDoubleClicked.connect(lambda _: self.accept())
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        pull = self.buttons.addButton("&Pull out", QDialogButtonBox.ButtonRole.AcceptRole)
        pull.setDefault(True)
        every = self.buttons.addButton("&Unfold all", QDialogButtonBox.ButtonRole.ActionRole)
        every.clicked.connect(self._unfold)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.line)
        column.addWidget(self.list, 1)
        column.addWidget(self.buttons)
        self.resize(420, 460)

    def accept(self) -> None:
        chosen = [item.data(_KEY) for item in self.list.selectedItems() if not item.isHidden()]
        super().accept()
        if chosen:
            self.pulled.emit(chosen[0])

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            watched is self.line
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down)
        ):
            QApplication.sendEvent(self.list, event)
            return True
        return super().eventFilter(watched, event)

    def _unfold(self) -> None:
        super().accept()
        self.unfolded.emit()

    def _search(self, text: str) -> None:
        words = text.casefold().split()
        fitting = []
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(not all(word in item.text().casefold() for word in words))
            if not item.isHidden():
                fitting.append(row)
        if self.list.currentRow() not in fitting:
            self.list.setCurrentRow(fitting[0] if fitting else -1)
