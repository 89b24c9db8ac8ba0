"""Which object lies where in a git pack, and what does it hold? Bounded against damage and bombs.

Format: gitformat-pack of the git documentation. A pack in a bundle has no index: it is read through once, and what is
kept as a difference is worked out for commits, tags, trees and small files. A pack in a repository has its index.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Callable
from typing import BinaryIO

COMMIT, TREE, BLOB, TAG, OFFSET_DELTA, REF_DELTA = 1, 2, 3, 4, 6, 7
NAMES = {COMMIT: "commit", TREE: "tree", BLOB: "blob", TAG: "tag"}

MAX_OBJECT = 32 << 20
"""The largest object taken, in bytes; commits, tags and trees are far below."""

MAX_FILE = 2 << 20
"""The largest file of a repository that is looked at, in bytes."""

MAX_OBJECTS = 2_000_000
"""Objects of a pack without an index beyond which it is not read: a clone has an index."""

MAX_CHAIN = 4_096
"""Differences on top of each other; git itself writes at most 4,095."""

_CHUNK = 1 << 16
_KEPT = 32 << 20
_RATIO = 200
_HARMLESS = 64 << 20


class DamagedError(ValueError):
    """A repository holds something that cannot be taken.

    Attributes:
        code: a stable word for scripts; reason: one sentence for people.
        offset: the place in the file, -1 where unknown.
    """

    def __init__(self, code: str, reason: str, offset: int = -1) -> None:
        self.code = code
        self.reason = reason
        self.offset = offset
        super().__init__(reason)


class Pack:
    """One pack; `names` or an index give the place of each object."""

    def __init__(self, stream: BinaryIO, start: int, size: int, hashing: str = "sha1") -> None:
        self.stream = stream
        self.start = start
        self.end = start + size
        self.hashing = hashing
        self.width = 32 if hashing == "sha256" else 20
        self.names: dict[bytes, int] = {}
        self.index: Index | None = None
        self._cache: OrderedDict[int, tuple[int, bytes]] = OrderedDict()
        self._cached = 0
        head = self._at(start, 12)
        if head[:4] != b"PACK" or int.from_bytes(head[4:8]) not in {2, 3}:
            raise DamagedError("malformed-pack", "this is no git pack of version 2 or 3", start)
        self.count = int.from_bytes(head[8:12])

    def find(self, name: bytes) -> int | None:
        """Return the offset of the object called `name`."""
        if self.index is not None:
            found = self.index.find(name)
            return None if found is None else self.start + found
        return self.names.get(name)

    def get(self, offset: int) -> tuple[int, bytes]:
        """Return type and content of the object at `offset`; raises `DamagedError`."""
        chain: list[tuple[int, bytes]] = []
        seen = set()
        held = 0
        while True:
            kept = self._cache.get(offset)
            if kept is not None:
                self._cache.move_to_end(offset)
                kind, body = kept
                break
            if offset in seen or len(chain) > MAX_CHAIN:
                raise DamagedError("delta-cycle", "an object is kept as a difference to itself", offset)
            seen.add(offset)
            kind, size, base, place = self.header(offset)
            held += size
            if size > MAX_OBJECT or held > 4 * MAX_OBJECT:
                raise DamagedError("too-large", f"an object of {held} bytes is not read", offset)
            body = self._inflated(place, size, offset)
            if base is None:
                break
            chain.append((offset, body))
            offset = base
        for place, delta in reversed(chain):
            body = applied(body, delta, place)
            self._keep(place, kind, body)
        if not chain:
            self._keep(offset, kind, body)
        return kind, body

    def header(self, offset: int) -> tuple[int, int, int | None, int]:
        """Return kind, size, base (None: whole) and the place of the content of the object at `offset`."""
        if not self.start + 12 <= offset < self.end:
            raise DamagedError("malformed-pack", "an object lies outside its pack", offset)
        head = self._at(offset, 64)
        position = 0
        byte = head[0]
        kind, size, shift = byte >> 4 & 7, byte & 15, 4
        try:
            while byte & 0x80:
                position += 1
                byte = head[position]
                size |= (byte & 0x7F) << shift
                shift += 7
            position += 1
            if kind in NAMES:
                return kind, size, None, offset + position
            if kind == REF_DELTA:
                name = head[position : position + self.width]
                base = self.find(name)
                if base is None:
                    raise DamagedError("missing-base", f"the base {name.hex()} is not in the pack", offset)
                return kind, size, base, offset + position + self.width
            if kind == OFFSET_DELTA:
                byte = head[position]
                back = byte & 0x7F
                while byte & 0x80:
                    position += 1
                    byte = head[position]
                    back = (back + 1) << 7 | byte & 0x7F
                if back <= 0 or offset - back < self.start + 12:
                    raise DamagedError("malformed-pack", "a difference points outside its pack", offset)
                return kind, size, offset - back, offset + position + 1
        except IndexError:
            raise DamagedError("cut-file", "the pack breaks off", offset) from None
        raise DamagedError("malformed-pack", f"there is no kind {kind} of object", offset)

    def scan(self) -> list[DamagedError]:
        """Read the pack through and learn the name of each object; return what was wrong with some of them."""
        if self.count > MAX_OBJECTS:
            reason = (
                f"the pack holds {self.count} objects, more than {MAX_OBJECTS}: clone it, import the clone"
            )
            raise DamagedError("too-large", reason, self.start)
        wrong: list[DamagedError] = []
        later: list[int] = []
        offset = self.start + 12
        budget = max(_HARMLESS, _RATIO * (self.end - self.start))
        for _ in range(self.count):
            try:
                kind, size, place = self._plain_header(offset)
                budget -= size
                name, after = self._hashed(kind, size, place, offset, budget)
            except DamagedError as error:
                wrong.append(error)
                break
            if name is None:
                later.append(offset)
            else:
                self.names[name] = offset
            offset = after
        wrong += self._name_differences(later)
        return wrong

    def _plain_header(self, offset: int) -> tuple[int, int, int]:
        """Return kind, size and place of the content, whether the base of a difference is known or not."""
        try:
            kind, size, _, place = self.header(offset)
        except DamagedError as error:
            if error.code != "missing-base":
                raise
            head = self._at(offset, 32)
            position = 0
            size, shift = head[0] & 15, 4
            while head[position] & 0x80:
                position += 1
                size |= (head[position] & 0x7F) << shift
                shift += 7
            return REF_DELTA, size, offset + position + 1 + self.width
        return kind, size, place

    def _name_differences(self, offsets: list[int]) -> list[DamagedError]:
        """Work out the objects kept as differences; again as long as a round names another one's base."""
        wrong: list[DamagedError] = []
        while offsets:
            left = []
            wrong = []
            for offset in offsets:
                try:
                    if self._too_large(offset):
                        continue
                    kind, body = self.get(offset)
                except DamagedError as error:
                    if error.code == "missing-base":
                        left.append(offset)
                    wrong.append(error)
                    continue
                self.names[named(kind, body, self.hashing)] = offset
            if len(left) == len(offsets) or not left:
                break
            offsets = left
        return wrong

    def _too_large(self, offset: int) -> bool:
        """Tell whether the object at the end of a chain is a file too large to be looked at."""
        for _ in range(MAX_CHAIN):
            kind, size, base, _ = self.header(offset)
            if base is None:
                return kind == BLOB and size > MAX_FILE
            offset = base
        raise DamagedError("delta-cycle", "an object is kept as a difference to itself", offset)

    def _hashed(self, kind: int, size: int, place: int, offset: int, budget: int) -> tuple[bytes | None, int]:
        """Return the name of a whole object, and where the next begins; a large one is never held in memory."""
        if budget < 0:
            raise DamagedError("too-large", f"the pack unpacks to more than {_RATIO} times its size", offset)
        digest = hashlib.new(self.hashing, f"{NAMES.get(kind, '')} {size}\0".encode(), usedforsecurity=False)
        inflater = zlib.decompressobj()
        got = 0
        position = place
        rest = b""
        while not inflater.eof:
            chunk = rest or self._at(position, _CHUNK)
            if not rest:
                position += len(chunk)
            if not chunk:
                raise DamagedError("cut-file", "the pack breaks off", offset)
            try:
                piece = inflater.decompress(chunk, _CHUNK * 16)
            except zlib.error as error:
                raise DamagedError(
                    "malformed-pack", f"an object cannot be unpacked: {error}", offset
                ) from None
            rest = inflater.unconsumed_tail
            got += len(piece)
            if got > size:
                raise DamagedError("too-large", "an object unpacks to more than its stated size", offset)
            digest.update(piece)
        if got != size:
            raise DamagedError("malformed-pack", "an object unpacks to less than its stated size", offset)
        after = position - len(inflater.unused_data)
        return (digest.digest() if kind in NAMES else None), after

    def _inflated(self, place: int, size: int, offset: int) -> bytes:
        return inflated(lambda at, length: self._at(place + at, length), size, offset)

    def _keep(self, offset: int, kind: int, body: bytes) -> None:
        if len(body) > _KEPT // 8 or offset in self._cache:
            return
        self._cache[offset] = (kind, body)
        self._cached += len(body)
        while self._cached > _KEPT:
            _, (_, old) = self._cache.popitem(last=False)
            self._cached -= len(old)

    def _at(self, offset: int, length: int) -> bytes:
        self.stream.seek(offset)
        return self.stream.read(min(length, max(self.end - offset, 0)))


