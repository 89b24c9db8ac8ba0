"""Which revisions of a Helm release were installed, upgraded, rolled back or failed, and what did they serve?

Read are `helm history -o json`, `helm list -o json`, `helm status -o json`, `helm get all`, and the releases that Helm
stores in the cluster (`kubectl get secrets -l owner=helm -o yaml|json`). What `helm get manifest` prints is a manifest
as any other (`kubernetes-dump`).

A release is a target of its own (platform `helm`): revisions `deployed` and `superseded` are deployments, `failed` is
a failed attempt, `pending-*` is under way. That one returned to another (`Rollback to 3`) is its reason. What serves
is what the manifest says; a history holds none, so that chart and app version are all there is to know, and a release
whose manifest speaks of no model is left out. `helm list` shows every release of a cluster, models or not: its rows
are events and things, and no deployments. The workloads that a release creates are targets by themselves, with a
history of their own when the audit log or an export of the cluster is imported. Helm records nobody: who did it is in
the audit log.

A history names neither its release nor its namespace: the labels `release` and `namespace` do, else the file's name or
the chart, and `default`. Values are never kept: of a stored release, the record is what is said of it here and the
SHA-256 of the stored text. Of an uninstalled release a history does not tell when it ended: at some time after its
last revision, and by the label `observed_at` at the latest. sources-ops 5.3.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from lineage import framing
from lineage.model import naming
from lineage.model.facts import Claim, Component, Entity, Fact, Happened, Json, Key, Workload
from lineage.model.moment import LAST, Moment
from lineage.model.vocabulary import Outcome
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._helm_release import from_text, is_release, is_stored, reduced, revisions, stored
from lineage.sources._model_claims import mapping, scalar
from lineage.sources._said import Said, kept, parsed
from lineage.sources._workload import PLAIN, read_workload
from lineage.sources._workload_kinds import resource_of
from lineage.text import MalformedError, clip, decode, dumps

NAME = "helm"
PLACED = True
FORMAT = "Helm 3: history, list, status (JSON), get all, stored releases (sh.helm.release.v1)"
PROVES = ("what", "when")

_ROW = {"revision", "updated", "status", "chart"}
_GENERIC = re.compile(r"helm|history|list|releases?|status|output|export|all|data|dump", re.IGNORECASE)
_CHART = re.compile(r"(.+?)-(v?\d+\.\d+\.\d+.*)")
_GO_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d\d):?(\d\d)(?: \S+)?")
_BACK = re.compile(r"Rollback to (\d+)", re.IGNORECASE)
_GET_ALL = re.compile(r"NAME: \S+\r?\nLAST DEPLOYED: ")
_SECRET = re.compile(r"helm\.sh/release\.v1|sh\.helm\.release\.v1\.")
_KIND = re.compile(r"""^[ \t]*(?:- )?["']?kind["']?:[ \t]*["']?(\w+)""", re.MULTILINE)
_CAME = frozenset({"deployed", "superseded", "uninstalled", "uninstalling"})


def recognises(sample: Sample) -> float:
    """Return how sure it is that Helm wrote this, or stored it."""
    text = sample.text
    if sample.listing or sample.tables:
        return 0.0
    if _GET_ALL.match(text) and "REVISION:" in text:
        return 0.95
    if "auditID" in text:
        return 0.0
    if not set(_KIND.findall(text)) <= {"Secret", "ConfigMap", "List", "SecretList", "ConfigMapList"}:
        return 0.0
    value = sample.first_json if text.lstrip()[:1] in {"{", "["} else None
    if value is None:
        return 0.91 if _SECRET.search(text) and "release" in text else 0.0
    bodies = list(revisions(value))
    first = bodies[0] if bodies else {}
    if any(is_stored(body) for body in bodies) or first.keys() >= _ROW:
        return 0.92
    return 0.85 if is_release(first) and ("chart" in first or "manifest" in first) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into rows and releases; a release loses its values before it becomes a record."""
    with given.open() as stream:
        head = stream.read(200)
    if _GET_ALL.match(head.decode("utf-8", "replace").lstrip("\ufeff")):
        document = framing.whole(given)
        if isinstance(document, Problem):
            yield document
            return
        try:
            yield Record(dumps(from_text(decode(document.raw))), 0, 1)
        except MalformedError as error:
            yield Problem(error.code, error.reason, line=1)
        return
    for cut in framing.documents(given, "items"):
        if isinstance(cut, Problem):
            yield cut
            continue
        try:
            value = parsed(cut)
        except MalformedError as error:
            yield Problem(error.code, error.reason, line=cut.line, offset=cut.offset, row=cut.row)
            continue
        yield from _reduced(cut, value)


