"""What does one record of an MLflow store say? Runs, datasets, logged models, registered models and versions as facts.

The records are those of `_mlflow_snapshot`, so a database, a folder and REST answers speak one vocabulary. Rules and
traps: sources-ml 2.1 to 2.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lineage.model.facts import Alias, Coverage, Fact, Json, Link
from lineage.model.naming import dataset
from lineage.model.vocabulary import Basis, Relation
from lineage.source import Filtered, Problem, Record
from lineage.sources._mlflow_registry import logged_model, model, version
from lineage.sources._mlflow_runs import experiment, purged_run, run
from lineage.sources._mlflow_snapshot import WHAT
from lineage.sources._mlflow_values import place_of
from lineage.sources._mlflow_view import View, json_of
from lineage.sources._withheld import table
from lineage.text import MalformedError, loads

_OF_A_VERSION = ("table_version", "revision", "split", "config_name")


def read(record: Record) -> Iterator[Fact | Problem | Filtered]:
    """Say what `record` states; a record that is none of ours is one problem."""
    said = record.parsed
    if said is None:
        try:
            said = loads(record.raw)
        except MalformedError as error:
            yield Problem(error.code, error.reason)
            return
    if (
        not isinstance(said, dict)
        or not isinstance(said.get("item"), dict)
        or said.get("kind") not in _READERS
    ):
        yield Problem("not-mlflow", "the record is none of an MLflow store")
        return
    view = View(said)
    yield from _READERS[said["kind"]](view)
    yield from view.notes.problems


def _dataset(view: View) -> Iterator[Fact]:
    uses = [use for use in view.item.get("uses", []) if isinstance(use, dict)]
    if not uses:
        view.notes.add("missing-field", "the dataset has no row", "uses", "")
        return
    place = place_of(view.namespace, uses[0], view.notes)
    versions = []
    columns = []
    for use in uses:
        schema = _columns(use.get("schema"))
        if schema not in columns:
            columns.append(schema)
        other = place_of(view.namespace, use).attributes
        version: dict[str, Json] = {
            "version": str(use.get("digest") or ""),
            "name": str(use.get("name") or ""),
            "experiment_id": str(use.get("experiment_id") or ""),
            **{name: other[name] for name in _OF_A_VERSION if name in other},
        }
        profile = json_of(use.get("profile"))
        if isinstance(profile, dict):
            version.update(table("profile", profile))
        versions.append(version)
    if len(columns) > 1:
        for version, use in zip(versions, uses, strict=True):
            version["columns"] = _columns(use.get("schema"))
    attributes: dict[str, Json] = {
        **{name: value for name, value in place.attributes.items() if name not in _OF_A_VERSION},
        "names": sorted({str(use.get("name") or "") for use in uses}),
        "source_type": str(uses[0].get("source_type") or ""),
        "columns": columns[0] if len(columns) == 1 else [],
        "versions": versions[:300],
        **({"versions_total": len(versions)} if len(versions) > 300 else {}),
    }
    yield view.entity(place.key, attributes, None, None)
    named = {(str(use.get("workspace") or ""), str(use.get("name") or "")) for use in uses}
    for workspace, name in sorted(named) if not place.own else ():
        key = dataset(f"{view.server}/{workspace}/datasets", name)
        yield Alias(key, place.key, "mlflow-dataset-name", "candidate", 0.5)
    for key in place.other:
        yield Alias(key, place.key, "table-without-host", "candidate", 0.5)


def _evaluation_dataset(view: View) -> Iterator[Fact]:
    item = view.item
    key = dataset(f"{view.namespace}/evaluation-datasets", view.text("dataset_id"))
    created = view.notes.time(item, "created_time")
    updated = view.notes.time(item, "last_update_time")
    who = view.text("created_by")
    attributes: dict[str, Json] = {
        "names": [view.text("name")],
        "source_type": "mlflow_evaluation_dataset",
        "versions": [{"version": view.text("digest"), "name": view.text("name")}]
        if view.text("digest")
        else [],
        **({"created_by": who, "created_by_basis": "evaluation_datasets.created_by"} if who else {}),
        "updated_by": view.text("last_updated_by"),
        **view.times(created, updated),
        **table("tags", view.tags),
    }
    yield view.entity(key, attributes, created, None)
    for association in item.get("associations") or ():
        if association.get("type") == "run":
            target = view.run(str(association.get("id")))
        elif association.get("type") == "model":
            target = view.version(str(association.get("id")))
        else:
            continue
        yield Link(key, target, Relation.EVALUATED, Basis.DECLARED, "entity_associations")


def _listing(view: View) -> Iterator[Fact | Filtered]:
    name = view.text("listing")
    if view.at is None:
        yield Filtered("listing-without-time")
        return
    detail: dict[str, Json] = {"count": view.item.get("count"), "form": view.form}
    if view.form == "rest":
        detail["not_shown"] = "deleted versions, deleted logged models, prompts"
    complete = bool(view.item.get("complete"))
    yield Coverage(f"{view.namespace}/{name}", WHAT.get(name, name), view.at, view.at, complete, detail)


def _columns(schema: object) -> list[Json]:
    """Return the columns of a dataset's schema as name and type; nothing for tensors and what cannot be read."""
    value = json_of(schema)
    specification = value.get("mlflow_colspec") if isinstance(value, dict) else None
    if not isinstance(specification, list):
        return []
    columns = [
        {"name": str(column.get("name", "")), "type": str(column.get("type", ""))}
        for column in specification
        if isinstance(column, dict)
    ]
    return columns[:500]


_READERS: dict[str, Callable[[View], Iterator[Fact | Filtered]]] = {
    "experiment": experiment,
    "dataset": _dataset,
    "model": model,
    "model-version": version,
    "logged-model": logged_model,
    "evaluation-dataset": _evaluation_dataset,
    "run": run,
    "purged-run": purged_run,
    "listing": _listing,
}
