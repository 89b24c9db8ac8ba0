"""The lineage graph as a tree: for the keyboard, for screen readers, and for reading it in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from app.models.outline import OutlineModel, grow
from app.models.wording import Item


class OutlineView(QTreeView):
    """The outline.

    Signals:
        picked: with the id of the thing that is current; empty for a heading.
        edgePicked: with the edges that tie the current thing to the one above it, when Space asks for them.
        activatedThing: with the id of the thing that was opened by Return or a double click.
        asked: with the id and the place on the screen, for a menu.
    """

    picked = Signal(str)
    edgePicked = Signal(list)
    activatedThing = Signal(str)
    asked = Signal(str, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._quiet = False
        self.outline = OutlineModel(self)
        self.setModel(self.outline)
        self.setAccessibleName("Outline of the lineage")
        self.setUniformRowHeights(True)
        self.setAlternatingRowColors(True)
        self.setAllColumnsShowFocus(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setIndentation(14)
        self.header().setStretchLastSection(True)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._ask)
        self.activated.connect(self._open)

    def show_graph(
        self,
        nodes: Sequence[Item],
        edges: Sequence[Item],
        centre: str,
        hidden: int,
        folded: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Show a graph around `centre`, keeping what is current; `folded` says which card stands for a thing."""
        before = self.current_id()
        self._quiet = True
        self.outline.show(grow(nodes, edges, centre, hidden))
        self.outline.say_folded(folded)
        self._span(QModelIndex())
        self.expandToDepth(2)
        letter = self.fontMetrics().averageCharWidth()
        self.setColumnWidth(0, max(letter * 40, self.viewport().width() - letter * 60))
        self.setColumnWidth(1, letter * 18)
        self.pick(before or centre)
        self._quiet = False

    def current_id(self) -> str:
        """Return the id of the thing that is current; empty for none."""
        thing = self.outline.branch(self.currentIndex()).thing if self.currentIndex().isValid() else None
        return str(thing.get("id")) if thing is not None else ""

    def current_edges(self) -> list[Item]:
        """Return the edges that tie the current thing to the one above it."""
        return self.outline.branch(self.currentIndex()).edges if self.currentIndex().isValid() else []

    def pick(self, identifier: str) -> None:
        """Make the line that tells of this thing current, without telling anybody."""
        if identifier == self.current_id():
            return
        index = self.outline.find(identifier)
        if index.isValid():
            before, self._quiet = self._quiet, True
            self.setCurrentIndex(index)
            self.scrollTo(index)
            self._quiet = before

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:  # type: ignore[override]
        super().currentChanged(current, previous)
        if self._quiet:
            return
        branch = self.outline.branch(current)
        self.picked.emit(str(branch.thing.get("id")) if branch.thing is not None else "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            self.edgePicked.emit(self.current_edges())
            return
        super().keyPressEvent(event)

    def _span(self, parent: QModelIndex) -> None:
        for row in range(self.outline.rowCount(parent)):
            index = self.outline.index(row, 0, parent)
            self.setFirstColumnSpanned(row, parent, self.outline.branch(index).thing is None)
            self._span(index)

    def _open(self, index: QModelIndex) -> None:
        thing = self.outline.branch(index).thing
        if thing is not None:
            self.activatedThing.emit(str(thing.get("id")))

    def _ask(self, place: QPoint) -> None:
        index = self.indexAt(place)
        thing = self.outline.branch(index).thing if index.isValid() else None
        if thing is not None:
            self.asked.emit(str(thing.get("id")), self.viewport().mapToGlobal(place))
