"""Does our folder `packaging/` leave the library of that name alone?"""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def test_the_folder_is_never_a_package():
    """One `__init__.py` there would hide the library from pytest, from build tools, from everything."""
    assert not (TOP / "packaging" / "__init__.py").exists()


def test_the_library_is_what_is_imported_from_the_top_of_the_checkout():
    """`import packaging` finds the installed library, even with the checkout first on the path."""
    done = subprocess.run(
        [sys.executable, "-c", "import packaging.version as v; print(v.__file__)"],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=True,
    )

    found = Path(done.stdout.strip())

    assert TOP / "packaging" not in found.parents
    assert "site-packages" in found.parts
