"""R11, the control test sheet: does every change pass the tests of change control, fail them, or is there no evidence?

Tests A to G as audit-evidence A4 has them (SOC 2 CC8.1, DORA RTS 2024/1774 Art. 17), over the whole population.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from lineage.audit import register
from lineage.audit.view import View, time_text
from lineage.model.answer import Item
from lineage.reports.deployments import served
from lineage.reports.document import Cell, Column, Form, Report, Row, Section
from lineage.reports.statement import Frame, framed

TITLE = "Control test sheet"
PASS, FAIL, NONE, NOT_DUE = "pass", "FAIL", "no evidence", "does not apply"
TESTS = (
    ("A", "ticket", "A change reference is recorded with the deployment."),
    ("B", "approved", "An approval is recorded."),
    ("C", "independent", "No approver is the person who deployed."),
    ("D", "before", "The approval is dated before the deployment."),
    ("E", "tested", "Tests of the change ended well before the deployment."),
    ("F", "emergency", "An emergency change was reviewed within the time agreed."),
    ("G", "rollback", "What to go back to is known: an earlier version is evidenced at the target."),
)
COLUMNS = (
    Column("deployed_at", "Deployed at (UTC)", group="Deployed at (UTC)", form=Form.TIME),
    Column("target", "Target", wide=True),
    Column("change", "Change", wide=True),
    Column("deployed_by", "Deployed by"),
    *(Column(name, f"{letter} {name}") for letter, name, _ in TESTS),
    Column("id", "Id", group="Deployed at (UTC)", form=Form.CODE),
)
LOGIC = (
    *(f"{letter}: {said}" for letter, _, said in TESTS),
    "A test without the records that it needs is 'no evidence': that is neither a pass nor a deviation.",
    (
        "C compares persons: where the deployer or approver is not evidenced as a person, it has no evidence."
        " Whether the approver wrote the change is not tested; no record names the author."
    ),
    "E and F need records of tests per change and of emergencies, which no source read here gives: they say so.",
    "The deviation rate is deviations divided by changes with evidence for the test; both numbers stand there.",
)
FRAME = Frame("controls", TITLE, 1, LOGIC, frozenset({NONE}))


def make(
    view: View, *, since: int | None, until: int | None, workspace: dict[str, Any], seed: str = ""
) -> Report:
    """Return the tests of every change of what serves in the period; the sample plays no part."""
    del seed
    found = register.deployments(view, since=since, until=until).items
    every = {item["id"]: item for item in register.deployments(view).items}
    results = [results_of(item) for item in found]
    rows = tuple(_row(item, tested, every) for item, tested in zip(found, results, strict=True))
    tables = (
        Section(
            "controls", TITLE, COLUMNS, rows, empty="No change is evidenced in this period.", primary=True
        ),
        _totals(results),
    )
    return framed(
        view,
        FRAME,
        tables,
        items=[
            {"id": item["id"], "results": tested, "evidence": item["evidence"]}
            for item, tested in zip(found, results, strict=True)
        ],
        scope="every deployment target",
        population=f"{len(rows)} changes of what serves, all of them tested",
        since=since,
        until=until,
        workspace=workspace,
    )


def results_of(item: Item) -> dict[str, str]:
    """Return the result of each test for one item of the register."""
    approvers = item["approved_by"]
    who = item["deployed_by"]
    return {
        "ticket": PASS if item["change_ref"] else NONE,
        "approved": PASS if approvers else NONE,
        "independent": NONE if not approvers or not who else FAIL if who in approvers else PASS,
        "before": _before(item),
        "tested": NONE,
        "emergency": NONE,
        "rollback": NOT_DUE if item["action"] == "delete" else PASS if item["replaces"] else NONE,
    }


def _before(item: Item) -> str:
    try:
        approved = datetime.fromisoformat(item["approved_at"])
        deployed = datetime.fromisoformat(item["deployed_at"])
    except (TypeError, ValueError):
        return NONE
    return PASS if approved <= deployed else FAIL


def _row(item: Item, tested: dict[str, str], every: dict[str, Item]) -> Row:
    before = served(every.get(item["replaces"] or "")) or "nothing evidenced"
    after = "nothing" if item["action"] == "delete" else served(item)
    cells: tuple[Cell, ...] = (
        time_text(item["deployed_at"]),
        item["target"],
        f"{item['action']}: {before} to {after}",
        item["deployed_by"] or "no person evidenced",
        *tested.values(),
        item["id"],
    )
    return Row(cells, tuple(item["evidence"]))


def _totals(results: list[dict[str, str]]) -> Section:
    columns = (
        Column("test", "Test"),
        Column("asks", "What it asks", wide=True),
        Column("changes", "Changes", form=Form.NUMBER),
        Column("passed", "Passed", form=Form.NUMBER),
        Column("failed", "Deviations", form=Form.NUMBER),
        Column("none", "No evidence", form=Form.NUMBER),
        Column("not_due", "Does not apply", form=Form.NUMBER),
        Column("rate", "Deviation rate"),
    )
    rows = []
    for letter, name, said in TESTS:
        count = Counter(tested[name] for tested in results)
        known = count[PASS] + count[FAIL]
        rate = f"{100 * count[FAIL] / known:.1f} % of {known}" if known else "not provable: no evidence"
        cells: tuple[Cell, ...] = (
            letter,
            said,
            len(results),
            count[PASS],
            count[FAIL],
            count[NONE],
            count[NOT_DUE],
            rate,
        )
        rows.append(Row(cells))
    return Section("totals", "Totals", columns, tuple(rows))
