"""Which incidents did PagerDuty open, for which service, and who acknowledged and resolved them when?

Read are saved answers of the REST API (v2): `incidents`, one `incident`, `log_entries`; and the bodies of webhooks
(v3). An incident is called by its number in its account (label `account`, else the subdomain in its web address), in
log entries by the number at the beginning of its summary. A page of a list that says `more` is one of several.
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
from lineage.sources._incident import ACKNOWLEDGE, OPEN, REOPEN, RESOLVE, Step, in_order, incident, told
from lineage.sources._model_claims import items, mapping, scalar
from lineage.text import MalformedError, clip, loads

NAME = "pagerduty"
FORMAT = "PagerDuty (JSON): REST v2 incidents and log entries, webhooks v3"
PROVES = ("who", "when", "what")

_LISTS = ("incidents", "log_entries", "messages")
_ADDRESS = re.compile(r"https?://([\w-]+)\.(?:\w\w\.)?pagerduty\.com/")
_NUMBER = re.compile(r"\[#(\d+)\]")
_CUT = re.compile(
    r'"incident_number"\s*:\s*\d|"type"\s*:\s*"\w+_log_entry|"event_type"\s*:\s*"incident\.'
    r'|"type"\s*:\s*"incident"\s*,\s*"summary"\s*:\s*"\[#'
)
_MORE = re.compile(rb'"more"\s*:\s*true')
_SHARED = frozenset({"api", "app", "events", "www", "identity"})
_STEPS = {
    "trigger": OPEN,
    "triggered": OPEN,
    "acknowledge": ACKNOWLEDGE,
    "acknowledged": ACKNOWLEDGE,
    "resolve": RESOLVE,
    "resolved": RESOLVE,
    "reopen": REOPEN,
    "reopened": REOPEN,
    "unacknowledged": "unacknowledge",
    "escalated": "escalate",
    "reassigned": "assign",
    "delegated": "delegate",
    "priority_updated": "change-priority",
    "urgency_change": "change-urgency",
    "service_updated": "change-service",
}
_NOISE = frozenset({"notify", "reach_ack", "repeat_escalation_path", "exhaust_escalation_path"})
"""Log entries that say whom PagerDuty told, not what anybody did."""


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are incidents of PagerDuty."""
    if sample.listing or sample.text.lstrip()[:1] not in {"{", "["}:
        return 0.0
    value = sample.first_json
    if value is None:
        return 0.85 if _CUT.search(sample.text) else 0.0
    found = next((mapping(value)[name] for name in _LISTS if items(mapping(value).get(name))), value)
    first = mapping(found[0]) if isinstance(found, list) and found else mapping(found)
    body = mapping(first.get("incident")) or first
    if scalar(mapping(first.get("event")).get("event_type")).startswith("incident."):
        return 0.95
    if scalar(first.get("type")).endswith("_log_entry") and first.get("incident"):
        return 0.95
    return 0.95 if "incident_number" in body and "created_at" in body else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into incidents, log entries or webhooks; a page that is not the last says so."""
    del origin
    yield from framing.json_values(given, *_LISTS)
    with given.open() as stream:
        try:
            tail = stream.read(framing.MAX_RECORD)
        except (EOFError, OSError):
            return
    # The items were cut out of the page; what stands around them is small and stands at one of its ends.
    found = _MORE.search(tail, max(0, len(tail) - 400)) or _MORE.search(tail, 0, 400)
    if found:
        reason = "this page says that the list goes on; nothing is missing if the next pages are imported too"
        line = tail.count(b"\n", 0, found.start()) + 1
        yield Problem("more-pages", reason, "more", "true", found.start(), line, fatal=False)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what an incident, a log entry or a webhook tells."""
    try:
        value = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    if not isinstance(value, dict):
        yield Problem("not-an-incident", "the record is no JSON object", value=clip(value))
        return
    event = mapping(value.get("event"))
    if event.get("event_type"):
        yield from _webhook(event, origin)
    elif scalar(value.get("type")).endswith("_log_entry"):
        yield from _log_entry(value, origin)
    else:
        inner = mapping(value.get("incident"))
        yield from _incident(inner or value, origin)


