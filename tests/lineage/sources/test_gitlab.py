"""What GitLab's answers and webhooks say, and how they lead from a bot's change to people."""

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
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Origin, Problem, Record, recognise
from lineage.sources import gitlab

SAMPLES = Path(__file__).parents[2] / "sources" / "gitlab"
SHA = "5ea1ab1e" * 5
ROBOT = "system:serviceaccount:ci:deployer"


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
    origin = Origin("scorer/hook.json", labels, "scorer")
    found: list[Any] = []
    for item in gitlab.records(source, origin):
        found += gitlab.read(item, origin) if isinstance(item, Record) else [item]
    return found


def happened(found: list[Any], kind: str) -> list[Happened]:
    """The happenings of one type."""
    return [fact for fact in found if isinstance(fact, Happened) and fact.type == kind]


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_it_is_recognised_by_its_content(name: str) -> None:
    """Whatever the file is called."""
    best = recognise(sample_of(file_input(SAMPLES / name)))
    assert best is not None
    assert best[0].NAME == "gitlab"


def test_releases_come_fail_or_never_were() -> None:
    """Staging came at 09:11, production failed at 09:21 and came at 09:31; what was cancelled is a request only."""
    found = said(SAMPLES / "deployments.json")
    assert [(one.subject.name, to_iso(one.at.lo)[11:16]) for one in happened(found, "release-request")] == [
        ("staging", "09:10"),
        ("production", "09:20"),
        ("production", "09:30"),
        ("production", "09:40"),
    ]
    came = [
        (one.subject.name, str(one.outcome), to_iso(one.at.lo)[11:16]) for one in happened(found, "release")
    ]
    assert came == [
        ("staging", "done", "09:11"),
        ("production", "failed", "09:21"),
        ("production", "done", "09:31"),
    ]


def test_the_one_who_ran_the_job_stands_behind_a_tokens_deployment() -> None:
    """Deployment 43 is filed under the bot of a project token; Ben pressed the button of its job."""
    third = happened(said(SAMPLES / "deployments.json"), "release-request")[2]
    assert third.actor == Key(Kind.ACTOR, "gitlab", "project_4_bot_9f2c")
    assert third.actor_kind == "bot"
    assert [(hop.principal, hop.rule) for hop in third.chain] == [("ben", "deployable-user")]


def test_times_of_webhooks() -> None:
    """`2026-06-01 11:31:00 +0200` and `2026-06-01 09:30:00 UTC` are exact times with a zone."""
    found = said(SAMPLES / "webhooks.ndjson")
    (came,) = happened(found, "release")
    assert (to_iso(came.at.lo), came.at.assumed) == ("2026-06-01T09:31:00Z", False)
    assert came.change["commit"] == SHA
    jobs = {(run.key.name, str(run.state)): to_iso(run.at.lo) for run in found if isinstance(run, Run)}
    assert jobs == {("9143", "complete"): "2026-06-01T09:31:00Z", ("9142", "fail"): "2026-06-01T09:21:00Z"}


def test_a_project_that_is_not_named() -> None:
    """An answer without any address is of the project that the import's label names, else of the folder's name."""
    bare = {"id": 1, "iid": 1, "sha": SHA, "status": "success", "created_at": "2026-06-01T09:00:00Z"}
    bare |= {"environment": {"name": "prod"}, "user": {"username": "ana"}}
    assert {one.subject.namespace for one in said([bare])} == {"gitlab:scorer"}
    assert {one.subject.namespace for one in said([bare], project="shop/x")} == {"gitlab:shop/x"}


@pytest.mark.parametrize(
    "value",
    [
        {"object_kind": "deployment"},
        {"object_kind": "pipeline", "object_attributes": [], "builds": {"a": 1}},
        {"object_kind": "build", "build_id": {}, "build_started_at": "soon"},
        {"object_kind": "push", "commits": [{"id": 3}]},
        {"object_kind": {}, "iid": 1},
        {"sha": 4, "iid": 1, "environment": {}, "deployable": 7},
        [["x"], None],
        {},
    ],
)
def test_a_malformed_payload_is_a_problem_or_left_out(value: Any) -> None:
    """Wrong types, missing ids and no times: said with the field, and nothing raises."""
    found = said(value)
    assert found
    assert all(isinstance(one, Problem | Filtered) for one in found)


def test_the_story_of_a_bots_change(tmp_path: Path, audit_event: Any) -> None:
    """One target names job 9143, one pipeline 8800, one the commit only: Ben, Ana (the pipeline's), and Ben again.

    The commit came to production by deployment 43, that Cleo approved; Dan stands in the commit's own trailer.
    """
    events = [
        audit_event("2026-06-01T09:30:20Z", ROBOT, name=name, annotations=notes, number=number)
        for number, (name, notes) in enumerate(
            {
                "job": {"gitlab.com/ci-job-id": "9143"},
                "pipeline": {"gitlab.com/ci-pipeline-id": "8800"},
                "commit": {"git-commit": SHA, "environment": "production"},
            }.items()
        )
    ]
    log = tmp_path / "audit.log"
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    with lineage.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([log, SAMPLES], labels={"cluster": "prod"})
        items = {item["endpoint"]: item for item in workspace.deployments().items}
        assert {name: item["deployed_by"] for name, item in items.items()} == {
            "job": "ben",
            "pipeline": "ana",
            "commit": "ben",
        }
        assert set(items["commit"]["approved_by"]) == {"cleo", "Dan <dan@example.org>"}
        assert items["commit"]["approved_at"] == "2026-06-01T09:29:00Z"
        assert not [item for item in workspace.findings().items if item["code"] == "conflicting-run-ends"]


def test_the_corpus(corpus: Path) -> None:
    """One deployment: `.[0].sha` is 40 times a, environment prod, success, deployable's user dev, all by jq."""
    found = said(corpus / "ops/gitlab/deployments.json")
    assert [one.type for one in found] == ["release-request", "release"]
    assert found[0].actor == Key(Kind.ACTOR, "gitlab", "dev")
    assert found[0].change["commit"] == "a" * 40
    assert found[0].detail["head_commit"]["author_email"] == "dev@example.com"
    assert (found[1].subject.name, found[1].detail["time"]) == ("prod", "created_at")
