"""Which principals are whose, from when to when, as a list that people keep says?

One row a person with several principals, or one row a principal. A principal without a system is the person's in any
system, `*`. Nobody is guessed: a row whose dates can be read in two ways names the person and gives no principal, and a
name alone, without e-mail or principal, is a person whom nothing can be tied to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._csv_rows import first_header, rows, said_in, spelling
from lineage.sources._listed_person import person

NAME = "people-csv"
HEADED = True
FORMAT = "People lists (CSV): person, email, principal, kind, valid_from, valid_to, team"
PROVES = ("who",)

_COLUMNS = {
    "name": "person|name|full name|display name|employee|employee name|person name|osoba|mitarbeiter",
    "email": "email|e mail|mail|email address|e mail address|mail address",
    "principal": "principal|principals|login|logins|username|user name|user|users|account|accounts|user id|identity|"
    "identities|subject|oidc subject|sso name|service account|github|github login",
    "system": "system|provider|issuer|source|realm|identity provider|idp",
    "kind": "kind|type|account type|principal type|actor type|art",
    "since": "valid from|from|since|start|start date|effective from|joined|date in|gültig ab|gueltig ab|ważne od",
    "until": "valid to|to|until|end|end date|effective to|valid until|left|date out|gültig bis|gueltig bis|ważne do",
    "team": "team|group|department|unit|organisation|organization|abteilung|zespół",
}
_SYNONYMS = {name: column for column, names in _COLUMNS.items() for name in names.split("|")}
_FOREIGN = frozenset(
    {"incident", "opened at", "resolved at", "metric", "target", "permission", "permissions"}
) | {
    "granted at",
    "expires at",
    "resource",
}
"""Columns of lists of incidents, service levels and rights, which may also name a person."""


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a people list: a person and how systems call him, in its header."""
    if sample.listing or sample.text.lstrip()[:1] in {"{", "[", "<"}:
        return 0.0
    header = first_header(sample.text, _SYNONYMS)
    if header is None or _FOREIGN & set(map(spelling, header.names)):
        return 0.0
    columns = set(header.columns)
    named = bool({"name", "email"} & columns)
    if named and "principal" in columns:
        return 0.9
    return 0.6 if {"name", "email"} <= columns and {"kind", "since", "team"} & columns else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into the header and the rows."""
    del origin
    yield from rows(given, _SYNONYMS)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say which principals a row gives to whom."""
    said = said_in(record)
    if not isinstance(said, dict):
        yield said
        return
    yield from person(said, origin)
