"""Who was given which right to what, from when to when, by whom and on which ticket, as a list that people keep says?

One right a row: a principal, a role (or a permission), what it holds for, and the days. A bare day as an end holds to
its last moment. A row whose day can be read in two ways gives a right with a bound that spans both (label `dates`). A
principal without a system is that of any system, as in a people list; nothing is guessed from a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lineage.model.facts import Fact, Grant, Json, Key
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._agreement_times import times
from lineage.sources._csv_rows import first_header, rows, said_in, spelling
from lineage.sources._incident import local_time
from lineage.text import clip

NAME = "access-csv"
HEADED = True
FORMAT = "Access lists (CSV): principal, role, resource, granted_from, granted_to, granted_by, ticket"
PROVES = ("who", "when", "what")

ANY_SYSTEM = "*"

_COLUMNS = {
    "principal": "principal|user|username|user name|login|account|identity|subject|grantee|member|email|e mail|person"
    "|employee|benutzer|konto|użytkownik|user id|service account",
    "system": "system|provider|realm|identity provider|platform|plattform|application|app",
    "role": "role|role name|permission set|group|access|access level|profile|entitlement|right|rolle|rola|privilege",
    "permission": "permission|permissions|action|actions|berechtigung|uprawnienie|privileges",
    "resource": "resource|resources|scope|target|object|asset|environment|project|namespace|cluster|ressource|zasób",
    "since": "granted from|granted at|granted on|granted|valid from|from|since|start|start date|effective from"
    "|grant date|date granted|assigned on|gültig ab|gueltig ab|ważne od",
    "until": "granted to|granted until|valid to|valid until|to|until|end|end date|effective to|expires|expires at"
    "|expiry|expiry date|expiration date|revoked at|revoked on|revoked|removed on|gültig bis|gueltig bis|ważne do",
    "by": "granted by|approved by|approver|assigned by|owner approval|genehmigt von|zatwierdził",
    "ticket": "ticket|request|request id|change|change ref|reference|ticket id|case|jira|antrag",
    "effect": "effect|allow deny|type|allowed",
    "condition": "condition|conditions|restriction|restrictions|bedingung",
    "reviewed": "reviewed at|last reviewed|review date|certified on|recertified on",
    "used": "last used|last login|last access|last activity",
    "status": "status|state",
    "note": "comment|note|notes|remark|remarks|justification|reason|description",
}
_SYNONYMS = {name: column for column, names in _COLUMNS.items() for name in names.split("|")}
_FOREIGN = frozenset(
    {
        "metric",
        "opened at",
        "resolved at",
        "incident",
        "issue key",
        "target value",
        "threshold",
        "short description",
    }
)
"""Columns of lists of service levels and incidents, which may also name a person and days."""

_RIGHTS = frozenset({"role", "permission"})
_SEPARATORS = re.compile(r"[;\n\r]+")
_LOOSE = frozenset({"group", "profile", "object", "target", "project", "action", "actions", "right"})
"""Words that mean a right or what it is for in an access list, and anything elsewhere."""

_DENIES = frozenset({"deny", "denied", "no", "false", "0", "forbidden", "blocked"})
_LEFT_OUT = frozenset({"requested", "pending", "rejected", "draft", "declined", "beantragt", "abgelehnt"})
"""States of a request: nothing was granted yet."""


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is an access list: a principal, a right, and what it is for or since when."""
    if sample.listing or sample.text.lstrip()[:1] in {"{", "[", "<"}:
        return 0.0
    header = first_header(sample.text, _SYNONYMS)
    if header is None or _FOREIGN & set(map(spelling, header.names)):
        return 0.0
    columns = set(header.columns)
    if "principal" not in columns or not columns & _RIGHTS:
        return 0.0
    dated = bool(columns & {"since", "until"}) and bool(columns & {"by", "ticket"})
    spelled = {name for name in map(spelling, header.names) if _SYNONYMS.get(name) in {*_RIGHTS, "resource"}}
    if spelled & _LOOSE and not dated:
        # A table of data may well have a user, a group and a target; a people list a group and days.
        return 0.0
    return 0.92 if "resource" in columns or dated else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into the header and the rows."""
    del origin
    yield from rows(given, _SYNONYMS)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say which right a row gives to whom."""
    said = said_in(record)
    if not isinstance(said, dict):
        yield said
        return
    if said.get("status", "").lower() in _LEFT_OUT:
        yield Filtered("not-granted")
    else:
        yield from right(said, origin)


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
