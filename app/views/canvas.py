"""How does a person walk through a lineage drawing, by pointer, keyboard and ear?

The canvas shows what it is given; which cards those are, and what opening one means, is decided by who listens to its
signals.
"""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from app.views.canvas_surface import STEP, CanvasSurface
from app.views.scene import CanvasScene
from lineage.text import display_text

DWELL = 140
"""Milliseconds the pointer rests on a card before its path is lit, so that crossing the drawing does not flicker."""

_WAYS = {
    Qt.Key.Key_Left: "left",
    Qt.Key.Key_Right: "right",
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Down: "down",
    Qt.Key.Key_Home: "first",
    Qt.Key.Key_End: "last",
}


class LineageCanvas(CanvasSurface):
    """The drawing, to walk through.

    Signals:
        selected: with the key of the card that became current by mouse or keyboard.
        activated: with the key of a card that was double-clicked or on which Enter was pressed.
        expandRequested: with a key and "up" or "down": show the neighbours that are not drawn.
        spanned: with the key of the card up to which, from the current one, shall be shown what lies between.
        contextRequested: with a key (empty = the ground) and the point on the screen for a menu.
    """

    selected = Signal(str)
    activated = Signal(str)
    expandRequested = Signal(str, str)
    spanned = Signal(str)
    contextRequested = Signal(str, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Lineage drawing")
        self._under = (-1, -1)
        self._grip: QPointF | None = None
        self._steering = False
        self._moved = False
        self._dwell = QTimer(self)
        self._dwell.setSingleShot(True)
        self._dwell.setInterval(DWELL)
        self._dwell.timeout.connect(self._light_under)

    def select(self, key: str) -> None:
        """Make a card current, in view, without telling anybody; an unknown key chooses none."""
        place = self._scene.index(key)
        self._chosen = key if place >= 0 else ""
        if place >= 0 and not self._fit_wanted:
            self._bring_in(place)
        self._describe()
        self.update()

    def _choose(self, place: int) -> None:
        """Make a card current because the person asked for it."""
        if place < 0:
            return
        self.select(self._scene.cards[place].key)
        self._announce(self.words_for(place))
        self.selected.emit(self._chosen)

    def words_for(self, place: int) -> str:
        """Return what a screen reader says about a card."""
        card, scene = self._scene.cards[place], self._scene
        up = len(scene.feeds(place)) + card.more_up
        down = len(scene.fed(place)) + card.more_down
        parts = [
            f"{card.kind.replace('-', ' ')} {display_text(card.title)}",
            card.ghost,
            display_text(card.subtitle),
        ]
        parts += [badge.text for badge in card.badges]
        parts.append(f"{up} upstream, {down} downstream")
        return ", ".join(part for part in parts if part)

    def _describe(self) -> None:
        scene = self._scene
        words = f"{len(scene.cards)} cards, {len(scene.edges)} edges."
        place = scene.index(self._chosen)
        if place >= 0:
            words += f" Current: {self.words_for(place)}."
        words += " Left and right walk upstream and downstream, up and down along the column, Enter opens."
        self.setAccessibleDescription(words)

    def _announce(self, words: str) -> None:
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))

    def _light_under(self) -> None:
        if self._held:
            return
        card, edge = self._under
        if card >= 0:
            self._lit = self._scene.path(card)
        elif edge >= 0:
            self._lit = self._scene.edge_path(edge)
        self.update()

    def _point_at(self, point: QPointF) -> None:
        """Notice what is under the pointer; light its path after a moment."""
        x, y = self._view.to_scene(point.x(), point.y())
        card = self._scene.card_at(x, y)
        edge = -1 if card >= 0 else self._scene.edge_at(x, y, 5.0 / self._view.zoom)
        if (card, edge) == self._under:
            return
        self._under = (card, edge)
        self.setCursor(Qt.CursorShape.PointingHandCursor if card >= 0 else Qt.CursorShape.ArrowCursor)
        if self._lit is not None and not self._held:
            self._lit = None
            self.update()
        if card >= 0 or edge >= 0:
            self._dwell.start()
        else:
            self._dwell.stop()

    def _steer(self, point: QPointF) -> None:
        middle = self._overview.to_scene(point.x(), point.y(), self.width(), self.height())
        self._look(self._view.centred(*middle, self.width(), self.height()))

    def _take(self, scene: CanvasScene) -> None:
        self._under = (-1, -1)
        self._dwell.stop()
        super()._take(scene)
        self._describe()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, place = Qt.Key(event.key()), self._scene.index(self._chosen)
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in _WAYS and self._scene.cards:
            if shift and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
                self._expand(place, "up" if key is Qt.Key.Key_Left else "down")
            else:
                self._walk(place, _WAYS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and place >= 0:
            self.activated.emit(self._chosen)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif key is Qt.Key.Key_Minus:
            self.zoom_out()
        elif key is Qt.Key.Key_F and not event.modifiers():
            self.fit()
        elif key is Qt.Key.Key_Escape and self._lit is not None:
            self.light("")
        else:
            super().keyPressEvent(event)

    def _walk(self, place: int, way: str) -> None:
        if place < 0:
            self._choose(self._scene.first())
            return
        found = self._scene.neighbour(place, way)
        if found >= 0:
            self._choose(found)
        elif way in ("left", "right"):
            side = "upstream" if way == "left" else "downstream"
            card = self._scene.cards[place]
            more = card.more_up if way == "left" else card.more_down
            self._announce(f"{more} more {side}, not drawn" if more else f"nothing {side}")

    def _expand(self, place: int, side: str) -> None:
        if place < 0:
            return
        card = self._scene.cards[place]
        if card.more_up if side == "up" else card.more_down:
            self.expandRequested.emit(card.key, side)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        self._moved = False
        if event.button() == Qt.MouseButton.LeftButton and self._over_overview(point):
            self._steering = True
            self._steer(point)
        elif event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._grip = point

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._steering:
            self._steer(point)
        elif self._grip is not None:
            step = point - self._grip
            if self._moved or step.manhattanLength() >= QApplication.startDragDistance():
                self._moved = True
                self._flight.stop()
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
                self._look(self._view.moved(step.x(), step.y()))
                self._grip = point
        elif self._over_overview(point):
            self._forget_under()
        else:
            self._point_at(point)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        clicked = self._grip is not None and not self._moved and event.button() == Qt.MouseButton.LeftButton
        self._grip, self._steering = None, False
        if self._moved:
            self.unsetCursor()
            self._overview.choose_corner(self._view, self.width(), self.height())
            self.update()
        if clicked:
            place, side = self._hit(point)
            if side:
                self.expandRequested.emit(self._scene.cards[place].key, side)
            elif place >= 0 and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.spanned.emit(self._scene.cards[place].key)
            else:
                self._choose(place)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place, side = self._hit(event.position())
        if event.button() == Qt.MouseButton.LeftButton and place >= 0 and not side:
            self.activated.emit(self._scene.cards[place].key)

    def wheelEvent(self, event: QWheelEvent) -> None:
        point, by = event.position(), event.angleDelta()
        zooms = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if not event.pixelDelta().isNull() and not zooms:
            # A touchpad: two fingers move the drawing, pinching makes it larger.
            self._look(self._view.moved(event.pixelDelta().x(), event.pixelDelta().y()))
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._look(self._view.moved(by.y() or by.x(), 0))
        elif by.y():
            self._flight.stop()
            self._look(self._view.zoomed(STEP ** (by.y() / 120), point.x(), point.y()))
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            place = self._scene.index(self._chosen)
            if place >= 0:
                x, y = self._view.to_widget(*self._middle(place))
                self.contextRequested.emit(self._chosen, self.mapToGlobal(QPointF(x, y).toPoint()))
                return
        place = self._hit(QPointF(event.pos()))[0]
        if place >= 0:
            self._choose(place)
        self.contextRequested.emit(self._scene.cards[place].key if place >= 0 else "", event.globalPos())

    def focusInEvent(self, event: QFocusEvent) -> None:
        place = self._scene.index(self._chosen)
        if place >= 0:
            self._announce(self.words_for(place))
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._forget_under()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            text = self.tip_at(QPointF(event.pos()))
            # Never rich text: what stands there comes from outside.
            safe = f'<p style="white-space:pre-wrap">{escape(text)}</p>' if text else ""
            QToolTip.showText(event.globalPos(), safe, self)
            return True
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                point = event.position()
                self._look(self._view.zoomed(1.0 + event.value(), point.x(), point.y()))
            return True
        return super().event(event)

    def tip_at(self, point: QPointF) -> str:
        """Return what is said about the card or line under a pixel: names in full, then the details."""
        x, y = self._view.to_scene(point.x(), point.y())
        place = self._scene.card_at(x, y)
        if place >= 0:
            card = self._scene.cards[place]
            lines = [card.title, card.kind.replace("-", " "), card.ghost, card.subtitle]
            lines += [badge.text for badge in card.badges] + card.detail.splitlines()
            return "\n".join(display_text(line) for line in lines if line)
        at = self._scene.edge_at(x, y, 5.0 / self._view.zoom)
        if at < 0:
            return ""
        edge = self._scene.edges[at]
        ends = [self._scene.cards[int(end[at])].title for end in (self._scene.source, self._scene.target)]
        lines = [" → ".join(ends), edge.basis.replace("-", " "), "no longer" if edge.ghost else ""]
        return "\n".join(display_text(line) for line in lines + edge.detail.splitlines() if line)

    def _hit(self, point: QPointF) -> tuple[int, str]:
        """Return the card under a pixel, -1 for none, and the side of its pill when it is that."""
        x, y = self._view.to_scene(point.x(), point.y())
        near = self._scene.cards_in((x - 30, y - 12, x + 30, y + 12))
        for place in near.tolist():
            side = self._artist.stub_at(place, x, y)
            if side:
                return place, side
        return self._scene.card_at(x, y), ""

    def _over_overview(self, point: QPointF) -> bool:
        return self._shows_overview() and self._overview.frame(self.width(), self.height()).contains(point)

    def _forget_under(self) -> None:
        self._under = (-1, -1)
        self._dwell.stop()
        if self._lit is not None and not self._held:
            self._lit = None
            self.update()
