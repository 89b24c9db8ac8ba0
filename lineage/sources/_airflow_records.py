"""Which records does an Airflow metadata database make?

What belongs together is joined here (a task's try with the assets it updated and the definition it ran under), so that
a record can be read by itself. Of the audit log no details are taken: a command line may hold a secret.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from lineage.source import Origin, Problem, Record
from lineage.sources._airflow_database import Database, Row, namespace_of, observed
from lineage.sources._airflow_names import Asset, assets, plain
from lineage.text import MalformedError, dumps, loads

_TRIGGERS = frozenset(
    {"trigger", "trigger_dag_run", "api.post_dag_run", "post_dag_run", "cli_dags_trigger", "cli_trigger_dag"}
)
_MAX_DEFINITION = 64 << 20


class _Definition:
    """What a serialised DAG says of its tasks."""

    def __init__(self, dag: Mapping[str, Any]) -> None:
        self.tasks: dict[str, Row] = {}
        said = dag.get("tasks")
        for one in said if isinstance(said, list) else ():
            task = plain(one)
            if not isinstance(task, Mapping) or not isinstance(task.get("task_id"), str):
                continue
            defaults = plain(task.get("partial_kwargs"))
            whole = {**(defaults if isinstance(defaults, Mapping) else {}), **task}
            self.tasks[task["task_id"]] = {
                "operator": _text(task.get("task_type")) or _text(task.get("_task_type")),
                "owner": _text(whole.get("owner")),
                "inlets": [asset._asdict() for asset in assets(whole.get("inlets"))],
                "outlets": [asset._asdict() for asset in assets(whole.get("outlets"))],
            }


def records(database: Database, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a record for each DAG, run, try of a task, external update of an asset, user and line of the audit log."""
    namespace, problem = namespace_of(database, origin)
    if problem:
        yield problem
    at, problem = observed(database, origin)
    if problem:
        yield problem
    # The provider counts clearings since 2.0, which needs an Airflow that writes them down (seen: 1.14 does not).
    counted = database.has("dag_run", "clear_number") and not origin.label("openlineage_provider").startswith(
        "1"
    )
    yield from _Join(database, namespace, at, counted=counted).records()


