"""Which agreement binds what: by name, by label, for as long as the label stands, and where nothing is deployed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lineage

SLO = """
apiVersion: openslo/v1
kind: SLO
metadata: {{name: {name}, labels: {{}}}}
spec:
  service: {service}
  budgetingMethod: Occurrences
  timeWindow: [{{duration: 28d, isRolling: true}}]
  indicator: {{metadata: {{name: ok}}, spec: {{ratioMetric: {{}}}}}}
  objectives: [{{displayName: available, target: {target}}}]
"""


@pytest.fixture
def made(tmp_path: Path, audit_event: Callable[..., Any]) -> Callable[..., Path]:
    """A function that imports agreements and calls into a workspace of the cluster `prod`."""

    def make(agreements: list[tuple[str, str, float]], calls: list[dict[str, Any]]) -> Path:
        files = tmp_path / "files"
        files.mkdir()
        for name, service, target in agreements:
            text = SLO.format(name=name, service=service, target=target)
            (files / f"{name}.yaml").write_text(text.lstrip(), "utf-8")
        lines = [json.dumps(call) for call in calls]
        (files / "audit.log").write_text("".join(f"{line}\n" for line in lines), "utf-8")
        place = tmp_path / "made.trail"
        with lineage.open(place) as workspace:
            workspace.import_([files], labels={"cluster": "prod"})
        return place

    return make


def labelled(call: dict[str, Any], **labels: str) -> dict[str, Any]:
    """The call with labels on what it deploys."""
    changed = copy.deepcopy(call)
    for part in ("requestObject", "responseObject"):
        changed[part]["metadata"]["labels"] = labels
    return changed


def test_an_agreement_of_a_target_never_deployed_to_has_no_deployments(
    made: Callable[..., Path], audit_event: Callable[..., Any]
) -> None:
    """Somebody was denied, nothing was deployed: the agreement stands, over no deployment, not met and not missed."""
    denied = audit_event("2026-01-01T10:00:00.000000Z", "jun@example.com", code=403)
    place = made([("scorer-availability", "scorer", 0.99)], [denied])

    with lineage.open(place) as workspace:
        (item,) = workspace.sla().items
        live = workspace.live().items

    assert (item["episodes"], item["value"], item["met"], item["coverage"]) == ([], None, None, 0.0)
    assert live == []


def test_a_label_binds_from_the_deployment_that_bears_it(
    made: Callable[..., Path], audit_event: Callable[..., Any]
) -> None:
    """An agreement named by a label holds for the deployments that bore the label, and for no earlier one."""
    first = audit_event("2026-01-01T10:00:00.000000Z", "a@example.com", number=1)
    second = labelled(
        audit_event(
            "2026-02-01T10:00:00.000000Z",
            "a@example.com",
            verb="update",
            code=200,
            uri="s3://models/churn/2",
            number=2,
        ),
        service="payments",
    )
    place = made([("payments-availability", "payments", 0.999)], [first, second])

    with lineage.open(place) as workspace:
        (item,) = workspace.sla().items
        register = workspace.deployments().items
        before = workspace.live(as_of="2026-01-15").items[0]["sla"]
        after = workspace.live(as_of="2026-02-15").items[0]["sla"]

    assert [episode["deployed_at"] for episode in item["episodes"]] == ["2026-02-01T10:00:00Z"]
    assert [[one["name"] for one in each["sla"]] for each in register] == [[], ["payments-availability"]]
    assert before == []
    assert [one["target"] for one in after] == [0.999]


def test_a_selector_of_targets_shows_the_agreements_that_bound_them(
    made: Callable[..., Path], audit_event: Callable[..., Any]
) -> None:
    """`sla TARGET`, `sla env:...` show what bound those; an agreement about something else is not among them."""
    place = made(
        [("scorer-availability", "scorer", 0.99), ("other-availability", "other", 0.9)],
        [audit_event("2026-01-01T10:00:00.000000Z", "a@example.com")],
    )

    with lineage.open(place) as workspace:
        every = {item["name"] for item in workspace.sla().items}
        of_target = {item["name"] for item in workspace.sla("prod/fraud/scorer").items}
        of_environment = {item["name"] for item in workspace.sla("env:prod").items}
        itself = {item["name"] for item in workspace.sla("other-availability").items}

    assert every == {"scorer-availability", "other-availability"}
    assert of_target == of_environment == {"scorer-availability"}
    assert itself == {"other-availability"}
