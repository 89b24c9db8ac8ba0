"""What does a data contract promise about which datasets, and from when to when?

Open Data Contract Standard 2.x and 3.x, `slaProperties` (service-level-agreement.md of the standard). The contract's
own dates are the interval: general availability, else its creation, until the end of support, else of life. A contract
that is still a draft promises nothing: its objectives can be found, marked as drafts, and are never in force.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from lineage import framing
from lineage.model.facts import Entity, Fact, Json, Key, Objective
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _agreement_places as places
from lineage.sources._agreement import amount, direction, items, mapping, metric, scalar, words
from lineage.sources._agreement_times import times
from lineage.text import MalformedError, clip, load_yaml, loads

NAME = "odcs"
FORMAT = "Open Data Contract Standard 2.x and 3.x; YAML or JSON"
PROVES = ("sla",)

_KIND = re.compile(r"""^["']?kind["']?:[ \t]*["']?DataContract\b""", re.MULTILINE)
_JSON_KIND = re.compile(r'"kind"\s*:\s*"DataContract"')
_VERSION = re.compile(
    r"""^["']?(?:apiVersion["']?:[ \t]*["']?v?[23]\.|(?:quantumName|datasetName|uuid|slaProperties)["']?:)""",
    re.MULTILINE,
)
_OLD = re.compile(r"^(?:templateName|standardVersion):", re.MULTILINE)
_OLD_FIELDS = re.compile(r"^(?:quantumName|datasetDomain|slaProperties|datasetName):", re.MULTILINE)
_OTHER = re.compile(r"""^["'{ ]*(?:dataContractSpecification|\$schema)["']?\s*:""", re.MULTILINE)

_SHORT = {
    "av": "availability",
    "th": "throughput",
    "er": "error-rate",
    "ga": "general-availability",
    "es": "end-of-support",
    "el": "end-of-life",
    "re": "retention",
    "fy": "frequency",
    "ly": "latency",
    "td": "time-to-detect",
    "tn": "time-to-notify",
    "tr": "time-to-repair",
    "errorrate": "error-rate",
    "generalavailability": "general-availability",
    "endofsupport": "end-of-support",
    "endoflife": "end-of-life",
    "timetodetect": "time-to-detect",
    "timetonotify": "time-to-notify",
    "timetorepair": "time-to-repair",
    "timeofavailability": "time-of-availability",
}
_DATES = frozenset({"general-availability", "end-of-support", "end-of-life"})
_DRAFTS = frozenset(
    {"draft", "proposed", "in-development", "development", "test", "in-review", "experimental"}
)
_ENDED = frozenset({"retired", "deprecated", "terminated"})
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?\s*(Z|[+-]\d\d:?\d\d)?")


class _Contract(NamedTuple):
    """What holds for every objective of a contract."""

    key: str
    title: str
    version: str
    status: str
    owner: str
    since: Moment | None
    until: Moment | None
    ground: str
    subjects: tuple[str, ...]

    @property
    def draft(self) -> bool:
        return words(self.status) in _DRAFTS

    @property
    def document(self) -> str:
        return f"data contract {self.title}" + (f" version {self.version}" if self.version else "")


