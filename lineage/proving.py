"""Is the workspace still what was recorded? Everything recomputed from the bytes up, and every difference named.

Records from their blocks, the Merkle root of every checkpoint, the chain that binds facts and decisions, the derived
tables against a rebuild, and all of it against what was attached from outside. It shows changes made without
recomputing everything; who recomputes everything is found only by a checkpoint kept elsewhere (audit-evidence D3).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import msgspec
import zstandard

from lineage import clock
from lineage.errors import BugError, WorkspaceError
from lineage.evidence.merkle import Frontier, entry, leaf_hash
from lineage.evidence.note import Note, read
from lineage.model.answer import Answer, Item
from lineage.model.moment import to_iso
from lineage.progress import SILENT, Progress, Step
from lineage.store import binding, digest, kept, log
from lineage.store.blocks import facts_in, raws_in
from lineage.store.database import Connection, Database, create_derived, create_indexes

_DAMAGED = (
    msgspec.MsgspecError,
    zstandard.ZstdError,
    BugError,
    WorkspaceError,
    IndexError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
)
"""What reading changed bytes may end in: whatever it is, it is said of the block."""

_MOST = 1_000


class _Findings:
    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.failed: list[Item] = []
        self.left_out = 0

    def add(self, what: str, where: str, text: str, **place: object) -> None:
        """Name one failure; beyond the first thousand they are counted only."""
        if len(self.failed) >= _MOST:
            self.left_out += 1
        else:
            self.failed.append({"what": what, "where": where, "text": text, **place})


def verify(database: Database, progress: Progress = SILENT) -> Answer:
    """Return one item: how much was `checked`, what `failed`, the `root`, and the `anchors` with their age in days."""
    found = _Findings()
    with database.reading() as connection:
        for text in kept.unsound(connection):
            found.add("file", str(database.path), text)
        found.checked["records"] = 0
        roots = _records(connection, found, progress)
        _checkpoints(connection, found, roots)
        _chain(connection, found, progress)
        anchors = _anchors(connection, found, roots)
        sound = _facts(connection, found, progress)
        size = max(roots, default=0)
    if sound:
        _derived(database, found, progress)
    item: Item = {
        "checked": dict(found.checked),
        "failed": found.failed,
        "root": roots[size].hex() if roots else "",
        "tree_size": size,
        "anchors": anchors,
        "evidence": [],
    }
    return Answer([item], 1, complete=not found.left_out)


def _records(connection: Connection, found: _Findings, progress: Progress) -> dict[int, bytes]:
    """Compare every record with its bytes, and return the root at the size of every checkpoint and of all."""
    names = kept.files(connection)
    noted = {point.size for point in kept.checkpoints(connection)}
    noted |= {anchor.size for anchor in kept.anchors(connection) if anchor.size is not None}
    total = log.size(connection)
    raws = _raws(connection, found)
    held = next(raws, None)
    tree = Frontier()
    roots = {0: tree.root()}
    frontiers: dict[int, bytes] = {}
    expected = 0
    for seq, file, line, offset, length, digest_ in kept.records(connection):
        path = names.get(file, "")
        place = {"record": seq, "file": path, "line": line}
        if not path:
            found.add("record", f"record {seq}", f"there is no file {file}", record=seq)
        if seq != expected:
            found.add(
                "record",
                f"record {expected}",
                f"records {expected} to {seq - 1} are missing",
                record=expected,
            )
        expected = seq + 1
        while held is not None and held[0] < seq:
            found.add(
                "record", f"record {held[0]}", "bytes are kept of a record that has no row", record=held[0]
            )
            held = next(raws, None)
        if held is None or held[0] != seq:
            found.add("evidence", f"record {seq}", "its bytes are missing", **place)
        else:
            if hashlib.sha256(held[1]).digest() != digest_:
                found.add(
                    "evidence", f"record {seq}", "its bytes have another SHA-256 than recorded", **place
                )
            elif len(held[1]) != length:
                found.add("record", f"record {seq}", "its bytes have another length than recorded", **place)
            held = next(raws, None)
        tree.append(leaf_hash(entry(digest_, file, line, offset)))
        if tree.size in noted:
            roots[tree.size] = tree.root()
            frontiers[tree.size] = tree.dump()
        if not expected % 5_000:
            progress.say(Step("records", expected, total, expected, len(found.failed)))
    while held is not None:
        found.add("record", f"record {held[0]}", "bytes are kept of a record that has no row", record=held[0])
        held = next(raws, None)
    roots[tree.size] = tree.root()
    found.checked["records"] = tree.size
    for point in kept.checkpoints(connection):
        if point.size in frontiers and point.frontier != frontiers[point.size]:
            found.add(
                "checkpoint",
                f"checkpoint at {point.size}",
                "its hashes for going on are not those of the tree",
            )
    return roots


def _raws(connection: Connection, found: _Findings) -> Iterator[tuple[int, bytes]]:
    for number, first, body in kept.blocks(connection):
        found.checked["blocks"] += 1
        try:
            raws = raws_in(body)
        except _DAMAGED as error:
            text = f"the block cannot be unpacked ({error})"
            found.add("block", f"block {number}", f"{text}; its records begin with {first}", record=first)
            continue
        yield from enumerate(raws, first)


def _checkpoints(connection: Connection, found: _Findings, roots: dict[int, bytes]) -> None:
    latest = 0
    for point in kept.checkpoints(connection):
        found.checked["checkpoints"] += 1
        where = f"checkpoint at {point.size}"
        root = roots.get(point.size)
        if root is None:
            found.add("checkpoint", where, f"the log holds {max(roots)} records only: the newest are missing")
        elif root != point.root:
            found.add("checkpoint", where, f"its root is {point.root.hex()}, the records give {root.hex()}")
        if point.at < latest:
            found.add("checkpoint", where, "it is older than a smaller one")
        latest = max(latest, point.at)
    for batch in kept.bare(connection):
        found.add("checkpoint", f"import {batch}", "the checkpoint of this import is missing")


def _chain(connection: Connection, found: _Findings, progress: Progress) -> None:
    before = binding.begin(connection)
    since: binding.Bounds = (0, 0, 0, 0)
    chain = binding.links(connection)
    for number, link in enumerate(chain, 1):
        progress.say(Step("facts and decisions", number, len(chain)))
        found.checked["links"] += 1
        made = binding.head(before, link.at, link.upto, list(binding.parts(connection, since, link.upto)))
        if made != link.head or link.id != number:
            found.add("binding", f"link {link.id}", _bound(since, link.upto))
        before, since = link.head, link.upto
    for text in kept.unbound(connection):
        found.add("binding", text, "nothing binds it to the log: the links after it are missing")
    found.checked["decisions"] = binding.present(connection)[2]


def _bound(since: binding.Bounds, upto: binding.Bounds) -> str:
    words = ("records", "imports", "decisions", "anchors")
    ranges = [
        f"{word} {a + (n > 0)} to {b - (n == 0)}"
        for n, (word, a, b) in enumerate(zip(words, since, upto, strict=True))
        if b > a
    ]
    return (
        f"what was recorded with {', '.join(ranges) or 'it'} (facts, files, problems, decisions) was changed"
    )


def _facts(connection: Connection, found: _Findings, progress: Progress) -> bool:
    """Read every block of facts; tell whether they can be made again from."""
    sound = True
    expected = 0
    total = log.size(connection)
    for number, first, body in kept.fact_blocks(connection):
        progress.say(Step("facts", first, total))
        where = f"fact block {number}"
        if first != expected:
            found.add(
                "facts", where, f"the facts of records {expected} to {first - 1} are missing", record=expected
            )
        try:
            held = sum(1 for _ in facts_in(body))
        except _DAMAGED as error:
            text = f"the block cannot be read ({error}); its records begin with {first}"
            found.add("facts", where, text, record=first)
            sound = False
            expected = first
            continue
        found.checked["facts of records"] += held
        expected = first + held
    if sound and expected != total:
        found.add(
            "facts",
            f"record {expected}",
            f"the facts of records from {expected} on are missing",
            record=expected,
        )
    return sound


def _derived(database: Database, found: _Findings, progress: Progress) -> None:
    from lineage.ingest import rebuild

    total = 0
    with closing(database.connect()) as connection:
        try:
            with database.explained():
                held = digest.parts(connection)
                total = log.size(connection)
                create_derived(connection, temporary=True)
                rebuild(
                    connection,
                    report=lambda done: progress.say(Step("making everything again", done, total, done)),
                )
                create_indexes(connection, temporary=True)
                made = digest.parts(connection)
        except _DAMAGED as error:
            found.add("derived", "derived tables", f"they cannot be made again for comparison ({error})")
            return
    for name, value in made.items():
        found.checked["derived"] += 1
        if held[name] != value:
            found.add(
                "derived", name, "what is shown is not what the facts give; modeltrail rebuild makes it anew"
            )


def _anchors(connection: Connection, found: _Findings, roots: dict[int, bytes]) -> list[Item]:
    heads = {link.id: link.head for link in binding.links(connection)}
    items = []
    for anchor in kept.anchors(connection):
        found.checked["anchors"] += 1
        where = f"anchor {anchor.id} ({anchor.name})"
        holds = (
            anchor.size in roots and roots[anchor.size] == anchor.root if anchor.size is not None else None
        )
        note = _note(anchor)
        if holds is False:
            found.add("anchor", where, f"the log's first {anchor.size} records are not those that it saw")
        elif note is not None and note.head is not None and heads.get(note.head[0]) != note.head[1]:
            found.add("anchor", where, "facts or decisions are not those that it saw")
            holds = False
        items.append(described(anchor, holds=holds))
    return items


def _note(anchor: kept.Anchor) -> Note | None:
    return read(anchor.body.decode("utf-8", "replace")) if anchor.form == "note" else None


def described(anchor: kept.Anchor, *, holds: bool | None = None) -> Item:
    """Return an anchor as it is shown: form, name, times, size, root, its age, and whether the log still holds it."""
    since = anchor.told if anchor.told is not None else anchor.at
    return {
        "id": anchor.id,
        "form": anchor.form,
        "name": anchor.name,
        "added_at": to_iso(anchor.at),
        "made_at": None if anchor.told is None else to_iso(anchor.told),
        "age_days": max(0, (clock.now() - since) // 86_400_000_000),
        "tree_size": anchor.size,
        "root": None if anchor.root is None else anchor.root.hex(),
        "sha256": hashlib.sha256(anchor.body).hexdigest(),
        "holds": holds,
    }
