"""Is the code formatted, free of known mistakes, typed, and are its floors kept?"""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
TYPED = [name for name in ("app", "lineage", "resources", "packaging") if (TOP / name).is_dir()]


def check(*words):
    """Fail with what a tool says when it is not content."""
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{done.stdout}\n{done.stderr}", pytrace=False)


def test_ruff_finds_nothing():
    """All rules but those that pyproject.toml leaves out with a reason."""
    check(sys.executable, "-m", "ruff", "check", "--output-format=concise", ".")


def test_the_code_is_formatted():
    """`ruff format` would change nothing."""
    check(sys.executable, "-m", "ruff", "format", "--check", "--output-format=concise", ".")


def test_mypy_finds_nothing():
    """Strict types everywhere in the product."""
    check(sys.executable, "-m", "mypy", *TYPED)


@pytest.mark.skipif(not (TOP / "app" / "__init__.py").exists(), reason="there is no app yet")
def test_the_floors_are_kept():
    """A module imports only from the floors below its own; the contracts are in pyproject.toml."""
    check(SCRIPTS / "lint-imports", "--no-cache")
