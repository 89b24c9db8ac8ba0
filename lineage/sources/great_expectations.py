"""Which expectations did Great Expectations check against which data, when, and which did not hold?

Validation results and checkpoint results of 0.x and 1.x. An expectation that raised an exception was not checked and
has no verdict. Values found in the data stay in the evidence: they may be personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model.facts import Alias, Fact, Json, Key, Measured
from lineage.model.moment import Moment
from lineage.model.naming import dataset, dataset_at
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._agreement import mapping, scalar
from lineage.sources._checked import SEVERITIES, figure, limits, observed, table, told_dataset, untimed
from lineage.sources._said import Said, kept, opened

NAME = "great-expectations"
FORMAT = "Great Expectations validation results and checkpoint results, 0.x and 1.x; JSON"
PROVES = ("what", "when")

_SYSTEM = "great_expectations"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.+|/.+")
_CUT = re.compile(r'"(?:expectation_config|expectation_type)"\s*:')


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a result of it: by its list of results or of runs."""
    if sample.listing:
        return 0.0
    value = sample.first_json
    said = mapping(value[0] if isinstance(value, list) and value else value)
    if said:
        return 0.95 if _is_validation(said) or _is_checkpoint(said) else 0.0
    text = sample.text
    cut = not sample.whole and text.lstrip()[:1] in {"{", "["}
    return 0.9 if cut and _CUT.search(text) and '"success"' in text else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into results: the whole file, the items of a list, or one a line."""
    del origin
    yield from framing.json_values(given)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what the expectations of a result found."""
    said = opened(record, origin.label("timezone"))
    if isinstance(said, Problem):
        yield said
    elif _is_checkpoint(said.body):
        yield from _all(_checkpoint(said, origin), said)
    elif _is_validation(said.body):
        yield from _all(_validation(said, origin, "", None), said)
    else:
        yield Problem("not-a-result", "this is neither a validation result nor a checkpoint result")


def _all(told: Iterable[Fact | Problem], said: Said) -> Iterator[Fact | Problem | Filtered]:
    every = [*told]
    every += said.problems
    kept_ = any(isinstance(one, Fact) for one in every)
    for one in every:
        if isinstance(one, Problem) and kept_:
            yield Problem(one.code, one.reason, one.field, one.value, fatal=False)
        else:
            yield one
    if not every:
        yield Filtered("no-expectations")


def _is_validation(said: Mapping[str, Any]) -> bool:
    results = said.get("results", said.get("expectations"))
    if not isinstance(results, list) or "success" not in said:
        return False
    meta = mapping(said.get("meta"))
    told = mapping(said.get("statistics"))
    return (
        "great_expectations_version" in meta
        or "great_expectations.__version__" in meta
        or "evaluated_expectations" in told
        or any("expectation_config" in mapping(one) for one in results)
    )


def _is_checkpoint(said: Mapping[str, Any]) -> bool:
    listed = said.get("validation_results")
    if isinstance(listed, list):
        return any(_is_validation(mapping(one)) for one in listed)
    runs = said.get("run_results")
    return isinstance(runs, dict) and bool(runs) and ("run_id" in said or "success" in said)


def _checkpoint(said: Said, origin: Origin) -> Iterator[Fact | Problem]:
    run = said.part("run_id")
    made = run.time("run_time")
    name = said.text("name") or said.part("checkpoint_config").text("name")
    if isinstance(said.body.get("validation_results"), list):
        found = list(said.each("validation_results"))
    else:
        runs = said.part("run_results")
        parts = [runs.part(key) for key in runs.body]
        found = [
            part.part("validation_result") if "validation_result" in part.body else part for part in parts
        ]
    for one in found:
        if one.body:
            yield from _validation(one, origin, name, made)


