"""Are commands and things found by a few letters, with the keyboard alone?"""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.dialogs.palette import Palette, score


def open_palette(qtbot, window, keys):
    """Open the palette by its action."""
    window.board["view.goto" if keys == "Ctrl+K" else "view.palette"].trigger()
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), Palette))
    return QApplication.activeModalWidget()


@pytest.mark.parametrize(
    ("letters", "text"),
    [("reg", "Register"), ("cmd", "Copy the command"), ("fsc", "Full screen"), ("", "Anything")],
)
def test_letters_find_a_text_they_stand_in_in_order(letters, text):
    """Starts of words are enough."""
    assert score(letters, text) > 0


def test_letters_that_do_not_stand_in_order_find_nothing():
    """No match is no match."""
    assert score("ger", "Reg") == 0


def test_all_commands_are_listed_with_their_menus_and_keys(qtbot, window):
    """The palette teaches the shortcut of what it finds."""
    palette = open_palette(qtbot, window, "Ctrl+Shift+P")

    assert any(text.startswith("View > Register") and text.endswith("Ctrl+1") for text in palette.texts())
    palette.reject()


def test_a_command_is_found_and_done_by_return(qtbot, window):
    """Letters, Return: the place changes."""
    palette = open_palette(qtbot, window, "Ctrl+Shift+P")
    qtbot.keyClicks(palette.line, "view lineage")
    palette.line.setText("Lineage")
    row = next(row for row, text in enumerate(palette.texts()) if text.startswith("View > Lineage"))
    palette.list.setCurrentRow(row)

    qtbot.keyClick(palette.line, Qt.Key.Key_Return)

    qtbot.waitUntil(lambda: window.stack.currentWidget() is window.parts.lineage)


def test_a_thing_is_found_and_shown(qtbot, window, workspace):
    """Ctrl+K, a few letters, Return: its lineage stands in the middle."""
    palette = open_palette(qtbot, window, "Ctrl+K")
    qtbot.keyClicks(palette.line, "fraud 8")
    qtbot.waitUntil(lambda: palette.texts() == ["fraud 8    model version"])

    qtbot.keyClick(palette.line, Qt.Key.Key_Return)

    qtbot.waitUntil(lambda: window.stack.currentWidget() is window.parts.lineage)
    qtbot.waitUntil(lambda: not window.tasks.busy_now)
    assert window.parts.lineage.drawing.centre == "model-version|mlflow:prod|fraud/8"


def test_what_cannot_be_done_now_is_listed_but_not_done(qtbot, empty_window):
    """Without a workspace the export is there, grey, and Return does nothing."""
    palette = open_palette(qtbot, empty_window, "Ctrl+Shift+P")
    palette.line.setText("export the register")

    assert palette.texts()[0].startswith("File > Export the register")
    assert palette.list.currentItem() is None or "Export" not in palette.list.currentItem().text()
    palette.reject()
