"""Which card stands for each thing of a drawing, which line for its edges, and where do they stand?

Runs in the background, with no Qt object: the canvas only gets what is ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.commands import Looking
from app.models.columns import kind_word, name_of
from app.models.describe import basis_words
from app.models.drawing import Drawing, gather
from app.models.facts import spelled
from app.models.things import selector_of
from app.models.wording import Item, counted, plain, when
from app.views.cards import Badge, Card, CardEdge, layout_graph

if TYPE_CHECKING:
    from app.session import Dates
    from lineage.layout.graph import Layout
    from lineage.model.answer import Answer
    from lineage.workspace import Workspace

MOST = 2_000
"""Cards drawn at most; the outline holds all, and the note says so."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What the canvas draws.

    Attributes:
        cards, lines: one line for all edges between two things; layout: where they stand.
        left_out: how many things stand in the outline only.
    """

    cards: tuple[Card, ...] = ()
    lines: tuple[CardEdge, ...] = ()
    layout: Layout | None = None
    left_out: int = 0


def follow(workspace: Workspace, looking: Looking, dates: Dates, before: Placed | None) -> Drawing:
    """Return the lineage that is looked at, its cards placed; for the background."""

    def trace(selector: str, up: int, down: int) -> Answer:
        return workspace.trace(
            selector,
            up=up,
            down=down,
            as_of=dates.as_of,
            known_at=dates.known_at,
            ever=looking.ever and dates.as_of is None,
        )

    answer = trace(looking.selector, looking.up + 1, looking.down + 1)
    extra = [trace(selector_of(key), 1, 1) for key in sorted(looking.expanded)]
    return place(gather(answer, extra, up=looking.up, down=looking.down, hidden=looking.hidden), before)


def place(drawing: Drawing, before: Placed | None = None) -> Drawing:
    """Return the drawing with its cards placed; what stood somewhere before stays there when it can."""
    from lineage.layout.layered import layout

    nearest = sorted(drawing.nodes, key=lambda node: abs(int(node.get("depth") or 0)))[:MOST]
    cards = tuple(card_of(node, drawing) for node in nearest)
    drawn = {card.key for card in cards}
    lines = tuple(
        line_of(pair, edges) for pair, edges in drawing.pairs.items() if pair[0] in drawn and pair[1] in drawn
    )
    known = before.layout if before is not None else None
    stands = layout(layout_graph(cards, lines), known)
    return replace(drawing, placed=Placed(cards, lines, stands, len(drawing.nodes) - len(cards)))


def card_of(node: Item, drawing: Drawing) -> Card:
    """Return the card of a thing."""
    key = str(node["id"])
    attributes = node.get("attributes") or {}
    badges = []
    if attributes.get("deleted"):
        badges.append(Badge("trash-2", "deleted", "warn"))
    stage = plain(attributes.get("stage"))
    if stage and stage != "None":
        badges.append(Badge("flag", stage))
    badges += [Badge("flag", plain(alias)) for alias in attributes.get("aliases") or []]
    detail = [name_of(node), kind_word(node), plain(node.get("namespace"))]
    if node.get("last_seen"):
        detail.append(f"last seen {when(node['last_seen'])} UTC")
    return Card(
        key,
        str(node.get("kind") or ""),
        title_of(node),
        _subtitle(node, attributes),
        "\n".join(part for part in detail if part),
        tuple(badges[:2]),
        "ended" if node.get("ended") else "",
        drawing.more_up.get(key, 0),
        drawing.more_down.get(key, 0),
    )


def title_of(node: Item) -> str:
    """Return the name on the card: the name in its namespace, which stands below it.

    >>> title_of({"kind": "dataset", "namespace": "s3://lake", "name": "a/b", "display": "s3://lake/a/b"})
    'a/b'
    """
    kind, name = node.get("kind"), plain(node.get("name"))
    if kind in {"dataset", "column", "feature", "feature-view"} and name:
        return name
    if kind == "run":
        given = plain(
            (node.get("attributes") or {}).get("run_name") or (node.get("attributes") or {}).get("name")
        )
        return given or name
    return name_of(node)


def _subtitle(node: Item, attributes: Mapping[str, object]) -> str:
    word = kind_word(node)
    kind = node.get("kind")
    if kind == "model-version":
        extra = plain(attributes.get("created_by")) or plain(attributes.get("stage"))
    elif kind == "target":
        extra = plain(attributes.get("platform"))
    elif kind == "run":
        extra = plain(attributes.get("state"))
    else:
        extra = plain(node.get("namespace"))
    return f"{word} · {extra}" if extra else word


def line_of(pair: tuple[str, str], edges: list[Item]) -> CardEdge:
    """Return the line for all edges between two things; the best grounded one says how it is drawn."""
    best = max(edges, key=_strength)
    first = edges[0]
    lines = [f"{first.get('from_display')} → {first.get('to_display')}"]
    for edge in edges[:6]:
        span = when(edge.get("valid_from"))
        until = when(edge.get("valid_to"))
        lines.append(f"{spelled(str(edge.get('type') or ''))} · {basis_words(edge)}")
        if span or until:
            lines.append(f"    from {span or 'not said'}" + (f" to {until}" if until else ""))
    if len(edges) > 6:
        lines.append(f"and {counted(len(edges) - 6, 'more statement')}")
    return CardEdge(
        *pair,
        str(best.get("basis") or ""),
        "\n".join(lines),
        ghost=all(edge.get("valid_to") for edge in edges),
    )


def _strength(edge: Item) -> tuple[bool, float]:
    confidence = edge.get("confidence")
    return not edge.get("valid_to"), float(confidence) if isinstance(confidence, (int, float)) else 0.0
