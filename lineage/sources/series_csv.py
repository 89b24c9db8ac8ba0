"""Which values over time does a table give: one row a sample (long), or one column a series (wide)?

Times without a zone are read in the one that the label `timezone` names, else UTC is assumed and marked. A local time
that a clock change repeats or leaves out, a date that can be read in two ways, and a number whose comma may part
thousands are problems: such a sample is left out, so that it is not measured rather than measured wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from lineage.model.facts import Fact, Json
from lineage.model.moment import Moment, from_milliseconds, from_seconds
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._agreement import metric as metric_of
from lineage.sources._agreement import number, time_factor
from lineage.sources._agreement_times import AmbiguousDateError, moment_of
from lineage.sources._csv_rows import Row, first_header, rows, spelling
from lineage.sources._samples import Samples, facts, kept_or_lost, monitor, unit_of
from lineage.text import MalformedError

NAME = "series-csv"
HEADED = True
FORMAT = "Series of measurements (CSV): a time with value and metric columns, or one column a series"
PROVES = ("what", "when", "sla")

_COLUMNS = {
    "time": "timestamp|time|ts|datetime|date time|date|measured at|observed at|recorded at|sampled at|at|zeit"
    "|zeitpunkt|zeitstempel|datum|czas|data| time",
    "value": "value|val|reading|measurement|measured value|wert|messwert|wartość| value",
    "metric": "metric|sli|indicator|series|measure|metric name|kpi|metryka|kennzahl|messgröße|field",
    "unit": "unit|units|einheit|jednostka",
}
_SYNONYMS = {name.strip(): column for column, names in _COLUMNS.items() for name in names.split("|")}
_BRACKETS = re.compile(r"(.+?)\s*[\[(]([^\])]+)[\])]")
_EPOCH = re.compile(r"\d{9,19}(?:\.\d+)?")
_NUMBER = re.compile(r"[+-]?[\d.,'\u2019\u00a0\u202f ]*\d(?:[eE][+-]?\d+)?\s*[%‰]?")
_NONE = frozenset({"nan", "null", "none", "na", "n/a", "-", "inf", "+inf", "-inf", "undefined"})
_SHARES = {"%": Decimal("0.01"), "percent": Decimal("0.01"), "‰": Decimal("0.001"), "ratio": Decimal(1)}
_MOST = 1_000


class _Chunk(NamedTuple):
    """Consecutive rows as one record: what is known of each, and the line it begins on."""

    rows: tuple[Row, ...]
    lines: tuple[int, ...]


class _Series(NamedTuple):
    metric: str
    labels: dict[str, str]
    unit: str
    samples: Samples


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a table of measurements: a time, and numbers below every other column."""
    if sample.listing or sample.text.lstrip()[:1] in {"{", "[", "<"}:
        return 0.0
    header = first_header(sample.text, _SYNONYMS)
    if header is None or header.columns.count("time") != 1:
        return 0.0
    lines = [line for line in sample.text.splitlines() if line.strip() and not line.startswith("#")][1:6]
    cut = [[cell.strip().strip('"') for cell in line.split(header.delimiter)] for line in lines]
    timed = [line[header.columns.index("time")] for line in cut if len(line) == len(header.columns)]
    if not timed or not any(
        _EPOCH.fullmatch(text) or re.match(r"\d+[./-]\d+[./-]\d+", text) for text in timed
    ):
        return 0.0
    if "value" in header.columns:
        place = header.columns.index("value")
        numbers = [line[place] for line in cut if len(line) == len(header.columns)]
        return 0.7 if any(_NUMBER.fullmatch(text) for text in numbers) else 0.0
    others = [place for place, column in enumerate(header.columns) if column != "time"]
    told = [line[place] for line in cut if len(line) == len(header.columns) for place in others]
    plain = [text for text in told if text and text.lower() not in _NONE]
    return 0.6 if plain and all(map(_NUMBER.fullmatch, plain)) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into the header and pieces of at most 1,000 rows, counted from the first: a file that grows keeps them."""
    del origin
    held: list[Record] = []
    for item in rows(given, _SYNONYMS):
        known = isinstance(item, Record) and isinstance(item.parsed, Row)
        follows = held and isinstance(item, Record) and item.offset == held[-1].offset + len(held[-1].raw)
        if held and (not known or not follows or len(held) >= _MOST):
            yield _joined(held)
            held = []
        if known and isinstance(item, Record):
            held.append(item)
        else:
            yield item
    if held:
        yield _joined(held)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what the rows of one piece measured, one series a metric and set of labels."""
    chunk = record.parsed
    if not isinstance(chunk, _Chunk):
        yield Filtered("header")
        return
    found: dict[tuple[str, str], _Series] = {}
    lost = Samples()
    assumed = False
    header = chunk.rows[0].header
    if header.columns.count("time") != 1:
        yield Problem("missing-field", "one column has to be the time of the sample", "time")
        return
    place = header.columns.index("time")
    for row, line in zip(chunk.rows, chunk.lines, strict=True):
        where = f"line {line}" if line else "row"
        cells = [cell.strip() for cell in row.cells]
        if not any(cells):
            continue
        if len(cells) > len(header.columns) and any(cells[len(header.columns) :]):
            reason = f"the row has {len(cells)} cells for {len(header.columns)} columns"
            lost.refuse("too-many-cells", reason, where, " | ".join(cells))
            continue
        cells += [""] * (len(header.columns) - len(cells))
        moment = _when(cells[place], origin, where, lost)
        if moment is None:
            continue
        assumed = assumed or (moment.assumed and not origin.label("timezone"))
        _row(row._replace(cells=tuple(cells)), moment, origin, where, (found, lost))
    yield from _said(found, lost, origin, assumed=assumed)