class _Join:
    """Puts together what several tables say of one thing."""

    def __init__(self, database: Database, namespace: str, at: int | None, *, counted: bool) -> None:
        self.base = database
        self.counted = counted
        self.namespace = namespace
        self.at = at
        word = database.word()
        self.word = word
        self.assets: dict[Any, Row] = {row.get("id"): row for row in database.rows(word)}
        self.newest: dict[str, _Definition] = {}
        self.versions: dict[str, _Definition] = {}
        self.updates: dict[tuple[Any, ...], list[str]] = defaultdict(list)
        self.loose: list[Row] = []
        self.events: dict[Any, str] = {}

    def record(self, kind: str, place: str, **body: Any) -> Record:
        """Return a record of one thing."""
        return Record(dumps({"kind": kind, "namespace": self.namespace, **_held(body)}), row=place)

    def records(self) -> Iterator[Record | Problem]:
        """Yield every record; what cannot be read comes last, as problems."""
        yield from self.definitions()
        triggers = self.triggers()
        yield from self.dags()
        self.gather_updates()
        yield from self.runs(triggers)
        yield from self.tries()
        for row in self.loose:
            yield self.record("asset-event", f"{self.word}_event:{row.get('id')}", row=row)
        for row in self.base.rows("ab_user", "username"):
            said = {
                name: row[name]
                for name in ("username", "email", "first_name", "last_name", "active")
                if name in row
            }
            yield self.record("user", f"ab_user:{row.get('username')}", row=said, at=self.at)
        yield from self.log()
        if self.at is not None:
            listed = {"dag": "dag" not in self.base.damaged}
            yield self.record("listing", "listing", at=self.at, listed=listed)
        yield from self.base.problems

    def definitions(self) -> Iterator[Problem]:
        """Read the serialised DAGs: the newest of each for its definition, each version for the runs under it."""
        stamps: dict[str, str] = {}
        for row in self.base.rows("serialized_dag"):
            dag_id = str(row.get("dag_id", ""))
            place = f"serialized_dag:{dag_id}"
            try:
                body = plain(_definition(row))
            except MalformedError as error:
                yield Problem(
                    error.code, f"the definition of the DAG: {error.reason}", "data", row=place, fatal=False
                )
                continue
            dag = body.get("dag") if isinstance(body, Mapping) else None
            if not isinstance(dag, Mapping):
                continue
            definition = _Definition(dag)
            if "dag_version_id" in row:
                self.versions[_hex(row["dag_version_id"])] = definition
            stamp = str(row.get("last_updated", ""))
            if stamp >= stamps.get(dag_id, ""):
                stamps[dag_id] = stamp
                self.newest[dag_id] = definition

    def triggers(self) -> dict[tuple[str, str], list[Row]]:
        """Return the lines of the audit log by which somebody started a run, by DAG and run id or logical date."""
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.base.rows("log", "id"):
            if row.get("event") in _TRIGGERS and row.get("dag_id"):
                for name in ("run_id", "logical_date", "execution_date"):
                    if row.get(name):
                        found[str(row["dag_id"]), str(row[name])].append(row)
        return found

    def dags(self) -> Iterator[Record]:
        """Yield each DAG with what it reads, writes and waits for, by its newest definition."""
        referred: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for field in ("schedule", "outlet", "inlet"):
            table = f"{'dag' if field == 'schedule' else 'task'}_{field}_{self.word}_reference"
            for row in self.base.rows(table):
                asset = self.assets.get(row.get(f"{self.word}_id"))
                if asset is not None:
                    said = {"task": row.get("task_id"), **_asset(asset)}
                    referred[str(row.get("dag_id", ""))][field].append(_held(said))
        tags: dict[str, list[str]] = defaultdict(list)
        for row in self.base.rows("dag_tag"):
            tags[str(row.get("dag_id", ""))].append(str(row.get("name", "")))
        for row in self.base.rows("dag", "dag_id"):
            dag_id = str(row.get("dag_id", ""))
            definition = self.newest.get(dag_id)
            yield self.record(
                "dag",
                f"dag:{dag_id}",
                at=self.at,
                row={name: row[name] for name in _OF_DAG if name in row},
                tags=sorted(tags[dag_id]),
                tasks=definition.tasks if definition else None,
                refers={field: sorted(said, key=dumps) for field, said in referred[dag_id].items()},
            )

    def gather_updates(self) -> None:
        """Sort the updates of assets by the try that made them; those whose try is gone stand by themselves."""
        kept = set()
        if self.base.has("task_instance", "dag_id", "run_id", "task_id"):
            kept = {_try(row) for row in self.base.rows("task_instance")}
        for row in self.base.rows(f"{self.word}_event", "id"):
            asset = self.assets.get(row.get(f"{self.word}_id"))
            if asset is None:
                continue
            made_by = (
                row.get("source_dag_id"),
                row.get("source_run_id"),
                row.get("source_task_id"),
                row.get("source_map_index", -1),
            )
            self.events[row.get("id")] = _uri(asset)
            if made_by in kept:
                self.updates[made_by].append(_uri(asset))
            else:
                said = {name: value for name, value in row.items() if name not in {"extra", "id"}}
                self.loose.append({"id": row.get("id"), **said, **_asset(asset)})

    def runs(self, triggers: Mapping[tuple[str, str], list[Row]]) -> Iterator[Record]:
        """Yield each run of a DAG with the audit line that started it and the assets it was started by."""
        consumed: dict[Any, list[str]] = defaultdict(list)
        for row in self.base.rows(f"dagrun_{self.word}_event"):
            uri = self.events.get(row.get("event_id"))
            if uri:
                consumed[row.get("dag_run_id")].append(uri)
        confs = self.base.confs()
        for row in self.base.rows("dag_run", "id"):
            dag_id = str(row.get("dag_id", ""))
            by: dict[Any, Row] = {}
            for name in ("run_id", "logical_date", "execution_date"):
                by |= {line.get("id"): line for line in triggers.get((dag_id, str(row.get(name))), ())}
            started = next(iter(by.values())) if len(by) == 1 else None
            yield self.record(
                "run",
                f"dag_run:{dag_id}/{row.get('run_id', row.get('id'))}",
                counted=self.counted,
                row={name: row[name] for name in _OF_RUN if name in row},
                mlflow_run_id=confs.get(row.get("id")),
                started_by={name: started[name] for name in ("event", "owner", "id") if name in started}
                if started
                else None,
                consumed=sorted(consumed[row.get("id")]),
            )

    def tries(self) -> Iterator[Record]:
        """Yield each try of a task: the last of each, and those before it that the history keeps."""
        of_run: dict[tuple[Any, Any], Row] = {}
        for row in self.base.rows("dag_run"):
            said = {name: row[name] for name in _FROM_RUN if name in row}
            of_run[row.get("dag_id"), row.get("run_id")] = said
            if "execution_date" in row:
                of_run.setdefault(
                    (row.get("dag_id"), row["execution_date"]), {**said, "run_id": row.get("run_id")}
                )
        last = {_try(row): row.get("try_number") for row in self.base.rows("task_instance")}
        for table in ("task_instance", "task_instance_history"):
            for row in self.base.rows(table):
                made_by = _try(row)
                run = of_run.get((row.get("dag_id"), row.get("run_id", row.get("execution_date"))))
                if table != "task_instance" and last.get(made_by) == row.get("try_number"):
                    continue
                definition = (
                    self.versions.get(_hex(row["dag_version_id"])) if "dag_version_id" in row else None
                )
                task = definition.tasks.get(str(row.get("task_id"))) if definition else None
                place = f"{row.get('dag_id')}/{made_by[1]}/{row.get('task_id')}/{made_by[3]}/{row.get('try_number')}"
                yield self.record(
                    "try",
                    f"{table}:{place}",
                    row={name: row[name] for name in _OF_TRY if name in row},
                    run=run,
                    counted=self.counted,
                    inlets=task["inlets"] if task else None,
                    updated=sorted(set(self.updates.get(made_by, ()))) if table == "task_instance" else None,
                )

    def log(self) -> Iterator[Record]:
        """Yield each line of the audit log, without its details: a command line may hold a secret."""
        for row in self.base.rows("log", "id"):
            said = {name: row[name] for name in _OF_LOG if name in row}
            if row.get("event") in ("success", "failed") and "confirmed" in str(row.get("extra", "")):
                # In the window a person marks a task so; what a task writes itself has the same name.
                said["by_person"] = True
            yield self.record("log", f"log:{row.get('id')}", row=said)


