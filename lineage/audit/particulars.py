"""What more is told of a thing because of its kind: the state of a run, a dataset's place and the versions seen of it?

CONTRACT.md promises these in `attributes`; they are read when asked for, since they follow from runs and their uses.
"""

from __future__ import annotations

from collections.abc import Mapping

from lineage.audit.runs import state_of
from lineage.audit.view import View, thing_name
from lineage.model.answer import Item
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind
from lineage.store import listing
from lineage.store.asking import Thing

MOST_VERSIONS = 100
"""How many versions of a dataset are named; `versions_total` says how many there are."""


def particulars(view: View, things: Mapping[int, Thing]) -> dict[int, Item]:
    """Return the attributes that the kinds of `things` promise, by id."""
    found: dict[int, Item] = {}
    datasets = [number for number, thing in things.items() if thing.kind == Kind.DATASET]
    versions = listing.versions_seen(view.connection, datasets)
    for number in datasets:
        seen = versions.get(number, [])
        found[number] = {
            "location": thing_name(things[number]),
            "versions": seen[:MOST_VERSIONS],
            "versions_total": len(seen),
        }
    runs = [number for number, thing in things.items() if thing.kind == Kind.RUN]
    rows = listing.runs_of_entities(view.connection, runs)
    said = listing.run_said(view.connection, [row["id"] for row in rows.values()])
    for number, row in rows.items():
        spoken = said.get(row["id"], {})
        names = spoken.get("name", [])
        found[number] = {
            "run_id": row["run_id"],
            "name": names[0] if names else None,
            "state": state_of(row["states"])[0],
            "started_at": None if row["started"] is None else to_iso(row["started"]),
            "ended_at": None if row["ended"] is None else to_iso(row["ended"]),
            "user": (row["actor"] or "\n").split("\n", 1)[1] or None,
        }
    return found
