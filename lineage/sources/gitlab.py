"""Who asked for a deployment on GitLab, who approved it, who ran its job or pipeline, and of which commit?

Read are answers of the REST API (deployments, pipelines, jobs; single or lists, `glab api` output) and webhooks
(`object_kind` deployment, pipeline, build, push). As on GitHub, a deployment here is a note that a commit came to an
environment of the project: it makes no item of the register, but leads from the target that names the commit, the
pipeline (`CI_PIPELINE_ID`) or the job (`CI_JOB_ID`) to people (`lineage.sources.github`, `lineage.identity.delivery`).

Who ran the job (`deployable.user`) stands before who the deployment is filed under (`user`, often the bot of a project
token); accounts named `project_1_bot_..` and `service_account_..` are bots. A deployment that is created, running or
blocked is a request; `canceled` and `skipped` never came and are no failures. An answer does not name its project where
nothing in it has an address: then it is that of the label `project`, else of the folder. A pipeline that is tried again
keeps its number, so runs are those of jobs. sources-ops 5.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lineage import framing
from lineage.model.facts import Fact, Happened, Hop, Json, Key
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind, Outcome, RunState
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._code_hosts import NOBODY, Released, Triggered, User, commit_detail, commit_hash, user
from lineage.sources._commit import repository_key
from lineage.sources._said import Said, parsed
from lineage.text import MalformedError, clip

NAME = "gitlab"
PLACED = True
FORMAT = "GitLab: REST answers and webhooks of deployments, approvals, pipelines and jobs"
PROVES = ("who", "when", "what")

_ADDRESS = re.compile(r"https?://([^/\s]+)/(\S+?)/-/")
_COMMIT = re.compile(r"/-/commit/([0-9a-f]{40,64})")
_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) (?:(UTC)|([+-]\d\d):?(\d\d))")
_CUT = re.compile(
    r'"object_kind"\s*:\s*"|"deployable"\s*:\s*[{n]|"web_url"\s*:\s*"https?://[^"]+/-/(?:pipelines|jobs)/'
)
_STATES = {
    "success": RunState.COMPLETE,
    "failed": RunState.FAIL,
    "canceled": RunState.ABORT,
    "running": RunState.RUNNING,
}
_REQUESTED = frozenset({"created", "running", "blocked"})
_REVIEWS = {"approved": "release-approve", "rejected": "release-reject"}


def _looks(body: dict[str, Any]) -> str:
    kind = body.get("object_kind")
    if isinstance(kind, str):
        known = {
            "deployment": "hook-deployment",
            "pipeline": "hook-pipeline",
            "build": "hook-job",
            "job": "hook-job",
        }
        return known.get(kind, "push" if kind == "push" else "event")
    address = body.get("web_url")
    address = address if isinstance(address, str) else ""
    if (
        "sha" in body
        and isinstance(body.get("environment"), dict)
        and ("deployable" in body or "iid" in body)
    ):
        return "deployment"
    if "stage" in body and isinstance(body.get("pipeline"), dict):
        return "job"
    if "sha" in body and "status" in body and "/-/pipelines/" in address:
        return "pipeline"
    return ""


def recognises(sample: Sample) -> float:
    """Return how sure it is that GitLab wrote this."""
    if sample.listing or sample.tables or sample.text.lstrip()[:1] not in {"{", "["}:
        return 0.0
    value = sample.first_json
    if value is None:
        return 0.8 if _CUT.search(sample.text) else 0.0
    while isinstance(value, list):
        value = value[0] if value else None
    shape = _looks(value) if isinstance(value, dict) else ""
    return {"": 0.0, "event": 0.6}.get(shape, 0.92)


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into payloads, the entries of an answer's list, or lines."""
    yield from framing.json_values(given)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a payload or an entry of an answer tells."""
    try:
        value = parsed(record)
    except MalformedError as error:
        line = record.line + max(error.line - 1, 0) if record.line else error.line
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]), line=line)
        return
    told = False
    reason = Filtered("empty")
    for number, entry in enumerate(value if isinstance(value, list) else [value]):
        if not isinstance(entry, dict):
            told = True
            yield Problem("not-an-object", "the record is no object", f"[{number}]", clip(entry))
            continue
        said = Said(entry, origin.label("timezone"))
        for one in (*_entry(said, origin), *said.problems):
            if isinstance(one, Filtered):
                reason = one
            else:
                told = True
                yield one
    if not told:
        yield reason


def _entry(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    match _looks(dict(said.body)):
        case "deployment":
            yield from _deployment(said, origin)
        case "hook-deployment":
            yield from _hooked(said, origin)
        case "hook-pipeline":
            yield from _pipeline_hook(said, origin)
        case "pipeline":
            yield from _pipeline(said, _namespace(said, origin), said.part("user"), None)
        case "job":
            yield from _job(said, _namespace(said, origin))
        case "hook-job":
            yield from _job_hook(said, origin)
        case "push":
            yield from _push(said, origin)
        case "event":
            yield Filtered("event")
        case _:
            yield Problem(
                "not-gitlab", "this is no answer or webhook of GitLab that is known", value=clip(said.body)
            )


def _namespace(said: Said, origin: Origin) -> str:
    """Return `gitlab:<group>/<project>`, with the host before it where that is not gitlab.com."""
    project = said.part("project") if isinstance(said.body.get("project"), dict) else Said({})
    deployable = said.part("deployable")
    pipeline = deployable.part("pipeline") if isinstance(deployable.body.get("pipeline"), dict) else Said({})
    own = project.text("web_url")
    for address in (f"{own}/-/" if own else "", said.text("web_url", "deployable_url"), deployable.text("web_url"),
                    pipeline.text("web_url")):  # fmt: skip
        found = _ADDRESS.match(address)
        if found:
            host = found[1].lower()
            return f"gitlab:{found[2]}" if host == "gitlab.com" else f"gitlab:{host}/{found[2]}"
    name = project.text("path_with_namespace") or origin.label("project") or origin.label("repository")
    return f"gitlab:{name or origin.folder or 'project'}"


def _user(said: Said) -> User:
    robot = said.body.get("bot") is True or said.text("username").startswith("service_account_")
    return user("gitlab", said.text("username"), "bot" if robot else "user")


def _time(said: Said, *names: str) -> Moment | None:
    """Return the first time of the fields; webhooks write `2026-06-01 09:00:00 UTC`, too."""
    for name in names:
        value = said.body.get(name)
        clock = _CLOCK.fullmatch(value) if isinstance(value, str) else None
        if clock:
            value = f"{clock[1]}T{clock[2]}" + ("Z" if clock[3] else f"{clock[4]}:{clock[5]}")
        found = Said({name: value}, said.zone, said.where, said.problems).time(name)
        if found is not None:
            return found
    return None


def _missing(field: str, said: Said) -> Problem:
    return Problem("missing-field", "without it nobody can tell what this is about", said.place(field))


def _deployment(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    namespace = _namespace(said, origin)
    environment = said.part("environment").text("name", "slug")
    number, at = said.text("id"), _time(said, "created_at")
    if at is None or not environment or not number:
        yield _missing("created_at" if at is None else "id" if environment else "environment.name", said)
        return
    job = said.part("deployable")
    pipeline = job.part("pipeline")
    released = Released(
        Key(Kind.ENVIRONMENT, namespace, environment),
        number,
        commit_hash(said.text("sha")),
        pipeline.text("id"),
    )
    status = said.text("status").lower()
    filed, ran = _user(said.part("user")), _user(job.part("user"))
    who, chain = _behind(filed, ran)
    detail = _detail(said, status, filed, ran)
    commit = job.part("commit")
    head = commit_detail(commit, commit.text("author_name"), commit.text("author_email"))
    yield released.happened("release-request", at, who, {**detail, "head_commit": head}, chain=chain)
    yield from _ended(
        released, said, status, who, chain, detail, _time(job, "finished_at") or _time(said, "updated_at")
    )
    if job.body:
        yield from _job(
            Said(
                {"pipeline": {}, "sha": said.text("sha"), **job.body}, said.zone, "deployable", said.problems
            ),
            namespace,
        )
    approvals = [*said.each("approvals")]
    for rule in said.part("approval_summary").each("rules"):
        approvals += rule.each("deployment_approvals")
    for review in approvals:
        yield from _reviewed(released, review)


def _behind(filed: User, ran: User) -> tuple[User, tuple[Hop, ...]]:
    """Return who a deployment is due to: who ran its job, else who it is filed under; the other is a step beside."""
    if ran.key is None:
        return filed, ()
    if filed.key is None or filed.login == ran.login:
        return ran, ()
    if ran.kind == "bot":
        return ran, (Hop(filed.login, "triggered-by", "user.username", "gitlab"),)
    return filed, (
        Hop(ran.login, "deployable-user", "deployable.user.username", "gitlab"),
    ) if filed.kind == "bot" else ()


def _detail(said: Said, status: str, filed: User, ran: User) -> dict[str, Json]:
    return {"ref": said.text("ref"), "state": status, "user": filed.login, "job_user": ran.login}


def _ended(
    released: Released,
    said: Said,
    status: str,
    who: User,
    chain: tuple[Hop, ...],
    detail: dict[str, Json],
    at: Moment | None,
) -> Iterator[Fact | Problem]:
    """Say that a deployment came or failed; where nothing says when, it is known by its beginning only."""
    when = at or _time(said, "status_changed_at", "created_at")
    if status in {"success", "failed"} and when is not None:
        outcome = Outcome.DONE if status == "success" else Outcome.FAILED
        known = (
            detail if at is not None or "status_changed_at" in said.body else {**detail, "time": "created_at"}
        )
        yield released.happened("release", when, who, known, part=status, outcome=outcome, chain=chain)
    elif status not in {*_REQUESTED, "success", "failed", "canceled", "skipped", "pending"}:
        said.wrong("bad-value", "this is no status of a deployment", "status", status)


def _reviewed(released: Released, review: Said) -> Iterator[Fact | Problem]:
    kind, at = _REVIEWS.get(review.text("status").lower(), ""), _time(review, "created_at")
    who = _user(review.part("user"))
    if at is None or not kind:
        if review.text("status").lower() != "pending":
            yield _missing("created_at" if kind else "status", review)
        return
    yield released.happened(kind, at, who, {"comment": review.text("comment")}, part=f"{kind} by {who.login}")


def _hooked(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Read the webhook of a deployment: one change of its status."""
    number, environment = said.text("deployment_id"), said.text("environment")
    at, status = _time(said, "status_changed_at"), said.text("status").lower()
    if at is None or not number or not environment:
        field = "status_changed_at" if at is None else "deployment_id" if environment else "environment"
        yield _missing(field, said)
        return
    sha = _COMMIT.search(said.text("commit_url"))
    place = Key(Kind.ENVIRONMENT, _namespace(said, origin), environment)
    released = Released(place, number, sha[1] if sha else commit_hash(said.text("sha")), "")
    who = _user(said.part("user"))
    detail = {**_detail(said, status, who, NOBODY), "job": said.text("deployable_id")}
    if status in _REQUESTED:
        part = "" if status == "created" else status
        yield released.happened(
            "release-request", at, who, detail, part=part, reason=said.text("commit_title")
        )
    elif status in {"canceled", "skipped"}:
        yield Filtered(status)
    yield from _ended(released, said, status, who, (), detail, None)


