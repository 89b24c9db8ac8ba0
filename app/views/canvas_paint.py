"""How do cards and lines look, near and from afar, in one scheme? The same drawing for screen, picture and page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from app import style
from app.style import Scheme, Shape, mixed
from app.views.cards import Badge, Card
from app.views.scene import Box, CanvasScene, Path
from app.views.strokes import draw_boxes, draw_lines
from lineage.layout.graph import Ints
from lineage.text import display_text

NEAR, MIDDLE, FAR = 0.6, 0.28, 0.09
"""Zoom from which on a card shows everything, its name, its band; below the last it is a coloured box."""

MOST_FAR_LINES = 8000
"""Lines drawn when cards are mere boxes; more of them are a grey area anyway."""

BAND = 36.0
_PAD = 9.0
_ICON = 20.0
_MARK = 14.0
_STUB = 17.0
_STUBS = 0.5
_TEXT = 300
"""Characters of a text that are looked at; no card is wide enough for more."""


@dataclass(frozen=True, slots=True)
class Ink:
    """The colours of one kind of card."""

    band: QColor
    fill: QColor
    border: QColor


class Artist:
    """Paints one scene in one scheme; keeps what is dear to make."""

    def __init__(self, scene: CanvasScene, scheme: Scheme) -> None:
        self.scene = scene
        self.scheme = scheme
        self.tokens = style.TOKENS[scheme]
        self.ground = QColor(self.tokens.ground)
        self._text, self._muted = QColor(self.tokens.text), QColor(self.tokens.muted)
        self._fonts = {
            "title": style.sized_font(13.0, bold=True),
            "line": style.sized_font(11.5),
            "far": style.sized_font(20.0, bold=True),
            "mark": style.sized_font(10.5, bold=True),
        }
        self._metrics = {name: QFontMetricsF(font) for name, font in self._fonts.items()}
        self._inks: dict[tuple[str, bool], Ink] = {}
        self._shapes: dict[tuple[Shape, float, float], tuple[QPainterPath, QPainterPath]] = {}
        self._elided: dict[tuple[str, str, int], str] = {}
        self._lines: dict[int, QPolygonF] = {}
        edge = self.tokens.edge
        self._edge_colours = (QColor(edge), QColor(mixed(edge, self.tokens.ground, 0.5)))

    def paint(self, painter: QPainter, box: Box, zoom: float, *, dense: float = 1.0) -> None:
        """Paint what touches `box`; the painter is already scaled by `zoom`.

        Args:
            painter: paints in scene units.
            box: the part wanted.
            zoom: decides how much is shown of each card.
            dense: device pixels per pixel, for sharp icons; 0 = paint icons as vectors.
        """
        cards = self.scene.cards_in(box)
        if zoom < FAR:
            self._paint_far(painter, box, cards, zoom)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self._paint_lines(painter, self.scene.pieces_in(box), zoom)
        self.paint_cards(painter, cards, zoom, dense=dense)

    def paint_path(
        self, painter: QPainter, path: Path, box: Box, zoom: float, *, dense: float = 1.0, cards: bool = True
    ) -> None:
        """Paint a path over what is there: its lines in the colours of its halves, its cards as they are."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        pieces = self.scene.pieces_in(box)
        for flags, colour in ((path.edge_down, self.tokens.downstream), (path.edge_up, self.tokens.upstream)):
            mine = pieces[flags[self.scene.piece_edge[pieces]]]
            self._paint_lines(painter, mine, zoom, QColor(colour), 2.0)
        if cards:
            flags = path.cards()
            self.paint_cards(
                painter,
                np.array([c for c in self.scene.cards_in(box) if flags[c]], dtype=np.int64),
                zoom,
                dense=dense,
            )

    def paint_cards(self, painter: QPainter, cards: Ints, zoom: float, *, dense: float = 1.0) -> None:
        """Paint these cards as detailed as the zoom allows."""
        if zoom < FAR:
            self._paint_boxes(painter, cards)
            return
        for card in cards.tolist():
            self._paint_card(painter, card, zoom, dense)

    def _paint_far(self, painter: QPainter, box: Box, cards: Ints, zoom: float) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        lines = self.scene.pieces_in(box, coarse=True)
        step = max(1, -(-len(lines) // MOST_FAR_LINES))
        painter.setPen(QPen(QColor(mixed(self.tokens.edge, self.tokens.ground, 0.55)), 0))
        draw_lines(painter, self.scene.coarse[lines[::step]])
        self._paint_boxes(painter, cards)

    def _paint_boxes(self, painter: QPainter, cards: Ints) -> None:
        scene = self.scene
        painter.setPen(Qt.PenStyle.NoPen)
        looks: dict[tuple[str, bool], list[int]] = {}
        for card in cards.tolist():
            looks.setdefault((scene.cards[card].kind, bool(scene.cards[card].ghost)), []).append(card)
        for (kind, ghost), members in looks.items():
            painter.setBrush(self._ink(kind, ghost=ghost).band)
            left, top = scene.left[members], scene.top[members]
            sizes = (scene.right[members] - left, scene.bottom[members] - top)
            draw_boxes(painter, np.stack([left, top, *sizes], axis=1))

    def _paint_lines(
        self, painter: QPainter, pieces: Ints, zoom: float, colour: QColor | None = None, width: float = 1.3
    ) -> None:
        scene = self.scene
        edge = scene.piece_edge[pieces]
        # From afar a line is thinner, but never less than a clear hairline.
        thick = width if zoom >= 1 else max(0.9, width * zoom**0.35) / zoom
        for ghost in (1, 0):
            ink = colour or self._edge_colours[ghost]
            of_age = scene.ghost[edge] == bool(ghost)
            pen = QPen(ink, thick)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            solid = of_age & (scene.stroke[edge] == 0)
            chosen = pieces[solid & scene.distinct[pieces]] if colour is None else pieces[solid]
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            draw_lines(painter, scene.pieces[chosen])
            for stroke, pattern in ((1, [5.0, 3.5]), (2, [1.2, 2.6])):
                wanted = np.unique(edge[of_age & (scene.stroke[edge] == stroke)])
                if len(wanted):
                    pen.setDashPattern([length * (1.0 if zoom >= 1 else 0.9) for length in pattern])
                    painter.setPen(pen)
                    for each in wanted.tolist():
                        painter.drawPolyline(self._line(each))
            if zoom >= MIDDLE:
                self._paint_tips(painter, np.unique(edge[of_age]), ink, 1.0 if colour is None else 1.2)

    def _paint_tips(self, painter: QPainter, edges: Ints, ink: QColor, size: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(ink))
        scene = self.scene
        for (x, y), heading in zip(scene.tip[edges].tolist(), scene.heading[edges].tolist(), strict=True):
            if heading:
                back = x - 7.5 * size * heading
                tip = [QPointF(x, y), QPointF(back, y - 3.6 * size), QPointF(back, y + 3.6 * size)]
                painter.drawPolygon(QPolygonF(tip))

    def _line(self, edge: int) -> QPolygonF:
        found = self._lines.get(edge)
        if found is None:
            rows = self.scene.pieces[self.scene.piece_edge == edge]
            points = [QPointF(x, y) for x, y in rows[:, :2].tolist()]
            points += [QPointF(x, y) for x, y in rows[-1:, 2:].tolist()]
            found = self._lines[edge] = QPolygonF(points)
        return found

    def _ink(self, kind: str, *, ghost: bool) -> Ink:
        found = self._inks.get((kind, ghost))
        if found is None:
            colour, ground = style.kind(kind).colour(self.scheme), self.tokens.ground
            band = mixed(colour, ground, 0.5) if ghost else colour
            fill = ground if ghost else mixed(colour, ground, 0.1)
            found = Ink(QColor(band), QColor(fill), QColor(mixed(colour, ground, 0.45 if ghost else 0.6)))
            self._inks[kind, ghost] = found
        return found

    def outline(self, card: int, grow: float = 0.0) -> QPainterPath:
        """Return the silhouette of a card in scene units, `grow` larger on each side."""
        scene = self.scene
        width = float(scene.right[card] - scene.left[card]) + 2 * grow
        height = float(scene.bottom[card] - scene.top[card]) + 2 * grow
        shape = style.kind(scene.cards[card].kind).shape
        path = _silhouette(shape, width, height, grow)
        return path.translated(float(scene.left[card]) - grow, float(scene.top[card]) - grow)

    def _shape(self, shape: Shape, width: float, height: float) -> tuple[QPainterPath, QPainterPath]:
        found = self._shapes.get((shape, width, height))
        if found is None:
            whole = _silhouette(shape, width, height, 0.0)
            strip = QPainterPath()
            strip.addRect(QRectF(0, 0, BAND, height))
            found = self._shapes[shape, width, height] = (whole, whole.intersected(strip))
        return found

    def _paint_card(self, painter: QPainter, at: int, zoom: float, dense: float) -> None:
        scene, card = self.scene, self.scene.cards[at]
        look, ghost = style.kind(card.kind), bool(card.ghost)
        left, top = float(scene.left[at]), float(scene.top[at])
        width, height = float(scene.right[at]) - left, float(scene.bottom[at]) - top
        whole, band = self._shape(look.shape, width, height)
        ink = self._ink(card.kind, ghost=ghost)
        painter.translate(left, top)
        pen = QPen(ink.border, 1.0 if zoom >= 1 else 1.0 / zoom**0.7)
        if ghost:
            pen.setDashPattern([3.0, 2.5])
        if card.stands_for:
            self._paint_pile(painter, whole, ink, pen)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink.fill)
        painter.drawPath(whole)
        painter.setBrush(ink.band)
        painter.drawPath(band)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        painter.drawPath(whole)
        size = _ICON if zoom >= NEAR else 26.0
        spot = QRectF((BAND - size) / 2, (height - size) / 2, size, size)
        self._paint_icon(painter, look.icon, self.tokens.on_band, spot, zoom, dense)
        room = width - BAND - _PAD - (12.0 if look.shape is Shape.AGENT else _PAD)
        painter.setPen(self._muted if ghost else self._text)
        if zoom >= NEAR:
            self._paint_words(painter, card, room, height, zoom, dense, int(scene.loops[at]))
        elif zoom >= MIDDLE:
            painter.setFont(self._fonts["far"])
            words = self._short(card.title, "far", room, Qt.TextElideMode.ElideMiddle)
            painter.drawText(QRectF(BAND + _PAD, 0, room, height), _MID_LEFT, words)
        if zoom >= _STUBS:
            self._paint_stub(painter, card.more_up, 0.0, height)
            self._paint_stub(painter, card.more_down, width, height)
        painter.translate(-left, -top)

    def _paint_pile(self, painter: QPainter, whole: QPainterPath, ink: Ink, pen: QPen) -> None:
        """Paint two more cards below one that stands for several; they reach less far than the gap between cards."""
        painter.setPen(pen)
        painter.setBrush(ink.fill)
        for step in (6.0, 3.0):
            painter.drawPath(whole.translated(step, step))

    def _paint_words(
        self, painter: QPainter, card: Card, room: float, height: float, zoom: float, dense: float, loops: int
    ) -> None:
        marks = [*card.badges, *([Badge("repeat", "", "absent")] if loops else [])]
        second = " · ".join(part for part in (card.ghost, card.subtitle) if part)
        if not second and not marks:
            painter.setFont(self._fonts["title"])
            words = self._short(card.title, "title", room, Qt.TextElideMode.ElideMiddle)
            painter.drawText(QRectF(BAND + _PAD, 0, room, height), _MID_LEFT, words)
            return
        middle = height / 2
        painter.setFont(self._fonts["title"])
        words = self._short(card.title, "title", room, Qt.TextElideMode.ElideMiddle)
        painter.drawText(QRectF(BAND + _PAD, middle - 20, room, 20), _MID_LEFT, words)
        used = self._paint_marks(painter, marks, BAND + _PAD + room, middle + 9.5, room, zoom, dense)
        painter.setPen(self._muted)
        painter.setFont(self._fonts["line"])
        left = room - used - (6.0 if used else 0.0)
        words = self._short(second, "line", left, Qt.TextElideMode.ElideRight)
        painter.drawText(QRectF(BAND + _PAD, middle, left, 19), _MID_LEFT, words)

    def _paint_marks(
        self,
        painter: QPainter,
        marks: list[Badge],
        right: float,
        middle: float,
        room: float,
        zoom: float,
        dense: float,
    ) -> float:
        """Paint the marks that fit into half the line, from the right; return the width used."""
        widths = []
        for mark in marks:
            words = self._metrics["mark"].horizontalAdvance(display_text(mark.text, 40)) + 3.0
            widths.append(_MARK + (words if mark.text else 0.0) + 5.0)
        while widths and sum(widths) > room * 0.62:
            widths.pop()
        used = sum(widths)
        x = right - used + 5.0
        painter.setFont(self._fonts["mark"])
        for mark, width in zip(marks, widths, strict=False):
            colour = getattr(self.tokens, mark.tone, self.tokens.absent)
            spot = QRectF(x, middle - _MARK / 2, _MARK, _MARK)
            self._paint_icon(painter, mark.icon, colour, spot, zoom, dense)
            painter.setPen(QColor(colour))
            words_box = QRectF(x + _MARK + 3.0, middle - 9, width - _MARK - 3.0, 18)
            painter.drawText(words_box, _MID_LEFT, display_text(mark.text, 40))
            x += width
        return used

    def _paint_stub(self, painter: QPainter, count: int, x: float, height: float) -> None:
        """Paint the pill that says how many neighbours are not drawn, on the lower corner of that side."""
        if not count:
            return
        box = stub_box(self._metrics["mark"], count, x, height)
        painter.setPen(QPen(QColor(self.tokens.edge), 1.0))
        painter.setBrush(QColor(self.tokens.raised))
        painter.drawRoundedRect(box, _STUB / 2, _STUB / 2)
        painter.setPen(self._text)
        painter.setFont(self._fonts["mark"])
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, stub_text(count))

    def stub_at(self, card: int, x: float, y: float) -> str:
        """Return "up" or "down" when a scene point lies on that pill of a card, else an empty word."""
        scene = self.scene
        left, top = float(scene.left[card]), float(scene.top[card])
        width, height = float(scene.right[card]) - left, float(scene.bottom[card]) - top
        point = QPointF(x - left, y - top)
        item = scene.cards[card]
        for word, count, side in (("up", item.more_up, 0.0), ("down", item.more_down, width)):
            if count and stub_box(self._metrics["mark"], count, side, height).adjusted(-3, -3, 3, 3).contains(
                point
            ):
                return word
        return ""

    def _paint_icon(
        self, painter: QPainter, name: str, colour: str, spot: QRectF, zoom: float, dense: float
    ) -> None:
        if dense:
            pixels = style.pixels(name, colour, max(4, round(spot.width() * zoom * dense)))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
            painter.drawPixmap(spot, pixels, QRectF(pixels.rect()))
        else:
            style.drawing_of(name, colour).render(painter, spot)

    def _short(self, text: str, font: str, room: float, mode: Qt.TextElideMode) -> str:
        key = (text, font, round(room))
        found = self._elided.get(key)
        if found is None:
            safe = display_text(text, _TEXT)
            found = self._elided[key] = self._metrics[font].elidedText(safe, mode, room)
        return found


_MID_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine


def stub_text(count: int) -> str:
    """Return what stands in the pill for so many neighbours.

    >>> stub_text(7), stub_text(12345)
    ('+7', '+12k')
    """
    return f"+{count}" if count < 1000 else f"+{count // 1000}k"


def stub_box(metrics: QFontMetricsF, count: int, x: float, height: float) -> QRectF:
    """Return where the pill lies on a card, from the card's upper left corner."""
    width = metrics.horizontalAdvance(stub_text(count)) + 10.0
    return QRectF(x - width / 2, height - _STUB / 2 - 1.0, width, _STUB)


def _silhouette(shape: Shape, width: float, height: float, grow: float) -> QPainterPath:
    path = QPainterPath()
    if shape is Shape.AGENT:
        point = min(14.0, width / 4)
        path.moveTo(0, 0)
        path.lineTo(width - point, 0)
        path.lineTo(width, height / 2)
        path.lineTo(width - point, height)
        path.lineTo(0, height)
        path.closeSubpath()
    else:
        corner = (10.0 if shape is Shape.ENTITY else 1.5) + grow
        path.addRoundedRect(QRectF(0, 0, width, height), corner, corner)
    return path
