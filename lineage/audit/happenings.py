"""What happened, who did it, and which attempts did not succeed?"""

from __future__ import annotations

from lineage.audit.view import View, names, thing_id, thing_name
from lineage.model.answer import Answer, bounded
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
    """List every happening to the selected things, oldest first, within valid time `since`..`until`."""
    subjects = view.select(selector) if selector.strip() else None
    total = listing.count_happenings(view.connection, subjects=subjects, since=since, until=until)
    rows = listing.happenings(
        view.connection, subjects=subjects, since=since, until=until, limit=limit, offset=offset
    )
    things = names(view.connection, [row["subject"] for row in rows])
    evidence = view.evidence(row["record"] for row in rows)
    items = [
        {
            "at": bounded(row["at_lo"], row["at_hi"]),
            "_text": row["text"],
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
    return view.answer(items, total)
