"""How high does each item stand in its column, given the order in every column?

Each column is solved exactly against its neighbours by weighted isotonic regression (pool adjacent violators): as
near as possible to the wished heights, in order, and no two items closer than their sizes and the spacing need.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lineage.layout.bundles import Items
from lineage.layout.graph import Floats, Ints, Spacing

_SWEEPS = 12


def spread(wished: Sequence[float], weight: Sequence[float], gap: Sequence[float]) -> list[float]:
    """Return the heights nearest to `wished` (weighted squares) with `y[i + 1] - y[i] >= gap[i]`.

    >>> spread([0.0, 0.0], [1.0, 1.0], [10.0])
    [-5.0, 5.0]
    >>> spread([0.0, 2.0, 0.0], [1000.0, 1.0, 1000.0], [1.0, 1.0])[0] > -1.01
    True
    """
    offset = 0.0
    offsets = [0.0]
    for distance in gap:
        offset += distance
        offsets.append(offset)
    # Blocks of items that touch: weighted sum, weight, count.
    sums: list[float] = []
    weights: list[float] = []
    counts: list[int] = []
    for want, heavy, base in zip(wished, weight, offsets, strict=True):
        value, mass, count = (want - base) * heavy, heavy, 1
        while sums and sums[-1] * mass > value * weights[-1]:
            value += sums.pop()
            mass += weights.pop()
            count += counts.pop()
        sums.append(value)
        weights.append(mass)
        counts.append(count)
    found: list[float] = []
    for value, mass, count in zip(sums, weights, counts, strict=True):
        found.extend([value / mass] * count)
    return [level + base for level, base in zip(found, offsets, strict=True)]


def gaps(sizes: Sequence[float], trunk: Sequence[bool], spacing: Spacing) -> list[float]:
    """Return the least distance between the centres of neighbouring items of one column."""
    found = []
    for at in range(len(sizes) - 1):
        if trunk[at] and trunk[at + 1]:
            clear = spacing.trunk
        elif trunk[at] or trunk[at + 1]:
            clear = (spacing.trunk + spacing.row) / 2
        else:
            clear = spacing.row
        found.append((sizes[at] + sizes[at + 1]) / 2 + clear)
    return found


def heights(items: Items, order: list[Ints], size: Floats, spacing: Spacing) -> Floats:
    """Return the y of the centre of every item; `size` is each item's height (0 for a trunk)."""
    total = len(items.column)
    trunk = [bundle is not None for bundle in items.bundle]
    before: list[list[tuple[int, float]]] = [[] for _ in range(total)]
    after: list[list[tuple[int, float]]] = [[] for _ in range(total)]
    for a, b in zip(items.left.tolist(), items.right.tolist(), strict=True):
        # A bend inside a trunk is the ugliest, one where an edge leaves a node the least so.
        stiff = (1.0, 3.0, 12.0)[trunk[a] + trunk[b]]
        after[a].append((b, stiff))
        before[b].append((a, stiff))
    columns = [column.tolist() for column in order]
    sizes = size.tolist()
    distance = [gaps([sizes[i] for i in column], [trunk[i] for i in column], spacing) for column in columns]
    y = [0.0] * total
    for column, need in zip(columns, distance, strict=True):
        for item, level in zip(column, spread([0.0] * len(column), [1.0] * len(column), need), strict=True):
            y[item] = level

    def settle(at: int, sides: Sequence[list[list[tuple[int, float]]]], *, exact: bool) -> None:
        column = columns[at]
        wished, weight = [], []
        for item in column:
            near = [pair for side in sides for pair in side[item]]
            if not near:
                wished.append(y[item])
                weight.append(0.05)
            else:
                wished.append(_median(near, y) if exact else _mean(near, y))
                weight.append(sum(stiff for _, stiff in near))
        for item, level in zip(column, spread(wished, weight, distance[at]), strict=True):
            y[item] = level

    width = len(columns)
    sweeps = _SWEEPS if total <= 4000 else 6
    for sweep in range(sweeps):
        both = sweep * 2 >= sweeps
        forward = sweep % 2 == 0
        sides = (before, after) if both else ((before,) if forward else (after,))
        for at in range(width) if forward else range(width - 1, -1, -1):
            settle(at, sides, exact=both)
    _straightened(columns, distance, trunk, before, after, y)
    return np.array(y)


def _mean(near: list[tuple[int, float]], y: list[float]) -> float:
    return sum(y[item] * stiff for item, stiff in near) / sum(stiff for _, stiff in near)


def _median(near: list[tuple[int, float]], y: list[float]) -> float:
    """Return the weighted median; between two equally good heights, the middle."""
    levels = sorted((y[item], stiff) for item, stiff in near)
    half = sum(stiff for _, stiff in levels) / 2
    seen = 0.0
    for at, (level, stiff) in enumerate(levels):
        seen += stiff
        if seen > half:
            return level
        if seen == half:
            return (level + levels[at + 1][0]) / 2
    return levels[-1][0]


def _straightened(
    columns: list[list[int]],
    distance: list[list[float]],
    trunk: list[bool],
    before: list[list[tuple[int, float]]],
    after: list[list[tuple[int, float]]],
    y: list[float],
) -> None:
    """Give runs of one trunk a common height wherever the items above and below leave room for it."""
    place = {item: (at, i) for at, column in enumerate(columns) for i, item in enumerate(column)}

    def room(item: int) -> tuple[float, float]:
        at, i = place[item]
        column, need = columns[at], distance[at]
        low = y[column[i - 1]] + need[i - 1] if i else -math.inf
        high = y[column[i + 1]] - need[i] if i + 1 < len(column) else math.inf
        return low, high

    for column in columns:
        for first in column:
            if not trunk[first] or any(trunk[item] for item, _ in before[first]):
                continue
            run: list[int] = []
            low, high = -math.inf, math.inf
            item: int | None = first
            while item is not None:
                above, below = room(item)
                if max(low, above) > min(high, below):
                    _level(run, low, high, before, after, y)
                    run, low, high = [], -math.inf, math.inf
                run.append(item)
                low, high = max(low, above), min(high, below)
                item = next((other for other, _ in after[item] if trunk[other]), None)
            _level(run, low, high, before, after, y)


def _level(
    run: list[int],
    low: float,
    high: float,
    before: list[list[tuple[int, float]]],
    after: list[list[tuple[int, float]]],
    y: list[float],
) -> None:
    """Set all of `run` to one height between `low` and `high`, in line with what it comes from if it can be."""
    if not run or low > high:
        return
    near = before[run[0]] + after[run[-1]]
    wish = _median(near, y) if near else y[run[0]]
    for item in run:
        y[item] = min(max(wish, low), high)
