"""What does one evidence record hold, where does it stand, and what was it taken to say?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from lineage.errors import QuestionError
from lineage.model.answer import Item
from lineage.model.moment import to_iso
from lineage.store import log
from lineage.store.database import Connection


def record(connection: Connection, seq: int) -> Item:
    """Return record `seq`: its bytes as text (or hex where they are no UTF-8), its place, and its facts.

    Raises `QuestionError` when there is no such record.
    """
    found = log.stored_record(connection, seq)
    if found is None:
        raise QuestionError("there is no such record", where=str(seq))
    return _item(found, log.facts_of(connection, seq))


def _item(found: log.Stored, said: Sequence[Any]) -> Item:
    try:
        text: str | None = found.raw.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    return {
        "record": found.seq,
        "text": text,
        "hex": None if text is not None else found.raw.hex(" "),
        "length": len(found.raw),
        "sha256": found.sha256.hex(),
        "source": found.source,
        "file": found.file,
        "line": found.line,
        "offset": found.offset,
        "row": found.row,
        "labels": found.labels,
        "imported_at": to_iso(found.imported_at),
        "facts": [_fact(fact) for fact in said],
    }


def _fact(fact: Any) -> Item:
    return {
        "fact": type(fact).__name__.lower(),
        **{name: msgspec.to_builtins(getattr(fact, name)) for name in fact.__struct_fields__},
    }
