"""What of a lineage does every format need? Its things, its edges, and on which checkpoint they stand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lineage.model.answer import Item

BEGIN = "1970-01-01T00:00:00Z"
PRODUCER = "https://modeltrail.example/export"


@dataclass(frozen=True, slots=True)
class Lineage:
    """A lineage as a `trace` answers it.

    Attributes:
        nodes, edges: as CONTRACT.md writes them; sorted here, so that their order tells nothing.
        workspace: id, tree size, root, and time of the checkpoint (ISO 8601; None when there is none).
        version: of the program; `selector`: what was asked.
    """

    nodes: tuple[Item, ...]
    edges: tuple[Item, ...]
    workspace: Item
    version: str
    selector: str


def lineage(items: list[Item], workspace: Item, version: str, selector: str) -> Lineage:
    """Return the items of a `trace` answer as a lineage."""
    nodes = {node["id"]: node for item in items for node in item.get("nodes", ())}
    edges = [edge for item in items for edge in item.get("edges", ())]
    edges.sort(key=lambda edge: (edge["from"], edge["type"], edge["to"], json.dumps(edge["valid_from"])))
    return Lineage(tuple(nodes[name] for name in sorted(nodes)), tuple(edges), workspace, version, selector)


def dump(document: Any) -> bytes:
    r"""Return JSON in UTF-8, indented; half a surrogate pair is written as an escape.

    >>> dump({"b": 1, "a": "é"}).decode()
    '{\n "b": 1,\n "a": "é"\n}\n'
    """
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        return (json.dumps(document, ensure_ascii=True, indent=1) + "\n").encode()


def instant(value: Any) -> str | None:
    """Return a time for formats that know one point only: the earliest it can have been."""
    if isinstance(value, dict):
        value = value.get("not_before") or value.get("not_after")
    return value if isinstance(value, str) else None


def evidence_text(item: Item) -> str:
    """Return where the evidence stands, for formats that have no place of their own for it."""
    return "; ".join(
        f"{one['file']}:{one.get('line') or one.get('row', '')} sha256:{one['sha256']}"
        for one in item.get("evidence", ())
        if one
    )
