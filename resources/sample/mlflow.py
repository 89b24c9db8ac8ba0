"""What does the company's MLflow store hold on a given day?

A store in the schema of MLflow 3.17 on sqlite: written as the tracking server writes it, including what it forgets. It
keeps no history, so an earlier day's store differs from a later one only in what had happened until then.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from resources.sample.drawn import at, hex32, milliseconds, number
from resources.sample.mlflow_schema import REVISION, statements
from resources.sample.pipeline import (
    DATASETS,
    DELETED_TRAINING,
    FAILED_TRAININGS,
    UNFINISHED_TRAINING,
    by_hand,
    dag_run,
    rows,
    sunday_before,
    trained_on,
    training_dag,
)
from resources.sample.story import (
    END,
    MLFLOW_3_SINCE,
    MODEL_STORE,
    MODELS,
    MOVES,
    SEUN,
    TRAINING_REPOSITORY,
    VERSIONS,
    WORKSPACE,
    ZOE,
    Version,
    days,
    logged_model,
    run_id,
    trainings,
)

Row = tuple[Any, ...]

FILES = {
    "mlflow/2026-05-31/mlflow.db": at("2026-05-31 05:00:00"),
    "mlflow/mlflow.db": at("2026-11-20 05:00:00"),
}
"""The two copies of the store, and when they were taken."""

_BEGAN = at("2024-11-05 08:12:31.402000")
_SQLITE_VERSION = 3_046_001
"""The library version in the file's header; told apart, two machines would write different bytes."""

_TYPES = {"string": "string", "double": "double", "long": "long", "timestamp": "datetime", "date": "datetime"}


