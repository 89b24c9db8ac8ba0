"""What have people decided about names, and what waits for a decision?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineage.audit.view import View
from lineage.model.answer import Answer, Item
from lineage.model.moment import to_iso
from lineage.model.naming import identifier
from lineage.store import decided


def decisions(view: View, *, limit: int | None = None) -> Answer:
    """List the decisions, newest first, then the pairs of names that are alike and not proven to be one thing.

    A decision holds until it is undone or a later one about the same names says otherwise; a pair waits for a `merge`
    or a `split` (CONTRACT.md, `identity`).
    """
    made = decided.every(view.connection, view.known_at)
    holding = _holding(made)
    apart = {_about(row) for row in made if row["action"] == "split" and row["id"] in holding}
    waiting = decided.candidates(view.connection)
    evidence = view.evidence(row["record"] for row in waiting)
    items: list[Item] = [_decision(row, holds=row["id"] in holding) for row in reversed(made)]
    for row in waiting:
        one = identifier(row["kind"], row["namespace"], row["name"])
        other = identifier(row["other_kind"], row["other_namespace"], row["other_name"])
        if frozenset((one, other)) in apart:
            continue
        found = evidence.get(row["record"])
        items.append(
            {
                "id": None,
                "action": "candidate",
                "one": one,
                "other": other,
                "who": None,
                "why": row["rule"],
                "at": None,
                "holds": False,
                "undone_by": None,
                "confidence": row["confidence"],
                "evidence": [found] if found else [],
            }
        )
    return view.answer(items if limit is None else items[:limit], len(items))


def _holding(made: Sequence[Item]) -> set[int]:
    """Return the numbers of the decisions that hold: of those about the same names the last."""
    valid = [row for row in made if row["action"] != "undo" and row["undone_by"] is None]
    return set({_about(row): int(row["id"]) for row in valid}.values())


def _about(row: Item) -> frozenset[str]:
    # What is served is confirmed anew whatever version it was said to be.
    names = (row["one"],) if row["action"] == "confirm" else (row["one"], row["other"])
    return frozenset(map(_name, names))


def _decision(row: Item, *, holds: bool) -> Item:
    return {
        "id": row["id"],
        "action": row["action"],
        "one": _name(row["one"]),
        "other": _name(row["other"]),
        "who": row["who"],
        "why": row["why"],
        "at": to_iso(row["at"]),
        "holds": holds,
        "undone_by": row["undone_by"],
        "confidence": None,
        "evidence": [],
    }


def _name(said: Any) -> str:
    return said if isinstance(said, str) else identifier(*said)
