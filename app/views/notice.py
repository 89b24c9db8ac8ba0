"""What does the window have to say that needs no answer? One line above the place, with at most one thing to do."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QIcon
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget


class NoticeBar(QFrame):
    """A line that comes and goes without stopping anybody."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self._sign = QLabel(self)
        self._sign.setTextFormat(Qt.TextFormat.PlainText)
        self._text = QLabel(self)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._text.setAccessibleName("Notice")
        self._act = QPushButton(self)
        self._act.hide()
        self._call: Callable[[], object] | None = None
        self._act.clicked.connect(self._do)
        self._close = QToolButton(self)
        self._close.setAutoRaise(True)
        self._close.setText("Dismiss")
        self._close.setAccessibleName("Dismiss the notice")
        self._close.setToolTip("Dismiss")
        self._close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 6, 6)
        row.setSpacing(8)
        row.addWidget(self._sign)
        row.addWidget(self._text, 1)
        row.addWidget(self._act)
        row.addWidget(self._close)
        self.hide()

    @property
    def text(self) -> str:
        """What is said at the moment; empty when nothing is."""
        return self._text.text() if not self.isHidden() else ""

    def dress(self, close: QIcon) -> None:
        """Give the close button its icon."""
        self._close.setIcon(close)

    def say(
        self, text: str, sign: QIcon | None = None, act: str = "", call: Callable[[], object] | None = None
    ) -> None:
        """Show `text`, until it is dismissed or replaced; `act` names the button that calls `call`."""
        self._text.setText(text)
        self._sign.setVisible(sign is not None)
        if sign is not None:
            self._sign.setPixmap(sign.pixmap(QSize(16, 16), self.devicePixelRatioF()))
        self._call = call
        self._act.setText(act)
        self._act.setVisible(bool(act))
        self.show()
        event = QAccessibleAnnouncementEvent(self, text)
        QAccessible.updateAccessibility(event)

    def _do(self) -> None:
        self.hide()
        if self._call is not None:
            self._call()
