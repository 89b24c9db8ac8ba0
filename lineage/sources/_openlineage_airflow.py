"""What does Airflow say in its own facets: who triggered the run, and which assets do its tasks declare?

Airflow's events have no inputs and outputs for most operators; the assets stand in `airflow.task.inlets`, `.outlets`
and `unknownSourceAttribute`, as a Python literal inside a string (sources-ops 0.1, OpenLineage issue 3265).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import msgspec

from lineage.model import naming
from lineage.model.facts import Key
from lineage.model.vocabulary import Kind
from lineage.source import Problem
from lineage.sources._openlineage_shapes import REMEMBERED, Facet, masked, take
from lineage.text import clip

_LITERAL_LIMIT: Final = 64 * 1024


class Said(msgspec.Struct):
    """What one of the facets says.

    Attributes:
        about: ids of Airflow's own, by which its database knows the run; mlflow_run: the run that the trigger's
            configuration names; inlets, outlets: datasets the task declares, with the field that says so.
    """

    about: dict[str, str] = {}
    mlflow_run: str = ""
    actor: Key | None = None
    inlets: dict[Key, str] = {}
    outlets: dict[Key, str] = {}
    problems: list[Problem] = []


class _DagRun(msgspec.Struct, gc=False):
    dag_id: str | None = None
    run_id: str | None = None
    run_type: str | None = None
    logical_date: str | None = None
    user: str | None = msgspec.field(default=None, name="triggering_user_name")
    conf: Any = None


class _Task(msgspec.Struct, gc=False):
    task_id: str | None = None
    inlets: Any = None
    outlets: Any = None


class _Attempt(msgspec.Struct, gc=False):
    try_number: Any = None


class _Airflow(Facet):
    dag_run: _DagRun | None = msgspec.field(default=None, name="dagRun")
    task: _Task | None = None
    attempt: _Attempt | None = msgspec.field(default=None, name="taskInstance")


class _Unknown(msgspec.Struct, gc=False):
    properties: _Task | None = None


class _UnknownItems(Facet):
    items: list[_Unknown] | None = msgspec.field(default=None, name="unknownItems")


_AIRFLOW = msgspec.json.Decoder(_Airflow)
_UNKNOWN = msgspec.json.Decoder(_UnknownItems)


def run(raw: bytes, where: str) -> Said:
    """Return what `airflow` (of a task) or `airflowDagRun` (of a DAG) says."""
    said = Said()
    facet = take(_AIRFLOW, raw, where)
    if isinstance(facet, Problem):
        said.problems.append(facet)
        return said
    dag_run = facet.dag_run
    if dag_run is not None:
        for word in ("dag_id", "run_id", "run_type", "logical_date"):
            if value := getattr(dag_run, word):
                said.about[f"airflow_{word}"] = value
        if dag_run.user and not masked(dag_run.user):
            said.actor = Key(Kind.ACTOR, "airflow", dag_run.user)
        trained = dag_run.conf.get("mlflow_run_id") if isinstance(dag_run.conf, dict) else None
        said.mlflow_run = trained if isinstance(trained, str) else ""
    if facet.task is not None:
        if facet.task.task_id:
            said.about["airflow_task_id"] = facet.task.task_id
        _take_assets(said, facet.task, f"{where}.task")
    if facet.attempt is not None and facet.attempt.try_number is not None:
        said.about["airflow_try_number"] = str(facet.attempt.try_number)
    return said


def unknown(raw: bytes, where: str) -> Said:
    """Return what `unknownSourceAttribute` says: the properties of an operator that nothing was extracted from."""
    said = Said()
    facet = take(_UNKNOWN, raw, where)
    if isinstance(facet, Problem):
        said.problems.append(facet)
        return said
    for item in facet.items or ():
        if item.properties is not None:
            _take_assets(said, item.properties, f"{where}.unknownItems.properties")
    return said


def _take_assets(said: Said, task: _Task, where: str) -> None:
    for word, kept in (("inlets", said.inlets), ("outlets", said.outlets)):
        value = getattr(task, word)
        if not value or value == "[]":
            continue
        found = _assets(value) if isinstance(value, str) else _from_items(value)
        if found is None:
            reason = "no list of assets can be read from the text"
            said.problems.append(Problem("bad-value", reason, f"{where}.{word}", clip(value), fatal=False))
            continue
        for key in found:
            kept.setdefault(key, f"{where.removeprefix('run.facets.')}.{word}")


@lru_cache(maxsize=REMEMBERED)
def _assets(text: str) -> tuple[Key, ...] | None:
    """Return the datasets that Airflow wrote as a Python literal into a string; None when it is none.

    Newer providers write dicts, older ones the objects' own form: `[Dataset(uri='s3://a/b', extra=None)]`.
    """
    if len(text) > _LITERAL_LIMIT:
        return None
    try:
        return _from_items(ast.literal_eval(text))
    except (ValueError, TypeError):
        pass
    except (SyntaxError, RecursionError, MemoryError):
        return None
    try:
        return _from_items(list(_called(ast.parse(text, mode="eval").body)))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _called(tree: ast.expr) -> Iterator[dict[str, Any]]:
    """Yield the named arguments of each object in a list, as far as they name a dataset; nothing is called."""
    for call in tree.elts if isinstance(tree, (ast.List, ast.Tuple)) else [tree]:
        if isinstance(call, ast.Call):
            yield {
                word.arg: ast.literal_eval(word.value)
                for word in call.keywords
                if word.arg in {"uri", "namespace", "name"}
            }


def _from_items(items: Any) -> tuple[Key, ...] | None:
    if not isinstance(items, (list, tuple)):
        return None
    found = []
    for item in items:
        # Inlets may also be task ids or `auto`, in bare text.
        said = item if isinstance(item, dict) else {"uri": item} if "://" in str(item) else {"name": item}
        uri, namespace, name = said.get("uri"), said.get("namespace"), said.get("name")
        if isinstance(uri, str) and uri:
            # A bare name is an asset of Airflow's own, not a file.
            found.append(naming.dataset_at(uri) if ":/" in uri else naming.dataset("airflow", uri))
        elif isinstance(namespace, str) and isinstance(name, str) and namespace and name:
            found.append(naming.dataset(namespace, name))
        elif not isinstance(name, str):
            return None
    return tuple(found)
