"""At which dates is everything shown: as it was (valid time), and as it was known (recorded time)?"""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import QDateTime, Qt, QTimeZone, Signal
from PySide6.QtWidgets import QCheckBox, QDateTimeEdit, QHBoxLayout, QLabel, QWidget

from app.session import Dates
from lineage.clock import now

FORMAT = "yyyy-MM-dd HH:mm 'UTC'"


class AsOfBar(QWidget):
    """Two dates that stand above every place; both off = now, with all that is known.

    Signals:
        chosen: with the `Dates`, when the person changed one.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.as_of, self.as_of_date = self._pair(
            "As of", "Show everything as it was at this moment", "As-of date, UTC"
        )
        self.known_at, self.known_at_date = self._pair(
            "Known at", "Leave out what was imported after this moment", "Known-at date, UTC"
        )
        self._note = QLabel("Shown as of now", self)
        self._note.setTextFormat(Qt.TextFormat.PlainText)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(6)
        row.addWidget(self._note)
        row.addSpacing(8)
        for part in (self.as_of, self.as_of_date):
            row.addWidget(part)
        row.addSpacing(8)
        for part in (self.known_at, self.known_at_date):
            row.addWidget(part)
        self._tell()

    def dates(self) -> Dates:
        """Return the dates that are set."""
        return Dates(
            _iso(self.as_of_date) if self.as_of.isChecked() else None,
            _iso(self.known_at_date) if self.known_at.isChecked() else None,
        )

    def show_dates(self, dates: Dates) -> None:
        """Show these dates without telling anybody."""
        for box, edit, text in (
            (self.as_of, self.as_of_date, dates.as_of),
            (self.known_at, self.known_at_date, dates.known_at),
        ):
            box.blockSignals(True)
            edit.blockSignals(True)
            box.setChecked(text is not None)
            if text is not None:
                seconds = int(datetime.fromisoformat(text).timestamp())
                edit.setDateTime(
                    QDateTime.fromSecsSinceEpoch(seconds, QTimeZone(QTimeZone.Initialization.UTC))
                )
            box.blockSignals(False)
            edit.blockSignals(False)
        self._tell(emit=False)

    def set_as_of(self) -> None:
        """Turn the as-of date on and go to it."""
        self.as_of.setChecked(True)
        self.as_of_date.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def set_known_at(self) -> None:
        """Turn the known-at date on and go to it."""
        self.known_at.setChecked(True)
        self.known_at_date.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _pair(self, text: str, tip: str, name: str) -> tuple[QCheckBox, QDateTimeEdit]:
        box = QCheckBox(text, self)
        box.setToolTip(tip)
        edit = QDateTimeEdit(self)
        edit.setTimeZone(QTimeZone(QTimeZone.Initialization.UTC))
        edit.setDisplayFormat(FORMAT)
        edit.setCalendarPopup(True)
        edit.setKeyboardTracking(False)
        edit.setAccessibleName(name)
        edit.setToolTip(tip)
        moment = datetime.fromtimestamp(now() / 1e6, UTC).replace(second=0, microsecond=0)
        edit.setDateTime(
            QDateTime.fromSecsSinceEpoch(int(moment.timestamp()), QTimeZone(QTimeZone.Initialization.UTC))
        )
        edit.hide()
        box.toggled.connect(self._tell)
        edit.dateTimeChanged.connect(lambda _: self._tell())
        return box, edit

    def _tell(self, _on: bool = False, *, emit: bool = True) -> None:
        self.as_of_date.setVisible(self.as_of.isChecked())
        self.known_at_date.setVisible(self.known_at.isChecked())
        self._note.setVisible(not self.as_of.isChecked() and not self.known_at.isChecked())
        if emit:
            self.chosen.emit(self.dates())


def _iso(edit: QDateTimeEdit) -> str:
    return datetime.fromtimestamp(edit.dateTime().toSecsSinceEpoch(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
