"""R9, the model inventory: which models are there, who owns them, what feeds them and where do they serve?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from lineage.audit import checks, register, things
from lineage.audit.view import View
from lineage.model.answer import Item
from lineage.reports.document import Cell, Column, Form, Report, Row, Section
from lineage.reports.statement import Frame, framed

TITLE = "Model inventory"
NONE, NO_VALIDATION, NOT_HELD = "not evidenced", "no validation evidenced", "not held by this tool"
COLUMNS = (
    Column("name", "Name", group="Model"),
    Column("id", "Id", wide=True, group="Model", form=Form.CODE),
    Column("status", "Status", group="Model"),
    Column("origin", "Vendor or internal", group="Model"),
    Column("purpose", "Purpose", wide=True, group="Purpose"),
    Column("owner", "Owner", group="Purpose"),
    Column("users", "Users", group="Purpose"),
    Column("inputs", "Inputs", wide=True, form=Form.LIST),
    Column("outputs", "Outputs", wide=True, form=Form.LIST),
    Column("live", "Version live", wide=True, form=Form.LIST),
    Column("tier", "Tier", group="Tier"),
    Column("materiality", "Materiality (exposure, purpose)", group="Tier"),
    Column("validation", "Validation", group="Tier"),
    Column("next_review", "Next review", group="Tier"),
    Column("monitoring", "Checks recorded", group="Checks recorded", form=Form.NUMBER),
    Column("versions", "Versions", group="Checks recorded", form=Form.NUMBER),
    Column("datasets", "Upstream datasets", group="Checks recorded", form=Form.NUMBER),
    Column("deployments", "Deployments", group="Checks recorded", form=Form.NUMBER),
    Column("gaps", "Gaps", wide=True, form=Form.LIST),
)
LOGIC = (
    (
        "A row is a registered model, or one that a deployment names. It is live where a version of it serves"
        " at the valid time, retired where one served and none does, developed where none ever served."
    ),
    (
        "Upstream datasets are those that reach any version of the model by recorded lineage, at any time;"
        " concentration counts how many models stand on the same dataset."
    ),
    (
        "Owner, purpose and tier are what the registry says in the model's description and tags. What a"
        " registry does not hold (users, materiality, validation, next review) is said to be missing, never filled in."
    ),
)
FRAME = Frame("inventory", TITLE, 1, LOGIC, frozenset({NONE, NO_VALIDATION, NOT_HELD}))
_OWNER, _TIER = ("owner", "owners", "team"), ("tier", "risk_tier", "sla_tier", "criticality")
_PURPOSE = ("description", "purpose", "intended_use")


def make(
    view: View, *, since: int | None, until: int | None, workspace: dict[str, Any], seed: str = ""
) -> Report:
    """Return the models known at the valid time; deployments are counted in the period."""
    del seed
    wide = replace(view, ever=True)
    models = things.entities(wide, "kind:model").items
    standing = register.live(view).items
    upstream: Counter[str] = Counter()
    rows, items = [], []
    for model in models:
        cells, fed = _cells(view, wide, model, standing, since, until)
        upstream.update(fed)
        rows.append(Row(cells, tuple(model["evidence"])))
        items.append(rows[-1].item(COLUMNS))
    shared = tuple(
        Row((name, count)) for name, count in sorted(upstream.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    tables = (
        Section("models", TITLE, COLUMNS, tuple(rows), empty="No model is evidenced.", primary=True),
        Section(
            "concentration",
            "Concentration",
            (Column("dataset", "Dataset", wide=True), Column("models", "Models", form=Form.NUMBER)),
            shared,
            note="How many models stand on each dataset.",
        ),
    )
    return framed(
        view,
        FRAME,
        tables,
        items=items,
        scope="every model",
        population=f"{len(rows)} models, all of them shown",
        since=since,
        until=until,
        workspace=workspace,
    )


def _cells(
    view: View, wide: View, model: Item, standing: list[Item], since: int | None, until: int | None
) -> tuple[tuple[Cell, ...], set[str]]:
    said = model["attributes"]
    tags = said.get("tags") if isinstance(said.get("tags"), dict) else {}
    told = register.deployments(view, model["id"], since=since, until=until).items
    ever = told if since is None and until is None else register.deployments(view, model["id"]).items
    live = sorted(
        f"{item['environment'] or item['target']}: {served['version'] or NONE}"
        for item in standing
        for served in item["models"]
        if _belongs(served["id"], model)
    )
    found = things.lineage(wide, model["id"], up=None, down=0).items[0]["nodes"]
    fed = {node["display"] for node in found if node["kind"] == "dataset"}
    versions = [node for node in found if node["kind"] == "model-version"]
    schema = {
        name: sorted({str(value) for node in versions for value in _listed(node["attributes"].get(name))})
        for name in ("inputs", "outputs")
    }
    watched = checks.checks(wide, model["id"]).total
    owner, purpose, tier = _said(said, tags, _OWNER), _said(said, tags, _PURPOSE), _said(said, tags, _TIER)
    gaps = [
        what
        for what, missing in (
            ("no owner", not owner),
            ("no purpose", not purpose),
            ("no tier", not tier),
            ("no validation", True),
            ("no check recorded", not watched),
            ("no upstream dataset", not fed),
        )
        if missing
    ]
    cells = (
        model["display"],
        model["id"],
        "live" if live else "retired" if ever else "developed",
        NONE,
        purpose or NONE,
        owner or NONE,
        NOT_HELD,
        "; ".join(schema["inputs"]) or NONE,
        "; ".join(schema["outputs"]) or NONE,
        "; ".join(live) or ("none live" if ever else "never deployed"),
        tier or NONE,
        NOT_HELD,
        NO_VALIDATION,
        NOT_HELD,
        watched,
        len(versions),
        len(fed),
        len(told),
        "; ".join(gaps),
    )
    return cells, fed


def _belongs(version: str | None, model: Item) -> bool:
    return bool(version) and str(version).startswith(f"model-version|{model['namespace']}|{model['name']}/")


def _said(said: Item, tags: Item, names: tuple[str, ...]) -> str:
    for name in names:
        value = said.get(name) or tags.get(name)
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return []
    return [entry.get("name") if isinstance(entry, dict) else entry for entry in value]
