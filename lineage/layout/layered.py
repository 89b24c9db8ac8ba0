"""Where does each card of a lineage graph stand, so that people can follow what feeds what?

Sugiyama's four steps (cycles, columns, order, heights) for each connected part, parts packed on one grid of columns.
With a previous layout, what was there stays exactly where it was (issue 4). The result depends on the keys, never on
the order in which nodes and edges are given, and no step is limited by time.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lineage.layout.fresh import fresh
from lineage.layout.graph import Floats, Layout, LayoutGraph, Spacing
from lineage.layout.kept import completed, kept, pinned
from lineage.layout.route import Placed, routed, sideways
from lineage.layout.sketch import Sketch, Sorted, flow, lane_keys

_KNOWN_SHARE = 0.25
"""Below this share of known nodes a drawing is a new one: keeping little of it would only spoil the rest."""

_SPACING = Spacing()


def layout(
    graph: LayoutGraph,
    previous: Layout | None = None,
    pins: Mapping[str, tuple[float, float]] | None = None,
    spacing: Spacing = _SPACING,
    share: float = _KNOWN_SHARE,
) -> Layout:
    """Return positions and routes for `graph`.

    Args:
        graph: what to draw.
        previous: what was drawn before; its nodes stay where they are when they are `share` of the graph or more.
        pins: wished left and top of some cards; each goes to the nearest column, and others make room.
        spacing: the distances.
        share: 0 when nothing may move, however much was added, as when a group is unfolded.

    >>> drawn = layout(LayoutGraph.of(["raw", "job", "clean"], [("raw", "job"), ("job", "clean")]))
    >>> drawn.column.tolist(), drawn.back.tolist(), drawn.crossings
    ([0, 1, 2], [False, False], 0)
    """
    work = Sorted.of(graph)
    known = _known(work, previous, share)
    sketch = kept(work, previous, known, spacing) if previous is not None and known else fresh(work, spacing)
    if pins:
        sketch = pinned(work, sketch, pins, spacing)
    return _finished(graph, work, sketch, spacing)


def _known(work: Sorted, previous: Layout | None, share: float) -> dict[int, int]:
    """Return which nodes were drawn before, empty when too few were."""
    if previous is None:
        return {}
    before = {key: index for index, key in enumerate(previous.keys)}
    known = {node: before[key] for node, key in enumerate(work.keys) if key in before}
    return known if len(known) >= share * len(work.keys) else {}


def _finished(graph: LayoutGraph, work: Sorted, sketch: Sketch, spacing: Spacing) -> Layout:
    lanes = completed(work, sketch, spacing)
    running = flow(work, sketch.column)
    items = running.items
    centre = np.concatenate([sketch.centre, np.zeros(len(items.column) - len(work.keys))])
    for item, name in enumerate(lane_keys(work, items)):
        if name is not None:
            centre[item] = lanes[name]
    left = sketch.left[sketch.column] if len(work.keys) else np.zeros(0)
    placed = Placed(left, left + work.width, work.height, centre, sketch.left, sketch.right)
    routes = routed(items, running.back, placed, spacing)
    by_pair: dict[int, Floats] = dict(zip(running.across.tolist(), routes.points, strict=True))
    back = np.ones(len(work.source), dtype=np.bool_)
    back[running.across] = running.back
    for pair in np.setdiff1d(np.arange(len(work.source)), running.across).tolist():
        source, target = int(work.source[pair]), int(work.target[pair])
        by_pair[pair] = sideways(source, target, int(sketch.column[source]), placed, spacing)
    none = np.zeros((0, 2))
    points = [by_pair[pair] if pair >= 0 else none for pair in work.pair.tolist()]
    count = len(graph.keys)
    x, y, column = np.zeros(count), np.zeros(count), np.zeros(count, dtype=np.int64)
    x[work.order], y[work.order], column[work.order] = left, sketch.centre - work.height / 2, sketch.column
    loop = work.pair < 0
    return Layout(
        keys=graph.keys,
        x=x,
        y=y,
        width=graph.width,
        height=graph.height,
        column=column,
        column_left=sketch.left,
        column_right=sketch.right,
        points=np.concatenate(points) if points else none,
        starts=np.concatenate([[0], np.cumsum([len(route) for route in points])]).astype(np.int64),
        back=back[work.pair] & ~loop if len(back) else np.zeros(len(points), dtype=np.bool_),
        loop=loop,
        crossings=routes.crossings,
        lanes=lanes,
    )
