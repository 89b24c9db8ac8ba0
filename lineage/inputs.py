"""Which inputs lie below the paths that a person named, and how are they read without harm?

Files are opened read-only and never through a link that leads out of the folder given; `.gz` is read through;
members of a `.zip` are read in place, never unpacked, with limits against bombs; a folder that belongs
together (`mlruns/`) is one input (DESIGN 2.12, audit-evidence E).
"""

from __future__ import annotations

import gzip
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from lineage.errors import UnreadableInputError
from lineage.source import Input, Origin, Problem, Sample

SAMPLE = 64 * 1024
LISTED = 2_000
MAX_MEMBERS = 10_000
MAX_UNPACKED = 2 << 30
MAX_RATIO = 200


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
            if self.path is None:
                return cast("BinaryIO", gzip.open(self.file, "rb"))
            return self.file.open("rb")
        except OSError as error:
            raise _unreadable(error, str(self.file)) from error

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
        """Every regular file below it, sorted."""
        for file in _files(self.folder):
            if not file.is_symlink():
                yield file.relative_to(self.folder).as_posix(), file_input(file)


@dataclass(frozen=True, slots=True)
class MemberInput:
    """A member of a zip archive, read in place."""

    archive: Path
    member: str
    name: str
    size: int
    path: None = None

    def open(self) -> BinaryIO:
        """Open the bytes of the member, read through `.gz`."""
        try:
            with zipfile.ZipFile(self.archive) as archive:
                body = archive.read(self.member)
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error) as error:
            raise UnreadableInputError(str(error), where=f"{self.archive}!/{self.member}") from error
        stream = BytesIO(body)
        return (
            cast("BinaryIO", gzip.GzipFile(fileobj=stream)) if self.member.lower().endswith(".gz") else stream
        )

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
    return FileInput(
        file, file.name[:-3] if packed else file.name, status.st_size, None if packed else str(file)
    )


def sample_of(given: Input) -> Sample:
    """Return what a source may look at; a file that breaks off within the sample shows what there is."""
    parts: list[bytes] = []
    size = 0
    with given.open() as stream, suppress(EOFError, OSError, zlib.error):
        while size < SAMPLE:
            chunk = stream.read(min(SAMPLE - size, 8192))
            if not chunk:
                break
            parts.append(chunk)
            size += len(chunk)
    return Sample(given.name, b"".join(parts), whole=size < SAMPLE)


def walk(paths: Sequence[str | Path], belongs_together: Callable[[Sample], bool]) -> Iterator[Found]:
    """Find every input below `paths`, sorted, each with its sample.

    `belongs_together` is asked for each folder, with its listing: true makes it one input. What cannot be read is found
    with a problem. Raises `UnreadableInputError` when a named path does not exist.
    """
    for path in paths:
        place = Path(path)
        if not place.exists():
            raise UnreadableInputError(
                "there is no such file or folder", where=str(path), remedy="check the name"
            )
        shown = place.as_posix()
        if place.is_dir():
            yield from _folder(place, shown, place.resolve(), belongs_together)
        else:
            yield from _file(place, shown, named=True)


def _folder(
    folder: Path, shown: str, top: Path, belongs_together: Callable[[Sample], bool]
) -> Iterator[Found]:
    listing = []
    for file in _files(folder):
        listing.append(file.relative_to(folder).as_posix())
        if len(listing) == LISTED:
            break
    sample = Sample(folder.resolve().name, listing=tuple(listing))
    if listing and belongs_together(sample):
        modified = int(folder.stat().st_mtime * 1_000_000)
        given = FolderInput(folder, folder.resolve().name)
        yield Found(shown, given, folder.resolve().parent.name, modified, sample=sample)
        return
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        yield Found(shown, problem=Problem("unreadable", error.strerror or str(error)))
        return
    for entry in entries:
        inner = f"{shown}/{entry.name}"
        if entry.is_symlink() and not entry.resolve().is_relative_to(top):
            yield Found(inner, problem=Problem("link-outside", "the link leads out of the folder given"))
        elif entry.is_dir():
            if entry.is_symlink():
                yield Found(inner, problem=Problem("link-to-folder", "links to folders are not followed"))
            elif entry.name not in {".git", "__pycache__"}:
                yield from _folder(entry, inner, top, belongs_together)
        else:
            yield from _file(entry, inner, named=False)


def _file(file: Path, shown: str, *, named: bool) -> Iterator[Found]:
    folder = file.resolve().parent.name
    try:
        given = file_input(file)
        modified = int(file.stat().st_mtime * 1_000_000)
        if file.name.lower().endswith(".zip"):
            yield from _archive(file, shown, folder, modified)
            return
        sample = sample_of(given)
    except UnreadableInputError as error:
        yield Found(shown, folder=folder, named=named, problem=Problem("unreadable", error.what))
        return
    yield Found(shown, given, folder, modified, named, sample=sample)


def _archive(file: Path, shown: str, folder: str, modified: int) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
    except (OSError, zipfile.BadZipFile) as error:
        yield Found(
            shown, folder=folder, problem=Problem("damaged-archive", f"the archive cannot be read: {error}")
        )
        return
    unpacked = 0
    for number, entry in enumerate(entries):
        if entry.is_dir():
            continue
        inner = f"{shown}!/{entry.filename}"
        parts = entry.filename.replace("\\", "/").split("/")
        unpacked += entry.file_size
        problem = None
        if entry.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            problem = Problem(
                "unsafe-member", "the member's name leads out of the archive", value=entry.filename
            )
        elif stat.S_ISLNK(entry.external_attr >> 16):
            problem = Problem("unsafe-member", "the member is a link", value=entry.filename)
        elif number >= MAX_MEMBERS:
            problem = Problem("too-many-members", f"the archive has more than {MAX_MEMBERS} members")
        elif unpacked > MAX_UNPACKED:
            problem = Problem("too-large", f"the archive unpacks to more than {MAX_UNPACKED} bytes")
        elif entry.file_size > 1 << 20 and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            problem = Problem("too-large", f"the member unpacks to more than {MAX_RATIO} times its size")
        elif entry.flag_bits & 1:
            problem = Problem("encrypted-member", "the member is encrypted")
        elif parts[-1].lower().endswith(".zip"):
            problem = Problem("nested-archive", "archives inside archives are not read")
        if problem is not None:
            yield Found(inner, folder=folder, problem=problem)
            continue
        name = parts[-1][:-3] if parts[-1].lower().endswith(".gz") else parts[-1]
        given = MemberInput(file, entry.filename, name, entry.file_size)
        try:
            sample = sample_of(given)
        except UnreadableInputError as error:
            yield Found(inner, folder=folder, problem=Problem("unreadable", error.what))
            continue
        yield Found(inner, given, parts[-2] if len(parts) > 1 else folder, modified, sample=sample)


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            yield Path(place) / name


def _unreadable(error: OSError, where: str) -> UnreadableInputError:
    return UnreadableInputError(
        error.strerror or str(error), where=where, remedy="check that it is there and that you may read it"
    )
