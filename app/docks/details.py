"""What is known of the chosen thing, and which record says so?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QSplitter,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.docks.drawer import EvidenceDrawer
from app.models.columns import kind_word
from app.models.describe import around, describe
from app.models.facts import EVIDENCE_ROLE, RAW_ROLE, FactModel, Row
from app.models.things import Subject
from app.models.wording import plain
from lineage.errors import UserError

if TYPE_CHECKING:
    from app.session import Session
    from lineage.model.answer import Answer

WORDS = {
    "deployment": "deployment",
    "live": "live deployment",
    "edge": "edge",
    "event": "event",
    "problem": "problem",
    "finding": "finding",
    "import": "imported file",
    "coverage": "coverage",
}
OPENED = {"Model", "Deployed by", "SLA in force", "Attributes", "Comes from", "Goes into"}
"""The groups that stand open at first."""


class DetailsDock(QWidget):
    """Facts, edges and events of the chosen thing above, the record that says so below.

    Signals:
        followed: with the id of a thing that was activated in the tree.
        shown: true when a record is shown.
        told: with a sentence for the status bar.
    """

    followed = Signal(str)
    shown = Signal(bool)
    told = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._subject: Subject | None = None
        self._title = QLabel(self)
        self._kind = QLabel(self)
        for label in (self._title, self._kind):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        font = self._title.font()
        font.setWeight(font.Weight.DemiBold)
        self._title.setFont(font)
        self._kind.setForegroundRole(self._kind.palette().ColorRole.PlaceholderText)
        self.model = FactModel(self)
        self.tree = QTreeView(self)
        self.tree.setModel(self.model)
        self.tree.setAccessibleName("Details")
        self.tree.setHeaderHidden(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setAlternatingRowColors(True)
        self.tree.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.tree.setIndentation(14)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.tree.header().setStretchLastSection(True)
        self.tree.selectionModel().currentChanged.connect(self._choose)
        self.tree.activated.connect(self._follow)
        self.drawer = EvidenceDrawer(session, self)
        self.drawer.shown.connect(self.shown)
        self.drawer.told.connect(self.told)
        head = QWidget(self)
        lines = QVBoxLayout(head)
        lines.setContentsMargins(8, 6, 8, 4)
        lines.setSpacing(2)
        lines.addWidget(self._title)
        lines.addWidget(self._kind)
        self._split = QSplitter(Qt.Orientation.Vertical, self)
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(self.tree)
        self._split.addWidget(self.drawer)
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self._split, 1)
        self.setFocusProxy(self.tree)
        self.show_subject(None)

    @property
    def subject(self) -> Subject | None:
        """What is shown."""
        return self._subject

    def show_subject(self, subject: Subject | None) -> None:
        """Show what is known of `subject`; None = nothing is chosen."""
        self._subject = subject
        if subject is None:
            self._title.setText("Nothing chosen")
            self._kind.setText(
                "Choose a row, a card or an edge: what is known of it, and who says so, is shown here."
            )
            self.model.show([])
            self.drawer.show_references([])
            return
        self._title.setText(subject.title)
        word = kind_word(subject.item) if subject.kind == "entity" else WORDS.get(subject.kind, subject.kind)
        self._kind.setText(word)
        self._fill(describe(subject))
        self.drawer.show_references(subject.evidence, self._sought(QModelIndex()))
        if subject.kind == "entity" and subject.selector:
            dates, selector = self._session.dates, subject.selector
            self._session.ask(
                self,
                lambda workspace: workspace.show(selector, as_of=dates.as_of, known_at=dates.known_at),
                lambda answer: self._add(subject, answer),
                key="show",
                failed=lambda error: self._refuse(subject, error),
            )

    def refresh(self) -> None:
        """Show the same thing with what is known now."""
        self.show_subject(self._subject)

    def open_record(self) -> None:
        """Go to the record behind the current line."""
        self.drawer.focus_record()

    def copy(self) -> None:
        """Copy what is chosen: the text marked in the record, else name and value of the current line."""
        if self.drawer.text.hasFocus():
            self.drawer.text.copy()
            return
        index = self.tree.currentIndex()
        if index.isValid():
            row = self.model.row(index)
            QGuiApplication.clipboard().setText(str(row.raw) if isinstance(row.raw, str) else row.value)
            self.told.emit(f"Copied {plain(row.name)}")

    def copy_hash(self) -> None:
        """Copy the SHA-256 of the record shown."""
        self.drawer.copy_hash()

    def copy_place(self) -> None:
        """Copy file, line and offset of the record shown."""
        self.drawer.copy_place()

    def _add(self, subject: Subject, answer: Answer) -> None:
        if subject is not self._subject or not answer.items:
            return
        known = answer.items[0]
        self._fill([*describe(Subject("entity", known)), *around(known)])
        if not subject.evidence:
            self.drawer.show_references(Subject("entity", known).evidence)

    def _refuse(self, subject: Subject, error: BaseException) -> None:
        if not isinstance(error, UserError):
            raise error
        if subject is self._subject:
            self._fill([*describe(subject), Row("At these dates", "nothing is known of it", tone="absent")])

    def _fill(self, rows: list[Row]) -> None:
        self.model.show(rows)
        for place, row in enumerate(rows):
            if (row.name in OPENED or row.name.startswith(("Statement", "Side"))) and len(row.rows) <= 16:
                self.tree.setExpanded(self.model.index(place, 0), True)
        metrics = self.tree.fontMetrics()
        below = [part for row in rows if row.name in OPENED for part in row.rows]
        widest = max((metrics.horizontalAdvance(row.name) for row in [*rows, *below]), default=0)
        self.tree.setColumnWidth(0, min(max(widest + 44, 120), 210))

    def _choose(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if not current.isValid() or self._subject is None:
            return
        references = current.data(EVIDENCE_ROLE) or self._subject.evidence
        self.drawer.show_references(references, self._sought(current))

    def _sought(self, index: QModelIndex) -> list[str]:
        value: Any = index.data(RAW_ROLE) if index.isValid() else None
        if value is None and self._subject is not None:
            value = self._subject.item.get("name") or self._subject.item.get("value")
        if isinstance(value, bool) or value is None:
            return []
        if isinstance(value, (str, int, float)):
            text = str(value)
            return [text.rpartition("|")[2]] if text.count("|") >= 2 else [text.removesuffix("Z")]
        return []

    def _follow(self, index: QModelIndex) -> None:
        raw = index.data(RAW_ROLE)
        if isinstance(raw, str) and raw.count("|") >= 2:
            self.followed.emit(raw)
