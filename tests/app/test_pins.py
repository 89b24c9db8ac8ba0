"""Can each thing be expanded, contracted, pinned and hidden by itself, and is each step said and taken back?"""

import pytest
from stub import CLEAN, EDGES, JOB, MODEL, ODD, RAW, TARGET, THINGS, Answer

from app.models.drawing import gather


@pytest.fixture
def lineage(qtbot, window):
    """One step around the model version: what it was made from, and where it serves."""
    view = window.parts.lineage
    view.up.setValue(1)
    view.focus_on(f"id:'{MODEL['id']}'", "fraud 8")
    window.parts.show_lineage()
    told(window, qtbot)
    return view


def told(window, qtbot):
    """Wait until everything is answered."""
    qtbot.waitUntil(lambda: not window.tasks.pending() and not window.tasks.busy_now)


def press(window, qtbot, name):
    """Do what an action does and wait for the answer."""
    window.board[name].trigger()
    told(window, qtbot)


def test_one_side_of_one_thing_is_expanded_and_contracted(qtbot, window, lineage):
    """One step each time; the next thing says how much lies behind it; undo takes the step back."""
    assert set(lineage.drawing.things) == {MODEL["id"], CLEAN["id"], TARGET["id"]}
    lineage.pick(CLEAN["id"])
    press(window, qtbot, "lineage.turn_up")
    assert set(lineage.drawing.things) == {MODEL["id"], CLEAN["id"], TARGET["id"], JOB["id"]}
    assert lineage.drawing.more_up == {JOB["id"]: 2}

    press(window, qtbot, "lineage.turn_up")
    assert JOB["id"] not in lineage.drawing.things
    press(window, qtbot, "edit.undo")
    assert JOB["id"] in lineage.drawing.things


def test_a_side_within_reach_is_left_out_and_said(qtbot, window, lineage):
    """The pill and the tooltip say how many are not drawn; the same key shows them again."""
    lineage.pick(MODEL["id"])
    press(window, qtbot, "lineage.turn_up")
    assert set(lineage.drawing.things) == {MODEL["id"], TARGET["id"]}
    card = lineage.canvas.scene.cards[lineage.canvas.scene.index(MODEL["id"])]
    assert card.more_up == 1
    assert "0 of 1 upstream drawn" in card.detail

    press(window, qtbot, "lineage.turn_up")
    assert CLEAN["id"] in lineage.drawing.things


def test_a_pinned_card_stays_when_everything_is_laid_out_anew(qtbot, window, lineage):
    """It bears a mark; undo takes the pin out."""
    lineage.pick(TARGET["id"])
    scene = lineage.canvas.scene
    at = scene.index(TARGET["id"])
    top = scene.top[at]
    press(window, qtbot, "lineage.pin")
    assert [pin[0] for pin in lineage.looking.pins] == [TARGET["id"]]
    lineage.up.setValue(4)
    told(window, qtbot)

    scene = lineage.canvas.scene
    card = scene.cards[scene.index(TARGET["id"])]
    assert [badge.text for badge in card.badges] == ["pinned"]
    assert scene.top[scene.index(TARGET["id"])] == top
    press(window, qtbot, "edit.undo")
    press(window, qtbot, "edit.undo")
    assert lineage.looking.pins == ()


def test_what_is_hidden_is_said_with_a_way_back_in_sight(qtbot, window, lineage):
    """A button that says how many; pressing it shows them, and undo hides them again."""
    assert not lineage.shown_again.isVisible()
    lineage.pick(TARGET["id"])
    press(window, qtbot, "lineage.hide")
    assert lineage.shown_again.isVisible()
    assert lineage.shown_again.text() == "1 hidden: show"

    lineage.shown_again.click()
    told(window, qtbot)
    assert TARGET["id"] in lineage.drawing.things
    press(window, qtbot, "edit.undo")
    assert TARGET["id"] not in lineage.drawing.things


def test_closing_a_side_never_cuts_a_thing_off_from_the_middle():
    """What is reached another way stays; the way to the middle itself is never closed."""
    depth = {TARGET["id"]: 0, MODEL["id"]: -1, CLEAN["id"]: -2, JOB["id"]: -3, RAW["id"]: -4, ODD["id"]: -4}
    answer = Answer([{"nodes": [{**item, "depth": depth[item["id"]]} for item in THINGS], "edges": EDGES}])

    def drawn(*closed):
        return set(gather(answer, [], up=9, down=9, hidden=frozenset(), closed=frozenset(closed)).things)

    assert drawn((JOB["id"], "down")) == set(depth)
    assert drawn((JOB["id"], "up")) == set(depth) - {RAW["id"], ODD["id"]}
    assert drawn((TARGET["id"], "up")) == {TARGET["id"]}
