"""Which incidents does an export of ServiceNow's incident table list, about which configuration items?

Columns by their names in the table (`opened_at`, `cmdb_ci`) or by their labels on screen (`Opened`, `Configuration
item`), in any order. Times are those of whoever exported: without a zone, so the label `timezone` says which, else UTC
is taken and marked as assumed; with the day first or the month first, so the label `dates` decides where both can be.
The table does not say when somebody took the incident up, only who opened, resolved and closed it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lineage.model.facts import Fact, Json, Key
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._csv_rows import first_header, rows, said_in
from lineage.sources._incident import (
    ACKNOWLEDGE,
    CLOSE,
    OPEN,
    RESOLVE,
    Step,
    in_order,
    incident,
    local_time,
    told,
)
from lineage.text import clip

NAME = "servicenow-csv"
HEADED = True
FORMAT = "ServiceNow incident table (CSV): number, opened_at, resolved_at, cmdb_ci, priority, state, ..."
PROVES = ("who", "when", "what")

_COLUMNS = {
    "number": "number|incident number|task number|nummer",
    "title": "short description|kurzbeschreibung|title|description",
    "opened": "opened at|opened|sys created on|created|geöffnet",
    "acknowledged": "acknowledged at|acknowledged|work start|actual start",
    "resolved": "resolved at|resolved|gelöst",
    "closed": "closed at|closed|geschlossen",
    "updated": "sys updated on|updated|aktualisiert",
    "ci": "cmdb ci|configuration item|ci|konfigurationselement|affected ci",
    "service": "business service|service|impacted service|betroffener service",
    "offering": "service offering",
    "state": "state|incident state|status",
    "priority": "priority|priorität",
    "urgency": "urgency",
    "impact": "impact",
    "severity": "severity",
    "assignee": "assigned to|assignee|zugewiesen an",
    "group": "assignment group|group",
    "opened_by": "opened by|sys created by|created by",
    "resolved_by": "resolved by",
    "closed_by": "closed by",
    "caller": "caller id|caller",
    "category": "category|subcategory",
    "close_code": "close code|resolution code",
    "cause": "caused by|caused by change|rfc|change request",
    "parent": "parent incident|parent",
    "problem": "problem id|problem",
    "id": "sys id",
}
_SYNONYMS = {name: column for column, names in _COLUMNS.items() for name in names.split("|")}
_STATES = {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"}
_OTHER = re.compile(r"(?:CHG|PRB|RITM|REQ|SCTASK|CTASK|PTASK|TASK|KB|CS)\d+", re.IGNORECASE)
"""Numbers of changes, problems and requests, which stand in tables of the same shape."""

_KEPT = (
    "priority",
    "urgency",
    "impact",
    "severity",
    "category",
    "close_code",
    "cause",
    "parent",
    "problem",
    "id",
)
_STEPS = (
    (OPEN, "opened", "opened_by"),
    (ACKNOWLEDGE, "acknowledged", ""),
    (RESOLVE, "resolved", "resolved_by"),
    (CLOSE, "closed", "closed_by"),
)


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is an incident table: a number, when it was opened, and what it was."""
    if sample.listing or sample.text.lstrip()[:1] in {"{", "[", "<"}:
        return 0.0
    header = first_header(sample.text, _SYNONYMS)
    if header is None:
        return 0.0
    columns = set(header.columns)
    if not {"number", "opened"} <= columns:
        return 0.0
    return (
        0.9
        if len(columns & {"resolved", "closed", "ci", "priority", "state", "title", "service"}) > 1
        else 0.0
    )


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into the header and the rows."""
    del origin
    yield from rows(given, _SYNONYMS)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a row tells of an incident."""
    said = said_in(record)
    if not isinstance(said, dict):
        yield said
        return
    number = said.get("number", "")
    if _OTHER.fullmatch(number):
        yield Filtered("not-an-incident")
    elif not number:
        yield Problem("missing-field", "the row has no number", "number")
    else:
        yield from _incident(number, said, origin)


def _incident(number: str, said: dict[str, str], origin: Origin) -> Iterator[Fact | Problem]:
    problems: list[Problem] = []
    steps = []
    for what, column, by in _STEPS:
        at = local_time(said.get(column, ""), origin, problems.append, column)
        if at is not None:
            who = said.get(by, "")
            actor = Key(Kind.ACTOR, "servicenow", who) if who else None
            steps.append(Step(what, at, actor, "user" if actor else "", detail=_why(what, said)))
    if not any(step.what == OPEN for step in steps):
        yield from problems
        if not said.get("opened"):
            yield Problem("missing-field", "the row does not say when the incident was opened", "opened_at")
    in_order(steps, problems.append)
    named = [said.get("ci", ""), said.get("service", ""), said.get("offering", "")]
    state = said.get("state", "")
    attributes: dict[str, Json] = {
        "number": number,
        "title": clip(said.get("title", ""), 500),
        "status": _STATES.get(state, state),
        "services": list(dict.fromkeys(name for name in named if name)),
        "assignees": [said["assignee"]] if said.get("assignee") else [],
        "teams": [said["group"]] if said.get("group") else [],
        "caller": said.get("caller", ""),
        **{name: said.get(name, "") for name in _KEPT},
    }
    seen = local_time(said.get("updated", ""), origin, problems.append, "updated")
    instance = origin.label("instance") or origin.label("account")
    yield from told(incident("servicenow", instance, number), attributes, steps, seen)
    if any(step.what == OPEN for step in steps):
        yield from problems


def _why(what: str, said: dict[str, str]) -> dict[str, Json]:
    return {"close_code": said.get("close_code", "")} if what in {RESOLVE, CLOSE} else {}
