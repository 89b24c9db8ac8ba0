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
from lineage.sources._kubernetes_claims import COMMIT_NOTES, items, mapping, notes_of, scalar, words
from lineage.text import MalformedError, loads

_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)
_MAIL = re.compile(r"(?:.*[:#/])?[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+")
_NOBODY = re.compile(r".*(?:no-?reply|do-?not-?reply)@|.*@noreply\.", re.IGNORECASE)
_ROBOT = re.compile(r".*\[bot\].*|(?:project|group)_\d+_bot.*|.*gserviceaccount\.com", re.IGNORECASE)
_ROLE = re.compile(r"arn:aws[\w-]*:sts::\d*:assumed-role/([^/]+)/(.+)")
_PIPELINE = re.compile(r"GitHubActions[-_](\d+)")
_CI_WORDS = frozenset(
    {"ci", "github", "gitlab", "jenkins", "actions", "pipeline", "workflow", "build", "buildkite"}
)
_RUN_NOTE = re.compile(r"(?:[a-z]+[-_])*(?:run|pipeline|build|job|workflow)(?:[-_](?:id|url|number|run))*")
_CHANGE_NOTES = {
    "ticket": ("change-ticket", "ticket", "jira", "jira-ticket", "change-request", "change-id"),
    "reason": ("change-cause", "reason", "change-reason"),
    "approved_by": ("approved-by", "approver"),
    "approved_at": ("approved-at",),
}
_MEANING = {name: field for field, names in _CHANGE_NOTES.items() for name in names}
_DEPLOYER_NOTES = frozenset({"deployed-by", "deployer"})

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


def pipeline_of(hops: tuple[Hop, ...]) -> str:
    """Return the run of a CI pipeline that a session is named after; empty when none is."""
    return next((found[1] for hop in hops if (found := _PIPELINE.fullmatch(hop.principal))), "")


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


def change_in(notes: Mapping[str, str]) -> tuple[dict[str, str], tuple[Hop, ...]]:
    """Return what labels and annotations say of a change (`Happened.change`), and whom they name as having made it.

    >>> change_in({"example.com/git-commit": "4be1c0de", "github.com/run-id": "77", "x/deployed-by": "ann"})
    ({'commit': '4be1c0de', 'ci_run': '77'}, (Hop(principal='ann', rule='deployed-by', field='x/deployed-by'),))
    """
    change: dict[str, str] = {}
    hops = []
    for name, text in notes.items():
        last = name.rpartition("/")[2].lower()
        if not text.strip():
            continue
        if last in COMMIT_NOTES:
            if _COMMIT.fullmatch(text):
                change.setdefault("commit", text)
        elif last in _MEANING:
            change.setdefault(_MEANING[last], text)
        elif words(name) & _CI_WORDS and _RUN_NOTE.fullmatch(last):
            change.setdefault("ci_run", text)
        elif last in _DEPLOYER_NOTES:
            hops.append(Hop(text, "deployed-by", name))
    return change, tuple(hops)


def environment_of(body: Mapping[str, Any]) -> str:
    """Return the environment that an object's labels or annotations name; empty when none do."""
    metadata = mapping(body.get("metadata"))
    for field in ("labels", "annotations"):
        for name, text in notes_of(metadata.get(field)).items():
            if name.rpartition("/")[2].lower() in {"env", "environment"}:
                return text
    return ""
