"""What goes into a layout, and what comes out of it?

Nothing is checked about the meaning of edges: a graph may have cycles, self-loops, parallel edges and many components.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lineage.errors import BugError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Lane = tuple[str, bool, bool, int]
"""The place of one bundle in one column: its node's key, into (or out of) it, backwards, column."""


@dataclass(frozen=True, slots=True)
class LayoutGraph:
    """A graph to be drawn from left to right.

    Attributes:
        keys: one stable, unique name per node; positions depend on the keys, not on their order here.
        width, height: the size of each card in scene units (px at zoom 1).
        source, target: per edge, indices into `keys`.
        weight: per edge, how much it matters that it is short; above 0.
        lane: per node, the group of columns it must stand in (every lane stands left of the next), -1 = free.
        labels: per node, what decides among equals: of two nodes with the same neighbours the smaller stands above.
    """

    keys: tuple[str, ...]
    width: Floats
    height: Floats
    source: Ints
    target: Ints
    weight: Floats
    lane: Ints
    labels: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        keys: Sequence[str],
        edges: Iterable[tuple[str, str]],
        *,
        size: tuple[float, float] = (220.0, 56.0),
        sizes: Mapping[str, tuple[float, float]] | None = None,
        weights: Sequence[float] | None = None,
        lanes: Mapping[str, int] | None = None,
        labels: Sequence[str] = (),
    ) -> LayoutGraph:
        """Return the graph of these keys and key pairs; raises `BugError` for an unknown or repeated key.

        >>> LayoutGraph.of(["a", "b"], [("a", "b")]).source.tolist()
        [0]
        """
        place = {key: index for index, key in enumerate(keys)}
        if len(place) != len(keys):
            raise BugError("a layout was asked for with two nodes of the same key")
        pairs = list(edges)
        unknown = [key for pair in pairs for key in pair if key not in place]
        if unknown:
            raise BugError(f"an edge names a node that is not drawn: {unknown[0]}")
        both = [(sizes or {}).get(key, size) for key in keys]
        return cls(
            keys=tuple(keys),
            width=np.array([wide for wide, _ in both], dtype=np.float64),
            height=np.array([high for _, high in both], dtype=np.float64),
            source=np.array([place[start] for start, _ in pairs], dtype=np.int64),
            target=np.array([place[end] for _, end in pairs], dtype=np.int64),
            weight=np.ones(len(pairs)) if weights is None else np.array(weights, dtype=np.float64),
            lane=np.array([(lanes or {}).get(key, -1) for key in keys], dtype=np.int64),
            labels=tuple(labels),
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions for a `LayoutGraph`, in the order of its keys and edges.

    Attributes:
        keys: the graph's keys.
        x, y: the left and top of each card, scene units.
        width, height: the size of each card, as given.
        column: the column each card stands in, from 0 at the left.
        column_left, column_right: where each column begins and ends.
        points: all route points, one (x, y) row each.
        starts: per edge, where its points begin in `points`; one entry more than edges. A route begins at its
            source and ends at its target; between two columns it may be drawn as a curve, across a column it is level.
        back: edges that do not run left to right (part of a cycle, against a lane, or against kept positions).
        loop: edges from a node to itself; they have no route.
        crossings: how often drawn lines cross, shared trunks counted once.
        lanes: where bundles pass through columns, so that the next layout can keep them.
    """

    keys: tuple[str, ...]
    x: Floats
    y: Floats
    width: Floats
    height: Floats
    column: Ints
    column_left: Floats
    column_right: Floats
    points: Floats
    starts: Ints
    back: Flags
    loop: Flags
    crossings: int = 0
    lanes: Mapping[Lane, float] = field(default_factory=dict)

    def route(self, edge: int) -> Floats:
        """Return the points of one edge, shape (n, 2); empty for a self-loop."""
        return self.points[self.starts[edge] : self.starts[edge + 1]]

    def bounds(self) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom of everything drawn; zeros when nothing is."""
        if not self.keys:
            return (0.0, 0.0, 0.0, 0.0)
        left, top = float(self.x.min()), float(self.y.min())
        right, bottom = float((self.x + self.width).max()), float((self.y + self.height).max())
        if len(self.points):
            (low_x, low_y), (high_x, high_y) = self.points.min(axis=0), self.points.max(axis=0)
            left, top = min(left, float(low_x)), min(top, float(low_y))
            right, bottom = max(right, float(high_x)), max(bottom, float(high_y))
        return (left, top, right, bottom)


@dataclass(frozen=True, slots=True)
class Spacing:
    """The distances of a drawing, scene units."""

    column: float = 88.0
    row: float = 18.0
    trunk: float = 11.0
    component: float = 40.0
    port: float = 7.0


def groups_of(count: int, keys: Ints) -> tuple[Ints, Ints]:
    """Return `(order, starts)`: the indices of `keys` sorted by value, and where each of `count` values begins.

    >>> order, starts = groups_of(3, np.array([2, 0, 2]))
    >>> order[starts[2]:starts[3]].tolist()
    [0, 2]
    """
    order = np.argsort(keys, kind="stable")
    starts = np.searchsorted(keys[order], np.arange(count + 1))
    return order, starts.astype(np.int64)
