"""What does one entry of a Kubeflow Model Registry say, be it a row of its database or an answer of its REST API?

Both forms come here as one shape: the REST field names, ids as text, custom properties as plain values, and what the
input knows of the entries referred to (`joined`). Field meanings: kubeflow/hub api/openapi/model-registry.yaml,
internal/defaults/defaults.go; sources-ml 5.

A version is called by its model's and its own name where the input shows both, and always by its id, too: an answer
that lists versions names their models only by id. `author` and `owner` are texts that a client sent, so they are who
is said to have made something and never the actor of a happening. An inference service's desired state is a wish; only
a ServeModel that was known to be running is a sighting of something served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lineage.model.facts import (
    Alias,
    Claim,
    Component,
    Coverage,
    Entity,
    Fact,
    Happened,
    Json,
    Key,
    Link,
    Use,
    Workload,
)
from lineage.model.facts import Run as RunFact
from lineage.model.moment import LAST, Moment
from lineage.model.naming import dataset_at
from lineage.model.vocabulary import TERMINAL, Basis, Kind, Outcome, Relation, RunState
from lineage.source import Filtered, Problem, Record
from lineage.sources._pipeline_names import pipeline_run
from lineage.sources._registry_view import Names, View
from lineage.sources._withheld import clean, table
from lineage.text import MalformedError, clip, loads

VERSION_TAG = "modelregistry.kubeflow.org/model-version-id"
MODEL_TAG = "modelregistry.kubeflow.org/registered-model-id"

WHAT = {
    "registered-models": "model",
    "model-versions": "model-version",
    "inference-services": "target",
    "experiment-runs": "run",
}
"""The kind of thing that each listing lists."""

_STATES = {
    "RUNNING": RunState.RUNNING,
    "SCHEDULED": RunState.OTHER,
    "FINISHED": RunState.COMPLETE,
    "FAILED": RunState.FAIL,
    "KILLED": RunState.ABORT,
}
_MODEL_FIELDS = {
    "libraryName": "library",
    "license": "license",
    "maturity": "maturity",
    "provider": "provider",
}
_ARTIFACT_FIELDS = {
    "modelFormatName": "format",
    "modelFormatVersion": "format_version",
    "storageKey": "storage_secret",
    "storagePath": "storage_path",
    "serviceAccountName": "service_account",
    "modelSourceKind": "source_kind",
    "modelSourceClass": "source_class",
    "modelSourceGroup": "source_group",
    "modelSourceId": "source_id",
    "modelSourceName": "source_name",
}


def read(record: Record) -> Iterator[Fact | Problem | Filtered]:
    """Say what `record` states; a record that is none of ours is one problem."""
    said = record.parsed
    if said is None:
        try:
            said = loads(record.raw)
        except MalformedError as error:
            yield Problem(error.code, error.reason)
            return
    if not isinstance(said, dict) or not isinstance(said.get("item"), dict):
        yield Problem("not-an-object", "the record is no entry of a model registry", value=clip(said))
        return
    reader = READERS.get(str(said.get("kind")))
    if reader is None:
        yield Problem("unknown-kind", "the record is of no kind that is read", "kind", clip(said.get("kind")))
        return
    view = View(said)
    if not view.text("id") and said.get("kind") != "listing":
        yield Problem("missing-field", "the entry has no id", "id", clip(view.item.get("id")))
        return
    yield from reader(view)
    yield from view.notes.problems


def _model(view: View) -> Iterator[Fact | Filtered]:
    number, name = view.text("id"), view.text("name")
    key = view.names.model(name) if name else view.names.model_id(number)
    owner = view.text("owner")
    yield view.entity(
        key,
        {
            **view.common(),
            **(
                {"created_by": owner, "created_by_basis": "RegisteredModel.owner (client-side)"}
                if owner
                else {}
            ),
            **{name: view.text(field) for field, name in _MODEL_FIELDS.items()},
            **table("tags", view.custom()),
        },
    )
    if name:
        yield Alias(view.names.model_id(number), key, "kubeflow-registered-model-id")


def _version(view: View) -> Iterator[Fact | Filtered]:
    number, name, model = view.text("id"), view.text("name"), view.known("model")
    owner = view.text("registeredModelId")
    key = view.names.version(model, name) if model and name else view.names.version_id(number)
    author = view.text("author")
    held = view.joined.get("artifacts")
    artifacts = [entry for entry in held if isinstance(entry, dict)] if isinstance(held, list) else []
    tags = {**view.custom(), VERSION_TAG: number, **({MODEL_TAG: owner} if owner else {})}
    yield view.entity(
        key,
        {
            **view.common(),
            "model": model,
            "version": name or number,
            "registered_model_id": owner,
            **(
                {"created_by": author, "created_by_basis": "ModelVersion.author (client-side)"}
                if author
                else {}
            ),
            **_stored(artifacts),
            "deleted": False,
            **table("tags", tags),
        },
    )
    if key != view.names.version_id(number):
        yield Alias(view.names.version_id(number), key, "kubeflow-model-version-id")
    if owner or model:
        parent = view.names.model(model) if model else view.names.model_id(owner)
        yield Link(key, parent, Relation.VERSION_OF, Basis.DECLARED, "ModelVersion.registeredModelId")
    if view.created:
        yield Happened(
            "register", key, view.created, f"{view.names.namespace}/model-versions/{number}#register"
        )
    for artifact in artifacts:
        yield from _produced(view, artifact, key)


def _stored(artifacts: list[dict[str, Any]]) -> dict[str, Json]:
    """Return where a version's files lie, by its newest model artifact that is not deleted, and which others it has."""
    models = [
        entry for entry in artifacts if entry.get("uri") and entry.get("artifactType") != "doc-artifact"
    ]
    models.sort(key=lambda entry: (entry.get("state") != "DELETED", _number(entry.get("id"))))
    if not models:
        return {}
    newest = models[-1]
    fields = {
        name: clean(str(newest[field])) for field, name in _ARTIFACT_FIELDS.items() if newest.get(field)
    }
    found: dict[str, Json] = {
        "uri": clean(str(newest["uri"])),
        "storage_location": clean(str(newest["uri"])),
        **fields,
    }
    if len(models) > 1:
        found["artifacts"] = sorted({clean(str(entry["uri"])) for entry in models})
    return found


