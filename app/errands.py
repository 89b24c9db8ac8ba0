"""What does the window do for a person with files? New, open, import, export, report, rebuild: ask, do, tell."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QStandardPaths, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from app.dialogs import files
from app.importing import Imported, ImportProcess
from app.session import Session
from app.settings import Settings
from lineage.errors import UserError

if TYPE_CHECKING:
    from app.views.lineage import LineageView
    from app.views.register import RegisterView
    from lineage.model.answer import Answer

WORKSPACE_SUFFIX = ".trail"
TABLES = "CSV (*.csv);;JSON (*.json);;Excel (*.xlsx)"
PICTURES = "PNG (*.png);;SVG (*.svg);;PDF (*.pdf)"
REPORT_FORMATS = ("html", "xlsx", "csv", "json")


class Errands(QObject):
    """Commands that ask for a file, or take longer than a moment.

    Signals:
        progress: doing, done, total, records, problems; while an import runs.
        idle: nothing runs any more.
        told: with a sentence, the name of one thing to do next, and what does it.
        complained: with an error of the user's world; broke: with any other.
    """

    progress = Signal(str, object, object, object, object)
    idle = Signal()
    told = Signal(str, str, object)
    complained = Signal(object)
    broke = Signal(object)

    def __init__(self, window: QWidget, session: Session, settings: Settings) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._settings = settings
        self._process = ImportProcess(self)
        self._process.progress.connect(self.progress)
        self._process.finished.connect(self._imported)
        self._process.failed.connect(self._failed)
        self._then: list[str] = []
        self._sample: Path | None = None
        self._dropped: list[str] = []
        self._rebuilding = False
        self.register: RegisterView | None = None
        self.lineage: LineageView | None = None
        session.opened.connect(self._go_on)

    @property
    def importing(self) -> bool:
        """True while an import runs."""
        return self._process.running

    @property
    def busy(self) -> bool:
        """True while something writes to the workspace."""
        return self._process.running or self._rebuilding

    def close(self) -> None:
        """Stop what runs; what was complete is kept."""
        self._process.close()

    def new_workspace(self) -> None:
        """Make an empty workspace."""
        path = files.ask_new_workspace(self._window, self._settings.folder)
        if path:
            self._open_new(path)

    def open_workspace(self) -> None:
        """Open a workspace file."""
        path = files.ask_workspace(self._window, self._settings.folder)
        if path:
            self._settings.folder = str(Path(path).parent)
            self.open_path(path)

    def open_path(self, path: str) -> None:
        """Open the workspace at `path`, unless an import into another one is running."""
        if self.busy:
            self.complained.emit(
                UserError(
                    "something is being written",
                    where=self._session.path,
                    remedy="wait until it is done, or stop it",
                )
            )
            return
        self._session.open(path, create=False)

    def close_workspace(self) -> None:
        """Close the workspace; a running import is stopped, which loses nothing."""
        self._process.close()
        self.idle.emit()
        self._session.close()

    def open_sample(self) -> None:
        """Open the sample company, writing and importing its files the first time."""
        folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation))
        path = folder / "sample.trail"
        if path.exists():
            self.open_path(str(path))
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._sample = path
        self._process.run(["-m", "resources.sample", str(folder / "sample")])
        self.progress.emit("writing the files of the sample company", 0, 0, 0, 0)

    def import_files(self) -> None:
        """Choose files and import them."""
        paths = files.ask_files(self._window, self._settings.folder)
        if paths:
            self._settings.folder = str(Path(paths[0]).parent)
            self.take(paths)

    def import_folder(self) -> None:
        """Choose a folder and import everything below it."""
        path = files.ask_folder(self._window, self._settings.folder, "Import a folder")
        if path:
            self._settings.folder = path
            self.take([path])

    def map_table(self) -> None:
        """Choose a table that no source knows, and say what its rows state."""
        from app.dialogs.table_mapping import TableDialog

        path = files.ask_table(self._window, self._settings.folder)
        if not path:
            return
        self._settings.folder = str(Path(path).parent)
        dialog = TableDialog(self._session, path, self._window)
        dialog.agreed.connect(lambda paths: self._import(paths, {}))
        dialog.saved.connect(lambda place: self.told.emit(f"Saved the mapping {Path(place).name}", "", None))
        dialog.complained.connect(self.complained)
        dialog.open()

    def take(self, paths: Sequence[str]) -> None:
        """Do what is wanted with files that were chosen or dropped: open a workspace, or ask before importing."""
        if len(paths) == 1 and Path(paths[0]).suffix == WORKSPACE_SUFFIX and Path(paths[0]).is_file():
            self.open_path(paths[0])
            return
        if self._session.is_open:
            self._ask_import(list(paths))
            return
        name = f"{Path(paths[0]).stem or 'audit'}{WORKSPACE_SUFFIX}"
        path = files.ask_new_workspace(self._window, self._settings.folder, name)
        if path:
            self._dropped = list(paths)
            self._open_new(path)

    def cancel_import(self) -> None:
        """Stop the import."""
        self._process.stop()

    def export_register(self) -> None:
        """Write the rows of the register that are shown."""
        if self.register is None:
            return
        name = "live" if self.register.live else "register"
        path = files.ask_save(
            self._window, "Export the register", str(Path(self._settings.folder) / f"{name}.csv"), TABLES
        )
        if path:
            self._settings.folder = str(Path(path).parent)
            self.register.write(
                path, lambda rows: self._wrote(path, f"Wrote {rows:,} rows to {Path(path).name}")
            )

    def save_picture(self) -> None:
        """Write the lineage that is shown as a picture."""
        if self.lineage is None:
            return
        path = files.ask_save(
            self._window, "Save a picture", str(Path(self._settings.folder) / "lineage.png"), PICTURES
        )
        if path:
            self._settings.folder = str(Path(path).parent)
            self.lineage.write_picture(path)
            self._wrote(path, f"Wrote the picture {Path(path).name}")

    def write_report(self) -> None:
        """Write the deployment report with its evidence into a folder."""
        folder = files.ask_folder(self._window, self._settings.folder, "Folder for the report")
        if not folder:
            return
        dates = self._session.dates
        self.progress.emit("writing the deployment report", 0, 0, 0, 0)

        def done(answer: Answer) -> None:
            self.idle.emit()
            names = [Path(str(item.get("file"))).name for item in answer.items]
            self._wrote(str(Path(folder) / "x"), f"Wrote {', '.join(names)}")

        self._session.ask(
            self,
            lambda workspace: workspace.report(
                "deployments", folder, formats=REPORT_FORMATS, as_of=dates.as_of, known_at=dates.known_at
            ),
            done,
            failed=self._failed,
        )

    def choose_columns(self) -> None:
        """Choose the columns of the register."""
        from app.dialogs.columns import ColumnsDialog

        if self.register is None:
            return
        table = self.register.table
        dialog = ColumnsDialog(table.answers.every_column, table.column_keys(), self._window)
        dialog.chosen.connect(self.register.choose_columns)
        dialog.open()

    def show_digest(self) -> None:
        """Show the SHA-256 of everything derived."""
        from app.dialogs.texts import TextDialog

        known_at = self._session.dates.known_at

        def done(answer: Answer) -> None:
            item = answer.items[0]
            text = "\n".join(f"{name}: {value}" for name, value in item.items() if name != "evidence")
            says = "Two people who imported the same evidence, in any order, get the same digest."
            TextDialog("Digest of the graph", says, text, self._window).open()

        self._session.ask(self, lambda workspace: workspace.digest(known_at=known_at), done, key="digest")

    def rebuild(self) -> None:
        """Throw away what was derived and make it again, after asking."""
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle("Rebuild the graph")
        box.setText("Throw away everything that was derived and make it again from the evidence?")
        box.setInformativeText("Evidence and facts stay as they are. The digest must be the same afterwards.")
        go = box.addButton("&Rebuild", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.buttonClicked.connect(lambda button: self._rebuild() if button is go else None)
        box.open()

    def copy_command(self, words: str) -> None:
        """Copy the command line that gives the same answer as a view."""
        path = self._session.path
        QGuiApplication.clipboard().setText(f"modeltrail -w {_shell(path)} {words}")
        self.told.emit("Copied the command", "", None)

    def _rebuild(self) -> None:
        self._rebuilding = True
        self.progress.emit("making the graph again", 0, 0, 0, 0)

        def done(answer: Answer) -> None:
            self._rebuilding = False
            self.idle.emit()
            self.told.emit(
                f"The graph was made again; its digest is {answer.items[0].get('digest')}", "", None
            )

        def failed(error: BaseException) -> None:
            self._rebuilding = False
            self._failed(error)

        self._session.do(self, lambda workspace: workspace.rebuild(), done, failed=failed)

    def _open_new(self, path: str) -> None:
        self._settings.folder = str(Path(path).parent)
        self._session.open(path, create=True)

    def _go_on(self, _path: str) -> None:
        paths, self._dropped = self._dropped, []
        if paths:
            self._ask_import(paths)

    def _ask_import(self, paths: list[str]) -> None:
        from app.dialogs.import_files import ImportDialog

        if self.busy:
            self.complained.emit(
                UserError("an import is running", remedy="wait until it is done, or stop it")
            )
            return
        dialog = ImportDialog(self._session, paths, self._window)
        dialog.agreed.connect(self._import)
        dialog.open()

    def _import(self, paths: list[str], labels: dict[str, str]) -> None:
        self._process.start(self._session.path, paths, labels)
        self.progress.emit("starting the import", 0, 0, 0, 0)

    def _imported(self, result: Imported) -> None:
        sample, self._sample = self._sample, None
        if sample is not None and not result.stopped:
            # Its files are written: now they are imported, and then the workspace is opened.
            self._then = [str(sample)]
            self._process.start(str(sample), [str(sample.parent / "sample")])
            self.progress.emit("importing the sample company", 0, 0, 0, 0)
            return
        then, self._then = self._then, []
        self.idle.emit()
        if then and result.stopped:
            with contextlib.suppress(OSError):
                Path(then[0]).unlink(missing_ok=True)
        elif then:
            self._session.open(then[0])
        else:
            self._session.look()
        self.told.emit(*_summary(result))

    def _failed(self, error: BaseException) -> None:
        self._sample, self._then = None, []
        self.idle.emit()
        self._session.look()
        (self.complained if isinstance(error, UserError) else self.broke).emit(error)

    def _wrote(self, path: str, text: str) -> None:
        folder = str(Path(path).parent)
        self.told.emit(text, "Show the folder", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(folder)))


def _summary(result: Imported) -> tuple[str, str, Any]:
    from app.models.wording import counted

    if result.stopped:
        return (
            "The import was stopped. What was complete is kept; import again to go on from there.",
            "",
            None,
        )
    known = [item for item in result.items if item.get("source")]
    words = [f"Read {counted(len(known), 'file')}: {counted(result.total('accepted'), 'record')} accepted"]
    for name, text in (("duplicate", "known before"), ("filtered", "left out with a reason")):
        if result.total(name):
            words.append(f"{result.total(name):,} {text}")
    problems = result.total("problems")
    words.append(counted(problems, "problem") if problems else "no problems")
    unknown = len(result.items) - len(known)
    if unknown:
        words.append(f"{counted(unknown, 'file')} not recognised")
    return ", ".join(words) + ".", "Show the problems" if problems else "", "problems" if problems else None


def _shell(text: str) -> str:
    import shlex

    return shlex.quote(text)
