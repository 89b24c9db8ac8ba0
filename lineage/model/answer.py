"""What does every answer carry, so that nothing is cut in silence?

CONTRACT.md; DESIGN 2.9.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lineage.model.moment import to_iso

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Attributes:
        items: as CONTRACT.md names their fields.
        total: how many there are; `shown` of them are in `items`.
        complete: false when `items` is not all, or when something is known to be missing.
        as_of, known_at: the valid time and the recorded time asked for, UTC microseconds; None = the present.
        coverage: what each source was able to show.
    """

    items: list[Item]
    total: int
    complete: bool = True
    as_of: int | None = None
    known_at: int | None = None
    coverage: list[Item] = field(default_factory=list)

    @property
    def shown(self) -> int:
        """How many items the answer holds."""
        return len(self.items)

    def to_dict(self) -> Item:
        """Return the answer as CONTRACT.md's JSON object."""
        return {
            "complete": self.complete,
            "shown": self.shown,
            "total": self.total,
            "as_of": None if self.as_of is None else to_iso(self.as_of),
            "known_at": None if self.known_at is None else to_iso(self.known_at),
            "coverage": self.coverage,
            "items": self.items,
        }

    def to_pandas(self) -> pd.DataFrame:
        """Return the items as a table, one row each."""
        import pandas as pd

        return pd.DataFrame(self.items)

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """Return the nodes and edges of a `trace` as a graph; edges are keyed by their type."""
        import networkx as nx

        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        for item in self.items:
            for thing in item.get("nodes", ()):
                graph.add_node(thing["id"], **{name: value for name, value in thing.items() if name != "id"})
            for edge in item.get("edges", ()):
                said = {name: value for name, value in edge.items() if name not in {"from", "to", "type"}}
                graph.add_edge(edge["from"], edge["to"], key=edge["type"], **said)
        return graph


def bounded(lo: int | None, hi: int | None) -> Any:
    """Return a time as the contract writes it: one text, or the two bounds; None when it is not known.

    >>> bounded(0, 0)
    '1970-01-01T00:00:00Z'
    >>> bounded(0, 1000000)
    {'not_before': '1970-01-01T00:00:00Z', 'not_after': '1970-01-01T00:00:01Z'}
    """
    if lo is None and hi is None:
        return None
    if lo == hi and lo is not None:
        return to_iso(lo)
    return {
        "not_before": None if lo is None else to_iso(lo),
        "not_after": None if hi is None else to_iso(hi),
    }
