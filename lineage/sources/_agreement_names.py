"""Which metric do the names mean that an author gave to an objective and its indicator?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lineage.sources._agreement import metric, words

_METRICS = (
    (re.compile(r"\b(?:availability|available|uptime)\b"), "availability"),
    (re.compile(r"\b(?:latency|latencies|response[- ]times?)\b"), "latency"),
    (re.compile(r"\b(?:freshness|staleness)\b"), "freshness"),
    (re.compile(r"\b(?:throughput)\b"), "throughput"),
    (re.compile(r"\b(?:durability)\b"), "durability"),
    (re.compile(r"\b(?:correctness)\b"), "correctness"),
    (re.compile(r"\b(?:completeness|coverage)\b"), "completeness"),
    # The target of an SLO is the share of good events: one about errors promises their absence.
    (re.compile(r"\b(?:errors?|failures?|success(?:ful)?)\b"), "success-rate"),
)


def named_metric(told: Sequence[str], also: Sequence[str] = ()) -> tuple[str, float | None] | None:
    """Return the metric that the first telling name means, and its percentile; None when none of them tells.

    `told` are names, in which a percentile may stand; `also` are sentences, in which it would be about anything.

    >>> named_metric(["requests-availability"]), named_metric(["checkout"], ["p99 latency of checkout"])
    (('availability', None), ('latency', None))
    """
    for said in (*told, *also):
        plain = words(said).replace("-", " ")
        for pattern, found in _METRICS:
            if pattern.search(plain):
                return found, metric(said)[1] if said in told else None
    return None
