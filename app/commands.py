"""Which steps of a person can be taken back?

What is looked at in the lineage is a value: each step keeps the one before and the one after. Evidence is not touched
by any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtGui import QUndoCommand

Side = tuple[str, str]
"""A thing's id and `up` or `down`."""
Pin = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class Looking:
    """What is looked at in the lineage.

    Attributes:
        selector: the thing in the middle; `name`: what it is called.
        up, down: how many steps on each side.
        expanded: ids of things whose neighbours on a side (`up` or `down`) are shown as well; closed: ids and sides
            whose neighbours are not shown although they are near enough.
        hidden: ids left out; pins: ids with the left and top of their cards, which stay there.
        opened: keys of groups of siblings that are unfolded; `pulled`: ids pulled out of folded groups.
        ever: also what is no longer so.
    """

    selector: str = ""
    name: str = ""
    up: int = 4
    down: int = 2
    expanded: frozenset[Side] = frozenset()
    closed: frozenset[Side] = frozenset()
    hidden: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()
    pulled: frozenset[str] = frozenset()
    pins: tuple[Pin, ...] = ()

    def turned(self, key: str, side: str, more: int) -> Looking:
        """Return this with a side of a thing expanded when `more` neighbours are not drawn, else contracted.

        >>> opened = Looking().turned("a", "up", 3)
        >>> opened.expanded, opened.turned("a", "up", 0) == Looking(), Looking().turned("a", "up", 0).closed
        (frozenset({('a', 'up')}), True, frozenset({('a', 'up')}))
        """
        one = (key, side)
        if one in self.closed:
            return replace(self, closed=self.closed - {one})
        if one in self.expanded:
            return replace(self, expanded=self.expanded - {one})
        if more:
            return replace(self, expanded=self.expanded | {one})
        return replace(self, closed=self.closed | {one})

    def pinned(self, key: str, place: tuple[float, float]) -> Looking:
        """Return this with the card of a thing held at `place` (left, top), or no longer when it was held."""
        others = tuple(pin for pin in self.pins if pin[0] != key)
        return replace(self, pins=others if len(others) < len(self.pins) else (*others, (key, *place)))

    ever: bool = True


class LookElsewhere(QUndoCommand):
    """A step in the lineage: focus, hops, expand, hide."""

    def __init__(self, text: str, before: Looking, after: Looking, show: Callable[[Looking], None]) -> None:
        super().__init__(text)
        self._before, self._after, self._show_looking = before, after, show

    def undo(self) -> None:
        self._show_looking(self._before)

    def redo(self) -> None:
        self._show_looking(self._after)
