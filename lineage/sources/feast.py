"""What does a Feast registry hold? Data sources, feature views, features and services, from a file, SQL or a dump.

The registry is evidence: the protobuf is walked by hand, the database read by plain SQL, read-only; Feast's own library
would write to both (sources-ml 0.1). Deletions leave nothing in it (sources-ml 3): they show between two imports, as
every record stands in a listing with its time.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from lineage.framing import whole
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _feast_facts as facts
from lineage.sources import _feast_shapes as shapes
from lineage.sources._feast_registry import from_database, from_dump, from_file, records_of
from lineage.sources._feast_wire import read as decode
from lineage.sources._feast_wire import text, time, walk
from lineage.sources._sqlite_file import connect, stamp, still, why
from lineage.text import MalformedError

NAME = "feast"
FORMAT = "Feast registry (registry.db, SQL registry on SQLite, JSON of registry-dump), Feast 0.10 to 0.67"
PROVES = ("when", "what", "lineage")

_SQLITE = b"SQLite format 3\x00"
_TABLES = frozenset({"entities", "data_sources", "feature_views", "feature_services"})
_OURS = re.compile(rb"CREATE TABLE (?:feature_views|feature_services|data_sources) \(")
_DUMP = re.compile(r'"(?:dataSources|featureViews|featureServices|onDemandFeatureViews|entities)"\s*:\s*\[')
_FEAST_WORDS = re.compile(
    r'"(?:joinKey|featureViewName|timestampField|dataSourceClassType|requestDataOptions|batchSource)"\s*:'
)


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a Feast registry, by its tables, its protobuf fields or its JSON names."""
    head = sample.head
    if head.startswith(_SQLITE):
        if sample.tables:
            return 0.95 if set(sample.tables) >= _TABLES else 0.0
        return 0.95 if len(set(_OURS.findall(head))) > 1 and b"_proto BLOB" in head else 0.0
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return 0.95 if _DUMP.search(sample.text) and _FEAST_WORDS.search(sample.text) else 0.0
    return _resemblance(head)


def _resemblance(head: bytes) -> float:
    """Return how likely `head` begins a `Registry`: each field is one of its own, and some object or id is in sight."""
    known = 0.0
    fields = {*shapes.REGISTRY, 3, 4, 5, shapes.PROJECT_METADATA, shapes.VERSION_HISTORY}
    try:
        for piece in walk(head):
            if piece.number not in fields or not isinstance(piece.value, bytes):
                return 0.0
            if piece.number in (6, 7, 8, 14, 17, 19, 1):
                spec = decode(shapes.REGISTRY[piece.number][1], piece.value).get("spec")
                if not isinstance(spec, dict) or "�" in str(spec.get("name", "�")):
                    return 0.0
                known = 0.95
            elif piece.number == shapes.SCHEMA_VERSION:
                if not (text(piece.value) or "").isdigit():
                    return 0.0
                known = max(known, 0.5)
            elif piece.number == shapes.LAST_UPDATED and known and (time(piece.value) or "").startswith("20"):
                known = max(known, 0.8)
    except MalformedError as error:
        if error.code != "cut-file":
            return 0.0
    return known


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a record for each object and each listing of the registry, and a problem for what cannot be read."""
    head = b""
    with given.open() as stream:
        try:
            head = stream.read(len(_SQLITE))
        except (OSError, EOFError) as error:
            yield Problem("cut-file", f"the file breaks off: {error}", offset=0)
            return
    if head == _SQLITE:
        yield from _of_database(given, origin)
        return
    document = whole(given)
    if isinstance(document, Problem):
        yield document
        return
    dumped = document.raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") or head[:2] in (
        b"\xff\xfe",
        b"\xfe\xff",
    )
    registry = from_dump(document, origin) if dumped else from_file(document.raw)
    if not dumped and not registry.objects and not registry.at:
        yield Problem("not-feast", "the file holds no registry of Feast", value=repr(document.raw[:40]))
        return
    yield from records_of(registry, origin)


def _of_database(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    with ExitStack() as stack:
        try:
            before = stamp(Path(given.path)) if given.path is not None else None
            connection = stack.enter_context(closing(connect(stack.enter_context(still(given)))))
            registry = from_database(connection)
        except sqlite3.DatabaseError as error:
            yield Problem("unreadable-database", why(error), value=given.name)
            return
        except OSError as error:
            yield Problem("unreadable-database", f"the database cannot be read: {error.strerror or error}")
            return
        yield from records_of(registry, origin)
        if given.path is not None and before != stamp(Path(given.path)):
            reason = "the database was written to while it was read: import it again, or a copy of it"
            yield Problem("changed-while-read", reason, fatal=False)


def read(record: Record, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what one record of the registry states."""
    return facts.read(record)
