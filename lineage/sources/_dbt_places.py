"""By which name does a table of a dbt project stand in the world?

A manifest names database, schema and alias, but not the server: only where OpenLineage's name needs none (BigQuery),
or a person says it with the label `dbt_namespace`, is the exact name known. Else the table is named within its project
and the plain name is a candidate (OpenLineage, docs/spec/naming; names as the dbt integration of OpenLineage writes
them). DuckDB's catalogue is called after its file, but the file's folder and suffix are not in the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Alias, Key
from lineage.model.naming import dataset, dataset_at
from lineage.source import Origin
from lineage.sources._dbt_graph import mapping, word

LABEL = "dbt_namespace"
"""The label that says in which OpenLineage namespace the tables of a project stand (`snowflake://org-account`)."""

_SCHEMES = {
    "athena": "awsathena",
    "sqlserver": "sqlserver",
    "synapse": "sqlserver",
    "azuresql": "sqlserver",
}
_NO_SERVER = frozenset({"bigquery"})
_PART = re.compile(r'"((?:[^"]|"")*)"|`([^`]*)`|\[([^\]]*)\]|([^.\s"`\[\]]+)')
_TEMPLATE = re.compile(r"\{\s*(name|identifier|schema|database)\s*\}")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s{}]+$")
_FIELDS = ("external_location", "location", "uri", "path")
RULE = "dbt-relation"
UNPLACED = "unplaced:dbt:"
"""Before a package: the namespace of tables in artifacts that name neither project nor adapter."""


def table(relation: Mapping[str, Any], about: Mapping[str, Any], origin: Origin) -> Key:
    """Return the key of the table of `relation`: exact where that is known, else within its project.

    >>> table({"database": "p", "schema": "s", "name": "t"}, {"adapter": "bigquery"}, Origin(""))[1:]
    ('bigquery', 'p.s.t')
    >>> about = {"adapter": "snowflake", "project": "shop"}
    >>> table({"database": "D", "schema": "s", "name": "t"}, about, Origin(""))[1:]
    ('dbt:snowflake:shop', 'D.s.t')
    """
    adapter = word(about.get("adapter"))
    name = _name(relation)
    if origin.label(LABEL):
        return dataset(origin.label(LABEL), name)
    if adapter in _NO_SERVER:
        return dataset(adapter, name)
    if not adapter:
        return dataset(f"{UNPLACED}{word(relation.get('package'))}", name)
    return dataset(f"dbt:{adapter}:{word(about.get('project'))}", name)


def aliases(relation: Mapping[str, Any], about: Mapping[str, Any], origin: Origin) -> Iterator[Alias]:
    """Yield the other names of a table: in artifacts that name no adapter, and the candidate in the world."""
    here = table(relation, about, origin)
    adapter, package = word(about.get("adapter")), word(relation.get("package"))
    if adapter and package:
        yield Alias(here, dataset(f"{UNPLACED}{package}", _stored(relation, adapter)), RULE)
    if not adapter or adapter in _NO_SERVER or origin.label(LABEL):
        return
    if adapter == "duckdb":
        database = word(relation.get("database"))
        if database and database not in ("memory", ":memory:"):
            yield Alias(here, dataset(f"duckdb://{database}.duckdb", here.name), RULE, "candidate", 0.8)
    else:
        yield Alias(here, dataset(_SCHEMES.get(adapter, adapter), here.name), RULE, "candidate", 0.8)


def locations(node: Mapping[str, Any], relation: Mapping[str, Any], here: Key) -> Iterator[Alias]:
    """Yield where a table's bytes lie, as the project says: `external.location`, or an address in `meta` or `config`.

    dbt copies the `meta` of a group of sources into each table of it: an address there that does not name the table is
    the place of the whole group, so the table lies inside it.
    """
    config = mapping(node.get("config"))
    group = mapping(node.get("source_meta"))
    metas = (mapping(node.get("meta")), mapping(config.get("meta")), group)
    found: dict[str, tuple[str, str]] = {}
    for said, rule in (
        (mapping(node.get("external")).get("location"), "dbt-external"),
        (config.get("location"), "dbt-location"),
        *((meta.get(field), "dbt-meta-uri") for meta in metas for field in _FIELDS),
    ):
        text = word(said)
        filled = _filled(text, relation)
        if _ADDRESS.match(filled):
            shared = filled == text and any(text == group.get(field) for field in _FIELDS)
            found.setdefault(filled, (rule, "part-of" if shared else "same"))
    for address, (rule, how) in found.items():
        yield Alias(here, dataset_at(address), rule, how)


def _filled(text: str, relation: Mapping[str, Any]) -> str:
    def part(found: re.Match[str]) -> str:
        return word(relation.get("name" if found[1] == "identifier" else found[1]))

    return _TEMPLATE.sub(part, text)


def _name(relation: Mapping[str, Any]) -> str:
    return ".".join(filter(None, (word(relation.get(part)) for part in ("database", "schema", "name"))))


def _stored(relation: Mapping[str, Any], adapter: str) -> str:
    """Return the name as the database lists it: Snowflake stores what is not quoted in capitals."""
    name = _name(relation)
    if adapter != "snowflake":
        return name
    written = word(relation.get("relation_name"))
    parts = [next(filter(None, found.groups()), "") for found in _PART.finditer(written)]
    plain = [found[4] is not None for found in _PART.finditer(written)]
    if ".".join(parts).lower() != name.lower():
        return name.upper()
    return ".".join(part.upper() if bare else part for part, bare in zip(parts, plain, strict=True))
