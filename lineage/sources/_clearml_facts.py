"""What do a task, a model and a dataset of ClearML say?

Field names are those of the server's API (clearml/backend_api/services/v2_23: tasks.py, models.py). An id is random
and names one thing on every server; a project is an id in `*.get_all`, and id and name in `*.get_all_ex`. A dataset is
a task with the system tag `dataset`, its versions have ids of their own, and a task that used one says so in the
section `Datasets` of its parameters (clearml/datasets/dataset.py). A published model is not a deployed one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineage.model.facts import Alias, Entity, Fact, Happened, Json, Key, Link, Run, Use
from lineage.model.moment import LAST, Moment, to_iso
from lineage.model.naming import dataset, dataset_at
from lineage.model.vocabulary import TERMINAL, Basis, Kind, Relation, RunState
from lineage.source import Filtered, Origin, Problem
from lineage.sources._said import Said, kept, plains
from lineage.sources._withheld import table

_STATES = {
    "created": RunState.OTHER,
    "queued": RunState.OTHER,
    "unknown": RunState.OTHER,
    "in_progress": RunState.RUNNING,
    "stopped": RunState.ABORT,
    "failed": RunState.FAIL,
    "closed": RunState.COMPLETE,
    "completed": RunState.COMPLETE,
    "publishing": RunState.COMPLETE,
    "published": RunState.COMPLETE,
}
_UNKNOWN = Moment(0, LAST)
_HIDDEN_PROJECT = "/.datasets/"


def namespace_of(origin: Origin) -> str:
    """Return the server's namespace."""
    instance = origin.label("instance")
    return f"clearml:{instance}" if instance else "clearml"


