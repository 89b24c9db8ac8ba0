"""What do records of code hosts have in common: runs, releases, reviews, and the commits in them?

The happenings made here are those that `lineage.identity.delivery` joins to what was done to a target. A release comes
to an environment of its repository, never to a target itself: the Kubernetes or SageMaker record of the same change is
the deployment, and a second one is not invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from lineage.model.facts import Fact, Happened, Hop, Json, Key, Run
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind, Outcome, RunState
from lineage.sources._commit import trailers
from lineage.sources._said import Said, kept
from lineage.text import clip

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_PROJECT_BOT = re.compile(r"(?:project|group)_\d+_bot", re.IGNORECASE)


class User(NamedTuple):
    """An account at a code host: its key, and `person`, `bot` or nothing where the record does not say."""

    key: Key | None
    kind: str = ""

    @property
    def login(self) -> str:
        """The name of the account; empty when the record names none."""
        return self.key.name if self.key else ""


NOBODY = User(None)


def user(system: str, login: str, said: str = "") -> User:
    """Return an account; `said` is what the host calls its type.

    >>> user("github", "renovate[bot]").kind, user("github", "ana", "User").kind, user("gitlab", "ben").kind
    ('bot', 'person', '')
    """
    if not login:
        return NOBODY
    if said.lower() in {"bot", "app", "organization"} or "[bot]" in login or _PROJECT_BOT.match(login):
        return User(Key(Kind.ACTOR, system, login), "bot")
    return User(Key(Kind.ACTOR, system, login), "person" if said.lower() in {"user", "human"} else "")


def commit_hash(text: str) -> str:
    """Return a full commit hash in lower case; empty for anything else (a tag, zeros)."""
    return text.lower() if _HASH.fullmatch(text) and text.strip("0") else ""


def commit_detail(commit: Said, name: str = "", mail: str = "", login: str = "") -> dict[str, Json]:
    """Return what a record says of a commit's author, as the detail of a commit."""
    author = commit.part("author") if isinstance(commit.body.get("author"), dict) else Said({})
    said: dict[str, Json] = {
        "author_name": name or author.text("name"),
        "author_email": mail or author.text("email"),
        "author_login": login or author.text("username", "login"),
        "subject": clip(commit.text("message", "title").strip().partition("\n")[0], 300),
        "trailers": [[word, clip(value, 300)] for word, value in trailers(commit.text("message"))],
    }
    return kept(said)


@dataclass(frozen=True, slots=True)
class Triggered:
    """A run of a pipeline, or an attempt of it.

    Attributes:
        job: the workflow; `number`: the run's id at its host; `attempt`: from 1.
        at: when this attempt began; `seen`: the time of the state that is shown.
        who: the one who triggered this attempt; `first`: who triggered the first, where that is another.
        head: what the record says of the commit it ran on.
        what: `job` or `pipeline` where a host numbers both; empty for its runs.
    """

    job: Key
    number: str
    at: Moment
    state: RunState
    seen: Moment
    who: User
    first: str = ""
    attempt: int = 1
    sha: str = ""
    url: str = ""
    event: str = ""
    branch: str = ""
    head: dict[str, Json] | None = None
    outcome: str = ""
    what: str = ""

    def triggered(self) -> Happened:
        """Say that the run was triggered, and by whom."""
        change = kept({"ci_run": self.number, "commit": self.sha})
        detail: dict[str, Json] = {
            "attempt": self.attempt,
            "what": self.what,
            "url": self.url,
            "event": self.event,
            "branch": self.branch,
            "first_triggered_by": self.first if self.first != self.who.login else "",
            "head_commit": self.head or {},
        }
        return Happened(
            "ci-run",
            self.job,
            self.at,
            f"{self.job.namespace} {self.what or 'run'} {self.number}/{self.attempt}",
            actor=self.who.key,
            actor_kind=self.who.kind,
            change={name: str(value) for name, value in change.items()},
            detail=kept(detail),
        )

    def facts(self) -> Iterator[Fact]:
        """Say that the run was triggered, and what state it was in."""
        yield self.triggered()
        name = self.number if self.attempt == 1 else f"{self.number}/{self.attempt}"
        ended = self.state in {RunState.COMPLETE, RunState.FAIL, RunState.ABORT}
        yield Run(
            Key(Kind.RUN, self.job.namespace, name),
            self.job,
            self.state,
            self.seen,
            started=self.at,
            ended=self.seen if ended else None,
            actor=self.who.key,
            attributes=kept(
                {
                    "code": kept({"commit": self.sha, "branch": self.branch}),
                    "url": self.url,
                    "event": self.event,
                    "conclusion": self.outcome,
                }
            ),
        )


@dataclass(frozen=True, slots=True)
class Released:
    """A deployment as a code host calls it: a commit that was to come to an environment.

    Attributes:
        place: the environment; `number`: the deployment's id, unique at its host together with `place.namespace`.
        run: the id of the run that made it, where the record says so.
    """

    place: Key
    number: str
    sha: str = ""
    run: str = ""

    @property
    def id(self) -> str:
        """The release's own name among all that are joined."""
        return f"{self.place.namespace} deployment {self.number}"

    def happened(
        self,
        kind: str,
        at: Moment,
        who: User,
        detail: dict[str, Json],
        *,
        part: str = "",
        outcome: Outcome = Outcome.DONE,
        reason: str = "",
        chain: tuple[Hop, ...] = (),
    ) -> Happened:
        """Say what happened to the release: `release-request`, `release`, `release-end`, a review."""
        change = kept({"commit": self.sha, "ci_run": self.run, "reason": reason})
        return Happened(
            kind,
            self.place,
            at,
            f"{self.id} {part}".strip(),
            outcome,
            who.key,
            who.kind,
            chain=chain,
            change={name: str(value) for name, value in change.items()},
            detail={"release": self.id, **kept(detail)},
        )
