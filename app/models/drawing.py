"""Which things and edges of an answer are drawn, and what lies just beyond?

Nothing is placed here; that is `app.views.placing`, in the same background task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.models.columns import name_of
from app.models.wording import Item

if TYPE_CHECKING:
    from lineage.model.answer import Answer

Pair = tuple[str, str]


@dataclass(frozen=True)
class Drawing:
    """A lineage graph as it is shown.

    Attributes:
        nodes, edges: as the answer names them; edges also know the names at both ends.
        centre: id of the thing in the middle; `complete`: false when more exists than was answered.
        more_up, more_down: how many neighbours of a thing are known but not drawn.
        placed: cards, lines and where they stand; None = nowhere.
        says: what is written where nothing is drawn.
    """

    nodes: Sequence[Item] = ()
    edges: Sequence[Item] = ()
    centre: str = ""
    complete: bool = True
    more_up: dict[str, int] = field(default_factory=dict)
    more_down: dict[str, int] = field(default_factory=dict)
    placed: Any = None
    says: str = ""

    @cached_property
    def things(self) -> dict[str, Item]:
        """The things by their id."""
        return {str(node["id"]): node for node in self.nodes}

    @cached_property
    def degrees(self) -> tuple[Counter[str], Counter[str]]:
        """How many things each thing feeds, and how many feed it, of those that are drawn."""
        others = [pair for pair in self.pairs if pair[0] != pair[1]]
        return Counter(begin for begin, _ in others), Counter(end for _, end in others)

    @cached_property
    def pairs(self) -> dict[Pair, list[Item]]:
        """The edges by the things at their ends."""
        found: dict[Pair, list[Item]] = {}
        for edge in self.edges:
            found.setdefault((str(edge["from"]), str(edge["to"])), []).append(edge)
        return found


def gather(answer: Answer, extra: Iterable[Answer], *, up: int, down: int, hidden: frozenset[str],
           closed: frozenset[Pair] = frozenset()) -> Drawing:  # fmt: skip
    """Return what a trace and those of the expanded things say together.

    The trace is expected to reach one step further than `up` and `down`: what lies there is counted, not drawn, so
    that a card can say how much more there is; those of the others reach two steps, of which one is drawn. Things in
    `hidden` are counted in the same way, and those that are reached only through a side in `closed` (id and `up` or
    `down`).
    """
    nodes: dict[str, Item] = {}
    edges: dict[tuple[str, ...], Item] = {}
    wanted: set[str] = set()
    complete = answer.complete
    for place, part in enumerate((answer, *extra)):
        complete = complete and part.complete
        for item in part.items:
            for node in item.get("nodes") or []:
                key = str(node["id"])
                nodes.setdefault(key, node)
                depth = int(node.get("depth") or 0)
                if -1 <= depth <= 1 if place else -up <= depth <= down:
                    wanted.add(key)
            for edge in item.get("edges") or []:
                name = tuple(str(edge.get(part)) for part in ("from", "to", "type", "rule", "valid_from"))
                edges.setdefault(name, edge)
    centre = next((key for key, node in nodes.items() if not node.get("depth")), "")
    kept = {
        key: node for key, node in nodes.items() if key in wanted and (key not in hidden or key == centre)
    }
    if closed:
        reached = _reached(
            centre, [(str(edge["from"]), str(edge["to"])) for edge in edges.values()], kept, closed
        )
        kept = {key: node for key, node in kept.items() if key in reached}
    beyond_up: dict[str, set[str]] = {}
    beyond_down: dict[str, set[str]] = {}
    drawn = []
    for edge in edges.values():
        begin, end = str(edge["from"]), str(edge["to"])
        if begin in kept and end in kept:
            drawn.append({**edge, "from_display": name_of(kept[begin]), "to_display": name_of(kept[end])})
        elif end in kept:
            beyond_up.setdefault(end, set()).add(begin)
        elif begin in kept:
            beyond_down.setdefault(begin, set()).add(end)
    return Drawing(
        list(kept.values()),
        drawn,
        centre,
        complete,
        {key: len(others) for key, others in beyond_up.items()},
        {key: len(others) for key, others in beyond_down.items()},
    )


def _reached(centre: str, pairs: Iterable[Pair], kept: Iterable[str], closed: frozenset[Pair]) -> set[str]:
    """Return what is reached from the middle without leaving a thing by a side that is closed."""
    near: dict[str, set[str]] = {key: set() for key in kept}
    for begin, end in pairs:
        if begin in near and end in near:
            if (begin, "down") not in closed:
                near[begin].add(end)
            if (end, "up") not in closed:
                near[end].add(begin)
    found, waiting = {centre}, [centre]
    while waiting:
        ahead = near.get(waiting.pop(), set()) - found
        found |= ahead
        waiting += ahead
    return found
