"""How does a lineage read as OpenLineage? One JobEvent (spec 2-0-2) a job, in one line, with what it reads and writes.

A JobEvent is OpenLineage's word for a lineage without a run. What has no job in between (a version serving at a target)
has no place in it and stays out; the other formats hold it.
"""

from __future__ import annotations

import json
from collections import defaultdict

from lineage.exports.lineage import BEGIN, PRODUCER, Lineage
from lineage.model.answer import Item

SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent"
_DATA = frozenset({"dataset", "feature-view"})


def render(lineage: Lineage) -> bytes:
    """Return the events, one a line, in the order of the jobs' names."""
    nodes = {node["id"]: node for node in lineage.nodes}
    inputs: dict[str, set[str]] = defaultdict(set)
    outputs: dict[str, set[str]] = defaultdict(set)
    for edge in lineage.edges:
        begin, end = nodes[edge["from"]], nodes[edge["to"]]
        if end["kind"] == "job" and begin["kind"] in _DATA:
            inputs[end["id"]].add(begin["id"])
        elif begin["kind"] == "job" and end["kind"] in _DATA:
            outputs[begin["id"]].add(end["id"])
    lines = []
    for node in lineage.nodes:
        if node["kind"] != "job":
            continue
        event = {
            "eventTime": node.get("last_seen") or node.get("first_seen") or BEGIN,
            "job": {"namespace": node["namespace"], "name": node["name"]},
            "inputs": [_dataset(nodes[name]) for name in sorted(inputs[node["id"]])],
            "outputs": [_dataset(nodes[name]) for name in sorted(outputs[node["id"]])],
            "producer": PRODUCER,
            "schemaURL": SCHEMA,
        }
        lines.append(json.dumps(event, ensure_ascii=True, separators=(",", ":")) + "\n")
    return "".join(lines).encode()


def _dataset(node: Item) -> Item:
    return {"namespace": node["namespace"], "name": node["name"]}
