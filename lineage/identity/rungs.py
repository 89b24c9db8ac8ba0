"""What does each rule of the registry ladder find for a part of a workload?

One function a rule of sources-ops 7, in its order; the policy that weighs them is in `lineage.identity.registry`.
Paths are compared by segment, never by their letters (`v1` and `v10`, `fraud` and `fraud-eu`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from lineage.identity.versions import (
    ModelUri,
    Registry,
    VersionRow,
    digests,
    existed,
    in_order,
    location,
    logged_models,
    model_uri,
    runs,
)
from lineage.model.facts import Claim, Component, Workload
from lineage.model.vocabulary import LinkRule

EXACT = "exact"
STRONG = "strong"
MEDIUM = "medium"
WEAK = "weak"
NONE = "none"

PACKAGE = re.compile(r"arn:aws[\w-]*:sagemaker:[\w-]*:\d*:model-package/([^/\s]+)/(\d+)$")
_CLOUD_IDS = (
    re.compile(r"(?:^|/)models/([^/@\s]+)@([^/@\s]+)$"),
    re.compile(r"(?:^|/)models/([^/\s]+)/versions/([^/\s]+)/?$", re.IGNORECASE),
    re.compile(r"azureml:([^:/\s]+):([^:/\s]+)$"),
)
"""Vertex AI, Azure ML, and Azure ML's short form."""
_CLOUD_STARTS = ("azureml:", "projects/", "/subscriptions/", "//aiplatform", "https://management.azure.com/")

_URI_VARIABLES = ("MLFLOW_MODEL_URI", "MLSERVER_MODEL_URI", "STORAGE_URI", "MODEL_URI")
_SYNCED_GROUP = re.compile(r"(.+)-[0-9a-f]{6}$")
_REGISTRY_LABEL = re.compile(r"mlflow|registry", re.IGNORECASE)
_HOST = re.compile(r"\w+://([^/:]+)")
_NAME_LABEL = "app.kubernetes.io/name"
_KUBEFLOW_VERSION = "modelregistry.kubeflow.org/model-version-id"
_KUBEFLOW_MODEL = "modelregistry.kubeflow.org/registered-model-id"
_KUBEFLOW_SERVICE = "modelregistry.kubeflow.org/inference-service-id"
NEWEST = "newest"
"""The version of a registry label that names a model by its id and no version."""
OF_SERVICE = "inference-service"
"""What stands for the model in a registry label that names the registry's own inference service by its id."""


@dataclass(frozen=True, slots=True)
class Match:
    """What one claim leads to.

    Attributes:
        rows: the versions it may mean; none = it names something that no registry has.
        model: the model it names, where it names one with a version.
        others: what it may mean as well, by what nobody saw.
    """

    rows: tuple[VersionRow, ...]
    claim: Claim
    confidence: str
    model: str = ""
    others: tuple[VersionRow, ...] = ()


class Given:
    """A part of a workload with everything on it that may name a model version."""

    def __init__(self, component: Component, workload: Workload, at: int, registry: Registry) -> None:
        self.component = component
        self.workload = workload
        self.at = at
        self.registry = registry
        claims = list(component.claims)
        if component.uri:
            claims.append(Claim(_uri_kind(component.uri), component.uri, "uri"))
        if component.image:
            claims.append(Claim("image", component.image, "image"))
        claims.extend(
            Claim(_uri_kind(component.env[name]), component.env[name], f"env.{name}")
            for name in _URI_VARIABLES
            if component.env.get(name)
        )
        digest = workload.resources.get("image_digest")
        if isinstance(digest, str) and len(workload.components) == 1:
            claims.append(Claim("image", digest, "image_digest"))
        unique: dict[tuple[str, str], Claim] = {}
        for claim in claims:
            unique.setdefault((claim.kind, claim.value), claim)
        self.claims = tuple(unique.values())

    def of(self, *kinds: str) -> list[Claim]:
        """Return the claims of these kinds, in the order of `kinds`."""
        return [claim for kind in kinds for claim in self.claims if claim.kind == kind]

    @cached_property
    def uris(self) -> list[tuple[Claim, ModelUri]]:
        """The claims that are model URIs, taken apart."""
        found = [(claim, model_uri(claim.value)) for claim in self.claims]
        return [(claim, said) for claim, said in found if said is not None]

    @cached_property
    def hints(self) -> frozenset[str]:
        """What labels, annotations and variables say of the registry: its name, workspace or host."""
        carried = {**self.workload.labels, **self.workload.annotations, **self.component.env}
        values = {value.lower() for name, value in carried.items() if _REGISTRY_LABEL.search(name)}
        hosts = {found[1] for value in values if (found := _HOST.match(value))}
        return frozenset(values | hosts)


