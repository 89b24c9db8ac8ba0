"""R1, the deployment register: who deployed what, where, when, on whose behalf and under which SLA?

Columns and header follow audit-evidence A3 and A4. What is not evidenced says so; nothing is left out in silence,
and the completeness statement (R7) rides along.
"""

from __future__ import annotations

from typing import Any

from lineage import __version__
from lineage.audit import completeness, findings, register
from lineage.audit.view import View, time_text
from lineage.model.answer import Item
from lineage.model.moment import to_iso
from lineage.reports.document import Cell, Column, Report, Row, Section

TITLE = "Deployment register"

COLUMNS = (
    Column("deployed_at", "Deployed at (UTC)"),
    Column("action", "Action"),
    Column("environment", "Environment"),
    Column("target", "Target", wide=True),
    Column("model", "Model"),
    Column("model_version", "Version"),
    Column("link", "Model known by"),
    Column("deployed_by", "Deployed by"),
    Column("actor", "Principal as recorded", wide=True),
    Column("on_behalf_of", "On behalf of"),
    Column("approved_by", "Approved by"),
    Column("approved_at", "Approved at (UTC)"),
    Column("change_ref", "Change"),
    Column("reason", "Reason", wide=True),
    Column("sla", "SLA in force", wide=True),
    Column("replaces", "Replaces"),
    Column("ended_at", "Ended at (UTC)"),
    Column("ended_by", "Ended by"),
    Column("image_digest", "Image digest", wide=True),
    Column("flags", "Flags", wide=True),
    Column("id", "Id"),
)

_ROW = (
    "A row is a change of what serves at a target: a successful, not dry-run create, update, patch or delete of a"
    " serving object, by anybody but its own controller, that changed what serves; or a change seen only by comparing"
    " listings (then its time is given as two bounds). Denied, failed and dry-run attempts are events, not deployments."
)
_MODEL = (
    "The model version is tied to what was deployed by the highest of fourteen rules that finds one; the rule and its"
    " confidence stand in the row. A version that cannot be told is called 'not evidenced'; none is chosen from"
    " candidates."
)
_PERSON = (
    "The person is found by climbing from the recorded principal: the authenticated user, session and delegation names"
    " in the record, the CI run, the commit; names are folded into a person only by an imported people list. A service"
    " account is never a person: 'no person evidenced' is an answer."
)
_SLA = (
    "The SLA in force is the version whose interval holds the time of the deployment; the ground for the interval"
    " (annotation, contract, git, file, import) stands with it."
)
_CHECK = (
    "import the same files into a new workspace: `modeltrail digest` and the Merkle root show the same state; every row"
    " names the file, line and SHA-256 of its evidence"
)
_NOTHING = (
    "No deployment is evidenced in this period. That does not mean that none happened: see what was observed."
)
_SPANS = "Only what lies within these spans can show up in this report. Where nothing was observed, nothing is claimed."
_ACCOUNTED = (
    "Every record was accepted, a duplicate, filtered for the reason given, or rejected with a problem."
)
LOGIC = (_ROW, _MODEL, _PERSON, _SLA)


def make(view: View, *, since: int | None, until: int | None, workspace: dict[str, Any]) -> Report:
    """Return the register for deployments from `since` up to, not including, `until` (UTC microseconds)."""
    answer = register.deployments(view, since=since, until=until)
    found = findings.findings(view)
    header = (
        ("Report", TITLE),
        (
            "Period",
            f"{_moment(since, 'the beginning')} up to {_moment(until, 'the end of what is known')} (excluded)",
        ),
        ("As it was on", _moment(view.as_of, "the present")),
        ("As we knew on", _moment(view.known_at, "all that is recorded")),
        (
            "Evidence log",
            f"{workspace['tree_size']} records, Merkle root {workspace['root'] or 'of an empty log'}",
        ),
        ("Checkpoint taken at", _moment(workspace["checkpoint_at"], "no checkpoint yet")),
        ("Workspace", str(workspace["workspace"])),
        (
            "Population",
            f"{answer.total} deployments; {answer.shown} shown, {answer.total - answer.shown} excluded",
        ),
        ("Open findings", str(found.total)),
        ("Problems while reading", str(completeness.problems(view, limit=0).total)),
        ("Program", f"ModelTrail {__version__}"),
        ("Signature", "unsigned"),
        ("To check", _CHECK),
    )
    sections = (
        Section(
            "deployments",
            TITLE,
            COLUMNS,
            tuple(
                Row(tuple(_cell(item, column.name) for column in COLUMNS), tuple(item["evidence"]))
                for item in answer.items
            ),
            empty=_NOTHING,
            primary=True,
        ),
        _findings_section(found.items),
        _observed_section(view),
        _imported_section(view),
    )
    parameters = {
        "kind": "deployments",
        "from": None if since is None else to_iso(since),
        "to": None if until is None else to_iso(until),
        "as_of": None if view.as_of is None else to_iso(view.as_of),
        "known_at": None if view.known_at is None else to_iso(view.known_at),
        "version": __version__,
        "tree_size": workspace["tree_size"],
        "root": workspace["root"],
    }
    return Report("deployments", TITLE, header, sections, tuple(answer.items), LOGIC, parameters)


