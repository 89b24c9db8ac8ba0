"""Who deployed which model version where, when, on whose behalf and under which SLA; and what was serving at a time?"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from lineage.audit.agreements import Binding, episodes_of
from lineage.audit.view import View, spoken
from lineage.model.answer import Answer, Item
from lineage.model.moment import LAST, parse, to_iso
from lineage.store import listing

FIELDS = (
    "deployed_at",
    "action",
    "target",
    "environment",
    "model",
    "model_version",
    "deployed_by",
    "actor",
    "link_rule",
    "link_confidence",
    "sla",
    "flags",
    "outcome",
    "platform",
    "cluster",
    "namespace",
    "endpoint",
    "models",
    "ended_at",
    "ended_by",
    "actor_kind",
    "identity_chain",
    "effective_identity",
    "on_behalf_of",
    "approved_by",
    "approved_at",
    "change_ref",
    "reason",
    "change",
    "replaces",
    "image_digest",
    "resources",
    "confirmed_by",
    "target_id",
    "_text",
    "id",
)
"""The fields of a register item in the order people read them; CONTRACT.md says what each holds."""


def deployments(
    view: View,
    selector: str = "",
    *,
    since: int | None = None,
    until: int | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Answer:
    """The register: one item for each change of what serves at the selected targets, oldest first.

    A selector may name targets, environments or model versions (the changes that made or ended their serving). With a
    valid time, only what had come about by then, and what ended later had not yet ended; with a period, what may have
    come about in it (`until` excluded).
    """
    rows = _selected(view, selector)
    if view.as_of is not None:
        rows = [row for row in rows if row["start_lo"] <= view.as_of]
    if since is not None:
        rows = [row for row in rows if row["start_hi"] >= since]
    if until is not None:
        rows = [row for row in rows if row["start_lo"] < until]
    shown = rows[offset:] if limit is None else rows[offset : offset + limit]
    return view.answer(_items(view, shown), len(rows))


def _selected(view: View, selector: str) -> list[dict[str, Any]]:
    if not selector.strip():
        return listing.episodes(view.connection)
    return episodes_of(view, view.select(selector))


def _items(view: View, rows: list[dict[str, Any]]) -> list[Item]:
    evidence = view.evidence(seq for row in rows for seq in row["body"]["records"])
    items = []
    for row in rows:
        records = row["body"]["records"]
        body = {name: row["body"][name] for name in FIELDS}
        proof = [evidence[seq] for seq in records if seq in evidence]
        if view.as_of is not None and row["end_lo"] is not None and row["end_lo"] > view.as_of:
            body["ended_at"] = body["ended_by"] = None
        body["approved_at"] = _utc(body["approved_at"])
        body["identity_chain"] = [
            {**hop, "evidence": [evidence[seq]] if seq in evidence else proof[:1]}
            for hop, seq in zip(body["identity_chain"], row["body"]["chain_records"], strict=True)
        ]
        body |= spoken(body, "deployed_at", "ended_at", text=body["_text"])
        body["evidence"] = proof
        items.append(body)
    return items


def _utc(text: str | None) -> str | None:
    """Return a time that a record says in words as the contract writes times; as it stands where it is none."""
    try:
        return to_iso(parse(text).lo) if text else None
    except ValueError:
        return text


def live(view: View, selector: str = "", *, limit: int | None = None) -> Answer:
    """What was serving at the valid time, one item a target; inside the gap of an undated change every possibility.

    `sla` is what bound the target then, which need not be what bound it when the deployment began.
    """
    moment = view.moment
    binding = Binding(view)
    by_target: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in _selected(view, selector):
        by_target[row["target"]].append(row)
    items = []
    for target, rows in by_target.items():
        possible, nothing = serving_at(rows, moment)
        if not possible:
            continue
        shown = _items(view, possible)
        bound = binding.at(target, moment)
        last = shown[-1]
        item: Item = {
            "target": last["target"],
            "target_id": last["target_id"],
            "platform": last["platform"],
            "environment": last["environment"],
        }
        if len(shown) == 1 and not nothing:
            item |= {
                "model": last["model"],
                "model_version": last["model_version"],
                "uri": next((model["uri"] for model in last["models"]), None),
                "models": last["models"],
                "since": last["deployed_at"],
                "deployed_by": last["deployed_by"],
                "actor": last["actor"],
                "sla": bound,
                "flags": last["flags"],
                "episode": last["id"],
                "certain": True,
                "candidates": [],
            }
        else:
            candidates = [
                {
                    "model": entry["model"],
                    "model_version": entry["model_version"],
                    "since": entry["deployed_at"],
                    "episode": entry["id"],
                }
                for entry in shown
            ]
            if nothing:
                candidates.append({"model": None, "model_version": None, "since": None, "episode": None})
            item |= {
                "model": None,
                "model_version": None,
                "uri": None,
                "models": [],
                "since": None,
                "deployed_by": None,
                "actor": None,
                "sla": bound,
                "flags": ["undecided"],
                "episode": None,
                "certain": False,
                "candidates": candidates,
            }
        item |= spoken(item, "since")
        item["evidence"] = [reference for entry in shown for reference in entry["evidence"]]
        items.append(item)
    items.sort(key=lambda entry: (entry["environment"], entry["target"]))
    return view.answer(items if limit is None else items[:limit], len(items))


def serving_at(rows: list[dict[str, Any]], moment: int) -> tuple[list[dict[str, Any]], bool]:
    """Return the episodes that may have been running at `moment`, and whether it may be that none was."""
    last = max(
        ((row["start_lo"], place) for place, row in enumerate(rows) if row["start_hi"] <= moment),
        default=(-1, -1),
    )
    possible = [
        row
        for place, row in enumerate(rows)
        if row["start_lo"] <= moment and (row["start_hi"], place) >= last and (row["end_hi"] or LAST) > moment
    ]
    nothing = last == (-1, -1) or any(row["action"] == "delete" for row in possible)
    return [row for row in possible if row["action"] != "delete"], nothing
