"""How is this table to be read? Made once by a person, checked while it is made, saved beside the table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.dialogs import files
from app.dialogs.table_fields import FieldsForm
from app.models.preview import RowsModel
from app.models.wording import counted
from lineage.text import display_text

if TYPE_CHECKING:
    from app.session import Session
    from lineage.tabling import Check, Preview

DATES = (
    ("", "as 2026-04-30, or with one reading"),
    ("dmy", "day first: 30.04.2026"),
    ("mdy", "month first: 04/30/2026"),
    ("ymd", "year first: 2026/04/30"),
    ("unix", "seconds since 1970"),
    ("unix-ms", "milliseconds since 1970"),
)
DECIMALS = (("", "point: 99.5"), (",", "comma: 99,5"))
WAIT = 250
"""Milliseconds after the last change until the rows are checked."""

_PROBLEMS = ("place", "column", "value", "reason")


class TableDialog(QDialog):
    """Shows the first rows of a table, asks what they state, and says what would be read.

    Signals:
        agreed: with the paths to import, after the mapping was saved.
        saved: with the path of the mapping.
        complained: with an error of the user's world.
    """

    agreed = Signal(list)
    saved = Signal(str)
    complained = Signal(object)

    def __init__(self, session: Session, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import a table")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._path = path
        self._shape = ""
        self._statements: list[dict[str, Any]] = []
        self._preview: Preview | None = None
        self._later = QTimer(self, interval=WAIT, singleShot=True)
        self._later.timeout.connect(self._check)
        self.says = self._text("Looking at the table…")
        self.choose = QPushButton("Choose another &file…", self)
        self.choose.clicked.connect(self._choose_file)
        self.place = QComboBox(self)
        self.place.setAccessibleName("Sheet or table")
        self.place.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.place.hide()
        self.place.activated.connect(lambda _: self._look(self.place.currentText().strip()))
        self.rows = RowsModel(self)
        self.table = self._view(self.rows, "First rows of the table")
        self.form = FieldsForm(self)
        self.form.changed.connect(self._changed)
        self.verdict = self._text("")
        self.verdict.setAccessibleName("What would be read")
        self.problems = RowsModel(self)
        self.problem_table = self._view(self.problems, "First problems")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.keep = self.buttons.addButton("&Save the mapping", QDialogButtonBox.ButtonRole.ActionRole)
        self.go = self.buttons.addButton("Save and &import", QDialogButtonBox.ButtonRole.AcceptRole)
        for button in (self.choose, self.keep):
            # Return in a box means to go on, never to begin again with another file.
            button.setAutoDefault(False)
        self.go.setDefault(True)
        self.keep.clicked.connect(lambda: self._save(go_on=False))
        self.buttons.accepted.connect(lambda: self._save(go_on=True))
        self.buttons.rejected.connect(self.reject)
        self._allow(False)
        self._arrange()
        session.ask(self, lambda workspace: workspace.table_statements(), self._offer, failed=self._refuse)

    def choice(self) -> dict[str, Any]:
        """Return what is chosen, as `lineage.tabling` takes it."""
        return {
            "states": self.states.currentData() or "",
            "place": self.place.currentText().strip() if self.place.isVisibleTo(self) else "",
            "timezone": self.zone.text().strip(),
            "dates": self.dates.currentData(),
            "decimal": self.decimal.currentData(),
            **self.form.choice(),
        }

    def _text(self, says: str) -> QLabel:
        label = QLabel(says, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        return label

    def _view(self, model: RowsModel, name: str) -> QTableView:
        view = QTableView(self)
        view.setModel(model)
        view.setAccessibleName(name)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setAlternatingRowColors(True)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.setCornerButtonEnabled(False)
        view.verticalHeader().hide()
        view.horizontalHeader().setHighlightSections(False)
        view.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        return view

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.says, 1)
        top.addWidget(self.place)
        top.addWidget(self.choose)
        self.states = QComboBox(self)
        self.states.setAccessibleName("Each row states")
        self.states.activated.connect(lambda _: self._show_fields())
        self.zone = QLineEdit(self)
        self.zone.setPlaceholderText("such as Europe/Berlin; otherwise UTC")
        self.zone.setAccessibleName("Time zone")
        self.zone.textChanged.connect(lambda _: self._changed())
        self.dates = self._box("How dates are written", DATES)
        self.decimal = self._box("Decimal sign", DECIMALS)
        left = QGroupBox("How it is written", self)
        writing = QFormLayout(left)
        writing.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        writing.addRow("Each ro&w states", self.states)
        writing.addRow("Time &zone", self.zone)
        writing.addRow("&Dates", self.dates)
        writing.addRow("De&cimal sign", self.decimal)
        right = QGroupBox("Where each field stands (* is needed, (*) one of these is)", self)
        fields = QVBoxLayout(right)
        fields.addWidget(self.form)
        middle = QWidget(self)
        beside = QHBoxLayout(middle)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.addWidget(left, 2)
        beside.addWidget(right, 4)
        below = QWidget(self)
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.verdict)
        column.addWidget(self.problem_table, 1)
        split = QSplitter(Qt.Orientation.Vertical, self)
        split.setChildrenCollapsible(False)
        for part, share in ((self.table, 2), (middle, 4), (below, 2)):
            split.addWidget(part)
            split.setStretchFactor(split.count() - 1, share)
        whole = QVBoxLayout(self)
        whole.addLayout(top)
        whole.addWidget(split, 1)
        whole.addWidget(self.buttons)
        self.states.setFocus()
        self.resize(1040, 760)
        split.setSizes([170, 330, 170])

    def _box(self, name: str, choices: tuple[tuple[str, str], ...]) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName(name)
        for value, text in choices:
            box.addItem(text, value)
        box.currentIndexChanged.connect(lambda _: self._changed())
        return box

    def _offer(self, statements: list[dict[str, Any]]) -> None:
        self._statements = statements
        for statement in statements:
            self.states.addItem(statement["title"], statement["name"])
        self._look("")

    def _choose_file(self) -> None:
        path = files.ask_table(self, str(Path(self._path).parent))
        if path:
            self._path = path
            self.place.hide()
            self._look("")

    def _look(self, place: str) -> None:
        path = self._path
        self._allow(False)
        self._session.ask(
            self,
            lambda workspace: workspace.table_preview(path, place),
            self._show,
            key="table-preview",
            failed=self._refuse,
        )

    def _show(self, preview: Preview) -> None:
        first = self._preview is None or self._preview.path != preview.path
        self._preview, self._shape = preview, preview.shape
        name = display_text(Path(preview.path).name)
        self.rows.show_rows(preview.columns, preview.rows)
        if len(preview.columns) <= 40:
            self.table.resizeColumnsToContents()
            self.table.horizontalHeader().setStretchLastSection(True)
        self.place.blockSignals(True)
        self.place.clear()
        self.place.setEditable(preview.shape == "sqlite")
        line = self.place.lineEdit()
        if line is not None:
            line.setPlaceholderText("a table, or a query: SELECT …")
            self.place.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.place.addItems(list(preview.places))
        self.place.setVisible(preview.shape in {"xlsx", "sqlite"} and bool(preview.places))
        self.place.setCurrentText(preview.place)
        self.place.blockSignals(False)
        if preview.problem:
            self.says.setText(f"{name}: {preview.problem}.")
            self.problems.show_rows((), ())
            return
        text = f"{name}: {counted(len(preview.columns), 'column')}; the first {counted(len(preview.rows), 'row')}."
        if preview.beside:
            text += f" A mapping lies beside it ({display_text(preview.beside)}): saving replaces it."
        self.says.setText(text)
        if first and preview.known is not None:
            self._take(dict(preview.known))
        else:
            self._show_fields()

    def _take(self, known: dict[str, Any]) -> None:
        self.states.setCurrentIndex(max(self.states.findData(known["states"]), 0))
        self.zone.setText(known["timezone"])
        self.dates.setCurrentIndex(max(self.dates.findData(known["dates"]), 0))
        self.decimal.setCurrentIndex(max(self.decimal.findData(known["decimal"]), 0))
        self.form.show_fields(self._statement(), self._preview.columns if self._preview else ())
        self.form.choose(known)

    def _statement(self) -> dict[str, Any]:
        return self._statements[max(self.states.currentIndex(), 0)]

    def _show_fields(self) -> None:
        if self._preview is None or not self._preview.columns:
            return
        before = self.form.choice()
        statement = self._statement()
        columns = self._preview.columns
        self.form.show_fields(statement, columns)
        self.form.choose(before)
        states = statement["name"]
        self._session.ask(
            self,
            lambda workspace: workspace.table_fitting(states, columns),
            self._propose,
            key="table-fitting",
        )

    def _propose(self, found: dict[str, str]) -> None:
        said = self.form.choice()
        # What a person has chosen meanwhile is not overruled.
        fresh = {field: column for field, column in found.items() if field not in said["constants"]}
        if fresh.keys() - said["columns"].keys():
            self.form.choose({**said, "columns": {**fresh, **said["columns"]}})

    def _changed(self) -> None:
        self._allow(False)
        self._later.start()

    def _check(self) -> None:
        if self._preview is None or not self._preview.columns:
            return
        path, choice, shape = self._path, self.choice(), self._shape
        self._session.ask(
            self,
            lambda workspace: workspace.table_check(path, choice, shape),
            self._tell,
            key="table-check",
            failed=self._refuse,
        )

    def _tell(self, check: Check) -> None:
        if self._later.isActive():
            return
        if check.wrong:
            self.verdict.setText(f"Not complete yet: {check.wrong}.")
            self.problems.show_rows((), ())
            return
        text = f"{check.read:,} of {check.rows:,} rows read, {counted(check.facts, 'statement')}"
        text += f", {counted(check.troubled, 'problem')}." if check.troubled else ", no problems."
        if check.more:
            text += " There are more rows; the import reads them all."
        self.verdict.setText(text)
        rows = [[problem[name] for name in _PROBLEMS] for problem in check.problems]
        self.problems.show_rows(("Place", "Column", "Value", "What is wrong"), rows)
        self.problem_table.resizeColumnsToContents()
        self.problem_table.horizontalHeader().setStretchLastSection(True)
        self._allow(check.read > 0)

    def _allow(self, on: bool) -> None:
        self.keep.setEnabled(on)
        self.go.setEnabled(on)

    def _save(self, *, go_on: bool) -> None:
        path, choice, shape = self._path, self.choice(), self._shape

        def done(written: str) -> None:
            self.saved.emit(written)
            if go_on:
                self.agreed.emit([path])
            self.accept()

        self._allow(False)
        self._session.ask(
            self,
            lambda workspace: workspace.save_mapping(path, choice, shape),
            done,
            key="table-save",
            failed=self._refuse,
        )

    def _refuse(self, error: BaseException) -> None:
        self.says.setText(display_text(str(error)))
        self._allow(False)
        self.complained.emit(error)
