"""Which incidents there were, and what was live then at the services they name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lineage
from lineage.cli import main
from lineage.workspace import Workspace


def incident(number: int, service: str, opened: str, **more: Any) -> dict[str, Any]:
    """One incident as PagerDuty's REST API lists it."""
    return {
        "id": f"Q{number}",
        "incident_number": number,
        "title": f"incident {number}",
        "status": "triggered",
        "urgency": "high",
        "created_at": opened,
        "service": {"summary": service},
        "html_url": f"https://skarn.pagerduty.com/incidents/Q{number}",
        **more,
    }


@pytest.fixture
def told(tmp_path: Path, audit_event: Callable[..., dict[str, Any]]) -> Callable[..., Workspace]:
    """A workspace in which `scorer` served version 1 from June 1 and version 2 from June 3, and these incidents."""

    def make(*listed: dict[str, Any]) -> Workspace:
        events = [
            audit_event("2026-06-01T10:00:00.000000Z", "oidc:mira@skarn.example", number=1),
            audit_event(
                "2026-06-03T10:00:00.000000Z",
                "oidc:kai@skarn.example",
                uri="s3://models/churn/2",
                verb="update",
                code=200,
                annotations={"skarn.example/service": "churn-api"},
                number=2,
            ),
        ]
        folder = tmp_path / "prod-eu"
        folder.mkdir(exist_ok=True)
        (folder / "audit.log").write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
        (folder / "incidents.json").write_text(json.dumps({"incidents": listed}), "utf-8")
        workspace = lineage.open(tmp_path / "told.trail")
        workspace.import_([folder])
        return workspace

    return make


def live(item: dict[str, Any]) -> list[tuple[str, Any, bool]]:
    """What was live: target, where the model was read from, and whether that is certain."""
    return [
        (each["target"], next((model["uri"] for model in each["models"]), None), each["certain"])
        for each in item["deployments"]
    ]


def test_the_deployment_live_then_is_the_one_of_that_moment(told: Callable[..., Workspace]) -> None:
    """Opened on June 2 version 1 was live, on June 4 version 2; before June 1 nothing was, and that is said."""
    days = ("2026-05-30", "2026-06-02", "2026-06-04")
    with told(
        *(incident(number, "scorer", f"{day}T01:50:00Z") for number, day in enumerate(days, 1))
    ) as workspace:
        items = workspace.incidents().items
    assert [item["number"] for item in items] == ["1", "2", "3"]
    assert [live(item) for item in items] == [
        [("prod-eu/fraud/scorer", None, True)],
        [("prod-eu/fraud/scorer", "s3://models/churn/1", True)],
        [("prod-eu/fraud/scorer", "s3://models/churn/2", True)],
    ]
    assert [each["deployed_by"] for item in items for each in item["deployments"]] == [
        None,
        "mira@skarn.example",
        "kai@skarn.example",
    ]
    sources = [{reference["source"] for reference in item["evidence"]} for item in items]
    assert sources == [{"pagerduty"}, {"pagerduty", "kubernetes-audit"}, {"pagerduty", "kubernetes-audit"}]


def test_a_service_is_a_name_or_a_label_never_a_guess(told: Callable[..., Workspace]) -> None:
    """`fraud/Scorer` is the target; `churn-api` is, once its annotation says so; `scorer-2` and `frau` are nobody's."""
    with told(
        incident(1, "fraud/Scorer", "2026-06-04T00:00:00Z"),
        incident(2, "churn-api", "2026-06-02T00:00:00Z"),
        incident(3, "churn-api", "2026-06-04T00:00:00Z"),
        incident(4, "scorer-2", "2026-06-04T00:00:00Z"),
        incident(5, "frau", "2026-06-04T00:00:00Z"),
    ) as workspace:
        items = {item["number"]: item for item in workspace.incidents().items}
    assert [len(items[number]["deployments"]) for number in "12345"] == [1, 0, 1, 0, 0]
    assert items["1"]["deployments"][0]["matched_by"] == "name"
    assert items["3"]["deployments"][0]["matched_by"] == "label skarn.example/service"
    assert [items[number]["unmatched"] for number in "245"] == [["churn-api"], ["scorer-2"], ["frau"]]


