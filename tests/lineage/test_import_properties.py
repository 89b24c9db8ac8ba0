"""What is derived depends on what was said, never on the order, repetition or interruption of saying it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lineage
from lineage.bench.openlineage_events import events
from lineage.workspace import Workspace


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A part of the sample company: every source, few enough events to import many times."""
    from resources.sample.__main__ import write

    folder = tmp_path_factory.mktemp("company")
    write(folder)
    every = sorted(path for path in folder.rglob("*") if path.is_file())
    months = [path for path in every if "openlineage" in path.parts]
    return [path for path in every if path not in months] + months[17:20]


def digest_of(paths: list[Path], place: Path, *, batches: int = 1) -> str:
    """Import `paths` in that order, in so many imports, and return the digest."""
    with lineage.open(place) as workspace:
        size = -(-len(paths) // batches)
        for start in range(0, len(paths), size):
            workspace.import_(paths[start : start + size])
        return str(workspace.digest().items[0]["digest"])


@pytest.fixture(scope="module")
def plain(company: list[Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of one import in the usual order."""
    return digest_of(company, tmp_path_factory.mktemp("plain") / "plain.trail")


@settings(max_examples=5, suppress_health_check=list(HealthCheck), deadline=None)
@given(seed=st.integers(0, 2**32), batches=st.integers(1, 4), again=st.booleans())
def test_any_order_and_any_repetition_give_the_same_digest(
    company: list[Path],
    plain: str,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    batches: int,
    again: bool,
) -> None:
    """Files in any order, split into any number of imports, some of them twice: one digest."""
    shuffled = random.Random(seed).sample(company, len(company))
    if again:
        shuffled += shuffled[:5]
    place = tmp_path_factory.mktemp("shuffled") / "shuffled.trail"

    assert digest_of(shuffled, place, batches=batches) == plain


def test_lines_in_any_order_give_the_same_digest(tmp_path: Path) -> None:
    """Events of one file in any order, each up to three times: one digest."""
    lines = [line.rstrip(b"\n") + b"\n" for line in events(400, seed=5)]
    digests = set()
    for seed in range(4):
        mixed = list(lines)
        if seed:
            rng = random.Random(seed)
            mixed = rng.sample(lines, len(lines)) + rng.choices(lines, k=200)
        source = tmp_path / f"{seed}.ndjson"
        source.write_bytes(b"".join(mixed))
        digests.add(digest_of([source], tmp_path / f"{seed}.trail"))

    assert len(digests) == 1


def test_importing_twice_adds_nothing(company: list[Path], tmp_path: Path) -> None:
    """The second import of the same files finds only duplicates and leaves facts, evidence and digest as they were."""
    with lineage.open(tmp_path / "twice.trail") as workspace:
        workspace.import_(company)
        before = workspace.digest().items, workspace.problems().total
        again = workspace.import_(company)
        after = workspace.digest().items, workspace.problems().total

    assert before == after
    assert all(item["accepted"] == 0 and item["read"] == item["duplicate"] for item in again.items)


def test_a_rebuild_gives_the_same_digest(company: list[Path], tmp_path: Path) -> None:
    """Everything derived is thrown away and made again from the facts alone, to the same digest."""
    with lineage.open(tmp_path / "rebuilt.trail") as workspace:
        workspace.import_(company)
        before = workspace.digest().items[0]["digest"]
        after = workspace.rebuild().items[0]["digest"]

    assert before == after


@pytest.mark.skipif(os.name == "nt", reason="a kill is a POSIX signal here")
def test_a_killed_import_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at random moments and begun again, an import ends with the digest of one that was left in peace."""
    source = tmp_path / "events.ndjson"
    source.write_bytes(b"".join(line.rstrip(b"\n") + b"\n" for line in events(6_000, seed=9)))
    whole = digest_of([source], tmp_path / "whole.trail")
    place = tmp_path / "killed.trail"
    program = (
        "import sys, lineage, lineage.ingest as ingest\n"
        "ingest.COMMIT_RECORDS = 300\n"
        "lineage.open(sys.argv[1]).import_([sys.argv[2]])\n"
    )
    rng = random.Random(11)
    kept = [0]
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", program, str(place), str(source)])
        waited = time.monotonic()
        while child.poll() is None and time.monotonic() - waited < 60:
            if place.exists() and place.with_name("killed.trail-wal").exists() and rng.random() < 0.05:
                break
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        child.wait()
        if place.exists():
            with lineage.open(place) as workspace:
                kept.append(
                    sum(entry["read"] for batch in workspace.imports().items for entry in batch["files"])
                )

    assert digest_of([source], place) == whole
    assert all(before <= after for before, after in pairwise(kept))


def test_lineage_does_not_depend_on_where_one_starts(company: list[Path], tmp_path: Path) -> None:
    """What lies downstream of a thing has that thing upstream, for every pair in the sample."""
    with lineage.open(tmp_path / "both.trail") as workspace:
        workspace.import_(company)
        # A model stands for its versions when it is asked about, and lies on no path itself.
        things = [item["id"] for item in workspace.entities().items if item["kind"] not in {"actor", "model"}]
        down = {thing: _reached(workspace, thing, down=True) for thing in things}
        up = {thing: _reached(workspace, thing, down=False) for thing in things}

    assert sum(len(found) for found in down.values()) > len(things)
    assert {(one, other) for one in things for other in down[one]} == {
        (one, other) for other in things for one in up[other]
    }


def _reached(workspace: Workspace, thing: str, *, down: bool) -> set[str]:
    way = {"down": 99} if down else {"up": 99}
    found = workspace.trace(f"'{thing}'", ever=True, **way).items[0]["nodes"]
    return {node["id"] for node in found} - {thing}


def test_the_same_row_under_another_header_is_another_record(tmp_path: Path) -> None:
    """Two lists with equal rows whose columns mean different things both count; a copy of the first adds nothing."""
    first, second, copy = tmp_path / "first.csv", tmp_path / "second.csv", tmp_path / "copy.csv"
    row = "iris,availability,99.9,%,2026-01-01,2027-01-01\n"
    first.write_text("service,metric,target,unit,valid_from,valid_to\n" + row, "utf-8")
    second.write_text("service,metric,target,unit,valid_to,valid_from\n" + row, "utf-8")
    copy.write_bytes(first.read_bytes())

    with lineage.open(tmp_path / "rows.trail") as workspace:
        items = workspace.import_([first, second, copy]).items

    assert [(item["duplicate"] > 0, item["read"] > item["duplicate"]) for item in items] == [
        (False, True),
        (False, True),
        (True, False),
    ]


def test_a_file_that_was_read_to_its_end_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second import of the same bytes asks no reader; a grown file, another label or a newer program reads anew."""
    from lineage import ingest as ingesting
    from lineage.sources import people_csv

    asked: list[str] = []
    cut = people_csv.records

    def records(given: Any, origin: Any) -> Any:
        asked.append(origin.path)
        return cut(given, origin)

    monkeypatch.setattr(people_csv, "records", records)
    people = tmp_path / "people.csv"
    people.write_text("person,email,principal\nKim Dahl,kim@acme.example,kim\n", encoding="utf-8")
    with Workspace.open(tmp_path / "a.trail") as workspace:
        first = workspace.import_([people]).items[0]
        again = workspace.import_([people]).items[0]
        assert first["accepted"] == 1
        assert (again["read"], again["duplicate"], again["accepted"]) == (first["read"], first["read"], 0)
        assert again["sha256"] == first["sha256"]
        assert len(asked) == 1
        workspace.import_([people], labels={"account": "7"})
        assert len(asked) == 2
        with people.open("a", encoding="utf-8") as stream:
            stream.write("Ada Berg,ada@acme.example,ada\n")
        grown = workspace.import_([people]).items[0]
        assert (grown["accepted"], grown["duplicate"]) == (1, first["read"])
        monkeypatch.setattr(ingesting, "TOOL", "modeltrail 99")
        workspace.import_([people])
        assert len(asked) == 4


def test_what_was_read_is_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which source reads an unchanged file is known from before; of a grown one it is found out anew."""
    from lineage import survey

    looked: list[str] = []
    recognise = survey.recognise

    def counting(sample: Any) -> Any:
        looked.append(sample.name)
        return recognise(sample)

    monkeypatch.setattr(survey, "recognise", counting)
    log = tmp_path / "events.ndjson"
    first, second = (event for _, event in zip(range(2), events(2), strict=False))
    log.write_bytes(first.rstrip(b"\n") + b"\n")
    with Workspace.open(tmp_path / "a.trail") as workspace:
        for expected, duplicate in ((1, 0), (1, 1)):
            item = workspace.import_([log]).items[0]
            assert (looked.count("events.ndjson"), item["duplicate"]) == (expected, duplicate)
            assert item["source"] == "openlineage"
        log.write_bytes(log.read_bytes() + second.rstrip(b"\n") + b"\n")
        item = workspace.import_([log]).items[0]
        assert (looked.count("events.ndjson"), item["accepted"], item["duplicate"]) == (2, 1, 1)
