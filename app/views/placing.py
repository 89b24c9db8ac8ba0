"""Which card stands for each thing of a drawing, which line for its edges, and where do they stand?

Runs in the background, with no Qt object: the canvas only gets what is ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.commands import Looking
from app.models.columns import kind_word, name_of
from app.models.describe import basis_words
from app.models.drawing import Drawing, gather
from app.models.facts import spelled
from app.models.folding import Folds, Group, fold
from app.models.things import selector_of
from app.models.wording import Item, counted, plain, when
from app.views.cards import Badge, Card, CardEdge, layout_graph

if TYPE_CHECKING:
    from app.session import Dates
    from lineage.layout.graph import Layout
    from lineage.model.answer import Answer
    from lineage.workspace import Workspace

KNOWN_SHARE = 0.25
"""Below this share of known things a drawing that shows something else is laid out anew."""
MOST = 2_000
"""Cards drawn at most; the outline holds all, and the note says so."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What the canvas draws.

    Attributes:
        cards, lines: one line for all edges between two things; layout: where they stand.
        left_out: how many things stand in the outline only.
        folds: which card stands for several things; shows: what was asked for, but for what is folded or hidden.
    """

    cards: tuple[Card, ...] = ()
    lines: tuple[CardEdge, ...] = ()
    layout: Layout | None = None
    left_out: int = 0
    folds: Folds = field(default_factory=Folds)
    shows: tuple[object, ...] = ()


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
    # One step further than is drawn, so that each card can say how much more there is.
    extra = [
        trace(selector_of(key), 2 if side == "up" else 0, 2 if side == "down" else 0)
        for key, side in sorted(looking.expanded)
    ]
    gathered = gather(
        answer, extra, up=looking.up, down=looking.down, hidden=looking.hidden, closed=looking.closed
    )
    return place(gathered, before, looking)


_ANYTHING = Looking()


def place(drawing: Drawing, before: Placed | None = None, looking: Looking = _ANYTHING) -> Drawing:
    """Return the drawing with its cards placed; what stood somewhere before stays there when it can.

    When only a group was unfolded, or the like, it always can, however much was added.
    """
    from lineage.layout.layered import layout

    kinds = {key: str(node.get("kind") or "") for key, node in drawing.things.items()}
    pins = {key: (left, top) for key, left, top in looking.pins}
    alone = looking.pulled | {key for key, _ in looking.expanded} | set(pins)
    folds = fold(kinds, drawing.pairs, drawing.centre, opened=looking.opened, alone=alone)
    nearest = sorted(drawing.nodes, key=lambda node: abs(int(node.get("depth") or 0)))
    shown: dict[str, Card] = {}
    for node in nearest:
        key = folds.card(str(node["id"]))
        if key not in shown and len(shown) < MOST:
            group = folds.groups.get(key)
            shown[key] = (
                group_card(group, drawing)
                if group is not None
                else card_of(node, drawing, pinned=key in pins)
            )
    bundles: dict[tuple[str, str], list[Item]] = {}
    for (begin, end), edges in drawing.pairs.items():
        pair = (folds.card(begin), folds.card(end))
        if pair[0] in shown and pair[1] in shown:
            bundles.setdefault(pair, []).extend(edges)
    cards = tuple(shown.values())
    lines = tuple(line_of(pair, edges) for pair, edges in bundles.items())
    shows = (looking.selector, looking.up, looking.down, looking.ever)
    known = before.layout if before is not None else None
    share = 0.0 if before is not None and before.shows == shows else KNOWN_SHARE
    stands = layout(layout_graph(cards, lines), known, pins, share=share)
    left_out = sum(folds.card(key) not in shown for key in kinds)
    return replace(drawing, placed=Placed(cards, lines, stands, left_out, folds, shows))


def group_card(group: Group, drawing: Drawing) -> Card:
    """Return the card that stands for the folded members of a group: how many of how many, and the first names."""
    things = [drawing.things[key] for key in group.folded]
    names = sorted((title_of(thing) for thing in things), key=str.casefold)
    beyond = [sum(side.get(key, 0) for key in group.folded) for side in (drawing.more_up, drawing.more_down)]
    detail = [*names[:12], f"and {counted(len(names) - 12, 'more name')}" if len(names) > 12 else ""]
    detail += [f"{n} more {side}, not drawn" for n, side in zip(beyond, _SIDES, strict=True) if n]
    return Card(
        group.key,
        group.kind,
        counted(len(things), kind_word(things[0])),
        f"{len(things)} of {len(group.members)} folded: {', '.join(names[:3])}",
        "\n".join(part for part in detail if part),
        stands_for=len(things),
    )


_SIDES = ("upstream", "downstream")


def card_of(node: Item, drawing: Drawing, *, pinned: bool = False) -> Card:
    """Return the card of a thing."""
    key = str(node["id"])
    attributes = node.get("attributes") or {}
    badges = [Badge("pin", "pinned")] if pinned else []
    if attributes.get("deleted"):
        badges.append(Badge("trash-2", "deleted", "warn"))
    stage = plain(attributes.get("stage"))
    if stage and stage != "None":
        badges.append(Badge("flag", stage))
    badges += [Badge("flag", plain(alias)) for alias in attributes.get("aliases") or []]
    detail = [name_of(node), kind_word(node), plain(node.get("namespace"))]
    if node.get("last_seen"):
        detail.append(f"last seen {when(node['last_seen'])} UTC")
    for side, more, end in zip(_SIDES, (drawing.more_up, drawing.more_down), (1, 0), strict=True):
        if more.get(key):
            drawn = drawing.degrees[end].get(key, 0)
            detail.append(f"{drawn} of {drawn + more[key]} {side} drawn")
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
    first, ends = edges[0], {(edge["from"], edge["to"]) for edge in edges}
    lines = [f"{first.get('from_display')} → {first.get('to_display')}"]
    if len(ends) > 1:
        lines = [f"{counted(len(ends), 'line')} in one"]
    for edge in edges[:6]:
        if len(ends) > 1:
            lines.append(f"{edge.get('from_display')} → {edge.get('to_display')}")
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
