"""Does a copied link show another person the same view, and is a bad one refused in words?"""

import pytest
from PySide6.QtGui import QGuiApplication
from stub import CLEAN, HOSTILE, MODEL, ODD, TARGET

from app.commands import Looking
from app.models.links import link_of, view_of
from app.session import Dates
from lineage.errors import QuestionError


def told(window, qtbot):
    """Wait until everything is answered."""
    qtbot.waitUntil(lambda: not window.tasks.pending() and not window.tasks.busy_now)


def test_every_part_of_a_view_comes_back_from_its_link():
    """Names with markup, controls, ampersands and other scripts too."""
    looking = Looking(
        f"id:'{ODD['id']}'", HOSTILE, 7, 0,
        expanded=frozenset({(CLEAN["id"], "up")}), closed=frozenset({(MODEL["id"], "down")}),
        hidden=frozenset({TARGET["id"], "a&b=c d%00"}), opened=frozenset({"group|dataset|00ff"}),
        pulled=frozenset({"顧客 +1"}), pins=((MODEL["id"], 0.1, -17.25),), ever=False,
    )  # fmt: skip
    dates = Dates("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")

    assert view_of(link_of(looking, dates, "a b.trail")) == (looking, dates, "a b.trail")


@pytest.mark.parametrize(
    "link",
    [
        "modeltrail:view?",
        "modeltrail:view?selector=a&up=many&down=1",
        "modeltrail:view?selector=a&up=13&down=1",
        "modeltrail:view?selector=a&up=1&down=-1",
        "modeltrail:view?selector=a&up=1&down=1&expanded=sideways+b",
        "modeltrail:view?selector=a&up=1&down=1&pin=nan+0+b",
        "modeltrail:view?selector=a&up=1&down=1&pin=1e300+0+b",
        "modeltrail:view?selector=a&up=1&down=1&as-of=yesterday-ish",
    ],
)
def test_a_link_that_was_spoiled_is_refused_in_words(link):
    """Never shown as something else."""
    with pytest.raises(QuestionError):
        view_of(link)


def test_a_pasted_link_shows_what_was_copied_and_back_returns(qtbot, window):
    """With its date; the search line takes it like a name."""
    view = window.parts.lineage
    view.focus_on(f"id:'{MODEL['id']}'", "fraud 8")
    window.parts.show_lineage()
    told(window, qtbot)
    view.pick(TARGET["id"])
    window.board["lineage.hide"].trigger()
    told(window, qtbot)
    window.board["edit.copy_link"].trigger()
    link = QGuiApplication.clipboard().text()
    view.focus_on(f"id:'{CLEAN['id']}'", "clean")
    told(window, qtbot)

    view.search.setText(link)
    qtbot.keyClick(view.search, "\r")
    told(window, qtbot)
    assert view.drawing.centre == MODEL["id"]
    assert TARGET["id"] not in view.drawing.things

    window.board["lineage.back"].trigger()
    told(window, qtbot)
    assert view.drawing.centre == CLEAN["id"]


def test_a_question_mark_shows_every_shortcut(qtbot, window):
    """Made from the table of actions, so that none is forgotten; in a line of text it is a letter."""
    from PySide6.QtCore import Qt

    from app.dialogs.texts import KeysDialog

    window.parts.show_lineage()
    told(window, qtbot)
    window.parts.lineage.search.setFocus()
    qtbot.keyClicks(window.parts.lineage.search, "?")
    assert window.parts.lineage.search.text().endswith("?")
    assert window.findChildren(KeysDialog) == []
    window.parts.lineage.search.clear()

    window.parts.lineage.outline.setFocus()
    qtbot.keyClick(window.parts.lineage.outline, Qt.Key.Key_Question)
    qtbot.waitUntil(lambda: window.findChildren(KeysDialog) != [])
    (dialog,) = window.findChildren(KeysDialog)
    rows = [dialog.tree.topLevelItem(at) for at in range(dialog.tree.topLevelItemCount())]
    said = {row.child(at).text(1) for row in rows for at in range(row.childCount())}
    wanted = {
        ", ".join(key.toString() for key in window.board[entry.id].shortcuts()) for entry in window.board
    }
    assert wanted - {""} <= said
    dialog.reject()
