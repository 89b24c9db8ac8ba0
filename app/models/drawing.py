"""Which things and edges of an answer are drawn?

Nothing is placed here; that is `lineage.layout`, asked in the same background task.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.models.columns import name_of
from app.models.wording import Item

if TYPE_CHECKING:
    from lineage.model.answer import Answer


@dataclass(frozen=True)
class Drawing:
    """A lineage graph as it is shown.

    Attributes:
        nodes, edges: as the answer names them; edges also know the names at both ends.
        centre: id of the thing in the middle; `complete`: false when more exists than is shown.
        placed: where everything stands, as `lineage.layout` says; None = nowhere.
        says: what is written where nothing is drawn.
    """

    nodes: Sequence[Item] = ()
    edges: Sequence[Item] = ()
    centre: str = ""
    complete: bool = True
    placed: Any = None
    says: str = ""
    hidden: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def things(self) -> dict[str, Item]:
        """The things by their id."""
        return {str(node["id"]): node for node in self.nodes}


def gather(answers: Iterable[Answer], hidden: frozenset[str]) -> Drawing:
    """Return what several traces say together, without the things in `hidden`; the first one's centre stays it.

    Edges are named by both ends, type and rule: traces that overlap say the same edge twice.
    """
    nodes: dict[str, Item] = {}
    edges: dict[tuple[str, ...], Item] = {}
    complete = True
    centre = ""
    for answer in answers:
        complete = complete and answer.complete
        for item in answer.items:
            for node in item.get("nodes") or []:
                nodes.setdefault(str(node["id"]), node)
            for edge in item.get("edges") or []:
                key = tuple(str(edge.get(name)) for name in ("from", "to", "type", "rule", "valid_from"))
                edges.setdefault(key, edge)
        centre = centre or next((key for key, node in nodes.items() if not node.get("depth")), "")
    kept = {key: node for key, node in nodes.items() if key not in hidden or key == centre}
    named = [
        {
            **edge,
            "from_display": name_of(kept[str(edge["from"])]),
            "to_display": name_of(kept[str(edge["to"])]),
        }
        for edge in edges.values()
        if str(edge["from"]) in kept and str(edge["to"]) in kept
    ]
    return Drawing(list(kept.values()), named, centre, complete, hidden=hidden & nodes.keys())
