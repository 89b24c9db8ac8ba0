"""Which Python runs the two commands of a newcomer, `python3 packaging run` and `python3 packaging test`?

Only the standard library is used, and this one file is written so that an old Python can still read it and say what
is missing.
"""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NEWER_NAMES = ("python3.14", "python3.13", "python3.12", "python3.11")


def newer_python():  # noqa: ANN201 - see the module
    # type: () -> str | None
    """Return a Python on the PATH that is new enough and really starts (a version manager's stand-in may not)."""
    check = "import sys; sys.exit(sys.version_info < {!r})".format(OLDEST)  # noqa: UP032 - see the module
    for name in NEWER_NAMES:
        path = shutil.which(name)
        if path and subprocess.call([path, "-c", check], stderr=subprocess.DEVNULL) == 0:
            return path
    return None


def main():  # noqa: ANN201 - see the module
    # type: () -> int
    """Hand over to a Python that is new enough, or say which one is needed."""
    if sys.version_info >= OLDEST:
        from verbs import main as run_verb

        return run_verb(sys.argv[1:])
    found = newer_python()
    if found is None:
        sys.stderr.write(
            "ModelTrail needs Python {}.{} or newer; this is Python {}.{} and the PATH has no newer one.\n"
            "To go on: install a newer Python (Debian 12, Ubuntu 24.04, Fedora and Homebrew have one), "
            "then repeat this command.\n".format(*(OLDEST + sys.version_info[:2]))
        )
        return 2
    return subprocess.call([found, os.path.dirname(os.path.abspath(__file__))] + sys.argv[1:])  # noqa: PTH100, PTH120, RUF005


if __name__ == "__main__":
    sys.exit(main())
