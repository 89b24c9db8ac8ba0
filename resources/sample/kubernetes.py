"""What did the API servers of the two clusters log, and what did `kubectl get` show on the last day?

The logs hold what the story tells, what the controller did because of it, what was denied or failed, and a thin layer
of everyday requests. Nothing in them names the cluster: the folder does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import yaml

from resources.sample.changes import ATTEMPTS, CHANGES, Attempt, Change
from resources.sample.drawn import at, draw, gzipped, line, micro, number, uuid4
from resources.sample.inferenceservices import API, MODEL_URI, after, manifest, patch, ready_at, shown, status
from resources.sample.story import BOT, BREAK_GLASS, CLUSTERS, CONTROLLER, END, NAMESPACE

Json = dict[str, Any]
Objects = dict[tuple[str, str], Json]

DUMPS = {"prod-eu": "k8s/prod-eu/inferenceservices.json", "prod-us": "k8s/prod-us/inferenceservices.yaml"}
DUMPED = at("2026-11-20 06:00:00")
_BEGAN = {"prod-eu": datetime(2024, 11, 4, tzinfo=UTC), "prod-us": datetime(2025, 1, 6, tzinfo=UTC)}
_GROUP = "serving.kserve.io"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an audit log, and when it was written."""

    at: datetime
    event: Json


def _user(principal: str, cluster: str) -> Json:
    if principal.startswith("system:serviceaccount:"):
        namespace = principal.split(":")[2]
        return {
            "username": principal,
            "uid": uuid4("account", cluster, principal),
            "groups": [
                "system:serviceaccounts",
                f"system:serviceaccounts:{namespace}",
                "system:authenticated",
            ],
        }
    if principal.startswith("system:"):
        return {"username": principal, "groups": ["system:nodes", "system:authenticated"]}
    if principal == BREAK_GLASS:
        return {"username": principal, "groups": ["system:masters", "system:authenticated"]}
    return {"username": principal, "groups": ["oidc:ml-platform", "system:authenticated"]}


def _agent(principal: str) -> str:
    if principal == BOT:
        return "release-job/3.2.0 (linux/amd64) kubernetes/$Format"
    if principal.startswith("system:"):
        return "manager/v0.15.0 (linux/amd64) kubernetes/$Format"
    return "kubectl/v1.31.4 (darwin/arm64) kubernetes/a78aa47"


def _logged(
    cluster: str,
    when: datetime,
    principal: str,
    verb: str,
    ref: Json,
    code: int,
    *,
    query: str = "",
    request: Any = None,
    response: Any = None,
    acting_as: str = "",
    level: str = "RequestResponse",
    stage: str = "ResponseComplete",
) -> Entry:
    """Return one entry, its fields in the order the API server writes them."""
    group = f"/apis/{ref['apiGroup']}" if ref.get("apiGroup") else "/api"
    uri = f"{group}/{ref['apiVersion']}/namespaces/{ref['namespace']}/{ref['resource']}"
    if verb not in {"create", "list", "watch"} and ref.get("name"):
        uri += f"/{ref['name']}" + (f"/{ref['subresource']}" if ref.get("subresource") else "")
    taken = timedelta(0)
    if stage != "RequestReceived":
        taken = timedelta(microseconds=number(3_000, 190_000, "taken", cluster, when, verb))
    event: Json = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": level if stage != "RequestReceived" else "Metadata",
        "auditID": uuid4("audit", cluster, when, verb, json.dumps(ref)),
        "stage": stage,
        "requestURI": uri + query,
        "verb": verb,
        "user": _user(principal, cluster),
    }
    if acting_as:
        event["impersonatedUser"] = _user(acting_as, cluster)
    event["sourceIPs"] = [f"192.0.2.{number(2, 250, 'ip', principal)}"]
    event["userAgent"] = _agent(principal)
    event["objectRef"] = ref
    if stage != "RequestReceived":
        event["responseStatus"] = {"metadata": {}, "code": code}
        if code >= 400:
            failure = {"status": "Failure", "reason": _REASONS[code], "message": response["message"]}
            event["responseStatus"] |= failure
    for name, body in (("requestObject", request), ("responseObject", response)):
        if body is not None and level == "RequestResponse" and stage != "RequestReceived":
            event[name] = body
    event["requestReceivedTimestamp"] = micro(when)
    event["stageTimestamp"] = micro(when + taken)
    if stage != "RequestReceived":
        allowed = code != 403
        reason = f'RBAC: allowed by RoleBinding "serving-editors/{NAMESPACE}"' if allowed else ""
        event["annotations"] = {
            "authorization.k8s.io/decision": "allow" if allowed else "forbid",
            "authorization.k8s.io/reason": reason,
        }
    return Entry(when + taken, event)


