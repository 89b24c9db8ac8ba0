"""Every kind of report: the same bytes, its rows lead to records, what is missing is said."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import lineage
from lineage.errors import QuestionError
from lineage.reports import kinds
from lineage.reports.controls import results_of
from lineage.workspace import Workspace

FORMATS = {"pdf", "html", "xlsx", "csv", "json"}
NAMES = [kind.name for kind in kinds()]


@pytest.fixture(scope="module")
def folder(trail: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind over the sample company, in every format."""
    place = tmp_path_factory.mktemp("kinds")
    with lineage.open(trail) as workspace:
        for name in NAMES:
            workspace.report(name, place, seed="auditor 7")
    return place


def body(folder: Path, name: str) -> dict[str, Any]:
    """A report in JSON."""
    found = json.loads((folder / f"{name}.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """A report in CSV."""
    return list(csv.DictReader(io.StringIO((folder / f"{name}.csv").read_text("utf-8-sig"))))


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_is_the_same_bytes_again(
    company_workspace: Workspace, folder: Path, tmp_path: Path, name: str
) -> None:
    """All five formats, byte for byte."""
    answer = company_workspace.report(name, tmp_path, seed="auditor 7")

    assert {Path(item["file"]).suffix[1:] for item in answer.items} == FORMATS
    for item in answer.items:
        assert Path(item["file"]).read_bytes() == (folder / Path(item["file"]).name).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_says_on_what_it_stands(folder: Path, name: str) -> None:
    """Header, logic and completeness statement ride along with every kind."""
    report = body(folder, name)

    assert list(report["header"])[:2] == ["Report id", "Kind"]
    assert report["header"]["Population"]
    assert report["logic"]
    assert {"findings", "observed", "imported"} <= report["sections"].keys()
    assert len(report["sections"]["imported"]) == 40


@pytest.mark.parametrize("name", NAMES)
def test_no_cell_of_any_kind_is_a_formula(folder: Path, name: str) -> None:
    """The workbook holds text and numbers; sheets have names of their own."""
    book = openpyxl.load_workbook(folder / f"{name}.xlsx")

    assert len({title.lower() for title in book.sheetnames}) == len(book.sheetnames)
    for sheet in book:
        for row in sheet.iter_rows():
            assert {cell.data_type for cell in row} <= {"s", "n"}


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_over_nothing_is_written(tmp_path: Path, name: str) -> None:
    """Over an empty workspace every kind comes in every format and says that nothing is there."""
    with lineage.open(tmp_path / "empty.trail") as workspace:
        workspace.report(name, tmp_path, seed="1")

    assert "Nothing has been imported" in (tmp_path / f"{name}.html").read_text("utf-8")
    assert rows(tmp_path, name) == []


def test_the_statement_balances(folder: Path) -> None:
    """Every source's records are accounted for, and what cannot be told from here is listed."""
    found = rows(folder, "completeness")

    assert len(found) == 8
    for row in found:
        parts = sum(int(row[word]) for word in ("accepted", "duplicate", "filtered", "rejected"))
        assert int(row["read"]) == parts
        assert row["balance"] == "agrees"
        assert row["asked"] == "not held by this tool"
    assert len(body(folder, "completeness")["sections"]["unknown"]) == 6


def test_a_change_names_old_and_new_value(folder: Path) -> None:
    """The bad release and its rollback: from version 5 to 6 and back, by whom."""
    found = {(row["time"], row["object"]): row for row in rows(folder, "changes")}
    bad = found["2026-05-13T09:20:41.250113Z", "prod-eu/parcels/eta-parcel"]
    back = found["2026-05-14T01:52:06.733905Z", "prod-eu/parcels/eta-parcel"]

    assert (bad["old"], bad["new"]) == ("eta-parcel 5", "eta-parcel 6")
    assert (back["old"], back["new"]) == ("eta-parcel 6", "eta-parcel 5")
    assert back["person"] == "田中愛子 (Aiko Tanaka)"
    assert all(row["evidence"] for row in found.values())


def test_what_came_in_after_the_period_stands_apart(company_workspace: Workspace, tmp_path: Path) -> None:
    """The sample was imported after any of its periods, so every change of a closed period is late."""
    company_workspace.report("changes", tmp_path, formats=["json"], since="2026-05-01", until="2026-06-01")
    report = body(tmp_path, "changes")

    assert report["items"]
    assert len(report["sections"]["late"]) == len(report["items"])


def test_the_inventory_knows_what_is_live_and_what_is_missing(folder: Path) -> None:
    """Three registered models, all live; no validation is evidenced and none is claimed."""
    found = {row["name"]: row for row in rows(folder, "inventory")}

    assert set(found) == {"address-match", "depot-volume", "eta-parcel"}
    assert found["address-match"]["live"] == "prod-eu: 5; prod-us: 5"
    for row in found.values():
        assert row["status"] == "live"
        assert row["validation"] == "no validation evidenced"
        assert "no validation" in row["gaps"]


def test_a_sample_can_be_drawn_again_without_us(folder: Path) -> None:
    """SHA-256 of seed, population root and id orders the population; the first 25 are the sample."""
    report = body(folder, "sample")
    population = [row["id"] for row in report["sections"]["population"]]
    root = hashlib.sha256(b"".join(one.encode() + b"\n" for one in sorted(population))).hexdigest()
    order = sorted(
        population, key=lambda one: hashlib.sha256(f"auditor 7\n{root}\n{one}".encode()).hexdigest()
    )

    assert len(population) == 40
    assert report["parameters"]["population_root"] == root
    assert [row["id"] for row in rows(folder, "sample")] == order[:25]
    assert [row["id"] for row in report["sections"]["substitutes"]] == order[25:]


def test_a_sample_without_a_seed_is_refused(company_workspace: Workspace, tmp_path: Path) -> None:
    """The seed comes from whoever audits."""
    with pytest.raises(QuestionError, match="needs a seed"):
        company_workspace.report("sample", tmp_path)
    assert not list(tmp_path.iterdir())


def test_controls_are_tested_on_every_change(folder: Path, company_workspace: Workspace) -> None:
    """What has no evidence is neither a pass nor a deviation, and the totals count the whole population."""
    found = rows(folder, "controls")
    changes = {item["id"]: item for item in company_workspace.deployments().items}

    assert len(found) == len(changes) == 40
    for row in found:
        item = changes[row["id"]]
        assert row["ticket"] == ("pass" if item["change_ref"] else "no evidence")
        if not item["approved_by"]:
            assert (row["approved"], row["independent"]) == ("no evidence", "no evidence")
        assert row["tested"] == row["emergency"] == "no evidence"
    totals = body(folder, "controls")["sections"]["totals"]
    assert [row["test"] for row in totals] == list("ABCDEFG")
    for row in totals:
        assert row["changes"] == row["passed"] + row["failed"] + row["none"] + row["not_due"] == 40


@pytest.mark.parametrize(
    ("approvers", "deployer", "approved_at", "expected"),
    [
        (["Ada"], "Ben", "2026-01-01T00:00:00Z", ("pass", "pass", "pass")),
        (["Ada"], "Ada", "2026-01-01T00:00:00Z", ("pass", "FAIL", "pass")),
        (["Ada"], "Ben", "2026-01-03T00:00:00Z", ("pass", "pass", "FAIL")),
        (["Ada"], None, None, ("pass", "no evidence", "no evidence")),
        ([], "Ada", None, ("no evidence", "no evidence", "no evidence")),
    ],
)
def test_approval_by_oneself_or_afterwards_is_a_deviation(
    approvers: list[str], deployer: str | None, approved_at: str | None, expected: tuple[str, ...]
) -> None:
    """Tests B, C and D by hand-made changes of 2026-01-02."""
    found = results_of(
        {
            "approved_by": approvers,
            "deployed_by": deployer,
            "approved_at": approved_at,
            "deployed_at": "2026-01-02T00:00:00Z",
            "change_ref": None,
            "action": "deploy",
            "replaces": None,
        }
    )

    assert (found["approved"], found["independent"], found["before"]) == expected


@pytest.mark.parametrize("name", [name for name in NAMES if name != "completeness"])
def test_every_row_leads_to_records(folder: Path, name: str) -> None:
    """Each row of the primary table names file and SHA-256 of what it stands on, in CSV, and in JSON with its line."""
    found = body(folder, name)["items"]

    assert found
    for row in rows(folder, name):
        assert " sha256:" in row["evidence"]
    for item in found:
        for reference in item["evidence"]:
            assert reference["file"]
            assert len(reference["sha256"]) == 64


def test_a_dataset_leads_to_what_serves(folder: Path, company_workspace: Workspace) -> None:
    """A dataset at the head of the chain reaches live deployments, and each of them names its version."""
    found = {row["dataset"]: row for row in rows(folder, "impact")}
    live = {item["target"] for item in company_workspace.live().items}
    scans = found["postgres://tms-db.skarn.example:5432/tms.public.scan_events"]

    assert len(found) == 16
    named = {entry.partition(" (")[0] for entry in scans["live"].split("; ")}
    assert "prod-eu/parcels/eta-parcel" in named
    assert named <= live
    assert scans["owner"] == "no owner evidenced"


def test_duties_say_how_many_changes_could_show_a_conflict(folder: Path) -> None:
    """Nobody is cleared by silence: the report says how many changes name both a person and an approver."""
    page = (folder / "duties.html").read_text("utf-8")
    changes = body(folder, "deployments")["items"]
    both = sum(1 for item in changes if item["deployed_by"] and item["approved_by"])

    assert f"{both} of 40 changes name both a person and an approver" in page
    matrix = {row["person"]: row for row in body(folder, "duties")["sections"]["matrix"]}
    assert matrix["no person evidenced"]["deployed"] == sum(1 for item in changes if not item["deployed_by"])
