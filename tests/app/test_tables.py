"""Do the tables keep to Qt's rules, sort, filter and copy, whatever stands in them?"""

import pytest
from PySide6.QtCore import Qt
from stub import HOSTILE, register

from app.models.answers import AnswerModel, identity_by
from app.models.columns import (
    COVERAGE,
    DEPLOYMENTS,
    ENTITIES,
    FINDINGS,
    IMPORTS,
    LIVE,
    PROBLEMS,
    RECOGNISED,
)
from app.models.filters import read_filter
from app.tables import AnswerTable

SETS = {
    "deployments": DEPLOYMENTS, "live": LIVE, "entities": ENTITIES, "problems": PROBLEMS, "findings": FINDINGS,
    "imports": IMPORTS, "coverage": COVERAGE, "recognised": RECOGNISED,
}  # fmt: skip


@pytest.fixture
def model(qapp):
    """The register of the stub as a model."""
    made = AnswerModel(DEPLOYMENTS, identity_by("id"))
    made.set_items(register())
    return made


def texts(model, key):
    """What stands in a column, from top to bottom."""
    place = [column.key for column in model.columns].index(key)
    return [model.index(row, place).data() for row in range(model.rowCount())]


@pytest.mark.parametrize("name", SETS)
def test_every_table_keeps_to_the_rules_of_qt(qtmodeltester, qapp, name):
    """Also for items that hold none of the fields, and while it is sorted, filtered and filled."""
    model = AnswerModel(SETS[name], identity_by("id"))
    model.set_items([*register(), {}])

    qtmodeltester.check(model)
    model.sort(0, Qt.SortOrder.DescendingOrder)
    model.set_filter("fraud")
    model.choose([column.key for column in SETS[name]])
    model.set_items(register()[:3])


@pytest.mark.parametrize("name", SETS)
def test_no_column_fails_on_an_item_with_nothing_in_it(qapp, name):
    """A field that is missing is said or left blank, never an error."""
    model = AnswerModel(SETS[name], identity_by("id"))
    model.choose([column.key for column in SETS[name]])
    model.set_items([{}])

    for place in range(model.columnCount()):
        for role in (0, 3, 8, 9):
            model.index(0, place).data(role)


def test_what_nobody_did_is_said_and_never_guessed(model):
    """No person, no model and no SLA stand in words."""
    assert texts(model, "deployed_by")[8] == "no person evidenced"
    assert texts(model, "sla")[8] == "no SLA assigned"
    assert texts(model, "model")[11] == "model unknown"
    assert texts(model, "ended_at")[0] == "still serving"


def test_an_uncertain_time_is_shown_as_the_interval_it_lies_in(model):
    """A source without history cannot give an exact time."""
    assert texts(model, "deployed_at")[9] == "2026-03-01 00:00:00 to 2026-03-04 00:00:00"


def test_a_tooltip_shows_markup_from_outside_as_text(model):
    """A name that looks like HTML is not drawn as HTML, and hidden characters are named."""
    place = [column.key for column in model.columns].index("target")

    tip = model.index(9, place).data(Qt.ItemDataRole.ToolTipRole)

    assert "<b onclick" not in tip
    assert "&lt;b onclick" in tip
    assert "⟨U+202E⟩" in model.index(9, place).data()


def test_sorting_by_time_puts_the_newest_first_and_the_unknown_last(model):
    """Descending by time; what has no time is never in between."""
    model.set_items([*register(), {"id": "x"}])
    model.sort(0, Qt.SortOrder.DescendingOrder)

    shown = texts(model, "deployed_at")
    assert shown[0] == "2026-09-03 10:00:00"
    assert shown[-1] == ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("rollback", ["d0009"]),
        ("action:rollback", ["d0009"]),
        ("person:alice model:fraud -target:scorer-0", None),
        ('target:"scorer-2"', None),
        ("ROLLBACK", ["d0009"]),
        ("nothing-has-this", []),
        ("person:none-such", []),
    ],
)
def test_a_filter_keeps_the_rows_that_fulfil_every_word(model, text, kept):
    """Words are looked for in all columns, or in the one before the colon."""
    model.set_filter(text)

    ids = [model.item(row)["id"] for row in range(model.rowCount())]
    if kept is None:
        assert 0 < len(ids) < len(register())
    else:
        assert ids == kept


def test_a_word_before_a_colon_that_is_no_column_is_part_of_the_text():
    """A path can be pasted into the filter as it is."""
    assert [(term.text, term.column) for term in read_filter("s3://lake", {"env": "environment"})] == [
        ("s3://lake", "")
    ]


def test_rows_are_copied_with_their_header_and_cannot_run_in_a_spreadsheet(model):
    """A name that begins like a formula gets a mark before it."""
    model.set_items([{"id": "1", "target": "=HYPERLINK(1)", "action": "deploy"}])

    lines = model.as_text([0], ",").splitlines()

    assert lines[0].startswith("Deployed (UTC),Action,Target")
    assert ",'=HYPERLINK(1)," in lines[1]


def test_the_chosen_row_stays_chosen_when_the_answer_comes_again(qtbot, model):
    """By what it is, not by where it stood."""
    table = AnswerTable(model, "Register")
    qtbot.addWidget(table)
    table.pick(("d0005",))
    picked = []
    table.picked.connect(picked.append)

    model.set_items(list(reversed(register())))

    assert table.current_item()["id"] == "d0005"
    assert picked == []


def test_the_person_chooses_and_orders_the_columns(qtbot, model):
    """What is chosen is shown, in that order, and what is unknown is passed over."""
    table = AnswerTable(model, "Register")
    qtbot.addWidget(table)

    table.choose_columns(["target", "no-such-column", "action"])
    assert table.column_keys() == ["target", "action"]

    table.horizontalHeader().moveSection(0, 1)
    assert table.column_keys() == ["action", "target"]


def test_hostile_names_are_shown_whole_and_harmless(model):
    """Nothing of a name is lost by making it safe."""
    shown = texts(model, "target")[9]

    assert shown == HOSTILE.replace("\u202e", "⟨U+202E⟩")
