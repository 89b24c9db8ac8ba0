"""Which facets of a dataset or a job are plain attributes, and what is kept of each?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from lineage.model.facts import Json
from lineage.sources._openlineage_shapes import (
    ANY,
    TEXT_LIMIT,
    Facet,
    Tags,
    masked,
    reader,
    tags,
    without_secrets,
    words,
)
from lineage.text import clip

_SQL_LIMIT: Final = 4_000


class _Field(msgspec.Struct, gc=False):
    name: str
    type: str | None = None
    description: str | None = None
    fields: list[_Field] | None = None


class _Schema(Facet):
    fields: list[_Field] | None = None


class _Text(Facet):
    description: str | None = None


class _Owner(msgspec.Struct, gc=False):
    name: str
    type: str | None = None


class _Ownership(Facet):
    owners: list[_Owner] | None = None


class _JobType(Facet):
    processing: str | None = msgspec.field(default=None, name="processingType")
    integration: str | None = None
    type: str | None = msgspec.field(default=None, name="jobType")


class _Sql(Facet):
    query: str | None = None
    dialect: str | None = None


class _Code(Facet, rename={"repo": "repoUrl", "pull_request": "pullRequestNumber"}):
    type: str | None = None
    url: str | None = None
    repo: str | None = None
    path: str | None = None
    version: str | None = None
    branch: str | None = None
    tag: str | None = None
    pull_request: Any = None


def _schema(facet: _Schema) -> dict[str, Json]:
    return {"schema": [_column(one) for one in facet.fields]} if facet.fields else {}


def _column(one: _Field) -> dict[str, Json]:
    column: dict[str, Json] = {"name": one.name}
    if one.type:
        column["type"] = one.type
    if one.description:
        column["description"] = clip(one.description, TEXT_LIMIT)
    if one.fields:
        column["fields"] = [_column(inner) for inner in one.fields]
    return column


def _owners(facet: _Ownership) -> dict[str, Json]:
    said = [one for one in facet.owners or () if one.name and not masked(one.name)]
    if not said:
        return {}
    kinds = {one.name: one.type for one in said if one.type}
    return {"owners": [one.name for one in said]} | ({"owner_types": kinds} if kinds else {})


def _description(facet: _Text) -> dict[str, Json]:
    return {"description": clip(facet.description, TEXT_LIMIT)} if facet.description else {}


def _job_type(facet: _JobType) -> dict[str, Json]:
    said = {"processing_type": facet.processing, "integration": facet.integration, "job_type": facet.type}
    return {name: value for name, value in said.items() if value}


def _sql(facet: _Sql) -> dict[str, Json]:
    return {"sql": clip(facet.query, _SQL_LIMIT)} if facet.query else {}


def _code(facet: _Code) -> dict[str, Json]:
    names = ("type", "url", "repo", "path", "version", "branch", "tag", "pull_request")
    said = {name: getattr(facet, name) for name in names if getattr(facet, name)}
    for name in ("url", "repo"):
        if name in said:
            said[name] = without_secrets(said[name])
    return {"code": said} if said else {}


def _feast(kind: str, *names: str) -> Callable[[dict[str, Any]], dict[str, Json]]:
    keep = words(
        "name", "entities", "features", "feature_views", "feature_view", "store_type", "source_type", *names
    )

    def read(facet: dict[str, Any]) -> dict[str, Json]:
        owner = facet.get("owner")
        owned = {"owners": [owner]} if isinstance(owner, str) and owner and not masked(owner) else {}
        return {"feast": {"object": kind} | keep(facet)} | owned

    return read


_SHARED = {
    "documentation": reader(_Text, _description, "description"),
    "ownership": reader(_Ownership, _owners, "owners"),
    "tags": reader(Tags, tags, "tags"),
}
OF_DATASET = _SHARED | {
    "schema": reader(_Schema, _schema, "schema"),
    "catalog": reader(
        ANY, words("framework", "type", "name", "warehouseUri", "metadataUri", under="catalog"), "catalog"
    ),
    "hierarchy": reader(ANY, words("hierarchy"), "hierarchy"),
    "storage": reader(ANY, words("storageLayer", "fileFormat", under="storage"), "storage"),
    "datasetType": reader(ANY, words("datasetType", "subType", under="dataset_type"), "dataset_type"),
    "feast_featureView": reader(
        ANY, _feast("feature-view", "ttl_seconds", "online_enabled", "tags"), "feast"
    ),
    "feast_featureService": reader(ANY, _feast("feature-service", "tags"), "feast"),
    "feast_entity": reader(ANY, _feast("entity", "join_keys", "value_type"), "feast"),
    "feast_dataSource": reader(ANY, _feast("data-source", "path", "table", "timestamp_field"), "feast"),
    "feast_onlineStore": reader(ANY, _feast("online-store"), "feast"),
}
OF_JOB = _SHARED | {
    "jobType": reader(_JobType, _job_type, "processing_type", "integration", "job_type"),
    "sql": reader(_Sql, _sql, "sql"),
    "sourceCodeLocation": reader(_Code, _code, "code"),
    "sourceCode": reader(ANY, words("language"), "language"),
    "dbt_node": reader(ANY, words("unique_id", "original_file_path", under="dbt"), "dbt"),
    "feast_jobKind": reader(ANY, words("kind", "feast_project", under="feast"), "feast"),
}
