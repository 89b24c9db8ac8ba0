"""R4, the change log between two dates: what changed where, from what to what, by whom, and why?"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from lineage.audit import agreements, happenings, register
from lineage.audit.view import View, time_text
from lineage.model.answer import Item
from lineage.model.moment import to_iso
from lineage.reports.deployments import (
    NO_APPROVAL,
    NO_PERSON,
    NO_REASON,
    NOT_EVIDENCED,
    served,
)
from lineage.reports.document import Column, Form, Report, Row, Section
from lineage.reports.statement import Frame, framed

TITLE = "Change log"
NO_OLD, NOT_ASSESSED = "no earlier value evidenced", "not assessed: no rule is held by this tool"
COLUMNS = (
    Column("time", "Time (UTC)", group="Time (UTC)", form=Form.TIME),
    Column("late", "Imported after the period", group="Time (UTC)"),
    Column("object", "Object", wide=True, group="Object"),
    Column("field", "Field", group="Object"),
    Column("old", "Old value", wide=True),
    Column("new", "New value", wide=True),
    Column("actor", "Actor", wide=True, group="Actor"),
    Column("person", "Person", group="Actor"),
    Column("reason", "Reason", wide=True, group="Reason and approval"),
    Column("approval", "Approval", group="Reason and approval"),
    Column("substantial", "Substantial modification"),
)
LOGIC = (
    (
        "A row is a change of what serves at a target (as in the deployment register), any other recorded"
        " change of a thing that succeeded, or a version of a service level agreement that came into force."
    ),
    (
        "Denied, failed and dry-run attempts changed nothing and are not rows. What a listing merely observed"
        " is not a change unless two listings differ: then it stands in the register with two bounds."
    ),
    "The old value is what the evidence shows to have held just before; where none was recorded, that is said.",
    (
        "A change is late when the first record of it was imported after the end of the period: an earlier"
        " report of the same period could not have shown it."
    ),
    "Whether a change is a substantial modification (EU AI Act, Art. 12) is for people to decide.",
)
FRAME = Frame(
    "changes",
    TITLE,
    1,
    LOGIC,
    frozenset({NO_OLD, NOT_ASSESSED, NOT_EVIDENCED, NO_PERSON, NO_APPROVAL, NO_REASON}),
)
_NOT_CHANGES = frozenset({"observe"})


def make(
    view: View, *, since: int | None, until: int | None, workspace: dict[str, Any], seed: str = ""
) -> Report:
    """Return the changes that may have come about from `since` up to, not including, `until`."""
    del seed
    deployed = register.deployments(view, since=since, until=until).items
    every = {item["id"]: item for item in register.deployments(view).items}
    cited = {entry["record"] for item in every.values() for entry in item["evidence"]}
    found = [_deployment(item, every) for item in deployed]
    found += [
        _event(item)
        for item in happenings.events(view, since=since, until=until).items
        if item["outcome"] == "done"
        and item["type"] not in _NOT_CHANGES
        and not cited & {entry["record"] for entry in item["evidence"]}
    ]
    found += _agreed(view, since, until)
    end = None if until is None else datetime.fromisoformat(to_iso(until))
    for item in found:
        first = min((entry["imported_at"] for entry in item["evidence"]), default=None)
        after = end is not None and first is not None and datetime.fromisoformat(first) > end
        item["late"] = "yes" if after else "no" if end is not None else ""
    found.sort(key=lambda item: (item["_order"], item["object"], item["field"], item["new"]))
    for item in found:
        del item["_order"]
    rows = tuple(
        Row(tuple(item[column.name] for column in COLUMNS), tuple(item["evidence"])) for item in found
    )
    late = tuple(row for row, item in zip(rows, found, strict=True) if item["late"] == "yes")
    tables = (
        Section(
            "changes", TITLE, COLUMNS, rows, empty="No change is evidenced in this period.", primary=True
        ),
        Section(
            "late",
            "Came in late",
            COLUMNS,
            late,
            note="These are among the rows above.",
            empty="The period has no end, so nothing can be late." if end is None else "None of them.",
        ),
    )
    return framed(
        view,
        FRAME,
        tables,
        items=found,
        scope="every recorded thing",
        population=f"{len(rows)} changes, all of them shown; of them {len(late)} came in late",
        since=since,
        until=until,
        workspace=workspace,
    )


def _deployment(item: Item, every: dict[str, Item]) -> Item:
    gone = item["action"] == "delete"
    approved = f", {time_text(item['approved_at'])}" if item["approved_at"] else ""
    return {
        "_order": _order(item["deployed_at"]),
        "time": time_text(item["deployed_at"]),
        "object": item["target"],
        "field": f"what serves ({item['action']})",
        "old": served(every.get(item["replaces"] or "")) or NO_OLD,
        "new": "nothing" if gone else served(item) or NOT_EVIDENCED,
        "actor": item["actor"] or NOT_EVIDENCED,
        "person": item["deployed_by"] or NO_PERSON,
        "reason": item["reason"] or item["change_ref"] or NO_REASON,
        "approval": f"{', '.join(item['approved_by'])}{approved}" if item["approved_by"] else NO_APPROVAL,
        "substantial": NOT_ASSESSED,
        "evidence": item["evidence"],
    }


def _event(item: Item) -> Item:
    detail = item["detail"]
    shown = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False, sort_keys=True)
    return {
        "_order": _order(item["at"]),
        "time": time_text(item["at"]),
        "object": item["subject"],
        "field": item["type"],
        "old": NO_OLD,
        "new": shown if detail else item["type"],
        "actor": item["actor"] or NOT_EVIDENCED,
        "person": item["person"] or NO_PERSON,
        "reason": NO_REASON,
        "approval": NO_APPROVAL,
        "substantial": NOT_ASSESSED,
        "evidence": item["evidence"],
    }


def _agreed(view: View, since: int | None, until: int | None) -> list[Item]:
    """Return the versions of agreements that may have come into force in the period, each beside the one before."""
    before: dict[str, str] = {}
    found = []
    items = [item for item in agreements.sla(view).items if item["effective_from"]]
    items.sort(key=lambda item: (_order(item["effective_from"]), item["id"]))
    for item in items:
        said = f"{item['metric']} {item['comparator']} {item['target']:.12g} {item['unit']}".strip()
        key = f"{item['id']} {item['metric']} {item['subject']}"
        moment = _order(item["effective_from"])
        after = since is None or moment >= datetime.fromisoformat(to_iso(since))
        if after and (until is None or moment < datetime.fromisoformat(to_iso(until))):
            found.append(
                {
                    "_order": moment,
                    "time": time_text(item["effective_from"]),
                    "object": item["display"],
                    "field": f"agreement in force ({item['basis'] or 'no ground'})",
                    "old": before.get(key, NO_OLD),
                    "new": said,
                    "actor": NOT_EVIDENCED,
                    "person": NO_PERSON,
                    "reason": NO_REASON,
                    "approval": NO_APPROVAL,
                    "substantial": NOT_ASSESSED,
                    "evidence": item["evidence"],
                }
            )
        before[key] = said
    return found


def _order(value: Any) -> datetime:
    """Return the earliest moment that a time of an answer may be."""
    text = value.get("not_before") or value.get("not_after") if isinstance(value, dict) else value
    return datetime.fromisoformat(text or "1970-01-01T00:00:00Z")
