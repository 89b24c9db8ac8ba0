"""What fixes this log for people who do not trust this machine? Notes, anchors from outside, sealed copies.

A note says how large the log is and what its root and its chain are. Kept elsewhere, or time-stamped by a third party,
it is what a later state of the log can be held against (audit-evidence D2, D3).
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

from lineage import clock
from lineage.errors import QuestionError, UnreadableInputError, UserError
from lineage.evidence.merkle import Frontier, leaf_hashes
from lineage.evidence.note import Note, read, write
from lineage.model.answer import Answer, Item
from lineage.model.moment import to_iso
from lineage.proving import described
from lineage.store import binding, kept, log
from lineage.store.database import Connection, Database
from lineage.store.lock import import_lock
from lineage.text import plain_path

_TIME = re.compile(rb"\x18[\x0f-\x17](\d{14})(?:\.(\d{1,6})\d*)?Z")
_LARGEST = 1 << 20


def present_note(connection: Connection) -> Note:
    """Return the note of the log as it stands; raises `QuestionError` when nothing has been recorded."""
    chain = binding.links(connection)
    if not chain:
        raise QuestionError("nothing has been recorded yet", remedy="import something first")
    return note_of(connection, chain[-1])


def note_of(connection: Connection, link: binding.Link) -> Note:
    """Return the note of the log as it stood at a link of its chain; always the same bytes for the same link."""
    size = link.upto[0]
    root = next((point.root for point in kept.checkpoints(connection) if point.size == size), None)
    if root is None:
        tree = Frontier()
        tree.extend(leaf_hashes(place for _, place in zip(range(size), log.places(connection), strict=False)))
        root = tree.root()
    head = f"bound {link.id} {base64.b64encode(link.head).decode()}"
    return Note(binding.origin(connection), size, root, (head, f"time {to_iso(link.at)}"))


def checkpoint(database: Database, file: Path | None) -> Answer:
    """Return the note of the log as it stands, written to `file` where given; with the anchors there are.

    Raises `UnreadableInputError` when the file cannot be written.
    """
    with database.reading() as connection:
        note = present_note(connection)
        anchors = [described(anchor) for anchor in kept.anchors(connection)]
    text = write(note)
    if file is not None:
        written(file, text.encode())
    item: Item = {
        "note": text,
        "origin": note.origin,
        "tree_size": note.size,
        "root": note.root.hex(),
        "at": note.told,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "file": None if file is None else str(file),
        "anchors": anchors,
        "evidence": [],
    }
    return Answer([item], 1)


def anchor(database: Database, file: Path) -> Answer:
    """Keep what came from outside (a note, or an RFC 3161 reply about one of our notes) and say whether it holds.

    Raises `UnreadableInputError` when the file cannot be read, `QuestionError` for one that says nothing of this log.
    """
    try:
        with file.open("rb") as stream:
            body = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UnreadableInputError(
            error.strerror or "the file cannot be read", where=plain_path(str(file)), remedy="check its name"
        ) from error
    if len(body) > _LARGEST:
        raise QuestionError(
            "the file is too large for a note or a reply",
            where=plain_path(str(file)),
            remedy="choose another",
        )
    database.check_writable()
    with import_lock(database.path), database.writing() as connection:
        made = _stamped(connection, body, file) if body[:1] == b"\x30" else _noted(connection, body, file)
        same = [old for old in kept.anchors(connection) if old.body == body]
        if not same:
            kept.add_anchor(connection, made)
            binding.bind(connection, made.at)
        number = same[0].id if same else kept.anchors(connection)[-1].id
        holds = _root_at(connection, made.size) == made.root
    with database.reading() as connection:
        item = next(described(old, holds=holds) for old in kept.anchors(connection) if old.id == number)
    return Answer([{**item, "evidence": []}], 1)


def _root_at(connection: Connection, size: int | None) -> bytes | None:
    if size is None or size > log.size(connection):
        return None
    tree = Frontier()
    tree.extend(leaf_hashes(place for _, place in zip(range(size), log.places(connection), strict=False)))
    return tree.root()


def _noted(connection: Connection, body: bytes, file: Path) -> kept.Anchor:
    try:
        note = read(body.decode())
    except (UnicodeDecodeError, UserError) as error:
        raise QuestionError(
            "this is neither a checkpoint note nor an RFC 3161 reply",
            where=plain_path(str(file)),
            remedy="give a file that modeltrail checkpoint wrote, or the .tsr of a time-stamping service",
        ) from error
    if note.origin != binding.origin(connection):
        raise QuestionError(
            f"the note is of another log ({note.origin[:100]})",
            where=plain_path(str(file)),
            remedy="choose another",
        )
    told = _moment(note.told)
    return kept.Anchor(0, clock.now(), "note", plain_path(file.name), note.size, note.root, told, body)


def _moment(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1_000_000)


def _stamped(connection: Connection, body: bytes, file: Path) -> kept.Anchor:
    for link in reversed(binding.links(connection)):
        note = note_of(connection, link)
        at = body.find(hashlib.sha256(write(note).encode()).digest())
        if at < 0:
            continue
        found = _TIME.search(body, at)
        told = None
        if found is not None:
            moment = datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            told = int(moment.timestamp()) * 1_000_000 + int((found[2] or b"0").ljust(6, b"0"))
        return kept.Anchor(0, clock.now(), "rfc3161", plain_path(file.name), note.size, note.root, told, body)
    raise QuestionError(
        "the reply is about no checkpoint of this log",
        where=plain_path(str(file)),
        remedy="have the file that modeltrail checkpoint -o wrote stamped, with SHA-256",
    )


def seal(database: Database, file: Path) -> Answer:
    """Write a compact copy that nobody needs to write to, marked read-only, and say its SHA-256.

    Raises `UnreadableInputError` when it is there already or cannot be written.
    """
    if file.exists():
        raise UnreadableInputError(
            "the file is there already", where=plain_path(str(file)), remedy="choose another name"
        )
    part = file.with_name(file.name + ".part")
    try:
        part.unlink(missing_ok=True)
        database.copy_to(part)
        with part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        part.chmod(0o444)
        part.replace(file)
    except OSError as error:
        raise UnreadableInputError(
            error.strerror or "the copy cannot be written",
            where=plain_path(str(file)),
            remedy="choose a folder that you may write to",
        ) from error
    with database.reading() as connection:
        note = present_note(connection)
    item: Item = {
        "file": str(file),
        "sha256": digest,
        "bytes": file.stat().st_size,
        "tree_size": note.size,
        "root": note.root.hex(),
        "evidence": [],
    }
    return Answer([item], 1)


def written(file: Path, body: bytes) -> None:
    """Write a whole file or nothing; raises `UnreadableInputError` when it cannot be written."""
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_bytes(body)
        part.replace(file)
    except OSError as error:
        raise UnreadableInputError(
            error.strerror or "the file cannot be written",
            where=plain_path(str(file)),
            remedy="choose a folder that you may write to",
        ) from error
