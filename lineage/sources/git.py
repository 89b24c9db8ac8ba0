"""Who committed, tagged and vouched for what in a git repository, and when?

Read from a bundle, from the folder of a repository (`.git` or a bare one), or from a saved `git log`, without git. A
deployment whose change names a commit finds its author and trailers here (sources-ops 5.3, 5.5). Of the files in the
repository only those that say something are looked at: the pipelines of DVC, and service level agreements, which hold
from the commit that put them there (sources-ops 0.10). GTO's tags are deployments (sources-ml 4).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from lineage import framing
from lineage.errors import UnreadableInputError
from lineage.model.facts import Coverage, Entity, Fact
from lineage.model.moment import exactly
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._commit import (
    Commit,
    commit_facts,
    commit_object,
    headers_of,
    repository_key,
    tag_facts,
    visible,
)
from lineage.sources._git_agreements import agreement_facts, stated
from lineage.sources._git_dvc import Pipelines
from lineage.sources._git_files import Files
from lineage.sources._git_log import is_log, is_table, log_records, of_log, of_row
from lineage.sources._git_pack import DamagedError
from lineage.sources._git_repository import Object, Repository, opened
from lineage.sources._gto_tags import event_of, gto_facts, read_event, spelled
from lineage.sources._repository_names import repository_name
from lineage.sources._stage_states import state_facts
from lineage.text import MalformedError, dumps, loads

NAME = "git"
FORMAT = "git: bundles v2 and v3, repositories (.git, bare; loose and packed objects), saved `git log` texts"
PROVES = ("who", "when", "what", "lineage", "sla")
PLACED = True

_OBJECT = re.compile(rb"(commit|tag) (\d+)\0")
_MOST_PROBLEMS = 200
_GIT_FOLDER = re.compile(r"(?:objects/|refs/|hooks/|info/|logs/HEAD$|packed-refs$|description$)")


def recognises(sample: Sample) -> float:
    """Return how sure it is: a bundle and a log by their first lines, a repository by the files in its folder."""
    if sample.listing:
        there = set(sample.listing)
        others = any(_GIT_FOLDER.match(path) for path in sample.listing)
        packed = "packed-refs" in there and any(path.startswith("objects/") for path in there)
        return 0.98 if "HEAD" in there and (packed or ("config" in there and others)) else 0.0
    if sample.head.startswith((b"# v2 git bundle\n", b"# v3 git bundle\n")):
        return 1.0
    if is_log(sample.head):
        return 0.9
    return 0.8 if is_table(sample.head) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into commits and annotated tags, each as the very object that git keeps, and what the refs point at."""
    with given.open() as stream:
        try:
            head = stream.read(4096)
        except OSError:
            head = b""
    if head and not head.startswith(b"# v"):
        yield from log_records(given) if is_log(head) else framing.lines(given)
        return
    try:
        repository = opened(given)
    except DamagedError as error:
        yield Problem(error.code, error.reason, offset=max(error.offset, 0))
        return
    except (OSError, EOFError, UnreadableInputError) as error:
        yield Problem("unreadable", f"the repository cannot be read: {error}")
        return
    with closing(repository):
        yield from _objects(repository, repository_name(given.name, origin, repository.remote))
        if repository.absent:
            reason = f"{len(repository.absent)} files that may say something are not in this copy (a partial clone)"
            yield Problem("missing-objects", reason, fatal=False)
        for wrong in repository.problems[:_MOST_PROBLEMS]:
            yield Problem(wrong.code, wrong.reason, offset=max(wrong.offset, 0), fatal=False)
        more = len(repository.problems) - _MOST_PROBLEMS
        if more > 0:
            yield Problem("more-problems", f"{more} more objects of the repository are damaged", fatal=False)


