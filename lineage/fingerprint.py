"""Which bytes did a file hold when it was imported, and did it change meanwhile?"""

from __future__ import annotations

import hashlib
from pathlib import Path

from lineage.errors import UnreadableInputError
from lineage.opening import open_regular
from lineage.source import Input


def stamp(given: Input) -> tuple[int, int] | None:
    """Return size and time of change of the file that is read; None of a folder and of what is gone."""
    place = getattr(given, "file", None) or getattr(given, "archive", None)
    try:
        status = Path(place).stat() if place is not None else None
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if status is not None else None


def digest_of(given: Input) -> bytes:
    """Return the SHA-256 of the file as it lies on disk; of a folder, that of its files' names and digests."""
    if given.path is not None and Path(given.path).is_dir():
        whole = hashlib.sha256()
        for name, member in given.members():
            whole.update(name.encode("utf-8", "surrogateescape") + b"\0" + digest_of(member))
        return whole.digest()
    place = getattr(given, "file", None)
    try:
        with open_regular(Path(place)) if place is not None else given.open() as stream:
            return hashlib.file_digest(stream, "sha256").digest()  # type: ignore[arg-type]
    except (OSError, EOFError, UnreadableInputError):
        return b""
