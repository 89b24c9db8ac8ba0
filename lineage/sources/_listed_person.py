"""Which principals does a row of a list give to a person, from when to when?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineage.model.facts import Alias, Entity, Fact, Json, Key
from lineage.model.vocabulary import Kind
from lineage.source import Origin, Problem
from lineage.sources._agreement_times import times
from lineage.text import clip

NAMESPACE = "people"
ANY_SYSTEM = "*"

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
