"""Which questions of a workspace look into what changed, what it reached and what may have caused it?"""

from __future__ import annotations

import re

from lineage.audit import comparison, exposures, pictures, suspicion
from lineage.audit.view import Time, microseconds
from lineage.errors import QuestionError
from lineage.model.answer import Answer
from lineage.views import Views


class Investigating:
    """The questions of an incident: `compare`, `exposure` and `suspects` of CONTRACT.md."""

    _views: Views

    def compare(
        self,
        as_of: Time = None,
        with_: Time = None,
        *,
        known_at: Time = None,
        known_with: Time = None,
        limit: int | None = None,
    ) -> Answer:
        """List what is different at `with_` from `as_of`, or in what was known at `known_with` from `known_at`.

        Raises `QuestionError` when no two times are given. Of two known-times, the valid time is `as_of` in both.
        """
        if known_with is None and (as_of is None or with_ is None):
            raise QuestionError(
                "two times are needed to compare",
                remedy="give --as-of A --with B, or --known-at K --with-known L",
            )
        later = with_ if with_ is not None else as_of
        with self._views.view(as_of, known_at) as view:
            before = pictures.picture(view)
        with self._views.view(later, known_at if known_with is None else known_with, coverage=True) as view:
            return comparison.differences(before, pictures.picture(view), view, limit=limit)

    def exposure(
        self,
        selector: str,
        since: Time = None,
        until: Time = None,
        *,
        version: str = "",
        known_at: Time = None,
        limit: int | None = None,
    ) -> Answer:
        """List the models that learned from what was written to a dataset in a period, and where they served."""
        with self._views.view(None, known_at, ever=True, coverage=True) as view:
            return exposures.exposure(
                view,
                selector,
                since=microseconds(since, "--from"),
                until=microseconds(until, "--to"),
                version=version,
                limit=limit,
            )

    def suspects(
        self,
        selector: str,
        at: Time = None,
        *,
        window: str = "72h",
        known_at: Time = None,
        limit: int | None = None,
    ) -> Answer:
        """Rank what may have made the selected targets misbehave at `at`, by what changed or failed upstream."""
        with self._views.view(at, known_at, coverage=True) as view:
            return suspicion.suspects(view, selector, window=span(window), limit=limit)


_SPAN = re.compile(r"(\d{1,5})\s*([hdm])")


def span(text: str) -> int:
    """Return a span such as `72h`, `3d` or `90m` in microseconds; raises `QuestionError` when it is none.

    >>> span("2h")
    7200000000
    """
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise QuestionError("the window is no span", where=text, remedy="write it like 72h, 3d or 90m")
    return int(found[1]) * {"m": 60, "h": 3_600, "d": 86_400}[found[2]] * 1_000_000
