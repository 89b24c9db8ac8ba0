"""In which column does each field of a statement stand, and what holds for every row?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QLabel, QLineEdit, QScrollArea, QWidget

NOT_SAID = "(no column)"
_FIELDS = {"time": "a time", "end": "a time", "number": "a number", "share": "a share", "amount": "a number"}


class _Row(NamedTuple):
    name: str
    words: tuple[str, ...]
    column: QComboBox
    text: QLineEdit


class FieldsForm(QScrollArea):
    """One row a field: its name, a combo box of the columns, and a text for every row or for what words mean.

    Signals:
        changed: the person chose something.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Fields and columns")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._columns: list[str] = []
        # One model for all boxes: a table of a thousand columns would fill each with a thousand items.
        self._names = QStringListModel([NOT_SAID], self)
        self.rows: list[_Row] = []

    def show_fields(self, statement: Mapping[str, Any], columns: Sequence[str]) -> None:
        """Show the fields of `statement` with these columns to choose from; nothing is chosen."""
        self._columns = list(columns)
        self._names.setStringList([NOT_SAID, *columns])
        inside = QWidget(self)
        grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setColumnStretch(1, 3)
        grid.setColumnStretch(2, 3)
        self.rows = []
        one_of = set(statement["one_of"])
        for place, field in enumerate(statement["fields"]):
            mark = " *" if field["needed"] else " (*)" if field["name"] in one_of else ""
            label = QLabel(field["title"] + mark, inside)
            label.setTextFormat(Qt.TextFormat.PlainText)
            box = QComboBox(inside)
            box.setModel(self._names)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(14)
            box.setAccessibleName(f"Column of: {field['title']}")
            label.setBuddy(box)
            text = QLineEdit(inside)
            text.setMinimumWidth(120)
            row = _Row(field["name"], tuple(field["words"]), box, text)
            self._hint(row, field["title"])
            box.currentIndexChanged.connect(lambda _, row=row, title=field["title"]: self._chosen(row, title))
            text.textChanged.connect(lambda _: self.changed.emit())
            for across, widget in enumerate((label, box, text)):
                grid.addWidget(widget, place, across)
            self.rows.append(row)
        grid.setRowStretch(len(self.rows), 1)
        old = self.takeWidget()
        if old is not None:
            old.deleteLater()
        self.setWidget(inside)

    def choose(self, choice: Mapping[str, Any]) -> None:
        """Show what a mapping says; a column that the table does not have is left out."""
        for row in self.rows:
            column = choice.get("columns", {}).get(row.name, "")
            for widget in (row.column, row.text):
                widget.blockSignals(True)
            row.column.setCurrentIndex(self._columns.index(column) + 1 if column in self._columns else 0)
            words = choice.get("values", {}).get(row.name, {})
            said = "; ".join(f"{word} = {meaning}" for word, meaning in words.items())
            row.text.setText(said or choice.get("constants", {}).get(row.name, ""))
            for widget in (row.column, row.text):
                widget.blockSignals(False)
            self._hint(row, "")
        self.changed.emit()

    def choice(self) -> dict[str, dict[str, Any]]:
        """Return columns, constants and meanings of words as they are chosen, by field."""
        said: dict[str, dict[str, Any]] = {"columns": {}, "constants": {}, "values": {}}
        for row in self.rows:
            place = row.column.currentIndex()
            text = row.text.text().strip()
            if place > 0:
                said["columns"][row.name] = self._columns[place - 1]
                parts = [part.partition("=") for part in text.split(";")]
                words = {
                    word.strip(): meaning.strip() for word, sign, meaning in parts if sign and word.strip()
                }
                if row.words and words:
                    said["values"][row.name] = words
            elif text:
                said["constants"][row.name] = text
        return said

    def _chosen(self, row: _Row, title: str) -> None:
        row.text.clear()
        self._hint(row, title)
        self.changed.emit()

    def _hint(self, row: _Row, title: str) -> None:
        in_column = row.column.currentIndex() > 0
        row.text.setVisible(not in_column or bool(row.words))
        words = ", ".join(row.words)
        if in_column:
            hint = f"what its words mean: ok = {row.words[0]}" if row.words else ""
        else:
            hint = words or "or the same for every row"
        row.text.setPlaceholderText(hint)
        row.text.setToolTip(f"One of {words}; of a column: ok = {row.words[0]}; …" if row.words else "")
        if title:
            row.text.setAccessibleName(f"For every row, or what words mean: {title}")
