"""Which checks were made of what, and what did they find? Worked out by hand from the samples of the checking tools."""

import json
from pathlib import Path

import pytest

import lineage
from lineage import cli

SAMPLES = Path(__file__).resolve().parents[1] / "sources"
PLACED = {"dataset_namespace": "postgres://db:5432", "dataset_prefix": "shop.public"}
ORDERS = "postgres://db:5432/shop.public.orders"


@pytest.fixture
def checked(tmp_path):
    """One table that Great Expectations and Soda both checked, and a checkpoint that repeats the first."""
    validation = json.loads((SAMPLES / "great_expectations" / "validation-1.json").read_text())
    checkpoint = {
        "run_id": validation["meta"]["run_id"],
        "name": "nightly",
        "success": False,
        "run_results": {"one": validation},
    }
    (tmp_path / "checkpoint.json").write_text(json.dumps(checkpoint))
    (tmp_path / "event.json").write_text(
        json.dumps(
            {
                "eventType": "COMPLETE",
                "eventTime": "2026-03-01T05:00:00Z",
                "run": {"runId": "0190d9a0-0000-7000-8000-000000000001"},
                "job": {"namespace": "etl", "name": "load"},
                "producer": "https://example.com",
                "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
                "inputs": [
                    {
                        "namespace": "postgres://db:5432",
                        "name": "shop.public.orders",
                        "inputFacets": {
                            "dataQualityAssertions": {
                                "_producer": "https://example.com",
                                "_schemaURL": "https://example.com",
                                "assertions": [
                                    {
                                        "assertion": "unique",
                                        "success": False,
                                        "column": "id",
                                        "severity": "error",
                                    }
                                ],
                            },
                            "dataQualityMetrics": {
                                "_producer": "https://example.com",
                                "_schemaURL": "https://example.com",
                                "rowCount": 200,
                            },
                        },
                    }
                ],
                "outputs": [{"namespace": "s3://lake", "name": "orders"}],
            }
        )
    )
    path = tmp_path / "audit.trail"
    with lineage.open(path) as workspace:
        workspace.import_([SAMPLES / "great_expectations" / "validation-1.json"], labels=PLACED)
        workspace.import_([tmp_path / "checkpoint.json", SAMPLES / "soda"], labels=PLACED)
        workspace.import_([tmp_path / "event.json"])
        yield workspace


def told(answer):
    """Dataset, check, column and verdict of each item."""
    return [(item["dataset"], item["check"], item["column"], item["verdict"]) for item in answer.items]


def test_every_check_once_with_its_verdict(checked):
    """Three of Soda at 04:00:09, three of Great Expectations at 04:17:43, one assertion; a row count is no check."""
    answer = checked.checks()
    assert told(answer) == [
        (ORDERS, "freshness(at) < 1d", "at", "none"),
        (ORDERS, "missing_count", "email", "failed"),
        (ORDERS, "row_count", None, "warned"),
        (ORDERS, "expect_column_max_to_be_between", "total", "none"),
        (ORDERS, "expect_column_values_to_not_be_null", "email", "warned"),
        (ORDERS, "expect_table_row_count_to_be_between", None, "passed"),
        (ORDERS, "unique", "id", "failed"),
    ]
    assert [item["at"] for item in answer.items][::3] == [
        "2026-03-01T04:00:09Z",
        "2026-03-01T04:17:43Z",
        "2026-03-01T05:00:00Z",
    ]
    assert answer.complete


def test_a_check_that_is_told_twice_has_two_evidences(checked):
    """The checkpoint repeats the validation: one item, both files."""
    item = next(
        one for one in checked.checks().items if one["check"] == "expect_table_row_count_to_be_between"
    )
    assert {Path(each["file"]).name for each in item["evidence"]} == {"validation-1.json", "checkpoint.json"}
    assert (item["value"], item["severity"], item["run"]) == (200.0, "error", None)


def test_a_check_of_a_run_names_it(checked):
    """The assertion of an event belongs to its run and job."""
    item = checked.checks().items[-1]
    assert (item["run"], item["job"]) == ("0190d9a0-0000-7000-8000-000000000001", "load")


def test_by_selector_time_and_what_was_known(checked):
    """What is upstream of the output has the checks; nothing before it was made, nor before it was imported."""
    assert checked.checks("orders", limit=2).shown == 2
    assert checked.checks("+ns:s3://lake").total == 7
    assert checked.checks("ns:s3://lake").items == []
    assert checked.checks(as_of="2026-03-01T04:00:09Z").total == 3
    assert checked.checks(since="2026-03-01T04:10:00Z", until="2026-03-01T05:00:00Z").total == 3
    first = checked.imports().items[0]["finished_at"]
    assert checked.checks(known_at=first).total == 3


def test_on_the_command_line(checked, capsys):
    """The same items as JSON, in columns and as CSV, with the envelope of every answer."""
    for form in ("json", "csv", "table"):
        status = cli.main(
            ["-w", str(checked.path), "checks", "--format", form, "--from", "2026-03-01T04:10:00Z"]
        )
        out = capsys.readouterr().out
        assert status == 0
        if form == "json":
            answer = json.loads(out)
            assert (answer["shown"], answer["total"], answer["complete"]) == (4, 4, True)
            assert set(answer) == {"complete", "shown", "total", "as_of", "known_at", "coverage", "items"}
        elif form == "csv":
            assert out.splitlines()[0].lstrip("\ufeff").startswith("at,dataset,check,column,verdict")
        else:
            assert "warned" in out