def _ref(namespace: str, name: str, *, resource_version: str = "") -> Json:
    made = {
        "resource": "inferenceservices",
        "namespace": namespace,
        "name": name,
        "apiGroup": _GROUP,
        "apiVersion": "v1beta1",
    }
    return made | ({"resourceVersion": resource_version} if resource_version else {})


_REASONS = {403: "Forbidden", 409: "Conflict", 422: "Invalid"}
_VERBS = {"merge-patch": "patch", "json-patch": "patch", "apply": "patch", "metadata": "patch"}
_QUERIES = {
    "create": "?fieldManager=kubectl-client-side-apply&fieldValidation=Strict",
    "update": "?fieldManager=kubectl-replace&fieldValidation=Strict",
    "merge-patch": "?fieldManager=kubectl-patch",
    "json-patch": "?fieldManager=kubectl-patch",
    "metadata": "?fieldManager=kubectl-edit",
    "apply": "?fieldManager=release-bot&force=true",
}


def _changed(change: Change, objects: Objects) -> Iterator[Entry]:
    """Yield the entries of one change, and keep what stands in the cluster after it."""
    key = (change.namespace, change.name)
    before = objects.get(key)
    verb, level, code = _VERBS.get(change.how, change.how), "RequestResponse", 200
    request: Any = None
    if change.action == "delete":
        request = {
            "kind": "DeleteOptions",
            "apiVersion": f"{_GROUP}/v1beta1",
            "propagationPolicy": "Background",
        }
        response: Any = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        objects.pop(key)
    elif change.how == "metadata":
        level, response = "Metadata", None
        if before:
            counted = before["metadata"] | {"generation": before["metadata"]["generation"] + 1}
            objects[key] = before | {"metadata": counted}
    else:
        response = after(change, before)
        partial = change.how in {"merge-patch", "json-patch"} and before is not None
        request = patch(change, before) if partial and before else manifest(change)
        code = 200 if before else 201
        objects[key] = response
    for stage in ("RequestReceived", "ResponseComplete"):
        yield _logged(
            change.cluster,
            change.at,
            change.by,
            verb,
            _ref(*key),
            code,
            query=_QUERIES.get(change.how, ""),
            request=request,
            response=response,
            acting_as=change.acting_as,
            level=level,
            stage=stage,
        )
    if change.action != "delete":
        yield from _reconciled(change, objects.get(key))


