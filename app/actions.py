"""What can a person do? Every action stands in one table: menus, keys, toolbar and palette are made from it.

An action names its callback as `part.verb`; parts (window, errands, register, ...) are made known with
`Board.provide` when they exist. An action that nobody answers to is an error that a test finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QIcon, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar

from lineage.errors import BugError

Key = QKeySequence.StandardKey
Role = QAction.MenuRole
MENUS = ("&File", "&Edit", "&View", "&Lineage", "E&vidence", "&Window", "&Help")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do.

    Attributes:
        id: stable name, `place.verb`.
        text: as in the menu, with its mnemonic; an ellipsis only when a question follows.
        menu: where it stands: a menu's name without `&`, or `Menu/Submenu`.
        call: `part.verb` that does it; a checkable action passes its new state.
        shortcut: a standard key or a key sequence as text; empty = none. also: one more.
        icon: a name in `resources/icons`.
        when: the state of the window it needs (`always`, `open`, `selected`, ...), see `Board.allow`.
        tip: one sentence for the status bar and the palette.
        checkable: it is a switch. `group`: only one of the group is on.
        section: starts a new section of its menu.
    """

    id: str
    text: str
    menu: str
    call: str
    shortcut: Key | str = ""
    icon: str = ""
    when: str = "always"
    tip: str = ""
    checkable: bool = False
    group: str = ""
    role: Role = Role.NoRole
    section: bool = False
    also: str = ""


