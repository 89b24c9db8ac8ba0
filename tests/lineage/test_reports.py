"""The register as a report: the same bytes, evidence under every row, nothing that runs, nothing that hides."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import lineage
from lineage.errors import QuestionError, UnreadableInputError
from lineage.reports.as_csv import inert
from lineage.reports.deployments import ABSENT, COLUMNS
from lineage.workspace import Workspace

FORMATS = ("pdf", "html", "xlsx", "csv", "json")
LOADING = {
    "script",
    "img",
    "link",
    "iframe",
    "object",
    "embed",
    "video",
    "audio",
    "source",
    "base",
    "form",
    "a",
}
HOSTILE = "<img src=x onerror=alert(1)>\"'&{{7*7}}\u202egnp.exe"


class Page(HTMLParser):
    """What a browser would make of the page: its tags, attributes and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def written(trail: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the register of the sample company in every format."""
    folder = tmp_path_factory.mktemp("report")
    with lineage.open(trail) as workspace:
        workspace.report("deployments", folder)
    return folder


@pytest.fixture
def register(written: Path) -> dict[str, Any]:
    """The report in JSON."""
    found = json.loads((written / "deployments.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def rows_of(written: Path) -> list[dict[str, str]]:
    """The rows of the report in CSV."""
    return list(csv.DictReader(io.StringIO((written / "deployments.csv").read_text("utf-8-sig"))))


def test_the_same_question_gives_the_same_bytes(
    company_workspace: Workspace, written: Path, tmp_path: Path
) -> None:
    """Every format, written again, is byte for byte the same; the answer names each file with its SHA-256."""
    answer = company_workspace.report("deployments", tmp_path)

    assert [Path(item["file"]).name for item in answer.items] == [f"deployments.{name}" for name in FORMATS]
    for item in answer.items:
        body = Path(item["file"]).read_bytes()
        assert body == (written / Path(item["file"]).name).read_bytes()
        assert hashlib.sha256(body).hexdigest() == item["sha256"]
        assert item["rows"] == company_workspace.deployments().total


def test_another_period_is_another_report(
    company_workspace: Workspace, written: Path, tmp_path: Path
) -> None:
    """A period takes its beginning in and leaves its end out; the id of the report changes with it."""
    begin, end = "2026-05-13T09:20:41.250113Z", "2026-05-14T01:52:06.733905Z"

    company_workspace.report("deployments", tmp_path, formats=["json"], since=begin, until=end)
    part = json.loads((tmp_path / "deployments.json").read_text("utf-8"))
    whole = json.loads((written / "deployments.json").read_text("utf-8"))

    assert [item["deployed_at"] for item in part["items"]] == [begin]
    assert part["parameters"] | {"from": None, "to": None} == whole["parameters"]
    assert part["id"] != whole["id"]
    assert "evidenced outside the period" in part["header"]["Population"]


def test_fifty_rows_lead_to_the_bytes_they_stand_on(register: dict[str, Any]) -> None:
    """File, line, offset and SHA-256 of a row name exactly those bytes of the company's own file."""
    references = [reference for item in register["items"] for reference in item["evidence"]]
    lines = [reference for reference in references if reference.get("line") and not reference.get("row")]
    assert len(lines) >= 35

    for reference in random.Random(7).choices(lines, k=50):
        path = Path(reference["file"])
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        line = body.splitlines()[reference["line"] - 1]
        assert hashlib.sha256(line).hexdigest() == reference["sha256"]
        assert body[reference["offset"] :].startswith(line)


def test_every_row_of_every_format_names_its_evidence(register: dict[str, Any], written: Path) -> None:
    """The SHA-256 of every record that a deployment stands on is in CSV, XLSX and HTML too."""
    page = (written / "deployments.html").read_text("utf-8")
    book = openpyxl.load_workbook(written / "deployments.xlsx")
    sheet = book["Deployment register"]
    evidence = [str(row[-1].value) for row in sheet.iter_rows(min_row=2)]

    for item, row, cell in zip(register["items"], rows_of(written), evidence, strict=True):
        assert item["evidence"]
        for reference in item["evidence"]:
            place = f"{reference['file']}:{reference['line']}"
            for text in (row["evidence"], cell, page):
                assert reference["sha256"] in text
                assert place in text


def test_the_header_answers_an_auditor(register: dict[str, Any]) -> None:
    """Which report, on which evidence, over what period, how many, how to check it: in a fixed order."""
    header = register["header"]

    assert list(header) == [
        "Report id",
        "Kind",
        "Program",
        "Workspace",
        "Evidence log",
        "Period (UTC)",
        "As it was on",
        "As we knew on",
        "Scope",
        "Population",
        "Sources used",
        "Open findings",
        "Problems while reading",
        "Signature",
        "To check",
    ]
    assert register["id"] in header["Report id"]
    assert header["Population"].startswith("40 changes of what serves, all of them shown")
    assert "5 denied, 2 dry-run, 2 failed" in header["Population"]
    assert register["parameters"]["root"] in header["Evidence log"]
    for source in ("kubernetes-audit", "mlflow", "openlineage", "openslo", "people-csv", "sla-csv"):
        assert source in header["Sources used"]


def test_all_that_was_read_is_accounted_for(register: dict[str, Any]) -> None:
    """The completeness statement rides along: each file, and read = accepted + duplicate + filtered + rejected."""
    files = register["sections"]["imported"]

    assert len(files) == 40
    for file in files:
        assert file["read"] == sum(file[word] for word in ("accepted", "duplicate", "filtered", "rejected"))
    assert register["sections"]["observed"]


def test_a_row_names_the_version_it_replaced(register: dict[str, Any], written: Path) -> None:
    """People read the version that was replaced and what ended it; JSON keeps the ids."""
    rows = {(row["deployed_at"], row["target"]): row for row in rows_of(written)}
    bad = rows["2026-05-13T09:20:41.250113Z", "prod-eu/parcels/eta-parcel"]
    back = rows["2026-05-14T01:52:06.733905Z", "prod-eu/parcels/eta-parcel"]
    after_canary = rows["2025-10-27T08:32:40.117093Z", "prod-eu/parcels/eta-parcel"]
    first = rows["2024-11-14T09:12:44.107392Z", "prod-eu/parcels/eta-parcel"]

    assert (bad["replaces"], bad["ended_by"]) == ("eta-parcel 5", "rollback eta-parcel 5")
    assert bad["rolled_back_by"] == "田中愛子 (Aiko Tanaka)"
    assert back["replaces"] == "eta-parcel 6"
    assert after_canary["replaces"] == "eta-parcel 3 40 %, 4 60 %"
    assert first["replaces"] == ""
    ids = {item["id"] for item in register["items"]}
    assert {item["replaces"] for item in register["items"]} - {None} <= ids


def test_what_is_not_evidenced_says_so(written: Path) -> None:
    """No cell that answers who, which version, approved by whom, or why is left blank."""
    for row in rows_of(written):
        for name in ("deployed_by", "approved_by", "reason", "actor"):
            assert row[name], row
        if row["action"] != "delete":
            assert row["model"]
            assert row["sla"]
            assert row["ended_at"]
    said = {value for row in rows_of(written) for value in row.values()}
    assert said >= ABSENT


def test_the_page_loads_and_runs_nothing(written: Path) -> None:
    """One file: no script, no link, no image, nothing from anywhere, and a policy that would forbid it."""
    text = (written / "deployments.html").read_text("utf-8")
    page = Page(text)

    assert not {tag for tag, _ in page.tags} & LOADING
    for _, attributes in page.tags:
        assert not {name for name in attributes if name.startswith("on")}
        assert not {"src", "href", "style"} & attributes.keys()
    assert "url(" not in text
    assert "@import" not in text
    (policy,) = [said for tag, said in page.tags if said.get("http-equiv") == "Content-Security-Policy"]
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_the_page_can_be_read_by_everybody(written: Path) -> None:
    """Language and title, headings for every column, light and dark, names of any script."""
    text = (written / "deployments.html").read_text("utf-8")
    page = Page(text)

    assert ("html", {"lang": "en"}) in page.tags
    assert all(said.get("scope") == "col" for tag, said in page.tags if tag == "th")
    assert "prefers-color-scheme: dark" in text
    assert "田中愛子 (Aiko Tanaka)" in page.texts
    assert "Oluwaseun Adéyẹmí" in page.texts


@pytest.fixture
def hostile(
    imported: Callable[..., Path], audit_event: Callable[..., object], tmp_path: Path
) -> tuple[Path, dict[str, Any]]:
    """A report over names that somebody chose to do harm."""
    calls = [
        audit_event("2026-01-01T10:00:00.000000Z", HOSTILE, uri="s3://models/=cmd|' /C calc'!A0"),
        audit_event(
            "2026-01-02T10:00:00.000000Z", "=HYPERLINK(1)", verb="update", code=200, uri="+1+1", number=1
        ),
        audit_event(
            "2026-01-03T10:00:00.000000Z", "@SUM(A1)", verb="update", code=200, uri="s3://x", number=2
        ),
    ]
    place = imported(*calls, cluster="prod")
    with lineage.open(place) as workspace:
        workspace.report("deployments", tmp_path / "out")
    return tmp_path / "out", json.loads((tmp_path / "out/deployments.json").read_text("utf-8"))


def test_a_hostile_name_is_text_on_the_page(hostile: tuple[Path, dict[str, Any]]) -> None:
    """Markup, template signs and reordering of a name are shown as letters; JSON holds it as it was."""
    folder, register = hostile
    text = (folder / "deployments.html").read_text("utf-8")
    page = Page(text)

    assert not {tag for tag, _ in page.tags} & LOADING
    assert "\u202e" not in text
    assert HOSTILE.replace("\u202e", "⟨U+202E⟩") in page.texts
    assert register["items"][0]["actor"] == HOSTILE


def test_a_workbook_holds_no_formula(hostile: tuple[Path, dict[str, Any]], written: Path) -> None:
    """Every cell is text, a number or empty; headings stay in sight and every table has its filter."""
    for folder in (hostile[0], written):
        book = openpyxl.load_workbook(folder / "deployments.xlsx")
        assert book.sheetnames == [
            "Report",
            "Deployment register",
            "Open findings",
            "What was observed",
            "What was imported",
        ]
        for sheet in book:
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.data_type in {"s", "n"}, (sheet.title, cell.coordinate)
                    assert cell.hyperlink is None
        for sheet in list(book)[1:]:
            assert sheet.freeze_panes in {"A2", "B2"}
            assert sheet.auto_filter.ref == sheet.dimensions
            titles = [cell.value for cell in sheet[1]]
            assert len(set(titles)) == len(titles)
    read = [row[2].value for row in book["What was imported"].iter_rows(min_row=2)]
    assert all(isinstance(value, int) for value in read)


def test_no_cell_of_the_csv_runs(hostile: tuple[Path, dict[str, Any]]) -> None:
    """A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    rows = rows_of(hostile[0])

    for row in rows:
        assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in row.values())
    assert [row["actor"] for row in rows][1:] == ["'=HYPERLINK(1)", "'@SUM(A1)"]
    assert inert(-1) == -1


def test_an_empty_register_does_not_claim_that_nothing_happened(tmp_path: Path) -> None:
    """Over a workspace with nothing in it every format is written, and says what an empty table means."""
    with lineage.open(tmp_path / "empty.trail") as workspace:
        workspace.report("deployments", tmp_path)
    page = (tmp_path / "deployments.html").read_text("utf-8")
    book = openpyxl.load_workbook(tmp_path / "deployments.xlsx")

    assert "That does not mean that none happened" in page
    assert "That does not mean that none happened" in str(book["Deployment register"]["A2"].value)
    assert rows_of(tmp_path) == []
    (head,) = csv.reader(io.StringIO((tmp_path / "deployments.csv").read_text("utf-8-sig")))
    assert head == [*(column.name for column in COLUMNS), "evidence"]


def test_a_report_as_known_before_the_import_is_empty(company_workspace: Workspace, tmp_path: Path) -> None:
    """What was imported later is in none of its parts: no row, no file, no finding, no source."""
    company_workspace.report("deployments", tmp_path, formats=["json"], known_at="2020-01-01")
    report = json.loads((tmp_path / "deployments.json").read_text("utf-8"))

    assert report["items"] == []
    assert report["sections"] == {"findings": [], "observed": [], "imported": []}
    assert report["header"]["Sources used"] == "none"
    assert report["parameters"]["tree_size"] == 0


def test_wrong_wishes_are_refused(company_workspace: Workspace, tmp_path: Path) -> None:
    """A kind or format that does not exist, and a folder that is a file, are said so; nothing is written."""
    blocked = tmp_path / "file"
    blocked.write_text("mine")

    with pytest.raises(QuestionError, match="no such kind"):
        company_workspace.report("nonsense", tmp_path / "out")
    with pytest.raises(QuestionError, match="does not come as that"):
        company_workspace.report("deployments", tmp_path / "out", formats=["docx"])
    with pytest.raises(UnreadableInputError):
        company_workspace.report("deployments", blocked)
    assert not (tmp_path / "out").exists()
    assert blocked.read_text() == "mine"