def _pipeline_hook(said: Said, origin: Origin) -> Iterator[Fact | Problem]:
    namespace = _namespace(said, origin)
    commit = said.part("commit")
    attributes = said.part("object_attributes")
    yield from _pipeline(attributes, namespace, said.part("user"), commit_detail(commit))
    for build in said.each("builds"):
        if build.body.get("started_at"):
            body = {
                "pipeline": {"id": attributes.body.get("id"), "sha": attributes.body.get("sha")},
                **build.body,
            }
            yield from _job(Said(body, said.zone, build.where, said.problems), namespace)


def _pipeline(said: Said, namespace: str, by: Said, head: dict[str, Json] | None) -> Iterator[Fact | Problem]:
    number, at = said.text("id"), _time(said, "created_at")
    if at is None or not number:
        yield _missing("id" if at else "created_at", said)
        return
    yield Triggered(
        Key(Kind.JOB, namespace, said.text("name") or "pipeline"),
        number,
        at,
        RunState.OTHER,
        at,
        _user(by),
        sha=commit_hash(said.text("sha")),
        url=said.text("web_url", "url"),
        event=said.text("source"),
        branch=said.text("ref"),
        head=head,
        what="pipeline",
    ).triggered()


def _job(said: Said, namespace: str) -> Iterator[Fact | Problem]:
    number, at = said.text("id"), _time(said, "started_at", "created_at")
    if at is None or not number:
        if said.where != "deployable":
            yield _missing("id" if at else "created_at", said)
        return
    commit, pipeline = said.part("commit"), said.part("pipeline")
    status = said.text("status").lower()
    yield from Triggered(
        Key(Kind.JOB, namespace, said.text("name") or "job"),
        number,
        at,
        _STATES.get(status, RunState.OTHER),
        _time(said, "finished_at") or at,
        _user(said.part("user")),
        sha=commit_hash(pipeline.text("sha") or commit.text("id") or said.text("sha")),
        url=said.text("web_url"),
        branch=said.text("ref"),
        head=commit_detail(commit, commit.text("author_name"), commit.text("author_email")),
        outcome=status,
        what="job",
    ).facts()


def _job_hook(said: Said, origin: Origin) -> Iterator[Fact | Problem]:
    renamed = {
        field: said.body.get(f"build_{field}")
        for field in ("id", "name", "stage", "status", "created_at", "started_at", "finished_at")
    }
    commit = said.part("commit").body
    body = {
        **renamed,
        "user": said.body.get("user"),
        "ref": said.body.get("ref"),
        "commit": {**commit, "id": said.body.get("sha")},
        "pipeline": {"id": said.body.get("pipeline_id"), "sha": said.body.get("sha")},
    }
    yield from _job(Said(body, said.zone, "", said.problems), _namespace(said, origin))


def _push(said: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    told = False
    job = repository_key(_namespace(said, origin).partition(":")[2])
    for commit in said.each("commits"):
        sha, at = commit_hash(commit.text("id")), _time(commit, "timestamp")
        told = True
        if not sha or at is None:
            yield _missing("timestamp" if sha else "id", commit)
            continue
        yield Happened("commit", job, at, sha, change={"commit": sha}, detail=commit_detail(commit))
    if not told:
        yield Filtered("no-commits")
