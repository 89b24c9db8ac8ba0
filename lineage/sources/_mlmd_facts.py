"""What does one artifact, execution or context of ML Metadata say?

Every execution makes its own artifacts, so lineage runs through the executions (sources-ml 5). A model artifact is a
model version, known by its place; every other artifact is a dataset at its place. Events 3 and 4 are what was read and
made, 1 and 2 what was declared to be, 5 and 6 what the system itself read and made (warm starts, caches), 7 what is
expected but not there yet. A custom property `user` is what a client sent. That a model was pushed is a deployment to
the place it was pushed to; that it was blessed is a check of the model, and neither says by whom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lineage.model.facts import (
    Claim,
    Component,
    Coverage,
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
from lineage.model.moment import LAST, Moment, exactly, to_iso
from lineage.model.naming import dataset, dataset_at
from lineage.model.vocabulary import TERMINAL, Basis, Kind, Relation, RunState
from lineage.source import Filtered, Problem, Record
from lineage.sources._epoch_times import Notes
from lineage.sources._metadata_tables import Typed
from lineage.sources._pipeline_names import pipeline_run
from lineage.sources._registry_rows import artifact_state, run_state
from lineage.sources._registry_view import Names
from lineage.sources._withheld import clean, table
from lineage.text import clip

_STATES = {
    "NEW": RunState.OTHER,
    "RUNNING": RunState.RUNNING,
    "COMPLETE": RunState.COMPLETE,
    "CACHED": RunState.COMPLETE,
    "FAILED": RunState.FAIL,
    "CANCELED": RunState.ABORT,
}
_READ = {3: Basis.OBSERVED, 2: Basis.DECLARED, 5: Basis.OBSERVED}
_MADE = {4: Basis.OBSERVED, 1: Basis.DECLARED, 6: Basis.OBSERVED}
_EVENTS = {
    0: "unknown",
    1: "declared output",
    2: "declared input",
    3: "input",
    4: "output",
    5: "internal input",
    6: "internal output",
    7: "pending output",
}


class View:
    """One record while it is read."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.item: dict[str, Any] = said["item"]
        self.instance = str(said.get("instance") or "unnamed")
        self.namespace = f"mlmd:{self.instance}"
        at = said.get("at")
        self.at: Moment | None = exactly(at) if isinstance(at, int) and 0 <= at <= LAST else None
        self.notes = Notes()
        self.type = Typed(self.text("type"), tuple(_texts(self.item.get("above"))))
        self.created = self.notes.time(self.item, "create_time_since_epoch")
        self.updated = self.notes.time(self.item, "last_update_time_since_epoch")

    def text(self, name: str) -> str:
        """Return a column as text without credentials."""
        value = self.item.get(name)
        return "" if value is None or isinstance(value, (dict, list)) else clean(str(value))

    def table(self, name: str) -> dict[str, Any]:
        """Return the properties of the type (`properties`) or the client's own (`custom`)."""
        value = self.item.get(name)
        return value if isinstance(value, dict) else {}

    def said(self, *names: str) -> Any:
        """Return the first of the properties `names` that there is."""
        for name in names:
            for held in (self.table("properties"), self.table("custom")):
                if held.get(name) not in (None, ""):
                    return held[name]
        return None

    def listing(self, name: str) -> str:
        """Return the name of a listing; without the time of the snapshot there is none."""
        return f"{self.namespace}/{name}" if self.at else ""


def read(record: Record) -> Iterator[Fact | Problem | Filtered]:
    """Say what `record` states."""
    said = record.parsed
    if not isinstance(said, dict) or not isinstance(said.get("item"), dict):
        yield Problem("not-an-object", "the record is no row of ML Metadata", value=clip(said))
        return
    view = View(said)
    yield from READERS[str(said["kind"])](view)
    yield from view.notes.problems


