"""What do an artifact, a run, a function, a model endpoint and a project of MLRun say?

Field names are those of MLRun's DB API (mlrun/artifacts/base.py and model.py, mlrun/model.py RunObject,
mlrun/common/schemas/model_monitoring/model_endpoints.py). A run's label `owner` is the user who started it: MLRun's
client sets it (mlrun/launcher/base.py). A list shows an artifact once for each of its tags.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from lineage.model import moment, naming
from lineage.model.facts import (
    Alias,
    Claim,
    Component,
    Entity,
    Fact,
    Happened,
    Key,
    Link,
    Run,
    Workload,
)
from lineage.model.moment import LAST, Moment, to_iso
from lineage.model.naming import dataset, dataset_at, model_version
from lineage.model.vocabulary import TERMINAL, Basis, Kind, Relation, RunState
from lineage.source import Filtered, Origin, Problem
from lineage.sources._mlrun_names import namespace_of, producer_run, stored, thing_at, version_of
from lineage.sources._said import Said, kept, plains
from lineage.sources._serving_graph import routes
from lineage.sources._withheld import table
from lineage.text import dumps

_STATES = {
    "completed": RunState.COMPLETE,
    "error": RunState.FAIL,
    "aborted": RunState.ABORT,
    "running": RunState.RUNNING,
    "aborting": RunState.RUNNING,
    **dict.fromkeys(("created", "pending", "unknown", "skipped", "pendingretry"), RunState.OTHER),
}
_UNKNOWN = Moment(0, LAST)
_DATA = frozenset({"dataset", "table"})
_SERVING = frozenset({"serving", "remote", "nuclio", "nuclio:serving"})


def artifact(
    said: Said, origin: Origin, project: str = "", tags: Sequence[str] = ()
) -> Iterator[Fact | Problem | Filtered]:
    """Say what an artifact states; `tags` are those of the other entries of a list that show the same one."""
    about = said.part("metadata") if "metadata" in said.body else said
    spec = said.part("spec") if "spec" in said.body else said
    kind = said.text("kind")
    key = spec.text("db_key") or about.text("key") or spec.text("key")
    if not key:
        yield Problem("missing-field", "the artifact has no key", "metadata.key")
        return
    if kind != "model" and kind not in _DATA:
        yield Filtered("artifact-kind")
        return
    namespace = namespace_of(origin, about.text("project") or project)
    version = identity_of(said)
    created = about.time("created", "updated") or said.time("created", "updated")
    place = spec.text("target_path") or (spec.text("model_url") if kind == "model" else "")
    producer = spec.part("producer") if isinstance(spec.body.get("producer"), dict) else Said({})
    made_by = producer_run(producer.text("uri"), origin) if producer.text("kind") == "run" else None
    common = kept(
        {
            **({"created_at": to_iso(created.lo)} if created else {}),
            "description": about.text("description"),
            "producer": producer.text("uri"),
            "workflow": producer.text("workflow"),
        }
    )
    if kind in _DATA:
        thing = dataset(f"{namespace}/artifacts", key)
        entry = kept(
            {
                "version": version,
                "digest": about.text("hash"),
                "tags": sorted({about.text("tag"), *tags} - {""}),
            }
        )
        yield Entity(
            thing,
            kept(
                {
                    **common,
                    "names": [about.text("key") or key],
                    "source_type": "mlrun",
                    "versions": [entry] if entry else [],
                }
            ),
        )
        if "://" in place or place.startswith("/"):
            yield Alias(thing, dataset_at(place), "target_path")
        if made_by:
            detail = {"version": version} if version else {}
            yield Link(
                made_by[0],
                thing,
                Relation.OUTPUT,
                Basis.OBSERVED,
                "producer.uri",
                run=made_by[0],
                at=created,
                detail=dict(detail),
            )
        yield from said.problems
        return
    model = Key(Kind.MODEL, namespace, key)
    if not version:
        yield Entity(model, kept({"declared": True, "uri": place, **common}))
        yield from said.problems
        return
    thing = model_version(namespace, key, version)
    labels = about.part("labels")
    owner = labels.text("owner") or producer.text("owner")
    yield Entity(
        thing,
        {
            **kept(
                {
                    "model": key,
                    "version": version,
                    **common,
                    **({"created_by": owner, "created_by_basis": "owner (client-side)"} if owner else {}),
                    "run_id": made_by[1] if made_by else "",
                    "uri": place,
                    "storage_location": place,
                    "model_file": spec.text("model_file"),
                    "framework": spec.text("framework"),
                    "algorithm": spec.text("algorithm"),
                    "feature_vector": spec.text("feature_vector"),
                    **table("params", plains(spec.part("parameters").body)),
                    **table("metrics", plains(spec.part("metrics").body)),
                    **table("tags", {**plains(labels.body), **kept({"mlrun.uid": about.text("uid")})}),
                }
            ),
            "aliases": sorted({about.text("tag"), *tags} - {""}),
        },
        _observed(said, origin),
        created=created,
    )
    yield Link(thing, model, Relation.VERSION_OF, Basis.DECLARED, "metadata.key")
    if made_by:
        yield Link(
            made_by[0], thing, Relation.PRODUCED, Basis.OBSERVED, "producer.uri", run=made_by[0], at=created
        )
    vector = thing_at(spec.text("feature_vector"), origin)
    if vector is not None:
        yield Link(vector.key, thing, Relation.INPUT, Basis.DECLARED, "spec.feature_vector", at=created)
    if created:
        yield Happened("register", thing, created, f"{namespace}/{thing.name}#register")
    yield from said.problems


def identity_of(said: Said) -> str:
    """Return the version of an artifact."""
    about = said.part("metadata") if "metadata" in said.body else said
    return version_of(about.text("tree"), about.text("iter"), about.text("uid"))


def run(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a run states."""
    about, spec, status = said.part("metadata"), said.part("spec"), said.part("status")
    uid = about.text("uid")
    if not uid:
        yield Problem("missing-field", "the run has no uid", "metadata.uid")
        return
    if about.text("iteration", "iter") not in {"", "0"}:
        yield Filtered("iteration")
        return
    namespace = namespace_of(origin, about.text("project"))
    key = Key(Kind.RUN, namespace, uid)
    word = status.text("state")
    state = _STATES.get(word.lower(), RunState.OTHER)
    if word and word.lower() not in _STATES:
        said.wrong("unknown-status", "the run's state is none of MLRun's", "status.state", word)
    started, changed = status.time("start_time"), status.time("end_time", "last_update")
    ended = changed if state in TERMINAL else None
    labels = about.part("labels")
    owner = labels.text("owner", "v3io_user")
    inputs = spec.part("inputs")
    used = [thing for name in inputs.body if (thing := thing_at(inputs.text(str(name)), origin)) is not None]
    uris = status.part("artifact_uris")
    made = [thing for name in uris.body if (thing := thing_at(uris.text(str(name)), origin)) is not None]
    yield Run(
        key,
        Key(Kind.JOB, namespace, about.text("name") or "run"),
        state,
        changed or started or _UNKNOWN,
        inputs=tuple(sorted(use for use in used if use.key.kind is Kind.DATASET)),
        outputs=tuple(sorted(use for use in made if use.key.kind is Kind.DATASET)),
        started=started,
        ended=ended,
        individual=True,
        actor=Key(Kind.ACTOR, "mlrun", owner) if owner else None,
        attributes=kept(
            {
                "name": about.text("name"),
                "status": word,
                "user": owner,
                "function": spec.text("function"),
                "handler": spec.text("handler"),
                "kind": labels.text("kind"),
                "workflow": labels.text("workflow", "workflow-id"),
                "host": labels.text("host"),
                "status_message": status.text("error", "status_text"),
                **table("params", plains(spec.part("parameters").body)),
                **table("metrics", plains(status.part("results").body)),
            }
        ),
    )
    for thing in used:
        if thing.key.kind is not Kind.DATASET:
            yield Link(thing.key, key, Relation.INPUT, Basis.OBSERVED, "spec.inputs", run=key, at=started)
    for thing in made:
        if thing.key.kind is Kind.MODEL_VERSION:
            yield Link(
                key, thing.key, Relation.PRODUCED, Basis.OBSERVED, "status.artifact_uris", run=key, at=ended
            )
    yield from said.problems


