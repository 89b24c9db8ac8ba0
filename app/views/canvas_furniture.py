"""What lies over the drawing: the overview in a corner, the key to the lines, rings around what is chosen?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap

from app import style
from app.style import Scheme
from app.views.canvas_paint import Artist
from app.views.canvas_view import View
from app.views.scene import Box, CanvasScene
from app.views.strokes import draw_boxes

EDGE = 12.0
"""Pixels between these things and the border of the canvas."""

_WIDEST, _HIGHEST = 190.0, 120.0
_STROKES = ("stated or seen", "inferred", "by hand")
_PATTERNS = (None, [5.0, 3.5], [1.2, 2.6])


class Overview:
    """The whole drawing small, with a frame around what is seen."""

    def __init__(self, scene: CanvasScene, scheme: Scheme) -> None:
        self._scene = scene
        self._tokens = style.TOKENS[scheme]
        width, height = (max(side, 1.0) for side in scene.size)
        self.scale = min(_WIDEST / width, _HIGHEST / height)
        self.width, self.height = max(24.0, width * self.scale), max(16.0, height * self.scale)
        self.corner = 1
        self._picture: QPixmap | None = None
        self._kinds = scheme

    def frame(self, width: int, height: int) -> QRectF:
        """Return where the overview lies in a widget of this size."""
        box = _corners(width, height, self.width, self.height)[self.corner]
        return QRectF(box[0], box[1], self.width, self.height)

    def choose_corner(self, view: View, width: int, height: int) -> None:
        """Go to the corner where the least is drawn."""
        corners = _corners(width, height, self.width, self.height)
        boxes = [(*view.to_scene(box[0], box[1]), *view.to_scene(box[2], box[3])) for box in corners]
        # Lower right first: that is where people look for it.
        order = (1, 0, 3, 2)
        self.corner = order[self._scene.emptiest([boxes[at] for at in order])]

    def to_scene(self, x: float, y: float, width: int, height: int) -> tuple[float, float]:
        """Return the scene point under a pixel of the overview."""
        frame = self.frame(width, height)
        return (
            self._scene.bounds[0] + (x - frame.left()) / self.scale,
            self._scene.bounds[1] + (y - frame.top()) / self.scale,
        )

    def draw(self, painter: QPainter, view: View, width: int, height: int, dense: float) -> None:
        """Draw it into a widget of this size."""
        frame = self.frame(width, height)
        board = frame.adjusted(-5, -5, 5, 5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(QColor(self._tokens.line), 1.0))
        painter.setBrush(QColor(self._tokens.window))
        painter.drawRoundedRect(board, 5, 5)
        if self._picture is None or self._picture.devicePixelRatio() != dense:
            self._picture = self._painted(dense)
        painter.drawPixmap(frame.topLeft(), self._picture)
        left, top = self._scene.bounds[:2]
        seen = view.box(width, height)
        window = QRectF(
            frame.left() + (seen[0] - left) * self.scale,
            frame.top() + (seen[1] - top) * self.scale,
            (seen[2] - seen[0]) * self.scale,
            (seen[3] - seen[1]) * self.scale,
        ).intersected(board)
        tint = QColor(self._tokens.accent)
        tint.setAlpha(28)
        painter.setPen(QPen(QColor(self._tokens.accent), 1.5))
        painter.setBrush(tint)
        painter.drawRect(window)

    def _painted(self, dense: float) -> QPixmap:
        picture = QPixmap(max(1, round(self.width * dense)), max(1, round(self.height * dense)))
        picture.setDevicePixelRatio(dense)
        picture.fill(Qt.GlobalColor.transparent)
        scene = self._scene
        painter = QPainter(picture)
        painter.setPen(Qt.PenStyle.NoPen)
        left = (scene.left - scene.bounds[0]) * self.scale
        top = (scene.top - scene.bounds[1]) * self.scale
        wide = np.maximum((scene.right - scene.left) * self.scale, 2.0)
        high = np.maximum((scene.bottom - scene.top) * self.scale, 1.5)
        boxes = np.stack([left, top, wide, high], axis=1)
        kinds = np.array([card.kind for card in scene.cards])
        for kind in sorted(set(kinds.tolist())):
            painter.setBrush(QColor(style.kind(kind).colour(self._kinds)))
            draw_boxes(painter, boxes[kinds == kind])
        painter.end()
        return picture


def _corners(width: int, height: int, wide: float, high: float) -> list[Box]:
    """Return upper right, lower right, lower left, upper left boxes."""
    left, right = EDGE, width - EDGE - wide
    top, bottom = EDGE, height - EDGE - high
    return [
        (right, top, right + wide, top + high),
        (right, bottom, right + wide, bottom + high),
        (left, bottom, left + wide, bottom + high),
        (left, top, left + wide, top + high),
    ]


def key_size(strokes: Sequence[int]) -> tuple[float, float]:
    """Return width and height of the key to these strokes."""
    metrics = QFontMetricsF(style.sized_font(11.0))
    wide = sum(36.0 + metrics.horizontalAdvance(_STROKES[stroke]) + 16.0 for stroke in strokes)
    return wide, 22.0


def draw_key(painter: QPainter, at: QPointF, strokes: Sequence[int], scheme: Scheme) -> None:
    """Draw what the kinds of lines mean, from this upper left corner, on a board of its own."""
    colours, font = style.TOKENS[scheme], style.sized_font(11.0)
    metrics = QFontMetricsF(font)
    wide, high = key_size(strokes)
    board = QColor(colours.ground)
    board.setAlpha(225)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(board)
    painter.drawRoundedRect(QRectF(at.x() - 6, at.y(), wide, high), 5, 5)
    painter.setFont(font)
    x, middle = at.x(), at.y() + high / 2
    for stroke in strokes:
        pen = QPen(QColor(colours.edge), 1.4)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pattern = _PATTERNS[stroke]
        if pattern:
            pen.setDashPattern(pattern)
        painter.setPen(pen)
        painter.drawLine(QLineF(x, middle, x + 28, middle))
        painter.setPen(QColor(colours.muted))
        words = _STROKES[stroke]
        box = QRectF(x + 36, at.y(), metrics.horizontalAdvance(words) + 4, high)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        x += 36 + metrics.horizontalAdvance(words) + 16


def draw_ring(
    painter: QPainter, artist: Artist, card: int, zoom: float, *, focused: bool, chosen: bool
) -> None:
    """Draw the rings that say a card is chosen, and that the keyboard is there; the painter is in scene units."""
    accent = QColor(artist.tokens.accent)
    pixel = 1.0 / zoom
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if chosen:
        painter.setPen(QPen(accent, max(2.2, 2.2 * pixel)))
        painter.drawPath(artist.outline(card, max(1.5, 1.5 * pixel)))
    if focused:
        painter.setPen(QPen(accent, 1.4 * pixel, Qt.PenStyle.DotLine))
        painter.drawPath(artist.outline(card, max(5.0, 5.0 * pixel)))