def _reconciled(change: Change, served: Json | None) -> Iterator[Entry]:
    """Yield what the controller does after a change: it writes the object, its status, and the service below it."""
    soon = change.at + timedelta(seconds=1, microseconds=number(0, 999_999, "soon", change.at))
    ref = _ref(change.namespace, change.name)
    arguments = (change.cluster, soon, CONTROLLER)
    if served and change.how != "metadata":
        yield _logged(*arguments, "update", ref, 200, request=served, response=served)
        template: Json = {
            "metadata": {"annotations": {}},
            "spec": {"containers": [{"name": "kserve-container"}]},
        }
        inner = served["spec"]["predictor"]
        if "model" in inner:
            source = "internal.serving.kserve.io/storage-initializer-sourceuri"
            template["metadata"]["annotations"][source] = inner["model"]["storageUri"]
        else:
            template["spec"]["containers"] = inner["containers"]
        knative = {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Service",
            "metadata": {"name": f"{change.name}-predictor", "namespace": change.namespace},
            "spec": {"template": template},
        }
        below = ref | {
            "resource": "services",
            "name": f"{change.name}-predictor",
            "apiGroup": "serving.knative.dev",
            "apiVersion": "v1",
        }
        later = soon + timedelta(seconds=1)
        yield _logged(
            change.cluster, later, CONTROLLER, "update", below, 200, request=knative, response=knative
        )
    of_status = ref | {"subresource": "status"}
    done = ready_at(served) if served else soon + timedelta(seconds=20)
    yield _logged(change.cluster, done, CONTROLLER, "update", of_status, 200, level="Metadata")


def _message(attempt: Attempt) -> str:
    if attempt.code == 409:
        return (
            f'Operation cannot be fulfilled on inferenceservices.serving.kserve.io "{attempt.name}": the object '
            "has been modified; please apply your changes to the latest version and try again"
        )
    if attempt.code == 422:
        return (
            'admission webhook "inferenceservice.kserve-webhook-server.validator" denied the request: '
            "predictor must set exactly one model framework"
        )
    return (
        f'inferenceservices.serving.kserve.io "{attempt.name}" is forbidden: User "{attempt.by}" cannot '
        f'{attempt.verb} resource "inferenceservices" in API group "serving.kserve.io" in the namespace "{NAMESPACE}"'
    )


def _tried(attempt: Attempt, objects: Objects) -> Entry:
    """Return the entry of a request that changed nothing."""
    before = objects.get((NAMESPACE, attempt.name), {})
    query = "?fieldManager=release-bot&force=true" if attempt.by == BOT else "?fieldManager=kubectl-patch"
    request: Any = None
    response: Any = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": _message(attempt),
        "code": attempt.code,
    }
    if attempt.code != 403:
        # What is forbidden is answered before its body is read, so the log does not hold it.
        uri = f"models:/{attempt.name}/{attempt.version}"
        request = {"metadata": {"annotations": {MODEL_URI: uri}}}
    if attempt.outcome == "unchanged":
        named = {name: before["metadata"][name] for name in ("annotations", "labels", "name", "namespace")}
        request = {"apiVersion": API, "kind": "InferenceService", "metadata": named, "spec": before["spec"]}
        response = before | {"status": status(before)}
    elif attempt.outcome == "dry-run":
        query += "&dryRun=All"
        noted = before["metadata"].get("annotations", {}) | request["metadata"]["annotations"]
        response = before | {"metadata": before["metadata"] | {"annotations": noted}}
    return _logged(
        attempt.cluster,
        attempt.at,
        attempt.by,
        attempt.verb,
        _ref(NAMESPACE, attempt.name),
        attempt.code,
        query=query if attempt.verb == "patch" else "",
        request=request,
        response=response,
    )


_EVERYDAY: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        "system:serviceaccount:monitoring:kube-state-metrics",
        "list",
        "inferenceservices",
        _GROUP,
        "v1beta1",
        "",
    ),
    (
        "system:serviceaccount:monitoring:kube-state-metrics",
        "watch",
        "inferenceservices",
        _GROUP,
        "v1beta1",
        "",
    ),
    ("system:serviceaccount:kube-system:replicaset-controller", "create", "pods", "", "v1", ""),
    ("system:node:node-17.skarn.example", "patch", "pods", "", "v1", "status"),
    (
        "system:serviceaccount:kserve:kserve-controller-manager",
        "update",
        "leases",
        "coordination.k8s.io",
        "v1",
        "",
    ),
    ("system:serviceaccount:ci:release-bot", "get", "inferenceservices", _GROUP, "v1beta1", ""),
    ("system:serviceaccount:kserve:kserve-controller-manager", "update", "configmaps", "", "v1", ""),
    ("oidc:henrik.sorby@skarn.example", "get", "pods", "", "v1", "log"),
)


