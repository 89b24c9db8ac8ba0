"""Do the drawing and its outline show the same, and can every step be taken back?"""

import shlex

import pytest
from PySide6.QtCore import Qt
from stub import CLEAN, EDGES, MODEL, RAW, TARGET, THINGS, Answer

from app.models.drawing import gather
from app.models.facts import FactModel, Row, line
from app.models.outline import OutlineModel, grow


@pytest.fixture
def lineage(qtbot, window):
    """The place Lineage around the target of a deployment."""
    window.parts.register.table.pick(("d0008",))
    qtbot.waitUntil(lambda: not window.tasks.busy_now)
    window.board["lineage.focus"].trigger()
    qtbot.waitUntil(lambda: not window.tasks.busy_now)
    return window.parts.lineage


def outline_ids(view):
    """The ids of the things that the outline tells of."""
    found, waiting = set(), [view.outline.branch(view.outline.index(-1, 0))]
    while waiting:
        branch = waiting.pop()
        waiting += branch.rows
        if branch.thing is not None:
            found.add(branch.thing["id"])
    return found


def test_what_the_deployment_served_stands_in_the_middle(lineage):
    """From the register to what stands behind that version, and where it serves, in one step."""
    assert lineage.drawing.centre == MODEL["id"]
    assert TARGET["id"] in lineage.drawing.things


def test_the_outline_holds_the_same_things_as_the_drawing(qtbot, lineage):
    """Also after less was shown."""
    assert outline_ids(lineage.outline) == set(lineage.drawing.things)

    lineage.up.setValue(0)
    qtbot.waitUntil(lambda: RAW["id"] not in lineage.drawing.things)
    assert outline_ids(lineage.outline) == set(lineage.drawing.things)


def test_what_is_chosen_in_the_outline_is_chosen_in_the_details(qtbot, window, lineage):
    """One selection for all."""
    lineage.outline.setCurrentIndex(lineage.outline.outline.find(TARGET["id"]))
    qtbot.waitUntil(lambda: not window.tasks.busy_now)

    assert window.parts.details.subject.item["id"] == TARGET["id"]


def test_a_hidden_thing_is_gone_said_and_brought_back(qtbot, window, lineage):
    """Nothing is left out in silence, and undo brings it back."""
    lineage.pick(TARGET["id"])
    window.board["lineage.hide"].trigger()
    qtbot.waitUntil(lambda: TARGET["id"] not in lineage.drawing.things)
    tops = lineage.outline.outline.branch(lineage.outline.outline.index(-1, 0)).rows
    assert "1 thing hidden by you" in [branch.text for branch in tops]

    window.board["edit.undo"].trigger()
    qtbot.waitUntil(lambda: TARGET["id"] in lineage.drawing.things)


def test_back_returns_to_what_was_in_the_middle(qtbot, window, lineage):
    """As in a browser."""
    lineage.focus_on(f"id:'{TARGET['id']}'", "scorer")
    qtbot.waitUntil(lambda: lineage.drawing.centre == TARGET["id"])

    window.board["lineage.back"].trigger()
    qtbot.waitUntil(lambda: lineage.drawing.centre == MODEL["id"])
    window.board["lineage.forward"].trigger()
    qtbot.waitUntil(lambda: lineage.drawing.centre == TARGET["id"])


def test_a_name_that_nothing_has_is_said(qtbot, window, lineage):
    """In words, and the drawing says it as well."""
    lineage.focus_on("nonsense", "nonsense")
    qtbot.waitUntil(lambda: not window.tasks.busy_now)

    assert "nothing has this name" in lineage.drawing.says


def test_the_command_line_gives_the_same_lineage(lineage):
    """The copied command asks what the view asks."""
    words = shlex.split(lineage.command)

    assert words == ["trace", f"id:'{MODEL['id']}'", "--up", "4", "--down", "2", "--ever"]


def test_the_outline_keeps_to_the_rules_of_qt(qtmodeltester, qapp):
    """Also when it is empty and when a thing is told twice."""
    model = OutlineModel()
    qtmodeltester.check(model)
    twice = [*EDGES, {**EDGES[0], "to": TARGET["id"]}]
    model.show(grow([{**item, "depth": 0 if item is TARGET else 1} for item in THINGS], twice, TARGET["id"]))
    qtmodeltester.check(model)


def test_each_thing_of_a_graph_is_told_in_full_once():
    """A second mention says that it was told above, so that a circle ends."""
    circle = [*EDGES, {**EDGES[0], "from": TARGET["id"], "to": RAW["id"]}]
    rows = grow([{**item, "depth": 0 if item is TARGET else 1} for item in THINGS], circle, TARGET["id"])

    for heading in rows[0].rows:
        full, waiting = [], list(heading.rows)
        while waiting:
            row = waiting.pop()
            waiting += row.rows
            if not row.again:
                full.append(row.thing["id"])
        assert len(full) == len(set(full)) > 0


def test_traces_that_overlap_are_one_drawing_and_say_what_is_not_drawn():
    """Two answers that share things and edges give each once; a card knows how many neighbours are left out."""
    answer = Answer(
        [{"nodes": [{**item, "depth": 0 if item is TARGET else -1} for item in THINGS], "edges": EDGES}]
    )

    drawing = gather(answer, [answer], up=1, down=0, hidden=frozenset({MODEL["id"]}))

    assert len(drawing.nodes) == len(THINGS) - 1
    assert all(MODEL["id"] not in {edge["from"], edge["to"]} for edge in drawing.edges)
    assert drawing.more_up[TARGET["id"]] == 1


def test_what_lies_one_step_further_is_counted_and_not_drawn():
    """The trace reaches one step beyond what was asked for."""
    depth = {TARGET["id"]: 0, MODEL["id"]: -1, CLEAN["id"]: -2}
    nodes = [{**item, "depth": depth[item["id"]]} for item in (TARGET, MODEL, CLEAN)]

    drawing = gather(Answer([{"nodes": nodes, "edges": EDGES[3:]}]), [], up=1, down=0, hidden=frozenset())

    assert set(drawing.things) == {TARGET["id"], MODEL["id"]}
    assert drawing.more_up == {MODEL["id"]: 1}


def test_the_tree_of_details_keeps_to_the_rules_of_qt(qtmodeltester, qapp):
    """Nested lists and objects, times and nothing at all."""
    model = FactModel()
    model.show([line("a", {"b": [{"c": 1}, 2], "d": None}), Row("x"), line("t", "2026-01-01T00:00:00Z")])

    qtmodeltester.check(model)
    assert model.index(2, 1).data() == "2026-01-01 00:00:00 UTC"
    assert model.index(2, 1).data(Qt.ItemDataRole.ToolTipRole).startswith("<p")
