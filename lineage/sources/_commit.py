"""What does a commit or an annotated tag say: who wrote it, who vouches for it in its trailers, and when?

Formats: git-commit-tree, git-interpret-trailers and git-cat-file of the git documentation. The text is what its author
typed: a name and an e-mail in a commit are claims, and a signature on it is noted, not checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from lineage.model.facts import Entity, Fact, Happened, Json, Key
from lineage.model.moment import LAST, Moment, parse
from lineage.model.vocabulary import Kind
from lineage.source import Problem
from lineage.text import clip

MAX_TEXT = 2_000
"""Characters of a message that are kept among the facts; the record holds all of it."""

_SIGNATURE = re.compile(r"(.*?)\s*<([^<>]*)>\s*(?:(-?\d{1,19})\s*([+-]\d{2,6})?)?\s*$", re.DOTALL)
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):\s+(\S.*)$")
_GENERATED = (
    "signed-off-by:",
    "co-authored-by:",
    "reviewed-by:",
    "approved-by:",
    "change-id:",
    "(cherry picked from",
)
_TICKET_TRAILERS = frozenset(
    {
        "ticket",
        "tickets",
        "jira",
        "issue",
        "issue-id",
        "bug",
        "refs",
        "closes",
        "fixes",
        "resolves",
        "change-request",
    }
)
_TICKET = re.compile(r"(?<![\w-])([A-Z][A-Z0-9]{1,9}-\d{1,7})(?![\w-])")
_NO_TICKET = re.compile(r"(?:UTF|SHA|ISO|RFC|CVE|CWE|MD|PEP|BLAKE|AES|RSA|HTTP|TLS|UTC|GMT|GPT|COVID)-")
_ENGLISH_DATE = re.compile(
    r"\w{3},? (?:(?P<day1>\d{1,2}) (?P<month1>\w{3})|(?P<month2>\w{3}) +(?P<day2>\d{1,2}))"
    r"(?: (?P<year1>\d{4}))? (?P<time>\d\d:\d\d:\d\d)(?: (?P<year2>\d{4}))?(?: (?P<zone>[+-]\d{4}))?$"
)
_MONTHS = {name: n for n, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}


class Signed(NamedTuple):
    """Who and when, as a line of a commit or tag says; `at` is None where no sound time stands there."""

    name: str = ""
    email: str = ""
    at: Moment | None = None

    @property
    def principal(self) -> str:
        """What identifies the person in git: the e-mail, else the name."""
        return self.email or self.name


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as one record tells of it.

    Attributes:
        proven: true when the name of the commit is the digest of the very bytes that were read.
        refs: the branches and tags that a log shows beside it.
    """

    sha: str
    author: Signed
    committer: Signed
    message: str = ""
    parents: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    proven: bool = False
    signed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)


def visible(raw: bytes | str, encoding: str = "utf-8") -> str:
    """Return text from a repository, with what no text can hold made visible."""
    text = raw if isinstance(raw, str) else _decoded(raw, encoding)
    return text.replace("\0", "⟨U+0000⟩")


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding, "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def signature(text: str) -> Signed:
    """Take a line such as `Ann Example <ann@example.com> 1776063601 +0200` apart.

    >>> found = signature("Ann Example <ann@example.com> 1776063601 +0200")
    >>> found.name, found.email, found.at.text
    ('Ann Example', 'ann@example.com', '2026-04-13T09:00:01+02:00')
    """
    found = _SIGNATURE.match(text.strip())
    if not found:
        return Signed(text.strip())
    name, email, seconds, zone = found.groups()
    return Signed(name.strip(), email.strip(), seconds_at(int(seconds), zone or "") if seconds else None)


def seconds_at(seconds: int, zone: str) -> Moment | None:
    """Return the moment of Unix seconds as git writes them, with the clock of its zone as text."""
    microseconds = seconds * 1_000_000
    if not 0 <= microseconds <= LAST:
        return None
    offset = timedelta()
    if re.fullmatch(r"[+-]\d{4}", zone):
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:])) * (-1 if zone[0] == "-" else 1)
    try:
        text = datetime.fromtimestamp(seconds, UTC).astimezone(timezone(offset)).isoformat()
    except (ValueError, OverflowError):
        text = ""
    return Moment(microseconds, microseconds, text)


def dated(text: str, zone: str = "") -> Moment | None:
    """Read a date in any form that `git log` prints; None for one that cannot be placed (`2 weeks ago`).

    >>> dated("Mon Apr 13 09:00:01 2026 +0200").lo == dated("2026-04-13T07:00:01Z").lo == dated("1776063601 +0200").lo
    True
    """
    text = text.strip()
    plain = re.fullmatch(r"(-?\d{6,18})(?: ([+-]\d{4}))?", text)
    if plain:
        return seconds_at(int(plain[1]), plain[2] or "")
    english = _ENGLISH_DATE.match(text)
    if english:
        said = english.groupdict()
        month = _MONTHS.get(said["month1"] or said["month2"] or "", 0)
        day = int(said["day1"] or said["day2"])
        year = said["year1"] or said["year2"] or ""
        offset = f"{said['zone'][:3]}:{said['zone'][3:]}" if said["zone"] else ""
        text = f"{year}-{month:02}-{day:02}T{said['time']}{offset}"
    else:
        text = re.sub(r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)$", r"\1T\2\3:\4", text)
    try:
        moment = parse(text, zone)
    except (ValueError, OverflowError):
        return None
    return moment if moment.text else Moment(moment.lo, moment.hi, text)


