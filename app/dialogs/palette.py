"""Where is that command, where is that thing? A few letters find both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QIcon, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.actions import Action, Board
from app.actions import plain as without_mnemonic
from app.models.columns import kind_icon, kind_word, name_of
from app.models.look import icon
from app.models.wording import Item

if TYPE_CHECKING:
    from app.session import Session
    from lineage.model.answer import Answer

SHOWN = 60
TYPING = 120
ENOUGH = 0.75
"""Commands that match less well are left out."""
NAVIGATION = {Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp}


@dataclass(frozen=True, slots=True)
class Match:
    """A command found by letters; a greater `score` is the better match."""

    score: float
    entry: Action


def score(letters: str, text: str) -> float:
    """Return how well `letters` find `text`: 0 = not at all; starts of words and letters side by side count more.

    >>> score("reg", "Register") > score("reg", "Remove a group") > score("xyz", "Register") == 0
    True
    """
    wanted, there = letters.casefold().replace(" ", ""), text.casefold()
    if not wanted:
        return 1.0
    place, points, last = 0, 0.0, -2
    for letter in wanted:
        starts = [
            i
            for i in range(place, len(there))
            if there[i] == letter and (i == 0 or not there[i - 1].isalnum())
        ]
        beside = there.startswith(letter, place) and place == last + 1
        found = place if beside else (starts[0] if starts else there.find(letter, place))
        if found < 0:
            return 0.0
        points += 3 if beside else 2 if found in starts else 1
        last, place = found, found + 1
    if wanted in there.replace(" ", ""):
        points += 2 * len(wanted)
    return points / (3 * len(wanted)) + 1 / (10 + len(there))


class Palette(QDialog):
    """One line, and below it the commands and things that its letters find.

    Signals:
        went: with the thing that was chosen.
    """

    went = Signal(object)

    def __init__(
        self, board: Board, session: Session, *, things: bool = False, parent: QWidget | None = None
    ) -> None:
        """`things` = only things, no commands."""
        super().__init__(parent)
        self.setWindowTitle("Go to a thing" if things else "Command palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._board, self._session, self._only_things = board, session, things
        self._found: Sequence[Item] = ()
        self.line = QLineEdit(self)
        self.line.setPlaceholderText(
            "Name of a dataset, model, target, run or person"
            if things
            else "Type a command, or the name of a thing"
        )
        self.line.setAccessibleName(self.windowTitle())
        self.line.setClearButtonEnabled(True)
        self.line.installEventFilter(self)
        self.list = QListWidget(self)
        self.list.setAccessibleName("Found")
        self.list.setIconSize(QSize(16, 16))
        self.list.setUniformItemSizes(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(self._do)
        self._hint = QLabel(self)
        self._hint.setTextFormat(Qt.TextFormat.PlainText)
        self._hint.setForegroundRole(self._hint.palette().ColorRole.PlaceholderText)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.line)
        column.addWidget(self.list, 1)
        column.addWidget(self._hint)
        self.resize(640, 420)
        self._typing = QTimer(self, singleShot=True, interval=TYPING)
        self._typing.timeout.connect(self._search)
        self.line.textChanged.connect(self._typed)
        self._typed("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in NAVIGATION:
                self.list.keyPressEvent(event)
                return True
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                self._do(self.list.currentItem())
                return True
        return super().eventFilter(watched, event)

    def texts(self) -> list[str]:
        """Return what is listed, for tests and screen readers."""
        return [self.list.item(row).text() for row in range(self.list.count())]

    def _typed(self, text: str) -> None:
        self._found = ()
        self._fill()
        if len(text.strip()) > 1 and self._session.is_open:
            self._typing.start()
        else:
            self._typing.stop()

    def _search(self) -> None:
        text = self.line.text().strip()
        self._session.ask(self, lambda workspace: workspace.search(text, SHOWN), self._show, key="palette")

    def _show(self, answer: Answer) -> None:
        # A thing is also found by its other names; those that show the letters come first.
        text = self.line.text().strip()
        self._found = sorted(answer.items, key=lambda item: -score(text, name_of(item)))
        self._fill()

    def _fill(self) -> None:
        text = self.line.text().strip()
        self.list.clear()
        if not self._only_things:
            for match in self._commands(text):
                action = self._board[match.entry.id]
                menu = match.entry.menu.replace("&", "").replace("/", " > ")
                keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
                words = f"{menu} > {without_mnemonic(match.entry.text)}" + (f"    {keys}" if keys else "")
                self._add(words, action.icon(), action, enabled=action.isEnabled())
        for item in self._found:
            self._add(f"{name_of(item)}    {kind_word(item)}", icon(kind_icon(item)), item, enabled=True)
        for row in range(self.list.count()):
            if self.list.item(row).flags() & Qt.ItemFlag.ItemIsEnabled:
                self.list.setCurrentRow(row)
                break
        if self.list.count():
            self._hint.setText("Return does it, Esc closes")
        elif len(text) < 2:
            self._hint.setText("Type two letters or more of its name")
        else:
            self._hint.setText("Nothing has these letters in its name")

    def _commands(self, text: str) -> list[Match]:
        matches = []
        for entry in self._board:
            points = max(
                score(text, without_mnemonic(entry.text)), 0.8 * score(text, entry.tip) if text else 0
            )
            if points > (0.75 if text else 0):
                matches.append(Match(points, entry))
        if text:
            matches.sort(key=lambda match: (not self._board[match.entry.id].isEnabled(), -match.score))
        return matches[:SHOWN]

    def _add(self, text: str, sign: QIcon, what: Any, *, enabled: bool) -> None:
        row = QListWidgetItem(sign, text)
        row.setData(Qt.ItemDataRole.UserRole, what)
        if not enabled:
            row.setFlags(row.flags() & ~Qt.ItemFlag.ItemIsEnabled)
        self.list.addItem(row)

    def _do(self, row: QListWidgetItem | None) -> None:
        if row is None or not row.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        what = row.data(Qt.ItemDataRole.UserRole)
        self.accept()
        if isinstance(what, QAction):
            # After the dialog has gone, so that what the action opens gets the focus.
            QTimer.singleShot(0, what.trigger)
        else:
            self.went.emit(what)
