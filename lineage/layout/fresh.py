"""Where does everything stand when nothing has been drawn before?"""

from __future__ import annotations

import numpy as np

from lineage.layout.bundles import bundled
from lineage.layout.cycles import back_edges, components
from lineage.layout.graph import Floats, Ints, Lane, Spacing, groups_of
from lineage.layout.order import ordered
from lineage.layout.pack import packed
from lineage.layout.place import heights
from lineage.layout.ranks import ranks
from lineage.layout.sketch import Sketch, Sorted, flow

_WIDEST_GAP = 190.0


def fresh(work: Sorted, spacing: Spacing) -> Sketch:
    """Return places for `work`: each part on its own, then all parts packed on one grid of columns."""
    count = len(work.keys)
    if (work.lane >= 0).any():
        column = _laned(work)
        part = np.zeros(count, dtype=np.int64)
    else:
        column = np.zeros(count, dtype=np.int64)
        part = components(count, work.source, work.target)
    parts = int(part.max()) + 1 if count else 0
    nodes, node_first = groups_of(parts, part)
    pairs, pair_first = groups_of(parts, part[work.source])
    centre = np.zeros(count)
    lanes: dict[Lane, float] = {}
    local = np.zeros(count, dtype=np.int64)
    boxes: list[tuple[int, float]] = []
    tops: list[float] = []
    drawn: list[tuple[Ints, dict[Lane, float]]] = []
    for at in range(parts):
        mine = nodes[node_first[at] : node_first[at + 1]]
        local[mine] = np.arange(len(mine))
        edges = pairs[pair_first[at] : pair_first[at + 1]]
        top, bottom, inside = _part(work, mine, local, edges, column, centre, spacing)
        tops.append(top)
        boxes.append((int(column[mine].max()) + 1, bottom - top))
        drawn.append((mine, inside))
    pitch = float(work.width.mean()) + spacing.column if count else 1.0
    for (mine, inside), (first, top), own in zip(
        drawn, packed(boxes, pitch, spacing.component), tops, strict=True
    ):
        column[mine] += first
        centre[mine] += top - own
        for (key, into, back, at), y in inside.items():
            lanes[key, into, back, at + first] = y + top - own
    left, right = _grid(work, column, spacing)
    return Sketch(column, centre, lanes, left, right)


def _laned(work: Sorted) -> Ints:
    """Return columns where each lane stands left of the next; nodes without a lane are free.

    A wall between two lanes is one more node that all of the left lane precede and all of the right one follow.
    """
    count = len(work.keys)
    lanes = np.unique(work.lane[work.lane >= 0])
    number = np.where(work.lane >= 0, np.searchsorted(lanes, work.lane), -1)
    laned = (number[work.source] >= 0) & (number[work.target] >= 0)
    against = laned & (number[work.source] > number[work.target])
    source = np.where(against, work.target, work.source)
    target = np.where(against, work.source, work.target)
    walls = max(len(lanes) - 1, 0)
    inside = np.flatnonzero(number >= 0)
    to_wall = inside[number[inside] < walls]
    from_wall = inside[number[inside] > 0]
    all_source = np.concatenate([source, to_wall, count + number[from_wall] - 1])
    all_target = np.concatenate([target, count + number[to_wall], from_wall])
    weight = np.concatenate([work.weight, np.zeros(len(to_wall) + len(from_wall))])
    # Walls must never be reversed, so they weigh more than all edges together.
    firm = np.concatenate([work.weight, np.full(len(to_wall) + len(from_wall), work.weight.sum() + 1.0)])
    turned = back_edges(count + walls, all_source, all_target, firm)
    least = np.concatenate(
        [np.ones(len(source) + len(to_wall), dtype=np.int64), np.zeros(len(from_wall), dtype=np.int64)]
    )
    low, high = np.where(turned, all_target, all_source), np.where(turned, all_source, all_target)
    column = ranks(count + walls, low, high, weight, least)[:count]
    _, dense = np.unique(column, return_inverse=True)
    return dense.astype(np.int64)


def _part(
    work: Sorted, mine: Ints, local: Ints, edges: Ints, column: Ints, centre: Floats, spacing: Spacing
) -> tuple[float, float, dict[Lane, float]]:
    """Place one connected part, writing its columns and centres; return its top, bottom and trunk heights."""
    size = work.height[mine]
    if len(mine) == 1:
        return -float(size[0]) / 2, float(size[0]) / 2, {}
    source, target, weight = local[work.source[edges]], local[work.target[edges]], work.weight[edges]
    given = column[mine]
    if given.any():
        back = given[target] < given[source]
        ranked = given
    else:
        back = back_edges(len(mine), source, target, weight)
        low, high = np.where(back, target, source), np.where(back, source, target)
        ranked = ranks(len(mine), low, high, weight)
    across = ranked[source] != ranked[target]
    source, target, weight, back = source[across], target[across], weight[across], back[across]
    low, high = np.where(back, target, source), np.where(back, source, target)
    items = bundled(ranked, low, high, weight, back)
    sizes = np.zeros(len(items.column))
    sizes[: len(mine)] = size
    y = heights(items, ordered(items), sizes, spacing)
    column[mine] = ranked
    centre[mine] = y[: len(mine)]
    lanes: dict[Lane, float] = {}
    for item in range(len(mine), len(items.column)):
        bundle = items.bundle[item]
        if bundle is not None:
            key = work.keys[int(mine[bundle[0]])]
            lanes[key, bundle[1], bundle[2], int(items.column[item])] = float(y[item])
    return float((y - sizes / 2).min()), float((y + sizes / 2).max()), lanes


def _grid(work: Sorted, column: Ints, spacing: Spacing) -> tuple[Floats, Floats]:
    """Return where columns begin and end: as wide as their widest card, further apart where many lines pass."""
    count = int(column.max()) + 1 if len(column) else 0
    width = np.zeros(count)
    np.maximum.at(width, column, work.width)
    items = flow(work, column).items
    lines = np.bincount(items.column[items.left], minlength=count)
    gap = np.clip(spacing.column + 2.0 * lines, spacing.column, max(spacing.column, _WIDEST_GAP))
    left = np.zeros(count)
    left[1:] = np.cumsum(width + gap)[:-1]
    return left, left + width
