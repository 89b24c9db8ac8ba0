"""R6, access and segregation of duties: who had which part in each change, and where did one person have two?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lineage.audit import access, agreements, register, things
from lineage.audit.view import View, time_text
from lineage.model.answer import Item
from lineage.reports.document import Cell, Column, Form, Report, Row, Section
from lineage.reports.statement import Frame, framed

TITLE = "Access and segregation of duties"
NO_PERSON, NONE, NO_REVIEW = "no person evidenced", "none evidenced", "no review evidenced"
DUTIES = ("deployed", "approved", "listed right", "trained", "owns data", "owns SLA")
COLUMNS = (
    Column("principal", "Principal", wide=True, group="Principal"),
    Column("system", "System", group="Principal"),
    Column("person", "Person"),
    Column("kind", "Account"),
    Column("could", "Could change", wide=True, form=Form.LIST),
    Column("did", "Changes", form=Form.NUMBER),
    Column("right", "By a listed right"),
    Column("unused", "Dormant (right never used)"),
    Column("last", "Last change (UTC)", form=Form.TIME),
    Column("review", "Compensating review"),
)
LOGIC = (
    "A principal is a row where an imported list of rights lets it change what serves, or where it did.",
    (
        "A conflict is a change whose approver is the person who deployed it. A change without an approval, or"
        " by nobody known as a person, is not a conflict: the matrix says how many of these there are."
    ),
    "A service account that several persons may use stands for none of them.",
    (
        "Trained counts model versions by the creator that the registry names, owns data and owns SLA count"
        " datasets and versions of agreements by their recorded owner; these names stand as they are written."
        " Who changed an SLA is not evidenced by any source read here."
    ),
)
FRAME = Frame("duties", TITLE, 1, LOGIC, frozenset({NO_PERSON, NONE, NO_REVIEW}))


def make(
    view: View, *, since: int | None, until: int | None, workspace: dict[str, Any], seed: str = ""
) -> Report:
    """Return principals with what they could and did change, conflicts of duty, and persons by duty."""
    del seed
    found = access.access(view, since=since, until=until).items
    told = register.deployments(view, since=since, until=until).items
    rows = tuple(_row(item) for item in found)
    tables = (
        Section("principals", TITLE, COLUMNS, rows, empty="No principal is evidenced.", primary=True),
        _conflicts(told),
        _matrix(view, told, found),
    )
    unmapped = sum(1 for item in found if not item["person"])
    return framed(
        view,
        FRAME,
        tables,
        items=found,
        scope="whoever could change, or changed, what serves",
        population=f"{len(rows)} principals, all of them shown; {unmapped} of them belong to no known person",
        since=since,
        until=until,
        workspace=workspace,
    )


def _row(item: Item) -> Row:
    could = sorted({str(entry.get("target") or entry.get("scope") or "") for entry in item["could"]} - {""})
    last = [time_text(entry["at"]) for entry in item["did"]]
    cells: tuple[Cell, ...] = (
        item["principal"],
        item["system"],
        item["person"] or NO_PERSON,
        item["kind"] or "not told",
        "; ".join(could) or NONE,
        len(item["did"]),
        item["right"],
        "yes" if item["unused"] else "no",
        max(last, default=""),
        NO_REVIEW,
    )
    return Row(cells, tuple(item["evidence"]))


def _conflicts(told: list[Item]) -> Section:
    columns = (
        Column("deployed_at", "Deployed at (UTC)", form=Form.TIME),
        Column("target", "Target", wide=True),
        Column("person", "Person"),
        Column("pair", "Duties of one person"),
        Column("review", "Compensating review"),
    )
    rows = tuple(
        Row(
            (
                time_text(item["deployed_at"]),
                item["target"],
                item["deployed_by"],
                "deployed and approved",
                NO_REVIEW,
            ),
            tuple(item["evidence"]),
        )
        for item in told
        if item["deployed_by"] and item["deployed_by"] in item["approved_by"]
    )
    checked = sum(1 for item in told if item["deployed_by"] and item["approved_by"])
    return Section(
        "conflicts",
        "Conflicts of duty",
        columns,
        rows,
        note=f"{checked} of {len(told)} changes name both a person and an approver; only these could show a conflict.",
        empty="None among the changes that name both.",
    )


def _matrix(view: View, told: list[Item], found: list[Item]) -> Section:
    count: dict[str, Counter[str]] = defaultdict(Counter)
    proof: dict[str, dict[int, Item]] = defaultdict(dict)
    for item in told:
        people = [(item["deployed_by"] or NO_PERSON, "deployed")]
        people += [(name, "approved") for name in item["approved_by"] or [NONE]]
        for name, duty in people:
            count[name][duty] += 1
            proof[name].update({entry["record"]: entry for entry in item["evidence"]})
    for item in found:
        if item["could"]:
            name = item["person"] or NO_PERSON
            count[name]["listed right"] += 1
            proof[name].update({entry["record"]: entry for entry in item["evidence"]})
    for duty, name, evidence in _said(view):
        count[name][duty] += 1
        proof[name].update({entry["record"]: entry for entry in evidence})
    rows = tuple(
        Row(
            (name, *(count[name][duty] for duty in DUTIES)),
            tuple(proof[name][record] for record in sorted(proof[name])),
        )
        for name in sorted(count)
    )
    columns = (
        Column("person", "Person"),
        *(Column(duty, f"{duty[0].upper()}{duty[1:]}", form=Form.NUMBER) for duty in DUTIES),
    )
    return Section("matrix", "Persons and duties", columns, rows)


def _said(view: View) -> Iterator[tuple[str, str, list[Item]]]:
    """Yield duties that registries and catalogues name somebody for: duty, name as written, evidence."""
    wide = replace(view, ever=True)
    for version in things.entities(wide, "kind:model-version").items:
        if version["attributes"].get("created_by"):
            yield "trained", str(version["attributes"]["created_by"]), version["evidence"]
    for dataset in things.entities(wide, "kind:dataset").items:
        owner = dataset["attributes"].get("owner") or dataset["attributes"].get("owners") or []
        for name in owner if isinstance(owner, list) else [owner]:
            yield "owns data", str(name), dataset["evidence"]
    for version in agreements.sla(view).items:
        if version["owner"]:
            yield "owns SLA", str(version["owner"]), version["evidence"]
