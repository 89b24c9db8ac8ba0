"""How does the window start? Arguments, errors, theme, window; or one picture without a window."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.crash import CrashDialog, FaultFile, Reporter
from app.models import look
from app.settings import user_settings
from app.tasks import Tasks
from app.window import MainWindow

PLATFORMS = (("wayland", "WAYLAND_DISPLAY"), ("xcb", "DISPLAY"))
"""Tried in this order on Linux when nobody said which, where the session names such a display."""


def arguments() -> argparse.ArgumentParser:
    """Return the reader of the command's words."""
    reader = argparse.ArgumentParser(
        prog="modeltrail-gui", description="Open the window of ModelTrail, or write a picture of the lineage."
    )
    reader.add_argument("paths", nargs="*", metavar="FILE", help="a workspace to open, or files to import")
    reader.add_argument(
        "--picture", metavar="FILE", help="write the lineage of the workspace to a PNG or SVG and leave"
    )
    reader.add_argument("--of", metavar="SELECTOR", default="", help="the thing in the middle of the picture")
    reader.add_argument("--dark", action="store_true", help="draw the picture in the dark colours")
    return reader


def platforms() -> str:
    """Return the platforms for Qt to try; the last one needs no display, so that the program still works."""
    return ";".join([*(name for name, variable in PLATFORMS if os.environ.get(variable)), "offscreen"])


def make_application() -> QApplication:
    """Return the application object, with its name and its theme."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    if sys.platform.startswith("linux"):
        os.environ.setdefault("QT_QPA_PLATFORM", platforms())
    QApplication.setOrganizationName("ModelTrail")
    QApplication.setApplicationName("ModelTrail")
    QGuiApplication.setDesktopFileName("modeltrail")
    QApplication.setStyle("Fusion")
    application = QApplication(sys.argv[:1])
    application.setApplicationDisplayName("ModelTrail")
    return application


def main(words: Sequence[str] | None = None) -> int:
    """Open the window, or write the picture; returns the exit status."""
    asked = arguments().parse_args(sys.argv[1:] if words is None else list(words))
    if asked.picture:
        # A picture needs no screen, and must not depend on the one that happens to be there.
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    # Qt's loop runs outside Python, which would never notice Ctrl+C; nothing is lost by ending at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    application = make_application()
    if asked.picture:
        from app.picture import write

        return write(asked.paths[0] if asked.paths else "", asked.picture, asked.of, dark=asked.dark)
    settings = user_settings()
    look.use_theme(settings.theme)
    reporter = Reporter()
    reporter.install()
    fault = FaultFile()
    before = fault.take()
    fault.arm()
    window = MainWindow(settings, Tasks(reporter.tell))
    reporter.complained.connect(window.complain)
    window.show()
    paths = [str(Path(path).resolve()) for path in asked.paths]
    if paths:
        window.start.say(f"Opening {Path(paths[0]).name} …")
        QTimer.singleShot(0, lambda: window.errands.take(paths))
    if before:
        QTimer.singleShot(0, lambda: CrashDialog(before, window).open())
    status = application.exec()
    fault.disarm()
    return status
