"""What was running on a Kubernetes cluster when its objects were exported, and since when at the latest?

Objects as `kubectl get -o json` or `-o yaml` prints them: one, a List, or several documents. Only an object that the
server has stored carries a uid, a resource version, a creation time or a status: then it is live state, seen at the
greatest time in it (or at the label `observed_at`). A manifest without these is what somebody wrote, in a repository
for example; whether it was ever applied is not in it, so it is a declared target and never a deployment.

An export proves what ran, not who put it there: only Knative notes creator and last modifier. Copies that a serving
object made are left to that object (`owned-by`), ordinary Deployments without a word of a model are left out
(`no-model-evidence`), as are all other kinds (`kind`). sources-ops 5.2. Roles and bindings among them are read too
(sources-ops 6), Argo CD applications as `lineage.sources.argocd` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model import moment, naming
from lineage.model.facts import Coverage, Entity, Fact, Happened, Json, Key, Workload
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _kubernetes_change as change
from lineage.sources._change_notes import change_in
from lineage.sources._gitops_application import application, is_application
from lineage.sources._kubernetes_rbac import is_right_kind
from lineage.sources._kubernetes_rbac import read_object as read_right
from lineage.sources._model_claims import items, mapping, notes_of, scalar
from lineage.sources._workload import PLAIN, owner_of, read_workload
from lineage.sources._workload_kinds import resource_of
from lineage.sources._workload_nuclio import serves_nothing_yet
from lineage.text import MalformedError, clip, load_yaml, loads

NAME = "kubernetes-dump"
PLACED = True
_SECOND = 1_000_000
FORMAT = "Kubernetes in JSON, YAML: KServe, Knative, Seldon, BentoML, Nuclio, Deployments, Argo rollouts"
PROVES = ("what", "when")

_KINDS = re.compile(r"""^(- |  )?kind:[ \t]*["']?(\w+)""", re.MULTILINE)
_VERSIONS = re.compile(r"""^(?:- |  )?apiVersion:[ \t]*["']?([\w.-]+)/v\d""", re.MULTILINE)
_JSON_KINDS = re.compile(r'"kind"\s*:\s*"(\w+)"')
_JSON_VERSIONS = re.compile(r'"apiVersion"\s*:\s*"([\w.-]+)/v\d')
_OTHER_LOGS = re.compile(r'auditID|audit\.k8s\.io/|protoPayload|"eventSource"|"eventType"')
_OTHER_KINDS = re.compile(
    "ConfigMap|Secret|Service|Pod|Namespace|Ingress|DaemonSet|Job|CronJob|ReplicaSet|PersistentVolumeClaim|Model"
    "|ServiceAccount|(?:Cluster)?ServingRuntime|LLMInferenceServiceConfig|ClusterStorageContainer"
)
_LIVE = ("uid", "resourceVersion", "creationTimestamp")


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are Kubernetes objects of a kind that serves models."""
    text = sample.text
    if sample.listing or "apiVersion" not in text or _OTHER_LOGS.search(text):
        return 0.0
    if text.lstrip()[:1] in {"{", "["}:
        value = sample.first_json
        if value is None:
            kinds, groups = set(_JSON_KINDS.findall(text)), set(_JSON_VERSIONS.findall(text))
        else:
            bodies = value if isinstance(value, list) else [value, *items(mapping(value).get("items"))]
            kinds = {scalar(mapping(body).get("kind")) for body in bodies}
            groups = {scalar(mapping(body).get("apiVersion")).rpartition("/")[0] for body in bodies}
    else:
        found = _KINDS.findall(text)
        listed = any(kind == "List" for _, kind in found)
        kinds = {kind for indent, kind in found if listed or not indent}
        groups = set(_VERSIONS.findall(text))
    if any(resource_of(group, kind) for group in groups for kind in kinds):
        return 0.9
    return 0.2 if any(_OTHER_KINDS.fullmatch(kind) for kind in kinds) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into objects: the items of a JSON list, a line, or a YAML document (which may be a List as a whole)."""
    yield from framing.documents(given, "items")


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what an object, or each object of a List, was told to run."""
    try:
        value = loads(record.raw) if record.raw.lstrip()[:1] in {b"{", b"["} else load_yaml(record.raw)
    except MalformedError as error:
        line = record.line + max(error.line - 1, 0) if record.line else error.line
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]), line=line)
        return
    listed = mapping(value).get("items")
    whole = isinstance(listed, list) and scalar(mapping(value).get("kind")).endswith("List")
    bodies = listed if isinstance(listed, list) and whole else [value]
    said = False
    reason = Filtered("empty")
    for number, body in enumerate(bodies):
        row = f"/items/{number}" if whole else record.row
        for found in _object(body, origin, row, listed=whole or record.row.startswith("/items/")):
            if isinstance(found, Filtered):
                reason = found
            else:
                said = True
                yield found
    if not said:
        yield reason


def _object(value: Any, origin: Origin, row: str, *, listed: bool) -> Iterator[Fact | Problem | Filtered]:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        yield Problem(
            "not-an-object", "this is no Kubernetes object: it has no kind", value=clip(value), row=row
        )
        return
    if is_application(value):
        yield from application(value, origin)
        return
    group, slash, _ = scalar(value.get("apiVersion")).rpartition("/")
    if is_right_kind(group, value["kind"]):
        yield from read_right(value, origin, row, listed=listed)
        return
    resource = resource_of(group if slash else "", value["kind"])
    if not resource:
        yield Filtered("kind")
        return
    metadata = mapping(value.get("metadata"))
    name = scalar(metadata.get("name"))
    if not name:
        yield Problem("missing-field", "the object has no name", "metadata.name", row=row)
        return
    reading = read_workload(resource, value)
    if owner_of(resource, value):
        yield Filtered("owned-by")
        return
    if resource in PLAIN and not reading.evident:
        yield Filtered("no-model-evidence")
        return
    for problem in reading.problems:
        yield Problem(problem.code, problem.reason, problem.field, problem.value, row=row, fatal=False)
    cluster = origin.label("cluster") or origin.folder
    namespace = scalar(metadata.get("namespace")) or origin.label("namespace") or "default"
    key = naming.target(cluster, namespace, resource, name)
    attributes = _attributes(value, origin, reading.workload)
    if not metadata.get("namespace"):
        attributes["namespace_assumed"] = True
    stored = value.get("status") or any(metadata.get(field) for field in _LIVE)
    if not stored or serves_nothing_yet(resource, value):
        uris = [component.uri for component in reading.workload.components if component.uri]
        images = [component.image for component in reading.workload.components if component.image]
        yield Entity(key, {**attributes, "declared": True, "declared_uris": uris, "declared_images": images})
        return
    yield from _live(value, origin, key, attributes, reading.workload, listed=listed, row=row)


def _live(
    body: Mapping[str, Any],
    origin: Origin,
    key: Key,
    attributes: dict[str, Json],
    workload: Workload,
    *,
    listed: bool,
    row: str,
) -> Iterator[Fact | Problem]:
    metadata = mapping(body.get("metadata"))
    zone = origin.label("timezone")
    created = None
    times: list[Moment] = []
    for field, text in _times(body):
        try:
            found = moment.parse(text, zone)
        except ValueError as error:
            yield Problem("bad-time", f"this is no time: {error}", field, clip(text), row=row, fatal=False)
            continue
        times.append(found)
        created = found if field == "metadata.creationTimestamp" else created
    observed = origin.label("observed_at")
    if observed:
        try:
            times = [moment.parse(observed, zone)]
        except ValueError as error:
            yield Problem(
                "bad-time",
                f"the label observed_at is no time: {error}",
                "observed_at",
                clip(observed),
                row=row,
            )
            return
    if not times:
        reason = "nothing on the object says when this was so; import it with the label observed_at"
        yield Problem("missing-field", reason, "metadata.creationTimestamp", row=row, fatal=False)
        yield Entity(key, attributes)
        return
    at = max(times, key=lambda time: time.hi)
    if not observed and at.lo % _SECOND == 0:
        # Times in objects are cut to whole seconds: the state was there at the end of that second, so that the call
        # of the same second that brought it about, known to the microsecond, comes before.
        at = moment.Moment(at.lo + _SECOND - 1, at.hi + _SECOND - 1, at.text, at.assumed)
    _, _, place = key.name.partition("/")
    resource, _, _ = place.partition("/")
    namespace = key.name.partition("/")[0]
    cluster = key.namespace.removeprefix("kubernetes://")
    listing = f"kubernetes-dump:{cluster}/{namespace}/{resource}"
    notes = notes_of(metadata.get("annotations"))
    modifier = notes.get("serving.knative.dev/lastModifier", "")
    known, hops = change_in(change.change_notes(body))
    detail: dict[str, Json] = {
        "environment": attributes.get("environment"),
        "creator": notes.get("serving.knative.dev/creator"),
        "spec_changed": _spec_changed(metadata),
        "created_at": created.lo if created else None,
        "inference_service": attributes.get("inference_service"),
        "ready": attributes.get("ready"),
    }
    uid, version = scalar(metadata.get("uid")), scalar(metadata.get("resourceVersion"))
    yield Entity(key, attributes, at, listing, created)
    yield Happened(
        type="observe",
        subject=key,
        at=at,
        id=f"{uid}/{version}@{moment.to_iso(at.lo)}" if uid and version else "",
        actor=change.actor(modifier),
        actor_kind=change.actor_kind(modifier) if modifier else "",
        chain=hops,
        workload=workload,
        listing=listing,
        change=known,
        detail={name: value for name, value in detail.items() if value},
    )
    yield Coverage(listing, str(Kind.TARGET), at, at, complete=listed and bool(observed))


def _attributes(body: Mapping[str, Any], origin: Origin, workload: Workload) -> dict[str, Json]:
    metadata, status = mapping(body.get("metadata")), mapping(body.get("status"))
    ready = next(
        (
            scalar(mapping(condition).get("status"))
            for condition in items(status.get("conditions"))
            if scalar(mapping(condition).get("type")) in {"Ready", "Available"}
        ),
        "",
    )
    said: dict[str, Json] = {
        "platform": workload.platform,
        "kind": scalar(body.get("kind")),
        "api_version": scalar(body.get("apiVersion")),
        "uid": scalar(metadata.get("uid")),
        "environment": origin.label("environment") or change.environment_of(body),
        "url": scalar(status.get("url")),
        "ready": ready,
        "inference_service": scalar(mapping(body.get("spec")).get("inferenceService")),
    }
    return {name: value for name, value in said.items() if value}


def _times(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the times that the server wrote into an object."""
    metadata, status = mapping(body.get("metadata")), mapping(body.get("status"))
    single = [("metadata.creationTimestamp", metadata.get("creationTimestamp"))]
    managed = [
        (f"metadata.managedFields[{number}].time", mapping(entry).get("time"))
        for number, entry in enumerate(items(metadata.get("managedFields")))
    ]
    conditions = [
        (f"status.conditions[{number}].{field}", mapping(entry).get(field))
        for number, entry in enumerate(items(status.get("conditions")))
        for field in ("lastTransitionTime", "lastUpdateTime")
    ]
    for field, text in single + managed + conditions:
        if text:
            yield field, scalar(text)


def _spec_changed(metadata: Mapping[str, Any]) -> str:
    """Return when something else than the status was last written, as managed fields say; empty when they do not."""
    times = [
        scalar(entry.get("time"))
        for entry in map(mapping, items(metadata.get("managedFields")))
        if entry.get("time") and scalar(entry.get("subresource")) != "status"
    ]
    return max(times, default="")
