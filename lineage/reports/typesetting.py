"""What runs in a process of its own to make the pages, so that a bad report can be ended and takes no memory with it?

Called with a folder that holds report.typ and report.json, and the folder of the fonts; writes report.pdf there.
Only the standard library and Typst are imported: this file is run by its path.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

MOST_MEMORY = 4 << 30
"""Bytes of address space that the pages may take, where the system can hold to it."""


def limit() -> None:
    """Hold this process to its memory, where the system can."""
    try:
        import resource
    except ImportError:
        return
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def typeset(folder: Path, fonts: Path) -> None:
    """Make report.pdf in `folder`: PDF/A-2b and PDF/UA-1, no clock, no font but ours, nothing read from elsewhere."""
    import typst

    pages = typst.compile(
        str(folder / "report.typ"),
        root=str(folder),
        font_paths=typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(fonts)]
        ),
        format="pdf",
        pdf_standards=["a-2b", "ua-1"],
        timestamp=datetime(2000, 1, 1, tzinfo=UTC),
    )
    (folder / "report.pdf").write_bytes(pages + b"\n")


if __name__ == "__main__":
    limit()
    typeset(Path(sys.argv[1]), Path(sys.argv[2]))
