"""Which service level objectives do OpenSLO documents promise, of which service, and from when to when?

OpenSLO v1alpha (as Sloth reads it), v1 and v2alpha: README.md and enhancements/v2alpha.md of the OpenSLO repository. An
SLO names no metric and no dates. The metric is taken from the names that the author gave it (a word such as
"availability" or "latency", else the name of the indicator); the interval from annotations or labels that end in
`effective-from`, `effective-to`, `valid-from` or `valid-to` (sources-ops 0.10), else it is left open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from lineage import framing
from lineage.model.facts import Entity, Fact, Json, Key, Objective
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._agreement import COMPARATORS, items, mapping, metric, number, scalar, words
from lineage.sources._agreement_names import named_metric
from lineage.sources._agreement_times import times, window
from lineage.text import MalformedError, clip, load_yaml, loads

NAME = "openslo"
FORMAT = "OpenSLO documents: v1alpha (also as Sloth reads it), v1, v2alpha; YAML or JSON"
PROVES = ("sla",)

_VERSION = re.compile(
    r"""^["' \t{,]*["']?apiVersion["']?:[ \t]*["']?(?:openslo|openslo\.com|n9)/v\d""", re.MULTILINE
)
_KINDS = re.compile(
    r"""["']?\bkind["']?:[ \t]*["']?(?:SLO|SLI|Service|DataSource|Alert(?:Policy|Condition|NotificationTarget))\b"""
)
_GROUPS = ("openslo", "openslo.com")
_OTHER_KINDS = {
    "SLI": "indicator",
    "Service": "service",
    "DataSource": "data-source",
    "AlertPolicy": "alert-policy",
    "AlertCondition": "alert-condition",
    "AlertNotificationTarget": "alert-notification-target",
}
_SINCE = ("effective-from", "valid-from")
_UNTIL = ("effective-to", "effective-until", "valid-to", "valid-until")
_METHODS = {"occurrences": "occurrences", "timeslices": "timeslices", "ratiotimeslices": "ratio-timeslices"}


class _Window(NamedTuple):
    duration: str = ""
    rolling: bool = True
    zone: str = ""
    start: str = ""


