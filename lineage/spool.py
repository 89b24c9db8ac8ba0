"""What has been promised to a sender but is not imported yet? Lines in files beside the workspace, safe on disk.

A line is written and synchronised before its sender is told that it was taken. Files that are closed are imported and
then removed; a program killed at any point leaves files that the next one imports. Importing a line twice changes
nothing, so that nothing has to be remembered between import and removal.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from lineage.errors import WorkspaceError
from lineage.store.lock import import_lock

_SUFFIX = ".ndjson"


class Spool:
    """The files of one listener; every method may be called from any thread.

    Attributes:
        folder: where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._guard = threading.Lock()
        self._stream: BinaryIO | None = None
        self._active: Path | None = None
        self._number = max((_number(path) for path in self.waiting()), default=0)

    def append(self, line: bytes) -> None:
        """Keep one line for good; raises `OSError` when the disk does not take it, and then it is not kept.

        Breaks between the tokens of pretty-printed JSON become blanks, which mean the same.
        """
        whole = line.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
        with self._guard:
            stream = self._stream or self._begin()
            before = stream.tell()
            try:
                stream.write(whole)
                os.fsync(stream.fileno())
            except OSError:
                # Half a line would swallow the next one.
                self._abandon(stream, before)
                raise

    def close_file(self) -> None:
        """Close the file being written, so that it may be imported; the next line begins another."""
        with self._guard:
            if self._stream is not None:
                self._stream.close()
            self._stream = self._active = None

    def waiting(self) -> list[Path]:
        """Return the files that are closed and not removed, oldest first."""
        active = self._active
        found = [path for path in self.folder.glob("*" + _SUFFIX) if path != active]
        return sorted(found, key=_number)

    def remove(self, paths: list[Path]) -> None:
        """Remove files whose lines are in the workspace."""
        for path in paths:
            path.unlink(missing_ok=True)

    def _begin(self) -> BinaryIO:
        self._number += 1
        path = self.folder / f"events-{self._number:08d}{_SUFFIX}"
        stream = path.open("xb", buffering=0)
        self._stream, self._active = stream, path
        _synchronise(self.folder)
        return stream

    def _abandon(self, stream: BinaryIO, size: int) -> None:
        try:
            stream.truncate(size)
            stream.seek(size)
        except OSError:
            stream.close()
            self._stream = self._active = None


@contextmanager
def opened(folder: Path) -> Iterator[Spool]:
    """Give the spool in `folder`, making it; one program at a time. Raises `WorkspaceError`."""
    with ExitStack() as held:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            held.enter_context(import_lock(folder / "listener"))
        except OSError as error:
            raise WorkspaceError(
                "the folder for received events cannot be made", where=str(folder), remedy="check its rights"
            ) from error
        except WorkspaceError as error:
            raise WorkspaceError(
                "another program listens for this workspace already, or the folder cannot be written",
                where=str(folder),
                remedy="stop it, or choose another workspace",
            ) from error
        spool = Spool(folder)
        try:
            yield spool
        finally:
            spool.close_file()


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0


def _synchronise(folder: Path) -> None:
    """Make a new file's name as durable as its bytes; Windows has no such call for folders and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
