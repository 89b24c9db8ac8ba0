"""The benchmarks run and say what they compare; whether goals are met is for a whole run on a quiet machine."""

from __future__ import annotations

import pytest

from lineage import bench
from lineage.errors import QuestionError


@pytest.mark.parametrize(("name", "size"), [("ingest", 4_000), ("graph", 20_000)])
def test_a_benchmark_names_subject_yardstick_ratio_and_goal(name: str, size: int) -> None:
    """Every comparison has the contract's fields, and its verdict follows from ratio and goal."""
    answer = bench.run(name, size)

    assert answer.items
    for item in answer.items:
        assert {"subject", "yardstick", "ratio", "median_cpu", "median_wall", "goal", "met"} <= item.keys()
        assert item["ratio"] > 0
        assert item["met"] == (item["ratio"] <= item["goal"])


def test_an_unknown_benchmark_is_refused_with_the_names_there_are() -> None:
    """A slip of the pen is answered with what can be chosen."""
    with pytest.raises(QuestionError, match="ingest"):
        bench.run("ingset")

    assert {item["name"] for item in bench.available().items} == set(bench.NAMES)
