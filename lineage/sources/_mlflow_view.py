"""How is one record of an MLflow store looked at while it is read? Its item, its namespace and what its tags say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineage.model.facts import Entity, Json, Key
from lineage.model.moment import Moment, exactly, to_iso
from lineage.model.vocabulary import Kind, RunState
from lineage.sources._epoch_times import Notes
from lineage.sources._mlflow_values import pairs
from lineage.sources._withheld import clean, table
from lineage.text import MalformedError, loads

STATES = {
    "FINISHED": RunState.COMPLETE,
    "FAILED": RunState.FAIL,
    "KILLED": RunState.ABORT,
    "RUNNING": RunState.RUNNING,
    "SCHEDULED": RunState.OTHER,
}
CODE = {
    "mlflow.source.git.commit": "commit",
    "mlflow.source.git.branch": "branch",
    "mlflow.source.git.repoURL": "repository",
    "mlflow.source.name": "source",
    "mlflow.source.type": "source_type",
    "mlflow.project.entryPoint": "entry_point",
    "mlflow.docker.image.uri": "image",
    "mlflow.docker.image.id": "image_digest",
}
LIFTED = {
    "mlflow.user",
    "mlflow.runName",
    "mlflow.parentRunId",
    "mlflow.note.content",
    "mlflow.log-model.history",
}
ORCHESTRATORS = (
    "airflow_ctx_",
    "dbt.",
    "dbt_",
    "kedro.",
    "kedro_",
    "prefect.",
    "dagster/",
    "mlflow.databricks.job",
)
EXPORTED = "mlflow_export_import.metadata.run_id"


class View:
    """One record while it is read: its item, what was joined to it, its namespace and the time of the snapshot."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.item: dict[str, Any] = said["item"]
        self.joined: Mapping[str, Any] = said.get("joined") or {}
        self.server = f"mlflow:{said.get('instance')}"
        self.namespace = f"{self.server}/{said.get('workspace')}"
        self.form = str(said.get("form", ""))
        self.at: Moment | None = exactly(said["at"]) if isinstance(said.get("at"), int) else None
        self.listing = f"{self.namespace}/{said['listing']}" if said.get("listing") and self.at else ""
        self.tags = pairs(self.item.get("tags"))
        self.notes = Notes()

    def run(self, run_id: str) -> Key:
        """Return the key of a run of this store."""
        return Key(Kind.RUN, self.namespace, run_id)

    def version(self, name: str) -> Key:
        """Return the key of a version (`<model>/<version>`) or of a logged model (`m-<id>`)."""
        return Key(Kind.MODEL_VERSION, self.namespace, name)

    def text(self, name: str) -> str:
        """Return the item's field as text without credentials, "" when it is absent."""
        value = self.item.get(name)
        return "" if value is None else clean(str(value))

    def entity(
        self, key: Key, attributes: dict[str, Json], created: Moment | None, ended: Moment | None
    ) -> Entity:
        """Return what the snapshot says of `key`; empty attributes are left out."""
        kept = {name: value for name, value in attributes.items() if value not in ("", {}, [])}
        return Entity(key, kept, self.at, self.listing, created, ended)

    def times(self, created: Moment | None, updated: Moment | None) -> dict[str, Json]:
        """Return the two times as attributes."""
        return {
            **({"created_at": to_iso(created.lo)} if created else {}),
            **({"updated_at": to_iso(updated.lo)} if updated else {}),
        }


def code_of(tags: Mapping[str, Any]) -> dict[str, Json]:
    """Return what the tags say of the code that ran."""
    named = {name: tags[tag] for tag, name in CODE.items() if tags.get(tag)}
    code: dict[str, Json] = table("code", named).get("code", {})
    return code


def prefixed(tags: Mapping[str, Any], *prefixes: str) -> dict[str, Json]:
    """Return the tags whose names start with one of `prefixes`."""
    found: dict[str, Json] = table(
        "found", {name: tags[name] for name in tags if name.startswith(prefixes)}
    ).get("found", {})
    return found


def json_of(value: object) -> Any:
    """Return the JSON value that a text field holds, None when it holds none."""
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except MalformedError:
        return None
