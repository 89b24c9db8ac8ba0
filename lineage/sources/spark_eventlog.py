"""What does a Spark event log say? Applications, their queries, what these read and wrote, who ran them.

One file, plain, `.gz` or `.zstd`, or the folder of a rolled log (`eventlog_v2_*`). Spark's other compressions (lz4,
snappy, lzf) are named and not read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

import zstandard

from lineage import framing
from lineage.errors import UnreadableInputError
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _spark_facts as facts
from lineage.sources._spark_log import Log

NAME = "spark-eventlog"
FORMAT = "Spark event log 2.x to 4.x: file (plain, .gz, .zstd) or rolled folder eventlog_v2_*"
PROVES = ("who", "when", "what", "lineage")

_FIRST = re.compile(r'\s*\{\s*"Event"\s*:\s*"(SparkListener|org\.apache\.spark\.)')
_ROLLED = re.compile(r"events_(\d+)_(.+?)(\.compact)?$")
_PART = re.compile(r"(?:events_\d+_.+|appstatus_.+|\..*\.crc)")
_FOLDER = re.compile(r"eventlog_v2_(.+)")
_ZSTD = b"\x28\xb5\x2f\xfd"
_UNREAD = {b"LZ4Block": "lz4", b"\x82SNAPPY\x00": "snappy", b"ZV\x01": "lzf", b"ZV\x00": "lzf"}
_ENDING = re.compile(r"\.(zstd|zst|lz4|snappy|lzf|inprogress)$")
_MAX_RATIO = 2_000
_MIN_ROOM = 64 << 20
_FED = 1024


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is an event log, or the folder of a rolled one."""
    if sample.listing:
        rolled = all(_PART.fullmatch(name) for name in sample.listing)
        return 0.95 if rolled and any(name.startswith("events_") for name in sample.listing) else 0.0
    head = sample.head
    if head.startswith(_ZSTD):
        try:
            unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(head)[:2000]
        except zstandard.ZstdError:
            return 0.0
        return 0.95 if _FIRST.match(unpacked.decode("utf-8", "replace")) else 0.0
    if _packed(head) and _ENDING.search(sample.name):
        return 0.5
    return 0.95 if _FIRST.match(sample.text[:2000]) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a record for the application and one for each query that writes; lines that cannot be read as problems."""
    members = list(given.members())
    if not members:
        bare = _bare(given.name)
        rolled = _ROLLED.fullmatch(bare)
        log = Log(rolled[2] if rolled else bare)
        yield from _take(log, given, "")
    else:
        named = _FOLDER.fullmatch(given.name)
        log = Log(named[1] if named else "")
        for name, member in _in_order(members):
            yield from _take(log, member, name)
    if log.seen:
        yield from log.records()


def read(record: Record, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what one record states."""
    return facts.read(record, origin)


def _take(log: Log, given: Input, place: str) -> Iterator[Problem]:
    try:
        with given.open() as stream:
            try:
                start = stream.read(8)
            except (EOFError, OSError) as error:
                yield Problem("cut-file", f"the file breaks off: {error}", offset=0, row=place)
                return
    except UnreadableInputError as error:
        yield Problem("unreadable", error.what, row=place)
        return
    packed = _packed(start)
    if packed:
        reason = (
            f"Spark compressed the log with {packed}, which is not read: unpack it, or let Spark write zstd"
        )
        yield Problem("unsupported-compression", reason, value=given.name, offset=0, row=place)
        return
    for line in framing.lines(_Zstd(given) if start.startswith(_ZSTD) else given):
        if isinstance(line, Record):
            yield from log.take(line, place)
        else:
            yield Problem(
                line.code,
                line.reason,
                line.field,
                line.value,
                line.offset,
                line.line,
                place or line.row,
                line.fatal,
            )


def _in_order(members: list[tuple[str, Input]]) -> list[tuple[str, Input]]:
    """Return the rolled files by their number; a compacted file stands for all before it."""
    found = []
    for name, member in members:
        bare = _bare(name)
        rolled = _ROLLED.fullmatch(bare)
        if rolled and len(rolled[1]) < 18:
            found.append((int(rolled[1]), bool(rolled[3]), name, member))
    compact = max((number for number, whole, _, _ in found if whole), default=-1)
    kept = [entry for entry in found if entry[0] > compact or (entry[0] == compact and entry[1])]
    return [(name, member) for _, _, name, member in sorted(kept, key=lambda entry: entry[:3])]


def _bare(name: str) -> str:
    """Return a file's name without what its state and compression add to it."""
    name = name.removesuffix(".gz")
    while found := _ENDING.search(name):
        name = name[: found.start()]
    # Compression stands before the mark of a compacted file.
    return re.sub(r"\.(?:zstd|zst)(\.compact)$", r"\1", name)


def _packed(head: bytes) -> str:
    return next((word for magic, word in _UNREAD.items() if head.startswith(magic)), "")


class _Zstd:
    """An input in zstd, read as the bytes inside."""

    def __init__(self, given: Input) -> None:
        self._given = given
        self.name = given.name
        self.path = None
        self.size = given.size

    def open(self) -> BinaryIO:
        """Open the bytes inside; a damaged frame ends them with an `OSError`."""
        room = max(self.size * _MAX_RATIO, _MIN_ROOM)
        return cast("BinaryIO", _Reading(self._given.open(), room))

    def members(self) -> Iterator[tuple[str, Input]]:
        """A file has none."""
        return iter(())


class _Reading(io.RawIOBase):
    """Reads what is unpacked, up to the damage, or up to what an honest file can hold."""

    def __init__(self, packed: BinaryIO, room: int) -> None:
        super().__init__()
        self._packed = packed
        self._room = room
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._rest = b""
        self._error = ""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, as many as come to hand; raises `OSError` at the damage, after all before it."""
        del size
        while True:
            if self._error:
                raise OSError(self._error)
            # Little at a time: what one call unpacks is lost when it meets damage.
            piece = self._rest or self._packed.read(_FED)
            if not piece:
                return b""
            try:
                found = self._frame.decompress(piece)
            except zstandard.ZstdError as error:
                raise OSError(f"the zstd frame is damaged: {error}") from error
            self._rest = b""
            if self._frame.eof:
                self._rest = self._frame.unused_data
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._room -= len(found)
            if self._room < 0:
                self._error = f"it unpacks to more than {_MAX_RATIO} times its size"
            if found:
                return found

    def close(self) -> None:
        """Close the file as well."""
        self._packed.close()
        super().close()
