"""How is the workspace doing? Counts, findings, problems, coverage and the progress of what runs, at the lower edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAction
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

STEADY = 10_000
"""Milliseconds a passing sentence stands."""
COUNTED = (("entities", "thing"), ("edges", "edge"), ("runs", "run"), ("episodes", "deployment"))


class StatusBar(QStatusBar):
    """The lower edge of the window.

    Signals:
        findingsWanted, problemsWanted, coverageWanted: a number was clicked.
    """

    findingsWanted = Signal()
    problemsWanted = Signal()
    coverageWanted = Signal()

    def __init__(self, stop: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._doing = QLabel(self)
        self._doing.setTextFormat(Qt.TextFormat.PlainText)
        self._bar = QProgressBar(self)
        self._bar.setMaximumWidth(180)
        self._bar.setMaximumHeight(self.fontMetrics().height())
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        self._stop = QToolButton(self)
        self._stop.setDefaultAction(stop)
        self._stop.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._stop.setText("Stop")
        self._stop.setAutoRaise(True)
        self._counts = QLabel(self)
        self._counts.setTextFormat(Qt.TextFormat.PlainText)
        self.findings = self._button("Findings")
        self.findings.clicked.connect(self.findingsWanted)
        self.problems = self._button("Problems")
        self.problems.clicked.connect(self.problemsWanted)
        self.coverage = self._button("Coverage")
        self.coverage.clicked.connect(self.coverageWanted)
        for part in (
            self._doing,
            self._bar,
            self._stop,
            self._counts,
            self.findings,
            self.problems,
            self.coverage,
        ):
            self.addPermanentWidget(part)
        self.setSizeGripEnabled(False)
        self.clear_counts()
        self.show_idle()

    @property
    def doing(self) -> str:
        """What runs at the moment; empty when nothing does."""
        return self._doing.text() if not self._doing.isHidden() else ""

    def say(self, text: str) -> None:
        """Say something that need not stay."""
        self.showMessage(text, STEADY)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def show_progress(self, doing: str, done: int, total: int, records: int, problems: int) -> None:
        """Show how far the work is; `total` 0 = not known."""
        text = doing
        if records:
            text += f" · {records:,} records"
        if problems:
            text += f" · {problems:,} problems"
        self._doing.setText(self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, 420))
        # QProgressBar counts in 32 bits; bytes of a large file do not fit.
        self._bar.setRange(0, 1000 if total else 0)
        self._bar.setValue(min(1000, done * 1000 // total) if total else -1)
        for part in (self._doing, self._bar, self._stop):
            part.show()

    def show_idle(self) -> None:
        """Nothing runs any more."""
        for part in (self._doing, self._bar, self._stop):
            part.hide()

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Show how much the workspace holds."""
        words = [
            f"{counts[name]:,} {noun}{'' if counts[name] == 1 else 's'}"
            for name, noun in COUNTED
            if counts.get(name)
        ]
        self._counts.setText(" · ".join(words) if words else "The workspace is empty")
        self._counts.show()

    def show_findings(self, count: int) -> None:
        """Show how many findings are open."""
        self.findings.setText(f"{count:,} finding{'' if count == 1 else 's'}")
        self.findings.show()

    def show_problems(self, count: int) -> None:
        """Show how many records could not be read."""
        self.problems.setText(f"{count:,} problem{'' if count == 1 else 's'}")
        self.problems.setVisible(count > 0)

    def show_coverage(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Show from when to when the sources were looked at."""
        first = min((str(item["from"]) for item in items if item.get("from")), default="")
        last = max((str(item["to"]) for item in items if item.get("to")), default="")
        names = {str(item.get("source")) for item in items}
        text = f"{len(names)} source{'' if len(names) == 1 else 's'}"
        self.coverage.setText(f"{text}, {first[:10]} to {last[:10]}" if first and last else text)
        self.coverage.setVisible(bool(items))

    def clear_counts(self) -> None:
        """Show nothing of a workspace: none is open."""
        for part in (self._counts, self.findings, self.problems, self.coverage):
            part.hide()

    def _button(self, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setText(name)
        button.setAccessibleDescription(name)
        button.setToolTip(f"Show the dock {name}")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button
