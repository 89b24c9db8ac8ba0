"""What can be asked of `python3 packaging`: run, test, wheelhouse, lock?"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from demonstration import show
from environment import TOP, VENV, clean_environment, locked_words, pip, provide_environment, venv_python
from lock import write_locks
from machine import provide_qt
from notices import StopError, say


def run(asked: argparse.Namespace, _rest: list[str]) -> int:
    """Show the product on the sample company."""
    python = provide_environment("run", asked.wheelhouse)
    provide_qt(python)
    return show(python, window=not asked.no_window)


def test(asked: argparse.Namespace, rest: list[str]) -> int:
    """Run the whole suite: tests, doctests, lint, types, import rules; `rest` goes to pytest."""
    python = provide_environment("test", asked.wheelhouse)
    provide_qt(python)
    environment = clean_environment()
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    return subprocess.run(
        [str(python), "-m", "pytest", "-q", *rest], cwd=TOP, env=environment, check=False
    ).returncode


def wheelhouse(asked: argparse.Namespace, _rest: list[str]) -> int:
    """Fetch every wheel that both commands install on a machine like this one, for machines without a network."""
    provide_environment("run", None)
    asked.folder.mkdir(parents=True, exist_ok=True)
    for purpose in ("run", "test"):
        pip(VENV, "download", *locked_words(purpose, None), "--dest", str(asked.folder.resolve()))
    wheels = list(asked.folder.glob("*.whl"))
    size = sum(path.stat().st_size for path in wheels)
    say(f"{len(wheels)} wheels, {size / 1e6:.0f} MB in {asked.folder}")
    return 0


def lock(asked: argparse.Namespace, _rest: list[str]) -> int:
    """Write the lock files from pyproject.toml."""
    write_locks(upgrade=asked.upgrade)
    return 0


def arguments() -> argparse.ArgumentParser:
    """Return the reader of the command's words."""
    reader = argparse.ArgumentParser(prog="python3 packaging", description=__doc__)
    verbs = reader.add_subparsers(required=True, metavar="VERB")
    for verb, text in (
        (run, "open ModelTrail on the sample company"),
        (test, "run the whole test suite; what follows goes to pytest"),
        (wheelhouse, "fetch all wheels into a folder, for machines without a network"),
        (lock, "resolve pyproject.toml into the lock files"),
    ):
        part = verbs.add_parser(verb.__name__, help=text, description=verb.__doc__, allow_abbrev=False)
        part.set_defaults(verb=verb)
        if verb in (run, test):
            part.add_argument("--wheelhouse", type=Path, metavar="DIR", help="install from this folder only")
        if verb is run:
            part.add_argument("--no-window", action="store_true", help="write report and picture instead")
        if verb is wheelhouse:
            part.add_argument("folder", type=Path, nargs="?", default=Path("wheelhouse"))
        if verb is lock:
            part.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    return reader


def outside_own_environment(words: list[str]) -> int | None:
    """Start over with the base interpreter when ours is the one that may have to be replaced."""
    if Path(sys.prefix).resolve() != VENV.resolve():
        return None
    base = getattr(sys, "_base_executable", sys.executable)
    if Path(base) == venv_python():
        return None
    return subprocess.run([base, str(TOP / "packaging"), *words], check=False).returncode


def main(words: list[str]) -> int:
    """Do what `words` ask; returns the exit status."""
    status = outside_own_environment(words)
    if status is not None:
        return status
    asked, rest = arguments().parse_known_args(words)
    if rest and asked.verb is not test:
        arguments().error(f"not understood: {' '.join(rest)}")
    try:
        return int(asked.verb(asked, rest))
    except StopError as error:
        print(f"packaging: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("packaging: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