class _Promise(NamedTuple):
    """What one entry of `objectives` promises; `limit` = the comparison that an event has to meet."""

    comparator: str
    target: float
    unit: str
    limit: str = ""


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are OpenSLO documents: by `apiVersion` and `kind`."""
    if sample.listing:
        return 0.0
    value = sample.first_json
    if isinstance(value, (dict, list)):
        return 0.95 if any(_is_openslo(mapping(item)) for item in items(value)) else 0.0
    text = sample.text
    return 0.95 if _VERSION.search(text) and _KINDS.search(text) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into documents: YAML's, or a JSON list's items."""
    del origin
    yield from framing.documents(given)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what the objectives of an SLO promise."""
    try:
        value = loads(record.raw) if record.raw.lstrip()[:1] == b"{" else load_yaml(record.raw)
    except MalformedError as error:
        line = record.line + max(error.line - 1, 0) if record.line else error.line
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]), line=line)
        return
    document = mapping(value)
    kind = scalar(document.get("kind"))
    if not document:
        yield (
            Filtered("empty")
            if value is None
            else Problem("not-an-object", "this is no OpenSLO object", value=clip(value))
        )
    elif not _is_openslo(document):
        yield Filtered("not-openslo")
    elif kind in _OTHER_KINDS:
        yield Filtered(_OTHER_KINDS[kind])
    elif kind != "SLO":
        yield Problem("unknown-kind", "OpenSLO has no such kind", "kind", clip(kind))
    else:
        yield from _slo(document, origin)


def _is_openslo(document: Mapping[str, Any]) -> bool:
    group, slash, _ = scalar(document.get("apiVersion")).partition("/")
    return bool(slash) and group in _GROUPS


def _slo(document: Mapping[str, Any], origin: Origin) -> Iterator[Fact | Problem]:
    metadata, spec = mapping(document.get("metadata")), mapping(document.get("spec"))
    name = scalar(metadata.get("name"))
    entries = items(spec.get("objectives"))
    for field, missing in (("metadata.name", not name), ("spec.objectives", not entries)):
        if missing:
            yield Problem("missing-field", f"the SLO has no {field.rpartition('.')[2]}", field)
            return
    service = scalar(spec.get("service"))
    problems: list[Problem] = []
    if not service:
        reason = "the SLO names no service, so it cannot be tied to anything"
        problems.append(Problem("missing-field", reason, "spec.service", fatal=False))
    notes = _notes(metadata)
    since, until = _interval(notes, origin, problems)
    dated = since is not None or until is not None
    ground = "annotation" if dated else "import"
    if not dated and origin.label("effective_from"):
        said = {
            "effective_from": origin.label("effective_from"),
            "effective_to": origin.label("effective_to"),
        }
        since, until = times(said, origin, problems.append)
        ground = "file" if since is not None else "import"
    span = _span(spec, problems)
    version = _note(notes, ("version",))
    common: dict[str, Json] = {
        "service": service,
        "version": version,
        "display_name": scalar(metadata.get("displayName")),
        "description": scalar(spec.get("description")),
        "api_version": scalar(document.get("apiVersion")),
        "window": span.duration,
        "window_start": span.start,
        "indicator": _indicator(spec)[0],
        "method": _method(spec, problems),
        "owner": _note(notes, ("owner", "team")),
        "document": f"OpenSLO {name}" + (f" version {version}" if version else ""),
        "effective_from": since.text if since else "",
    }
    found: list[Fact] = []
    for index, (entry, label) in enumerate(zip(entries, _labels(entries), strict=True)):
        place = f"spec.objectives[{index}]"
        promise = _promise(mapping(entry), place, problems)
        if promise is None:
            continue
        key = Key(Kind.SLA, service, f"{name}/{label}" if label else name)
        measured, percentile = _measured(mapping(entry), metadata, spec)
        if promise.limit:
            measured = f"{measured} {promise.limit}"
        found.extend(
            _facts(key, measured, percentile, promise, mapping(entry), common, span, (since, until), ground)
        )
    yield from found
    for problem in problems:
        yield problem if found else Problem(problem.code, problem.reason, problem.field, problem.value)


def _facts(
    key: Key,
    measured: str,
    percentile: float | None,
    promise: _Promise,
    entry: Mapping[str, Any],
    common: Mapping[str, Json],
    span: _Window,
    interval: tuple[Moment | None, Moment | None],
    ground: str,
) -> Iterator[Fact]:
    since, until = interval
    service = str(common["service"])
    shown = f"{promise.target * 100:.10g} %" if promise.unit == "ratio" else f"{promise.target:.10g}"
    text = f"{service or key.name}: {measured} {promise.comparator} {shown}"
    if promise.limit:
        text = f"{service or key.name}: {shown} of events with {measured}"
    if span.duration:
        text += f" over {'a rolling' if span.rolling else 'a calendar'} {span.duration}"
    said = {
        "metric": measured,
        "comparator": promise.comparator,
        "target": promise.target,
        "unit": promise.unit,
        "objective": scalar(entry.get("displayName")),
        "time_slice_target": scalar(entry.get("timeSliceTarget")),
        "time_slice_window": scalar(entry.get("timeSliceWindow")),
        "weight": scalar(entry.get("compositeWeight")),
        "rolling": span.rolling,
        "zone": span.zone,
    }
    attributes = {name: value for name, value in {**common, **said}.items() if value not in ("", None)}
    yield Entity(key, attributes, at=since)
    yield Objective(
        key,
        measured,
        promise.comparator,
        promise.target,
        promise.unit,
        version=str(common["version"]),
        percentile=percentile,
        window=span.duration,
        rolling=span.rolling,
        zone=span.zone,
        method=str(common["method"]),
        subjects=(service,) if service else (),
        since=since,
        until=until,
        ground=ground,
        document=str(common["document"]),
        owner=str(common["owner"]),
        text=text,
    )


def _notes(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return annotations and labels by the last segment of their names; annotations go before labels."""
    notes: dict[str, str] = {}
    for field in ("annotations", "labels"):
        for name, value in mapping(metadata.get(field)).items():
            said = ", ".join(map(scalar, value)) if isinstance(value, list) else scalar(value)
            if said:
                notes.setdefault(words(str(name).rpartition("/")[2]), said)
    return notes


def _note(notes: Mapping[str, str], names: Sequence[str]) -> str:
    return next((notes[name] for name in names if name in notes), "")


def _interval(
    notes: Mapping[str, str], origin: Origin, problems: list[Problem]
) -> tuple[Moment | None, Moment | None]:
    said = {}
    for names in (_SINCE, _UNTIL):
        name = next((name for name in names if name in notes), names[0])
        said[f"metadata.annotations.{name}"] = notes.get(name, "")
    return times(said, origin, problems.append)


