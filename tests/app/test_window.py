"""Does the window show what the workspace says, as plain text, to everybody, in both themes?"""

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDockWidget,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)
from stub import HOSTILE, LONG, TARGET, register

from lineage.errors import WorkspaceError


def settle(qtbot, window):
    """Wait until nothing is asked any more."""
    qtbot.waitUntil(lambda: not window.tasks.busy_now)


def named(widget: QWidget) -> bool:
    """Whether a screen reader has a name for a widget."""
    if widget.accessibleName() or widget.toolTip():
        return True
    if isinstance(widget, QAbstractButton) and widget.text():
        return True
    parent = widget.parentWidget()
    return isinstance(parent, (QComboBox, QAbstractSpinBox)) or widget.objectName().startswith("qt_")


def shown_text(window) -> str:
    """Every text of a label of the window."""
    return "\n".join(label.text() for label in window.findChildren(QLabel))


def test_the_register_shows_every_deployment(window):
    """One row for each, its numbers beside the filter and in the status bar."""
    assert window.parts.register.table.answers.rowCount() == len(register())
    assert f"{len(register())} deployments" in shown_text(window)
    assert "1 finding" in window.status.findings.text()
    assert "1 problem" in window.status.problems.text()
    assert window.status.coverage.text() == "1 source, 2026-01-01 to 2026-11-01"


def test_every_label_shows_plain_text(qtbot, window):
    """Nothing from outside is drawn as markup, wherever it is shown."""
    parts = window.parts
    for name in ("problems", "findings", "sources", "search"):
        parts.dock(name).show()
    parts.register.table.pick(("d0010",))
    settle(qtbot, window)
    parts.follow(TARGET["id"])
    settle(qtbot, window)

    rich = [
        label.text()
        for label in window.findChildren(QLabel)
        if label.textFormat() != Qt.TextFormat.PlainText and type(label) is QLabel and label.text()
    ]
    assert rich == []
    assert HOSTILE not in shown_text(window)


def test_everything_that_takes_the_keyboard_has_a_name(qtbot, window):
    """A screen reader can say where one is."""
    for dock in window.findChildren(QDockWidget):
        dock.show()
    window.parts.show_lineage()
    settle(qtbot, window)
    kinds = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit)

    nameless = [
        f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}"
        for widget in window.findChildren(QWidget)
        if isinstance(widget, kinds)
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and widget.isVisibleTo(window)
        and not named(widget)
    ]
    assert nameless == []


def test_choosing_a_deployment_shows_what_is_known_and_the_record_that_says_so(qtbot, window):
    """The details follow the row, and the drawer follows the details."""
    window.parts.register.table.pick(("d0003",))
    settle(qtbot, window)
    details = window.parts.details

    names = [row.name for row in details.model.row(details.model.index(-1, 0)).rows]
    assert {"Action", "Target", "Model", "Deployed by", "SLA in force", "Approved by"} <= set(names)
    assert '"auditID": "3"' in details.drawer.text.toPlainText()
    assert "audit/prod-eu.log:3, byte 1,536" in details.drawer.place.text()
    assert f"{3:064x}" in details.drawer.hash.text()


def test_the_record_can_be_seen_exactly_as_it_lies_in_the_file(qtbot, window, workspace):
    """Raw is raw: not one character is added."""
    window.parts.register.table.pick(("d0003",))
    settle(qtbot, window)
    drawer = window.parts.details.drawer

    drawer.raw.setChecked(True)

    assert (
        drawer.text.toPlainText()
        == f'{{"auditID":"3","user":{{"username":"system:serviceaccount:ci:deployer"}},"name":"{LONG}"}}'
    )
    drawer.copy_hash()
    assert QApplication.clipboard().text() == f"{3:064x}"


