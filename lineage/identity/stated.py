"""Which row holds a statement that is kept whole, because later questions read it as it was made?"""

from __future__ import annotations

from typing import Any

import msgspec

from lineage.model.facts import Coverage, Grant, Happened, Objective, Series
from lineage.text import dumps

_encode = msgspec.msgpack.Encoder().encode

Row = tuple[Any, ...]


def happened_body(fact: Happened) -> bytes:
    """Return a happening as it is kept."""
    return _encode(fact)


def coverage_row(fact: Coverage, seq: int) -> Row:
    """Return what a source was able to show, as record `seq` says."""
    detail = dumps(fact.detail).decode()
    return (fact.listing, fact.what, fact.since.lo, fact.until.hi, int(fact.complete), detail, seq)


def objective_row(number: int, fact: Objective, seq: int) -> Row:
    """Return an objective of the agreement numbered `number`."""
    return (number, _encode(fact), seq)


def grant_row(number: int, fact: Grant, seq: int) -> Row:
    """Return a right of the principal numbered `number`."""
    return (number, _encode(fact), seq)


def series_row(number: int, fact: Series, seq: int) -> Row:
    """Return the samples of the series numbered `number`, with their first and last time (UTC microseconds)."""
    first, last = (min(fact.times), max(fact.times)) if fact.times else (None, None)
    return (number, fact.metric, first, last, len(fact.times), _encode(fact), seq)