class _Level(NamedTuple):
    """A promised value of one property."""

    metric: str
    comparator: str
    target: float
    unit: str
    percentile: float | None = None
    zone: str = ""
    window: str = ""


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a data contract of this standard, and no JSON schema of one."""
    if sample.listing:
        return 0.0
    text = sample.text
    if text.lstrip()[:1] == "{":
        value = mapping(sample.first_json)
        if value:
            return 0.95 if _is_contract(value) and "$schema" not in value else 0.0
        return 0.6 if not sample.whole and _JSON_KIND.search(text) and "$schema" not in text else 0.0
    if _OTHER.search(text):
        return 0.0
    if _KIND.search(text) and _VERSION.search(text):
        return 0.95
    return 0.7 if _OLD.search(text) and _OLD_FIELDS.search(text) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into documents: one contract each."""
    del origin
    yield from framing.documents(given)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what the service levels of a contract promise."""
    try:
        value = loads(record.raw) if record.raw.lstrip()[:1] == b"{" else load_yaml(record.raw)
    except MalformedError as error:
        line = record.line + max(error.line - 1, 0) if record.line else error.line
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]), line=line)
        return
    document = mapping(value)
    if not document:
        yield (
            Filtered("empty")
            if value is None
            else Problem("not-an-object", "this is no data contract", value=clip(value))
        )
    elif not _is_contract(document):
        yield Filtered("not-a-data-contract")
    elif document.get("slaProperties") and not isinstance(document["slaProperties"], list):
        said = clip(document["slaProperties"])
        yield Problem("bad-value", "slaProperties is a list of properties", "slaProperties", said)
    else:
        yield from _levels(document, origin)


def _is_contract(document: Mapping[str, Any]) -> bool:
    if "dataContractSpecification" in document:
        return False
    kind = scalar(document.get("kind"))
    return kind == "DataContract" or bool(
        {"templateName", "standardVersion"} & document.keys()
        and {"slaProperties", "quantumName"} & document.keys()
    )


def _levels(document: Mapping[str, Any], origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    entries = [(place, mapping(entry)) for place, entry in enumerate(document.get("slaProperties") or [])]
    promised = [(place, entry) for place, entry in entries if _property(entry) not in _DATES]
    if not promised:
        yield Filtered("no-service-levels")
        return
    key = next(
        filter(None, (scalar(document.get(field)) for field in ("id", "uuid", "name", "quantumName"))), ""
    )
    if not key:
        yield Problem("missing-field", "the contract has no id", "id")
        return
    problems: list[Problem] = []
    contract = _contract(key, document, [entry for _, entry in entries], origin, problems)
    objects = places.objects(document)
    stores = places.servers(document)
    names = _names([entry for _, entry in promised])
    found: list[Fact] = []
    for (place, entry), name in zip(promised, names, strict=True):
        field = f"slaProperties[{place}]"
        level = _level(entry, field, origin, problems)
        if level is None:
            continue
        element = scalar(entry.get("element")) or scalar(entry.get("column"))
        element = (
            element or scalar(document.get("slaDefaultElement")) or scalar(document.get("slaDefaultColumn"))
        )
        about = places.meant(element, objects) if objects else ()
        if about is None:
            reason = "the element is none of the contract's objects, so this is tied to no dataset"
            problems.append(
                Problem("unknown-element", reason, f"{field}.element", clip(element), fatal=False)
            )
            about = ()
        datasets = _datasets(stores, about, objects)
        found.extend(_facts(contract, name, level, entry, element, datasets))
    if stores and not any(_datasets(stores, objects, objects)):
        kinds = ", ".join(scalar(store.get("type")) for store in stores)
        reason = "the servers do not say where the data lies"
        problems.append(Problem("incomplete-server", reason, "servers", clip(kinds), fatal=False))
    yield from found
    for problem in problems:
        yield problem if found else Problem(problem.code, problem.reason, problem.field, problem.value)


def _property(entry: Mapping[str, Any]) -> str:
    """Return a property in small letters with hyphens; names are case-insensitive and have two-letter synonyms."""
    said = words(scalar(entry.get("property")))
    return _SHORT.get(said, _SHORT.get(said.replace("-", ""), said))


def _contract(
    key: str,
    document: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    origin: Origin,
    problems: list[Problem],
) -> _Contract:
    dates: dict[str, str] = {}
    for entry in entries:
        if _property(entry) in _DATES:
            dates.setdefault(_property(entry), scalar(entry.get("value")))
    begin = "general-availability" if dates.get("general-availability") else "contractCreatedTs"
    end = "end-of-support" if dates.get("end-of-support") else "end-of-life"
    said = {begin: dates.get(begin) or scalar(document.get("contractCreatedTs")), end: dates.get(end, "")}
    since, until = times(said, origin, problems.append)
    ground = "contract" if since is not None or until is not None else "import"
    if since is None and until is None and origin.label("effective_from"):
        labels = {
            "effective_from": origin.label("effective_from"),
            "effective_to": origin.label("effective_to"),
        }
        since, until = times(labels, origin, problems.append)
        ground = "file" if since is not None else "import"
    status = scalar(document.get("status"))
    if words(status) in _ENDED and until is None:
        reason = "the contract says that it has ended, but not when; add endOfSupport or endOfLife"
        problems.append(Problem("no-end", reason, "status", clip(status), fatal=False))
    titles = ("name", "dataProduct", "quantumName", "datasetName")
    title = next(filter(None, (scalar(document.get(field)) for field in titles)), key)
    product = scalar(document.get("dataProduct")) or scalar(document.get("quantumName"))
    return _Contract(
        key,
        title,
        scalar(document.get("version")),
        status,
        _owner(document),
        since,
        until,
        ground,
        (product,) if product else (),
    )


def _owner(document: Mapping[str, Any]) -> str:
    """Return the member who is owner and has not left, else the team; v2 calls the members stakeholders."""
    team = document.get("team") or document.get("stakeholders")
    members = team if isinstance(team, list) else items(mapping(team).get("members"))
    for member in map(mapping, members):
        if "owner" in words(scalar(member.get("role"))).split("-") and not member.get("dateOut"):
            return scalar(member.get("name")) or scalar(member.get("username"))
    return scalar(mapping(team).get("name"))


def _names(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a name for each property: its id or its own, with element, driver or number where that is not enough."""
    plain = [scalar(entry.get("id")) or _property(entry) for entry in entries]
    names = plain
    for field in ("element", "driver"):
        told = [
            f"{name}/{said}" if names.count(name) > 1 and (said := _told(entry, field)) else name
            for name, entry in zip(names, entries, strict=True)
        ]
        # What is the same for all that share a name tells none of them apart.
        if len(set(told)) > len(set(names)):
            names = told
    return [
        f"{name}/{names[: place + 1].count(name)}" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]