def test_what_a_line_says_is_marked_in_its_record(qtbot, window):
    """The principal of the details is found in the raw record."""
    window.parts.register.table.pick(("d0003",))
    settle(qtbot, window)
    details = window.parts.details
    model = details.model
    person = next(
        model.index(row, 0) for row in range(model.rowCount()) if model.index(row, 0).data() == "Deployed by"
    )

    details.tree.setCurrentIndex(model.index(0, 0, person))

    marks = details.drawer.text.extraSelections()
    assert [mark.cursor.selectedText() for mark in marks] == ["system:serviceaccount:ci:deployer"]


def test_a_thing_shows_where_it_comes_from_and_where_it_goes(qtbot, window):
    """Edges, history, events and checks, each with its evidence."""
    window.parts.follow(TARGET["id"])
    settle(qtbot, window)
    model = window.parts.details.model

    tops = {model.index(row, 0).data(): model.index(row, 0) for row in range(model.rowCount())}
    assert model.index(0, 1, tops["Comes from"]).data() == "fraud 8 · observed"
    assert model.index(tops["Goes into"].row(), 1).data() == "nothing recorded"
    assert "denied" in model.index(0, 1, tops["Events"]).data()


def test_a_thing_that_was_not_known_then_is_said_to_be_so(qtbot, window):
    """No error, and not the facts of another date."""
    window.parts.follow("dataset|s3://lake|was-not-there")
    settle(qtbot, window)
    model = window.parts.details.model

    rows = {model.index(row, 0).data(): model.index(row, 1).data() for row in range(model.rowCount())}
    assert rows["At these dates"] == "nothing is known of it"
    assert window.notice.text == ""


def test_the_dates_go_into_every_question(qtbot, window, workspace):
    """As it was, as it was known: the register asks with both, and the bar says so."""
    from app.session import Dates

    window.session.look_at(Dates("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"))
    settle(qtbot, window)

    assert (
        "deployments",
        {"as_of": "2026-03-01T00:00:00Z", "known_at": "2026-04-01T00:00:00Z"},
    ) in workspace.asked
    assert window.parts.dates.as_of.isChecked()
    assert "As it was at 2026-03-01 00:00:00 UTC." in shown_text(window)
    window.board["view.now"].trigger()
    settle(qtbot, window)
    assert not window.parts.dates.as_of.isChecked()


def test_the_command_for_a_view_can_be_copied(window):
    """What the window shows, the command line gives as well."""
    window.board["edit.copy_command"].trigger()

    assert QApplication.clipboard().text() == "modeltrail -w stub.trail deployments"


def test_what_is_live_is_another_table(qtbot, window, workspace):
    """The switch asks another question and says what it shows."""
    window.board["view.live"].trigger()
    settle(qtbot, window)

    assert ("live", {"as_of": None, "known_at": None}) in workspace.asked
    assert "1 live target" in shown_text(window)


def test_the_layout_can_be_put_back(qtbot, window):
    """After docks were closed and moved."""
    window.parts.dock("details").hide()
    window.parts.dock("problems").show()

    window.board["window.reset"].trigger()

    assert window.parts.dock("details").isVisible()
    assert not window.parts.dock("problems").isVisible()


def test_a_dock_that_is_closed_by_its_cross_is_off_in_the_menu(qtbot, window):
    """The switch in the menu says what is there."""
    assert window.board["dock.details"].isChecked()
    window.parts.dock("details").close()
    assert not window.board["dock.details"].isChecked()

    window.board["dock.details"].trigger()
    assert window.parts.dock("details").isVisible()


def test_why_nothing_can_be_written_is_said_when_it_opens(qtbot, empty_window, workspace, monkeypatch):
    """A workspace that is read only says so, and why."""
    import lineage.workspace

    workspace.note = "The folder cannot be written, so nothing can be imported."
    monkeypatch.setattr(lineage.workspace.Workspace, "open", lambda *_, **__: workspace)
    with qtbot.waitSignal(empty_window.session.opened):
        empty_window.session.open("stub.trail")
    settle(qtbot, empty_window)

    assert empty_window.notice.text == workspace.note


