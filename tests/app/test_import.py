"""Do files get into the workspace through a real child process, and can that be stopped?"""

import json

import pytest
from PySide6.QtCore import QObject

from app.importing import Imported, ImportProcess
from lineage.errors import BugError

EVENT = {
    "eventType": "COMPLETE",
    "eventTime": "2026-06-01T10:00:00Z",
    "producer": "https://example.com/airflow",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {"runId": "0190a0a0-0000-7000-8000-000000000001"},
    "job": {"namespace": "airflow", "name": "daily"},
    "inputs": [{"namespace": "s3://lake", "name": "raw"}],
    "outputs": [{"namespace": "s3://lake", "name": "clean"}],
}


@pytest.fixture
def events(tmp_path):
    """A file with one good event and one that is cut off."""
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(EVENT) + "\n" + json.dumps(EVENT)[:100] + "\n", "utf-8")
    return path


@pytest.fixture
def process(qapp):
    """An import that is gone when the test is."""
    owner = QObject()
    made = ImportProcess(owner)
    yield made
    made.close()


def settle(qtbot, window):
    """Wait until nothing is asked or read any more."""
    qtbot.waitUntil(lambda: not window.tasks.busy_now and not window.errands.busy, timeout=60_000)


def test_files_are_imported_and_the_window_shows_them(qtbot, empty_window, workspace_path, events):
    """Progress, a summary with the problem in it, and new answers everywhere, without a restart."""
    window, told, steps = empty_window, [], []
    window.errands.told.connect(lambda text, act, _: told.append((text, act)))
    window.errands.progress.connect(lambda *step: steps.append(step))
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(workspace_path, create=True)

    window.errands._import([str(events)], {"instance": "airflow-prod"})
    assert window.board["file.cancel_import"].isEnabled()
    settle(qtbot, window)
    qtbot.waitUntil(lambda: window.parts.problems.table.answers.rowCount() == 1, timeout=10_000)

    assert told == [("Read 1 file: 1 record accepted, 1 problem.", "Show the problems")]
    assert steps[0][0] == "starting the import"
    assert not window.board["file.cancel_import"].isEnabled()
    assert "1 problem" in window.status.problems.text()
    assert window.parts.problems.table.answers.item(0)["line"] == 2


def test_an_import_can_be_stopped_and_nothing_is_said_to_be_done(qtbot, process, workspace_path, events):
    """Stopping is killing, and safe; the window says that it was stopped."""
    ended = []
    process.finished.connect(ended.append)
    process.start(str(workspace_path), [str(events)])

    process.stop()

    qtbot.waitUntil(lambda: len(ended) == 1, timeout=20_000)
    assert ended[0] == Imported(stopped=True)
    assert not process.running


def test_a_file_that_is_not_there_is_said_in_one_line(qtbot, process, workspace_path, tmp_path):
    """What the command line says, the window says."""
    errors = []
    process.failed.connect(errors.append)
    process.start(str(workspace_path), [str(tmp_path / "nowhere.json")])

    qtbot.waitUntil(lambda: len(errors) == 1, timeout=60_000)
    assert "nowhere.json" in str(errors[0])
    assert "Traceback" not in str(errors[0])


def test_a_child_that_dies_is_told_with_what_to_do(qtbot, process):
    """Not silence, and not a traceback as the message."""
    errors = []
    process.failed.connect(errors.append)
    process.run(["-c", "import os; os._exit(7)"])

    qtbot.waitUntil(lambda: len(errors) == 1, timeout=20_000)
    assert "ended unexpectedly" in str(errors[0])
    assert "import the same files again" in str(errors[0])


def test_a_mistake_of_ours_in_the_child_is_told_with_its_whole_trace(qtbot, process):
    """So that it can be reported: a status of 1 with a traceback is no answer that needs a person."""
    errors = []
    process.failed.connect(errors.append)
    process.run(["-c", "raise KeyError('ours')"])

    qtbot.waitUntil(lambda: len(errors) == 1, timeout=20_000)
    assert isinstance(errors[0], BugError)
    assert "KeyError: 'ours'" in str(errors[0])


def test_closing_the_window_ends_the_child(qtbot, process, workspace_path, events):
    """No import goes on without a window."""
    process.start(str(workspace_path), [str(events)])

    process.close()

    assert not process.running
