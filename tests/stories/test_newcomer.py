"""A newcomer asks: what does it look like? With a display and without."""

import os
import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtGui import QImage

from app.settings import Settings
from app.tasks import Tasks
from resources.sample import truth

TOP = Path(__file__).resolve().parents[2]


def test_a_picture_of_the_lineage_without_a_display(company, tmp_path):
    """One command writes the deployment with the most behind it."""
    environment = {
        key: value for key, value in os.environ.items() if key not in {"DISPLAY", "QT_QPA_PLATFORM"}
    }
    path = tmp_path / "lineage.png"

    done = subprocess.run(
        [sys.executable, "-m", "app", "--picture", str(path), str(company / "audit.trail")],
        cwd=TOP, env=environment, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    image = QImage(str(path))
    assert image.width() > 1000
    assert f"{image.width()} x {image.height()}" in done.stdout


def test_the_sample_company_opens_from_the_start_page(qtbot, tmp_path, monkeypatch):
    """One button: its files are written and imported, then the register is there; the second time at once."""
    from app.window import MainWindow

    failures, told = [], []
    tasks = Tasks(failures.append)
    window = MainWindow(Settings(QSettings(str(tmp_path / "w.ini"), QSettings.Format.IniFormat)), tasks)
    window.errands.told.connect(lambda text, *_: told.append(text))
    window.show()
    qtbot.waitExposed(window)

    window.start.buttons[0].click()
    qtbot.waitUntil(lambda: window.session.is_open, timeout=120_000)
    qtbot.waitUntil(lambda: not tasks.busy_now, timeout=20_000)
    assert window.parts.register.table.answers.rowCount() == len(truth.deployments())
    assert told[0].startswith("Read ")
    assert "no problems" in told[0]

    window.board["file.close"].trigger()
    qtbot.waitUntil(lambda: not tasks.busy_now, timeout=20_000)
    window.start.buttons[0].click()
    qtbot.waitUntil(lambda: window.session.is_open, timeout=20_000)
    assert not window.errands.importing

    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert failures == []
