"""How far is the work, and should it stop?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lineage.errors import CancelledError


@dataclass(frozen=True, slots=True)
class Step:
    """One report of progress: `done` of `total` units (`total` 0 = unknown), while doing `doing`."""

    doing: str
    done: int = 0
    total: int = 0
    records: int = 0
    problems: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where long work says how far it is and learns that it should stop.

    Attributes:
        report: called with each `Step`; must be quick.
        cancelled: asked between units of work; true = stop.
    """

    report: Callable[[Step], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False

    def say(self, step: Step) -> None:
        """Report `step`; raises `CancelledError` when the person asked to stop."""
        if self.cancelled():
            raise CancelledError(step.doing)
        self.report(step)


SILENT = Progress()