def function(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a function states; only one that serves and is ready was deployed, as its own status says.

    With the label `cluster` it is the very object that the cluster shows (`namespace`: MLRun's, `mlrun` by default).
    """
    about, spec, status = said.part("metadata"), said.part("spec"), said.part("status")
    name, kind = about.text("name"), said.text("kind")
    found = routes(spec.body.get("graph"), "spec.graph")
    if kind not in _SERVING or not found:
        yield Filtered("serves-no-model")
        return
    if not name:
        yield Problem("missing-field", "the function has no name", "metadata.name")
        return
    project, tag = about.text("project"), about.text("tag")
    nuclio = status.text("nuclio_name") or "-".join(
        filter(None, (project, name, tag if tag != "latest" else ""))
    )
    cluster = origin.label("cluster")
    if cluster:
        key = naming.target(cluster, origin.label("namespace") or "mlrun", "nucliofunctions", nuclio)
    else:
        key = Key(
            Kind.TARGET, f"mlrun://{origin.label('instance') or 'mlrun'}", f"{project or 'default'}/{nuclio}"
        )
    at = about.time("updated")
    state = status.text("state")
    attributes = kept(
        {
            "platform": "nuclio",
            "kind": kind,
            "status": state,
            "project": project,
            "function": name,
            "hash": about.text("hash"),
            "url": ", ".join(status.texts("external_invocation_urls")) or status.text("address"),
            "environment": origin.label("environment"),
        }
    )
    if state.lower() != "ready" or at is None:
        uris = [route.uri for route in found]
        yield Entity(key, {**attributes, "declared": True, "declared_uris": uris}, at)
        yield from said.problems
        return
    components = tuple(
        Component(
            route.name,
            route.uri,
            spec.text("image"),
            claims=(Claim("model-uri" if stored(route.uri) else "artifact-uri", route.uri, route.where),),
        )
        for route in found
    )
    told = hashlib.sha256(dumps([[route.name, route.uri] for route in found])).hexdigest()
    yield Entity(key, attributes, at)
    yield Happened(
        "observe",
        key,
        at,
        workload=Workload("nuclio", components, told),
        detail=kept({"environment": origin.label("environment"), "ready": state}),
    )
    yield from said.problems


def endpoint(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a model endpoint states: a monitor of one route, with the model it saw and when it was last asked."""
    about, spec, status = said.part("metadata"), said.part("spec"), said.part("status")
    uid = about.text("uid") or about.text("name")
    if not uid:
        yield Problem("missing-field", "the model endpoint has no uid", "metadata.uid")
        return
    namespace = namespace_of(origin, about.text("project") or spec.text("function_uri").partition("/")[0])
    key = Key(Kind.MONITOR, namespace, f"model-endpoints/{uid}")
    first, last = status.time("first_request"), status.time("last_request")
    uri = spec.text("model_uri")
    yield Entity(
        key,
        kept(
            {
                "name": about.text("name"),
                "model": spec.text("model_name", "model"),
                "model_uri": uri,
                "model_tags": spec.texts("model_tags"),
                "function": spec.text("function_name", "function_uri"),
                "status": status.text("state"),
                "monitoring": status.text("monitoring_mode"),
                "first_request": to_iso(first.lo) if first else "",
                "last_request": to_iso(last.lo) if last else "",
                "error_count": status.text("error_count"),
            }
        ),
        last,
        created=about.time("created"),
    )
    served = thing_at(uri, origin) if stored(uri) else None
    if served is not None and served.key.kind is Kind.MODEL_VERSION:
        yield Link(served.key, key, Relation.EVALUATED, Basis.OBSERVED, "spec.model_uri", at=last or first)
    yield from said.problems


def project(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a project states of its artifacts; its functions are only declared."""
    name = said.part("metadata").text("name") or said.text("name")
    spec = said.part("spec") if "spec" in said.body else said
    told = False
    for entry in spec.each("artifacts"):
        for found in artifact(Said(entry.body, entry.zone, entry.where), origin, name):
            if not isinstance(found, Filtered):
                told = True
                yield found
    yield from said.problems
    if not told and not said.problems:
        yield Filtered("project-without-models")


def _observed(said: Said, origin: Origin) -> Moment | None:
    observed = origin.label("observed_at")
    if not observed:
        return None
    try:
        return moment.parse(observed, origin.label("timezone"))
    except ValueError as error:
        said.wrong("bad-time", f"the label observed_at is no time: {error}", "observed_at", observed)
        return None
