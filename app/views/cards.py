"""What is drawn? Cards and the edges between them, as plain values that know nothing of Qt.

All texts are plain text from outside; the canvas makes them safe to show and never interprets them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineage.layout.graph import LayoutGraph

CARD_WIDTH = 252.0
CARD_HEIGHT = 52.0
"""The size of a card in scene units, pixels at zoom 1."""

SOLID = frozenset({"declared", "observed", "column-exact"})

_STAGE = {
    "dataset": 0,
    "column": 0,
    "feature-view": 1,
    "feature": 1,
    "run": 2,
    "model-version": 3,
    "target": 4,
    "incident": 5,
}
"""How far along a thing usually stands; kinds that stand anywhere are not named."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A small mark on a card: an icon of `resources/icons`, a word, and a tone (`good`, `warn`, `bad`, `absent`)."""

    icon: str
    text: str = ""
    tone: str = "absent"


@dataclass(frozen=True, slots=True)
class Card:
    """One thing of the drawing.

    Attributes:
        key: its stable name, the same in every drawing; unique.
        kind: a `lineage.model.vocabulary.Kind` in words.
        title: what it is called; subtitle: version, owner or time, one line.
        detail: more lines for the tooltip.
        badges: marks, the most important first.
        ghost: a word such as "ended" when it no longer exists; empty when it does.
        more_up, more_down: how many neighbours are not drawn on each side.
        stands_for: how many things one card stands for; 0 when it is one thing's own.
    """

    key: str
    kind: str
    title: str
    subtitle: str = ""
    detail: str = ""
    badges: tuple[Badge, ...] = ()
    ghost: str = ""
    more_up: int = 0
    more_down: int = 0
    stands_for: int = 0


@dataclass(frozen=True, slots=True)
class CardEdge:
    """One edge of the drawing, from what feeds to what is fed.

    Attributes:
        source, target: keys of cards.
        basis: a `lineage.model.vocabulary.Basis` in words; decides how the line is drawn.
        detail: lines for the tooltip.
        ghost: whether it no longer holds.
    """

    source: str
    target: str
    basis: str = "declared"
    detail: str = ""
    ghost: bool = False


def stroke_of(basis: str) -> int:
    """Return 0 for a solid line (stated or seen), 1 for a dashed one (inferred), 2 for a dotted one (by hand).

    >>> stroke_of("observed"), stroke_of("inferred-by-name"), stroke_of("manual"), stroke_of("some new one")
    (0, 1, 2, 1)
    """
    if basis == "manual":
        return 2
    return 0 if basis in SOLID else 1


def layout_graph(
    cards: Sequence[Card], edges: Iterable[CardEdge], lanes: Mapping[str, int] | None = None
) -> LayoutGraph:
    """Return what `lineage.layout.layered.layout` needs to place these cards; edges keep their order."""
    from lineage.layout.graph import LayoutGraph

    edges = list(edges)
    stage = {card.key: _STAGE.get(card.kind) for card in cards}
    return LayoutGraph.of(
        [card.key for card in cards],
        [(edge.source, edge.target) for edge in edges],
        size=(CARD_WIDTH, CARD_HEIGHT),
        weights=[_weight(stage[edge.source], stage[edge.target]) for edge in edges],
        lanes=lanes,
        # Runs and versions in the order people count them: 9 before 10.
        labels=[re.sub(r"\d+", lambda digits: digits[0].zfill(12), card.title) for card in cards],
    )


def _weight(start: int | None, end: int | None) -> float:
    """Return less for an edge that feeds back, so that a circle is opened there and not at any edge."""
    return 0.5 if start is not None and end is not None and end < start else 1.0
