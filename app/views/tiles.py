"""Which parts of the drawing are already painted at this size, and what stands in for those that are not?

Panning costs only the copying of pictures. After a change of zoom the last complete size is shown scaled until the
sharp pictures are there. Pictures are dropped oldest first when they need more than `LIMIT` bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import perf_counter

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from app.views.canvas_view import View

SIDE = 512
"""Device pixels along one side of a tile."""

LIMIT = 96 * 1024 * 1024

Box = tuple[float, float, float, float]
Paint = Callable[[QPainter, Box, float], None]


class Tiles:
    """Painted squares of one drawing, by zoom and place."""

    def __init__(self, ground: QColor, paint: Paint) -> None:
        self._ground = ground
        self._paint = paint
        self._pictures: OrderedDict[tuple[float, int, int], QImage] = OrderedDict()
        self._shown = 0.0

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self._pictures) * SIDE * SIDE * 4

    def draw(
        self, painter: QPainter, view: View, width: int, height: int, dense: float, patience: float
    ) -> bool:
        """Draw what `view` shows; returns whether everything was sharp.

        Args:
            painter: paints in pixels of the widget.
            view: what is seen.
            width, height: of the widget.
            dense: device pixels per pixel.
            patience: seconds after which missing tiles are left to the next call.
        """
        scale = view.zoom * dense
        wanted = self._wanted(view, width, height, dense)
        missing = [place for place in wanted if (scale, *place) not in self._pictures]
        began = perf_counter()
        left = len(missing)
        for place in missing:
            if perf_counter() - began > patience:
                break
            self._make(scale, place, view.zoom)
            left -= 1
        if left and self._shown not in (0.0, scale):
            self._stand_in(painter, view, width, height, dense)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for column, row in wanted:
            key = (scale, column, row)
            picture = self._pictures.get(key)
            if picture is not None:
                self._pictures.move_to_end(key)
                side = SIDE / dense
                x, y = column * side + view.dx, row * side + view.dy
                painter.drawImage(QRectF(x, y, side, side), picture)
        if not left:
            self._shown = scale
        self._drop({(scale, *place) for place in wanted})
        return not left

    def _wanted(self, view: View, width: int, height: int, dense: float) -> list[tuple[int, int]]:
        """Return the tiles that are seen, those in the middle first."""
        side = SIDE / dense
        columns = range(int(-view.dx // side), int((width - view.dx) // side) + 1)
        rows = range(int(-view.dy // side), int((height - view.dy) // side) + 1)
        middle_x = (width / 2 - view.dx) / side - 0.5
        middle_y = (height / 2 - view.dy) / side - 0.5
        places = [(column, row) for column in columns for row in rows]
        return sorted(places, key=lambda at: (at[0] - middle_x) ** 2 + (at[1] - middle_y) ** 2)

    def _make(self, scale: float, place: tuple[int, int], zoom: float) -> None:
        picture = QImage(SIDE, SIDE, QImage.Format.Format_RGB32)
        picture.fill(self._ground)
        left, top = place[0] * SIDE / scale, place[1] * SIDE / scale
        side = SIDE / scale
        painter = QPainter(picture)
        painter.scale(scale, scale)
        painter.translate(-left, -top)
        # A little more than the tile itself, for arrows, pills and rings that hang over from the neighbours.
        rim = 16.0 + 4.0 / zoom
        self._paint(painter, (left - rim, top - rim, left + side + rim, top + side + rim), zoom)
        painter.end()
        self._pictures[scale, *place] = picture

    def _stand_in(self, painter: QPainter, view: View, width: int, height: int, dense: float) -> None:
        """Draw the tiles of the last complete size, scaled."""
        old = self._shown
        factor = view.zoom * dense / old
        side = SIDE / dense * factor
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        seen = QRectF(0, 0, width, height)
        for scale, column, row in list(self._pictures):
            if scale == old:
                spot = QRectF(column * side + view.dx, row * side + view.dy, side, side)
                if spot.intersects(seen):
                    painter.drawImage(spot, self._pictures[scale, column, row])

    def _drop(self, needed: set[tuple[float, int, int]]) -> None:
        for key in list(self._pictures):
            if self.size <= LIMIT:
                break
            if key not in needed:
                del self._pictures[key]
