"""Which kinds of Kubernetes objects serve models, and where do those beside KServe's hold them?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lineage.sources._model_claims import items, mapping, notes_of, scalar
from lineage.sources._workload_kserve import inference_graph, inference_service, llm, trained_model
from lineage.sources._workload_nuclio import nuclio_function
from lineage.sources._workload_parts import Draft, pod


def platform_of(group: str, resource: str) -> str:
    """Return the platform of a served resource, or nothing for one that serves no model.

    >>> platform_of("serving.kserve.io", "inferenceservices"), platform_of("", "services")
    ('kserve', '')
    """
    platform, groups, _ = SERVED.get(resource, ("", (), ""))
    return platform if group in groups else ""


def resource_of(group: str, kind: str) -> str:
    """Return the API's plural of a served kind, or nothing for one that serves no model."""
    for resource, (_, groups, known) in SERVED.items():
        if kind == known and group in groups:
            return resource
    return ""


def _replicated(draft: Draft, spec: Mapping[str, Any]) -> None:
    draft.amounts({"replicas": spec.get("replicas")})
    pod(draft, mapping(spec.get("template")), "spec.template")


def _rollout(draft: Draft, spec: Mapping[str, Any]) -> None:
    """Read an Argo rollout: while it is on its way, its status, else its first step, says what the new pods get."""
    status = mapping(draft.body.get("status"))
    canary = mapping(mapping(spec.get("strategy")).get("canary"))
    said = mapping(mapping(mapping(status.get("canary")).get("weights")).get("canary")).get("weight")
    stable = scalar(status.get("stableRS"))
    weight = draft.share(said, "status.canary.weights.canary.weight")
    if stable and stable == scalar(status.get("currentPodHash")):
        weight = None
    elif weight is None:
        steps = [mapping(step) for step in items(canary.get("steps"))]
        index = scalar(status.get("currentStepIndex"))
        done = steps[: int(index)] if index.isdecimal() else []
        weights = [step["setWeight"] for step in (done or steps[:1]) if "setWeight" in step]
        weight = draft.share(weights[-1], "spec.strategy.canary.steps.setWeight") if weights else None
    draft.amounts({"replicas": spec.get("replicas")})
    pod(draft, mapping(spec.get("template")), "spec.template", weight)


def _knative(draft: Draft, spec: Mapping[str, Any]) -> None:
    template = mapping(spec.get("template"))
    own = scalar(mapping(template.get("metadata")).get("name"))
    shares: dict[str, float] = {}
    for number, entry in enumerate(items(spec.get("traffic"))):
        to = mapping(entry)
        name = scalar(to.get("revisionName"))
        newest = scalar(to.get("latestRevision")) == "true" or not name or name == own
        share = draft.share(to.get("percent"), f"spec.traffic[{number}].percent")
        shares["" if newest else name] = shares.get("" if newest else name, 0.0) + (share or 0.0)
    pod(draft, template, "spec.template", shares.get("", 0.0) if shares else None)
    for name, share in shares.items():
        if name and share:
            draft.part(f"revision/{name}", round(share, 6))


def _seldon(draft: Draft, spec: Mapping[str, Any]) -> None:
    for number, entry in enumerate(items(spec.get("predictors"))):
        predictor = mapping(entry)
        where = f"spec.predictors[{number}]"
        name = scalar(predictor.get("name")) or str(number)
        weight = draft.share(predictor.get("traffic"), f"{where}.traffic")
        if scalar(predictor.get("shadow")) == "true":
            weight = 0.0
        draft.amounts({"replicas": predictor.get("replicas", spec.get("replicas"))})
        containers = dict(_seldon_containers(predictor, where))
        for graph, place in _graph(mapping(predictor.get("graph")), f"{where}.graph"):
            unit = scalar(graph.get("name"))
            clues = draft.part(f"{name}/{unit}", weight, holds_model=True)
            draft.uri(clues, graph.get("modelUri"), f"{place}.modelUri")
            for index, parameter in enumerate(items(graph.get("parameters"))):
                if scalar(mapping(parameter).get("name")) == "model_uri":
                    draft.uri(clues, mapping(parameter).get("value"), f"{place}.parameters[{index}].value")
            if unit in containers:
                container, at = containers[unit]
                clues.container(container, at)
                draft.amounts(container)
            for field in ("annotations", "labels"):
                clues.notes(notes_of(predictor.get(field)), f"{where}.{field}")
        explainer = mapping(predictor.get("explainer"))
        if explainer:
            clues = draft.part(f"{name}/explainer", weight)
            draft.uri(clues, explainer.get("modelUri"), f"{where}.explainer.modelUri")


