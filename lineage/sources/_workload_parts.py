"""What do the parts of a Kubernetes workload have in common? Containers, shares of traffic, amounts of resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from lineage.model.facts import Json
from lineage.source import Problem
from lineage.sources._model_claims import Clues, items, mapping, notes_of, scalar
from lineage.text import clip

_MAIN_CONTAINERS = ("kserve-container", "main", "user-container")
_ACCELERATORS = ("gpu", "gaudi", "neuron", "tpu", "nvidia.com/mig")


class Part(NamedTuple):
    name: str
    clues: Clues
    weight: float | None
    holds_model: bool


class Draft:
    """A workload while it is read."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        self.parts: list[Part] = []
        self.resources: dict[str, Json] = {}
        self.problems: list[Problem] = []

    def part(self, name: str, weight: float | None = None, *, holds_model: bool = False) -> Clues:
        clues = Clues()
        self.parts.append(Part(name, clues, weight, holds_model))
        return clues

    def share(self, value: Any, where: str) -> float | None:
        """Return a percentage as a share, 0..1; anything else is a problem."""
        if value is None:
            return None
        try:
            percent = float(scalar(value))
        except ValueError:
            percent = -1.0
        if 0 <= percent <= 100:
            return round(percent / 100, 6)
        self.problems.append(
            Problem("bad-value", "a share of traffic is 0 to 100", where, clip(value), fatal=False)
        )
        return None

    def uri(self, clues: Clues, value: Any, where: str) -> None:
        if value is not None and not isinstance(value, str):
            self.problems.append(Problem("bad-value", "a URI is text", where, clip(value), fatal=False))
        else:
            clues.model(value, where)

    def amounts(self, holder: Mapping[str, Any]) -> None:
        """Take replicas, cpu, memory and accelerators; limits before requests, the first part that says so."""
        resources = mapping(holder.get("resources"))
        found: dict[str, str] = {}
        for amounts in (mapping(resources.get("requests")), mapping(resources.get("limits"))):
            for name, amount in amounts.items():
                if name in {"cpu", "memory"}:
                    found[name] = scalar(amount)
                elif any(kind in name.lower() for kind in _ACCELERATORS):
                    found["gpu"] = scalar(amount)
                    found["gpu_type"] = name
        for name, field in (
            ("replicas", "replicas"),
            ("min_replicas", "minReplicas"),
            ("max_replicas", "maxReplicas"),
        ):
            found[name] = scalar(holder.get(field))
        for name, amount in found.items():
            if amount:
                self.resources.setdefault(name, amount)


def pod(draft: Draft, template: Mapping[str, Any], where: str, weight: float | None = None) -> None:
    pod = mapping(template.get("spec"))
    containers = items(pod.get("containers"))
    main = main_container(containers)
    metadata = mapping(template.get("metadata"))
    for number, container in enumerate(containers):
        clues = draft.part(container_name(container, number), weight, holds_model=True)
        clues.container(mapping(container), f"{where}.spec.containers[{number}]")
        if number == main:
            draft.amounts(mapping(container))
            for initial, before in enumerate(items(pod.get("initContainers"))):
                without_image = {**mapping(before), "image": None}
                clues.container(without_image, f"{where}.spec.initContainers[{initial}]")
            for field in ("annotations", "labels"):
                clues.notes(notes_of(metadata.get(field)), f"{where}.metadata.{field}")


def container_name(container: Any, number: int) -> str:
    return scalar(mapping(container).get("name")) or f"container-{number}"


def main_container(containers: list[Any]) -> int:
    names = [scalar(mapping(container).get("name")) for container in containers]
    return next((names.index(name) for name in _MAIN_CONTAINERS if name in names), 0)
