"""What do MLflow's registered models, their versions and logged models say?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Fact, Happened, Json, Key, Link
from lineage.model.naming import model_version
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.source import Filtered
from lineage.sources._mlflow_values import logged_model_in, pairs, person, place_of, redacted, version_in
from lineage.sources._mlflow_view import CODE, LIFTED, View, code_of, json_of
from lineage.sources._withheld import MAX_TEXT, table
from lineage.text import clip


def model(view: View) -> Iterator[Fact | Filtered]:
    if view.joined.get("prompt"):
        yield Filtered("prompt")
        return
    created = view.notes.time(view.item, "creation_time", "creation_timestamp")
    updated = view.notes.time(view.item, "last_updated_time", "last_updated_timestamp")
    attributes: dict[str, Json] = {
        "description": clip(view.text("description"), MAX_TEXT),
        **view.times(created, updated),
        **table("tags", view.tags),
    }
    entity = view.entity(Key(Kind.MODEL, view.namespace, view.text("name")), attributes, created, None)
    aliases = {str(alias): str(version) for alias, version in pairs(view.item.get("aliases")).items()}
    entity.attributes["aliases"] = aliases
    yield entity


def version(view: View) -> Iterator[Fact | Filtered]:
    if view.joined.get("prompt"):
        yield Filtered("prompt")
        return
    item, name, number = view.item, view.text("name"), view.text("version")
    key = model_version(view.namespace, name, number)
    created = view.notes.time(item, "creation_time", "creation_timestamp")
    updated = view.notes.time(item, "last_updated_time", "last_updated_timestamp")
    stage = view.text("current_stage")
    deleted = stage == "Deleted_Internal"
    source = "" if redacted(item.get("source")) else view.text("source")
    stored = str(item.get("storage_location") or view.joined.get("location") or "")
    run_id = str(view.joined.get("run_id") or "")
    copied = version_in(source)
    attributes: dict[str, Json] = {
        "model": name,
        "version": number,
        **view.times(created, updated),
        **_creator(view, copied=copied is not None),
        "run_id": run_id,
        "run_id_basis": str(view.joined.get("run_id_basis") or "") if deleted else "",
        "git_commit": str(view.joined.get("commit") or ""),
        "logged_model_id": logged_model_in(source) or logged_model_in(stored),
        "uri": stored or source,
        "source": source,
        "storage_location": view.text("storage_location"),
        "status": view.text("status"),
        "status_message": clip(view.text("status_message"), MAX_TEXT),
        "run_link": "" if redacted(item.get("run_link")) else view.text("run_link"),
        "description": clip(view.text("description"), MAX_TEXT),
        "deleted": deleted,
        **table("tags", view.tags),
    }
    entity = view.entity(key, attributes, created, updated if deleted else None)
    entity.attributes["stage"] = None if deleted or stage in {"", "None"} else stage
    if "aliases" in view.joined:
        entity.attributes["aliases"] = sorted(str(alias) for alias in view.joined["aliases"])
    yield entity
    yield Link(
        key, Key(Kind.MODEL, view.namespace, name), Relation.VERSION_OF, Basis.DECLARED, "model_versions.name"
    )
    declared = Basis.DECLARED
    if run_id:
        rule = str(view.joined.get("run_id_basis") or "model_versions.run_id")
        yield Link(view.run(run_id), key, Relation.PRODUCED, declared, rule, at=created)
    logged = logged_model_in(source) or ("" if copied else logged_model_in(stored))
    if logged:
        rule = "model_versions.source" if logged_model_in(source) else "model_versions.storage_location"
        yield Link(view.version(logged), key, Relation.REGISTERED, declared, rule, at=created)
    if copied:
        original = model_version(view.namespace, *copied)
        yield Link(original, key, Relation.COPIED, declared, "model_versions.source", at=created)
    actor = view.text("user_id")
    by = Key(Kind.ACTOR, "mlflow", actor) if person(None, actor)[0] else None
    if created:
        yield Happened("register", key, created, f"{key.namespace}/{key.name}#register", actor=by)
    if deleted and updated:
        yield Happened("delete", key, updated, f"{key.namespace}/{key.name}#delete")


def _creator(view: View, *, copied: bool) -> dict[str, Json]:
    """Return who made the version, with the kind of evidence.

    MLflow never fills `user_id` itself (sources-ml 0.3). The run's user is the next best for a version that was
    registered from a run; who copied one from another model is not known by who trained it.
    """
    user, _ = person(None, view.item.get("user_id"))
    if user:
        return {"created_by": user, "created_by_basis": "model_versions.user_id"}
    if view.joined.get("user") and not copied:
        return {
            "created_by": str(view.joined["user"]),
            "created_by_basis": str(view.joined.get("user_basis")),
        }
    return {}


def logged_model(view: View) -> Iterator[Fact]:
    item = view.item
    number = view.text("model_id")
    key = view.version(number)
    created = view.notes.time(item, "creation_time", "creation_timestamp_ms")
    updated = view.notes.time(item, "last_updated_time", "last_updated_timestamp_ms")
    deleted = item.get("lifecycle_stage") == "deleted"
    metrics = [metric for metric in item.get("metrics", []) if isinstance(metric, dict)]
    user, _ = person(view.tags.get("mlflow.user"), None)
    who = (
        {"created_by": user, "created_by_basis": "logged model tag mlflow.user (client-side)"} if user else {}
    )
    attributes: dict[str, Json] = {
        "model": view.text("name"),
        "version": number,
        "logged": True,
        **view.times(created, updated),
        **who,
        "run_id": view.text("source_run_id"),
        "uri": view.text("artifact_location"),
        "status": view.text("status"),
        "status_message": clip(view.text("status_message"), MAX_TEXT),
        "model_type": view.text("model_type"),
        "experiment_id": view.text("experiment_id"),
        "deleted": deleted,
        "code": code_of(view.tags),
        **table("params", pairs(item.get("params"))),
        **table("metrics", {str(metric.get("key")): metric.get("value") for metric in metrics}),
        **table(
            "tags",
            {name: value for name, value in view.tags.items() if name not in LIFTED and name not in CODE},
        ),
    }
    yield view.entity(key, attributes, created, updated if deleted else None)
    if run_id := view.text("source_run_id"):
        rule = "logged_models.source_run_id"
        yield Link(view.run(run_id), key, Relation.PRODUCED, Basis.OBSERVED, rule, at=created)
    for name, number in _registered(view):
        target = model_version(view.namespace, name, number)
        yield Link(key, target, Relation.REGISTERED, Basis.DECLARED, "mlflow.modelVersions")
    for metric in metrics:
        if metric.get("dataset_name"):
            yield _evaluated(view, key, metric)


def _registered(view: View) -> list[tuple[str, str]]:
    """Return the versions that a logged model's tag lists; MLflow writes them as int and as text, and twice."""
    tag = view.tags.get("mlflow.modelVersions")
    if not tag:
        return []
    value = json_of(tag)
    if not isinstance(value, list):
        view.notes.add(
            "malformed-json", "the tag mlflow.modelVersions is no list", "mlflow.modelVersions", tag
        )
        return []
    entries = [entry for entry in value if isinstance(entry, dict) and entry.get("name")]
    return sorted({(str(entry["name"]), str(entry.get("version"))) for entry in entries})


def _evaluated(view: View, model: Key, metric: Mapping[str, Any]) -> Link:
    name, digest = str(metric["dataset_name"]), str(metric.get("dataset_digest") or "")
    source = (view.joined.get("datasets") or {}).get(f"{name}@{digest}") or {}
    row = {"name": name, "experiment_id": view.text("experiment_id"), **source}
    detail: dict[str, Json] = {
        "metric": metric.get("key"),
        "value": metric.get("value"),
        "name": name,
        "digest": digest,
    }
    return Link(
        place_of(view.namespace, row).key,
        model,
        Relation.EVALUATED,
        Basis.OBSERVED,
        "logged_model_metrics.dataset",
        run=view.run(str(metric["run_id"])) if metric.get("run_id") else None,
        at=view.notes.time(metric, "timestamp"),
        detail=detail,
    )
