"""Which records does one Feast registry make, be it a protobuf file, an SQL database or the JSON of `registry-dump`?

Each form is turned into objects of protobuf's JSON shape, by kind and project. Here what belongs together is joined
(join keys, sources that a view only names, views that a service names and that are not there) and every record gets the
project and the time of the snapshot. What a record then means is said in `_feast_facts`.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lineage.model.moment import from_seconds, parse, to_iso
from lineage.source import Origin, Problem, Record
from lineage.sources import _feast_shapes as shapes
from lineage.sources._feast_names import dicts, names
from lineage.sources._feast_wire import Decoder, read, text, time, walk
from lineage.sources._sqlite_file import why
from lineage.text import MalformedError, clip, dumps, loads

DUMMY = "__dummy"
"""The entity that Feast makes itself for views without one."""

VIEWS = ("feature-view", "stream-feature-view", "on-demand-feature-view", "label-view")
LISTINGS = {
    "data-sources": ("dataset", ("data-source",)),
    "feature-views": ("feature-view", VIEWS),
    "features": ("feature", ("feature",)),
    "feature-services": ("feature-view", ("feature-service",)),
    "saved-datasets": ("dataset", ("saved-dataset",)),
}
"""What is listed for each project: the kind of thing, and the kinds of object that are counted."""

_JOINED = ("batchSource", "streamSource", "source")
_OPTIONS = "Options"


class Found(NamedTuple):
    """An object of the registry, and its place: the offset of its bytes in the file, table and key of its row."""

    kind: str
    project: str
    item: dict[str, Any]
    offset: int = 0
    row: str = ""

    @property
    def name(self) -> str:
        """Its name in the project."""
        return str(spec_of(self).get("name") or self.item.get("name") or "")


@dataclass(slots=True)
class Registry:
    """What one input holds.

    Attributes:
        form: `file`, `sql` or `dump`.
        at: when it was so, by what the registry says of itself, as ISO 8601; empty = it does not say.
        damaged: true when some of it could not be read, so that nothing in it is missing for sure.
        uuids: the id that Feast gave each project.
    """

    form: str
    objects: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    projects: set[str] = field(default_factory=set)
    at: str = ""
    damaged: bool = False
    uuids: dict[str, str] = field(default_factory=dict)

    def take(self, kind: str, project: str, item: dict[str, Any], offset: int = 0, row: str = "") -> None:
        """Add an object; its own project beats the one it was found under."""
        body = item.get("spec", item)
        if isinstance(body, dict) and isinstance(body.get("project"), str):
            project = body["project"]
        if kind == "project":
            project = str(body.get("name") or project)
        if project:
            self.projects.add(project)
        found = Found(kind, project, item, offset, row)
        self.objects.append(found._replace(row=row or f"{kind}/{project}/{found.name}"))

    def refuse(self, error: MalformedError, offset: int = 0, row: str = "") -> None:
        """Note what could not be read."""
        self.damaged = True
        self.problems.append(Problem(error.code, error.reason, offset=offset, row=row))


def spec_of(found: Found) -> dict[str, Any]:
    """Return what describes an object: its `spec`, or the object itself where it has none."""
    spec = found.item.get("spec", found.item)
    return spec if isinstance(spec, dict) else {}


def from_file(raw: bytes) -> Registry:
    """Read a registry file; what breaks off or is malformed is a problem with its byte."""
    registry = Registry("file")
    try:
        for piece in walk(raw):
            if not isinstance(piece.value, bytes):
                continue
            if piece.number == shapes.LAST_UPDATED:
                registry.at = time(piece.value) or ""
            elif piece.number == shapes.PROJECT_METADATA:
                named = {part.number: text(part.value) or "" for part in walk(piece.value)}
                registry.uuids[named.get(1, "")] = named.get(2, "")
            elif piece.number == shapes.VERSION_HISTORY:
                for record in read(shapes.HISTORY, piece.value).get("records", ()):
                    registry.take(
                        "version", record.get("projectId", ""), record, piece.offset, _version(record)
                    )
            elif piece.number in shapes.REGISTRY:
                kind, shape = shapes.REGISTRY[piece.number]
                _message(registry, kind, shape, "", piece.value, piece.offset)
    except MalformedError as error:
        registry.refuse(error)
    return registry


def _message(
    registry: Registry, kind: str, shape: Decoder, project: str, raw: bytes, offset: int = 0, row: str = ""
) -> None:
    try:
        item = read(shape, raw)
    except MalformedError as error:
        registry.refuse(error, offset, row)
        return
    # The bytes themselves stay in the file: this tells whether they changed.
    item["protobuf"] = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    registry.take(kind, project, item, offset, row)


def _version(record: Mapping[str, Any]) -> str:
    name = f"{record.get('projectId', '')}/{record.get('featureViewName', '')}"
    return f"version/{name}/{record.get('versionNumber', 0)}"


def from_database(connection: sqlite3.Connection) -> Registry:
    """Read the tables of an SQL registry; raises `sqlite3.DatabaseError` when not even its schema can be read."""
    registry = Registry("sql")
    tables = {
        str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    latest = 0
    for table, (prefix, kind) in shapes.TABLES.items():
        if table not in tables:
            continue
        sql = f'SELECT * FROM "{table}" ORDER BY 1, 2'  # noqa: S608 - one of our own table names
        try:
            for line in connection.execute(sql):
                row = {name: line[name] for name in line.keys()}  # noqa: SIM118 - a row has no mapping interface
                latest = max(latest, _seconds(row.get("last_updated_timestamp")))
                project = str(row.get("project_id") or "")
                place = f"{table}/{project}/{row.get(f'{prefix}_name') or ''}"
                raw = row.get(f"{prefix}_proto")
                if isinstance(raw, bytes):
                    _message(registry, kind, shapes.KINDS[kind], project, raw, row=place)
                else:
                    reason = "the row holds no protobuf message"
                    registry.refuse(MalformedError("missing-field", reason), row=place)
        except sqlite3.DatabaseError as error:
            registry.refuse(MalformedError("unreadable-table", why(error)), row=table)
    for row in _rows(registry, connection, "feature_view_version_history", tables):
        record = {
            "featureViewName": row.get("feature_view_name"),
            "projectId": row.get("project_id"),
            "featureViewType": row.get("feature_view_type"),
            "description": row.get("description"),
            "versionId": row.get("version_id"),
            "versionNumber": row.get("version_number"),
            "createdTimestamp": _iso(row.get("created_timestamp")),
        }
        record = {name: value for name, value in record.items() if value not in (None, "")}
        registry.take("version", str(row.get("project_id") or ""), record, row=_version(record))
    for row in _rows(registry, connection, "feast_metadata", tables):
        latest = max(latest, _seconds(row.get("last_updated_timestamp")))
        if row.get("metadata_key") == "project_uuid":
            registry.uuids[str(row.get("project_id"))] = str(row.get("metadata_value"))
    registry.at = _iso(latest) if latest else ""
    return registry


def _rows(
    registry: Registry, connection: sqlite3.Connection, table: str, tables: set[str]
) -> Iterator[dict[str, Any]]:
    if table not in tables:
        return
    try:
        for line in connection.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2, 3'):  # noqa: S608 - our own name
            yield {name: line[name] for name in line.keys()}  # noqa: SIM118 - a row has no mapping interface
    except sqlite3.DatabaseError as error:
        registry.refuse(MalformedError("unreadable-table", why(error)), row=table)


def _seconds(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < 253_402_300_800 else 0


def _iso(value: object) -> str:
    seconds = _seconds(value)
    return to_iso(from_seconds(seconds).lo) if seconds else ""


def from_dump(document: Record, origin: Origin) -> Registry:
    """Read the JSON of `feast registry-dump`; its objects have lost their project, which stands beside them."""
    registry = Registry("dump")
    try:
        said = loads(document.raw)
    except MalformedError as error:
        registry.problems.append(Problem(error.code, error.reason, line=error.line))
        registry.damaged = True
        return registry
    if not isinstance(said, dict):
        registry.refuse(MalformedError("not-feast", "the JSON is no object"))
        return registry
    project = str(said.get("project") or origin.label("project") or origin.folder)
    if not said.get("project"):
        reason = f"the dump names no project, so it is called {project!r}: say which it is with --label project=NAME"
        registry.problems.append(Problem("no-project", reason, "project", fatal=False))
    registry.projects.add(project)
    for name, kind in shapes.DUMPED.items():
        items = said.get(name, [])
        if not isinstance(items, list):
            registry.refuse(MalformedError("bad-type", f"{name} is a list"), row=f"/{name}")
            continue
        for number, item in enumerate(items):
            if isinstance(item, dict):
                found = Found(kind, project, item)
                registry.take(kind, project, item, row=f"/{name}/{number} {found.name}")
            else:
                registry.refuse(MalformedError("bad-type", "an object is expected"), row=f"/{name}/{number}")
    return registry


def records_of(registry: Registry, origin: Origin) -> Iterator[Record | Problem]:
    """Yield every record of `registry`; problems first."""
    yield from registry.problems
    at, problem = _observed(registry, origin)
    if problem:
        yield problem
    yield from _Join(registry, origin.label("instance"), at).records()


def _observed(registry: Registry, origin: Origin) -> tuple[int | None, Problem | None]:
    """Return when the registry was so: as said, else as it says itself, else the latest change in it.

    The times of sources inside views, services and on-demand views are written at `feast apply` and even at the dump
    (sources-ml 3), so only an object's own count.
    """
    problem = None
    if label := origin.label("observed_at"):
        try:
            return parse(label, origin.label("timezone")).lo, None
        except ValueError:
            reason = "the label observed_at is no ISO 8601 time; the registry's own time is taken"
            problem = Problem("bad-label", reason, "observed_at", clip(label), fatal=False)
    times = []
    for found in registry.objects:
        meta = found.item.get("meta")
        if isinstance(meta, dict):
            times += [meta.get("createdTimestamp"), meta.get("lastUpdatedTimestamp")]
    for group in ([registry.at], times):
        known = [moment for moment in map(_instant, group) if moment]
        if known:
            return max(known), problem
    reason = "the registry holds no time to date it by: say when it was so with --label observed_at=TIME"
    return None, problem or Problem("no-snapshot-time", reason, fatal=False)


def _instant(value: object) -> int:
    try:
        return parse(value).lo if isinstance(value, str) else 0
    except ValueError:
        return 0


class _Join:
    """Puts together what several objects of a project say of one thing."""

    def __init__(self, registry: Registry, instance: str, at: int | None) -> None:
        # Sources of Feast before 0.19 do not name their project; in a file of one project it is that.
        if len(registry.projects) == 1:
            only = min(registry.projects)
            registry.objects = [found._replace(project=found.project or only) for found in registry.objects]
        self.registry = registry
        self.instance = instance
        self.at = at
        by_kind: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
        for found in registry.objects:
            by_kind.setdefault(found.kind, {})[found.project, found.name] = spec_of(found)
        self.versions = {
            (
                found.project,
                str(found.item.get("featureViewName")),
                str(found.item.get("versionNumber") or 0),
            ): str(found.item.get("createdTimestamp") or "")
            for found in registry.objects
            if found.kind == "version"
        }
        self.entities = by_kind.get("entity", {})
        self.sources = by_kind.get("data-source", {})
        self.views = {key: spec for kind in VIEWS for key, spec in by_kind.get(kind, {}).items()}

    def records(self) -> Iterator[Record]:
        for found in self.registry.objects:
            yield self.record(found, self.joined(found))
        counts: Counter[tuple[str, str]] = Counter()
        for found in self.registry.objects:
            counts[found.project, found.kind] += 1
            if found.kind in VIEWS:
                counts[found.project, "feature"] += len(names(spec_of(found).get("features")))
        for project in sorted(self.registry.projects):
            for listing, (_, kinds) in LISTINGS.items():
                item = {
                    "listing": listing,
                    "count": sum(counts[project, kind] for kind in kinds),
                    "complete": not self.registry.damaged,
                    "uuid": self.registry.uuids.get(project, ""),
                }
                yield self.record(Found("listing", project, item, row=f"listing/{project}/{listing}"), {})

    def record(self, found: Found, joined: dict[str, Any]) -> Record:
        said = {
            "kind": found.kind,
            "form": self.registry.form,
            "project": found.project,
            "instance": self.instance,
            "at": self.at,
            "item": found.item,
            "joined": {name: value for name, value in joined.items() if value},
        }
        return Record(dumps(said), found.offset, 0, found.row, said)

    def joined(self, found: Found) -> dict[str, Any]:
        spec = spec_of(found)
        if found.kind in VIEWS:
            return {
                "entities": self.keys(found.project, spec),
                "sources": self.named(found.project, spec),
                "since": self.since(found),
            }
        if found.kind == "feature-service":
            missing = []
            stale = []
            for projection in dicts(spec.get("features")):
                name = str(projection.get("featureViewName") or "")
                view = self.views.get((found.project, name))
                if view is None:
                    missing.append(name)
                    continue
                there = names(view.get("features"))
                stale += [
                    f"{name}/{one}" for one in names(projection.get("featureColumns")) if one not in there
                ]
            return {"missing": sorted(missing), "stale": stale}
        return {}

    def since(self, found: Found) -> str:
        """Return when the present version of a view was made: its features and code have been the same since."""
        meta = found.item.get("meta")
        number = meta.get("currentVersionNumber") if isinstance(meta, dict) else None
        return self.versions.get((found.project, found.name, str(number or 0)), "")

    def keys(self, project: str, spec: Mapping[str, Any]) -> dict[str, str]:
        """Return the entities of a view and the column each is joined on."""
        said = spec.get("entities")
        names = [name for name in said if isinstance(name, str)] if isinstance(said, list) else []
        names = [name for name in names if name != DUMMY]
        return {name: str(self.entities.get((project, name), {}).get("joinKey") or name) for name in names}

    def named(self, project: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the registry's own data source where a view only names one."""
        found = {}
        for part in _JOINED:
            source = spec.get(part)
            if isinstance(source, dict) and not any(name.endswith(_OPTIONS) for name in source):
                own = self.sources.get((project, str(source.get("name", ""))))
                if own is not None:
                    found[part] = own
        return found
