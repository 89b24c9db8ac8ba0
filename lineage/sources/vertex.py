"""What do Vertex AI's model registry, endpoints and pipelines hold, as saved answers of its API or gcloud show them?

Read are answers as JSON (`gcloud ai models list|describe|list-version`, `gcloud ai endpoints list|describe`, runs of
pipelines, custom jobs, trainings, lineage subgraphs of Vertex ML metadata): one a file, lists, lines, or one printed
after another. See sources-ml 5.

An endpoint's answer is a sighting, as of its last update, of the models deployed to it and their shares of the traffic;
who put them there is in the audit log, which speaks of the endpoint by the same name. A model is known by its resource
name and version, never by its display name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lineage import framing
from lineage.model.facts import Component, Entity, Fact, Happened, Json, Key, Link, Workload
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _json_stream as stream
from lineage.sources import _vertex_jobs as jobs
from lineage.sources._deployed_models import (
    PLATFORM,
    component,
    endpoint_key,
    same_endpoint,
    same_version,
    shares,
    taken_apart,
    version_key,
)
from lineage.sources._model_claims import items, kept_notes, mapping, notes_of, redacted, scalar
from lineage.sources._vertex_answer import Answer
from lineage.text import MalformedError, clip, loads

NAME = "vertex"
FORMAT = "Vertex AI models, endpoints, pipeline jobs and lineage as JSON of its API or gcloud"
PROVES = ("when", "what", "lineage")

_LISTS = ("models", "endpoints", "pipelineJobs", "customJobs", "trainingPipelines")
_IN_LISTS = tuple(f'"{name}"'.encode() for name in _LISTS)
_NAMED = re.compile(
    rf'"name"\s*:\s*"projects/[^/"\s]+/locations/[^/"\s]+/(?:{"|".join(_LISTS)}|metadataStores)/[^"\s]+"'
)
_WORDS = re.compile(
    r'"(?:versionId|versionAliases|deployedModels|trafficSplit|pipelineSpec|jobDetail|jobSpec|supportedDeploymentResources'
    r'Types|trainingTaskDefinition|artifactUri|schemaTitle|createTime|displayName)"\s*:'
)
_ENTRIES = re.compile(r'"(?:protoPayload|protopayload_auditlog|jsonPayload)"\s*:')

Said = Fact | Problem | Filtered


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are answers of Vertex AI, by the resource names in them."""
    text = sample.text
    if sample.listing or text.lstrip()[:1] not in {"{", "["} or _ENTRIES.search(text):
        return 0.0
    return 0.9 if _NAMED.search(text) and _WORDS.search(text) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut a file into its answers, and answers that list things into those; a lineage subgraph stays whole."""
    for record in stream.values(given, *_LISTS):
        if isinstance(record, Record) and any(name in record.raw[:200] for name in _IN_LISTS):
            yield from framing.json_items(record, *_LISTS)
        else:
            yield record


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what one answer, or one thing that an answer lists, states."""
    try:
        value = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    if isinstance(value, dict) and isinstance(value.get("events"), list) and "artifacts" in value:
        yield from jobs.subgraph(value)
        return
    answer = Answer(mapping(value), scalar(mapping(value).get("name")), origin)
    reader = _READERS.get(answer.collection)
    if reader is None:
        if answer.collection:
            yield Filtered("kind")
        elif isinstance(value, dict) and any(value.get(name) == [] for name in _LISTS):
            yield Filtered("nothing-listed")
        else:
            reason = "the record names no resource of Vertex AI"
            yield Problem("not-vertex", reason, "name", clip(repr(value)))
        return
    said = list(reader(answer))
    yield from answer.problems
    yield from said


