"""What does one Argo CD application say of its synchronisations: which commit came to which cluster, when, by whom?

Fields are those of `Application` v1alpha1 (argo-cd, pkg/apis/application/v1alpha1/types.go). The history keeps ten
entries by default and names who began one since 2.11 only; for the last one `operationState` may tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lineage.model.facts import Entity, Fact, Happened, Json, Key
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Filtered, Origin, Problem
from lineage.sources._code_hosts import commit_hash
from lineage.sources._said import Said, kept
from lineage.sources._workload_kinds import resource_of
from lineage.text import clip

GROUP = "argoproj.io"
KINDS = {"Application": "", "AppProject": "project", "ApplicationSet": "application-set"}
"""Kinds of Argo CD, and why those are left out that synchronise nothing themselves."""

_HERE = re.compile(r"https://kubernetes\.default\.svc(?:[.:/]|$)")
_SECOND = 1_000_000
_FAILED = frozenset({"failed", "error"})


@dataclass(frozen=True, slots=True)
class _Sync:
    """One entry of the history, or the last operation.

    Attributes:
        revisions: that of each source, in their order; `commit`: the one that is new, or the only one.
        automated: true where the application itself began it; `who`: who did, where that is said.
    """

    name: str
    at: Moment
    started: Moment | None
    revisions: tuple[str, ...]
    commit: str = ""
    who: str = ""
    automated: bool = False
    back_to: str = ""


def is_application(body: dict[str, Any]) -> bool:
    """Tell whether this is an application, with the kind that the API writes, or without, as the CLI prints it."""
    kind, version = body.get("kind"), body.get("apiVersion")
    if kind or version:
        return kind == "Application" and isinstance(version, str) and version.startswith(f"{GROUP}/")
    spec = body.get("spec")
    return isinstance(spec, dict) and "destination" in spec and ("source" in spec or "sources" in spec)


def application(body: dict[str, Any], origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what an application is and how it was synchronised."""
    said = Said(body, origin.label("timezone"))
    yield from _application(said, origin)
    yield from said.problems


def _application(said: Said, origin: Origin) -> Iterator[Fact | Problem]:
    metadata, spec, status = said.part("metadata"), said.part("spec"), said.part("status")
    name = metadata.text("name")
    if not name:
        yield Problem("missing-field", "the application has no name", "metadata.name")
        return
    own = origin.label("cluster") or origin.folder
    place = f"{metadata.text('namespace') or 'argocd'}/{name}"
    key = Key(Kind.JOB, f"argocd:{own}", place)
    cluster = _cluster(spec.part("destination"), own)
    operation = status.part("operationState")
    syncs = _with_initiator(_changed(list(_history(status))), operation)
    resources = _resources(status, spec.part("destination").text("namespace"))
    seen = status.time("reconciledAt") or operation.time("finishedAt", "startedAt")
    yield Entity(key, _attributes(said, cluster), seen or metadata.time("creationTimestamp"))
    detail: dict[str, Json] = {"application": name, "cluster": cluster, "resources": list(resources)}
    identity = f"{place} {metadata.text('uid')[:8]}".strip()
    for sync in syncs:
        yield _happened(key, f"{identity} history {sync.name}", sync, Outcome.DONE, detail)
    yield from _last(key, identity, operation, syncs, detail)


def _cluster(destination: Said, own: str) -> str:
    """Return the cluster that an application brings things to; empty where only an address names it."""
    name, server = destination.text("name"), destination.text("server")
    if name == "in-cluster" or _HERE.match(server):
        return own
    return name


def _attributes(said: Said, cluster: str) -> dict[str, Json]:
    spec, status = said.part("spec"), said.part("status")
    sources = [*spec.each("sources")] or ([spec.part("source")] if spec.body.get("source") else [])
    policy = spec.part("syncPolicy").body.get("automated")
    return kept(
        {
            "platform": "argocd",
            "project": spec.text("project"),
            "repositories": [one.text("repoURL") for one in sources],
            "paths": [one.text("path", "chart") for one in sources],
            "target_revisions": [one.text("targetRevision") for one in sources],
            "cluster": cluster,
            "destination": spec.part("destination").text("server", "name"),
            "namespace": spec.part("destination").text("namespace"),
            "automated": isinstance(policy, dict) or None,
            "images": status.part("summary").texts("images")[:50],
            "sync": status.part("sync").text("status"),
            "health": status.part("health").text("status"),
            "revision": status.part("sync").text("revision"),
        }
    )


def _resources(status: Said, namespace: str) -> Iterator[str]:
    """Yield the names of the targets that an application manages, as `lineage.model.naming.target` writes them."""
    for one in status.each("resources"):
        resource = resource_of(one.text("group"), one.text("kind"))
        if resource and one.text("name"):
            yield f"{one.text('namespace') or namespace or 'default'}/{resource}/{one.text('name')}"


