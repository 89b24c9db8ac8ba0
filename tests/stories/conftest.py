"""The sample company in a workspace, and the window open on it; the stories only press keys."""

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.settings import Settings
from app.tasks import Tasks
from lineage.workspace import Workspace
from resources.sample import __main__ as sample


@pytest.fixture(scope="session")
def company(tmp_path_factory):
    """A folder with `files/` as the company would hand them over, and `audit.trail` made from them."""
    folder = tmp_path_factory.mktemp("company")
    sample.write(folder / "files")
    with Workspace.open(folder / "audit.trail") as workspace:
        workspace.import_([folder / "files"])
    return folder


class Person:
    """Somebody with a keyboard and no mouse, who looks at the window."""

    def __init__(self, qtbot, window):
        self.qtbot = qtbot
        self.window = window

    @property
    def focused(self):
        return QApplication.focusWidget()

    def press(self, key, modifier=Qt.KeyboardModifier.NoModifier, times=1):
        """Press a key where the keyboard is, and wait for what it leads to."""
        for _ in range(times):
            QTest.keyClick(
                (QApplication.activeModalWidget() and self.focused) or self.focused or self.window,
                key,
                modifier,
            )
        self.wait()

    def shortcut(self, name):
        """Press the shortcut of an action."""
        combination = self.window.board[name].shortcut()[0]
        QTest.keyClick(self.focused or self.window, combination.key(), combination.keyboardModifiers())
        self.wait()

    def type(self, text):
        """Type letters where the keyboard is."""
        QTest.keyClicks(self.focused, text)
        self.wait()

    def wait(self):
        """Wait until the window has answered."""
        self.qtbot.wait(20)
        self.qtbot.waitUntil(lambda: not self.window.tasks.busy_now, timeout=20_000)

    def until(self, condition):
        """Wait until something can be seen."""
        self.qtbot.waitUntil(condition, timeout=20_000)


@pytest.fixture
def person(qtbot, qapp, tmp_path, company):
    """A person before the window, the company's workspace open."""
    from app.window import MainWindow

    failures = []
    tasks = Tasks(failures.append)
    window = MainWindow(Settings(QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)), tasks)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    with qtbot.waitSignal(window.session.opened, timeout=20_000):
        window.errands.open_path(str(company / "audit.trail"))
    found = Person(qtbot, window)
    found.wait()
    yield found
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert failures == []
