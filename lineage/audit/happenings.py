"""What happened, who did it, and which attempts did not succeed?"""

from __future__ import annotations

from lineage.audit.view import View, names, spoken, thing_id, thing_name
from lineage.model.answer import Answer, Item, bounded
from lineage.model.moment import LAST
from lineage.store import listing


def events(
    view: View,
    selector: str = "",
    *,
    since: int | None = None,
    until: int | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Answer:
    """List every happening to the selected things, oldest first, within valid time `since`..`until`.

    With a valid time in the view, only what may have happened by then.
    """
    if view.as_of is not None:
        until = min(view.as_of + 1, until if until is not None else LAST)
    subjects = view.select(selector) if selector.strip() else None
    total = listing.count_happenings(view.connection, subjects=subjects, since=since, until=until)
    rows = listing.happenings(
        view.connection, subjects=subjects, since=since, until=until, limit=limit, offset=offset
    )
    things = names(view.connection, [row["subject"] for row in rows])
    evidence = view.evidence(row["record"] for row in rows)
    items: list[Item] = [
        {
            "at": bounded(row["at_lo"], row["at_hi"]),
            "type": row["type"],
            "subject": thing_name(things[row["subject"]]),
            "subject_id": thing_id(things[row["subject"]]),
            "kind": things[row["subject"]].kind,
            "actor": row["actor"],
            "person": row["person"],
            "outcome": row["outcome"],
            "detail": row["detail"],
            "evidence": [evidence[row["record"]]],
        }
        for row in rows
    ]
    for item, row in zip(items, rows, strict=True):
        item.update(spoken(item, "at", text=row["text"]))
    return view.answer(items, total)
