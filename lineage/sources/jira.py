"""Which incidents does Jira hold, about which components and services, and who moved them when?

Read are the CSV export of an issue search (local times, columns that stand several times) and the answers of its REST
search in JSON, with or without the change log. Only issues whose type is an incident are taken (`Incident`, `[System]
Incident`, `Outage`, ...; the label `incident_types` names others); an export without a type holds incidents only. A
service may stand in a field of one's own: the label `service_field=customfield_10201` names it in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model import moment
from lineage.model.facts import Fact, Json, Key
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._csv_rows import Row, first_header, rows, said_in, spelling
from lineage.sources._incident import (
    ACKNOWLEDGE,
    CLOSE,
    OPEN,
    REOPEN,
    RESOLVE,
    Step,
    in_order,
    incident,
    local_time,
    told,
)
from lineage.sources._model_claims import items, mapping, scalar
from lineage.text import MalformedError, clip, loads

NAME = "jira"
HEADED = True
FORMAT = "Jira issues of a type of incident: CSV export, REST search answers (JSON) with change log"
PROVES = ("who", "when", "what")

_COLUMNS = {
    "key": "issue key|key|vorgangsschlüssel",
    "title": "summary|zusammenfassung",
    "type": "issue type|issuetype|work type|vorgangstyp",
    "status": "status",
    "opened": "created|created date|erstellt",
    "acknowledged": "acknowledged|acknowledged at|time acknowledged",
    "resolved": "resolved|resolution date|resolutiondate|erledigt",
    "updated": "updated|aktualisiert",
    "priority": "priority|priorität",
    "severity": "severity",
    "urgency": "urgency",
    "impact": "impact",
    "resolution": "resolution|lösung",
    "assignee": "assignee|zugewiesene person|bearbeiter",
    "reporter": "reporter",
    "creator": "creator",
    "project": "project key|project",
    "id": "issue id",
}
_SYNONYMS = {name: column for column, names in _COLUMNS.items() for name in names.split("|")}
_MANY = {
    "component s": "services",
    "components": "services",
    "component": "services",
    "affected services": "services",
    "affected service": "services",
    "services": "services",
    "service": "services",
    "labels": "labels",
}
"""Columns that an export repeats for each value."""

_CUSTOM = "custom field "
_TYPE = re.compile(r".*\b(?:incident|outage|störung)", re.IGNORECASE)
_CUT = re.compile(r'"issues"\s*:\s*\[.{0,4000}?"fields"\s*:\s*\{', re.DOTALL)
_HOST = re.compile(r"https?://([^/\s:]+)")
_STEPS = {
    "acknowledged": ACKNOWLEDGE,
    "in progress": ACKNOWLEDGE,
    "work in progress": ACKNOWLEDGE,
    "investigating": ACKNOWLEDGE,
    "triage": ACKNOWLEDGE,
    "resolved": RESOLVE,
    "fixed": RESOLVE,
    "done": RESOLVE,
    "completed": RESOLVE,
    "closed": CLOSE,
    "canceled": CLOSE,
    "cancelled": CLOSE,
    "reopened": REOPEN,
}
_KEPT = (
    "status",
    "priority",
    "severity",
    "urgency",
    "impact",
    "resolution",
    "reporter",
    "project",
    "id",
    "type",
)


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are issues of Jira."""
    if sample.listing:
        return 0.0
    if sample.text.lstrip()[:1] in {"{", "["}:
        value = sample.first_json
        if value is None:
            return 0.85 if _CUT.search(sample.text) else 0.0
        listed = mapping(value).get("issues") if isinstance(value, dict) else value
        first = mapping((items(listed) or [value])[0])
        return 0.95 if first.get("key") and "created" in mapping(first.get("fields")) else 0.0
    header = first_header(sample.text, _SYNONYMS)
    if header is None or sample.text.lstrip()[:1] == "<":
        return 0.0
    named = any(spelling(name) in {"issue key", "vorgangsschlüssel"} for name in header.names)
    return 0.92 if named and {"key", "opened"} <= set(header.columns) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into the rows of a CSV or the issues of an answer; an answer that is not the last page says so."""
    del origin
    with given.open() as stream:
        try:
            head = stream.read(4096)
        except (EOFError, OSError):
            head = b""
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] not in {b"{", b"["}:
        yield from rows(given, _SYNONYMS)
        return
    yield from framing.json_values(given, "issues")
    document = framing.whole(given)
    if isinstance(document, Record):
        yield from _page(document)


def _page(document: Record) -> Iterator[Problem]:
    try:
        value = mapping(loads(document.raw))
    except MalformedError:
        return
    shown, total, start = len(items(value.get("issues"))), value.get("total"), value.get("startAt")
    begun = start if isinstance(start, int) else 0
    more = isinstance(total, int) and total > begun + shown
    if more or value.get("isLast") is False:
        reason = "this page says that the list goes on; nothing is missing if the next pages are imported too"
        field = "total" if more else "isLast"
        yield Problem("more-pages", reason, field, clip(value.get(field)), 0, 1, fatal=False)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what an issue tells of an incident."""
    row = record.parsed
    if isinstance(row, Row):
        said = said_in(record)
        if isinstance(said, dict):
            yield from _row(row, said, origin)
        else:
            yield said
    elif record.raw.lstrip()[:1] not in {b"{", b"["}:
        yield Filtered("header")
    else:
        try:
            value = loads(record.raw)
        except MalformedError as error:
            yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
            return
        if isinstance(value, dict):
            yield from _issue(value, origin)
        else:
            yield Problem("not-an-incident", "the record is no JSON object", value=clip(value))


