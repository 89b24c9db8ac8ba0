"""What does a SageMaker call do to what serves: models, configurations, endpoints, inference components?

Shapes: botocore `sagemaker/2017-07-24/service-2.json`, member names as CloudTrail writes them (first letter small).
What a call does not hold is not made up: an endpoint names its configuration, a configuration its models, and what they
were at that time is found in `lineage.identity.sagemaker`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lineage.model.facts import Alias, Claim, Component, Fact, Happened, Json, Key, Workload
from lineage.model.vocabulary import Kind
from lineage.source import Problem
from lineage.sources._change_notes import change_in
from lineage.sources._model_claims import Clues, items, kept_notes, mapping, scalar
from lineage.sources._recorded_call import Call
from lineage.text import clip

PLATFORM = "sagemaker"
COMPONENTS = "inference-components"

_VERSIONED_PACKAGE = re.compile(r"arn:aws[\w-]*:sagemaker:[\w-]*:\d*:model-package/[^/\s]+/\d+")
_INDEX = re.compile(r"\.env\[(\d+)\]\.value$")

Said = Fact | Problem


def tags_of(asked: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that a request sets."""
    pairs = [
        (scalar(mapping(tag).get("key")), scalar(mapping(tag).get("value")))
        for tag in items(asked.get("tags"))
    ]
    return {name: value for name, value in pairs if name}


def happened(
    call: Call,
    type_: str,
    subject: Key,
    *,
    workload: Workload | None = None,
    detail: Mapping[str, Json] | None = None,
    change: Mapping[str, str] | None = None,
) -> Happened:
    """Return what a call did, or was refused to do, to `subject`, with everything that is known of the caller."""
    known, named = change_in(tags_of(call.asked))
    known.update(change or {})
    if call.pipeline:
        known.setdefault("ci_run", call.pipeline)
    return Happened(
        type=type_,
        subject=subject,
        at=call.at,
        id=call.id,
        outcome=call.outcome,
        actor=call.caller.actor,
        actor_kind=call.caller.kind if call.caller.actor else "",
        effective=call.caller.role,
        chain=call.caller.hops + named,
        workload=workload,
        change=known,
        detail={
            **call.said,
            **{name: value for name, value in (detail or {}).items() if value not in ("", {}, [])},
        },
    )


def named(call: Call, field: str, arn: str) -> str:
    """Return the name that the request gives in `field`, else the last part of the ARN that came back."""
    return scalar(call.asked.get(field)) or scalar(call.answered.get(arn)).rpartition("/")[2]


def _nameless(call: Call, field: str, type_: str) -> Iterator[Said]:
    """Tell of a call that does not say what it is about; AWS leaves the parameters out of many a refused one."""
    if not call.error:
        reason = f"{call.name} does not say what it is about"
        yield Problem("missing-field", reason, f"requestParameters.{field}", fatal=False)
    yield happened(call, type_, call.here)


def define_model(call: Call) -> Iterator[Said]:
    """Read CreateModel: what is in each container of the model."""
    name = named(call, "modelName", "modelArn")
    if not name:
        yield from _nameless(call, "modelName", "define-model")
        return
    containers = [("primaryContainer", mapping(call.asked.get("primaryContainer")))]
    containers.extend(
        (f"containers[{number}]", mapping(container))
        for number, container in enumerate(items(call.asked.get("containers")))
    )
    found = [(where, container, _clues(container, where)) for where, container in containers if container]
    # A tag of the model is about the one container that holds a model; of several, nothing says which.
    holders = [clues for _, container, clues in found if _holds_model(container)]
    tags = tags_of(call.asked)
    about = holders or [clues for _, _, clues in found]
    if len(about) == 1:
        about[0].notes(tags, "requestParameters.tags")
    parts = tuple(
        _part(clues, scalar(container.get("containerHostname")) or where, where, container)
        for where, container, clues in found
    )
    workload = Workload(PLATFORM, parts, labels=kept_notes(tags)) if parts else None
    detail = {"model": name, "arn": scalar(call.answered.get("modelArn"))}
    yield happened(call, "define-model", call.here, workload=workload, detail=detail)


def _holds_model(container: Mapping[str, Any]) -> bool:
    return any(
        container.get(field)
        for field in ("modelDataUrl", "modelDataSource", "modelPackageName", "artifactUrl")
    )


