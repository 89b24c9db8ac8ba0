"""What do runs of the Kubeflow pipeline service say, of its API v1beta1 and v2beta1?

Shapes: kubeflow/pipelines backend/api/v1beta1/run.proto and v2beta1/run.proto, artifact.proto. A v1 run holds its Argo
workflow as text; a v2 run lists its tasks, with artifacts by id alone, or in full where the service keeps them itself.
Neither names a person: a service account is no actor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Entity, Fact, Key
from lineage.model.vocabulary import Kind
from lineage.source import Filtered
from lineage.sources._argo_workflow import workflow
from lineage.sources._model_claims import items, mapping, redacted, scalar
from lineage.sources._pipeline_names import pipeline_run
from lineage.sources._pipeline_spec import pipeline_spec, spec_in, specification
from lineage.sources._pipeline_view import NOT_RUN, Step, View, artifact, whole_run
from lineage.sources._withheld import table
from lineage.text import MalformedError, clip, load_yaml, loads

_VALUES = ("string_value", "stringValue", "int_value", "intValue", "double_value", "doubleValue")


def is_v1(value: Mapping[str, Any]) -> bool:
    """Tell whether `value` is a run of v1beta1, alone or with its runtime."""
    body = mapping(value.get("run")) or value
    shape = body.keys() & {"resource_references", "pipeline_spec", "storage_state"}
    return "id" in body and bool(shape) and "run_id" not in body


def is_v2(value: Mapping[str, Any]) -> bool:
    """Tell whether `value` is a run of v2beta1."""
    shape = {"pipeline_spec", "pipeline_version_reference", "run_details", "runtime_config", "state_history"}
    return "run_id" in value and bool(value.keys() & shape)


def v1_run(view: View, value: Mapping[str, Any]) -> Iterator[Fact | Filtered]:
    """Say what a run of v1beta1 did."""
    body = mapping(value.get("run")) or value
    spec = mapping(body.get("pipeline_spec"))
    runtime = mapping(value.get("pipeline_runtime")) or mapping(body.get("pipeline_runtime"))
    manifest = _manifest(view, runtime.get("workflow_manifest"), "pipeline_runtime.workflow_manifest")
    if not manifest:
        manifest = _manifest(view, spec.get("workflow_manifest"), "pipeline_spec.workflow_manifest")
    if not manifest:
        again = _manifest(view, spec.get("pipeline_manifest"), "pipeline_spec.pipeline_manifest")
        manifest = again if "metadata" in again else {}
    known: dict[str, Any] = {
        "id": scalar(body.get("id")),
        "name": scalar(body.get("name")),
        "status": scalar(body.get("status")),
        "created_at": body.get("created_at"),
        "finished_at": body.get("finished_at"),
        "service_account": scalar(body.get("service_account")),
        "pipeline_name": scalar(spec.get("pipeline_name")) or scalar(spec.get("pipeline_id")),
    }
    if not known["id"]:
        yield Filtered("run-without-id")
        return
    if "pipeline_name" not in spec and not manifest and not known["pipeline_name"]:
        known["pipeline_name"] = _referred(body)
    values = {
        scalar(mapping(entry).get("name")): scalar(mapping(entry).get("value"))
        for entry in items(spec.get("parameters"))
    }
    parameters = [{"name": name, "value": text} for name, text in values.items() if name]
    outer = mapping(manifest.get("spec"))
    arguments = {**mapping(outer.get("arguments")), **({"parameters": parameters} if parameters else {})}
    body_of = {**manifest, "kind": "Workflow", "spec": {**outer, "arguments": arguments}}
    for fact in workflow(view, body_of, known):
        if fact == Filtered("nameless"):
            job = Key(Kind.JOB, view.pipelines, "unnamed")
            yield from whole_run(
                view,
                pipeline_run(known["id"]),
                job,
                known["status"],
                [],
                started=None,
                ended=None,
                attributes={},
            )
            return
        yield fact


def _referred(body: Mapping[str, Any]) -> str:
    """Return the pipeline that a run refers to, by the name of its version, else by the id."""
    for entry in items(body.get("resource_references")):
        key = mapping(mapping(entry).get("key"))
        if scalar(key.get("type")).startswith("PIPELINE"):
            return scalar(mapping(entry).get("name")) or scalar(key.get("id"))
    return ""


def _manifest(view: View, text: Any, name: str) -> dict[str, Any]:
    if not isinstance(text, str) or not text.strip():
        return {}
    try:
        value = loads(text) if text.lstrip().startswith("{") else load_yaml(text)
    except MalformedError as error:
        view.note(error.code, f"the manifest cannot be read: {error.reason}", name, clip(text))
        return {}
    return mapping(value)


def v2_run(view: View, value: Mapping[str, Any]) -> Iterator[Fact | Filtered]:
    """Say what a run of v2beta1 did, with its tasks."""
    number = scalar(value.get("run_id"))
    if not number:
        yield Filtered("run-without-id")
        return
    if mapping(value.get("error")) and "state" not in value:
        yield Filtered("run-not-shown")
        return
    spec = spec_in(mapping(value.get("pipeline_spec")))
    reference = mapping(value.get("pipeline_version_reference"))
    name = specification(spec) or scalar(reference.get("pipeline_id")) or scalar(value.get("pipeline_id"))
    job = Key(Kind.JOB, view.pipelines, name or "unnamed")
    if spec:
        yield from pipeline_spec(view, spec)
    else:
        yield Entity(job, {"pipeline_id": name} if name else {})
    config = mapping(value.get("runtime_config"))
    details = mapping(value.get("run_details"))
    tasks = [mapping(task) for task in [*items(details.get("task_details")), *items(value.get("tasks"))]]
    yield from whole_run(
        view,
        pipeline_run(number),
        job,
        scalar(value.get("state")),
        [_task(view, task, job.name, index) for index, task in enumerate(tasks) if not _own(task)],
        started=view.time(value.get("scheduled_at") or value.get("created_at"), "scheduled_at"),
        ended=view.time(value.get("finished_at"), "finished_at"),
        created=view.time(value.get("created_at"), "created_at"),
        attributes={
            "name": scalar(value.get("display_name")),
            "description": scalar(value.get("description"))[:1000],
            "experiment_id": scalar(value.get("experiment_id")),
            "pipeline_id": scalar(reference.get("pipeline_id")),
            "pipeline_version_id": scalar(reference.get("pipeline_version_id")),
            "recurring_run_id": scalar(value.get("recurring_run_id")),
            "service_account": scalar(value.get("service_account")),
            "storage_state": scalar(value.get("storage_state")),
            "pipeline_root": redacted(scalar(config.get("pipeline_root"))),
            "message": redacted(scalar(mapping(value.get("error")).get("message")))[:500],
            **table("params", _parameters(config.get("parameters"))),
        },
    )


def _own(task: Mapping[str, Any]) -> bool:
    """Tell whether a task is the service's own: the graph as a whole, a driver, the launcher of another task."""
    name = scalar(task.get("display_name")) or scalar(task.get("name"))
    if scalar(task.get("type")) == "ROOT" or (name == "root" and not task.get("parent_task_id")):
        return True
    return (name == "executor" or name.endswith("-driver")) and not (
        task.get("inputs") or task.get("outputs")
    )


