"""How is one record of a Feast registry looked at while it is read? Its names, its times and what all objects have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Alias, Entity, Json, Key, Link
from lineage.model.moment import Moment, exactly, parse, to_iso
from lineage.model.naming import dataset
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.source import Problem
from lineage.sources._feast_names import dicts, mapping
from lineage.sources._feature_services import service_key
from lineage.sources._withheld import table
from lineage.text import clip, dumps

MAX_TEXT = 4_000


class View:
    """One record while it is read.

    Attributes:
        namespace: `feast:<project>`, with the label `instance` `feast:<instance>/<project>`.
        at: when the registry was so.
        updated: when the object was last changed, be it only by a materialisation.
        span: since when it is as it is; for a view, which every materialisation changes, between its creation and its
            last change. since: that of features and code alone, exact where the registry keeps versions.
        problems: what was met that is not sound; none of it stops the reading.
    """

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.kind = str(said["kind"])
        self.item: dict[str, Any] = said["item"]
        self.spec = mapping(self.item.get("spec", self.item))
        self.meta = mapping(self.item.get("meta"))
        self.joined = mapping(said.get("joined"))
        self.form = str(said.get("form", ""))
        self.project = str(said.get("project") or "")
        self.instance = str(said.get("instance") or "")
        self.namespace = f"feast:{self.instance}/{self.project}" if self.instance else f"feast:{self.project}"
        self.name = str(self.spec.get("name") or "")
        self.at: Moment | None = exactly(said["at"]) if isinstance(said.get("at"), int) else None
        self.problems: list[Problem] = []
        self.created = self.time(self.meta, "createdTimestamp")
        self._updated = self.time(self.meta, "lastUpdatedTimestamp")
        self.updated = self._updated or self.created or self.at
        self.span = self.updated
        if (
            self.kind.endswith("view")
            and self.created
            and self._updated
            and self.created.lo < self._updated.lo
        ):
            self.span = Moment(self.created.lo, self._updated.hi)
        # A number above 0 says that features or code were changed after the creation: when, only the history knows.
        changed = self.updated if self.meta.get("currentVersionNumber") else self.span
        self.since = self.time(self.joined, "since") or changed

    def source(self, name: str) -> Key:
        """Return the key of a data source by its name in Feast."""
        return dataset(f"{self.namespace}/sources", name)

    def view(self, name: str) -> Key:
        """Return the key of a feature view of any kind."""
        return Key(Kind.FEATURE_VIEW, self.namespace, name)

    def feature(self, view: str, name: str) -> Key:
        """Return the key of a feature: the same name occurs in many views."""
        return Key(Kind.FEATURE, self.namespace, f"{view}/{name}")

    def service(self, name: str) -> Key:
        """Return the key of a feature service."""
        return service_key(self.namespace, name)

    def listing(self, name: str) -> str:
        """Return the name of a listing of this project; empty where no time is known to have a listing of."""
        return f"{self.namespace}/{name}" if self.at is not None else ""

    def note(self, code: str, reason: str, field: str, value: str) -> None:
        """Note what is wrong with `field`."""
        self.problems.append(Problem(code, reason, field, clip(value), fatal=False))

    def time(self, item: Mapping[str, Any], field: str) -> Moment | None:
        """Return the time of a field, None when it is absent or none (noted)."""
        value = item.get(field)
        if not value:
            return None
        try:
            return parse(str(value))
        except ValueError:
            self.note("bad-time", "the time is no ISO 8601 time", field, str(value))
            return None

    def common(self) -> dict[str, Json]:
        """Return what every object may say: description, owner (who answers for it, not who acted) and tags."""
        return {
            "description": clip(str(self.spec.get("description") or ""), MAX_TEXT),
            "owner": str(self.spec.get("owner") or ""),
            **self.tags(self.spec.get("tags")),
        }

    def tags(self, value: object) -> dict[str, Json]:
        """Return tags as an attribute, secrets withheld."""
        return {"tags": None, **table("tags", mapping(value))}

    def times(self) -> dict[str, Json]:
        """Return when the object was made and changed, as attributes."""
        return {
            **({"created_at": to_iso(self.created.lo)} if self.created else {}),
            **({"updated_at": to_iso(self._updated.lo)} if self._updated else {}),
        }

    def transformation(self) -> dict[str, Json]:
        """Return how a view computes: the function's name, and the digest of its text; the code is never run."""
        said = mapping(self.spec.get("featureTransformation"))
        function = mapping(said.get("userDefinedFunction")) or mapping(self.spec.get("userDefinedFunction"))
        text = str(function.get("bodyText") or "")
        found: dict[str, Json] = {}
        if function:
            found["function"] = str(function.get("name") or "")
        elif said.get("substraitTransformation") is not None:
            found["function"] = "substrait"
        if text:
            found["code"] = clip(text, MAX_TEXT)
            found["code_sha256"] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return found

    def entity(self, key: Key, attributes: dict[str, Json], listing: str, created: Moment | None) -> Entity:
        """Return what the registry says of `key`; what is empty is said to be absent: it may have been there before."""
        kept = {name: None if value in ("", {}, []) else value for name, value in attributes.items()}
        return Entity(key, kept, self.at, self.listing(listing), created)

    def link(
        self,
        source: Key,
        target: Key,
        rule: str,
        detail: dict[str, Json] | None = None,
        basis: Basis = Basis.DECLARED,
        at: Moment | None = None,
    ) -> Link:
        """Return that `target` is made from `source`, since the object is as it is."""
        said = {name: value for name, value in (detail or {}).items() if value}
        return Link(source, target, Relation.DERIVED, basis, rule, at=at or self.span, detail=said)

    def listed(self, item: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
        """Return the objects of a list; what is no list is noted."""
        value = item.get(field)
        if value is not None and not isinstance(value, list):
            self.note("bad-type", "a list is expected", field, dumps(value).decode())
        return dicts(value)

    def unlabelled(self, key: Key) -> Iterator[Alias]:
        """Say what `key` is called where nobody names the registry's instance (a run's `feast.project`)."""
        if self.instance:
            prefix = f"feast:{self.project}{key.namespace.removeprefix(self.namespace)}"
            yield Alias(Key(key.kind, prefix, key.name), key, "feast-project", "candidate", 0.5)
