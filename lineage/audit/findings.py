"""What needs a person?"""

from __future__ import annotations

import json

from lineage.audit.view import View
from lineage.model.answer import Answer
from lineage.store import listing

SEVERITIES = ("high", "medium", "low")


def findings(view: View, *, limit: int | None = None) -> Answer:
    """List what the facts together call into question, gravest first, each with both sides."""
    rows = listing.findings(view.connection)
    sides = [json.loads(row["sides"]) for row in rows]
    evidence = view.evidence(side.get("record") for listed in sides for side in listed)
    items = [
        {
            "code": row["code"],
            "severity": row["severity"],
            "subject": row["subject"],
            "text": row["text"],
            "sides": [
                {name: value for name, value in side.items() if name != "record"}
                | {"evidence": [evidence[side["record"]]] if side.get("record") in evidence else []}
                for side in listed
            ],
            "evidence": [evidence[side["record"]] for side in listed if side.get("record") in evidence],
        }
        for row, listed in zip(rows, sides, strict=True)
    ]
    items.sort(key=lambda item: (SEVERITIES.index(str(item["severity"])), item["code"], item["subject"]))
    return view.answer(items if limit is None else items[:limit], len(items))
