"""Where do the datasets of a data contract lie, in OpenLineage's naming?

`servers` say which store, `schema` which tables, topics or files in it (ODCS, infrastructure-servers.md; OpenLineage,
docs/spec/naming). Names stand as written; which spellings mean one place is decided in `lineage.identity`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lineage.model.facts import Key
from lineage.model.naming import dataset, dataset_at
from lineage.sources._agreement import items, mapping, scalar

_TABLES = {
    "postgres": ("postgres", ("database", "schema")),
    "postgresql": ("postgres", ("database", "schema")),
    "mysql": ("mysql", ("database",)),
    "mariadb": ("mysql", ("database",)),
    "redshift": ("redshift", ("database", "schema")),
    "sqlserver": ("mssql", ("database", "schema")),
    "mssql": ("mssql", ("database", "schema")),
    "synapse": ("sqlserver", ("database", "schema")),
    "oracle": ("oracle", ("serviceName", "schema")),
    "trino": ("trino", ("catalog", "schema")),
    "presto": ("presto", ("catalog", "schema")),
    "clickhouse": ("clickhouse", ("database",)),
    "db2": ("db2", ("database", "schema")),
    "hive": ("hive", ("database",)),
    "impala": ("impala", ("database",)),
    "vertica": ("vertica", ("database", "schema")),
    "databricks": ("databricks", ("catalog", "schema")),
    "teradata": ("teradata", ("database",)),
}
"""The scheme of a store and the fields that lead to a table in it."""

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_GLOB = re.compile(r"[^/]*[*?\[].*$")


class Object(NamedTuple):
    """A table, topic or file of the contract: its name there, its physical name, and its columns."""

    names: frozenset[str]
    physical: str
    columns: frozenset[str]


def objects(document: Mapping[str, Any]) -> tuple[Object, ...]:
    """Return what the contract is about: `schema` of v3, `dataset` of v2."""
    found = []
    for body in map(mapping, items(document.get("schema")) or items(document.get("dataset"))):
        names = [scalar(body.get(field)) for field in ("name", "table", "physicalName", "id", "businessName")]
        physical = scalar(body.get("physicalName")) or scalar(body.get("name")) or scalar(body.get("table"))
        columns = [
            scalar(mapping(column).get(field))
            for column in items(body.get("properties")) or items(body.get("columns"))
            for field in ("name", "column", "physicalName")
        ]
        found.append(Object(frozenset(filter(None, names)), physical, frozenset(filter(None, columns))))
    return tuple(found)


def meant(element: str, among: Sequence[Object]) -> tuple[Object, ...] | None:
    """Return the objects that `element` (`table.column`, several by comma) is about, None when it names none of them.

    Without an element all are meant; with one object in the contract its name may be left out (ODCS,
    service-level-agreement.md).
    """
    if not element:
        return tuple(among)
    found: list[Object] = []
    for part in (one.strip() for one in element.split(",")):
        if not part:
            continue
        of = [one for one in among if any(part == name or part.startswith(f"{name}.") for name in one.names)]
        of = of or [one for one in among if part in one.columns]
        if len(of) != 1:
            return None
        found += [one for one in of if one not in found]
    return tuple(found)


def servers(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the servers: a list in v3 (a mapping by name in drafts of it), single fields of the contract in v2."""
    said = document.get("servers")
    if isinstance(said, dict) and said and all(isinstance(value, dict) for value in said.values()):
        return list(said.values())
    if said:
        return [mapping(one) for one in items(said)]
    system = scalar(document.get("sourceSystem")) or scalar(document.get("sourcePlatform"))
    if not system:
        return []
    project = scalar(document.get("project")) or scalar(document.get("datasetProject"))
    return [
        {
            "type": system.replace(" ", ""),
            "host": document.get("server"),
            "database": document.get("database"),
            "project": project,
            "dataset": document.get("datasetName"),
            "schema": document.get("schemaName"),
        }
    ]


def place(server: Mapping[str, Any], physical: str, *, alone: bool) -> Key | None:
    """Return the dataset `physical` on a server, None when the server does not say enough.

    `alone` = the contract has one object, so that a location without its name is the place of that one.

    >>> place({"type": "postgres", "host": "db", "port": "5432", "database": "shop", "schema": "public"}, "orders",
    ...       alone=True)[1:]
    ('postgres://db:5432', 'shop.public.orders')
    >>> place({"type": "s3", "location": "s3://lake/staging/*.parquet"}, "staging", alone=True)[1:]
    ('s3://lake', 'staging')
    """
    said = {name: scalar(value) for name, value in server.items()}
    kind = said.get("type", "").lower().replace("_", "").replace("-", "")
    if kind in _TABLES:
        scheme, fields = _TABLES[kind]
        address = _address(said)
        needed = fields[: max(0, len(fields) - physical.count("."))]
        if not address or not physical or not all(said.get(field) for field in needed):
            return None
        return dataset(
            f"{scheme}://{address}", _qualified([said.get(field, "") for field in fields], physical)
        )
    if kind == "snowflake" and said.get("account") and physical:
        name = _qualified([said.get("database", ""), said.get("schema", "")], physical)
        return dataset(f"snowflake://{said['account']}", name)
    if kind == "bigquery" and physical and said.get("project"):
        return dataset("bigquery", _qualified([said["project"], said.get("dataset", "")], physical))
    if kind == "athena" and physical and said.get("regionName"):
        name = _qualified([said.get("catalog") or "AwsDataCatalog", said.get("schema", "")], physical)
        return dataset(f"awsathena://athena.{said['regionName']}.amazonaws.com", name)
    if kind == "kafka" and said.get("host"):
        topic = said.get("topic") or physical
        return dataset(f"kafka://{_address(said)}", topic) if topic else None
    if kind == "pubsub" and said.get("project") and physical:
        return dataset("pubsub", f"topic:{said['project']}:{physical}")
    location = said.get("location") or said.get("path", "")
    return _file(location, physical, alone=alone) if location and kind != "api" else None


def _address(said: Mapping[str, str]) -> str:
    host = said.get("host", "").partition("://")[2] or said.get("host", "")
    host = host.rstrip("/")
    port = said.get("port", "")
    return f"{host}:{port}" if port and host and ":" not in host else host


def _qualified(leading: Sequence[str], physical: str) -> str:
    """Return the full name of a table; a physical name that brings schema or database replaces these."""
    parts = [part.strip("`\"'[]") for part in physical.split(".")]
    kept = list(leading)[: max(0, len(leading) + 1 - len(parts))]
    return ".".join(part for part in [*kept, *parts] if part)


def _file(location: str, physical: str, *, alone: bool) -> Key:
    filled = _PLACEHOLDER.sub(physical, location) if physical else location
    trimmed = _GLOB.sub("", filled).rstrip("/") if "://" in filled else _GLOB.sub("", filled)
    named = trimmed.endswith(f"/{physical.strip('/')}")
    if physical and not alone and filled == location and not named:
        trimmed = f"{trimmed}/{physical.strip('/')}"
    return dataset_at(trimmed)