def _moment(time: int | None, otherwise: str) -> str:
    return otherwise if time is None else to_iso(time)


def _cell(item: Item, name: str) -> Cell:
    match name:
        case "deployed_at" | "ended_at" | "approved_at":
            return time_text(item[name])
        case "link":
            return f"{item['link_rule']} ({item['link_confidence']})" if item["link_rule"] else ""
        case "model" | "model_version":
            return str(item[name]) if item[name] else ("not evidenced" if item["action"] != "delete" else "")
        case "deployed_by":
            return str(item[name]) if item[name] else "no person evidenced"
        case "approved_by":
            return ", ".join(item[name]) or "no approval evidenced"
        case "reason":
            return str(item[name] or "no reason recorded")
        case "sla":
            return "; ".join(_agreement(entry) for entry in item[name]) or "no SLA evidenced"
        case "flags":
            return ", ".join(item[name])
    value = item[name]
    return value if isinstance(value, (int, float, bool)) else str(value or "")


def _agreement(entry: Item) -> str:
    version = f" {entry['version']}" if entry["version"] else ""
    bound = f"{entry['comparator']} {entry['target']:g} {entry['unit']}"
    return f"{entry['name']}{version}: {entry['metric']} {bound}".rstrip()


def _findings_section(items: list[Item]) -> Section:
    columns = (
        Column("severity", "Severity"),
        Column("code", "Code"),
        Column("subject", "Subject", wide=True),
        Column("text", "What", wide=True),
    )
    rows = tuple(
        Row((item["severity"], item["code"], item["subject"], item["text"]), tuple(item["evidence"]))
        for item in items
    )
    return Section(
        "findings", "Open findings", columns, rows, empty="Nothing in the evidence contradicts itself."
    )


def _observed_section(view: View) -> Section:
    columns = (
        Column("source", "Source"),
        Column("scope", "Scope", wide=True),
        Column("what", "What"),
        Column("from", "From (UTC)"),
        Column("to", "To (UTC)"),
        Column("complete", "Complete listing"),
        Column("records", "Records"),
    )
    rows = tuple(
        Row(tuple("yes" if value is True else "no" if value is False else value for value in item.values()))
        for item in completeness.coverage_of(view)
    )
    return Section(
        "observed",
        "What was observed",
        columns,
        rows,
        note=_SPANS,
        empty="Nothing has been imported.",
    )


def _imported_section(view: View) -> Section:
    columns = (
        Column("file", "File", wide=True),
        Column("source", "Source"),
        Column("read", "Read"),
        Column("accepted", "Accepted"),
        Column("duplicate", "Duplicate"),
        Column("filtered", "Filtered"),
        Column("rejected", "Rejected"),
        Column("problems", "Problems"),
        Column("bytes", "Bytes"),
        Column("sha256", "SHA-256", wide=True),
        Column("reasons", "Filtered because", wide=True),
    )
    rows = []
    for batch in completeness.imports(view).items:
        for entry in batch["files"]:
            reasons = ", ".join(f"{why}: {count}" for why, count in entry["reasons"].items())
            cells = tuple(reasons if column.name == "reasons" else entry[column.name] for column in columns)
            rows.append(Row(cells))
    return Section(
        "imported",
        "What was imported",
        columns,
        tuple(rows),
        note=_ACCOUNTED,
        empty="Nothing has been imported.",
    )
