"""How does a lineage read in W3C PROV? PROV-JSON (W3C member submission 2013-04-24) of PROV-DM.

Jobs and runs are activities, actors are agents, all else is entities; an edge that PROV has a relation for becomes
that relation, any other `wasInfluencedBy` with its type. Direction turns: PROV points from the later to the earlier.
"""

from __future__ import annotations

from typing import Any

from lineage.exports.lineage import Lineage, dump, evidence_text, instant
from lineage.model.answer import Item

_ACTIVITIES = frozenset({"job", "run"})
_DERIVED = frozenset({"registered", "copied", "serves"})


def render(lineage: Lineage) -> bytes:
    """Return the PROV-JSON document."""
    kinds = {node["id"]: node["kind"] for node in lineage.nodes}
    names = {name: f"mt:n{number}" for number, name in enumerate(sorted(kinds), 1)}
    document: dict[str, Any] = {
        "prefix": {"mt": f"urn:modeltrail:{lineage.workspace['workspace']}:"},
        "entity": {},
        "activity": {},
        "agent": {},
    }
    for node in lineage.nodes:
        document[_element(node["kind"])][names[node["id"]]] = _described(node)
    for number, edge in enumerate(lineage.edges, 1):
        relation, said = _related(edge, names, kinds)
        said |= {
            "mt:type": edge["type"],
            "mt:basis": edge["basis"],
            "mt:confidence": float(edge["confidence"]),
            "mt:evidence": evidence_text(edge),
        }
        document.setdefault(relation, {})[f"_:e{number}"] = said
    document["entity"]["mt:checkpoint"] = {
        "prov:label": "the checkpoint that this stands on",
        "mt:tree_size": lineage.workspace["tree_size"],
        "mt:root": lineage.workspace["root"],
        "mt:version": lineage.version,
    }
    return dump({name: part for name, part in document.items() if part})


def _element(kind: str) -> str:
    if kind in _ACTIVITIES:
        return "activity"
    return "agent" if kind == "actor" else "entity"


def _described(node: Item) -> Item:
    said: Item = {"prov:label": node["display"], "prov:type": node["kind"], "mt:id": node["id"]}
    for name in ("first_seen", "last_seen"):
        if node.get(name):
            said[f"mt:{name}"] = {"$": node[name], "type": "xsd:dateTime"}
    text = evidence_text(node)
    return said | ({"mt:evidence": text} if text else {})


def _related(edge: Item, names: dict[str, str], kinds: dict[str, str]) -> tuple[str, Item]:
    begin, end = names[edge["from"]], names[edge["to"]]
    first, second = _element(kinds[edge["from"]]), _element(kinds[edge["to"]])
    at = instant(edge["valid_from"])
    when = {"prov:time": at} if at else {}
    if (first, second) == ("entity", "activity"):
        return "used", {"prov:activity": end, "prov:entity": begin, **when}
    if (first, second) == ("activity", "entity"):
        return "wasGeneratedBy", {"prov:entity": end, "prov:activity": begin, **when}
    if (first, second) == ("entity", "entity") and edge["type"] in _DERIVED:
        return "wasDerivedFrom", {"prov:generatedEntity": end, "prov:usedEntity": begin}
    return "wasInfluencedBy", {"prov:influencee": end, "prov:influencer": begin}
