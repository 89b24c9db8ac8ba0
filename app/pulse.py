"""How regular is the window's event loop, idle and while an import runs? For `modeltrail bench gui`.

The window shows a register and is repainted every 16 ms; the gaps between those ticks are what a person feels. Idle and
importing stretches alternate in one run, so that a busy machine weighs on both alike. Prints JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QTimer

from app.importing import ImportProcess
from app.main import make_application
from app.settings import user_settings
from app.tasks import Tasks
from app.window import MainWindow

TICK = 16
LONG = 50.0


class Pulse:
    """Counts the gaps between ticks of a window that repaints itself, in milliseconds."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._timer = QTimer(window)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(self._tick)
        self._last = 0.0
        self.gaps: list[float] = []

    def _tick(self) -> None:
        present = time.perf_counter()
        if self._last:
            self.gaps.append((present - self._last) * 1000)
        self._last = present
        self._window.stack.repaint()

    def take(self, loop: QEventLoop) -> list[float]:
        """Return the gaps while `loop` runs."""
        self.gaps = []
        self._last = 0.0
        self._timer.start()
        loop.exec()
        self._timer.stop()
        return self.gaps


def _share(gaps: list[float], part: float) -> float:
    ordered = sorted(gaps)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _complain(error: BaseException) -> None:
    sys.stderr.write(f"{error}\n")


def measure(events: str, shown: str, rounds: int) -> dict[str, list[float]]:
    """Alternate idle and importing stretches `rounds` times; returns p99 and longest gaps of each, in milliseconds.

    `events` is the file to import, `shown` the workspace whose register is on screen.
    """
    application = make_application()
    window = MainWindow(user_settings(), Tasks(_complain))
    window.show()
    opened = QEventLoop()
    QTimer.singleShot(0, lambda: window.errands.take([shown]))
    QTimer.singleShot(4_000, opened.quit)
    opened.exec()
    pulse = Pulse(window)
    found: dict[str, list[float]] = {
        "idle": [],
        "importing": [],
        "idle_long": [],
        "importing_long": [],
        "seconds": [],
    }
    with tempfile.TemporaryDirectory(prefix="modeltrail-bench-") as folder:
        for number in range(rounds):
            loop = QEventLoop()
            process = ImportProcess(window)
            process.finished.connect(loop.quit)
            process.failed.connect(loop.quit)
            began = time.perf_counter()
            process.start(str(Path(folder) / f"{number}.trail"), [events])
            gaps = pulse.take(loop)
            seconds = time.perf_counter() - began
            found["seconds"].append(seconds)
            found["importing"].append(_share(gaps, 0.99))
            found["importing_long"].append(sum(gap > LONG for gap in gaps) / len(gaps))
            idle = QEventLoop()
            QTimer.singleShot(int(seconds * 1000), idle.quit)
            gaps = pulse.take(idle)
            found["idle"].append(_share(gaps, 0.99))
            found["idle_long"].append(sum(gap > LONG for gap in gaps) / len(gaps))
    window.close()
    application.processEvents()
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))) + "\n")
