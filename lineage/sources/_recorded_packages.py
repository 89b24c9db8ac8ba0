"""What does a SageMaker call do to the model registry: which version was registered, approved, rejected, deleted?

A model package of a group is a registered version `<group>/<N>`; one without a group is only a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from lineage.model.facts import Entity, Fact, Json, Key, Link
from lineage.model.vocabulary import Basis, Kind, Outcome, Relation
from lineage.source import Problem
from lineage.sources._model_claims import items, kept_notes, mapping, redacted, scalar
from lineage.sources._recorded_call import Call
from lineage.sources._recorded_serving import happened, tags_of

ARN_TAG = "sagemaker:model-package-arn"
"""The tag under which a version keeps its ARN, so that a deployment that names the ARN finds it (sources-ops 7.3)."""

_PACKAGE = re.compile(r"arn:aws[\w-]*:sagemaker:([\w-]+):(\d+):model-package/(.+)")
_DECISIONS = {"Approved": "approve", "Rejected": "reject"}

Said = Fact | Problem


def package_key(name: str, place: str) -> Key:
    """Return the key of a model package by its ARN or name; `place` is where a mere name is one.

    >>> package_key("arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn/3", "")[1:]
    ('sagemaker://123456789012/eu-west-1', 'churn/3')
    """
    found = _PACKAGE.fullmatch(name)
    if found:
        return Key(Kind.MODEL_VERSION, f"sagemaker://{found[2]}/{found[1]}", found[3])
    return Key(Kind.MODEL_VERSION, place, name)


def _create(call: Call) -> Iterator[Said]:
    arn = scalar(call.answered.get("modelPackageArn"))
    asked = call.asked
    group = scalar(asked.get("modelPackageGroupName")).rpartition("/")[2]
    if not arn:
        # The number of the version is only in what comes back, so a refused call is about no version.
        yield happened(
            call,
            "register",
            call.here,
            detail={"group": group, "package": scalar(asked.get("modelPackageName"))},
        )
        return
    key = package_key(arn, call.place)
    done = call.outcome is Outcome.DONE
    model, _, version = key.name.rpartition("/")
    status = scalar(asked.get("modelApprovalStatus"))
    if done:
        yield Entity(key, attributes_of(call, arn, model, version), at=call.at, created=call.at)
    if done and model:
        rule = "modelPackageGroupName"
        yield Link(
            key, Key(Kind.MODEL, key.namespace, model), Relation.VERSION_OF, Basis.DECLARED, rule, at=call.at
        )
    if done:
        yield from _copied(call, key)
    yield happened(call, "register", key, detail={"arn": arn, "approval_status": status})
    if status in _DECISIONS and done:
        yield _decided(call, key, arn, status, f"{call.id}#{_DECISIONS[status]}" if call.id else "")


def attributes_of(call: Call, arn: str, model: str, version: str) -> dict[str, Json]:
    """Return what the parameters of CreateModelPackage say of the version that it made."""
    asked = call.asked
    containers = [
        mapping(one) for one in items(mapping(asked.get("inferenceSpecification")).get("containers"))
    ]
    stored = next((_artifact(one) for one in containers if _artifact(one)), "")
    metadata = mapping(asked.get("metadataProperties"))
    custom = {
        str(name): scalar(text) for name, text in mapping(asked.get("customerMetadataProperties")).items()
    }
    digests = [scalar(one.get("imageDigest")) for one in containers]
    said: dict[str, Json] = {
        "model": model,
        "version": version if model else "",
        "created_by": call.caller.name,
        "created_by_basis": "CreateModelPackage userIdentity" if call.caller.name else "",
        "uri": stored,
        "storage_location": stored,
        "source": redacted(scalar(asked.get("sourceUri"))),
        "git_commit": scalar(metadata.get("commitId")),
        "approval_status": scalar(asked.get("modelApprovalStatus")),
        "description": scalar(asked.get("modelPackageDescription")),
        "tags": {
            **kept_notes({**tags_of(asked), **custom}),
            **({"image_digest": " ".join(filter(None, digests))} if any(digests) else {}),
            ARN_TAG: arn,
        },
    }
    return {name: value for name, value in said.items() if value}


def _artifact(container: Mapping[str, Any]) -> str:
    source = mapping(mapping(container.get("modelDataSource")).get("s3DataSource"))
    return redacted(scalar(container.get("modelDataUrl")) or scalar(source.get("s3Uri")))


def _copied(call: Call, key: Key) -> Iterator[Said]:
    """Say that a package was made from another, where its source is one."""
    source = scalar(call.asked.get("sourceUri"))
    if _PACKAGE.fullmatch(source):
        original = package_key(source, call.place)
        yield Link(original, key, Relation.COPIED, Basis.DECLARED, "sourceUri", at=call.at)


def _update(call: Call) -> Iterator[Said]:
    arn = scalar(call.asked.get("modelPackageArn")) or scalar(call.answered.get("modelPackageArn"))
    status = scalar(call.asked.get("modelApprovalStatus"))
    if not arn:
        yield happened(call, _DECISIONS.get(status, "update"), call.here)
        return
    key = package_key(arn, call.place)
    if status and call.outcome is Outcome.DONE:
        yield Entity(key, {"approval_status": status}, at=call.at)
    yield _decided(call, key, arn, status, call.id)


def _decided(call: Call, key: Key, arn: str, status: str, id_: str) -> Fact:
    reason = scalar(call.asked.get("approvalDescription"))
    # A status that is taken back to "pending" ends an approval without being a rejection.
    type_ = _DECISIONS.get(status, "unapprove" if status else "update")
    detail: dict[str, Json] = {"arn": arn, "approval_status": status}
    found = happened(call, type_, key, detail=detail, change={"reason": reason} if reason else None)
    return found if found.id == id_ else msgspec.structs.replace(found, id=id_)


def _delete(call: Call) -> Iterator[Said]:
    name = scalar(call.asked.get("modelPackageName"))
    if not name:
        yield happened(call, "delete", call.here)
        return
    key = package_key(name, call.place)
    if call.outcome is Outcome.DONE:
        yield Entity(key, {"deleted": True}, at=call.at, ended=call.at)
    yield happened(call, "delete", key)


READERS: dict[str, Callable[[Call], Iterator[Said]]] = {
    "CreateModelPackage": _create,
    "UpdateModelPackage": _update,
    "DeleteModelPackage": _delete,
}
"""What reads each call, by its name in SageMaker."""
