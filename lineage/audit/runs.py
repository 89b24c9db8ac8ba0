"""Which jobs and trainings ran, when, on what, and how did they end?"""

from __future__ import annotations

from typing import Any

from lineage.audit.view import View, names, page, thing_id, thing_name
from lineage.identity.projector import STATE_BIT
from lineage.model.answer import Answer, Item
from lineage.model.moment import LAST, to_iso
from lineage.model.vocabulary import TERMINAL, Kind, RunState
from lineage.store import listing, overruled

OVERRULED = "its tests did not fail: dbt's run_results says so"


def state_of(states: int, *, overruled: bool = False) -> tuple[str, list[str]]:
    """Return the state that the set of seen states amounts to, and what is wrong with it.

    A terminal state beats the others whatever came last (OpenLineage; marquez#2264); two different ones are a conflict
    that is shown with both. `overruled`: a better source says that it did not fail (`lineage.store.overruled`).

    >>> state_of(STATE_BIT[RunState.COMPLETE] | STATE_BIT[RunState.START])
    ('complete', [])
    """
    seen = [state for state in RunState if states & STATE_BIT[state]]
    ends = [state for state in seen if state in TERMINAL]
    if overruled and RunState.FAIL in ends:
        ends.remove(RunState.FAIL)
        return (str(ends[-1]) if ends else str(RunState.OTHER)), [OVERRULED]
    if len(ends) > 1:
        return str(ends[-1]), ["conflicting ends: " + ", ".join(ends)]
    if ends:
        return str(ends[0]), []
    started = [state for state in (RunState.RUNNING, RunState.START) if state in seen]
    return (str(started[0]) if started else str(RunState.OTHER)), ["no terminal event"]


def runs(
    view: View,
    selector: str = "",
    *,
    since: int | None = None,
    until: int | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Answer:
    """List the runs of the selected jobs, the runs that used the selected datasets, or the selected runs themselves."""
    if view.as_of is not None:
        until = min(view.as_of + 1, until if until is not None else LAST)
    ids = view.select(selector) if selector.strip() else None
    numbers = listing.run_numbers(view.connection, ids, since=since, until=until)
    shown = page(numbers, limit, offset)
    rows = listing.run_rows(view.connection, shown)
    uses = listing.run_uses(view.connection, shown)
    said = listing.run_said(view.connection, shown)
    proof = listing.run_records(view.connection, shown)
    wanted = {row["job"] for row in rows} | {use[1] for listed in uses.values() for use in listed}
    things = names(view.connection, wanted)
    evidence = view.evidence(seq for seqs in proof.values() for seq in (seqs[:1] + seqs[-1:]))
    better = overruled.runs(view.connection, shown)
    items = []
    for row in rows:
        number = row["id"]
        attributes = {
            name: values[0] if len(values) == 1 else values for name, values in said.get(number, {}).items()
        }
        state, problems = state_of(row["states"], overruled=number in better)
        if row["streaming"] and problems == ["no terminal event"]:
            problems = []
        if row["started"] and row["ended"] and row["ended"] < row["started"]:
            problems.append("it ends before it starts")
        actor = (row["actor"] or "\n").split("\n", 1)[1] or None
        used = [(output, _use(things[dataset], version)) for output, dataset, version in uses.get(number, ())]
        seqs = dict.fromkeys(proof.get(number, [])[:1] + proof.get(number, [])[-1:])
        items.append(
            {
                "run_id": row["run_id"],
                "job": thing_name(things[row["job"]]),
                "job_id": thing_id(things[row["job"]]),
                "state": state,
                "started_at": None if row["started"] is None else to_iso(row["started"]),
                "ended_at": None if row["ended"] is None else to_iso(row["ended"]),
                "last_event_at": to_iso(row["last_at"]),
                "actor": actor,
                "parent": (row["parent"] or "\n").split("\n", 1)[1] or None,
                "code": attributes.pop("code", {}),
                "inputs": [use for output, use in used if not output],
                "outputs": [use for output, use in used if output],
                "problems": problems,
                "attributes": attributes,
                "evidence": [evidence[seq] for seq in seqs if seq in evidence],
            }
        )
    return view.answer(items, len(numbers))


def _use(thing: Any, version: str) -> Item:
    shown: Item = {"id": thing_id(thing), "display": thing_name(thing), "kind": Kind.DATASET}
    if version:
        shown["version"] = version
    return shown
