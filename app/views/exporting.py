"""How does a drawing become a picture file: PNG, SVG or PDF, with its title, whole, whatever is seen on the screen?"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QIODevice, QMarginsF, QRect, QRectF, QSaveFile, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPageLayout, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from app import style
from app.style import Scheme
from app.views.canvas import LineageCanvas
from lineage.errors import UserError

LARGEST = 30_000
"""Pixels a side at most: QPainter cannot draw on images beyond 32,767."""

HEAD = 64.0
"""Height of the title, pixels at scale 1."""


def write_drawing(
    canvas: LineageCanvas, path: str, title: str, note: str, scheme: Scheme, scale: float = 2.0
) -> QSize:
    """Write the whole drawing to `path` and return its size in pixels; raises `UserError`.

    Args:
        canvas: holds the drawing; what part of it is seen does not matter.
        path: `.png`, `.svg` or `.pdf` (one page as large as the drawing, words as text).
        title, note: what is drawn, and as of when, above it.
        scheme: light or dark.
        scale: pixels of a PNG for each scene unit, made smaller for a drawing that would not fit.
    """
    wide, high = canvas.picture_size()
    wide, high = max(wide, 560.0), high + HEAD
    suffix = Path(path).suffix.lower()
    if suffix == ".svg":
        return _svg(canvas, path, title, note, scheme, QSize(round(wide), round(high)))
    if suffix == ".pdf":
        return _pdf(canvas, path, title, note, scheme, QSize(round(wide), round(high)))
    if suffix != ".png":
        raise UserError(
            "the name does not say a format", where=path, remedy="let it end in .png, .svg or .pdf"
        )
    scale = min(scale, LARGEST / wide, LARGEST / high)
    image = QImage(round(wide * scale), round(high * scale), QImage.Format.Format_RGB32)
    if image.isNull():
        raise UserError("the picture is too large", where=path, remedy="show fewer steps, or write an SVG")
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.scale(scale, scale)
    _paint(painter, canvas, title, note, scheme, wide, high)
    painter.end()
    file = QSaveFile(path)
    if not file.open(QIODevice.OpenModeFlag.WriteOnly) or not image.save(file, "PNG") or not file.commit():  # type: ignore[call-overload]
        raise UserError("the picture cannot be written", where=f"{path}: {file.errorString()}")
    return image.size()


def _svg(canvas: LineageCanvas, path: str, title: str, note: str, scheme: Scheme, size: QSize) -> QSize:
    content = QByteArray()
    from PySide6.QtCore import QBuffer

    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    generator.setTitle(title)
    generator.setDescription(note)
    painter = QPainter(generator)
    _paint(painter, canvas, title, note, scheme, size.width(), size.height())
    painter.end()
    buffer.close()
    file = QSaveFile(path)
    if not file.open(QIODevice.OpenModeFlag.WriteOnly) or file.write(content) < 0 or not file.commit():
        raise UserError("the picture cannot be written", where=f"{path}: {file.errorString()}")
    return size


def _pdf(canvas: LineageCanvas, path: str, title: str, note: str, scheme: Scheme, size: QSize) -> QSize:
    file = QSaveFile(path)
    if not file.open(QIODevice.OpenModeFlag.WriteOnly):
        raise UserError("the picture cannot be written", where=f"{path}: {file.errorString()}")
    writer = QPdfWriter(file)
    writer.setTitle(title)
    writer.setCreator("ModelTrail")
    # At 72 dots an inch a point of the page is a unit of the drawing.
    writer.setResolution(72)
    page = QPageSize(QSizeF(size), QPageSize.Unit.Point, "", QPageSize.SizeMatchPolicy.ExactMatch)
    writer.setPageLayout(QPageLayout(page, QPageLayout.Orientation.Portrait, QMarginsF()))
    painter = QPainter(writer)
    _paint(painter, canvas, title, note, scheme, size.width(), size.height())
    if not painter.end() or not file.commit():
        raise UserError("the picture cannot be written", where=f"{path}: {file.errorString()}")
    return size


def _paint(
    painter: QPainter, canvas: LineageCanvas, title: str, note: str, scheme: Scheme, wide: float, high: float
) -> None:
    colours = style.TOKENS[scheme]
    painter.fillRect(QRectF(0, 0, wide, high), QColor(colours.ground))
    drawn_wide, drawn_high = canvas.picture_size()
    canvas.draw(painter, QRectF(max(0.0, (wide - drawn_wide) / 2), HEAD, drawn_wide, drawn_high), scheme)
    left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    painter.setPen(QColor(colours.text))
    painter.setFont(style.sized_font(18.0, bold=True))
    painter.drawText(QRectF(24, 14, wide - 48, 26), left, title)
    painter.setPen(QColor(colours.muted))
    painter.setFont(style.sized_font(12.0))
    painter.drawText(QRectF(24, 40, wide - 48, 20), left, note)