def test_columns_and_density_are_remembered(qtbot, window, settings):
    """The next start shows the same columns."""
    window.parts.register.choose_columns(["target", "model"])
    window.board["view.compact"].trigger()

    assert settings.columns("register") == ["target", "model"]
    assert settings.compact


def test_a_workspace_that_cannot_be_opened_is_said_in_one_line(qtbot, empty_window, monkeypatch):
    """What, where and what to do; never a traceback, and the start page stays."""
    import lineage.workspace

    def refuse(*_, **__):
        raise WorkspaceError("the workspace is locked", where="x.trail", remedy="close the other window")

    monkeypatch.setattr(lineage.workspace.Workspace, "open", refuse)
    with qtbot.waitSignal(empty_window.session.refused):
        empty_window.session.open("x.trail")

    assert empty_window.notice.text == "The workspace is locked: x.trail. To go on: close the other window."
    assert empty_window.stack.currentWidget() is empty_window.start


def test_closing_the_workspace_shows_the_start_page_and_closes_it(qtbot, window, workspace):
    """Nothing of it is shown any more, and nothing more is asked of it."""
    window.board["file.close"].trigger()
    settle(qtbot, window)

    assert workspace.closed
    assert window.stack.currentWidget() is window.start
    assert not any(dock.isVisible() for dock in window.findChildren(QDockWidget))
    assert window.parts.register.table.answers.rowCount() == 0


def drop(window, paths):
    """Drop files on the window; whether it took them."""
    content = QMimeData()
    content.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    actions, buttons, keys = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter = QDragEnterEvent(QPoint(50, 50), actions, content, buttons, keys)
    QApplication.sendEvent(window, enter)
    event = QDropEvent(QPointF(50, 50), actions, content, buttons, keys)
    QApplication.sendEvent(window, event)
    return enter.isAccepted() and event.isAccepted()


def test_dropped_files_are_looked_at_before_they_are_read(qtbot, window, workspace, tmp_path):
    """The dialog says what each file is, and what is not recognised; nothing is read until it is agreed to."""
    assert drop(window, [tmp_path])
    qtbot.waitUntil(
        lambda: any(isinstance(top, QDialog) for top in QApplication.topLevelWidgets() if top.isVisible())
    )
    dialog = next(
        top for top in QApplication.topLevelWidgets() if isinstance(top, QDialog) and top.isVisible()
    )
    settle(qtbot, window)

    assert ("recognise", [str(tmp_path)]) in workspace.asked
    texts = [dialog.table.answers.index(row, 1).data() for row in range(2)]
    assert texts == ["not recognised", "kubernetes-audit"]
    dialog.labels["cluster"].setText("prod-eu")
    agreed = []
    dialog.agreed.disconnect()
    dialog.agreed.connect(lambda paths, labels: agreed.append((paths, labels)))
    dialog.go.click()
    assert agreed == [([str(tmp_path)], {"cluster": "prod-eu"})]


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
def test_the_rows_that_are_shown_are_exported(qtbot, window, tmp_path, kind):
    """With the filter, in the order shown, in the format that the name says."""
    import csv
    import json

    window.parts.register.table.answers.set_filter("action:rollback")
    path, written = tmp_path / f"out.{kind}", []

    window.parts.register.write(str(path), written.append)
    qtbot.waitUntil(lambda: written == [1])

    if kind == "json":
        assert [item["id"] for item in json.loads(path.read_text("utf-8"))] == ["d0009"]
    elif kind == "csv":
        rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
        assert rows[1][1] == "rollback"
    else:
        import openpyxl

        sheet = openpyxl.load_workbook(path).active
        assert [cell.value for cell in sheet[2]][1] == "rollback"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_draw_every_place(qtbot, window, theme):
    """Pictures with more than one colour, and no warning of Qt."""
    window.board[f"theme.{theme}"].trigger()
    for place in ("view.register", "view.lineage"):
        window.board[place].trigger()
        settle(qtbot, window)
        image = window.grab().toImage()
        colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
        assert len(colours) > 5
    window.board["theme.system"].trigger()
