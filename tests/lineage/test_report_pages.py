"""Printed reports: the same bytes, an archive format, no markup from outside, a cut that names what holds all."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from lineage.reports import as_csv, as_pdf
from lineage.reports.document import Column, Report, Row, Section
from lineage.workspace import Workspace

REFERENCE = {
    "file": "logs/audit.jsonl",
    "line": 7,
    "sha256": "ab" * 32,
    "imported_at": "2026-01-01T00:00:00Z",
}
NAMES = (
    '#eval("1") *b* $x$ @preview/x:1 <label>',
    "田中愛子",
    "مرحبا بالعالم",
    "שלום",
    "exe\u202efdp",
    "smile \U0001f9ea ไทย \ue000",
    "x" * 100_000,
    "=HYPERLINK(1)",
    "a\x00b\ud800c",
    "",
)


def made(names: tuple[str, ...] = NAMES) -> Report:
    """A report whose cells are the names given."""
    columns = (Column("name", "Name", wide=True), Column("state", "State"))
    rows = tuple(
        Row((name, "not evidenced"), ({**REFERENCE, "record": number},)) for number, name in enumerate(names)
    )
    section = Section("names", "Names", columns, rows, primary=True)
    header = (("Report id", "none"), ("Program", "ModelTrail"))
    return Report("names", "Names of things", header, (section,), absent=frozenset({"not evidenced"}))


def text_of(body: bytes, folder: Path) -> str:
    """The document's text, or a skip where the machine has no reader."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    (folder / "x.pdf").write_bytes(body)
    command = ["pdftotext", "-layout", str(folder / "x.pdf"), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8")


def test_names_of_any_script_and_any_malice_are_text(tmp_path: Path) -> None:
    """Markup is letters, what hides or has no glyph is its number, a long name is cut with its length."""
    body = as_pdf.render(made())
    text = text_of(body, tmp_path)

    assert re.sub(r"\s", "", NAMES[0]) in re.sub(r"\s", "", text)
    assert "田中愛子" in text
    assert "⟨U+202E⟩" in text
    assert "⟨U+1F9EA⟩" in text
    assert "⟨U+E000⟩" in text
    assert "(100000" in text
    assert "page 1 of" in text


def test_the_document_is_an_archive_copy_with_structure() -> None:
    """It says that it is PDF/A-2b and PDF/UA-1, holds its fonts and has no script, file or outside link."""
    body = as_pdf.render(made())

    assert b"<pdfaid:part>2</pdfaid:part>" in body
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in body
    assert b"<pdfuaid:part>1</pdfuaid:part>" in body
    assert b"/StructTreeRoot" in body
    for banned in (b"/JavaScript", b"/EmbeddedFile", b"/Launch", b"/URI"):
        assert banned not in body


def test_the_same_report_gives_the_same_pages() -> None:
    """Written twice it is byte for byte the same, and the number of its pages can be told."""
    body = as_pdf.render(made())

    assert body == as_pdf.render(made())
    assert as_pdf.pages(body) == 1


def test_a_long_table_is_cut_and_says_which_file_holds_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """First n of m, with the SHA-256 of the CSV file; records that are not shown are not in the list of evidence."""
    monkeypatch.setattr(as_pdf, "MOST_ROWS", 3)
    report = made(tuple(f"row-{number}" for number in range(1234)))
    text = text_of(as_pdf.render(report), tmp_path)

    assert "This document shows the first 3 of 1,234 rows." in text
    assert hashlib.sha256(as_csv.render(report)).hexdigest() in re.sub(r"\s", "", text)
    assert "row-2" in text
    assert "row-3" not in text


def test_every_row_names_records_that_the_list_of_evidence_holds(
    company_workspace: Workspace, tmp_path: Path
) -> None:
    """The SHA-256 and the line of every record that a deployment stands on is printed."""
    company_workspace.report("deployments", tmp_path, formats=["pdf", "json"])
    items = json.loads((tmp_path / "deployments.json").read_text("utf-8"))["items"]
    text = re.sub(r"\s", "", text_of((tmp_path / "deployments.pdf").read_bytes(), tmp_path))

    for item in items:
        for reference in item["evidence"]:
            assert reference["sha256"] in text


def test_the_template_calls_for_nothing_from_elsewhere() -> None:
    """No package, no evaluation, no file but the data."""
    template = files("resources").joinpath("templates/report.typ").read_text("utf-8")

    for banned in ("@preview", "eval(", "#import", "plugin(", "#include"):
        assert banned not in template
    assert re.findall(r"json\(([^)]*)\)", template) == ['"report.json"']


def test_every_font_comes_with_its_licence() -> None:
    """Two families, two licences, and a list of the signs they have."""
    fonts = {entry.name for entry in files("resources").joinpath("fonts").iterdir()}

    assert fonts == {
        "DejaVuSans.ttf",
        "DejaVuSans-Bold.ttf",
        "DejaVuSansMono.ttf",
        "NotoSansCJKsc-Regular.otf",
        "coverage.txt",
    }
    for name in ("dejavu.txt", "noto-cjk.txt"):
        assert "permission" in files("resources").joinpath(f"licenses/{name}").read_text("utf-8").lower()
