"""Is the window there before anything heavy is loaded?

Importing pandas, SQLAlchemy and networkx first takes about seven times the work of showing an empty window.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
HEAVY = {"networkx", "numpy", "pandas", "sqlalchemy", "xlsxwriter", "jinja2"}


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that Python imports for `statement`, as Python itself reports them."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    names = re.findall(r"^import time:.*\|\s*(\S+)$", done.stderr, re.MULTILINE)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("module", ["app.main", "app.window"])
def test_the_window_starts_without_the_heavy_libraries(module):
    """Up to the first paint only PySide6 and sqlite3 are imported."""
    if not (TOP / f"{module.replace('.', '/')}.py").exists():
        pytest.skip(f"there is no {module} yet")

    assert loaded_by(f"import {module}") & HEAVY == set()


def test_the_core_is_imported_without_qt_and_without_the_heavy_libraries():
    """`import lineage` is cheap, and works on a machine that has no Qt."""
    assert loaded_by("import lineage") & (HEAVY | {"PySide6", "shiboken6"}) == set()


@pytest.mark.skipif(importlib.util.find_spec("lineage.cli") is None, reason="there is no command line yet")
def test_the_command_line_is_imported_without_qt():
    """A server that only imports and reports needs no window system."""
    assert loaded_by("import lineage.cli") & {"PySide6", "shiboken6"} == set()
