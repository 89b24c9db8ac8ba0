"""Where in a column is the nearest free place for one more card or line?"""

from __future__ import annotations

from bisect import bisect_left, insort

_TOLERANCE = 1e-3
"""What rounding may take from a distance, scene units."""


class Column:
    """The taken stretches of one column, top to bottom.

    >>> column = Column()
    >>> column.take(0.0, 40.0, 10.0)
    0.0
    >>> column.take(5.0, 40.0, 10.0)
    50.0
    >>> column.take(5.0, 40.0, 10.0)
    -50.0
    """

    def __init__(self) -> None:
        self._taken: list[tuple[float, float, float]] = []

    def take(self, centre: float, size: float, clear: float) -> float:
        """Occupy the free place nearest to `centre` and return its centre.

        Args:
            centre: where the middle should be.
            size: height of the thing.
            clear: free height it wants to each neighbour; two neighbours keep the mean of what both want.
        """
        best = self.nearest(centre, size, clear)
        self.add(best, size, clear)
        return best

    def add(self, centre: float, size: float, clear: float) -> None:
        """Occupy exactly this place, free or not."""
        insort(self._taken, (centre - size / 2, centre + size / 2, clear))

    def free(self, centre: float, size: float, clear: float) -> bool:
        """Return whether exactly this place is free."""
        top, bottom = centre - size / 2, centre + size / 2
        at = bisect_left(self._taken, (top, bottom, clear))
        for other_top, other_bottom, wants in self._taken[max(at - 1, 0) : at + 1]:
            need = (clear + wants) / 2 - _TOLERANCE
            if other_top - bottom < need and top - other_bottom < need:
                return False
        return True

    def nearest(self, centre: float, size: float, clear: float) -> float:
        """Return the centre of the free place nearest to `centre`; the lower of two equally near ones."""
        best, distance = centre, float("inf")
        # The end of everything above the gap under trial, with the clearance it asks for.
        floor = float("-inf")
        for top, bottom, wants in [*self._taken, (float("inf"), float("inf"), 0.0)]:
            low = floor + size / 2
            high = top - (clear + wants) / 2 - size / 2
            if low <= high + 1e-9:
                place = min(max(centre, low), max(high, low))
                away = abs(place - centre)
                if away < distance or (away == distance and place > best):
                    best, distance = place, away
            floor = max(floor, bottom + (clear + wants) / 2)
        return best
