"""R8, the audit sample: which deployments does a seed draw, so that anybody can draw the same again?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from lineage.audit import register
from lineage.audit.view import View, time_text
from lineage.errors import QuestionError
from lineage.model.answer import Item
from lineage.reports import deployments
from lineage.reports.deployments import ABSENT, NO_APPROVAL, NO_PERSON, NO_REASON, NO_SLA, NOT_EVIDENCED
from lineage.reports.document import Column, Form, Report, Row, Section
from lineage.reports.statement import Frame, framed

TITLE = "Audit sample"
SIZE = 25
"""Items drawn: auditors of SOC 2 Type II ask for 5 to 25 of a population (audit-evidence A1)."""

COLUMNS = (
    Column("place", "Drawn as", form=Form.NUMBER),
    Column("id", "Id", group="Deployment", form=Form.CODE),
    Column("key", "Order key", wide=True, group="Deployment", form=Form.CODE),
    Column("deployed_at", "Deployed at (UTC)", group="Deployment", form=Form.TIME),
    Column("target", "Target", wide=True),
    Column("served", "Model and version"),
    Column("link", "Known by"),
    Column("deployed_by", "Deployed by", group="Deployed by"),
    Column("actor", "Principal", wide=True, group="Deployed by", form=Form.CODE),
    Column("approved_by", "Approved by", group="Approval and reason"),
    Column("approved_at", "Approved at (UTC)", group="Approval and reason", form=Form.TIME),
    Column("reason", "Reason", wide=True, group="Approval and reason"),
    Column("change_ref", "Change", group="Approval and reason"),
    Column("sla", "SLA in force", wide=True, form=Form.LIST),
)
LOGIC = (
    (
        "The population is every deployment of the register in the period. Its root is the SHA-256 of the ids,"
        " sorted, each followed by a line feed."
    ),
    (
        "Each id's order key is SHA-256 of seed, line feed, population root, line feed, id, as UTF-8 text. The"
        " ids are sorted by this key; the first are the sample. No program of ours is needed to draw it again."
    ),
    "If an item must be replaced, the next in the list of substitutes takes its place, and that is written down.",
    "A row is the short form of the lineage dossier of the item; the evidence records stand with it.",
)


def make(
    view: View, *, since: int | None, until: int | None, workspace: dict[str, Any], seed: str = ""
) -> Report:
    """Return the sample that `seed` draws from the deployments of the period.

    Raises `QuestionError` without a seed: it must come from whoever audits, not from this program.
    """
    if not seed:
        raise QuestionError(
            "a sample needs a seed",
            where="--seed",
            remedy="let the auditor choose a word or number for --seed",
        )
    population = {item["id"]: item for item in register.deployments(view, since=since, until=until).items}
    root = population_root(list(population))
    order = draw(seed, root, list(population))
    rows = [_row(place, key, population[one]) for place, (key, one) in enumerate(order, 1)]
    drawn, spare = rows[:SIZE], rows[SIZE:]
    how = (
        Row(("Population", f"{len(population)} deployments")),
        Row(("Population root", root)),
        Row(("Seed", seed)),
        Row(("Who gave the seed", "not recorded: write it beside this line")),
        Row(("Method", "first of the order by SHA-256(seed, population root, id)")),
        Row(("Size", f"{len(drawn)} of {len(population)}")),
        Row(("Strata", "none")),
    )
    tables = (
        Section("sample", TITLE, COLUMNS, tuple(drawn), empty="The population is empty.", primary=True),
        Section("drawing", "How it was drawn", (Column("what", "What"), Column("said", "", wide=True)), how),
        Section(
            "substitutes",
            "Substitutes in their order",
            COLUMNS,
            tuple(spare),
            empty="None: the sample is the whole population.",
        ),
        Section(
            "population",
            "Population",
            (Column("id", "Id", form=Form.CODE),),
            tuple(Row((one,), tuple(population[one]["evidence"])) for one in sorted(population)),
        ),
    )
    return framed(
        view,
        Frame("sample", TITLE, 1, LOGIC, ABSENT),
        tables,
        items=[row.item(COLUMNS) for row in drawn],
        scope="every deployment target",
        population=f"{len(population)} deployments, root sha256 {root}; {len(drawn)} drawn",
        since=since,
        until=until,
        workspace=workspace,
        more={"seed": seed, "population_root": root},
    )


def population_root(ids: Sequence[str]) -> str:
    """Return what stands for a whole population: a later swap of any id changes it.

    >>> population_root(["b", "a"]) == population_root(["a", "b"])
    True
    """
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(ids)).encode()).hexdigest()


def draw(seed: str, root: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return order key and id of every member, in the order in which they are drawn.

    >>> [one for _, one in draw("7", population_root(["a", "b", "c"]), ["a", "b", "c"])]
    ['a', 'b', 'c']
    """
    return sorted((hashlib.sha256(f"{seed}\n{root}\n{one}".encode()).hexdigest(), one) for one in ids)


def _row(place: int, key: str, item: Item) -> Row:
    gone = item["action"] == "delete"
    cells = (
        place,
        item["id"],
        key,
        time_text(item["deployed_at"]),
        item["target"],
        "nothing (deleted)" if gone else deployments.served(item) or NOT_EVIDENCED,
        item["link_rule"] or "",
        item["deployed_by"] or NO_PERSON,
        item["actor"] or NOT_EVIDENCED,
        ", ".join(item["approved_by"]) or NO_APPROVAL,
        time_text(item["approved_at"]),
        item["reason"] or NO_REASON,
        item["change_ref"] or "",
        "; ".join(deployments.agreement(entry) for entry in item["sla"]) or ("" if gone else NO_SLA),
    )
    return Row(cells, tuple(item["evidence"]))