def _reduced(cut: Record, value: Any) -> Iterator[Record | Problem]:
    listed = isinstance(mapping(value).get("items"), list)
    for number, body in enumerate(revisions(value)):
        row = f"/items/{number}" if listed else cut.row
        if is_stored(body):
            try:
                yield Record(dumps(stored(body)), cut.offset, cut.line, row)
            except MalformedError as error:
                name = scalar(mapping(body.get("metadata")).get("name"))
                yield Problem(error.code, error.reason, "data.release", name, cut.offset, cut.line, row)
        elif is_release(body):
            yield Record(dumps(reduced(body)), cut.offset, cut.line, row)
        elif scalar(body.get("kind")) in {"Secret", "ConfigMap"}:
            name = scalar(mapping(body.get("metadata")).get("name"))
            yield Record(dumps({"kind": body["kind"], "name": name}), cut.offset, cut.line, row)
        else:
            yield Record(dumps(body), cut.offset, cut.line, row) if listed else cut


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a revision of a release was."""
    try:
        value = parsed(record)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]), line=record.line)
        return
    if not isinstance(value, dict):
        yield Problem("not-an-object", "the record is no revision of a release", value=clip(value))
        return
    said = Said(value, origin.label("timezone"))
    if value.get("helm_release") is True:
        yield from _release(said, origin)
    elif value.keys() >= _ROW:
        yield from _row(said, origin)
    else:
        yield Filtered("kind")
        return
    yield from said.problems


def _time(said: Said, name: str) -> Moment | None:
    """Return a time as Helm writes it: ISO 8601, Go's own form, or `Mon Jun  1 09:00:00 2026` without a zone."""
    value = said.body.get(name)
    if isinstance(value, str):
        if value.startswith("0001-01-01"):
            return None
        go = _GO_TIME.fullmatch(value.strip())
        if go:
            value = f"{go[1]}T{go[2]}{go[3]}:{go[4]}"
        else:
            try:
                value = datetime.strptime(value.strip(), "%a %b %d %H:%M:%S %Y").isoformat()  # noqa: DTZ007 - has none
            except ValueError:
                value = value.strip()
    return Said({name: value}, said.zone, said.where, said.problems).time(name)


def _key(origin: Origin, namespace: str, name: str) -> Key:
    cluster = origin.label("cluster") or origin.folder
    return naming.target(cluster, namespace or origin.label("namespace") or "default", "releases", name)