def test_an_incident_as_it_stood_then(told: Callable[..., Workspace]) -> None:
    """At 02:00 it was acknowledged and not yet resolved; before it was opened there was none."""
    handled = incident(
        7,
        "scorer",
        "2026-06-02T01:50:00Z",
        status="resolved",
        resolved_at="2026-06-02T02:40:00Z",
        last_status_change_by={
            "id": "P1",
            "type": "user_reference",
            "summary": "Mira",
            "email": "mira@skarn.example",
        },
        acknowledgements=[{"at": "2026-06-02T01:55:00Z", "acknowledger": {"id": "P2", "summary": "Kai"}}],
    )
    with told(handled) as workspace:
        (now,) = workspace.incidents().items
        (then,) = workspace.incidents(as_of="2026-06-02T02:00:00Z").items
        assert workspace.incidents(as_of="2026-06-02T01:00:00Z").items == []
        assert workspace.incidents(known_at="2020-01-01").items == []
    assert (now["state"], now["acknowledged_at"], now["resolved_at"]) == (
        "resolved",
        "2026-06-02T01:55:00Z",
        "2026-06-02T02:40:00Z",
    )
    assert (now["resolved_by"], now["acknowledged_by"]) == ("mira@skarn.example", None)
    assert [(step["type"], step["actor"], step["name"]) for step in now["steps"]] == [
        ("incident-open", None, None),
        ("incident-acknowledge", "P2", "Kai"),
        ("incident-resolve", "mira@skarn.example", "Mira"),
    ]
    assert (then["state"], then["resolved_at"], then["acknowledged_at"]) == (
        "acknowledged",
        None,
        "2026-06-02T01:55:00Z",
    )


def test_selectors_and_periods(told: Callable[..., Workspace]) -> None:
    """A target's incidents, one incident by its number, those opened in June 3; the total stands under a limit."""
    with told(
        incident(11, "scorer", "2026-06-02T00:00:00Z"),
        incident(12, "elsewhere", "2026-06-03T00:00:00Z"),
        incident(13, "scorer", "2026-06-04T00:00:00Z"),
    ) as workspace:

        def numbers(*words: Any, **options: Any) -> list[str]:
            return [item["number"] for item in workspace.incidents(*words, **options).items]

        assert numbers("prod-eu/fraud/scorer") == ["11", "13"]
        assert numbers("12") == ["12"]
        assert numbers("kind:incident") == ["11", "12", "13"]
        assert numbers("", "2026-06-03", "2026-06-04") == ["12"]
        cut = workspace.incidents(limit=1)
        assert (cut.shown, cut.total, cut.complete) == (1, 3, False)


def test_an_incident_whose_day_has_two_readings_lists_both_deployments(
    told: Callable[..., Workspace], tmp_path: Path
) -> None:
    """02.06. to 06.02.: within the bound nothing or version 1 may have been live; neither is claimed."""
    table = tmp_path / "incident.csv"
    table.write_text("number,opened_at,state,cmdb_ci\nINC1,02/06/2026 01:00:00,New,scorer\n", "utf-8")
    with told() as workspace:
        workspace.import_([table])
        (item,) = workspace.incidents().items
    assert item["opened_at"] == {"not_before": "2026-02-06T01:00:00Z", "not_after": "2026-06-02T01:00:00Z"}
    assert "02/06/2026" in item["_text"]
    assert live(item) == [("prod-eu/fraud/scorer", "s3://models/churn/1", False)]


def test_the_command(told: Callable[..., Workspace], capsys: pytest.CaptureFixture[str]) -> None:
    """`incidents` answers in the envelope of every verb, and as a table whose last column tells what was live."""
    with told(incident(11, "scorer", "2026-06-02T00:00:00Z")) as workspace:
        path = str(workspace.path)
    assert main(["-w", path, "incidents", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["complete", "shown", "total", "as_of", "known_at", "coverage", "items"]
    assert {row["source"] for row in answer["coverage"]} >= {"pagerduty", "kubernetes-audit"}
    assert main(["-w", path, "incidents", "--format", "table"]) == 0
    assert "prod-eu/fraud/scorer" in capsys.readouterr().out
    assert main(["-w", path, "incidents", "--format", "csv"]) == 0
    assert capsys.readouterr().out.count("\n") >= 2
