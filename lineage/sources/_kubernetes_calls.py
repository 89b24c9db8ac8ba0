"""Which calls of a Kubernetes API server does a record hold, whoever wrapped it? Plain, EKS, AKS and GKE forms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from lineage.model.facts import Hop
from lineage.source import Filtered, Problem
from lineage.sources._kubernetes_change import sessions
from lineage.sources._model_claims import items, mapping, scalar
from lineage.text import MalformedError, clip, loads

_CLUSTER_ID = re.compile(r"/managedclusters/([^/]+)", re.IGNORECASE)
_LOG_GROUP = re.compile(r"/aws/eks/([^/]+)/cluster")
_DRY_RUN = re.compile(r"(?:^|&)dryRun=[^&]")
_STATUS = {0: 200, 3: 400, 5: 404, 6: 409, 7: 403, 9: 400, 10: 409, 16: 401}
"""HTTP status of a google.rpc.Code; all others are 500."""


class Call(msgspec.Struct, frozen=True, gc=False):
    """One call of the API server at one stage.

    Attributes:
        at: when the server received it: ISO text, or milliseconds; None where the record does not say.
        username: as authenticated; `effective`: whom it impersonated, else empty.
        code: HTTP status, 0 or less where there is none; `decision`: of the authorizer, `allow` or `forbid`.
        request, response: the objects, None where the record does not hold them.
        hops: further principals that the record names, nearest first.
        cluster: as the wrapper says; empty where it does not.
    """

    id: str
    stage: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    username: str
    at: Any
    code: int = 0
    decision: str = ""
    dry_run: bool = False
    truncated: bool = False
    request: Any = None
    response: Any = None
    effective: str = ""
    hops: tuple[Hop, ...] = ()
    cluster: str = ""
    level: str = ""
    message: str = ""
    agent: str = ""
    addresses: tuple[str, ...] = ()
    access_key: str = ""


def calls_of(value: Any, cluster: str = "", received: Any = None) -> Iterator[Call | Filtered | Problem]:
    """Unwrap `value` and yield the calls in it; what is no call says why.

    `cluster` and `received` are what an outer wrapper said; what the event itself says comes first.
    """
    if not isinstance(value, dict):
        yield Problem("not-an-audit-event", "the record is no JSON object", value=clip(value))
        return
    body = value
    if scalar(body.get("kind")) == "EventList":
        for item in items(body.get("items")):
            yield from calls_of(item, cluster, received)
    elif "protoPayload" in body:
        yield _cloud_audit(body)
    elif scalar(body.get("apiVersion")).startswith("audit.k8s.io/") or "auditID" in body:
        yield _event(body, cluster, received)
    elif isinstance(body.get("logEvents"), list):
        group = _LOG_GROUP.search(scalar(body.get("logGroup")))
        for item in body["logEvents"]:
            yield from calls_of(item, group[1] if group else cluster)
    elif isinstance(body.get("records"), list):
        for item in body["records"]:
            yield from calls_of(item, cluster)
    elif "properties" in body:
        yield from _azure(body)
    elif any(field in body for field in ("message", "@message", "log")):
        field = next(field for field in ("message", "@message", "log") if field in body)
        stamp = body.get("timestamp", body.get("@timestamp", received))
        yield from _inner(body[field], field, cluster, stamp)
    else:
        yield Problem(
            "not-an-audit-event", "the record has no audit event in it", value=clip(sorted(map(str, body)))
        )


def _inner(text: Any, field: str, cluster: str, received: Any) -> Iterator[Call | Filtered | Problem]:
    """Unwrap an event that stands as text in a field; other logs of the control plane stand there too."""
    if isinstance(text, dict):
        yield from calls_of(text, cluster, received)
    elif not isinstance(text, str) or "audit.k8s.io" not in text:
        yield Filtered("not-audit")
    else:
        try:
            value = loads(text)
        except MalformedError as error:
            yield Problem(error.code, error.reason, field, clip(text))
            return
        yield from calls_of(value, cluster, received)


def _azure(body: Mapping[str, Any]) -> Iterator[Call | Filtered | Problem]:
    """Unwrap a diagnostic record of AKS. Azure's ids are case-insensitive, so the cluster is in lower case."""
    category = scalar(body.get("category"))
    if category and not category.lower().startswith("kube-audit"):
        yield Filtered("not-audit")
        return
    properties = body["properties"]
    if isinstance(properties, str):
        try:
            properties = loads(properties)
        except MalformedError as error:
            yield Problem(error.code, error.reason, "properties", clip(body["properties"]))
            return
    found = _CLUSTER_ID.search(scalar(body.get("resourceId")) or scalar(body.get("ResourceId")))
    yield from _inner(
        mapping(properties).get("log"), "properties.log", found[1].lower() if found else "", body.get("time")
    )