_OF_DAG: tuple[str, ...] = (
    *("dag_id", "dag_display_name", "description", "owners", "fileloc", "relative_fileloc", "bundle_name"),
    *("bundle_version", "schedule_interval", "timetable_summary", "timetable_description", "is_paused"),
    *("is_active", "is_stale", "last_parsed_time"),
)
_OF_RUN: tuple[str, ...] = (
    *("dag_id", "run_id", "run_type", "state", "execution_date", "logical_date", "run_after", "queued_at"),
    *("start_date", "end_date", "updated_at", "data_interval_start", "data_interval_end", "external_trigger"),
    *("triggered_by", "triggering_user_name", "clear_number", "bundle_version", "backfill_id", "dag_hash"),
    *("last_scheduling_decision", "created_at"),
)
_FROM_RUN: tuple[str, ...] = (
    *("run_id", "run_type", "execution_date", "logical_date", "run_after", "clear_number"),
    *("data_interval_start", "data_interval_end"),
)
_OF_TRY: tuple[str, ...] = (
    *("dag_id", "run_id", "execution_date", "task_id", "map_index", "try_number", "max_tries", "state"),
    *(
        "start_date",
        "end_date",
        "updated_at",
        "hostname",
        "unixname",
        "operator",
        "queued_dttm",
        "pool",
        "queue",
    ),
)
_OF_LOG: tuple[str, ...] = (
    *("id", "dttm", "dag_id", "task_id", "map_index", "event", "logical_date", "execution_date", "run_id"),
    *("owner", "owner_display_name", "try_number"),
)


def _definition(row: Row) -> Any:
    """Return a serialised DAG; raises `MalformedError`."""
    if "data" in row:
        return loads(row["data"]) if isinstance(row["data"], (str, bytes)) else None
    packed = row.get("data_compressed")
    if not isinstance(packed, bytes):
        return None
    try:
        unpacking = zlib.decompressobj()
        body = unpacking.decompress(packed, _MAX_DEFINITION)
    except zlib.error as error:
        raise MalformedError("malformed-json", f"it cannot be unpacked ({error})") from None
    if unpacking.unconsumed_tail:
        raise MalformedError("too-large", f"it is larger than {_MAX_DEFINITION} bytes unpacked")
    return loads(body)


def _try(row: Row) -> tuple[Any, ...]:
    run = row.get("run_id", row.get("execution_date"))
    return row.get("dag_id"), run, row.get("task_id"), row.get("map_index", -1)


def _uri(asset: Row) -> str:
    return str(asset.get("uri") or asset.get("name") or "")


def _asset(asset: Row) -> Row:
    return _held(Asset(_uri(asset), str(asset.get("name") or ""))._asdict() | {"group": asset.get("group")})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _hex(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value).replace("-", "")


def _held(body: Mapping[str, Any]) -> Row:
    """Return what is said, as JSON can hold it; what is empty is not said."""
    return {
        name: _held(value)
        if isinstance(value, Mapping)
        else value.hex()
        if isinstance(value, bytes)
        else value
        for name, value in body.items()
        if value is not None
        and value not in ([], {})
        and not (isinstance(value, float) and not isfinite(value))
    }