def write(path: Path, as_of: datetime) -> None:
    """Write the store as it was at `as_of`."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA page_size = 4096")
        database.execute("PRAGMA journal_mode = MEMORY")
        database.execute("BEGIN")
        for statement in statements():
            database.execute(statement)
        for table, found in tables(as_of).items():
            places = ", ".join("?" * len(found[0]))
            database.executemany(f"INSERT INTO {table} VALUES ({places})", found)  # noqa: S608
        database.execute("COMMIT")
        database.execute("VACUUM")
    with path.open("r+b") as file:
        file.seek(96)
        file.write(_SQLITE_VERSION.to_bytes(4, "big"))


def tables(as_of: datetime) -> dict[str, list[Row]]:
    """Return the rows of each table that has any, in the order they were written."""
    made: dict[str, list[Row]] = defaultdict(list)
    made["alembic_version"].append((REVISION,))
    made["workspaces"].append((WORKSPACE, "Default workspace for legacy resources", None, None, None))
    _experiments(made)
    for model, start, version in sorted(trainings(), key=lambda training: training[1]):
        if start <= as_of:
            _training(made, model, start, version, as_of)
    for run in _others(as_of):
        _run(made, *run)
    for day in days():
        checked = datetime(day.year, day.month, day.day, 4, 0, 7, tzinfo=as_of.tzinfo)
        if checked <= as_of and ((day + timedelta(days=1)).day == 1 or day == END):
            _drift_check(made, day, checked, as_of)
    _registry(made, as_of)
    return dict(made)


def _experiments(made: dict[str, list[Row]]) -> None:
    began = milliseconds(_BEGAN)
    names = {0: "Default"} | {model.experiment: f"{model.name}/training" for model in MODELS.values()}
    names |= {4: "routing-poc", 5: "monitoring"}
    for place, (experiment, name) in enumerate(names.items()):
        made["experiments"].append(
            (
                experiment,
                name,
                f"{MODEL_STORE}/{experiment}",
                "deleted" if name == "routing-poc" else "active",
                began + place * 61_000,
                milliseconds(at("2025-03-14 16:20:00")) if name == "routing-poc" else began + place * 61_000,
                WORKSPACE,
            )
        )
    for model in MODELS.values():
        made["experiment_tags"].append(("team", "ml-platform", model.experiment))
        made["experiment_tags"].append(("mlflow.note.content", model.description, model.experiment))


def _run(
    made: dict[str, list[Row]],
    identifier: str,
    name: str,
    experiment: int,
    user: str,
    status: str,
    start: datetime,
    end: datetime | None,
    tags: dict[str, str],
    deleted: datetime | None = None,
) -> None:
    made["runs"].append(
        (
            identifier,
            name,
            "UNKNOWN",
            "",
            "",
            user,
            status,
            milliseconds(start),
            milliseconds(end) if end else None,
            "",
            "deleted" if deleted else "active",
            f"{MODEL_STORE}/{experiment}/{identifier}/artifacts",
            experiment,
            milliseconds(deleted) if deleted else None,
        )
    )
    said = {"mlflow.user": user, "mlflow.source.type": "LOCAL", "mlflow.runName": name, **tags}
    made["tags"] += [(key, value, identifier) for key, value in said.items()]


def _training(
    made: dict[str, list[Row]], model: str, start: datetime, version: Version | None, as_of: datetime
) -> None:
    """Add one training: its run, its trials, what it read and the model it logged."""
    day, experiment = start.date(), MODELS[model].experiment
    identifier, user = run_id(model, day), version.user if version else "svc-airflow"
    status = "FINISHED"
    if (model, day) in FAILED_TRAININGS:
        status = "FAILED"
    elif (model, day) == UNFINISHED_TRAINING:
        status = "RUNNING"
    end = start + timedelta(
        minutes=3 if status == "FAILED" else 104, seconds=number(1, 59, "end", identifier)
    )
    code = hex32("code", model, day)[:8]
    code_tags = {
        "mlflow.source.name": f"{model.replace('-', '_')}/train.py",
        "mlflow.source.git.commit": version.commit if version else hex32("commit", day, model) + code,
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.repoURL": f"{TRAINING_REPOSITORY}.git",
    }
    tags = code_tags | {
        "airflow_ctx_dag_id": training_dag(model),
        "airflow_ctx_dag_run_id": dag_run(
            start.replace(second=0) - timedelta(hours=1), manual=by_hand(version)
        ),
        "airflow_ctx_task_id": "train",
    }
    deleted = at("2025-09-10 09:31:12") if (model, day) == DELETED_TRAINING else None
    name = f"{MODELS[model].short}-{day}"
    ended = None if status == "RUNNING" else end
    _run(made, identifier, name, experiment, user, status, start, ended, tags, deleted)
    runs = [identifier]
    if version:
        for trial in range(2):
            child = hex32("trial", model, day, trial)
            since = start + timedelta(minutes=8 + 40 * trial)
            nested = code_tags | {"mlflow.parentRunId": identifier}
            until = since + timedelta(minutes=38)
            _run(made, child, f"trial-{trial}", experiment, user, "FINISHED", since, until, nested)
            made["params"].append(("max_depth", str(6 + 2 * trial), child))
            runs.append(child)
    read = _inputs(made, model, start, runs)
    if status != "FINISHED":
        return
    score = version.score if version else _score(model, day)
    metric = MODELS[model].metric
    made["params"] += [("max_depth", "8", identifier), ("window_days", "28", identifier)]
    made["metrics"].append((metric, score, milliseconds(end), identifier, 0, 0))
    made["latest_metrics"].append((metric, score, milliseconds(end), 0, 0, identifier))
    logged = logged_model(model, day)
    if logged:
        _logged(made, model, logged, identifier, end, code_tags | {"mlflow.user": user}, version, as_of)
        validation = read[-1]
        made["logged_model_metrics"].append(
            (logged, metric, milliseconds(end), 0, score, experiment, identifier, *validation)
        )


def _score(model: str, day: date) -> float:
    """Return the score of a training that was not registered: a little worse than the best before it."""
    kept = [one for one in VERSIONS if one.model == model and one.trained.date() <= day]
    worse = 1 + number(5, 60, "worse", model, day) / 1000
    best = kept[-1].score
    return round(best / worse if MODELS[model].metric == "recall_at_1" else best * worse, 3)


def _inputs(
    made: dict[str, list[Row]], model: str, start: datetime, runs: list[str]
) -> list[tuple[str, str, str]]:
    """Add the datasets of a training as inputs of its runs; return uuid, name and digest of each."""
    experiment, day = MODELS[model].experiment, sunday_before(start)
    read = []
    for name, context, uri in trained_on(model, start):
        count, columns = rows(name, day), DATASETS[name].columns
        identifier, digest = hex32("dataset", experiment, name, day), hex32("digest", name, day, count)[:8]
        shown = name.replace("/", "_")
        schema = [{"type": _TYPES[kind], "name": column, "required": True} for column, kind in columns]
        made["datasets"].append(
            (
                identifier,
                experiment,
                shown,
                digest,
                "s3",
                json.dumps({"uri": uri}),
                json.dumps({"mlflow_colspec": schema}),
                json.dumps({"num_rows": count, "num_elements": count * len(columns)}),
            )
        )
        for run in runs if context == "training" else runs[:1]:
            edge = hex32("input", identifier, run)
            made["inputs"].append((edge, "DATASET", identifier, "RUN", run, 0))
            made["input_tags"].append((edge, "mlflow.data.context", context))
        read.append((identifier, shown, digest))
    return read


def _logged(
    made: dict[str, list[Row]],
    model: str,
    logged: str,
    run: str,
    end: datetime,
    tags: dict[str, str],
    version: Version | None,
    as_of: datetime,
) -> None:
    experiment = MODELS[model].experiment
    location = f"{MODEL_STORE}/{experiment}/models/{logged}/artifacts"
    created = milliseconds(end - timedelta(minutes=2))
    finished = milliseconds(end - timedelta(seconds=40))
    name = MODELS[model].short
    made["logged_models"].append(
        (logged, experiment, name, location, created, finished, 2, "active", "", run, None)
    )
    edge = hex32("output", run, logged)
    made["inputs"].append((edge, "RUN_OUTPUT", run, "MODEL_OUTPUT", logged, 0))
    if version and version.registered <= as_of:
        listed = [{"name": model, "version": version.number}]
        tags = tags | {"mlflow.modelVersions": json.dumps(listed)}
    made["logged_model_tags"] += [(logged, experiment, key, value) for key, value in tags.items()]
    made["logged_model_params"].append((logged, experiment, "max_depth", "8"))


def _others(as_of: datetime) -> Iterator[Row]:
    """Yield runs of people trying things: one of a deleted experiment, one killed, one of which nothing is known."""
    poc = at("2025-02-24 15:02:44")
    gone = at("2025-03-14 16:20:02")
    yield hex32("poc"), "poc-1", 4, ZOE.login, "FINISHED", poc, poc + timedelta(minutes=9), {}, gone
    for when, name, experiment, user, status in (
        ("2025-11-27 13:40:10", "no-weather", 1, SEUN.login, "KILLED"),
        ("2026-04-21 10:15:33", "ablation-tokens", 2, ZOE.login, "FINISHED"),
        ("2026-09-03 17:22:51", "rest-client-run", 3, "unknown", "FINISHED"),
    ):
        start = at(when)
        if start <= as_of:
            end = start + timedelta(minutes=17)
            yield hex32("other", name), name, experiment, user, status, start, end, {}, None


def _drift_check(made: dict[str, list[Row]], day: date, start: datetime, as_of: datetime) -> None:
    """Add a monthly run that scores the model in use: the model is an input of it."""
    for model in MODELS:
        used = [
            one
            for one in VERSIONS
            if one.model == model and one.registered < start and one.registered <= as_of
        ]
        if not used or day < MLFLOW_3_SINCE or not used[-1].logged_model:
            continue
        run = hex32("drift", model, day)
        end = start + timedelta(minutes=6)
        tags = {"job": "drift-check", "model": model, "model_version": str(used[-1].number)}
        name = f"drift-{MODELS[model].short}-{day}"
        _run(made, run, name, 5, "svc-airflow", "FINISHED", start, end, tags)
        psi = number(10, 190, "psi", model, day) / 1000
        made["metrics"].append(("psi", psi, milliseconds(end), run, 0, 0))
        made["latest_metrics"].append(("psi", psi, milliseconds(end), 0, 0, run))
        logged = used[-1].logged_model
        made["inputs"].append((hex32("scored", run), "RUN_INPUT", run, "MODEL_INPUT", logged, 0))


def _registry(made: dict[str, list[Row]], as_of: datetime) -> None:
    moves = [move for move in MOVES if move.at <= as_of]
    for model in MODELS.values():
        versions = [one for one in VERSIONS if one.model == model.name and one.registered <= as_of]
        touched = [one.registered for one in versions] + [one.at for one in moves if one.model == model.name]
        created = milliseconds(versions[0].registered - timedelta(seconds=1))
        last = milliseconds(max(touched))
        made["registered_models"].append((model.name, created, last, model.description, WORKSPACE))
        for key, value in (("owner", "ml-platform@skarn.example"), ("sla_tier", "gold")):
            made["registered_model_tags"].append((key, value, model.name, WORKSPACE))
        for version in versions:
            _version(made, version, as_of)
    aliases = {(move.model, move.name): move.number for move in moves if not move.stage}
    made["registered_model_aliases"] += [
        (alias, version, model, WORKSPACE) for (model, alias), version in sorted(aliases.items())
    ]


def _version(made: dict[str, list[Row]], version: Version, as_of: datetime) -> None:
    """Add one version; a deleted one keeps its place in the store, and its tags, but not its run (sources-ml 2.4)."""
    stages = [
        move
        for move in MOVES
        if move.stage and (move.model, move.number) == (version.model, version.number) and move.at <= as_of
    ]
    deleted = version.deleted and version.deleted <= as_of
    updated = stages[-1].at if stages else version.registered
    source = f"models:/{version.logged_model}" if version.logged_model else version.location
    made["model_versions"].append(
        (
            version.model,
            version.number,
            milliseconds(version.registered),
            milliseconds(version.deleted if deleted and version.deleted else updated),
            None if deleted else f"Trained on the week to {version.partition}.",
            None,
            "Deleted_Internal" if deleted else stages[-1].name if stages else "None",
            "REDACTED-SOURCE-PATH" if deleted else source,
            "REDACTED-RUN-ID" if deleted else version.run_id,
            "READY",
            None,
            "REDACTED-RUN-LINK" if deleted else "",
            version.location,
            WORKSPACE,
        )
    )
    tags = {
        "git_commit": version.commit,
        "approved_by": version.approver.email,
        "change_ticket": version.ticket,
    }
    if version.model == "address-match":
        tags["image_digest"] = version.image
    made["model_version_tags"] += [
        (key, value, version.model, version.number, WORKSPACE) for key, value in tags.items()
    ]
