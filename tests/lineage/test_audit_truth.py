"""What the sample company's files amount to, against what its story says: judged by the story, never by the program."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineage.workspace import Workspace
from resources.sample import truth
from resources.sample.story import VERSIONS

OF_THE_REGISTER = {"version": "model_version", "person": "deployed_by"}
AS_THE_STORY_SAYS = (
    "action",
    "target",
    "cluster",
    "environment",
    "namespace",
    "endpoint",
    "model",
    "version",
    "deployed_at",
    "ended_at",
    "actor",
    "person",
    "effective_identity",
    "approved_by",
    "change_ref",
    "reason",
    "link_rule",
)
KINDS_OF_PRINCIPAL = {"bot": {"bot", "service-account"}, "person": {"person"}, "unknown": {"unknown"}}
MOMENTS = [
    "2024-11-01",
    "2025-01-21",
    "2025-07-03T19:44:58.016682",
    "2025-10-25",
    "2025-11-19",
    "2025-12-25",
    "2026-05-14T01:52:06.733904",
    "2026-05-14T01:52:06.733905",
    "2026-06-04",
    "2026-08-20T12:00:00",
    "2026-11-20",
]


@pytest.fixture
def pairs(company_workspace: Workspace) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each deployment of the story beside the register's item of the same time and target."""
    found = {(item["deployed_at"], item["target"]): item for item in company_workspace.deployments().items}
    story = truth.deployments()
    assert found.keys() == {(item["deployed_at"], item["target"]) for item in story}
    return [(item, found[item["deployed_at"], item["target"]]) for item in story]


