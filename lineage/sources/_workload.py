"""What does a Kubernetes object tell the cluster to run? The workload in it, its parts and what names their models.

Served kinds and the places of their model URIs are those of sources-ops 5.1 and 5.2. A Deployment, StatefulSet, Rollout
or Knative service is anybody's: it counts only when something on it speaks of a model or its image is a model server's
(`Reading.evident`), and never when it belongs to a serving object that is read itself (`owner_of`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from lineage.model.facts import Component, Workload
from lineage.source import Problem
from lineage.sources._model_claims import (
    decides,
    digest_in,
    items,
    kept_notes,
    mapping,
    notes_of,
    scalar,
)
from lineage.sources._workload_kinds import READERS, SERVED
from lineage.sources._workload_parts import Draft
from lineage.text import dumps

PLAIN = frozenset({"deployments", "statefulsets", "rollouts", "services", "nucliofunctions"})
"""Resources that serve a model only if something on the object says so."""

_OWNERS = {
    "serving.kserve.io": "",
    "serving.kubeflow.org": "",
    "serving.knative.dev": "",
    "machinelearning.seldon.io": "",
    "mlops.seldon.io": "",
    "serving.yatai.ai": "",
    "argoproj.io": "Rollout",
    "nuclio.io": "",
}
_OWNER_LABELS = (
    "serving.kserve.io/inferenceservice",
    "serving.kserve.io/inferencegraph",
    "serving.kubeflow.org/inferenceservice",
    "serving.knative.dev/service",
    "seldon-deployment-id",
    "yatai.ai/bento-deployment",
    "nuclio.io/function-name",
)
_NOT_DECISIVE = frozenset({"creationTimestamp", "status", "managedFields"})
_EMPTY_ANYWAY = frozenset({"resources", "metadata", "strategy", "securityContext"})


class Reading(NamedTuple):
    """What an object says.

    Attributes:
        evident: something on it speaks of a model; always true for kinds that only serve models.
        problems: values that were none, with their fields; the rest was read.
    """

    workload: Workload
    evident: bool
    problems: tuple[Problem, ...]


def owner_of(resource: str, body: Mapping[str, Any]) -> str:
    """Return the serving object that made this one, when it is such a copy; its owner tells the story already."""
    if resource not in PLAIN or resource == "nucliofunctions":
        return ""
    metadata = mapping(body.get("metadata"))
    for owner in items(metadata.get("ownerReferences")):
        group = scalar(mapping(owner).get("apiVersion")).partition("/")[0]
        kind = scalar(mapping(owner).get("kind"))
        if group in _OWNERS and _OWNERS[group] in {"", kind}:
            return f"{kind}/{scalar(mapping(owner).get('name'))}"
    labels = notes_of(metadata.get("labels"))
    if labels.get("app.kubernetes.io/part-of") == "llminferenceservice":
        return labels.get("app.kubernetes.io/name", "llminferenceservice")
    return next((labels[label] for label in _OWNER_LABELS if labels.get(label)), "")


def read_workload(resource: str, body: Mapping[str, Any], *, partial: bool = False) -> Reading:
    """Return what `body`, an object of the served kind `resource`, says; a `partial` one holds only what changed.

    >>> spec = {"predictor": {"sklearn": {"storageUri": "s3://models/iris/3"}, "canaryTrafficPercent": 10}}
    >>> found = read_workload("inferenceservices", {"metadata": {"name": "iris"}, "spec": spec}).workload
    >>> found.platform, found.components[0].uri, found.components[0].weight
    ('kserve', 's3://models/iris/3', 0.1)
    """
    draft = Draft(body)
    READERS[resource](draft, mapping(body.get("spec")))
    metadata = mapping(body.get("metadata"))
    labels, annotations = notes_of(metadata.get("labels")), notes_of(metadata.get("annotations"))
    mains = [part for part in draft.parts if part.holds_model]
    if resource in PLAIN and any(part.clues.evident for part in mains):
        mains = [part for part in mains if part.clues.evident]
    elif resource in PLAIN:
        mains = mains[:1]
    for part in mains:
        part.clues.notes(annotations, "metadata.annotations", several=len(mains) > 1)
        part.clues.notes(labels, "metadata.labels", several=len(mains) > 1)
    evident = resource not in PLAIN or any(part.clues.evident for part in draft.parts)
    for part in mains:
        part.clues.name(scalar(metadata.get("name")), "metadata.name")
    components = tuple(
        part.clues.component(part.name, part.weight)
        for part in draft.parts
        if resource not in PLAIN or part in mains or not part.holds_model
    )
    _take_digest(draft, components)
    workload = Workload(
        platform=SERVED[resource][0],
        components=components,
        fingerprint="" if partial else _fingerprint(body, {**labels, **annotations}),
        resources=draft.resources,
        annotations=kept_notes(annotations),
        labels=kept_notes(labels),
        partial=partial,
    )
    return Reading(workload, evident, tuple(draft.problems))


def _take_digest(draft: Draft, components: tuple[Component, ...]) -> None:
    """Keep the digest of the image: as told, else as the status says it was resolved."""
    status = mapping(draft.body.get("status"))
    told = [component.image for component in components]
    seen = [
        scalar(mapping(entry).get(field))
        for entry in items(status.get("containerStatuses"))
        for field in ("imageDigest", "imageID")
    ]
    digest = next((found for found in map(digest_in, told + seen) if found), "")
    if digest:
        draft.resources["image_digest"] = digest


def _fingerprint(body: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    """Return a digest of what decides what serves.

    That is the spec, but for what autoscalers move (a number of replicas above none), and the labels and annotations
    that name the model; JSON and YAML forms of one object give one digest.
    """
    spec = _plain(mapping(body.get("spec")))
    if scalar(spec.get("replicas")) not in {"", "0"}:
        del spec["replicas"]
    decisive = {name: text for name, text in notes.items() if decides(name, text)}
    return hashlib.sha256(dumps({"spec": spec, "notes": decisive})).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        found = {str(name): _plain(inner) for name, inner in value.items() if name not in _NOT_DECISIVE}
        return {
            name: inner
            for name, inner in found.items()
            if inner not in ("", []) and not (inner == {} and name in _EMPTY_ANYWAY)
        }
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return scalar(value)
