"""How do ten thousand lines or boxes reach Qt without a Python object for each?

`QPainter.drawLines(first, count)` reads an array in memory; a numpy array of doubles has exactly that form. Where
the binding cannot do that, lists are used, with the same picture. The two buffers are never replaced and each is only
ever wrapped as one type, because the binding remembers addresses.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import shiboken6
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from lineage.layout.graph import Floats

_ROWS = 4096
_LINES = np.zeros((_ROWS, 4))
_BOXES = np.zeros((_ROWS, 4))


@cache
def reads_memory() -> bool:
    """Return whether this binding draws from memory; tried once on a picture of two points."""
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    painter.setPen(QColor("#ffffff"))
    try:
        _send(painter.drawLines, _LINES, QLineF, np.array([[0.0, 0.0, 3.0, 0.0], [0.0, 2.0, 3.0, 2.0]]))
    except TypeError:
        return False
    finally:
        painter.end()
    return [image.pixelColor(1, y).red() for y in range(4)] == [255, 0, 255, 0]


def _send(draw: Any, buffer: Floats, kind: type, rows: Floats) -> None:
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        buffer[: len(part)] = part
        draw(shiboken6.wrapInstance(buffer.ctypes.data, kind), len(part))


def draw_lines(painter: QPainter, lines: Floats) -> None:
    """Draw rows of x1, y1, x2, y2 with the present pen."""
    if reads_memory():
        _send(painter.drawLines, _LINES, QLineF, lines)
    elif len(lines):
        painter.drawLines([QLineF(*row) for row in lines.tolist()])


def draw_boxes(painter: QPainter, boxes: Floats) -> None:
    """Draw rows of x, y, width, height with the present pen and brush."""
    if reads_memory():
        _send(painter.drawRects, _BOXES, QRectF, boxes)
    elif len(boxes):
        painter.drawRects([QRectF(*row) for row in boxes.tolist()])
