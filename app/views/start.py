"""What can be done when no workspace is open? Drop files, open one, or look at the sample company."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

PURPOSE = "Who deployed which model, when, under which SLA, and what stands behind it."


class DropArea(QFrame):
    """The field with the dashed edge that says that files can be dropped."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = _label("Drop files or folders anywhere in this window", self)
        font = title.font()
        font.setWeight(font.Weight.DemiBold)
        title.setFont(font)
        text = _label(
            "MLflow stores, OpenLineage events, Kubernetes audit logs and dumps, OpenSLO and data contracts, people "
            "lists. What was recognised is shown before anything is read; your files are never changed.",
            self,
        )
        text.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(6)
        column.addWidget(title)
        column.addWidget(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self.palette().color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(QPen(colour, 1.5, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), 8, 8)
        painter.end()


class StartPage(QWidget):
    """The first page.

    Signals:
        wanted: with the path of the recent workspace that was chosen.
        forget: with the path of one to take out of the list.
    """

    wanted = Signal(str)
    forget = Signal(str)

    def __init__(self, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Start")
        name = _label("ModelTrail", self)
        font = name.font()
        font.setPointSizeF(font.pointSizeF() * 2)
        font.setWeight(font.Weight.DemiBold)
        name.setFont(font)
        self._says = _label(
            "Who deployed which model, when, under which SLA, and what stands behind it.", self
        )
        self._says.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        self.buttons = [self._button(action) for action in actions]
        for button in self.buttons:
            buttons.addWidget(button)
        buttons.addStretch(1)
        self._title = _label("Recent workspaces", self)
        bold = self._title.font()
        bold.setWeight(bold.Weight.DemiBold)
        self._title.setFont(bold)
        self.recent = QListWidget(self)
        self.recent.setAccessibleName("Recent workspaces")
        self.recent.setSpacing(3)
        self.recent.setFrameShape(QFrame.Shape.NoFrame)
        self.recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.recent.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.recent.setAutoFillBackground(False)
        self.recent.viewport().setAutoFillBackground(False)
        self.recent.itemActivated.connect(lambda item: self.wanted.emit(item.data(Qt.ItemDataRole.UserRole)))
        self.recent.itemClicked.connect(lambda item: self.wanted.emit(item.data(Qt.ItemDataRole.UserRole)))
        middle = QWidget(self)
        middle.setMaximumWidth(720)
        column = QVBoxLayout(middle)
        column.setSpacing(10)
        column.addStretch(1)
        column.addWidget(name)
        column.addWidget(self._says)
        column.addSpacing(10)
        column.addLayout(buttons)
        column.addSpacing(10)
        column.addWidget(DropArea(middle))
        column.addSpacing(14)
        column.addWidget(self._title)
        column.addWidget(self.recent, 2)
        column.addStretch(1)
        row = QHBoxLayout(self)
        row.addStretch(1)
        row.addWidget(middle, 6)
        row.addStretch(1)

    def _button(self, action: QAction) -> QPushButton:
        button = QPushButton(self)
        button.setMinimumHeight(button.fontMetrics().height() + 18)
        button.clicked.connect(action.trigger)
        button.setToolTip(action.toolTip())

        def dress() -> None:
            # An ellipsis on a large button would only be noise: what it asks is seen at once.
            button.setText(f" {action.text().replace('&', '').rstrip('…')} ")
            button.setIcon(action.icon())

        action.changed.connect(dress)
        dress()
        return button

    def say(self, text: str) -> None:
        """Say what is going on instead of what the program is for."""
        self._says.setText(text)

    def show_recent(self, paths: Sequence[str]) -> None:
        """List the workspaces opened last; those that are gone are marked as such."""
        self.recent.clear()
        for path in paths:
            here = Path(path).exists()
            item = QListWidgetItem(
                f"{Path(path).name}    {Path(path).parent}" + ("" if here else "    (not there)")
            )
            item.setData(Qt.ItemDataRole.UserRole, path)
            item.setToolTip(path if "<" not in path else "")
            self.recent.addItem(item)
        self._title.setVisible(bool(paths))
        self.recent.setVisible(bool(paths))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange:
            self.update()


def _label(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
