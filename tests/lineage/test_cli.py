"""The command line as a person and a script meet it: help, statuses, one line for what is wrong, tables, pipes."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unicodedata import category

import pytest

from lineage.cli import main
from lineage.cliargs import parser
from lineage.clitable import cells

VERBS = (
    "import sources imports problems coverage entities show trace paths deployments live events runs sla findings"
    " report identity digest rebuild self-test"
).split()  # fmt: skip
LISTS = [
    "sources",
    "imports",
    "coverage",
    "entities",
    "deployments",
    "live",
    "events",
    "runs",
    "sla",
    "findings",
    "identity",
]
PAGES = [
    ["show", "eta-parcel 6"],
    ["trace", "eta-parcel 6"],
    ["paths", "raw/scans", "eta-parcel 6"],
    ["digest"],
]
HOSTILE = "s3://models/\x1b[31mred\x1b[0m\u202etxt.exe/\u200b1"


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program by itself, as a shell would."""
    return subprocess.run(
        [sys.executable, "-m", "lineage", *words],
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_helps_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`VERB --help` shows an example that the program itself understands."""
    assert main([verb, "--help"]) == 0
    said = capsys.readouterr().out

    assert f"modeltrail {verb}" in said
    example = said.partition("example:")[2].split("modeltrail ", 1)[1].strip()
    words = [word.strip("'") for word in csv.reader([example], delimiter=" ", quotechar="'").__next__()]
    assert parser().parse_args(words).verb == verb


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["depoyments"], "did you mean deployments"),
        (["show"], "SELECTOR"),
        (["live", "--as-of", "yesterday"], "write it like 2026-06-01"),
        (["deployments", "--limit", "-1"], "whole number"),
        (["deployments", "--limit", "many"], "whole number"),
        (["deployments", "env:prod-uk"], "prod-eu, prod-us"),
        (["deployments", "prod-eu/parcels/eta-parcl"], "did you mean prod-eu/parcels/eta-parcel"),
        (["show", "kind:model"], "choose one of"),
        (["show", "kind:modle"], "choose one of"),
        (["entities", "'open"], "not closed"),
        (["entities", "source:mlfow"], "choose one of"),
        (["report", "nonsense"], "choose one of deployments"),
        (["report", "deployments", "--formats", "docx"], "choose of pdf"),
        (["import", "/no/such/file"], "/no/such/file"),
        (["import", "--label", "cluster", "."], "--label cluster=prod-eu"),
        (["import", "--source", "nonsense", "."], "choose one of"),
        (["--format", "yaml", "live"], "--format"),
    ],
)
def test_wrong_use_is_said_in_one_line(
    words: list[str], said: str, trail: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, nothing on stdout, one line on stderr that says what to do."""
    assert main(["-w", str(trail), *words]) == 2
    out, err = capsys.readouterr()

    assert out == ""
    assert err.startswith("modeltrail: ")
    assert err.count("\n") == 1
    assert said in err
    assert ". To go on: " in err


@pytest.mark.parametrize("verb", ["deployments", "rebuild", "problems"])
def test_a_workspace_that_is_not_there_is_not_made_by_a_question(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only an import makes a workspace."""
    assert main(["-w", str(tmp_path / "none.trail"), verb]) == 2

    assert "none.trail" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_workspace_may_be_named_anywhere(
    trail: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the verb, after it, or in the environment; what is written wins over the environment."""
    answers = []
    for words in (
        ["-w", str(trail), "digest"],
        ["digest", "-w", str(trail)],
        ["digest", f"--workspace={trail}"],
    ):
        assert main(words) == 0
        answers.append(capsys.readouterr().out)
    monkeypatch.setenv("MODELTRAIL_WORKSPACE", str(trail))
    assert main(["digest"]) == 0
    answers.append(capsys.readouterr().out)
    monkeypatch.setenv("MODELTRAIL_WORKSPACE", "/no/such.trail")
    assert main(["digest", "-w", str(trail)]) == 0
    answers.append(capsys.readouterr().out)

    assert len(set(answers)) == 1
    monkeypatch.delenv("MODELTRAIL_WORKSPACE")
    assert main(["digest"]) == 2
    assert "MODELTRAIL_WORKSPACE" in capsys.readouterr().err


def test_the_status_says_whether_a_person_is_needed(trail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1 where something is found that needs a person, 0 where there is nothing, also under a limit."""
    assert main(["-w", str(trail), "findings", "--limit", "0"]) == 1
    assert main(["-w", str(trail), "problems"]) == 0
    assert main(["-w", str(trail), "deployments"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("width", [80, 100, 140, 200])
@pytest.mark.parametrize("words", [*([verb] for verb in LISTS), *PAGES], ids=lambda words: words[0])
def test_a_table_keeps_to_the_terminal(
    words: list[str],
    width: int,
    trail: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No line is wider than the terminal, what was left out is named, and how many of how many is said."""
    monkeypatch.setenv("COLUMNS", str(width))
    limit = ["--limit", "30"] if words[0] in {"entities", "events", "runs"} else []
    main(["-w", str(trail), *words, *limit, "--format", "table"])
    lines = capsys.readouterr().out.splitlines()

    assert max(cells(line) for line in lines) <= width
    if words[0] in LISTS:
        assert " of " in lines[-1]
    assert not any(category(letter) in {"Cc", "Cf"} for line in lines for letter in line)


def test_the_register_shows_who_what_where_when_at_a_hundred_cells(
    trail: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 100 cells a row names time, action, target, model, version and person; what has no room is named."""
    monkeypatch.setenv("COLUMNS", "100")
    main(["-w", str(trail), "deployments", "prod-eu/parcels/eta-parcel", "--format", "table"])
    out = capsys.readouterr().out
    heading, *rows = out.splitlines()

    assert heading.split() == ["deployed", "at", "action", "target", "model", "version", "by"]
    rollback = next(row for row in rows if "rollback" in row)
    assert rollback.split()[:2] == ["2026-05-14", "01:52Z"]
    assert "eta-parcel" in rollback
    assert "田中愛子" in rollback
    assert "[ci:release-bot]" in out
    assert "no person is evidenced" in out
    assert "no room for: sla" in out


def test_csv_holds_the_promised_fields_and_no_formula(
    imported: Callable[..., Path], audit_event: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    """What a spreadsheet would run is text, nested values are JSON, and also an empty answer has a head."""
    place = imported(audit_event("2026-01-01T10:00:00.000000Z", "=HYPERLINK(1)"), cluster="prod")

    main(["-w", str(place), "deployments", "--format", "csv"])
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    main(["-w", str(place), "deployments", "--to", "2020-01-01", "--format", "csv"])
    (head,) = csv.reader(io.StringIO(capsys.readouterr().out))

    assert row["actor"] == "'=HYPERLINK(1)"
    assert json.loads(row["models"])[0]["uri"] == "s3://models/churn/1"
    assert head[:3] == ["id", "action", "outcome"]
    assert set(head) <= set(row)


def test_hostile_names_are_exact_in_json_and_tame_in_tables(
    imported: Callable[..., Path], audit_event: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    """Colours, reordering and zero-width signs never reach the terminal; JSON holds the name letter by letter."""
    user = "mallory\x1b]0;owned\x07\n\u202egnp.exe"
    place = imported(audit_event("2026-01-01T10:00:00.000000Z", user, uri=HOSTILE), cluster="prod")

    for verb in ("deployments", "live", "events", "entities"):
        main(["-w", str(place), verb, "--format", "table"])
        shown = capsys.readouterr().out
        assert not any(category(letter) in {"Cc", "Cf"} for letter in shown.replace("\n", ""))
    main(["-w", str(place), "deployments", "--format", "table"])
    assert "mallory⟨U+001B⟩" in capsys.readouterr().out
    main(["-w", str(place), "deployments"])
    (item,) = json.loads(capsys.readouterr().out)["items"]

    assert item["actor"] == user
    assert item["models"][0]["uri"] == HOSTILE


def test_an_error_with_a_hostile_name_is_still_one_line(
    trail: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was typed comes back without its line breaks and colours."""
    assert main(["-w", str(trail), "show", "no\nsuch\x1b[31m"]) == 2

    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_an_ascii_terminal_is_no_reason_to_fail(form: str, trail: Path) -> None:
    """What the encoding cannot hold is written as an escape; JSON stays JSON and loses nothing."""
    done = run("-w", str(trail), "deployments", "--format", form, PYTHONIOENCODING="ascii")

    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    if form == "json":
        items = json.loads(done.stdout)["items"]
        assert "田中愛子 (Aiko Tanaka)" in {item["deployed_by"] for item in items}


def test_a_closed_pipe_ends_quietly(trail: Path) -> None:
    """`modeltrail runs | head -1` prints one line and no complaint."""
    reader, writer = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-m", "lineage", "-w", str(trail), "runs"],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    os.close(writer)
    assert os.read(reader, 10)
    os.close(reader)
    _, err = child.communicate(timeout=60)

    assert err == b""
    assert child.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal is a POSIX thing")
def test_a_terminal_gets_a_table_and_a_pipe_json(trail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without `--format` the answer is a table where a person looks, and JSON elsewhere."""
    main(["-w", str(trail), "live"])
    assert json.loads(capsys.readouterr().out)["total"] == 6

    reader, writer = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "lineage", "-w", str(trail), "live"],
        stdout=writer,
        stderr=subprocess.DEVNULL,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    os.close(writer)
    shown = os.read(reader, 65_536).decode()
    os.close(reader)

    assert done.returncode == 0
    assert shown.startswith("target")
    assert "(6 of 6)" in shown


def test_progress_is_json_lines_on_stderr(
    sample_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--progress json` writes one object a line, apart from the answer."""
    words = ["import", str(sample_files / "k8s"), "--progress", "json", "--format", "json"]
    assert main(["-w", str(tmp_path / "new.trail"), *words]) == 0
    out, err = capsys.readouterr()

    steps = [json.loads(line) for line in err.splitlines()]
    assert steps
    assert all({"doing", "done", "total"} <= step.keys() for step in steps)
    assert json.loads(out)["shown"] > 0


def test_a_dry_run_keeps_nothing(
    sample_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--dry-run` reads and reports what it would do, and the register stays empty."""
    place = str(tmp_path / "new.trail")
    assert main(["-w", place, "import", str(sample_files / "k8s"), "--dry-run"]) == 0
    read = json.loads(capsys.readouterr().out)["items"]
    main(["-w", place, "deployments"])

    assert sum(item["accepted"] for item in read) > 0
    assert json.loads(capsys.readouterr().out)["total"] == 0


def test_a_trace_in_csv_is_a_list_of_edges(trail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each edge is a row, so that a spreadsheet can use it."""
    main(["-w", str(trail), "trace", "eta-parcel 6", "--up", "1", "--format", "csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    assert "produced" in {row["type"] for row in rows}
    assert list(rows[0])[:4] == ["from", "to", "type", "via_run"]


def test_the_product_checks_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """`self-test` passes here, and says part by part what it looked at."""
    assert main(["self-test", "--format", "json"]) == 0

    parts = json.loads(capsys.readouterr().out)["items"]
    assert len(parts) >= 3
    assert all(part["passed"] for part in parts)
