"""What GitHub's payloads, answers and audit log say, and how they lead from a bot's change to people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Happened, Key, Run
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Filtered, Origin, Problem, Record, recognise
from lineage.sources import github

SAMPLES = Path(__file__).parents[2] / "sources" / "github"
SHA = "4be1c0de" * 5


class Text:
    """An input that is a text in memory."""

    name, path = "hook.json", None

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.size = len(raw)

    def open(self) -> BytesIO:
        """The bytes."""
        return BytesIO(self.raw)

    def members(self) -> Iterable[Any]:
        """Nothing."""
        return iter(())


def said(given: Path | Any, **labels: str) -> list[Any]:
    """Everything that a file, or a value as a file, says."""
    source = file_input(given) if isinstance(given, Path) else Text(json.dumps(given).encode())
    origin = Origin("somewhere/hook.json", labels)
    found: list[Any] = []
    for item in github.records(source, origin):
        found += github.read(item, origin) if isinstance(item, Record) else [item]
    return found


def happened(found: list[Any], kind: str) -> list[Happened]:
    """The happenings of one type."""
    return [fact for fact in found if isinstance(fact, Happened) and fact.type == kind]


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_it_is_recognised_by_its_content(name: str) -> None:
    """Whatever the file is called."""
    best = recognise(sample_of(file_input(SAMPLES / name)))
    assert best is not None
    assert best[0].NAME == "github"


def test_each_attempt_of_a_run_has_its_own_trigger() -> None:
    """Ana's first attempt failed, Ben ran it again: two triggers, two runs, no run with two ends."""
    found = said(SAMPLES / "webhooks.ndjson")
    triggers = {(fact.detail["attempt"], fact.actor.name) for fact in happened(found, "ci-run") if fact.actor}
    assert triggers == {(1, "ana"), (2, "ben")}
    ends = {(fact.key.name, str(fact.state)) for fact in found if isinstance(fact, Run) and fact.ended}
    assert ends == {("7700001", "fail"), ("7700001/2", "complete")}


def test_who_ran_it_again_is_not_who_ran_it_first() -> None:
    """Of a second attempt without `triggering_actor` (older payloads) nobody is evidenced."""
    run = json.loads((SAMPLES / "runs.json").read_text())["workflow_runs"][0]
    del run["triggering_actor"]
    first, second = happened(said(run), "ci-run")
    assert first.actor == Key(Kind.ACTOR, "github", "ana")
    assert (second.detail["attempt"], second.actor) == (2, None)


def test_a_release_is_asked_for_and_comes_later() -> None:
    """The deployment is the request; only its status `success` says that it came, at that status's time."""
    found = said(SAMPLES / "webhooks.ndjson")
    (asked, *same) = happened(found, "release-request")
    assert all(one == asked or one.id == asked.id for one in same)
    assert asked.subject == Key(Kind.ENVIRONMENT, "github:shop/scorer", "production")
    assert (asked.actor_kind, asked.change["commit"]) == ("bot", SHA)
    (came,) = happened(found, "release")
    assert to_iso(came.at.lo) == "2026-06-01T09:30:40Z"
    assert came.change == {"commit": SHA, "ci_run": "7700001"}


def test_states_of_a_deployment() -> None:
    """`error` is a failed release, `inactive` its end and no failure, `in_progress` is left out with a reason."""
    found = said(SAMPLES / "statuses.json")
    shown = [(one.type, str(one.outcome)) for one in found if isinstance(one, Happened)]
    assert shown == [("release-end", "done"), ("release", "done"), ("release", "failed")]
    assert [one for one in found if isinstance(one, Filtered)] == [Filtered("under-way")]
    assert happened(found, "release-end")[0].outcome is Outcome.DONE


def test_a_review_names_who_approved() -> None:
    """The webhook and the organisation's audit log tell of one review alike."""
    hook = happened(said(SAMPLES / "webhooks.ndjson"), "release-approve")
    audit = happened(said(SAMPLES / "audit-log.ndjson"), "release-approve")
    for (one,) in (hook, audit):
        assert one.actor == Key(Kind.ACTOR, "github", "cleo")
        assert one.subject.name == "production"
        assert one.change["ci_run"] == "7700001"
        assert to_iso(one.at.lo) == "2026-06-01T09:29:30Z"


def test_no_secret_of_a_payload_is_kept() -> None:
    """The free payload of a deployment and the inputs of a dispatch may hold anything: only names of inputs stay."""
    found = said(SAMPLES / "webhooks.ndjson")
    assert "s3cr3t" not in repr(found)
    (asked,) = happened(found, "ci-dispatch")
    assert asked.detail["inputs"] == "version"


def test_a_host_of_ones_own_is_another_place() -> None:
    """The same repository name on a GitHub Enterprise server is another repository."""
    status = json.loads((SAMPLES / "statuses.json").read_text())[1]
    raw = json.dumps(status).replace("https://api.github.com/", "https://git.shop.example/api/v3/")
    (came,) = happened(said(json.loads(raw)), "release")
    assert came.subject.namespace == "github:git.shop.example/shop/scorer"


