"""Which checks did a Soda scan make of which tables, when, and with which outcome?

Scan results of Soda Core and Soda Library 3 (`--scan-results-file`). A check without an outcome was not evaluated: it
has no verdict. `warn` is a verdict that the data is bad, only less so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model.facts import Alias, Fact, Measured
from lineage.model.moment import Moment
from lineage.model.naming import dataset
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._agreement import mapping
from lineage.sources._checked import figure, limits, observed, table, told_dataset, untimed
from lineage.sources._said import Said, kept, opened

NAME = "soda"
FORMAT = "Soda scan results (Core and Library 3); JSON"
PROVES = ("what", "when")

_VERDICTS = {"pass": True, "fail": False, "warn": False}
_SCAN = frozenset({"scanStartTimestamp", "scanEndTimestamp", "dataTimestamp", "definitionName"})


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a scan result: its times and its list of checks."""
    if sample.listing:
        return 0.0
    value = sample.first_json
    said = mapping(value[0] if isinstance(value, list) and value else value)
    if said:
        return 0.95 if _is_scan(said) else 0.0
    text = sample.text
    cut = not sample.whole and text.lstrip()[:1] == "{"
    return 0.9 if cut and '"scanStartTimestamp"' in text and '"definitionName"' in text else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into scans: the whole file, the items of a list, or one a line."""
    del origin
    yield from framing.json_values(given)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what the checks of a scan found."""
    said = opened(record, origin.label("timezone"))
    if isinstance(said, Problem):
        yield said
        return
    if not _is_scan(said.body):
        yield Problem("not-a-scan", "this is no result of a Soda scan")
        return
    at = said.time("scanEndTimestamp", "scanStartTimestamp", "dataTimestamp") or observed(origin)
    if isinstance(at, Problem) or at is None:
        yield at or untimed("the scan", "scanEndTimestamp")
        return
    measured = {one.text("identity"): one for one in said.each("metrics")}
    told: list[Fact] = []
    for listed in ("checks", "automatedMonitoringChecks"):
        for one in said.each(listed):
            told.extend(_check(one, said, at, measured, origin))
    yield from told
    for problem in said.problems:
        yield problem if told else Problem(problem.code, problem.reason, problem.field, problem.value)
    if not told and not said.problems:
        yield Filtered("no-checks")


def _is_scan(said: Mapping[str, Any]) -> bool:
    return isinstance(said.get("checks"), list) and bool(_SCAN & said.keys())


def _check(one: Said, scan: Said, at: Moment, measured: Mapping[str, Said], origin: Origin) -> Iterator[Fact]:
    source = one.text("dataSource") or scan.text("defaultDataSource")
    name = one.text("table")
    title = one.text("name") or one.text("definition")
    if not (name or told_dataset(origin)) or not title:
        field = "name" if name else "table"
        one.wrong("missing-field", f"the check has no {field}", field, title or name)
        return
    subject = table("soda", source, name, origin)
    outcome = one.text("outcome").lower()
    if outcome and outcome not in _VERDICTS:
        one.wrong("unknown-outcome", "Soda has no such outcome that is known here", "outcome", outcome)
    metric = next(
        (measured[named].text("metricName") for named in one.texts("metrics") if named in measured), ""
    )
    column = one.text("column")
    diagnostics = one.part("diagnostics")
    value = figure(diagnostics.body.get("value"))
    reasons = [mapping(reason).get("message") for reason in one.entries("outcomeReasons")]
    detail = kept(
        {
            "name": title,
            "column": column,
            "fails_when": limits(diagnostics.part("fail").body),
            "warns_when": limits(diagnostics.part("warn").body),
            "scan": scan.text("definitionName"),
            "identity": one.text("identity"),
            "data_time": scan.text("dataTimestamp"),
            "reasons": "; ".join(reason for reason in reasons if isinstance(reason, str))[:500],
        }
    )
    severity = {"warn": "warn", "fail": "error"}.get(outcome, "")
    yield Measured(subject, metric or title, at, value, "", _VERDICTS.get(outcome), severity, detail=detail)
    if name and source and origin.label("dataset_namespace") and not origin.label("dataset"):
        yield Alias(subject, dataset(f"soda:{source}", name), "import-label")
