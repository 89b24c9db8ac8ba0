"""An auditor asks: is this register right, and can I check it without trusting you? With the keyboard alone."""

import gzip
import hashlib
import re
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication


def bytes_of(place: str) -> bytes:
    """The line that a place names, read from the file itself with nothing of the product."""
    path, line = re.fullmatch(r"(.+?):(\d+), byte [\d,]+", place).groups()
    file = Path(path)
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return content.split(b"\n")[int(line) - 1]


def test_from_a_rollback_to_the_dataset_behind_it_and_the_record_that_says_so(person):
    """Filter, Return, outline, raw record, SHA-256; and the hash is that of the line in the company's own file."""
    window, register = person.window, person.window.parts.register

    person.shortcut("edit.find")
    person.type("action:rollback target:prod-eu/parcels/eta-parcel")
    person.press(Qt.Key.Key_Return)
    assert register.table.answers.rowCount() >= 1
    assert {
        register.table.answers.item(row)["action"] for row in range(register.table.answers.rowCount())
    } == {"rollback"}

    person.press(Qt.Key.Key_Tab)
    assert person.focused is register.table
    person.press(Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    deployment, details = register.table.current_item(), window.parts.details

    person.shortcut("evidence.record")
    assert person.focused is details.drawer.text
    assert deployment["actor"].rpartition(":")[2] in details.drawer.text.toPlainText()
    person.shortcut("evidence.hash")
    sha256 = QApplication.clipboard().text()
    details.copy_place()
    assert hashlib.sha256(bytes_of(QApplication.clipboard().text())).hexdigest() == sha256

    person.shortcut("view.register")
    assert person.focused is register.table
    person.press(Qt.Key.Key_Return)
    lineage = window.parts.lineage
    person.until(lambda: window.stack.currentWidget() is lineage and lineage.drawing.centre != "")
    assert lineage.drawing.things[lineage.drawing.centre]["display"] == (
        f"{deployment['model']} {deployment['model_version']}"
    )

    person.shortcut("view.next_part")
    assert person.focused is lineage.outline
    person.press(Qt.Key.Key_Home)
    for _ in range(30):
        thing = lineage.outline.outline.branch(lineage.outline.currentIndex()).thing
        if thing is not None and thing["kind"] == "dataset":
            break
        person.press(Qt.Key.Key_Right)
        person.press(Qt.Key.Key_Down)
    assert details.subject.item["kind"] == "dataset"

    person.shortcut("lineage.why")
    assert details.subject.kind == "edge"
    tops = [details.model.index(row, 0).data() for row in range(details.model.rowCount())]
    assert {"From", "To"} <= set(tops)
    person.shortcut("evidence.record")
    assert details.drawer.text.toPlainText() != ""


def test_who_is_not_known_is_said_and_the_principal_is_shown(person):
    """For a change made by a robot, the register says that no person is evidenced, and keeps what was recorded."""
    register = person.window.parts.register
    person.shortcut("edit.find")
    person.type('person:"no person evidenced"')
    person.press(Qt.Key.Key_Return)
    person.press(Qt.Key.Key_Tab)
    person.press(Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)

    item = register.table.current_item()
    assert item["deployed_by"] is None
    model = person.window.parts.details.model
    tops = {model.index(row, 0).data(): model.index(row, 0) for row in range(model.rowCount())}
    assert model.index(tops["Deployed by"].row(), 1).data() == "no person evidenced"
    assert model.index(0, 1, tops["Deployed by"]).data() == item["actor"]
