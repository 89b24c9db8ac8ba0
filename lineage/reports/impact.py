"""R3, the dataset impact: what stands on each dataset, and what would a deletion or recall of it reach?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lineage.audit import register, things
from lineage.audit.view import View
from lineage.model.answer import Item
from lineage.reports.deployments import NO_SLA, agreement
from lineage.reports.document import Cell, Column, Form, Report, Row, Section
from lineage.reports.statement import Frame, framed

TITLE = "Dataset impact"
NO_OWNER, NOTHING, NO_PATH = "no owner evidenced", "nothing evidenced", "no path to any model evidenced"
COLUMNS = (
    Column("dataset", "Dataset", wide=True, group="Dataset"),
    Column("id", "Id", wide=True, group="Dataset", form=Form.CODE),
    Column("owner", "Owner", group="Dataset"),
    Column("last_used", "Last seen (UTC)", group="Dataset", form=Form.TIME),
    Column("versions", "Versions", group="Versions", form=Form.NUMBER),
    Column("datasets", "Downstream datasets", group="Versions", form=Form.NUMBER),
    Column("depth", "Deepest step", group="Versions", form=Form.NUMBER),
    Column("features", "Features", wide=True, form=Form.LIST),
    Column("models", "Model versions", wide=True, form=Form.LIST),
    Column("live", "Live deployments", wide=True, form=Form.LIST),
    Column("in_period", "Deployments in the period", form=Form.NUMBER),
    Column("sla", "SLA of the live deployments", wide=True, form=Form.LIST),
    Column("recall", "A recall reaches"),
)
LOGIC = (
    (
        "Downstream is what recorded lineage leads to from the dataset, at any time: a model trained on it last"
        " year still stands on it. Live is what serves at the valid time."
    ),
    (
        "Only recorded paths are followed. Where a dataset leads to no model, that does not show that none was"
        " made of it: the second table lists those, and 'What was observed' says what could be seen."
    ),
    "A recall reaches the live deployments whose model version stands on the dataset.",
)
FRAME = Frame("impact", TITLE, 1, LOGIC, frozenset({NO_OWNER, NOTHING, NO_PATH, NO_SLA}))


def make(
    view: View, *, since: int | None, until: int | None, workspace: dict[str, Any], seed: str = ""
) -> Report:
    """Return what stands on every dataset; live at the valid time, deployments counted in the period."""
    del seed
    wide = replace(view, ever=True)
    live = register.live(view).items
    told = register.deployments(view, since=since, until=until).items
    rows, items, blind = [], [], []
    for dataset in things.entities(wide, "kind:dataset").items:
        trace = things.lineage(wide, dataset["id"], up=0, down=None).items[0]
        cells = _cells(dataset, trace["nodes"], live, told)
        rows.append(Row(cells, (*dataset["evidence"], *_proof(trace))))
        items.append(rows[-1].item(COLUMNS))
        if not any(node["kind"] == "model-version" for node in trace["nodes"]):
            blind.append(Row((dataset["display"], NO_PATH), tuple(dataset["evidence"])))
    tables = (
        Section("datasets", TITLE, COLUMNS, tuple(rows), empty="No dataset is evidenced.", primary=True),
        Section(
            "blind",
            "Not provable",
            (Column("dataset", "Dataset", wide=True), Column("why", "Why")),
            tuple(blind),
            empty="Every dataset leads to a model.",
        ),
    )
    return framed(
        view,
        FRAME,
        tables,
        items=items,
        scope="every dataset",
        population=f"{len(rows)} datasets, all of them shown",
        since=since,
        until=until,
        workspace=workspace,
    )


def _proof(trace: Item) -> list[Item]:
    """Return the records of the edges, each once."""
    found = {entry["record"]: entry for edge in trace["edges"] for entry in edge["evidence"]}
    return [found[number] for number in sorted(found)]


def _cells(dataset: Item, nodes: list[Item], live: list[Item], told: list[Item]) -> tuple[Cell, ...]:
    named = {
        kind: [node for node in nodes if node["kind"] == kind]
        for kind in ("dataset", "feature-view", "feature", "model-version")
    }
    versions = {node["id"] for node in named["model-version"]}
    serving = [item for item in live if versions & {model["id"] for model in item["models"]}]
    agreed = sorted({agreement(entry) for item in serving for entry in item["sla"]})
    counted = sum(1 for item in told if versions & {model["id"] for model in item["models"]})
    features = sorted({node["display"] for kind in ("feature-view", "feature") for node in named[kind]})
    said = dataset["attributes"]
    owner = said.get("owner") or said.get("owners")
    return (
        dataset["display"],
        dataset["id"],
        ", ".join(map(str, owner)) if isinstance(owner, list) else str(owner or NO_OWNER),
        dataset["last_seen"] or "",
        said.get("versions_total") or 0,
        sum(1 for node in named["dataset"] if node["id"] != dataset["id"]),
        max((node["depth"] for node in nodes), default=0),
        "; ".join(features) or NOTHING,
        _versions(named["model-version"]),
        "; ".join(sorted(f"{item['target']} ({item['model']} {item['model_version']})" for item in serving))
        or NOTHING,
        counted,
        "; ".join(agreed) or (NO_SLA if serving else ""),
        f"{len(serving)} live deployments" if serving else NOTHING,
    )


def _versions(nodes: list[Item]) -> str:
    """Name registered versions; models that a run logged and nobody registered are counted."""
    named = sorted({node["display"] for node in nodes if not node["attributes"].get("logged")})
    logged = sum(1 for node in nodes if node["attributes"].get("logged"))
    return "; ".join([*named, *([f"{logged} logged and not registered"] if logged else [])]) or NO_PATH
