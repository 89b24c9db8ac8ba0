"""A new source is one file: nothing else in the program is touched (DESIGN 3)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

import lineage.sources
from lineage.cli import main
from lineage.source import sources
from lineage.workspace import Workspace

SOURCE = '''
"""What does Acme's release journal say of its endpoints?"""

from lineage.framing import lines
from lineage.model.facts import Component, Happened, Key, Workload
from lineage.model.moment import parse
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Problem
from lineage.text import MalformedError, loads

NAME = "acme"
FORMAT = "Acme release journal 1 (NDJSON)"
PROVES = ("who", "when", "what")


def recognises(sample):
    first = sample.first_json
    return 1.0 if isinstance(first, dict) and first.get("journal") == "acme" else 0.0


def records(given, origin):
    return lines(given)


def read(record, origin):
    try:
        said = loads(record.raw)
    except MalformedError as error:
        return [Problem(error.code, error.reason)]
    if said.get("kind") != "release":
        return [Filtered("not-a-release")]
    target = Key(Kind.TARGET, "acme://plant", said["endpoint"])
    workload = Workload("acme", (Component("model", uri=said["model"]),), said["model"])
    return [Happened("apply", target, parse(said["at"]), said["id"], actor=Key(Kind.ACTOR, "acme", said["by"]),
                     actor_kind="person", workload=workload)]
'''
JOURNAL = [
    {"journal": "acme", "kind": "note", "text": "maintenance"},
    {"journal": "acme", "kind": "release", "id": "r1", "endpoint": "press-4", "model": "s3://acme/wear/3",
     "at": "2026-05-01T08:00:00Z", "by": "kim"},
]  # fmt: skip


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of the package with one more module; the module is the only thing added."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "acme.py").write_text(dedent(SOURCE).lstrip(), encoding="utf-8")
    monkeypatch.setattr(lineage.sources, "__path__", [*lineage.sources.__path__, str(folder)])
    sources.cache_clear()
    yield folder
    sources.cache_clear()
    sys.modules.pop("lineage.sources.acme", None)


def test_one_file_is_a_new_source(added: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is listed, recognises its files among others, is imported, and its deployment stands in the register."""
    box = tmp_path / "box"
    box.mkdir()
    (box / "journal.log").write_text("\n".join(map(json.dumps, JOURNAL)) + "\nnot json\n", encoding="utf-8")
    (box / "people.csv").write_text(
        "principal,person,email\nkim,Kim Dahl,kim@acme.example\n", encoding="utf-8"
    )
    assert main(["sources", "--format", "json"]) == 0
    listed = {item["name"]: item for item in json.loads(capsys.readouterr().out)["items"]}
    assert listed["acme"]["format"] == "Acme release journal 1 (NDJSON)"
    with Workspace.open(tmp_path / "a.trail") as workspace:
        results = {Path(item["file"]).name: item for item in workspace.import_([box]).items}
        journal = results["journal.log"]
        counts = [journal[name] for name in ("source", "read", "accepted", "filtered", "rejected")]
        assert counts == ["acme", 3, 1, 1, 1]
        assert [item["line"] for item in workspace.problems().items] == [3]
        (episode,) = workspace.deployments().items
        assert (episode["platform"], episode["deployed_by"], episode["deployed_at"], episode["models"][0]["uri"]) == (
            "acme", "Kim Dahl", "2026-05-01T08:00:00Z", "s3://acme/wear/3",
        )  # fmt: skip