def _uri_kind(uri: str) -> str:
    return "model-uri" if model_uri(uri) is not None else "artifact-uri"


def _by_model_uri(given: Given) -> Iterable[Match]:
    for claim, said in given.uris:
        if said.name and said.version and not claim.value.startswith("model-registry:"):
            yield Match(given.registry.named(said.name, said.version), claim, EXACT, said.name)


def _by_registry_label(given: Given) -> Iterable[Match]:
    for claim, said in given.uris:
        if said.name and said.version and claim.value.startswith("model-registry:"):
            yield Match(given.registry.named(said.name, said.version), claim, STRONG, said.name)
    for claim in given.of("registry-label"):
        if model_uri(claim.value) is not None:
            continue
        model, _, version = claim.value.rpartition("/")
        if model and version == NEWEST:
            continue
        if model == OF_SERVICE:
            served = given.registry.by_tag.get(version, ())
            rows = tuple(row for row in served if row.tags.get(f"{_KUBEFLOW_SERVICE}/{version}") == version)
            if rows:
                yield Match(rows, claim, STRONG)
            continue
        by_id = tuple(
            row
            for row in given.registry.by_tag.get(version, ())
            if row.tags.get(_KUBEFLOW_VERSION) == version
            and (not model or row.tags.get(_KUBEFLOW_MODEL, model) == model)
        )
        if by_id:
            yield Match(by_id, claim, EXACT)
        elif model:
            yield Match(given.registry.by_version.get((model, version), ()), claim, STRONG, model)


def _by_package(given: Given) -> Iterable[Match]:
    for claim in given.claims:
        found = PACKAGE.match(claim.value.strip())
        if found:
            rows = given.registry.by_tag.get(claim.value.strip(), ()) or given.registry.named(
                found[1], found[2]
            )
            synced = _SYNCED_GROUP.match(found[1])
            if not rows and synced:
                rows = given.registry.named(synced[1], found[2])
            yield Match(rows, claim, EXACT, found[1])


def _by_digest(given: Given) -> Iterable[Match]:
    for claim in given.of("image"):
        for digest in digests(claim.value):
            yield Match(given.registry.by_digest.get(digest, ()), claim, EXACT)


def _by_location(given: Given) -> Iterable[Match]:
    for claim in given.of("artifact-uri"):
        place = location(claim.value)
        if place is not None:
            yield Match(given.registry.by_location.get(place, ()), claim, EXACT)


def _below_location(given: Given) -> Iterable[Match]:
    for claim in given.of("artifact-uri"):
        place = location(claim.value)
        if place is None or place in given.registry.by_location:
            continue
        store, segments = place
        for length in range(len(segments) - 1, 0, -1):
            rows = given.registry.by_location.get((store, segments[:length]), ())
            if rows:
                yield Match(rows, claim, STRONG)
                break


def _by_id(given: Given) -> Iterable[Match]:
    texts = [
        *given.claims,
        *(Claim("env", value, f"env.{name}") for name, value in given.component.env.items()),
    ]
    for claim in texts:
        if claim.kind in {"image", "git-commit"}:
            continue
        logged = [row for one in logged_models(claim.value) for row in given.registry.by_logged.get(one, ())]
        if logged:
            yield Match(in_order(logged), claim, STRONG)
            continue
        said = model_uri(claim.value)
        for run in [said.run] if said is not None and said.run else runs(claim.value):
            rows = given.registry.by_run.get(run, ())
            if said is not None and said.path and len(rows) > 1:
                rows = tuple(row for row in rows if _ends(row, said.path)) or rows
            yield Match(rows, claim, STRONG)


def _ends(row: VersionRow, path: str) -> bool:
    wanted = path.strip("/").split("/")
    return any(
        uri.strip("/").split("/")[-len(wanted) :] == wanted for uri in (row.storage_location, row.source)
    )


def _by_cloud_id(given: Given) -> Iterable[Match]:
    for claim in given.claims:
        found = cloud_id(claim)
        if found is not None:
            yield Match(given.registry.named(*found), claim, EXACT, found[0])


