"""To which order do single moves lead, when each pair of items has a cost either way round?

All moves of all items are weighed at once by running sums; the best one is made until none helps.
"""

from __future__ import annotations

import numpy as np

from lineage.layout.graph import Floats, Ints


def sifted(difference: Floats, least: float) -> Ints | None:
    """Return a better order, or None when no single move helps by `least`.

    Args:
        difference: entry (i, j) says how much dearer it is that i stands before j than after it.
        least: a smaller gain is taken for rounding.

    >>> sifted(np.array([[0.0, 2.0], [-2.0, 0.0]]), 0.5).tolist()
    [1, 0]
    """
    size = len(difference)
    perm = np.arange(size)
    changed = False
    lower = np.tri(size, k=-1)
    for _ in range(2 * size):
        sums = np.cumsum(difference, axis=1)
        gain = sums.diagonal()[:, None] - sums + lower * difference
        best = int(gain.argmin())
        start, end = divmod(best, size)
        if gain[start, end] > -least:
            break
        changed = True
        turn = np.arange(size)
        if end > start:
            turn[start:end] = np.arange(start + 1, end + 1)
        else:
            turn[end + 1 : start + 1] = np.arange(end, start)
        turn[end] = start
        perm = perm[turn]
        difference = difference[np.ix_(turn, turn)]
    return perm if changed else None