TABLE: tuple[Action, ...] = (
    Action(
        "file.new", "&New workspace…", "File", "errands.new_workspace", Key.New, "file-plus",
        tip="Make an empty workspace in a file of its own",
    ),
    Action(
        "file.open", "&Open workspace…", "File", "errands.open_workspace", Key.Open, "folder-open",
        tip="Open a workspace file",
    ),
    Action(
        "file.sample", "Open the &sample company", "File", "errands.open_sample", "", "building-2",
        tip="Write the files of an invented company and import them",
    ),
    Action(
        "file.import", "&Import files…", "File", "errands.import_files", "Ctrl+I", "import", section=True,
        tip="Choose files; what was recognised is shown before anything is read",
    ),
    Action(
        "file.import_folder", "Import a &folder…", "File", "errands.import_folder", "Ctrl+Shift+I", "folder-input",
        tip="Choose a folder; every file below it is looked at",
    ),
    Action(
        "file.map_table", "Import a ta&ble…", "File", "errands.map_table", "Ctrl+Shift+T", "table-2", "idle",
        tip="Say once what the rows of a table state; the mapping is saved beside it",
    ),
    Action(
        "file.cancel_import", "S&top the import", "File", "errands.cancel_import", "Ctrl+.", "circle-stop",
        when="importing", tip="Stop reading; what was complete is kept, and importing again goes on from there",
    ),
    Action(
        "file.export", "&Export the register…", "File", "errands.export_register", "Ctrl+E", "download", "open",
        section=True, tip="Write the register to CSV, JSON or XLSX",
    ),
    Action(
        "file.picture", "Save a &picture of the lineage…", "File", "errands.save_picture", "Ctrl+Shift+E", "image",
        "graph", tip="Write the lineage that is shown to PNG, SVG or PDF",
    ),
    Action(
        "file.close", "&Close the workspace", "File", "errands.close_workspace", Key.Close, "x", "open",
        section=True, tip="Close the workspace; everything in it is already saved",
    ),
    Action("file.quit", "&Quit", "File", "window.quit", Key.Quit, "log-out", role=Role.QuitRole),
    Action("edit.undo", "&Undo", "Edit", "steps.undo", Key.Undo, "undo-2", "undo"),
    Action("edit.redo", "&Redo", "Edit", "steps.redo", "Ctrl+Shift+Z", "redo-2", "redo"),
    Action(
        "edit.copy", "&Copy", "Edit", "parts.copy_chosen", Key.Copy, "copy", "open", section=True,
        tip="Copy the selected rows as a table, or the selected text",
    ),
    Action(
        "edit.copy_csv", "Copy rows as CS&V", "Edit", "register.copy_csv", "Ctrl+Shift+C", "table-2", "register",
        tip="Copy the selected rows of the register with their header, as CSV",
    ),
    Action(
        "edit.copy_command", "Copy the co&mmand for this view", "Edit", "parts.copy_command", "Ctrl+Alt+C",
        "terminal", "open", tip="Copy the command line that gives the same answer",
    ),
    Action(
        "edit.copy_link", "Copy the &link of this view", "Edit", "lineage.copy_link", "Ctrl+Alt+L", "link", "focused",
        tip="Copy one line that shows the same lineage when it is pasted into the search line",
    ),
    Action(
        "edit.find", "&Find", "Edit", "parts.go_to_filter", Key.Find, "search", "open", section=True,
        tip="Go to the filter of the register, or to the search of the lineage",
    ),
    Action(
        "view.register", "&Register", "View", "parts.show_register", "Ctrl+1", "table-2", "open", checkable=True,
        group="place", tip="Every deployment: who deployed what, where, when and under which SLA",
    ),
    Action(
        "view.lineage", "&Lineage", "View", "parts.show_lineage", "Ctrl+2", "workflow", "open", checkable=True,
        group="place", tip="What stands behind a thing, and what follows from it",
    ),
    Action(
        "view.palette", "&Command palette…", "View", "window.open_palette", "Ctrl+Shift+P", "command", section=True,
        tip="Find any command by a few letters of it",
    ),
    Action(
        "view.goto", "&Go to a thing…", "View", "window.go_to", "Ctrl+K", "locate", "open",
        tip="Find a dataset, model, target, run or person by a few letters of its name",
    ),
    Action(
        "view.as_of", "Set the &as-of date", "View", "parts.set_as_of", "Ctrl+D", "calendar-clock", "open",
        section=True, tip="Show everything as it was on a date",
    ),
    Action(
        "view.known_at", "Set the &known-at date", "View", "parts.set_known_at", "Ctrl+Shift+D", "history", "open",
        tip="Show everything as it was known on a date",
    ),
    Action(
        "view.now", "Back to no&w", "View", "window.back_to_now", "Ctrl+Alt+N", "rotate-ccw", "past",
        tip="Show everything as it is, with all that is known",
    ),
    Action(
        "view.live", "Only what is li&ve", "View", "register.show_live", "Ctrl+Shift+V", "activity", "register",
        checkable=True, tip="Show what serves at the as-of date instead of every change",
    ),
    Action(
        "view.columns", "C&olumns…", "View", "errands.choose_columns", "Ctrl+Shift+O", "columns-3", "register",
        section=True, tip="Choose which columns the register shows",
    ),
    Action(
        "view.compact", "Co&mpact rows", "View", "window.set_compact", "Ctrl+Shift+M", "rows-3", checkable=True,
        tip="Show more rows on a screen",
    ),
    Action("view.larger", "Zoom &in", "View", "lineage.zoom_in", Key.ZoomIn, "zoom-in", "graph", section=True),
    Action("view.smaller", "Zoom o&ut", "View", "lineage.zoom_out", Key.ZoomOut, "zoom-out", "graph"),
    Action(
        "view.fit", "&Fit to the window", "View", "lineage.fit", "Ctrl+0", "maximize", "graph",
        tip="Show the whole drawing",
    ),
    Action(
        "theme.system", "Like the &system", "View/&Theme", "window.theme_system", "", "monitor", checkable=True,
        group="theme",
    ),
    Action("theme.light", "&Light", "View/&Theme", "window.theme_light", "", "sun", checkable=True, group="theme"),
    Action("theme.dark", "&Dark", "View/&Theme", "window.theme_dark", "", "moon", checkable=True, group="theme"),
    Action(
        "view.next_part", "&Next part of the window", "View", "parts.next_part", "F6", "", "open",
        tip="Go to the next table, drawing or dock",
    ),
    Action(
        "view.full_screen", "Full &screen", "View", "window.full_screen", Key.FullScreen, "expand", checkable=True,
    ),
    Action(
        "lineage.focus", "Show the &lineage of the selection", "Lineage", "parts.show_lineage_of_selection", "Ctrl+L",
        "crosshair", "selected", tip="Draw what stands behind the selected thing and what follows from it",
    ),
    Action(
        "lineage.back", "&Back", "Lineage", "lineage.back", "Alt+Left", "arrow-left", "back", section=True,
        tip="Go back to the lineage shown before",
    ),
    Action("lineage.forward", "&Forward", "Lineage", "lineage.forward", "Alt+Right", "arrow-right", "forward"),
    Action(
        "lineage.up", "One step further &upstream", "Lineage", "lineage.more_upstream", "Ctrl+Alt+Left",
        "arrow-left-to-line", "focused", section=True,
    ),
    Action(
        "lineage.down", "One step further &downstream", "Lineage", "lineage.more_downstream", "Ctrl+Alt+Right",
        "arrow-right-to-line", "focused",
    ),
    Action(
        "lineage.expand", "&Expand the selection", "Lineage", "lineage.expand", "Ctrl+Alt+E", "plus", "graph",
        section=True, tip="Show the next things on both sides of the selected one",
    ),
    Action(
        "lineage.turn_up", "Expand o&r contract it upstream", "Lineage", "lineage.turn_up", "Ctrl+Shift+Left",
        "arrow-left-to-line", "graph",
        tip="Show what feeds the selected thing when some of it is not shown, else leave it out",
    ),
    Action(
        "lineage.turn_down", "Expand or co&ntract it downstream", "Lineage", "lineage.turn_down", "Ctrl+Shift+Right",
        "arrow-right-to-line", "graph",
        tip="Show what the selected thing feeds when some of it is not shown, else leave it out",
    ),
    Action(
        "lineage.between", "What lies be&tween two things", "Lineage", "lineage.between", "Ctrl+B", "git-branch",
        "graph", tip="Press it at one thing and again at another: the paths between them are lit and counted",
    ),
    Action(
        "lineage.paths", "List the p&aths between them", "Lineage", "lineage.list_paths", "Ctrl+Shift+B", "rows-3",
        "ways", tip="The paths counted last, the shortest first, as text",
    ),
    Action(
        "lineage.pin", "P&in or unpin the selection", "Lineage", "lineage.pin", "Ctrl+Alt+P", "pin", "graph",
        tip="The card of the selected thing stays where it is, whatever is shown next",
    ),
    Action(
        "lineage.fold", "Unfold or fold the &group", "Lineage", "lineage.fold", "Ctrl+Alt+G", "files", "grouped",
        tip="Five or more of a kind in the same place are one card; give each its own, or put them together again",
    ),
    Action(
        "lineage.pull", "&Pull out of the group…", "Lineage", "lineage.pull_out", "Ctrl+Alt+U", "external-link",
        "grouped", tip="Search what one card stands for and give one thing a card of its own",
    ),
    Action(
        "lineage.hide", "&Hide the selection", "Lineage", "lineage.hide_thing", "Ctrl+H", "eye-off", "graph",
        tip="Leave the selected thing out of the drawing; the outline says that something is hidden",
    ),
    Action("lineage.unhide", "&Show what is hidden", "Lineage", "lineage.unhide", "Ctrl+Shift+H", "eye", "hidden"),
    Action(
        "lineage.why", "&Why are these tied?", "Lineage", "lineage.why", "Ctrl+J", "link", "graph",
        tip="Show basis, rule and evidence of what ties the current thing of the outline to the one above it",
    ),
    Action(
        "lineage.outline", "&Outline", "Lineage", "lineage.show_outline", "Ctrl+Shift+L", "list-tree", "open",
        checkable=True, section=True, tip="The same graph as a tree, for the keyboard and screen readers",
    ),
    Action(
        "evidence.record", "Open the raw &record", "Evidence", "parts.open_record", "Ctrl+Return", "file-text",
        "evidence", tip="Show the record that says so, as it lies in the file",
    ),
    Action(
        "evidence.hash", "Copy its SHA-&256", "Evidence", "details.copy_hash", "Ctrl+Shift+S", "fingerprint",
        "record", tip="Copy the SHA-256 of the record shown",
    ),
    Action(
        "evidence.place", "Copy its &place", "Evidence", "details.copy_place", "", "map-pin", "record",
        tip="Copy file, line and offset of the record shown",
    ),
    Action(
        "evidence.digest", "&Digest of the graph…", "Evidence", "errands.show_digest", "", "hash", "open",
        section=True, tip="The SHA-256 that two people with the same evidence must both get",
    ),
    Action(
        "evidence.rebuild", "Re&build the graph…", "Evidence", "errands.rebuild", "", "refresh-cw", "idle",
        tip="Throw away what was derived and make it again from the evidence",
    ),
    Action(
        "evidence.report", "&Write the deployment report…", "Evidence", "errands.write_report", "Ctrl+R",
        "file-check", "idle", section=True, tip="Write the register as a report with its evidence",
    ),
    Action(
        "dock.details", "&Details and evidence", "Window", "parts.show_details", "Ctrl+Alt+1", "file-text", "open",
        checkable=True, tip="What is known of the chosen thing, and which record says so",
    ),
    Action(
        "dock.search", "&Search", "Window", "parts.show_search", "Ctrl+Alt+2", "search", "open", checkable=True,
        tip="All things by name, with a facet for each kind",
    ),
    Action(
        "dock.problems", "&Problems", "Window", "parts.show_problems", "Ctrl+Alt+3", "triangle-alert", "open",
        checkable=True, tip="What could not be read, where and why",
    ),
    Action(
        "dock.findings", "&Findings", "Window", "parts.show_findings", "Ctrl+Alt+4", "flag", "open", checkable=True,
        tip="What the facts together call into question",
    ),
    Action(
        "dock.sources", "S&ources and coverage", "Window", "parts.show_sources", "Ctrl+Alt+5", "radar", "open",
        checkable=True, tip="What was imported, and what was looked at at all",
    ),
    Action(
        "window.reset", "&Reset the layout", "Window", "window.reset_layout", "", "layout-dashboard", "open",
        tip="Put every dock and toolbar back where it was at first", section=True,
    ),
    Action("help.keys", "&Keyboard shortcuts", "Help", "help.show_keys", Key.HelpContents, "keyboard", also="?"),
    Action("help.about", "&About ModelTrail", "Help", "help.show_about", "", "info", role=Role.AboutRole),
    Action("help.qt", "About &Qt", "Help", "help.show_about_qt", "", "", role=Role.AboutQtRole),
)  # fmt: skip


