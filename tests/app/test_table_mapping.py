"""Can a person say how a table is read, see at once what would be read, and use it again?"""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QTableView

from app.dialogs import files
from app.dialogs.table_mapping import TableDialog
from lineage.tabling import mapping_path
from lineage.workspace import Workspace

TABLE = """Zeitpunkt;Endpunkt;Modell;Version;Stand
03.04.2026 14:05;churn-scorer;churn;3;ok
13.04.2026 09:30;churn-scorer;churn;4;ok
14.04.2026 09:30;churn-scorer;churn;5;weg
"""
COLUMNS = {"at": "Zeitpunkt", "target": "Endpunkt", "model": "Modell", "version": "Version"}


@pytest.fixture
def opened(qtbot, empty_window, tmp_path):
    """The window with an empty workspace in a file."""
    with qtbot.waitSignal(empty_window.session.opened):
        empty_window.session.open(str(tmp_path / "w.trail"), create=True)
    qtbot.waitUntil(lambda: not empty_window.tasks.pending())
    return empty_window


@pytest.fixture
def path(tmp_path):
    """A table with days first and words of its own."""
    place = tmp_path / "log.csv"
    place.write_text(TABLE, "utf-8")
    return place


def dialog_for(qtbot, window, path):
    """The dialog with the first rows of `path`."""
    dialog = TableDialog(window.session, str(path), window)
    dialog.open()
    qtbot.waitUntil(lambda: dialog.rows.columnCount() > 0 and bool(dialog.form.rows))
    settled(qtbot, window, dialog)
    return dialog


def settled(qtbot, window, dialog):
    """Wait until the rows have been checked."""
    tasks = window.tasks
    qtbot.waitUntil(lambda: not (dialog._later.isActive() or tasks.pending() or tasks.busy_now))


def say(dialog, columns):
    """Choose the column of each field."""
    for row in dialog.form.rows:
        if row.name in columns:
            row.column.setCurrentText(columns[row.name])


def test_the_first_rows_are_shown_and_nothing_is_chosen_for_a_person(qtbot, opened, path):
    """No column is called like a field, so none is proposed, and nothing can be saved."""
    dialog = dialog_for(qtbot, opened, path)

    assert dialog.rows.data(dialog.rows.index(2, 4)) == "weg"
    assert dialog.form.choice()["columns"] == {"version": "Version"}
    assert "deployment needs target, at" in dialog.verdict.text()
    assert not dialog.go.isEnabled()


def test_every_choice_is_checked_at_once(qtbot, opened, path):
    """A date of two readings is a problem with its line until the order is said."""
    dialog = dialog_for(qtbot, opened, path)
    say(dialog, COLUMNS)
    settled(qtbot, opened, dialog)

    assert dialog.verdict.text().startswith("2 of 3 rows read")
    assert [dialog.problems.data(dialog.problems.index(0, column)) for column in range(3)] == [
        "line 2",
        "Zeitpunkt",
        "03.04.2026 14:05",
    ]

    dialog.dates.setCurrentIndex(dialog.dates.findData("dmy"))
    settled(qtbot, opened, dialog)

    assert dialog.verdict.text().startswith("3 of 3 rows read")
    assert dialog.go.isEnabled()


def test_words_are_given_a_meaning_and_constants_hold_for_every_row(qtbot, opened, path):
    """`weg` is a failure only when a person says so."""
    dialog = dialog_for(qtbot, opened, path)
    say(dialog, {**COLUMNS, "outcome": "Stand"})
    dialog.dates.setCurrentIndex(1)
    settled(qtbot, opened, dialog)
    assert dialog.verdict.text().startswith("0 of 3 rows read")

    rows = {row.name: row for row in dialog.form.rows}
    rows["outcome"].text.setText("ok = done; weg = failed")
    rows["environment"].text.setText("prod")
    settled(qtbot, opened, dialog)

    assert dialog.verdict.text().startswith("3 of 3 rows read")
    assert dialog.choice()["values"] == {"outcome": {"ok": "done", "weg": "failed"}}
    assert dialog.choice()["constants"] == {"environment": "prod"}


