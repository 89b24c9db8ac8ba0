"""Does this pair of Python and PySide6 keep its references?

PySide6 6.12.0 below Python 3.12 drops one reference to True or None with each call into Python, until the process
aborts. A short run does not show it, so it is looked for here, in a process of its own.
"""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="None and True are immortal from Python 3.12 on"
)

# Counting itself holds a few references.
NOISE = 20
SIGNALS = """
import json, sys
from PySide6.QtCore import QCoreApplication, QObject, Signal

class Bell(QObject):
    rang = Signal(bool, object)

app = QCoreApplication([])
bell, heard = Bell(), []
bell.rang.connect(lambda flag, nothing: heard.append(1))
before = [sys.getrefcount(True), sys.getrefcount(None)]
for _ in range(10_000):
    bell.rang.emit(True, None)
after = [sys.getrefcount(True), sys.getrefcount(None)]
print(json.dumps([len(heard), before, after]))
"""
PENS = """
import json, sys
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPen

app = QGuiApplication([])
image = QImage(8, 8, QImage.Format.Format_ARGB32)
painter, pen = QPainter(image), QPen(QColor("red"))
before = [sys.getrefcount(True), sys.getrefcount(None)]
for _ in range(1_000):
    painter.setPen(pen)
after = [sys.getrefcount(True), sys.getrefcount(None)]
painter.end()
print(json.dumps([1_000, before, after]))
"""


@pytest.mark.parametrize(("script", "times"), [(SIGNALS, 10_000), (PENS, 1_000)], ids=["signals", "pens"])
def test_calls_between_qt_and_python_keep_the_references_to_none_and_true(script, times):
    """Thousands of calls change no count by more than the counting does."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    count, before, after = json.loads(done.stdout)
    assert count == times
    assert after == pytest.approx(before, abs=NOISE)