def _event(event: Mapping[str, Any], cluster: str, received: Any) -> Call:
    about = mapping(event.get("objectRef"))
    path, _, query = scalar(event.get("requestURI")).partition("?")
    group, resource, subresource, namespace, name = _path(path)
    if about:
        version = scalar(about.get("apiVersion"))
        group = scalar(about.get("apiGroup")) or (version.rpartition("/")[0] if "/" in version else "")
        resource, subresource = scalar(about.get("resource")), scalar(about.get("subresource"))
        namespace, name = scalar(about.get("namespace")), scalar(about.get("name"))
    user, status = mapping(event.get("user")), mapping(event.get("responseStatus"))
    notes = mapping(event.get("annotations"))
    options = event.get("requestObject") if scalar(event.get("verb")).startswith("delete") else None
    effective = scalar(mapping(event.get("impersonatedUser")).get("username"))
    impersonated = (Hop(effective, "impersonated-user", "impersonatedUser.username"),) if effective else ()
    keys = items(mapping(user.get("extra")).get("accessKeyId"))
    return Call(
        id=scalar(event.get("auditID")),
        stage=scalar(event.get("stage")),
        verb=scalar(event.get("verb")).lower(),
        group=group,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
        username=scalar(user.get("username")),
        at=event.get("requestReceivedTimestamp") or event.get("stageTimestamp") or received,
        code=_number(status.get("code")),
        decision=scalar(notes.get("authorization.k8s.io/decision")),
        dry_run=_DRY_RUN.search(query) is not None or bool(mapping(options).get("dryRun")),
        truncated=scalar(notes.get("audit.k8s.io/truncated")) == "true",
        request=event.get("requestObject"),
        response=event.get("responseObject"),
        effective=effective,
        hops=impersonated + sessions(user),
        cluster=cluster,
        level=scalar(event.get("level")),
        message=scalar(status.get("message")) or scalar(status.get("reason")),
        agent=scalar(event.get("userAgent")),
        addresses=tuple(map(scalar, items(event.get("sourceIPs")))),
        access_key=scalar(keys[0]) if keys else "",
    )


def _cloud_audit(entry: Mapping[str, Any]) -> Call | Filtered:
    """Read an entry of Google's Cloud Audit Logs; it is written once, when the call is complete.

    Only a long call has a first and a last entry. The resource is taken from `resourceName`, because the method's name
    spells the API group backwards (`io.k8s.apps.v1.deployments.create`, `dev.knative.serving.v1.services.create`).
    """
    payload = mapping(entry.get("protoPayload"))
    resource = mapping(entry.get("resource"))
    about = scalar(payload.get("resourceName"))
    if scalar(payload.get("serviceName")) != "k8s.io" and not scalar(payload.get("methodName")).startswith(
        "io.k8s."
    ):
        return Filtered("not-kubernetes")
    group, kind, subresource, namespace, name = _path(f"/apis/{about}")
    operation, who = mapping(entry.get("operation")), mapping(payload.get("authenticationInfo"))
    status, labels = mapping(payload.get("status")), mapping(entry.get("labels"))
    code = _number(status.get("code"))
    refused = any(mapping(one).get("granted") is False for one in items(payload.get("authorizationInfo")))
    meta = mapping(payload.get("requestMetadata"))
    request = payload.get("request")
    begun = bool(operation.get("first")) and not operation.get("last")
    return Call(
        id=scalar(operation.get("id")) or scalar(entry.get("insertId")),
        stage="ResponseStarted" if begun else "ResponseComplete",
        verb=scalar(payload.get("methodName")).rpartition(".")[2].lower(),
        group="" if group == "core" else group,
        resource=kind,
        subresource=subresource,
        namespace=namespace,
        name=name,
        username=scalar(who.get("principalEmail"))
        or scalar(who.get("principalSubject"))
        or scalar(who.get("authoritySelector")),
        at=entry.get("timestamp") or entry.get("receiveTimestamp"),
        code=_STATUS.get(code, 500) if code >= 0 else code,
        decision="forbid" if refused else scalar(labels.get("authorization.k8s.io/decision")),
        dry_run=bool(mapping(request).get("dryRun")),
        request=request,
        response=payload.get("response"),
        hops=tuple(_delegation(who)),
        cluster=scalar(mapping(resource.get("labels")).get("cluster_name")),
        message=scalar(status.get("message")),
        agent=scalar(meta.get("callerSuppliedUserAgent")),
        addresses=tuple(filter(None, (scalar(meta.get("callerIp")) or scalar(meta.get("callerIP")),))),
    )


def _delegation(who: Mapping[str, Any]) -> Iterator[Hop]:
    for number, entry in enumerate(items(who.get("serviceAccountDelegationInfo"))):
        one = mapping(entry)
        field = f"authenticationInfo.serviceAccountDelegationInfo[{number}]"
        first = scalar(mapping(one.get("firstPartyPrincipal")).get("principalEmail"))
        principal = first or scalar(one.get("principalSubject"))
        if principal:
            yield Hop(principal, "service-account-delegation", field)


def _path(path: str) -> tuple[str, str, str, str, str]:
    """Return group, resource, subresource, namespace and name of a path of the API.

    >>> _path("/apis/apps/v1/namespaces/prod/deployments/fraud/scale")
    ('apps', 'deployments', 'scale', 'prod', 'fraud')
    """
    steps = [step for step in path.split("/") if step]
    group = ""
    if steps[:1] == ["apis"] and len(steps) >= 3:
        group, steps = steps[1], steps[3:]
    elif steps[:1] == ["api"]:
        steps = steps[2:]
    else:
        steps = []
    namespace = ""
    if len(steps) > 2 and steps[0] == "namespaces":
        namespace, steps = steps[1], steps[2:]
    steps += [""] * 3
    return group, steps[0], steps[2], namespace, steps[1]


def _number(value: Any) -> int:
    """Return a status code, -1 where something else stands, 0 where nothing does."""
    if value is None:
        return 0
    text = scalar(value)
    return int(text) if text.isdecimal() and len(text) < 5 else -1
