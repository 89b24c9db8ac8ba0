"""Which answers do Prometheus and Marquez give to a question about a span, page by page, exactly as sent?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lineage.errors import QuestionError, UnreadableInputError
from lineage.fetching_http import Line, Reply, Server
from lineage.text import MalformedError, loads

POINTS = 10_000
"""Samples of a series asked for at once; Prometheus refuses more than 11,000."""

PAGE = 100
"""Events of one answer of Marquez."""

MAX_PAGES = 100_000

_NAMED = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)=(?![=~])(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer.

    Attributes:
        raw: the bytes as received.
        holds: how many things it lists; an answer that holds none is no evidence of a thing.
        whole: false when the server itself says that it did not show everything asked for.
        labels: what the answer does not say of itself (`metric`, `step`).
    """

    raw: bytes
    holds: int
    whole: bool
    labels: tuple[tuple[str, str], ...] = ()


def named_query(text: str) -> tuple[str, str]:
    """Return name and expression of a query written `NAME=EXPRESSION`, or "" and the expression.

    >>> named_query("availability=sum(rate(ok[5m]))")
    ('availability', 'sum(rate(ok[5m]))')
    >>> named_query('up{job="iris"}')
    ('', 'up{job="iris"}')
    """
    found = _NAMED.fullmatch(text.strip())
    return (found[1], found[2].strip()) if found else ("", text.strip())


def prometheus(server: Server, queries: list[str], since: int, until: int, step: int) -> Iterator[Page]:
    """Yield the answers to range queries over a span (UTC microseconds) with a `step` in seconds.

    Times are multiples of the step, so that asking again gives the same samples. Raises `QuestionError` without a query
    and `UnreadableInputError` when the server cannot be asked.
    """
    if not queries:
        raise QuestionError(
            "nothing is asked of Prometheus",
            where="--query",
            remedy="give --query METRIC or --query NAME=EXPRESSION, as often as needed",
        )
    line = Line(server)
    first, last = -(-since // 1_000_000 // step) * step, until // 1_000_000 // step * step
    for query in queries:
        name, expression = named_query(query)
        labels = (*((("metric", name),) if name else ()), ("step", str(step)))
        for begin in range(first, last + 1, POINTS * step):
            end = min(begin + (POINTS - 1) * step, last)
            asked = {"query": expression, "start": begin, "end": end, "step": step}
            reply = line.ask("/api/v1/query_range", asked)
            said = _object(reply, line, "Prometheus")
            if said.get("status") not in {"success", "error"}:
                raise _stranger(reply, line, "Prometheus")
            content = said.get("data")
            result = content.get("result") if isinstance(content, dict) else None
            whole = (
                said["status"] == "success" and not said.get("warnings") and said.get("isPartial") is not True
            )
            holds = len(result) if isinstance(result, list) else 0
            yield Page(reply.raw, holds + (said["status"] == "error"), whole, labels)


def marquez(server: Server, since: int, until: int) -> Iterator[Page]:
    """Yield the events that Marquez keeps of a span (UTC microseconds), oldest first, a hundred an answer.

    A span that ends in the past does not move while its pages are read. Raises `UnreadableInputError` when the server
    cannot be asked.
    """
    line = Line(server)
    seen = 0
    for _ in range(MAX_PAGES):
        asked = {
            "after": iso(since),
            "before": iso(until),
            "sortDirection": "asc",
            "limit": PAGE,
            "offset": seen,
        }
        reply = line.ask("/api/v1/events/lineage", asked)
        said = _object(reply, line, "Marquez")
        events = said.get("events")
        if reply.status != 200 or not isinstance(events, list):
            raise _stranger(reply, line, "Marquez")
        seen += len(events)
        total = said.get("totalCount")
        ends = len(events) < PAGE
        yield Page(reply.raw, len(events), not (ends and isinstance(total, int) and seen < total))
        if ends:
            return
    raise UnreadableInputError(
        f"the server has more than {MAX_PAGES} pages", where=line.origin, remedy="ask for a shorter span"
    )


def iso(time: int) -> str:
    """Return UTC microseconds as ISO 8601.

    >>> iso(1_767_225_600_000_000)
    '2026-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(time / 1_000_000, UTC).isoformat().replace("+00:00", "Z")


def _object(reply: Reply, line: Line, what: str) -> dict[str, Any]:
    try:
        said = loads(reply.raw)
    except MalformedError as error:
        raise _stranger(reply, line, what) from error
    if not isinstance(said, dict):
        raise _stranger(reply, line, what)
    return said


def _stranger(reply: Reply, line: Line, what: str) -> UnreadableInputError:
    return UnreadableInputError(
        f"the server answers {reply.status}, not as {what} does",
        where=f"{line.origin}{line.prefix}",
        remedy=f"check that {what} is there, and its path",
    )
