"""Is the private Python environment of this checkout complete, and how is it made?

`.venv` at the top of the checkout holds exactly what the two lock files say: `requirements.lock` for running, and
`requirements-dev.lock`, which holds the same versions and the test tools. A stamp in it tells whether it is still
in step; an environment that is out of step, or was interrupted, is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from machine import apt_install, may_install
from notices import StopError, say

TOP = Path(__file__).resolve().parent.parent
VENV = TOP / ".venv"
STAMP = VENV / "modeltrail.json"
LOCKS = {
    "run": TOP / "packaging" / "requirements.lock",
    "test": TOP / "packaging" / "requirements-dev.lock",
}
OLDEST_PIP = (22, 3)
# Set by a person for other projects, these would send our packages elsewhere.
FOREIGN = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PIP_USER",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "__PYVENV_LAUNCHER__",
)


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would lead Python or pip astray."""
    return {key: value for key, value in os.environ.items() if key not in FOREIGN}


def base_python() -> str:
    """Return the interpreter the environment is made from: never the environment's own."""
    return getattr(sys, "_base_executable", None) or sys.executable


def venv_python(folder: Path = VENV) -> Path:
    """Return the interpreter inside the environment at `folder`."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def fingerprint(lock: Path) -> str:
    """Return what must not have changed since an installation: the lock and the interpreter."""
    seen = hashlib.sha256(lock.read_bytes())
    seen.update(f"{sys.version} {base_python()}".encode())
    return seen.hexdigest()


def stamped() -> dict[str, str]:
    """Return the fingerprints of what was installed completely; empty for an interrupted environment."""
    try:
        known = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def pip_version(python: str) -> tuple[int, ...]:
    """Return the version of the pip that `python` has, `(0,)` where it has none."""
    done = subprocess.run(
        [python, "-m", "pip", "--version"],
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
    )
    found = re.match(r"pip (\d+)\.(\d+)", done.stdout)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def pip_command(folder: Path) -> list[str]:
    """Return the words that start a pip working on the environment at `folder`."""
    if pip_version(base_python()) >= OLDEST_PIP:
        return [base_python(), "-m", "pip", "--python", str(venv_python(folder))]
    return [str(venv_python(folder)), "-m", "pip"]


def create(folder: Path) -> None:
    """Make an empty environment at `folder`.

    Debian and Ubuntu split pip and `ensurepip` off: with a pip beside Python the environment needs none of its own,
    without either one the system's packages are installed, or named. Raises `StopError`.
    """
    outside_pip = pip_version(base_python()) >= OLDEST_PIP
    words = [base_python(), "-m", "venv", *(["--without-pip"] if outside_pip else []), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, env=clean_environment(), check=False)
    if done.returncode and not outside_pip and may_install():
        apt_install(["python3-venv"])
        done = subprocess.run(words, capture_output=True, text=True, env=clean_environment(), check=False)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        said = (done.stdout + done.stderr).strip()
        remedy = "Type this, then repeat the command:\n  sudo apt-get install python3-venv"
        raise StopError("Python cannot make an environment here", remedy if "ensurepip" in said else said)


def pip(folder: Path, *words: str) -> None:
    """Run pip on the environment at `folder`; raises `StopError` when it fails."""
    command = [*pip_command(folder), *words, "--disable-pip-version-check", "--no-input"]
    if not sys.stderr.isatty():
        command += ["--quiet", "--progress-bar", "off"]
    # pip's own progress belongs with ours; stdout is for answers.
    done = subprocess.run(command, cwd=TOP, env=clean_environment(), stdout=sys.stderr.fileno(), check=False)
    if done.returncode:
        raise StopError(
            "pip could not do its part (its message is above)",
            "Without a network: `python3 packaging wheelhouse DIR` on a machine that has one, then add\n"
            "`--wheelhouse DIR` here.",
        )


def locked_words(purpose: str, wheelhouse: Path | None) -> list[str]:
    """Return pip's words for exactly what the lock of `purpose` says, from `wheelhouse` alone when it is given."""
    words = ["--require-hashes", "--only-binary", ":all:", "-r", str(LOCKS[purpose])]
    if wheelhouse is not None:
        if not wheelhouse.is_dir():
            raise StopError(f"there is no folder {wheelhouse}", "Give the folder that the wheels lie in.")
        words += ["--no-index", "--find-links", str(wheelhouse.resolve())]
    return words


def provide_environment(purpose: str, wheelhouse: Path | None = None) -> Path:
    """Return the environment's Python, after making the environment complete for `purpose` (`run` or `test`)."""
    known = stamped()
    wanted = fingerprint(LOCKS[purpose])
    if known.get(purpose) == wanted:
        return venv_python()
    if known.get("run") != fingerprint(LOCKS["run"]) or known.get("made_by") != "packaging":
        known = renew()
    say(f"installing the locked packages for `{purpose}` into {VENV.name} (once)")
    pip(VENV, "install", "--no-compile", *locked_words(purpose, wheelhouse))
    # The test lock holds the same versions of everything that running needs.
    known.update({"run": fingerprint(LOCKS["run"]), purpose: wanted})
    STAMP.write_text(json.dumps(known, indent=1), "utf-8")
    return venv_python()


def renew() -> dict[str, str]:
    """Make the environment anew and return its first stamp; never removes one that somebody else made."""
    if VENV.exists() and not STAMP.exists():
        raise StopError(
            f"{VENV} was not made by this command",
            "Rename or remove it, then repeat the command: it is in the way.",
        )
    if VENV.exists():
        say(f"{VENV.name} is out of step or was interrupted: making it again")
        shutil.rmtree(VENV)
    else:
        say(f"making {VENV.name}")
    VENV.mkdir()
    known = {"made_by": "packaging"}
    STAMP.write_text(json.dumps(known), "utf-8")
    create(VENV)
    return known
