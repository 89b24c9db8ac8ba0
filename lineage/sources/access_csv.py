"""Who was given which right to what, from when to when, by whom and on which ticket, as a list that people keep says?

One right a row: a principal, a role (or a permission), what it holds for, and the days. A bare day as an end holds to
its last moment. A row whose day can be read in two ways gives a right with a bound that spans both (label `dates`). A
principal without a system is that of any system, as in a people list; nothing is guessed from a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._csv_rows import first_header, rows, said_in, spelling
from lineage.sources._listed_right import right

NAME = "access-csv"
HEADED = True
FORMAT = "Access lists (CSV): principal, role, resource, granted_from, granted_to, granted_by, ticket"
PROVES = ("who", "when", "what")

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
_LOOSE = frozenset({"group", "profile", "object", "target", "project", "action", "actions", "right"})
"""Words that mean a right or what it is for in an access list, and anything elsewhere."""

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
