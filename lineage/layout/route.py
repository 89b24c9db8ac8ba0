"""Along which points does each edge run, once all cards and trunks have their places?

A route leaves its left card at the right side, runs level across columns, slants only between columns and enters its
right card at the left side. What arrives at one card is spread over its side, so that arrowheads can be told apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lineage.layout.bundles import Items
from lineage.layout.graph import Flags, Floats, Ints, Spacing
from lineage.layout.order import count_inversions


@dataclass(frozen=True, slots=True)
class Placed:
    """Everything a route depends on: left and right sides by node, centres by item, columns by place."""

    left: Floats
    right: Floats
    height: Floats
    centre: Floats
    column_left: Floats
    column_right: Floats


@dataclass(frozen=True, slots=True)
class Routes:
    """One array of points per edge, and how often the lines cross between columns."""

    points: tuple[Floats, ...]
    crossings: int


def _ports(items: Items, back: Mapping[tuple[int, int], bool], placed: Placed, spacing: Spacing) -> Floats:
    """Return for each segment and end (0 left item, 1 right item) the height at which it touches the item."""
    ports = np.stack([placed.centre[items.left], placed.centre[items.right]], axis=1)
    arriving: dict[int, list[int]] = {}
    leaving: dict[int, list[int]] = {}
    for at, (a, b) in enumerate(zip(items.left.tolist(), items.right.tolist(), strict=True)):
        if b < items.nodes:
            arriving.setdefault(b, []).append(at)
        if a < items.nodes and back[a, b]:
            leaving.setdefault(a, []).append(at)
    for node, segments in arriving.items():
        segments.sort(key=lambda at: (float(placed.centre[items.left[at]]), at))
        room = max(0.0, float(placed.height[node]) - 2 * spacing.row)
        step = min(spacing.port, room / max(1, len(segments) - 1))
        top = float(placed.centre[node]) - step * (len(segments) - 1) / 2
        for i, at in enumerate(segments):
            ports[at, 1] = top + i * step
    for node, segments in leaving.items():
        # What comes back in from the right is kept apart from what goes out there.
        centre, aside = float(placed.centre[node]), float(placed.height[node]) / 4
        for at in segments:
            above = placed.centre[items.right[at]] < centre
            ports[at, 0] = centre - aside if above else centre + aside
    return ports


def routed(items: Items, back: Flags, placed: Placed, spacing: Spacing) -> Routes:
    """Return the points of each path of `items`, from left to right, those flagged `back` reversed."""
    turned: dict[tuple[int, int], bool] = {}
    for path, flag in zip(items.paths, back.tolist(), strict=True):
        for segment in itertools.pairwise(path):
            turned[segment] = turned.get(segment, True) and flag
    ports = _ports(items, turned, placed, spacing)
    place = {pair: at for at, pair in enumerate(zip(items.left.tolist(), items.right.tolist(), strict=True))}
    column = items.column.tolist()
    found = []
    for path, flag in zip(items.paths, back.tolist(), strict=True):
        points: list[tuple[float, float]] = []
        for a, b in itertools.pairwise(path):
            start, end = ports[place[a, b]].tolist()
            edge = float(placed.column_right[column[a]])
            if a < items.nodes:
                side = float(placed.right[a])
                points.append((side, start))
                if side < edge:
                    points.append((edge, start))
            else:
                points.append((edge, start))
            points.append((float(placed.column_left[column[b]]), end))
            if b < items.nodes and placed.left[b] > placed.column_left[column[b]]:
                points.append((float(placed.left[b]), end))
        route = np.array(points, dtype=np.float64)
        found.append(route[::-1] if flag else route)
    return Routes(tuple(found), _crossings(items.column[items.left], ports))


def sideways(source: int, target: int, column: int, placed: Placed, spacing: Spacing) -> Floats:
    """Return the route between two cards of one column: out to the right, along the gap, and back in."""
    reach = float(placed.column_right[column]) + spacing.column / 4
    start = float(placed.centre[source]) + float(placed.height[source]) / 4
    end = float(placed.centre[target]) - float(placed.height[target]) / 4
    return np.array(
        [
            (float(placed.right[source]), start),
            (reach, start),
            (reach, end),
            (float(placed.right[target]), end),
        ]
    )


def _crossings(column: Ints, ports: Floats) -> int:
    total = 0
    for gap in np.unique(column).tolist():
        inside = ports[column == gap]
        total += count_inversions(inside[:, 0], inside[:, 1])
    return total