def headers_of(body: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Return the header of a commit or tag, continued lines joined, and the message."""
    head, _, message = body.partition(b"\n\n")
    fields: list[tuple[str, bytes]] = []
    for line in head.split(b"\n"):
        if line.startswith(b" ") and fields:
            name, value = fields[-1]
            fields[-1] = (name, value + b"\n" + line[1:])
        else:
            word, _, value = line.partition(b" ")
            fields.append((visible(word), value))
    return fields, message


def commit_object(sha: str, body: bytes) -> Commit:
    """Take the content of a commit object apart."""
    fields, message = headers_of(body)
    said: dict[str, bytes] = {}
    for name, value in fields:
        said.setdefault(name, value)
    encoding = said.get("encoding", b"utf-8").decode("ascii", "replace")
    return Commit(
        sha,
        signature(visible(said.get("author", b""), encoding)),
        signature(visible(said.get("committer", b""), encoding)),
        visible(message, encoding),
        tuple(visible(value) for name, value in fields if name == "parent"),
        proven=True,
        signed="gpgsig" in said or "gpgsig-sha256" in said,
    )


def trailers(message: str) -> tuple[tuple[str, str], ...]:
    r"""Return the trailers in the last paragraph of a message, in their order.

    As git does, the paragraph counts when all its lines are trailers, or when one is of git's own making.

    >>> trailers("Serve v7\n\nWhy not.\n\nApproved-by: Bo <bo@example.com>\nTicket: CHG-7")
    (('Approved-by', 'Bo <bo@example.com>'), ('Ticket', 'CHG-7'))
    >>> trailers("Fix: a thing")
    ()
    """
    paragraphs = [
        part for part in re.split(r"\n[ \t]*\n", message.replace("\r\n", "\n").strip()) if part.strip()
    ]
    if len(paragraphs) < 2:
        return ()
    found: list[tuple[str, str]] = []
    others = 0
    lines = paragraphs[-1].split("\n")
    for line in lines:
        match = _TRAILER.match(line)
        if match:
            found.append((match[1], match[2].strip()))
        elif line[:1] in {" ", "\t"} and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
        else:
            others += 1
    generated = any(line.lower().startswith(_GENERATED) for line in lines)
    return tuple(found[:100]) if not others or generated else ()


def tickets(message: str, trailed: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Return the ticket ids a commit names: in trailers made for them, else such as `CHG-12` in its first line."""
    said = [value for name, value in trailed if name.lower() in _TICKET_TRAILERS]
    if not said:
        first = message.strip().partition("\n")[0]
        said = [one for one in _TICKET.findall(first) if not _NO_TICKET.match(one)]
    return tuple(dict.fromkeys(clip(one, 200) for one in said))


def actor(who: Signed) -> Key | None:
    """Return the key of who is named, as git knows people: by e-mail, else by name."""
    return Key(Kind.ACTOR, "git", who.principal) if who.principal else None


def repository_key(name: str) -> Key:
    """Return the key of a repository: the code is the job that commits change."""
    return Key(Kind.JOB, "git", name)


def commit_facts(commit: Commit, repository: str) -> Iterator[Fact | Problem]:
    """Say that the commit was made, by whom, and who vouches for it.

    The time is the committer's: that is when the commit came to be; the author's stands beside it.
    """
    at = commit.committer.at or commit.author.at
    if at is None:
        yield Problem(
            "bad-time", f"the commit {commit.sha} has no sound time", "author", commit.author.principal
        )
        return
    trailed = trailers(commit.message)
    named = tickets(commit.message, trailed)
    by = actor(commit.author)
    change = {"commit": commit.sha}
    if named:
        change["ticket"] = named[0]
    detail: dict[str, Json] = {
        "subject": clip(commit.message.strip().partition("\n")[0], 300),
        **_person("author", commit.author),
        **_person("committer", commit.committer),
        "proven": commit.proven,
    }
    if trailed:
        detail["trailers"] = [[name, clip(value, 300)] for name, value in trailed]
    if len(named) > 1:
        detail["tickets"] = list(named)
    if commit.parents:
        detail["parents"] = list(commit.parents[:20])
    if commit.refs:
        detail["refs"] = list(commit.refs[:50])
    if commit.signed:
        detail["signed"] = "not checked"
    yield Happened(
        "commit", repository_key(repository), at, commit.sha, actor=by, change=change, detail=detail
    )
    for who in {commit.author, commit.committer}:
        yield from person_facts(who)


def person_facts(who: Signed) -> Iterator[Entity]:
    """Say that git knows somebody by this name and e-mail."""
    key = actor(who)
    if key is not None:
        said: dict[str, Json] = {"name": who.name, "email": who.email}
        yield Entity(key, {name: value for name, value in said.items() if value}, who.at)


def tag_facts(name: str, sha: str, body: bytes, repository: str) -> Iterator[Fact | Problem]:
    """Say that an annotated tag was set, by whom and on which commit."""
    fields, message = headers_of(body)
    said = dict(fields)
    who = signature(visible(said.get("tagger", b"")))
    target = visible(said.get("object", b""))
    if who.at is None:
        yield Problem("bad-time", f"the tag {clip(name)} has no sound time", "tagger", who.principal)
        return
    detail: dict[str, Json] = {
        "tag": name,
        "object": sha,
        "commit": target,
        "message": clip(visible(message).strip(), 300),
        **_person("tagger", who),
    }
    yield Happened(
        "tag",
        repository_key(repository),
        who.at,
        sha,
        actor=actor(who),
        change={"commit": target},
        detail=detail,
    )
    yield from person_facts(who)


def _person(role: str, who: Signed) -> dict[str, Json]:
    said = {"name": who.name, "email": who.email, "at": who.at.text if who.at else ""}
    return {f"{role}_{name}": value for name, value in said.items() if value}
