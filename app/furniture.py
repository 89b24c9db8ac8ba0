"""Which places and docks stand in the window, and how do they hear of one another?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QApplication, QDockWidget, QLineEdit, QMainWindow, QPlainTextEdit, QWidget

from app.actions import Board
from app.docks.details import DetailsDock
from app.docks.findings import FindingsDock
from app.docks.problems import ProblemsDock
from app.docks.search import SearchDock
from app.docks.sources import SourcesDock
from app.models.columns import name_of
from app.models.things import Subject, selector_of
from app.models.wording import Item
from app.tables import AnswerTable
from app.views.asof import AsOfBar
from app.views.lineage import LineageView
from app.views.register import RegisterView

if TYPE_CHECKING:
    from app.session import Session
    from app.settings import Settings

Area = Qt.DockWidgetArea
DOCKS = (
    ("details", Area.RightDockWidgetArea, True),
    ("search", Area.LeftDockWidgetArea, False),
    ("problems", Area.BottomDockWidgetArea, False),
    ("findings", Area.BottomDockWidgetArea, False),
    ("sources", Area.BottomDockWidgetArea, False),
)
"""Name, side, shown at first."""


class Furniture(QObject):
    """The places and docks of one window.

    Signals:
        changed: what can be done may be different now.
        told: with a sentence for the status bar.
        placeWanted: with the place that shall be shown.
        commandWanted: with the words of a command that shall be copied.
        countedFindings, countedProblems, covered: for the status bar.
    """

    changed = Signal()
    told = Signal(str)
    placeWanted = Signal(QWidget)
    commandWanted = Signal(str)
    countedFindings = Signal(int)
    countedProblems = Signal(int)
    covered = Signal(list)

    def __init__(
        self, window: QMainWindow, session: Session, settings: Settings, steps: QUndoStack, board: Board
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._recorded = False
        self._place: QWidget | None = None
        self.dates = AsOfBar(window)
        self.register = RegisterView(session, settings, window)
        self.lineage = LineageView(session, steps, window)
        self.details = DetailsDock(session, window)
        self.search = SearchDock(session, settings, window)
        self.problems = ProblemsDock(session, settings, window)
        self.findings = FindingsDock(session, settings, window)
        self.sources = SourcesDock(session, settings, window)
        self._docks: dict[str, QDockWidget] = {}
        self._stale: set[str] = set()
        for name, side, shown in DOCKS:
            action = board[f"dock.{name}"]
            dock = QDockWidget(action.text().replace("&", ""), window)
            dock.setObjectName(f"dock.{name}")
            dock.setWidget(getattr(self, name))
            window.addDockWidget(side, dock)
            dock.toggleViewAction().toggled.connect(lambda on, name=name: board.switch(f"dock.{name}", on))
            dock.setVisible(shown)
            board.switch(f"dock.{name}", shown)
            dock.visibilityChanged.connect(lambda on, name=name: self._shown(name, on))
            self._docks[name] = dock
        window.tabifyDockWidget(self._docks["problems"], self._docks["findings"])
        window.tabifyDockWidget(self._docks["findings"], self._docks["sources"])
        window.setCorner(Qt.Corner.BottomRightCorner, Area.RightDockWidgetArea)
        window.setCorner(Qt.Corner.BottomLeftCorner, Area.LeftDockWidgetArea)
        width = window.width()
        window.resizeDocks([self._docks["details"], self._docks["search"]], [width * 3 // 10, width // 5],
                           Qt.Orientation.Horizontal)  # fmt: skip
        self._wire()

    @property
    def command(self) -> str:
        """The words of the command line that give the answer that is shown."""
        return self.lineage.command if self._place is self.lineage else self.register.command

    def answering(self) -> dict[str, QObject]:
        """Return what answers to the action table."""
        return {"parts": self, "register": self.register, "lineage": self.lineage, "details": self.details}

    def dock(self, name: str) -> QDockWidget:
        """Return the dock `name`."""
        return self._docks[name]

    def states(self) -> set[str]:
        """Return what can be done now, in the words of the action table."""
        found = self.lineage.states() if self._place is self.lineage else {"register"}
        subject = self.details.subject
        if subject is not None and subject.selector:
            found.add("selected")
        if subject is not None and (subject.evidence or subject.kind == "entity"):
            found.add("evidence")
        if self._recorded:
            found.add("record")
        return found

    def enter(self, place: QWidget) -> None:
        """The place is shown now: let it have the keyboard and fresh answers."""
        self._place = place
        if place is self.lineage and not self.lineage.looking.selector:
            self.focus_selection()
        if place is self.register:
            item = self.register.table.current_item()
            if item is not None:
                self.details.show_subject(Subject("live" if self.register.live else "deployment", item))
        place.setFocus(Qt.FocusReason.OtherFocusReason)

    def refresh(self) -> None:
        """Ask everything again that can be seen; the rest when it is."""
        self.register.refresh()
        self.lineage.refresh()
        # Their counts stand in the status bar, shown or not.
        self.problems.refresh()
        self.findings.refresh()
        self.sources.refresh()
        if self._docks["search"].isVisible():
            self.search.refresh()
        else:
            self._stale.add("search")
        subject = self.details.subject
        if subject is not None and subject.kind == "entity":
            self.details.refresh()

    def clear(self) -> None:
        """Show nothing: the workspace was closed."""
        for part in (self.register, self.lineage, self.search, self.problems, self.findings, self.sources):
            part.clear()
        self.details.show_subject(None)

    def dress(self) -> None:
        """Draw again in the colours of the theme."""
        for table in self._window.findChildren(AnswerTable):
            table.viewport().update()
        self.details.tree.viewport().update()
        self.lineage.dress()

    def set_compact(self, compact: bool) -> None:
        """Show more rows on a screen, or fewer."""
        self.register.set_compact(compact)

    def show_register(self, _on: bool = True) -> None:
        """Show the place Register."""
        self.placeWanted.emit(self.register)

    def show_lineage(self, _on: bool = True) -> None:
        """Show the place Lineage."""
        self.placeWanted.emit(self.lineage)

    def show_lineage_of_selection(self) -> None:
        """Put what is chosen in the middle of the lineage, and show it."""
        if self.focus_selection():
            self.placeWanted.emit(self.lineage)

    def set_as_of(self) -> None:
        """Turn the as-of date on."""
        self.dates.set_as_of()

    def set_known_at(self) -> None:
        """Turn the known-at date on."""
        self.dates.set_known_at()

    def copy_command(self) -> None:
        """Copy the command line that gives the same answer as the place shown."""
        self.commandWanted.emit(self.command)

    def copy_chosen(self) -> None:
        """Copy what is marked or chosen where the keyboard is; else the chosen rows of the place."""
        focused = QApplication.focusWidget()
        if isinstance(focused, (QLineEdit, QPlainTextEdit)):
            focused.copy()
            return
        part = focused
        while part is not None and part is not self._window:
            if part is self.details:
                self.details.copy()
                return
            if isinstance(part, AnswerTable) and part is not self.register.table:
                part.copy_rows()
                self.told.emit("Copied the rows")
                return
            part = part.parentWidget()
        if self._place is self.lineage:
            self.details.copy()
        else:
            self.register.copy()

    def go_to_filter(self) -> None:
        """Go to the filter of the register or the search of the lineage."""
        if self._place is self.lineage:
            self.lineage.go_to_filter()
        else:
            self.register.go_to_filter()

    def next_part(self) -> None:
        """Go to the next part that is shown: the place, then each dock."""
        ring: list[QWidget] = [self._place or self.register]
        if self._place is self.lineage and self.lineage.outline.isVisible():
            ring.append(self.lineage.outline)
        docks = [
            dock for dock in self._docks.values() if dock.isVisible() and not dock.visibleRegion().isEmpty()
        ]
        ring += [dock.widget() for dock in docks]
        if self._docks["details"].isVisible():
            ring.append(self.details.drawer.text)
        focused = QApplication.focusWidget()
        inside = (
            [place for place, part in enumerate(ring) if part is focused or part.isAncestorOf(focused)]
            if focused
            else []
        )
        part = ring[(inside[-1] + 1) % len(ring)] if inside else ring[0]
        part.setFocus(Qt.FocusReason.TabFocusReason)

    def go_to(self, item: Item) -> None:
        """Show a thing: its details, and its lineage."""
        self.details.show_subject(Subject("entity", item))
        self.lineage.focus_on(selector_of(item.get("id")), name_of(item))
        self.placeWanted.emit(self.lineage)

    def follow(self, identifier: str) -> None:
        """Show the details of the thing with this id."""
        kind, _, rest = identifier.partition("|")
        namespace, _, name = rest.partition("|")
        self.details.show_subject(
            Subject("entity", {"id": identifier, "kind": kind, "namespace": namespace, "name": name})
        )
        self.lineage.pick(identifier)
        self.changed.emit()

    def focus_selection(self) -> bool:
        """Put what is chosen in the middle of the lineage; false when it has none."""
        subject = self.details.subject
        if subject is None or not subject.selector:
            return False
        self.lineage.focus_on(subject.selector, subject.subject_name)
        return True

    def open_record(self) -> None:
        """Show the raw record behind what is chosen."""
        self._docks["details"].show()
        self._docks["details"].raise_()
        self.details.open_record()

    def show_details(self, on: bool = True) -> None:
        """Show the dock Details and evidence, or hide it."""
        self._show_dock("details", on)

    def show_search(self, on: bool = True) -> None:
        """Show the dock Search, or hide it."""
        self._show_dock("search", on)

    def show_problems(self, on: bool = True) -> None:
        """Show the dock Problems, or hide it."""
        self._show_dock("problems", on)

    def show_findings(self, on: bool = True) -> None:
        """Show the dock Findings, or hide it."""
        self._show_dock("findings", on)

    def show_sources(self, on: bool = True) -> None:
        """Show the dock Sources and coverage, or hide it."""
        self._show_dock("sources", on)

    def _show_dock(self, name: str, on: bool) -> None:
        dock = self._docks[name]
        dock.setVisible(on)
        if on:
            dock.raise_()
            dock.widget().setFocus(Qt.FocusReason.OtherFocusReason)

    def _wire(self) -> None:
        self.dates.chosen.connect(self._session.look_at)
        self.register.picked.connect(self._pick)
        self.register.opened.connect(self._open)
        self.register.told.connect(self.told)
        self.lineage.picked.connect(self._pick)
        self.lineage.told.connect(self.told)
        self.lineage.moved.connect(self.changed)
        self.lineage.listed.connect(self._list)
        self.lineage.grouped.connect(self._open_group)
        self.details.followed.connect(self.follow)
        self.details.told.connect(self.told)
        self.details.shown.connect(self._record_shown)
        self.search.picked.connect(lambda item: self._pick("entity", item))
        self.search.opened.connect(self.go_to)
        self.problems.picked.connect(lambda item: self._pick("problem", item))
        self.problems.counted.connect(self.countedProblems)
        self.findings.picked.connect(lambda item: self._pick("finding", item))
        self.findings.counted.connect(self.countedFindings)
        self.sources.picked.connect(self._pick)
        self.sources.covered.connect(self.covered)

    def _list(self, title: str, says: str, text: str) -> None:
        from app.dialogs.texts import TextDialog

        TextDialog(title, says, text, self.lineage).open()

    def _open_group(self, title: str, names: list[tuple[str, str]], current: str) -> None:
        from app.dialogs.members import MembersDialog

        dialog = MembersDialog(title, names, current, self.lineage)
        dialog.pulled.connect(self.lineage.pull_thing)
        dialog.unfolded.connect(self.lineage.fold)
        dialog.open()

    def _pick(self, kind: str, item: Item | None) -> None:
        if item is None:
            subject = self.details.subject
            if subject is not None and subject.kind == kind:
                self.details.show_subject(None)
        else:
            self.details.show_subject(Subject(kind, item))
        self.changed.emit()

    def _open(self, kind: str, item: Item) -> None:
        self.details.show_subject(Subject(kind, item))
        if self.focus_selection():
            self.placeWanted.emit(self.lineage)

    def _record_shown(self, on: bool) -> None:
        self._recorded = on
        self.changed.emit()

    def _shown(self, name: str, on: bool) -> None:
        if on and name in self._stale:
            self._stale.discard(name)
            self.search.refresh()
