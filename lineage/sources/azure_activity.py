"""Who changed what Azure Machine Learning serves, and was it allowed and done, as Azure's activity log recorded it?

Read is the activity log as JSON: what `az monitor activity-log list` prints, the answers of its API, and exports to
storage or event hubs (`{"records": [...]}`, one list or event a line). Told are writes and deletions of online
endpoints of Azure Machine Learning and of their deployments; every other event is left out with its reason.

A change is recorded when it starts, is accepted, and succeeds or fails: all events of one operation are one happening,
done only where its success is told, at the time it was asked for (`lineage.identity.operations`). The target is the
endpoint; what its deployments serve together is the sum of the steps (`lineage.identity.vertex`). The log rarely holds
the model: then it is said that a deployment was changed, not what it serves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from lineage import framing
from lineage.model.facts import Alias, Claim, Component, Fact, Happened, Json, Key, Workload
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._azure_event import ENDED, Event, event_of, valued
from lineage.sources._change_notes import change_in
from lineage.sources._deployed_models import shares
from lineage.sources._model_claims import kept_notes, mapping, notes_of, redacted, scalar
from lineage.text import MalformedError, clip, dumps, loads

NAME = "azure-activity"
FORMAT = "Azure activity log of Azure Machine Learning: az monitor activity-log, API, exports"
PROVES = ("who", "when", "what")

PLATFORM = "azureml"
_LISTS = ("records", "value")
_OPERATION = re.compile(
    r'"operationName"\s*:\s*(?:\{[^{}]*?"value"\s*:\s*)?"Microsoft\.[\w.]*/[^"]+"', re.IGNORECASE
)
_ACTIVITY = re.compile(r'"(?:correlationId|operationId)"\s*:')
_STATE = re.compile(r'"(?:eventTimestamp|resultType)"\s*:')
_CLUSTER = re.compile(r'"category"\s*:\s*"kube-')
_SERVICE = "microsoft.machinelearningservices/"
_OURS = re.compile(r"workspaces/onlineendpoints(?P<deployment>/deployments)?/(?P<verb>write|delete)")
_PLACE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)"
    r"/onlineEndpoints/(?P<endpoint>[^/]+)(?:/deployments/(?P<deployment>[^/]+))?",
    re.IGNORECASE,
)

Said = Fact | Problem | Filtered


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are events of the activity log; a cluster's API server's are another's."""
    text = sample.text
    if sample.listing or text.lstrip()[:1] not in {"{", "["} or _CLUSTER.search(text):
        return 0.0
    return 0.9 if _OPERATION.search(text) and _ACTIVITY.search(text) and _STATE.search(text) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut a file into its events; lines that hold lists are cut as well."""
    for record in framing.json_values(given, *_LISTS):
        if isinstance(record, Record) and not record.row:
            yield from framing.json_items(record, *_LISTS)
        else:
            yield record


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a change did to what Azure Machine Learning serves, or why it is left out."""
    try:
        value = mapping(loads(record.raw))
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    operation = valued(value.get("operationName")).strip().lower()
    if not operation or not (value.get("eventTimestamp") or value.get("time")):
        reason = "the record names no operation and time, so it is no event of the activity log"
        yield Problem("not-azure-activity", reason, "operationName", clip(repr(value)))
        return
    if not operation.startswith(_SERVICE):
        yield Filtered("not-machine-learning")
        return
    about = _OURS.fullmatch(operation.removeprefix(_SERVICE))
    if about is None:
        yield Filtered("read-only" if operation.endswith("/read") else "not-about-serving")
        return
    try:
        event = event_of(value, origin)
    except (ValueError, OverflowError) as error:
        at = clip(value.get("eventTimestamp") or value.get("time"))
        yield Problem("bad-time", f"the time of the event cannot be read: {error}", "eventTimestamp", at)
        return
    place = _PLACE.fullmatch(event.resource)
    if place is None or bool(place["deployment"]) != bool(about["deployment"]):
        reason = "the event does not say which endpoint or deployment it is about"
        yield Problem("missing-field", reason, "resourceId", clip(event.resource))
    elif not event.stage:
        reason = "the state of the change is none that is known, so nothing follows from it"
        yield Problem("unknown-status", reason, "status", clip(event.status))
    else:
        yield from _change(event, place, about["verb"])


def _change(event: Event, place: re.Match[str], verb: str) -> Iterator[Said]:
    key = _key(place["subscription"], place["group"], place["workspace"], place["endpoint"])
    small = _key(*(place[part].lower() for part in ("subscription", "group", "workspace", "endpoint")))
    if key != small:
        yield Alias(key, small, "azure-id-case")
    # Names of deployments are compared with those of the traffic, which other events write.
    name = (place["deployment"] or "").lower()
    tags = notes_of(event.asked.get("tags"))
    if name and verb == "write":
        detail: dict[str, Json] = {"verb": "write", "deploys": name}
        yield _happened(event, "apply", key, detail, workload=_workload(event, name, tags), tags=tags)
    elif name:
        yield _happened(event, "apply", key, {"verb": "undeploy", "takes_away": name})
    elif verb == "delete":
        yield _happened(event, "delete", key, {"verb": "delete"})
    else:
        split = mapping(event.asked.get("properties")).get("traffic")
        traffic = {part.lower(): share for part, share in shares(split).items()}
        made = {"verb": "create"} if event.created else {}
        yield _happened(event, "configure", key, {**made, "traffic": traffic}, tags=tags)


def _key(subscription: str, group: str, workspace: str, endpoint: str) -> Key:
    """Return the key of an endpoint: together its resource id, the fixed words as Azure documents them."""
    above = f"/subscriptions/{subscription}/resourceGroups/{group}/providers"
    namespace = f"{PLATFORM}://{above}/Microsoft.MachineLearningServices/workspaces/{workspace}"
    return Key(Kind.TARGET, namespace, f"onlineEndpoints/{endpoint}")


def _happened(
    event: Event,
    type_: str,
    subject: Key,
    detail: Mapping[str, Json],
    *,
    workload: Workload | None = None,
    tags: Mapping[str, str] | None = None,
) -> Happened:
    known, named = change_in(tags or {})
    more = {name: value for name, value in detail.items() if value not in ("", None, {})}
    return Happened(
        type=event.stage if event.stage != ENDED else type_,
        subject=subject,
        at=event.at,
        id=event.id,
        outcome=event.outcome,
        actor=event.actor,
        actor_kind=event.kind,
        chain=event.hops + named,
        workload=workload,
        change=known,
        detail={**event.said, **more, "stage": ENDED if event.stage == ENDED else "begun"},
    )


def _workload(event: Event, name: str, tags: Mapping[str, str]) -> Workload | None:
    """Return what a deployment was told to run; None where the event does not hold its model."""
    body = mapping(event.asked.get("properties"))
    uri = redacted(scalar(body.get("model")).strip())
    if not uri:
        return None
    claim = Claim("cloud-registry-id", uri, f"{event.body}.properties.model")
    environment = scalar(body.get("environmentId"))
    resources: dict[str, Json] = {
        "instance_type": scalar(body.get("instanceType")),
        "instances": scalar(mapping(event.asked.get("sku")).get("capacity")),
        "environment_id": environment,
    }
    kept = {field: value for field, value in resources.items() if value}
    digest = hashlib.sha256(dumps([uri, environment])).hexdigest()
    part = Component(name, uri=uri, claims=(claim,))
    return Workload(PLATFORM, (part,), digest, kept, labels=kept_notes(tags), partial=True)