class Index:
    """The index beside a pack (version 1 or 2), asked without reading all of it."""

    def __init__(self, stream: BinaryIO, width: int) -> None:
        self.stream = stream
        self.width = width
        head = self._at(0, 8)
        self.version = int.from_bytes(head[4:8]) if head[:4] == b"\xfftOc" else 1
        if self.version not in {1, 2}:
            raise DamagedError("malformed-pack", f"there is no version {self.version} of a pack's index")
        self.top = 8 if self.version == 2 else 0
        fan = self._at(self.top, 1024)
        if len(fan) < 1024:
            raise DamagedError("cut-file", "the index of a pack breaks off")
        self.fan = [int.from_bytes(fan[4 * n : 4 * n + 4]) for n in range(256)]
        self.count = self.fan[255]

    def find(self, name: bytes) -> int | None:
        """Return the offset in the pack of the object called `name`."""
        low, high = self.fan[name[0] - 1] if name[0] else 0, self.fan[name[0]]
        step = self.width if self.version == 2 else self.width + 4
        base = self.top + 1024 + (0 if self.version == 2 else 4)
        while low < high:
            middle = (low + high) // 2
            here = self._at(base + middle * step, self.width)
            if here == name:
                return self._offset(middle)
            if here < name:
                low = middle + 1
            else:
                high = middle
        return None

    def _offset(self, number: int) -> int:
        if self.version == 1:
            return int.from_bytes(self._at(1024 + number * (self.width + 4), 4))
        table = self.top + 1024 + self.count * (self.width + 4)
        offset = int.from_bytes(self._at(table + 4 * number, 4))
        if offset & 0x80000000:
            offset = int.from_bytes(self._at(table + 4 * self.count + 8 * (offset & 0x7FFFFFFF), 8))
        return offset

    def _at(self, offset: int, length: int) -> bytes:
        self.stream.seek(offset)
        return self.stream.read(length)


