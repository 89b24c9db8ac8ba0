"""What do a model, a bento and a deployment of BentoML say?

A bento is an image of its models, as a registered package is: a version of its own that the models are part of. It is
no deployment: that is what BentoCloud or a cluster does with it. Versions are random, so that the same tag in two
stores is the same thing, pushed and pulled (sources-ml 5); stores that give versions by hand are told apart by the
label `instance`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model import moment
from lineage.model.facts import Claim, Component, Coverage, Entity, Fact, Happened, Json, Key, Link, Workload
from lineage.model.moment import Moment, to_iso
from lineage.model.naming import dataset_at, model_version
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.source import Filtered, Origin, Problem
from lineage.sources._said import Said, kept, plains
from lineage.sources._withheld import table
from lineage.text import clip, dumps

_MODEL_URI = re.compile(r"(?:models|runs):/\S+")
_DATA_NAME = re.compile(r"(?i)(?:train(?:ing)?_?)?(?:data|dataset)(?:_?(?:uri|url|path|location|source))?")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_COMMIT_NAME = re.compile(r"(?i)(?:git[._-]?)?(?:commit|sha|revision)(?:[._-]?(?:id|sha))?")
_HOST = re.compile(r"https?://([\w.-]+)")
_SERVING = frozenset({"running", "scaled-to-zero", "unhealthy"})
"""States in which a deployment of BentoCloud serves (DeploymentStatus in bentoml/_internal/cloud/schemas)."""


def namespace_of(origin: Origin) -> str:
    """Return the registry of the models; that of the bentos lies below it."""
    instance = origin.label("instance")
    return f"bentoml:{instance}" if instance else "bentoml"


def split(tag: str) -> tuple[str, str]:
    """Return name and version of a tag.

    >>> split("churn_clf:ouxvv7cingzjqax4")
    ('churn_clf', 'ouxvv7cingzjqax4')
    """
    name, _, version = tag.partition(":")
    return name.strip(), version.strip()


def model(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a model.yaml states (ModelInfo in bentoml/_internal/models/model.py)."""
    namespace = namespace_of(origin)
    named = _named(said)
    if isinstance(named, Problem):
        yield named
        return
    name, version = named
    key = model_version(namespace, name, version)
    created = said.time("creation_time")
    metadata, labels, context = said.part("metadata"), said.part("labels"), said.part("context")
    source = _model_uri(metadata) or _model_uri(labels)
    yield Entity(
        key,
        kept(
            {
                "model": name,
                "version": version,
                **_created(created),
                "copied_from": source,
                "framework": context.text("framework_name") or said.text("module"),
                "bentoml_version": context.text("bentoml_version"),
                "python_version": context.text("python_version"),
                "git_commit": _commit(labels) or _commit(metadata),
                **table("metadata", plains(metadata.body)),
                **table("tags", plains(labels.body)),
            }
        ),
        created=created,
    )
    yield from _version_of(key, namespace, name, created)
    for field, value in sorted(metadata.body.items()):
        if isinstance(value, str) and _DATA_NAME.fullmatch(str(field)) and "://" in value:
            rule = f"metadata.{field}"
            yield Link(dataset_at(value.strip()), key, Relation.DERIVED, Basis.BY_NAME, rule, 0.6, at=created)
    yield from said.problems