def _number(value: object) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1


def _produced(view: View, artifact: Mapping[str, Any], version: Key) -> Iterator[Link]:
    """Say which run made an artifact: a pipeline run it was registered from, or an experiment run."""
    source = artifact.get("modelSourceId")
    if isinstance(source, str) and source and str(artifact.get("modelSourceClass")).lower() == "pipelinerun":
        rule = "ModelArtifact.modelSourceId"
        yield Link(pipeline_run(source), version, Relation.PRODUCED, Basis.DECLARED, rule)
    if artifact.get("experimentRunId"):
        run = view.names.run(str(artifact["experimentRunId"]))
        yield Link(run, version, Relation.PRODUCED, Basis.DECLARED, "ModelArtifact.experimentRunId", run=run)


def _artifact(view: View) -> Iterator[Fact | Filtered]:
    """An artifact by itself: where its version is known, the place of that version's files."""
    version, model, name = view.known("version_id"), view.known("model"), view.known("version")
    if not version:
        yield Filtered("version-not-named")
        return
    key = view.names.version(model, name) if model and name else view.names.version_id(version)
    stored = _stored([view.item])
    if not stored:
        yield Filtered("artifact-without-uri")
        return
    yield Entity(key, stored, view.at)
    yield from _produced(view, view.item, key)


def _environment(view: View) -> Iterator[Fact | Filtered]:
    name = view.text("name") or view.text("id")
    yield Entity(
        Key(Kind.ENVIRONMENT, f"kubeflow-registry://{view.names.instance}", name),
        {field: value for field, value in view.common().items() if value not in ("", {})},
        view.at,
        created=view.created,
    )


def _service(view: View) -> Iterator[Fact | Filtered]:
    number, environment = view.text("id"), view.known("environment")
    name, _, uid = view.text("name").partition("/")
    key = service_key(view.names, number, environment, name)
    version = view.text("modelVersionId")
    yield view.entity(
        key,
        {
            **view.common(),
            "declared": True,
            "desired_state": view.text("desiredState"),
            "runtime": view.text("runtime"),
            "inference_service_id": number,
            "registered_model_id": view.text("registeredModelId"),
            "model_version_id": version,
            # The version is optional: without one, "the latest ModelVersion by creation order will be served".
            **({} if version else {"serves_newest": True}),
            "serving_environment": environment or view.text("servingEnvironmentId"),
            "kubernetes_name": name if uid else "",
            "kubernetes_uid": uid,
            **table("tags", view.custom()),
        },
    )
    if key != view.names.service_id(number):
        yield Alias(view.names.service_id(number), key, "kubeflow-inference-service-id")


def service_key(names: Names, number: str, environment: str, name: str) -> Key:
    """Return the key of an inference service; the controller calls it `<name>/<uid>`, of which the name is ours."""
    name = name.partition("/")[0]
    return names.service(environment, name) if environment and name else names.service_id(number)


