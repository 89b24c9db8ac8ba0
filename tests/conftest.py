"""What holds for every test: no display, no leftovers, nobody's own settings, the real files where they are.

Qt is only imported by tests that ask for it, so the core's tests also show that the core needs none.
"""

import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

TOP = Path(__file__).resolve().parent.parent
# A shared, loaded machine may take any time for one example.
hypothesis.settings.register_profile("modeltrail", deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "thorough", parent=hypothesis.settings.get_profile("modeltrail"), max_examples=2000
)
hypothesis.settings.load_profile("modeltrail")
# How long a thread may take to notice that the test is over.
PATIENCE = 3.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what reads the shared folder, so that `-m "not corpus"` leaves it out."""
    for item in items:
        if "corpus" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.corpus)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real files from other people's systems; the test is skipped where it is absent."""
    folder = Path(os.environ.get("MODELTRAIL_CORPUS") or TOP.parent / "shared" / "corpus")
    if not folder.is_dir():
        pytest.skip("the folder of real files is not here (MODELTRAIL_CORPUS names it)")
    return folder


@pytest.fixture
def workspace_path(tmp_path: Path) -> Path:
    """A path at which a workspace can be made, with nothing there yet."""
    return tmp_path / "audit.trail"


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests away from the settings and recent files of the person who runs them."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG", "DATA", "CACHE", "STATE"):
            patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        for name in ("MODELTRAIL_WORKSPACE", "MODELTRAIL_NOW"):
            patch.delenv(name, raising=False)
        yield


def _open_files(folder: Path) -> set[str]:
    """The files below `folder` that this process has open; empty where the system does not tell."""
    found = set()
    try:
        numbers = list(Path("/proc/self/fd").iterdir())
    except OSError:
        return found
    for number in numbers:
        try:
            target = str(number.readlink())
        except OSError:
            continue
        if target.startswith(f"{folder}{os.sep}"):
            found.add(target)
    return found


def _visible_windows() -> set[str]:
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return set()
    return {repr(widget) for widget in widgets.QApplication.topLevelWidgets() if widget.isVisible()}


def _wait_for_threads(before: set[threading.Thread]) -> list[str]:
    end = time.monotonic() + PATIENCE
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, end - time.monotonic()))
    return sorted(thread.name for thread in set(threading.enumerate()) - before)


@pytest.fixture(autouse=True)
def _nothing_left_behind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Fail a test that leaves a thread running, a workspace or file open, or a window on the screen."""
    folder = tmp_path_factory.getbasetemp().resolve()
    threads = set(threading.enumerate())
    files, windows = _open_files(folder), _visible_windows()
    failures = request.session.testsfailed
    yield
    if request.session.testsfailed > failures:
        # What a failure keeps alive for its traceback is no leak of the test's.
        return
    left = _open_files(folder) - files
    if left:
        gc.collect()
        left = _open_files(folder) - files
    if left:
        pytest.fail(f"left open: {', '.join(sorted(left))}")
    if len(threading.enumerate()) > len(threads):
        running = _wait_for_threads(threads)
        if running:
            pytest.fail(f"left running: {', '.join(running)}")
    shown = _visible_windows() - windows
    if shown:
        pytest.fail(f"left on the screen: {', '.join(sorted(shown))}")
