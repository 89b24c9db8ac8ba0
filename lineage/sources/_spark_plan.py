"""Which places does a query of Spark read and write, by the words of its physical plan?

Spark's plans are text for people: what is taken here are the forms that its own nodes print (`FileSourceScanExec`,
`InsertIntoHadoopFsRelationCommand` and the like). What names no place is said to be one without, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lineage.model import naming
from lineage.model.facts import Key

_LIST = re.compile(r"\b\w*(?:FileIndex|Location)\w*(?:\(\d+ paths\))? ?\[([^\]]*)\]")
_DELTA = re.compile(r"\bDelta\[version=\d+, ([^\]]+)\]")
_HIVE_SCAN = re.compile(r"HiveTableRelation \[([^,\]]+)")
_TABLE = re.compile(r"`[^`]+`(?:\.`[^`]+`)+|`[^`]+`")
_PATH = re.compile(r"\s([A-Za-z][A-Za-z0-9+.-]*:/[^,\s]*|/[^,\s]+),")
_PATH_OPTION = re.compile(r"Map\([^)]*?\bpath -> ([^,)]+)")
_WRITTEN_TABLE = re.compile(r"\btable=([\w.`$-]+)")
_CATALOG_TABLE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_][\w$]*){1,3}")
_WRITES = re.compile(
    r"InsertInto|SaveIntoDataSource|AsSelect|^AppendData|^Overwrite|^ReplaceData|^WriteDelta|^WriteToDataSource|WriteIntoDelta"
)
_READS = re.compile(r"^(?:Scan|FileScan|BatchScan|MicroBatchScan|ContinuousScan|InMemoryTableScan)\b")
_OWN = re.compile(r"^Scan (?:ExistingRDD|OneRowRelation|In-memory)")
_COUNT = re.compile(r"\((\d+) paths\)")
_TRUNCATED = re.compile(r"^\.\.\.|^\d+ more")
_WORD = re.compile(r"[\s\-_]?((?<=.)[A-Z](?=[a-z\s\-_])|(?<=[^A-Z])[A-Z]|(?<=[\s\-_])[a-z\d])")


class Catalogs(NamedTuple):
    """What the settings say of the catalogues that tables are named in.

    Attributes:
        metastore: `host:port` of the Hive metastore, empty where it is not set.
        folders: the warehouse of each catalogue that keeps its tables in folders by name.
    """

    metastore: str = ""
    folders: Mapping[str, str] = {}


class Place(NamedTuple):
    """A dataset of a plan.

    Attributes:
        key: its place; table: its name in the metastore as another key, where both stand in the plan.
        words: what the plan says, where no place follows from it (then `key` is None).
    """

    key: Key | None
    table: Key | None = None
    words: str = ""


def catalogs(settings: Mapping[str, str]) -> Catalogs:
    """Return what the settings say of catalogues.

    >>> catalogs({"spark.hadoop.hive.metastore.uris": "thrift://ms:9083,thrift://b:9083"}).metastore
    'ms:9083'
    """
    uri = settings.get("spark.hadoop.hive.metastore.uris", "").partition(",")[0].strip()
    folders = {}
    for name, value in settings.items():
        found = re.fullmatch(r"spark\.sql\.catalog\.(\w+)\.warehouse", name)
        if found and settings.get(f"spark.sql.catalog.{found[1]}.type") == "hadoop":
            folders[found[1]] = value.rstrip("/")
    return Catalogs(uri.partition("://")[2] if "://" in uri else "", folders)


def snake(name: str) -> str:
    """Return a name as OpenLineage's Spark integration spells it in names of jobs.

    >>> snake("Execute InsertIntoHadoopFsRelationCommand"), snake("CLI test application")
    ('execute_insert_into_hadoop_fs_relation_command', 'cl_i_test_application')
    """
    return _WORD.sub(r"_\1", name.strip()).lower()


def tail(key: Key) -> str:
    """Return how OpenLineage's Spark integration names what a job writes: the last two steps of the place.

    >>> tail(naming.dataset_at("file:/user/hive/warehouse/t1"))
    'warehouse_t1'
    """
    steps = (
        [step for step in re.split(r"[/.]", key.name) if step] if key.namespace.startswith("hive") else None
    )
    steps = steps or [step for step in key.name.split("/") if step]
    return "_".join(steps[-2:]).replace(".", "_")


def pieces(plan: Any) -> Iterator[dict[str, Any]]:
    """Yield the parts of `sparkPlanInfo` that read or write, as they stand there, without values of the data.

    A plan from outside may nest without end: it is walked without recursion.
    """
    pending = [plan]
    while pending:
        part = pending.pop()
        if not isinstance(part, Mapping):
            continue
        name = part.get("nodeName")
        text = part.get("simpleString")
        if isinstance(name, str) and isinstance(text, str):
            name = name.partition("[filters=")[0].strip()
            if is_write(name):
                yield {"node": name, "text": text[:4000]}
            elif is_read(name):
                said = part.get("metadata")
                location = said.get("Location") if isinstance(said, Mapping) else None
                kept = location if isinstance(location, str) else _without_values(text)
                yield {"node": name, "text": kept[:4000]}
        below = part.get("children")
        if isinstance(below, list):
            pending.extend(reversed(below))


def _without_values(text: str) -> str:
    """Return a scan's words without its filters, which hold values of the data."""
    return re.split(
        r",? (?:PartitionFilters|PushedFilters|DataFilters|RuntimeFilters|\[filters=)", text, maxsplit=1
    )[0]


