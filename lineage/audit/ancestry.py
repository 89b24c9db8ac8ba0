"""What was really upstream of what served: which runs, and which writings of which datasets, led to these versions?

It goes back from a model version through what runs read and wrote, each read resolved to the writing that it must have
met; a read whose version is not told, or told in other words, is taken to be of the newest writing before it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lineage.audit.view import View
from lineage.store import asking, pairing

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """One writing of a dataset (root) by a run: its number, name, job (root), and when it began and was over."""

    dataset: int
    version: str
    run: int
    run_id: str
    job: int
    began: int
    over: int


@dataclass(frozen=True, slots=True)
class Reached:
    """A writing upstream, with the way from it: numbers of things down to the model version; sure or assumed."""

    written: Written
    way: tuple[int, ...]
    certain: bool


class Ancestry:
    """All that runs wrote and read, for going back along it."""

    def __init__(self, view: View) -> None:
        self.writings: dict[int, list[Written]] = defaultdict(list)
        self.reads: dict[int, list[Row]] = defaultdict(list)
        self.began: dict[int, int] = {}
        self.job: dict[int, int] = {}
        entity: dict[int, int] = {}
        for row in pairing.uses(view.connection):
            began = row["began"] or 0
            self.began[row["run"]], self.job[row["run"]] = began, row["job"]
            if row["entity"] is not None:
                entity[row["entity"]] = row["run"]
            if row["output"]:
                made = (row["dataset"], row["version"], row["run"], row["run_id"], row["job"], began)
                self.writings[row["dataset"]].append(Written(*made, row["over"] or began))
            else:
                self.reads[row["run"]].append(row)
        roots = {thing.id: thing.root for thing in asking.things(view.connection, entity).values()}
        runs = {roots[number]: run for number, run in entity.items()}
        self.makers: dict[int, set[int]] = defaultdict(set)
        for row in pairing.produced(view.connection):
            for run in (runs.get(row["source"]), row["run"]):
                if run is not None and run in self.began:
                    self.makers[row["version"]].add(run)

    def upstream(self, versions: Iterable[int]) -> dict[Written, Reached]:
        """Return every writing upstream of these model versions, each by its shortest way."""
        found: dict[Written, Reached] = {}
        waiting: deque[tuple[int, tuple[int, ...], bool]] = deque(
            (run, (self.job[run], version), True)
            for version in versions
            for run in sorted(self.makers.get(version, ()))
        )
        seen: set[int] = set()
        while waiting:
            run, way, certain = waiting.popleft()
            if run in seen:
                continue
            seen.add(run)
            for read in self.reads.get(run, ()):
                met = self._met(read["dataset"], read["version"], self.began[run])
                if met is None or met[0] in found:
                    continue
                made, sure = met
                reached = Reached(made, (read["dataset"], *way), certain and sure)
                found[made] = reached
                waiting.append((made.run, (made.job, *reached.way), reached.certain))
        return found

    def _met(self, dataset: int, version: str, moment: int) -> tuple[Written, bool] | None:
        """Return the writing that a read met, and whether that is sure."""
        earlier = [made for made in self.writings.get(dataset, ()) if made.began <= moment]
        if not earlier:
            return None
        same = [made for made in earlier if made.version == version]
        if version and same:
            return same[-1], True
        return earlier[-1], not version and len({made.version for made in earlier}) == 1
