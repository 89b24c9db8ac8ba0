"""How is a lineage asked for, put into another tool's words, and written to a file?"""

from __future__ import annotations

import hashlib
from pathlib import Path

from lineage import __version__
from lineage.anchoring import written
from lineage.audit import things
from lineage.audit.view import View
from lineage.errors import QuestionError
from lineage.exports import FORMATS
from lineage.exports.lineage import Lineage, lineage
from lineage.model.answer import Answer, Item
from lineage.model.moment import to_iso
from lineage.store import asking


def lineage_of(view: View, selector: str) -> Lineage:
    """Return the whole lineage, up and down, of what `selector` picks."""
    answer = things.lineage(view, selector, up=None, down=None)
    workspace = asking.identity(view.connection, view.known_at)
    at = workspace["checkpoint_at"]
    said = workspace | {"checkpoint_at": None if at is None else to_iso(at)}
    return lineage(answer.items, said, __version__, selector)


def export(view: View, selector: str, file: Path, form: str) -> Answer:
    """Write the lineage to `file` and return its name, format, SHA-256 and how many things and edges it holds."""
    if form not in FORMATS:
        raise QuestionError(
            "there is no such format of export", where=form, remedy=f"choose one of {', '.join(FORMATS)}"
        )
    found = lineage_of(view, selector)
    body = FORMATS[form](found)
    written(file, body)
    item: Item = {
        "file": str(file),
        "format": form,
        "sha256": hashlib.sha256(body).hexdigest(),
        "bytes": len(body),
        "nodes": len(found.nodes),
        "edges": len(found.edges),
        "evidence": [],
    }
    return view.answer([item], 1)
