"""Is this SQLite file one of MLflow's, as far as its first 64 KiB tell?

The schema of a database lies in a tree of pages whose root is page 1; in a small or fresh file all of it is in sight,
in a file that was migrated often its leaves lie anywhere. SQLite's file format: sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import re

from lineage.source import Sample

_MAGIC = b"SQLite format 3\x00"
_OURS = re.compile(
    rb'CREATE TABLE (?:IF NOT EXISTS )?"?(registered_models|model_versions|latest_metrics|registered_model_tags|'
    rb'model_version_tags|experiment_tags|logged_models|registered_model_aliases)"?\s*\('
)
_CONTENT = (
    b"mlflow.source.",
    b"mlflow.user",
    b"mlflow.runName",
    b"mlflow-artifacts:",
    b"/mlruns/",
    b"mlflow.",
)
_TABLES = frozenset({"experiments", "runs", "registered_models", "model_versions"})
"""What every MLflow database of the versions we read has."""

_LEAF = 0x0D
_INTERIOR = 0x05


def resemblance(sample: Sample) -> float:
    """Return how likely `sample` is an MLflow database, 0..1.

    A file with an application id is somebody else's (MLflow sets none). Where the whole schema is in sight it decides;
    else rows that only MLflow writes do, and where nothing speaks for or against it, the file is a maybe (0.2): its
    tables are looked at when it is read.
    """
    head = sample.head
    if not head.startswith(_MAGIC) or len(head) < 108 or any(head[68:72]):
        return 0.0
    if sample.tables:
        return 0.95 if set(sample.tables) >= _TABLES else 0.0
    if _OURS.search(head):
        return 0.95
    if head[100] == _LEAF and head[18] == 2 and head[103:105] == b"\x00\x00":
        # A new database whose every page still lies in the write-ahead log beside it.
        return 0.2
    if head[100] != _INTERIOR:
        return 0.0
    if b"CREATE TABLE" in head and _schema_in_sight(head):
        return 0.0
    if any(word in head for word in _CONTENT):
        return 0.9
    return 0.6 if "mlflow" in sample.name.lower() else 0.2


def _schema_in_sight(head: bytes) -> bool:
    """Tell whether every page below the schema's root lies within `head`."""
    size = int.from_bytes(head[16:18], "big")
    size = 65_536 if size == 1 else size
    cells = int.from_bytes(head[103:105], "big")
    pages = [int.from_bytes(head[108:112], "big")]
    for number in range(cells):
        place = int.from_bytes(head[112 + 2 * number : 114 + 2 * number], "big")
        pages.append(int.from_bytes(head[place : place + 4], "big"))
    return all(page > 0 and page * size <= len(head) for page in pages)
