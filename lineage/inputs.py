"""Which inputs lie below the paths that a person named, and how are they read without harm?

Files are opened read-only and never through a link that leads out of the folder given; `.gz` is read through;
members of a `.zip` are read in place, never unpacked, with limits against bombs; a folder that belongs
together (`mlruns/`) is one input (DESIGN 2.12, audit-evidence E).
"""

from __future__ import annotations

import gzip
import os
import sqlite3
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol, cast
from urllib.parse import quote

from lineage.errors import UnreadableInputError
from lineage.source import Input, Origin, Problem, Sample
from lineage.text import MalformedError, decode, is_utf16, plain_path

SAMPLE = 64 * 1024
LISTED = 2_000
MAX_MEMBERS = 10_000
MAX_UNPACKED = 2 << 30
MAX_RATIO = 200
HARMLESS = 64 << 20
"""Bytes that anything may unpack to, whatever the ratio: an empty log compresses a thousand times."""

MAX_FOLDERS = 100
"""Folders inside each other that are looked into."""

_CHUNK = 1 << 20
# What the archive modules of the standard library were seen to raise on damaged bytes (tests/lineage/test_inputs.py).
_DAMAGE = (
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
        except _DAMAGE as error:
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
            raise _unreadable(error, str(self.file)) from error
        if self.path is not None:
            return stream
        return cast("BinaryIO", _Unpacked(self.size, gzip.GzipFile(fileobj=stream), cast("_Stream", stream)))

    def members(self) -> Iterator[tuple[str, Input]]:
        """A file has none."""
        return iter(())


@dataclass(frozen=True, slots=True)
class FolderInput:
    """A folder whose files belong together."""

    folder: Path
    name: str
    size: int = 0

    @property
    def path(self) -> str | None:
        """The folder itself."""
        return str(self.folder)

    def open(self) -> BinaryIO:
        """A folder has no bytes of its own."""
        return BytesIO()

    def members(self) -> Iterator[tuple[str, Input]]:
        """Every regular file below it, sorted; what cannot be read stands among them and says so when opened."""
        for file, refusal in _files(self.folder):
            inner = plain_path(file.relative_to(self.folder).as_posix())
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
        except _DAMAGE as error:
            raise UnreadableInputError(f"the member cannot be read: {error}", where=where) from error
        inner = cast("_Stream", stream)
        if not self.entry.filename.lower().endswith(".gz"):
            return cast("BinaryIO", _Unpacked(self.entry.compress_size, inner))
        unpacked = gzip.GzipFile(fileobj=stream)
        return cast("BinaryIO", _Unpacked(self.entry.file_size, unpacked, inner))

    def members(self) -> Iterator[tuple[str, Input]]:
        """A member has none."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Found:
    """An input that was found, or the problem with it.

    Attributes:
        path: as imported; given: the input, None when there is only a problem.
        named: true when the person named this very file.
    """

    path: str
    given: Input | None = None
    folder: str = ""
    modified: int = 0
    named: bool = False
    problem: Problem | None = None
    sample: Sample = field(default_factory=lambda: Sample(""))

    def origin(self, labels: dict[str, str]) -> Origin:
        """Return where it came from, under these labels."""
        return Origin(self.path, labels, self.folder, self.modified)


def file_input(file: str | Path) -> FileInput:
    """Return the input of one file; raises `UnreadableInputError` when it is not there or no regular file."""
    file = Path(file)
    try:
        status = file.stat()
    except OSError as error:
        raise _unreadable(error, str(file)) from error
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableInputError("it is no regular file", where=str(file), remedy="name a file or a folder")
    packed = file.name.lower().endswith(".gz")
    name = plain_path(file.name[:-3] if packed else file.name)
    return FileInput(file, name, status.st_size, None if packed else str(file))


def sample_of(given: Input) -> Sample:
    """Return what a source may look at, UTF-16 as UTF-8; a file that breaks off shows what there is before.

    Raises `UnreadableInputError` when not one byte can be had.
    """
    parts: list[bytes] = []
    size = 0
    with given.open() as stream:
        try:
            while size < SAMPLE and (chunk := stream.read(min(SAMPLE - size, 8192))):
                parts.append(chunk)
                size += len(chunk)
        except OSError as error:
            if not parts:
                raise UnreadableInputError(f"the file cannot be read: {error}", where=given.name) from error
    head = b"".join(parts)
    if is_utf16(head):
        try:
            head = decode(head[: len(head) & ~1]).encode()
        except MalformedError:
            return Sample(given.name, head, whole=size < SAMPLE)
    return Sample(given.name, head, whole=size < SAMPLE, tables=_tables(given.path, head))


def _tables(path: str | None, head: bytes) -> tuple[str, ...]:
    """Return the tables of an SQLite database, read in place without touching it; empty when it cannot be read so."""
    if path is None or not head.startswith(b"SQLite format 3\x00"):
        return ()
    uri = f"file:{quote(path)}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            rows = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            ).fetchall()
    except sqlite3.Error:
        return ()
    return tuple(str(row[0]) for row in rows)


def walk(paths: Sequence[str | Path], belongs_together: Callable[[Sample], bool]) -> Iterator[Found]:
    """Find every input below `paths`, sorted, each with its sample.

    `belongs_together` is asked for each folder, with its listing: true makes it one input. What cannot be read is found
    with a problem. Raises `UnreadableInputError` when a named path does not exist.
    """
    for path in paths:
        place = Path(path)
        shown = plain_path(place.as_posix())
        try:
            there = place.exists()
        except OSError as error:
            raise _unreadable(error, shown) from error
        if not there:
            raise UnreadableInputError(
                "there is no such file or folder", where=shown, remedy="check the name"
            )
        if place.is_dir():
            yield from _folder(place, shown, place.resolve(), belongs_together)
        else:
            yield from _file(place, shown, named=True)


def _folder(
    folder: Path, shown: str, top: Path, belongs_together: Callable[[Sample], bool], level: int = 0
) -> Iterator[Found]:
    if level > MAX_FOLDERS:
        reason = f"more than {MAX_FOLDERS} folders lie inside each other"
        yield Found(shown, problem=Problem("too-deep", reason))
        return
    listing = []
    for file, refusal in _files(folder):
        if not refusal:
            listing.append(plain_path(file.relative_to(folder).as_posix()))
        if len(listing) == LISTED:
            break
    place = folder.resolve()
    sample = Sample(plain_path(place.name), listing=tuple(listing))
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
        modified = int(folder.stat().st_mtime * 1_000_000)
    except OSError as error:
        yield Found(shown, problem=Problem("unreadable", error.strerror or str(error)))
        return
    if listing and belongs_together(sample):
        given = FolderInput(folder, sample.name)
        yield Found(shown, given, plain_path(place.parent.name), modified, sample=sample)
        return
    for entry in entries:
        inner = f"{shown}/{plain_path(entry.name)}"
        if entry.is_symlink() and not _leads_into(entry, top):
            yield Found(
                inner, problem=Problem("link-outside", "the link leads out of the folder given, or nowhere")
            )
        elif entry.is_dir():
            if entry.is_symlink():
                yield Found(inner, problem=Problem("link-to-folder", "links to folders are not followed"))
            elif entry.name not in {".git", "__pycache__"}:
                yield from _folder(entry, inner, top, belongs_together, level + 1)
        else:
            yield from _file(entry, inner, named=False)


def _leads_into(link: Path, top: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(top)
    except (OSError, RuntimeError):
        return False


def _file(file: Path, shown: str, *, named: bool) -> Iterator[Found]:
    try:
        folder = plain_path(file.resolve().parent.name)
        given = file_input(file)
        modified = int(file.stat().st_mtime * 1_000_000)
        if file.name.lower().endswith(".zip"):
            yield from _archive(file, shown, folder, modified)
            return
        sample = sample_of(given)
    except (UnreadableInputError, OSError) as error:
        reason = error.what if isinstance(error, UnreadableInputError) else error.strerror or str(error)
        yield Found(shown, named=named, problem=Problem("unreadable", reason))
        return
    if named and not sample.head:
        yield Found(shown, folder=folder, named=named, problem=Problem("empty-file", "the file is empty"))
        return
    yield Found(shown, given, folder, modified, named, sample=sample)


def _archive(file: Path, shown: str, folder: str, modified: int) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
    except _DAMAGE as error:
        reason = f"the archive cannot be read: {str(error) or type(error).__name__}"
        yield Found(shown, folder=folder, problem=Problem("damaged-archive", reason))
        return
    if len(entries) > MAX_MEMBERS:
        reason = f"the archive has {len(entries)} members; only {MAX_MEMBERS} of them are read"
        yield Found(shown, folder=folder, problem=Problem("too-many-members", reason))
    unpacked = 0
    for entry in entries[:MAX_MEMBERS]:
        if entry.is_dir():
            continue
        inner = f"{shown}!/{plain_path(entry.filename)}"
        parts = plain_path(entry.filename).replace("\\", "/").split("/")
        unpacked += entry.file_size
        problem = _harm(entry, parts, unpacked)
        if problem is not None:
            yield Found(inner, folder=folder, problem=problem)
            continue
        name = parts[-1][:-3] if parts[-1].lower().endswith(".gz") else parts[-1]
        given = MemberInput(file, entry, name, entry.file_size)
        try:
            sample = sample_of(given)
        except UnreadableInputError as error:
            yield Found(inner, folder=folder, problem=Problem("unreadable", error.what))
            continue
        yield Found(inner, given, parts[-2] if len(parts) > 1 else folder, modified, sample=sample)


def _harm(entry: zipfile.ZipInfo, parts: list[str], unpacked: int) -> Problem | None:
    """Return why a member is not to be read, by what the archive's directory says of it."""
    name = plain_path(entry.filename)
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        return Problem("unsafe-member", "the member's name leads out of the archive", value=name)
    if stat.S_ISLNK(entry.external_attr >> 16):
        return Problem("unsafe-member", "the member is a link", value=name)
    if unpacked > MAX_UNPACKED:
        return Problem("too-large", f"the archive unpacks to more than {MAX_UNPACKED} bytes")
    if entry.file_size > 1 << 20 and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        return Problem("too-large", f"the member unpacks to more than {MAX_RATIO} times its size")
    if entry.flag_bits & 1:
        return Problem("encrypted-member", "the member is encrypted: unpack it, then import it")
    if parts[-1].lower().endswith(".zip"):
        return Problem("nested-archive", "archives inside archives are not read: unpack it, then import it")
    return None


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
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


def _unreadable(error: OSError, where: str) -> UnreadableInputError:
    return UnreadableInputError(
        error.strerror or str(error), where=where, remedy="check that it is there and that you may read it"
    )
