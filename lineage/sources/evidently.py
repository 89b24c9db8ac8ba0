"""What did an Evidently report or test suite measure: drift, quality, and which tests failed?

`json()` of reports and test suites of 0.2 to 0.6, of runs of 0.7 and later. Those of 0.7 hold neither time nor dataset
nor, outside tests, a verdict. The first two are told with the import (labels `observed_at` and `dataset`) or the report
is not read; the verdict on drift follows from value and threshold by the tool's own rule and is marked as computed: a
p-value below its threshold is drift, a distance at or above it, and a share of drifted columns at or above its limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model.facts import Fact, Key, Measured
from lineage.model.moment import Moment
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._agreement import mapping
from lineage.sources._checked import figure, observed, told_dataset, untimed
from lineage.sources._said import Said, kept, opened

NAME = "evidently"
FORMAT = (
    "Evidently reports and test suites as JSON, 0.2 to 0.7; time and dataset by label where the file has none"
)
PROVES = ("what", "when")

_TYPE = re.compile(r'"(?:type|metric_name)"\s*:\s*"(?:evidently:metric|[A-Za-z]+\([^"]*\)")')
_STATUSES = {"success": True, "pass": True, "fail": False, "warning": False}


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is one of its reports: metrics or tests in its shape."""
    if sample.listing:
        return 0.0
    value = sample.first_json
    said = mapping(value[0] if isinstance(value, list) and value else value)
    if said:
        return 0.95 if _is_report(said) else 0.0
    text = sample.text
    cut = not sample.whole and text.lstrip()[:1] == "{"
    return 0.85 if cut and '"metrics"' in text[:2_000] and _TYPE.search(text) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into reports: the whole file, the items of a list, or one a line."""
    del origin
    yield from framing.json_values(given)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what the metrics and tests of a report found."""
    said = opened(record, origin.label("timezone"))
    if isinstance(said, Problem):
        yield said
        return
    if not _is_report(said.body):
        yield Problem("not-a-report", "this is no report or test suite of Evidently")
        return
    at = said.time("timestamp", "datetime", "date_time") or observed(origin)
    if isinstance(at, Problem) or at is None:
        yield at or untimed("the report", "timestamp")
        return
    subject = told_dataset(origin)
    if subject is None:
        reason = "the report does not name the data it is about; import it with `--label dataset=ADDRESS`"
        yield Problem("missing-dataset", reason, "metadata.dataset")
        return
    told: list[Fact] = []
    for one in said.each("metrics"):
        told.extend(_metric(one, subject, at))
    for one in said.each("tests"):
        told.extend(_test(one, subject, at))
    yield from told
    for problem in said.problems:
        yield problem if told else Problem(problem.code, problem.reason, problem.field, problem.value)
    if not told and not said.problems:
        yield Filtered("nothing-measured")


def _is_report(said: Mapping[str, Any]) -> bool:
    metrics, tests = said.get("metrics"), said.get("tests")
    for one in map(mapping, metrics if isinstance(metrics, list) else ()):
        if "metric_name" in one and "config" in one:
            return True
        if isinstance(one.get("metric"), str) and isinstance(one.get("result"), dict):
            return True
    summary = mapping(said.get("summary"))
    return isinstance(tests, list) and "all_passed" in summary and "by_status" in summary


def _metric(one: Said, subject: Key, at: Moment) -> Iterator[Fact]:
    if "result" in one.body:
        yield from _old_metric(one, subject, at)
        return
    config = one.part("config")
    name = config.text("type").rpartition(":")[2] or one.text("metric_name").partition("(")[0]
    if not name:
        one.wrong("missing-field", "the metric has no name", "metric_name", "")
        return
    column, method = config.text("column"), config.text("method")
    threshold = figure(config.body.get("threshold"))
    values = one.body.get("value")
    parts = values if isinstance(values, dict) else {"": values}
    share = figure(config.body.get("drift_share"))
    for part, said in parts.items():
        value = figure(said)
        success, rule = None, ""
        if name == "ValueDrift" and value is not None and threshold is not None:
            success, rule = _drift(value, threshold, method)
        elif name == "DriftedColumnsCount" and part == "share" and value is not None and share is not None:
            success, rule = value < share, "share of drifted columns below drift_share"
        limit = share if name == "DriftedColumnsCount" else threshold
        detail = {"column": column, "method": method, "threshold": limit, "part": part, "computed": rule}
        if value is not None:
            yield from _found(subject, name, at, (value, success), detail)


def _drift(value: float, threshold: float, method: str) -> tuple[bool, str]:
    if re.search(r"p[-_ ]?value", method, re.IGNORECASE):
        return value >= threshold, "p-value at or above the threshold"
    return value < threshold, "distance below the threshold"


def _old_metric(one: Said, subject: Key, at: Moment) -> Iterator[Fact]:
    """0.2 to 0.6: the result says itself what drifted."""
    name, result = one.text("metric") or "metric", one.part("result")
    if "dataset_drift" in result.body:
        drifted = result.body.get("dataset_drift")
        detail = {"threshold": figure(result.body.get("drift_share")), "part": "share_of_drifted_columns"}
        value = figure(result.body.get("share_of_drifted_columns"))
        success = None if not isinstance(drifted, bool) else not drifted
        yield from _found(subject, name, at, (value, success), detail)
    columns = result.part("drift_by_columns")
    drifts = [columns.part(column) for column in columns.body]
    if "drift_detected" in result.body:
        drifts.append(result)
    for said in drifts:
        drifted = said.body.get("drift_detected")
        detail = {
            "column": said.text("column_name"),
            "method": said.text("stattest_name"),
            "threshold": figure(said.body.get("stattest_threshold")),
        }
        success = None if not isinstance(drifted, bool) else not drifted
        yield from _found(subject, name, at, (figure(said.body.get("drift_score")), success), detail)
    if not drifts and "dataset_drift" not in result.body:
        for part, said_ in (*result.body.items(), *mapping(result.body.get("current")).items()):
            value = figure(said_)
            if value is not None:
                yield from _found(subject, name, at, (value, None), {"part": part})


def _test(one: Said, subject: Key, at: Moment) -> Iterator[Fact]:
    status = one.text("status").rpartition(".")[2].lower()
    name = one.text("name")
    if not name:
        one.wrong("missing-field", "the test has no name", "name", "")
        return
    parameters = one.part("parameters")
    config = one.part("metric_config")
    column = parameters.text("column_name") or config.part("params").text("column")
    detail = {"name": name, "column": column, "status": status, "reasons": one.text("description")}
    severity = {"warning": "warn", "fail": "error"}.get(status, "")
    value = figure(parameters.body.get("value"))
    yield from _found(subject, name, at, (value, _STATUSES.get(status)), detail, severity)


def _found(
    subject: Key,
    name: str,
    at: Moment,
    said: tuple[float | None, bool | None],
    detail: Mapping[str, Any],
    severity: str = "",
) -> Iterator[Fact]:
    value, success = said
    yield Measured(subject, name, at, value, "", success, severity, detail=kept(detail))
