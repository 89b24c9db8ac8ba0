"""What do saved answers of Vertex AI say of pipeline runs, trainings and lineage: what was read, what was made?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Entity, Fact, Json, Key, Link, Run, Use
from lineage.model.moment import Moment
from lineage.model.naming import dataset_at
from lineage.model.vocabulary import TERMINAL, Basis, Kind, Relation, RunState
from lineage.source import Filtered, Problem
from lineage.sources._deployed_models import taken_apart, version_key
from lineage.sources._model_claims import items, kept_notes, mapping, notes_of, redacted, scalar
from lineage.sources._vertex_answer import Answer
from lineage.sources._withheld import table
from lineage.text import clip

STATES = {
    "SUCCEEDED": RunState.COMPLETE,
    "FAILED": RunState.FAIL,
    "CANCELLED": RunState.ABORT,
    "EXPIRED": RunState.FAIL,
    "RUNNING": RunState.RUNNING,
    "CANCELLING": RunState.RUNNING,
    "UPDATING": RunState.RUNNING,
    "PAUSED": RunState.RUNNING,
    "QUEUED": RunState.OTHER,
    "PENDING": RunState.OTHER,
}
_PREFIXES = ("PIPELINE_STATE_", "JOB_STATE_")
_JOBS = {"customJobs": "custom-jobs", "trainingPipelines": "training-pipelines"}

Said = Fact | Problem | Filtered


def run_key(name: str) -> Key | None:
    """Return the key of the run that a resource name of a job stands for; None for what is none."""
    parts = taken_apart(name)
    if parts is None or parts[1] not in {"pipelineJobs", *_JOBS}:
        return None
    return Key(Kind.RUN, parts[0], parts[2] if parts[1] == "pipelineJobs" else f"{parts[1]}/{parts[2]}")


def pipeline(answer: Answer) -> Iterator[Said]:
    """Say what a run of a pipeline read and made, over all of its tasks."""
    said = answer.said
    name = scalar(mapping(mapping(said.get("pipelineSpec")).get("pipelineInfo")).get("name"))
    read: dict[str, None] = {}
    made: dict[str, None] = {}
    versions: list[Key] = []
    for task in map(mapping, items(mapping(said.get("jobDetail")).get("taskDetails"))):
        for artifact in _artifacts(task.get("inputs")):
            read.update(_place(artifact))
        for artifact in _artifacts(task.get("outputs")):
            made.update(_place(artifact))
            resource = scalar(mapping(artifact.get("metadata")).get("resourceName"))
            key = version_key(resource, "")
            versions.extend([key] if key else [])
    settings = mapping(said.get("runtimeConfig"))
    more = table("params", mapping(settings.get("parameterValues") or settings.get("parameters")))
    job = name or answer.text("displayName") or "pipeline-jobs"
    yield from _run(answer, job, [uri for uri in read if uri not in made], list(made), more)
    yield from _produced(answer, versions, "taskDetails.outputs")


def _artifacts(value: Any) -> Iterator[Mapping[str, Any]]:
    for entry in mapping(value).values():
        yield from map(mapping, items(mapping(entry).get("artifacts")))


def _place(artifact: Mapping[str, Any]) -> dict[str, None]:
    uri = scalar(artifact.get("uri"))
    # What Vertex AI itself keeps (a model, an endpoint) is given as a web address of its API.
    return {redacted(uri): None} if "://" in uri and "aiplatform.googleapis.com" not in uri else {}


def job(answer: Answer) -> Iterator[Said]:
    """Say what a custom job or a training pipeline made."""
    said = answer.said
    inputs = mapping(said.get("inputDataConfig"))
    source = mapping(inputs.get("gcsDestination"))
    output = mapping(mapping(said.get("jobSpec")).get("baseOutputDirectory"))
    images = [
        scalar(mapping(mapping(pool).get("containerSpec")).get("imageUri"))
        for pool in items(mapping(said.get("jobSpec")).get("workerPoolSpecs"))
    ]
    more: dict[str, Json] = {
        "image": next(filter(None, images), ""),
        "dataset_id": scalar(inputs.get("datasetId")),
        "output": scalar(source.get("outputUriPrefix")),
    }
    uri = scalar(output.get("outputUriPrefix"))
    yield from _run(answer, _JOBS[answer.collection], [], [uri] if "://" in uri else [], more)
    made = mapping(said.get("modelToUpload"))
    key = version_key(scalar(made.get("name")), scalar(made.get("versionId")))
    yield from _produced(answer, [key] if key else [], "modelToUpload")


def _produced(answer: Answer, versions: list[Key], rule: str) -> Iterator[Said]:
    run = run_key(answer.name)
    if run is not None and STATES.get(_state(answer)) is RunState.COMPLETE:
        for version in dict.fromkeys(versions):
            yield Link(run, version, Relation.PRODUCED, Basis.OBSERVED, rule, at=answer.time("endTime"))


def _state(answer: Answer) -> str:
    state = answer.text("state")
    return next((state.removeprefix(prefix) for prefix in _PREFIXES if state.startswith(prefix)), state)


def _run(
    answer: Answer, job_name: str, inputs: list[str], outputs: list[str], more: Mapping[str, Json]
) -> Iterator[Said]:
    key = run_key(answer.name)
    if key is None:
        return
    word = _state(answer)
    state = STATES.get(word, RunState.OTHER)
    if word not in STATES:
        reason = "the state is none of Vertex AI's"
        yield Problem("unknown-status", reason, "state", clip(word), fatal=False)
    created, started, ended = (answer.time(f"{name}Time") for name in ("create", "start", "end"))
    if started and ended and ended.lo < started.lo:
        reason = "the run ends before it starts"
        yield Problem("end-before-start", reason, "endTime", ended.text, fatal=False)
        ended = None
    at = _first(ended if state in TERMINAL else None, answer.time("updateTime"), started, created)
    if at is None:
        yield Problem("missing-field", "the answer does not say when the run was made", "createTime")
        return
    attributes: dict[str, Json] = {
        "name": answer.text("displayName"),
        "status": word,
        "role": answer.text("serviceAccount"),
        "failure_reason": clip(scalar(mapping(answer.said.get("error")).get("message")), 500),
        "labels": kept_notes(notes_of(answer.said.get("labels"))),
        **more,
    }
    yield Entity(key, {}, at=at, created=created)
    yield Run(
        key,
        Key(Kind.JOB, key.namespace, job_name),
        state,
        at,
        inputs=_uses(inputs),
        outputs=_uses(outputs) if state is RunState.COMPLETE else (),
        started=started,
        ended=ended if state in TERMINAL else None,
        individual=True,
        attributes={name: value for name, value in attributes.items() if value not in ("", {}, None)},
    )


def _first(*moments: Moment | None) -> Moment | None:
    return next((moment for moment in moments if moment is not None), None)


def _uses(uris: list[str]) -> tuple[Use, ...]:
    return tuple(dict.fromkeys(Use(dataset_at(uri)) for uri in uris))


def subgraph(value: Mapping[str, Any]) -> Iterator[Said]:
    """Say what a lineage query shows: artifacts by their place, executions, and which read or made which."""
    artifacts: dict[str, Key] = {}
    for artifact in map(mapping, items(value.get("artifacts"))):
        name, uri = scalar(artifact.get("name")), scalar(artifact.get("uri"))
        version = version_key(scalar(mapping(artifact.get("metadata")).get("resourceName")), "")
        if version is not None:
            artifacts[name] = version
        elif _place(artifact):
            artifacts[name] = dataset_at(redacted(uri))
    found = 0
    for event in map(mapping, items(value.get("events"))):
        source, activity = artifacts.get(scalar(event.get("artifact"))), scalar(event.get("execution"))
        place, _, number = activity.partition("/metadataStores/")
        type_ = scalar(event.get("type"))
        if source is None or not number or type_ not in {"INPUT", "OUTPUT"}:
            continue
        found += 1
        run = Key(Kind.RUN, f"vertex://{place}", f"executions/{number.rpartition('/')[2]}")
        if type_ == "INPUT":
            yield Link(source, run, Relation.INPUT, Basis.OBSERVED, "event INPUT")
        else:
            relation = Relation.PRODUCED if source.kind is Kind.MODEL_VERSION else Relation.OUTPUT
            yield Link(run, source, relation, Basis.OBSERVED, "event OUTPUT")
    if not found:
        yield Filtered("no-lineage-in-it")
