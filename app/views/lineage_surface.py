"""Which drawing and outline are shown around the thing in the middle, and what is current in both?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QUndoStack
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import style
from app.commands import LookElsewhere, Looking
from app.models.drawing import Drawing
from app.models.folding import Folds, Group, folded_words
from app.models.wording import Item, counted, when
from app.views.canvas import LineageCanvas
from app.views.cards import layout_graph
from app.views.outline import OutlineView
from app.views.placing import follow
from app.views.seeking import ThingLine
from lineage.errors import UserError

if TYPE_CHECKING:
    from app.session import Session

FURTHEST = 12
NEAR = 5.0
"""Pixels from a line at which a click still means it."""
NOTHING = (
    "Nothing is in the middle yet.\n"
    "Choose a deployment in the register and press Return, or search for a dataset, model or target above."
)


class LineageSurface(QWidget):
    """The drawing, its outline and the bar above them; what can be done with them is `app.views.lineage`.

    Signals:
        picked: with `entity` or `edge` and the item, or None.
        told: with a sentence for the status bar.
        moved: what is looked at, or what can be done with it, changed.
    """

    picked = Signal(str, object)
    told = Signal(str)
    moved = Signal()

    def __init__(self, session: Session, steps: QUndoStack, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._steps = steps
        self._looking = Looking()
        self._drawing = Drawing()
        self._history: list[Looking] = []
        self._place = -1
        self._found: list[Item] = []
        self._current = ""
        self._centre = ""
        self._pressed = QPointF()
        self.search = ThingLine(session, self)
        self.search.chosen.connect(self.focus_on)
        self.up = self._spin("upstream", self._looking.up)
        self.down = self._spin("downstream", self._looking.down)
        self.ever = QCheckBox("&Past too", self)
        self.ever.setToolTip(
            "Show also what is no longer so; with an as-of date, only what was so on that date"
        )
        self.ever.setChecked(True)
        self.ever.toggled.connect(lambda on: self._look(replace(self._looking, ever=on), "Past"))
        self.shown_again = QToolButton(self)
        self.shown_again.setToolTip("Show everything that was hidden")
        self.shown_again.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.shown_again.hide()
        self._note = QLabel(self)
        self._note.setTextFormat(Qt.TextFormat.PlainText)
        bar = QHBoxLayout()
        bar.setSpacing(8)
        bar.addWidget(self.search, 1)
        for text, spin in (("&Upstream", self.up), ("&Downstream", self.down)):
            label = QLabel(text, self)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setBuddy(spin)
            bar.addWidget(label)
            bar.addWidget(spin)
        bar.addWidget(self.ever)
        bar.addWidget(self._note)
        bar.addWidget(self.shown_again)
        self.canvas = LineageCanvas(self)
        self.canvas.setAccessibleName("Lineage drawing; the outline beside it holds the same")
        self.outline = OutlineView(self)
        self.split = QSplitter(Qt.Orientation.Vertical, self)
        self.split.setObjectName("lineage-split")
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.canvas)
        self.split.addWidget(self.outline)
        self.split.setStretchFactor(0, 5)
        self.split.setStretchFactor(1, 2)
        self.split.setSizes([500, 200])
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 0)
        column.setSpacing(6)
        column.addLayout(bar)
        column.addWidget(self.split, 1)
        self._connect()
        self.setFocusProxy(self.canvas)
        self._tell()

    @property
    def looking(self) -> Looking:
        """What is looked at."""
        return self._looking

    @property
    def drawing(self) -> Drawing:
        """What is drawn."""
        return self._drawing

    def focus_on(self, selector: str, name: str) -> None:
        """Put the thing that `selector` names in the middle."""
        if not selector or selector == self._looking.selector:
            return
        after = replace(self._looking, selector=selector, name=name, expanded=frozenset(), hidden=frozenset(),
                        opened=frozenset(), pulled=frozenset(), closed=frozenset(), pins=())  # fmt: skip
        self.go_to_view(after, f"Lineage of {name}")

    def go_to_view(self, after: Looking, text: str) -> None:
        """Show another view, from which Back returns; `text` names the step."""
        self._history = [*self._history[: self._place + 1], after]
        self._place = len(self._history) - 1
        self._look(after, text)

    def refresh(self) -> None:
        """Ask again."""
        looking, dates, before = self._looking, self._session.dates, self._drawing.placed
        if not looking.selector:
            self._tell()
            return
        self._note.setText("Following the lineage…")
        self._session.ask(
            self,
            lambda workspace: follow(workspace, looking, dates, before),
            self._show,
            key="trace",
            failed=self._refuse,
        )

    def clear(self) -> None:
        """Show nothing: the workspace was closed."""
        self._looking = Looking()
        self._history, self._place = [], -1
        self.search.show_name("")
        self._show(Drawing())

    def go_to_filter(self) -> None:
        """Go to the search."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _folds(self) -> Folds:
        placed = self._drawing.placed
        return placed.folds if placed is not None else Folds()

    def _group(self) -> Group | None:
        folds = self._folds()
        return folds.groups.get(folds.group_of.get(self._current, self._current))

    def dress(self) -> None:
        """Draw again in the colours of the theme."""
        self.outline.viewport().update()
        self.canvas.set_scheme(style.scheme())

    def pick(self, key: str) -> None:
        """Make the thing or group `key` current in the drawing and in the outline."""
        folds = self._folds()
        group = folds.groups.get(key)
        if key == self._current or not (group.folded if group is not None else key in self._drawing.things):
            return
        if group is not None:
            self._current = key
            self.outline.pick(group.folded[0])
            self.canvas.select(key)
            self.told.emit(f"{len(group.folded)} of {len(group.members)} on one card; Return unfolds it")
            self.moved.emit()
            return
        self._current = key
        self.outline.pick(key)
        self.canvas.select(folds.card(key))
        self.picked.emit("entity", self._drawing.things[key])
        self.moved.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.canvas and isinstance(event, QMouseEvent):
            self._notice_click(event)
        return super().eventFilter(watched, event)

    def _notice_click(self, event: QMouseEvent) -> None:
        if event.type() == QEvent.Type.MouseButtonPress:
            self._pressed = event.position()
        elif event.type() == QEvent.Type.MouseButtonRelease and event.button() == Qt.MouseButton.LeftButton:
            if (event.position() - self._pressed).manhattanLength() >= QApplication.startDragDistance():
                return
            scene, view = self.canvas.scene, self.canvas.view
            x, y = view.to_scene(event.position().x(), event.position().y())
            edge = scene.edge_at(x, y, NEAR / view.zoom) if scene.card_at(x, y) < 0 else -1
            if edge >= 0:
                line = scene.edges[edge]
                card, pairs = self._folds().card, self._drawing.pairs.items()
                ends = (line.source, line.target)
                same = [edges for pair, edges in pairs if (card(pair[0]), card(pair[1])) == ends]
                self._show_why([edge for edges in same for edge in edges])

    def _show_why(self, edges: list[Item]) -> None:
        if edges:
            self.picked.emit("edge", {**edges[0], "also": edges[1:]})
            self.moved.emit()

    def _connect(self) -> None:
        self.canvas.selected.connect(self.pick)
        self.canvas.installEventFilter(self)
        self.outline.picked.connect(self.pick)
        self.outline.edgePicked.connect(self._show_why)

    def _look(self, after: Looking, text: str) -> None:
        if after != self._looking:
            self._steps.push(LookElsewhere(text, self._looking, after, self._set))

    def _set(self, looking: Looking) -> None:
        self._looking = looking
        for spin, value in ((self.up, looking.up), (self.down, looking.down)):
            spin.blockSignals(True)
            spin.setValue(value)
            spin.blockSignals(False)
        self.ever.blockSignals(True)
        self.ever.setChecked(looking.ever)
        self.ever.blockSignals(False)
        self.search.show_name(looking.name)
        if looking.selector:
            self.refresh()
        else:
            self._show(Drawing())
        self.moved.emit()

    def _step(self, step: int) -> None:
        place = self._place + step
        if 0 <= place < len(self._history):
            self._place = place
            self._look(self._history[place], "Back" if step < 0 else "Forward")

    def _spin(self, word: str, value: int) -> QSpinBox:
        spin = QSpinBox(self)
        spin.setRange(0, FURTHEST)
        spin.setValue(value)
        spin.setKeyboardTracking(False)
        spin.setAccessibleName(f"Steps {word}")
        spin.setToolTip(f"How many steps {word} are shown")
        spin.valueChanged.connect(lambda _: self._hops())
        return spin

    def _hops(self) -> None:
        self._look(replace(self._looking, up=self.up.value(), down=self.down.value()), "Steps")

    def _show(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._draw(drawing)
        self.outline.show_graph(drawing.nodes, drawing.edges, drawing.centre, len(self._looking.hidden),
                                folded_words(self._folds()))  # fmt: skip
        self._tell()
        group = self._group()
        stays = self._current in drawing.things
        if group is not None and group.key == self._current:
            stays = bool(group.folded)
            # An unfolded group's first member, so that folding it again is one key away.
            drawn = stays or not group.members
            self._current = self._current if drawn else group.members[0]
            stays = True
        current = self._current if stays else drawing.centre
        self._current = ""
        self.pick(current)
        self.moved.emit()

    def _draw(self, drawing: Drawing) -> None:
        placed = drawing.placed
        if placed is None or not placed.cards:
            from lineage.layout.layered import layout

            self.canvas.set_graph((), (), layout(layout_graph((), ())))
            self.canvas.set_message(drawing.says or NOTHING)
        else:
            self.canvas.set_graph(
                placed.cards, placed.lines, placed.layout, keep_view=self._same_centre(drawing)
            )
        self._centre = drawing.centre

    def _same_centre(self, drawing: Drawing) -> bool:
        return bool(self._centre) and self._centre == drawing.centre

    def _refuse(self, error: BaseException) -> None:
        self._note.setText("")
        if isinstance(error, UserError):
            self.told.emit(str(error))
            self._show(Drawing(says=str(error)))
        else:
            raise error

    def _tell(self) -> None:
        drawing, dates = self._drawing, self._session.dates
        words = (
            [counted(len(drawing.nodes), "thing"), counted(len(drawing.edges), "edge")]
            if drawing.nodes
            else []
        )
        hidden = len(self._looking.hidden)
        self.shown_again.setText(f"{hidden} hidden: show")
        self.shown_again.setAccessibleName(f"Show the {counted(hidden, 'hidden thing')}")
        self.shown_again.setVisible(bool(hidden))
        if self._folds().stands:
            words.append(f"{len(self._folds().stands)} folded")
        if drawing.placed is not None and drawing.placed.left_out:
            words.append(f"{counted(drawing.placed.left_out, 'thing')} in the outline only")
        if not drawing.complete:
            words.append("more exists than is shown")
        if dates.as_of and drawing.nodes:
            words.append(f"as of {when(dates.as_of)} UTC")
        self._note.setText(" · ".join(words))
        self.ever.setEnabled(dates.as_of is None)
