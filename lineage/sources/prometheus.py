"""What did a Prometheus server answer: which series had which values, and was the answer whole?

HTTP API v1 (Prometheus documentation, "HTTP API"): `query_range` and `query` answers of Prometheus, Thanos, Mimir and
VictoriaMetrics, and the lines that VictoriaMetrics exports. The answer does not repeat the question: a series without
a name is read only where the label `metric`, given with the import, names it. An answer that failed measured nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model.facts import Fact, Json
from lineage.model.moment import from_milliseconds, from_seconds
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._agreement import mapping, scalar
from lineage.sources._samples import Samples, facts, is_counter, kept_or_lost, monitor, unit_of
from lineage.text import MalformedError, clip, loads

NAME = "prometheus"
FORMAT = "Prometheus HTTP API v1 answers (query, query_range), VictoriaMetrics export lines; JSON"
PROVES = ("what", "when", "sla")

_STATUS = ("success", "error")
_OTHER_RESULTS = frozenset({"scalar", "string"})


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is an answer of that API: `status` with a typed result or a typed error."""
    if sample.listing:
        return 0.0
    value = sample.first_json
    first = value[0] if isinstance(value, list) and value else value
    said = mapping(first)
    if said:
        return 0.95 if _is_answer(said) or _is_export(said) else 0.0
    text = sample.text.lstrip()
    cut = not sample.whole and text[:1] == "{"
    return 0.9 if cut and '"resultType"' in text[:4_000] and '"status"' in text else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into answers: the whole file, the items of a list, or one a line."""
    del origin
    yield from framing.json_values(given)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what the series of an answer measured."""
    try:
        said = mapping(loads(record.raw))
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    if _is_export(said):
        yield from _exported(said, origin)
    elif said.get("status") == "error":
        kind, told = scalar(said.get("errorType")), scalar(said.get("error"))
        reason = f"the server could not answer ({kind or 'no reason given'}): nothing was measured"
        yield Problem("query-failed", reason, "error", clip(told))
    elif not _is_answer(said):
        yield Problem("not-an-answer", "this is no answer of the Prometheus API", value=clip(said))
    else:
        yield from _answered(said, origin)


def _is_answer(said: Mapping[str, Any]) -> bool:
    data = said.get("data")
    typed = isinstance(data, dict) and "resultType" in data
    return said.get("status") in _STATUS and (typed or ("errorType" in said and "error" in said))


def _is_export(said: Mapping[str, Any]) -> bool:
    return isinstance(said.get("metric"), dict) and {"values", "timestamps"} <= said.keys()


