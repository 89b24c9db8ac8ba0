"""How is one entry of a Kubeflow Model Registry looked at: how is it called, what do its fields hold?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from lineage.model.facts import Entity, Json, Key
from lineage.model.moment import LAST, Moment, exactly, to_iso
from lineage.model.vocabulary import Kind
from lineage.sources._epoch_times import Notes
from lineage.sources._withheld import MAX_TEXT, clean
from lineage.text import clip


class Names(NamedTuple):
    """How the entries of one registry are called."""

    instance: str

    @property
    def namespace(self) -> str:
        """The namespace of models, versions, experiments and their runs."""
        return f"kubeflow:{self.instance}"

    def model(self, name: str) -> Key:
        """Return the key of a registered model."""
        return Key(Kind.MODEL, self.namespace, name)

    def model_id(self, number: str) -> Key:
        """Return the key of the registered model of that id."""
        return Key(Kind.MODEL, f"{self.namespace}/registered-models", number)

    def version(self, model: str, name: str) -> Key:
        """Return the key of a version whose model's name is known."""
        return Key(Kind.MODEL_VERSION, self.namespace, f"{model}/{name}")

    def version_id(self, number: str) -> Key:
        """Return the key of the version of that id."""
        return Key(Kind.MODEL_VERSION, f"{self.namespace}/model-versions", number)

    def service(self, environment: str, name: str) -> Key:
        """Return the key of an inference service whose environment's name is known."""
        return Key(
            Kind.TARGET, f"kubeflow-registry://{self.instance}", f"{environment}/inferenceservices/{name}"
        )

    def service_id(self, number: str) -> Key:
        """Return the key of the inference service of that id."""
        return Key(Kind.TARGET, f"kubeflow-registry://{self.instance}/inference-services", number)

    def run(self, number: str) -> Key:
        """Return the key of the experiment run of that id."""
        return Key(Kind.RUN, self.namespace, f"experiment-runs/{number}")


class View:
    """One entry while it is read."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.item: dict[str, Any] = said["item"]
        joined = said.get("joined")
        self.joined: Mapping[str, Any] = joined if isinstance(joined, dict) else {}
        self.names = Names(str(said.get("instance") or "unnamed"))
        at = said.get("at")
        self.at: Moment | None = exactly(at) if isinstance(at, int) and 0 <= at <= LAST else None
        listing = said.get("listing")
        self.listing = f"{self.names.namespace}/{listing}" if listing and self.at else ""
        self.notes = Notes()
        self.created = self.notes.time(self.item, "createTimeSinceEpoch")
        self.updated = self.notes.time(self.item, "lastUpdateTimeSinceEpoch")

    def text(self, name: str) -> str:
        """Return a field as text without credentials; "" when it is absent or no plain value."""
        value = self.item.get(name)
        return "" if value is None or isinstance(value, (dict, list)) else clean(str(value))

    def known(self, name: str) -> str:
        """Return what the input knows of an entry referred to, as text."""
        value = self.joined.get(name)
        return value if isinstance(value, str) else ""

    def custom(self) -> dict[str, Any]:
        """Return the custom properties that are plain values."""
        value = self.item.get("customProperties")
        return value if isinstance(value, dict) else {}

    def common(self) -> dict[str, Json]:
        """Return the attributes that every entry has."""
        return {
            "id": self.text("id"),
            "description": clip(self.text("description"), MAX_TEXT),
            "external_id": self.text("externalId"),
            "state": self.text("state"),
            **({"created_at": to_iso(self.created.lo)} if self.created else {}),
            **({"updated_at": to_iso(self.updated.lo)} if self.updated else {}),
        }

    def entity(self, key: Key, attributes: Mapping[str, Json]) -> Entity:
        """Return what the listing says of `key`; empty attributes are left out."""
        kept = {name: value for name, value in attributes.items() if value not in ("", {}, [])}
        return Entity(key, kept, self.at, self.listing, self.created)
