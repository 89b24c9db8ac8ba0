"""Is what lies between two things lit, with the exact number of paths, by pointer and by keyboard?"""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from stub import CLEAN, FOREIGN, MODEL, ODD, RAW, TARGET, Answer

from app.dialogs.texts import TextDialog


@pytest.fixture
def lineage(qtbot, window, monkeypatch):
    """All that the model version came from; the workspace knows one path from the raw data to the target."""

    def paths(self, begin, end, limit=10, **how):
        self._note("paths", (begin, end, how))
        found = RAW["id"] in begin and TARGET["id"] in end
        names = [["raw/payments", FOREIGN, "clean", "fraud 8", "scorer"]] * 3 if found else []
        return Answer([{"count": 1234 if found else 0, "display": names, "paths": [], "evidence": []}])

    import stub

    monkeypatch.setattr(stub.StubWorkspace, "paths", paths, raising=False)
    view = window.parts.lineage
    view.focus_on(f"id:'{MODEL['id']}'", "fraud 8")
    window.parts.show_lineage()
    told(window, qtbot)
    return view


def told(window, qtbot):
    """Wait until everything is answered."""
    qtbot.waitUntil(lambda: not window.tasks.pending() and not window.tasks.busy_now)


def lit(view):
    """The keys of the cards that are lit."""
    flags = view.canvas._lit.cards()
    return {card.key for card, on in zip(view.canvas.scene.cards, flags, strict=True) if on}


def shift_click(qtbot, view, key):
    """Click the middle of a card with Shift held."""
    scene, canvas = view.canvas.scene, view.canvas
    at = scene.index(key)
    middle = ((scene.left[at] + scene.right[at]) / 2, (scene.top[at] + scene.bottom[at]) / 2)
    x, y = canvas.view.to_widget(*middle)
    qtbot.mouseClick(
        canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, QPoint(int(x), int(y))
    )


def test_shift_and_a_click_light_what_lies_between(qtbot, window, lineage):
    """In whichever order they are clicked; what is not on the way is not lit, and the number is the workspace's."""
    lineage.pick(TARGET["id"])
    with qtbot.waitSignal(lineage.told, check_params_cb=lambda text: text.startswith("1,234 paths from raw")):
        shift_click(qtbot, lineage, RAW["id"])
    told(window, qtbot)

    assert {RAW["id"], CLEAN["id"], MODEL["id"], TARGET["id"]} < lit(lineage)
    assert ODD["id"] not in lit(lineage)
    qtbot.keyClick(lineage.canvas, Qt.Key.Key_Escape)
    assert lineage.canvas._lit is None


def test_the_keyboard_does_the_same_and_the_paths_are_listed(qtbot, window, lineage):
    """One key at each of the two; the list says that it is not all of them."""
    for key in (RAW["id"], TARGET["id"]):
        lineage.pick(key)
        window.board["lineage.between"].trigger()
        told(window, qtbot)
    assert lineage.ways.count == 1234

    window.board["lineage.paths"].trigger()
    (dialog,) = lineage.findChildren(TextDialog)
    assert dialog.text.toPlainText().splitlines()[0] == f"raw/payments → {FOREIGN} → clean → fraud 8 → scorer"
    assert dialog.text.toPlainText().splitlines()[-1] == "the shortest 3 are listed"
    dialog.reject()


def test_no_path_is_said(qtbot, window, lineage):
    """And nothing is lit."""
    lineage.pick(ODD["id"])
    with qtbot.waitSignal(lineage.told, check_params_cb=lambda text: text.startswith("No path leads from")):
        lineage.span(RAW["id"])
    assert lineage.canvas._lit is None


def test_no_widget_asks_for_paths_in_the_main_thread():
    """The answer is asked for in the background alone."""
    folder = Path(__file__).parents[2] / "app"
    asking = [file.name for file in folder.rglob("*.py") if "workspace.paths(" in file.read_text("utf-8")]

    assert asking == ["between.py"]
