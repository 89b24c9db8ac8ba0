"""Is an evidence pack what ModelTrail wrote? Checks hashes, proofs and every byte, with Python 3.8 or newer alone.

This file is part of ModelTrail and lies in every pack as verify.py; `python3 verify.py PACK.zip` needs nothing else. A
copy from inside a pack proves nothing by itself: take it from a place that you trust. Exit status: 0 ok, 1 failed.

Proven: every file is the one that the manifest names; every record cited has the bytes, file, line and offset that the
log of that root holds (RFC 9162, 2.1.3); earlier checkpoints are beginnings of that log (2.1.4). Not proven: that the
log was complete or true when it was written. Compare checkpoint.note with one kept elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import zipfile
from typing import Any

LARGEST = 2 << 30


def zip_bytes(members: dict[str, bytes]) -> bytes:
    """Return a zip of the members: sorted, stored, without times, so that equal members give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as made:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            made.writestr(entry, members[name])
    return out.getvalue()


def check(pack: bytes) -> dict[str, Any]:
    """Return `checked` (how much), `failed` (what, where, text), `root`, `tree_size` and the `note` of a pack."""
    failed: list[dict[str, str]] = []
    said: dict[str, Any] = {"checked": {}, "failed": failed, "root": "", "tree_size": 0, "note": ""}
    try:
        with zipfile.ZipFile(io.BytesIO(pack)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                _fail(failed, "pack", "zip", "it unpacks to more than 2 GiB")
                return said
            members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    except Exception as error:  # noqa: BLE001 - whatever a changed byte makes of a zip, it is a failure of the pack
        _fail(failed, "pack", "zip", "the archive cannot be read (%s)" % error)
        return said
    if zip_bytes(members) != pack:
        _fail(failed, "pack", "zip", "the archive holds bytes that ModelTrail does not write")
    try:
        _check(members, said)
    except Exception as error:  # noqa: BLE001 - same
        _fail(failed, "pack", "structure", "a part is missing or cannot be read (%r)" % error)
    return said


def _fail(failed: list[dict[str, str]], what: str, where: str, text: str) -> None:
    failed.append({"what": what, "where": where, "text": text})


def _check(members: dict[str, bytes], said: dict[str, Any]) -> None:
    failed = said["failed"]
    manifest = json.loads(members["manifest.json"])
    told = members["manifest.sha256"].decode()
    if told != hashlib.sha256(members["manifest.json"]).hexdigest() + "  manifest.json\n":
        _fail(failed, "manifest", "manifest.json", "its SHA-256 is not that in manifest.sha256")
    listed = manifest["files"]
    for name in sorted(members.keys() - listed.keys() - {"manifest.json", "manifest.sha256"}):
        _fail(failed, "file", name, "the manifest does not name it")
    for name in sorted(listed):
        if name not in members:
            _fail(failed, "file", name, "it is missing")
        elif hashlib.sha256(members[name]).hexdigest() != listed[name]["sha256"]:
            _fail(failed, "file", name, "its SHA-256 is not that in the manifest")
    note = members["checkpoint.note"].decode()
    lines = note.split("\n")
    size, root = int(lines[1]), base64.b64decode(lines[2])
    if manifest["tree_size"] != size or manifest["root"] != root.hex():
        _fail(failed, "checkpoint", "checkpoint.note", "it is not the checkpoint that the manifest names")
    said.update(note=note, tree_size=size, root=root.hex())
    records = [json.loads(line) for line in members["evidence/index.ndjson"].splitlines()]
    proofs = {
        proof["record"]: proof["hashes"]
        for proof in map(json.loads, members["proofs/inclusion.ndjson"].splitlines())
    }
    for record in records:
        number = record["record"]
        where = "record %d (%s line %s)" % (number, record["path"], record["line"])
        raw = members.get("evidence/%d.raw" % number, b"")
        digest = hashlib.sha256(raw).digest()
        if digest.hex() != record["sha256"]:
            _fail(failed, "evidence", where, "its bytes have another SHA-256 than recorded")
        place = b"".join(record[name].to_bytes(8, "big") for name in ("file", "line", "offset"))
        leaf = hashlib.sha256(b"\x00" + bytes.fromhex(record["sha256"]) + place).digest()
        hashes = [bytes.fromhex(one) for one in proofs.get(number, ())]
        if number not in proofs or not included(leaf, number, size, hashes, root):
            _fail(failed, "proof", where, "it is not proven to stand in the log of this root")
    earlier = json.loads(members["proofs/consistency.json"])
    for one in earlier:
        hashes = [bytes.fromhex(step) for step in one["hashes"]]
        if not grown(one["tree_size"], bytes.fromhex(one["root"]), size, root, hashes):
            where = "checkpoint at %d" % one["tree_size"]
            _fail(failed, "proof", where, "it is not proven to be a beginning of this log")
    cited = {record["record"] for record in records}
    for number in sorted(proofs.keys() - cited):
        _fail(failed, "proof", "record %d" % number, "a proof of a record that is not cited")
    said["checked"] = {"files": len(listed), "records": len(records), "checkpoints": len(earlier)}


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def included(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """Tell whether `leaf` stands at `index` in the tree of `size` and `root` (RFC 9162, 2.1.3.2)."""
    if index >= size:
        return False
    last, found = size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if index & 1 or index == last:
            found = _node(step, found)
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            found = _node(found, step)
        index >>= 1
        last >>= 1
    return last == 0 and found == root


def grown(first: int, root: bytes, second: int, later: bytes, proof: list[bytes]) -> bool:
    """Tell whether the tree of size `second` and root `later` begins with that of `first` (RFC 9162, 2.1.4.2)."""
    if first == second:
        return not proof and root == later
    if not 0 < first < second or not proof:
        return False
    path = proof if first & (first - 1) else [root, *proof]
    node, last = first - 1, second - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = _node(step, old), _node(step, new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = _node(new, step)
        node >>= 1
        last >>= 1
    return last == 0 and old == root and new == later


def main(words: list[str]) -> int:
    """Check the pack that is named, print what was found, and return 0 when nothing failed."""
    if len(words) != 2:
        print("usage: python3 verify.py PACK.zip")
        return 2
    with open(words[1], "rb") as stream:
        said = check(stream.read())
    print(json.dumps(said, indent=1))
    return 1 if said["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