def _answered(said: Mapping[str, Any], origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    data = mapping(said.get("data"))
    kind, result = scalar(data.get("resultType")), data.get("result")
    if kind in _OTHER_RESULTS:
        yield Filtered(kind)
        return
    if kind not in ("matrix", "vector") or not isinstance(result, list):
        yield Problem(
            "bad-value", "the result is a matrix or a vector with a list", "data.resultType", clip(kind)
        )
        return
    if not result:
        yield Filtered("empty-result")
        return
    detail, problems = _doubts(said)
    told: list[Fact | Problem] = []
    for number, item in enumerate(result):
        told.extend(_series(mapping(item), f"data.result[{number}]", kind, detail, origin))
    yield from kept_or_lost([*told, *problems])


def _doubts(said: Mapping[str, Any]) -> tuple[dict[str, Json], list[Problem]]:
    """Return what the server itself says against its answer: warnings, and that some of the data was not reached."""
    detail: dict[str, Json] = {}
    problems = []
    warnings = [scalar(one) for one in said.get("warnings") or ()] if _listed(said, "warnings") else []
    infos = [scalar(one) for one in said.get("infos") or ()] if _listed(said, "infos") else []
    if infos:
        detail["infos"] = infos
    if warnings:
        detail["warnings"] = warnings
        reason = "the server warns of its own answer: it may not be whole"
        problems.append(Problem("warning", reason, "warnings", clip("; ".join(warnings)), fatal=False))
    if said.get("isPartial") is True or said.get("partial") is True:
        detail["partial"] = True
        reason = "the answer is partial: some of the data was not reached, what is missing was not measured"
        problems.append(Problem("partial-answer", reason, "isPartial", "true", fatal=False))
    return detail, problems


def _listed(said: Mapping[str, Any], name: str) -> bool:
    return isinstance(said.get(name), list)


def _series(
    item: Mapping[str, Any], place: str, kind: str, detail: Mapping[str, Json], origin: Origin
) -> Iterator[Fact | Problem]:
    named = _named(item, place, origin)
    if isinstance(named, Problem):
        yield named
        return
    metric, labels = named
    samples = Samples()
    field = "values" if kind == "matrix" else "value"
    pairs = item.get(field, []) if kind == "matrix" else [item[field]] if field in item else []
    if not isinstance(pairs, list):
        yield Problem("bad-value", "the values are a list", f"{place}.{field}", clip(pairs), fatal=False)
        return
    for number, pair in enumerate(pairs):
        where = f"{place}.{field}[{number}]" if kind == "matrix" else f"{place}.{field}"
        if isinstance(pair, list) and len(pair) == 2:
            _sample(samples, pair[0], pair[1], where)
        else:
            samples.refuse("bad-sample", "a sample is a time and a value", where, pair)
    held = item.get("histograms") or item.get("histogram")
    if held:
        reason = "native histograms are not read as a series; ask for a quantile or a rate of them"
        yield Problem("native-histogram", reason, f"{place}.histograms", metric, fatal=False)
    yield from _said(metric, labels, samples, detail, origin)


def _said(
    metric: str, labels: dict[str, str], samples: Samples, detail: Mapping[str, Json], origin: Origin
) -> Iterator[Fact | Problem]:
    yield from facts(
        monitor(origin, "prometheus", metric, labels),
        metric,
        samples,
        labels,
        unit=unit_of(metric),
        counter=is_counter(metric, labels),
        step=_step(origin),
        detail=detail,
    )


def _named(item: Mapping[str, Any], place: str, origin: Origin) -> tuple[str, dict[str, str]] | Problem:
    """Return metric and labels of a series, or why it cannot be told from others."""
    said = item.get("metric")
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        return Problem("bad-value", "the labels are texts", f"{place}.metric", clip(said), fatal=False)
    labels = {name: value for name, value in said.items() if name != "__name__" and value}
    metric = said.get("__name__") or origin.label("metric")
    if not metric:
        reason = "the answer does not say what was asked; import it with `--label metric=NAME`"
        return Problem("missing-name", reason, f"{place}.metric.__name__", clip(said), fatal=False)
    return metric, labels


def _sample(samples: Samples, time: Any, value: Any, where: str, *, milliseconds: bool = False) -> None:
    sound = not isinstance(value, bool) and isinstance(time, (int, float)) and not isinstance(time, bool)
    try:
        number = float(value if sound else "")
        moment = from_milliseconds(time) if milliseconds else from_seconds(time)
    except (ValueError, TypeError, OverflowError):
        samples.refuse("bad-sample", "a sample is a time and a number", where, [time, value])
        return
    samples.add(moment.lo, number)


def _exported(said: Mapping[str, Any], origin: Origin) -> Iterator[Fact | Problem]:
    """VictoriaMetrics, "How to export data in JSON line format": times in milliseconds beside the values."""
    named = _named(said, "line", origin)
    times, values = said["timestamps"], said["values"]
    if isinstance(named, Problem):
        yield Problem(named.code, named.reason, "metric.__name__", named.value)
    elif not isinstance(times, list) or not isinstance(values, list) or len(times) != len(values):
        yield Problem("bad-value", "there are as many timestamps as values", "timestamps", clip(times))
    else:
        samples = Samples()
        for number, (time, value) in enumerate(zip(times, values, strict=True)):
            if value is None:
                samples.not_numbers += 1
            else:
                _sample(samples, time, value, f"values[{number}]", milliseconds=True)
        yield from kept_or_lost(_said(*named, samples, {}, origin))


def _step(origin: Origin) -> int:
    """Return the step that the label `step` gives in seconds: the answer itself does not hold it."""
    try:
        return max(0, round(float(origin.label("step", "0")) * 1_000_000))
    except (ValueError, OverflowError):
        return 0
