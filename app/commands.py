"""Which steps of a person can be taken back?

What is looked at in the lineage is a value: each step keeps the one before and the one after. Evidence is not touched
by any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QUndoCommand


@dataclass(frozen=True, slots=True)
class Looking:
    """What is looked at in the lineage.

    Attributes:
        selector: the thing in the middle; `name`: what it is called.
        up, down: how many steps on each side.
        expanded: ids of things whose neighbours are shown as well; `hidden`: ids left out.
        opened: keys of groups of siblings that are unfolded; `pulled`: ids pulled out of folded groups.
        ever: also what is no longer so.
    """

    selector: str = ""
    name: str = ""
    up: int = 4
    down: int = 2
    expanded: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()
    pulled: frozenset[str] = frozenset()
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
