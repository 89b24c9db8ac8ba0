"""How does a newcomer see the product at work, with a window or without one?

The invented sample company is written and imported once; everything lies under `build/` in the checkout.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from environment import TOP, clean_environment
from machine import has_display, platforms
from notices import StopError, say

BUILD = TOP / "build"
SAMPLE = BUILD / "sample"
WORKSPACE = BUILD / "sample.trail"
STAMP = BUILD / "sample.stamp"
REPORT = BUILD / "report"
PICTURE = BUILD / "lineage.png"


def code_digest() -> str:
    """Return the SHA-256 of the code that makes the sample workspace: when it changes, so may the workspace."""
    seen = hashlib.sha256()
    for folder in ("lineage", "resources"):
        for path in sorted((TOP / folder).rglob("*.py")):
            seen.update(path.relative_to(TOP).as_posix().encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()


def step(python: Path, *words: str, environment: dict[str, str] | None = None) -> str:
    """Run one of the product's own modules and return what it answered; raises `StopError` when it fails."""
    done = subprocess.run(
        [str(python), "-m", *words],
        cwd=TOP,
        env=environment or clean_environment(),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    # Python itself ends a crash with the status that stands for "needs a person", but without an answer.
    needs_a_person = done.returncode == 1 and done.stdout.lstrip().startswith("{")
    if done.returncode and not needs_a_person:
        raise StopError(
            f"`python -m {' '.join(words)}` ended with status {done.returncode}", "Its message is above."
        )
    return done.stdout


def provide_workspace(python: Path) -> Path:
    """Return the workspace of the sample company, made anew when the code that makes it has changed."""
    wanted = code_digest()
    if WORKSPACE.exists() and STAMP.exists() and STAMP.read_text("utf-8") == wanted:
        return WORKSPACE
    say(f"writing the sample company's files to {SAMPLE.relative_to(TOP)} and importing them")
    BUILD.mkdir(exist_ok=True)
    shutil.rmtree(SAMPLE, ignore_errors=True)
    STAMP.unlink(missing_ok=True)
    for left in BUILD.glob(f"{WORKSPACE.name}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    step(python, "resources.sample", str(SAMPLE))
    step(python, "lineage", "-w", str(WORKSPACE), "import", str(SAMPLE), "--format", "json")
    STAMP.write_text(wanted, "utf-8")
    return WORKSPACE


def show(python: Path, *, window: bool = True) -> int:
    """Open the window on the sample company; without a display write a report and a picture and say where."""
    workspace = provide_workspace(python)
    environment = clean_environment()
    if window and has_display(python):
        if sys.platform.startswith("linux"):
            environment.setdefault("QT_QPA_PLATFORM", platforms())
        say(f"opening {workspace.relative_to(TOP)}")
        return subprocess.run(
            [str(python), "-m", "app", str(workspace)], cwd=TOP, env=environment, check=False
        ).returncode
    say("no display: writing a report and a picture of the lineage instead of opening the window")
    shutil.rmtree(REPORT, ignore_errors=True)
    report = ("report", "deployments", "-o", str(REPORT), "--format", "json")
    step(python, "lineage", "-w", str(workspace), *report)
    environment["QT_QPA_PLATFORM"] = "offscreen"
    step(python, "app", "--picture", str(PICTURE), str(workspace), environment=environment)
    for path in [*sorted(path for path in REPORT.rglob("*") if path.is_file()), PICTURE]:
        print(f"{path.relative_to(TOP).as_posix()}  {path.stat().st_size:,} bytes")
    return 0
