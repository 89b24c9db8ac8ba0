"""Which figures and verdicts does an event give of a dataset?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from lineage.model.facts import Json, Key, Measured
from lineage.model.moment import Moment
from lineage.source import Problem
from lineage.sources._openlineage_shapes import Facet, cut, keep, pieces, refuse_nul, take
from lineage.text import clip

FACETS = frozenset({"dataQualityAssertions", "dataQualityMetrics"})


class Check(msgspec.Struct, frozen=True, gc=False):
    """A figure or verdict, to be completed by subject, time and run."""

    metric: str
    value: float | None = None
    unit: str = ""
    success: bool | None = None
    severity: str = ""
    detail: dict[str, Json] = {}


class _Assertion(msgspec.Struct, gc=False):
    assertion: str
    success: bool | None = None
    column: str | None = None
    severity: str | None = None
    name: str | None = None
    expected: Any = None
    actual: Any = None


class _Assertions(Facet):
    assertions: list[_Assertion] | None = None


class _Metrics(Facet):
    rowCount: float | None = None  # noqa: N815
    size: float | None = None
    bytes: float | None = None
    fileCount: float | None = None  # noqa: N815
    columns: dict[str, dict[str, Any]] | None = msgspec.field(default=None, name="columnMetrics")


class _Partition(msgspec.Struct, gc=False):
    identifier: str | None = None
    dimensions: dict[str, Any] | None = None


class _Condition(msgspec.Struct, gc=False):
    type: str | None = None
    partitions: list[_Partition] | None = None


class _Subset(Facet):
    input: _Condition | None = msgspec.field(default=None, name="inputCondition")
    output: _Condition | None = msgspec.field(default=None, name="outputCondition")


class _Side(msgspec.Struct, gc=False):
    dataQualityAssertions: _Assertions | None = None  # noqa: N815
    dataQualityMetrics: _Metrics | None = None  # noqa: N815
    inputStatistics: _Metrics | None = None  # noqa: N815
    outputStatistics: _Metrics | None = None  # noqa: N815
    subset: _Subset | None = None


_ASSERTIONS = msgspec.json.Decoder(_Assertions)
_METRICS = msgspec.json.Decoder(_Metrics)
_SUBSET = msgspec.json.Decoder(_Subset)
_SIDE = msgspec.json.Decoder(_Side)
_encode = msgspec.msgpack.Encoder().encode
_DETAILS: dict[bytes, dict[str, Json]] = {}


def side(raw: msgspec.Raw, where: str, name: str) -> tuple[list[Check], str, list[Problem]]:
    """Return the checks of input or output facets, the partitions that were used, and what is wrong with them."""
    problems: list[Problem] = []
    body = bytes(raw)
    refuse_nul(body)
    try:
        given = _SIDE.decode(body)
    except (msgspec.ValidationError, RecursionError):
        given = _sound(body, f"{where}.{name}", problems)
    found: list[Check] = []
    for metrics in (given.dataQualityMetrics, given.inputStatistics, given.outputStatistics):
        if metrics is not None:
            found += _figures(metrics)
    if given.dataQualityAssertions is not None:
        found += _verdicts(given.dataQualityAssertions)
    return found, _partitions(given.subset) if given.subset is not None else "", problems


def _sound(raw: bytes, where: str, problems: list[Problem]) -> _Side:
    """Return those facets that are sound, and name the others."""
    sound = _Side()
    try:
        given = pieces(raw)
    except msgspec.DecodeError:
        if raw != b"null":
            problems.append(Problem("bad-type", "facets are an object", where, cut(raw), fatal=False))
        return sound
    decoders: tuple[tuple[str, msgspec.json.Decoder[Any]], ...] = (
        ("dataQualityAssertions", _ASSERTIONS),
        ("dataQualityMetrics", _METRICS),
        ("inputStatistics", _METRICS),
        ("outputStatistics", _METRICS),
        ("subset", _SUBSET),
    )
    for name, decoder in decoders:
        piece = bytes(given.get(name, b"null"))
        if piece != b"null":
            facet = take(decoder, piece, f"{where}.{name}")
            if isinstance(facet, Problem):
                problems.append(facet)
            else:
                setattr(sound, name, facet)
    return sound


def read(facet: str, raw: bytes | msgspec.Raw, where: str) -> list[Check] | Problem:
    """Return the figures and verdicts of one of the `FACETS`."""
    if facet == "dataQualityAssertions":
        tests = take(_ASSERTIONS, raw, where)
        return tests if isinstance(tests, Problem) else _verdicts(tests)
    metrics = take(_METRICS, raw, where)
    return metrics if isinstance(metrics, Problem) else _figures(metrics)


def put(checks: Iterable[Check], subject: Key, at: Moment, run: Key | None) -> list[Measured]:
    """Return the checks as facts about `subject`."""
    return [
        Measured(
            subject,
            check.metric,
            at,
            check.value,
            check.unit,
            check.success,
            check.severity,
            run,
            check.detail,
        )
        for check in checks
    ]


def _partitions(subset: _Subset) -> str:
    condition = subset.input or subset.output
    named = []
    for one in (condition.partitions if condition else None) or ():
        parts = "/".join(f"{name}={value}" for name, value in (one.dimensions or {}).items())
        named.append(one.identifier or parts)
    return clip(",".join(filter(None, named)))


def _verdicts(tests: _Assertions) -> list[Check]:
    return [_verdict(one) for one in tests.assertions or ()]


def _verdict(one: _Assertion) -> Check:
    """Return one assertion's verdict, with its severity: a failed `warn` is bad data in a run that did not fail."""
    detail: dict[str, Json] = {}
    for name in ("column", "name", "expected", "actual"):
        value = getattr(one, name)
        if value is not None:
            detail[name] = value
    return Check(one.assertion, None, "", one.success, (one.severity or "").lower(), _once(detail))


def _once(detail: dict[str, Json]) -> dict[str, Json]:
    """Return the same object for what has been said before, so that it is looked at once."""
    try:
        named = _encode(detail)
    except OverflowError:
        # An integer beyond 64 bits fits no database, as text it is kept.
        detail = {name: str(value) for name, value in detail.items()}
        named = _encode(detail)
    known = _DETAILS.get(named)
    if known is None:
        keep(_DETAILS, named, detail, len(named))
        known = detail
    return known


def _figures(metrics: _Metrics) -> list[Check]:
    found = []
    if metrics.rowCount is not None:
        found.append(Check("rowCount", metrics.rowCount, "rows"))
    if metrics.size is not None:
        found.append(Check("size", metrics.size, "bytes"))
    if metrics.bytes is not None:
        found.append(Check("bytes", metrics.bytes, "bytes"))
    if metrics.fileCount is not None:
        found.append(Check("fileCount", metrics.fileCount, "files"))
    for column, values in (metrics.columns or {}).items():
        for name, value in values.items():
            if isinstance(value, dict):
                for part, number in value.items():
                    if isinstance(number, (int, float)):
                        found.append(
                            Check(name, float(number), detail=_once({"column": column, "part": part}))
                        )
            elif isinstance(value, (int, float)):
                found.append(Check(name, float(value), detail=_once({"column": column})))
    return found
