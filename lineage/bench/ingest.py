"""What does a full import cost against merely decoding the same bytes, and how large does the workspace become?"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from lineage.bench import Measure, Timed, interleaved, median
from lineage.bench.openlineage_events import events

EVENTS = 200_000
REPEATS = 3
CPU_GOAL = 2.5
SIZE_GOAL = 0.15
MEMORY_GOAL = 350.0
_IMPORTER = (
    "import sys, lineage\n"
    "with lineage.open(sys.argv[1]) as workspace:\n"
    "    answer = workspace.import_([sys.argv[2]])\n"
    "import json, resource\n"
    "used = resource.getrusage(resource.RUSAGE_SELF)\n"
    "print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, answer.items[0]['accepted']]))\n"
)
_IDLE = "import lineage.ingest, lineage.workspace, lineage.source; lineage.source.sources()"


def run(size: int) -> list[Measure]:
    """Import `size` events (200,000 when 0), interleaved with `json.loads` of each line."""
    count = size or EVENTS
    with tempfile.TemporaryDirectory(prefix="modeltrail-bench-") as folder:
        place = Path(folder)
        source = place / "events.ndjson"
        with source.open("wb") as out:
            for event in events(count):
                out.write(event.rstrip(b"\n") + b"\n")
        rounds: list[tuple[float, float, int]] = []

        def decode() -> None:
            with source.open("rb") as lines:
                for line in lines:
                    json.loads(line)

        def whole() -> None:
            for old in place.glob("bench.trail*"):
                old.unlink()
            done = _child(_IMPORTER, str(place / "bench.trail"), str(source))
            rounds.append((done[0], done[1], (place / "bench.trail").stat().st_size))

        wall, yard = interleaved(REPEATS, whole, decode)
        start = _start_up()
        cost = median(
            tuple(Timed(cpu - start, one.wall) for (cpu, _, _), one in zip(rounds, wall, strict=True))
        )
        plain = median(yard)
        raw = source.stat().st_size
    memory = max(peak for _, peak, _ in rounds)
    stored = rounds[-1][2]
    return [
        Measure(
            f"import of {count} events ({raw / count:.0f} bytes each)",
            "json.loads of the same lines, CPU",
            cost.cpu / plain.cpu,
            CPU_GOAL,
            cost.cpu,
            cost.wall,
        ),
        Measure("workspace file", "raw bytes", stored / raw, SIZE_GOAL, 0.0, 0.0),
        Measure("importer's peak memory", f"{MEMORY_GOAL:.0f} MiB", memory / MEMORY_GOAL, 1.0, 0.0, 0.0),
    ]


def _child(program: str, *arguments: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True
    )
    found: list[float] = json.loads(done.stdout)
    return found


def _start_up() -> float:
    """Return the CPU seconds that an interpreter needs before it can import anything."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", _IDLE], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
