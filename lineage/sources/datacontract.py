"""What does a contract of the Data Contract Specification promise about which datasets?

Data Contract Specification 0.9.x and 1.x: `servicelevels` on the datasets that `servers` and `models` place, and the
quality rules of each model. It names no dates: the labels `effective_from` and `effective_to` do. What is promised in
words only (a cron expression, opening hours) is no objective. A draft promises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from lineage import framing
from lineage.model.facts import Entity, Fact, Json, Key, Objective
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _agreement_places as places
from lineage.sources._agreement import amount, mapping, scalar, words
from lineage.sources._agreement_times import times
from lineage.sources._said import Said, kept, opened
from lineage.text import MalformedError, clip

NAME = "datacontract"
FORMAT = "Data Contract Specification 0.9.x and 1.x; YAML or JSON"
PROVES = ("sla",)

_KEY = re.compile(r"""^["'{ \t]*dataContractSpecification["']?\s*:""", re.MULTILINE)
_LEVELS = (
    ("availability", "percentage", "availability", ">="),
    ("retention", "period", "retention", ">="),
    ("latency", "threshold", "latency", "<="),
    ("freshness", "threshold", "freshness", "<="),
    ("frequency", "interval", "frequency", "<="),
    ("support", "responseTime", "time-to-respond", "<="),
    ("backup", "interval", "backup-frequency", "<="),
    ("backup", "recoveryTime", "rto", "<="),
    ("backup", "recoveryPoint", "rpo", "<="),
)
"""Where each level stands, its metric, and which way it is kept (datacontract-specification, "Service Levels")."""

_FIELDS = ("timestampField", "sourceTimestampField", "processedTimestampField")
_INTERVALS = {
    "hourly": "1 hour",
    "daily": "1 day",
    "weekly": "1 week",
    "monthly": "1 month",
    "yearly": "1 year",
}
_DRAFTS = frozenset({"draft", "proposed", "in-development", "development", "test", "in-review"})


class _Contract(NamedTuple):
    key: str
    title: str
    version: str
    status: str
    owner: str
    since: Moment | None
    until: Moment | None

    @property
    def document(self) -> str:
        return f"data contract {self.title}" + (f" version {self.version}" if self.version else "")


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is such a contract, and no JSON schema of one: by its first key."""
    if sample.listing:
        return 0.0
    value = mapping(sample.first_json)
    if value:
        return 0.95 if "dataContractSpecification" in value and "$schema" not in value else 0.0
    text = sample.text
    return 0.95 if _KEY.search(text) and "$schema" not in text[:500] else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into documents: one contract each."""
    del origin
    yield from framing.documents(given)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what the service levels of a contract promise, and which quality its models are to have."""
    said = opened(record, origin.label("timezone"))
    if isinstance(said, Problem):
        yield said
        return
    if "dataContractSpecification" not in said.body:
        yield Filtered("not-a-data-contract")
        return
    key = said.text("id")
    if not key:
        yield Problem("missing-field", "the contract has no id", "id")
        return
    info = said.part("info")
    dates = {name: origin.label(name) for name in ("effective_from", "effective_to")}
    since, until = times(dates, origin, said.problems.append)
    contract = _Contract(
        key,
        info.text("title") or key,
        info.text("version"),
        info.text("status"),
        info.text("owner"),
        since,
        until,
    )
    models = said.part("models")
    objects = tuple(_object(name, models.part(name)) for name in models.body)
    stores = places.servers(said.body)
    told = list(_levels(contract, said, objects, stores, origin))
    told += _quality(contract, said, models, objects, stores)
    yield from told
    for problem in said.problems:
        yield problem if told else Problem(problem.code, problem.reason, problem.field, problem.value)
    if not told and not said.problems:
        yield Filtered("no-service-levels")


def _object(name: str, model: Said) -> places.Object:
    columns = frozenset(model.part("fields").body)
    return places.Object(frozenset({name, model.text("title")} - {""}), name, columns)


def _datasets(
    stores: Iterable[Mapping[str, Any]], about: Iterable[places.Object], every: tuple[places.Object, ...]
) -> tuple[Key, ...]:
    physical = [one.physical for one in about] if every else [""]
    found = (places.place(store, name, alone=len(every) <= 1) for store in stores for name in physical)
    return tuple(dict.fromkeys(key for key in found if key is not None))


def _levels(
    contract: _Contract,
    said: Said,
    objects: tuple[places.Object, ...],
    stores: list[Mapping[str, Any]],
    origin: Origin,
) -> Iterator[Fact]:
    levels = said.part("servicelevels")
    for part, field, metric, comparator in _LEVELS:
        level = levels.part(part)
        text = level.text(field)
        if not text:
            continue
        element = next((level.text(one) for one in _FIELDS if level.text(one)), "")
        about = places.meant(element, objects) if element else objects
        if about is None:
            reason = "the field is in none of the contract's models, so this is tied to all of them"
            level.wrong("unknown-element", reason, _FIELDS[0], element)
            about = objects
        datasets = _datasets(stores, about, objects)
        if stores and not datasets:
            level.wrong("incomplete-server", "the servers do not say where the data lies", field, element)
        written = _INTERVALS.get(text.lower(), text)
        try:
            promised = amount(written, "", metric, origin.label("decimal"))
        except MalformedError as error:
            level.wrong(error.code, error.reason, field, text)
            continue
        if promised.unit not in ("s", "ratio"):
            level.wrong("bad-unit", "this is neither a share nor a length of time", field, text)
            continue
        yield from _objective(
            contract,
            metric,
            promised.comparator or comparator,
            promised,
            (text, level.text("description")),
            datasets,
        )


def _objective(
    contract: _Contract,
    metric: str,
    comparator: str,
    promised: Any,
    words_: tuple[str, str],
    datasets: tuple[Key, ...],
) -> Iterator[Fact]:
    written, description = words_
    draft = words(contract.status) in _DRAFTS
    attributes: dict[str, Json] = kept(
        {
            "metric": metric,
            "comparator": comparator,
            "target": promised.value,
            "unit": promised.unit,
            "contract": contract.key,
            "version": contract.version,
            "status": contract.status,
            "draft": True if draft else None,
            "document": contract.document,
            "owner": contract.owner,
            "as_written": written,
            "description": description,
            "datasets": [f"{one.namespace} {one.name}" for one in datasets],
        }
    )
    if draft:
        # Of its own name, so that the version in force keeps what is said of it.
        named = f"{metric} (draft {contract.version})" if contract.version else f"{metric} (draft)"
        yield Entity(Key(Kind.SLA, contract.key, named), attributes)
        return
    key = Key(Kind.SLA, contract.key, metric)
    yield Entity(key, attributes, at=contract.since)
    yield Objective(
        key,
        metric,
        comparator,
        promised.value,
        promised.unit,
        version=contract.version,
        subjects=() if datasets else (contract.key,),
        datasets=datasets,
        since=contract.since,
        until=contract.until,
        ground="file" if contract.since or contract.until else "import",
        document=contract.document,
        owner=contract.owner,
        text=f"{contract.title}: {metric} {comparator} {written}",
    )


def _quality(
    contract: _Contract,
    said: Said,
    models: Said,
    objects: tuple[places.Object, ...],
    stores: list[Mapping[str, Any]],
) -> Iterator[Fact]:
    """Yield the quality rules of each model as what is said of its datasets; a result of them is another record."""
    for one in objects:
        model = models.part(one.physical)
        rules = [_rule(rule) for rule in model.each("quality")]
        fields = model.part("fields")
        for name in fields.body:
            rules += [{"column": name, **_rule(rule)} for rule in fields.part(name).each("quality")]
        whole = mapping(said.body.get("quality"))
        if whole and len(objects) == 1:
            rules.append(
                kept({"type": scalar(whole.get("type")), "rule": clip(whole.get("specification"), 500)})
            )
        if not rules:
            continue
        for key in _datasets(stores, (one,), objects):
            yield Entity(key, kept({"contract": contract.document, "quality_rules": rules}))


def _rule(rule: Said) -> dict[str, Json]:
    limits = {name: value for name, value in rule.body.items() if name.startswith("mustBe")}
    shown = {
        name: clip(value) if isinstance(value, (dict, list)) else value for name, value in limits.items()
    }
    return kept({"type": rule.text("type"), "description": rule.text("description"), **shown})
