"""What do a run and an artifact of Weights & Biases say?

Names are those of the public API, as GraphQL writes them (`createdAt`) and as its Python objects have them
(`created_at`): wandb/apis/public/runs.py, wandb/sdk/artifacts/artifact.py. An artifact of type `model` is a version of
a model, one of any other type a version of a dataset. A version linked to a registry or portfolio has a name and a
number of its own there. Aliases move and leave no history: they were so when the export was made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineage.model import moment
from lineage.model.facts import Entity, Fact, Happened, Json, Key, Link, Run, Use
from lineage.model.moment import LAST, Moment, to_iso
from lineage.model.naming import dataset, dataset_at, model_version
from lineage.model.vocabulary import TERMINAL, Basis, Kind, Relation, RunState
from lineage.source import Filtered, Origin, Problem
from lineage.sources._said import Said, kept, plains
from lineage.sources._wandb_names import (
    Name,
    aliases_of,
    config_of,
    decoded,
    name_of,
    named,
    namespace_of,
    object_of,
    references_of,
    source_of,
    summary_of,
    text_of,
    type_of,
    user_of,
)
from lineage.sources._withheld import table

_STATES = {
    "finished": RunState.COMPLETE,
    "failed": RunState.FAIL,
    "killed": RunState.ABORT,
    "crashed": RunState.ABORT,
    "running": RunState.RUNNING,
    "pending": RunState.OTHER,
    "preempting": RunState.RUNNING,
    "preempted": RunState.ABORT,
}
"""A crashed run is one that was no longer heard of: that it failed is not known."""
_UNKNOWN = Moment(0, LAST)
_RUN_FOLDER = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-([\w-]+)")


def run(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a run states; `name` is its id in GraphQL's answers, where `displayName` is what people see."""
    path = (said.text("path") if isinstance(said.body.get("path"), str) else "").split("/")
    graph = "displayName" in said.body
    number = said.text("name", "id") if graph else said.text("run_id", "id", "name")
    if not number:
        yield Problem("missing-field", "the run has no id", "name" if graph else "id")
        return
    about = said.part("project") if isinstance(said.body.get("project"), dict) else said
    project = about.text("name") if about is not said else said.text("project")
    owner = about.part("entity") if isinstance(about.body.get("entity"), dict) else about
    entity = owner.text("name") if owner is not about else about.text("entity", "entityName")
    if len(path) == 3:
        entity, project = entity or path[0], project or path[1]
    namespace = namespace_of(origin, entity, project)
    key = Key(Kind.RUN, namespace, number)
    state = _STATES.get(said.text("state").lower(), RunState.OTHER)
    if said.text("state") and said.text("state").lower() not in _STATES:
        said.wrong("unknown-status", "the run's state is none of W&B's", "state", said.text("state"))
    started = said.time("createdAt", "created_at")
    heard = said.time("heartbeatAt", "heartbeat_at", "updatedAt", "updated_at")
    ended = heard if state in TERMINAL and said.text("state").lower() != "crashed" else None
    user, who = user_of(said)
    used = list(_artifacts(said, ("used_artifacts", "inputArtifacts", "usedArtifacts"), origin))
    made = list(_artifacts(said, ("logged_artifacts", "outputArtifacts", "loggedArtifacts"), origin))
    yield Run(
        key,
        Key(
            Kind.JOB,
            namespace,
            said.text("jobType", "job_type") or project or origin.label("project") or "runs",
        ),
        state,
        heard or started or _UNKNOWN,
        inputs=tuple(Use(thing, version) for thing, version in used if thing.kind is Kind.DATASET),
        outputs=tuple(Use(thing, version) for thing, version in made if thing.kind is Kind.DATASET),
        started=started,
        ended=ended,
        individual=True,
        actor=Key(Kind.ACTOR, "wandb", user) if user else None,
        attributes=kept(
            {
                "name": said.text("displayName", "display_name") or (said.text("name") if not graph else ""),
                "status": said.text("state"),
                "user": who or user,
                "group": said.text("group"),
                "sweep": said.text("sweepName", "sweep_name"),
                "tags": said.texts("tags"),
                "host": said.text("host"),
                "description": said.text("notes", "description"),
                "code": kept({"commit": said.text("commit")}),
                **table("params", config_of(object_of(said, "config"))),
                **table("metrics", summary_of(object_of(said, "summaryMetrics", "summary"))),
            }
        ),
    )
    yield from _model_links(key, used, made, ended or started)
    yield from said.problems


