"""Which facts does a row state, once its cells are read as the mapping says?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

from lineage.model.facts import (
    Claim,
    Component,
    Entity,
    Fact,
    Happened,
    Json,
    Key,
    Link,
    Measured,
    Run,
    Use,
    Workload,
)
from lineage.model.moment import Moment, to_iso
from lineage.model.naming import dataset_at, model_version
from lineage.model.vocabulary import Basis, Kind, Outcome, Relation, RunState
from lineage.source import Origin, Problem
from lineage.sources._incident import Step, in_order, incident, told
from lineage.sources._listed_person import person
from lineage.sources._listed_promise import promise
from lineage.sources._listed_right import right
from lineage.sources._table_cells import when
from lineage.sources._table_mapping import Table

RULE = "table"
ANY_SYSTEM = "*"
_SEPARATORS = re.compile(r"[;\n\r]+")
_CHANGE = ("ticket", "commit", "ci_run", "reason", "approved_by")


def stated(table: Table, said: dict[str, str], origin: Origin) -> Iterator[Fact | Problem]:
    """Yield what a row states; `said` is what `said_by` read from it."""
    yield from _BUILDERS[table.statement.name](table, said, origin)


def _several(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in _SEPARATORS.split(text) if part.strip()))


def _known(said: Mapping[str, str], *names: str) -> dict[str, Json]:
    return {name: said[name] for name in names if name in said}


def _actor(said: Mapping[str, str], field: str = "actor") -> Key | None:
    who = said.get(field, "")
    return Key(Kind.ACTOR, said.get("actor_system") or said.get("system") or ANY_SYSTEM, who) if who else None


def _target(said: Mapping[str, str]) -> Key:
    place = said.get("place") or f"table://{said.get('environment') or 'table'}"
    return Key(Kind.TARGET, place, said["target"])


def _deployment(table: Table, said: dict[str, str], origin: Origin) -> Iterator[Fact]:
    at = when(said, "at", table)
    if at is None:
        return
    target = _target(said)
    event = said.get("event", "apply")
    model, version = said.get("model", ""), said.get("version", "")
    uri = said.get("uri", "")
    claims: list[Claim] = []
    if model and version:
        column = table.columns.get("version") or table.columns.get("model") or "constant"
        claims.append(
            Claim("model-uri", f"models:/{quote(model, safe='')}/{quote(version, safe='')}", column)
        )
    elif model:
        claims.append(Claim("name", model, table.columns.get("model") or "constant"))
    share = said.get("share")
    part = Component(
        "model", uri or (claims[0].value if claims else ""), said.get("image", ""), float(share) if share else None,
        tuple(claims),
    )  # fmt: skip
    change = {name: said[name] for name in _CHANGE if name in said}
    approved = when(said, "approved_at", table)
    if approved is not None and approved.exact:
        change["approved_at"] = to_iso(approved.lo)
    labels = _labels(said)
    platform = target.namespace.partition(":")[0]
    resources: dict[str, Json] = {}
    fingerprint = "\n".join((part.uri, part.image, part.name, share or ""))
    workload = Workload(platform, (part,), fingerprint, resources, labels=labels)
    yield Entity(target, {**_known(said, "environment", "service"), "platform": platform}, at)
    yield Happened(
        event,
        target,
        at,
        id=said.get("id", ""),
        outcome=Outcome(said.get("outcome", "done")),
        actor=_actor(said),
        workload=None if event == "delete" else workload,
        change=change,
    )


def _labels(said: Mapping[str, str]) -> dict[str, str]:
    return {name: said[name] for name in ("environment", "service") if name in said}


def _model_version(table: Table, said: dict[str, str], origin: Origin) -> Iterator[Fact]:
    registry = said.get("registry") or RULE
    model, version = said["model"], said["version"]
    key = model_version(registry, model, version)
    at = when(said, "at", table)
    attributes = {
        **_known(said, "model", "version", "uri", "stage", "git_commit", "description"),
        "source": said.get("uri", ""),
        "run_id": said.get("run", ""),
        "created_by": said.get("actor", ""),
    }
    yield Entity(Key(Kind.MODEL, registry, model), {"name": model})
    yield Entity(key, {name: value for name, value in attributes.items() if value}, created=at)
    yield Link(key, Key(Kind.MODEL, registry, model), Relation.VERSION_OF, Basis.DECLARED, RULE)
    if said.get("run"):
        # Where no system is named, a run is the registry's own, as those of MLflow are.
        run = Key(Kind.RUN, said.get("place") or registry, said["run"])
        yield Link(run, key, Relation.PRODUCED, Basis.DECLARED, RULE, at=at)
    if at is not None:
        yield Happened("register", key, at, f"{key.namespace}/{key.name}#register", actor=_actor(said))


def _run(table: Table, said: dict[str, str], origin: Origin) -> Iterator[Fact]:
    started, ended, seen = (when(said, name, table) for name in ("started", "ended", "at"))
    at = ended or seen or started
    if at is None:
        return
    place = said.get("place") or RULE
    state = RunState(said["state"]) if "state" in said else RunState.OTHER
    uses = {
        name: tuple(Use(dataset_at(uri)) for uri in _several(said.get(name, "")))
        for name in ("inputs", "outputs")
    }
    yield Run(
        Key(Kind.RUN, place, said["run"]),
        Key(Kind.JOB, place, said["job"]),
        state,
        at,
        uses["inputs"],
        uses["outputs"],
        started,
        ended,
        # What writes no dataset makes something of its own, as a training run makes a model version.
        individual=not uses["outputs"],
        actor=_actor(said),
    )


def _lineage(table: Table, said: dict[str, str], origin: Origin) -> Iterator[Fact]:
    job = Key(Kind.JOB, said.get("place") or RULE, said["job"]) if said.get("job") else None
    yield Link(
        dataset_at(said["source"]),
        dataset_at(said["target"]),
        Relation.DERIVED,
        Basis.DECLARED,
        RULE,
        job=job,
        at=when(said, "at", table),
        detail=_known(said, "description"),
    )


def _objective(table: Table, said: dict[str, str], origin: Origin) -> Iterator[Fact | Problem]:
    yield from promise(said, "", Origin(origin.path, table.labels(), origin.folder, origin.modified))


def _grant(table: Table, said: dict[str, str], origin: Origin) -> Iterator[Fact | Problem]:
    yield from right(said, Origin(origin.path, table.labels()))


def _person(table: Table, said: dict[str, str], origin: Origin) -> Iterator[Fact | Problem]:
    yield from person(said, Origin(origin.path, table.labels()))


def _measurement(table: Table, said: dict[str, str], origin: Origin) -> Iterator[Fact]:
    at = when(said, "at", table)
    if at is None:
        return
    verdict = said.get("success")
    yield Measured(
        dataset_at(said["dataset"]) if said.get("dataset") else _target(said),
        said["metric"],
        at,
        float(said["value"]) if said.get("value") else None,
        said.get("unit", ""),
        None if verdict is None else verdict == "pass",
        said.get("severity", ""),
        detail=_known(said, "description"),
    )


def _incident(table: Table, said: dict[str, str], origin: Origin) -> Iterator[Fact | Problem]:
    problems: list[Problem] = []
    steps: list[Step] = []
    words = {"opened": "open", "acknowledged": "acknowledge", "resolved": "resolve", "closed": "close"}
    for field, what in words.items():
        at: Moment | None = when(said, field, table)
        if at is not None:
            actor = _actor(said, f"{field}_by")
            steps.append(Step(what, at, actor, "user" if actor else ""))
    in_order(steps, problems.append)
    attributes = {
        **_known(said, "number", "title", "status", "priority", "severity", "cause"),
        "services": _several(said.get("services", "")),
        "assignees": [said["assignee"]] if said.get("assignee") else [],
    }
    yield from told(incident(said.get("system") or RULE, "", said["number"]), attributes, steps)
    yield from problems


_BUILDERS: dict[str, Callable[[Table, dict[str, str], Origin], Iterator[Fact | Problem]]] = {
    "deployment": _deployment,
    "model-version": _model_version,
    "run": _run,
    "lineage": _lineage,
    "objective": _objective,
    "grant": _grant,
    "person": _person,
    "measurement": _measurement,
    "incident": _incident,
}
