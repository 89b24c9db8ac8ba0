"""How are Vertex AI's endpoints, models and deployed models called, whoever tells of them?

A model is known by its resource name and version, never by its display name (sources-ml 5). Resource names hold the
project's number or its id; the same endpoint is then found by its own long number, which is unique in its location.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Alias, Claim, Component, Json, Key
from lineage.model.vocabulary import Kind
from lineage.sources._model_claims import mapping, scalar

PLATFORM = "vertex"
_NAME = re.compile(r"(?:.*?/)?projects/([^/\s]+)/locations/([^/\s]+)/([a-zA-Z]+)/([^/\s@]+)(?:@([^/\s]+))?$")
_LONGEST_CHOSEN = 12
"""Ids of endpoints and models up to this length may be chosen by people, and so be the same in two projects."""


def place_of(project: str, location: str) -> str:
    """Return the namespace of what lies in a project and location."""
    return f"vertex://projects/{project}/locations/{location}"


def taken_apart(name: str) -> tuple[str, str, str, str] | None:
    """Return place, collection, id and version of a resource name; None for what is none.

    >>> taken_apart("projects/p/locations/l/models/2@3")
    ('vertex://projects/p/locations/l', 'models', '2', '3')
    """
    found = _NAME.fullmatch(name.strip())
    if found is None:
        return None
    return place_of(found[1], found[2]), found[3], found[4], found[5] or ""


def endpoint_key(name: str) -> Key | None:
    """Return the key of an endpoint by its resource name.

    >>> endpoint_key("projects/p/locations/l/endpoints/1")[1:]
    ('vertex://projects/p/locations/l', 'endpoints/1')
    """
    parts = taken_apart(name)
    if parts is None or parts[1] != "endpoints":
        return None
    return Key(Kind.TARGET, parts[0], f"endpoints/{parts[2]}")


def same_endpoint(key: Key, project: str = "") -> Iterator[Alias]:
    """Yield what ties the spellings of one endpoint: by the project's number and its id, and by its own number."""
    said, location = key.namespace.split("/")[3::2]
    number = key.name.rpartition("/")[2]
    if number.isdigit() and len(number) > _LONGEST_CHOSEN:
        other = Key(Kind.TARGET, "vertex-endpoint-numbers", f"{key.name} in {location}")
        yield Alias(key, other, "vertex-endpoint-number")
    elif project and project != said and said.isdigit() != project.isdigit():
        yield Alias(key, key._replace(namespace=place_of(project, location)), "vertex-project-number")


def version_key(model: str, version: str) -> Key | None:
    """Return the key of a version by the model's resource name and the version's id; None without either."""
    parts = taken_apart(model)
    if parts is None or parts[1] != "models" or not (version or parts[3]):
        return None
    return Key(Kind.MODEL_VERSION, parts[0], f"{parts[2]}/{version or parts[3]}")


def same_version(key: Key) -> Iterator[Alias]:
    """Yield what ties a version's spellings with the project's number and with its id: the model's own number."""
    location, (model, _, version) = key.namespace.rpartition("/")[2], key.name.rpartition("/")
    if model.isdigit() and len(model) > _LONGEST_CHOSEN:
        other = Key(key.kind, "vertex-model-numbers", f"{model} in {location}/{version}")
        yield Alias(key, other, "vertex-model-number")


def component(
    deployed: Mapping[str, Any], name: str, where: str, weight: float | None = None
) -> tuple[Component, dict[str, Json]]:
    """Return a deployed model as a part of what serves, and the resources it was given."""
    model, version = scalar(deployed.get("model")), scalar(deployed.get("modelVersionId"))
    written = f"{model}@{version}" if version and model and "@" not in model else model
    claims = []
    if written:
        claims.append(Claim("cloud-registry-id", written, f"{where}.model"))
    if shown := scalar(deployed.get("displayName")):
        claims.append(Claim("name", shown, f"{where}.displayName"))
    resources: dict[str, Json] = {}
    for field in ("dedicatedResources", "automaticResources"):
        given = mapping(deployed.get(field))
        machine = mapping(given.get("machineSpec"))
        for source, meaning in ((machine, "machineType"), (machine, "acceleratorType")):
            if scalar(source.get(meaning)):
                resources[meaning] = scalar(source.get(meaning))
        for meaning in ("minReplicaCount", "maxReplicaCount"):
            if scalar(given.get(meaning)):
                resources[meaning] = scalar(given.get(meaning))
    return Component(name, uri=written, weight=weight, claims=tuple(claims)), resources


def shares(value: Any) -> dict[str, float]:
    """Return a traffic split as shares of 1 by deployed model; what is no number is left out.

    >>> shares({"0": 10, "77": "90", "x": None})
    {'0': 0.1, '77': 0.9}
    """
    found = {}
    for name, percent in mapping(value).items():
        text = scalar(percent)
        if re.fullmatch(r"\d{1,3}(?:\.\d+)?", text) and float(text) <= 100:
            found[str(name)] = float(text) / 100
    return found
