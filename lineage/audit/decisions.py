"""What have people decided about names, and what waits for a decision?"""

from __future__ import annotations

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
    apart = {frozenset((_name(row["one"]), _name(row["other"]))) for row in made if _is_split(row)}
    waiting = decided.candidates(view.connection)
    evidence = view.evidence(row["record"] for row in waiting)
    items: list[Item] = [_decision(row) for row in reversed(made)]
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


def _is_split(row: Item) -> bool:
    return bool(row["action"] == "split" and row["undone_by"] is None)


def _decision(row: Item) -> Item:
    return {
        "id": row["id"],
        "action": row["action"],
        "one": _name(row["one"]),
        "other": _name(row["other"]),
        "who": row["who"],
        "why": row["why"],
        "at": to_iso(row["at"]),
        "holds": row["action"] != "undo" and row["undone_by"] is None,
        "undone_by": row["undone_by"],
        "confidence": None,
        "evidence": [],
    }


def _name(said: Any) -> str:
    return said if isinstance(said, str) else identifier(*said)