def test_the_mapping_is_saved_beside_the_table_and_read_headless(qtbot, opened, path, tmp_path):
    """What the dialog wrote is what the command line reads; opening it again shows the same choice."""
    dialog = dialog_for(qtbot, opened, path)
    say(dialog, COLUMNS)
    dialog.dates.setCurrentIndex(1)
    dialog.zone.setText("Europe/Berlin")
    settled(qtbot, opened, dialog)
    choice = dialog.choice()
    with qtbot.waitSignal(dialog.agreed) as agreed:
        qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)

    assert agreed.args == [[str(path)]]
    with Workspace.open(tmp_path / "other.trail") as workspace:
        (item,) = workspace.import_([path]).items
        times = [event["at"] for event in workspace.events().items]
    assert (item["source"], item["accepted"], item["problems"]) == ("table", 3, 0)
    assert times == ["2026-04-03T12:05:00Z", "2026-04-13T07:30:00Z", "2026-04-14T07:30:00Z"]

    again = dialog_for(qtbot, opened, path)
    assert {**again.choice(), "decimal": ""} == {**choice, "decimal": ""}
    assert mapping_path(path).name in again.says.text()
    again.reject()


def test_the_menu_asks_for_a_table_and_imports_it(qtbot, opened, path, monkeypatch):
    """From the action to rows in the workspace, without a mouse."""
    monkeypatch.setattr(files, "ask_table", lambda *_: str(path))
    opened.board["file.map_table"].trigger()
    dialog = opened.findChild(TableDialog)
    qtbot.waitUntil(lambda: bool(dialog.form.rows))
    say(dialog, COLUMNS)
    dialog.dates.setCurrentIndex(1)
    settled(qtbot, opened, dialog)
    with qtbot.waitSignal(
        opened.errands.told, timeout=30_000, check_params_cb=lambda text, *_: "accepted" in text
    ):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)

    with Workspace.open(path.with_name("w.trail")) as workspace:
        assert [item["model_version"] for item in workspace.deployments().items] == ["3", "4", "5"]


def test_a_workbook_offers_its_sheets(qtbot, opened, tmp_path):
    """The sheet that is chosen is the one that is read."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["a", "b"])
    sheet = book.create_sheet("Edges")
    for row in (["source", "target"], ["s3://l/a", "s3://l/b"]):
        sheet.append(row)
    place = tmp_path / "book.xlsx"
    book.save(place)
    dialog = dialog_for(qtbot, opened, place)
    assert [dialog.place.itemText(row) for row in range(dialog.place.count())] == ["Notes", "Edges"]

    dialog.place.setCurrentText("Edges")
    dialog.place.activated.emit(1)
    qtbot.waitUntil(lambda: dialog.rows.headerData(0, Qt.Orientation.Horizontal) == "source")
    dialog.states.setCurrentIndex(dialog.states.findData("lineage"))
    dialog.states.activated.emit(0)
    settled(qtbot, opened, dialog)
    settled(qtbot, opened, dialog)

    assert dialog.choice()["place"] == "Edges"
    assert dialog.form.choice()["columns"] == {"source": "source", "target": "target"}
    assert dialog.verdict.text().startswith("1 of 1 rows read")


def test_everything_has_a_name_and_text_from_outside_is_plain(qtbot, opened, tmp_path):
    """A screen reader names every box; a column called <b> is shown as it is."""
    place = tmp_path / "t.csv"
    place.write_text("<b>x</b>,y\n<i>1</i>,2\n", "utf-8")
    dialog = dialog_for(qtbot, opened, place)

    for kind in (QComboBox, QLineEdit, QTableView):
        for widget in dialog.findChildren(kind):
            inside = isinstance(widget.parent(), QComboBox) or widget.objectName().startswith("qt_")
            assert inside or widget.accessibleName(), widget
    assert all(
        label.textFormat() == Qt.TextFormat.PlainText
        for label in dialog.findChildren(QLabel)
        if label.buddy() is None or label.text().startswith("Where")
    )
    assert dialog.rows.headerData(0, Qt.Orientation.Horizontal) == "<b>x</b>"


def test_a_file_that_is_no_table_says_so(qtbot, opened, tmp_path):
    """A broken workbook is named with what to do, and nothing can be saved."""
    place = tmp_path / "t.xlsx"
    place.write_bytes(b"PK\x03\x04 broken")
    dialog = TableDialog(opened.session, str(place), opened)
    dialog.open()
    qtbot.waitUntil(lambda: "cannot be read" in dialog.says.text())

    assert not dialog.go.isEnabled()
    assert not Path(mapping_path(place)).exists()
