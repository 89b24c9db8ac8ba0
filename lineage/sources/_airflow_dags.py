"""What does an Airflow database state of a DAG: its tasks, and which assets they declare to read and write?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage.model.facts import Entity, Json, Key, Link
from lineage.model.moment import Moment
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.source import Problem
from lineage.sources._airflow_names import asset_key
from lineage.sources._airflow_values import (
    Body,
    Said,
    Times,
    at_of,
    items,
    kind,
    named,
    table,
    text,
)
from lineage.sources._withheld import clean
from lineage.text import clip


def read(body: Body, namespace: str, times: Times) -> Iterator[Said]:
    """Say what the record of a DAG states; `times` is not asked: a definition has no times of its own."""
    row = table(body, "row")
    dag_id = text(row, "dag_id")
    if not dag_id:
        yield Problem("missing-field", "a DAG has an id", "dag_id")
        return
    at = at_of(body)
    listing = f"{namespace}/dags" if at else ""
    dag = Key(Kind.JOB, namespace, dag_id)
    about: dict[str, Json] = kind("DAG")
    owners = sorted({owner.strip() for owner in text(row, "owners").split(",") if owner.strip()})
    schedule = text(row, "timetable_summary") or text(row, "schedule_interval").strip('"')
    code = {
        name: value
        for name, field in (("path", "relative_fileloc"), ("version", "bundle_version"))
        if (value := text(row, field))
    }
    said: tuple[tuple[str, Json], ...] = (
        ("owners", owners),
        ("description", clip(clean(text(row, "description")), 2_000)),
        ("schedule", "" if schedule in ("None", "null") else schedule),
        ("schedule_text", text(row, "timetable_description")),
        ("file", text(row, "fileloc")),
        ("code", code),
        ("tags", [tag for tag in items(body, "tags") if isinstance(tag, str)]),
    )
    about |= {name: value for name, value in said if value}
    for name, field in (("paused", "is_paused"), ("active", "is_active"), ("stale", "is_stale")):
        if field in row:
            about[name] = bool(row[field])
    yield Entity(dag, about, at, listing)
    seen: dict[tuple[str, Key], None] = {}
    tasks = {name: task for name, task in table(body, "tasks").items() if isinstance(task, Mapping)}
    for task_id, task in tasks.items():
        job = Key(Kind.JOB, namespace, f"{dag_id}.{task_id}")
        of_task = kind("TASK")
        if text(task, "operator"):
            of_task["operator"] = text(task, "operator")
        if text(task, "owner"):
            of_task["owners"] = [text(task, "owner")]
        yield Entity(job, of_task, at, listing)
        yield Link(dag, job, Relation.PARENT, Basis.DECLARED, "parent", at=at)
        for side in ("inlets", "outlets"):
            yield from _declared(job, side, items(task, side), at, f"serialized_dag.{side}", seen)
    refers = table(body, "refers")
    for field, side in (("inlet", "inlets"), ("outlet", "outlets")):
        for said in items(refers, field):
            if not isinstance(said, Mapping):
                continue
            task_id = text(said, "task")
            job = Key(Kind.JOB, namespace, f"{dag_id}.{task_id}") if task_id else dag
            if task_id and task_id not in tasks:
                yield Entity(job, kind("TASK"), at, listing)
                yield Link(dag, job, Relation.PARENT, Basis.DECLARED, "parent", at=at)
            yield from _declared(job, side, [said], at, f"task_{field}_reference", seen)
            yield from named(said, namespace)
    for said in items(refers, "schedule"):
        if isinstance(said, Mapping) and text(said, "uri"):
            key = asset_key(text(said, "uri"))
            detail: dict[str, Json] = {"schedule": True}
            yield Link(
                key, dag, Relation.INPUT, Basis.DECLARED, "dag_schedule_reference", at=at, detail=detail
            )
            yield from named(said, namespace)


def _declared(
    job: Key,
    side: str,
    assets: Iterable[Any],
    at: Moment | None,
    rule: str,
    seen: dict[tuple[str, Key], None],
) -> Iterator[Link]:
    """Yield the link for each asset that a task declares, once."""
    for item in assets:
        uri = text(item, "uri") if isinstance(item, Mapping) else ""
        if not uri:
            continue
        key = asset_key(uri)
        if (f"{side} {job.name}", key) in seen:
            continue
        seen[f"{side} {job.name}", key] = None
        if side == "inlets":
            yield Link(key, job, Relation.INPUT, Basis.DECLARED, rule, at=at)
        else:
            yield Link(job, key, Relation.OUTPUT, Basis.DECLARED, rule, at=at)
