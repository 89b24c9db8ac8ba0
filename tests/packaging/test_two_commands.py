"""Do `run` and `test` say what is missing, and touch only what is theirs?"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]


def command(*words, **environment):
    """Run `python packaging` with `words`; nothing in this file lets it get as far as installing."""
    return subprocess.run(
        [sys._base_executable, str(TOP / "packaging"), *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def elsewhere(part, monkeypatch, tmp_path):
    """The environment module, working on an empty folder instead of the checkout's own `.venv`."""
    module = part("environment")
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "modeltrail.json")
    return module


def test_help_names_the_verbs():
    """A newcomer who types the command alone or with --help learns what it can do."""
    done = command("--help")

    assert done.returncode == 0
    assert all(verb in done.stdout for verb in ("run", "test", "wheelhouse", "lock"))


def test_a_wrong_word_is_refused():
    """Words that mean nothing are not passed over."""
    assert command("run", "--windowless").returncode == 2


def test_the_first_file_is_readable_for_an_old_python():
    """A Python too old must be able to say so, hence no syntax newer than 3.6 and no import but the library's."""
    tree = ast.parse((TOP / "packaging" / "__main__.py").read_text("utf-8"), feature_version=(3, 6))
    imported = [name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names]

    assert not [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert set(imported) <= sys.stdlib_module_names


def test_only_the_standard_library_is_imported():
    """Before anything is installed there is nothing else."""
    folder = TOP / "packaging"
    ours = {path.stem for path in folder.glob("*.py")}
    imported = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])

    assert imported - ours - set(sys.stdlib_module_names) == set()


def test_an_environment_made_by_somebody_else_is_never_removed(elsewhere, tmp_path, part):
    """A folder `.venv` without our stamp stops the command and stays as it is."""
    theirs = tmp_path / ".venv" / "precious.txt"
    theirs.parent.mkdir()
    theirs.write_text("mine", "utf-8")

    with pytest.raises(part("notices").StopError, match="not made by this command"):
        elsewhere.provide_environment("run")

    assert theirs.read_text("utf-8") == "mine"


def test_a_complete_environment_is_left_alone(elsewhere, monkeypatch):
    """The second start installs nothing: the stamp says that lock and interpreter are the same."""
    made = []
    monkeypatch.setattr(elsewhere, "create", made.append)
    monkeypatch.setattr(elsewhere, "pip", lambda *words: made.append(words))
    elsewhere.provide_environment("test")
    first = list(made)
    made.clear()

    elsewhere.provide_environment("test")
    elsewhere.provide_environment("run")

    assert len(first) == 2
    assert made == []


def test_an_interrupted_installation_is_made_again(elsewhere, monkeypatch, part):
    """The stamp is complete only after pip has ended well."""
    stop = part("notices").StopError

    def broken(*_words):
        raise stop("pip could not do its part", "")

    monkeypatch.setattr(elsewhere, "create", lambda _folder: None)
    monkeypatch.setattr(elsewhere, "pip", broken)
    with pytest.raises(stop):
        elsewhere.provide_environment("run")
    (elsewhere.VENV / "half.txt").write_text("half", "utf-8")
    monkeypatch.setattr(elsewhere, "pip", lambda *_words: None)

    elsewhere.provide_environment("run")

    assert not (elsewhere.VENV / "half.txt").exists()
    assert elsewhere.stamped()["run"] == elsewhere.fingerprint(elsewhere.LOCKS["run"])


def test_a_changed_lock_renews_the_environment(elsewhere, monkeypatch, tmp_path):
    """Who pulls a newer checkout gets its packages with the next command."""
    lock = tmp_path / "some.lock"
    lock.write_text("one==1", "utf-8")
    monkeypatch.setattr(elsewhere, "LOCKS", {"run": lock, "test": lock})
    installed = []
    monkeypatch.setattr(elsewhere, "create", lambda _folder: None)
    monkeypatch.setattr(elsewhere, "pip", lambda *words: installed.append(words))
    elsewhere.provide_environment("run")
    lock.write_text("one==2", "utf-8")

    elsewhere.provide_environment("run")

    assert len(installed) == 2


def test_a_wheelhouse_means_no_network(elsewhere, monkeypatch, tmp_path):
    """With a folder of wheels pip is told to look nowhere else, and to check every hash."""
    words = elsewhere.locked_words("run", tmp_path)

    assert "--no-index" in words
    assert "--require-hashes" in words
    assert words[words.index("--find-links") + 1] == str(tmp_path.resolve())


def test_a_wheelhouse_that_is_not_there_is_named(elsewhere, tmp_path, part):
    """A misspelt folder is said at once, not by pip much later."""
    with pytest.raises(part("notices").StopError, match="there is no folder"):
        elsewhere.locked_words("run", tmp_path / "nowhere")


@pytest.mark.parametrize("tool", ["apt-get", "dnf", "zypper", "pacman"])
def test_without_the_right_to_install_the_one_command_is_printed(part, monkeypatch, tool):
    """A person who is not root gets one line to type, for the package tool of the system."""
    machine = part("machine")
    monkeypatch.setattr(machine, "may_install", lambda: False)
    monkeypatch.setattr(machine.shutil, "which", lambda name: f"/bin/{name}" if name == tool else None)

    with pytest.raises(part("notices").StopError) as stopped:
        machine.provide(machine.ALWAYS, because="Qt needs the system library libGL.so.1")

    assert f"sudo {tool} " in stopped.value.remedy
    assert machine.ALWAYS[tool] in stopped.value.remedy


def test_a_missing_library_is_recognised(part):
    """What the loader says about a shared object is turned into its name."""
    machine = part("machine")
    said = "raise ImportError('libEGL.so.1: cannot open shared object file: No such file or directory')"

    assert machine.missing_library(Path(sys.executable), said) == "libEGL.so.1"
    assert machine.missing_library(Path(sys.executable), "pass") is None


def test_another_failure_to_load_is_not_mistaken_for_a_missing_library(part):
    """What is not a missing system library is shown as it was said."""
    machine = part("machine")

    with pytest.raises(part("notices").StopError, match="something else"):
        machine.missing_library(Path(sys.executable), "raise ImportError('something else')")


def test_a_display_that_does_not_answer_is_no_display(part, monkeypatch):
    """A dead DISPLAY leads to the report and the picture, not to an abort."""
    machine = part("machine")
    monkeypatch.setenv("DISPLAY", ":97")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setattr(machine, "provide", lambda *_words, **_said: None)

    assert machine.has_display(Path(sys.executable)) is False


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ({}, "xcb;offscreen"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "wayland;xcb;offscreen"),
        ({"XDG_SESSION_TYPE": "wayland"}, "wayland;xcb;offscreen"),
        ({"XDG_SESSION_TYPE": "x11"}, "xcb;offscreen"),
    ],
)
def test_wayland_is_tried_where_there_is_one(part, monkeypatch, session, expected):
    """In every session the last resort is to go without a display."""
    for name in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in session.items():
        monkeypatch.setenv(name, value)

    assert part("machine").platforms() == expected


def test_ci_runs_the_newcomers_command():
    """What CI says of a commit is what a newcomer would see."""
    script = TOP / ".ci" / "run"

    assert "python3 packaging test" in script.read_text("utf-8")
    assert os.access(script, os.X_OK)
