"""How are the rows of an answer shown, chosen and copied? One table widget for every table of the window."""

from __future__ import annotations

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import QFocusEvent, QGuiApplication, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.models.answers import AnswerModel
from app.models.wording import Item

ROOM = {False: 12, True: 4}
"""Pixels of air in a row beyond the height of its text, comfortable and compact."""


class CellDelegate(QStyledItemDelegate):
    """Cuts sentences at their end, and names and places in their middle."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        model = index.model()
        if isinstance(model, AnswerModel) and model.columns[index.column()].sentence:
            option.textElideMode = Qt.TextElideMode.ElideRight


class AnswerTable(QTableView):
    """A table over an `AnswerModel`.

    Signals:
        picked: the current item changed; None = nothing is current.
        opened: an item was activated by Return or a double click.
        columnsChanged: the person showed, hid or moved a column; with the keys in order.
    """

    picked = Signal(object)
    opened = Signal(object)
    columnsChanged = Signal(list)

    def __init__(self, model: AnswerModel, name: str, parent: QWidget | None = None) -> None:
        """`name` is what a screen reader calls the table."""
        super().__init__(parent)
        self._answers = model
        self._nothing = ""
        self._current: object = None
        self._quiet = False
        self.setModel(model)
        self.setItemDelegate(CellDelegate(self))
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._offer_columns)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.activated.connect(self._open)
        model.modelAboutToBeReset.connect(self._before_reset)
        model.modelReset.connect(self._after_reset)
        header.sectionMoved.connect(lambda *_: self.columnsChanged.emit(self.column_keys()))
        self.set_compact(False)
        self.fit_columns()

    @property
    def answers(self) -> AnswerModel:
        """The model shown."""
        return self._answers

    def say_when_empty(self, text: str) -> None:
        """Set what is written where rows would stand when there are none."""
        self._nothing = text
        self.viewport().update()

    def set_compact(self, compact: bool) -> None:
        """Show rows close together, or with room between them."""
        rows = self.verticalHeader()
        rows.setMinimumSectionSize(1)
        rows.setDefaultSectionSize(self.fontMetrics().height() + ROOM[compact])
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def current_item(self) -> Item | None:
        """Return the item of the current row."""
        index = self.currentIndex()
        return self._answers.item(index.row()) if index.isValid() else None

    def chosen_rows(self) -> list[int]:
        """Return the selected rows from top to bottom; all of them when none is selected."""
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        return rows or list(range(self._answers.rowCount()))

    def copy_rows(self, delimiter: str = "\t") -> None:
        """Put the selected rows with their header on the clipboard."""
        QGuiApplication.clipboard().setText(self._answers.as_text(self.chosen_rows(), delimiter))

    def pick(self, identity: object) -> bool:
        """Make the row of that item current; false when it is not shown."""
        row = self._answers.row_of(identity)
        if row < 0:
            return False
        self._set_row(row)
        return True

    def column_keys(self) -> list[str]:
        """Return the keys of the columns as they stand on the screen."""
        header = self.horizontalHeader()
        columns = self._answers.columns
        return [columns[header.logicalIndex(place)].key for place in range(header.count())]

    def choose_columns(self, keys: list[str]) -> None:
        """Show these columns in this order; none = as at first."""
        header = self.horizontalHeader()
        before, order = header.sortIndicatorSection(), header.sortIndicatorOrder()
        key = self._answers.columns[before].key if 0 <= before < len(self._answers.columns) else ""
        header.blockSignals(True)
        self._answers.choose(keys)
        for place in range(header.count()):
            header.moveSection(header.visualIndex(place), place)
        shown = [column.key for column in self._answers.columns]
        header.setSortIndicator(shown.index(key) if key in shown else -1, order)
        header.blockSignals(False)
        self.fit_columns()

    def sort_by(self, key: str, order: Qt.SortOrder) -> None:
        """Order the rows by the column `key`."""
        shown = [column.key for column in self._answers.columns]
        if key in shown:
            self.sortByColumn(shown.index(key), order)

    def fit_columns(self) -> None:
        """Give every column the width it asks for."""
        letter = self.fontMetrics().averageCharWidth()
        for place, column in enumerate(self._answers.columns):
            words = self.fontMetrics().horizontalAdvance(column.title) + 34
            self.setColumnWidth(place, max(letter * column.width + 24, words))

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:  # type: ignore[override]
        super().currentChanged(current, previous)
        if not self._quiet:
            self.picked.emit(self._answers.item(current.row()) if current.isValid() else None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        if not self.currentIndex().isValid() and self._answers.rowCount():
            self.selectRow(0)
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._answers.rowCount() or not self._nothing:
            return
        painter = QPainter(self.viewport())
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        room = self.viewport().rect().adjusted(24, 24, -24, -24)
        painter.drawText(
            room, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), self._nothing
        )
        painter.end()

    def _open(self, index: QModelIndex) -> None:
        if index.isValid():
            self.opened.emit(self._answers.item(index.row()))

    def _before_reset(self) -> None:
        index = self.currentIndex()
        self._current = self._answers.identity_of(index.row()) if index.isValid() else None
        self._quiet = True

    def _after_reset(self) -> None:
        row = self._answers.row_of(self._current) if self._current is not None else -1
        if row >= 0:
            self._set_row(row)
        self._quiet = False
        if row < 0 and self._current is not None:
            self.picked.emit(None)

    def _set_row(self, row: int) -> None:
        index = self._answers.index(row, 0)
        last = self._answers.index(row, max(0, self._answers.columnCount() - 1))
        chosen = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.Current)
        self.selectionModel().select(QItemSelection(index, last), chosen)
        self.scrollTo(index)

    def _offer_columns(self, place: QPoint) -> None:
        menu = QMenu(self)
        shown = self.column_keys()
        for column in self._answers.every_column:
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(column.key in shown)
            action.setEnabled(column.key not in shown or len(shown) > 1)
            action.triggered.connect(lambda on, key=column.key: self._show_column(key, on))
        menu.addSeparator()
        menu.addAction("As at first").triggered.connect(self._reset_columns)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.horizontalHeader().mapToGlobal(place))

    def _show_column(self, key: str, on: bool) -> None:
        keys = [shown for shown in self.column_keys() if shown != key]
        if on:
            keys.append(key)
        self.choose_columns(keys)
        self.columnsChanged.emit(keys)

    def _reset_columns(self) -> None:
        self.choose_columns([])
        self.columnsChanged.emit([])
