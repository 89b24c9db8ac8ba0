"""What Great Expectations, Soda and Evidently found: verdicts on the data they looked at, none where none was made."""

import json
from io import BytesIO
from pathlib import Path

import pytest

import lineage
from lineage.model.facts import Alias, Measured
from lineage.model.moment import parse, to_iso
from lineage.model.naming import dataset
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import evidently, great_expectations, soda

SAMPLES = Path(__file__).parents[2] / "sources"
GE = SAMPLES / "great_expectations"
SCAN = (SAMPLES / "soda" / "scan.json").read_bytes()
RUN = (SAMPLES / "evidently" / "run-0.7.json").read_bytes()
SUITE = (SAMPLES / "evidently" / "suite-0.4.json").read_bytes()


class Text:
    """An input that is a text in memory."""

    name, path = "result.json", None

    def __init__(self, raw):
        self.raw = raw
        self.size = len(raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(source, raw, **labels):
    """Everything that a result says."""
    origin = Origin("result.json", labels)
    found = []
    for item in source.records(Text(raw if isinstance(raw, bytes) else json.dumps(raw).encode()), origin):
        found.extend(source.read(item, origin) if isinstance(item, Record) else [item])
    return found


def checks(found):
    """The verdicts and figures."""
    return [one for one in found if isinstance(one, Measured)]


def problems(found):
    """Code and whether the record is lost."""
    return [(one.code, one.fatal) for one in found if isinstance(one, Problem)]


def test_a_validation_of_one_table():
    """A failed, a passed, and one that raised an exception: that one was not checked, so it has no verdict."""
    found = said(great_expectations, (GE / "validation-1.json").read_bytes())
    null, rows, most = checks(found)
    assert {one.subject for one in (null, rows, most)} == {
        dataset("great_expectations:shop", "public.orders")
    }
    assert {to_iso(one.at.lo) for one in (null, rows, most)} == {"2026-03-01T04:17:43Z"}
    assert (null.metric, null.success, null.severity) == (
        "expect_column_values_to_not_be_null",
        False,
        "warn",
    )
    assert (null.value, null.unit, null.detail["column"], null.detail["rows"]) == (
        3.0,
        "failures",
        "email",
        200.0,
    )
    assert (rows.value, rows.unit, rows.success, rows.severity) == (200.0, "", True, "error")
    assert rows.detail["expected"] == {"min_value": 100, "max_value": 500}
    assert (most.success, most.detail["exception"]) == (None, "no column named total")
    assert (null.detail["suite"], null.detail["run"]) == ("orders_suite", "nightly")
    assert problems(found) == []


def test_values_of_the_data_stay_in_the_evidence():
    """The address that was found in the column is in no fact."""
    assert "ada@example.com" not in str(said(great_expectations, (GE / "validation-1.json").read_bytes()))


def test_the_batch_id_is_another_name_of_the_table():
    """A described checkpoint knows only that; with the time of the run told it is about the same dataset."""
    found = said(great_expectations, (GE / "validation-1.json").read_bytes())
    (alias,) = [one for one in found if isinstance(one, Alias)]
    assert (alias.other, alias.relation) == (dataset("great_expectations", "shop-orders"), "same")
    raw = (GE / "checkpoint-described.json").read_bytes()
    assert problems(said(great_expectations, raw)) == [("missing-time", True)]
    (one,) = checks(said(great_expectations, raw, observed_at="2026-03-01T05:00:00Z"))
    assert (one.subject, one.success) == (alias.other, True)


def test_a_checkpoint_of_version_0_with_a_file():
    """The path is the place of the data, a file of the asset; times are in the basic form of ISO 8601."""
    found = said(great_expectations, (GE / "checkpoint-0.json").read_bytes())
    (one,) = checks(found)
    assert (one.subject, one.metric) == (
        dataset("s3a://lake", "events/day=1.parquet"),
        "expect_column_values_to_be_unique",
    )
    assert (to_iso(one.at.lo), one.success, one.value) == ("2025-03-01T02:00:01.500000Z", True, 0.0)
    assert one.detail["checkpoint"] == "lake_checkpoint"
    (alias,) = [one for one in found if isinstance(one, Alias)]
    assert (alias.other, alias.relation) == (dataset("great_expectations:lake", "events"), "part-of")


@pytest.mark.parametrize("source", [great_expectations, soda])
def test_labels_place_a_table(source):
    """The namespace of the store, and what stands before the table in it; a name that has its schema keeps it."""
    labels = {"dataset_namespace": "postgres://db:5432", "dataset_prefix": "shop.public"}
    raw = SCAN if source is soda else (GE / "validation-1.json").read_bytes()
    found = said(source, raw, **labels)
    assert {one.subject for one in checks(found)} == {dataset("postgres://db:5432", "shop.public.orders")}


def test_a_scan():
    """Fail and warn are verdicts that the data is bad; a check without an outcome was not evaluated."""
    missing, rows, fresh = checks(said(soda, SCAN))
    assert {one.subject for one in (missing, rows, fresh)} == {dataset("soda:shop", "orders")}
    assert [(one.metric, one.success, one.severity, one.value) for one in (missing, rows, fresh)] == [
        ("missing_count", False, "error", 2.0),
        ("row_count", False, "warn", 900.0),
        ("freshness(at) < 1d", None, "", None),
    ]
    assert missing.at == parse("2026-03-01T04:00:09+00:00")
    assert missing.detail["fails_when"] == {"greaterThan": 0.0}
    assert rows.detail["reasons"] == "fewer than usual"


def test_a_run_of_evidently_needs_time_and_dataset_told():
    """0.7 writes neither; without them nothing is read, with them the verdict follows from value and threshold."""
    assert problems(said(evidently, RUN)) == [("missing-time", True)]
    assert problems(said(evidently, RUN, observed_at="2026-03-01T05:00:00Z")) == [("missing-dataset", True)]
    found = checks(said(evidently, RUN, observed_at="2026-03-01T05:00:00Z", dataset="s3://lake/loans"))
    assert {one.subject for one in found} == {dataset("s3://lake", "loans")}
    assert [
        (one.metric, one.detail.get("column") or one.detail.get("part"), one.success) for one in found
    ] == [
        ("DriftedColumnsCount", "count", None),
        ("DriftedColumnsCount", "share", False),
        ("ValueDrift", "age", True),
        ("ValueDrift", "city", False),
        ("RowCount", None, None),
        ("Share of drifted columns", None, False),
    ]
    assert [bool(one.detail.get("computed")) for one in found] == [False, True, True, True, False, False]


def test_a_test_suite_says_its_verdicts_itself():
    """A test that could not be computed is not a failed one."""
    found = checks(said(evidently, SUITE, dataset="loans", dataset_namespace="postgres://db:5432"))
    assert [(one.metric, one.success, one.value) for one in found] == [
        ("DataDriftTable", False, 1.0),
        ("DataDriftTable", False, 0.01),
        ("Drift per Column", False, 0.01),
        ("Number of Rows", True, 900.0),
        ("Number of Columns", None, None),
    ]
    assert {(one.at.assumed, to_iso(one.at.lo)) for one in found} == {(True, "2026-03-01T04:30:00.250000Z")}


def test_what_is_none_of_them():
    """Other JSON is a problem, an empty result is left out with a reason."""
    for source in (great_expectations, soda, evidently):
        assert len(problems(said(source, {"a": 1}))) == 1
        assert problems(said(source, b'{"success": tru')) == [("malformed-json", True)]
    empty = {"success": True, "results": [], "statistics": {"evaluated_expectations": 0}}
    meta = {
        "run_id": {"run_time": "2026-03-01T00:00:00Z"},
        "active_batch_definition": {"data_asset_name": "a"},
    }
    assert said(great_expectations, {**empty, "meta": meta}) == [Filtered("no-expectations")]
    assert said(soda, {"checks": [], "definitionName": "n", "scanEndTimestamp": "2026-03-01T00:00:00Z"}) == [
        Filtered("no-checks")
    ]


def test_a_bad_check_costs_no_other():
    """What is wrong is named with its place; the other checks of the scan stand."""
    body = json.loads(SCAN)
    body["checks"][0]["table"] = None
    body["checks"][1]["outcome"] = "meh"
    found = said(soda, body)
    assert [(one.metric, one.success) for one in checks(found)] == [
        ("row_count", None),
        ("freshness(at) < 1d", None),
    ]
    assert [(one.code, one.field) for one in found if isinstance(one, Problem)] == [
        ("missing-field", "checks[0].table"),
        ("unknown-outcome", "checks[1].outcome"),
    ]


@pytest.mark.parametrize("folder", ["great_expectations", "soda", "evidently"])
def test_each_is_recognised(folder):
    """By its shape, whole or cut off by the head."""
    for path in sorted((SAMPLES / folder).iterdir()):
        found = recognise(Sample(path.name, path.read_bytes()))
        assert found is not None
        assert folder.replace("_", "-") == found[0].NAME
        cut = recognise(Sample(path.name, path.read_bytes()[:600].replace(b"\n", b" "), whole=False))
        assert cut is None or folder.replace("_", "-") == cut[0].NAME


def test_the_corpus(corpus, tmp_path):
    """ops/quality by jq: the validation has 5 results, 4 of them false; the scan 3 checks, one `fail`.

    The described checkpoint repeats the validation without a time, and the run of Evidently has none either: both are
    problems that say what to do.
    """
    with lineage.open(tmp_path / "audit.trail") as workspace:
        items = workspace.import_([corpus / "ops/quality"]).items
        assert {
            Path(one["file"]).name: (one["source"], one["accepted"], one["rejected"]) for one in items
        } == {
            "evidently.json": ("evidently", 0, 1),
            "ge_checkpoint.json": ("great-expectations", 0, 1),
            "ge_validation.json": ("great-expectations", 1, 0),
            "soda_scan.json": ("soda", 1, 0),
        }
        assert {one["code"] for one in workspace.problems().items} == {"missing-time"}
    found = checks(said(great_expectations, (corpus / "ops/quality/ge_validation.json").read_bytes()))
    assert [one.success for one in found] == [False, False, False, False, True]
    assert {one.subject for one in found} == {dataset("great_expectations:lake", "silver_loans")}
    assert {to_iso(one.at.lo) for one in found} == {"2026-11-23T04:17:43.539998Z"}
    found = checks(said(soda, (corpus / "ops/quality/soda_scan.json").read_bytes()))
    assert [(one.metric, one.success, one.value) for one in found] == [
        ("row_count", True, 3.0),
        ("missing_count", False, 1.0),
        ("duplicate_count", True, 0.0),
    ]
    raw = (corpus / "ops/quality/evidently.json").read_bytes()
    found = checks(said(evidently, raw, observed_at="2026-11-23T04:20:00Z", dataset="lake/silver_loans"))
    assert [(one.detail.get("column"), one.success) for one in found] == [
        (None, None),
        (None, False),
        ("income", False),
        ("age", True),
    ]
