"""What does an auditor take away? One zip: report, data, the records cited, proofs, and what checks them without us.

The same checkpoint, parameters and version give the same bytes (audit-evidence D5).
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from lineage import __version__, reports
from lineage.anchoring import present_note, written
from lineage.audit.view import View
from lineage.errors import UnreadableInputError
from lineage.evidence import packcheck
from lineage.evidence.consistency import Tree, consistency_proof
from lineage.evidence.merkle import leaf_hashes
from lineage.evidence.note import write
from lineage.model.answer import Answer, Item
from lineage.progress import SILENT, Progress, Step
from lineage.store import asking, kept, log
from lineage.text import plain_path

FORMATS = ("html", "csv", "json", "xlsx")
_README = """Evidence pack of ModelTrail.

To check it, with nothing of ours installed:  python3 verify.py PACK.zip
With a browser, offline:                      open verify.html and choose the zip
With ModelTrail:                              modeltrail verify PACK.zip

Take verify.py or verify.html from a place that you trust, and compare checkpoint.note with one kept elsewhere: whoever
owns the log and every copy of its checkpoints can make another one. Unsigned.
"""


def pack(
    view: View,
    file: Path,
    *,
    kind: str = "deployments",
    since: int | None = None,
    until: int | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """Write the pack of a report to `file` and say its SHA-256 and how many records it holds.

    Raises `QuestionError` for an unknown kind, `UnreadableInputError` when the file cannot be written.
    """
    connection = view.connection
    workspace = asking.identity(connection, view.known_at)
    members: dict[str, bytes] = {"README.txt": _README.encode()}
    with tempfile.TemporaryDirectory(prefix="modeltrail-") as folder:
        made = reports.write(
            view,
            kind,
            Path(folder),
            formats=FORMATS,
            since=since,
            until=until,
            workspace=workspace,
            progress=progress,
        )
        for report in made.items:
            place = Path(report["file"])
            members[f"report/{place.name}"] = place.read_bytes()
    numbers = sorted(set(_cited(json.loads(members[f"report/{kind}.json"]))))
    progress.say(Step("proofs", 0, len(numbers)))
    note = present_note(connection)
    leaves = leaf_hashes(log.places(connection))[: note.size]
    tree = Tree(leaves)
    index, proofs = [], []
    wanted = set(numbers)
    places = {row[0]: row for row in kept.records(connection) if row[0] in wanted}
    for number in numbers:
        found = log.stored_record(connection, number)
        if found is None:
            continue
        members[f"evidence/{number}.raw"] = found.raw
        index.append(
            {
                "record": number,
                "sha256": found.sha256.hex(),
                "file": places[number][1],
                "line": found.line,
                "offset": found.offset,
                "row": found.row,
                "path": found.file,
                "source": found.source,
            }
        )
        proofs.append({"record": number, "hashes": [step.hex() for step in tree.inclusion(number)]})
    earlier = [
        {
            "tree_size": point.size,
            "root": point.root.hex(),
            "hashes": [step.hex() for step in consistency_proof(leaves, point.size)],
        }
        for point in kept.checkpoints(connection)
        if 0 < point.size <= note.size
    ]
    members["evidence/index.ndjson"] = b"".join(_line(item) for item in index)
    members["proofs/inclusion.ndjson"] = b"".join(_line(item) for item in proofs)
    members["proofs/consistency.json"] = _line(earlier)
    members["checkpoint.note"] = write(note).encode()
    for anchor in kept.anchors(connection):
        members[f"anchors/{anchor.id}.{anchor.form}"] = anchor.body
    own = resources.files("lineage.evidence").joinpath("packcheck.py")
    members["verify.py"] = own.read_bytes()
    members["verify.html"] = resources.files("resources").joinpath("templates", "verify.html").read_bytes()
    body = sealed(
        members, {"tree_size": note.size, "root": note.root.hex(), "version": __version__, "kind": kind}
    )
    written(file, body)
    checked = packcheck.check(body)
    item: Item = {
        "file": str(file),
        "sha256": hashlib.sha256(body).hexdigest(),
        "bytes": len(body),
        "records": len(index),
        "root": note.root.hex(),
        "tree_size": note.size,
        "failed": checked["failed"],
        "evidence": [],
    }
    return view.answer([item], 1)


def sealed(members: dict[str, bytes], told: Item) -> bytes:
    """Return the zip of the members with a manifest that names each by its SHA-256."""
    digest = hashlib.sha256
    files = {
        name: {"sha256": digest(members[name]).hexdigest(), "bytes": len(members[name])}
        for name in sorted(members)
    }
    manifest = _line({**told, "files": files})
    hashed = f"{digest(manifest).hexdigest()}  manifest.json\n".encode()
    return packcheck.zip_bytes({**members, "manifest.json": manifest, "manifest.sha256": hashed})


def verify_pack(file: Path) -> Answer:
    """Check a pack; one item as for a workspace. Raises `UnreadableInputError` when it cannot be read."""
    try:
        body = file.read_bytes()
    except OSError as error:
        raise UnreadableInputError(
            error.strerror or "the pack cannot be read", where=plain_path(str(file)), remedy="check its name"
        ) from error
    said = packcheck.check(body)
    return Answer([{**said, "file": str(file), "anchors": [], "evidence": []}], 1)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _cited(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        if isinstance(value.get("record"), int) and "sha256" in value:
            yield value["record"]
        for inner in value.values():
            yield from _cited(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _cited(inner)
