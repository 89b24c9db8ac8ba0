"""Who told a Kubernetes cluster to run, change or stop which model, and was it allowed to?

Every record is one call of the API server, in a log file of its own, an `EventList`, or wrapped by EKS (CloudWatch),
AKS (diagnostic settings) or GKE (Cloud Audit Logs); see sources-ops 5.1. It becomes a happening only when

- it is complete (stage ResponseComplete, or Panic) and writes: create, update, patch, delete, deletecollection;
- it is about a whole object of a served kind, or a role or binding (who may do so, sources-ops 6), not about a
  subresource such as its status or scale;
- it is not made by a controller that only carries out what the object says (`by-controller`), nor about a copy that
  a serving object made (`owned-by`);
- for Deployments, StatefulSets, Rollouts and Knative services, which may run anything: the record holds something that
  speaks of a model (`no-model-evidence` otherwise; at level Metadata, and in most deletions, there is nothing).

Refused, failed and dry-run attempts are happenings with that outcome. Whether anything changed is for the reader of the
whole to see, by the fingerprint of the workload. The log does not name its cluster: the label `cluster` does, else the
wrapper, else the folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model import moment, naming
from lineage.model.facts import Fact, Happened, Hop, Json
from lineage.model.moment import Moment
from lineage.model.vocabulary import Outcome
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _kubernetes_change as change
from lineage.sources import _kubernetes_rights
from lineage.sources._change_notes import change_in, pipeline_of
from lineage.sources._kubernetes_calls import Call, calls_of
from lineage.sources._kubernetes_rbac import is_right
from lineage.sources._model_claims import mapping, scalar
from lineage.sources._workload import PLAIN, Reading, owner_of, read_workload
from lineage.sources._workload_kinds import platform_of
from lineage.sources._workload_nuclio import RESOURCE, serves_nothing_yet
from lineage.text import MalformedError, clip, loads

NAME = "kubernetes-audit"
PLACED = True
FORMAT = "Kubernetes audit log (audit.k8s.io/v1): plain, EventList, EKS, AKS, GKE"
PROVES = ("who", "when", "what")

_RELEASE = re.compile(r"sh\.helm\.release\.v1\.(.+)\.v(\d+)")
_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_DELETES = frozenset({"delete", "deletecollection"})
_LISTS = ("items", "events", "records", "Records")
_STAMPED = re.compile(rb"\s*\d{4}-\d\d-\d\dT[\d:.]+Z? +\{")
_EVENT = re.compile(r'audit\.k8s\.io/v1.{0,4000}?"(?:auditID|stage|verb)\W', re.DOTALL)
_CLOUD_EVENT = re.compile(r'"(?:serviceName\W+k8s\.io|methodName\W+io\.k8s\.)')
_LINE_OF_JSON = re.compile(rb"^[ \t]*\{.*\}[ \t\r]*$", re.MULTILINE)


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are calls of a Kubernetes API server."""
    if sample.listing or not sample.head:
        return 0.0
    first = sample.first_json
    if isinstance(first, list):
        first = first[0] if first else None
    if isinstance(first, dict):
        if scalar(first.get("apiVersion")).startswith("audit.k8s.io/"):
            return 0.95
        if scalar(first.get("category")).lower().startswith("kube-audit"):
            return 0.95
        if scalar(first.get("logGroup")).startswith("/aws/eks/"):
            return 0.95
        payload = mapping(first.get("protoPayload"))
        if payload:
            named = scalar(payload.get("serviceName")) == "k8s.io"
            return 0.95 if named or scalar(payload.get("methodName")).startswith("io.k8s.") else 0.0
    plain = sample.text.replace('\\"', '"')
    return 0.85 if _EVENT.search(plain) or _CLOUD_EVENT.search(plain) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut the log into its events; a batch of CloudWatch stays whole, because it names the cluster."""
    with given.open() as stream:
        head = stream.read(65536)
    if _STAMPED.match(head):
        yield from framing.lines(given)
        return
    cut = framing.json_values(given, *_LISTS)
    first = next(cut, None)
    if (
        isinstance(first, Problem)
        and first.code in {"malformed-json", "too-large"}
        and _LINE_OF_JSON.search(head)
    ):
        yield from framing.lines(given)
        return
    if first is not None:
        yield from _unpacked(first)
    for record in cut:
        yield from _unpacked(record)


def _unpacked(record: Record | Problem) -> Iterator[Record | Problem]:
    if isinstance(record, Record) and (b'"EventList"' in record.raw or b'"records"' in record.raw[:64]):
        yield from framing.json_items(record, *_LISTS)
    else:
        yield record


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a call did to the model it served, or why it is left out."""
    raw = record.raw
    stamped = _STAMPED.match(raw)
    try:
        value = loads(raw[stamped.end() - 1 :] if stamped else raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(raw[:80]))
        return
    said = False
    reasons: list[Filtered] = []
    for call in calls_of(value):
        for found in _judged(call, origin) if isinstance(call, Call) else (call,):
            if isinstance(found, Filtered):
                reasons.append(found)
            else:
                said = True
                yield found
    if not said:
        yield reasons[0] if reasons else Filtered("empty")