def task(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a task states; one with the system tag `dataset` is also a version of a dataset."""
    namespace = namespace_of(origin)
    number = said.text("id")
    if not number:
        yield Problem("missing-field", "the task has no id", "id")
        return
    tags, system = said.texts("tags"), said.texts("system_tags")
    project_id, project = _reference(said, "project")
    project = project or said.text("project_name")
    key = Key(Kind.RUN, namespace, number)
    started, ended = said.time("started"), said.time("completed")
    created = said.time("created")
    status = said.text("status")
    state = _STATES.get(status, RunState.OTHER)
    if status and status not in _STATES:
        said.wrong("unknown-status", "the task's status is none of ClearML's", "status", status)
    user_id, user = _reference(said, "user")
    used = tuple(sorted(_datasets(said, namespace)))
    own = "dataset" in system
    version = _dataset_version(said)
    written: tuple[Use, ...] = ()
    if own:
        written = (Use(dataset(f"{namespace}/datasets", number), number),)
    job = Key(Kind.JOB, namespace, project)
    if not project:
        job = Key(Kind.JOB, f"{namespace}/projects", project_id or "none")
    elif project_id:
        yield Alias(Key(Kind.JOB, f"{namespace}/projects", project_id), job, "clearml-project-id")
    yield Run(
        key,
        job,
        state,
        _as_of(said, state, started, ended, created),
        inputs=used,
        outputs=written,
        started=started,
        ended=ended if state in TERMINAL else None,
        individual=True,
        actor=Key(Kind.ACTOR, "clearml", user or user_id) if user or user_id else None,
        attributes=kept(
            {
                "name": said.text("name"),
                "type": said.text("type"),
                "status": status,
                "user": user,
                "user_id": user_id,
                "project": project,
                "offline": number.startswith("offline-") or None,
                "archived": "archived" in system or None,
                "parent_task": _reference(said, "parent")[0],
                "description": said.text("comment"),
                "status_message": said.text("status_message") or said.text("status_reason"),
                "worker": said.text("last_worker"),
                "tags": tags,
                "image": said.part("container").text("image"),
                "code": _code(said),
                "artifacts": _artifacts(said),
                **({"created_at": to_iso(created.lo)} if created else {}),
                **table("params", _parameters(said)),
                **table("metrics", _metrics(said)),
            }
        ),
    )
    if own:
        yield from _dataset(said, namespace, number, project, version, created)
    yield from _models(said, namespace, key, ended or started)
    yield from said.problems


def _as_of(
    said: Said, state: RunState, started: Moment | None, ended: Moment | None, created: Moment | None
) -> Moment:
    """Return when the task was in its state: at its end, else when it was last changed; else nothing is known."""
    if state in TERMINAL and ended:
        return ended
    changed = said.time("status_changed") or said.time("last_change", "last_update")
    if state in TERMINAL:
        return (
            Moment(started.lo, changed.hi) if started and changed and started.lo <= changed.hi else _UNKNOWN
        )
    return changed or started or created or _UNKNOWN


def model(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a model states: each has an id of its own, and models of one name are its versions."""
    namespace = namespace_of(origin)
    number = said.text("id")
    if not number:
        yield Problem("missing-field", "the model has no id", "id")
        return
    key = Key(Kind.MODEL_VERSION, namespace, number)
    name = said.text("name") or number
    project_id, project = _reference(said, "project")
    created, updated = said.time("created"), said.time("last_update")
    user_id, user = _reference(said, "user")
    made_by = _reference(said, "task")[0]
    yield Entity(
        key,
        kept(
            {
                "model": name,
                "version": number,
                "project": project or project_id,
                **({"created_at": to_iso(created.lo)} if created else {}),
                **({"updated_at": to_iso(updated.lo)} if updated else {}),
                **(
                    {"created_by": user or user_id, "created_by_basis": "model.user"}
                    if user or user_id
                    else {}
                ),
                "run_id": made_by,
                "uri": said.text("uri"),
                "storage_location": said.text("uri"),
                "framework": said.text("framework"),
                "published": said.body.get("ready") is True,
                "archived": "archived" in said.texts("system_tags") or None,
                "description": said.text("comment"),
                "parent_model": _reference(said, "parent")[0],
                "labels": said.texts("tags"),
                **table("tags", _metadata(said)),
            }
        ),
        created=created,
    )
    holder = Key(Kind.MODEL, namespace, name)
    yield Link(key, holder, Relation.VERSION_OF, Basis.DECLARED, "model.name")
    if made_by:
        run = Key(Kind.RUN, namespace, made_by)
        yield Link(run, key, Relation.PRODUCED, Basis.DECLARED, "model.task", at=created)
    if created:
        actor = Key(Kind.ACTOR, "clearml", user or user_id) if user or user_id else None
        yield Happened("register", key, created, f"{namespace}/{number}#register", actor=actor)
    yield from said.problems


def listed_dataset(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what an entry of `Dataset.list_datasets()` states."""
    namespace = namespace_of(origin)
    number = said.text("id")
    if not number:
        yield Problem("missing-field", "the dataset has no id", "id")
        return
    version = said.text("version")
    yield from _dataset(said, namespace, number, said.text("project"), version, said.time("created"))
    yield from said.problems


def project(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say how a project is called, so that answers which name only its id are understood."""
    number, name = said.text("id"), said.text("name")
    if not number or not name:
        yield Problem("missing-field", "the project has no id or no name", "name" if number else "id")
        return
    namespace = namespace_of(origin)
    job = Key(Kind.JOB, namespace, name)
    yield Alias(Key(Kind.JOB, f"{namespace}/projects", number), job, "clearml-project-id")
    yield Entity(job, kept({"project_id": number, "description": said.text("description")}))
    yield from said.problems


def _dataset(
    said: Said, namespace: str, number: str, project: str, version: str, created: Moment | None
) -> Iterator[Fact]:
    name = said.text("name") or number
    place = project.partition(_HIDDEN_PROJECT)[0] if project else ""
    key = dataset(f"{namespace}/datasets", "/".join(filter(None, (place, name))))
    by_id = dataset(f"{namespace}/datasets", number)
    entry = kept({"version": number, "number": version, "created_at": to_iso(created.lo) if created else ""})
    yield Entity(key, kept({"names": [name], "source_type": "clearml", "versions": [entry]}), created=created)
    if key != by_id:
        yield Alias(by_id, key, "clearml-dataset-id")


def _datasets(said: Said, namespace: str) -> Iterator[Use]:
    """Yield the datasets that a task took: the section `Datasets`, and inputs that lie somewhere by themselves."""
    section = said.part("hyperparams").part("Datasets")
    for alias in section.body:
        number = section.part(str(alias)).text("value")
        if number:
            yield Use(dataset(f"{namespace}/datasets", number), number)
    for artifact in said.part("execution").each("artifacts"):
        uri = artifact.text("uri")
        if artifact.text("mode") == "input" and "://" in uri:
            yield Use(dataset_at(uri), artifact.text("hash"))


def _models(said: Said, namespace: str, run: Key, at: Moment | None) -> Iterator[Link]:
    models = said.part("models")
    inputs = [_reference(entry, "model")[0] for entry in models.each("input")]
    outputs = [_reference(entry, "model")[0] for entry in models.each("output")]
    inputs.append(_reference(said.part("execution"), "model")[0])
    outputs.append(_reference(said.part("output"), "model")[0])
    for number in sorted(set(filter(None, inputs))):
        used = Key(Kind.MODEL_VERSION, namespace, number)
        yield Link(used, run, Relation.INPUT, Basis.OBSERVED, "models.input", run=run, at=at)
    for number in sorted(set(filter(None, outputs))):
        made = Key(Kind.MODEL_VERSION, namespace, number)
        yield Link(run, made, Relation.PRODUCED, Basis.OBSERVED, "models.output", run=run, at=at)


def _reference(said: Said, name: str) -> tuple[str, str]:
    """Return id and name of what a field refers to: the id alone, or an object with both."""
    value = said.body.get(name)
    if isinstance(value, dict):
        part = said.part(name)
        return part.text("id"), part.text("name")
    return said.text(name), ""


def _dataset_version(said: Said) -> str:
    version = said.part("runtime").text("version")
    return version or said.part("hyperparams").part("properties").part("version").text("value")


def _code(said: Said) -> dict[str, Json]:
    script = said.part("script")
    return kept(
        {
            "repository": script.text("repository"),
            "commit": script.text("version_num"),
            "branch": script.text("branch"),
            "tag": script.text("tag"),
            "entry_point": script.text("entry_point"),
            "working_dir": script.text("working_dir"),
            **({"uncommitted": True} if script.body.get("diff") else {}),
        }
    )


def _artifacts(said: Said) -> list[Json]:
    listed = said.part("execution").each("artifacts")
    return [
        kept({name: artifact.text(name) for name in ("key", "type", "mode", "uri", "hash")})
        for artifact in listed
    ][:100]


def _parameters(said: Said) -> dict[str, Any]:
    """Return the parameters as `section/name`, as ClearML itself writes them; old servers had one flat table."""
    found = plains(said.part("execution").part("parameters").body)
    sections = said.part("hyperparams")
    for section in sections.body:
        if section in {"properties", "Datasets"}:
            continue
        part = sections.part(str(section))
        for name in part.body:
            found[f"{section}/{name}"] = part.part(str(name)).text("value")
    return found


def _metrics(said: Said) -> dict[str, Any]:
    found: dict[str, Any] = {}
    metrics = said.part("last_metrics")
    for metric in metrics.body:
        variants = metrics.part(str(metric))
        for variant in variants.body:
            event = variants.part(str(variant))
            value = event.body.get("value")
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                name = "/".join(filter(None, (event.text("metric"), event.text("variant"))))
                found[name or f"{metric}/{variant}"] = value
    return found


def _metadata(said: Said) -> dict[str, Any]:
    """Return the metadata of a model: a table of `key`, `type` and `value`, or a list of such."""
    if isinstance(said.body.get("metadata"), list):
        return {entry.text("key"): entry.text("value") for entry in said.each("metadata")}
    holder = said.part("metadata")
    return {str(name): holder.part(str(name)).text("value") for name in holder.body}
