"""An ops lead asks: what is live where, who put it there, under which SLA? With the keyboard alone."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication


def test_what_was_live_on_a_date_and_the_command_that_says_the_same(person):
    """As-of date, live switch, and a command to schedule; the answer is that of the workspace."""
    window, register = person.window, person.window.parts.register
    person.shortcut("view.live")
    now = {item["target"] for item in register.table.answers.items}
    assert now

    person.shortcut("view.as_of")
    edit = window.parts.dates.as_of_date
    assert person.focused is edit
    person.type("2025")
    person.press(Qt.Key.Key_Return)
    person.until(lambda: (window.session.dates.as_of or "").startswith("2025"))
    person.wait()

    shown = {(item["target"], item["model"], item["model_version"]) for item in register.table.answers.items}
    answer = window.session._workspace.live(as_of=window.session.dates.as_of)
    assert shown == {(item["target"], item["model"], item["model_version"]) for item in answer.items}

    person.shortcut("edit.copy_command")
    words = QApplication.clipboard().text()
    assert words.endswith(f"live --as-of {window.session.dates.as_of}")

    person.shortcut("view.now")
    assert {item["target"] for item in register.table.answers.items} == now


def test_a_finding_leads_to_both_sides_and_their_records(person):
    """From the number in the status bar to the evidence."""
    window = person.window
    person.shortcut("dock.findings")
    table = window.parts.findings.table
    assert table.answers.rowCount() > 0
    assert person.focused is table
    person.press(Qt.Key.Key_Down)

    subject = window.parts.details.subject
    assert subject.kind == "finding"
    assert subject.evidence
    person.shortcut("evidence.record")
    assert window.parts.details.drawer.text.toPlainText() != ""