def _clues(container: Mapping[str, Any], where: str) -> Clues:
    """Return what a container says of the model in it."""
    place = f"requestParameters.{where}"
    clues = Clues()
    clues.model(container.get("modelDataUrl"), f"{place}.modelDataUrl")
    source = mapping(mapping(container.get("modelDataSource")).get("s3DataSource"))
    clues.model(source.get("s3Uri"), f"{place}.modelDataSource.s3DataSource.s3Uri")
    clues.model(container.get("artifactUrl"), f"{place}.artifactUrl")
    package = scalar(container.get("modelPackageName"))
    if package:
        versioned = _VERSIONED_PACKAGE.fullmatch(package)
        clues.add("model-package" if versioned else "name", package, f"{place}.modelPackageName")
    variables = [
        {"name": name, "value": text} for name, text in mapping(container.get("environment")).items()
    ]
    clues.container({"image": container.get("image"), "env": variables}, place)
    return clues


def _part(clues: Clues, name: str, where: str, container: Mapping[str, Any]) -> Component:
    """Return what was found as a component, its claims with the paths that CloudTrail's form of variables has."""
    part = clues.component(name)
    variables = list(mapping(container.get("environment")))

    def place(claim: Claim) -> Claim:
        index = _INDEX.search(claim.where)
        if index is None:
            return claim
        return claim._replace(where=f"requestParameters.{where}.environment.{variables[int(index[1])]}")

    return Component(part.name, part.uri, part.image, part.weight, tuple(map(place, part.claims)), part.env)


def define_config(call: Call) -> Iterator[Said]:
    """Read CreateEndpointConfig: which models share the traffic, and on what instances."""
    name = named(call, "endpointConfigName", "endpointConfigArn")
    if not name:
        yield from _nameless(call, "endpointConfigName", "define-config")
        return
    weights: dict[str, Json] = {}
    shadows: list[Json] = []
    models: list[tuple[str, tuple[Claim, ...]]] = []
    resources: dict[str, Json] = {}
    for field, shadow in (("productionVariants", False), ("shadowProductionVariants", True)):
        for number, variant in enumerate(map(mapping, items(call.asked.get(field)))):
            where = f"requestParameters.{field}[{number}]"
            called = scalar(variant.get("variantName")) or f"{field}[{number}]"
            model = scalar(variant.get("modelName"))
            claims = (Claim("sagemaker-model", model, f"{where}.modelName"),) if model else ()
            models.append((called, claims))
            if shadow:
                shadows.append(called)
            weight = _weight(variant.get("initialVariantWeight", 1.0))
            if weight is None:
                said = clip(variant.get("initialVariantWeight"))
                yield Problem(
                    "bad-number",
                    "a weight is no number of 0 or more",
                    f"{where}.initialVariantWeight",
                    said,
                    fatal=False,
                )
                weight = 1.0
            weights[called] = weight
            for kind, meaning in (("instanceType", "instance_type"), ("initialInstanceCount", "instances")):
                if variant.get(kind) is not None:
                    resources[f"{called}.{meaning}"] = variant[kind]
    whole = sum(float(weight) for called, weight in weights.items() if called not in shadows)
    parts = tuple(
        Component(
            called, weight=0.0 if called in shadows or not whole else weights[called] / whole, claims=claims
        )
        for called, claims in models
    )
    workload = (
        Workload(PLATFORM, parts, resources=resources, labels=kept_notes(tags_of(call.asked)))
        if parts
        else None
    )
    detail: dict[str, Json] = {
        "config": name,
        "arn": scalar(call.answered.get("endpointConfigArn")),
        "weights": weights,
        "shadows": shadows,
    }
    yield happened(call, "define-config", call.here, workload=workload, detail=detail)


def _weight(value: Any) -> float | None:
    try:
        number = float(value) if value is not None and not isinstance(value, bool) else 1.0
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < float("inf") else None


def _undefine(field: str, meaning: str) -> Callable[[Call], Iterator[Said]]:
    def read(call: Call) -> Iterator[Said]:
        yield happened(call, f"delete-{meaning}", call.here, detail={meaning: scalar(call.asked.get(field))})

    return read


def target_of(call: Call, name: str, folder: str = "") -> tuple[Key, list[Alias]]:
    """Return the key of what serves, and the alias that ties its spellings: SageMaker compares without case."""
    key = Key(Kind.TARGET, call.place, folder + name)
    small = Key(Kind.TARGET, call.place, folder + name.lower())
    return key, [] if key == small else [Alias(key, small, "sagemaker-name-case")]


