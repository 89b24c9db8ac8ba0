"""What do SageMaker's lineage entities say: which artifact went into which job, and what came out?

An association's type is what somebody declared: the source contributed to, generated or was changed into the
destination; `AssociatedWith` says only that there is some connection, which is no lineage. Contexts and actions stand
for endpoints, approvals and deployments that other answers tell of exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Alias, Entity, Fact, Json, Key, Link
from lineage.model.moment import Moment
from lineage.model.naming import dataset_at
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.source import Filtered, Problem
from lineage.sources._model_claims import items, mapping, redacted, scalar
from lineage.sources._recorded_packages import package_key
from lineage.sources._sagemaker_answer import ARN, Answer
from lineage.sources._sagemaker_jobs import PROCESSING, TRANSFORM
from lineage.text import clip

_FLOWS = frozenset({"ContributedTo", "Produced", "DerivedFrom"})
_OF_JOBS = (("-aws-training-job", ""), ("-aws-processing-job", PROCESSING), ("-aws-transform-job", TRANSFORM))
_JOBS = {"training-job": "", "processing-job": PROCESSING, "transform-job": TRANSFORM}
_NO_DATA = frozenset({"Image", "Endpoint", "ModelGroup", "Context", "Action"})
_BETWEEN = {
    (Kind.DATASET, Kind.RUN): Relation.INPUT,
    (Kind.MODEL_VERSION, Kind.RUN): Relation.INPUT,
    (Kind.RUN, Kind.DATASET): Relation.OUTPUT,
    (Kind.RUN, Kind.MODEL_VERSION): Relation.PRODUCED,
    (Kind.DATASET, Kind.DATASET): Relation.DERIVED,
    (Kind.DATASET, Kind.MODEL_VERSION): Relation.REGISTERED,
    (Kind.MODEL_VERSION, Kind.MODEL_VERSION): Relation.DERIVED,
}

Said = Fact | Problem | Filtered


def key_of(arn: str, name: str = "") -> Key | None:
    """Return the key of what an ARN stands for; None for what carries no lineage. `name` keeps the letters' case.

    >>> key_of("arn:aws:sagemaker:eu-west-1:123456789012:experiment-trial-component/fit-1-aws-training-job")[1:]
    ('sagemaker://123456789012/eu-west-1', 'fit-1')
    >>> key_of("arn:aws:sagemaker:eu-west-1:123456789012:context/x") is None
    True
    """
    found = ARN.fullmatch(arn)
    if found is None:
        return None
    place, kind, called = f"sagemaker://{found[2]}/{found[1]}", found[3], found[4]
    if kind == "artifact":
        return Key(Kind.DATASET, place, f"artifact/{called}")
    if kind == "model-package":
        return package_key(arn, place)
    if kind in _JOBS:
        return Key(Kind.RUN, place, _JOBS[kind] + called)
    if kind == "experiment-trial-component":
        called = name if name.lower() == called.lower() else called
        for suffix, prefix in _OF_JOBS:
            if called.lower().endswith(suffix):
                return Key(Kind.RUN, place, prefix + called[: -len(suffix)])
        return Key(Kind.RUN, place, f"trial-component/{called}")
    return None


def artifact(answer: Answer) -> Iterator[Said]:
    """Say where an artifact lies, or which version it is."""
    source = scalar(mapping(answer.said.get("Source")).get("SourceUri"))
    key = key_of(answer.arn)
    if key is None or not source:
        yield Filtered("names-only")
        return
    type_ = answer.text("ArtifactType")
    if type_ in _NO_DATA:
        yield Filtered("no-data-artifact")
        return
    created = answer.time("CreationTime")
    by, _, _ = answer.who("CreatedBy")
    attributes: dict[str, Json] = {
        "name": answer.text("ArtifactName"),
        "type": type_,
        "location": redacted(source),
        "created_by": by.name if by else "",
    }
    known = {name: value for name, value in attributes.items() if value}
    version = key_of(source)
    yield Entity(key, known, at=answer.time("LastModifiedTime") or created, created=created)
    if version is not None and version.kind is Kind.MODEL_VERSION:
        yield Link(key, version, Relation.REGISTERED, Basis.DECLARED, "Source.SourceUri", at=created)
    elif "://" in source:
        yield Alias(key, dataset_at(redacted(source)), "sagemaker-artifact")


def association(value: Mapping[str, Any], at: Moment | None) -> Iterator[Said]:
    """Say what one association ties together."""
    yield _edge(value, {}, at) or Filtered("association-without-lineage")


def queried(value: Mapping[str, Any]) -> Iterator[Said]:
    """Say what an answer of query-lineage shows: vertices by their types, and the edges between them."""
    types = {
        scalar(mapping(vertex).get("Arn")): scalar(mapping(vertex).get("Type"))
        for vertex in items(value.get("Vertices"))
    }
    found = [
        fact for edge in items(value.get("Edges")) if (fact := _edge(mapping(edge), types, None)) is not None
    ]
    for number, edge in enumerate(items(value.get("Edges"))):
        if not scalar(mapping(edge).get("SourceArn")) or not scalar(mapping(edge).get("DestinationArn")):
            reason = "an edge does not name both its ends"
            yield Problem("missing-field", reason, f"Edges[{number}]", clip(repr(edge)), fatal=False)
    yield from found
    if not found:
        yield Filtered("association-without-lineage")


def _edge(edge: Mapping[str, Any], types: Mapping[str, str], at: Moment | None) -> Fact | None:
    ends = []
    for end in ("Source", "Destination"):
        arn = scalar(edge.get(f"{end}Arn"))
        if (scalar(edge.get(f"{end}Type")) or types.get(arn, "")) in _NO_DATA:
            return None
        ends.append(key_of(arn, scalar(edge.get(f"{end}Name"))))
    source, target = ends
    type_ = scalar(edge.get("AssociationType"))
    if source is None or target is None or source == target:
        return None
    if type_ == "SameAs" and source.kind is target.kind is Kind.DATASET:
        return Alias(source, target, "sagemaker-same-as")
    relation = _BETWEEN.get((source.kind, target.kind))
    if type_ not in _FLOWS or relation is None:
        return None
    return Link(source, target, relation, Basis.DECLARED, f"association {type_}", at=at)