def _validation(said: Said, origin: Origin, checkpoint: str, made: Moment | None) -> Iterator[Fact | Problem]:
    meta = said.part("meta")
    at = (
        meta.time("validation_time")
        or (meta.part("run_id").time("run_time") if isinstance(meta.body.get("run_id"), dict) else None)
        or meta.part("batch_markers").time("ge_load_time")
        or made
        or observed(origin)
    )
    if isinstance(at, Problem) or at is None:
        yield at or untimed("the result", said.place("meta.run_id.run_time"))
        return
    results = [*said.each("results"), *said.each("expectations")]
    batch = next((scalar(mapping(_kwargs(one).body).get("batch_id")) for one in results), "")
    subject, aliases = _subject(meta, batch, origin)
    if subject is None:
        reason = "the result does not say which data it checked; import it with `--label dataset=ADDRESS`"
        yield Problem("missing-dataset", reason, said.place("meta.active_batch_definition"))
        return
    about = {
        "suite": said.text("suite_name") or meta.text("expectation_suite_name"),
        "checkpoint": checkpoint or meta.text("checkpoint_name"),
        "validation": meta.text("validation_id"),
        "run": meta.part("run_id").text("run_name") if isinstance(meta.body.get("run_id"), dict) else "",
    }
    yield from aliases
    for one in results:
        found = _result(one, subject, at, about)
        if found is not None:
            yield found


def _kwargs(one: Said) -> Said:
    config = one.part("expectation_config") if "expectation_config" in one.body else one
    return config.part("kwargs")


def _result(one: Said, subject: Key, at: Moment, about: Mapping[str, Json]) -> Measured | None:
    """Return the verdict of one expectation; None, and said why, when it does not name itself."""
    config = one.part("expectation_config") if "expectation_config" in one.body else one
    name = config.text("type", "expectation_type")
    if not name:
        one.wrong("missing-field", "the result names no expectation", "expectation_config.type", "")
        return None
    kwargs, result = _kwargs(one), one.part("result")
    raised = _raised(one.body.get("exception_info"))
    verdict = one.body.get("success")
    if not isinstance(verdict, bool):
        if verdict is not None:
            one.wrong("bad-value", "success is true or false", "success", verdict)
        verdict = None
    value = figure(result.body.get("observed_value"))
    unit = ""
    if value is None:
        value = figure(result.body.get("unexpected_count"))
        unit = "failures" if value is not None else ""
    detail = kept(
        {
            "column": kwargs.text("column") if isinstance(kwargs.body.get("column"), str) else "",
            "expected": limits(kwargs.body),
            "unexpected_percent": figure(result.body.get("unexpected_percent")),
            "rows": figure(result.body.get("element_count")),
            "exception": raised,
            **about,
        }
    )
    severity = SEVERITIES.get(config.text("severity").lower(), "")
    success = None if raised else verdict
    return Measured(subject, name, at, value, unit, success, severity, detail=detail)


def _raised(said: Any) -> str:
    """Return the message of the exception that kept an expectation from being checked, empty when there was none.

    >>> _raised({"raised_exception": False}), _raised({"('m',)": {"raised_exception": True, "exception_message": "x"}})
    ('', 'x')
    """
    info = mapping(said)
    for one in (info, *map(mapping, info.values())):
        if one.get("raised_exception") is True:
            return scalar(one.get("exception_message"))[:500] or "an exception"
    return ""


def _subject(meta: Said, batch: str, origin: Origin) -> tuple[Key | None, list[Alias]]:
    """Return the dataset that was checked, and the other names that the result itself gives it."""
    active, spec = meta.part("active_batch_definition"), meta.part("batch_spec")
    old = meta.part("batch_kwargs")
    source = active.text("datasource_name") or old.text("datasource")
    asset = active.text("data_asset_name") or old.text("data_asset_name")
    place = spec.text("path") or old.text("path", "s3")
    name = (
        ".".join(
            filter(
                None,
                (
                    spec.text("schema_name") or old.text("schema"),
                    spec.text("table_name") or old.text("table"),
                ),
            )
        )
        or asset
    )
    told = told_dataset(origin)
    named = table(_SYSTEM, source, name, origin) if name else None
    by_batch = dataset(_SYSTEM, batch) if batch else None
    aliases: list[Alias] = []
    if told is None and _ADDRESS.fullmatch(place):
        here = dataset_at(place)
        if named is not None and asset:
            # An asset may be many files, of which the batch was one.
            aliases.append(Alias(here, named, "batch-spec", "part-of"))
        return here, aliases
    if named is None:
        return told or by_batch, []
    if by_batch is not None and by_batch != named:
        aliases.append(Alias(named, by_batch, "batch-id"))
    if told is None and asset and origin.label("dataset_namespace"):
        aliases.append(Alias(named, dataset(f"{_SYSTEM}:{source}", asset), "import-label"))
    return named, aliases
