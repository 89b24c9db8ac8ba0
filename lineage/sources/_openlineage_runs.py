"""What do the facets of a run say: who triggered it, what started it, what went wrong, which assets did it touch?"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from lineage.model import moment
from lineage.model.facts import Json, Key
from lineage.model.vocabulary import Kind
from lineage.source import Problem
from lineage.sources import _openlineage_airflow as airflow
from lineage.sources._openlineage_checks import Check
from lineage.sources._openlineage_shapes import (
    ANY,
    LONGEST,
    REMEMBERED,
    Facet,
    Reader,
    Tags,
    attributes,
    cut,
    holdable,
    keep,
    named,
    pieces,
    reader,
    tags,
    take,
    without_secrets,
)
from lineage.text import clip

_MESSAGE_LIMIT = 2_000
_encode = msgspec.msgpack.Encoder().encode
_WHERE = "run.facets"
_MLFLOW = {"MLFLOW_RUN_ID": "mlflow_run_id", "MLFLOW_EXPERIMENT_ID": "mlflow_experiment_id"}
_MLFLOW_TAGS = ("mlflow.runId", "mlflow.run_id", "mlflow_run_id")


class Said(msgspec.Struct):
    """What the facets of one run say.

    Attributes:
        parent, parent_job: the run that started it, and the job of that; inlets, outlets: datasets the task declares,
            with the field that says so; tests: verdicts that are put to no dataset.
    """

    attributes: dict[str, Json] = {}
    parent: Key | None = None
    actor: Key | None = None
    parent_job: Key | None = None
    inlets: dict[Key, str] = {}
    outlets: dict[Key, str] = {}
    tests: list[Check] = []
    problems: list[Problem] = []


class _RunId(msgspec.Struct, gc=False):
    id: str = msgspec.field(name="runId")


class _JobName(msgspec.Struct, gc=False):
    namespace: str
    name: str


class _Root(msgspec.Struct, gc=False):
    run: _RunId
    job: _JobName


class _Parent(msgspec.Struct, gc=False):
    run: _RunId
    job: _JobName
    root: _Root | None = None


class _Nominal(Facet):
    start: str | None = msgspec.field(default=None, name="nominalStartTime")
    end: str | None = msgspec.field(default=None, name="nominalEndTime")


class _Error(Facet):
    message: str | None = None
    language: str | None = msgspec.field(default=None, name="programmingLanguage")


class _ExtractionErrors(Facet):
    total: Any = msgspec.field(default=None, name="totalTasks")
    failed: Any = msgspec.field(default=None, name="failedTasks")
    errors: list[dict[str, Any]] | None = None


class _Test(msgspec.Struct, gc=False):
    name: str
    status: str | None = None
    severity: str | None = None
    type: str | None = None
    expected: Any = None
    actual: Any = None


class _Tests(Facet):
    tests: list[_Test] | None = None


class _Variable(msgspec.Struct, gc=False):
    name: str
    value: Any = None


class _Variables(Facet):
    variables: list[_Variable] | None = msgspec.field(default=None, name="environmentVariables")


class _Dependency(msgspec.Struct, gc=False):
    job: _JobName


class _Dependencies(Facet):
    upstream: list[_Dependency] | None = None


def _mlflow_tags(facet: Tags) -> dict[str, Json]:
    ids = [str(tag.value) for tag in facet.tags or () if tag.key in _MLFLOW_TAGS and tag.value]
    return tags(facet) | ({"mlflow_run_id": ids[0]} if ids else {})


def _mlflow(facet: dict[str, Any]) -> dict[str, Json]:
    run = facet.get("run_id") or facet.get("runId")
    return {"mlflow_run_id": run} if isinstance(run, str) else {}


def _dependencies(facet: _Dependencies) -> dict[str, Json]:
    jobs = [{"namespace": one.job.namespace, "name": one.job.name} for one in facet.upstream or ()]
    return {"depends_on": jobs} if jobs else {}


_REPEATED: dict[str, Reader] = {
    "externalQuery": reader(ANY, named(query_id="externalQueryId", query_source="source"), "query_id"),
    "tags": reader(Tags, _mlflow_tags, "tags"),
    "dbt_run": reader(
        ANY, named(dbt_invocation_id="invocation_id", dbt_project="project_name"), "dbt_invocation_id"
    ),
    "spark_applicationDetails": reader(
        ANY,
        named(spark_application_id="applicationId", spark_application="appName", spark_user="userName"),
        "spark_application_id",
    ),
    "airflowState": reader(ANY, named(airflow_state="dagRunState"), "airflow_state"),
    "feast_materialization": reader(
        ANY,
        named(
            feast_feature_views="feature_views",
            feast_project="project",
            feast_start="start_date",
            feast_end="end_date",
        ),
        "feast_feature_views",
    ),
    "jobDependencies": reader(_Dependencies, _dependencies, "depends_on"),
    "mlflow": reader(ANY, _mlflow, "mlflow_run_id"),
    "mlflow_run": reader(ANY, _mlflow, "mlflow_run_id"),
}
_PARENT = msgspec.json.Decoder(_Parent)
_NOMINAL = msgspec.json.Decoder(_Nominal)
_ERROR = msgspec.json.Decoder(_Error)
_EXTRACTION = msgspec.json.Decoder(_ExtractionErrors)
_TESTS = msgspec.json.Decoder(_Tests)
_VARIABLES = msgspec.json.Decoder(_Variables)


_NOTHING = Said()
_SAID: dict[bytes, Said] = {}
_ABOUT: dict[bytes, dict[str, Json]] = {}


def read(facets: msgspec.Raw) -> Said:
    """Return what the facets of a run say; nobody may change it, since the events of a run have it in common."""
    if len(facets) <= 2:
        return _NOTHING
    raw = bytes(facets)
    said = _SAID.get(raw)
    if said is None:
        said = _read(raw)
        keep(_SAID, raw, said, len(raw))
    return said


def _read(facets: bytes) -> Said:
    said = Said()
    try:
        given = pieces(facets)
    except msgspec.DecodeError:
        if facets != b"null":
            said.problems.append(
                Problem("bad-type", "facets are an object", _WHERE, cut(facets), fatal=False)
            )
        return said
    for name, raw in given.items():
        take_in = _TAKERS.get(name)
        if take_in is not None:
            body = bytes(raw)
            if body != b"null":
                take_in(said, body, name)
    if said.attributes:
        # What the runs of a day have in common is one object, so that it is looked at once.
        said.attributes = holdable(said.attributes)
        named = _encode(said.attributes)
        about = _ABOUT.get(named)
        if about is None:
            keep(_ABOUT, named, said.attributes, len(named))
        else:
            said.attributes = about
    return said


@lru_cache(maxsize=REMEMBERED)
def _repeated(name: str, raw: bytes) -> dict[str, Json] | Problem:
    return attributes(_REPEATED[name], raw, f"{_WHERE}.{name}")


def _take_repeated(said: Said, raw: bytes, name: str) -> None:
    part = _repeated(name, raw) if len(raw) <= LONGEST else _repeated.__wrapped__(name, raw)
    if isinstance(part, Problem):
        said.problems.append(part)
    else:
        said.attributes.update(part)


class _Family(msgspec.Struct, gc=False):
    """The parent of a run as one facet tells it."""

    run: Key
    job: Key
    root: tuple[str, str] | None


@lru_cache(maxsize=REMEMBERED)
def _family(raw: bytes, name: str) -> _Family | Problem:
    parent = take(_PARENT, raw, f"{_WHERE}.{name}")
    if isinstance(parent, Problem):
        return parent
    namespace = parent.job.namespace
    root = parent.root
    return _Family(
        Key(Kind.RUN, namespace, parent.run.id),
        Key(Kind.JOB, namespace, parent.job.name),
        (f"{root.job.namespace}/{root.job.name}", root.run.id) if root else None,
    )


def _take_parent(said: Said, raw: bytes, name: str) -> None:
    family = _family(raw, name)
    if isinstance(family, Problem):
        said.problems.append(family)
        return
    said.parent = family.run
    said.parent_job = family.job
    if family.root is not None:
        said.attributes["root_job"], said.attributes["root_run"] = family.root


@lru_cache(maxsize=REMEMBERED)
def _nominal(raw: bytes) -> tuple[dict[str, Json], tuple[Problem, ...]]:
    where = f"{_WHERE}.nominalTime"
    facet = take(_NOMINAL, raw, where)
    if isinstance(facet, Problem):
        return {}, (facet,)
    times: dict[str, Json] = {}
    problems = []
    for name, text, field in (
        ("nominal_start", facet.start, "nominalStartTime"),
        ("nominal_end", facet.end, "nominalEndTime"),
    ):
        if text:
            try:
                times[name] = moment.to_iso(moment.parse(text).lo)
            except (ValueError, OverflowError):
                problems.append(
                    Problem("bad-time", "not a time", f"{where}.{field}", clip(text), fatal=False)
                )
    return times, tuple(problems)


def _take_nominal(said: Said, raw: bytes, name: str) -> None:
    times, problems = _nominal(raw)
    said.attributes.update(times)
    said.problems += problems


def _take_error(said: Said, raw: bytes, name: str) -> None:
    error = take(_ERROR, raw, f"{_WHERE}.{name}")
    if isinstance(error, Problem):
        said.problems.append(error)
    elif error.message:
        said.attributes["error"] = clip(without_secrets(error.message), _MESSAGE_LIMIT)
        if error.language:
            said.attributes["error_language"] = error.language


def _take_extraction_errors(said: Said, raw: bytes, name: str) -> None:
    """Keep that the producer could not work out the lineage: the run itself may have been fine."""
    facet = take(_EXTRACTION, raw, f"{_WHERE}.{name}")
    if isinstance(facet, Problem):
        said.problems.append(facet)
        return
    texts = [str(one["errorMessage"]) for one in facet.errors or () if one.get("errorMessage")]
    said.attributes["extraction_error"] = {
        "failed": facet.failed,
        "total": facet.total,
        "messages": [clip(without_secrets(text), 500) for text in texts[:10]],
    }


def _take_tests(said: Said, raw: bytes, name: str) -> None:
    facet = take(_TESTS, raw, f"{_WHERE}.{name}")
    if isinstance(facet, Problem):
        said.problems.append(facet)
        return
    verdicts = {"pass": True, "fail": False}
    for test in facet.tests or ():
        status = (test.status or "").lower()
        detail: dict[str, Json] = {"name": test.name}
        if status not in verdicts:
            detail["status"] = status
        for field in ("expected", "actual"):
            if getattr(test, field) is not None:
                detail[field] = getattr(test, field)
        severity = (test.severity or "").lower()
        said.tests.append(Check(test.type or test.name, None, "", verdicts.get(status), severity, detail))


def _take_airflow(said: Said, raw: bytes, name: str) -> None:
    found = (airflow.unknown if name == "unknownSourceAttribute" else airflow.run)(raw, f"{_WHERE}.{name}")
    said.problems += found.problems
    said.attributes.update(found.about)
    if found.mlflow_run:
        said.attributes["mlflow_run_id"] = found.mlflow_run
    said.actor = found.actor or said.actor
    for key, rule in found.inlets.items():
        said.inlets.setdefault(key, rule)
    for key, rule in found.outlets.items():
        said.outlets.setdefault(key, rule)


def _take_variables(said: Said, raw: bytes, name: str) -> None:
    """Keep of the environment nothing but the ids that lead to MLflow: the rest may be secret."""
    facet = take(_VARIABLES, raw, f"{_WHERE}.{name}")
    if isinstance(facet, Problem):
        said.problems.append(facet)
        return
    for variable in facet.variables or ():
        if variable.name in _MLFLOW and isinstance(variable.value, str) and variable.value:
            said.attributes[_MLFLOW[variable.name]] = variable.value


_TAKERS: dict[str, Callable[[Said, bytes, str], None]] = {
    **dict.fromkeys(_REPEATED, _take_repeated),
    "parent": _take_parent,
    "parentRun": _take_parent,
    "nominalTime": _take_nominal,
    "errorMessage": _take_error,
    "extractionError": _take_extraction_errors,
    "test": _take_tests,
    "airflow": _take_airflow,
    "airflowDagRun": _take_airflow,
    "unknownSourceAttribute": _take_airflow,
    "environmentVariables": _take_variables,
}