def artifact(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a version of an artifact states, with the runs that made and used it and where it is linked."""
    found = name_of(said)
    kind = type_of(said)
    if not found.collection or not found.version:
        missing = "version" if found.collection else "name"
        yield Problem("missing-field", f"the artifact has no {missing}", missing)
        return
    if not kind:
        yield Problem("missing-field", "the artifact has no type: model or data?", "type")
        return
    namespace = namespace_of(origin, found.entity, found.project)
    created, updated = said.time("createdAt", "created_at"), said.time("updatedAt", "updated_at")
    aliases = sorted(set(aliases_of(said)))
    user = user_of(said, "createdBy", "created_by")[0]
    basis = "createdBy"
    maker = _maker(said)
    if not user and maker is not None:
        user, basis = user_of(maker)[0], "logged_by.user"
    attributes = kept(
        {
            "artifact_type": kind,
            "digest": said.text("digest"),
            "status": said.text("state"),
            "description": said.text("description"),
            "size": said.body.get("size") if isinstance(said.body.get("size"), int) else None,
            **({"created_at": to_iso(created.lo)} if created else {}),
            **({"updated_at": to_iso(updated.lo)} if updated else {}),
            **({"created_by": user, "created_by_basis": basis} if user else {}),
            **table("metadata", plains(object_of(said, "metadata").body)),
        }
    )
    at = _observed(said, origin)
    deleted = said.text("state").upper() in {"DELETED", "PENDING_DELETION"}
    if kind == "model":
        key = model_version(namespace, found.collection, found.version)
        commit = object_of(said, "metadata").text("git_commit", "commit")
        attributes |= {"model": found.collection, "version": found.version, "deleted": deleted}
        attributes |= kept({"git_commit": commit})
        yield Entity(key, {**attributes, "aliases": aliases}, at, created=created)
        yield Link(
            key, Key(Kind.MODEL, namespace, found.collection), Relation.VERSION_OF, Basis.DECLARED, "name"
        )
        if created:
            actor = Key(Kind.ACTOR, "wandb", user) if user else None
            yield Happened("register", key, created, f"{namespace}/{key.name}#register", actor=actor)
    else:
        key = dataset(namespace, found.collection)
        entry = kept({"version": found.version, "digest": said.text("digest"), "aliases": list(aliases)})
        yield Entity(
            key,
            kept({"names": [found.collection], "source_type": f"wandb {kind}", "versions": [entry]}),
            at,
            created=None,
        )
        for place in references_of(said):
            yield Link(dataset_at(place), key, Relation.DERIVED, Basis.DECLARED, "manifest.ref", at=created)
    if maker is not None:
        yield from _run_link(maker, origin, key, found, created, made=True)
    for user_run in _runs(said, "used_by", "usedBy"):
        yield from _run_link(user_run, origin, key, found, None, made=False)
    if kind == "model":
        yield from _linked(said, origin, key, found)
    yield from said.problems


def folder(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what the folder of a run on disk states: who started what where; its end and state are not in it.

    `config.yaml` wraps each value (`{value: ...}`); `startedAt` is UTC; the folder's own name holds a local time.
    """
    match = _RUN_FOLDER.search(said.text("folder"))
    if not match:
        yield Problem("missing-field", "the folder's name holds no run id", "folder", said.text("folder"))
        return
    files = said.part("files")
    metadata = _file(files, "wandb-metadata.json")
    summary = _file(files, "wandb-summary.json")
    config = _file(files, "config.yaml")
    namespace = namespace_of(origin, "", "")
    started = metadata.time("startedAt")
    last = summary.time("_timestamp")
    email, user = metadata.text("email"), metadata.text("username")
    git = metadata.part("git")
    yield Run(
        Key(Kind.RUN, namespace, match[1]),
        Key(Kind.JOB, namespace, origin.label("project") or "runs"),
        RunState.OTHER,
        last or started or _UNKNOWN,
        started=started,
        individual=True,
        actor=Key(Kind.ACTOR, "wandb", email or user) if email or user else None,
        attributes=kept(
            {
                "user": user,
                "email": email,
                "host": metadata.text("host"),
                "image": metadata.text("docker"),
                "offline": said.text("folder").startswith("offline-") or None,
                "python": metadata.text("python"),
                "code": kept(
                    {
                        "repository": git.text("remote", "remote_url"),
                        "commit": git.text("commit"),
                        "entry_point": metadata.text("program", "codePath"),
                    }
                ),
                **table("params", config_of(config)),
                **table("metrics", summary_of(summary)),
            }
        ),
    )
    yield from said.problems


def _file(files: Said, name: str) -> Said:
    text = files.body.get(name)
    empty = Said({}, files.zone, name, files.problems)
    if not isinstance(text, str) or not text.strip():
        return empty
    return decoded(
        text, Said({name: text}, files.zone, "", files.problems), name, in_yaml=name.endswith(".yaml")
    )


def _maker(said: Said) -> Said | None:
    return next(_runs(said, "logged_by", "createdBy", "loggedBy"), None)


def _runs(said: Said, *names: str) -> Iterator[Said]:
    """Yield the runs in the first of the fields that holds any: paths, objects, or GraphQL's edges."""
    for name in names:
        value = said.body.get(name)
        if isinstance(value, dict) and "edges" in value:
            value = [edge.part("node").body for edge in said.part(name).each("edges")]
        listed = value if isinstance(value, list) else [value]
        found = False
        for number, entry in enumerate(listed):
            place = f"{said.place(name)}[{number}]"
            if isinstance(entry, str) and entry.count("/") == 2:
                entity, project, number_ = entry.split("/")
                found = True
                yield Said(
                    {"entity": entity, "project": project, "id": number_}, said.zone, place, said.problems
                )
            elif isinstance(entry, dict) and ("id" in entry or "name" in entry):
                if name.startswith("created") and entry.get("__typename") != "Run":
                    continue
                found = True
                yield Said(entry, said.zone, place, said.problems)
        if found:
            return


def _run_link(
    run_said: Said, origin: Origin, key: Key, near: Name, at: Moment | None, *, made: bool
) -> Iterator[Link]:
    project = run_said.part("project").text("name") if isinstance(run_said.body.get("project"), dict) else ""
    project = project or run_said.text("project") or near.project
    entity = run_said.text("entity") or near.entity
    graph = "displayName" in run_said.body or "__typename" in run_said.body
    number = run_said.text("name", "id") if graph else run_said.text("id", "name")
    if not number:
        return
    run_key = Key(Kind.RUN, namespace_of(origin, entity, project), number)
    if made:
        yield Link(run_key, key, Relation.PRODUCED, Basis.OBSERVED, "logged_by", run=run_key, at=at)
    else:
        detail: dict[str, Json] = {"version": near.version}
        yield Link(key, run_key, Relation.INPUT, Basis.OBSERVED, "used_by", run=run_key, at=at, detail=detail)


def _artifacts(said: Said, names: tuple[str, ...], origin: Origin) -> Iterator[tuple[Key, str]]:
    """Yield the artifacts that a run names together with their type; without it nobody knows what they are."""
    for name in names:
        value = said.body.get(name)
        if isinstance(value, dict) and "edges" in value:
            listed = [edge.part("node") for edge in said.part(name).each("edges")]
        else:
            listed = [entry for entry in said.each(name) if value is not None]
        for entry in listed:
            found, kind = name_of(entry), type_of(entry)
            if not (found.collection and kind):
                continue
            namespace = namespace_of(
                origin, found.entity or said.text("entity"), found.project or text_of(said, "project")
            )
            if kind == "model":
                yield model_version(namespace, found.collection, found.version), found.version
            else:
                yield dataset(namespace, found.collection), found.version


def _model_links(
    run_key: Key, used: list[tuple[Key, str]], made: list[tuple[Key, str]], at: Moment | None
) -> Iterator[Link]:
    for thing, version in used:
        if thing.kind is Kind.MODEL_VERSION and version:
            yield Link(thing, run_key, Relation.INPUT, Basis.OBSERVED, "used_artifacts", run=run_key, at=at)
    for thing, version in made:
        if thing.kind is Kind.MODEL_VERSION and version:
            yield Link(
                run_key, thing, Relation.PRODUCED, Basis.OBSERVED, "logged_artifacts", run=run_key, at=at
            )


def _linked(said: Said, origin: Origin, key: Key, own: Name) -> Iterator[Link]:
    """Say where a version is linked to (a registry, a portfolio), or which version this link leads to."""
    for number, entry in enumerate(said.entries("linked_artifacts")):
        place = f"{said.place('linked_artifacts')}[{number}]"
        if isinstance(entry, str):
            found = named(entry)
        elif isinstance(entry, dict):
            found = name_of(Said(entry, said.zone, place, said.problems))
        else:
            continue
        if found.collection and found.version:
            namespace = namespace_of(origin, found.entity, found.project)
            target = model_version(namespace, found.collection, found.version)
            yield Link(key, target, Relation.COPIED, Basis.DECLARED, "linked_artifacts")
    source = said.text("source_qualified_name") or source_of(said)
    origin_name = named(source) if source else None
    if origin_name and origin_name.collection and origin_name.version:
        namespace = namespace_of(origin, origin_name.entity, origin_name.project)
        original = model_version(namespace, origin_name.collection, origin_name.version)
        if original != key:
            yield Link(original, key, Relation.COPIED, Basis.DECLARED, "source_artifact")


def _observed(said: Said, origin: Origin) -> Moment | None:
    observed = origin.label("observed_at") or said.text("exported_at")
    if not observed:
        return None
    try:
        return moment.parse(observed, origin.label("timezone"))
    except ValueError as error:
        said.wrong("bad-time", f"the time of the export is no time: {error}", "observed_at", observed)
        return None
