"""How does an answer of the workspace become a table that can be sorted and filtered?

One model for every table of the window: what it shows is said by its columns. Sorting and filtering are done on the
rows in memory (an answer is at most some ten thousand items), so that both keep the selection by identity.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont, QFontDatabase

from app.models.filters import Term, keeps, read_filter
from app.models.look import icon, tone
from app.models.wording import Item, plain

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
ITEM_ROLE = Role.UserRole + 1
"""The whole item of a row."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        key: its stable name, for settings and for `key:word` in a filter; `title`: its header.
        text: what stands in the cell; None = the field called like the key.
        sort: what rows are ordered by; None = the text.
        tip: the whole of what the cell shortens; `icon`, `tone`: a name for `look`, empty = none.
        width: in characters; `shown`: whether it is there at first.
        words: other words for it in a filter.
        sentence: it is cut at its end; names and places are cut in their middle.
        number: figures stand at the right; `mono`: ids and hashes.
    """

    key: str
    title: str
    text: Callable[[Item], str] | None = None
    sort: Callable[[Item], Any] | None = None
    tip: Callable[[Item], str] | None = None
    icon: Callable[[Item], str] | None = None
    tone: Callable[[Item], str] | None = None
    width: int = 16
    shown: bool = True
    words: tuple[str, ...] = ()
    sentence: bool = False
    number: bool = False
    mono: bool = False

    def says(self, item: Item) -> str:
        """Return the text of the cell for `item`."""
        return self.text(item) if self.text is not None else plain(item.get(self.key))


class AnswerModel(QAbstractTableModel):
    """The items of one answer as rows."""

    def __init__(
        self, columns: Sequence[Column], identity: Callable[[Item], object], parent: QObject | None = None
    ) -> None:
        """`identity` tells which item a row is, so that a selection outlives a refresh."""
        super().__init__(parent)
        self._all = {column.key: column for column in columns}
        self._columns = [column for column in columns if column.shown]
        self._identity = identity
        self._items: list[Item] = []
        self._rows: list[int] = []
        self._folded: dict[int, str] = {}
        self._filter = ""
        self._terms: list[Term] = []
        self._sorted: tuple[str, Qt.SortOrder] | None = None
        self._words = {
            word.lower(): column.key
            for column in columns
            for word in (column.key, column.title.partition(" (")[0].replace(" ", "-"), *column.words)
        }

    @property
    def columns(self) -> list[Column]:
        """The columns shown, in order."""
        return self._columns

    @property
    def every_column(self) -> list[Column]:
        """All columns there are."""
        return list(self._all.values())

    @property
    def filter_words(self) -> list[str]:
        """The words that may stand before a colon in a filter."""
        return list(self._words)

    @property
    def items(self) -> list[Item]:
        """All items, shown or not."""
        return self._items

    def choose(self, keys: Iterable[str]) -> None:
        """Show the columns `keys` in this order; unknown ones are passed over, and none at all = as at first."""
        chosen = [self._all[key] for key in keys if key in self._all]
        self.beginResetModel()
        self._columns = chosen or [column for column in self._all.values() if column.shown]
        self.endResetModel()

    def set_items(self, items: Sequence[Item]) -> None:
        """Show other items, with the same order and filter."""
        self.beginResetModel()
        self._items = list(items)
        self._folded.clear()
        self._rows = self._order(self._matching())
        self.endResetModel()

    def set_filter(self, text: str) -> None:
        """Show only the rows that fulfil the filter text."""
        if text == self._filter:
            return
        self.beginResetModel()
        self._filter = text
        self._terms = read_filter(text, self._words)
        self._rows = self._order(self._matching())
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if not 0 <= column < len(self._columns):
            self._sorted = None
            return
        self._sorted = (self._columns[column].key, order)
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        places = [self._rows[index.row()] for index in before]
        self._rows = self._order(self._rows)
        now = {place: row for row, place in enumerate(self._rows)}
        self.changePersistentIndexList(
            before,
            [self.index(now[place], index.column()) for place, index in zip(places, before, strict=True)],
        )
        self.layoutChanged.emit()

    def item(self, row: int) -> Item:
        """Return the item of a row."""
        return self._items[self._rows[row]]

    def row_of(self, identity: object) -> int:
        """Return the row of the item with that identity; -1 when it is not shown."""
        for row, place in enumerate(self._rows):
            if self._identity(self._items[place]) == identity:
                return row
        return -1

    def identity_of(self, row: int) -> object:
        """Return which item a row is."""
        return self._identity(self.item(row))

    def as_text(self, rows: Sequence[int], delimiter: str = "\t") -> str:
        """Return rows with their header as separated text; formulas of a spreadsheet are made harmless."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n" if delimiter == "," else "\n")
        writer.writerow([column.title for column in self._columns])
        for row in rows:
            item = self.item(row)
            writer.writerow([_harmless(column.says(item)) for column in self._columns])
        return out.getvalue()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        if not index.isValid() or not 0 <= index.row() < len(self._rows):
            return None
        item, column = self.item(index.row()), self._columns[index.column()]
        if role == Role.DisplayRole:
            return column.says(item)
        if role == Role.ToolTipRole:
            text = column.tip(item) if column.tip is not None else column.says(item)
            return plain_tip(text)
        if role == Role.DecorationRole and column.icon is not None:
            name = column.icon(item)
            return icon(name) if name else None
        if role == Role.ForegroundRole and column.tone is not None:
            word = column.tone(item)
            return tone(word) if word else None
        if role == Role.FontRole:
            return self._font(column, item)
        if role == Role.TextAlignmentRole and column.number:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == ITEM_ROLE:
            return item
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(self._columns):
            column = self._columns[section]
            if role == Role.DisplayRole:
                return column.title
            if role == Role.ToolTipRole:
                return f"{column.title}\nIn the filter: {column.key}:word"
            if role == Role.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
                return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def _font(self, column: Column, item: Item) -> QFont | None:
        if column.mono:
            return QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        if column.tone is not None and column.tone(item) == "absent":
            font = QFont()
            font.setItalic(True)
            return font
        return None

    def _matching(self) -> list[int]:
        places = range(len(self._items))
        if not self._terms:
            return list(places)
        return [place for place in places if keeps(self._terms, self._cell(place), self._whole_of(place))]

    def _cell(self, place: int) -> Callable[[str], str]:
        return lambda key: self._all[key].says(self._items[place]).casefold()

    def _whole_of(self, place: int) -> Callable[[], str]:
        return lambda: self._whole(place)

    def _whole(self, place: int) -> str:
        text = self._folded.get(place)
        if text is None:
            item = self._items[place]
            text = self._folded[place] = "\n".join(c.says(item) for c in self._all.values()).casefold()
        return text

    def _order(self, places: list[int]) -> list[int]:
        if self._sorted is None:
            return sorted(places)
        key, order = self._sorted
        column = self._all[key]
        by = column.sort or (lambda item: column.says(item).casefold())

        def rank(place: int) -> tuple[bool, Any]:
            value = by(self._items[place])
            return (value is None or value == "", value if value is not None else "")

        places = sorted(places)
        empty = [place for place in places if rank(place)[0]]
        full = [place for place in places if not rank(place)[0]]
        full.sort(key=rank, reverse=order == Qt.SortOrder.DescendingOrder)
        return full + empty


def identity_by(*fields: str) -> Callable[[Item], object]:
    """Return an identity made of these fields of an item.

    >>> identity_by("id")({"id": 7, "name": "x"})
    ('7',)
    """
    return lambda item: tuple(str(item.get(field)) for field in fields)


def plain_tip(text: str) -> str:
    """Return a tooltip that Qt shows as plain text whatever stands in it.

    Qt takes a tooltip for HTML when it looks like it; an escaped one inside its own tag can only be text.

    >>> plain_tip("<b>bold</b>")
    '<p style="white-space:pre-wrap">&lt;b&gt;bold&lt;/b&gt;</p>'
    """
    if not text:
        return ""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    return f'<p style="white-space:pre-wrap">{escaped}</p>'


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text