def _endpoint(call: Call) -> Iterator[Said]:
    """Read CreateEndpoint and UpdateEndpoint."""
    name = named(call, "endpointName", "endpointArn")
    if not name:
        yield from _nameless(call, "endpointName", "apply")
        return
    key, same = target_of(call, name)
    yield from same
    config = scalar(call.asked.get("endpointConfigName"))
    claims = (Claim("sagemaker-config", config, "requestParameters.endpointConfigName"),)
    excluded = [
        scalar(mapping(entry).get("variantPropertyType"))
        for entry in items(call.asked.get("excludeRetainedVariantProperties"))
    ]
    keeps = call.asked.get("retainAllVariantProperties") in (True, "true") and "DesiredWeight" not in excluded
    tags = kept_notes(tags_of(call.asked))
    workload = Workload(PLATFORM, (Component("", claims=claims),), labels=tags) if config else None
    detail: dict[str, Json] = {
        "verb": "create" if call.name == "CreateEndpoint" else "update",
        "config": config,
        "arn": scalar(call.answered.get("endpointArn")),
    }
    if keeps:
        detail["keeps_weights"] = True
    yield happened(call, "apply", key, workload=workload, detail=detail)


def _weights(call: Call) -> Iterator[Said]:
    """Read UpdateEndpointWeightsAndCapacities: variants that it does not name keep their weights."""
    name = named(call, "endpointName", "endpointArn")
    if not name:
        yield from _nameless(call, "endpointName", "apply")
        return
    weights: dict[str, Json] = {}
    counts: dict[str, Json] = {}
    for number, entry in enumerate(map(mapping, items(call.asked.get("desiredWeightsAndCapacities")))):
        variant = scalar(entry.get("variantName"))
        if entry.get("desiredWeight") is not None:
            weight = _weight(entry["desiredWeight"])
            if weight is None:
                where = f"requestParameters.desiredWeightsAndCapacities[{number}].desiredWeight"
                yield Problem(
                    "bad-number",
                    "a weight is no number of 0 or more",
                    where,
                    clip(entry["desiredWeight"]),
                    fatal=False,
                )
            else:
                weights[variant] = weight
        if entry.get("desiredInstanceCount") is not None:
            counts[variant] = entry["desiredInstanceCount"]
    key, same = target_of(call, name)
    yield from same
    detail: dict[str, Json] = {"verb": "update", "weights": weights, "instances": counts}
    workload = Workload(PLATFORM, partial=True) if weights or counts else None
    yield happened(call, "apply", key, workload=workload, detail=detail)


def _component(call: Call) -> Iterator[Said]:
    """Read the calls that make or change an inference component, a target of its own (see `cloudtrail`)."""
    name = named(call, "inferenceComponentName", "inferenceComponentArn")
    if not name:
        yield from _nameless(call, "inferenceComponentName", "apply")
        return
    key, same = target_of(call, name, f"{COMPONENTS}/")
    yield from same
    specification = mapping(call.asked.get("specification"))
    container = mapping(specification.get("container"))
    parts: tuple[Component, ...] = ()
    model = scalar(specification.get("modelName"))
    if container:
        where = "specification.container"
        parts = (_part(_clues(container, where), "", where, container),)
    elif model:
        parts = (
            Component(
                "", claims=(Claim("sagemaker-model", model, "requestParameters.specification.modelName"),)
            ),
        )
    creates = call.name == "CreateInferenceComponent"
    known = bool(parts) or (not creates and bool(call.asked))
    workload = (
        Workload(PLATFORM, parts, labels=kept_notes(tags_of(call.asked)), partial=not parts)
        if known
        else None
    )
    detail: dict[str, Json] = {
        "verb": "create" if creates else "update",
        "endpoint": scalar(call.asked.get("endpointName")),
        "variant": scalar(call.asked.get("variantName")),
        "base": scalar(specification.get("baseInferenceComponentName")),
        "arn": scalar(call.answered.get("inferenceComponentArn")),
    }
    yield happened(call, "apply", key, workload=workload, detail=detail)


def _delete(field: str, folder: str = "") -> Callable[[Call], Iterator[Said]]:
    def read(call: Call) -> Iterator[Said]:
        name = scalar(call.asked.get(field))
        if not name:
            yield from _nameless(call, field, "delete")
            return
        key, same = target_of(call, name, folder)
        yield from same
        yield happened(call, "delete", key, detail={"verb": "delete"})

    return read


READERS: dict[str, Callable[[Call], Iterator[Said]]] = {
    "CreateModel": define_model,
    "DeleteModel": _undefine("modelName", "model"),
    "CreateEndpointConfig": define_config,
    "DeleteEndpointConfig": _undefine("endpointConfigName", "config"),
    "CreateEndpoint": _endpoint,
    "UpdateEndpoint": _endpoint,
    "UpdateEndpointWeightsAndCapacities": _weights,
    "DeleteEndpoint": _delete("endpointName"),
    "CreateInferenceComponent": _component,
    "UpdateInferenceComponent": _component,
    "UpdateInferenceComponentRuntimeConfig": _component,
    "DeleteInferenceComponent": _delete("inferenceComponentName", f"{COMPONENTS}/"),
}
"""What reads each call, by its name in SageMaker."""
