"""Which human stands behind a recorded principal, and by which steps?

The ladder of sources-ops 5.5: the authenticated user, then what the record itself says of him (source identity, single
sign-on session), then an access-key chain, the CI run, the commit, the ticket. It stops at the first that names a
person. "No person evidenced" is an answer: a bot is never a person, a display name is never a proof, and names are
folded into one person only by a people list that a person keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lineage.model.facts import Hop, Key
from lineage.model.moment import Moment, to_iso
from lineage.model.vocabulary import Kind

PERSON = "person"
BOT = "bot"
UNKNOWN = "unknown"

AUTHENTICATED = "authenticated"
PEOPLE_LIST = "people-list"
PEOPLE_LIST_EXPIRED = "people-list-expired"
PEOPLE_LIST_AMBIGUOUS = "people-list-ambiguous"
COMMIT_UNKNOWN = "commit-not-imported"
IMPERSONATED = "impersonated-user"

APPROVER = "approver"
COMMIT = "commit"

_NEVER = frozenset(
    {IMPERSONATED, "owner", "manager", APPROVER, "role", "group", "ci-run", "release", "release-ambiguous"}
    | {"sync", "ci-run-ambiguous", "synced-commit", "bot"}
)
"""Hops that say for or with whom the actor acted, or through what, not who he is."""

_RUNGS = {
    "stored-by": 1,
    "source-identity": 2,
    "identity-center": 2,
    "sso-session": 2,
    "service-account-delegation": 2,
    "delegation": 2,
    "session-name": 2,
    "access-key": 3,
    "access-key-chain": 3,
    "triggering-actor": 4,
    "triggered-by": 4,
    "deployable-user": 4,
    "ci-actor": 4,
    "ci-run": 4,
    "ci-run-ambiguous": 4,
    "sync": 4,
    "bot": 4,
    "sync-initiator": 4,
    "release": 4,
    "release-ambiguous": 4,
    "release-creator": 4,
    "deployed-by": 5,
    "commit-trailer": 5,
    "commit-author": 5,
    "commit": 5,
    "synced-commit": 5,
    "ticket-assignee": 6,
    "ticket": 6,
    APPROVER: 7,
}
_PROVING = frozenset(
    {
        "source-identity",
        "identity-center",
        "sso-session",
        "service-account-delegation",
        "delegation",
        "access-key",
        "access-key-chain",
        "triggering-actor",
        "triggered-by",
        "deployable-user",
        "release-creator",
    }
)
"""Hops whose bare login is a person's by the nature of the field; elsewhere a name needs to be an e-mail or listed."""

_HUMAN_KINDS = frozenset({"person", "human", "iam-user", "iamuser", "sso", "oidc", "e-mail", "email"})
_BOT_KINDS = frozenset(
    {
        "bot",
        "robot",
        "service-account",
        "serviceaccount",
        "service",
        "system",
        "node",
        "controller",
        "role",
        "shared",
    }
    | {"machine", "app", "application", "awsservice", "team"}
)
_MAIL = re.compile(r"[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+")
_BOT_NAME = re.compile(
    r"system:|eks:|aks-|aks:|repo:|project_path:|.*\[bot\]|.*gserviceaccount\.com$|(?:project|group)_\d+_bot"
    r"|.*:serviceaccount:|(?:github-actions|dependabot|renovate|argocd(?:-.*)?)$|anonymous$"
    r"|(?:.+\+)?(?:no-?reply|do-?not-?reply)@|.*@noreply\.|arn:aws[\w-]*:iam::\d*:role/",
    re.IGNORECASE,
)
_FEDERATED = re.compile(r"(?:oidc|sso|saml|ldap|aad|azuread|okta|keycloak|dex|google)[:/](.+)", re.IGNORECASE)
_ISSUER = re.compile(r"https://[^#]+#(.+)")
_IAM_USER = re.compile(r"arn:aws[\w-]*:iam::\d+:user/(?:.*/)?([^/]+)$")
_SESSION = re.compile(r"arn:aws[\w-]*:sts::\d+:assumed-role/([^/]+)/(.+)$")
_SSO_ROLE = "AWSReservedSSO_"
_NOBODY = frozenset({"", "-", "n/a", "none", "nobody", "null", "unknown"})
_TRAILERS = ("deployed-by", "signed-off-by", "co-authored-by")
_HIDDEN_MAIL = re.compile(r"(?:\d+\+)?([\w-]+)@users\.noreply\.github\.com$", re.IGNORECASE)
_SIGNATURE = re.compile(r"\s*(.*?)\s*<([^<>]+)>\s*$")