def _seldon_containers(
    predictor: Mapping[str, Any], where: str
) -> Iterator[tuple[str, tuple[Mapping[str, Any], str]]]:
    for number, entry in enumerate(items(predictor.get("componentSpecs"))):
        for index, container in enumerate(items(mapping(mapping(entry).get("spec")).get("containers"))):
            place = f"{where}.componentSpecs[{number}].spec.containers[{index}]"
            yield scalar(mapping(container).get("name")), (mapping(container), place)


def _graph(unit: Mapping[str, Any], where: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    if unit:
        yield unit, where
    for number, child in enumerate(items(unit.get("children"))):
        yield from _graph(mapping(child), f"{where}.children[{number}]")


def _seldon_model(draft: Draft, spec: Mapping[str, Any]) -> None:
    clues = draft.part("model", holds_model=True)
    draft.uri(clues, spec.get("storageUri"), "spec.storageUri")
    draft.amounts({"replicas": spec.get("replicas")})
    if scalar(spec.get("memory")):
        draft.resources["memory"] = scalar(spec["memory"])


def _bento(draft: Draft, spec: Mapping[str, Any]) -> None:
    """Read a BentoDeployment: its bento is called `name:version`."""
    clues = draft.part("bento", holds_model=True)
    field = "bento" if scalar(spec.get("bento")) else "bento_tag"
    tag = scalar(spec.get(field))
    name, _, version = tag.partition(":")
    clues.name(name, f"spec.{field}")
    clues.add("version-label", version, f"spec.{field}")
    draft.amounts(spec)
    scaling = mapping(spec.get("autoscaling"))
    draft.amounts({field: scaling.get(field) for field in ("minReplicas", "maxReplicas")})


READERS: dict[str, Callable[[Draft, Mapping[str, Any]], None]] = {
    "inferenceservices": inference_service,
    "trainedmodels": trained_model,
    "inferencegraphs": inference_graph,
    "llminferenceservices": llm,
    "services": _knative,
    "deployments": _replicated,
    "statefulsets": _replicated,
    "rollouts": _rollout,
    "seldondeployments": _seldon,
    "models": _seldon_model,
    "bentodeployments": _bento,
    "nucliofunctions": nuclio_function,
}
SERVED: dict[str, tuple[str, tuple[str, ...], str]] = {
    "inferenceservices": ("kserve", ("serving.kserve.io", "serving.kubeflow.org"), "InferenceService"),
    "trainedmodels": ("kserve", ("serving.kserve.io", "serving.kubeflow.org"), "TrainedModel"),
    "inferencegraphs": ("kserve", ("serving.kserve.io",), "InferenceGraph"),
    "llminferenceservices": ("kserve", ("serving.kserve.io",), "LLMInferenceService"),
    "services": ("knative", ("serving.knative.dev",), "Service"),
    "deployments": ("kubernetes", ("apps", "extensions"), "Deployment"),
    "statefulsets": ("kubernetes", ("apps",), "StatefulSet"),
    "rollouts": ("kubernetes", ("argoproj.io",), "Rollout"),
    "seldondeployments": ("seldon", ("machinelearning.seldon.io",), "SeldonDeployment"),
    "models": ("seldon", ("mlops.seldon.io",), "Model"),
    "bentodeployments": ("bentoml", ("serving.yatai.ai", "serving.bentoml.com"), "BentoDeployment"),
    "nucliofunctions": ("nuclio", ("nuclio.io",), "NuclioFunction"),
}
