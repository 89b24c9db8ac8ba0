"""What the tests of the window need: settings of their own, a workspace from memory, a window that ends cleanly."""

import importlib.util
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings

from app.settings import Settings
from app.tasks import Tasks

_SPEC = importlib.util.spec_from_file_location("stub", Path(__file__).with_name("stub.py"))
stub = importlib.util.module_from_spec(_SPEC)
sys.modules.setdefault("stub", stub)
_SPEC.loader.exec_module(stub)


@pytest.fixture
def settings(tmp_path):
    """Settings in a file of this test."""
    return Settings(QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def failures():
    """What the background work could not do."""
    return []


@pytest.fixture
def tasks(qapp, failures):
    """Background work that has ended when the test has."""
    made = Tasks(failures.append)
    yield made
    assert made.close()


@pytest.fixture
def workspace():
    """A workspace from memory."""
    return stub.StubWorkspace()


@pytest.fixture
def empty_window(qtbot, settings, tasks, failures):
    """The window with nothing open."""
    from app.window import MainWindow

    window = MainWindow(settings, tasks)
    window.show()
    qtbot.waitExposed(window)
    yield window
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert failures == []


@pytest.fixture
def window(qtbot, empty_window, workspace, monkeypatch):
    """The window with the workspace from memory open, everything answered."""
    import lineage.workspace

    monkeypatch.setattr(lineage.workspace.Workspace, "open", lambda *_, **__: workspace)
    with qtbot.waitSignal(empty_window.session.opened):
        empty_window.session.open("stub.trail")
    settle(qtbot, empty_window)
    return empty_window


def settle(qtbot, window):
    """Wait until nothing is asked any more."""
    qtbot.waitUntil(lambda: not window.tasks.pending() and not window.tasks.busy_now)