@pytest.mark.parametrize("name", AS_THE_STORY_SAYS)
def test_the_register_is_the_story(name: str, pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Every deployment has what the story says, field by field, and where the files do not say it, nothing."""
    wrong = [
        (said["deployed_at"], said["target"], said[name], item[OF_THE_REGISTER.get(name, name)])
        for said, item in pairs
        if said[name] != item[OF_THE_REGISTER.get(name, name)]
    ]

    assert wrong == []


def test_the_kind_of_principal_is_known(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """A service account is a bot, a person a person; of a shared break-glass name nobody knows."""
    for said, item in pairs:
        assert item["actor_kind"] in KINDS_OF_PRINCIPAL[said["actor_kind"]], item["id"]


def test_traffic_is_shared_as_the_story_says(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Every version that served, with its share; an image whose version is not known keeps its place without one."""
    for said, item in pairs:
        shares = {model["version"]: model["weight"] for model in item["models"] if model["version"]}
        assert shares == said["models"], item["id"]


def test_an_alias_leaves_the_versions_it_may_have_meant(
    pairs: list[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    """Between two copies of the registry an alias may have meant what it was seen on, never what did not exist yet."""
    ((said, item),) = [(said, item) for said, item in pairs if said["candidates"]]
    existed = {
        str(version.number)
        for version in VERSIONS
        if version.model == said["model"] and f"{version.registered:%Y-%m-%dT%H:%M:%SZ}" < said["deployed_at"]
    }

    candidates = {name.rpartition(" ")[2] for name in item["models"][0]["candidates"]}

    assert said["applied_version"] in candidates
    assert candidates <= existed
    assert item["link_confidence"] == "medium"


def test_the_promises_in_force_stand_beside_each_deployment(
    pairs: list[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    """Every objective that held for the service then, contradicting ones too, with its interval and its ground."""
    for said, item in pairs:
        expected = sorted(
            (one["name"], one["version"], one["metric"], one["comparator"], one["target"], one["unit"])
            for one in said["sla"]
        )
        assert (
            sorted(
                (
                    one["name"],
                    one["version"] or "",
                    *(one[name] for name in ("metric", "comparator", "target", "unit")),
                )
                for one in item["sla"]
            )
            == expected
        ), item["id"]
        for one in item["sla"]:
            promise = next(
                each
                for each in said["sla"]
                if (each["name"], each["version"]) == (one["name"], one["version"] or "")
            )
            assert one["effective_from"] == f"{promise['effective_from']}T00:00:00Z"
            last = promise["last_day"]
            end = (
                None if last is None else datetime.fromisoformat(last).replace(tzinfo=UTC) + timedelta(days=1)
            )
            assert one["effective_to"] == (end and f"{end:%Y-%m-%dT%H:%M:%SZ}")


def test_a_change_names_what_it_replaced_and_what_ended_it(
    pairs: list[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    """`replaces` and `ended_by` are the neighbours at the same target; a deletion leaves nothing to replace."""
    items = {item["id"]: item for _, item in pairs}
    for said, item in pairs:
        after = items.get(item["ended_by"] or "")
        assert (after["action"] if after else None) == said["ended_by_action"]
        if after is not None:
            assert after["replaces"] == item["id"]
        before = items.get(item["replaces"] or "")
        if before is not None:
            assert (before["target"], before["ended_at"] or item["deployed_at"]) == (
                item["target"],
                item["deployed_at"],
            )
            assert before["action"] != "delete"


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_was_live_is_the_story(moment: str, company_workspace: Workspace) -> None:
    """At any moment, to the microsecond: the version with most of the traffic, or that it is not known."""
    asked = datetime.fromisoformat(moment).replace(tzinfo=UTC)

    live = company_workspace.live(as_of=f"{moment}{'' if 'T' in moment else 'T00:00:00'}Z")

    assert {item["target"]: item["model_version"] for item in live.items} == truth.live(asked)


def test_the_promise_that_binds_is_that_of_the_day(company_workspace: Workspace) -> None:
    """After the promise rose, `live` shows the new one, also for what was deployed before."""
    change = truth.sla_change()

    def bound(day: str) -> set[tuple[str, float]]:
        (item,) = company_workspace.live("prod-eu/parcels/eta-parcel", as_of=day).items
        return {(one["version"], one["target"]) for one in item["sla"] if one["name"] == change["name"]}

    old, new = change["versions"]
    assert bound("2026-06-30T23:59:59Z") == {(old["version"], old["target"])}
    assert bound("2026-07-01T00:00:00Z") == {(new["version"], new["target"])}


def test_an_agreement_lists_the_deployments_it_held_for(company_workspace: Workspace) -> None:
    """One that began under the old promise and went on under the new one stands under both."""
    change = truth.sla_change()
    versions = {
        item["version"]: item
        for item in company_workspace.sla(change["name"]).items
        if item["name"] == change["name"]
    }
    across = ("prod-eu/parcels/eta-parcel", "2026-06-18T08:30:33.091277Z")

    assert {version: item["target"] for version, item in versions.items()} == {
        each["version"]: each["target"] for each in change["versions"]
    }
    for item in versions.values():
        held = {(episode["target"], episode["deployed_at"]) for episode in item["episodes"]}
        assert across in held
        assert all(target.endswith("/eta-parcel") for target, _ in held)
    assert versions["1"]["effective_to"] == versions["2"]["effective_from"] == "2026-07-01T00:00:00Z"
    assert (versions["1"]["value"], versions["1"]["met"]) == (None, None)


def test_documents_that_contradict_each_other_are_shown_with_both_sides(company_workspace: Workspace) -> None:
    """Nobody noticed that two documents promise different things for `address-match`: the findings do."""
    sides = truth.sla_change()["conflict"]
    found = [item for item in company_workspace.findings().items if item["code"] == "conflicting-slas"]

    assert {item["subject"] for item in found} == {
        f"{place}/parcels/address-match" for place in ("prod-eu", "prod-us")
    }
    for item in found:
        for side in sides:
            assert f"{side['target']:g}" in item["text"]
        files = {reference["file"].rpartition("/sla/")[2] for reference in item["evidence"]}
        assert files == {side["document"].removeprefix("sla/") for side in sides}


def test_what_was_tried_in_vain_is_an_event_and_no_deployment(company_workspace: Workspace) -> None:
    """Denied, failed and dry-run requests are there with who and why; none of them is in the register."""
    tried = truth.denied()
    events = {(item["at"], item["subject"]): item for item in company_workspace.events("kind:target").items}
    register = {(item["deployed_at"], item["target"]) for item in company_workspace.deployments().items}

    for said in tried:
        place = said["at"], said["target"]
        event = events[place]
        outcome = "done" if said["outcome"] == "unchanged" else said["outcome"]
        assert (event["outcome"], event["actor"]) == (outcome, said["actor"])
        assert (event["detail"]["verb"], event["detail"]["code"]) == (said["verb"], said["code"])
        assert place not in register
        if said["outcome"] != "unchanged":
            assert event["person"] == said["person"]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: f"{version.model}-{version.number}")
def test_the_lineage_of_a_version_is_the_story(version: Any, company_workspace: Workspace) -> None:
    """Upstream of a version stand its run and exactly the datasets that fed it, near and far, and no others."""
    said = truth.lineage()[version.model, str(version.number)]

    trace = company_workspace.trace(f"{version.model} {version.number}", up=99, ever=True).items[0]

    datasets = {(node["namespace"], node["name"]) for node in trace["nodes"] if node["kind"] == "dataset"}
    runs = {node["name"] for node in trace["nodes"] if node["kind"] == "run"}
    assert datasets == {*said["upstream"], *said["evaluated_on"]}
    assert runs == {said["run_id"]}
    node = next(
        node for node in trace["nodes"] if node["depth"] == 0 and node["name"].startswith(version.model)
    )
    assert node["attributes"]["run_id"] == said["run_id"]
    assert bool(node["attributes"].get("deleted")) is said["deleted"]


def test_the_bad_delivery_is_followed_to_where_it_served(company_workspace: Workspace) -> None:
    """From the checks that failed, through the version that learned from it, to when and where it served."""
    said = truth.incident()
    namespace, name = said["checked"]
    checked = company_workspace.show(f"{namespace}/{name}").items[0]
    paths = company_workspace.paths(
        "/".join(said["dataset"]), f"{said['model']} {said['version']}", ever=True
    )
    serves = company_workspace.trace(f"{said['model']} {said['version']}", down=1, ever=True).items[0][
        "edges"
    ]
    run = company_workspace.runs(said["run_id"]).items[0]

    assert sorted({check["metric"] for check in checked["failed_checks"]}) == said["failed_checks"]
    assert {check["severity"] for check in checked["failed_checks"]} == {said["severity"]}
    assert paths.items[0]["count"] > 0
    assert {name for path in paths.items[0]["display"] for name in path} >= {f"{namespace}/{name}"}
    assert all(said["partition"] in use["dataset"] for use in run["attributes"]["inputs"])
    assert [
        (edge["to_display"], edge["valid_from"], edge["valid_to"])
        for edge in serves
        if edge["type"] == "serves"
    ] == said["served"]


def test_a_version_that_was_deleted_is_still_in_the_register(company_workspace: Workspace) -> None:
    """The bad version was deleted in the registry later; its deployment stands, marked."""
    said = truth.incident()
    (item,) = [
        each
        for each in company_workspace.deployments(f"{said['model']} {said['version']}").items
        if each["model_version"] == said["version"]
    ]

    assert item["models"][0]["version_deleted"] is True
    assert "version-deleted" in item["flags"]


def test_an_as_of_register_knows_no_later_end(company_workspace: Workspace) -> None:
    """As of a day in the past nothing that came after is told: no later deployment, and no end that had not come."""
    items = company_workspace.deployments(as_of="2026-05-13T12:00:00Z").items

    assert max(item["deployed_at"] for item in items) == "2026-05-13T09:20:41.250113Z"
    last = next(item for item in items if item["model_version"] == "6")
    assert (last["ended_at"], last["ended_by"]) == (None, None)
