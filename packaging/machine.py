"""What does this machine lack for Qt to start, and how does it get it?

Package names: measured one at a time under `ldd` in a minimal Debian 12; those of the other distributions follow the
same libraries and were not tried.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from notices import StopError, say

# What Qt's widgets need even where nothing is shown (QT_QPA_PLATFORM=offscreen).
ALWAYS = {
    "apt-get": "libgl1 libegl1 libfontconfig1 libdbus-1-3 libglib2.0-0 libxkbcommon0",
    "dnf": "mesa-libGL mesa-libEGL fontconfig dbus-libs glib2 libxkbcommon dejavu-sans-fonts",
    "zypper": "libGL1 libEGL1 fontconfig libdbus-1-3 libglib-2_0-0 libxkbcommon0",
    "pacman": "libglvnd fontconfig dbus glib2 libxkbcommon",
}
# What a window on X11 needs beyond that.
X11 = {
    "apt-get": "libxcb-cursor0 libxkbcommon-x11-0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0",
    "dnf": "xcb-util-cursor libxkbcommon-x11 xcb-util-wm xcb-util-keysyms libxcb",
    "zypper": "libxcb-cursor0 libxkbcommon-x11-0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0",
    "pacman": "xcb-util-cursor libxkbcommon-x11 xcb-util-wm xcb-util-keysyms",
}
INSTALL_WORDS = {
    "apt-get": ["apt-get", "install", "-y", "--no-install-recommends"],
    "dnf": ["dnf", "install", "-y"],
    "zypper": ["zypper", "install", "-y"],
    "pacman": ["pacman", "-S", "--needed"],
}

LOADS = "import PySide6.QtWidgets, PySide6.QtSvg, PySide6.QtPrintSupport"
X11_LOADS = """
import ctypes, pathlib, PySide6
folder = pathlib.Path(PySide6.__file__).parent / "Qt" / "plugins" / "platforms"
ctypes.CDLL(str(folder / "libqxcb.so"))
"""
PLATFORM_NAME = "from PySide6.QtGui import QGuiApplication as Q; a = Q([]); print(a.platformName())"


def platforms() -> str:
    """Return the platform plugins to try, in this order.

    A missing or dead display would otherwise abort the process with no way to catch it.
    """
    wayland = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("XDG_SESSION_TYPE") == "wayland"
    return "wayland;xcb;offscreen" if wayland else "xcb;offscreen"


def missing_library(python: Path, statement: str) -> str | None:
    """Return the shared library that stops `statement` from running in `python`, or None when it runs.

    Raises `StopError` when it fails for another reason.
    """
    done = subprocess.run([str(python), "-c", statement], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    found = re.search(r"([\w.+-]+\.so[.\d]*): cannot open shared object file", done.stderr)
    if found is None:
        raise StopError("Qt does not load on this machine", done.stderr.strip()[-2000:])
    return found.group(1)


def install_command(wanted: dict[str, str]) -> list[str] | None:
    """Return the command that installs `wanted` with this system's package tool, or None when it is not known."""
    for tool, words in INSTALL_WORDS.items():
        if shutil.which(tool):
            return [*words, *wanted[tool].split()]
    return None


def may_install() -> bool:
    """Tell whether this process may install system packages by itself: root, on Debian or a relative of it."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(names: list[str]) -> None:
    """Install Debian packages as root; reads the package lists first where that is needed.

    Raises `StopError` when apt-get fails.
    """
    command = [*INSTALL_WORDS["apt-get"], "-qq", *names]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    say(f"installing system packages: {' '.join(names)}")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        subprocess.run([command[0], "-qq", "update"], env=environment, capture_output=True, check=False)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StopError(
            f"apt-get could not install {' '.join(names)}",
            f"{done.stderr.strip()[-800:]}\nInstall these packages from a mirror that you can reach, and repeat.",
        )


def provide(wanted: dict[str, str], *, because: str) -> None:
    """Install the system packages `wanted`, or stop with the one command that does."""
    if may_install():
        apt_install(wanted["apt-get"].split())
        return
    command = install_command(wanted)
    if command is None:
        raise StopError(f"{because}, and this system's package tool is not known", "Install that library.")
    raise StopError(because, f"Type this, then repeat the command:\n  sudo {' '.join(command)}")


def provide_qt(python: Path) -> None:
    """See to it that Qt's widgets load in `python`."""
    if not sys.platform.startswith("linux"):
        return
    lacking = missing_library(python, LOADS)
    if lacking is None:
        return
    provide(ALWAYS, because=f"Qt needs the system library {lacking}")
    lacking = missing_library(python, LOADS)
    if lacking is not None:
        raise StopError(f"Qt still lacks the system library {lacking}", "Install the package that holds it.")


def platform_name(python: Path) -> str:
    """Return the platform plugin with which Qt starts here: `xcb`, `wayland`, `windows`, `cocoa`, `offscreen`."""
    environment = dict(os.environ)
    if sys.platform.startswith("linux"):
        environment.setdefault("QT_QPA_PLATFORM", platforms())
    done = subprocess.run(
        [str(python), "-c", PLATFORM_NAME], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StopError("Qt does not start on this machine", done.stderr.strip()[-2000:])
    return done.stdout.strip()


def has_display(python: Path) -> bool:
    """Tell whether a window can be shown; installs or names what a promised X11 display lacks."""
    if platform_name(python) not in {"offscreen", "minimal"}:
        return True
    if "QT_QPA_PLATFORM" in os.environ or not os.environ.get("DISPLAY"):
        return False
    lacking = missing_library(python, X11_LOADS)
    if lacking is None:
        say(f"the display {os.environ['DISPLAY']} does not answer")
        return False
    provide(X11, because=f"a window on this display needs the system library {lacking}")
    return platform_name(python) not in {"offscreen", "minimal"}
