"""What does the record of a Spark application, or of one of its queries, state as facts?

Jobs are named as OpenLineage's Spark integration names them: `<application>` and
`<application>.<command>.<what it writes>`. An application that has no end in its log still runs; one that ended is not
thereby known to have succeeded, unless Spark wrote down its exit code (sources-ops 0.3, OpenLineage issue 4183).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage.model.facts import Alias, Entity, Fact, Json, Key, Link, Run, Use
from lineage.model.moment import Moment, from_milliseconds
from lineage.model.vocabulary import Basis, Kind, Relation, RunState
from lineage.source import Filtered, Origin, Problem, Record
from lineage.sources._spark_plan import (
    Catalogs,
    Place,
    catalogs,
    is_write,
    read_places,
    snake,
    tail,
    written_places,
)
from lineage.sources._withheld import clean
from lineage.text import MalformedError, clip, loads

_Said = Fact | Problem | Filtered
_LISTENER = "io.openlineage.spark.agent.OpenLineageSparkListener"


class _Application:
    """The application that a record is about, by the names that it has."""

    def __init__(self, said: Mapping[str, Any], origin: Origin) -> None:
        settings = _map(said, "settings")
        self.said = said
        self.settings = {name: value for name, value in settings.items() if isinstance(value, str)}
        self.id = _text(said, "id")
        self.name = _text(said, "name") or self.settings.get("spark.app.name", "") or self.id
        self.namespace = (
            origin.label("namespace")
            or self.settings.get("spark.openlineage.namespace", "")
            or ("default" if _LISTENER in self.settings.get("spark.extraListeners", "") else "")
            or (f"spark:{origin.label('cluster')}" if origin.label("cluster") else "spark")
        )
        called = self.settings.get("spark.openlineage.appName") or self.name
        self.job = Key(Kind.JOB, self.namespace, snake(called) or called)
        attempt = _text(said, "attempt")
        self.run = Key(Kind.RUN, self.namespace, f"{self.id}/{attempt}" if attempt else self.id)
        self.catalogs = catalogs(self.settings)

    def about(self) -> dict[str, Json]:
        """Return the attributes by which OpenLineage's events name the application as well."""
        found: dict[str, Json] = {"spark_application_id": self.id, "spark_application": self.name}
        if _text(self.said, "user"):
            found["spark_user"] = _text(self.said, "user")
        return found

    def user(self) -> Key | None:
        """Return the user that Spark ran as: of the operating system or of Hadoop, as it wrote it down."""
        name = _text(self.said, "user")
        return Key(Kind.ACTOR, "spark", name) if name else None

    def parent(self) -> Key | None:
        """Return the run that started the application, as its settings for OpenLineage name it."""
        run = self.settings.get("spark.openlineage.parentRunId", "")
        namespace = self.settings.get("spark.openlineage.parentJobNamespace", "") or self.namespace
        return Key(Kind.RUN, namespace, run) if run and "{{" not in run else None


def read(record: Record, origin: Origin) -> Iterator[_Said]:
    """Say what one record states."""
    try:
        body = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    kind = body.get("kind") if isinstance(body, dict) else None
    if kind not in ("application", "query"):
        yield Problem("not-recognised", "this is no record of a Spark event log", value=repr(record.raw[:80]))
        return
    app = _Application(_map(body, "app"), origin)
    if not app.id:
        reason = "the log names no application: the file with its start is not in the input"
        yield Problem("missing-field", reason, "App ID")
        return
    yield from (_application if kind == "application" else _query)(body, app)


def _application(body: Mapping[str, Any], app: _Application) -> Iterator[_Said]:
    problems: list[Problem] = []
    started = _time(app.said, "started", problems)
    ended = _time(app.said, "ended", problems)
    code = app.said.get("exit_code")
    state = RunState.RUNNING
    if ended is not None:
        state = RunState.FAIL if isinstance(code, int) and code else RunState.COMPLETE
    at = ended or started
    if at is None:
        problems.append(
            Problem("missing-field", "the log does not say when the application started", "Timestamp")
        )
        yield from problems
        return
    about = app.about()
    for name, field in (("spark_version", "version"), ("exit_code", "exit_code")):
        if app.said.get(field) not in (None, ""):
            about[name] = app.said[field]
    for name in ("spark.master", "spark.submit.deployMode"):
        if app.settings.get(name):
            about[name.replace(".", "_")] = clean(app.settings[name])
    for name in ("queries", "failed_queries", "failed_jobs"):
        if isinstance(body.get(name), int) and (body[name] or name == "queries"):
            about[name] = body[name]
    reads, unplaced = _places(_list(body, "plan"), app.catalogs, written=False)
    yield Entity(app.job, {"integration": "SPARK", "job_type": "APPLICATION", "processing_type": "BATCH"})
    yield Run(
        app.run,
        app.job,
        state,
        at,
        _uses(reads),
        (),
        started,
        ended,
        parent=app.parent(),
        actor=app.user(),
        attributes=about,
    )
    yield from _named(reads)
    yield from unplaced
    yield from problems