def _serving(view: View) -> Iterator[Fact | Filtered]:
    """A ServeModel: that a version was served by a service, with the state it was last known to be in."""
    service = view.known("service_id")
    if not service:
        yield Filtered("service-not-named")
        return
    key = service_key(view.names, service, view.known("environment"), view.known("service"))
    state = view.text("lastKnownState")
    at = view.updated or view.created
    if state not in {"RUNNING", "FAILED"} or at is None:
        yield Entity(key, {"last_known_state": state or "UNKNOWN"}, at)
        return
    version = view.text("modelVersionId")
    value = "/".join(filter(None, (view.known("model_id"), version)))
    claims = (Claim("registry-label", value, "modelVersionId"),) if version else ()
    labels = {"modelregistry.kubeflow.org/name": view.names.instance}
    workload = Workload("kubeflow-registry", (Component("model", claims=claims),), value, labels=labels)
    number = f"{view.names.namespace}/serve-models/{view.text('id')}#{state}"
    if state == "RUNNING":
        yield Happened("observe", key, at, number, workload=workload)
    else:
        yield Happened("apply", key, at, number, Outcome.FAILED, workload=workload)


def _experiment(view: View) -> Iterator[Fact | Filtered]:
    name = view.text("name") or view.text("id")
    key = Key(Kind.JOB, view.names.namespace, name)
    yield view.entity(key, {**view.common(), "owner": view.text("owner"), **table("tags", view.custom())})
    yield Alias(
        Key(Kind.JOB, f"{view.names.namespace}/experiments", view.text("id")), key, "kubeflow-experiment-id"
    )


def _run(view: View) -> Iterator[Fact | Filtered]:
    key = view.names.run(view.text("id"))
    started = view.notes.time(view.item, "startTimeSinceEpoch")
    ended = view.notes.time(view.item, "endTimeSinceEpoch")
    status = view.text("status")
    state = _STATES.get(status, RunState.OTHER)
    experiment = view.known("experiment")
    job = (
        Key(Kind.JOB, view.names.namespace, experiment)
        if experiment
        else Key(Kind.JOB, f"{view.names.namespace}/experiments", view.text("experimentId"))
    )
    at = (ended if state in TERMINAL else None) or view.updated or view.at or started or Moment(0, LAST)
    held = view.joined.get("datasets")
    uses = tuple(
        Use(dataset_at(clean(str(entry["uri"]))), str(entry.get("digest") or ""))
        for entry in (held if isinstance(held, list) else [])
        if isinstance(entry, dict) and entry.get("uri")
    )
    attributes: dict[str, Json] = {
        "name": view.text("name"),
        "experiment": experiment,
        "status": status,
        "owner": view.text("owner"),
        **table("tags", view.custom()),
    }
    kept = {name: value for name, value in attributes.items() if value not in ("", {})}
    yield RunFact(
        key, job, state, at, inputs=uses, started=started, ended=ended, individual=True, attributes=kept
    )


def _dataset(view: View) -> Iterator[Fact | Filtered]:
    uri = view.text("uri")
    if not uri:
        yield Filtered("artifact-without-uri")
        return
    versions: list[Json] = [{"version": view.text("digest"), "name": view.text("name")}]
    yield Entity(
        dataset_at(uri),
        {
            "names": [view.text("name")] if view.text("name") else [],
            "source_type": view.text("sourceType"),
            "versions": versions if view.text("digest") else [],
        },
        view.at,
        created=view.created,
    )


def _other(view: View) -> Iterator[Fact | Filtered]:
    yield Filtered("metric-parameter-or-document")


def _listing(view: View) -> Iterator[Fact | Filtered]:
    name = view.text("listing")
    if view.at is None:
        yield Filtered("listing-without-time")
        return
    complete = view.item.get("complete") is True
    detail: dict[str, Json] = {"count": view.item.get("count")}
    yield Coverage(f"{view.names.namespace}/{name}", WHAT.get(name, name), view.at, view.at, complete, detail)


READERS: dict[str, Callable[[View], Iterator[Fact | Filtered]]] = {
    "registered-model": _model,
    "model-version": _version,
    "model-artifact": _artifact,
    "serving-environment": _environment,
    "inference-service": _service,
    "serve-model": _serving,
    "experiment": _experiment,
    "experiment-run": _run,
    "dataset": _dataset,
    "other": _other,
    "listing": _listing,
}
"""What each kind of entry says."""
