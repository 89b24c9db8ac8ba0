"""R7, the completeness statement: what was read, what was not, what was silent, and what can nobody tell from here?"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from lineage.audit import completeness, register
from lineage.audit.view import View
from lineage.model.answer import Item
from lineage.reports.document import Cell, Column, Form, Report, Row, Section
from lineage.reports.statement import Frame, files, framed

TITLE = "Completeness statement"
NOT_HELD, NOT_DATED, NOT_KNOWN = "not held by this tool", "not dated in the evidence", "none recorded"
_COUNTS = ("read", "accepted", "duplicate", "filtered", "rejected", "problems", "bytes")
COLUMNS = (
    Column("source", "Source"),
    Column("program", "Read by"),
    Column("asked", "Asked range"),
    Column("first", "First event (UTC)", group="Observed (UTC)", form=Form.TIME),
    Column("last", "Last event (UTC)", group="Observed (UTC)", form=Form.TIME),
    Column("files", "Files", form=Form.NUMBER),
    *(Column(name, name.capitalize(), form=Form.NUMBER) for name in _COUNTS),
    Column("balance", "Control total"),
    Column("reasons", "Filtered because", wide=True, form=Form.LIST),
)
LOGIC = (
    (
        "Every file that was imported is counted. A record is accepted, a duplicate, filtered for the reason"
        " given, or rejected with a problem; the control total compares the sum of these with the number read."
    ),
    "The control total at the source is not known here: compare the numbers read with what the system itself counts.",
    (
        "A silence is the time between two spans in which the same source could show the same kind of event in"
        " the same scope. That nothing was recorded then does not show that nothing happened."
    ),
    "A reference that leads to nothing imported is listed: the thing it names was not in the evidence.",
)
_UNKNOWN = (
    ("Asked range", "Files are read whole: nobody told this tool which range their export was asked for."),
    ("Control total at source", "Not in the files; only what was read can be counted here."),
    (
        "Settings of the source",
        "Not in the files; the labels given with an import stand in the evidence log.",
    ),
    ("Clock skew", "Times are those of the source's clock; its difference from any other is not measured."),
    (
        "Retention at the source",
        "Not in the files: what a source had thrown away before its export is not seen.",
    ),
    ("Sources that exist and were not imported", "This tool knows only what was imported."),
)
_PROBLEM = (
    Column("file", "File", wide=True),
    Column("line", "Line", form=Form.NUMBER),
    Column("source", "Source"),
    Column("code", "Code"),
    Column("reason", "Reason", wide=True),
    Column("value", "Value", wide=True),
    Column("rejected", "Rejected"),
)
FRAME = Frame("completeness", TITLE, 1, LOGIC, frozenset({NOT_HELD, NOT_DATED, NOT_KNOWN}))


def make(
    view: View, *, since: int | None, until: int | None, workspace: dict[str, Any], seed: str = ""
) -> Report:
    """Return the statement over everything imported; a period does not narrow what was read."""
    del seed
    rows = _sources(view)
    found = completeness.problems(view)
    problems = () if view.known_at is not None else tuple(_problem(item) for item in found.items)
    tables = (
        Section("sources", TITLE, COLUMNS, rows, empty="Nothing has been imported.", primary=True),
        _silences(view),
        _unresolved(view),
        Section("problems", "What could not be read", _PROBLEM, problems, empty=_problem_note(view)),
        Section(
            "unknown",
            "What cannot be said from here",
            (Column("question", "Question"), Column("answer", "Answer", wide=True)),
            tuple(Row(pair) for pair in _UNKNOWN),
        ),
    )
    read = len(files(view))
    return framed(
        view,
        FRAME,
        tables,
        items=[row.item(COLUMNS) for row in rows],
        scope="everything imported; the period does not narrow it",
        population=f"{read} files of {len(rows)} sources, all of them shown",
        since=since,
        until=until,
        workspace=workspace,
    )


def _problem_note(view: View) -> str:
    if view.known_at is None:
        return "Every record could be read."
    return "Problems are listed only in a statement about all that is recorded."


def _problem(item: Item) -> Row:
    cells = tuple(
        ("yes" if item["rejected"] else "no") if column.name == "rejected" else item[column.name]
        for column in _PROBLEM
    )
    return Row(cells, tuple(item["evidence"]))


def _sources(view: View) -> tuple[Row, ...]:
    """Return one row a source, in the order of their names."""
    entries: dict[str, list[Item]] = defaultdict(list)
    tools: dict[str, set[str]] = defaultdict(set)
    for batch in completeness.imports(view).items:
        for entry in batch["files"]:
            name = entry["source"] or "not recognised"
            entries[name].append(entry)
            tools[name].add(batch["tool"])
    spans: dict[str, list[str]] = defaultdict(list)
    for row in completeness.coverage_of(view):
        spans[row["source"]] += [end for end in (row["from"], row["to"]) if end]
    rows = []
    for name, listed in sorted(entries.items()):
        sums = {count: sum(entry[count] for entry in listed) for count in _COUNTS}
        parts = sums["accepted"] + sums["duplicate"] + sums["filtered"] + sums["rejected"]
        reasons: dict[str, int] = defaultdict(int)
        for entry in listed:
            for why, count in entry["reasons"].items():
                reasons[why] += count
        cells: tuple[Cell, ...] = (
            name,
            ", ".join(sorted(tools[name])),
            NOT_HELD,
            min(spans[name], default=NOT_DATED),
            max(spans[name], default=NOT_DATED),
            len(listed),
            *sums.values(),
            "agrees" if parts == sums["read"] else f"DIFFERS BY {sums['read'] - parts}",
            "; ".join(f"{why}: {count}" for why, count in sorted(reasons.items())),
        )
        rows.append(Row(cells))
    return tuple(rows)


def _silences(view: View) -> Section:
    columns = (
        Column("source", "Source"),
        Column("scope", "Scope", wide=True),
        Column("what", "What"),
        Column("from", "Silent from (UTC)", form=Form.TIME),
        Column("to", "Silent to (UTC)", form=Form.TIME),
        Column("hours", "Hours", form=Form.NUMBER),
    )
    spans: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in completeness.coverage_of(view):
        if row["from"] and row["to"]:
            spans[row["source"], str(row["scope"] or ""), row["what"]].append((row["from"], row["to"]))
    rows = []
    for key, listed in sorted(spans.items()):
        listed.sort(key=lambda span: (datetime.fromisoformat(span[0]), datetime.fromisoformat(span[1])))
        last = listed[0][1]
        for begin, end in listed[1:]:
            gap = datetime.fromisoformat(begin) - datetime.fromisoformat(last)
            hours = gap.total_seconds() / 3600
            if hours > 0:
                rows.append(Row((*key, last, begin, round(hours, 2))))
            last = max(last, end, key=datetime.fromisoformat)
    return Section(
        "silences",
        "Silent spans",
        columns,
        tuple(rows),
        note="Silences within a single file are not looked for: only those between what files cover.",
        empty="No time lies between two spans of the same source, scope and kind.",
    )


def _unresolved(view: View) -> Section:
    columns = (
        Column("deployed_at", "Deployed at (UTC)", form=Form.TIME),
        Column("target", "Target", wide=True),
        Column("claim", "What it names", wide=True, form=Form.CODE),
        Column("why", "Why it leads nowhere"),
    )
    rows = []
    for item in register.deployments(view).items:
        for model in item["models"]:
            if not model["version"] and not model["id"]:
                several = len(model["candidates"])
                why = f"{several} versions could be meant" if several else "nothing imported bears this name"
                named = str(model["claim"] or model["uri"] or NOT_KNOWN)
                cells = (_when(item["deployed_at"]), item["target"], named, why)
                rows.append(Row(cells, tuple(item["evidence"])))
    return Section(
        "unresolved",
        "References that lead nowhere",
        columns,
        tuple(rows),
        empty="Every model that a deployment names was found in the evidence.",
    )


def _when(value: Any) -> str:
    from lineage.audit.view import time_text

    return time_text(value)
