"""How does one thing become a tree of names and values, each leading to its evidence?

Every row is plain text. A row knows the evidence it stands on, or has that of the row above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from app.models.answers import plain_tip
from app.models.look import icon, tone
from app.models.wording import Item, bounds, plain, when, when_in_full

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
EVIDENCE_ROLE = Role.UserRole + 1
"""The evidence references of a row."""
RAW_ROLE = Role.UserRole + 2
"""The value of a row as the answer holds it, to be found in the record."""


@dataclass(slots=True, eq=False)
class Row:
    """One line of the tree.

    Attributes:
        name, value: the two cells; `tip`: the whole of the value; `tone`, `icon`: words for `look`.
        raw: the value as the answer holds it; `evidence`: what says so.
    """

    name: str
    value: str = ""
    raw: Any = None
    tip: str = ""
    tone: str = ""
    icon: str = ""
    evidence: Sequence[Item] = ()
    rows: list[Row] = field(default_factory=list)
    above: Row | None = None
    place: int = 0

    def add(self, row: Row) -> Row:
        """Put `row` below this one and return it."""
        row.above, row.place = self, len(self.rows)
        self.rows.append(row)
        return row


class FactModel(QAbstractItemModel):
    """A tree of names and values."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._top = Row("")

    def show(self, rows: Iterable[Row]) -> None:
        """Show these rows at the top."""
        self.beginResetModel()
        self._top = Row("")
        for row in rows:
            self._top.add(row)
        self.endResetModel()

    def row(self, index: Index) -> Row:
        """Return what stands at `index`; the invisible top for an invalid one."""
        found = index.internalPointer() if index.isValid() else None
        return found if isinstance(found, Row) else self._top

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - Qt's signature
        rows = self.row(parent).rows
        if parent.column() > 0 or not 0 <= row < len(rows) or not 0 <= column < 2:
            return QModelIndex()
        return self.createIndex(row, column, rows[row])

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override] # noqa: B008
        above = self.row(index).above
        if not index.isValid() or above is None or above is self._top:
            return QModelIndex()
        return self.createIndex(above.place, 0, above)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.column() > 0 else len(self.row(parent).rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 2

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self.row(index)
        if role == Role.DisplayRole:
            return row.value if index.column() else row.name
        if role == Role.ToolTipRole:
            return plain_tip(row.tip or row.value) if index.column() else None
        if role == Role.AccessibleTextRole:
            return row.value if index.column() else f"{row.name} {row.value}".strip()
        if role == Role.ForegroundRole:
            word = row.tone if index.column() else ("absent" if row.above is not self._top else "")
            return tone(word) if word else None
        if role == Role.FontRole and not index.column() and row.above is self._top:
            font = QFont()
            font.setWeight(QFont.Weight.DemiBold)
            return font
        if role == Role.DecorationRole and index.column() and row.icon:
            return icon(row.icon)
        if role == EVIDENCE_ROLE:
            return list(_evidence(row))
        if role == RAW_ROLE:
            return row.raw
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Role.DisplayRole and 0 <= section < 2:
            return ("Name", "Value")[section]
        return None


def _evidence(row: Row) -> Sequence[Item]:
    found: Row | None = row
    while found is not None:
        if found.evidence:
            return found.evidence
        found = found.above
    return ()


def line(name: str, value: Any, *, evidence: Sequence[Item] = (), absent: str = "") -> Row:
    """Return a row for any value of an answer: times with their zone, lists and objects with rows of their own."""
    if value in (None, "", [], {}):
        return Row(name, absent or "not recorded", tone="absent", evidence=evidence)
    if _is_time(value):
        first, last = bounds(value)
        zone = " UTC" if first or last else ""
        return Row(name, f"{when(value)}{zone}", value, when_in_full(value), evidence=evidence)
    if isinstance(value, Mapping):
        top = Row(name, _short(value), value, evidence=value.get("evidence") or evidence)
        for key, part in value.items():
            if key != "evidence" and part not in (None, "", [], {}):
                top.add(line(spelled(key), part))
        return top
    if isinstance(value, (list, tuple)):
        if all(not isinstance(part, (Mapping, list, tuple)) for part in value):
            return Row(name, plain(value), list(value), evidence=evidence)
        top = Row(name, str(len(value)), value, evidence=evidence)
        for number, part in enumerate(value, 1):
            top.add(line(str(number), part))
        return top
    return Row(name, plain(value, 2000), value, evidence=evidence)


def spelled(key: str) -> str:
    """Return the key of an answer as words.

    >>> spelled("effective_from")
    'effective from'
    """
    return plain(key.replace("_", " ").replace("-", " ").strip())


def _short(value: Mapping[str, Any]) -> str:
    for key in ("display", "name", "metric", "model", "principal", "value"):
        if isinstance(value.get(key), str) and value[key]:
            version = value.get("version")
            return plain(f"{value[key]} {version}" if isinstance(version, str) and version else value[key])
    return ""


def _is_time(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and set(value) <= {"not_before", "not_after"}
    return (
        isinstance(value, str)
        and len(value) >= 20
        and value[4:5] == "-"
        and value[10:11] == "T"
        and value[-1] == "Z"
    )