def _incident(body: Mapping[str, Any], origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    key = _key(body, origin)
    if key is None:
        yield Problem("missing-field", "the incident has no number", "incident_number", clip(body.get("id")))
        return
    problems: list[Problem] = []
    created = _time(body, "created_at", origin, problems.append)
    if created is None:
        yield from problems or [Problem("missing-field", "the incident has no time", "created_at")]
        return
    steps = [Step(OPEN, created)]
    for number, entry in enumerate(map(mapping, items(body.get("acknowledgements")))):
        at = _time(entry, "at", origin, problems.append, f"acknowledgements[{number}].at")
        if at is not None:
            steps.append(_by(Step(ACKNOWLEDGE, at), entry.get("acknowledger")))
    status = scalar(body.get("status"))
    changed = _time(body, "last_status_change_at", origin, problems.append)
    by = body.get("last_status_change_by")
    resolved = _time(body, "resolved_at", origin, problems.append)
    if resolved is not None or (status == "resolved" and changed is not None):
        done = Step(RESOLVE, resolved or changed or created)
        steps.append(_by(done, by if status == "resolved" else None))
    elif status == "acknowledged" and changed is not None and len(steps) == 1:
        steps.append(_by(Step(ACKNOWLEDGE, changed), by))
    in_order(steps, problems.append)
    seen = _time(body, "updated_at", origin, problems.append) or changed
    yield from told(key, _attributes(body), steps, seen)
    yield from problems


def _log_entry(body: Mapping[str, Any], origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    about = mapping(body.get("incident"))
    word = scalar(body.get("type")).removesuffix("_log_entry")
    if word in _NOISE:
        yield Filtered("notification")
        return
    key = _key(about, origin)
    if key is None:
        yield Problem("missing-field", "the log entry does not name its incident", "incident.summary")
        return
    problems: list[Problem] = []
    at = _time(body, "created_at", origin, problems.append)
    if at is None:
        yield from problems or [Problem("missing-field", "the log entry has no time", "created_at")]
        return
    detail = {
        "summary": clip(scalar(body.get("summary")), 500),
        "channel": scalar(mapping(body.get("channel")).get("type")),
        "note": clip(scalar(mapping(body.get("channel")).get("content")), 500),
        "assignees": _names(body.get("assignees")),
        "log_entry": scalar(body.get("id")),
    }
    attributes: dict[str, Json] = {"number": key.name, "pagerduty_id": scalar(about.get("id"))}
    attributes["title"] = _NUMBER.sub("", scalar(about.get("summary"))).strip()
    attributes["services"] = _names([body.get("service")])
    yield from told(
        key, attributes, [_by(Step(_STEPS.get(word, word), at, detail=detail), body.get("agent"))]
    )


def _webhook(event: Mapping[str, Any], origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    kind, _, word = scalar(event.get("event_type")).partition(".")
    if kind != "incident" or not word:
        yield Filtered("event-type")
        return
    body = mapping(event.get("data"))
    about = mapping(body.get("incident")) or body
    key = _key(about, origin)
    if key is None:
        yield Problem("missing-field", "the event does not name its incident", "event.data.number")
        return
    problems: list[Problem] = []
    at = _time(event, "occurred_at", origin, problems.append, "event.occurred_at")
    if at is None:
        yield from problems or [Problem("missing-field", "the event has no time", "event.occurred_at")]
        return
    step = _by(
        Step(
            _STEPS.get(word, word.replace("_", "-").replace(".", "-")),
            at,
            detail={"event": scalar(event.get("id")), "note": clip(scalar(body.get("content")), 500)},
        ),
        event.get("agent"),
    )
    steps = [step]
    created = _time(about, "created_at", origin, problems.append, "event.data.created_at")
    if created is not None and step.what != OPEN:
        steps.append(Step(OPEN, created))
    elif created is not None:
        steps = [step._replace(at=created)]
    yield from told(key, _attributes(about), steps, at)
    yield from problems


def _attributes(body: Mapping[str, Any]) -> dict[str, Json]:
    reason = mapping(body.get("resolve_reason"))
    named = [body.get("service"), *items(body.get("impacted_services"))]
    assigned = [mapping(entry).get("assignee") for entry in items(body.get("assignments"))]
    title = scalar(body.get("title")) or _NUMBER.sub("", scalar(body.get("summary"))).strip()
    return {
        "number": scalar(body.get("incident_number")) or scalar(body.get("number")),
        "pagerduty_id": scalar(body.get("id")),
        "title": clip(title or scalar(body.get("description")), 500),
        "status": scalar(body.get("status")),
        "urgency": scalar(body.get("urgency")),
        "priority": _name(body.get("priority")),
        "services": list(dict.fromkeys(_names(named))),
        "assignees": _names(assigned or items(body.get("assignees"))),
        "escalation_policy": _name(body.get("escalation_policy")),
        "teams": _names(body.get("teams")),
        "merged_into": scalar(mapping(reason.get("incident")).get("id")),
        "url": scalar(body.get("html_url")),
    }


def _key(body: Mapping[str, Any], origin: Origin) -> Key | None:
    number = scalar(body.get("incident_number")) or scalar(body.get("number"))
    if not number:
        found = _NUMBER.match(scalar(body.get("summary")))
        number = found[1] if found else scalar(body.get("id"))
    address = _ADDRESS.match(scalar(body.get("html_url")))
    account = address[1] if address and address[1] not in _SHARED else ""
    return incident(NAME, origin.label("account") or account, number) if number else None


def _by(step: Step, agent: Any) -> Step:
    """Return `step` with who took it: by e-mail where the answer has one, else by the account's id."""
    said = mapping(agent)
    name = _name(said)
    called = scalar(said.get("email")) or scalar(said.get("id")) or name
    if not called:
        return step
    kind = scalar(said.get("type")).removesuffix("_reference")
    return step._replace(actor=Key(Kind.ACTOR, NAME, called), kind=kind, name=name)


def _name(value: Any) -> str:
    said = mapping(value)
    return clip(scalar(said.get("summary")) or scalar(said.get("name")), 300)


def _names(value: Any) -> list[Json]:
    return [name for name in map(_name, items(value)) if name]


def _time(
    body: Mapping[str, Any], field: str, origin: Origin, report: Callable[[Problem], None], place: str = ""
) -> Moment | None:
    text = body.get(field)
    if text in (None, ""):
        return None
    try:
        return moment.parse(scalar(text), origin.label("timezone"))
    except (ValueError, OverflowError) as error:
        reason = f"this is no time: {error}"
        report(Problem("bad-time", reason, place or field, clip(text), fatal=False))
    return None
