"""dbt-ol's events call skipped tests failed; the invocation's `run_results.json` knows better (sources-ops 0.2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lineage.workspace import Workspace

INVOCATION = "596330e0-8af4-4ba6-afe5-55ef96e9de20"


def event(run: str, model: str, tests: dict[str, bool]) -> dict[str, Any]:
    """Return the FAIL event that dbt-ol 1.54 writes of the tests of one model."""
    assertions = [
        {"assertion": name.split("_")[0], "name": name, "column": "id", "success": good}
        for name, good in tests.items()
    ]
    facet = {"_producer": "p", "_schemaURL": "s"}
    return {
        "eventType": "FAIL",
        "eventTime": "2026-10-11T10:00:05Z",
        "run": {
            "runId": run,
            "facets": {"dbt_run": {**facet, "invocation_id": INVOCATION, "project_name": "shop"}},
        },
        "job": {"namespace": "dbt", "name": f"shop.main.shop.{model}.build.test"},
        "inputs": [
            {
                "namespace": "postgres://db:5432",
                "name": f"shop.main.{model}",
                "facets": {"dataQualityAssertions": {**facet, "assertions": assertions}},
            }
        ],
        "outputs": [],
        "producer": "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
    }


def results(statuses: dict[str, str]) -> dict[str, Any]:
    """Return the artifact of that invocation."""
    return {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
            "dbt_version": "1.10.23",
            "generated_at": "2026-10-11T10:00:09Z",
            "invocation_id": INVOCATION,
        },
        "results": [
            {"status": status, "unique_id": f"test.shop.{name}.0123456789", "timing": [], "failures": None}
            for name, status in statuses.items()
        ],
        "elapsed_time": 1.0,
        "args": {},
    }


@pytest.mark.parametrize("order", [("events", "results"), ("results", "events")])
def test_the_artifact_wins_over_the_events(tmp_path: Path, order: tuple[str, str]) -> None:
    """A skipped test has no verdict and its run did not fail; one that did fail still did, and so did its run."""
    skipped, broken = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    files = {
        "events": [
            event(skipped, "orders", {"unique_orders_id": False, "not_null_orders_id": True}),
            event(broken, "customers", {"unique_customers_id": False}),
        ],
        "results": results(
            {"unique_orders_id": "skipped", "not_null_orders_id": "pass", "unique_customers_id": "fail"}
        ),
    }
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "run.ndjson").write_text(
        "\n".join(map(json.dumps, files["events"])) + "\n", encoding="utf-8"
    )
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "run_results.json").write_text(json.dumps(files["results"]), encoding="utf-8")
    with Workspace.open(tmp_path / "a.trail") as workspace:
        workspace.import_([tmp_path / order[0]])
        if order[0] == "events":
            states = {item["run_id"]: item["state"] for item in workspace.runs().items}
            assert (states[skipped], states[broken]) == ("fail", "fail")
        workspace.import_([tmp_path / order[1]])
        told = {item["run_id"]: item for item in workspace.runs().items}
        assert (told[skipped]["state"], told[broken]["state"]) == ("other", "fail")
        assert any("run_results" in problem for problem in told[skipped]["problems"])
        verdicts: dict[str, set[str]] = {}
        for item in workspace.checks().items:
            verdicts.setdefault(item["detail"]["name"], set()).add(item["verdict"])
        assert verdicts == {
            "unique_orders_id": {"none"},
            "not_null_orders_id": {"passed"},
            "unique_customers_id": {"failed"},
        }
