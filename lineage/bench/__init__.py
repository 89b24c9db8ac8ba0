"""How fast is the product against a yardstick that anyone has? Seeded ratio benchmarks and what they read.

Subject and yardstick run interleaved in one process tree, several times; what counts is the ratio of their medians,
never seconds, so that a busy or slow machine gives the same verdict.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from lineage.errors import QuestionError
from lineage.model.answer import Answer, Item

NAMES = {
    "ingest": "full import of OpenLineage events against json.loads of the same bytes (--size: events)",
    "graph": "3-hop and full impact queries against a ten times smaller graph and networkx (--size: edges)",
    "gui": "gaps of the window's event loop while importing against idle (--size: events)",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One comparison: what was measured against what, by how much, and how much is allowed."""

    subject: str
    yardstick: str
    ratio: float
    goal: float
    median_cpu: float
    median_wall: float
    unit: str = "s"

    def item(self) -> Item:
        """Return the comparison as CONTRACT.md's `bench` item."""
        return {
            "subject": self.subject,
            "yardstick": self.yardstick,
            "ratio": round(self.ratio, 4),
            "median_cpu": round(self.median_cpu, 6),
            "median_wall": round(self.median_wall, 6),
            "goal": self.goal,
            "met": self.ratio <= self.goal,
            "evidence": [],
        }


@dataclass(frozen=True, slots=True)
class Timed:
    """CPU and wall seconds of one run."""

    cpu: float
    wall: float


def timed(work: Callable[[], object]) -> Timed:
    """Run `work` once and return what it cost this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Timed(time.process_time() - cpu, time.perf_counter() - wall)


def interleaved(repeats: int, *works: Callable[[], object]) -> list[tuple[Timed, ...]]:
    """Run the works one after the other, `repeats` times, and return each work's costs."""
    rounds = [tuple(timed(work) for work in works) for _ in range(repeats)]
    return list(zip(*rounds, strict=True))


def median(costs: tuple[Timed, ...]) -> Timed:
    """Return the median CPU and the median wall time."""
    return Timed(
        statistics.median(cost.cpu for cost in costs), statistics.median(cost.wall for cost in costs)
    )


def available() -> Answer:
    """List the benchmarks."""
    items: list[Item] = [{"name": name, "what": words, "evidence": []} for name, words in NAMES.items()]
    return Answer(items, len(items))


def run(name: str, size: int = 0) -> Answer:
    """Run one benchmark; raises `QuestionError` when there is none so named."""
    if name not in NAMES:
        raise QuestionError(
            "there is no such benchmark", where=name, remedy=f"choose one of {', '.join(NAMES)}"
        )
    measures: list[Measure] = importlib.import_module(f"lineage.bench.{name}").run(size)
    return Answer([measure.item() for measure in measures], len(measures))