def _said(
    found: Mapping[tuple[str, str], _Series], lost: Samples, origin: Origin, *, assumed: bool
) -> Iterator[Fact | Problem | Filtered]:
    detail: dict[str, Json] = {"zone": "UTC assumed"} if assumed else {}
    told: list[Fact | Problem] = []
    for one in found.values():
        subject = monitor(origin, "series", one.metric, one.labels)
        told.extend(facts(subject, one.metric, one.samples, one.labels, unit=one.unit, detail=detail))
    told.extend(lost.problems())
    yield from kept_or_lost(told)
    if not told:
        yield Filtered("no-values")


def _joined(held: Sequence[Record]) -> Record:
    first = held[0]
    chunk = _Chunk(tuple(one.parsed for one in held), tuple(one.line for one in held))
    return Record(b"".join(one.raw for one in held), first.offset, first.line, parsed=chunk)


def _when(text: str, origin: Origin, where: str, lost: Samples) -> Moment | None:
    """Return the exact time of a sample, None (and said why) when there is not one reading of it."""
    if not text:
        lost.refuse("missing-field", "the row has no time", where, text)
        return None
    try:
        moment = _epoch(text) if _EPOCH.fullmatch(text) else moment_of(text, origin)
    except AmbiguousDateError as error:
        lost.refuse(error.code, error.reason, where, text)
        return None
    except (MalformedError, ValueError, OverflowError) as error:
        lost.refuse("bad-time", f"this is no time: {error}", where, text)
        return None
    if moment is None:
        lost.refuse("bad-time", "this is no time", where, text)
    elif not moment.exact:
        reason = "a clock change repeats or leaves out this local time; write it with its offset or in UTC"
        lost.refuse("ambiguous-time", reason, where, text)
        return None
    return moment


def _epoch(text: str) -> Moment:
    """Return a time counted since 1970: the number of digits tells seconds from milli-, micro- and nanoseconds."""
    digits = len(text.partition(".")[0])
    if digits <= 11:
        return from_seconds(float(text))
    factor = 1 if digits <= 14 else 1_000 if digits <= 17 else 1_000_000
    return from_milliseconds(float(text) / factor)


def _row(
    row: Row,
    moment: Moment,
    origin: Origin,
    where: str,
    into: tuple[dict[tuple[str, str], _Series], Samples],
) -> None:
    found, lost = into
    header = row.header
    if "value" not in header.columns:
        for name, column, text in zip(header.names, header.columns, row.cells, strict=False):
            if column != "time" and text:
                named, unit = _title(name, header.units.get(column, ""))
                _add(found, lost, (named, _labels(origin, {}), unit), (text, moment, origin, where))
        return
    said = {column: text for column, text in zip(header.columns, row.cells, strict=False) if column and text}
    if "value" not in said:
        return
    metric = said.get("metric") or origin.label("metric")
    if not metric:
        reason = "nothing says what was measured; add a column `metric` or import with `--label metric=NAME`"
        lost.refuse("missing-field", reason, where, said["value"])
        return
    labels = {
        spelling(name).replace(" ", "_"): text
        for name, column, text in zip(header.names, header.columns, row.cells, strict=False)
        if not column and text and name.strip()
    }
    unit = said.get("unit") or header.units.get("value", "")
    _add(found, lost, (metric, _labels(origin, labels), unit), (said["value"], moment, origin, where))


def _labels(origin: Origin, labels: dict[str, str]) -> dict[str, str]:
    service = origin.label("service")
    return {"service": service, **labels} if service else labels


def _title(name: str, unit: str) -> tuple[str, str]:
    """Return a column's metric and its unit, which may stand in brackets (`latency [ms]`)."""
    found = _BRACKETS.fullmatch(name.strip()) if len(name) <= 200 else None
    return (found[1].strip(), unit or found[2].strip()) if found else (name.strip(), unit)


def _add(
    found: dict[tuple[str, str], _Series],
    lost: Samples,
    named: tuple[str, dict[str, str], str],
    said: tuple[str, Moment, Origin, str],
) -> None:
    metric, labels, unit = named
    text, moment, origin, where = said
    key = (metric, repr(sorted(labels.items())))
    if text.lower() in _NONE:
        one = found.setdefault(key, _Series(metric, labels, _shown(unit, metric), Samples()))
        one.samples.not_numbers += 1
        return
    sign = text[-1] if text[-1] in "%‰" else unit.lower()
    try:
        value = number(text.rstrip("%‰ "), origin.label("decimal"))
    except MalformedError as error:
        lost.refuse(error.code, error.reason, f"{where}, {metric}", text)
        return
    share, factor = _SHARES.get(sign), time_factor(unit) if unit else None
    shown = "ratio" if share is not None else _shown(unit, metric)
    one = found.setdefault(key, _Series(metric, labels, shown, Samples()))
    if one.unit != shown:
        reason = f"the series is in {one.unit or 'no unit'}, this sample in {shown or 'no unit'}"
        lost.refuse("unit-conflict", reason, f"{where}, {metric}", text)
        return
    one.samples.add(moment.lo, float(value * (share or factor or 1)))


def _shown(unit: str, metric: str) -> str:
    if unit and time_factor(unit) is not None:
        return "s"
    if unit:
        return "ratio" if unit.lower() in _SHARES else unit
    return unit_of(metric_of(metric)[0].replace("-", "_"))
