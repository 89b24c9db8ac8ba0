"""How does a lineage open in Gephi, yEd or Cytoscape? GraphML, through networkx, with texts and numbers only."""

from __future__ import annotations

import io
import re
from typing import Any

from lineage.exports.lineage import Lineage, evidence_text, instant

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(lineage: Lineage) -> bytes:
    """Return the GraphML document; characters that XML 1.0 (2.2) has no place for are written as U+FFFD."""
    import networkx as nx

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.graph.update(
        {f"modeltrail_{name}": _plain(value) for name, value in sorted(lineage.workspace.items())}
    )
    for node in lineage.nodes:
        told = {name: _plain(node.get(name)) for name in ("kind", "namespace", "name", "display")}
        seen = {name: _plain(node.get(name)) for name in ("first_seen", "last_seen")}
        graph.add_node(_plain(node["id"]), **told, **seen, evidence=_plain(evidence_text(node)))
    for number, edge in enumerate(lineage.edges, 1):
        graph.add_edge(
            _plain(edge["from"]),
            _plain(edge["to"]),
            key=f"e{number}",
            type=_plain(edge["type"]),
            basis=_plain(edge["basis"]),
            rule=_plain(edge["rule"]),
            confidence=float(edge["confidence"]),
            valid_from=instant(edge["valid_from"]) or "",
            valid_to=instant(edge["valid_to"]) or "",
            evidence=_plain(evidence_text(edge)),
        )
    out = io.BytesIO()
    nx.write_graphml_xml(graph, out, named_key_ids=True)
    return out.getvalue()


def _plain(value: Any) -> str:
    return "" if value is None else _NO_XML.sub("\ufffd", str(value))
