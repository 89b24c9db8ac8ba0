"""Which cards and lines are where, which belong to a path, and what lies next to what? Arrays only, no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.views.cards import Card, CardEdge, stroke_of
from lineage.errors import BugError
from lineage.layout.graph import Flags, Floats, Ints, Layout, groups_of

_PIECES = 14
"""Straight pieces a curve between two columns is drawn with."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in scene units."""


@dataclass(frozen=True, slots=True)
class Path:
    """What a thing comes from and what comes from it: flags per card and per edge."""

    up: Flags
    down: Flags
    edge_up: Flags
    edge_down: Flags

    def cards(self) -> Flags:
        """Return all cards of the path."""
        return self.up | self.down


class CanvasScene:
    """Cards and lines with their places.

    Attributes:
        cards, edges: what was given.
        left, top, right, bottom: sides of the cards.
        column: the column of each card.
        source, target: per edge, its cards.
        stroke: per edge, 0 solid, 1 dashed, 2 dotted; ghost: whether it no longer holds.
        pieces: all straight pieces of all lines, rows of x1, y1, x2, y2; piece_edge: the edge of each.
        coarse, coarse_edge: the same with one piece per curve, for a far look.
        distinct: per piece, whether no earlier one of the same stroke lies on the same place, as in shared trunks.
        tip, heading: per edge, where its arrow ends and whether it points right (1) or left (-1); 0 = no arrow.
    """

    def __init__(self, cards: Sequence[Card], edges: Sequence[CardEdge], placed: Layout) -> None:
        if len(placed.starts) != len(edges) + 1:
            raise BugError("the layout was made for other edges than those to be drawn")
        self.cards, self.edges = tuple(cards), tuple(edges)
        at = {key: index for index, key in enumerate(placed.keys)}
        if any(card.key not in at for card in cards) or len(at) != len(cards):
            raise BugError("the layout was made for other cards than those to be drawn")
        order = np.array([at[card.key] for card in cards], dtype=np.int64)
        self.left, self.top = placed.x[order], placed.y[order]
        self.right, self.bottom = self.left + placed.width[order], self.top + placed.height[order]
        self.column = placed.column[order]
        self._index = {card.key: index for index, card in enumerate(cards)}
        self.source = np.array([self._index[edge.source] for edge in edges], dtype=np.int64)
        self.target = np.array([self._index[edge.target] for edge in edges], dtype=np.int64)
        self.stroke = np.array([stroke_of(edge.basis) for edge in edges], dtype=np.int64)
        self.ghost = np.array([edge.ghost for edge in edges], dtype=np.bool_)
        self.loops = np.bincount(self.source[placed.loop], minlength=len(cards))
        self.coarse, self.coarse_edge = _straight(placed.points, placed.starts)
        self.pieces, self.piece_edge = _curved(self.coarse, self.coarse_edge)
        self.distinct = self._distinct()
        self.tip = np.zeros((len(edges), 2))
        self.heading = np.where(placed.loop, 0, np.where(placed.back, -1, 1))
        drawn = np.flatnonzero(~placed.loop)
        self.tip[drawn] = placed.points[placed.starts[drawn + 1] - 1]
        self._after = groups_of(len(cards), self.source)
        self._before = groups_of(len(cards), self.target)
        self.bounds: Box = placed.bounds()

    @classmethod
    def empty(cls) -> CanvasScene:
        """Return a scene with nothing in it."""
        none, no = np.zeros(0), np.zeros(0, dtype=np.int64)
        flags = np.zeros(0, dtype=np.bool_)
        starts = np.zeros(1, dtype=np.int64)
        points = np.zeros((0, 2))
        return cls((), (), Layout((), none, none, none, none, no, none, none, points, starts, flags, flags))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of everything."""
        left, top, right, bottom = self.bounds
        return right - left, bottom - top

    def index(self, key: str) -> int:
        """Return the place of a card, -1 when it is not drawn."""
        return self._index.get(key, -1)

    def cards_in(self, box: Box) -> Ints:
        """Return the cards that touch `box`."""
        left, top, right, bottom = box
        inside = (self.left < right) & (self.right > left) & (self.top < bottom) & (self.bottom > top)
        return np.flatnonzero(inside)

    def pieces_in(self, box: Box, *, coarse: bool = False) -> Ints:
        """Return the pieces of lines whose own boxes touch `box`."""
        lines = self.coarse if coarse else self.pieces
        left, top, right, bottom = box
        x1, y1, x2, y2 = lines[:, 0], lines[:, 1], lines[:, 2], lines[:, 3]
        inside = (np.minimum(x1, x2) < right) & (np.maximum(x1, x2) > left)
        inside &= (np.minimum(y1, y2) < bottom) & (np.maximum(y1, y2) > top)
        return np.flatnonzero(inside)

    def card_at(self, x: float, y: float) -> int:
        """Return the card at a point, -1 for none."""
        found = self.cards_in((x, y, x, y))
        return int(found[-1]) if len(found) else -1

    def edge_at(self, x: float, y: float, within: float) -> int:
        """Return the edge whose line passes nearest to a point, -1 when none does within that distance."""
        near = self.pieces_in((x - within, y - within, x + within, y + within))
        if not len(near):
            return -1
        a, b = self.pieces[near, :2], self.pieces[near, 2:]
        along = b - a
        length = np.maximum((along**2).sum(axis=1), 1e-9)
        share = np.clip(((np.array([x, y]) - a) * along).sum(axis=1) / length, 0, 1)
        away = np.hypot(*(a + along * share[:, None] - np.array([x, y])).T)
        best = int(away.argmin())
        return int(self.piece_edge[near[best]]) if away[best] <= within else -1

    def feeds(self, card: int) -> Ints:
        """Return the cards that feed this one, without itself."""
        order, starts = self._before
        found: Ints = np.unique(self.source[order[starts[card] : starts[card + 1]]])
        others: Ints = found[found != card]
        return others

    def fed(self, card: int) -> Ints:
        """Return the cards this one feeds, without itself."""
        order, starts = self._after
        found: Ints = np.unique(self.target[order[starts[card] : starts[card + 1]]])
        others: Ints = found[found != card]
        return others

    def path(self, card: int) -> Path:
        """Return everything up- and downstream of a card, the card in both halves."""
        up = self._reach(card, self._before, self.source)
        down = self._reach(card, self._after, self.target)
        return Path(up, down, up[self.source] & up[self.target], down[self.source] & down[self.target])

    def between(self, begin: int, end: int) -> Path:
        """Return what is drawn on the ways from one card to another, both included."""
        from_begin = self._reach(begin, self._after, self.target)
        inside = from_begin & self._reach(end, self._before, self.source)
        edges = inside[self.source] & inside[self.target]
        return Path(inside, np.zeros_like(inside), edges, np.zeros_like(edges))

    def edge_path(self, edge: int) -> Path:
        """Return what leads to an edge and what follows from it."""
        up = self._reach(int(self.source[edge]), self._before, self.source)
        down = self._reach(int(self.target[edge]), self._after, self.target)
        own = np.arange(len(self.edges)) == edge
        return Path(
            up, down, (up[self.source] & up[self.target]) | own, down[self.source] & down[self.target]
        )

    def _distinct(self) -> Flags:
        places = np.round(self.pieces * 8).astype(np.int64)
        style = self.stroke[self.piece_edge] * 2 + self.ghost[self.piece_edge]
        code = style
        for at in range(4):
            # Wraps around, as hashes do; a collision would leave out one short piece of a line.
            code = code * np.int64(6364136223846793005) + places[:, at]
        flags = np.zeros(len(places), dtype=np.bool_)
        flags[np.unique(code, return_index=True)[1]] = True
        return flags

    def _reach(self, card: int, groups: tuple[Ints, Ints], ends: Ints) -> Flags:
        order, starts = groups
        found = np.zeros(len(self.cards), dtype=np.bool_)
        found[card] = True
        stack = [card]
        while stack:
            at = stack.pop()
            for other in ends[order[starts[at] : starts[at + 1]]].tolist():
                if not found[other]:
                    found[other] = True
                    stack.append(other)
        return found

    def neighbour(self, card: int, way: str) -> int:
        """Return the card one step `left`, `right`, `up`, `down`, `first` or `last` of a card, -1 for none.

        Left and right follow edges, up- and downstream, to the card nearest in height; up and down, first and last
        stay in the column.
        """
        if way in ("left", "right"):
            near = self.feeds(card) if way == "left" else self.fed(card)
            if not len(near):
                return -1
            away = np.abs(self.top[near] - self.top[card])
            return int(near[np.lexsort((self.top[near], away))[0]])
        column = np.flatnonzero(self.column == self.column[card])
        column = column[np.argsort(self.top[column], kind="stable")]
        place = int(np.flatnonzero(column == card)[0])
        wanted = {"up": place - 1, "down": place + 1, "first": 0, "last": len(column) - 1}[way]
        return int(column[wanted]) if 0 <= wanted < len(column) else -1

    def first(self) -> int:
        """Return the card that is reached first by keyboard: the topmost of the leftmost column; -1 for none."""
        return int(np.lexsort((self.top, self.left))[0]) if len(self.cards) else -1

    def emptiest(self, corners: Sequence[Box]) -> int:
        """Return which of these boxes covers the fewest cards and lines, the earliest among equals."""
        loads = [4 * len(self.cards_in(box)) + len(self.pieces_in(box, coarse=True)) for box in corners]
        return loads.index(min(loads))


def _straight(points: Floats, starts: Ints) -> tuple[Floats, Ints]:
    """Return every step of every route as one row, and its edge."""
    if len(points) < 2:
        return np.zeros((0, 4)), np.zeros(0, dtype=np.int64)
    edge = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    inner = np.flatnonzero(edge[1:] == edge[:-1])
    return np.hstack([points[inner], points[inner + 1]]), edge[inner]


def _curved(lines: Floats, edge: Ints) -> tuple[Floats, Ints]:
    """Return the lines with every slanted one as a curve that begins and ends level."""
    slanted = (np.abs(lines[:, 1] - lines[:, 3]) > 0.4) & (np.abs(lines[:, 0] - lines[:, 2]) > 0.4)
    count = np.where(slanted, _PIECES, 1)
    row = np.repeat(np.arange(len(lines)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    x1, y1, x2, y2 = (lines[row, at] for at in range(4))

    def along(share: Floats) -> tuple[Floats, Floats]:
        # A cubic with both inner points half way across.
        x = (1 - share) ** 3 * x1 + 1.5 * share * (1 - share) * (x1 + x2) + share**3 * x2
        return x, y1 + (y2 - y1) * (3 * share**2 - 2 * share**3)

    start_x, start_y = along(step / count[row])
    end_x, end_y = along((step + 1) / count[row])
    return np.stack([start_x, start_y, end_x, end_y], axis=1), edge[row]