def _task(view: View, task: Mapping[str, Any], pipeline: str, index: int) -> Step:
    history = [scalar(mapping(entry).get("state")) for entry in items(task.get("state_history"))]
    name = scalar(task.get("display_name")) or scalar(task.get("name")) or scalar(task.get("task_id"))
    step = Step(
        name or str(index),
        scalar(task.get("task_id")) or f"{name}#{index}",
        scalar(task.get("state")) or (history[-1] if history else ""),
        view.time(task.get("start_time") or task.get("create_time"), "start_time"),
        view.time(task.get("end_time"), "end_time"),
        attributes={
            "execution_id": scalar(task.get("execution_id")).removeprefix("0"),
            "pod": scalar(task.get("pod_name")),
            "history": ", ".join(filter(None, history)),
            "message": redacted(scalar(mapping(task.get("error")).get("message")))[:500],
            **table("params", _named(task.get("inputs"))),
            **table("results", _named(task.get("outputs"))),
        },
    )
    for side, kept in (("inputs", step.inputs), ("outputs", step.outputs)):
        if side == "outputs" and step.status.lower() in {*NOT_RUN, "failed", "canceled", "error"}:
            continue
        for key, facts in _artifacts(view, task.get(side), pipeline):
            kept.append(key)
            step.made += facts
    return step


def _artifacts(view: View, side: Any, pipeline: str) -> Iterator[tuple[Key, list[Fact]]]:
    """Yield the artifacts of a task: in full, or by their ids."""
    held = mapping(side)
    full = held.get("artifacts")
    if isinstance(full, list):
        for entry in full:
            for one in items(mapping(entry).get("artifacts")):
                key, facts = artifact(view, one, pipeline)
                if key is not None:
                    yield key, facts
        return
    for entry in held.values():
        for number in items(mapping(entry).get("artifact_ids")):
            if scalar(number):
                yield view.artifact(scalar(number)), []


def _named(side: Any) -> dict[str, Any]:
    return {
        scalar(mapping(entry).get("parameter_key") or mapping(entry).get("name")): _value(
            mapping(entry).get("value")
        )
        for entry in items(mapping(side).get("parameters"))
        if mapping(entry).get("parameter_key") or mapping(entry).get("name")
    }


def _parameters(value: Any) -> dict[str, Any]:
    return {str(name): _value(said) for name, said in mapping(value).items()}


def _value(said: Any) -> Any:
    """Return a parameter's value; the first releases of v2 wrapped it in an object that names its type."""
    if isinstance(said, dict) and len(said) == 1:
        name, value = next(iter(said.items()))
        return value if name in _VALUES else said
    return said
