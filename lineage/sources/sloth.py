"""Which service level objectives does Sloth guard, of which service?

Sloth's own specification `prometheus/v1` and its Kubernetes resource `PrometheusServiceLevel` (sloth.slok.dev/v1). An
objective is the percentage of good events over a rolling window; Sloth's window is 30 days unless it is started with
another, which the label `slo_period` then says. It names no dates: labels `effective_from` and `effective_to` do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model.facts import Entity, Fact, Json, Key, Objective
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._agreement import mapping, number, scalar, words
from lineage.sources._agreement_names import named_metric
from lineage.sources._agreement_times import times, window
from lineage.sources._said import Said, kept, opened
from lineage.text import MalformedError, clip

NAME = "sloth"
FORMAT = (
    "Sloth service levels: prometheus/v1 and the Kubernetes resource PrometheusServiceLevel; YAML or JSON"
)
PROVES = ("sla",)

_OWN = re.compile(r"""^["']?version["']?:[ \t]*["']?prometheus/v\d""", re.MULTILINE)
_RESOURCE = re.compile(r"""["']?apiVersion["']?:[ \t]*["']?sloth\.slok\.dev/v\d""")


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are Sloth's service levels: by version or resource."""
    if sample.listing:
        return 0.0
    value = mapping(sample.first_json)
    if value:
        return 0.95 if _is_own(value) or _is_resource(value) else 0.0
    text = sample.text
    return 0.95 if (_OWN.search(text) and "slos:" in text) or _RESOURCE.search(text) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into documents: YAML's, or a JSON list's items."""
    del origin
    yield from framing.documents(given)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what the objectives of one document promise."""
    said = opened(record, origin.label("timezone"))
    if isinstance(said, Problem):
        yield said
    elif _is_own(said.body):
        yield from _levels(said, said.part("labels"), origin)
    elif _is_resource(said.body):
        yield from _levels(said.part("spec"), said.part("spec").part("labels"), origin)
    else:
        yield Filtered("not-sloth")


def _is_own(said: Mapping[str, Any]) -> bool:
    return scalar(said.get("version")).startswith("prometheus/v") and "slos" in said


def _is_resource(said: Mapping[str, Any]) -> bool:
    group = scalar(said.get("apiVersion")).partition("/")[0]
    return group == "sloth.slok.dev" and scalar(said.get("kind")) == "PrometheusServiceLevel"


def _levels(said: Said, labels: Said, origin: Origin) -> Iterator[Fact | Problem]:
    service = said.text("service")
    if not service:
        yield Problem("missing-field", "the service level names no service", said.place("service"))
        return
    period = window(origin.label("slo_period", "30d"))
    if not period:
        reason = "this is no time window; write a number and d, w or M"
        yield Problem("bad-window", reason, "label slo_period", clip(origin.label("slo_period")))
        return
    notes: list[Problem] = []
    dates = {name: origin.label(name) for name in ("effective_from", "effective_to")}
    since, until = times(dates, origin, notes.append)
    found: list[Fact] = []
    for one in said.each("slos"):
        name, text = one.text("name"), one.text("objective")
        share = _share(one, text)
        if not name:
            one.wrong("missing-field", "the objective has no name", "name", "")
        if not name or share is None:
            continue
        told = named_metric([name], [one.text("description")])
        metric, percentile = told or (words(name), None)
        key = Key(Kind.SLA, service, name)
        owner = one.part("labels").text("owner") or labels.text("owner", "team")
        sli = one.part("sli")
        attributes: dict[str, Json] = kept(
            {
                "service": service,
                "metric": metric,
                "comparator": ">=",
                "target": share,
                "unit": "ratio",
                "window": period,
                "window_ground": "label slo_period" if origin.label("slo_period") else "default of Sloth",
                "description": one.text("description"),
                "indicator": next((kind for kind in ("events", "raw", "plugin") if sli.body.get(kind)), ""),
                "owner": owner,
                "document": f"Sloth {service}",
            }
        )
        found.append(Entity(key, attributes, at=since))
        found.append(
            Objective(
                key,
                metric,
                ">=",
                share,
                "ratio",
                percentile=percentile,
                window=period,
                method="occurrences" if sli.body.get("events") else "",
                subjects=(service,),
                since=since,
                until=until,
                ground="file" if since is not None or until is not None else "import",
                document=f"Sloth {service}",
                owner=owner,
                text=f"{service}: {name} >= {text} % over a rolling {period}",
            )
        )
    yield from found
    if not found and not said.problems:
        said.wrong("missing-field", "the document has no objectives", "slos", "")
    for problem in (*said.problems, *notes):
        yield problem if found else Problem(problem.code, problem.reason, problem.field, problem.value)


def _share(one: Said, text: str) -> float | None:
    """Return the objective as a ratio; Sloth writes percent (0 < objective <= 100)."""
    try:
        percent = number(text, ".")
    except MalformedError as error:
        one.wrong(error.code if text else "missing-field", error.reason, "objective", text)
        return None
    if not 0 < percent <= 100:
        one.wrong("out-of-range", "an objective is a percentage above 0 and up to 100", "objective", text)
        return None
    return float(percent / 100)
