"""What does a compiled pipeline (version 2, IR) define: its steps, their images, the data it imports by a fixed place?

Format: kubeflow/pipelines api/v2alpha1/pipeline_spec.proto, as YAML of one or two documents or as the JSON of a
pipeline job. It is a definition: nothing in it says that anything ran.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Entity, Fact, Key, Link
from lineage.model.naming import dataset_at
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.sources._model_claims import mapping, redacted, scalar
from lineage.sources._pipeline_view import View, kept, place
from lineage.sources._withheld import table


def spec_in(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the pipeline specification in `value`: itself, or wrapped as the API and the JSON of a job have it."""
    for name in ("pipeline_spec", "pipelineSpec"):
        if name in value:
            return mapping(value[name])
    return value if "pipelineInfo" in value else {}


def specification(spec: Mapping[str, Any]) -> str:
    """Return the name of the pipeline that a specification defines; empty when it has none."""
    return scalar(mapping(spec.get("pipelineInfo")).get("name"))


def pipeline_spec(view: View, spec: Mapping[str, Any]) -> Iterator[Fact]:
    """Say what a specification defines: the pipeline's job, its steps, what they import."""
    name = specification(spec)
    if not name:
        view.note("missing-field", "the pipeline has no name", "pipelineInfo.name", "")
        return
    job = Key(Kind.JOB, view.pipelines, name)
    executors = mapping(mapping(spec.get("deploymentSpec")).get("executors"))
    steps = _collect(spec)
    images = {scalar(mapping(mapping(entry).get("container")).get("image")) for entry in executors.values()}
    inputs = mapping(mapping(mapping(spec.get("root")).get("inputDefinitions")).get("parameters"))
    defaults = {str(one): mapping(said).get("defaultValue") for one, said in inputs.items()}
    yield Entity(
        job,
        kept(
            {
                "description": scalar(mapping(spec.get("pipelineInfo")).get("description"))[:4000],
                "sdk": scalar(spec.get("sdkVersion")),
                "schema": scalar(spec.get("schemaVersion")),
                "pipeline_root": redacted(scalar(spec.get("defaultPipelineRoot"))),
                "steps": sorted(steps),
                "images": sorted(redacted(image) for image in images - {""}),
                **table("params", {one: value for one, value in defaults.items() if value is not None}),
            }
        ),
    )
    for step, component in sorted(steps.items()):
        own = Key(Kind.JOB, view.pipelines, f"{name}.{step}")
        executor = mapping(executors.get(scalar(component.get("executorLabel"))))
        container = mapping(executor.get("container"))
        yield Entity(own, kept({"pipeline": name, "image": redacted(scalar(container.get("image")))}))
        yield Link(job, own, Relation.PARENT, Basis.DECLARED, "root.dag.tasks")
        uri = mapping(mapping(executor.get("importer")).get("artifactUri"))
        imported = place(uri.get("constant")) or place(mapping(uri.get("constantValue")).get("stringValue"))
        if imported:
            yield Link(
                dataset_at(imported), own, Relation.INPUT, Basis.DECLARED, "importer.artifactUri", job=own
            )


def _collect(spec: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the steps that run something with their component, through the graphs within graphs (loops, conditions).

    Each component is looked at once, however often it is used.
    """
    components = mapping(spec.get("components"))
    steps: dict[str, Mapping[str, Any]] = {}
    ahead, seen = [mapping(spec.get("root"))], set()
    while ahead:
        graph = ahead.pop()
        for name, said in mapping(mapping(graph.get("dag")).get("tasks")).items():
            task = mapping(said)
            reference = scalar(mapping(task.get("componentRef")).get("name"))
            component = mapping(components.get(reference))
            if "dag" not in component:
                if reference:
                    steps.setdefault(
                        scalar(mapping(task.get("taskInfo")).get("name")) or str(name), component
                    )
            elif reference not in seen:
                seen.add(reference)
                ahead.append(component)
    return steps
