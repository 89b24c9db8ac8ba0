"""Is the window there at once, with nothing heavy loaded, and does it end as it should?"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.crash import CrashDialog, FaultFile, Reporter, report
from lineage.errors import CancelledError, UserError

TOP = Path(__file__).resolve().parents[2]
FIRST_PAINT = """
import json, sys
before = set(sys.modules)
from app.main import make_application
from app.settings import user_settings
from app.tasks import Tasks
from app.window import MainWindow
app = make_application()
window = MainWindow(user_settings(), Tasks(print))
window.show()
window.grab()
tops = {name.partition(".")[0] for name in set(sys.modules) - before}
window.close()
print(json.dumps(sorted(tops - sys.stdlib_module_names)))
"""


def run(*words, **changed):
    """Run Python in the checkout with these words."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=TOP,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **changed},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def caught(call):
    """Call, and return the exception with where it happened."""
    with pytest.raises(Exception) as told:  # noqa: PT011 - whichever it is
        call()
    return told.value


def test_before_the_first_paint_only_pyside_is_loaded():
    """Everything else comes when a workspace opens."""
    done = run("-c", FIRST_PAINT)

    assert done.returncode == 0, done.stderr
    outside = set(json.loads(done.stdout.splitlines()[-1]))
    belongs_to_pyside = {"PySide6", "shiboken6", "shibokensupport", "signature_bootstrap", "__feature__"}
    assert outside - {"app", "lineage"} <= belongs_to_pyside


def test_the_command_tells_how_it_is_used():
    """`--help` needs no display."""
    done = run("-m", "app", "--help")

    assert done.returncode == 0
    assert "--picture" in done.stdout


def test_a_mistake_of_ours_is_shown_with_a_text_that_can_be_copied(qtbot):
    """The report names versions and place, and a second mistake joins the first."""
    reporter = Reporter()
    error = caught(lambda: {}["ours"])
    reporter.tell(error)
    reporter.tell(error)
    qtbot.waitUntil(lambda: any(isinstance(top, CrashDialog) for top in QApplication.topLevelWidgets()))
    qtbot.wait(10)
    dialogs = [
        top for top in QApplication.topLevelWidgets() if isinstance(top, CrashDialog) and top.isVisible()
    ]

    assert len(dialogs) == 1
    text = dialogs[0].text.toPlainText()
    assert text.count("KeyError: 'ours'") == 2
    assert "ModelTrail" in text
    dialogs[0].close()


def test_what_went_wrong_in_the_users_world_is_no_crash(qtbot):
    """One line, no traceback; and what the person stopped is not told at all."""
    reporter, told = Reporter(), []
    reporter.complained.connect(told.append)

    reporter.tell(CancelledError("import"))
    reporter.tell(UserError("the disk is full"))

    qtbot.waitUntil(lambda: len(told) == 1)
    assert str(told[0]) == "the disk is full"
    assert not any(isinstance(top, CrashDialog) and top.isVisible() for top in QApplication.topLevelWidgets())


def test_a_report_holds_where_it_happened():
    """File and line of the mistake, as Python says them."""
    assert "test_start.py" in report(caught(lambda: int("x")))


def test_the_trace_of_a_run_that_died_is_read_once(tmp_path):
    """And a run that ended well leaves nothing."""
    fault = FaultFile(tmp_path)
    fault.arm()
    fault.disarm()
    assert fault.take() == ""

    (tmp_path / "fault.txt").write_text("Fatal Python error: Aborted", "utf-8")
    assert fault.take() == "Fatal Python error: Aborted"
    assert fault.take() == ""


@pytest.mark.parametrize("theme", ["system", "light", "dark"])
def test_settings_are_kept_in_a_file_a_person_can_read(settings, theme):
    """Plain text, and a value nobody knows is taken for the usual one."""
    settings.theme = theme
    settings.sync()

    assert settings.theme == theme
    assert f"theme={theme}" in Path(settings.file).read_text("utf-8")
    settings.theme = "purple"
    assert settings.theme == "system"
