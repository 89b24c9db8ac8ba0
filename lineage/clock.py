"""What time is it, in microseconds since 1970-01-01 UTC?

The only place that reads the clock, so that everything else is a function of its input. Tests set `MODELTRAIL_NOW`.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime


def now() -> int:
    """Return the present moment in UTC microseconds, or what `MODELTRAIL_NOW` (ISO 8601) says it is."""
    fixed = os.environ.get("MODELTRAIL_NOW")
    if fixed:
        moment = datetime.fromisoformat(fixed)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1_000_000)
    return time.time_ns() // 1000
