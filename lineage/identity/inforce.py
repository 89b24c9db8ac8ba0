"""Which agreements are there in the workspace, and which was in force for a target at a time?

The date of an import is no ground here although it could be one: what follows from the facts must not depend
on when they were brought in. A document that says nothing of its time, and has no date given with it, is
taken to hold, and the register says that its beginning is not evidenced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.identity.agreement import Assignments, ObjectiveRow, SlaInForce, TargetRow, assign, in_force
from lineage.identity.episodes import Episode
from lineage.identity.suspicious import HIGH, LOW, Finding
from lineage.model.answer import bounded
from lineage.model.facts import Key
from lineage.model.moment import LAST, Moment, to_iso
from lineage.model.naming import display
from lineage.store import gathering
from lineage.store.database import Connection


@dataclass(frozen=True, slots=True)
class Agreements:
    """What binds which target, and since when."""

    assignments: Assignments
    paths: dict[int, str]

    def in_force(self, target: Key, at: Moment) -> list[dict[str, Any]]:
        """Return the agreements in force for `target` when what happened at `at` began, as the register has it."""
        return [self.item(sla) for sla in in_force(self.assignments, target, at.hi)]

    def item(self, sla: SlaInForce) -> dict[str, Any]:
        """Return an agreement in force as CONTRACT.md's `sla[]` writes it."""
        since, until = sla.effective_from, sla.effective_to
        return {
            "name": sla.name,
            "version": sla.version or None,
            "metric": sla.metric,
            "comparator": sla.comparator,
            "target": sla.target,
            "unit": sla.unit,
            "window": sla.window or None,
            "effective_from": bounded(since.lo or None, since.hi or None) if since is not None else None,
            "effective_to": bounded(until.lo, until.hi) if until is not None else None,
            "basis": sla.basis,
            "document": sla.document or self.paths.get(sla.record, ""),
            "percentile": sla.percentile,
            "certain": sla.certain,
            "joined_by": sla.joined_by,
        }

    def findings(self) -> Iterable[Finding]:
        """Yield documents that disagree, and agreements that concern nothing that is known."""
        for conflict in self.assignments.conflicts:
            one, other = conflict.sides
            yield Finding(
                "conflicting-slas",
                HIGH,
                display(*conflict.target),
                f"Two documents promise different {conflict.metric} while both hold"
                f" (from {_since(conflict.since)}): {_promise(one)} in {_place(self, one)},"
                f" {_promise(other)} in {_place(self, other)}. Say which one binds.",
                (
                    (_promise(one), _since(conflict.since), one.record),
                    (_promise(other), _since(conflict.since), other.record),
                ),
            )
        for key in self.assignments.unassigned:
            yield Finding(
                "sla-without-target",
                LOW,
                f"{key.namespace}/{key.name}",
                "No target, label or dataset that was imported bears the name this agreement is about.",
            )


def _since(time: int) -> str:
    return to_iso(time) if time else "the beginning"


def _promise(sla: SlaInForce) -> str:
    return f"{sla.metric} {sla.comparator} {sla.target:g} {sla.unit}".strip()


def _place(agreed: Agreements, sla: SlaInForce) -> str:
    return sla.document or agreed.paths.get(sla.record, "a document without a name")


def agreements(connection: Connection, registers: Iterable[tuple[Key, Sequence[Episode]]]) -> Agreements:
    """Join every objective in the workspace to the targets of these registers."""
    rows = gathering.objectives(connection)
    objectives = [ObjectiveRow(row["fact"], record=row["record"]) for row in rows]
    targets = [row for key, items in registers for row in _target_rows(key, items)]
    return Agreements(assign(objectives, targets), {row["record"]: row["path"] for row in rows})


def _target_rows(key: Key, items: Sequence[Episode]) -> Iterable[TargetRow]:
    """Yield a target as it was named and labelled in each of its episodes."""
    yield TargetRow(key, since=0, until=0)
    for item in items:
        workload = item.state.workload if item.state is not None else None
        if workload is not None and item.action != "delete":
            end = item.end.hi if item.end is not None else LAST
            yield TargetRow(key, workload.labels, workload.annotations, item.start.lo, end)
