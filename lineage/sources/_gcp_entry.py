"""Who called which Google Cloud service where and when, and how did it end, as one audit log entry says?

Field names are compared without case: exports to BigQuery and log collectors respell them (`insertid`,
`protopayload_auditlog`). Principals are those of sources-ops 5.5, collected here and climbed in `lineage.identity`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage.model.facts import Hop, Json, Key
from lineage.model.moment import Moment, parse
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Origin
from lineage.sources._model_claims import items, mapping, scalar
from lineage.text import MalformedError, clip, loads

_PAYLOADS = ("protoPayload", "jsonPayload", "protopayload_auditlog", "jsonPayload_auditlog")
_DENIED = frozenset({"7", "16", "PERMISSION_DENIED", "UNAUTHENTICATED"})
_CANCELLED = "1"
_MACHINES = "gserviceaccount.com"


def pick(value: Mapping[str, Any], *names: str) -> Any:
    """Return the first member that is called one of `names`, whatever its letters' case; None when there is none.

    >>> pick({"insertid": "a"}, "insertId")
    'a'
    """
    for name in names:
        if value.get(name) is not None:
            return value[name]
    small = {name.lower() for name in names}
    return next((inner for key, inner in value.items() if key.lower() in small and inner is not None), None)


def payload_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the audit record inside a log entry; empty when there is none."""
    inner = mapping(pick(entry, *_PAYLOADS))
    if inner:
        return inner
    return dict(entry) if pick(entry, "methodName") and pick(entry, "authenticationInfo") else {}


@dataclass(frozen=True, slots=True)
class Entry:
    """One audit log entry.

    Attributes:
        id: of the operation where the entry is about one, else of the entry.
        stage: `begun` or `ended` for the first and last entry of an operation of which this is only one; else empty.
        project: the project's id, by which resource names that hold its number are found.
        asked, answered: request and response.
    """

    id: str
    stage: str
    method: str
    resource: str
    project: str
    at: Moment
    outcome: Outcome
    actor: Key | None
    kind: str
    hops: tuple[Hop, ...]
    asked: dict[str, Any]
    answered: dict[str, Any]
    said: dict[str, Json]


def entry_of(entry: Mapping[str, Any], payload: Mapping[str, Any], origin: Origin) -> Entry:
    """Return what an entry says; raises `ValueError` when its time cannot be read."""
    operation = mapping(pick(entry, "operation"))
    identity = scalar(pick(operation, "id"))
    first, last = (pick(operation, name) in (True, "true") for name in ("first", "last"))
    stage = "" if first == last else "begun" if first else "ended"
    status = mapping(pick(payload, "status"))
    code, message = scalar(pick(status, "code")), scalar(pick(status, "message"))
    asked = _body(payload, "request", "requestJson")
    actor, kind, hops = _caller(mapping(pick(payload, "authenticationInfo")))
    metadata = mapping(pick(payload, "requestMetadata"))
    labels = mapping(pick(mapping(pick(entry, "resource")), "labels"))
    address = scalar(pick(metadata, "callerIp"))
    values: dict[str, Json] = {
        "call": scalar(pick(payload, "methodName")),
        "error": code if code not in {"", "0"} else "",
        "message": clip(message, 500),
        "user_agent": clip(scalar(pick(metadata, "callerSuppliedUserAgent"))),
        "source_ips": [address] if address else [],
        "operation": identity,
    }
    return Entry(
        id=identity or scalar(pick(entry, "insertId")),
        stage=stage if identity else "",
        method=scalar(pick(payload, "methodName")),
        resource=scalar(pick(payload, "resourceName")),
        project=scalar(pick(labels, "project_id")),
        at=parse(_time(entry), origin.label("timezone")),
        outcome=_outcome(code, payload, asked, scalar(pick(entry, "severity"))),
        actor=actor,
        kind=kind,
        hops=hops,
        asked=asked,
        answered=_body(payload, "response", "responseJson"),
        said={name: value for name, value in values.items() if value},
    )


def _time(entry: Mapping[str, Any]) -> str:
    value = scalar(pick(entry, "timestamp")) or scalar(pick(entry, "receiveTimestamp"))
    # BigQuery prints a time with the name of its zone.
    return value.removesuffix(" UTC") + "Z" if value.endswith(" UTC") else value


def _body(payload: Mapping[str, Any], name: str, exported: str) -> dict[str, Any]:
    value = pick(payload, name, exported)
    if isinstance(value, str):
        try:
            value = loads(value)
        except MalformedError:
            value = None
    return mapping(value)


def _outcome(code: str, payload: Mapping[str, Any], asked: Mapping[str, Any], severity: str) -> Outcome:
    refused = any(
        pick(mapping(check), "granted") is False for check in items(pick(payload, "authorizationInfo"))
    )
    if code in _DENIED or (refused and code not in {"", "0"}):
        return Outcome.DENIED
    if code not in {"", "0"} or severity.upper() in {"ERROR", "CRITICAL", "ALERT", "EMERGENCY"}:
        return Outcome.FAILED
    if refused:
        return Outcome.DENIED
    return Outcome.DRY_RUN if asked.get("validateOnly") in (True, "true") else Outcome.DONE


def _caller(info: Mapping[str, Any]) -> tuple[Key | None, str, tuple[Hop, ...]]:
    """Return the principal, its kind, and the authorities behind a service account, the nearest first.

    The delegation list stands in the order of delegation: the real authority first, the last is the nearest.
    """
    subject, mail = scalar(pick(info, "principalSubject")), scalar(pick(info, "principalEmail"))
    hops = []
    delegations = items(pick(info, "serviceAccountDelegationInfo"))
    for number, one in reversed(list(enumerate(map(mapping, delegations)))):
        party = mapping(pick(one, "firstPartyPrincipal"))
        named = scalar(pick(party, "principalEmail")) or scalar(pick(one, "principalSubject"))
        if named:
            where = f"authenticationInfo.serviceAccountDelegationInfo[{number}]"
            hops.append(Hop(_plain(named), "service-account-delegation", where))
    if "/workforcePools/" in subject:
        hops.insert(0, Hop(_plain(subject), "sso-session", "authenticationInfo.principalSubject"))
    name = mail or subject
    if not name:
        return None, "", tuple(hops)
    machine = (
        name.endswith(_MACHINES)
        or subject.startswith("serviceAccount:")
        or "/workloadIdentityPools/" in subject
    )
    kind = "service-account" if machine else "e-mail" if mail else "unknown"
    return Key(Kind.ACTOR, "gcp", name), kind, tuple(hops)


def _plain(principal: str) -> str:
    """Return a principal without its scheme.

    >>> _plain("principal://iam.googleapis.com/locations/global/workforcePools/p/subject/ann@example.com")
    'ann@example.com'
    """
    if "/subject/" in principal:
        return principal.rpartition("/subject/")[2]
    head, _, rest = principal.partition(":")
    return rest if head in {"user", "serviceAccount"} else principal
