"""Which part of a lineage drawing is seen, and how is it put on the screen, a picture or a page?

The surface paints cached tiles and lays on top what changes often: the lit path, rings, overview, key.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, QVariantAnimation, Signal
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from app import style
from app.style import Scheme
from app.views.canvas_furniture import EDGE, Overview, draw_key, draw_ring, key_size
from app.views.canvas_paint import Artist
from app.views.canvas_view import MARGIN, View, fitted
from app.views.cards import Card, CardEdge
from app.views.scene import Box, CanvasScene, Path
from app.views.tiles import Tiles
from lineage.layout.graph import Layout
from lineage.text import display_text

STEP = 1.25
"""How much larger one step of zoom makes things."""

FADED = 0.35
"""What stays of everything that is not on the lit path (issue 4)."""

FLIGHT = 220
"""Milliseconds a change of view takes, where motion is wanted."""

_FOOT = 24.0
_READABLE = 0.62
_PATIENCE, _FIRST_PATIENCE = 0.012, 0.4


class CanvasSurface(QWidget):
    """A drawing that can be shown, moved, zoomed and exported.

    Signals:
        viewChanged: the part that is seen, or its size, changed.
    """

    viewChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._scheme = style.scheme()
        self._message = ""
        self._view = View()
        self._fit_wanted = True
        self._chosen = ""
        self._lit: Path | None = None
        self._held = False
        self._flight = QVariantAnimation(self)
        self._flight.setStartValue(0.0)
        self._flight.setEndValue(1.0)
        self._flight.setDuration(FLIGHT)
        self._flight.valueChanged.connect(self._fly)
        self._route = (View(), View())
        self._scene = CanvasScene.empty()
        self._dress()

    @property
    def scene(self) -> CanvasScene:
        """What is drawn."""
        return self._scene

    @property
    def view(self) -> View:
        """Which part is seen, and how large."""
        return self._view

    @property
    def current(self) -> str:
        """The key of the chosen card, empty for none."""
        return self._chosen

    def sizeHint(self) -> QSize:
        return QSize(900, 600)

    def set_graph(
        self, cards: Sequence[Card], edges: Sequence[CardEdge], layout: Layout, keep_view: bool = False
    ) -> None:
        """Show these cards and edges; `layout` names the same cards and has its edges in the same order.

        With `keep_view` the same part stays in view, and the chosen card on its pixel when it moved.
        """
        place = self._scene.index(self._chosen)
        before = self._view.to_widget(*self._middle(place)) if place >= 0 else None
        self._take(CanvasScene(cards, edges, layout))
        place = self._scene.index(self._chosen)
        if place < 0:
            self._chosen = ""
        if not keep_view or not cards:
            self._fit_wanted = True
            self._fit_when_sized()
        elif before is not None and place >= 0:
            now = self._view.to_widget(*self._middle(place))
            self._look(self._view.moved(before[0] - now[0], before[1] - now[1]))
        self._overview.choose_corner(self._view, self.width(), self.height())
        self.update()

    def set_message(self, text: str) -> None:
        """Say why nothing is drawn; shown only while there are no cards."""
        self._message = text
        self.update()

    def set_scheme(self, scheme: Scheme | str) -> None:
        """Draw light or dark from now on."""
        self._scheme = Scheme(scheme)
        self._dress()

    def fit(self) -> None:
        """Show the whole drawing."""
        if not self._scene.cards:
            return
        self._travel(fitted(self._scene.bounds, self.width(), self.height()))

    def fly_to(self, key: str) -> None:
        """Put a card in the middle, large enough to read; at once when no motion is wanted."""
        place = self._scene.index(key)
        if place < 0:
            return
        self._fit_wanted = False
        near = View(min(max(self._view.zoom, 0.85), 1.6))
        self._travel(near.centred(*self._middle(place), self.width(), self.height()))

    def zoom_in(self) -> None:
        """Draw larger, around the chosen card when it is in view, else around the middle."""
        self._zoom(STEP)

    def zoom_out(self) -> None:
        """Draw smaller, around the same."""
        self._zoom(1 / STEP)

    def light(self, key: str) -> None:
        """Light the path of a card until something else is lit; an empty key lights everything again."""
        place = self._scene.index(key)
        self._lit = self._scene.path(place) if place >= 0 else None
        self._held = False
        self.update()

    def light_between(self, begin: str, end: str) -> int:
        """Light what lies between two cards until Escape, and return how many cards are lit."""
        places = self._scene.index(begin), self._scene.index(end)
        if min(places) < 0:
            return 0
        self._lit, self._held = self._scene.between(*places), True
        self.update()
        return int(self._lit.cards().sum())

    def draw(self, painter: QPainter, rect: QRectF, scheme: Scheme | str | None = None) -> None:
        """Draw the whole of it, in full detail, into a rectangle of a picture or page.

        The painter must be in the same units as `rect`. Icons and words are drawn as vectors and text.
        """
        artist = Artist(self._scene, Scheme(scheme) if scheme else self._scheme)
        strokes = self._strokes()
        foot = _FOOT if len(strokes) > 1 else 0.0
        left, top, right, bottom = self._scene.bounds
        seen = fitted((left, top, right, bottom), rect.width(), rect.height() - foot, most=float("inf"))
        painter.save()
        painter.setClipRect(rect)
        painter.fillRect(rect, artist.ground)
        painter.save()
        painter.translate(rect.x() + seen.dx, rect.y() + seen.dy)
        painter.scale(seen.zoom, seen.zoom)
        artist.paint(painter, (left - 50, top - 50, right + 50, bottom + 50), 1.0, dense=0.0)
        painter.restore()
        if foot:
            draw_key(painter, QPointF(rect.x() + EDGE + 6, rect.bottom() - 26), strokes, artist.scheme)
        painter.restore()

    def picture_size(self) -> tuple[float, float]:
        """Return the size at which `draw` shows everything in its own size, with a margin."""
        width, height = self._scene.size
        foot = _FOOT if len(self._strokes()) > 1 else 0.0
        return width + 2 * MARGIN, height + 2 * MARGIN + foot

    def _take(self, scene: CanvasScene) -> None:
        self._scene = scene
        self._lit, self._held = None, False
        self._dress()

    def _dress(self) -> None:
        """Make anew whatever depends on the scene, the scheme or the font."""
        self._artist = Artist(self._scene, self._scheme)
        self._tiles = Tiles(self._artist.ground, self._paint_tile)
        self._overview = Overview(self._scene, self._scheme)
        self._overview.choose_corner(self._view, self.width(), self.height())
        self.update()

    def _paint_tile(self, painter: QPainter, box: Box, zoom: float) -> None:
        self._artist.paint(painter, box, zoom, dense=self.devicePixelRatioF())

    def _middle(self, place: int) -> tuple[float, float]:
        scene = self._scene
        return (
            float(scene.left[place] + scene.right[place]) / 2,
            float(scene.top[place] + scene.bottom[place]) / 2,
        )

    def _strokes(self) -> list[int]:
        return [int(stroke) for stroke in np.unique(self._scene.stroke)]

    def _fit_when_sized(self) -> None:
        """Show all; when that would be too small to read, the chosen card or the first one, readable."""
        if not self._fit_wanted or not self._scene.cards or self.width() < 60 or not self.isVisible():
            return
        self._fit_wanted = False
        self._flight.stop()
        whole = fitted(self._scene.bounds, self.width(), self.height())
        place = self._scene.index(self._chosen)
        if whole.zoom < _READABLE and place >= 0:
            whole = View(_READABLE).centred(*self._middle(place), self.width(), self.height())
        self._look(whole)
        self._overview.choose_corner(self._view, self.width(), self.height())

    def _look(self, view: View, *, flying: bool = False) -> None:
        """See this part now, on whole device pixels so that tiles are copied and not blurred."""
        if not flying:
            self._flight.stop()
        view = view.kept_near(self._scene.bounds, self.width(), self.height())
        dense = self.devicePixelRatioF()
        self._view = View(view.zoom, round(view.dx * dense) / dense, round(view.dy * dense) / dense)
        self.viewChanged.emit()
        self.update()

    def _travel(self, view: View) -> None:
        self._flight.stop()
        if style.reduced_motion() or not self.isVisible() or not self._scene.cards:
            self._look(view)
            self._overview.choose_corner(self._view, self.width(), self.height())
            return
        self._route = (self._view, view)
        self._flight.start()

    def _fly(self, share: float) -> None:
        start, end = self._route
        eased = share * share * (3 - 2 * share)
        view = end if share >= 1 else start.between(end, eased, self.width(), self.height())
        self._look(view, flying=True)
        if share >= 1:
            self._overview.choose_corner(self._view, self.width(), self.height())

    def _zoom(self, factor: float) -> None:
        place = self._scene.index(self._chosen)
        x, y = self.width() / 2, self.height() / 2
        if place >= 0:
            seen = self._view.to_widget(*self._middle(place))
            if self.rect().contains(QPointF(*seen).toPoint()):
                x, y = seen
        self._look(self._view.zoomed(factor, x, y))

    def _bring_in(self, place: int) -> None:
        """Move just enough to see a card with some room around it."""
        scene, view = self._scene, self._view
        left, top = view.to_widget(float(scene.left[place]), float(scene.top[place]))
        right, bottom = view.to_widget(float(scene.right[place]), float(scene.bottom[place]))
        rim = 36.0
        dx = max(0.0, rim - left) or min(0.0, self.width() - rim - right)
        dy = max(0.0, rim - top) or min(0.0, self.height() - rim - bottom)
        if dx or dy:
            self._travel(view.moved(dx, dy))

    def _shows_overview(self) -> bool:
        left, top, right, bottom = self._scene.bounds
        seen = self._view.box(self.width(), self.height())
        inside = seen[0] <= left and seen[1] <= top and seen[2] >= right and seen[3] >= bottom
        return bool(self._scene.cards) and not inside and self.width() > 420 and self.height() > 300

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._scene.cards:
            painter.fillRect(self.rect(), self._artist.ground)
            painter.setPen(QColor(self._artist.tokens.muted))
            painter.setFont(style.sized_font(13.0))
            wrap = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(24, 24, -24, -24), wrap, display_text(self._message))
            return
        dense, zoom = self.devicePixelRatioF(), self._view.zoom
        patience = _PATIENCE if self._tiles.size else _FIRST_PATIENCE
        painter.fillRect(self.rect(), self._artist.ground)
        sharp = self._tiles.draw(painter, self._view, self.width(), self.height(), dense, patience)
        if not sharp:
            QTimer.singleShot(0, self, self.update)
        box = self._view.box(self.width(), self.height())
        if self._lit is not None:
            veil = QColor(self._artist.ground)
            veil.setAlphaF(1.0 - FADED)
            painter.fillRect(self.rect(), veil)
        painter.save()
        painter.translate(self._view.dx, self._view.dy)
        painter.scale(zoom, zoom)
        place = self._scene.index(self._chosen)
        if self._lit is not None:
            self._artist.paint_path(painter, self._lit, box, zoom, dense=dense)
        if place >= 0:
            draw_ring(painter, self._artist, place, zoom, focused=self.hasFocus(), chosen=True)
        painter.restore()
        self._draw_furniture(painter, dense)

    def _draw_furniture(self, painter: QPainter, dense: float) -> None:
        strokes = self._strokes()
        shown = self._shows_overview()
        if len(strokes) > 1:
            wide, high = key_size(strokes)
            at_right = shown and self._overview.corner == 2
            x = self.width() - wide - EDGE if at_right else EDGE + 6
            draw_key(painter, QPointF(x, self.height() - high - EDGE / 2), strokes, self._scheme)
        if shown:
            self._overview.draw(painter, self._view, self.width(), self.height(), dense)
        if self.hasFocus() and self._scene.index(self._chosen) < 0:
            painter.setPen(QColor(self._artist.tokens.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -2, -2))

    def resizeEvent(self, event: QResizeEvent) -> None:
        old, new = event.oldSize(), event.size()
        if old.isValid() and not self._fit_wanted:
            # What was in the middle stays there.
            dx, dy = (new.width() - old.width()) / 2, (new.height() - old.height()) / 2
            self._look(self._view.moved(dx, dy))
        self._fit_when_sized()

    def showEvent(self, event: QShowEvent) -> None:
        self._fit_when_sized()

    def hideEvent(self, event: QHideEvent) -> None:
        self._flight.stop()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.DevicePixelRatioChange):
            self._dress()
        super().changeEvent(event)
