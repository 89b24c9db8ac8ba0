"""What does an MLflow database file hold? Runs, datasets, logged models and the model registry, of 1.30 to 3.x.

The file is evidence: it is read by plain SQL, read-only, and is byte-identical afterwards. MLflow's own library would
migrate it in place (sources-ml 0.1). Which tables and columns there are is asked, never concluded from a version.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import groupby
from pathlib import Path
from typing import Any

from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _mlflow_facts as facts
from lineage.sources._mlflow_schema import resemblance
from lineage.sources._mlflow_snapshot import Found, Store, ran_by, records_of
from lineage.sources._sqlite_file import connect, stamp, still, why

NAME = "mlflow"
FORMAT = "MLflow tracking and registry database (SQLite), MLflow 1.30 to 3.x"
PROVES = ("who", "when", "what", "lineage")

_STATUS = {0: "UNSPECIFIED", 1: "PENDING", 2: "READY", 3: "FAILED"}
_TABLES = (
    "experiments",
    "experiment_tags",
    "runs",
    "tags",
    "params",
    "latest_metrics",
    "inputs",
    "input_tags",
    "datasets",
    "logged_models",
    "logged_model_tags",
    "logged_model_params",
    "logged_model_metrics",
    "registered_models",
    "registered_model_tags",
    "registered_model_aliases",
    "model_versions",
    "model_version_tags",
    "evaluation_datasets",
    "evaluation_dataset_tags",
    "entity_associations",
)


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is an MLflow database; a database whose schema is out of sight is a maybe."""
    return resemblance(sample)


