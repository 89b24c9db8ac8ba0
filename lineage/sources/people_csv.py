"""Which principals are whose, from when to when, as a list that people keep says?

One row a person with several principals, or one row a principal. A principal without a system is the person's in any
system, `*`. Nobody is guessed: a row whose dates can be read in two ways names the person and gives no principal, and a
name alone, without e-mail or principal, is a person whom nothing can be tied to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lineage.model.facts import Alias, Entity, Fact, Json, Key
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._agreement_times import times
from lineage.sources._csv_rows import first_header, rows, said_in, spelling
from lineage.text import clip

NAME = "people-csv"
HEADED = True
FORMAT = "People lists (CSV): person, email, principal, kind, valid_from, valid_to, team"
PROVES = ("who",)

NAMESPACE = "people"
ANY_SYSTEM = "*"

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

_KINDS = {
    "": "person",
    "human": "person",
    "user": "person",
    "employee": "person",
    "robot": "bot",
    "service account": "service-account",
    "serviceaccount": "service-account",
    "service_account": "service-account",
    "sa": "service-account",
    "machine": "service-account",
}
_SEPARATORS = re.compile(r"[;\n\r]+")
_MAIL = re.compile(r"[^\s@:/]+@[^\s@:/]+")


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


def person(said: dict[str, str], origin: Origin) -> Iterator[Fact | Problem]:
    """Say which principals the cells of a row give to whom, by the names of the columns."""
    name, mail = said.get("name", ""), said.get("email", "").lower()
    if mail and not _MAIL.fullmatch(mail):
        yield Problem("bad-email", "this is no e-mail address", "email", clip(said["email"]))
        return
    principals = _principals(said.get("principal", ""))
    called = mail or name
    if not called:
        yield Problem("missing-field", "the row names no person: it has neither name nor e-mail", "person")
        return
    key = Key(Kind.ACTOR, NAMESPACE, called)
    kind = said.get("kind", "").lower().replace("-", " ")
    attributes: dict[str, Json] = {
        "name": name,
        "email": mail,
        "kind": _KINDS.get(kind, kind.replace(" ", "-")),
        "team": said.get("team", ""),
    }
    yield Entity(key, {field: value for field, value in attributes.items() if value})
    problems: list[Problem] = []
    days = {"valid_from": said.get("since", ""), "valid_to": said.get("until", "")}
    since, until = times(days, origin, problems.append)
    yield from problems
    if problems:
        return
    system = said.get("system", "") or ANY_SYSTEM
    others = [Key(Kind.ACTOR, system, principal) for principal in principals]
    if mail and mail not in {principal.lower() for principal in principals if system == ANY_SYSTEM}:
        # Also a principal, and no longer than the row holds: who left does not sign in by e-mail either.
        others.append(Key(Kind.ACTOR, ANY_SYSTEM, mail))
    for other in others:
        yield Alias(key, other, "people-list", since=since, until=until)


def _principals(cell: str) -> tuple[str, ...]:
    """Return the principals of a cell, several separated by `;` or a new line.

    Commas and bars separate nothing: they stand in X.500 names and in subjects of identity providers (`auth0|64f`).

    >>> _principals("oidc:a@example.org; alice"), _principals("CN=Alice, OU=Risk")
    (('oidc:a@example.org', 'alice'), ('CN=Alice, OU=Risk',))
    """
    return tuple(dict.fromkeys(part.strip() for part in _SEPARATORS.split(cell) if part.strip()))