@pytest.mark.parametrize(
    "value",
    [
        {"deployment": {"id": 1}, "repository": {"full_name": "a/b"}, "sender": {}},
        {"deployment": None, "deployment_status": 5, "action": "created", "repository": {}},
        {"head_sha": ["x"], "run_number": {}, "workflow_id": None, "created_at": "yesterday"},
        {"state": "success", "deployment_url": 7},
        {"workflow_run": {}, "since": "x", "environment": 4, "action": "approved"},
        [[1, "x", None]],
        {},
    ],
)
def test_a_malformed_payload_is_a_problem_or_left_out(value: Any) -> None:
    """Wrong types, missing ids and no times: said with the field, and nothing raises."""
    found = said(value)
    assert found
    assert all(isinstance(one, Problem | Filtered) for one in found)


def test_the_story_of_a_bots_change(tmp_path: Path, audit_event: Any) -> None:
    """A service account applied what run 7700001 released: the register names Ben, each step and Cleo's approval.

    Without the annotation of the run, the commit alone leads to the release to production (not to staging, that Ana
    asked for): the target says it is in production.
    """
    robot = "system:serviceaccount:ci:deployer"
    by_run = audit_event(
        "2026-06-01T09:30:20.5Z", robot, annotations={"github.com/run-id": "7700001"}, number=1
    )
    by_commit = audit_event(
        "2026-06-01T09:30:30.5Z",
        robot,
        name="other",
        annotations={"example.com/git-commit": SHA[:12], "example.com/environment": "production"},
        number=2,
    )
    log = tmp_path / "audit.log"
    log.write_text("".join(json.dumps(event) + "\n" for event in (by_run, by_commit)))
    people = tmp_path / "people.csv"
    people.write_text("name,email,system,principal\nBen Okri,ben@example.org,github,ben\n")
    with lineage.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([log, people, SAMPLES], labels={"cluster": "prod"})
        items = workspace.deployments().items
        assert [(item["target"], item["action"]) for item in items] == [
            ("prod/fraud/scorer", "deploy"),
            ("prod/fraud/other", "deploy"),
        ]
        for item in items:
            assert (item["actor"], item["deployed_by"]) == (robot, "Ben Okri")
            assert (item["approved_by"], item["approved_at"]) == (["cleo"], "2026-06-01T09:29:30Z")
            files = {
                hop["rule"]: hop["evidence"][0]["file"].rpartition("/")[2] for hop in item["identity_chain"]
            }
            assert files["authenticated"] == "audit.log"
            assert files["triggering-actor"] != "audit.log"
            assert files["ci-run"] != "audit.log"
        environments = [item for item in workspace.events().items if item["kind"] == "environment"]
        asked = [item for item in environments if item["type"] == "release-request"]
        assert {(item["subject"], item["person"]) for item in asked} == {
            ("production", "Ben Okri"),
            ("staging", "ana"),
        }
        assert not [item for item in workspace.findings().items if item["code"] == "conflicting-run-ends"]


def test_the_corpus(corpus: Path) -> None:
    """GitHub's own example payloads, six files (read with jq).

    `deployment_status-payload.json`: `.deployment_status.state` success, created 2019-05-15T15:20:55Z, of
    `.deployment.sha` f95f852b... in production. `deployment-gh-pages`: `.deployment.creator.login` is
    github-pages[bot], `.workflow_run.triggering_actor.login` Codertocat, run 289782451. `deployment_review-requested`:
    `.workflow_run.head_commit.author.email` massimiliano.donini@gmail.com, environment TST, team admins.
    """
    found = {path.name: said(path) for path in sorted((corpus / "ops/github").iterdir())}
    assert len(found) == 6
    assert not [one for facts in found.values() for one in facts if isinstance(one, Problem | Filtered)]
    (came,) = happened(found["deployment_status-payload.json"], "release")
    assert (to_iso(came.at.lo), came.subject.name) == ("2019-05-15T15:20:55Z", "production")
    assert came.change["commit"] == "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
    (asked,) = happened(found["deployment-gh-pages.payload.json"], "release-request")
    assert (asked.actor and asked.actor.name, asked.actor_kind) == ("github-pages[bot]", "bot")
    assert asked.change["ci_run"] == "289782451"
    (run,) = happened(found["deployment-gh-pages.payload.json"], "ci-run")
    assert run.actor == Key(Kind.ACTOR, "github", "Codertocat")
    review = found["deployment_review-requested.payload.json"]
    assert (
        happened(review, "ci-run")[0].detail["head_commit"]["author_email"] == "massimiliano.donini@gmail.com"
    )
    assert happened(review, "review-request")[0].detail["reviewers"] == "Team admins"
    assert not happened(review, "release-approve")