class Principal(NamedTuple):
    """A name that a person of a people list is known by.

    Attributes:
        name: the principal as some system records it (e-mail, login, OIDC subject, SSO name).
        system: the system that it is a principal of; empty = of any.
        since: valid from here on; `until`: and before this moment.
    """

    name: str
    system: str = ""
    since: Moment | None = None
    until: Moment | None = None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A row of a people list.

    Attributes:
        key: the person's key (kind actor, namespace `people`).
        kind: person, or what makes it none (bot, service, role, shared, team).
        principals: the names it is known by; its e-mail counts as one without being repeated here.
    """

    key: Key
    name: str = ""
    email: str = ""
    kind: str = PERSON
    principals: tuple[Principal, ...] = ()
    since: Moment | None = None
    until: Moment | None = None

    @property
    def shown(self) -> str:
        """The name for people: the name, else the e-mail, else the key's."""
        return self.name or self.email or self.key.name


@dataclass(frozen=True, slots=True)
class CommitRow:
    """A commit as a code host or repository recorded it; `trailers` are (name, value) in their order."""

    sha: str
    author_name: str = ""
    author_email: str = ""
    author_login: str = ""
    author_type: str = ""
    trailers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Identified:
    """Who did it, as far as the evidence reaches.

    Attributes:
        person: the human's name, or None: no person evidenced.
        person_key: the key of that person; the principal's own key when no list folds it into a person.
        actor: the principal as recorded; `actor_kind`: person, bot, or what the source called it.
        identity_chain: every step from the principal to the human, and why a step did not count.
        effective_identity: what the action ran as, where that differs from the actor.
        on_behalf_of: for whom the actor acted: an impersonated human, or the person a bot was traced back to.
        approved_by: who approved, from the change and from `Approved-by` trailers; never taken for who acted.
    """

    person: str | None
    person_key: Key | None
    actor: str | None
    actor_kind: str
    identity_chain: tuple[Hop, ...]
    effective_identity: str | None
    on_behalf_of: str | None
    approved_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Named:
    row: PersonRow
    principal: Principal


