"""R1, the deployment register: who deployed what, where, when, on whose behalf and under which SLA?

Columns and header follow audit-evidence A3 and A4. What is not evidenced says so; nothing is left out in silence,
and the completeness statement (R7) rides along.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from lineage.audit import happenings, register
from lineage.audit.view import View, time_text
from lineage.model.answer import Item
from lineage.reports.document import Cell, Column, Form, Report, Row, Section
from lineage.reports.statement import Frame, framed

TITLE = "Deployment register"

TEMPLATE = 1
"""Counts up when columns or header change their meaning."""

_WHEN, _WHERE, _WHAT = "Deployed at (UTC)", "Target", "Model and version"
_WHO, _WHY, _END = "Deployed by", "Approval and reason", "Replaced, ended (UTC)"
COLUMNS = (
    Column("deployed_at", "Deployed at (UTC)", group=_WHEN, form=Form.TIME),
    Column("action", "Action", group=_WHEN),
    Column("target", "Target", wide=True, group=_WHERE),
    Column("environment", "Environment", group=_WHERE),
    Column("platform", "Platform", group=_WHERE),
    Column("model", "Model", group=_WHAT),
    Column("model_version", "Version", group=_WHAT),
    Column("traffic", "Traffic", group=_WHAT),
    Column("link", "Known by", group=_WHAT),
    Column("image_digest", "Image digest", wide=True, group=_WHAT, form=Form.CODE),
    Column("deployed_by", "Deployed by", group=_WHO),
    Column("person_rule", "Known by", group=_WHO),
    Column("actor", "Principal", wide=True, group=_WHO, form=Form.CODE),
    Column("actor_kind", "Kind", group=_WHO),
    Column("effective_identity", "Ran under", wide=True, group=_WHO, form=Form.CODE),
    Column("on_behalf_of", "On behalf of", group=_WHO),
    Column("approved_by", "Approved by", group=_WHY),
    Column("approved_at", "Approved at (UTC)", group=_WHY, form=Form.TIME),
    Column("lead_time", "Approved before", group=_WHY),
    Column("change_ref", "Change", group=_WHY),
    Column("reason", "Reason", wide=True, group=_WHY),
    Column("sla", "SLA in force", wide=True, form=Form.LIST),
    Column("replaces", "Replaced", group=_END),
    Column("ended_at", "Ended at (UTC)", group=_END, form=Form.TIME),
    Column("ended_by", "Ended by", group=_END),
    Column("rolled_back_by", "Rolled back by", group=_END),
    Column("flags", "Flags", group=_WHEN, form=Form.LIST),
    Column("imported_at", "Imported at (UTC)", group=_WHEN, form=Form.TIME, on_page=False),
    Column("id", "Id", group=_WHEN, form=Form.CODE),
)

NOT_EVIDENCED, NO_PERSON, NO_APPROVAL = "not evidenced", "no person evidenced", "no approval evidenced"
NO_REASON, NO_SLA, NOT_ENDED = "no reason recorded", "no SLA evidenced", "no end evidenced"
ABSENT = frozenset({NOT_EVIDENCED, NO_PERSON, NO_APPROVAL, NO_REASON, NO_SLA, NOT_ENDED})

_ROW = (
    "A row is a change of what serves at a target: a successful, not dry-run create, update, patch or delete of"
    " a serving object, by anybody but its own controller, that changed what serves; or a change seen only by"
    " comparing listings (then its time is given as two bounds). Denied, failed and dry-run attempts"
    " are events, not deployments."
)
_MODEL = (
    "The model version is tied to what was deployed by the highest of fourteen rules that finds one; the rule"
    " and its confidence stand in the row. A version that cannot be told is called 'not evidenced'; none is"
    " chosen from candidates."
)
_PERSON = (
    "The person is found by climbing from the recorded principal: the authenticated user, session and"
    " delegation names in the record, the CI run, the commit; names are folded into a person only by an"
    " imported people list. A service account is never a person: 'no person evidenced' is an answer."
)
_SLA = (
    "The SLA in force is the version whose interval holds the time of the deployment; the ground for the"
    " interval (annotation, contract, git, file, import) stands with it."
)
_NOTHING = (
    "No deployment is evidenced in this period. That does not mean that none happened: see what was observed."
)
LOGIC = (_ROW, _MODEL, _PERSON, _SLA)


def make(
    view: View, *, since: int | None, until: int | None, workspace: dict[str, Any], seed: str = ""
) -> Report:
    """Return the register for deployments from `since` up to, not including, `until` (UTC microseconds)."""
    del seed
    answer = register.deployments(view, since=since, until=until)
    every = {item["id"]: item for item in register.deployments(view).items}
    rows = tuple(
        Row(tuple(_cell(item, column.name, every) for column in COLUMNS), tuple(item["evidence"]))
        for item in answer.items
    )
    table = Section("deployments", TITLE, COLUMNS, rows, empty=_NOTHING, primary=True)
    return framed(
        view,
        Frame("deployments", TITLE, TEMPLATE, LOGIC, ABSENT),
        (table,),
        items=answer.items,
        scope="every deployment target",
        population=_population(view, answer.items, len(every), since, until),
        since=since,
        until=until,
        workspace=workspace,
    )


def _population(view: View, items: list[Item], every: int, since: int | None, until: int | None) -> str:
    """Say how many there are, of which kinds, and what is not among them and why."""
    kinds = Counter(item["action"] for item in items)
    said = ", ".join(
        f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    tried = happenings.events(view, "kind:target", since=since, until=until).items
    vain = Counter(item["outcome"] for item in tried if item["outcome"] != "done")
    parts = [f"{len(items)} changes of what serves, all of them shown" + (f" ({said})" if said else "")]
    if every > len(items):
        parts.append(f"{every - len(items)} evidenced outside the period are not among them")
    if vain:
        listed = ", ".join(f"{count} {outcome}" for outcome, count in sorted(vain.items()))
        parts.append(f"attempts that changed nothing are events and not among them: {listed}")
    return "; ".join(parts)


def _cell(item: Item, name: str, every: dict[str, Item]) -> Cell:
    match name:
        case "deployed_at" | "approved_at":
            return time_text(item[name])
        case "ended_at":
            return time_text(item[name]) or ("" if item["action"] == "delete" else NOT_ENDED)
        case "imported_at":
            return min((entry["imported_at"] for entry in item["evidence"]), default="")
        case "link":
            return f"{item['link_rule']} ({item['link_confidence']})" if item["link_rule"] else ""
        case "model" | "model_version":
            return str(item[name]) if item[name] else (NOT_EVIDENCED if item["action"] != "delete" else "")
        case "traffic":
            return _traffic(item) if len(item["models"]) > 1 else ""
        case "deployed_by":
            return str(item[name]) if item[name] else NO_PERSON
        case "person_rule":
            return _person_rule(item)
        case "approved_by":
            return ", ".join(item[name]) or NO_APPROVAL
        case "lead_time":
            return _lead_time(item)
        case "reason":
            return str(item[name] or NO_REASON)
        case "sla":
            promised = "; ".join(agreement(entry) for entry in item[name])
            return promised or ("" if item["action"] == "delete" else NO_SLA)
        case "replaces":
            return served(every.get(item["replaces"] or ""))
        case "ended_by":
            after = every.get(item["ended_by"] or "")
            return f"{after['action']} {served(after)}".strip() if after is not None else ""
        case "rolled_back_by":
            after = every.get(item["ended_by"] or "")
            rolled = after is not None and after["action"] == "rollback"
            return str(after["deployed_by"] or after["actor"] or "") if after is not None and rolled else ""
        case "flags":
            return "; ".join(item[name])
    value = item[name]
    return value if isinstance(value, (int, float, bool)) else str(value or "")


def served(item: Item | None) -> str:
    """Say which version an item of the register served; empty for none."""
    if item is None or item["action"] == "delete":
        return ""
    if len(item["models"]) > 1:
        return f"{item['model'] or NOT_EVIDENCED} {_traffic(item)}"
    return f"{item['model']} {item['model_version'] or NOT_EVIDENCED}" if item["model"] else NOT_EVIDENCED


def _traffic(item: Item) -> str:
    return ", ".join(
        f"{model['version'] or model['uri'] or NOT_EVIDENCED}"
        + (f" {100 * model['weight']:g} %" if model["weight"] is not None else "")
        for model in item["models"]
    )


def _person_rule(item: Item) -> str:
    """Return by which steps the person was found, from the recorded principal on."""
    person, steps = item["deployed_by"], item["identity_chain"]
    found = next((place for place, step in enumerate(steps) if step["principal"] == person), None)
    if not person or not steps:
        return ""
    return ", ".join(step["rule"] for step in steps[: 1 if found is None else found + 1])


def _lead_time(item: Item) -> str:
    """Return how long before the deployment it was approved (AS 1105, CC8.1: approval comes first)."""
    try:
        approved = datetime.fromisoformat(item["approved_at"])
        deployed = datetime.fromisoformat(item["deployed_at"])
    except (TypeError, ValueError):
        return ""
    seconds = (deployed - approved).total_seconds()
    hours, minutes = divmod(round(abs(seconds) / 60), 60)
    return f"{hours} h {minutes:02d} min" + (" AFTER it was deployed" if seconds < 0 else "")


def agreement(entry: Item) -> str:
    """Say what an agreement in force demands, and on what ground it holds."""
    version = f" {entry['version']}" if entry["version"] else ""
    percentile = f" p{100 * entry['percentile']:g}" if entry.get("percentile") else ""
    bound = f"{entry['comparator']} {entry['target']:g} {entry['unit']}"
    ground = f" [{entry['basis']}]" if entry.get("basis") else ""
    return f"{entry['name']}{version}: {entry['metric']}{percentile} {bound}".rstrip() + ground
