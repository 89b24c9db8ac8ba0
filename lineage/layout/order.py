"""In which order do the items of each column stand, so that few lines cross?

The first start is the smoothest arrangement of the whole drawing on a line (`spectrum`), which finds its large shape;
walks of the graph are the others. Each is improved by barycentre sweeps and by moving single items to their best place
between both neighbouring columns, all places tried at once as matrix sums. The best order met is kept. Everything
is limited by counts and every tie is broken by item number, so the same graph gives the same order.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from lineage.layout.bundles import Items
from lineage.layout.graph import Floats, Ints, groups_of
from lineage.layout.sift import sifted
from lineage.layout.spectrum import smooth_line

_DENSE = 160
"""Items in a column up to which all pairs are compared; longer columns are improved in windows."""

_WINDOW = 48


@dataclass(slots=True)
class _Columns:
    """The order under work: items per column, each item's place, and neighbours on both sides."""

    order: list[Ints]
    sides: tuple[tuple[Ints, Ints], tuple[Ints, Ints]]
    segments: list[tuple[Ints, Ints]]
    place: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.place = np.zeros(sum(len(items) for items in self.order), dtype=np.int64)

    def neighbours(self, side: int, items: Ints) -> tuple[Ints, Ints]:
        """Return (row, neighbour) pairs for `items`, rows counted in their given order; side 0 is the left."""
        heads, first = self.sides[side]
        begin, end = first[items], first[items + 1]
        size = end - begin
        rows = np.repeat(np.arange(len(items)), size)
        at = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size) + np.repeat(begin, size)
        return rows, heads[at]

    def set(self, column: int, items: Ints) -> None:
        self.order[column] = items
        self.place[items] = np.arange(len(items))

    def crossings(self) -> int:
        return sum(count_inversions(self.place[left], self.place[right]) for left, right in self.segments)


def count_inversions(left: Ints | Floats, right: Ints | Floats) -> int:
    """Return how many pairs of lines from `left` to `right` cross; lines that share an end do not.

    >>> count_inversions(np.array([0, 1, 1]), np.array([1, 0, 1]))
    1
    """
    if len(left) < 2:
        return 0
    ends = right[np.lexsort((right, left))].tolist()
    seen: list[float] = []
    total = 0
    # Lines from one point are sorted by their end, so none of them counts against another.
    for end in ends:
        total += len(seen) - bisect_right(seen, end)
        insort(seen, end)
    return total


def ordered(items: Items) -> list[Ints]:
    """Return for each column its items from top to bottom."""
    total = len(items.column)
    starts, sweeps = _effort(total)
    best: list[Ints] = []
    fewest = -1
    for start in starts:
        found, crossings = _improved(_begin(items, start), sweeps)
        if fewest < 0 or crossings < fewest:
            best, fewest = found, crossings
        if not fewest:
            break
    return _twins_sorted(items, best)


def _twins_sorted(items: Items, order: list[Ints]) -> list[Ints]:
    """Put nodes with the same neighbours in the order of their numbers; no line crosses more or less for it."""
    near: list[list[tuple[int, int]]] = [[] for _ in range(len(items.column))]
    for a, b in zip(items.left.tolist(), items.right.tolist(), strict=True):
        near[a].append((1, b))
        near[b].append((0, a))
    found = []
    for column in order:
        places: dict[tuple[tuple[int, int], ...], list[int]] = {}
        for place, item in enumerate(column.tolist()):
            places.setdefault(tuple(sorted(near[item])), []).append(place)
        turned = column.copy()
        for twins in places.values():
            turned[twins] = np.sort(column[twins])
        found.append(turned)
    return found


def _effort(total: int) -> tuple[tuple[str, ...], int]:
    """Return which starts, and how many sweeps each, a drawing of `total` items is worth."""
    if total <= 200:
        return ("smooth", "left", "hub", "right", "broad"), 10
    if total <= 1000:
        return ("smooth", "left"), 8
    return ("smooth",), 6 if total <= 5000 else 4


