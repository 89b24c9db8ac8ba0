"""How do the two commands speak to the person in front of them?"""

from __future__ import annotations

import sys


class StopError(Exception):
    """The command cannot go on.

    Attributes:
        what: what happened, a clause without a full stop.
        remedy: what to do about it, or what the failing tool said.
    """

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        return f"{self.what}.\n{self.remedy}"


def say(text: str) -> None:
    """Write one line of progress, on stderr so that answers stay alone on stdout."""
    print(f"packaging: {text}", file=sys.stderr, flush=True)