@dataclass(frozen=True, slots=True)
class People:
    """People lists, found by principal and time; empty when none was imported."""

    _names: Mapping[str, tuple[_Named, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[PersonRow]) -> People:
        """Index `rows`. Display names are not indexed: they never prove anything."""
        names: dict[str, list[_Named]] = {}
        for row in rows:
            principals = [*row.principals]
            if row.email and row.email.lower() not in {one.name.lower() for one in principals}:
                principals.append(Principal(row.email))
            for one in principals:
                bounded = one._replace(since=one.since or row.since, until=one.until or row.until)
                names.setdefault(one.name.lower(), []).append(_Named(row, bounded))
        return cls({name: tuple(found) for name, found in names.items()})

    def find(self, principal: str, system: str, at: int) -> tuple[tuple[PersonRow, ...], tuple[Hop, ...]]:
        """Return the rows that `principal` of `system` belongs to at the microsecond `at`, and why others do not."""
        rows: dict[Key, PersonRow] = {}
        expired: dict[Key, Hop] = {}
        for spelled in _spelled(principal):
            for named in self._names.get(spelled, ()):
                if named.principal.system and system and named.principal.system.lower() != system.lower():
                    continue
                if _valid(named.principal, at):
                    rows[named.row.key] = named.row
                else:
                    expired[named.row.key] = Hop(named.row.shown, PEOPLE_LIST_EXPIRED, _span(named.principal))
        return tuple(rows.values()), () if rows else tuple(sorted(expired.values()))


NOBODY_LISTED = People()


def kind_of(principal: str, said: str = "") -> str:
    """Return `person`, `bot` or `unknown` by the form of a principal and the kind the source `said` it has.

    A person is one who signed in as himself: an e-mail, a federated (OIDC) user, an IAM user. A bare word such as
    `admin` or `deployer` may be anybody: unknown, unless the source knows.

    >>> kind_of("oidc:dev@example.com"), kind_of("system:serviceaccount:ci:deployer"), kind_of("admin")
    ('person', 'bot', 'unknown')
    """
    plain = _plain(principal)
    if _BOT_NAME.match(principal) or _BOT_NAME.match(plain) or said.lower() in _BOT_KINDS:
        return BOT
    if not plain or plain.lower() in _NOBODY:
        return UNKNOWN
    if said.lower() in _HUMAN_KINDS or _MAIL.fullmatch(plain) or plain != principal:
        return PERSON
    return UNKNOWN


def identify(
    actor: Key | None,
    actor_kind: str,
    effective: str,
    chain: tuple[Hop, ...],
    change: Mapping[str, str],
    at: int,
    people: People = NOBODY_LISTED,
    commits: Mapping[str, CommitRow] | None = None,
) -> Identified:
    """Climb the ladder from `actor` to a person, at the microsecond `at`; see `Identified`.

    `chain` and `change` are those of the happening; `commits` are known commits by their full hash.

    >>> bot = Key(Kind.ACTOR, "kubernetes", "system:serviceaccount:ci:deployer")
    >>> found = identify(bot, "", "", (), {"commit": "4be1c0de"}, 0)
    >>> found.person, [hop.rule for hop in found.identity_chain]
    (None, ['authenticated', 'commit-not-imported'])
    >>> identify(Key(Kind.ACTOR, "kubernetes", "oidc:dev@example.com"), "", "system:admin", (), {}, 0).person
    'dev@example.com'
    """
    climb = _Climb(people, actor.namespace if actor else "", at)
    kind = actor_kind
    if actor is not None:
        climb.hops.append(Hop(actor.name, AUTHENTICATED))
        form = climb.kind(actor.name, actor_kind)
        finer = form == UNKNOWN or (form == BOT and actor_kind.lower() in _BOT_KINDS)
        kind = actor_kind if actor_kind and finer else form
        session = _SESSION.match(actor.name)
        if session:
            sso = session[1].startswith(_SSO_ROLE)
            climb.take(Hop(session[2], "sso-session" if sso else "session-name", "arn"))
            kind = PERSON if sso and climb.person else kind
        else:
            climb.consider(actor.name, form == PERSON)
    for hop in sorted(chain, key=lambda hop: _RUNGS.get(hop.rule, 4)):
        climb.take(hop)
    commit = change.get("commit", "")
    approvers = _listed(change.get("approved_by", ""))
    if commit and all(hop.rule != COMMIT for hop in chain):
        row = _commit(commit, commits or {})
        if row is None:
            climb.hops.append(Hop(commit, COMMIT_UNKNOWN, "commit"))
        else:
            approvers += [value for name, value in row.trailers if name.lower() == "approved-by"]
            for hop in committers(row):
                climb.take(hop)
    approvers += [hop.principal for hop in chain if hop.rule == APPROVER]
    direct = actor is not None and kind == PERSON
    behalf = _person_like(effective) if effective and (actor is None or effective != actor.name) else None
    return Identified(
        person=climb.person,
        person_key=climb.key,
        actor=actor.name if actor else None,
        actor_kind=kind,
        identity_chain=tuple(dict.fromkeys(climb.hops)),
        effective_identity=effective or None,
        on_behalf_of=behalf or (climb.person if actor and not direct else None),
        approved_by=tuple(dict.fromkeys(climb.approver(one) for one in approvers)),
    )


class _Climb:
    """The steps taken so far, and the person once one is named."""

    def __init__(self, people: People, system: str, at: int) -> None:
        self.people = people
        self.system = system
        self.at = at
        self.hops: list[Hop] = []
        self.person: str | None = None
        self.key: Key | None = None

    def kind(self, principal: str, said: str) -> str:
        """Return the kind of a principal; a people list may call it a person or a role."""
        form = kind_of(principal, said)
        if form == BOT:
            return BOT
        rows, _ = self.people.find(principal, self.system, self.at)
        if len(rows) == 1:
            return PERSON if _human(rows[0]) else BOT
        return form

    def take(self, hop: Hop) -> None:
        """Follow one hop; after a person has been named, hops are only kept as evidence."""
        self.hops.append(hop)
        if self.person is None and hop.rule not in _NEVER and kind_of(hop.principal) != BOT:
            plain = _plain(hop.principal)
            proven = hop.rule in _PROVING and plain.lower() not in _NOBODY and not plain.isdigit()
            self.consider(hop.principal, proven or kind_of(hop.principal) == PERSON, hop.system)

    def consider(self, principal: str, named: bool, system: str = "") -> None:  # noqa: FBT001
        """Name the person that `principal` of `system` is: by the people list, else itself when it is `named`."""
        if kind_of(principal) == BOT:
            return
        rows, why = self.people.find(principal, system or self.system, self.at)
        self.hops.extend(why)
        if len(rows) > 1:
            self.hops.extend(Hop(row.shown, PEOPLE_LIST_AMBIGUOUS, principal) for row in rows)
            return
        if rows:
            self.hops.append(Hop(rows[0].shown, PEOPLE_LIST, principal))
            if _human(rows[0]):
                self.person, self.key = rows[0].shown, rows[0].key
            return
        if named:
            plain = _plain(principal)
            self.person = plain.lower() if _MAIL.fullmatch(plain) else plain
            self.key = Key(Kind.ACTOR, system or self.system or "people", principal)

    def approver(self, text: str) -> str:
        """Return an approver's name: the listed person's, else as recorded."""
        signature = _SIGNATURE.match(text)
        rows, _ = self.people.find(signature[2] if signature else text, "", self.at)
        return rows[0].shown if len(rows) == 1 else text


def _human(row: PersonRow) -> bool:
    return row.kind.lower() in {"", PERSON, "human", "user", "employee", "contractor"}


def _plain(principal: str) -> str:
    """Return a principal without the prefix of the system that vouches for it."""
    text = principal.strip()
    for pattern in (_FEDERATED, _ISSUER, _IAM_USER):
        found = pattern.match(text)
        if found:
            return found[1]
    session = _SESSION.match(text)
    if session:
        return session[2] if session[1].startswith(_SSO_ROLE) else text
    head, _, tail = text.rpartition(":")
    return tail if head and _MAIL.fullmatch(tail) else text


def _spelled(principal: str) -> tuple[str, ...]:
    whole, plain = principal.strip().lower(), _plain(principal).lower()
    return (whole,) if whole == plain else (whole, plain)


def _valid(principal: Principal, at: int) -> bool:
    after = principal.since is None or principal.since.lo <= at
    return after and (principal.until is None or at < principal.until.hi)


def _span(principal: Principal) -> str:
    since = to_iso(principal.since.lo) if principal.since else "…"
    until = to_iso(principal.until.hi) if principal.until else "…"
    return f"{since} to {until}"


def _person_like(principal: str) -> str | None:
    return _plain(principal) if kind_of(principal) == PERSON else None


def _listed(text: str) -> list[str]:
    """Split a list of approvers; a name with blanks in it is one approver, commas and all."""
    parts = [part.strip() for part in re.split(r"[,;]", text)]
    if any(" " in part for part in parts):
        parts = [text.strip()]
    return [part for part in parts if part.lower() not in _NOBODY]


def _commit(reference: str, commits: Mapping[str, CommitRow]) -> CommitRow | None:
    """Return the commit that a full or shortened hash (7 or more digits) names, if it is exactly one."""
    wanted = reference.strip().lower()
    if wanted in commits:
        return commits[wanted]
    if len(wanted) < 7:
        return None
    found = [row for sha, row in commits.items() if sha.lower().startswith(wanted)]
    return found[0] if len(found) == 1 else None


def committers(row: CommitRow) -> Iterable[Hop]:
    """Yield who a commit names, in the ladder's order: its trailers, then its author when that is a user.

    The address that GitHub gives to who hides his own holds his login, which a people list may know.
    """
    for wanted in _TRAILERS:
        for name, value in row.trailers:
            signature = _SIGNATURE.match(value)
            if name.lower() == wanted and kind_of(signature[1] if signature else value) != BOT:
                yield Hop(signature[2] if signature else value.strip(), "commit-trailer", name)
    author = row.author_email or row.author_login
    if author and row.author_type.lower() not in _BOT_KINDS and kind_of(row.author_name) != BOT:
        hidden = _HIDDEN_MAIL.match(author)
        if hidden:
            yield Hop(hidden[1], "commit-author", row.sha, "github")
        yield Hop(author, "commit-author", row.sha)
