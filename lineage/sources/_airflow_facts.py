"""What does one record of an Airflow database state, as facts?

A task that was skipped, or whose upstream failed, never ran and is no failed run. Who started a run is said only where
Airflow recorded a user: not for schedules, and not by the owner of a DAG, who is no actor (sources-ops 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from lineage.model.facts import (
    Coverage,
    Entity,
    Happened,
    Json,
    Key,
    Link,
    Run,
    Use,
)
from lineage.model.moment import Moment, to_iso
from lineage.model.vocabulary import Basis, Kind, Relation, RunState
from lineage.source import Filtered, Problem, Record
from lineage.sources import _airflow_dags as dags
from lineage.sources import _airflow_log as log
from lineage.sources._airflow_log import actor_of
from lineage.sources._airflow_names import asset_key, iso, run_id
from lineage.sources._airflow_values import (
    Body,
    Said,
    Times,
    at_of,
    held,
    items,
    named,
    number,
    table,
    text,
)
from lineage.text import MalformedError, clip, loads

_OF_RUN: Final = {
    "success": RunState.COMPLETE,
    "failed": RunState.FAIL,
    "running": RunState.RUNNING,
    "restarting": RunState.RUNNING,
    "queued": RunState.OTHER,
}
_OF_TRY: Final = {
    "success": RunState.COMPLETE,
    "failed": RunState.FAIL,
    # This try failed; the next one is a run of its own.
    "up_for_retry": RunState.FAIL,
    "shutdown": RunState.ABORT,
    "skipped": RunState.ABORT,
    "removed": RunState.ABORT,
    "running": RunState.RUNNING,
    "deferred": RunState.RUNNING,
    "up_for_reschedule": RunState.RUNNING,
    "awaiting_input": RunState.RUNNING,
    "restarting": RunState.RUNNING,
}
_NOT_RUN: Final = frozenset(
    {"", "none", "null", "scheduled", "queued", "upstream_failed", "skipped", "removed"}
)


def read(record: Record) -> Iterator[Said]:
    """Say what one record states."""
    try:
        body = loads(record.raw)
        reader = _READERS.get(text(body, "kind")) if isinstance(body, dict) else None
        namespace = body.get("namespace") if isinstance(body, dict) else None
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    if reader is None or not isinstance(namespace, str) or not namespace:
        yield Problem(
            "not-recognised", "this is no record of an Airflow database", value=repr(record.raw[:80])
        )
        return
    times = Times(table(body, "row"))
    said = list(reader(body, namespace, times))
    yield from said
    yield from times.problems
    if not said and not times.problems:
        yield Filtered("says-nothing")


def _run(body: Body, namespace: str, times: Times) -> Iterator[Said]:
    row = table(body, "row")
    dag_id, run = text(row, "dag_id"), text(row, "run_id")
    logical = times.of("logical_date", "execution_date", "run_after")
    at = times.of("end_date", "updated_at", "start_date", "queued_at", "created_at") or logical
    if not dag_id or logical is None or at is None:
        yield Problem(
            "missing-field", "a run of a DAG has a DAG and a date", "dag_id" if not dag_id else "logical_date"
        )
        return
    state = _OF_RUN.get(text(row, "state").lower())
    if state is None:
        yield Problem("bad-value", "no such state of a run", "state", clip(row.get("state")), fatal=False)
        state = RunState.OTHER
    started = times.of("start_date")
    ended = times.of("end_date") if state in (RunState.COMPLETE, RunState.FAIL) else None
    about = _about(row, logical)
    about["airflow_state"] = text(row, "state")
    for name in ("triggered_by", "backfill_id"):
        if row.get(name) not in (None, ""):
            about[f"airflow_{name}"] = str(row[name]).lower() if name == "triggered_by" else str(row[name])
    for name, field in (("airflow_bundle_version", "bundle_version"),):
        if text(row, field):
            about[name] = text(row, field)
    consumed = [uri for uri in items(body, "consumed") if isinstance(uri, str)]
    if consumed:
        about["airflow_started_by_assets"] = consumed
    if text(body, "mlflow_run_id"):
        about["mlflow_run_id"] = text(body, "mlflow_run_id")
    about |= _nominal(times)
    actor = None
    user = text(row, "triggering_user_name")
    audited = table(body, "started_by")
    if user and not (user == "dag_test" and text(row, "triggered_by").upper() == "TEST"):
        actor = Key(Kind.ACTOR, "airflow", user)
    elif not user and text(audited, "owner"):
        actor = actor_of(text(audited, "event"), text(audited, "owner"))
        about["airflow_started_by"] = f"log {audited.get('id')}: {text(audited, 'event')}"
    job = Key(Kind.JOB, namespace, dag_id)
    key = Key(Kind.RUN, namespace, _run_of_dag(body, namespace, dag_id, row, logical))
    about["airflow_run_id"] = run
    yield Run(key, job, state, at, (), (), started, ended, actor=actor, attributes=held(about))


def _run_of_dag(body: Body, namespace: str, dag_id: str, run: Body, logical: Moment) -> str:
    """Return the id of a run of a DAG; older providers did not count how often it was cleared."""
    cleared = (number(run, "clear_number", 0),) if body.get("counted") is True else ()
    return run_id(logical, namespace, dag_id, *cleared)


def _nominal(times: Times) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, field in (("nominal_start", "data_interval_start"), ("nominal_end", "data_interval_end")):
        at = times.of(field)
        if at is not None:
            found[name] = to_iso(at.lo)
    return found


def _about(row: Body, logical: Moment) -> dict[str, Json]:
    """Return the ids by which Airflow's own events name the run as well."""
    about: dict[str, Json] = {
        "airflow_dag_id": text(row, "dag_id"),
        "airflow_run_type": text(row, "run_type"),
    }
    if row.get("logical_date") or row.get("execution_date"):
        about["airflow_logical_date"] = iso(logical)
    return about


