"""What lies between two things of the lineage: how many ways lead from one to the other, and which?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.models.things import selector_of
from app.models.wording import counted, plain

if TYPE_CHECKING:
    from app.session import Dates
    from lineage.workspace import Workspace

LISTED = 50
"""How many paths are listed; all are counted."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The paths between two things.

    Attributes:
        begin, end: ids, from what feeds to what is fed.
        count: the exact number of paths; None when circles make them too many to count.
        says: that number in words; listed: the shortest of them, one a line.
    """

    begin: str
    end: str
    count: int | None
    says: str
    listed: str


def ways_between(
    workspace: Workspace, one: tuple[str, str], other: tuple[str, str], dates: Dates, *, ever: bool
) -> Ways:
    """Return the paths between two things (id and name), whichever of them feeds the other; for the background."""
    for (begin, begin_name), (end, end_name) in ((one, other), (other, one)):
        item = workspace.paths(
            selector_of(begin),
            selector_of(end),
            LISTED,
            as_of=dates.as_of,
            known_at=dates.known_at,
            ever=ever and dates.as_of is None,
        ).items[0]
        count, paths = item["count"], item["display"]
        if count != 0:
            number = "too many paths to count" if count is None else counted(count, "path")
            lines = [" → ".join(plain(name) for name in path) for path in paths]
            if count is None or count > len(lines):
                lines.append(f"the shortest {len(lines)} are listed")
            return Ways(begin, end, count, f"{number} from {begin_name} to {end_name}", "\n".join(lines))
    says = f"No path leads from {one[1]} to {other[1]}, or back"
    return Ways(one[0], other[0], 0, says, says)
