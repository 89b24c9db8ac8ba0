"""Which record says so? The raw bytes, where they lie, and their SHA-256."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QFontDatabase,
    QGuiApplication,
    QPalette,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.models.wording import Item, place_of, plain, size, when

if TYPE_CHECKING:
    from app.session import Session

SHOWN_BYTES = 2_000_000
"""Longer records are shown up to here, with a line that says so; the copy of the place leads to all of it."""
MOST_MARKS = 200
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


class EvidenceDrawer(QWidget):
    """The record behind the chosen line.

    Signals:
        shown: true when a record is shown, false when none is.
        told: with a sentence for the status bar.
    """

    shown = Signal(bool)
    told = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._references: list[Item] = []
        self._record: Item = {}
        self._sought: list[str] = []
        self.setAccessibleName("Evidence")
        self._title = _label("Evidence", self)
        font = self._title.font()
        font.setWeight(font.Weight.DemiBold)
        self._title.setFont(font)
        self.choice = QComboBox(self)
        self.choice.setAccessibleName("Record")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.currentIndexChanged.connect(self._fetch)
        self.raw = QCheckBox("&Raw", self)
        self.raw.setToolTip("Show the record exactly as it lies in the file")
        self.raw.toggled.connect(lambda _: self._write())
        self.place = _label("", self)
        self.place.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.place.setWordWrap(True)
        # A line and not a label: 64 characters must not decide how narrow the dock can be.
        self.hash = QLineEdit(self)
        self.hash.setReadOnly(True)
        self.hash.setFrame(False)
        self.hash.setAccessibleName("SHA-256 of the record")
        self.hash.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Raw record")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        top = QHBoxLayout()
        top.addWidget(self._title)
        top.addWidget(self.choice, 1)
        top.addStretch()
        top.addWidget(self.raw)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self.place)
        column.addWidget(self.hash)
        column.addWidget(self.text, 1)
        self.show_references([])

    @property
    def record(self) -> Item:
        """The record shown; empty when none is."""
        return self._record

    def show_references(self, references: Sequence[Item], sought: Sequence[str] = ()) -> None:
        """Offer these records and show the first; `sought` are texts to be marked in it."""
        self._sought = [text for text in sought if len(text) > 1]
        same = [part.get("record") for part in references] == [
            part.get("record") for part in self._references
        ]
        self._references = list(references)
        if same and references:
            self._mark()
            return
        self.choice.blockSignals(True)
        self.choice.clear()
        for reference in references:
            self.choice.addItem(place_of(reference))
        self.choice.blockSignals(False)
        self.choice.setVisible(len(references) > 1)
        self._title.setText(f"Evidence ({len(references)})" if len(references) > 1 else "Evidence")
        if references:
            self._fetch(0)
        else:
            self._show({})

    def focus_record(self) -> None:
        """Go to the text of the record."""
        self.text.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def copy_hash(self) -> None:
        """Put the SHA-256 of the record on the clipboard."""
        QGuiApplication.clipboard().setText(str(self._record.get("sha256", "")))
        self.told.emit("Copied the SHA-256 of the record")

    def copy_place(self) -> None:
        """Put file, line and offset of the record on the clipboard."""
        QGuiApplication.clipboard().setText(place_of(self._record))
        self.told.emit("Copied the place of the record")

    def _fetch(self, place: int) -> None:
        if not 0 <= place < len(self._references):
            return
        seq = self._references[place].get("record")
        if not isinstance(seq, int):
            self._show({})
            return
        self._session.ask(self, lambda workspace: workspace.record(seq), self._show, key="record")

    def _show(self, record: Item) -> None:
        self._record = record
        if not record:
            self.place.setText("")
            self.hash.setText("")
            self.text.setPlaceholderText("Choose a line above: the record that says so is shown here.")
            self.text.setPlainText("")
            self.raw.setEnabled(False)
            self.place.hide()
            self.hash.hide()
            self.shown.emit(False)
            return
        self.place.show()
        self.hash.show()
        words = [place_of(record), size(record.get("length")), plain(record.get("source"))]
        if record.get("imported_at"):
            words.append(f"imported {when(record['imported_at'])} UTC")
        self.place.setText(" · ".join(word for word in words if word))
        self.hash.setText(f"SHA-256 {plain(record.get('sha256'))}")
        self.hash.setToolTip(str(record.get("sha256") or ""))
        self.hash.setCursorPosition(0)
        self.raw.setEnabled(True)
        self._write()
        self.shown.emit(True)

    def _write(self) -> None:
        text = self._record.get("text")
        if text is None:
            text = self._record.get("hex") or ""
        elif not self.raw.isChecked():
            text = pretty(text)
        if len(text) > SHOWN_BYTES:
            text = f"{text[:SHOWN_BYTES]}\n… the first {SHOWN_BYTES:,} of {len(text):,} characters are shown"
        self.text.setPlainText(_visible(text))
        self._mark()

    def _mark(self) -> None:
        marks: list[QTextEdit.ExtraSelection] = []
        style = QTextCharFormat()
        palette = self.text.palette()
        style.setBackground(palette.color(QPalette.ColorRole.Highlight))
        style.setForeground(palette.color(QPalette.ColorRole.HighlightedText))
        document = self.text.document()
        first: QTextCursor | None = None
        for sought in self._sought:
            cursor = document.find(sought, 0, QTextDocument.FindFlag.FindCaseSensitively)
            while not cursor.isNull() and len(marks) < MOST_MARKS:
                first = first or QTextCursor(cursor)
                mark = QTextEdit.ExtraSelection()
                mark.cursor = cursor
                mark.format = style
                marks.append(mark)
                cursor = document.find(sought, cursor, QTextDocument.FindFlag.FindCaseSensitively)
        self.text.setExtraSelections(marks)
        if first is not None:
            place = QTextCursor(first)
            place.clearSelection()
            self.text.setTextCursor(place)
            self.text.ensureCursorVisible()


def pretty(text: str) -> str:
    """Return JSON with one value a line: only the spaces between values change; other text as it stands.

    >>> print(pretty('{"b":1.50,"a":[]}'))
    {
      "b": 1.50,
      "a": []
    }
    """
    if text[:1] not in {"{", "["}:
        return text
    out: list[str] = []
    depth = 0
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece in {"}", "]"}:
            depth = max(0, depth - 1)
            out.append(piece if out and out[-1] in {"{", "["} else f"\n{'  ' * depth}{piece}")
            continue
        if out and out[-1] in {"{", "[", ","}:
            out.append("\n" + "  " * depth)
        out.append(": " if piece == ":" else piece)
        depth += piece in {"{", "["}
    return "".join(out)


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    from lineage.text import display_text

    return "\n".join(display_text(part.replace("\t", "    "), SHOWN_BYTES) for part in text.split("\n"))


def _label(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
