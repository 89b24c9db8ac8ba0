"""Can every machine install exactly what we tested, from any mirror?"""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).resolve().parents[2]
LOCKS = [TOP / "packaging" / "requirements.lock", TOP / "packaging" / "requirements-dev.lock"]
DECLARED = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
# The oldest and the newest Python, on the systems we say we run on.
MACHINES = [
    {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": system,
        "platform_machine": chip,
    }
    for python in ("3.11", "3.12", "3.13")
    for system, chip in (("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"), ("darwin", "arm64"))
]


def locked(path: Path) -> list[Requirement]:
    """The requirements in a lock file, without their hashes."""
    text = path.read_text("utf-8").replace("\\\n", " ")
    lines = [line.split("--hash")[0].strip() for line in text.splitlines() if not line.startswith("#")]
    return [Requirement(line) for line in lines if line]


def on(machine: dict[str, str], wanted: list[Requirement]) -> dict[str, Requirement]:
    """Those of `wanted` that count on `machine`, by name."""
    environment = {**default_environment(), **machine}
    return {
        canonicalize_name(each.name): each
        for each in wanted
        if each.marker is None or each.marker.evaluate(environment)
    }


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_address(path):
    """Any mirror or folder may serve the packages, so the lock says nothing of where they lie."""
    text = path.read_text("utf-8")

    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_locked_requirement_is_one_version_with_hashes(path):
    """What is installed is what was resolved, byte for byte."""
    text = path.read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]

    loose = [line for line in lines if not re.match(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)]

    assert lines
    assert loose == []


def test_the_locks_are_in_step_with_the_project(part):
    """Who changes a dependency runs `python3 packaging lock`."""
    lock = part("lock")

    assert [lock.locked_from(path) for path in LOCKS] == [lock.dependency_digest()] * 2


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: "-".join(machine.values()))
def test_every_declared_dependency_is_locked_on_every_system(machine):
    """The locked version is one that the project's own declaration allows."""
    runs, tests = (on(machine, locked(path)) for path in LOCKS)
    declared = on(machine, [Requirement(text) for text in DECLARED["project"]["dependencies"]])
    tools = on(machine, [Requirement(text) for text in DECLARED["dependency-groups"]["dev"]])

    def wrong(wanted, found):
        return [
            str(each)
            for name, each in wanted.items()
            if name not in found or not each.specifier.contains(next(iter(found[name].specifier)).version)
        ]

    assert wrong(declared, runs) == []
    assert wrong(tools, tests) == []
    assert {name: str(each) for name, each in runs.items()}.items() <= {
        name: str(each) for name, each in tests.items()
    }.items()


def test_qt_stays_below_the_version_that_aborts_on_python_3_11():
    """PySide6 6.12.0 drops references to None and True there; the canary is in tests/quality."""
    machine = {**MACHINES[0], "python_version": "3.11", "python_full_version": "3.11.2"}

    version = next(iter(on(machine, locked(LOCKS[0]))["pyside6-essentials"].specifier)).version

    assert version.startswith("6.11.")
