"""Who asked Azure for which change where and when, and how far did it get, as one event of the activity log says?

The same event has two spellings: that of the API and the command line (`eventTimestamp`, `status.value`), and that of
exports to storage and event hubs (`time`, `resultType`, names in capitals). Ids of resources are alike in any case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage.model.facts import Hop, Json, Key
from lineage.model.moment import Moment, parse
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Origin
from lineage.sources._model_claims import mapping, redacted, scalar
from lineage.text import MalformedError, clip, loads

ENDED = "ended"
_DONE = frozenset({"succeeded", "success"})
_STAGES = {
    **dict.fromkeys(("started", "start", "in progress", "inprogress"), "begin"),
    **dict.fromkeys(("accepted", "accept"), "accept"),
    **dict.fromkeys((*_DONE, "failed", "failure", "canceled", "cancelled"), ENDED),
}
_REFUSED = re.compile(r"forbidden|unauthorized|\b40[13]\b", re.IGNORECASE)
_REFUSALS = re.compile(r"AuthorizationFailed|RequestDisallowedByPolicy|does not have authorization")
_CREATED = re.compile(r"(?:.*\.)?created\.?", re.IGNORECASE)
_USER_CLAIMS = ("upn", "emailaddress", "unique_name", "preferred_username", "name")
_PERSON = re.compile(r"[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+")


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        id: of the change, the same for its start and its end.
        resource: the id of the resource it is about, as written.
        stage: `begin` or `accept` where the change was taken up, `ended` where its end is told; empty = no state we
            know.
        status: the state as written.
        created: the answer was that a new resource was made.
        asked: the body of the request, or of the answer, where the event holds one; `body` is the field it stands in.
    """

    id: str
    resource: str
    status: str
    stage: str
    outcome: Outcome
    at: Moment
    actor: Key | None
    kind: str
    hops: tuple[Hop, ...]
    created: bool
    asked: dict[str, Any]
    body: str
    said: dict[str, Json]


def valued(value: Any) -> str:
    """Return a text that the API wraps with its translation.

    >>> valued({"value": "Succeeded", "localizedValue": "Erfolg"}), valued("Succeeded")
    ('Succeeded', 'Succeeded')
    """
    return scalar(value.get("value")) if isinstance(value, dict) else scalar(value)


def event_of(record: Mapping[str, Any], origin: Origin) -> Event:
    """Return the event of a record; raises `ValueError` when its time cannot be read."""
    operation = valued(record.get("operationName"))
    resource = scalar(record.get("resourceId")).strip().rstrip("/")
    status = valued(record.get("status")) or scalar(record.get("resultType"))
    stage = _STAGES.get(status.strip().lower(), "")
    small = {str(name).lower(): value for name, value in _object(record.get("properties")).items()}
    codes = [valued(record.get("subStatus")), scalar(record.get("resultSignature"))]
    codes = [code for code in (*codes, scalar(small.get("statuscode"))) if code]
    message = scalar(small.get("statusmessage"))
    outcome = Outcome.DONE
    if stage == ENDED and status.strip().lower() not in _DONE:
        refused = any(map(_REFUSED.search, codes)) or _REFUSALS.search(message)
        outcome = Outcome.DENIED if refused else Outcome.FAILED
    identity = mapping(record.get("identity"))
    rights = _object(record.get("authorization")) or _object(identity.get("authorization"))
    claims = _object(record.get("claims")) or _object(identity.get("claims"))
    actor, kind, hops = _caller(scalar(record.get("caller")).strip(), claims, rights)
    # One correlation can hold several changes of one resource (a template, a plan); an operation holds one.
    shared = scalar(record.get("operationId")) or scalar(record.get("correlationId"))
    address = scalar(mapping(record.get("httpRequest")).get("clientIpAddress"))
    address = address or scalar(record.get("callerIpAddress"))
    body, where = _body(small)
    values: dict[str, Json] = {
        "call": operation,
        "status": status,
        "error": " ".join(dict.fromkeys(codes)) if outcome is not Outcome.DONE else "",
        "message": redacted(clip(message, 500)) if outcome is not Outcome.DONE else "",
        "source_ips": [address] if address else [],
        "application": _claim(claims, "appid", "azp"),
        "operation": shared,
    }
    about = f"{operation.rpartition('/')[2]}@{resource}".lower()
    return Event(
        id=f"{shared.lower()}#{about}" if shared else scalar(record.get("eventDataId")),
        resource=resource,
        status=status,
        stage=stage,
        outcome=outcome,
        at=parse(
            scalar(record.get("eventTimestamp")) or scalar(record.get("time")), origin.label("timezone")
        ),
        actor=actor,
        kind=kind,
        hops=hops,
        created=any(map(_CREATED.fullmatch, codes)),
        asked=body,
        body=where,
        said={name: value for name, value in values.items() if value},
    )


def _object(value: Any) -> dict[str, Any]:
    """Return an object, also one that is written as the text of its JSON; empty for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = loads(value)
        except MalformedError:
            return {}
    return mapping(value)


def _body(small: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    for name in ("requestbody", "responsebody"):
        found = _object(small.get(name))
        if mapping(found.get("properties")):
            return found, f"properties.{name}"
    return {}, ""


def _claim(claims: Mapping[str, Any], *names: str) -> str:
    """Return the claim whose name ends in one of `names`: many are written as addresses of their definition.

    >>> _claim({"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "ann@example.com"}, "upn")
    'ann@example.com'
    """
    for name in names:
        for claim, value in claims.items():
            if claim.lower().rpartition("/")[2] == name and scalar(value):
                return scalar(value)
    return ""


def _caller(
    caller: str, claims: Mapping[str, Any], rights: Mapping[str, Any]
) -> tuple[Key | None, str, tuple[Hop, ...]]:
    """Return the principal, its kind, and the person that the claims of its token name.

    The token of an application alone (`idtyp` is `app`, a managed identity, no user among the claims) stands for no
    person, whatever it is called.
    """
    users = [found for one in _USER_CLAIMS if _PERSON.fullmatch(found := _claim(claims, one).strip())]
    granted = scalar(mapping(rights.get("evidence")).get("principalType")).lower()
    machine = (
        _claim(claims, "idtyp").lower() == "app"
        or bool(_claim(claims, "xms_mirid"))
        or granted == "serviceprincipal"
    )
    name = caller or ("" if machine else next(iter(users), "")) or _claim(claims, "objectidentifier", "oid")
    name = name or _claim(claims, "appid", "azp")
    if not name:
        return None, "", ()
    key = Key(Kind.ACTOR, "azure", name)
    if machine:
        return key, "service", ()
    if _PERSON.fullmatch(name):
        return key, "e-mail", ()
    hops = tuple(Hop(user, "token-claim", "claims") for user in dict.fromkeys(users))
    return key, "service" if not hops and _claim(claims, "appid", "azp") else "unknown", hops