def cloud_id(claim: Claim) -> tuple[str, str] | None:
    """Return model and version of a cloud registry's own id; None for a claim that is none."""
    if claim.kind != "cloud-registry-id" and not claim.value.lower().startswith(_CLOUD_STARTS):
        return None
    found = next((found for pattern in _CLOUD_IDS if (found := pattern.search(claim.value))), None)
    return (found[1], found[2]) if found else None


def _by_alias(given: Given) -> Iterable[Match]:
    """Where an alias, a stage or `latest` stood at the time; `latest` is the newest version there was."""
    for claim, said in given.uris:
        if said.alias or said.stage:
            stood = given.registry.on_alias(said.name, said.alias or said.stage, given.at)
            places = {row.namespace for row in stood.rows}
            there = given.registry.existing(said.name, given.at)
            others = () if stood.sure else tuple(row for row in there if row.namespace in places)
            yield Match(stood.rows, claim, STRONG if stood.evidenced else MEDIUM, others=others)
        elif said.latest:
            there = given.registry.existing(said.name, given.at)
            newest = {row.namespace: row for row in there}
            if all(row.created_at is not None for row in there):
                yield Match(tuple(newest.values()), claim, MEDIUM)
    for claim in given.of("registry-label"):
        # Without a version, Kubeflow's registry takes "the latest ModelVersion by creation order".
        model, _, version = claim.value.rpartition("/")
        if model and version == NEWEST:
            named = given.registry.by_tag.get(model, ())
            there = tuple(
                row for row in named if row.tags.get(_KUBEFLOW_MODEL) == model and existed(row, given.at)
            )
            if there and all(row.created_at is not None for row in there):
                newest = {row.namespace: row for row in in_order(there)}
                yield Match(tuple(newest.values()), claim, MEDIUM)


def _by_path(given: Given) -> Iterable[Match]:
    for claim in given.of("artifact-uri"):
        place = location(claim.value)
        segments = place[1] if place else ()
        for name, version in reversed(list(pairwise(segments))):
            rows = given.registry.named(name, version)
            if rows:
                yield Match(rows, claim, MEDIUM, name)
                break


def _by_template(given: Given) -> Iterable[Match]:
    names = [*(claim.value for claim in given.of("name")), given.workload.labels.get(_NAME_LABEL, "")]
    for claim in given.of("template-annotation", "version-label"):
        name, _, version = claim.value.strip().strip("/").rpartition("/")
        for called in [name] if name else names:
            rows = given.registry.named(called, version)
            if rows:
                yield Match(rows, claim, MEDIUM, called)
                break


def _by_image_tag(given: Given) -> Iterable[Match]:
    for claim in given.of("image", "artifact-uri"):
        if claim.kind == "image" or claim.value.startswith("oci"):
            name, _, tag = claim.value.partition("@")[0].rpartition("/")[2].partition(":")
            if tag:
                yield Match(given.registry.named(name, tag), claim, WEAK, name)


def _by_commit(given: Given) -> Iterable[Match]:
    for claim in given.of("git-commit"):
        commit = claim.value.strip().lower()
        rows = given.registry.by_commit.get(commit, ())
        if not rows and 7 <= len(commit) < 40:
            found = (known for sha, known in given.registry.by_commit.items() if sha.startswith(commit))
            rows = in_order(row for known in found for row in known)
        yield Match(rows, claim, WEAK)


RUNGS: tuple[tuple[LinkRule, Callable[[Given], Iterable[Match]]], ...] = (
    (LinkRule.MODEL_URI, _by_model_uri),
    (LinkRule.REGISTRY_LABEL, _by_registry_label),
    (LinkRule.MODEL_PACKAGE, _by_package),
    (LinkRule.IMAGE_DIGEST, _by_digest),
    (LinkRule.ARTIFACT_URI, _by_location),
    (LinkRule.ARTIFACT_URI_BELOW, _below_location),
    (LinkRule.RUN_OR_LOGGED_MODEL_ID, _by_id),
    (LinkRule.CLOUD_REGISTRY_ID, _by_cloud_id),
    (LinkRule.ALIAS, _by_alias),
    (LinkRule.PATH_CONVENTION, _by_path),
    (LinkRule.TEMPLATE_ANNOTATION, _by_template),
    (LinkRule.IMAGE_TAG, _by_image_tag),
    (LinkRule.GIT_COMMIT, _by_commit),
)
"""Every rule but the two ends of the ladder, strongest first."""
