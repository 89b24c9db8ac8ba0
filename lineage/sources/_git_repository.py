"""Which commits, tags and files does a git repository hold: a bundle, or the folder of a repository?

Formats: gitformat-bundle, gitrepository-layout and gitformat-pack of the git documentation. Only what refs reach is
read, commit by commit; files are looked up by their path in a commit and nothing else is unpacked.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, NamedTuple

from lineage.errors import UnreadableInputError
from lineage.source import Input
from lineage.sources._git_pack import (
    BLOB,
    COMMIT,
    MAX_FILE,
    MAX_OBJECT,
    NAMES,
    TAG,
    TREE,
    DamagedError,
    Index,
    Pack,
    inflated,
    named,
)
from lineage.sources._repository_names import remote_in

MAX_HEAD = 16 << 20
"""The largest list of refs taken, in bytes."""

MAX_STREAM = 512 << 20
"""The largest bundle taken from inside an archive, in bytes; a file of its own may be of any size."""

_BUNDLE = re.compile(rb"# v([23]) git bundle\n")
_NAME = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_KINDS = {name.encode(): kind for kind, name in NAMES.items()}
_READ_ERRORS = (OSError, EOFError, UnreadableInputError)


class Object(NamedTuple):
    """An object: its name, what it is, its bytes, and where it lies (offset in the bundle, -1 elsewhere)."""

    name: str
    kind: int
    body: bytes
    offset: int = -1

    @property
    def raw(self) -> bytes:
        """The bytes that git names it by: their digest is its name."""
        return b"%s %d\0" % (NAMES[self.kind].encode(), len(self.body)) + self.body


class Repository:
    """A repository that is open for reading; `problems` gathers what was found wrong with it.

    Attributes:
        refs: by their full name, the name of the object each points at; `head`: the ref or object `HEAD` points at.
        remote: the URL of `origin`, without credentials; empty where the repository names none.
        missing: parents that are not in it (a shallow clone, a bundle of a part).
        absent: files that were looked for and are not in it (a partial clone).
    """

    def __init__(self, given: Input) -> None:
        self.given = given
        self.refs: dict[str, str] = {}
        self.head = ""
        self.remote = ""
        self.problems: list[DamagedError] = []
        self.missing: set[str] = set()
        self.absent: set[str] = set()
        self.hashing = "sha1"
        self.packs: list[Pack] = []
        self.loose: dict[str, Input] = {}
        self.streams: list[BinaryIO] = []
        self._trees: dict[str, dict[str, tuple[bool, str]]] = {}

    def close(self) -> None:
        """Close every file."""
        for stream in self.streams:
            stream.close()

    def get(self, name: str) -> Object | None:
        """Return the object called `name`; None when it is not here or damaged (then a problem says so)."""
        try:
            plain = bytes.fromhex(name)
            for pack in self.packs:
                place = pack.find(plain)
                if place is not None:
                    kind, body = pack.get(place)
                    return self._checked(Object(name, kind, body, place if pack.index is None else -1))
            if name in self.loose:
                return self._checked(self._unpacked(name))
        except DamagedError as error:
            self.problems.append(error)
        except (*_READ_ERRORS, ValueError) as error:
            self.problems.append(DamagedError("unreadable", f"the object {name} cannot be read: {error}"))
        return None

    def _checked(self, found: Object) -> Object:
        if named(found.kind, found.body, self.hashing).hex() != found.name:
            raise DamagedError(
                "wrong-digest", f"the object {found.name} is not what its name says", found.offset
            )
        return found

    def _unpacked(self, name: str) -> Object:
        with self.loose[name].open() as stream:
            packed = stream.read(MAX_OBJECT)
        head = zlib.decompressobj()
        try:
            start = head.decompress(packed, 64)
        except zlib.error as error:
            raise DamagedError("malformed-object", f"the object {name} cannot be unpacked: {error}") from None
        kind, _, size = start.partition(b"\0")[0].partition(b" ")
        if kind not in _KINDS or not size.isdigit() or len(size) > 10 or b"\0" not in start:
            raise DamagedError("malformed-object", f"the object {name} does not say what it is")
        length = int(size)
        if length > MAX_OBJECT:
            raise DamagedError("too-large", f"the object {name} of {length} bytes is not read")
        before = len(kind) + len(size) + 2
        whole = inflated(lambda at, wanted: packed[at : at + wanted], length + before)
        return Object(name, _KINDS[kind], whole[before:])

    def tags(self) -> Iterator[tuple[str, Object]]:
        """Yield each annotated tag with the name of its ref (`refs/tags/...`), in the order of the refs."""
        for ref, name in sorted(self.refs.items()):
            if ref.startswith("refs/tags/"):
                found = self.get(name)
                if found is not None and found.kind == TAG:
                    yield ref, found

    def commits(self) -> Iterator[Object]:
        """Yield every commit that a ref reaches, each once, newest lines of the history first."""
        seen: set[bytes] = set()
        todo = [name for _, name in sorted(self.refs.items(), reverse=True)]
        if _NAME.fullmatch(self.head):
            todo.append(self.head)
        while todo:
            name = todo.pop()
            plain = bytes.fromhex(name)
            if plain in seen:
                continue
            seen.add(plain)
            before = len(self.problems)
            found = self.get(name)
            if found is None:
                if len(self.problems) == before:
                    self.missing.add(name)
            elif found.kind == TAG:
                todo += pointers(found.body, b"object")[:1]
            elif found.kind == COMMIT:
                yield found
                todo += reversed(pointers(found.body, b"parent"))

    def commit_of(self, name: str) -> Object | None:
        """Return the commit that `name` is or that the tag `name` points at."""
        for _ in range(10):
            found = self.get(name)
            if found is None or found.kind == COMMIT:
                return found
            if found.kind != TAG:
                return None
            name = next(iter(pointers(found.body, b"object")), "")
        return None

    def entries(self, tree: str) -> dict[str, tuple[bool, str]]:
        """Return what a tree holds: by name, whether it is a folder, and its object; links and modules left out."""
        known = self._trees.get(tree)
        if known is not None:
            return known
        found = self.get(tree)
        entries: dict[str, tuple[bool, str]] = {}
        body = found.body if found is not None and found.kind == TREE else b""
        width = 32 if self.hashing == "sha256" else 20
        position = 0
        while position < len(body):
            space = body.find(b" ", position)
            end = body.find(b"\0", space)
            if space < 0 or end < 0 or end + 1 + width > len(body):
                self.problems.append(DamagedError("malformed-object", f"the tree {tree} breaks off"))
                break
            mode, name = body[position:space], body[space + 1 : end].decode("utf-8", "replace")
            position = end + 1 + width
            if mode.lstrip(b"0") == b"40000" or mode.startswith(b"100"):
                entries[name] = (not mode.startswith(b"100"), body[end + 1 : position].hex())
        if len(self._trees) > 50_000:
            self._trees.clear()
        self._trees[tree] = entries
        return entries

    def text(self, name: str) -> str | None:
        """Return the text of a small file; None for a large one, for what is no UTF-8, and for what is not here."""
        before = len(self.problems)
        found = self.get(name)
        if found is None and len(self.problems) == before:
            self.absent.add(name)
        if found is None or found.kind != BLOB or len(found.body) > MAX_FILE:
            return None
        try:
            return found.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None


def pointers(body: bytes, field: bytes) -> list[str]:
    r"""Return the objects that the header of a commit or tag names under `field`.

    >>> pointers(b"tree " + b"a" * 40 + b"\nparent " + b"b" * 40 + b"\n\nparent of all", b"parent")[0][:4]
    'bbbb'
    """
    head = body.partition(b"\n\n")[0].split(b"\n")
    found = [
        line[len(field) + 1 :].decode("ascii", "replace") for line in head if line.startswith(field + b" ")
    ]
    return [name for name in found if _NAME.fullmatch(name)]


def opened(given: Input) -> Repository:
    """Open a bundle, or the folder of a repository; raises `DamagedError` when it is neither."""
    repository = Repository(given)
    try:
        members = dict(given.members())
        if members:
            _folder(repository, members)
        else:
            _bundle(repository)
    except BaseException:
        repository.close()
        raise
    return repository


def _bundle(repository: Repository) -> None:
    given = repository.given
    stream = given.open()
    repository.streams.append(stream)
    if given.path is None:
        body = stream.read(MAX_STREAM + 1)
        if len(body) > MAX_STREAM:
            raise DamagedError("too-large", "the bundle is too large to be read packed: unpack it first")
        stream = BytesIO(body)
    size = stream.seek(0, 2)
    stream.seek(0)
    if not _BUNDLE.fullmatch(stream.readline(64)):
        raise DamagedError("not-a-bundle", "the file does not begin as a git bundle", 0)
    while True:
        line = stream.readline(MAX_HEAD)
        if line == b"\n":
            break
        if not line.endswith(b"\n") or stream.tell() > MAX_HEAD:
            raise DamagedError("cut-file", "the list of refs breaks off", stream.tell())
        text = line.decode("utf-8", "replace").rstrip("\n")
        if text.startswith("@"):
            name, _, value = text[1:].partition("=")
            if name == "object-format":
                repository.hashing = value if value in {"sha1", "sha256"} else "sha1"
            elif name == "filter":
                repository.problems.append(
                    DamagedError("partial", f"the bundle leaves objects out ({value})", 0)
                )
        elif text.startswith("-"):
            continue
        else:
            _ref(repository, *text.partition(" ")[::2])
    start = stream.tell()
    pack = Pack(stream, start, size - start, repository.hashing)
    repository.packs.append(pack)
    repository.problems += pack.scan()


def _ref(repository: Repository, name: str, ref: str) -> None:
    if not _NAME.fullmatch(name):
        if name:
            repository.problems.append(
                DamagedError("malformed-ref", f"the ref {ref[:80]!r} points at {name[:80]!r}")
            )
    elif ref == "HEAD":
        repository.head = name
    else:
        repository.refs[ref.replace("\0", "")] = name


def _folder(repository: Repository, members: dict[str, Input]) -> None:
    config = _small(members, "config")
    if re.search(r"objectformat\s*=\s*sha256", config, re.IGNORECASE):
        repository.hashing = "sha256"
    repository.remote = remote_in(config)
    if "reftable/tables.list" in members:
        reason = (
            "its refs are kept as a reftable, which is not read: make a bundle (git bundle create x --all)"
        )
        repository.problems.append(DamagedError("reftable", reason))
    if "objects/info/alternates" in members:
        reason = "some of its objects lie in another repository and are not read"
        repository.problems.append(DamagedError("alternates", reason))
    for line in _small(members, "packed-refs").splitlines():
        if line and line[0] not in "#^":
            _ref(repository, *line.partition(" ")[::2])
    for path in members:
        if path.startswith("refs/") or path == "HEAD":
            said = _small(members, path).strip()
            if said.startswith("ref:"):
                if path == "HEAD":
                    repository.head = said[4:].strip()
            else:
                _ref(repository, said, path)
    width = 62 if repository.hashing == "sha256" else 38
    shape = re.compile(rf"objects/([0-9a-f]{{2}})/([0-9a-f]{{{width}}})")
    for path, member in members.items():
        found = shape.fullmatch(path)
        if found:
            repository.loose[found[1] + found[2]] = member
        elif path.startswith("objects/pack/") and path.endswith(".pack"):
            _packed(repository, path, members)


def _packed(repository: Repository, path: str, members: dict[str, Input]) -> None:
    try:
        stream = members[path].open()
        repository.streams.append(stream)
        pack = Pack(stream, 0, stream.seek(0, 2), repository.hashing)
        beside = members.get(path.removesuffix(".pack") + ".idx")
        if beside is None:
            repository.problems += pack.scan()
        else:
            index = beside.open()
            repository.streams.append(index)
            pack.index = Index(index, pack.width)
        repository.packs.append(pack)
    except DamagedError as error:
        repository.problems.append(DamagedError(error.code, f"{path}: {error.reason}", error.offset))
    except _READ_ERRORS as error:
        repository.problems.append(DamagedError("unreadable", f"{path}: {error}"))


def _small(members: dict[str, Input], path: str) -> str:
    """Return the text of one of git's own files; empty when it is not there."""
    if path not in members:
        return ""
    try:
        with members[path].open() as stream:
            return stream.read(MAX_HEAD).decode("utf-8", "replace")
    except _READ_ERRORS:
        return ""
