"""Does the project's own description hold?"""

import importlib
import tomllib
from pathlib import Path

import pytest

import lineage

TOP = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
COMMANDS = {**PROJECT["scripts"], **PROJECT["gui-scripts"]}


def test_the_version_is_the_same_everywhere():
    """What the package says of itself is what was released."""
    assert lineage.__version__ == PROJECT["version"]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_starts_a_function_that_exists(command):
    """The installed commands find what they start."""
    module, _, name = COMMANDS[command].partition(":")
    if not (TOP / f"{module.replace('.', '/')}.py").exists():
        pytest.skip(f"there is no {module} yet")

    assert callable(getattr(importlib.import_module(module), name))
