"""Which models does a Nuclio function serve? Those of its MLRun serving graph, else what its variables name.

MLRun puts the graph as JSON into the variable `SERVING_SPEC_ENV` (`_get_serving_spec` in mlrun/runtimes/nuclio), and
version 1 of its servers a model a variable, `SERVING_MODEL_<name>`. The graph may hold secrets: only the models of its
routes are taken. A function is built before anything serves: its states are those of nuclio's
pkg/functionconfig/types.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineage.source import Problem
from lineage.sources._model_claims import items, mapping, notes_of, scalar
from lineage.sources._serving_graph import routes
from lineage.sources._workload_parts import Draft
from lineage.text import MalformedError, loads

RESOURCE = "nucliofunctions"
_GRAPH = "SERVING_SPEC_ENV"
_MODEL = "SERVING_MODEL_"
_MOUNTED = "/tmp/mlrun/serving-conf"  # noqa: S108 - MLRun's own path inside the container
"""Where MLRun mounts a graph too long for a variable (mlrun/common/constants.py); the object does not hold it."""
_NOT_YET = frozenset({"waitingForBuild", "building", "imported", "error"})


def serves_nothing_yet(resource: str, body: Mapping[str, Any]) -> bool:
    """Tell whether `body` is a Nuclio function that is only being built, was imported without, or could not be built.

    >>> serves_nothing_yet("nucliofunctions", {"status": {"state": "building"}})
    True
    """
    return resource == RESOURCE and scalar(mapping(body.get("status")).get("state")) in _NOT_YET


def nuclio_function(draft: Draft, spec: Mapping[str, Any]) -> None:
    """Read a NuclioFunction; one that is disabled gets no traffic."""
    weight = 0.0 if scalar(spec.get("disabled")) == "true" else None
    plain: list[Any] = []
    found: list[tuple[str, Any, str]] = []
    for number, entry in enumerate(items(spec.get("env"))):
        name, where = scalar(mapping(entry).get("name")), f"spec.env[{number}].value"
        value = mapping(entry).get("value")
        if name == _GRAPH:
            found += _routes(draft, value, where)
        elif name.startswith(_MODEL):
            found.append((name.removeprefix(_MODEL), value, where))
        else:
            plain.append(entry)
            continue
        # The others keep their places, by which claims are found again.
        plain.append(None)
    for name, uri, where in found:
        clues = draft.part(name, weight, holds_model=True)
        draft.uri(clues, uri, where)
        clues.name(name, where)
    function = draft.part("function", weight, holds_model=not found)
    unread = len(draft.problems) > 0 or any(
        scalar(mapping(mapping(entry).get("volumeMount")).get("mountPath")).startswith(_MOUNTED)
        for entry in items(spec.get("volumes"))
    )
    if unread and not found:
        # It serves a graph, of which this object does not say what is in it: "model unknown" is the answer.
        function.evident = True
    function.container({"image": spec.get("image"), "env": plain}, "spec")
    metadata = mapping(draft.body.get("metadata"))
    if not found:
        function.notes(notes_of(metadata.get("annotations")), "metadata.annotations")
    draft.amounts(spec)


def _routes(draft: Draft, value: Any, where: str) -> list[tuple[str, Any, str]]:
    if not value:
        return []
    try:
        graph = mapping(loads(scalar(value))).get("graph")
    except MalformedError as error:
        draft.problems.append(Problem(error.code, f"the serving graph: {error.reason}", where, fatal=False))
        return []
    return [(route.name, route.uri, route.where) for route in routes(graph, f"{where}.graph")]