def _model(answer: Answer) -> Iterator[Said]:
    key = version_key(answer.name, answer.text("versionId"))
    parts = taken_apart(answer.name)
    if parts is None:
        return
    created = answer.time("versionCreateTime") or answer.time("createTime")
    model = Key(Kind.MODEL, parts[0], parts[2])
    yield Entity(
        model, {"display_name": answer.text("displayName")}, at=created, created=answer.time("createTime")
    )
    if key is None:
        reason = "the answer gives no version of the model"
        yield Problem("missing-field", reason, "versionId", fatal=False)
        return
    yield from same_version(key)
    yield Entity(
        key, _attributes(answer, key), at=answer.time("versionUpdateTime") or created, created=created
    )
    yield Link(key, model, Relation.VERSION_OF, Basis.DECLARED, "name", at=created)
    if created is not None:
        yield Happened(
            "register", key, created, f"{key.namespace}/{key.name}#register", detail={"listed": True}
        )
    for field in ("pipelineJob", "trainingPipeline"):
        run = jobs.run_key(answer.text(field))
        if run is not None:
            yield Link(run, key, Relation.PRODUCED, Basis.DECLARED, field, at=created)
    original = version_key(scalar(mapping(answer.said.get("originalModelInfo")).get("model")), "")
    if original is not None:
        rule = "originalModelInfo.model"
        yield Link(original, key, Relation.COPIED, Basis.DECLARED, rule, at=created)


def _attributes(answer: Answer, key: Key) -> dict[str, Json]:
    name, _, version = key.name.rpartition("/")
    created = answer.time("versionCreateTime") or answer.time("createTime")
    run = jobs.run_key(answer.text("pipelineJob")) or jobs.run_key(answer.text("trainingPipeline"))
    image = scalar(mapping(answer.said.get("containerSpec")).get("imageUri"))
    uri = redacted(answer.text("artifactUri"))
    said: dict[str, Json] = {
        "model": name,
        "version": version,
        "display_name": answer.text("displayName"),
        "description": clip(answer.text("versionDescription") or answer.text("description"), 4_000),
        "created_at": to_iso(created.lo) if created else "",
        "uri": uri,
        "storage_location": uri,
        "run_id": run.name if run else "",
        "image": image,
        "tags": kept_notes(notes_of(answer.said.get("labels"))),
    }
    known = {field: value for field, value in said.items() if value not in ("", {})}
    aliases = sorted(scalar(alias) for alias in items(answer.said.get("versionAliases")) if scalar(alias))
    return {**known, "aliases": aliases}


def _endpoint(answer: Answer) -> Iterator[Said]:
    key = endpoint_key(answer.name)
    if key is None:
        return
    yield from same_endpoint(key)
    created, updated = answer.time("createTime"), answer.time("updateTime")
    at = updated or created
    labels = kept_notes(notes_of(answer.said.get("labels")))
    attributes: dict[str, Json] = {
        "platform": PLATFORM,
        "display_name": answer.text("displayName"),
        "labels": labels,
    }
    known = {name: value for name, value in attributes.items() if value}
    yield Entity(key, known, at=at, created=created)
    deployed = [mapping(one) for one in items(answer.said.get("deployedModels"))]
    if not deployed:
        return
    if at is None:
        yield Problem("missing-field", "the answer does not say when this was so", "updateTime", fatal=False)
        return
    split = shares(answer.said.get("trafficSplit"))
    parts: list[Component] = []
    resources: dict[str, Json] = {}
    for number, one in enumerate(deployed):
        called = scalar(one.get("id")) or str(number)
        weight = split.get(called, 0.0) if split else None
        part, given = component(one, called, f"deployedModels[{number}]", weight)
        parts.append(part)
        resources.update({f"{called}.{name}": value for name, value in given.items()})
    detail: dict[str, Json] = {"created_at": created.lo} if created else {}
    yield Happened(
        type="observe",
        subject=key,
        at=at,
        id=f"{answer.name}@{at.text or at.lo}",
        workload=Workload(PLATFORM, tuple(parts), resources=resources, labels=labels),
        detail={**detail, "listed": True},
    )


_READERS: dict[str, Callable[[Answer], Iterator[Any]]] = {
    "models": _model,
    "endpoints": _endpoint,
    "pipelineJobs": jobs.pipeline,
    "customJobs": jobs.job,
    "trainingPipelines": jobs.job,
}
