"""When was a store as a copy of it shows it, where nothing in the copy says when it was made?"""

from __future__ import annotations

from lineage.model.moment import parse
from lineage.source import Origin, Problem


def observed(origin: Origin, times: int | None) -> tuple[int | None, Problem | None]:
    """Return when it was as the input shows it (UTC microseconds): as said, else its latest time (milliseconds)."""
    label = origin.label("observed_at")
    if label:
        try:
            return parse(label, origin.label("timezone")).lo, None
        except ValueError:
            reason = "the label observed_at is no ISO 8601 time; the input's own times are taken"
            problem = Problem("bad-label", reason, "observed_at", label, fatal=False)
            return (times * 1_000 if times is not None else None), problem
    return (times * 1_000 if times is not None else None), None