def _taken(kind: str, origin: Origin) -> bool:
    others = {name.strip().lower() for name in origin.label("incident_types").split(",") if name.strip()}
    return not kind or kind.lower() in others or bool(_TYPE.match(kind))


def _row(row: Row, said: dict[str, str], origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    number = said.get("key", "")
    if not _taken(said.get("type", ""), origin):
        yield Filtered("not-an-incident")
        return
    if not number:
        yield Problem("missing-field", "the row has no issue key", "Issue key")
        return
    many: dict[str, list[Json]] = {"services": [], "labels": []}
    for name, cell in zip(row.header.names, row.cells, strict=False):
        field = _MANY.get(spelling(name).removeprefix(_CUSTOM), "")
        if field and cell.strip() and cell.strip() not in many[field]:
            many[field].append(cell.strip())
    problems: list[Problem] = []
    steps = []
    for what, column, by in (
        (OPEN, "opened", said.get("creator", "")),
        (ACKNOWLEDGE, "acknowledged", ""),
        (RESOLVE, "resolved", ""),
    ):
        at = local_time(said.get(column, ""), origin, problems.append, column)
        if at is not None:
            steps.append(Step(what, at, _actor(by), "user" if by else ""))
    if not any(step.what == OPEN for step in steps) and not said.get("opened"):
        problems.append(
            Problem(
                "missing-field", "the row does not say when the issue was created", "Created", fatal=False
            )
        )
    in_order(steps, problems.append)
    attributes: dict[str, Json] = {
        "number": number,
        "title": clip(said.get("title", ""), 500),
        "assignees": [said["assignee"]] if said.get("assignee") else [],
        **many,
        **{name: said.get(name, "") for name in _KEPT},
    }
    seen = local_time(said.get("updated", ""), origin, problems.append, "updated")
    yield from told(incident(NAME, origin.label("instance"), number), attributes, steps, seen)
    yield from problems


def _issue(body: Mapping[str, Any], origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    fields = mapping(body.get("fields"))
    number = scalar(body.get("key"))
    kind = _name(fields.get("issuetype"))
    if not _taken(kind, origin):
        yield Filtered("not-an-incident")
        return
    if not number:
        yield Problem("missing-field", "the issue has no key", "key")
        return
    problems: list[Problem] = []
    report = problems.append
    created = _time(fields.get("created"), origin, report, "fields.created")
    steps = []
    if created is not None:
        steps.append(_by(Step(OPEN, created), fields.get("creator")))
    else:
        report(
            Problem(
                "missing-field", "the issue does not say when it was created", "fields.created", fatal=False
            )
        )
    resolved = _time(fields.get("resolutiondate"), origin, report, "fields.resolutiondate")
    moved = list(_moves(mapping(body.get("changelog")), origin, report))
    if resolved is not None and not any(step.at == resolved and step.what == RESOLVE for step in moved):
        steps.append(Step(RESOLVE, resolved))
    steps += moved
    in_order(steps, report)
    listed = [*items(fields.get("components")), *items(fields.get(origin.label("service_field", "services")))]
    alone = scalar(fields.get(origin.label("service_field")))
    services = [name for name in (alone, *map(_name, listed)) if name]
    host = _HOST.match(scalar(body.get("self")))
    attributes: dict[str, Json] = {
        "number": number,
        "id": scalar(body.get("id")),
        "title": clip(scalar(fields.get("summary")), 500),
        "type": kind,
        "status": _name(fields.get("status")),
        "priority": _name(fields.get("priority")),
        "resolution": _name(fields.get("resolution")),
        "services": list(dict.fromkeys(services)),
        "labels": [scalar(label) for label in items(fields.get("labels")) if scalar(label)],
        "assignees": [name for name in (_name(fields.get("assignee")),) if name],
        "reporter": _name(fields.get("reporter")),
        "project": scalar(mapping(fields.get("project")).get("key")),
        "url": scalar(body.get("self")),
    }
    instance = origin.label("instance") or (host[1] if host else "")
    seen = _time(fields.get("updated"), origin, report, "fields.updated")
    yield from told(incident(NAME, instance, number), attributes, steps, seen)
    yield from problems


def _moves(log: Mapping[str, Any], origin: Origin, report: Callable[[Problem], None]) -> Iterator[Step]:
    """Yield the changes of status and of assignee that the change log holds."""
    for number, entry in enumerate(map(mapping, items(log.get("histories")))):
        at = _time(entry.get("created"), origin, report, f"changelog.histories[{number}].created")
        if at is None:
            continue
        for change in map(mapping, items(entry.get("items"))):
            field = scalar(change.get("field")).lower()
            before, after = scalar(change.get("fromString")), scalar(change.get("toString"))
            if field in {"status", "assignee", "priority"}:
                what = _STEPS.get(after.lower(), "change-status") if field == "status" else f"change-{field}"
                yield _by(Step(what, at, detail={"before": before, "after": after}), entry.get("author"))


def _by(step: Step, author: Any) -> Step:
    """Return `step` with who took it: by e-mail where the answer has one, else by the account's id."""
    said = mapping(author)
    name = _name(said)
    called = (
        scalar(said.get("emailAddress")) or scalar(said.get("accountId")) or scalar(said.get("name")) or name
    )
    if not called:
        return step
    kind = "service" if scalar(said.get("accountType")) == "app" else "user"
    return step._replace(actor=_actor(called), kind=kind, name=name)


def _actor(name: str) -> Key | None:
    return Key(Kind.ACTOR, NAME, name) if name else None


def _name(value: Any) -> str:
    said = mapping(value)
    for field in ("displayName", "name", "value"):
        if scalar(said.get(field)):
            return clip(scalar(said[field]), 300)
    return clip(scalar(value), 300)


def _time(value: Any, origin: Origin, report: Callable[[Problem], None], field: str) -> Moment | None:
    text = scalar(value)
    if value in (None, ""):
        return None
    try:
        return moment.parse(text, origin.label("timezone"))
    except (ValueError, OverflowError) as error:
        report(Problem("bad-time", f"this is no time: {error}", field, clip(value), fatal=False))
    return None
