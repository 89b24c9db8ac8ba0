"""Which service level agreement holds for what, since when, on what ground, and under which deployments?"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from lineage.audit.view import View, names, thing_id, thing_name
from lineage.model.answer import Answer, Item, bounded
from lineage.store import listing


def sla(view: View, selector: str = "") -> Answer:
    """List every version of every agreement, with the deployment episodes it was in force for.

    The selector picks agreements, or targets (then the agreements that bound them). Attainment needs
    measurements; where none are imported, `value` and `met` are null: not measured is not met.
    """
    picked = set(view.select(selector)) if selector.strip() else None
    bound: dict[tuple[str, str | None, float], list[dict[str, Any]]] = defaultdict(list)
    for row in listing.episodes(view.connection):
        for entry in row["body"]["sla"]:
            bound[entry["name"], entry["version"], entry["target"]].append({**row, "in_force": entry})
    rows = listing.objectives(view.connection)
    things = names(view.connection, [row["entity"] for row in rows])
    evidence = view.evidence(row["record"] for row in rows)
    items: list[Item] = []
    for row in rows:
        fact = row["fact"]
        thing = things[row["entity"]]
        episodes = bound.get((fact.key.name, fact.version or None, fact.target), [])
        targets = {entry["target"] for entry in episodes}
        if picked is not None and row["entity"] not in picked and not targets & picked:
            continue
        since, until = fact.since, fact.until
        if view.as_of is not None and (
            (since is not None and since.lo > view.as_of) or (until is not None and until.hi <= view.as_of)
        ):
            continue
        shown = (
            episodes
            if picked is None or row["entity"] in picked
            else [e for e in episodes if e["target"] in picked]
        )
        items.append(
            {
                "name": fact.key.name,
                "id": thing_id(thing),
                "display": thing_name(thing),
                "version": fact.version or None,
                "subject": ", ".join(
                    [*fact.subjects, *(f"{key.namespace}/{key.name}" for key in fact.datasets)]
                ),
                "metric": fact.metric,
                "comparator": fact.comparator,
                "target": fact.target,
                "unit": fact.unit,
                "percentile": fact.percentile,
                "window": fact.window or None,
                "rolling": fact.rolling,
                "effective_from": bounded(since.lo, since.hi) if since is not None else None,
                "effective_to": bounded(until.lo, until.hi) if until is not None else None,
                "basis": fact.ground,
                "document": fact.document or row["path"],
                "owner": fact.owner or None,
                "text": fact.text or None,
                "window_from": None,
                "window_to": None,
                "value": None,
                "coverage": 0.0,
                "met": None,
                "method": fact.method or None,
                "budget_left": None,
                "episodes": [
                    {
                        "id": entry["eid"],
                        "target": entry["body"]["target"],
                        "model": entry["body"]["model"],
                        "model_version": entry["body"]["model_version"],
                        "deployed_at": entry["body"]["deployed_at"],
                        "ended_at": entry["body"]["ended_at"],
                        "basis": entry["in_force"]["basis"],
                    }
                    for entry in shown
                ],
                "evidence": [evidence[row["record"]]],
            }
        )
    return view.answer(items, len(items))