def _history(status: Said) -> Iterator[_Sync]:
    for entry in status.each("history"):
        at = entry.time("deployedAt")
        if at is None:
            entry.wrong("missing-field", "an entry of the history without its time", "deployedAt", "")
            continue
        initiator = entry.part("initiatedBy")
        yield _Sync(
            entry.text("id") or at.text or str(at.lo),
            at,
            entry.time("deployStartedAt"),
            _revisions(entry),
            who=initiator.text("username"),
            automated=_true(initiator.body.get("automated")),
        )


def _revisions(said: Said) -> tuple[str, ...]:
    several = tuple(said.texts("revisions"))
    one = said.text("revision")
    return several or ((one,) if one else ())


def _true(value: object) -> bool:
    return value is True or value == "true"


def _changed(syncs: Sequence[_Sync]) -> list[_Sync]:
    """Give each entry the commit that came with it, and the earlier entry that it returned to."""
    ordered = sorted(syncs, key=lambda sync: (sync.at.lo, len(sync.name), sync.name))
    found: list[_Sync] = []
    for sync in ordered:
        before = found[-1].revisions if found else ()
        commits = [sha for revision in sync.revisions if (sha := commit_hash(revision))]
        new = [sha for sha in commits if sha not in {commit_hash(revision) for revision in before}]
        commit = new[0] if len(new) == 1 else commits[0] if len(commits) == 1 else ""
        earlier = [one.name for one in found[:-1] if one.revisions == sync.revisions]
        back = earlier[-1] if earlier and before != sync.revisions else ""
        found.append(replace(sync, commit=commit, back_to=back))
    return found


def _with_initiator(syncs: list[_Sync], operation: Said) -> list[_Sync]:
    """Let the last operation say who began the entry of the history that it made."""
    if operation.text("phase") != "Succeeded" or not syncs or syncs[-1].who or syncs[-1].automated:
        return syncs
    if not _made(syncs[-1], operation):
        return syncs
    initiator = operation.part("operation").part("initiatedBy")
    last = replace(
        syncs[-1],
        who=initiator.text("username"),
        automated=_true(initiator.body.get("automated")),
        started=syncs[-1].started or operation.time("startedAt"),
    )
    return [*syncs[:-1], last]


def _made(sync: _Sync, operation: Said) -> bool:
    started, finished = operation.time("startedAt"), operation.time("finishedAt")
    if started is None or finished is None:
        return False
    same = _revisions(operation.part("syncResult")) in {sync.revisions, ()}
    return same and started.lo - _SECOND <= sync.at.lo <= finished.hi + _SECOND


def _last(
    key: Key, identity: str, operation: Said, syncs: list[_Sync], detail: dict[str, Json]
) -> Iterator[Fact]:
    """Say how the last operation ended, unless the history tells of it already."""
    phase = operation.text("phase").lower()
    started, finished = operation.time("startedAt"), operation.time("finishedAt")
    if finished is None or (phase != "succeeded" and phase not in _FAILED):
        return
    asked = operation.part("operation")
    dry = _true(asked.part("sync").body.get("dryRun"))
    if phase == "succeeded" and not dry and any(_made(sync, operation) for sync in syncs):
        return
    revisions = _revisions(operation.part("syncResult")) or _revisions(asked.part("sync"))
    commits = [sha for revision in revisions if (sha := commit_hash(revision))]
    sync = _Sync(
        "",
        finished,
        started,
        revisions,
        commits[0] if len(commits) == 1 else "",
        asked.part("initiatedBy").text("username"),
        _true(asked.part("initiatedBy").body.get("automated")),
    )
    outcome = Outcome.DRY_RUN if dry else Outcome.FAILED if phase in _FAILED else Outcome.DONE
    said: dict[str, Json] = {**detail, "message": clip(operation.text("message"), 300)}
    name = f"{identity} operation {(started or finished).lo}"
    yield _happened(key, name, sync, outcome, said)


def _happened(key: Key, name: str, sync: _Sync, outcome: Outcome, detail: dict[str, Json]) -> Happened:
    said: dict[str, Json] = {
        **detail,
        "started": sync.started.lo if sync.started else None,
        "revisions": list(sync.revisions),
        "automated": sync.automated or None,
        "rolled_back_to": sync.back_to,
    }
    return Happened(
        "sync",
        key,
        sync.at,
        name,
        outcome,
        Key(Kind.ACTOR, "argocd", sync.who) if sync.who else None,
        change={"commit": sync.commit} if sync.commit else {},
        detail=kept(said),
    )