def _query(body: Mapping[str, Any], app: _Application) -> Iterator[_Said]:
    query = _map(body, "query")
    problems: list[Problem] = []
    started = _time(query, "started", problems)
    ended = _time(query, "ended", problems)
    at = ended or started
    number = query.get("id")
    if at is None or not isinstance(number, int):
        yield Problem("missing-field", "a query has a number and a time", "executionId" if at else "time")
        yield from problems
        return
    plan = _list(body, "plan")
    reads, unplaced = _places(plan, app.catalogs, written=False)
    writes, unwritten = _places(plan, app.catalogs, written=True)
    error = _text(query, "error")
    state = RunState.RUNNING if app.said.get("ended") is None else RunState.OTHER
    if ended is not None:
        state = RunState.FAIL if error else RunState.COMPLETE
    outputs = () if state is RunState.FAIL else _uses(writes)
    named = [snake(_text(query, "command").removesuffix(" ")) or "query"]
    if writes and writes[0].key is not None:
        named.append(tail(writes[0].key))
    job = Key(Kind.JOB, app.namespace, ".".join([app.job.name, *named]))
    about = {**app.about(), "spark_execution": number, "root_job": f"{app.namespace}/{app.job.name}"}
    about["root_run"] = app.run.name
    if error:
        about["error"] = clip(clean(error), 2_000)
        about["intended_outputs"] = [
            f"{place.key.namespace}/{place.key.name}" for place in writes if place.key
        ]
    if _text(query, "description"):
        about["description"] = clip(clean(_text(query, "description")), 500)
    yield Entity(job, {"integration": "SPARK", "job_type": "SQL_JOB", "processing_type": "BATCH"})
    yield Link(app.job, job, Relation.PARENT, Basis.DECLARED, "parent")
    yield Run(
        Key(Kind.RUN, app.namespace, f"{app.run.name}#{number}"),
        job,
        state,
        at,
        _uses(reads),
        outputs,
        started,
        ended,
        parent=app.run,
        actor=app.user(),
        attributes=about,
    )
    yield from _named([*reads, *writes])
    yield from (*unplaced, *unwritten, *problems)


def _places(plan: Iterable[Any], known: Catalogs, *, written: bool) -> tuple[list[Place], list[Problem]]:
    found: dict[Key, Place] = {}
    problems: dict[str, Problem] = {}
    for piece in plan:
        if not isinstance(piece, Mapping) or is_write(_text(piece, "node")) is not written:
            continue
        for place in (written_places if written else read_places)(piece, known):
            if place.key is not None:
                found.setdefault(place.key, place)
            else:
                side = "written" if written else "read"
                reason = f"the plan does not say where the dataset lies that is {side}"
                problems[place.words] = Problem("no-place", reason, "sparkPlanInfo", place.words, fatal=False)
    return list(found.values()), list(problems.values())


def _uses(places: Iterable[Place]) -> tuple[Use, ...]:
    return tuple(Use(place.key) for place in places if place.key is not None)


def _named(places: Iterable[Place]) -> Iterator[Alias]:
    """Yield that a table of the metastore is another name of the place that its files lie in."""
    for place in places:
        if place.key is not None and place.table is not None and place.table != place.key:
            yield Alias(place.table, place.key, "metastore-table")


def _time(said: Mapping[str, Any], name: str, problems: list[Problem]) -> Moment | None:
    value = said.get(name)
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with contextlib.suppress(ValueError, OverflowError):
            return from_milliseconds(value)
    problems.append(Problem("bad-time", "not milliseconds since 1970", name, clip(value), fatal=False))
    return None


def _map(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    found = body.get(name)
    return found if isinstance(found, list) else []


def _text(body: Mapping[str, Any], name: str) -> str:
    found = body.get(name)
    return found if isinstance(found, str) else ""
