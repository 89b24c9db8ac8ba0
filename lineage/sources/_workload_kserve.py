"""Where do the objects of KServe hold their models? Services of either form, trained models, graphs, LLM services."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lineage.sources._model_claims import Clues, items, mapping, notes_of, scalar
from lineage.sources._workload_parts import Draft, container_name, main_container

_ROLES = ("predictor", "transformer", "explainer")
_FRAMEWORK = re.compile(
    r"model|sklearn|xgboost|tensorflow|pytorch|triton|onnx|huggingface|pmml|lightgbm|paddle|alibi|aix|art|aif"
)


def inference_service(draft: Draft, spec: Mapping[str, Any]) -> None:
    if "default" not in spec and "canary" not in spec:
        for role in _ROLES:
            body = mapping(spec.get(role))
            if body:
                _role(draft, body, role, f"spec.{role}", holds_model=role == "predictor")
        return
    percent = draft.share(spec.get("canaryTrafficPercent"), "spec.canaryTrafficPercent")
    rest = None if percent is None else round(1 - percent, 6)
    for version, weight in (("default", rest), ("canary", percent)):
        for role in _ROLES:
            body = mapping(mapping(spec.get(version)).get(role))
            first = "canary" if role == "predictor" else f"canary/{role}"
            if body:
                name, main = (role if version == "default" else first), role == "predictor"
                _role(draft, body, name, f"spec.{version}.{role}", weight, holds_model=main)


def _role(
    draft: Draft,
    body: Mapping[str, Any],
    name: str,
    where: str,
    weight: float | None = None,
    *,
    holds_model: bool,
) -> None:
    """Read one of predictor, transformer and explainer: a framework, containers, or both for one container."""
    said = draft.share(body.get("canaryTrafficPercent"), f"{where}.canaryTrafficPercent")
    weight = weight if said is None else said
    clues = draft.part(name, weight, holds_model=holds_model)
    if holds_model:
        draft.amounts({"minReplicas": body.get("minReplicas"), "maxReplicas": body.get("maxReplicas")})
    _extra_uris(draft, clues, body, name, where, weight)
    for field, value in body.items():
        framework = mapping(value)
        if field == "custom":
            framework, field = mapping(framework.get("container")), "custom.container"  # noqa: PLW2901
        elif not _FRAMEWORK.fullmatch(field) and "storageUri" not in framework and "storage" not in framework:
            continue
        place = f"{where}.{field}"
        draft.uri(clues, framework.get("storageUri"), f"{place}.storageUri")
        _storage(clues, mapping(framework.get("storage")), f"{place}.storage")
        _extra_uris(draft, clues, framework, name, place, weight)
        clues.container(framework, place)
        if holds_model:
            draft.amounts(framework)
    containers = items(body.get("containers"))
    main = main_container(containers)
    for number, container in enumerate(containers):
        own = clues if number == main else draft.part(f"{name}/{container_name(container, number)}", weight)
        own.container(mapping(container), f"{where}.containers[{number}]")
        if own is clues and holds_model:
            draft.amounts(mapping(container))
    clues.notes(notes_of(body.get("annotations")), f"{where}.annotations")
    clues.notes(notes_of(body.get("labels")), f"{where}.labels")


def _storage(clues: Clues, storage: Mapping[str, Any], where: str) -> None:
    """Take a storage spec; without its type, which a secret holds, the place is shown but names no store."""
    parameters = mapping(storage.get("parameters"))
    path = scalar(storage.get("path"))
    bucket = scalar(parameters.get("bucket")) or scalar(parameters.get("container"))
    kind = scalar(parameters.get("type"))
    place = "/".join(filter(None, (bucket, path.strip("/"))))
    if "://" in path:
        clues.model(path, f"{where}.path")
    elif place and kind and kind != "hdfs":
        clues.model(f"{kind}://{place}", where)
    elif place and not clues.uri:
        clues.uri = f"storage:{scalar(storage.get('key'))}/{place}"


def _extra_uris(
    draft: Draft, clues: Clues, holder: Mapping[str, Any], name: str, where: str, weight: float | None
) -> None:
    for number, entry in enumerate(items(holder.get("storageUris"))):
        uri = entry if isinstance(entry, str) else mapping(entry).get("uri")
        own = clues if not clues.uri else draft.part(f"{name}/{number}", weight)
        draft.uri(own, uri, f"{where}.storageUris[{number}]")


def trained_model(draft: Draft, spec: Mapping[str, Any]) -> None:
    model = mapping(spec.get("model"))
    clues = draft.part("model", holds_model=True)
    draft.uri(clues, model.get("storageUri"), "spec.model.storageUri")
    if scalar(model.get("memory")):
        draft.resources["memory"] = scalar(model["memory"])


def inference_graph(draft: Draft, spec: Mapping[str, Any]) -> None:
    """Read the steps of a graph: each leads to a service, whose own object says what it serves."""
    for node, body in mapping(spec.get("nodes")).items():
        for number, step in enumerate(items(mapping(body).get("steps"))):
            place = f"spec.nodes.{node}.steps[{number}]"
            to = mapping(step)
            service = next(
                (scalar(to[field]) for field in ("serviceName", "serviceUrl", "nodeName") if to.get(field)),
                str(number),
            )
            draft.part(f"{node}/{service}", draft.share(to.get("weight"), f"{place}.weight"))


def llm(draft: Draft, spec: Mapping[str, Any]) -> None:
    model = mapping(spec.get("model"))
    clues = draft.part("model", holds_model=True)
    draft.uri(clues, model.get("uri"), "spec.model.uri")
    clues.name(scalar(model.get("name")), "spec.model.name")
    draft.amounts({"replicas": spec.get("replicas")})
    for field in ("template", "worker"):
        containers = items(mapping(spec.get(field)).get("containers"))
        for number, container in enumerate(containers):
            if number == main_container(containers):
                clues.container(mapping(container), f"spec.{field}.containers[{number}]")
                draft.amounts(mapping(container))
    prefill = items(mapping(mapping(spec.get("prefill")).get("template")).get("containers"))
    if prefill:
        main = main_container(prefill)
        draft.part("prefill").container(mapping(prefill[main]), f"spec.prefill.template.containers[{main}]")
    for number, adapter in enumerate(items(mapping(model.get("lora")).get("adapters"))):
        own = draft.part(f"adapter/{scalar(mapping(adapter).get('name')) or number}")
        draft.uri(own, mapping(adapter).get("uri"), f"spec.model.lora.adapters[{number}].uri")
