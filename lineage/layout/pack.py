"""Where do the separate parts of a drawing stand, so that the whole is neither a tower nor a ribbon?

Parts are boxes some whole columns wide; all share one grid of columns, so cards of different parts line up. Each is
put at the highest free place, the tallest first, for several page widths; the width nearest to the wished shape wins.
"""

from __future__ import annotations

from collections.abc import Sequence

_SHAPE = 1.6
"""Width of a page divided by its height; that of a usual screen area."""


def packed(boxes: Sequence[tuple[int, float]], column: float, gap: float) -> list[tuple[int, float]]:
    """Return (first column, top) of each box of (columns, height), without overlap.

    Args:
        boxes: size of each part.
        column: the width of one column, same unit as the heights.
        gap: free height between two parts.

    >>> packed([(2, 100.0), (1, 40.0), (1, 40.0)], column=50.0, gap=10.0)
    [(0, 0.0), (2, 0.0), (2, 50.0)]
    """
    if not boxes:
        return []
    order = sorted(range(len(boxes)), key=lambda box: (-boxes[box][1], -boxes[box][0], box))
    widest = max(columns for columns, _ in boxes)
    area = sum(columns * column * (height + gap) for columns, height in boxes)
    ideal = max(widest, round((area * _SHAPE) ** 0.5 / column))
    best: list[tuple[int, float]] = []
    least = float("inf")
    for width in sorted({widest, ideal, ideal + 1, max(widest, ideal - 1), max(widest, round(ideal * 1.3))}):
        found, height = _shelved(boxes, order, width, gap)
        used = max(left + boxes[box][0] for box, (left, _) in enumerate(found))
        cost = max(used * column / _SHAPE, height)
        if cost < least:
            best, least = found, cost
    return best


def _shelved(
    boxes: Sequence[tuple[int, float]], order: Sequence[int], width: int, gap: float
) -> tuple[list[tuple[int, float]], float]:
    level = [0.0] * width
    found = [(0, 0.0)] * len(boxes)
    for box in order:
        columns, height = boxes[box]
        tops = [max(level[left : left + columns]) for left in range(width - columns + 1)]
        left = tops.index(min(tops))
        found[box] = (left, tops[left])
        level[left : left + columns] = [tops[left] + height + gap] * columns
    return found, max(level) - gap
