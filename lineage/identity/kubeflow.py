"""Which model and which services does a version of Kubeflow's registry belong to, where its record names them by id?

The registry's answers name other entries by id alone, so what several records say is brought together here. Ids are
counted anew in each registry: only entries of one instance are joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lineage.store.asking import Thing

_REGISTRY = "kubeflow:"
_SERVICES = "kubeflow-registry://"
_SERVICE_TAG = "modelregistry.kubeflow.org/inference-service-id"


@dataclass(frozen=True, slots=True)
class ById:
    """What the registries hold, by instance and id.

    Attributes:
        models: the name of each registered model; services: the inference services of each version.
    """

    models: Mapping[tuple[str, str], str]
    services: Mapping[tuple[str, str], tuple[str, ...]]

    def model_of(self, version: Thing) -> str:
        """Return the name of the model of a version that knows only its id; empty when there is none."""
        number = version.attributes.get("registered_model_id")
        return self.models.get((_instance(version.namespace), str(number)), "") if number else ""

    def tags_of(self, version: Thing) -> dict[str, str]:
        """Return a tag for each inference service of the registry that is there to serve the version."""
        number = version.attributes.get("id")
        if not number or not version.namespace.startswith(_REGISTRY):
            return {}
        found = self.services.get((_instance(version.namespace), str(number)), ())
        return {f"{_SERVICE_TAG}/{service}": service for service in found}


def by_id(models: Iterable[Thing], targets: Iterable[Thing]) -> ById:
    """Bring together what the entries of Kubeflow's registries say of each other by id."""
    named = {
        (_instance(model.namespace), str(model.attributes["id"])): model.name
        for model in models
        if model.namespace.startswith(_REGISTRY) and model.attributes.get("id")
    }
    services: dict[tuple[str, str], set[str]] = {}
    for target in targets:
        service = target.attributes.get("inference_service_id")
        version = target.attributes.get("model_version_id")
        if target.namespace.startswith(_SERVICES) and service and version:
            place = (_instance(target.namespace), str(version))
            services.setdefault(place, set()).add(str(service))
    return ById(named, {place: tuple(sorted(found)) for place, found in services.items()})


def _instance(namespace: str) -> str:
    """Return the instance in a namespace of a registry.

    >>> _instance("kubeflow:prod/model-versions"), _instance("kubeflow-registry://prod/inference-services")
    ('prod', 'prod')
    """
    name = namespace.removeprefix(_SERVICES).removeprefix(_REGISTRY)
    for ending in ("/registered-models", "/model-versions", "/inference-services"):
        name = name.removesuffix(ending)
    return name
