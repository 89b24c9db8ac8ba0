"""Who changed a Kubernetes object, and on what grounds, as far as the record and the object itself say?

The steps are those of sources-ops 5.5; here they are only collected, and climbed in `lineage.identity`. Labels and
annotations are known by the last segment of their names, so that any prefix (`example.com/`) will do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lineage.model.facts import Hop, Key
from lineage.model.vocabulary import Kind
from lineage.sources._model_claims import items, mapping, notes_of, scalar
from lineage.text import MalformedError, loads

_MAIL = re.compile(r"(?:.*[:#/])?[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+")
_NOBODY = re.compile(r".*(?:no-?reply|do-?not-?reply)@|.*@noreply\.", re.IGNORECASE)
_ROBOT = re.compile(r".*\[bot\].*|(?:project|group)_\d+_bot.*|.*gserviceaccount\.com", re.IGNORECASE)
_ROLE = re.compile(r"arn:aws[\w-]*:sts::\d*:assumed-role/([^/]+)/(.+)")

_BUILT_IN = re.compile(
    r"(?:attachdetach|certificate|clusterrole-aggregation|cronjob|daemon-set|deployment|disruption|endpoint"
    r"|endpointslice|expand|job|node|pv-protection|pvc-protection|replicaset|replication|resourcequota|route"
    r"|service-account|service|statefulset|ttl|ttl-after-finished)-controller"
    r"|generic-garbage-collector|pod-garbage-collector|horizontal-pod-autoscaler|persistent-volume-binder"
    r"|root-ca-cert-publisher|vpa-(?:updater|recommender)"
)
_CONTROLLER = re.compile(
    r"(?:kserve|kserve-localmodel|llmisvc|kfserving|seldon|seldon-v2)-controller-manager|seldon-manager"
    r"|modelmesh-controller|odh-model-controller|argo-rollouts|keda-operator|yatai-deployment(?:-operator)?"
)
_KNATIVE = frozenset({"controller", "autoscaler", "autoscaler-hpa", "activator", "webhook"})
_SYSTEM = frozenset({"system:kube-controller-manager", "system:kube-scheduler", "system:apiserver"})


def is_controller(username: str) -> bool:
    """Tell whether an account is that of a controller which only carries out what an object says already.

    The namespace controller is none of them: when it deletes a service with its namespace, the service ends. Nor are
    the accounts of Argo CD or Flux: what they apply is a deployment.

    >>> is_controller("system:serviceaccount:kube-system:deployment-controller")
    True
    >>> is_controller("system:serviceaccount:argocd:argocd-application-controller")
    False
    """
    if username in _SYSTEM or username.startswith("system:node:"):
        return True
    if not username.startswith("system:serviceaccount:"):
        return False
    namespace, _, name = username.removeprefix("system:serviceaccount:").partition(":")
    if _CONTROLLER.fullmatch(name) or (namespace == "kube-system" and _BUILT_IN.fullmatch(name)):
        return True
    return namespace.startswith("knative-") and name in _KNATIVE


def actor_kind(username: str) -> str:
    """Return `person`, `service-account`, `system` or `unknown`, by the form of a user name alone.

    >>> [actor_kind(name) for name in ("oidc:dev@example.com", "system:serviceaccount:ci:deployer", "admin")]
    ['person', 'service-account', 'unknown']
    """
    if username.startswith("system:serviceaccount:") or _ROBOT.fullmatch(username):
        return "service-account"
    if username.startswith(("system:", "eks:", "aks:", "aksService")):
        return "system"
    role = _ROLE.fullmatch(username)
    if role:
        return "person" if role[1].startswith("AWSReservedSSO_") else "unknown"
    if re.fullmatch(r"arn:aws[\w-]*:iam::\d*:user/.+", username):
        return "person"
    return "person" if _MAIL.fullmatch(username) and not _NOBODY.match(username) else "unknown"


def actor(username: str) -> Key | None:
    """Return the key of the principal `username`, exactly as recorded; None where none is."""
    return Key(Kind.ACTOR, "kubernetes", username) if username else None


def sessions(user: Mapping[str, Any]) -> tuple[Hop, ...]:
    """Return the AWS sessions that EKS keeps beside the user it mapped them to."""
    extra = mapping(user.get("extra"))
    names = [scalar(name) for name in items(extra.get("sessionName"))]
    roles = [_ROLE.fullmatch(scalar(arn)) for arn in items(extra.get("arn"))]
    hops = []
    for role in roles:
        if role:
            rule = "sso-session" if role[1].startswith("AWSReservedSSO_") else "session-name"
            hops.append(Hop(role[2], rule, "user.extra.arn"))
    known = {hop.principal for hop in hops}
    hops.extend(
        Hop(name, "session-name", "user.extra.sessionName") for name in names if name and name not in known
    )
    return tuple(hops)


def change_notes(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels and annotations of an object and of its pod template that may speak of a change."""
    found: dict[str, str] = {}
    spec = mapping(body.get("spec"))
    holders = (
        mapping(mapping(spec.get("template")).get("metadata")),
        mapping(spec.get("predictor")),
        mapping(body.get("metadata")),
    )
    for holder in holders:
        for field in ("labels", "annotations"):
            found.update(notes_of(holder.get(field)))
    return found


def notes_sent(request: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels and annotations that a request itself carries.

    A patch repeats only what changed, so what `kubectl apply` was given as a whole is read too. What an object merely
    carries on from an earlier change says nothing of this one.
    """
    annotations = mapping(mapping(request.get("metadata")).get("annotations"))
    applied = annotations.get("kubectl.kubernetes.io/last-applied-configuration")
    found: dict[str, str] = {}
    if isinstance(applied, str):
        try:
            found.update(change_notes(mapping(loads(applied))))
        except MalformedError:
            found = {}
    found.update(change_notes(request))
    return found


def environment_of(body: Mapping[str, Any]) -> str:
    """Return the environment that an object's labels or annotations name; empty when none do."""
    metadata = mapping(body.get("metadata"))
    for field in ("labels", "annotations"):
        for name, text in notes_of(metadata.get(field)).items():
            if name.rpartition("/")[2].lower() in {"env", "environment"}:
                return text
    return ""
