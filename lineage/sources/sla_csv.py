"""Which service levels does a list promise: one a row, with service, metric, target, unit and days?

Any list whose header names a service (or dataset), a metric and a target in one of the usual spellings. What a list
leaves out is taken only where there is one reading: the comparator from the metric, percent from a share above 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._csv_rows import first_header, rows, said_in, spelling
from lineage.sources._listed_promise import promise

NAME = "sla-csv"
HEADED = True
FORMAT = "Lists of service levels (CSV): service, metric, target, unit, valid_from, valid_to"
PROVES = ("sla",)

_COLUMNS = {
    "service": "service|service name|endpoint|application|app|subject|deployment|dienst|serwis",
    "dataset": "dataset|data set|table|dataset uri|datensatz",
    "metric": "metric|sli|indicator|measure|kpi|property|metryka|kennzahl",
    "name": "name|id|sla|slo|sla id|slo id|sla name|slo name|objective name|agreement",
    "target": "target|target value|slo target|sla target|threshold|goal|limit|objective|objective value|ziel"
    "|zielwert|cel|value",
    "unit": "unit|units|uom|einheit|jednostka",
    "comparator": "comparator|operator|op|comparison|direction",
    "percentile": "percentile|quantile",
    "window": "window|time window|period|measurement window|measurement period|interval",
    "zone": "zone|timezone|time zone",
    "since": "valid from|from|effective from|since|start|start date|begin|effective date|gültig ab|gueltig ab|ważne od"
    "|in force from",
    "until": "valid to|to|effective to|until|end|end date|valid until|effective until|expires|expiry|expiry date"
    "|gültig bis|gueltig bis|ważne do|in force to|in force until",
    "version": "version|revision|contract version|sla version",
    "owner": "owner|responsible|team|verantwortlich",
    "document": "document|contract|source document|reference",
    "status": "status|state",
    "text": "description|text|comment|note|notes|remark|remarks",
}
_SYNONYMS = {name: column for column, names in _COLUMNS.items() for name in names.split("|")}
_FOREIGN = frozenset(
    {
        "opened at",
        "resolved at",
        "incident",
        "incident number",
        "number",
        "priority",
        "timestamp",
        "ts",
        "time",
        "date",
    }
    | {"measured at", "observed at", "created at"}
)
"""Columns of lists of incidents and of measurements, which may also hold a service, a metric and a value."""

_DRAFT = frozenset({"draft", "proposed", "planned", "in review", "entwurf"})


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a list of service levels: a subject, a metric and a target in its header."""
    if sample.listing or sample.text.lstrip()[:1] in {"{", "[", "<"}:
        return 0.0
    header = first_header(sample.text, _SYNONYMS)
    if header is None or _FOREIGN & set(map(spelling, header.names)):
        return 0.0
    columns = set(header.columns)
    if not ({"service", "dataset"} & columns and "target" in columns):
        return 0.0
    weak = spelling(header.names[header.columns.index("target")]) == "value"
    if "metric" in columns:
        return 0.0 if weak and not {"since", "until", "comparator"} & columns else 0.9
    return 0.6 if "name" in columns and not weak and {"unit", "since"} & columns else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into the header and the rows."""
    del origin
    yield from rows(given, _SYNONYMS)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a row promises."""
    said = said_in(record)
    if not isinstance(said, dict):
        yield said
        return
    if said.get("status", "").lower() in _DRAFT:
        yield Filtered("draft")
        return
    yield from promise(said, record.parsed.header.units.get("target", ""), origin)
