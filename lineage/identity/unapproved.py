"""Who approved what serves, and what serves though it was rejected or nobody had approved it?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from lineage.identity.episodes import DELETE, Episode
from lineage.identity.registry import ModelLink
from lineage.identity.sagemaker import Decision
from lineage.identity.steps import serving
from lineage.identity.suspicious import HIGH, MEDIUM, Finding, when
from lineage.model.facts import Key
from lineage.model.moment import LAST, Moment, exactly, to_iso

_GROUNDS = {
    "reject": ("rejected-version-served", HIGH, "it was rejected"),
    "unapprove": ("unapproved-version-served", MEDIUM, "its approval was taken back"),
    "await-approval": ("unapproved-version-served", MEDIUM, "nobody had approved it"),
}


def approval(
    models: Iterable[ModelLink], decisions: Mapping[Key, Sequence[Decision]], at: int
) -> dict[str, str]:
    """Return who had approved everything that was deployed at the microsecond `at`, and when the last was approved.

    Empty where the last decision on any of it before then was another, or none is known.
    """
    found = []
    for link in serving(tuple(models)):
        told = decisions.get(link.version_key, ()) if link.version_key is not None else ()
        last = max((one for one in told if one.at.hi <= at), key=lambda one: one.at.hi, default=None)
        if last is None or last.type != "approve":
            return {}
        found.append(last)
    if not found:
        return {}
    newest = max(found, key=lambda one: one.at.hi).at
    said = {"approved_by": ";".join(dict.fromkeys(one.by for one in found if one.by))}
    return {**said, "approved_at": to_iso(newest.lo)} if newest.exact else said


def of_approvals(
    target: str, items: Sequence[Episode], decisions: Mapping[Key, Sequence[Decision]]
) -> Iterable[Finding]:
    """Yield each episode in which a version serves while its registry holds it to be rejected or not approved.

    A status counts from when it certainly was so until the next decision, an episode from when it certainly served, so
    that no finding rests on a guess at the order (issue 3: a rejected package that serves is a finding).
    """
    for item in items:
        if item.action == DELETE:
            continue
        for link in item.models:
            if link.version_key is None or link.weight == 0:
                continue
            told = list(decisions.get(link.version_key, ()))
            end = Decision("", exactly(LAST), 0)
            for decision, after in pairwise([*told, end]):
                if decision.type in _GROUNDS and _while(item, decision.at, after.at):
                    yield _finding(target, item, f"{link.model} {link.version}", decision)


def _while(item: Episode, since: Moment, until: Moment) -> bool:
    served_until = item.end.lo if item.end is not None else LAST
    return max(item.start.hi, since.hi) < min(served_until, until.lo)


def _finding(target: str, item: Episode, name: str, decision: Decision) -> Finding:
    code, severity, ground = _GROUNDS[decision.type]
    served = f"served here from {when(item.start)} to {when(item.end)}" if item.end else "serves here"
    before = decision.at.hi <= item.start.lo
    order = "was deployed all the same" if before else "went on serving"
    said = f"as of {when(decision.at)}" if decision.type == "await-approval" else when(decision.at)
    text = (
        f"{name} {served} since {when(item.start)}, though {ground} ({said}): it {order}."
        if item.end is None
        else f"{name} {served}, though {ground} ({said}): it {order}."
    )
    return Finding(
        code,
        severity,
        target,
        f"{text} Ask who let it pass, or replace it by an approved version.",
        (
            *((f"serves {name}", to_iso(item.start.hi), record) for record in item.opened.records[:1]),
            (f"{ground} ({decision.type})", to_iso(decision.at.hi), decision.record),
        ),
    )
