"""What needs a person?"""

from __future__ import annotations

import json

from lineage.audit.agreements import sla
from lineage.audit.view import View
from lineage.model.answer import Answer, Item
from lineage.store import gathering, listing

SEVERITIES = ("high", "medium", "low")


def findings(view: View, *, limit: int | None = None) -> Answer:
    """List what the facts together call into question, gravest first, each with both sides."""
    rows = listing.findings(view.connection)
    sides = [json.loads(row["sides"]) for row in rows]
    evidence = view.evidence(side.get("record") for listed in sides for side in listed)
    items: list[Item] = [
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
    items += _missed(view)
    items.sort(key=lambda item: (SEVERITIES.index(str(item["severity"])), item["code"], item["subject"]))
    return view.answer(items if limit is None else items[:limit], len(items))


def _missed(view: View) -> list[Item]:
    """Return each version of an agreement that was missed in some window; an open verdict is no finding."""
    if not gathering.series(view.connection):
        return []
    found = []
    for item in sla(view).items:
        windows = [window for window in item["windows"] if window["met"] is False]
        if not windows:
            continue
        newest = windows[0]
        span = f"{newest['window_from']} to {newest['window_to']}"
        charged = [each["id"] for each in newest["episodes"] if each["bad"]]
        attained = f"{newest['value']:.10g} by {newest['method']}, {newest['coverage']:.4%} measured"
        promised = f"{item['metric']} {item['comparator']} {item['target']:.10g} {item['unit']}".strip()
        several = f" and {len(windows) - 1} earlier" if len(windows) > 1 else ""
        under = f" Charged to deployment {', '.join(charged)}." if charged else ""
        found.append(
            {
                "code": "sla-missed",
                "severity": "medium",
                "subject": f"{item['subject']}/{item['name']}"
                + (f" {item['version']}" if item["version"] else ""),
                "text": f"{promised} was missed from {span}{several}: {attained}.{under}",
                "sides": [
                    {"says": promised, "at": newest["window_from"], "evidence": item["evidence"][:1]},
                    {"says": attained, "at": newest["window_to"], "evidence": item["evidence"][1:]},
                ],
                "evidence": item["evidence"],
            }
        )
    return found
