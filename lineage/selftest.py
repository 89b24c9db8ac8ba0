"""Does the installed product work on this machine? It tries its own parts and says which fail, and what to do.

Nothing of the machine is changed: what is written goes to a folder that is thrown away.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from lineage import __version__
from lineage.errors import ModelTrailError
from lineage.model.answer import Answer, Item
from lineage.store.database import OLDEST_SQLITE, driver, sqlite_version
from lineage.workspace import Workspace

_WINDOW = (
    "import sys\n"
    "from PySide6.QtCore import qVersion\n"
    "from PySide6.QtGui import QFontDatabase, QImage, QPainter, QPen\n"
    "from PySide6.QtWidgets import QApplication\n"
    "application = QApplication([])\n"
    "image = QImage(8, 8, QImage.Format.Format_RGB32)\n"
    "painter = QPainter(image)\n"
    "pen = QPen()\n"
    "before = sys.getrefcount(None)\n"
    "for _ in range(1000): painter.setPen(pen)\n"
    "lost = before - sys.getrefcount(None)\n"
    "painter.end()\n"
    "assert lost < 100 or sys.version_info >= (3, 12), f'Qt loses {lost} references in 1000 calls'\n"
    "assert QFontDatabase.families(), 'no font is installed'\n"
    "print(qVersion(), application.platformName(), len(QFontDatabase.families()), 'font families')\n"
)


def self_test() -> Answer:
    """Try every part; each item says whether it passed and what was seen."""
    items = [
        _tried("python", _python),
        _tried("sqlite", _sqlite),
        _tried("window", _window),
        _tried("workspace", _workspace),
    ]
    return Answer(items, len(items))


def _tried(part: str, attempt: Callable[[], str]) -> Item:
    try:
        return {"part": part, "passed": True, "seen": attempt(), "evidence": []}
    except (
        ModelTrailError,
        ImportError,
        OSError,
        subprocess.SubprocessError,
        ValueError,
        AssertionError,
    ) as error:
        return {"part": part, "passed": False, "seen": f"{type(error).__name__}: {error}", "evidence": []}


def _python() -> str:
    return f"ModelTrail {__version__} on Python {platform.python_version()}, {platform.platform()}"


def _sqlite() -> str:
    if driver().sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise ImportError(
            f"SQLite {sqlite_version()} is older than {oldest} and can lose data; install pysqlite3 beside ModelTrail"
        )
    return f"SQLite {sqlite_version()} by {driver().__name__}"


def _window() -> str:
    environment = {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}
    done = subprocess.run(
        [sys.executable, "-c", _WINDOW],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise ImportError(
            done.stderr.strip().rpartition("\n")[2] or f"the window ended with {done.returncode}"
        )
    return f"Qt {done.stdout.strip()}"


def _event(state: str, minute: int) -> str:
    event = {
        "eventType": state,
        "eventTime": f"2026-01-01T00:{minute:02d}:00Z",
        "producer": "urn:modeltrail:self-test",
        "run": {"runId": "01890000-0000-7000-8000-000000000001"},
        "job": {"namespace": "self-test", "name": "copy"},
        "inputs": [{"namespace": "file", "name": "/self-test/in"}],
        "outputs": [{"namespace": "file", "name": "/self-test/out"}],
    }
    return json.dumps(event)


def _workspace() -> str:
    with tempfile.TemporaryDirectory(prefix="modeltrail-") as folder:
        place = Path(folder)
        source = place / "events.ndjson"
        source.write_text(_event("START", 0) + "\n" + _event("COMPLETE", 1) + "\n", "utf-8")
        with Workspace.open(place / "self-test.trail") as workspace:
            workspace.import_([source])
            reached = workspace.trace("/self-test/in", down=9).items[0]["nodes"]
            if len(reached) != 3:
                raise ValueError(f"lineage of three things shows {len(reached)}")
            before = workspace.digest().items[0]["digest"]
            after = workspace.rebuild().items[0]["digest"]
            if before != after:
                raise ValueError("making everything again gave another digest")
            written = workspace.report("deployments", place / "report").total
        return f"imported, traced, rebuilt to the same digest, {written} report files written"
