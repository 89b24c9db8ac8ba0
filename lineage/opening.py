"""How is one input opened and read without harm: a file, a folder that belongs together, a member of an archive?

Read-only, never through a pipe or device, with limits against bombs (DESIGN 2.12, audit-evidence E).
"""

from __future__ import annotations

import gzip
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from lineage.errors import UnreadableInputError
from lineage.source import Input
from lineage.text import plain_path

MAX_UNPACKED = 2 << 30
MAX_RATIO = 200
HARMLESS = 64 << 20
"""Bytes that anything may unpack to, whatever the ratio: an empty log compresses a thousand times."""

MAX_FOLDERS = 100
"""Folders inside each other that are looked into."""

_CHUNK = 1 << 20
# What the archive modules of the standard library were seen to raise on damaged bytes (test_bad_input).
DAMAGE: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    struct.error,
    RuntimeError,
    NotImplementedError,
    ValueError,
    LookupError,
    MemoryError,
)
with suppress(ImportError):
    # A Python may be built without it.
    import lzma

    DAMAGE = (*DAMAGE, lzma.LZMAError)


class _Stream(Protocol):
    def read1(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class _Unpacked(BufferedIOBase):
    """Decompressed bytes: everything that can be had before a break, then `OSError`; the same for a bomb."""

    def __init__(self, packed: int, *streams: _Stream) -> None:
        self._limit = max(HARMLESS, MAX_RATIO * packed)
        self._streams = streams
        self._given = 0
        self._error = ""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        parts: list[bytes] = []
        got = 0
        while size is None or size < 0 or got < size:
            piece = self._some(_CHUNK if size is None or size < 0 else min(size - got, _CHUNK))
            if not piece:
                break
            got += len(piece)
            parts.append(piece)
        if not parts and self._error:
            raise OSError(self._error)
        return b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        return self.read(size)

    def _some(self, size: int) -> bytes:
        if self._error or not size:
            return b""
        try:
            piece = self._streams[0].read1(size)
        except DAMAGE as error:
            self._error = str(error) or type(error).__name__
            return b""
        self._given += len(piece)
        if self._given > self._limit:
            self._error = f"it unpacks to more than {MAX_RATIO} times its size"
            return b""
        return piece

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        super().close()


@dataclass(frozen=True, slots=True)
class FileInput:
    """A regular file, read through `.gz`."""

    file: Path
    name: str
    size: int
    path: str | None

    def open(self) -> BinaryIO:
        """Open the decompressed bytes."""
        try:
            stream = open_regular(self.file)
        except OSError as error:
            raise unreadable(error, str(self.file)) from error
        if self.path is not None:
            return stream
        return cast("BinaryIO", _Unpacked(self.size, gzip.GzipFile(fileobj=stream), cast("_Stream", stream)))

    def members(self) -> Iterator[tuple[str, Input]]:
        """A file has none."""
        return iter(())


@dataclass(frozen=True, slots=True)
class FolderInput:
    """A folder whose files belong together; with `parts`, only those whose path in it matches."""

    folder: Path
    name: str
    size: int = 0
    parts: re.Pattern[str] | None = None

    @property
    def path(self) -> str | None:
        """The folder itself."""
        return str(self.folder)

    def open(self) -> BinaryIO:
        """A folder has no bytes of its own."""
        return BytesIO()

    def members(self) -> Iterator[tuple[str, Input]]:
        """Every regular file below it, sorted; what cannot be read stands among them and says so when opened."""
        for file, refusal in files_below(self.folder):
            inner = plain_path(file.relative_to(self.folder).as_posix())
            if self.parts is not None and not self.parts.match(inner):
                continue
            if not refusal:
                try:
                    yield inner, file_input(file)
                except UnreadableInputError as error:
                    yield inner, RefusedInput(inner, error.what)
            else:
                yield inner, RefusedInput(inner, refusal)


@dataclass(frozen=True, slots=True)
class RefusedInput:
    """Something in a folder that is not read: a link, a device, a folder without permission."""

    name: str
    reason: str
    path: None = None
    size: int = 0

    def open(self) -> BinaryIO:
        """Raise `UnreadableInputError` with the reason."""
        raise UnreadableInputError(self.reason, where=self.name)

    def members(self) -> Iterator[tuple[str, Input]]:
        """It has none."""
        return iter(())


@dataclass(frozen=True, slots=True)
class MemberInput:
    """A member of a zip archive, read in place."""

    archive: Path
    entry: zipfile.ZipInfo
    name: str
    size: int
    path: None = None

    def open(self) -> BinaryIO:
        """Open the bytes of the member, read through `.gz`."""
        where = f"{self.archive}!/{self.entry.filename}"
        try:
            with zipfile.ZipFile(self.archive) as archive:
                stream = archive.open(self.entry)
        except DAMAGE as error:
            raise UnreadableInputError(f"the member cannot be read: {error}", where=where) from error
        inner = cast("_Stream", stream)
        if not self.entry.filename.lower().endswith(".gz"):
            return cast("BinaryIO", _Unpacked(self.entry.compress_size, inner))
        unpacked = gzip.GzipFile(fileobj=stream)
        return cast("BinaryIO", _Unpacked(self.entry.file_size, unpacked, inner))

    def members(self) -> Iterator[tuple[str, Input]]:
        """A member has none."""
        return iter(())


def file_input(file: str | Path) -> FileInput:
    """Return the input of one file; raises `UnreadableInputError` when it is not there or no regular file."""
    file = Path(file)
    try:
        status = file.stat()
    except OSError as error:
        raise unreadable(error, str(file)) from error
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableInputError("it is no regular file", where=str(file), remedy="name a file or a folder")
    packed = file.name.lower().endswith(".gz")
    name = plain_path(file.name[:-3] if packed else file.name)
    return FileInput(file, name, status.st_size, None if packed else str(file))


def files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file below `folder`, those of a folder before its folders', and why one cannot be read."""
    pending = [(folder, 0)]
    while pending:
        place, level = pending.pop()
        try:
            with os.scandir(place) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            yield place, error.strerror or str(error)
            continue
        folders = []
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry.path), "links are not followed here"
            elif not entry.is_dir(follow_symlinks=False):
                yield (
                    Path(entry.path),
                    "" if entry.is_file(follow_symlinks=False) else "it is no regular file",
                )
            elif level == MAX_FOLDERS:
                yield Path(entry.path), f"more than {MAX_FOLDERS} folders lie inside each other"
            else:
                folders.append((Path(entry.path), level + 1))
        pending.extend(reversed(folders))


def open_regular(path: Path) -> BinaryIO:
    """Open the bytes of `path` unless it has become a pipe or a device since it was found; a pipe would wait forever.

    Raises `OSError`.
    """
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    )
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("it is no regular file")
    return os.fdopen(descriptor, "rb")


def unreadable(error: OSError, where: str) -> UnreadableInputError:
    """Return the system's refusal to read `where` as an error of the user's world."""
    return UnreadableInputError(
        error.strerror or str(error), where=where, remedy="check that it is there and that you may read it"
    )