def _everyday(cluster: str) -> Iterator[Entry]:
    """Yield a thin layer of requests that concern no deployment, some with a second stage."""
    chance, when = draw("everyday", cluster), _BEGAN[cluster]
    while when.date() <= END:
        when += timedelta(minutes=chance.randint(1_400, 4_400), microseconds=chance.randint(0, 999_999))
        principal, verb, resource, group, version, subresource = chance.choice(_EVERYDAY)
        name = {
            "pods": "eta-parcel-predictor-00003-deployment-7d9f",
            "leases": "kserve-controller-manager",
        }.get(resource, "inferenceservice-config" if resource == "configmaps" else "eta-parcel")
        ref: Json = {"resource": resource, "namespace": NAMESPACE, "apiVersion": version}
        ref |= {} if verb in {"list", "watch"} else {"name": name}
        ref |= {"apiGroup": group} if group else {}
        ref |= {"subresource": subresource} if subresource else {}
        code = 201 if verb == "create" else 200
        if verb == "watch":
            yield _logged(
                cluster, when, principal, verb, ref, code, level="Metadata", stage="ResponseStarted"
            )
        yield _logged(cluster, when, principal, verb, ref, code, level="Metadata")


@cache
def _history(cluster: str) -> tuple[tuple[Entry, ...], Objects]:
    objects: Objects = {}
    entries = [entry for entry in _everyday(cluster) if entry.at.date() <= END]
    story: list[Change | Attempt] = sorted((*CHANGES, *ATTEMPTS), key=lambda told: told.at)
    for told in story:
        if told.cluster != cluster:
            continue
        if isinstance(told, Change):
            entries += _changed(told, objects)
        else:
            entries.append(_tried(told, objects))
    entries.sort(key=lambda entry: (entry.at, entry.event["auditID"], entry.event["stage"]))
    chance = draw("order", cluster)
    for place in range(len(entries) - 1):
        if chance.random() < 0.035:
            entries[place], entries[place + 1] = entries[place + 1], entries[place]
    return tuple(entries), objects


def entries(cluster: str) -> tuple[Entry, ...]:
    """Return the log of a cluster, in the order it was written, which is not quite that of the requests."""
    return _history(cluster)[0]


def standing(cluster: str) -> list[Json]:
    """Return the objects that stand in a cluster on the last day, as `kubectl get` lists them."""
    objects = _history(cluster)[1]
    return [shown(objects[key]) for key in sorted(objects)]


def logs() -> dict[str, list[Json]]:
    """Return the entries of each log file: one a year, the older ones of prod-eu compressed."""
    files: dict[str, list[Json]] = {}
    for cluster in CLUSTERS:
        for entry in entries(cluster):
            year = entry.at.year
            packed = ".gz" if cluster == "prod-eu" and year < END.year else ""
            files.setdefault(f"k8s/{cluster}/audit-{year}.log{packed}", []).append(entry.event)
    return files


def contents() -> dict[str, bytes]:
    """Return the bytes of each file."""
    made = {}
    for name, events in logs().items():
        content = b"".join(map(line, events))
        made[name] = gzipped(content) if name.endswith(".gz") else content
    for cluster, name in DUMPS.items():
        listed = {
            "apiVersion": "v1",
            "items": standing(cluster),
            "kind": "List",
            "metadata": {"resourceVersion": ""},
        }
        if name.endswith(".json"):
            text = json.dumps(listed, indent=4, ensure_ascii=False) + "\n"
        else:
            text = yaml.safe_dump(listed, allow_unicode=True, width=1000)
        made[name] = text.encode()
    return made
