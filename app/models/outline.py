"""How does a lineage graph read as a tree? Upstream and downstream of what is in the middle, each thing told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from app.models.answers import plain_tip
from app.models.columns import kind_icon, kind_word, name_of
from app.models.facts import spelled
from app.models.look import icon, tone
from app.models.wording import Item, counted

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
HEADERS = ("Thing", "Kind", "How")


@dataclass(slots=True, eq=False)
class Branch:
    """One line of the outline.

    Attributes:
        thing: the thing told of, or None for a heading; `edges`: what ties it to the line above.
        again: it was told before, with what lies beyond it; folded: in the drawing one card stands for it and others.
    """

    text: str
    thing: Item | None = None
    edges: list[Item] = field(default_factory=list)
    again: bool = False
    folded: str = ""
    rows: list[Branch] = field(default_factory=list)
    above: Branch | None = None
    place: int = 0

    def add(self, row: Branch) -> Branch:
        """Put `row` below this one and return it."""
        row.above, row.place = self, len(self.rows)
        self.rows.append(row)
        return row


def grow(nodes: Sequence[Item], edges: Sequence[Item], centre: str, hidden: int = 0) -> list[Branch]:
    """Return the lines of a graph around the thing `centre`; what is not reached from it stands at the end."""
    things = {str(node.get("id")): node for node in nodes}
    if centre not in things:
        centre = next((str(node.get("id")) for node in nodes if not node.get("depth")), "")
    if not centre:
        return []
    into: dict[str, list[Item]] = {}
    out: dict[str, list[Item]] = {}
    for edge in edges:
        into.setdefault(str(edge.get("to")), []).append(edge)
        out.setdefault(str(edge.get("from")), []).append(edge)
    top = Branch(name_of(things[centre]), things[centre])
    told = {centre}
    for title, side, end in (("Comes from", into, "from"), ("Goes into", out, "to")):
        heading = top.add(Branch(title))
        told |= _grow(heading, centre, things, side, end)
        heading.text = (
            f"{title}: {counted(len(heading.rows), 'thing')}"
            if heading.rows
            else f"{title}: nothing recorded"
        )
    rows = [top]
    rest = [key for key in things if key not in told]
    if rest:
        other = Branch(f"Beside it: {counted(len(rest), 'thing')}")
        for key in rest:
            other.add(Branch(name_of(things[key]), things[key]))
        rows.append(other)
    if hidden:
        rows.append(Branch(f"{counted(hidden, 'thing')} hidden by you"))
    return rows


def _grow(
    heading: Branch, centre: str, things: Mapping[str, Item], side: Mapping[str, list[Item]], end: str
) -> set[str]:
    told = {centre}
    waiting = [(heading, centre)]
    while waiting:
        branch, key = waiting.pop(0)
        near: dict[str, list[Item]] = {}
        for edge in side.get(key, ()):
            near.setdefault(str(edge.get(end)), []).append(edge)
        for other in sorted(near.keys() & things.keys(), key=lambda known: name_of(things[known]).casefold()):
            row = branch.add(Branch(name_of(things[other]), things[other], near[other], again=other in told))
            if other not in told:
                told.add(other)
                waiting.append((row, other))
    return told


class OutlineModel(QAbstractItemModel):
    """The outline of a graph."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._top = Branch("")

    def say_folded(self, says: Mapping[str, str]) -> None:
        """Say of these things, by id, which card of the drawing stands for them; of all others, that they have one."""
        waiting = list(self._top.rows)
        while waiting:
            row = waiting.pop()
            row.folded = says.get(str(row.thing.get("id")), "") if row.thing is not None else ""
            waiting.extend(row.rows)

    def show(self, rows: Sequence[Branch]) -> None:
        """Show these lines at the top."""
        self.beginResetModel()
        self._top = Branch("")
        for row in rows:
            self._top.add(row)
        self.endResetModel()

    def branch(self, index: Index) -> Branch:
        """Return the line at `index`; the invisible top for an invalid one."""
        found = index.internalPointer() if index.isValid() else None
        return found if isinstance(found, Branch) else self._top

    def find(self, identifier: str) -> QModelIndex:
        """Return the line that tells of the thing with that id, the fullest one; invalid when there is none."""
        waiting = list(self._top.rows)
        while waiting:
            row = waiting.pop(0)
            if row.thing is not None and not row.again and str(row.thing.get("id")) == identifier:
                return self.createIndex(row.place, 0, row)
            waiting.extend(row.rows)
        return QModelIndex()

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - Qt's signature
        rows = self.branch(parent).rows
        if parent.column() > 0 or not 0 <= row < len(rows) or not 0 <= column < len(HEADERS):
            return QModelIndex()
        return self.createIndex(row, column, rows[row])

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override] # noqa: B008
        above = self.branch(index).above
        if not index.isValid() or above is None or above is self._top:
            return QModelIndex()
        return self.createIndex(above.place, 0, above)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.column() > 0 else len(self.branch(parent).rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return len(HEADERS)

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self.branch(index), index.column()
        if role == Role.DisplayRole:
            return self._text(row, column)
        if role == Role.ToolTipRole and row.thing is not None:
            return plain_tip(f"{row.text}\n{self._text(row, 1)}\n{self._text(row, 2)}".strip())
        if role == Role.AccessibleTextRole and not column:
            words = (self._text(row, place) for place in range(len(HEADERS)))
            return ", ".join(word for word in words if word)
        if role == Role.DecorationRole and not column and row.thing is not None:
            return icon(kind_icon(row.thing))
        if role == Role.ForegroundRole and (row.again or row.thing is None or column):
            return tone("absent")
        if role == Role.FontRole and row.above is self._top and row.thing is not None and not column:
            font = QFont()
            font.setWeight(QFont.Weight.DemiBold)
            return font
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if (
            orientation == Qt.Orientation.Horizontal
            and role == Role.DisplayRole
            and 0 <= section < len(HEADERS)
        ):
            return HEADERS[section]
        return None

    @staticmethod
    def _text(row: Branch, column: int) -> str:
        if column == 0:
            return f"{row.text} (told above)" if row.again else row.text
        if row.thing is None:
            return ""
        if column == 1:
            return kind_word(row.thing)
        words = dict.fromkeys(str(edge.get(name) or "") for name in ("type", "basis") for edge in row.edges)
        return ", ".join([*(spelled(word) for word in words if word), *([row.folded] if row.folded else [])])
