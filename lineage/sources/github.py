"""Who asked for a release on GitHub, who approved it, who triggered the run that made it, and of which commit?

Read are webhook payloads (`deployment`, `deployment_status`, `deployment_review`, `workflow_run`, `workflow_dispatch`,
`push`), bare, or in the envelope of a delivery; answers of the REST API as `gh api` saves them (deployments, statuses,
workflow runs; single or lists, pages of `--paginate --slurp`); `gh run list --json`; and lines of an organisation's
audit log about runs and their reviews.

A GitHub deployment is a note that a commit was to come to an environment, written by whoever likes; what then ran where
is not in it. So it never makes an item of the register. It is evidence of who and why for the target that the commit
or the run's id is found on (an annotation, a role session `GitHubActions-<run>`, an Argo CD revision): the register
shows its people in `identity_chain`, its reviewers in `approved_by`, and cites it. `events` shows each release, its
request, its reviews and the runs under the environment or workflow they concern; a failed status is a failed release,
`inactive` is one that a later release took the place of, and what is still under way is left out.

Who triggered a run again (`triggering_actor`) stands before who triggered it first (`actor`); of an attempt after the
first without it, nobody is evidenced. The type `User` of an account is GitHub's word for a person. sources-ops 5.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from lineage import framing
from lineage.model.facts import Fact, Happened, Key
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind, Outcome, RunState
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._code_hosts import NOBODY, Released, Triggered, User, commit_detail, commit_hash, user
from lineage.sources._commit import repository_key
from lineage.sources._github_shapes import looks, recognised, unwrapped
from lineage.sources._said import Said, parsed
from lineage.text import MalformedError, clip

NAME = "github"
FORMAT = "GitHub: webhook payloads, REST answers and `gh` output of deployments, reviews and workflow runs; audit log"
PROVES = ("who", "when", "what")

_PLACE = re.compile(r"https?://([^/\s]+)/(?:api/v3/)?repos/([^/\s]+/[^/\s]+)")
_WEB = re.compile(r"https?://([^/\s]+)/([^/\s]+/[^/\s]+)/(?:actions|deployments|tree|commit)\b")
_RUN = re.compile(r"/actions/runs/(\d+)")
_DEPLOYMENT = re.compile(r"/deployments/(\d+)")
_STATES = {
    "success": RunState.COMPLETE,
    "neutral": RunState.COMPLETE,
    "failure": RunState.FAIL,
    "timed_out": RunState.FAIL,
    "startup_failure": RunState.FAIL,
    "cancelled": RunState.ABORT,
    "stale": RunState.ABORT,
}
_UNDER_WAY = frozenset({"queued", "pending", "in_progress", "waiting"})
_AUDITED = {
    "workflows.approve_workflow_job": "release-approve",
    "workflows.reject_workflow_job": "release-reject",
}


def recognises(sample: Sample) -> float:
    """Return how sure it is that GitHub wrote this."""
    return recognised(sample)


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into payloads, the entries of an answer's list, or lines."""
    yield from framing.json_values(given, "workflow_runs")


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a payload or an entry of an answer tells; a page of an answer may be one record."""
    try:
        value = parsed(record)
    except MalformedError as error:
        line = record.line + max(error.line - 1, 0) if record.line else error.line
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]), line=line)
        return
    page = value.get("workflow_runs") if isinstance(value, dict) else value
    several = page if isinstance(page, list) else [value]
    told = False
    reason = Filtered("empty")
    for number, entry in enumerate(several):
        said = Said(entry if isinstance(entry, dict) else {}, origin.label("timezone"))
        if not isinstance(entry, dict):
            found: list[Fact | Problem | Filtered] = [
                Problem("not-an-object", "the record is no object", f"[{number}]", clip(entry))
            ]
        else:
            found = [*_entry(said, origin), *said.problems]
        for one in found:
            if isinstance(one, Filtered):
                reason = one
            else:
                told = True
                yield one
    if not told:
        yield reason


def _entry(whole: Said, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    said, given_at = unwrapped(whole)
    shape = looks(said.body)
    match shape:
        case "status":
            run = _run_named(said.part("deployment_status"))
            yield from _deployment(said, said.part("deployment"), run)
            yield from _status(said, said.part("deployment_status"), said.part("deployment"))
        case "deployment":
            yield from _deployment(said, said.part("deployment"))
        case "rest-deployment":
            yield from _deployment(said, said)
        case "rest-status":
            yield from _status(said, said, Said({}))
        case "review":
            yield from _review(said)
        case "run":
            yield from _run(said, said.part("workflow_run"))
        case "rest-run":
            yield from _run(said, said)
        case "gh-run":
            yield from _gh_run(said)
        case "dispatch":
            yield from _dispatch(said, origin, given_at)
        case "push":
            yield from _push(said)
        case "audit":
            yield from _audited(said)
        case "approval":
            yield Filtered("review-without-its-run")
        case "job":
            yield Filtered("job-of-a-run")
        case "event":
            yield Filtered("event")
        case _:
            yield Problem(
                "not-github", "this is no payload or answer of GitHub that is known", value=clip(said.body)
            )


def _namespace(*several: Said) -> str:
    """Return `github:<owner>/<repository>`, with the host before it where that is not github.com."""
    for said in several:
        body = said.body
        repository = body.get("repository")
        name = repository.get("full_name") if isinstance(repository, dict) else body.get("repo")
        addresses = [body.get(field) for field in ("url", "deployment_url", "repository_url", "html_url")]
        if isinstance(repository, dict):
            addresses.append(repository.get("url"))
        for address in addresses:
            found = _PLACE.match(address) or _WEB.match(address) if isinstance(address, str) else None
            if found:
                host = found[1].lower()
                place = found[2] if not isinstance(name, str) or not name else name
                return (
                    f"github:{place}"
                    if host in {"api.github.com", "github.com"}
                    else f"github:{host}/{place}"
                )
        if isinstance(name, str) and name:
            return f"github:{name}"
    return ""


def _user(said: Said) -> User:
    return user("github", said.text("login"), said.text("type"))


def _run_named(status: Said) -> str:
    """Return the run that a status leads to with its address; empty where it leads elsewhere."""
    run = _RUN.search(status.text("log_url")) or _RUN.search(status.text("target_url"))
    return run[1] if run else ""


def _deployment(whole: Said, said: Said, run: str = "") -> Iterator[Fact | Problem]:
    released = _released(whole, said, "", run)
    at = said.time("created_at")
    if isinstance(released, Problem) or at is None:
        yield released if isinstance(released, Problem) else _missing("created_at", said)
        return
    yield from _embedded(whole)
    detail = {
        "ref": said.text("ref"),
        "task": said.text("task"),
        "url": said.text("url"),
        "production": said.body.get("production_environment") is True,
        "app": said.part("performed_via_github_app").text("slug"),
    }
    reason = said.text("description")
    yield released.happened("release-request", at, _user(said.part("creator")), detail, reason=reason)


def _released(whole: Said, said: Said, environment: str, named: str = "") -> Released | Problem:
    namespace = _namespace(whole, said)
    number = said.text("id")
    name = environment or said.text("environment", "original_environment")
    for field, value in (("repository", namespace), ("id", number), ("environment", name)):
        if not value:
            return _missing(field, said)
    run = whole.part("workflow_run") if isinstance(whole.body.get("workflow_run"), dict) else Said({})
    place = Key(Kind.ENVIRONMENT, namespace, name)
    return Released(place, number, commit_hash(said.text("sha")), run.text("id") or named)


def _missing(field: str, said: Said) -> Problem:
    return Problem("missing-field", "without it nobody can tell what this is about", said.place(field))


def _embedded(whole: Said) -> Iterator[Fact | Problem]:
    """Read the run that a payload about something else carries."""
    if isinstance(whole.body.get("workflow_run"), dict):
        yield from _run(whole, whole.part("workflow_run"))


def _status(whole: Said, said: Said, deployment: Said) -> Iterator[Fact | Problem | Filtered]:
    address = said.text("deployment_url")
    number = _DEPLOYMENT.search(address)
    body = deployment.body or {"id": number[1] if number else "", "url": address}
    released = _released(
        whole, Said(body), said.text("environment") or deployment.text("environment"), _run_named(said)
    )
    at = said.time("created_at")
    if isinstance(released, Problem) or at is None:
        yield released if isinstance(released, Problem) else _missing("created_at", said)
        return
    state = said.text("state").lower()
    detail = {
        "state": state,
        "url": said.text("log_url", "target_url"),
        "description": said.text("description"),
    }
    who = _user(said.part("creator"))
    part = f"status {said.text('id')}"
    if state == "success":
        yield released.happened("release", at, who, detail, part=part)
    elif state in {"failure", "error"}:
        yield released.happened("release", at, who, detail, part=part, outcome=Outcome.FAILED)
    elif state == "inactive":
        yield released.happened("release-end", at, who, detail, part=part)
    elif state in _UNDER_WAY:
        yield Filtered("under-way")
    else:
        said.wrong("bad-value", "this is no state of a deployment", "state", state)


def _review(said: Said) -> Iterator[Fact | Problem | Filtered]:
    yield from _embedded(said)
    run = said.part("workflow_run")
    namespace = _namespace(said, run)
    at = said.time("since") or run.time("updated_at")
    if at is None or not namespace:
        yield _missing("since" if namespace else "repository", said)
        return
    jobs = [
        *said.each("workflow_job_runs"),
        *([said.part("workflow_job_run")] if said.body.get("workflow_job_run") else []),
    ]
    names = dict.fromkeys(name for one in (*jobs, said) if (name := one.text("environment")))
    action = said.text("action")
    kinds = {"approved": "release-approve", "rejected": "release-reject", "requested": "review-request"}
    if action not in kinds:
        yield Filtered("action")
        return
    asked = action == "requested"
    who = (
        _user(said.part("requestor" if asked else "approver"))
        if said.body.get("requestor" if asked else "approver")
        else (_user(said.part("sender")))
    )
    reviewers = [
        f"{one.text('type')} {one.part('reviewer').text('login', 'slug', 'name')}".strip()
        for one in said.each("reviewers")
    ]
    for name in names:
        yield _reviewed(kinds[action], Key(Kind.ENVIRONMENT, namespace, name), at, who, run, said, reviewers)
    if not names:
        yield _missing("environment", said)


def _reviewed(
    kind: str, place: Key, at: Moment, who: User, run: Said, said: Said, reviewers: list[str]
) -> Fact:
    number, attempt = run.text("id"), run.text("run_attempt")
    change = {"ci_run": number, "commit": commit_hash(run.text("head_sha"))}
    detail = {"comment": said.text("comment"), "reviewers": ", ".join(reviewers[:20])}
    return Happened(
        kind,
        place,
        at,
        f"{place.namespace} run {number}{attempt and f'/{attempt}'} {kind} of {place.name} by {who.login}",
        actor=who.key,
        actor_kind=who.kind,
        change={name: value for name, value in change.items() if value},
        detail={name: value for name, value in detail.items() if value},
    )


def _run(whole: Said, said: Said) -> Iterator[Fact | Problem]:
    namespace = _namespace(whole, said)
    at = said.time("run_started_at", "created_at")
    number = said.text("id")
    if at is None or not namespace or not number:
        yield _missing("created_at" if at is None else "id" if namespace else "repository", said)
        return
    attempt = said.text("run_attempt")
    again = attempt.isdecimal() and int(attempt[:9]) > 1
    first = _user(said.part("actor"))
    who = _user(said.part("triggering_actor")) if said.body.get("triggering_actor") else NOBODY
    if who.key is None and not again:
        who = first
    status, conclusion = said.text("status").lower(), said.text("conclusion").lower()
    state = RunState.RUNNING if status == "in_progress" else RunState.OTHER
    if status == "completed":
        state = _STATES.get(conclusion, RunState.OTHER)
    head = said.part("head_commit") if isinstance(said.body.get("head_commit"), dict) else None
    job = Key(Kind.JOB, namespace, said.text("path").partition("@")[0] or said.text("name") or "workflow")
    created = said.time("created_at")
    if attempt == "2" and first.key is not None and created is not None:
        # An answer shows the last attempt only; of the second it says by whom and when the first was triggered.
        sha = commit_hash(said.text("head_sha"))
        told = Triggered(job, number, created, RunState.OTHER, created, first, sha=sha).triggered()
        yield replace(told, id=f"{told.id} before 2")
    yield from Triggered(
        job,
        number,
        at,
        state,
        said.time("updated_at") or at,
        who,
        first.login,
        int(attempt[:9]) if again else 1,
        commit_hash(said.text("head_sha")),
        said.text("html_url", "url"),
        said.text("event"),
        said.text("head_branch"),
        commit_detail(head) if head is not None else None,
        conclusion,
    ).facts()


def _gh_run(said: Said) -> Iterator[Fact | Problem]:
    """Read a run as `gh run list --json` prints it: it names nobody."""
    renamed = {
        "id": said.body.get("databaseId"),
        "run_attempt": said.body.get("attempt"),
        "created_at": said.body.get("createdAt"),
        "run_started_at": said.body.get("startedAt"),
        "updated_at": said.body.get("updatedAt"),
        "head_sha": said.body.get("headSha"),
        "head_branch": said.body.get("headBranch"),
        "html_url": said.body.get("url"),
        "name": said.body.get("workflowName"),
        "event": said.body.get("event"),
        "status": said.body.get("status"),
        "conclusion": said.body.get("conclusion"),
    }
    yield from _run(Said({}), Said(renamed, said.zone, "", said.problems))


def _dispatch(said: Said, origin: Origin, given_at: Said) -> Iterator[Fact | Problem | Filtered]:
    """Read a run asked for by hand: the payload has no time, so its delivery or the label `observed_at` must tell."""
    observed = {"delivered_at": given_at.body.get("delivered_at") or origin.label("observed_at")}
    at = Said(observed, said.zone, "", said.problems).time("delivered_at")
    namespace = _namespace(said)
    if at is None or not namespace:
        yield Filtered("dispatch-without-its-time")
        return
    who = _user(said.part("sender"))
    job = Key(Kind.JOB, namespace, said.text("workflow").partition("@")[0] or "workflow")
    names = sorted(str(name) for name in said.part("inputs").body)[:50]
    detail = {"ref": said.text("ref"), "inputs": ", ".join(names)}
    yield Happened("ci-dispatch", job, at, actor=who.key, actor_kind=who.kind, detail={**detail})


def _push(said: Said) -> Iterator[Fact | Problem | Filtered]:
    """Read the commits that a push brought, with the logins that GitHub knows their authors by."""
    namespace = _namespace(said)
    told = False
    for commit in said.each("commits"):
        sha, at = commit_hash(commit.text("id")), commit.time("timestamp")
        if not sha or at is None or not namespace:
            yield _missing("id" if not sha else "timestamp", commit)
            continue
        told = True
        who = user("github", commit.part("author").text("username"))
        job = repository_key(namespace.partition(":")[2])
        yield Happened(
            "commit", job, at, sha, actor=who.key, change={"commit": sha}, detail=commit_detail(commit)
        )
    if not told:
        yield Filtered("no-commits")


def _audited(said: Said) -> Iterator[Fact | Problem | Filtered]:
    """Read a line of an organisation's audit log that is about a review of a run."""
    kind = _AUDITED.get(said.text("action"))
    if not kind:
        yield Filtered("audit-action")
        return
    at, namespace = said.time("@timestamp", "created_at"), _namespace(said)
    number, name = said.text("workflow_run_id"), said.text("environment_name", "environment")
    if at is None or not namespace or not number:
        yield _missing("@timestamp" if at is None else "workflow_run_id" if namespace else "repo", said)
        return
    place = Key(Kind.ENVIRONMENT, namespace, name or "environment not recorded")
    who = user("github", said.text("actor"), "Bot" if said.text("actor_is_bot") == "true" else "User")
    run = Said(
        {"id": number, "run_attempt": said.body.get("run_attempt"), "head_sha": said.body.get("head_sha")}
    )
    yield _reviewed(kind, place, at, who, run, said, [])
