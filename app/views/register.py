"""Who deployed what, where, when and under which SLA? The register of deployments as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.models.answers import AnswerModel, identity_by
from app.models.columns import DEPLOYMENTS, LIVE
from app.models.export import write_rows
from app.models.wording import Item, counted, model_of, number, when
from app.tables import AnswerTable

if TYPE_CHECKING:
    from app.session import Session
    from app.settings import Settings
    from lineage.model.answer import Answer
    from lineage.workspace import Workspace

TABLES = {False: ("register", DEPLOYMENTS), True: ("live", LIVE)}
RELATED = ("ended_by", "replaces")
"""Fields that hold the id of another change of the register."""
TYPING = 150
"""Milliseconds without a key after which the filter is applied."""


def named(items: Sequence[Item]) -> list[Item]:
    """Return the items with words beside the ids of the changes before and after them.

    >>> items = [{"id": "a", "action": "deploy", "model": "m", "model_version": "1", "replaces": None},
    ...          {"id": "b", "action": "deploy", "model": "m", "model_version": "2", "replaces": "a"}]
    >>> named(items)[1]["_replaces"]
    'deploy of m 1'
    """
    words = {}
    for item in items:
        text = f"{item.get('action')} of {model_of(item)}"
        words[item.get("id")] = f"{text} at {when(item['deployed_at'])}" if item.get("deployed_at") else text
    return [
        {**item, **{f"_{field}": words.get(item.get(field)) for field in RELATED if item.get(field)}}
        for item in items
    ]


class RegisterView(QWidget):
    """The place Register.

    Signals:
        picked: with the kind (`deployment` or `live`) and the item that is current, or None.
        opened: with the same, when the item was activated.
        told: with a sentence for the status bar.
        liveChanged: the table changed between every change and what is live.
    """

    picked = Signal(str, object)
    opened = Signal(str, object)
    told = Signal(str)
    liveChanged = Signal(bool)

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._live = False
        self._answer: dict[str, Any] = {}
        self.filter = QLineEdit(self)
        self.filter.setClearButtonEnabled(True)
        self.filter.setPlaceholderText(
            "Filter: words, or column:word, such as  env:prod  action:rollback  -person:bot"
        )
        self.filter.setAccessibleName("Filter of the register")
        self._typing = QTimer(self, singleShot=True, interval=TYPING)
        self._typing.timeout.connect(self._apply_filter)
        self.filter.textChanged.connect(lambda _: self._typing.start())
        self.filter.returnPressed.connect(self._apply_filter)
        self._count = QLabel(self)
        self._count.setTextFormat(Qt.TextFormat.PlainText)
        self._note = QLabel(self)
        self._note.setTextFormat(Qt.TextFormat.PlainText)
        self._note.setWordWrap(True)
        self._note.hide()
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self.filter, 1)
        top.addWidget(self._count)
        self.table = self._make_table()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(8, 8, 8, 0)
        self._column.setSpacing(6)
        self._column.addLayout(top)
        self._column.addWidget(self._note)
        self._column.addWidget(self.table, 1)
        self.setFocusProxy(self.table)

    @property
    def live(self) -> bool:
        """True when only what serves is shown."""
        return self._live

    @property
    def command(self) -> str:
        """The words of the command line that give the same answer."""
        dates = self._session.dates
        words = ["live" if self._live else "deployments"]
        if dates.as_of:
            words += ["--as-of", dates.as_of]
        if dates.known_at:
            words += ["--known-at", dates.known_at]
        return " ".join(words)

    def refresh(self) -> None:
        """Ask again."""
        dates, live = self._session.dates, self._live

        def question(workspace: Workspace) -> Answer:
            if live:
                return workspace.live(as_of=dates.as_of, known_at=dates.known_at)
            return workspace.deployments(as_of=dates.as_of, known_at=dates.known_at)

        self.table.say_when_empty("Reading the register…")
        self._session.ask(self, question, self._show, key="register")

    def clear(self) -> None:
        """Show nothing: the workspace was closed."""
        self.filter.clear()
        self._answer = {}
        self.table.answers.set_items([])
        self._tell()

    def show_live(self, on: bool) -> None:
        """Show what serves at the as-of date instead of every change."""
        if on == self._live:
            return
        self._live = on
        old = self.table
        self.table = self._make_table()
        self.table.answers.set_filter(self.filter.text())
        self._column.replaceWidget(old, self.table)
        self.setFocusProxy(self.table)
        old.hide()
        old.deleteLater()
        self.liveChanged.emit(on)
        self.picked.emit("live" if on else "deployment", None)
        self.refresh()

    def set_compact(self, compact: bool) -> None:
        """Show rows close together, or with room between them."""
        self.table.set_compact(compact)

    def go_to_filter(self) -> None:
        """Go to the filter."""
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.selectAll()

    def copy(self) -> None:
        """Copy the selected rows for a spreadsheet."""
        rows = len(self.table.chosen_rows())
        self.table.copy_rows("\t")
        self.told.emit(f"Copied {counted(rows, 'row')}")

    def copy_csv(self) -> None:
        """Copy the selected rows as CSV."""
        rows = len(self.table.chosen_rows())
        self.table.copy_rows(",")
        self.told.emit(f"Copied {counted(rows, 'row')} as CSV")

    def choose_columns(self, keys: list[str]) -> None:
        """Show these columns in this order; none = as at first."""
        self.table.choose_columns(keys)
        self._settings.set_columns(TABLES[self._live][0], keys)

    def write(self, path: str, done: Callable[[int], None]) -> None:
        """Write the rows that are shown to `path` in the background; `done` gets how many."""
        model = self.table.answers
        rows = list(range(model.rowCount()))
        csv = model.as_text(rows, ",")
        table = [[column.title for column in model.columns]]
        table += [[column.says(model.item(row)) for column in model.columns] for row in rows]
        added = {f"_{field}" for field in RELATED}
        items = [{key: value for key, value in model.item(row).items() if key not in added} for row in rows]
        self._session.ask(self, lambda _: write_rows(path, csv, table, items), done)

    def _make_table(self) -> AnswerTable:
        name, columns = TABLES[self._live]
        identity = identity_by("target", "since") if self._live else identity_by("id")
        table = AnswerTable(
            AnswerModel(columns, identity, self),
            "What is live" if self._live else "Register of deployments",
            self,
        )
        # The newest change first: that is what most people come for.
        table.sort_by("since" if self._live else "deployed_at", Qt.SortOrder.DescendingOrder)
        table.choose_columns(self._settings.columns(name))
        table.set_compact(self._settings.compact)
        kind = "live" if self._live else "deployment"
        table.picked.connect(lambda item: self.picked.emit(kind, item))
        table.opened.connect(lambda item: self.opened.emit(kind, item))
        table.columnsChanged.connect(lambda keys: self._settings.set_columns(name, keys))
        table.answers.modelReset.connect(self._tell)
        return table

    def _show(self, answer: Answer) -> None:
        self._answer = {
            "complete": answer.complete, "shown": answer.shown, "total": answer.total
        }  # fmt: skip
        self.table.answers.set_items(named(answer.items))
        if answer.items and not self.table.currentIndex().isValid():
            self.table.selectRow(0)

    def _apply_filter(self) -> None:
        self._typing.stop()
        self.table.answers.set_filter(self.filter.text())

    def _tell(self) -> None:
        model = self.table.answers
        shown, there = model.rowCount(), len(model.items)
        noun = "live target" if self._live else "deployment"
        self._count.setText(
            counted(there, noun) if shown == there else f"{number(shown)} of {counted(there, noun)}"
        )
        if there:
            self.table.say_when_empty(
                "Nothing matches the filter.\nEsc or the cross in the filter shows everything again."
            )
        elif self._session.dates.past:
            self.table.say_when_empty("Nothing is recorded for these dates.")
        else:
            self.table.say_when_empty(
                "No deployment is recorded yet.\n"
                "Import Kubernetes audit logs or dumps of a cluster to see who deployed what."
            )
        notes = []
        if self._session.dates.as_of:
            notes.append(f"As it was at {when(self._session.dates.as_of)} UTC.")
        if self._session.dates.known_at:
            notes.append(f"As it was known at {when(self._session.dates.known_at)} UTC.")
        if self._answer.get("shown", 0) < self._answer.get("total", 0):
            notes.append(f"Shown are {number(self._answer['shown'])} of {number(self._answer['total'])}.")
        if self._answer.get("complete") is False:
            notes.append("The sources do not cover everything: none found does not mean none there.")
        self._note.setText(" ".join(notes))
        self._note.setVisible(bool(notes))
