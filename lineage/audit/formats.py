"""Which formats can be read, what is a file taken for, and what became of it?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lineage.model.answer import Answer, Item
from lineage.source import sources


def known() -> Answer:
    """List the formats that can be read, and what each can prove."""
    items: list[Item] = [
        {
            "name": source.NAME,
            "format": source.FORMAT,
            "status": "ready",
            "facts": list(source.PROVES),
            "evidence": [],
        }
        for source in sources()
    ]
    return Answer(items, len(items))


def recognised(surveyed: Iterable[Any]) -> Answer:
    """Say what each surveyed file (`lineage.ingest.Recognised`) would be read as."""
    items: list[Item] = [
        {
            "file": item.found.path,
            "source": item.source.NAME if item.source else None,
            "format": item.source.FORMAT if item.source else None,
            "confidence": item.confidence,
            "bytes": item.found.given.size if item.found.given else 0,
            "note": item.found.problem.reason if item.found.problem else "",
        }
        for item in surveyed
    ]
    return Answer(items, len(items))


def imported(results: Iterable[Any]) -> Answer:
    """Say what became of each imported file (`lineage.ingest.FileResult`); CONTRACT.md, `import`."""
    items: list[Item] = [
        {
            "file": result.file,
            "source": result.source,
            "format": result.format,
            "read": result.read,
            "accepted": result.accepted,
            "duplicate": result.duplicate,
            "filtered": result.filtered,
            "rejected": result.rejected,
            "problems": result.problems,
            "bytes": result.bytes,
            "sha256": result.sha256,
            "seconds": result.seconds,
            "reasons": result.reasons,
            "note": result.note,
            "evidence": [],
        }
        for result in results
    ]
    return Answer(items, len(items))