class Board(QObject):
    """The actions of one window, made from the table, and the parts that answer to them."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._parts: dict[str, QObject] = {}
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        self._menus: dict[str, QMenu] = {}
        self._allowed: set[str] = {"always"}
        for entry in TABLE:
            self._actions[entry.id] = self._make(entry)
        self.allow(set())

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def __iter__(self) -> Iterator[Action]:
        return iter(TABLE)

    def provide(self, part: str, thing: QObject) -> None:
        """Let `thing` answer to the actions whose call starts with `part`."""
        self._parts[part] = thing

    def answers(self, entry: Action) -> bool:
        """True when a part that is known answers to `entry`."""
        part, _, verb = entry.call.partition(".")
        return callable(getattr(self._parts.get(part), verb, None))

    def allow(self, states: set[str]) -> None:
        """Enable the actions whose `when` is in `states`; what needs nothing is always enabled."""
        self._allowed = states | {"always"}
        for entry in TABLE:
            self._actions[entry.id].setEnabled(entry.when in self._allowed)

    def switch(self, name: str, on: bool) -> None:
        """Show the switch `name` as on or off without doing what it does."""
        action = self._actions[name]
        if action.isChecked() != on:
            action.blockSignals(True)
            action.setChecked(on)
            action.blockSignals(False)
            action.changed.emit()

    def fill(self, bar: QMenuBar) -> None:
        """Build every menu of `bar` from the table."""
        for title in MENUS:
            menu = bar.addMenu(title)
            menu.setToolTipsVisible(False)
            self._menus[title.replace("&", "")] = menu
        for entry in TABLE:
            name, _, below = entry.menu.partition("/")
            menu = self._menus[name]
            if below:
                known = self._menus.get(entry.menu)
                if known is None:
                    menu.addSeparator()
                    known = self._menus[entry.menu] = menu.addMenu(below)
                menu = known
            if entry.section and menu.actions():
                menu.addSeparator()
            menu.addAction(self._actions[entry.id])

    def menu(self, name: str) -> QMenu:
        """Return the menu `name`, written without `&`."""
        return self._menus[name]

    def dress(self, icon: Callable[[str], QIcon]) -> None:
        """Give every action its icon."""
        for entry in TABLE:
            if entry.icon:
                self._actions[entry.id].setIcon(icon(entry.icon))

    def _make(self, entry: Action) -> QAction:
        action = QAction(entry.text, self._window)
        action.setObjectName(entry.id)
        action.setMenuRole(entry.role)
        action.setCheckable(entry.checkable)
        if entry.tip:
            action.setStatusTip(entry.tip)
            action.setToolTip(entry.tip)
        if isinstance(entry.shortcut, str):
            if entry.shortcut:
                action.setShortcut(QKeySequence(entry.shortcut))
        else:
            action.setShortcuts(QKeySequence.keyBindings(entry.shortcut))
        if entry.also:
            action.setShortcuts([*action.shortcuts(), QKeySequence(entry.also)])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        if entry.group:
            group = self._groups.get(entry.group)
            if group is None:
                group = self._groups[entry.group] = QActionGroup(self._window)
            group.addAction(action)
        if entry.checkable:
            action.triggered.connect(lambda on=False, entry=entry: self._do(entry, on))
        else:
            action.triggered.connect(lambda _=False, entry=entry: self._do(entry, None))
        return action

    def _do(self, entry: Action, on: bool | None) -> None:
        part, _, verb = entry.call.partition(".")
        call = getattr(self._parts.get(part), verb, None)
        if not callable(call):
            raise BugError(f"nobody answers to the action {entry.id}")
        call() if on is None else call(on)


def plain(text: str) -> str:
    """Return the text of a menu entry without mnemonic and ellipsis.

    >>> plain("&Open workspace…")
    'Open workspace'
    """
    return text.replace("&", "").rstrip("…")
