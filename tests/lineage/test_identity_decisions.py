"""A person decides about names: what is one thing, what is not, what is served; recorded and reversible."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage import clock
from lineage.cli import main
from lineage.errors import QuestionError
from lineage.identity.merge import groups
from lineage.workspace import Workspace

ADA = {"who": "Ada Berg", "why": "ticket 12"}
ORDERS, COPY = "dataset|s3://lake|raw/orders", "dataset|postgres://db:5432|shop.orders"


def run_event(
    job: str, inputs: list[tuple[str, str]], outputs: list[tuple[str, str]], **facets: object
) -> str:
    """Return one complete OpenLineage run of `job`."""
    return json.dumps(
        {
            "eventType": "COMPLETE",
            "eventTime": "2026-03-01T10:00:00Z",
            "run": {"runId": f"00000000-0000-0000-0000-{abs(hash(job)) % 10**12:012}"},
            "job": {"namespace": "etl", "name": job},
            "inputs": [{"namespace": space, "name": name} for space, name in inputs],
            "outputs": [{"namespace": space, "name": name, "facets": facets} for space, name in outputs],
            "producer": "https://example.com/p",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
        }
    )


SERVICE = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {
        "name": "scorer",
        "namespace": "shop",
        "uid": "5d2f7c7e-0000-4000-8000-000000000001",
        "creationTimestamp": "2026-03-02T09:00:00Z",
        "resourceVersion": "1",
    },
    "spec": {"predictor": {"sklearn": {"storageUri": "s3://elsewhere/fraud-final"}}},
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Two jobs that meet only when the copied table and the file are one thing; a service no rule can tie."""
    symlink = {
        "symlinks": {
            "_producer": "p",
            "_schemaURL": "s",
            "identifiers": [{"namespace": "hive://meta:9083", "name": "raw.orders", "type": "TABLE"}],
        }
    }
    box = tmp_path / "in"
    box.mkdir()
    lines = [
        run_event(
            "extract", [("postgres://db:5432", "shop.source")], [("s3://lake", "raw/orders")], **symlink
        ),
        run_event("train", [("postgres://db:5432", "shop.orders")], [("s3://lake", "features/daily")]),
    ]
    (box / "events.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (box / "service.json").write_text(json.dumps(SERVICE), encoding="utf-8")
    with Workspace.open(tmp_path / "a.trail") as made:
        made.import_([box], labels={"cluster": "prod"})
        yield made


def upstream(workspace: Workspace, selector: str, **times: object) -> set[str]:
    """Return the names upstream of what `selector` names."""
    answer = workspace.trace(selector, up=9, **times)  # type: ignore[arg-type]
    return {node["name"] for node in answer.items[0]["nodes"]}


def test_a_merge_joins_the_lineage_of_both_names(workspace: Workspace) -> None:
    """The features' lineage reaches the source table only when the two names of the orders are one."""
    before = workspace.digest().items[0]["digest"]
    assert "shop.source" not in upstream(workspace, "features/daily")
    made = workspace.identity("merge", ORDERS, COPY, **ADA).items[0]
    assert (made["action"], made["one"], made["other"], made["who"], made["why"], made["holds"]) == (
        "merge", ORDERS, COPY, "Ada Berg", "ticket 12", True,
    )  # fmt: skip
    assert "shop.source" in upstream(workspace, "features/daily")
    assert workspace.digest().items[0]["digest"] != before
    taken = workspace.identity("undo", str(made["id"]), who="Bo Lind", why="wrong table").items
    assert [(item["action"], item["holds"], item["undone_by"]) for item in taken] == [
        ("undo", False, None),
        ("merge", False, taken[0]["id"]),
    ]
    assert "shop.source" not in upstream(workspace, "features/daily")
    assert workspace.digest().items[0]["digest"] == before


def test_a_rebuild_and_another_import_keep_what_was_decided(workspace: Workspace, tmp_path: Path) -> None:
    """Decisions are recorded, not derived: the digest after them is the same however it is made."""
    workspace.identity("merge", ORDERS, COPY, **ADA)
    decided = workspace.digest().items[0]["digest"]
    assert workspace.rebuild().items[0]["digest"] == decided
    workspace.import_([tmp_path / "in"], labels={"cluster": "prod"})
    assert workspace.digest().items[0]["digest"] == decided


def test_as_was_known_before_the_decision(workspace: Workspace) -> None:
    """A question about what was known then does not know what was decided later."""
    before = clock.now()
    workspace.identity("merge", ORDERS, COPY, **ADA)
    assert "shop.source" not in upstream(workspace, "features/daily", known_at=before)
    assert "shop.source" in upstream(workspace, "features/daily", known_at=clock.now() + 1)
    assert workspace.identity(known_at=before).items == []


def test_a_split_stands_above_what_the_records_say(workspace: Workspace) -> None:
    """The symlink says that the table and the file are one; a person says that they are not; then takes it back."""
    table = "dataset|hive://meta:9083|raw.orders"

    def names() -> set[str]:
        return {item["id"] for item in workspace.entities("kind:dataset").items}

    assert table not in names()
    split = workspace.identity("split", ORDERS, table, **ADA).items[0]
    assert {ORDERS, table} <= names()
    workspace.identity("undo", str(split["id"]), **ADA)
    assert table not in names()


def test_what_is_served_can_be_confirmed(workspace: Workspace, tmp_path: Path) -> None:
    """No rule ties the URI to a version; a person does, and the register says that it was confirmed."""
    registry = {
        "model_versions": [
            {
                "name": "fraud",
                "version": "7",
                "creation_timestamp": 1772000000000,
                "current_stage": "None",
                "source": "s3://models/fraud/7",
                "run_id": "",
                "status": "READY",
            }
        ]
    }
    (tmp_path / "versions.json").write_text(json.dumps(registry), encoding="utf-8")
    workspace.import_([tmp_path / "versions.json"], source="mlflow-rest")
    version = next(item["id"] for item in workspace.entities("kind:model-version").items)
    (episode,) = workspace.deployments().items
    assert episode["link_rule"] == "unresolved"
    workspace.identity("confirm", "s3://elsewhere/fraud-final", version, **ADA)
    (episode,) = workspace.deployments().items
    assert (episode["model"], episode["model_version"], episode["link_rule"], episode["link_confidence"]) == (
        "fraud", "7", "confirmed", "exact",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("merge", ORDERS, COPY, "", "x"), "with the person and the reason"),
        (("merge", ORDERS, COPY, "Ada", " "), "with the person and the reason"),
        (("merge", ORDERS, ORDERS, "Ada", "x"), "the same name already"),
        (("merge", ORDERS, "train", "Ada", "x"), "cannot be one thing"),
        (("merge", ORDERS, "nowhere", "Ada", "x"), "nothing is called so"),
        (("confirm", "s3://x", ORDERS, "Ada", "x"), "that is a dataset"),
        (("undo", "99", "", "Ada", "x"), "no such decision"),
        (("forget", ORDERS, COPY, "Ada", "x"), "no such decision"),
    ],
)
def test_what_cannot_be_decided_is_said_and_changes_nothing(
    workspace: Workspace, words: tuple[str, str, str, str, str], reason: str
) -> None:
    """One line that says what is wrong; nothing is recorded."""
    action, one, other, who, why = words
    with pytest.raises(QuestionError, match=reason):
        workspace.identity(action, one, other, who=who, why=why)
    assert workspace.identity().items == []


