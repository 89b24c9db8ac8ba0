"""Which inputs lie below the paths that a person named, and how are they read without harm?

Files are opened read-only and never through a link that leads out of the folder given; `.gz` is read through;
members of a `.zip` are read in place, never unpacked, with limits against bombs; a folder that belongs
together (`mlruns/`) is one input (DESIGN 2.12, audit-evidence E).
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from lineage.errors import UnreadableInputError
from lineage.model.moment import LAST
from lineage.opening import (
    DAMAGE,
    MAX_FOLDERS,
    MAX_RATIO,
    MAX_UNPACKED,
    FolderInput,
    MemberInput,
    file_input,
    files_below,
    unreadable,
)
from lineage.source import MAPPING_SUFFIX, Beside, Input, Origin, Problem, Sample
from lineage.text import MalformedError, decode, is_utf16, plain_path

SAMPLE = 64 * 1024
LISTED = 2_000
MAX_MEMBERS = 10_000
MAX_MAPPING = 1 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """An input that was found, or the problem with it.

    Attributes:
        path: as imported; given: the input, None when there is only a problem.
        named: true when the person named this very file.
        beside: the mappings of tables that hold for it, the nearest first.
    """

    path: str
    given: Input | None = None
    folder: str = ""
    modified: int = 0
    named: bool = False
    problem: Problem | None = None
    sample: Sample = field(default_factory=lambda: Sample(""))
    beside: tuple[Beside, ...] = ()

    def origin(self, labels: dict[str, str]) -> Origin:
        """Return where it came from, under these labels."""
        return Origin(self.path, labels, self.folder, self.modified, self.beside)


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
    uri = f"file:{quote(os.fsencode(path))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            rows = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            ).fetchall()
    except sqlite3.Error:
        return ()
    return tuple(str(row[0]) for row in rows)


Together = bool | re.Pattern[str]
"""Whether the files of a folder belong together: all, none, or those whose path in it matches."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """The files of a folder that belong together, while the others in it stand by themselves."""

    folder: Path
    parts: re.Pattern[str]

    def holds(self, file: Path) -> bool:
        return bool(self.parts.match(plain_path(file.relative_to(self.folder).as_posix())))


def walk(
    paths: Sequence[str | Path],
    belongs_together: Callable[[Sample], Together],
    mappings: Sequence[str | Path] = (),
) -> Iterator[Found]:
    """Find every input below `paths`, sorted, each with its sample.

    A mapping of tables holds for its folder and those below it; `mappings` name files of more that hold everywhere.

    `belongs_together` is asked for each folder, with its listing: true makes it one input, a pattern makes one of the
    files that match and leaves the others to themselves. What cannot be read is found with a problem.

    Raises `UnreadableInputError` when a named path does not exist.
    """
    everywhere = tuple(_mapping(Path(path)) for path in mappings)
    for path in paths:
        place = Path(path)
        shown = plain_path(place.as_posix())
        try:
            there = place.exists()
        except OSError as error:
            raise unreadable(error, shown) from error
        if not there:
            raise UnreadableInputError(
                "there is no such file or folder", where=shown, remedy="check the name"
            )
        if place.is_dir():
            yield from _folder(place, shown, place.resolve(), belongs_together, everywhere)
        else:
            beside = everywhere
            with suppress(OSError):
                beside = (*_mappings(place.parent.iterdir()), *everywhere)
            for found in _file(place, shown, named=True):
                yield _with(found, beside)


def _with(found: Found, beside: tuple[Beside, ...]) -> Found:
    if not beside or found.given is None:
        return found
    return replace(found, beside=beside, sample=replace(found.sample, beside=beside))


def _mapping(file: Path) -> Beside:
    """Return a mapping that a person named; raises `UnreadableInputError`."""
    given = file_input(file)
    with given.open() as stream:
        return Beside(given.name, stream.read(MAX_MAPPING))


def _mappings(entries: Iterable[Path]) -> tuple[Beside, ...]:
    """Return the mappings among the files of a folder; one that cannot be read says so when its turn comes."""
    found = []
    for entry in sorted(entries, key=lambda entry: entry.name):
        if entry.name.lower().endswith(MAPPING_SUFFIX) and not entry.is_symlink():
            with suppress(UnreadableInputError, OSError):
                found.append(_mapping(entry))
    return tuple(found)


def _folder(
    folder: Path,
    shown: str,
    top: Path,
    belongs_together: Callable[[Sample], Together],
    beside: tuple[Beside, ...],
    level: int = 0,
    taken: _Taken | None = None,
) -> Iterator[Found]:
    if level > MAX_FOLDERS:
        reason = f"more than {MAX_FOLDERS} folders lie inside each other"
        yield Found(shown, problem=Problem("too-deep", reason))
        return
    listing = []
    for file, refusal in files_below(folder):
        if not refusal and not (taken and taken.holds(file)):
            listing.append(plain_path(file.relative_to(folder).as_posix()))
        if len(listing) == LISTED:
            break
    place = folder.resolve()
    sample = Sample(plain_path(place.name), listing=tuple(listing))
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
        modified = _changed(folder)
    except OSError as error:
        yield Found(shown, problem=Problem("unreadable", error.strerror or str(error)))
        return
    together = belongs_together(sample) if listing else False
    if together:
        parts = together if isinstance(together, re.Pattern) else None
        given = FolderInput(folder, sample.name, parts=parts)
        yield Found(shown, given, plain_path(place.parent.name), modified, sample=sample)
        if parts is None:
            return
        taken = _Taken(folder, parts)
    if folder.name == ".git":
        return
    beside = (*_mappings(entries), *beside)
    for entry in entries:
        inner = f"{shown}/{plain_path(entry.name)}"
        if entry.is_symlink() and not _leads_into(entry, top):
            yield Found(
                inner, problem=Problem("link-outside", "the link leads out of the folder given, or nowhere")
            )
        elif entry.is_dir():
            if entry.is_symlink():
                yield Found(inner, problem=Problem("link-to-folder", "links to folders are not followed"))
            elif entry.name != "__pycache__":
                yield from _folder(entry, inner, top, belongs_together, beside, level + 1, taken)
        elif not (taken and taken.holds(entry)):
            for found in _file(entry, inner, named=False):
                yield _with(found, beside)


def _leads_into(link: Path, top: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(top)
    except (OSError, RuntimeError):
        return False


def _file(file: Path, shown: str, *, named: bool) -> Iterator[Found]:
    try:
        folder = plain_path(file.resolve().parent.name)
        given = file_input(file)
        modified = _changed(file)
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
    except DAMAGE as error:
        reason = f"the archive cannot be read: {str(error) or type(error).__name__}"
        yield Found(shown, folder=folder, problem=Problem("damaged-archive", reason))
        return
    if len(entries) > MAX_MEMBERS:
        reason = f"the archive has {len(entries)} members; only {MAX_MEMBERS} of them are read"
        yield Found(shown, folder=folder, problem=Problem("too-many-members", reason))
    unpacked = 0
    for entry in entries[:MAX_MEMBERS]:
        if entry.filename.endswith("/"):
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
    if not name:
        return Problem("unsafe-member", "the member has no name")
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


def _changed(place: Path) -> int:
    """Return when a file was changed, in UTC microseconds; 0 where its date lies outside the years 1970 to 9999."""
    changed = place.stat().st_mtime_ns // 1000
    return changed if 0 <= changed <= LAST else 0
