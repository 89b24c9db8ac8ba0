"""What must one file hold to be a source, and which sources are there?

A source is a module in `lineage.sources` with these names:

- `NAME`: its id (`openlineage`); `FORMAT`: formats and versions, for people; `PROVES`: which of who, when, what,
  lineage, sla it can prove
- `recognises(sample) -> float`: how sure it is, 0..1, that it reads this input; by content, the specific beats the
  generic
- `records(given, origin) -> Iterator[Record | Problem]`: cuts the input into evidence records, each with its raw bytes
  and place; cheap, and total: what is no record is a problem
- `read(record, origin) -> Iterable[Fact | Problem | Filtered]`: what one record says; pure: no store, no Qt, no clock,
  no other record. A record that says nothing of interest yields one `Filtered` with the reason.

- `PLACED = True`, where a record's meaning depends on the folder the file lies in (a log does not name its
  cluster): the same bytes in two folders are then two records

- `PARTS`, a pattern, where only some files of a folder belong together: the others in it stand by themselves

- `HEADED = True`, where the first line names the columns of the others: the same row under another header is another
  record
- `meaning(given, origin)`, where more than that decides what the same bytes say (a mapping that lies beside the file):
  its text is part of each record's identity

- `read_bundled`, where millions of records repeat each other: what `read` says, with recurring facts as one `Bundle`

Nothing else needs an edit: the registry walks the package.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, BinaryIO, NamedTuple, Protocol, runtime_checkable

import msgspec

from lineage.model.facts import Fact
from lineage.text import MalformedError, loads


class Record(msgspec.Struct, frozen=True, gc=False):
    """One evidence record: the bytes as they lie in the file, and where.

    Attributes:
        raw: the bytes, exactly; for a database row or a folder of small files, canonical JSON of what was there.
        offset: the place of the first byte in the (decompressed) file; `line`: counted from 1, 0 where there are none.
        row: table and key of a database row, path inside a folder or archive, JSON pointer; empty otherwise.
        parsed: what the splitter already knows of the record, to spare a second parse; never stored.
    """

    raw: bytes
    offset: int = 0
    line: int = 0
    row: str = ""
    parsed: Any = None


class Problem(msgspec.Struct, frozen=True, gc=False):
    """Something that could not be read, with its place; never a reason to stop (DESIGN 2.10).

    Attributes:
        code: a short stable word for scripts (`malformed-json`, `bad-time`, `missing-field`, `too-large`, ...).
        reason: what is wrong, for people, one sentence.
        field, value: the field and the value it held (cut to 200 characters), where they are known.
        offset, line, row: as in `Record`; -1 and 0 mean "that of the record being read".
        fatal: true = nothing of the record could be used; false = the rest of it was.
    """

    code: str
    reason: str
    field: str = ""
    value: str = ""
    offset: int = -1
    line: int = 0
    row: str = ""
    fatal: bool = True


class Filtered(msgspec.Struct, frozen=True, gc=False):
    """A well-formed record that is left out on purpose, and why (`verb-not-relevant`, `prompt`, ...)."""

    reason: str


MAPPING_SUFFIX = ".modeltrail-table.yaml"
"""How the name of a file ends in which a person says how tables are to be read."""


class Beside(NamedTuple):
    """A mapping of tables that holds for an input: its name, and its bytes."""

    name: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an input came from, and what a person said of it.

    Attributes:
        path: as imported, with `/`; members of archives are `archive.zip!/member`.
        labels: `cluster`, `account`, `timezone`, `dates`, `instance`, `observed_at`, ... given with the import.
        folder: the name of the folder it lay in (the default of `cluster`).
        modified: the file's own time of change, UTC microseconds; 0 = not known.
        beside: the mappings that hold for it, the nearest first.
    """

    path: str
    labels: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    modified: int = 0
    beside: tuple[Beside, ...] = ()

    def label(self, name: str, default: str = "") -> str:
        """Return what the label `name` says, else `default`."""
        return self.labels.get(name, default)


class Input(Protocol):
    """An input that a source reads: a file, a member of an archive, or a folder that belongs together."""

    @property
    def name(self) -> str:
        """The file's or folder's own name, without its folders, without `.gz`."""

    @property
    def path(self) -> str | None:
        """A real path to open read-only (for databases); None inside an archive or a compressed file."""

    @property
    def size(self) -> int:
        """Bytes on disk, compressed or not."""

    def open(self) -> BinaryIO:
        """Open the (decompressed) bytes; raises `UnreadableInputError`."""

    def members(self) -> Iterator[tuple[str, Input]]:
        """For a folder: every regular file below it with its relative path (`/`), sorted; nothing for a file."""


@dataclass(frozen=True)
class Sample:
    """What a source may look at to recognise an input.

    Attributes:
        name: the file's or folder's own name, without `.gz`.
        head: the first 64 KiB, decompressed; empty for a folder.
        whole: true when `head` is the whole file.
        listing: for a folder, the relative paths of its first 2,000 files.
        tables: for an SQLite database that can be read in place, the names of its tables; else empty.
        beside: the mappings of tables that hold for it, the nearest first.
    """

    name: str
    head: bytes = b""
    whole: bool = True
    listing: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    beside: tuple[Beside, ...] = ()

    @cached_property
    def text(self) -> str:
        """The head as text, undecodable bytes replaced, a byte order mark dropped."""
        if self.head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return self.head.decode("utf-16", "replace")
        return self.head.decode("utf-8-sig", "replace")

    @cached_property
    def first_json(self) -> Any:
        """The first JSON value of the head: the first line's, else the whole's; None when there is none.

        A value that the head cuts off is None too: look at `text` then.
        """
        stripped = self.head.lstrip(b"\xef\xbb\xbf \t\r\n")
        first, _, _ = stripped.partition(b"\n")
        for candidate in (first, stripped) if self.whole else (first,):
            try:
                return loads(candidate)
            except MalformedError:
                continue
        return None

    def suffix(self, *suffixes: str) -> bool:
        """Tell whether the name ends in one of `suffixes` (lower case, with the dot)."""
        return self.name.lower().endswith(suffixes)


@runtime_checkable
class Source(Protocol):
    """The names a module in `lineage.sources` has."""

    NAME: str
    FORMAT: str
    PROVES: tuple[str, ...]

    def recognises(self, sample: Sample) -> float:
        """Tell how sure the source is, 0..1, that it reads this input."""

    def records(self, given: Input, origin: Origin) -> Iterator[Record | Problem]:
        """Cut the input into records."""

    def read(self, record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
        """Say what one record states."""


@cache
def sources() -> tuple[Source, ...]:
    """Return every source there is, in the order of their names."""
    package = importlib.import_module("lineage.sources")
    found = []
    for entry in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"lineage.sources.{entry.name}")
        if isinstance(module, Source):
            found.append(module)
    return tuple(sorted(found, key=lambda source: source.NAME))


def recognise(sample: Sample) -> tuple[Source, float] | None:
    """Return the source that is surest of `sample` (a tie: the first by name), or None when none knows it."""
    rated = [(source.recognises(sample), source) for source in sources()]
    best = max(rated, key=lambda pair: pair[0], default=None)
    if best is None or best[0] <= 0:
        return None
    return best[1], best[0]
