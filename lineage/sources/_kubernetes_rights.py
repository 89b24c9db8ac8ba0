"""Who gave or took away rights on a Kubernetes cluster, as a call in its audit log shows?

A binding that is created gives rights to its subjects, one that is deleted takes them away. Of an update the log holds
the object after it, not what was there before: the rights it states hold from then on, and whatever the same binding
stated earlier no longer does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Entity, Fact, Happened, Hop, Json, Key
from lineage.model.moment import Moment
from lineage.model.vocabulary import Outcome
from lineage.source import Problem
from lineage.sources import _kubernetes_change as change
from lineage.sources._kubernetes_calls import Call
from lineage.sources._kubernetes_rbac import RESOURCES, Place, place_of, role_of, stated, subjects_of
from lineage.sources._model_claims import items, mapping, scalar
from lineage.text import clip


def object_of(call: Call) -> dict[str, Any]:
    """Return the role or binding after the call, else as sent; empty where the record holds only a part of it."""
    kind = RESOURCES[call.resource]
    response, request = mapping(call.response), mapping(call.request)
    if call.truncated:
        return {}
    if scalar(response.get("kind")) == kind and ("roleRef" in response or "rules" in response):
        return response
    return (
        request if call.verb in {"create", "update"} and ("roleRef" in request or "rules" in request) else {}
    )


def changed(
    call: Call,
    cluster: str,
    outcome: Outcome,
    at: Moment,
    known: dict[str, str],
    hops: tuple[Hop, ...],
    detail: dict[str, Json],
) -> Iterator[Fact | Problem]:
    """Say which rights a call gave or took away, and what holds after it."""
    if call.verb == "deletecollection":
        listed = mapping(call.response).get("items")
        for gone in map(mapping, items(listed)):
            one = {"kind": RESOURCES[call.resource], **gone}
            yield from _told(call, _place(call, one, cluster), one, outcome, at, known, hops, detail)
        if not isinstance(listed, list):
            reason = f"a collection of {call.resource} was deleted ({outcome}), the record does not say which"
            yield Problem("names-unknown", reason, "responseObject.items", call.namespace, fatal=False)
        return
    body = {"kind": RESOURCES[call.resource], **object_of(call)}
    place = _place(call, body, cluster)
    if not place.name:
        yield Problem("missing-field", "the call does not name the object it is about", "objectRef.name")
        return
    yield from _told(call, place, body, outcome, at, known, hops, detail)


def _place(call: Call, body: Mapping[str, Any], cluster: str) -> Place:
    return place_of(body, cluster, call.namespace, call.name)


def _told(
    call: Call,
    place: Place,
    body: Mapping[str, Any],
    outcome: Outcome,
    at: Moment,
    known: dict[str, str],
    hops: tuple[Hop, ...],
    detail: dict[str, Json],
) -> Iterator[Fact | Problem]:
    deletes = call.verb.startswith("delete")
    binding = place.kind.endswith("Binding")
    actor = change.actor(call.username)
    role = role_of(place, body) if binding else place
    said: dict[str, Json] = {
        "via": place.called,
        "place": place.system,
        "where": place.namespace or "*",
        **detail,
    }
    if role.name:
        said["role"] = role.called
    if binding:
        type_ = "revoke" if deletes else "grant"
        subjects: list[Key] = [key for key, _ in subjects_of(body)] or [place.key]
        said["subjects"] = [clip(key.name) for key in subjects if key != place.key]
    else:
        type_ = "role-delete" if deletes else "role-change"
        subjects = [place.key]
    if place.key in subjects:
        yield Entity(place.key, {"kind": "binding" if binding else "role"})
    for subject in dict.fromkeys(subjects):
        yield Happened(
            type=type_,
            subject=subject,
            at=at,
            id=f"{call.id}/{place.called}" if call.id else "",
            outcome=outcome,
            actor=actor,
            actor_kind=change.actor_kind(call.username) if call.username else "",
            effective=call.effective,
            chain=hops,
            change=known,
            detail=said,
        )
    if outcome is Outcome.DONE and not deletes and ("roleRef" in body or "rules" in body):
        yield from stated(place, body, since=at, at=at, by=actor, detail={"by_call": call.verb})
