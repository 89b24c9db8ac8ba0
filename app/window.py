"""The window: which place is shown, what stands around it, and who tells whom?

Until a workspace is open there is only the start page; places and docks are made when the first one opens, after the
first paint. They do not know each other: this module connects them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeySequence,
    QUndoStack,
)
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QMenu,
    QMessageBox,
    QSizePolicy,
    QStackedWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.actions import Board
from app.errands import Errands
from app.models import look
from app.session import Dates, Session
from app.settings import STATE_VERSION, Settings
from app.status import StatusBar
from app.tasks import Tasks
from app.views.notice import NoticeBar
from app.views.start import PURPOSE, StartPage

if TYPE_CHECKING:
    from app.furniture import Furniture

TITLE = "ModelTrail"
STEPS = 200
"""How many steps in the lineage can be taken back."""


class MainWindow(QMainWindow):
    """The main window.

    Signals:
        furnished: places and docks exist.
    """

    furnished = Signal()

    def __init__(self, settings: Settings, tasks: Tasks) -> None:
        super().__init__()
        self.settings = settings
        self.tasks = tasks
        self.session = Session(tasks, self)
        self.steps = QUndoStack(self)
        self.steps.setUndoLimit(STEPS)
        self.parts: Furniture | None = None
        self._first_state = QByteArray()
        self._go: QToolButton | None = None
        self.setWindowTitle(TITLE)
        self.setAcceptDrops(True)
        self.resize(1280, 820)
        self.board = Board(self)
        self.board.provide("window", self)
        self.board.fill(self.menuBar())
        self._recent = QMenu("Open &recent", self)
        self._recent.aboutToShow.connect(self._fill_recent)
        files = self.board.menu("File")
        files.insertMenu(self.board["file.sample"], self._recent)
        self.errands = Errands(self, self.session, settings)
        self.board.provide("errands", self.errands)
        self.board.provide("steps", self.steps)
        self.board.provide("help", Help(self))
        self.notice = NoticeBar(self)
        self.start = StartPage([self.board[name] for name in ("file.sample", "file.open", "file.new")], self)
        self.start.show_recent(settings.recent())
        self.start.wanted.connect(self.errands.open_path)
        self.stack = QStackedWidget(self)
        self.stack.addWidget(self.start)
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notice)
        column.addWidget(self.stack, 1)
        self.setCentralWidget(middle)
        self.status = StatusBar(self.board["file.cancel_import"], self)
        self.setStatusBar(self.status)
        self.bar = self._make_bar()
        self.bar.hide()
        self.board.switch(f"theme.{settings.theme}", True)
        self.board.switch("view.compact", settings.compact)
        self._connect()
        geometry, _ = settings.arrangement()
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        self._update()
        QTimer.singleShot(0, self._dress)

    def open_palette(self) -> None:
        """Find a command or a thing by letters."""
        self._open_palette(things=False)

    def go_to(self) -> None:
        """Find a thing by letters."""
        self._open_palette(things=True)

    def back_to_now(self) -> None:
        """Show everything as it is, with all that is known."""
        self.session.look_at(Dates())

    def set_compact(self, on: bool) -> None:
        """Show more rows on a screen, or fewer."""
        self.settings.compact = on
        if self.parts is not None:
            self.parts.register.set_compact(on)

    def theme_system(self, _on: bool = True) -> None:
        """Light or dark as the system says."""
        self._set_theme("system")

    def theme_light(self, _on: bool = True) -> None:
        """Always light."""
        self._set_theme("light")

    def theme_dark(self, _on: bool = True) -> None:
        """Always dark."""
        self._set_theme("dark")

    def full_screen(self, on: bool) -> None:
        """Fill the screen, or do not."""
        if on:
            self.showFullScreen()
        else:
            self.showNormal()

    def reset_layout(self) -> None:
        """Put every dock and toolbar back."""
        self.restoreState(self._first_state, STATE_VERSION)
        self.bar.show()
        self.status.say("The layout is as it was at first")

    def quit(self) -> None:
        """Leave; everything is already saved."""
        self.close()

    def complain(self, error: BaseException) -> None:
        """Say in one line what stands in the way in the user's world."""
        text = str(error)
        self.notice.say(text[:1].upper() + text[1:], look.icon("circle-alert"))

    def tell(self, text: str, act: str = "", call: Any = None) -> None:
        """Say what was done, and what could be done next."""
        if call == "problems" and self.parts is not None:
            call = self.parts.show_problems
        if act:
            self.notice.say(text, look.icon("circle-check"), act, call)
        else:
            self.status.say(text)
            if len(text) > 60:
                self.notice.say(text, look.icon("circle-check"))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            # After the drop has ended, so that the program the files come from is not held up.
            QTimer.singleShot(0, lambda: self.errands.take(paths))

    def closeEvent(self, event: QCloseEvent) -> None:
        self.settings.keep_geometry(self.saveGeometry())
        if self.parts is not None and self.session.is_open:
            self.settings.keep_state(self.saveState(STATE_VERSION))
        self.errands.close()
        self.session.close()
        self.tasks.close()
        self.settings.sync()
        super().closeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.board.switch("view.full_screen", self.isFullScreen())

    def _connect(self) -> None:
        self.session.opened.connect(self._opened)
        self.session.closed.connect(self._closed)
        self.session.refused.connect(self._refused)
        self.session.changed.connect(self._refresh)
        self.errands.progress.connect(self._show_progress)
        self.errands.idle.connect(self._idle)
        self.errands.told.connect(self.tell)
        self.errands.complained.connect(self.complain)
        self.errands.broke.connect(self.tasks.fail)
        self.steps.indexChanged.connect(lambda _: self._update())
        QApplication.clipboard()
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._scheme_changed)

    def _make_bar(self) -> QToolBar:
        bar = QToolBar("Places and dates", self)
        bar.setObjectName("places")
        bar.setMovable(False)
        bar.setIconSize(QSize(16, 16))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.addAction(self.board["view.register"])
        bar.addAction(self.board["view.lineage"])
        bar.addSeparator()
        self.addToolBar(bar)
        return bar

    def _furnish(self) -> Furniture:
        from app.furniture import Furniture

        parts = Furniture(self, self.session, self.settings, self.steps, self.board)
        parts.changed.connect(self._update)
        parts.told.connect(self.status.say)
        parts.placeWanted.connect(self._show_place)
        parts.commandWanted.connect(self.errands.copy_command)
        parts.countedFindings.connect(self.status.show_findings)
        parts.countedProblems.connect(self.status.show_problems)
        parts.covered.connect(self.status.show_coverage)
        self.status.findingsWanted.connect(parts.show_findings)
        self.status.problemsWanted.connect(parts.show_problems)
        self.status.coverageWanted.connect(parts.show_sources)
        self.errands.register, self.errands.lineage = parts.register, parts.lineage
        for name, part in parts.answering().items():
            self.board.provide(name, part)
        self.stack.addWidget(parts.register)
        self.stack.addWidget(parts.lineage)
        self.bar.addWidget(parts.dates)
        gap = QWidget(self.bar)
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.bar.addWidget(gap)
        action = self.board["view.goto"]
        go = QToolButton(self.bar)
        self._go = go
        go.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        go.setText(f"Go to a thing  {action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)}")
        go.setToolTip(action.statusTip())
        go.clicked.connect(action.trigger)
        self.bar.addWidget(go)
        self.bar.show()
        # A child that takes drops would keep files from the window: a path dropped on the filter is no filter.
        for part in self.findChildren(QWidget):
            if part.acceptDrops():
                part.setAcceptDrops(False)
        self._first_state = self.saveState(STATE_VERSION)
        return parts

    def _opened(self, path: str) -> None:
        if self.parts is None:
            self.parts = self._furnish()
            self._dress()
            self.furnished.emit()
        _, state = self.settings.arrangement()
        self.restoreState(state if not state.isEmpty() else self._first_state, STATE_VERSION)
        self.bar.show()
        self.settings.remember(path)
        self.setWindowFilePath(path)
        self.setWindowTitle(f"{path.rpartition('/')[2]} — {TITLE}")
        self.steps.clear()
        self.parts.dates.show_dates(self.session.dates)
        self._show_place(self.parts.register)
        self._refresh()
        if self.session.note:
            self.notice.say(self.session.note, look.icon("lock"))

    def _closed(self) -> None:
        if self.parts is None:
            return
        self.settings.keep_state(self.saveState(STATE_VERSION))
        self.parts.clear()
        self.steps.clear()
        for dock in self.findChildren(QDockWidget):
            dock.hide()
        self.bar.hide()
        self.status.clear_counts()
        self.setWindowTitle(TITLE)
        self.start.say(PURPOSE)
        self.start.show_recent(self.settings.recent())
        self.stack.setCurrentWidget(self.start)
        self._update()

    def _refused(self, path: str, error: BaseException) -> None:
        from lineage.errors import UserError

        self.start.say(PURPOSE)
        self.start.show_recent(self.settings.recent())
        if isinstance(error, UserError):
            self.complain(error)
        else:
            self.tasks.fail(error)
        self._update()
        del path

    def _refresh(self) -> None:
        if self.parts is None or not self.session.is_open:
            return
        self.parts.dates.show_dates(self.session.dates)
        self.parts.refresh()
        self.session.ask(self, lambda workspace: workspace.counts(), self.status.show_counts, key="counts")
        self._update()

    def _show_place(self, place: QWidget) -> None:
        if self.parts is None:
            return
        self.stack.setCurrentWidget(place)
        self.parts.enter(place)
        name = "register" if place is self.parts.register else "lineage"
        self.board.switch(f"view.{name}", True)
        self._update()

    def _show_progress(self, doing: str, done: Any, total: Any, records: Any, problems: Any) -> None:
        self.status.show_progress(
            doing, int(done or 0), int(total or 0), int(records or 0), int(problems or 0)
        )
        self._update()

    def _idle(self) -> None:
        self.session.hold(False)
        self.status.show_idle()
        self._update()

    def _update(self) -> None:
        states = set()
        if self.session.is_open:
            states.add("open")
            if not self.errands.busy:
                states.add("idle")
            if self.session.dates.past:
                states.add("past")
            if self.parts is not None:
                states |= self.parts.states()
            if self.steps.canUndo():
                states.add("undo")
            if self.steps.canRedo():
                states.add("redo")
        if self.errands.importing:
            states.add("importing")
        self.board.allow(states)

    def _open_palette(self, *, things: bool) -> None:
        from app.dialogs.palette import Palette

        palette = Palette(self.board, self.session, things=things, parent=self)
        if self.parts is not None:
            palette.went.connect(self.parts.go_to)
        palette.move(self.mapToGlobal(self.rect().center()) - palette.rect().center())
        palette.open()

    def _fill_recent(self) -> None:
        self._recent.clear()
        paths = self.settings.recent()
        for path in paths:
            action = QAction(path.replace("&", "&&"), self._recent)
            action.triggered.connect(lambda _=False, path=path: self.errands.open_path(path))
            self._recent.addAction(action)
        if paths:
            self._recent.addSeparator()
            self._recent.addAction("&Forget them all").triggered.connect(self._forget)
        else:
            self._recent.addAction("No workspace was opened yet").setEnabled(False)

    def _forget(self) -> None:
        self.settings.forget()
        self.start.show_recent([])

    def _set_theme(self, theme: str) -> None:
        self.settings.theme = theme
        self.board.switch(f"theme.{theme}", True)
        look.use_theme(theme)
        self._scheme_changed()

    def _scheme_changed(self) -> None:
        look.firm_outlines()
        self._dress()
        if self.parts is not None:
            self.parts.dress()

    def _dress(self) -> None:
        self.board.dress(look.icon)
        self.notice.dress(look.icon("x"))
        if self._go is not None:
            self._go.setIcon(look.icon("search"))


class Help(QObject):
    """What the menu Help offers."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def show_keys(self) -> None:
        """List every shortcut."""
        from app.dialogs.texts import KeysDialog

        KeysDialog(self._window.board, self._window).open()

    def show_about(self) -> None:
        """Say what this is, in which versions."""
        from app.dialogs.texts import TextDialog, about

        text = about(self._window.settings.file, self._window.session.path)
        TextDialog("About ModelTrail", PURPOSE, text, self._window).open()

    def show_about_qt(self) -> None:
        """Say what Qt is."""
        QMessageBox.aboutQt(self._window)
