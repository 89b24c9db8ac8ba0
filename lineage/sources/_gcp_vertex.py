"""What does a call of Vertex AI do to what serves: deploy, take away, shift traffic, register, delete?

An entry tells one step (`detail.deploys`, `detail.takes_away`, `detail.traffic`); what then serves as a whole follows
from the steps before it (`lineage.identity.vertex`). Shapes: google.cloud.aiplatform v1, EndpointService, ModelService.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lineage.model.facts import Entity, Fact, Happened, Json, Key, Link, Workload
from lineage.model.vocabulary import Basis, Kind, Outcome, Relation
from lineage.source import Filtered, Problem
from lineage.sources._change_notes import change_in
from lineage.sources._deployed_models import (
    PLATFORM,
    component,
    endpoint_key,
    same_endpoint,
    same_version,
    shares,
    taken_apart,
    version_key,
)
from lineage.sources._gcp_entry import Entry
from lineage.sources._model_claims import items, kept_notes, mapping, notes_of, redacted, scalar
from lineage.text import clip

Said = Fact | Problem | Filtered

_BEGIN = "begin"
"""What the first entry of an operation tells: the call was taken up; whether it was done, the last entry says."""


def _happened(
    entry: Entry,
    type_: str,
    subject: Key,
    *,
    workload: Workload | None = None,
    detail: Mapping[str, Json] | None = None,
    labels: Any = None,
) -> Happened:
    known, named = change_in(notes_of(labels))
    more = {name: value for name, value in (detail or {}).items() if value not in ("", None)}
    begun = entry.stage == "begun" and entry.outcome is Outcome.DONE
    return Happened(
        type=_BEGIN if begun else type_,
        subject=subject,
        at=entry.at,
        id=entry.id,
        outcome=entry.outcome,
        actor=entry.actor,
        actor_kind=entry.kind,
        chain=entry.hops + named,
        workload=workload,
        change=known,
        detail={**entry.said, **more, **({"stage": entry.stage} if entry.stage else {})},
    )


def _endpoint(entry: Entry, *names: Any) -> tuple[Key | None, list[Fact | Problem]]:
    """Return the endpoint that the entry is about, and what ties its spellings."""
    for name in (*names, entry.resource):
        key = endpoint_key(scalar(name))
        if key is not None:
            return key, list(same_endpoint(key, entry.project))
    reason = "the entry does not say which endpoint it is about"
    return None, [Problem("missing-field", reason, "resourceName", clip(entry.resource))]


def _deploy(entry: Entry) -> Iterator[Said]:
    asked = entry.asked
    key, said = _endpoint(entry, asked.get("endpoint"))
    yield from said
    if key is None:
        return
    wanted, made = mapping(asked.get("deployedModel")), mapping(entry.answered.get("deployedModel"))
    where = "request.deployedModel" if wanted else "response.deployedModel"
    deployed = {**wanted, **{name: value for name, value in made.items() if value not in ("", None)}}
    number = scalar(deployed.get("id"))
    part, resources = component(deployed, number, where)
    # Without the request, nothing says what was deployed.
    shown = Workload(PLATFORM, (part,), resources=resources, partial=True) if part.uri else None
    traffic = shares(asked.get("trafficSplit"))
    detail: dict[str, Json] = {
        "verb": "deploy",
        "deploys": number,
        "traffic": traffic or None,
        "runs_as": scalar(wanted.get("serviceAccount")),
    }
    if not asked and not made:
        detail.pop("traffic")
    yield _happened(entry, "apply", key, workload=shown, detail=detail, labels=wanted.get("labels"))


def _undeploy(entry: Entry) -> Iterator[Said]:
    key, said = _endpoint(entry, entry.asked.get("endpoint"))
    yield from said
    if key is None:
        return
    gone = scalar(entry.asked.get("deployedModelId"))
    detail: dict[str, Json] = {
        "verb": "undeploy",
        "takes_away": gone,
        "traffic": shares(entry.asked.get("trafficSplit")) or None,
    }
    yield _happened(entry, "apply", key, detail=detail)


def _update(entry: Entry) -> Iterator[Said]:
    wanted = mapping(entry.asked.get("endpoint"))
    key, said = _endpoint(entry, wanted.get("name"))
    yield from said
    if key is None:
        return
    mask = entry.asked.get("updateMask")
    fields = items(mapping(mask).get("paths")) if isinstance(mask, dict) else scalar(mask).split(",")
    named = {scalar(field).replace("_", "").strip().lower() for field in fields} - {""}
    traffic = shares(wanted.get("trafficSplit"))
    detail: dict[str, Json] = {"verb": "update", "fields": ",".join(sorted(named))}
    if traffic and (not named or "trafficsplit" in named or "*" in named):
        detail["traffic"] = traffic
        yield _happened(entry, "apply", key, detail=detail, labels=wanted.get("labels"))
    else:
        yield _happened(entry, "configure", key, detail=detail, labels=wanted.get("labels"))


def _mutate(entry: Entry) -> Iterator[Said]:
    key, said = _endpoint(entry, entry.asked.get("endpoint"))
    yield from said
    if key is not None:
        number = scalar(mapping(entry.asked.get("deployedModel")).get("id"))
        yield _happened(entry, "configure", key, detail={"verb": "mutate", "deployed_model": number})


def _create(entry: Entry) -> Iterator[Said]:
    wanted, made = mapping(entry.asked.get("endpoint")), mapping(entry.answered)
    key, said = _endpoint(entry, made.get("name"), wanted.get("name"))
    if key is None:
        # The number of the endpoint comes back with the end of the operation only.
        yield _happened(entry, "create-endpoint", _place(entry), labels=wanted.get("labels"))
        return
    yield from said
    if entry.outcome is Outcome.DONE and entry.stage != "begun":
        attributes: dict[str, Json] = {
            "platform": PLATFORM,
            "display_name": scalar(wanted.get("displayName")) or scalar(made.get("displayName")),
            "labels": kept_notes(notes_of(wanted.get("labels"))),
        }
        known = {name: value for name, value in attributes.items() if value}
        yield Entity(key, known, at=entry.at, created=entry.at)
    yield _happened(entry, "configure", key, detail={"verb": "create"}, labels=wanted.get("labels"))


def _delete(entry: Entry) -> Iterator[Said]:
    key, said = _endpoint(entry, entry.asked.get("name"))
    yield from said
    if key is not None:
        yield _happened(entry, "delete", key, detail={"verb": "delete"})


def _place(entry: Entry) -> Key:
    """Return the project and location as a thing, for calls that are about no endpoint or model."""
    parts = entry.resource.split("/")
    place = "/".join(parts[:4]) if parts[0] == "projects" else f"projects/{entry.project or 'unknown'}"
    return Key(Kind.ENVIRONMENT, PLATFORM, place)


def _upload(entry: Entry) -> Iterator[Said]:
    wanted = mapping(entry.asked.get("model"))
    name = scalar(entry.answered.get("model")) or entry.resource
    key = version_key(name, scalar(entry.answered.get("modelVersionId")))
    if key is None:
        shown = scalar(wanted.get("displayName"))
        yield _happened(entry, "register", _place(entry), detail={"display_name": shown})
        return
    yield from same_version(key)
    model, _, version = key.name.rpartition("/")
    uri = redacted(scalar(wanted.get("artifactUri")))
    if entry.outcome is Outcome.DONE and entry.stage != "begun":
        attributes: dict[str, Json] = {
            "model": model,
            "version": version,
            "display_name": scalar(wanted.get("displayName")),
            "uri": uri,
            "storage_location": uri,
            "created_by": entry.actor.name if entry.actor else "",
            "created_by_basis": "UploadModel authenticationInfo" if entry.actor else "",
            "tags": kept_notes(notes_of(wanted.get("labels"))),
        }
        known = {field: value for field, value in attributes.items() if value}
        yield Entity(key, known, at=entry.at, created=entry.at)
        yield Link(
            key, Key(Kind.MODEL, key.namespace, model), Relation.VERSION_OF, Basis.DECLARED, "model", at=entry.at
        )  # fmt: skip
    yield _happened(entry, "register", key)


def _delete_version(entry: Entry) -> Iterator[Said]:
    name = scalar(entry.asked.get("name")) or entry.resource
    key = version_key(name, "")
    parts = taken_apart(name)
    if key is None and parts is not None and parts[1] == "models":
        key = Key(Kind.MODEL, parts[0], parts[2])
    if key is None:
        yield Problem(
            "missing-field", "the entry does not say which model it is about", "resourceName", clip(name)
        )
        return
    if entry.outcome is Outcome.DONE and entry.stage != "begun":
        yield Entity(key, {"deleted": True}, at=entry.at, ended=entry.at)
    yield _happened(entry, "delete", key)


def _aliases(entry: Entry) -> Iterator[Said]:
    name = scalar(entry.asked.get("name")) or entry.resource
    key = version_key(name, "")
    names = [scalar(one) for one in items(entry.asked.get("versionAliases")) if scalar(one)]
    if key is None:
        yield Problem(
            "missing-field", "the entry does not say which version it is about", "request.name", clip(name)
        )
        return
    yield _happened(entry, "alias-set", key, detail={"aliases": ", ".join(names)})


READERS: dict[str, Callable[[Entry], Iterator[Said]]] = {
    "EndpointService.DeployModel": _deploy,
    "EndpointService.UndeployModel": _undeploy,
    "EndpointService.UpdateEndpoint": _update,
    "EndpointService.UpdateEndpointLongRunning": _update,
    "EndpointService.MutateDeployedModel": _mutate,
    "EndpointService.CreateEndpoint": _create,
    "EndpointService.DeleteEndpoint": _delete,
    "ModelService.UploadModel": _upload,
    "ModelService.DeleteModel": _delete_version,
    "ModelService.DeleteModelVersion": _delete_version,
    "ModelService.MergeVersionAliases": _aliases,
}
"""What reads each call, by its service and method."""
