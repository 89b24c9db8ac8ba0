"""What do MLflow's experiments and runs say, and what remains of runs that are gone?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Alias, Entity, Fact, Json, Key, Link, Run, Use
from lineage.model.moment import LAST, Moment, to_iso
from lineage.model.vocabulary import TERMINAL, Basis, Kind, Relation, RunState
from lineage.sources._feature_services import service_key
from lineage.sources._mlflow_snapshot import ran_by
from lineage.sources._mlflow_values import pairs, place_of
from lineage.sources._mlflow_view import (
    CODE,
    EXPORTED,
    LIFTED,
    ORCHESTRATORS,
    STATES,
    View,
    code_of,
    prefixed,
)
from lineage.sources._withheld import MAX_TEXT, table
from lineage.text import clip

_UNKNOWN = Moment(0, LAST)


def experiment(view: View) -> Iterator[Fact]:
    item = view.item
    number = view.text("experiment_id")
    key = Key(Kind.JOB, view.namespace, view.text("name") or number)
    created = view.notes.time(item, "creation_time")
    updated = view.notes.time(item, "last_update_time")
    deleted = item.get("lifecycle_stage") == "deleted"
    attributes: dict[str, Json] = {
        "experiment_id": number,
        "artifact_location": view.text("artifact_location"),
        "description": clip(view.tags.get("mlflow.note.content") or "", MAX_TEXT),
        "deleted": deleted,
        **view.times(created, updated),
        **table("tags", {name: value for name, value in view.tags.items() if name not in LIFTED}),
    }
    yield view.entity(key, attributes, created, updated if deleted else None)
    # An experiment can be renamed, its number stays: the number keeps the job one thing.
    yield Alias(Key(Kind.JOB, f"{view.namespace}/experiments", number), key, "mlflow-experiment-id")


def run(view: View) -> Iterator[Fact]:
    item = view.item
    run_id = view.text("run_id")
    key = view.run(run_id)
    started = view.notes.time(item, "start_time")
    ended = view.notes.time(item, "end_time")
    if started and ended and ended.lo < started.lo:
        view.notes.add("end-before-start", "the run ends before it starts", "end_time", item.get("end_time"))
    status = view.text("status")
    state = STATES.get(status, RunState.OTHER)
    if status not in STATES:
        view.notes.add("unknown-status", "the run's status is none of MLflow's", "status", status)
    user, basis, _ = ran_by(view.tags, item.get("user_id"))
    inputs, uses = _inputs(view)
    deleted = item.get("lifecycle_stage") == "deleted"
    gone = view.notes.time(item, "deleted_time") if deleted else None
    attributes: dict[str, Json] = {
        "name": view.text("run_name") or str(view.tags.get("mlflow.runName") or ""),
        "experiment": str(view.joined.get("experiment") or ""),
        "experiment_id": view.text("experiment_id"),
        "status": status,
        "user": user,
        "user_basis": basis,
        "deleted": deleted,
        **({"deleted_at": to_iso(gone.lo)} if gone else {}),
        "artifact_uri": view.text("artifact_uri"),
        "description": clip(view.tags.get("mlflow.note.content") or "", MAX_TEXT),
        "exported_run_id": str(view.tags.get(EXPORTED) or ""),
        "code": code_of(view.tags),
        "orchestrator": prefixed(view.tags, *ORCHESTRATORS),
        "feast": {
            name.removeprefix("feast."): value for name, value in prefixed(view.tags, "feast.").items()
        },
        "inputs": inputs[:300],
        **({"inputs_total": len(inputs)} if len(inputs) > 300 else {}),
        **table("params", pairs(item.get("params"))),
        **table("metrics", _metrics(item.get("metrics"))),
        **table(
            "tags",
            {name: value for name, value in view.tags.items() if name not in LIFTED and name not in CODE},
        ),
    }
    at = _as_of(view, state, started, ended)
    parent = view.tags.get("mlflow.parentRunId")
    if view.at is not None:
        yield view.entity(key, {}, started, gone)
    yield Run(
        key,
        _job(view),
        state,
        at,
        inputs=uses,
        started=started,
        ended=ended,
        individual=True,
        parent=view.run(str(parent)) if parent else None,
        actor=Key(Kind.ACTOR, "mlflow", user) if user else None,
        attributes={name: value for name, value in attributes.items() if value not in ("", {}, [])},
    )
    yield from _feature_links(view, key, started)
    yield from _model_links(view, key, ended or started)


def _as_of(view: View, state: RunState, started: Moment | None, ended: Moment | None) -> Moment:
    """Return when the run was in its state: at its end, or as of the snapshot; a missing end lies between the two."""
    if state not in TERMINAL:
        return view.at or started or _UNKNOWN
    if ended:
        return ended
    if started is None:
        return view.at or _UNKNOWN
    return Moment(started.lo, max(started.lo, view.at.hi if view.at else LAST))


def _job(view: View) -> Key:
    name = view.joined.get("experiment")
    if name:
        return Key(Kind.JOB, view.namespace, str(name))
    return Key(Kind.JOB, f"{view.namespace}/experiments", view.text("experiment_id"))


def _feature_links(view: View, run: Key, at: Moment | None) -> Iterator[Link]:
    """Say which Feast feature service a run took its features from, or else which features.

    A service is preferred: with one, the references call its views by the names they have in the service.
    """
    project = str(view.tags.get("feast.project") or "")
    namespace = f"feast:{project}"
    service = str(view.tags.get("feast.feature_service") or "")
    if not project:
        return
    if service:
        source, rule = service_key(namespace, service), "feast.feature_service"
        yield Link(source, run, Relation.INPUT, Basis.DECLARED, rule, run=run, at=at)
        return
    said = str(view.tags.get("feast.feature_refs") or "")
    references = said.split(",")
    if said.endswith("..."):
        # Feast cuts a long list short: its last entry may be half a name.
        references.pop()
    for reference in references:
        name, _, feature = reference.partition(":")
        if name and feature:
            source = Key(Kind.FEATURE, namespace, f"{name}/{feature}")
            yield Link(source, run, Relation.INPUT, Basis.DECLARED, "feast.feature_refs", run=run, at=at)


def _model_links(view: View, run: Key, at: Moment | None) -> Iterator[Link]:
    for output in view.item.get("model_outputs") or ():
        if isinstance(output, dict) and output.get("model_id"):
            target = view.version(str(output["model_id"]))
            detail = {"step": output["step"]} if output.get("step") is not None else {}
            rule = "inputs.MODEL_OUTPUT"
            yield Link(run, target, Relation.PRODUCED, Basis.OBSERVED, rule, run=run, at=at, detail=detail)
    for used in view.item.get("model_inputs") or ():
        if isinstance(used, dict) and used.get("model_id"):
            # The store keeps this edge from the run to the model, although the model is what the run reads.
            source = view.version(str(used["model_id"]))
            yield Link(source, run, Relation.INPUT, Basis.OBSERVED, "inputs.MODEL_INPUT", run=run, at=at)


def _inputs(view: View) -> tuple[list[Json], tuple[Use, ...]]:
    inputs: list[Json] = []
    uses: dict[Use, None] = {}
    for entry in view.item.get("inputs") or ():
        row = entry.get("dataset") if isinstance(entry, dict) else None
        if not isinstance(row, dict):
            view.notes.add(
                "missing-field", "the input names a dataset that the store does not hold", "inputs", entry
            )
            continue
        key = place_of(
            view.namespace, {"experiment_id": view.item.get("experiment_id"), **row}, view.notes
        ).key
        use = Use(key, str(row.get("digest") or ""))
        uses[use] = None
        said = {
            "name": str(row.get("name") or ""),
            "digest": use.version,
            "context": str(pairs(entry.get("tags")).get("mlflow.data.context") or ""),
            "namespace": key.namespace,
            "dataset": key.name,
        }
        inputs.append({name: value for name, value in said.items() if value})
    return inputs, tuple(uses)


def purged_run(view: View) -> Iterator[Fact]:
    key = view.run(view.text("run_id"))
    yield Entity(key, {"purged": True, "referred_by": view.item.get("referred_by", [])}, view.at)
    _, uses = _inputs(view)
    for use in uses:
        detail: dict[str, Json] = {"version": use.version} if use.version else {}
        yield Link(use.key, key, Relation.INPUT, Basis.OBSERVED, "inputs.DATASET", run=key, detail=detail)
    yield from _model_links(view, key, None)


def _metrics(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    return {
        str(name): metric.get("value") if isinstance(metric, Mapping) else metric
        for name, metric in value.items()
    }
