"""How does an entry of the Kubeflow Model Registry stand in the tables of ML Metadata?

Types are `kf.*`; a registered model, version, experiment, run, environment and inference service is a context, a
ServeModel an execution, the rest artifacts. What is owned is called `<owner's id>:<name>`; relations are properties
(`registered_model_id`), attributions and associations. Rows become entries of the REST API's shape, so that both forms
say the same (kubeflow/hub internal/db/service, internal/converter).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from lineage.sources._metadata_tables import Tables, Thing

KINDS = {
    "kf.RegisteredModel": ("registered-model", "registered-models"),
    "kf.ModelVersion": ("model-version", "model-versions"),
    "kf.ServingEnvironment": ("serving-environment", ""),
    "kf.InferenceService": ("inference-service", "inference-services"),
    "kf.Experiment": ("experiment", ""),
    "kf.ExperimentRun": ("experiment-run", "experiment-runs"),
    "kf.ModelArtifact": ("model-artifact", ""),
    "kf.ServeModel": ("serve-model", ""),
    "kf.DataSet": ("dataset", ""),
    "kf.DocArtifact": ("other", ""),
    "kf.Metric": ("other", ""),
    "kf.MetricHistory": ("other", ""),
    "kf.Parameter": ("other", ""),
}
"""Each type with the kind of its record and the listing it stands in."""

_OWNED = re.compile(r"^\d+:")
_WORD = re.compile(r"_(\w)")
_ARTIFACT_STATES = (
    "UNKNOWN",
    "PENDING",
    "LIVE",
    "MARKED_FOR_DELETION",
    "DELETED",
    "ABANDONED",
    "REFERENCE",
)
_RUN_STATES = ("UNKNOWN", "NEW", "RUNNING", "COMPLETE", "FAILED", "CACHED", "CANCELED")
_STRUCT = "mlmd-struct::"
_TYPES = {
    "kf.ModelArtifact": "model-artifact",
    "kf.DocArtifact": "doc-artifact",
    "kf.DataSet": "dataset-artifact",
}


class Entry(NamedTuple):
    """One entry: the kind of its record, its listing, the item and what is joined to it, and the row it stands in."""

    kind: str
    listing: str
    item: dict[str, Any]
    joined: dict[str, Any]
    row: str


def artifact_state(number: object) -> str:
    """Return the name of an artifact's state (ml_metadata.Artifact.State)."""
    return _named(_ARTIFACT_STATES, number)


def run_state(number: object) -> str:
    """Return the name of an execution's state (ml_metadata.Execution.State)."""
    return _named(_RUN_STATES, number)


def _named(names: tuple[str, ...], number: object) -> str:
    if number is None:
        return ""
    return names[number] if isinstance(number, int) and 0 <= number < len(names) else str(number)


def name_of(thing: Thing | None) -> str:
    """Return what an entry is called, without the id of its owner.

    >>> from lineage.sources._metadata_tables import Typed
    >>> name_of(Thing({"id": 2, "name": "1:v3"}, Typed("kf.ModelVersion")))
    'v3'
    """
    return _OWNED.sub("", str(thing.row.get("name") or ""), count=1) if thing is not None else ""


def item(thing: Thing) -> dict[str, Any]:
    """Return a row in the shape of the REST API."""
    row = thing.row
    names = {
        "external_id": "externalId",
        "uri": "uri",
        "create_time_since_epoch": "createTimeSinceEpoch",
        "last_update_time_since_epoch": "lastUpdateTimeSinceEpoch",
    }
    found: dict[str, Any] = {"id": str(thing.id)}
    if row.get("name"):
        found["name"] = name_of(thing)
    for column, field in names.items():
        if row.get(column) is not None:
            found[field] = str(row[column])
    if thing.type.name == "kf.ServeModel":
        found["lastKnownState"] = run_state(row.get("last_known_state")) or "UNKNOWN"
    elif "state" in row:
        found["state"] = artifact_state(row["state"])
    if thing.type.name in _TYPES:
        found["artifactType"] = _TYPES[thing.type.name]
    for name, value in thing.properties.items():
        if value is not None and not str(value).startswith(_STRUCT):
            field = _WORD.sub(lambda letter: letter[1].upper(), name)
            found[field] = value if isinstance(value, bool) else str(value)
    custom = {name: value for name, value in thing.custom.items() if not str(value).startswith(_STRUCT)}
    if custom:
        found["customProperties"] = custom
    return found


def entries(tables: Tables) -> Iterator[Entry]:
    """Yield every entry of the registry, with what the other tables know of what it refers to."""
    artifacts: dict[int, list[Thing]] = {}
    for artifact in tables.artifacts.values():
        if artifact.type.name in KINDS:
            for number in artifact.contexts:
                artifacts.setdefault(number, []).append(artifact)
    for table, kept in (
        ("Context", tables.contexts),
        ("Artifact", tables.artifacts),
        ("Execution", tables.executions),
    ):
        for thing in kept.values():
            known = KINDS.get(thing.type.name)
            if known is not None:
                joined = _joined(tables, thing, artifacts.get(thing.id, []) if table == "Context" else [])
                yield Entry(*known, item(thing), joined, f"{table}/{thing.id}")


def _joined(tables: Tables, thing: Thing, artifacts: list[Thing]) -> dict[str, Any]:
    kind = thing.type.name
    if kind == "kf.ModelVersion":
        held = [
            artifact for artifact in artifacts if artifact.type.name in {"kf.ModelArtifact", "kf.DocArtifact"}
        ]
        model = name_of(_context(tables, thing.said("registered_model_id")))
        return _kept(model=model, artifacts=[item(artifact) for artifact in held])
    if kind == "kf.InferenceService":
        return _kept(environment=name_of(_context(tables, thing.said("serving_environment_id"))))
    if kind == "kf.ExperimentRun":
        held = [artifact for artifact in artifacts if artifact.type.name == "kf.DataSet"]
        experiment = name_of(_context(tables, thing.said("experiment_id")))
        return _kept(experiment=experiment, datasets=[item(artifact) for artifact in held])
    if kind == "kf.ModelArtifact":
        version = next(iter(tables.of(thing, "ModelVersion")), None)
        return _kept(**version_names(tables, version))
    if kind == "kf.ServeModel":
        service = next(iter(tables.of(thing, "InferenceService")), None)
        if service is None:
            return {}
        served = version_names(tables, _context(tables, thing.said("model_version_id")))
        environment = name_of(_context(tables, service.said("serving_environment_id")))
        known = {"service_id": str(service.id), "service": name_of(service), "environment": environment}
        return _kept(**known, model_id=served.get("model_id", ""))
    return {}


def version_names(tables: Tables, version: Thing | None) -> dict[str, str]:
    """Return what a version and its model are called."""
    if version is None or version.type.name != "kf.ModelVersion":
        return {}
    model = _context(tables, version.said("registered_model_id"))
    found = {"version_id": str(version.id), "version": name_of(version)}
    return {**found, "model": name_of(model), "model_id": str(model.id)} if model is not None else found


def _context(tables: Tables, number: object) -> Thing | None:
    return tables.contexts.get(number) if isinstance(number, int) else None


def _kept(**known: Any) -> dict[str, Any]:
    return {name: value for name, value in known.items() if value not in ("", [])}