def _row(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    chart = said.text("chart")
    named = _CHART.fullmatch(chart)
    listed = bool(said.text("name"))
    own = origin.path.rpartition("/")[2].partition(".")[0]
    guessed = "" if _GENERIC.search(own) else own
    name = said.text("name") or origin.label("release") or guessed or (named[1] if named else chart)
    at = _time(said, "updated")
    revision = said.text("revision")
    if not name or at is None or not revision:
        field = "updated" if at is None else "revision" if name else "name"
        yield Problem("missing-field", "without it nobody can tell which revision this is", field)
        return
    key = _key(origin, said.text("namespace"), name)
    version = said.text("app_version")
    claims = [Claim("name", named[1] if named else chart, "chart")]
    if version:
        claims.append(Claim("version-label", version, "app_version"))
    yield Entity(
        key,
        kept(
            {
                "platform": "helm",
                "chart": chart,
                "namespace_assumed": None if said.text("namespace") or origin.label("namespace") else True,
                "name_assumed": None if listed or origin.label("release") else True,
            }
        ),
        at,
    )
    part = Component(named[1] if named else chart, claims=tuple(claims))
    detail: dict[str, Json] = {"chart": chart, "app_version": version}
    workload = Workload("helm", (part,), _digest(key, revision, at))
    yield from _revision(said, origin, key, at, revision, None if listed else workload, detail, None)


def _release(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    info, chart = said.part("info"), said.part("chart")
    name, revision = said.text("name"), said.text("version")
    at = _time(info, "last_deployed")
    if not name or at is None or not revision:
        field = "info.last_deployed" if at is None else "version" if name else "name"
        yield Problem("missing-field", "without it nobody can tell which revision this is", field)
        return
    for text in said.texts("manifest_problems"):
        yield Problem("malformed-yaml", f"part of the manifest is not read: {text}", "manifest", fatal=False)
    key = _key(origin, said.text("namespace"), name)
    parts: list[Component] = []
    targets: list[str] = []
    for one in said.each("objects"):
        parts += _parts(one, key, targets, said)
    if "objects" in said.body and not parts:
        yield Filtered("no-model-evidence")
        return
    version = chart.text("appVersion")
    shown = f"{chart.text('name')}-{chart.text('version')}".strip("-")
    if not parts:
        claims = [Claim("name", chart.text("name"), "chart.metadata.name")]
        parts = [Component(chart.text("name"), claims=tuple(claims))]
    yield Entity(key, kept({"platform": "helm", "chart": shown, "workloads": targets}), at)
    workload = Workload("helm", tuple(parts), _digest(key, revision, at))
    detail: dict[str, Json] = {
        "chart": shown,
        "app_version": version,
        "workloads": list(targets),
        "stored_in": said.text("stored_in"),
    }
    yield from _revision(info, origin, key, at, revision, workload, detail, _time(info, "deleted"))


def _parts(one: Said, key: Key, targets: list[str], said: Said) -> Iterator[Component]:
    """Yield the parts of one object of a manifest that speak of a model."""
    body = dict(one.body)
    group, slash, _ = scalar(body.get("apiVersion")).rpartition("/")
    resource = resource_of(group if slash else "", scalar(body.get("kind")))
    metadata = mapping(body.get("metadata"))
    name = scalar(metadata.get("name"))
    if not resource:
        return
    reading = read_workload(resource, body)
    said.problems += [
        Problem(problem.code, problem.reason, problem.field, problem.value, fatal=False)
        for problem in reading.problems
    ]
    if resource in PLAIN and not reading.evident:
        return
    namespace = scalar(metadata.get("namespace")) or key.name.partition("/")[0]
    targets.append(f"{namespace}/{resource}/{name}")
    for part in reading.workload.components:
        yield Component(f"{name}/{part.name}", part.uri, part.image, part.weight, part.claims, dict(part.env))


def _digest(key: Key, revision: str, at: Moment) -> str:
    """Return what stands for a revision: each is a change, even where chart and version stay the same."""
    return hashlib.sha256(dumps([key.name, revision, at.lo // 1_000_000])).hexdigest()


def _revision(
    said: Said,
    origin: Origin,
    key: Key,
    at: Moment,
    revision: str,
    workload: Workload | None,
    detail: Mapping[str, Json],
    deleted: Moment | None,
) -> Iterator[Fact | Problem | Filtered]:
    """Say what became of a revision; without a workload it is an event of a list only."""
    status, description = said.text("status").lower(), said.text("description")
    back = _BACK.search(description)
    shown = kept(
        {**detail, "revision": revision, "status": status, "rolled_back_to": back[1] if back else ""}
    )
    name = f"{key.name} revision {revision} {at.lo // 1_000_000}"
    if status.startswith("pending"):
        yield Filtered("pending")
        return
    if status not in {*_CAME, "failed"}:
        said.wrong("bad-value", "this is no status of a release that is known", "status", status)
        return
    outcome = Outcome.FAILED if status == "failed" else Outcome.DONE
    change = {"reason": clip(description, 300)} if description else {}
    kind = "apply" if workload is not None else "release-listed"
    shown = {word: value for word, value in shown.items() if word != "status" or kind != "apply"}
    # A stored release says more than a history: it has to come first of two that tell of one revision.
    told = name if said.where else f"{name} in history"
    yield Happened(kind, key, at, told, outcome, workload=workload, change=change, detail=shown)
    if status == "uninstalled" and workload is not None:
        observed = {"observed_at": origin.label("observed_at")}
        latest = Said(observed, said.zone, "", said.problems).time("observed_at")
        end = deleted or Moment(at.lo, max(latest.hi, at.hi) if latest else LAST)
        yield Happened("delete", key, end, f"{name} uninstalled")