def _span(spec: Mapping[str, Any], problems: list[Problem]) -> _Window:
    """Return the time window: `timeWindow` of v1 and v2alpha, `timeWindows` with unit and count of v1alpha."""
    listed = items(spec.get("timeWindow")) or items(spec.get("timeWindows"))
    if not listed:
        return _Window()
    said = mapping(listed[0])
    calendar = mapping(said.get("calendar"))
    unit = scalar(said.get("unit"))
    text = scalar(said.get("duration")) or scalar(said.get("count"))
    duration = window(text, unit if not said.get("duration") else "")
    rolls = scalar(said.get("isRolling")).lower()
    # README.md, SLO: an absent isRolling means false where there is a calendar.
    rolling = rolls in {"true", "yes", "on"} if rolls else not calendar
    if not duration:
        reason = "this is no time window; write a number and m, h, d, w, M, Q or Y"
        problems.append(Problem("bad-window", reason, "spec.timeWindow", clip(f"{text}{unit}"), fatal=False))
    elif not rolling and duration.startswith("PT") and duration.endswith("M"):
        reason = "a calendar window of minutes is read as the standard says; a month is written `1M`"
        problems.append(Problem("doubtful-window", reason, "spec.timeWindow", clip(text), fatal=False))
    if len(listed) > 1:
        reason = "OpenSLO allows one time window; the first is taken"
        problems.append(Problem("several-windows", reason, "spec.timeWindow", str(len(listed)), fatal=False))
    return _Window(duration, rolling, scalar(calendar.get("timeZone")), scalar(calendar.get("startTime")))


def _method(spec: Mapping[str, Any], problems: list[Problem]) -> str:
    said = scalar(spec.get("budgetingMethod"))
    method = _METHODS.get(said.lower().replace("-", ""), "")
    if said and not method:
        reason = "this is no budgeting method: Occurrences, Timeslices, RatioTimeslices"
        problems.append(Problem("bad-value", reason, "spec.budgetingMethod", clip(said), fatal=False))
    return method


def _indicator(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return name and display name of the indicator: inline or by reference, as v1 or v2alpha call it."""
    for inline, reference in (("indicator", "indicatorRef"), ("sli", "sliRef")):
        metadata = mapping(mapping(body.get(inline)).get("metadata"))
        name = scalar(metadata.get("name")) or scalar(body.get(reference))
        if name:
            return name, scalar(metadata.get("displayName"))
    return "", ""


def _measured(
    entry: Mapping[str, Any], metadata: Mapping[str, Any], spec: Mapping[str, Any]
) -> tuple[str, float | None]:
    """Return the metric by the names that the author gave, and the percentile where such a name has one."""
    own, own_shown = _indicator(entry)
    name, shown = _indicator(spec)
    slo = scalar(metadata.get("name"))
    noted = _note(_notes(metadata), ("metric",))
    if noted:
        return metric(noted)
    told = (own, own_shown, slo, scalar(metadata.get("displayName")), name, shown)
    found = named_metric(told, (scalar(entry.get("displayName")), scalar(spec.get("description"))))
    if found is not None:
        return found
    return words(own or name or slo), None


def _labels(entries: Sequence[Any]) -> list[str]:
    """Return what tells the objectives of one SLO apart: their display names where these do, else their numbers."""
    if len(entries) == 1:
        return [""]
    names = [scalar(mapping(entry).get("displayName")) for entry in entries]
    return [
        name if name and names.count(name) == 1 else str(place) for place, name in enumerate(names, start=1)
    ]


def _promise(entry: Mapping[str, Any], place: str, problems: list[Problem]) -> _Promise | None:
    """Return what an entry promises: the share of good events, else the value itself; None with a problem."""
    shares: dict[str, Decimal] = {}
    value: Decimal | None = None
    for field, most in (("target", 1), ("targetPercent", 100), ("value", None)):
        said = scalar(entry.get(field))
        if not said:
            continue
        try:
            read_ = number(said, ".")
        except MalformedError as error:
            problems.append(Problem(error.code, error.reason, f"{place}.{field}", clip(said), fatal=False))
            return None
        if most is None:
            value = read_
        elif 0 <= read_ <= most:
            shares[field] = read_ / most
        else:
            reason = f"{field} lies between 0 and {most}"
            problems.append(Problem("out-of-range", reason, f"{place}.{field}", clip(said), fatal=False))
            return None
    if len(set(shares.values())) > 1:
        reason = "target and targetPercent disagree; only one may be given"
        shown = f"{scalar(entry.get('target'))} / {scalar(entry.get('targetPercent'))}"
        problems.append(Problem("contradiction", reason, place, clip(shown), fatal=False))
        return None
    sign = COMPARATORS.get(scalar(entry.get("op")).lower(), "")
    if entry.get("op") and not sign:
        reason = "this is no operator: lte, gte, lt, gt"
        problems.append(Problem("bad-comparator", reason, f"{place}.op", clip(entry["op"]), fatal=False))
        return None
    for share in shares.values():
        return _Promise(
            ">=", float(share), "ratio", f"{sign} {value:f}" if sign and value is not None else ""
        )
    if value is not None and sign:
        return _Promise(sign, float(value), "")
    problems.append(Problem("missing-field", "the objective has no target", f"{place}.target", fatal=False))
    return None
