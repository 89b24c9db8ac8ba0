"""Which tables, parents and tests does a dbt project have, and what of them does each record need?

The splitter's half of the dbt source: a manifest is one document whose nodes point at each other, so what a node needs
of the others is put into its record. Models without a table (ephemeral), metrics and semantic models are looked
through to the tables behind them; tests are no lineage. Absolute paths of the machine that ran dbt are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import md5
from typing import Any

from lineage.text import dumps

TABLES = frozenset({"model", "seed", "snapshot", "source"})
_PRIVATE = frozenset({"root_path", "build_path", "config_call_dict"})
_CONTAINERS = ("nodes", "sources", "exposures")
_THROUGH = ("metrics", "semantic_models", "saved_queries", "functions", "unit_tests")
_CLOUD = re.compile(r"DBT_CLOUD_(?:PROJECT_ID|JOB_ID|RUN_ID|ENVIRONMENT_ID|RUN_REASON|RUN_REASON_CATEGORY)")
_REF = re.compile(r"ref\(\s*(?:['\"][^'\"]+['\"]\s*,\s*)?['\"]([^'\"]+)['\"]")
_SOURCE = re.compile(r"source\(\s*['\"]([^'\"]+)['\"]\s*,\s*['\"]([^'\"]+)['\"]\s*\)")


def mapping(value: Any) -> Mapping[str, Any]:
    """Return `value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return `value` where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def word(value: Any) -> str:
    """Return `value` where it is a text, the digits of a number, else nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def invocation(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an artifact says of the invocation that wrote it; of its environment only dbt Cloud's own ids.

    `invocation_started_at` is not taken: with partial parsing it may be that of an older invocation (sources-ops 2).
    """
    metadata = mapping(document.get("metadata"))
    arguments = mapping(document.get("args"))
    said = {
        "schema": word(metadata.get("dbt_schema_version")).rpartition("/dbt/")[2].removesuffix(".json"),
        "dbt_version": word(metadata.get("dbt_version")),
        "generated_at": word(metadata.get("generated_at")) or word(document.get("generated_at")),
        "invocation_id": word(metadata.get("invocation_id")),
        "command": word(arguments.get("which")),
        "target": word(arguments.get("target")),
    }
    cloud = {
        name: value
        for name, value in mapping(metadata.get("env")).items()
        if _CLOUD.fullmatch(name) and value
    }
    return {name: value for name, value in said.items() if value} | ({"cloud": cloud} if cloud else {})


class Graph:
    """A manifest as a graph.

    Attributes:
        about: what holds for every node: invocation, project and adapter.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self.manifest = manifest
        self._nodes: dict[str, Mapping[str, Any]] = {}
        for container in (*_CONTAINERS, *_THROUGH):
            for name, node in mapping(manifest.get(container)).items():
                self._nodes[name] = mapping(node)
        self._parent_map = mapping(manifest.get("parent_map"))
        metadata = mapping(manifest.get("metadata"))
        self.about = invocation(manifest) | {
            "project": self._project(metadata),
            "adapter": word(metadata.get("adapter_type")).lower(),
        }

    def _project(self, metadata: Mapping[str, Any]) -> str:
        """Return the project's name; old manifests give only its MD5, which one of the packages must have."""
        name, digest = word(metadata.get("project_name")), word(metadata.get("project_id"))
        if name:
            return name
        packages = {word(node.get("package_name")) for node in self._nodes.values()} - {""}
        packages |= {
            word(mapping(one).get("package_name")) for one in mapping(self.manifest.get("macros")).values()
        }
        for package in sorted(packages):
            if md5(package.encode(), usedforsecurity=False).hexdigest() == digest:
                return package
        own = {word(node.get("package_name")) for node in self._nodes.values()} - {""}
        return own.pop() if len(own) == 1 else digest

    def node(self, name: str) -> Mapping[str, Any]:
        """Return the node called `name`, an empty one when the manifest has none."""
        return self._nodes.get(name, {})

    def parents(self, name: str) -> list[str]:
        """Return the tables that `name` is made from, sorted; names that the manifest does not hold stand too."""
        found: set[str] = set()
        seen = {name}
        waiting = self._direct(name)
        while waiting:
            parent = waiting.pop()
            if parent in seen:
                continue
            seen.add(parent)
            if parent not in self._nodes or has_table(self._nodes[parent]):
                found.add(parent)
            else:
                waiting.extend(self._direct(parent))
        return sorted(found)

    def _direct(self, name: str) -> list[str]:
        listed = self._parent_map.get(name)
        if not isinstance(listed, list):
            listed = mapping(self.node(name).get("depends_on")).get("nodes")
        return [word(parent) for parent in items(listed) if word(parent)]

    def tested(self, test: str) -> str:
        """Return the node that a test is about, or nothing when it is about several alike (a free query over two)."""
        node = self.node(test)
        attached = word(node.get("attached_node"))
        if attached:
            return attached
        direct = sorted(set(self._direct(test)))
        if len(direct) == 1:
            return direct[0]
        said = word(mapping(mapping(node.get("test_metadata")).get("kwargs")).get("model"))
        ref, source = _REF.search(said), _SOURCE.search(said)
        fitting = [
            name
            for name in direct
            if (ref and self.node(name).get("name") == ref[1])
            or (
                source
                and (self.node(name).get("source_name"), self.node(name).get("name")) == source.groups()
            )
        ]
        return fitting[0] if len(fitting) == 1 else ""

    def relation(self, name: str) -> dict[str, Any]:
        """Return where the table of `name` stands, as the parts of its name."""
        return relation(name, self.node(name))

    def check(self, test: str) -> dict[str, Any]:
        """Return what the manifest says of a test: the node it is about, its kind, column and severity."""
        node = self.node(test)
        metadata = mapping(node.get("test_metadata"))
        about = self.tested(test)
        space = word(metadata.get("namespace"))
        name = word(metadata.get("name"))
        said = {
            "metric": f"{space}.{name}" if space and name else name,
            "column": word(node.get("column_name")),
            "severity": word(mapping(node.get("config")).get("severity")).lower(),
            "of": self.relation(about) if about and has_table(self.node(about)) else None,
        }
        return {part: value for part, value in said.items() if value}

    def records(self) -> Iterator[tuple[str, bytes]]:
        """Yield the place and the content of each record: one for the project, one for each node."""
        counts = {name: len(held) for name, held in self.manifest.items() if isinstance(held, (dict, list))}
        counts.pop("metadata", None)
        yield "metadata", dumps({"artifact": "manifest", "about": self.about, "counts": counts})
        groups = {
            word(mapping(one).get("name")): one for one in mapping(self.manifest.get("groups")).values()
        }
        for container in _CONTAINERS:
            for name in mapping(self.manifest.get(container)):
                node = self._nodes[name]
                body: dict[str, Any] = {
                    "artifact": "manifest",
                    "about": self.about,
                    "id": name,
                    "node": {field: value for field, value in node.items() if field not in _PRIVATE},
                }
                if word(node.get("resource_type")) not in ("test", "source"):
                    parents = self.parents(name)
                    body["parents"] = [self.relation(parent) for parent in parents if parent in self._nodes]
                    missing = [parent for parent in parents if parent not in self._nodes]
                    if missing:
                        body["missing"] = missing
                group = groups.get(word(node.get("group")) or word(mapping(node.get("config")).get("group")))
                if group:
                    body["group"] = {"name": mapping(group).get("name"), "owner": mapping(group).get("owner")}
                yield name, dumps(body)


def has_table(node: Mapping[str, Any]) -> bool:
    """Tell whether a node stands as a table or view in the database."""
    kind = word(node.get("resource_type"))
    return kind in TABLES and mapping(node.get("config")).get("materialized") != "ephemeral"


def relation(name: str, node: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the table of the node called `name` stands, as the parts of its name that are known.

    >>> relation("model.shop.orders", {"schema": "s"})
    {'id': 'model.shop.orders', 'package': 'shop', 'schema': 's', 'name': 'orders'}
    """
    parts = {
        "id": name,
        "package": word(node.get("package_name")) or package_of(name),
        "database": word(node.get("database")),
        "schema": word(node.get("schema")),
        "name": word(node.get("identifier"))
        or word(node.get("alias"))
        or word(node.get("name"))
        or name.rpartition(".")[2],
        "relation_name": word(node.get("relation_name")),
    }
    return {part: said for part, said in parts.items() if said}


def package_of(name: str) -> str:
    """Return the package of a node's unique id.

    >>> package_of("model.shop.orders.v2")
    'shop'
    """
    parts = name.split(".")
    return parts[1] if len(parts) > 2 else ""