def _objects(repository: Repository, name: str) -> Iterator[Record]:
    count = 0
    first, last = "", ""
    for commit in repository.commits():
        count += 1
        at = commit_object(commit.name, commit.body).committer.at
        if at is not None:
            first, last = min(first or at_text(at.lo), at_text(at.lo)), max(last, at_text(at.lo))
        yield _record(commit, "commit", name)
    for ref, tag in repository.tags():
        if event_of(ref.removeprefix("refs/tags/")) is None:
            yield _record(tag, ref, name)
    files = Files(repository)
    pipelines = Pipelines(repository, files)
    for step in files.steps():
        for agreement in stated(repository, step):
            row = visible(f"{agreement['path']} at {step.commit.sha} of {name}")
            yield _listed("agreement", {"repository": name, **agreement}, row)
        state = pipelines.take(step)
        if state is not None:
            yield _listed("dvc", {"repository": name, **state}, f"dvc at {step.commit.sha} of {name}")
    for state in pipelines.experiments():
        yield _listed("dvc", {"repository": name, **state}, f"dvc at {state['commit']['sha']} of {name}")
    for event, sha, text in pipelines.events():
        said = {"repository": name, "tag": text, "object": sha, **spelled(event)}
        yield _listed("gto", said, visible(f"{event.ref} {sha} of {name}"))
    yield _listed(
        "refs",
        {
            "repository": name,
            "head": repository.head,
            "refs": repository.refs,
            "remote": repository.remote,
            "commits": count,
            "missing_parents": len(repository.missing),
            "first": first,
            "last": last,
        },
    )


def at_text(microseconds: int) -> str:
    """Return microseconds as text that sorts by time."""
    return f"{microseconds:018d}"


def _record(found: Object, row: str, repository: str) -> Record:
    return Record(found.raw, max(found.offset, 0), 0, visible(f"{row} {found.name} of {repository}"))


def _repository_of(record: Record, origin: Origin) -> str:
    """Return which repository a record is of: its place says so, and for a saved log the file's own."""
    of = record.row.partition(" of ")[2]
    return of or repository_name(origin.path.replace("!/", "/").rpartition("/")[2], origin, "")


def _listed(kind: str, said: dict[str, Any], row: str = "") -> Record:
    return Record(dumps({"git": kind, **said}), 0, 0, row or kind)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a commit, a tag or the list of refs states."""
    name = _repository_of(record, origin)
    found = _OBJECT.match(record.raw)
    if found:
        sha = _name_of(record.raw)
        body = record.raw[found.end() :]
        if found[1] == b"commit":
            yield from commit_facts(commit_object(sha, body), name)
        else:
            said = dict(headers_of(body)[0])
            tag = visible(said.get("tag", b""))
            yield from tag_facts(tag, sha, body, name)
    elif record.raw.startswith(b'{"'):
        yield from _listing(record, origin)
    else:
        zone = origin.label("timezone")
        told = of_log(record.raw, zone) if record.raw.startswith(b"commit ") else of_row(record.raw, zone)
        if isinstance(told, Commit):
            yield from commit_facts(told, name)
        else:
            yield told


def _name_of(raw: bytes) -> str:
    """Return the name of an object: a repository of SHA-256 shows in the length of the names it holds."""
    wide = re.match(rb"(?:commit|tag) \d+\0(?:tree|object) [0-9a-f]{64}\n", raw)
    return hashlib.new("sha256" if wide else "sha1", raw, usedforsecurity=False).hexdigest()


def _listing(record: Record, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    try:
        said = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason)
        return
    if said.get("git") == "agreement":
        yield from agreement_facts(said, str(said.get("repository")), origin)
        return
    if said.get("git") == "dvc":
        yield from state_facts(said)
        return
    if said.get("git") == "gto":
        event = read_event(said)
        if event.who.at is None:
            yield Problem("bad-time", f"the tag {event.ref} has no sound time", "at", str(said.get("at")))
        yield from gto_facts(event, str(said.get("repository")))
        return
    refs = said.get("refs")
    if said.get("git") != "refs" or not isinstance(refs, dict):
        yield Problem("malformed-record", "the record is none of a repository", "git", str(said.get("git")))
        return
    branches = {
        ref.removeprefix("refs/heads/"): sha for ref, sha in refs.items() if ref.startswith("refs/heads/")
    }
    attributes = {
        "repository": True,
        "remote": said.get("remote") or None,
        "head": said.get("head") or None,
        "branches": dict(sorted(branches.items())[:200]),
        "commits": said.get("commits"),
        "missing_parents": said.get("missing_parents") or None,
    }
    name = str(said.get("repository"))
    yield Entity(repository_key(name), attributes)
    first, last = str(said.get("first")), str(said.get("last"))
    if re.fullmatch(r"\d{18}", first, re.ASCII) and re.fullmatch(r"\d{18}", last, re.ASCII):
        since, until = exactly(int(first)), exactly(int(last))
        complete = not said.get("missing_parents")
        yield Coverage(f"git {name}", "commit", since, until, complete, {"commits": said.get("commits")})
