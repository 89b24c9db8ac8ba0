"""What is the model made of? A CycloneDX 1.7 ML-BOM: models with cards, datasets, the services they serve at.

Each dependency goes over jobs and runs to what they read. Citations (new in 1.7) say which component was told by which
process; the evidence itself stands as properties with file, line and SHA-256.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from typing import Any

from lineage.exports.lineage import BEGIN, Lineage, dump, evidence_text
from lineage.model.answer import Item

_MODELS = frozenset({"model", "model-version"})
_DATA = frozenset({"dataset", "feature-view", "feature"})
_BETWEEN = frozenset({"job", "run"})


def render(lineage: Lineage) -> bytes:
    """Return the bill of materials as CycloneDX JSON."""
    kinds = {node["id"]: node["kind"] for node in lineage.nodes}
    needs = _needs(lineage, kinds)
    at = lineage.workspace.get("checkpoint_at") or BEGIN
    components = [_component(node, needs, kinds) for node in lineage.nodes if node["kind"] in _MODELS | _DATA]
    tool = {"type": "application", "bom-ref": "modeltrail", "name": "ModelTrail", "version": lineage.version}
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": at,
            "tools": {"components": [tool]},
            "properties": [
                {"name": f"modeltrail:{name}", "value": str(value)}
                for name, value in sorted((lineage.workspace | {"selector": lineage.selector}).items())
            ],
        },
        "components": components,
        "services": [_service(node) for node in lineage.nodes if node["kind"] == "target"],
        "dependencies": [
            {"ref": name, "dependsOn": sorted(needs[name])} for name in sorted(needs) if needs[name]
        ],
        "citations": [
            {
                "bom-ref": f"citation-{number}",
                "pointers": [f"/components/{number}"],
                "timestamp": at,
                "attributedTo": "modeltrail",
                "note": text[:4000],
            }
            for number, text in enumerate(
                next((p["value"] for p in part["properties"] if p["name"] == "modeltrail:evidence"), "")
                for part in components
            )
            if text
        ],
    }
    identity = hashlib.sha256(dump(document)).digest()
    document["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=identity[:16], version=4)}"
    return dump(document)


def _needs(lineage: Lineage, kinds: dict[str, str]) -> dict[str, set[str]]:
    """Return for each component and service what it is made from, jobs and runs left out."""
    before: dict[str, set[str]] = defaultdict(set)
    for edge in lineage.edges:
        before[edge["to"]].add(edge["from"])
    named = {name for name, kind in kinds.items() if kind in _MODELS | _DATA | {"target"}}
    needs: dict[str, set[str]] = {}
    for name in named:
        found: set[str] = set()
        seen: set[str] = set()
        waiting = list(before[name])
        while waiting:
            other = waiting.pop()
            if other in seen:
                continue
            seen.add(other)
            if other in named:
                found.add(other)
            elif kinds.get(other) in _BETWEEN:
                waiting.extend(before[other])
        needs[name] = found - {name}
    return needs


def _component(node: Item, needs: dict[str, set[str]], kinds: dict[str, str]) -> Item:
    attributes = node.get("attributes") or {}
    model = node["kind"] in _MODELS
    made: Item = {
        "type": "machine-learning-model" if model else "data",
        "bom-ref": node["id"],
        "name": str(attributes.get("model") or node["name"]) if model else node["name"],
    }
    if model and attributes.get("version"):
        made["version"] = str(attributes["version"])
    if model:
        data = sorted(name for name in needs[node["id"]] if kinds[name] in _DATA)
        made["modelCard"] = {"modelParameters": {"datasets": [{"ref": name} for name in data]}}
    else:
        made["data"] = [{"type": "dataset", "name": node["name"]}]
    return made | {"properties": _properties(node)}


def _service(node: Item) -> Item:
    return {"bom-ref": node["id"], "name": node["name"], "properties": _properties(node)}


def _properties(node: Item) -> list[Item]:
    told = {
        "kind": node["kind"],
        "namespace": node["namespace"],
        "first_seen": node.get("first_seen"),
        "last_seen": node.get("last_seen"),
        "evidence": evidence_text(node),
    }
    return [{"name": f"modeltrail:{name}", "value": str(value)} for name, value in told.items() if value]