def _try(body: Body, namespace: str, times: Times) -> Iterator[Said]:
    row, run = table(body, "row"), table(body, "run")
    dag_id, task_id = text(row, "dag_id"), text(row, "task_id")
    said = text(row, "state").lower()
    started = times.of("start_date")
    # Whoever skips a task gives it a start and an end; a try it never had.
    if said in _NOT_RUN and (started is None or number(row, "try_number", 1) < 1):
        yield Filtered(
            f"task-{said.replace('_', '-')}" if said not in ("", "none", "null") else "task-not-started"
        )
        return
    if said in ("queued", "scheduled", "", "none", "null", "upstream_failed"):
        # Cleared, and on its way to its next try: the row no longer says how the last one ended.
        yield Filtered("task-waits-for-its-next-try")
        return
    of_run = Times({**run, **{name: row[name] for name in ("execution_date",) if name in row}})
    logical = of_run.of("logical_date", "execution_date", "run_after")
    yield from of_run.problems
    at = times.of("end_date", "updated_at", "start_date") or logical
    if not dag_id or not task_id or logical is None or at is None:
        reason = "a try of a task has a DAG, a task and the date of its run, which is gone from the database"
        yield Problem("missing-field", reason, "logical_date" if dag_id and task_id else "task_id")
        return
    state = _OF_TRY.get(said)
    if state is None:
        yield Problem("bad-value", "no such state of a task", "state", clip(row.get("state")), fatal=False)
        state = RunState.OTHER
    ended = times.of("end_date") if state in (RunState.COMPLETE, RunState.FAIL, RunState.ABORT) else None
    attempt, index = number(row, "try_number", 1), number(row, "map_index", -1)
    key = Key(Kind.RUN, namespace, run_id(logical, namespace, dag_id, task_id, attempt, index))
    parent = Key(Kind.RUN, namespace, _run_of_dag(body, namespace, dag_id, run, logical))
    about = _about({**run, "dag_id": dag_id}, logical)
    about |= {
        "airflow_run_id": text(row, "run_id") or text(run, "run_id"),
        "airflow_task_id": task_id,
        "airflow_try_number": str(attempt),
        "airflow_task_state": said,
        "operator": text(row, "operator"),
        "host": text(row, "hostname"),
        "os_user": text(row, "unixname"),
        "root_job": f"{namespace}/{dag_id}",
        "root_run": parent.name,
        **_nominal(of_run),
    }
    if index >= 0:
        about["airflow_map_index"] = index
    job = Key(Kind.JOB, namespace, f"{dag_id}.{task_id}")
    inlets = [item for item in items(body, "inlets") if isinstance(item, Mapping) and text(item, "uri")]
    inputs = tuple(dict.fromkeys(Use(asset_key(text(item, "uri"))) for item in inlets))
    outputs = tuple(Use(asset_key(uri)) for uri in items(body, "updated") if isinstance(uri, str) and uri)
    yield Run(key, job, state, at, inputs, outputs, started, ended, parent=parent, attributes=held(about))
    yield Link(Key(Kind.JOB, namespace, dag_id), job, Relation.PARENT, Basis.DECLARED, "parent")


def _asset_event(body: Body, namespace: str, times: Times) -> Iterator[Said]:
    row = table(body, "row")
    at = times.of("timestamp")
    uri = text(row, "uri")
    if not uri or at is None:
        yield Problem(
            "missing-field",
            "the update of an asset has a place and a time",
            "uri" if not uri else "timestamp",
        )
        return
    key = asset_key(uri)
    yield from named(row, namespace)
    dag_id, task_id = text(row, "source_dag_id"), text(row, "source_task_id")
    if dag_id and task_id:
        job = Key(Kind.JOB, namespace, f"{dag_id}.{task_id}")
        yield Link(job, key, Relation.OUTPUT, Basis.OBSERVED, "asset_event", at=at)
    else:
        yield Happened("update", key, at, f"{namespace}/asset_event/{row.get('id')}/{at.lo}")


def _user(body: Body, namespace: str, times: Times) -> Iterator[Said]:
    row = table(body, "row")
    name = text(row, "username")
    if not name:
        yield Problem("missing-field", "a user has a name", "username")
        return
    person = " ".join(part for part in (text(row, "first_name"), text(row, "last_name")) if part)
    about: dict[str, Json] = {
        key: value for key, value in (("email", text(row, "email")), ("name", person)) if value
    }
    if "active" in row:
        about["active"] = bool(row["active"])
    yield Entity(Key(Kind.ACTOR, "airflow", name), about, at_of(body))


def _listing(body: Body, namespace: str, times: Times) -> Iterator[Said]:
    at = at_of(body)
    if at is not None:
        complete = table(body, "listed").get("dag") is True
        yield Coverage(f"{namespace}/dags", "job", at, at, complete)


_READERS: Final[dict[Any, Callable[[Body, str, Times], Iterator[Said]]]] = {
    "dag": dags.read,
    "run": _run,
    "try": _try,
    "asset-event": _asset_event,
    "user": _user,
    "log": log.read,
    "listing": _listing,
}
