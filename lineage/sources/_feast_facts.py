"""What does one record of a Feast registry say? Sources, views of four kinds, features, services and saved datasets.

Lineage runs from the place of a source through the view to its features and on to the service that chose them, so that
a change of one column or feature reaches only who takes it. A feature service is of the kind feature-view: it is a
named choice of features that a model is trained and served on, just as a view is, and does nothing itself (a job runs).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lineage.model.facts import Alias, Coverage, Entity, Fact, Happened, Json, Key, Link
from lineage.model.moment import Moment, to_iso
from lineage.model.naming import column, dataset
from lineage.model.vocabulary import Basis, Relation
from lineage.source import Filtered, Problem, Record
from lineage.sources._feast_names import dicts, mapping, names, texts
from lineage.sources._feast_places import MAX_TEXT, Place, place
from lineage.sources._feast_registry import DUMMY, LISTINGS
from lineage.sources._feast_view import View
from lineage.text import MalformedError, clip, dumps, loads

_SAID_OF_SOURCE = {
    "type": "type",
    "dataSourceClassType": "class",
    "timestampField": "timestamp_field",
    "createdTimestampColumn": "created_column",
    "datePartitionColumn": "partition_column",
}
_SAID_OF_VIEW = {
    "mode": "mode",
    "ttl": "ttl",
    "online": "online",
    "offline": "offline",
    "writeToOnlineStore": "online",
    "labelerField": "labeler_field",
    "org": "org",
}
_MAX_INTERVALS = 500


def read(record: Record) -> Iterator[Fact | Problem | Filtered]:
    """Say what `record` states; a record that is none of ours is one problem."""
    said = record.parsed
    if said is None:
        try:
            said = loads(record.raw)
        except MalformedError as error:
            yield Problem(error.code, error.reason)
            return
    if not isinstance(said, dict) or not isinstance(said.get("item"), dict) or "kind" not in said:
        yield Problem("not-feast", "the record is none of a Feast registry")
        return
    view = View(said)
    reader = _READERS.get(view.kind)
    if reader is None:
        yield Filtered(view.kind)
        return
    if not view.name and view.kind not in {"listing", "version"}:
        yield Problem("missing-field", f"the {view.kind} has no name", "name")
        return
    yield from reader(view)
    yield from view.problems


def _listing(view: View) -> Iterator[Fact | Filtered]:
    name = str(view.item.get("listing"))
    if view.at is None or name not in LISTINGS:
        yield Filtered("listing-without-time")
        return
    detail: dict[str, Json] = {"count": view.item.get("count"), "form": view.form}
    if view.item.get("uuid"):
        detail["project_uuid"] = view.item["uuid"]
    complete = bool(view.item.get("complete"))
    yield Coverage(view.listing(name), LISTINGS[name][0], view.at, view.at, complete, detail)


def _entity(view: View) -> Iterator[Filtered]:
    # Views carry the entities they are joined on; an entity is no thing of the lineage itself.
    yield Filtered("built-in-entity" if view.name == DUMMY else "entity")


def _data_source(view: View) -> Iterator[Fact]:
    spec = view.spec
    own = view.source(view.name)
    found = place(own, spec)
    feast: dict[str, Json] = {"object": "data-source"}
    feast |= {name: spec[field] for field, name in _SAID_OF_SOURCE.items() if spec.get(field)}
    batch = mapping(spec.get("batchSource")).get("name")
    if batch:
        feast["batch_source"] = batch
    if mapping(spec.get("fieldMapping")):
        feast["field_mapping"] = dict(mapping(spec["fieldMapping"]))
    schema = dicts(mapping(spec.get("requestDataOptions")).get("schema"))
    columns = [{"name": str(one.get("name", "")), "type": str(one.get("valueType", ""))} for one in schema]
    attributes = {**view.common(), **found.said, "columns": columns}
    yield view.entity(own, {"feast": feast, **attributes, **view.times()}, "data-sources", view.created)
    yield from _placed(view, own, found, attributes)


def _placed(view: View, own: Key, found: Place, attributes: dict[str, Json]) -> Iterator[Fact]:
    """Say what is known of the place behind the name `own`, and how sure the two are one."""
    if found.proven:
        yield Entity(found.key, {name: value for name, value in attributes.items() if value}, view.updated)
        yield Alias(own, found.key, "feast-source", "candidate", 0.9)
    elif found.maybe is not None:
        rule = "relative-path" if "location" in found.said else "table-without-host"
        yield Alias(own, found.maybe, rule, "candidate", 0.5)
    for other in found.same:
        yield Alias(other, found.key, "bootstrap-servers")


def _view(view: View) -> Iterator[Fact]:
    spec = view.spec
    key = view.view(view.name)
    features = view.listed(spec, "features")
    feast: dict[str, Json] = {"object": view.kind}
    feast |= {name: spec[field] for field, name in _SAID_OF_VIEW.items() if spec.get(field)}
    for field, name in (("state", "state"), ("versionId", "version_id")):
        if view.meta.get(field):
            feast[name] = view.meta[field]
    intervals = _intervals(view)
    versioned = view.meta.get("currentVersionNumber") or view.meta.get("versionId")
    attributes: dict[str, Json] = {
        "feast": feast,
        **view.common(),
        "entities": dict(mapping(view.joined.get("entities"))),
        "features": names(features),
        **({"version": str(view.meta.get("currentVersionNumber") or 0)} if versioned else {}),
        "version_pin": str(spec.get("version") or ""),
        "disabled": True if spec.get("disabled") else "",
        "transformation": view.transformation(),
        "reference_feature_view": str(spec.get("referenceFeatureView") or ""),
        **({"materialized_until": to_iso(max(end.hi for _, end in intervals))} if intervals else {}),
        **({"materializations": len(intervals)} if intervals else {}),
        **view.times(),
    }
    yield view.entity(key, attributes, "feature-views", view.created)
    yield from view.unlabelled(key)
    whole = (
        not view.transformation() and not spec.get("sourceViews") and view.kind != "on-demand-feature-view"
    )
    for part, rule in (
        ("batchSource", "batch_source"),
        ("streamSource", "stream_source"),
        ("source", "source"),
    ):
        source = mapping(mapping(view.joined.get("sources")).get(part) or spec.get(part))
        if not source.get("name") and not any(name.endswith("Options") for name in source):
            continue
        of = place(view.source(str(source.get("name") or f"({view.name})")), source).key
        yield view.link(of, key, rule, {"source": str(source.get("name") or "")})
        if whole and part != "streamSource":
            yield from _columns(view, of, names(features), texts(source.get("fieldMapping")))
    for one in dicts(spec.get("sourceViews")):
        yield view.link(view.view(str(one.get("name", ""))), key, "source_views")
    for name, one in sorted(mapping(spec.get("sources")).items()):
        yield from _ingredient(view, str(name), mapping(one), key)
    for feature in features:
        yield from _feature(view, feature, key)
    for start, end in intervals[-_MAX_INTERVALS:]:
        yield _materialized(view, key, start, end)


def _ingredient(view: View, name: str, said: dict[str, Json], key: Key) -> Iterator[Fact]:
    """Say what an on-demand view is computed from: a view, chosen features of one, or what the caller sends."""
    request = mapping(said.get("requestDataSource"))
    whole = mapping(mapping(said.get("featureView")).get("spec"))
    if request:
        source = view.source(str(request.get("name") or name))
        yield view.link(source, key, "sources.request_data_source", at=view.since)
    elif whole:
        yield view.link(view.view(str(whole.get("name") or name)), key, "sources.feature_view", at=view.since)
    else:
        yield from _chosen(
            view, mapping(said.get("featureViewProjection")), key, "sources.feature_view_projection"
        )


def _chosen(view: View, projection: dict[str, Json], key: Key, rule: str) -> Iterator[Link]:
    """Say that `key` takes from a view the features of `projection`, maybe under another name of the view."""
    name = str(projection.get("featureViewName") or "")
    if not name:
        view.note("missing-field", "the projection names no feature view", rule, dumps(projection).decode())
        return
    chosen = names(projection.get("featureColumns"))
    alias = str(projection.get("featureViewNameAlias") or "")
    detail: dict[str, Json] = {"features": list(chosen)}
    if alias and alias != name:
        detail["alias"] = alias
    if mapping(projection.get("joinKeyMap")):
        detail["join_keys"] = dict(mapping(projection["joinKeyMap"]))
    if projection.get("versionTag") is not None:
        detail["version"] = str(projection["versionTag"])
    yield view.link(view.view(name), key, rule, detail, at=view.since)
    for feature in chosen:
        said: dict[str, Json] = {"alias": alias} if "alias" in detail else {}
        of = view.feature(name, feature)
        yield view.link(of, key, f"{rule}.feature_columns", said, Basis.COLUMN_EXACT, view.since)


def _columns(view: View, of: Key, features: list[str], renamed: dict[str, str]) -> Iterator[Link]:
    """A view that does not transform reads each feature from the column of its name, before renaming."""
    before = {new: old for old, new in renamed.items()}
    for feature in features:
        source = column(of, before.get(feature, feature))
        target = view.feature(view.name, feature)
        yield Link(source, target, Relation.COLUMN, Basis.DECLARED, "spec.features", at=view.since)


def _feature(view: View, feature: dict[str, Json], key: Key) -> Iterator[Fact]:
    name = str(feature.get("name") or "")
    if not name:
        view.note("missing-field", "a feature of the view has no name", "features", dumps(feature).decode())
        return
    vector = {"length": feature.get("vectorLength"), "metric": feature.get("vectorSearchMetric")}
    attributes: dict[str, Json] = {
        "type": str(feature.get("valueType") or ""),
        "description": clip(str(feature.get("description") or ""), MAX_TEXT),
        **view.tags(feature.get("tags")),
        "feature_view": view.name,
        "vector": {word: value for word, value in vector.items() if value},
    }
    own = view.feature(view.name, name)
    yield view.entity(own, attributes, "features", None)
    yield view.link(key, own, "spec.features", at=view.since)


def _intervals(view: View) -> list[tuple[Moment, Moment]]:
    found = []
    for interval in dicts(view.meta.get("materializationIntervals")):
        start, end = view.time(interval, "startTime"), view.time(interval, "endTime")
        if start is not None and end is not None:
            found.append((start, end))
    return sorted(found, key=lambda pair: (pair[1].lo, pair[0].lo))


def _materialized(view: View, key: Key, start: Moment, end: Moment) -> Happened:
    """Say that the data of an interval went to the online store.

    Feast keeps the interval of the data, not when the work was done or by whom: as a rule after the interval's end, and
    before the registry was so.
    """
    latest = view.at.hi if view.at is not None else end.hi
    at = Moment(min(end.lo, latest), latest)
    detail: dict[str, Json] = {"data_from": to_iso(start.lo), "data_until": to_iso(end.lo)}
    return Happened("materialize", key, at, f"{key.namespace}/{key.name}/{start.lo}-{end.lo}", detail=detail)


def _service(view: View) -> Iterator[Fact]:
    key = view.service(view.name)
    projections = view.listed(view.spec, "features")
    attributes: dict[str, Json] = {
        "feast": {"object": "feature-service"},
        **view.common(),
        "features": [
            f"{one.get('featureViewNameAlias') or one.get('featureViewName') or ''}:{feature}"
            for one in projections
            for feature in names(one.get("featureColumns"))
        ],
        "feature_views": sorted({str(one.get("featureViewName") or "") for one in projections}),
        "missing_feature_views": view.joined.get("missing") or [],
        "stale_features": view.joined.get("stale") or [],
        **view.times(),
    }
    yield view.entity(key, attributes, "feature-services", view.created)
    yield from view.unlabelled(key)
    for projection in projections:
        yield from _chosen(view, projection, key, "feature_service.features")
    for missing in view.joined.get("missing") or ():
        view.note(
            "dangling-reference",
            "the feature service names a feature view that the registry does not hold",
            "features",
            str(missing),
        )


def _saved_dataset(view: View) -> Iterator[Fact]:
    spec = view.spec
    own = dataset(f"{view.namespace}/saved-datasets", view.name)
    found = place(own, mapping(spec.get("storage")))
    service = str(spec.get("featureServiceName") or "")
    references = spec.get("features")
    features = [one for one in references if isinstance(one, str)] if isinstance(references, list) else []
    attributes: dict[str, Json] = {
        **view.common(),
        **found.said,
        "features": list(features),
        "feature_service": service,
    }
    feast: Json = {"object": "saved-dataset"}
    yield view.entity(own, {"feast": feast, **attributes, **view.times()}, "saved-datasets", view.created)
    yield from _placed(view, own, found, attributes)
    if service:
        yield view.link(view.service(service), found.key, "saved_dataset.feature_service_name")
        return
    taken: dict[str, None] = {}
    for reference in features:
        name, _, feature = reference.rpartition(":")
        taken[name.partition("@")[0]] = None
        if feature and name:
            of = view.feature(name.partition("@")[0], feature)
            yield view.link(of, found.key, "saved_dataset.features", basis=Basis.COLUMN_EXACT)
    for name in filter(None, taken):
        yield view.link(view.view(name), found.key, "saved_dataset.features")


def _version(view: View) -> Iterator[Fact | Filtered]:
    item = view.item
    name = str(item.get("featureViewName") or "")
    number = str(item.get("versionNumber") or 0)
    at = view.time(item, "createdTimestamp")
    if not name or at is None:
        view.note("missing-field", "the version names no feature view or no time", "createdTimestamp", name)
        yield Filtered("version-without-time")
        return
    detail: dict[str, Json] = {
        "version": number,
        "object": str(item.get("featureViewType") or "").replace("_", "-"),
        "description": clip(str(item.get("description") or ""), MAX_TEXT),
    }
    kept = {part: value for part, value in detail.items() if value}
    number_id = str(item.get("versionId") or f"{view.namespace}/{name}/version/{number}")
    yield Happened("version", view.view(name), at, number_id, detail=kept)


_READERS: dict[str, Callable[[View], Iterator[Fact | Filtered]]] = {
    "data-source": _data_source,
    "entity": _entity,
    "feature-view": _view,
    "stream-feature-view": _view,
    "on-demand-feature-view": _view,
    "label-view": _view,
    "feature-service": _service,
    "saved-dataset": _saved_dataset,
    "version": _version,
    "listing": _listing,
}
