"""Which exact packages, by hash, does every machine install?

The two lock files are universal (one file for all systems and Python versions) and hold no address, so that any
mirror or folder may serve them. The first line keeps a digest of what they were made from; a test compares it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

from environment import LOCKS, TOP, clean_environment, create, pip, venv_python
from notices import StopError, say

OPTIONS = [
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--no-annotate",
    "--quiet",
]
FIRST_LINE = "# made by `python3 packaging lock` from dependencies with the digest "


def dependency_digest(pyproject: Path = TOP / "pyproject.toml") -> str:
    """Return the SHA-256 of everything in `pyproject` that decides what is locked."""
    told = tomllib.loads(pyproject.read_text("utf-8"))
    decisive = [
        told["project"]["requires-python"],
        told["project"]["dependencies"],
        told["dependency-groups"],
    ]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()


def locked_from(lock: Path) -> str:
    """Return the digest that the first line of `lock` names, empty when it names none."""
    first = lock.read_text("utf-8").partition("\n")[0]
    return first.removeprefix(FIRST_LINE) if first.startswith(FIRST_LINE) else ""


def uv_program(folder: Path) -> str:
    """Return the program that resolves for all systems at once, put into `folder` where the PATH has none."""
    found = shutil.which("uv")
    if found:
        return found
    say("fetching uv for the moment")
    create(folder)
    pip(folder, "install", "uv")
    return str(venv_python(folder).with_name("uv.exe" if os.name == "nt" else "uv"))


def write_locks(*, upgrade: bool) -> None:
    """Write both lock files; versions that are locked stay as they are unless `upgrade`. Raises `StopError`."""
    first_line = f"{FIRST_LINE}{dependency_digest()}\n"
    with tempfile.TemporaryDirectory() as folder:
        program = uv_program(Path(folder) / "uv")
        for purpose, wanted in (
            ("run", ["pyproject.toml"]),
            ("test", ["pyproject.toml", "--group", "dev", "-c", str(LOCKS["run"])]),
        ):
            lock = LOCKS[purpose]
            words = [program, "pip", "compile", *OPTIONS, *(["--upgrade"] if upgrade else []), *wanted]
            done = subprocess.run(
                [*words, "-o", str(lock)],
                cwd=TOP,
                env=clean_environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise StopError("no set of versions fits", done.stderr.strip()[-3000:])
            lines = [line for line in lock.read_text("utf-8").splitlines() if not line.startswith("#")]
            lock.write_text(first_line + "\n".join(lines) + "\n", "utf-8", newline="\n")
            say(f"wrote {lock.relative_to(TOP)}: {sum('==' in line for line in lines)} requirements")
