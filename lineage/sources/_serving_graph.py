"""Which models does a serving graph (of MLRun, by itself or in a Nuclio function) hold, by its steps and routes?

A graph is a router with `routes`, or a flow with `steps` that may be routers or model runners; the model of each stands
in `class_args` (mlrun/serving/states.py, RouterStep, TaskStep, ModelRunnerStep).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lineage.sources._model_claims import redacted

_MODEL_FIELDS = ("model_path", "model_artifact", "artifact_uri", "model_artifact_uri", "model_uri")
_HOLDERS = ("routes", "steps")
_MAX_ROUTES = 500
_MAX_DEPTH = 20


class Route(NamedTuple):
    """One model of a graph: the route's name, where the model is read from, and the field that says so."""

    name: str
    uri: str
    where: str


def routes(graph: Any, where: str) -> list[Route]:
    """Return the models of a graph in the order of their routes; of other steps nothing.

    >>> routes({"kind": "router", "routes": {"m1": {"class_args": {"model_path": "store://models/p/m:prod"}}}}, "g")
    [Route(name='m1', uri='store://models/p/m:prod', where='g.routes.m1.class_args.model_path')]
    """
    found: dict[tuple[str, str], Route] = {}
    for route in _walk(graph, where, "", 0):
        found.setdefault((route.name, route.uri), route)
        if len(found) == _MAX_ROUTES:
            break
    return list(found.values())


def _walk(step: Any, where: str, name: str, level: int) -> Iterator[Route]:
    if not isinstance(step, Mapping) or level > _MAX_DEPTH:
        return
    arguments = step.get("class_args")
    if isinstance(arguments, Mapping):
        yield from _models(arguments, f"{where}.class_args", name, 0)
    for field in _HOLDERS:
        held = step.get(field)
        if isinstance(held, Mapping):
            for inner, body in held.items():
                yield from _walk(body, f"{where}.{field}.{inner}", str(inner), level + 1)


def _models(value: Any, where: str, name: str, level: int) -> Iterator[Route]:
    if level > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _models(entry, f"{where}[{number}]", name, level + 1)
    elif isinstance(value, Mapping):
        for field in _MODEL_FIELDS:
            uri = value.get(field)
            if isinstance(uri, str) and uri.strip():
                yield Route(name or "model", redacted(uri.strip()), f"{where}.{field}")
                break
        models = value.get("models")
        if isinstance(models, Mapping):
            for inner, body in models.items():
                yield from _models(body, f"{where}.models.{inner}", str(inner), level + 1)
        if level and isinstance(value.get("model_parameters"), (Mapping, list)):
            yield from _models(value["model_parameters"], f"{where}.model_parameters", name, level + 1)
