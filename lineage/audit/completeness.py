"""What was imported, what could not be read, and what was observed at all?"""

from __future__ import annotations

import json

from lineage.audit.view import View
from lineage.model.answer import Answer, Item
from lineage.model.moment import to_iso
from lineage.store import listing


def imports(view: View) -> Answer:
    """List every import batch with its files and the state of the log after it; with a recorded time, those by then."""
    known = view.known_at
    rows = [
        row
        for row in listing.batches(view.connection)
        if known is None or (row["finished"] or row["started"]) <= known
    ]
    items = [
        {
            "batch": row["id"],
            "started_at": to_iso(row["started"]),
            "finished_at": None if row["finished"] is None else to_iso(row["finished"]),
            "tool": row["tool"],
            "labels": json.loads(row["labels"]),
            "paths": json.loads(row["paths"]),
            "size": row["size"],
            "root": row["root"].hex() if row["root"] else None,
            "files": [_file(entry) for entry in listing.files(view.connection, row["id"])],
            "evidence": [],
        }
        for row in rows
    ]
    return view.answer(items, len(items))


def _file(row: Item) -> Item:
    return {
        "file": row["path"],
        "source": row["source"] or None,
        "read": row["read"],
        "accepted": row["accepted"],
        "duplicate": row["duplicate"],
        "filtered": row["filtered"],
        "rejected": row["rejected"],
        "problems": row["problems"],
        "reasons": row["reasons"],
        "bytes": row["bytes"],
        "sha256": row["sha256"].hex() if row["sha256"] else None,
        "seconds": row["seconds"],
        "finished": row["finished"] is not None,
    }


def problems(view: View, *, limit: int | None = None, offset: int = 0) -> Answer:
    """List every record or file that could not be read whole, with its place."""
    total = listing.count_problems(view.connection)
    rows = listing.problems(view.connection, limit=limit, offset=offset)
    evidence = view.evidence(row["record"] for row in rows)
    items = [
        {
            "file": row["path"],
            "source": row["source"] or None,
            "line": row["line"],
            "row": row["row"],
            "offset": row["offset"],
            "field": row["field"],
            "value": row["value"],
            "reason": row["reason"],
            "code": row["code"],
            "rejected": bool(row["fatal"]),
            "evidence": [evidence[row["record"]]] if row["record"] in evidence else [],
        }
        for row in rows
    ]
    return view.answer(items, total)


def coverage_of(view: View) -> list[Item]:
    """Return what each source was able to show: spans of what happened, and complete listings."""
    found: list[Item] = [
        {
            "source": row["source"],
            "scope": row["scope"],
            "what": row["what"],
            "from": None if row["since"] is None else to_iso(row["since"]),
            "to": None if row["until"] is None else to_iso(row["until"]),
            "complete": bool(row["complete"]),
            "records": row["records"],
        }
        for row in listing.coverage(view.connection)
    ]
    return found


def coverage(view: View) -> Answer:
    """List what was observed, per source and span."""
    items = [{**row, "evidence": []} for row in coverage_of(view)]
    return view.answer(items, len(items))