def read(record: Record, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what one record of the store states."""
    return facts.read(record)


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a record for each thing and each listing of the store, and a problem for what cannot be read."""
    with ExitStack() as stack:
        try:
            before = stamp(Path(given.path)) if given.path is not None else None
            path = stack.enter_context(still(given))
            connection = stack.enter_context(closing(connect(path)))
            tables = _tables(connection)
        except sqlite3.DatabaseError as error:
            yield Problem("unreadable-database", why(error), value=given.name)
            return
        except OSError as error:
            yield Problem("unreadable-database", f"the database cannot be read: {error.strerror or error}")
            return
        if not ("experiments" in tables and "runs" in tables) and "registered_models" not in tables:
            yield Problem(
                "not-mlflow",
                "the SQLite database has no tables of MLflow",
                value=", ".join(sorted(tables)[:20]),
            )
            return
        problems: list[Problem] = []
        reader = _Reader(connection, tables, problems)
        try:
            yield from records_of(reader.store(), origin)
        except sqlite3.DatabaseError as error:
            problems.append(Problem("unreadable-database", why(error), row="runs"))
        if given.path is not None and before != stamp(Path(given.path)):
            reason = "the database was written to while it was read: import it again, or a copy of it"
            problems.append(Problem("changed-while-read", reason, fatal=False))
        yield from problems


def _tables(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return MLflow's tables that there are, with their columns; views and virtual tables are none."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    there = {name for name, sql in rows if not str(sql).upper().startswith("CREATE VIRTUAL")}
    return {
        table: tuple(row["name"] for row in connection.execute(f'PRAGMA table_info("{table}")'))
        for table in _TABLES
        if table in there
    }


class _Reader:
    """Reads the tables that are there into items of the common shape."""

    def __init__(
        self, connection: sqlite3.Connection, tables: dict[str, tuple[str, ...]], problems: list[Problem]
    ) -> None:
        self.connection = connection
        self.tables = tables
        self.problems = problems
        self.dataset_rows: dict[str, dict[str, Any]] = {}

    def rows(self, table: str, order: str = "", where: str = "", *values: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of `table` without their nulls; a damaged page ends it with a problem."""
        columns = self.tables.get(table, ())
        if not columns or (order and order not in columns):
            return
        names = ", ".join(f'"{column}"' for column in columns)
        sql = f'SELECT {names} FROM "{table}"'  # noqa: S608 - our own table names and the file's own column names
        sql += f" WHERE {where}" if where else ""
        sql += f' ORDER BY "{order}"' if order else ""
        try:
            for row in self.connection.execute(sql, values):
                yield {name: _plain(row[name]) for name in columns if row[name] is not None}
        except sqlite3.DatabaseError as error:
            self.problems.append(Problem("unreadable-table", why(error), field=table, row=table))

    def grouped(self, table: str, by: str) -> Callable[[str], list[dict[str, Any]]]:
        """Return a function that gives the rows of each key; keys have to be asked for in ascending order."""
        groups = groupby(self.rows(table, by), key=lambda row: str(row.get(by, "")))
        ahead: list[tuple[str, list[dict[str, Any]]]] = []

        def of(key: str) -> list[dict[str, Any]]:
            while True:
                if not ahead:
                    found = next(groups, None)
                    if found is None:
                        return []
                    ahead.append((found[0], list(found[1])))
                if ahead[0][0] == key:
                    return ahead.pop()[1]
                if ahead[0][0] > key:
                    return []
                ahead.pop()

        return of

    def tagged(
        self, table: str, *key: str, name: str = "key", value: str = "value"
    ) -> dict[tuple[str, ...], dict[str, Any]]:
        """Return a tag table as one dict for each key."""
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        for row in self.rows(table):
            found.setdefault(_key(row, key), {})[str(row.get(name))] = row.get(value)
        return found

    def run_ids(self) -> set[str]:
        """Return the ids of all runs, as far as the table can be read."""
        found: set[str] = set()
        try:
            if "runs" in self.tables:
                for row in self.connection.execute("SELECT run_uuid FROM runs"):
                    found.add(str(row[0]))
        except sqlite3.DatabaseError as error:
            self.problems.append(Problem("unreadable-table", why(error), field="runs", row="runs"))
        return found

    def store(self) -> Store:
        """Read everything but the runs, which are many and come one by one."""
        store = Store("sqlite")
        self.registry(store)
        tags = self.tagged("experiment_tags", "experiment_id")
        for row in self.rows("experiments", "experiment_id"):
            store.experiments.append(Found({**row, "tags": tags.get(_key(row, ("experiment_id",)), {})}))
            store.times += _times(row, "creation_time", "last_update_time")
        for row in self.rows("datasets", "dataset_uuid"):
            item = {
                name.removeprefix("dataset_") if name != "dataset_uuid" else name: row[name] for name in row
            }
            store.datasets.append(Found(item))
            self.dataset_rows[str(row.get("dataset_uuid"))] = {
                name: value for name, value in item.items() if name not in {"schema", "profile"}
            }
        self.logged_models(store)
        self.evaluations(store)
        store.run_ids = self.run_ids()
        self.users(store)
        store.loose = self.loose(store.run_ids)
        store.runs = self.runs
        listed = {
            "experiments": "experiments",
            "registered_models": "registered-models",
            "model_versions": "model-versions",
            "logged_models": "logged-models",
            "evaluation_datasets": "evaluation-datasets",
            "runs": "runs",
        }
        damaged = {problem.field for problem in self.problems}
        store.listings = {
            name: table not in damaged for table, name in listed.items() if table in self.tables
        }
        return store

    def registry(self, store: Store) -> None:
        tags = self.tagged("registered_model_tags", "workspace", "name")
        aliases = self.tagged("registered_model_aliases", "workspace", "name", name="alias", value="version")
        for row in self.rows("registered_models", "name"):
            key = _key(row, ("workspace", "name"))
            found = {alias: str(version) for alias, version in aliases.get(key, {}).items()}
            store.models.append(Found({**row, "tags": tags.get(key, {}), "aliases": found}))
            store.times += _times(row, "creation_time", "last_updated_time")
        tags = self.tagged("model_version_tags", "workspace", "name", "version")
        for row in self.rows("model_versions", "name"):
            key = _key(row, ("workspace", "name", "version"))
            item = {**row, "version": str(row.get("version", "")), "tags": tags.get(key, {})}
            store.versions.append(Found(item))
            store.times += _times(row, "creation_time", "last_updated_time")

    def logged_models(self, store: Store) -> None:
        tags = self.tagged("logged_model_tags", "model_id", name="tag_key", value="tag_value")
        params = self.tagged("logged_model_params", "model_id", name="param_key", value="param_value")
        metrics = self.grouped("logged_model_metrics", "model_id")
        for row in self.rows("logged_models", "model_id"):
            item = {
                name.removesuffix("_timestamp_ms") + "_time"
                if name.endswith("_timestamp_ms")
                else name: value
                for name, value in row.items()
            }
            item["status"] = _STATUS.get(row.get("status", 0), str(row.get("status")))
            key = _key(row, ("model_id",))
            item["tags"] = tags.get(key, {})
            item["params"] = params.get(key, {})
            item["metrics"] = [
                {
                    "key": metric.get("metric_name"),
                    "value": metric.get("metric_value"),
                    "timestamp": metric.get("metric_timestamp_ms"),
                    "step": metric.get("metric_step"),
                    **{
                        name: metric[name]
                        for name in ("run_id", "dataset_name", "dataset_digest")
                        if name in metric
                    },
                }
                for metric in metrics(str(row.get("model_id")))
            ]
            store.logged_models.append(Found(item))
            store.times += _times(row, "creation_timestamp_ms", "last_updated_timestamp_ms")

    def evaluations(self, store: Store) -> None:
        tags = self.tagged("evaluation_dataset_tags", "dataset_id")
        associated: dict[str, list[dict[str, str]]] = {}
        for row in self.rows("entity_associations"):
            ends = {
                row.get("source_type"): row.get("source_id"),
                row.get("destination_type"): row.get("destination_id"),
            }
            if "evaluation_dataset" in ends:
                number = str(ends.pop("evaluation_dataset"))
                associated.setdefault(number, []).extend(
                    {"type": str(kind), "id": str(of)} for kind, of in ends.items()
                )
        for row in self.rows("evaluation_datasets", "dataset_id"):
            number = str(row.get("dataset_id"))
            links = sorted(associated.get(number, []), key=lambda link: (link["type"], link["id"]))
            store.evaluations.append(Found({**row, "tags": tags.get((number,), {}), "associations": links}))
            store.times += _times(row, "created_time", "last_update_time")

    def users(self, store: Store) -> None:
        """Find who ran each run and on which code, and the times of all runs."""
        said: dict[str, dict[str, Any]] = {}
        for name in ("mlflow.user", "mlflow.source.git.commit"):
            for row in self.rows("tags", "", "key = ?", name):
                said.setdefault(str(row.get("run_uuid")), {})[name] = row.get("value")
        for row in self.rows("runs"):
            run = str(row.get("run_uuid"))
            store.ran[run] = ran_by(said.get(run, {}), row.get("user_id"))
            store.times += _times(row, "deleted_time")
            store.times += [max(_times(row, "start_time", "end_time"), default=0)]

    def loose(self, known: set[str]) -> dict[str, dict[str, Any]]:
        """Return the edges of runs that are there no more (`mlflow gc` leaves them)."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.rows("inputs"):
            run = _run_of(row)
            if run and run not in known:
                self.edge(found.setdefault(run, {}), row, {})
        return found

    def edge(self, item: dict[str, Any], row: dict[str, Any], tags: dict[str, Any]) -> None:
        """Add one row of `inputs` to what its run read or made.

        A model that a run reads is stored as RUN_INPUT -> MODEL_INPUT, as if it came out of the run: here it is an
        input again (sources-ml 2.1).
        """
        ends = (row.get("source_type"), row.get("destination_type"))
        if ends == ("DATASET", "RUN"):
            entry = {
                "dataset": self.dataset_rows.get(str(row.get("source_id"))),
                "dataset_uuid": row.get("source_id"),
            }
            item.setdefault("inputs", []).append({**entry, "tags": tags})
        elif ends == ("RUN_INPUT", "MODEL_INPUT"):
            item.setdefault("model_inputs", []).append({"model_id": row.get("destination_id")})
        elif ends == ("RUN_OUTPUT", "MODEL_OUTPUT"):
            entry = {"model_id": row.get("destination_id"), "step": row.get("step", 0)}
            item.setdefault("model_outputs", []).append(entry)

    def runs(self) -> Iterator[Found]:
        """Yield every run with its tags, parameters, latest metrics and edges, in the order of their ids."""
        tags = self.grouped("tags", "run_uuid")
        params = self.grouped("params", "run_uuid")
        metrics = self.grouped("latest_metrics", "run_uuid")
        by_destination = self.grouped("inputs", "destination_id")
        by_source = self.grouped("inputs", "source_id")
        contexts = self.tagged("input_tags", "input_uuid", name="name")
        for row in self.rows("runs", "run_uuid"):
            run = str(row.get("run_uuid"))
            item = {name: value for name, value in row.items() if name not in {"run_uuid", "name"}}
            item["run_id"] = run
            item["run_name"] = row.get("name", "")
            item["tags"] = {str(tag.get("key")): tag.get("value") for tag in tags(run)}
            item["params"] = {str(entry.get("key")): entry.get("value") for entry in params(run)}
            item["metrics"] = {
                str(entry.get("key")): {
                    "value": "NaN" if entry.get("is_nan") else entry.get("value"),
                    "timestamp": entry.get("timestamp"),
                    "step": entry.get("step"),
                }
                for entry in metrics(run)
            }
            edges = [edge for edge in (*by_destination(run), *by_source(run)) if _run_of(edge) == run]
            for edge in sorted(edges, key=lambda edge: str(edge.get("input_uuid"))):
                self.edge(item, edge, contexts.get((str(edge.get("input_uuid")),), {}))
            yield Found(item)


def _run_of(row: dict[str, Any]) -> str:
    """Return the run that a row of `inputs` belongs to, "" when it is about something else."""
    if (row.get("source_type"), row.get("destination_type")) == ("DATASET", "RUN"):
        return str(row.get("destination_id", ""))
    return str(row.get("source_id", "")) if row.get("source_type") in {"RUN_INPUT", "RUN_OUTPUT"} else ""


def _key(row: dict[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(row.get(name, "default" if name == "workspace" else "")) for name in names)


def _times(row: dict[str, Any], *names: str) -> list[int]:
    return [value for name in names if isinstance(value := row.get(name), int)]


def _plain(value: Any) -> Any:
    """Return a column's value as JSON can hold it: bytes as hex, infinities and NaN as MLflow's REST writes them."""
    if isinstance(value, bytes):
        return {"hex": value[:4096].hex(), "bytes": len(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