def inflated(read: Callable[[int, int], bytes], size: int, offset: int = -1) -> bytes:
    """Unpack exactly `size` bytes from what `read(at, length)` gives; raises `DamagedError`."""
    inflater = zlib.decompressobj()
    parts: list[bytes] = []
    got = position = 0
    while got <= size and not inflater.eof:
        chunk = inflater.unconsumed_tail
        if not chunk:
            chunk = read(position, min(_CHUNK, size // 2 + 512))
            position += len(chunk)
        if not chunk:
            raise DamagedError("cut-file", "an object breaks off", offset)
        try:
            piece = inflater.decompress(chunk, size - got + 1)
        except zlib.error as error:
            raise DamagedError("malformed-object", f"an object cannot be unpacked: {error}", offset) from None
        got += len(piece)
        parts.append(piece)
    if got != size:
        raise DamagedError("malformed-object", "an object is not as large as it says", offset)
    return b"".join(parts)


def named(kind: int, body: bytes, hashing: str = "sha1") -> bytes:
    """Return the name that git gives to an object.

    >>> named(BLOB, b"").hex()
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return hashlib.new(
        hashing, b"%s %d\0" % (NAMES[kind].encode(), len(body)) + body, usedforsecurity=False
    ).digest()


def applied(base: bytes, delta: bytes, offset: int = -1) -> bytes:
    """Return what a difference makes of `base`; raises `DamagedError`.

    >>> applied(b"hello", bytes([5, 7, 0x90, 5, 2, 33, 33]))
    b'hello!!'
    """
    try:
        expected, position = _length(delta, 0)
        size, position = _length(delta, position)
        if expected != len(base) or size > MAX_OBJECT:
            raise DamagedError("malformed-object", "a difference does not fit its base", offset)
        parts: list[bytes] = []
        made = 0
        while position < len(delta):
            code = delta[position]
            position += 1
            if code & 0x80:
                values = [0] * 7
                for bit in range(7):
                    if code >> bit & 1:
                        values[bit] = delta[position]
                        position += 1
                begin = int.from_bytes(bytes(values[:4]), "little")
                length = int.from_bytes(bytes(values[4:]), "little") or 0x10000
                piece = base[begin : begin + length]
                if len(piece) != length:
                    raise DamagedError("malformed-object", "a difference copies beyond its base", offset)
            else:
                piece = delta[position : position + code]
                position += code
                if not code or len(piece) != code:
                    raise DamagedError("malformed-object", "a difference breaks off", offset)
            made += len(piece)
            if made > size:
                break
            parts.append(piece)
    except IndexError:
        raise DamagedError("malformed-object", "a difference breaks off", offset) from None
    if made != size:
        raise DamagedError("malformed-object", "a difference makes another size than it says", offset)
    return b"".join(parts)


def _length(delta: bytes, position: int) -> tuple[int, int]:
    size = shift = 0
    while True:
        byte = delta[position]
        position += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return size, position
        if shift > 63:
            raise IndexError