def _begin(items: Items, start: str) -> _Columns:
    total = len(items.column)
    width = int(items.column.max()) + 1 if total else 0
    to_left, to_right = groups_of(total, items.right), groups_of(total, items.left)
    sides = ((items.left[to_left[0]], to_left[1]), (items.right[to_right[0]], to_right[1]))
    if start == "smooth":
        number = smooth_line(total, items.left, items.right)
    else:
        number = _walk(items, start).astype(np.float64)
    by_column = np.lexsort((number, items.column))
    first = np.searchsorted(items.column[by_column], np.arange(width + 1))
    by_gap, gap_first = groups_of(width, items.column[items.left])
    segments = []
    for at in range(width - 1):
        chosen = by_gap[gap_first[at] : gap_first[at + 1]]
        segments.append((items.left[chosen], items.right[chosen]))
    work = _Columns([by_column[first[at] : first[at + 1]] for at in range(width)], sides, segments)
    for at in range(width):
        work.set(at, work.order[at])
    return work


def _walk(items: Items, start: str) -> Ints:
    """Number all items by walking the drawing: from the left, from a hub, from the right, or level by level."""
    total = len(items.column)
    near: list[list[int]] = [[] for _ in range(total)]
    for a, b in zip(items.left.tolist(), items.right.tolist(), strict=True):
        near[a].append(b)
        near[b].append(a)
    degree = np.array([len(others) for others in near])
    first = {"left": items.column, "hub": -degree, "right": -items.column, "broad": items.column}[start]
    number = np.full(total, -1, dtype=np.int64)
    clock = 0
    for root in np.lexsort((degree, first)).tolist():
        queue = deque([root])
        while queue:
            item = queue.popleft() if start == "broad" else queue.pop()
            if number[item] >= 0:
                continue
            number[item] = clock
            clock += 1
            queue.extend(other for other in near[item] if number[other] < 0)
    return number


def _improved(work: _Columns, sweeps: int) -> tuple[list[Ints], int]:
    """Sweep to and fro, then settle; return the best order met and its crossings."""
    width = len(work.order)
    best, fewest = list(work.order), work.crossings()
    idle = 0
    for sweep in range(sweeps):
        forward = sweep % 2 == 0
        for column in range(1, width) if forward else range(width - 2, -1, -1):
            _barycentre(work, column, 0 if forward else 1, flip=sweep % 4 >= 2)
            _sifted(work, column)
        crossings = work.crossings()
        if crossings < fewest:
            best, fewest, idle = list(work.order), crossings, 0
        else:
            idle += 1
        if not fewest or idle > 3:
            break
    for column, order in enumerate(best):
        work.set(column, order)
    for _ in range(4):
        moved = [_sifted(work, column) for column in range(width)]
        if not any(moved):
            break
    crossings = work.crossings()
    return (list(work.order), crossings) if crossings <= fewest else (best, fewest)


def _barycentre(work: _Columns, column: int, side: int, *, flip: bool) -> None:
    items = work.order[column]
    rows, others = work.neighbours(side, items)
    count = np.bincount(rows, minlength=len(items))
    centre = np.bincount(rows, work.place[others], len(items)) / np.maximum(count, 1)
    free = count == 0
    if free.all():
        return
    if free.any():
        # An item without neighbours on this side keeps its neighbourhood: it follows the item above it.
        known = np.where(free, -1, np.arange(len(items)))
        last = np.maximum.accumulate(known)
        centre = np.where(last >= 0, centre[np.maximum(last, 0)], -1.0)
    place = np.arange(len(items))
    work.set(column, items[np.lexsort((-place if flip else place, centre))])


def _pair_costs(work: _Columns, items: Ints) -> Floats:
    """Return D: how many more lines cross when item i stands above item j than the other way round."""
    size = len(items)
    costs = np.zeros((size, size))
    for side in (0, 1):
        rows, others = work.neighbours(side, items)
        if not len(rows):
            continue
        places, at = np.unique(work.place[others], return_inverse=True)
        table = np.bincount(rows * len(places) + at, minlength=size * len(places)).reshape(size, -1)
        wide = table.astype(np.float64)
        costs += wide @ (np.cumsum(wide, axis=1) - wide).T
    difference: Floats = costs - costs.T
    return difference


def _sifted(work: _Columns, column: int) -> bool:
    """Move single items of one column to better places while that helps; return whether any moved."""
    items = work.order[column]
    size = len(items)
    if size < 2:
        return False
    if size <= _DENSE:
        perm = sifted(_pair_costs(work, items), 0.5)
        if perm is None:
            return False
        work.set(column, items[perm])
        return True
    moved = False
    items = items.copy()
    for start in range(0, size - 1, _WINDOW * 2 // 3):
        window = items[start : start + _WINDOW]
        perm = sifted(_pair_costs(work, window), 0.5)
        if perm is not None:
            items[start : start + len(window)] = window[perm]
            moved = True
    if moved:
        work.set(column, items)
    return moved