def test_a_decision_is_taken_back_once(workspace: Workspace) -> None:
    """The second undo says who already did it."""
    number = str(workspace.identity("merge", ORDERS, COPY, **ADA).items[0]["id"])
    workspace.identity("undo", number, **ADA)
    with pytest.raises(QuestionError, match="taken back by 2 already"):
        workspace.identity("undo", number, **ADA)


def test_the_last_decision_about_two_names_holds(workspace: Workspace) -> None:
    """Merged, then split: apart; the merge is still listed, and does not hold."""
    workspace.identity("merge", ORDERS, COPY, **ADA)
    items = workspace.identity("split", COPY, ORDERS, **ADA).items
    assert [(item["action"], item["holds"]) for item in items] == [("split", True), ("merge", False)]
    assert "shop.source" not in upstream(workspace, "features/daily")


def test_the_command_line_lists_and_decides(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """`identity merge A B --who --why`, then `identity`."""
    place = str(workspace.path)
    assert (
        main(["-w", place, "identity", "merge", ORDERS, COPY, "--who", "Ada Berg", "--why", "same rows"]) == 0
    )
    capsys.readouterr()
    assert main(["-w", place, "identity"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert (item["action"], item["who"], item["why"], item["holds"]) == (
        "merge",
        "Ada Berg",
        "same rows",
        True,
    )
    assert main(["-w", place, "identity", "merge", ORDERS, COPY]) == 2
    assert "--who" in capsys.readouterr().err


def test_names_kept_apart_never_share_a_group() -> None:
    """Whatever the pairs join, no group holds both of two names that are kept apart."""
    pairs = [(1, 2), (2, 3), (3, 4), (4, 5), (5, 1), (6, 4)]
    for apart in ([(1, 3)], [(1, 5), (2, 4)], [(6, 1), (3, 6)]):
        for group in groups(pairs, apart):
            assert not any({one, other} <= set(group) for one, other in apart)
        assert sorted(member for group in groups(pairs, apart) for member in group) == [1, 2, 3, 4, 5, 6]
