"""What would be read, and as what? Asked before anything is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGroupBox,
    QLabel,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from app.models.answers import AnswerModel, identity_by
from app.models.columns import RECOGNISED
from app.models.wording import counted, size
from app.tables import AnswerTable

if TYPE_CHECKING:
    from app.session import Session
    from lineage.model.answer import Answer

LABELS = (
    ("cluster", "&Cluster", "such as prod-eu; otherwise the folder's name", ()),
    ("account", "&Account", "of the cloud, where a file does not say it", ()),
    ("instance", "&Instance", "of the registry, such as mlflow-prod", ()),
    ("timezone", "Time &zone", "of times without one, such as Europe/Berlin; otherwise UTC", ()),
    ("dates", "&Dates like 03/04/2026", "", ("as the file says", "dmy", "mdy")),
)
"""What a file may not say itself (CONTRACT.md, `import --label`)."""


class ImportDialog(QDialog):
    """Lists what was recognised, and asks for what the files do not say.

    Signals:
        agreed: with the paths and the labels, when the person wants the import.
    """

    agreed = Signal(list, dict)

    def __init__(self, session: Session, paths: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._paths = list(paths)
        self._says = QLabel("Looking at the files…", self)
        self._says.setTextFormat(Qt.TextFormat.PlainText)
        self._says.setWordWrap(True)
        self._busy = QProgressBar(self)
        self._busy.setRange(0, 0)
        self._busy.setTextVisible(False)
        self._busy.setMaximumHeight(6)
        self._busy.setAccessibleName("Looking at the files")
        self.table = AnswerTable(AnswerModel(RECOGNISED, identity_by("file"), self), "Files", self)
        self.table.set_compact(True)
        self.table.say_when_empty("Nothing has been read yet; your files are only looked at.")
        group = QGroupBox("What the files may not say themselves", self)
        form = QFormLayout(group)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.labels: dict[str, QLineEdit | QComboBox] = {}
        for name, title, hint, choices in LABELS:
            field: QLineEdit | QComboBox
            if choices:
                field = QComboBox(group)
                field.addItems(list(choices))
            else:
                field = QLineEdit(group)
                field.setPlaceholderText(hint)
                field.setClearButtonEnabled(True)
            field.setAccessibleName(title.replace("&", ""))
            self.labels[name] = field
            form.addRow(title, field)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.go = self.buttons.addButton("&Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setEnabled(False)
        self.go.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self._says)
        column.addWidget(self._busy)
        column.addWidget(self.table, 1)
        column.addWidget(group)
        column.addWidget(self.buttons)
        self.resize(920, 560)
        session.ask(self, lambda workspace: workspace.recognise(self._paths), self._show, failed=self._refuse)

    def chosen_labels(self) -> Mapping[str, str]:
        """Return the labels that were filled in."""
        found = {}
        for name, field in self.labels.items():
            if isinstance(field, QComboBox):
                text = field.currentText() if field.currentIndex() > 0 else ""
            else:
                text = field.text().strip()
            if text:
                found[name] = text
        return found

    def accept(self) -> None:
        labels = dict(self.chosen_labels())
        super().accept()
        self.agreed.emit(self._paths, labels)

    def _show(self, answer: Answer) -> None:
        self._busy.hide()
        known = [item for item in answer.items if item.get("source")]
        self.table.say_when_empty("There is no file here.")
        # What is not recognised stands first: it is what a person may want to know before reading.
        self.table.answers.set_items(sorted(answer.items, key=lambda item: bool(item.get("source"))))
        total = sum(int(item.get("bytes") or 0) for item in known)
        text = f"{counted(len(known), 'file')} recognised, {size(total)}."
        rest = len(answer.items) - len(known)
        if rest:
            text += f" {counted(rest, 'file')} not recognised: left out, and listed as such."
        self._says.setText(text + " The files themselves are not changed.")
        self.go.setEnabled(bool(known))
        if known:
            self.go.setFocus()

    def _refuse(self, error: BaseException) -> None:
        self._busy.hide()
        self._says.setText(str(error))
