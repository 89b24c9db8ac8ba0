"""Which columns shall a table show, and in which order?"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.models.answers import Column


class ColumnsDialog(QDialog):
    """All columns with a box each; they are moved by dragging or with Alt+Up and Alt+Down.

    Signals:
        chosen: with the keys in order; none = as at first.
    """

    chosen = Signal(list)

    def __init__(
        self, columns: Sequence[Column], shown: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Columns")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        by_key = {column.key: column for column in columns}
        order = [*shown, *(key for key in by_key if key not in shown)]
        self.list = QListWidget(self)
        self.list.setAccessibleName("Columns")
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        for key in order:
            item = QListWidgetItem(by_key[key].title)
            item.setData(Qt.ItemDataRole.UserRole, key)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if key in shown else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.itemChanged.connect(lambda _: self._check())
        self.list.setCurrentRow(0)
        hint = QLabel("Space shows or hides a column; drag it, or Alt+Up and Alt+Down, to move it.", self)
        hint.setTextFormat(Qt.TextFormat.PlainText)
        hint.setWordWrap(True)
        standard = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(
            standard.Ok | standard.Cancel | standard.RestoreDefaults, Qt.Orientation.Horizontal, self
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.buttons.button(standard.RestoreDefaults).clicked.connect(self._restore)
        column = QVBoxLayout(self)
        column.addWidget(hint)
        column.addWidget(self.list, 1)
        column.addWidget(self.buttons)
        self.resize(360, 520)
        for keys, step in (("Alt+Up", -1), ("Alt+Down", 1)):
            action = self.addAction("Move")
            action.setShortcut(keys)
            action.triggered.connect(lambda _=False, step=step: self.move_column(step))

    def keys(self) -> list[str]:
        """Return the keys of the columns that are checked, in order."""
        items = [self.list.item(row) for row in range(self.list.count())]
        return [
            item.data(Qt.ItemDataRole.UserRole)
            for item in items
            if item.checkState() == Qt.CheckState.Checked
        ]

    def move_column(self, step: int) -> None:
        """Move the current column by `step` places."""
        row = self.list.currentRow()
        to = row + step
        if row >= 0 and 0 <= to < self.list.count():
            self.list.insertItem(to, self.list.takeItem(row))
            self.list.setCurrentRow(to)

    def accept(self) -> None:
        keys = self.keys()
        super().accept()
        self.chosen.emit(keys)

    def _restore(self) -> None:
        super().accept()
        self.chosen.emit([])

    def _check(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(bool(self.keys()))