def bento(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a bento.yaml states: its models stand at its top, at its runners or, since 1.2, at its services."""
    namespace = f"{namespace_of(origin)}/bentos"
    named = _named(said)
    if isinstance(named, Problem):
        yield named
        return
    name, version = named
    key = model_version(namespace, name, version)
    created = said.time("creation_time")
    labels = said.part("labels")
    held = dict(_models(said))
    yield Entity(
        key,
        kept(
            {
                "model": name,
                "version": version,
                "package": "bento",
                **_created(created),
                "service": said.text("service"),
                "models": sorted(held),
                "bentoml_version": said.text("bentoml_version"),
                "git_commit": _commit(labels),
                "base_image": said.part("image").text("base_image") or said.part("docker").text("base_image"),
                **table("tags", plains(labels.body)),
            }
        ),
        created=created,
    )
    yield from _version_of(key, namespace, name, created)
    for tag, (place, entry) in sorted(held.items()):
        part = _part(tag, entry, origin)
        if part is not None:
            yield Link(part, key, Relation.PART_OF, Basis.DECLARED, place, at=created)
    yield from said.problems


def _part(tag: str, entry: Said | None, origin: Origin) -> Key | None:
    if entry is not None and entry.text("registry") == "huggingface":
        about = entry.part("metadata")
        name, revision = split(tag)
        return model_version(
            "huggingface", about.text("model_id") or name, about.text("revision") or revision
        )
    name, version = split(tag)
    return model_version(namespace_of(origin), name, version) if name and version else None


def store(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a store as a whole states: which versions it held, and to which of them `latest` pointed."""
    namespace = namespace_of(origin)
    try:
        at = moment.parse(origin.label("observed_at") or said.text("at"), origin.label("timezone"))
    except ValueError:
        yield Filtered("listing-without-time")
        return
    for of, place in (("models", namespace), ("bentos", f"{namespace}/bentos")):
        listing = f"{place}/store"
        for tag in said.texts(of):
            name, version = split(tag)
            yield Entity(model_version(place, name, version), {}, at, listing)
        for name, version in sorted(said.part("latest").part(of).body.items()):
            yield Entity(Key(Kind.MODEL, place, name), {"aliases": {"latest": str(version)}}, at)
        yield Coverage(listing, str(Kind.MODEL_VERSION), at, at, complete=True)
    yield from said.problems


def deployment(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what an entry of `bentoml deployment list -o json` states (Deployment.to_dict in cloud/deployment.py).

    Its times name no zone: BentoCloud writes them in UTC. Who made the deployment is named, who changed it is not.
    """
    name = said.text("name")
    if not name:
        yield Problem("missing-field", "the deployment has no name", "name")
        return
    host = _HOST.match(said.text("admin_console"))
    place = origin.label("instance") or said.text("organization") or (host[1] if host else "bentocloud")
    key = Key(Kind.TARGET, f"bentocloud://{place}/{said.text('cluster') or 'default'}", name)
    status, config = said.part("status"), said.part("config")
    created = said.time("created_at") or status.time("created_at")
    updated = status.time("updated_at") or created
    state = status.text("status").lower().replace("_", "-")
    creator = said.text("created_by")
    tag = said.text("bento") or config.text("bento")
    listing = f"bentoml-deployments:{key.namespace}"
    observed = origin.label("observed_at")
    at = _observed(said, observed, origin) if observed else updated
    attributes = kept(
        {
            "platform": "bentoml",
            "status": state,
            "bento": tag,
            "creator": creator,
            "url": ", ".join(said.texts("endpoint_urls")),
            "environment": origin.label("environment"),
        }
    )
    yield Entity(key, attributes, at, listing if at else "", created)
    if at is None:
        said.wrong("missing-field", "nothing says when this was so", "status.updated_at", "")
    elif state in _SERVING and tag:
        unchanged = bool(creator and created and updated and created.lo == updated.lo)
        yield Happened(
            "observe",
            key,
            at,
            id=f"{listing}/{name}@{to_iso(updated.lo)}" if updated and not observed else "",
            actor=Key(Kind.ACTOR, "bentocloud", creator) if unchanged else None,
            workload=_workload(tag, config),
            listing=listing,
            detail=kept(
                {
                    "environment": origin.label("environment"),
                    "creator": creator,
                    "created_at": created.lo if created else None,
                    "spec_changed": to_iso(updated.lo) if updated else "",
                }
            ),
        )
    if at is not None:
        yield Coverage(listing, str(Kind.TARGET), at, at, complete=bool(observed))
    yield from said.problems


def _workload(tag: str, config: Said) -> Workload:
    name, version = split(tag)
    claims = (Claim("name", name, "bento"), Claim("version-label", version, "bento"))
    scaling = config.part("scaling")
    resources: dict[str, Json] = kept(
        {
            "min_replicas": scaling.text("min_replicas"),
            "max_replicas": scaling.text("max_replicas"),
            "instance_type": config.text("instance_type"),
        }
    )
    print_ = hashlib.sha256(dumps({"bento": tag, "config": dict(config.body)})).hexdigest()
    component = Component("bento", claims=tuple(claim for claim in claims if claim.value))
    return Workload("bentoml", (component,), print_, resources)


def _observed(said: Said, observed: str, origin: Origin) -> Moment | None:
    try:
        return moment.parse(observed, origin.label("timezone"))
    except ValueError as error:
        said.wrong("bad-time", f"the label observed_at is no time: {error}", "observed_at", observed)
        return None


def _named(said: Said) -> tuple[str, str] | Problem:
    name, version = said.text("name"), said.text("version")
    if not name or not version:
        missing = "version" if name else "name"
        return Problem("missing-field", f"there is no {missing}", missing, clip(said.body.get(missing)))
    return name, version


def _created(created: Moment | None) -> dict[str, Json]:
    return {"created_at": to_iso(created.lo)} if created else {}


def _version_of(key: Key, namespace: str, name: str, created: Moment | None) -> Iterator[Fact]:
    yield Link(key, Key(Kind.MODEL, namespace, name), Relation.VERSION_OF, Basis.DECLARED, "name")
    if created:
        yield Happened("register", key, created, f"{key.namespace}/{key.name}#register")


def _models(said: Said) -> Iterator[tuple[str, tuple[str, Said | None]]]:
    """Yield the tag of each model with the field that names it; a service may depend on services."""
    for number, entry in enumerate(said.entries("models")):
        place = f"{said.place('models')}[{number}]"
        if isinstance(entry, dict):
            one = Said(entry, said.zone, place, said.problems)
            tag = one.text("tag")
            if tag:
                yield tag, (f"{place}.tag", one)
        elif isinstance(entry, str) and entry:
            yield entry, (place, None)
        elif entry is not None:
            said.wrong("bad-value", "this is no model", f"models[{number}]", entry)
    for field in ("services", "runners", "dependencies"):
        entries = said.entries(field) if isinstance(said.body.get(field), list) else []
        for number, entry in enumerate(entries):
            if isinstance(entry, dict):
                place = f"{said.place(field)}[{number}]"
                yield from _models(Said(entry, said.zone, place, said.problems))


def _model_uri(holder: Said) -> str:
    values: Mapping[str, Any] = holder.body
    found = (value.strip() for _, value in sorted(values.items()) if isinstance(value, str))
    return next((value for value in found if _MODEL_URI.fullmatch(value)), "")


def _commit(holder: Said) -> str:
    for name, value in sorted(holder.body.items()):
        if isinstance(value, str) and _COMMIT_NAME.fullmatch(str(name)) and _COMMIT.fullmatch(value):
            return value
    return ""
