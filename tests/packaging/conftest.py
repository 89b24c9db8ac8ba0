"""How do tests reach the modules behind `python3 packaging`, which are no package?"""

import importlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "packaging"


@pytest.fixture
def part(monkeypatch):
    """Import one of the modules in `packaging/` by its name, and forget all of them afterwards."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = {path.stem for path in FOLDER.glob("*.py")} - {"__main__"}
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)
