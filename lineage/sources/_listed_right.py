"""Which right does a row of a list give to whom, from when to when, by whom and on which ticket?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineage.model.facts import Fact, Grant, Json, Key
from lineage.model.vocabulary import Kind
from lineage.source import Origin, Problem
from lineage.sources._agreement_times import times
from lineage.sources._incident import local_time
from lineage.text import clip

ANY_SYSTEM = "*"

_SEPARATORS = re.compile(r"[;\n\r]+")
_DENIES = frozenset({"deny", "denied", "no", "false", "0", "forbidden", "blocked"})


def right(said: dict[str, str], origin: Origin) -> Iterator[Fact | Problem]:
    """Say which right the cells of a row give, by the names of the columns."""
    principals = [part.strip() for part in _SEPARATORS.split(said.get("principal", "")) if part.strip()]
    permissions = tuple(
        part.strip() for part in _SEPARATORS.split(said.get("permission", "")) if part.strip()
    )
    role = said.get("role", "")
    if not principals or not (role or permissions):
        field = "principal" if not principals else "role"
        yield Problem("missing-field", f"the row names no {field}", field)
        return
    problems: list[Problem] = []
    days = {"granted_from": said.get("since", ""), "granted_to": said.get("until", "")}
    since, until = times(days, origin, problems.append)
    if any(problem.code == "bad-time" for problem in problems):
        # A right whose days cannot be read would seem to hold always.
        yield from (Problem(each.code, each.reason, each.field, each.value) for each in problems)
        return
    detail: dict[str, Json] = {
        "ticket": said.get("ticket", ""),
        "status": said.get("status", ""),
        "note": clip(said.get("note", ""), 500),
    }
    for column in ("reviewed", "used"):
        read_at = local_time(said.get(column, ""), origin, problems.append, column)
        if read_at is not None:
            detail[column] = said[column]
    system = said.get("system", "") or ANY_SYSTEM
    by = said.get("by", "")
    for name in principals:
        yield Grant(
            Key(Kind.ACTOR, system, name),
            role or ", ".join(permissions),
            permissions,
            where=said.get("resource", ""),
            place=said.get("system", ""),
            allowed=said.get("effect", "").lower() not in _DENIES,
            conditional=said.get("condition", ""),
            since=since,
            until=until,
            by=Key(Kind.ACTOR, ANY_SYSTEM, by) if by else None,
            via="access list",
            detail={field: value for field, value in detail.items() if value},
        )
    yield from problems
