"""Which objectives does Google's slo-generator compute, and what did its reports measure?

Configurations `sre.google.com/v2` and those of version 1 (`slo_target`), YAML or JSON; reports as exported to JSON. A
configuration names no window (its error budget policy does), a report is of one: what it measured is the share of good
events in the window that ends at its timestamp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model.facts import Entity, Fact, Key, Measured, Objective
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._agreement import mapping, number, scalar, words
from lineage.sources._agreement_names import named_metric
from lineage.sources._agreement_times import times
from lineage.sources._said import Said, kept, opened
from lineage.text import MalformedError

NAME = "slo-generator"
FORMAT = "slo-generator configurations (sre.google.com/v2 and version 1) and report JSON"
PROVES = ("sla", "what", "when")

_V2 = re.compile(r"""["']?apiVersion["']?:[ \t]*["']?sre\.google\.com/v\d""")
_V1 = (re.compile(r"^slo_target:", re.MULTILINE), re.compile(r"^(?:service_name|slo_name):", re.MULTILINE))


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a configuration or a report of it."""
    if sample.listing:
        return 0.0
    value = sample.first_json
    said = mapping(value[0] if isinstance(value, list) and value else value)
    if said:
        return 0.95 if _is_config(said) or _is_report(said) else 0.0
    text = sample.text
    return 0.95 if _V2.search(text) else 0.8 if all(one.search(text) for one in _V1) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into documents: YAML's, a JSON list's items, or one a line."""
    del origin
    yield from framing.documents(given)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a configuration promises, or what a report promises and measured."""
    said = opened(record, origin.label("timezone"))
    if isinstance(said, Problem):
        yield said
        return
    told: list[Fact] = []
    if _is_report(said.body):
        told = list(_report(said))
    elif _is_config(said.body):
        kind = said.text("kind")
        if kind not in ("", "ServiceLevelObjective"):
            yield Filtered(words(kind))
            return
        told = list(_config(said, origin))
    else:
        yield Filtered("not-slo-generator")
        return
    yield from told
    for problem in said.problems:
        yield problem if told else Problem(problem.code, problem.reason, problem.field, problem.value)


def _is_config(said: Mapping[str, Any]) -> bool:
    if scalar(said.get("apiVersion")).startswith("sre.google.com/"):
        return True
    return "slo_target" in said and "slo_name" in said and "service_name" in said


def _is_report(said: Mapping[str, Any]) -> bool:
    return "sli_measurement" in said and "window" in said and bool({"goal", "slo_target"} & said.keys())


def _share(said: Said, *names: str) -> float | None:
    name = next((name for name in names if said.body.get(name) is not None), names[0])
    text = said.text(name)
    try:
        share = number(text, ".")
    except MalformedError as error:
        said.wrong(error.code if text else "missing-field", error.reason, name, text)
        return None
    if not 0 <= share <= 1:
        said.wrong("out-of-range", "a share of good events lies between 0 and 1", name, text)
        return None
    return float(share)


def _key(said: Said, labels: Said, name: str) -> Key | None:
    """Return the key: the service and the name; version 1 and reports of it name service, feature and objective."""
    service = labels.text("service_name") or said.text("service_name")
    parts = [
        part
        for field in ("service_name", "feature_name", "slo_name")
        if (part := labels.text(field) or said.text(field))
    ]
    title = name or "-".join(parts)
    if not title:
        said.wrong("missing-field", "the objective has no name", "metadata.name", "")
        return None
    return Key(Kind.SLA, service, title)


def _config(said: Said, origin: Origin) -> Iterator[Fact]:
    metadata, spec = said.part("metadata"), said.part("spec")
    labels = metadata.part("labels")
    body = spec if spec.body else said
    key = _key(said, labels, metadata.text("name"))
    share = _share(body, "goal", "slo_target")
    if key is None or share is None:
        return
    dates = {name: origin.label(name) for name in ("effective_from", "effective_to")}
    since, until = times(dates, origin, said.problems.append)
    description = body.text("description", "slo_description")
    yield from _objective(
        key,
        share,
        [labels.text("slo_name") or said.text("slo_name"), key.name],
        description,
        Objective(
            key, "", ">=", share, "ratio", since=since, until=until, ground="file" if since else "import"
        ),
    )


def _objective(key: Key, share: float, names: list[str], description: str, rest: Objective) -> Iterator[Fact]:
    metric, percentile = named_metric(names, [description]) or (words(names[0] or key.name), None)
    service = key.namespace
    document = f"slo-generator {key.name}"
    attributes = kept(
        {
            "service": service,
            "metric": metric,
            "comparator": ">=",
            "target": share,
            "unit": "ratio",
            "window": rest.window,
            "description": description,
            "document": document,
        }
    )
    yield Entity(key, attributes, at=rest.since)
    yield Objective(
        key,
        metric,
        ">=",
        share,
        "ratio",
        percentile=percentile,
        window=rest.window,
        method=rest.method,
        subjects=(service,) if service else (),
        since=rest.since,
        until=rest.until,
        ground=rest.ground,
        document=document,
        text=f"{service or key.name}: {share * 100:.10g} % of events are good ({metric})",
    )


def _report(said: Said) -> Iterator[Fact]:
    metadata = said.part("metadata")
    labels = metadata.part("labels")
    key = _key(said, labels, said.text("name") or metadata.text("name"))
    share, measured = _share(said, "goal", "slo_target"), _share(said, "sli_measurement")
    at = said.time("timestamp", "timestamp_human")
    length = said.body.get("window")
    if at is None and not said.problems:
        said.wrong("missing-time", "the report has no time", "timestamp", "")
    if key is None or share is None or at is None:
        return
    seconds = length if isinstance(length, int) and not isinstance(length, bool) and length > 0 else 0
    if not seconds:
        said.wrong("bad-window", "the window is a number of seconds", "window", length)
    span = (
        f"P{seconds // 86_400}D" if seconds and seconds % 86_400 == 0 else f"PT{seconds}S" if seconds else ""
    )
    # Of its own name: one objective is reported for each window of the error budget policy.
    named = Key(Kind.SLA, key.namespace, f"{key.name}/{span}") if span else key
    description = said.text("description", "slo_description")
    yield from _objective(
        named,
        share,
        [labels.text("slo_name") or said.text("slo_name"), key.name],
        description,
        Objective(named, "", ">=", share, "ratio", window=span),
    )
    if measured is None:
        return
    detail = kept(
        {
            "window_seconds": seconds,
            "good": said.body.get("good_events_count"),
            "bad": said.body.get("bad_events_count"),
            "total": said.body.get("events_count"),
            "goal": share,
            "backend": said.text("backend"),
        }
    )
    plain = {name: value for name, value in detail.items() if not isinstance(value, (dict, list))}
    yield Measured(named, "sli", at, measured, "ratio", measured >= share, detail=plain)
