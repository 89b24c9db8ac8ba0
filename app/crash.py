"""What happens when something goes wrong? The user's world gets one line, our own mistakes a report that can be copied.

Nothing is ever sent by itself.
"""

from __future__ import annotations

import faulthandler
import platform
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import TextIO

from PySide6.QtCore import QCoreApplication, QObject, QStandardPaths, Qt, Signal, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from lineage import __version__
from lineage.errors import CancelledError, UserError


class Reporter(QObject):
    """Receives every error of every thread and shows it in the main thread.

    Signals:
        complained: with a `UserError`, to be shown as one line.
        _broke: with any other exception, from whatever thread it was in.
    """

    complained = Signal(object)
    _broke = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shown: CrashDialog | None = None
        self._broke.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def tell(self, error: BaseException) -> None:
        """Show `error` as what it is; may be called from any thread."""
        self._broke.emit(error)

    def install(self) -> None:
        """Receive what nobody caught, in every thread."""
        sys.excepthook = self._uncaught
        threading.excepthook = lambda caught: self.tell(caught.exc_value or caught.exc_type())

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QCoreApplication.quit()
            return
        self.tell(error.with_traceback(trace))

    @Slot(object)
    def _show(self, error: BaseException) -> None:
        if isinstance(error, CancelledError):
            return
        if isinstance(error, UserError):
            self.complained.emit(error)
            return
        text = report(error)
        print(text, file=sys.stderr)  # noqa: T201 - whoever started it from a terminal looks there
        if self._shown is not None and self._shown.isVisible():
            self._shown.add(text)
            return
        self._shown = CrashDialog(text, QApplication.activeWindow())
        self._shown.open()


def report(error: BaseException) -> str:
    """Return what is needed to find our mistake: versions and where it happened; no data of the workspace."""
    trace = "".join(traceback.format_exception(error))
    versions = f"ModelTrail {__version__}, Python {platform.python_version()}, {platform.platform()}"
    return f"{versions}, {QGuiApplication.platformName()}\n\n{trace}"


class CrashDialog(QDialog):
    """Says that we made a mistake, with a text that can be copied."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("A mistake in ModelTrail")
        says = QLabel(
            "The program made a mistake. Your workspace is safe: what was imported is written, and can be rebuilt. "
            "Copy this report into an issue; look through it first, it may name files of yours.",
            self,
        )
        says.setTextFormat(Qt.TextFormat.PlainText)
        says.setWordWrap(True)
        self.text = QPlainTextEdit(text, self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Report of the mistake")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        copy = buttons.addButton("&Copy the report", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(says)
        column.addWidget(self.text, 1)
        column.addWidget(buttons)
        self.resize(760, 420)

    def add(self, text: str) -> None:
        """Add another report below."""
        self.text.appendPlainText(f"\n{text}")


class FaultFile:
    """Where the interpreter writes what it was doing when it died; read at the next start."""

    def __init__(self, folder: Path | None = None) -> None:
        place = folder or Path(
            QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation)
        )
        self.path = place / "fault.txt"
        self._file: TextIO | None = None

    def take(self) -> str:
        """Return what the previous run left, and forget it; empty when it ended well."""
        try:
            text = self.path.read_text("utf-8", "replace").strip()
            self.path.unlink()
        except OSError:
            return ""
        return text

    def arm(self) -> None:
        """Let the interpreter write there from now on; without a place to write it does not."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8")
        except OSError:
            return
        faulthandler.enable(self._file)

    def disarm(self) -> None:
        """The run ended well: leave nothing behind."""
        if self._file is None:
            return
        faulthandler.disable()
        self._file.close()
        self._file = None
        self.path.unlink(missing_ok=True)
