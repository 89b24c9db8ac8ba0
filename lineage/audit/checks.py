"""Which checks of data and drift were made, when, on what, in which run, and what did they find?

A check is what has a verdict, was meant to have one, or measures drift; plain figures such as row counts are no checks.
A check that was not made, or could not be, has no verdict: it neither passed nor failed. Two records of one check (a
validation and the checkpoint that repeats it) are one item with both as evidence.
"""

from __future__ import annotations

from typing import Any

from lineage.audit.view import View, names, thing_id, thing_name
from lineage.model.answer import Answer, Item
from lineage.model.moment import LAST, to_iso
from lineage.store import gathering, overruled
from lineage.text import dumps

Row = dict[str, Any]

_OF_THE_CHECK = frozenset(
    {
        "column",
        "name",
        "test",
        "expected",
        "part",
        "fails_when",
        "warns_when",
        "identity",
        "threshold",
        "method",
    }
)
"""What in the details tells one check from another; the rest says who made it."""


def verdict(success: int | None, severity: str) -> str:
    """Return the verdict in a word: a failed check of severity `warn` warned, one without a verdict is `none`.

    >>> verdict(1, "error"), verdict(0, "error"), verdict(0, "warn"), verdict(None, "")
    ('passed', 'failed', 'warned', 'none')
    """
    if success is None:
        return "none"
    if success:
        return "passed"
    return "warned" if severity == "warn" else "failed"


def checks(
    view: View,
    selector: str = "",
    *,
    since: int | None = None,
    until: int | None = None,
    limit: int | None = None,
) -> Answer:
    """List checks, oldest first; the selector picks what was checked (`+model` for all that is upstream of a model).

    With a valid time, only those made by then; `since` and `until` bound when they were made.
    """
    picked = view.select(selector) if selector.strip() else None
    last = LAST if until is None else until
    if view.as_of is not None:
        last = min(last, view.as_of + 1)
    rows = gathering.checks(view.connection, subjects=picked, since=since or 0, until=last)
    made: dict[tuple[Any, ...], list[Row]] = {}
    better = overruled.verdicts(view.connection)
    for row in rows:
        if row["id"] in better:
            row["success"] = better[row["id"]]
            row["detail"]["overruled_by"] = "dbt run_results"
        made.setdefault(_same(row), []).append(row)
    shown = list(made.values())[: None if limit is None else limit]
    things = names(view.connection, [told[0]["subject"] for told in shown])
    evidence = view.evidence(row["record"] for told in shown for row in told)
    items = []
    for told in shown:
        item = _item(told[0], things[told[0]["subject"]])
        item["run"] = next((row["run_id"] for row in told if row["run_id"]), None)
        item["job"] = next((row["job"] for row in told if row["job"]), None)
        item["evidence"] = [evidence[seq] for seq in dict.fromkeys(row["record"] for row in told)]
        items.append(item)
    return view.answer(items, len(made))


def _same(row: Row) -> tuple[Any, ...]:
    told = {name: value for name, value in row["detail"].items() if name in _OF_THE_CHECK}
    return (row["root"], row["metric"], row["at"], row["value"], row["success"], row["severity"], dumps(told))


def _item(row: Row, thing: Any) -> Item:
    detail = row["detail"]
    return {
        "at": to_iso(row["at"]),
        "dataset": thing_name(thing),
        "subject_id": thing_id(thing),
        "kind": thing.kind,
        "check": row["metric"],
        "column": detail.get("column"),
        "verdict": verdict(row["success"], row["severity"] or ""),
        "severity": row["severity"] or None,
        "value": row["value"],
        "unit": row["unit"] or None,
        "drift": "drift" in row["metric"].lower(),
        "detail": detail,
    }