def _judged(call: Call, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    if call.stage not in {"", "ResponseComplete", "Panic"}:
        yield Filtered("stage")
    elif call.verb not in _WRITES:
        yield Filtered("verb")
    elif not (
        platform_of(call.group, call.resource) or is_right(call.group, call.resource) or _release(call)
    ):
        yield Filtered("resource")
    elif call.subresource:
        yield Filtered("subresource")
    elif change.is_controller(call.username):
        yield Filtered("by-controller")
    elif not call.stage:
        yield Problem(
            "missing-field", "the stage of the call is not said, so it may not be complete", "stage"
        )
    else:
        yield from _attempted(call, origin)


def _attempted(call: Call, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    outcome = _outcome(call)
    if outcome is None:
        yield Problem(
            "missing-field", "the call has no final status", "responseStatus.code", str(call.code or "")
        )
        return
    try:
        at = _time(call, origin)
    except (ValueError, OverflowError) as error:
        reason = f"the time of the call cannot be read: {error}"
        yield Problem("bad-time", reason, "requestReceivedTimestamp", clip(call.at))
        return
    if is_right(call.group, call.resource):
        cluster = origin.label("cluster") or call.cluster or origin.folder
        body = _kubernetes_rights.object_of(call)
        detail = _detail(call, origin, body)
        yield from _kubernetes_rights.changed(call, cluster, outcome, at, *_grounds(call, body), detail)
        return
    if _release(call):
        yield from _stored(call, origin, outcome, at)
        return
    if call.verb == "deletecollection":
        yield from _collection(call, origin, outcome, at)
        return
    body, partial = _object(call)
    metadata = mapping(body.get("metadata"))
    name, namespace = (
        call.name or scalar(metadata.get("name")),
        call.namespace or scalar(metadata.get("namespace")),
    )
    if not name or not namespace:
        field = "objectRef.namespace" if name else "objectRef.name"
        yield Problem("missing-field", "the call does not name the object it is about", field)
        return
    owner = owner_of(call.resource, body)
    reading = read_workload(call.resource, body, partial=partial) if body.get("spec") or partial else None
    if owner:
        yield Filtered("owned-by")
    elif call.resource in PLAIN and not (reading and reading.evident) and not _ends_function(call):
        yield Filtered("no-model-evidence")
    elif call.verb not in _DELETES and serves_nothing_yet(call.resource, body):
        yield Filtered("serves-nothing-yet")
    else:
        yield from _happened(call, origin, outcome, at, (namespace, name), body, reading)


def _release(call: Call) -> re.Match[str] | None:
    """Return the name and revision of the Helm release that a call creates the store of; an update only files it."""
    if call.group or call.verb != "create" or call.resource not in {"secrets", "configmaps"}:
        return None
    name = call.name or scalar(mapping(mapping(call.request).get("metadata")).get("name"))
    return _RELEASE.fullmatch(name)


def _stored(call: Call, origin: Origin, outcome: Outcome, at: Moment) -> Iterator[Fact | Problem | Filtered]:
    """Say who had Helm store a new revision of a release; nothing of what is stored is looked at."""
    found = _release(call)
    if found is None or not call.namespace:
        yield Filtered("resource")
        return
    cluster = origin.label("cluster") or call.cluster or origin.folder
    yield Happened(
        type="release-store",
        subject=naming.target(cluster, call.namespace, "releases", found[1]),
        at=at,
        id=call.id,
        outcome=outcome,
        actor=change.actor(call.username),
        actor_kind=change.actor_kind(call.username) if call.username else "",
        effective=call.effective,
        chain=call.hops,
        detail={"revision": found[2]},
    )


def _ends_function(call: Call) -> bool:
    """Tell whether a function of Nuclio was deleted; the call does not hold what it served, which others told."""
    return call.verb == "delete" and call.resource == RESOURCE


def _happened(
    call: Call,
    origin: Origin,
    outcome: Outcome,
    at: Moment,
    place: tuple[str, str],
    body: Mapping[str, Any],
    reading: Reading | None,
) -> Iterator[Fact | Problem]:
    deletes = call.verb in _DELETES
    known, hops = _grounds(call, body)
    if reading is not None and not deletes:
        yield from reading.problems
    empty = reading is None or (reading.workload.partial and not _says_anything(reading))
    workload = None if deletes or empty or reading is None else reading.workload
    cluster = origin.label("cluster") or call.cluster or origin.folder
    many = call.verb == "deletecollection"
    yield Happened(
        type="delete" if deletes else "apply",
        subject=naming.target(cluster, place[0], call.resource, place[1]),
        at=at,
        id=f"{call.id}/{place[0]}/{place[1]}" if many and call.id else call.id,
        outcome=outcome,
        actor=change.actor(call.username),
        actor_kind=change.actor_kind(call.username) if call.username else "",
        effective=call.effective,
        chain=hops,
        workload=workload,
        change=known,
        detail=_detail(call, origin, body),
    )


def _collection(
    call: Call, origin: Origin, outcome: Outcome, at: Moment
) -> Iterator[Fact | Problem | Filtered]:
    """Read a deletion of many: the response lists what went; without it only that something did is known."""
    listed = mapping(call.response).get("items")
    if not isinstance(listed, list):
        if call.resource in PLAIN:
            yield Filtered("no-model-evidence")
        else:
            reason = f"a collection of {call.resource} was deleted ({outcome}), the record does not say which"
            yield Problem("names-unknown", reason, "responseObject.items", call.namespace, fatal=False)
        return
    reason = "nothing-deleted"
    for number, body in enumerate(map(mapping, listed)):
        metadata = mapping(body.get("metadata"))
        place = (scalar(metadata.get("namespace")) or call.namespace, scalar(metadata.get("name")))
        reading = read_workload(call.resource, body) if body.get("spec") else None
        if not all(place):
            field = f"responseObject.items[{number}].metadata.name"
            yield Problem("missing-field", "a deleted object is not named", field, fatal=False)
        elif owner_of(call.resource, body):
            reason = "owned-by"
        elif call.resource in PLAIN and not (reading and reading.evident):
            reason = "no-model-evidence"
        else:
            yield from _happened(call, origin, outcome, at, place, body, reading)
    yield Filtered(reason)


def _outcome(call: Call) -> Outcome | None:
    if call.code in {401, 403} or call.decision == "forbid":
        return Outcome.DENIED
    if call.dry_run:
        return Outcome.DRY_RUN
    if call.stage == "Panic" or call.code >= 400:
        return Outcome.FAILED
    return Outcome.DONE if 200 <= call.code < 300 else None


def _time(call: Call, origin: Origin) -> Moment:
    if isinstance(call.at, str) and call.at:
        return moment.parse(call.at, origin.label("timezone"))
    if isinstance(call.at, int | float) and not isinstance(call.at, bool):
        return moment.from_milliseconds(call.at)
    raise ValueError("there is none")


def _object(call: Call) -> tuple[dict[str, Any], bool]:
    """Return the object after the call, else as sent, and whether it is only a part of it (a patch)."""
    if call.truncated:
        return {}, False
    response = mapping(call.response)
    if response.get("spec") and scalar(response.get("kind")) != "Status":
        return response, False
    if call.verb == "patch":
        sent = _from_operations(call.request) if isinstance(call.request, list) else mapping(call.request)
        return sent, bool(sent)
    return ({}, False) if call.verb in _DELETES else (mapping(call.request), False)


def _from_operations(operations: list[Any]) -> dict[str, Any]:
    """Return what a JSON patch (RFC 6902) sets, as the part of an object; what it removes cannot be shown so."""
    root: dict[str, Any] = {}
    for operation in map(mapping, operations):
        if scalar(operation.get("op")) not in {"add", "replace"}:
            continue
        steps = [
            step.replace("~1", "/").replace("~0", "~")
            for step in scalar(operation.get("path")).split("/")[1:]
        ]
        if not steps:
            root = dict(mapping(operation.get("value")))
            continue
        place: Any = root
        for step, after in zip(steps, [*steps[1:], None], strict=True):
            fresh: Any = operation.get("value")
            if after is not None:
                fresh = [] if after.isdecimal() or after == "-" else {}
            if isinstance(place, list):
                index = int(step) if step.isdecimal() and int(step) < 64 else len(place)
                place.extend({} for _ in range(len(place), index + 1))
                place[index] = place[index] if after is not None and place[index] else fresh
                place = place[index]
            elif isinstance(place, dict):
                if after is None or not isinstance(place.get(step), dict | list):
                    place[step] = fresh
                place = place[step]
    return root


def _says_anything(reading: Reading) -> bool:
    workload = reading.workload
    parts = any(
        part.uri or part.image or part.weight is not None or part.claims for part in workload.components
    )
    return bool(parts or workload.resources or workload.annotations or workload.labels)


def _grounds(call: Call, body: Mapping[str, Any]) -> tuple[dict[str, str], tuple[Hop, ...]]:
    """Return the change that the call names and the chain of principals, nearest first."""
    sent = _from_operations(call.request) if isinstance(call.request, list) else mapping(call.request)
    notes: dict[str, str] = {}
    if call.verb not in _DELETES:
        notes = change.notes_sent(sent) if sent else change.change_notes(body)
    known, named = change_in(notes)
    pipeline = pipeline_of(call.hops)
    if pipeline:
        known.setdefault("ci_run", pipeline)
    return known, call.hops + named


def _detail(call: Call, origin: Origin, body: Mapping[str, Any]) -> dict[str, Json]:
    said: dict[str, Json] = {
        "verb": call.verb,
        "code": call.code,
        "level": call.level,
        "message": clip(call.message, 500),
        "user_agent": call.agent,
        "source_ips": list(call.addresses),
        "access_key": call.access_key,
        "environment": origin.label("environment") or change.environment_of(body),
        "truncated": call.truncated,
        "inference_service": scalar(mapping(body.get("spec")).get("inferenceService")),
    }
    return {name: value for name, value in said.items() if value}