def cached(description: Any) -> list[dict[str, Any]]:
    """Return the places that stand only in the words of a plan: what was read into a cache and is read from there."""
    if not isinstance(description, str) or "InMemoryRelation" not in description:
        return []
    return [{"node": "Scan cached", "text": found[0]} for found in _LIST.finditer(description)][:200]


def is_write(node: str) -> bool:
    """Tell whether a part of a plan with this name writes a dataset."""
    return bool(_WRITES.search(node.removeprefix("Execute ").strip()))


def is_read(node: str) -> bool:
    """Tell whether a part of a plan with this name reads a dataset, and not what the program itself made."""
    return bool(_READS.match(node)) and not _OWN.match(node)


def read_places(piece: Mapping[str, Any], known: Catalogs) -> Iterator[Place]:
    """Yield the places that a scan reads.

    >>> [place.key.name for place in read_places({"node": "Scan parquet",
    ...  "text": "InMemoryFileIndex(2 paths)[s3://lake/a, s3://lake/b]"}, Catalogs())]
    ['a', 'b']
    """
    node, text = _words(piece)
    named = _table_of(node, known)
    found = [part.strip() for match in _LIST.finditer(text) for part in match[1].split(",")]
    found += [match[1].strip() for match in _DELTA.finditer(text)]
    paths = [path for path in found if path and not _TRUNCATED.match(path)]
    for path in paths:
        yield Place(naming.dataset_at(path), named if len(paths) == 1 else None)
    if paths:
        told = sum(int(count) for count in _COUNT.findall(text))
        if told > len(paths):
            yield Place(None, None, f"{told - len(paths)} more of {told} paths, which Spark left out")
        return
    hive = _HIVE_SCAN.search(text)
    name = _unquoted(hive[1]) if hive else ""
    key = _hive(name, known) if name else named or _by_folder(node, known)
    if key is not None:
        yield Place(key)
    elif not node.startswith("InMemoryTableScan"):
        yield Place(None, None, node[:200])


def written_places(piece: Mapping[str, Any], known: Catalogs) -> Iterator[Place]:
    """Yield the place that a part of a plan writes.

    >>> [place.key[1:] for place in written_places({"node": "Execute InsertIntoHadoopFsRelationCommand",
    ...  "text": "Execute InsertIntoHadoopFsRelationCommand s3a://lake/x, false, Parquet, [path=x]"}, Catalogs())]
    [('s3a://lake', 'x')]
    """
    node, text = _words(piece)
    rest = text.removeprefix(node) if text.startswith(node) else text
    table = _TABLE.search(rest)
    named = _hive(_unquoted(table[0]), known) if table else None
    path = _PATH.search(rest) if "HadoopFs" in node or "Dir" in node else None
    option = _PATH_OPTION.search(rest)
    if path is not None or option is not None:
        found = (path or option)[1].strip() if (path or option) else ""  # type: ignore[index]
        yield Place(naming.dataset_at(found), named)
        return
    delta = _DELTA.search(rest)
    written = _WRITTEN_TABLE.search(rest)
    key = named
    if delta is not None:
        key = naming.dataset_at(delta[1].strip())
    elif key is None and written is not None:
        key = _by_folder(f"table {_unquoted(written[1])}", known)
    if key is not None:
        yield Place(key)
    else:
        yield Place(
            None, None, f"{node} {table[0] if table else written[1] if written else ''}".strip()[:200]
        )


def _words(piece: Mapping[str, Any]) -> tuple[str, str]:
    node, text = piece.get("node"), piece.get("text")
    return (node if isinstance(node, str) else ""), (text if isinstance(text, str) else "")


def _unquoted(name: str) -> str:
    parts = name.replace("`", "").strip().split(".")
    return ".".join(parts[1:] if len(parts) > 2 and parts[0] == "spark_catalog" else parts)


def _hive(name: str, known: Catalogs) -> Key | None:
    """Return the table of the Hive metastore; None where the metastore is not named or the name is not whole."""
    return (
        naming.dataset(f"hive://{known.metastore}", name)
        if known.metastore and name.count(".") == 1
        else None
    )


def _table_of(node: str, known: Catalogs) -> Key | None:
    """Return the table that the name of a scan ends in (`Scan parquet spark_catalog.shop.orders`)."""
    last = node.rpartition(" ")[2]
    return _hive(_unquoted(last), known) if _CATALOG_TABLE.fullmatch(last) else None


def _by_folder(node: str, known: Catalogs) -> Key | None:
    """Return the table of a catalogue that keeps each in a folder of its name (Iceberg's `hadoop` catalogues)."""
    last = node.rpartition(" ")[2].partition("[")[0]
    catalog, _, name = last.partition(".")
    folder = known.folders.get(catalog)
    return naming.dataset_at(f"{folder}/{name.replace('.', '/')}") if folder and name else None
