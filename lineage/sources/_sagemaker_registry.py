"""What do SageMaker's answers say of the model registry: groups, versions, their approval, what they were made from?

A description shows the present status only. A package that was never changed has it since it was made, from whoever
made it; one that was changed since, at some moment up to its last modification, and the answer names who did the last
one: that is what it is said to be (`basis`), not more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineage.model.facts import Entity, Fact, Happened, Json, Key, Link
from lineage.model.moment import Moment, to_iso
from lineage.model.naming import dataset_at
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.source import Filtered, Problem
from lineage.sources._model_claims import items, mapping, redacted, scalar
from lineage.sources._recorded_packages import attributes_of, package_key
from lineage.sources._sagemaker_answer import ARN, Answer
from lineage.sources._withheld import clean, table
from lineage.text import clip

_DECISIONS = {"Approved": "approve", "Rejected": "reject", "PendingManualApproval": "await-approval"}

Said = Fact | Problem | Filtered


def group(answer: Answer) -> Iterator[Said]:
    """Say that there is a group of model packages: a registered model."""
    name = answer.text("ModelPackageGroupName")
    if not name:
        yield Filtered("names-only")
        return
    created = answer.time("CreationTime")
    by, _, _ = answer.who("CreatedBy")
    attributes: dict[str, Json] = {
        "description": clip(answer.text("ModelPackageGroupDescription"), 4_000),
        "status": answer.text("ModelPackageGroupStatus"),
        "arn": answer.arn,
        "created_by": by.name if by else "",
    }
    known = {field: value for field, value in attributes.items() if value}
    yield Entity(Key(Kind.MODEL, answer.place, name), known, at=created, created=created)


def package(answer: Answer) -> Iterator[Said]:
    """Say what a version is, what it was made from, and what was decided about it."""
    if not any(
        answer.said.get(field) for field in ("ModelPackageStatus", "ModelApprovalStatus", "CreationTime")
    ):
        yield Filtered("names-only")
        return
    key = package_key(answer.arn, answer.place)
    name, _, version = key.name.rpartition("/")
    created, modified = answer.time("CreationTime"), answer.time("LastModifiedTime")
    if created is None:
        yield Problem("missing-field", "the answer does not say when it was made", "CreationTime")
        return
    yield Entity(key, _attributes(answer, name, version, created), at=modified or created, created=created)
    if name:
        model = Key(Kind.MODEL, key.namespace, name)
        rule = "ModelPackageGroupName"
        yield Link(key, model, Relation.VERSION_OF, Basis.DECLARED, rule, at=created)
        actor, kind, chain = answer.who("CreatedBy")
        yield Happened(
            "register", key, created, f"{answer.arn}#register", actor=actor, actor_kind=kind, chain=chain,
            detail={"arn": answer.arn, "listed": True},
        )  # fmt: skip
    yield from _made_from(answer, key, created)
    yield from _decided(answer, key, created, modified)


def _attributes(answer: Answer, name: str, version: str, created: Moment) -> dict[str, Json]:
    said = attributes_of(answer.call("CreateModelPackage", created), answer.arn, name, version)
    said.pop("tags", None)
    by, _, _ = answer.who("CreatedBy")
    last, _, _ = answer.who("LastModifiedBy")
    cycle, metadata = (
        mapping(answer.said.get("ModelLifeCycle")),
        mapping(answer.said.get("MetadataProperties")),
    )
    modified = answer.time("LastModifiedTime")
    more: dict[str, Json] = {
        "arn": answer.arn,
        "created_at": to_iso(created.lo),
        "created_by": by.name if by else "",
        "created_by_basis": "CreatedBy" if by else "",
        "last_modified_at": to_iso(modified.lo) if modified else "",
        "last_modified_by": last.name if last else "",
        "run_id": _job(scalar(metadata.get("GeneratedBy")))[1],
        "repository": clean(scalar(metadata.get("Repository"))),
        "project": scalar(metadata.get("ProjectId")),
        "status": answer.text("ModelPackageStatus"),
        "approval_reason": clip(answer.text("ApprovalDescription"), 500),
        "stage": scalar(cycle.get("Stage")),
        "stage_status": scalar(cycle.get("StageStatus")),
        "task": answer.text("Task"),
        "domain": answer.text("Domain"),
        **table("properties", mapping(answer.said.get("CustomerMetadataProperties"))),
    }
    return {**said, **{field: value for field, value in more.items() if value}}


def _job(arn: str) -> tuple[str, str]:
    """Return the place and the name of the training job that an ARN names; empty when it names none."""
    found = ARN.fullmatch(arn)
    if found is None or found[3] != "training-job":
        return "", ""
    return f"sagemaker://{found[2]}/{found[1]}", found[4]


def _made_from(answer: Answer, key: Key, created: Moment) -> Iterator[Said]:
    place, job = _job(scalar(mapping(answer.said.get("MetadataProperties")).get("GeneratedBy")))
    if job:
        rule = "MetadataProperties.GeneratedBy"
        yield Link(
            Key(Kind.RUN, place, job), key, Relation.PRODUCED, Basis.DECLARED, rule, at=created
        )  # fmt: skip
    specification = mapping(answer.said.get("InferenceSpecification"))
    for number, container in enumerate(map(mapping, items(specification.get("Containers")))):
        uri, field = _artifact(container)
        if uri:
            rule = f"InferenceSpecification.Containers[{number}].{field}"
            artifact = dataset_at(redacted(uri))
            yield Link(artifact, key, Relation.REGISTERED, Basis.DECLARED, rule, at=created)
    source = answer.text("SourceUri")
    if "model-package/" in source and ARN.fullmatch(source):
        original = package_key(source, answer.place)
        yield Link(original, key, Relation.COPIED, Basis.DECLARED, "SourceUri", at=created)


def _artifact(container: dict[Any, Any]) -> tuple[str, str]:
    plain = scalar(container.get("ModelDataUrl"))
    if plain:
        return plain, "ModelDataUrl"
    source = mapping(mapping(container.get("ModelDataSource")).get("S3DataSource"))
    return scalar(source.get("S3Uri")), "ModelDataSource.S3DataSource.S3Uri"


def _decided(answer: Answer, key: Key, created: Moment, modified: Moment | None) -> Iterator[Said]:
    status = answer.text("ModelApprovalStatus")
    type_ = _DECISIONS.get(status)
    if modified is None and "ModelPackageStatusDetails" not in answer.said:
        # A list leaves out the last modification: the status may be of any time up to when it was listed.
        modified = answer.label("observed_at")
        if modified is None:
            return
    if type_ is None:
        if status:
            reason = "the status of the approval is none of SageMaker's"
            yield Problem("unknown-status", reason, "ModelApprovalStatus", clip(status), fatal=False)
        return
    changed = modified is not None and modified.lo > created.lo
    at, field = created, "CreatedBy"
    if changed and modified is not None:
        at, field = Moment(created.lo, modified.hi, modified.text, modified.assumed), "LastModifiedBy"
    waits = type_ == "await-approval"
    actor, kind, chain = (None, "", ()) if waits else answer.who(field)
    detail: dict[str, Json] = {
        "arn": answer.arn,
        "approval_status": status,
        "basis": f"{field}: who changed the package last" if changed and actor else field if actor else "",
        "listed": True,
    }
    reason = answer.text("ApprovalDescription")
    yield Happened(
        type_,
        key,
        at,
        f"{answer.arn}#{status}@{at.hi}",
        actor=actor,
        actor_kind=kind,
        chain=chain,
        change={"reason": reason} if reason and not waits else {},
        detail={name: value for name, value in detail.items() if value},
    )