def _told(entry: Mapping[str, Any], field: str) -> str:
    return scalar(entry.get(field)) or (scalar(entry.get("column")) if field == "element" else "")


def _level(entry: Mapping[str, Any], field: str, origin: Origin, problems: list[Problem]) -> _Level | None:
    name, text, unit = _property(entry), scalar(entry.get("value")), scalar(entry.get("unit"))
    if not name or not text:
        missing = "value" if name else "property"
        problems.append(
            Problem("missing-field", f"the service level has no {missing}", f"{field}.{missing}", fatal=False)
        )
        return None
    measured, percentile = metric(name)
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        # The time of day by which data is there; seconds after midnight, in the zone it names.
        after = int(clock[1]) * 3_600 + int(clock[2]) * 60 + int(clock[3] or 0)
        return _Level(measured, "<=", float(after), "s", zone=clock[4] or "", window="P1D")
    try:
        read_ = amount(text, unit, measured, origin.label("decimal"))
    except MalformedError as error:
        problems.append(Problem(error.code, error.reason, f"{field}.value", clip(text), fatal=False))
        return None
    comparator = read_.comparator or direction(measured)
    if not comparator:
        reason = "the property does not tell whether more or less is better"
        problems.append(Problem("missing-comparator", reason, f"{field}.property", clip(name), fatal=False))
        return None
    return _Level(measured, comparator, read_.value, read_.unit, percentile)


def _datasets(
    stores: Iterable[Mapping[str, Any]], about: Sequence[places.Object], every: Sequence[places.Object]
) -> tuple[Key, ...]:
    physical = [one.physical for one in about] if every else [""]
    found = (places.place(store, name, alone=len(every) <= 1) for store in stores for name in physical)
    return tuple(dict.fromkeys(key for key in found if key is not None))


def _facts(
    contract: _Contract,
    name: str,
    level: _Level,
    entry: Mapping[str, Any],
    element: str,
    datasets: tuple[Key, ...],
) -> Iterator[Fact]:
    written = f"{scalar(entry.get('value'))} {scalar(entry.get('unit'))}".strip()
    text = f"{contract.title}: {level.metric} {level.comparator} {written}" + (
        f" ({element})" if element else ""
    )
    attributes: dict[str, Json] = {
        "metric": level.metric,
        "comparator": level.comparator,
        "target": level.target,
        "unit": level.unit,
        "percentile": level.percentile,
        "contract": contract.key,
        "version": contract.version,
        "status": contract.status,
        "draft": contract.draft or None,
        "document": contract.document,
        "owner": contract.owner,
        "as_written": written,
        "element": element,
        "driver": scalar(entry.get("driver")),
        "value_ext": scalar(entry.get("valueExt")),
        "description": scalar(entry.get("description")),
        "datasets": [f"{dataset.namespace} {dataset.name}" for dataset in datasets] or None,
    }
    said = {field: value for field, value in attributes.items() if value not in ("", None)}
    if contract.draft:
        # Of its own name, so that the version in force keeps what is said of it.
        drafted = f"{name} (draft {contract.version})" if contract.version else f"{name} (draft)"
        yield Entity(Key(Kind.SLA, contract.key, drafted), said)
        return
    key = Key(Kind.SLA, contract.key, name)
    yield Entity(key, said, at=contract.since)
    yield Objective(
        key,
        level.metric,
        level.comparator,
        level.target,
        level.unit,
        version=contract.version,
        percentile=level.percentile,
        window=level.window,
        rolling=not level.window,
        zone=level.zone,
        subjects=() if datasets else contract.subjects,
        datasets=datasets,
        since=contract.since,
        until=contract.until,
        ground=contract.ground,
        document=contract.document,
        owner=contract.owner,
        text=text,
    )
