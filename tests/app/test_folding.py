"""Are many alike one card, and does each come out again without anything else moving?"""

import pytest
from stub import EDGES, MODEL, THINGS, edge, thing

from app.models.folding import fold

MANY = [thing("dataset", "s3://lake", f"labels/{number:02d}") for number in range(12)]


@pytest.fixture
def lineage(qtbot, window, monkeypatch):
    """The lineage of a model version that twelve more datasets went into."""
    import stub

    monkeypatch.setattr(stub, "THINGS", [*THINGS, *MANY])
    monkeypatch.setattr(stub, "EDGES", [*EDGES, *(edge(one, MODEL, "input", 60) for one in MANY)])
    window.parts.lineage.focus_on(f"id:'{MODEL['id']}'", "fraud 8")
    window.parts.show_lineage()
    qtbot.waitUntil(lambda: not window.tasks.busy_now)
    return window.parts.lineage


def group_card(lineage):
    """The one card that stands for several things."""
    (card,) = [card for card in lineage.canvas.scene.cards if card.stands_for]
    return card


def places(lineage):
    """Where each card stands."""
    scene = lineage.canvas.scene
    return {
        card.key: (scene.left[at], scene.top[at])
        for at, card in enumerate(scene.cards)
        if not card.stands_for
    }


def told(window, qtbot):
    """Wait until everything is answered."""
    qtbot.waitUntil(lambda: not window.tasks.pending() and not window.tasks.busy_now)


def test_twelve_datasets_of_one_model_are_one_card_that_says_so(lineage):
    """The card says how many of how many; the clean dataset that stands with them is the thirteenth."""
    card = group_card(lineage)

    assert card.stands_for == 13
    assert card.subtitle.startswith("13 of 13 folded")
    assert len(lineage.drawing.things) == len(THINGS) + len(MANY)
    assert "13 folded" in lineage._note.text()


def test_unfolding_moves_nothing_else_and_undo_folds_again(qtbot, window, lineage):
    """What stood somewhere stays there, also where more is added than was drawn."""
    before, key = places(lineage), group_card(lineage).key
    lineage.canvas.selected.emit(key)
    lineage.canvas.activated.emit(key)
    told(window, qtbot)

    after = places(lineage)
    assert {one["id"] for one in MANY} <= set(after)
    moved = {name: (after[name], place) for name, place in before.items() if after[name] != place}
    assert moved == {}

    window.board["edit.undo"].trigger()
    told(window, qtbot)
    assert group_card(lineage).stands_for == 13
    window.board["edit.redo"].trigger()
    told(window, qtbot)
    window.board["lineage.fold"].trigger()
    told(window, qtbot)
    assert group_card(lineage).stands_for == 13


def test_one_is_pulled_out_by_a_part_of_its_name(qtbot, window, lineage):
    """The rest stays folded and says how many of how many; the one is current in drawing and outline."""
    from app.dialogs.members import MembersDialog

    lineage.pick(group_card(lineage).key)
    window.board["lineage.pull"].trigger()
    (dialog,) = lineage.findChildren(MembersDialog)
    qtbot.keyClicks(dialog.line, "labels/07")
    dialog.accept()
    told(window, qtbot)

    assert group_card(lineage).subtitle.startswith("12 of 13 folded")
    assert MANY[7]["id"] in places(lineage)
    assert lineage.canvas.current == MANY[7]["id"] == lineage.outline.current_id()


def test_a_folded_thing_chosen_in_the_outline_is_its_card_in_the_drawing(lineage):
    """And the outline says with how many it is folded."""
    outline = lineage.outline.outline
    index = outline.find(MANY[3]["id"])
    lineage.outline.setCurrentIndex(index)

    assert lineage.canvas.current == group_card(lineage).key
    assert outline.index(index.row(), 2, index.parent()).data().endswith("folded with 12 of 12 like it")


def test_hiding_a_group_hides_what_it_stands_for_and_says_how_many(qtbot, window, lineage, tmp_path):
    """Thirteen things, not one card."""
    lineage.pick(group_card(lineage).key)
    window.board["lineage.hide"].trigger()
    told(window, qtbot)
    assert lineage.shown_again.text() == "13 hidden: show"

    lineage.write_picture(str(tmp_path / "part.svg"))
    assert "13 hidden" in (tmp_path / "part.svg").read_text("utf-8")

    lineage.shown_again.click()
    told(window, qtbot)
    assert group_card(lineage).stands_for == 13


def test_four_are_no_group_and_those_behind_a_group_are_one_again():
    """Five datasets with a job each are two cards; four stay as they are."""
    for count, groups in ((4, 0), (5, 2)):
        kinds = (
            {"m": "model"}
            | {f"d{n}": "dataset" for n in range(count)}
            | {f"j{n}": "job" for n in range(count)}
        )
        pairs = [(f"d{n}", "m") for n in range(count)] + [(f"j{n}", f"d{n}") for n in range(count)]
        assert len(fold(kinds, pairs, "m").groups) == groups


def test_the_names_of_groups_do_not_depend_on_the_order_of_things():
    """Nor on whether what lies nearer is unfolded, so that a saved view finds its groups again."""
    kinds = {"m": "model"} | {f"{letter}{n}": letter for letter in "dj" for n in range(6)}
    pairs = [(f"d{n}", "m") for n in range(6)] + [(f"j{n}", f"d{n}") for n in range(6)]
    one = fold(kinds, pairs, "m")
    (inner, outer) = one.groups
    other = fold(dict(reversed(kinds.items())), pairs[::-1], "m", opened=frozenset({inner}))

    assert set(other.groups) == {inner, outer}
    assert other.groups[inner].folded == ()
    assert len(other.groups[outer].folded) == 6
