"""Does the window stay smooth while an import runs?

Measured by the window itself in a child process (`app.pulse`), since nothing here knows Qt.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import lineage
from lineage.bench import Measure
from lineage.bench.openlineage_events import events
from lineage.errors import BugError

EVENTS = 60_000
SHOWN = 2_000
ROUNDS = 3
GOAL = 1.3


def run(size: int) -> list[Measure]:
    """Import `size` events (60,000 when 0) while the window shows another workspace, alternating with idleness."""
    with tempfile.TemporaryDirectory(prefix="modeltrail-bench-") as folder:
        place = Path(folder)
        for name, count in (("events.ndjson", size or EVENTS), ("shown.ndjson", SHOWN)):
            with (place / name).open("wb") as out:
                for event in events(count):
                    out.write(event.rstrip(b"\n") + b"\n")
        with lineage.open(place / "shown.trail") as workspace:
            workspace.import_([place / "shown.ndjson"])
        words = [str(place / "events.ndjson"), str(place / "shown.trail"), str(ROUNDS)]
        done = subprocess.run(
            [sys.executable, "-m", "app.pulse", *words],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": folder},
        )
    if done.returncode:
        raise BugError(f"the window could not be measured: {done.stderr.strip()[-400:]}")
    found: dict[str, list[float]] = json.loads(done.stdout.strip().rpartition("\n")[2])
    idle, busy = statistics.median(found["idle"]), statistics.median(found["importing"])
    return [
        Measure(
            "p99 gap of the event loop while importing",
            f"the same when idle ({idle:.1f} ms)",
            busy / idle,
            GOAL,
            0.0,
            busy / 1000,
        )
    ]