def _texts(value: object) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _dicts(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def thing(view: View, artifact: Mapping[str, Any]) -> Key:
    """Return the key of an artifact: of a model version, of where it was pushed to, or of a dataset."""
    kind = Typed(str(artifact.get("type") or ""), tuple(_texts(artifact.get("above"))))
    number = str(artifact.get("id") or "")
    registered = artifact.get("registered")
    if isinstance(registered, dict) and registered.get("version_id"):
        names = Names(view.instance)
        model, version = str(registered.get("model") or ""), str(registered.get("version") or "")
        return (
            names.version(model, version)
            if model and version
            else names.version_id(str(registered["version_id"]))
        )
    if kind.among("Model"):
        return Key(Kind.MODEL_VERSION, view.namespace, f"{_model(artifact)}/{number}")
    uri = clean(str(artifact.get("uri") or ""))
    return dataset_at(uri) if uri else dataset(f"{view.namespace}/artifacts", number)


def _model(artifact: Mapping[str, Any]) -> str:
    called = str(artifact.get("name") or artifact.get("said") or artifact.get("type") or "model")
    pipelines = _texts(artifact.get("pipelines"))
    return f"{pipelines[0]}/{called}" if pipelines else called


def _artifact(view: View) -> Iterator[Fact | Filtered]:
    item = view.item
    described = {**item, "said": view.said("name", "display_name")}
    key = thing(view, described)
    state = artifact_state(item.get("state"))
    attributes: dict[str, Json] = {
        "artifact_id": view.text("id"),
        "artifact_type": view.type.name,
        "state": state,
        "uri": view.text("uri"),
        **({"created_at": to_iso(view.created.lo)} if view.created else {}),
        "pipeline": next(iter(_texts(item.get("pipelines"))), ""),
        **table("properties", view.table("properties")),
        **table("tags", view.table("custom")),
    }
    if key.kind is Kind.MODEL_VERSION:
        attributes["model"] = _model(described)
        attributes["version"] = view.text("id")
        attributes["storage_location"] = view.text("uri")
        attributes["unregistered"] = True
        attributes["deleted"] = state == "DELETED"
        attributes["run_id"] = view.text("made_by")
        model = Key(Kind.MODEL, view.namespace, _model(described))
        yield Link(key, model, Relation.VERSION_OF, Basis.DECLARED, "Artifact.type")
    else:
        attributes["versions"] = _version(view)
    kept = {name: value for name, value in attributes.items() if value not in ("", {}, [])}
    ended = view.updated if state == "DELETED" else None
    listing = view.listing("artifacts")
    yield Entity(key, kept, view.at, listing, view.created, ended)
    judged = item.get("judged")
    blessed = view.said("blessed")
    if isinstance(judged, dict) and view.created and blessed in (0, 1):
        yield Measured(thing(view, judged), "blessed", view.created, success=bool(blessed))
    elif not view.type.among("ModelBlessing") and blessed not in (None, 0, 1):
        view.notes.add("bad-value", "blessed is neither 0 nor 1", "blessed", blessed)


def _version(view: View) -> list[Json]:
    digest = view.said("input_fingerprint", "digest", "checksum")
    return [{"version": str(digest)}] if digest is not None else []


def _execution(view: View) -> Iterator[Fact | Filtered]:
    item = view.item
    state = run_state(item.get("last_known_state"))
    if state and state not in _STATES and state != "UNKNOWN":
        view.notes.add("unknown-status", "the state is none of ML Metadata's", "last_known_state", state)
    now = _STATES.get(state, RunState.OTHER)
    at = view.updated or view.created or view.at or Moment(0, LAST)
    job, key = _job(view), Key(Kind.RUN, view.namespace, view.text("id"))
    uses: dict[str, dict[Use, None]] = {"in": {}, "out": {}}
    links: list[Link] = []
    events: dict[str, None] = {}
    for event in _dicts(item.get("events")):
        kind = event.get("type")
        events[_EVENTS.get(kind, str(kind)) if isinstance(kind, int) else str(kind)] = None
        artifact = event.get("artifact")
        if not isinstance(artifact, dict):
            view.notes.add(
                "missing-artifact", "the event names an artifact that is not there", "artifact_id", event
            )
            continue
        if not isinstance(kind, int) or (kind not in _READ and kind not in _MADE):
            continue
        basis = _READ.get(kind) or _MADE[kind]
        other = thing(view, artifact)
        when = view.notes.time(event, "at") or view.updated or view.created
        detail: dict[str, Json] = {"name": str(event["path"])} if event.get("path") else {}
        if other.kind is not Kind.MODEL_VERSION and basis is Basis.OBSERVED:
            uses["in" if kind in _READ else "out"][Use(other)] = None
        elif kind in _READ:
            links.append(
                Link(
                    other, key, Relation.INPUT, basis, "Event.INPUT", job=job, run=key, at=when, detail=detail
                )
            )
        else:
            made = Relation.PRODUCED if other.kind is Kind.MODEL_VERSION else Relation.OUTPUT
            links.append(
                Link(key, other, made, basis, "Event.OUTPUT", job=job, run=key, at=when, detail=detail)
            )
    user = view.said("user")
    attributes: dict[str, Json] = {
        "name": view.text("name") or str(view.said("display_name", "task_name") or ""),
        "status": state,
        "execution_type": view.type.name,
        "pipeline": next(iter(_texts(item.get("pipelines"))), ""),
        "pipeline_run": next((str(run.get("name")) for run in _dicts(item.get("runs"))), ""),
        "cached": state == "CACHED" or "",
        "cached_from": str(view.said("cached_execution_id") or ""),
        **({"user": str(user), "user_basis": "execution property user (client-side)"} if user else {}),
        "events": ", ".join(events),
        **table("params", view.table("properties")),
        **table("tags", view.table("custom")),
    }
    yield Run(
        key,
        job,
        now,
        at,
        inputs=tuple(uses["in"]),
        outputs=tuple(uses["out"]),
        started=view.created,
        ended=view.updated if now in TERMINAL else None,
        individual=True,
        parent=_parent(view),
        actor=Key(Kind.ACTOR, "mlmd", str(user)) if user else None,
        attributes={name: value for name, value in attributes.items() if value not in ("", {}, [])},
    )
    if view.at:
        yield Entity(key, {}, view.at, view.listing("executions"), view.created)
    yield from links
    if now is RunState.COMPLETE:
        yield from _pushed(view)


def _job(view: View) -> Key:
    """Return the job: the pipeline's step, by its node, component or task, else by the name of its type."""
    pipelines = _texts(view.item.get("pipelines"))
    nodes = _texts(view.item.get("nodes"))
    pipeline = pipelines[0] if pipelines else str(view.said("pipeline_name") or "")
    step = str(view.said("component_id", "task_name") or "")
    if nodes and not step:
        step = nodes[0].removeprefix(f"{pipeline}.")
    step = step or view.type.name.rpartition(".")[2] or "execution"
    return Key(Kind.JOB, view.namespace, f"{pipeline}.{step}" if pipeline else step)


def _parent(view: View) -> Key | None:
    if view.item.get("parent"):
        return Key(Kind.RUN, view.namespace, str(view.item["parent"]))
    for run in _dicts(view.item.get("runs")):
        return _pipeline_run(view, str(run.get("name")), str(run.get("type")))
    return None


def _pipeline_run(view: View, name: str, kind: str) -> Key:
    """Return the key of a pipeline run; Kubeflow's are called by a UUID, as everywhere else."""
    if kind.startswith("system."):
        return pipeline_run(name)
    return Key(Kind.RUN, view.namespace, f"pipeline-runs/{name}")


def _pushed(view: View) -> Iterator[Fact]:
    """Say what a Pusher deployed: the model it read, to the place that its output names."""
    used = [event for event in _dicts(view.item.get("events")) if isinstance(event.get("artifact"), dict)]
    models = [
        event["artifact"]
        for event in used
        if event.get("type") == 3
        and Typed(str(event["artifact"].get("type")), tuple(_texts(event["artifact"].get("above")))).among(
            "Model"
        )
    ]
    for event in used:
        place = clean(str(event["artifact"].get("pushed") or ""))
        at = view.notes.time(event, "at") or view.updated
        if event.get("type") != 4 or not place or at is None:
            continue
        head, _, last = place.rstrip("/").rpartition("/")
        base = head if head and last.isdecimal() else place
        target = Key(Kind.TARGET, f"tfx://{view.instance}", base.strip("/"))
        parts = tuple(
            Component(
                "model",
                clean(str(model.get("uri") or "")),
                claims=(Claim("artifact-uri", clean(str(model.get("uri") or "")), "Event.INPUT"),),
            )
            for model in models
            if model.get("uri")
        )
        number = f"{view.namespace}/artifacts/{event['artifact'].get('id')}#pushed"
        workload = Workload("tfx", parts, place, {"pushed_destination": place})
        yield Happened("apply", target, at, number, workload=workload)


def _context(view: View) -> Iterator[Fact | Filtered]:
    name = view.text("name")
    attributes: dict[str, Json] = {
        "context_type": view.type.name,
        **({"created_at": to_iso(view.created.lo)} if view.created else {}),
        **table("properties", view.table("properties")),
        **table("tags", view.table("custom")),
    }
    if view.type.among("pipeline", "Pipeline"):
        yield Entity(Key(Kind.JOB, view.namespace, name), attributes, view.at, created=view.created)
        return
    if view.type.among("pipeline_run", "PipelineRun"):
        key = _pipeline_run(view, name, view.type.name)
        pipelines = _texts(view.item.get("pipelines"))
        kept = {"name": name, **attributes, **({"pipeline": pipelines[0]} if pipelines else {})}
        yield Entity(key, kept, view.at, created=view.created)
        return
    yield Filtered("grouping-context")


def _table(view: View) -> Iterator[Fact | Filtered]:
    name = view.text("listing")
    if view.at is None:
        yield Filtered("listing-without-time")
        return
    what = {"artifacts": "model-version", "executions": "run"}.get(name, name)
    complete = view.item.get("complete") is True
    detail: dict[str, Json] = {"count": view.item.get("count")}
    yield Coverage(f"{view.namespace}/{name}", what, view.at, view.at, complete, detail)


READERS: dict[str, Callable[[View], Iterator[Fact | Filtered]]] = {
    "artifact": _artifact,
    "execution": _execution,
    "context": _context,
    "table": _table,
}
"""What each kind of row says."""
