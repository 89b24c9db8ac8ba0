"""Which spellings of a dataset's name mean one place, and what lies inside what?

The canonical key is the location in OpenLineage's naming (docs/spec/naming); everything else a tool calls it is an
alias of that. Rules: sources-ml 6. Only what the store itself treats as equal is folded: schemes, hosts and buckets in
any case, a table's case where the database folds it, percent signs only where the protocol decodes them. Partitions
and part files are a version of the dataset they lie in, never a dataset of their own.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from lineage.model.facts import Key
from lineage.model.vocabulary import Kind

SAME = "same"
PART_OF = "part-of"
CANDIDATE = "candidate"
DIFFERENT = "different"

_SCHEMES = {
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "wasb": "abfss",
    "wasbs": "abfss",
    "abfs": "abfss",
    "postgresql": "postgres",
    "mssql": "sqlserver",
    "thrift": "hive",
}
_BUCKETS = frozenset({"s3", "gs", "abfss", "oss", "cos", "obs"})
_FILE_SYSTEMS = frozenset({"hdfs", "viewfs", "webhdfs", "adl", "alluxio"})
_LOCAL = frozenset({"file", "dbfs"})
_WEB = frozenset({"http", "https"})
_PORTS = {
    "postgres": "5432",
    "mysql": "3306",
    "sqlserver": "1433",
    "oracle": "1521",
    "redshift": "5439",
    "http": "80",
    "https": "443",
}
_LOWER_TABLES = frozenset({"postgres", "redshift", "hive"})
_PATHS = re.compile(r"/?([^/.]+(?:/[^/.]+){1,2})/?")
"""A table as a path (`postgres://host/database/schema/table`), as Airflow's assets name it."""

_TABLE_PATHS = frozenset({"postgres", "redshift", "mysql", "sqlserver", "trino"})
_SERVERS = frozenset({*_PORTS, "hive", "kafka", "snowflake", "trino", "cassandra", "clickhouse"}) - _WEB
"""Systems whose tables or topics stand in a server; a name without the server is only a candidate."""

_ROUNDS = 8

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PARTITION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*=")
_PART_FILE = re.compile(
    r"part(?:ition)?[-_.]?(?:[rm]-)?\d+(?:[-_.].*)?$"
    r"|\d{6}_\d+(?:_copy_\d+)?(?:\.\w+)*$"
    r"|_(?:SUCCESS|metadata|common_metadata|temporary|delta_log|spark_metadata)$"
    r"|_(?:committed|started)_\d+$"
    r"|.*\*"
)
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_DRIVE = re.compile(r"/?([A-Za-z]):(?:/|$)")
_HOST = re.compile(r"[^:/@]+")
_S3_HOST = re.compile(r"(?:(.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$")
_AZURE_HOST = re.compile(
    r"([a-z0-9-]+)\.(?:blob|dfs)\.core\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$"
)
_GOOGLE_HOST = re.compile(r"(?:(.+)\.)?storage\.(?:googleapis|cloud\.google)\.com$")
_REDSHIFT_HOST = re.compile(r"([a-z0-9-]+)\.[a-z0-9]+\.([a-z0-9-]+)\.redshift\.amazonaws\.com(?:\.cn)?$")


class Place(NamedTuple):
    """Where a dataset is.

    Attributes:
        key: the canonical key of the logical dataset.
        version: what was dropped from the name: the partition or part file below the logical dataset, or empty.
        raw: the key as the source wrote it.
    """

    key: Key
    version: str
    raw: Key


def canonical(key: Key) -> Place:
    """Return the place that `key` names; names of other kinds than datasets and columns stay as they are.

    Applying it again changes nothing. A column follows its dataset. The work is pure but not free: keep the answers.

    >>> canonical(Key(Kind.DATASET, "s3a://Halden-Lake", "/features/daily/dt=2026-06-01/part-0.parquet"))[:2]
    (Key(kind=<Kind.DATASET: 'dataset'>, namespace='s3://halden-lake', name='features/daily'),
     'dt=2026-06-01/part-0.parquet')
    >>> canonical(Key(Kind.DATASET, "https://acc.blob.core.windows.net", "box/a%20b.csv")).key[1:]
    ('abfss://box@acc.dfs.core.windows.net', 'a b.csv')
    """
    if key.kind is Kind.COLUMN:
        of, _, column = key.name.rpartition("#")
        place = canonical(Key(Kind.DATASET, key.namespace, of))
        return Place(
            Key(Kind.COLUMN, place.key.namespace, f"{place.key.name}#{_nfc(column)}"), place.version, key
        )
    if key.kind is not Kind.DATASET:
        return Place(key, "", key)
    namespace, name, version = _dataset(_nfc(key.namespace), _nfc(key.name))
    # One rule may open the way for another (a URI inside a name, a path inside a host), so they run until all is said.
    for _ in range(_ROUNDS):
        before = (namespace, name)
        namespace, name, inner = _dataset(namespace, name)
        version = f"{inner}/{version}".strip("/") if inner else version
        if (namespace, name) == before:
            break
    return Place(Key(Kind.DATASET, namespace, name), version, key)


def spellings(key: Key) -> tuple[Key, ...]:
    """Return further canonical keys that are the same dataset by what `key` itself says.

    A Kafka topic may be named with any or all of the cluster's bootstrap servers: a list of them says that they are
    one cluster, so the topic is the same under each.

    >>> [other.namespace for other in spellings(Key(Kind.DATASET, "kafka://a:9092,b:9092", "calls"))]
    ['kafka://a:9092', 'kafka://b:9092']
    """
    place = canonical(key).key
    if (
        place.kind is not Kind.DATASET
        or not place.namespace.startswith("kafka://")
        or "," not in place.namespace
    ):
        return ()
    servers = place.namespace.removeprefix("kafka://").split(",")
    return tuple(Key(Kind.DATASET, f"kafka://{server}", place.name) for server in servers)


def verdict(a: Key, b: Key) -> str:
    """Tell how two names relate: `same`, `part-of` (one lies inside the other), `candidate` or `different`.

    `candidate` = alike, but what would prove it is missing (the server or account is not named, one name is the tail
    of the other): never merged without a person. Two partitions of one dataset are the same dataset.

    >>> lake = Key(Kind.DATASET, "s3://lake", "daily/")
    >>> verdict(lake, Key(Kind.DATASET, "s3a://lake", "/daily"))
    'same'
    >>> verdict(lake, Key(Kind.DATASET, "s3://lake", "daily/dt=2026-06-01"))
    'part-of'
    """
    if a.kind is not b.kind:
        return DIFFERENT
    one, two = canonical(a), canonical(b)
    if one.key == two.key:
        return PART_OF if one.version != two.version and _nested(one.version, two.version) else SAME
    if {one.key, *spellings(a)} & {two.key, *spellings(b)}:
        return SAME
    if a.kind in {Kind.MODEL, Kind.MODEL_VERSION}:
        return CANDIDATE if one.key.name == two.key.name and _unplaced(a, b) else DIFFERENT
    if a.kind is not Kind.DATASET:
        return DIFFERENT
    return _datasets_alike(one.key, two.key)


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _nested(a: str, b: str) -> bool:
    shorter, longer = sorted((a.split("/") if a else [], b.split("/") if b else []), key=len)
    return longer[: len(shorter)] == shorter


def _unplaced(a: Key, b: Key) -> bool:
    """Tell whether one of two registry names says the system but not which instance of it."""
    (system, _, instance), (other, _, other_instance) = a.namespace.partition(":"), b.namespace.partition(":")
    return system == other and not (instance and other_instance)


def _datasets_alike(a: Key, b: Key) -> str:
    (scheme, place), (other, other_place) = _split(a.namespace), _split(b.namespace)
    if scheme != other:
        return DIFFERENT
    if a.namespace == b.namespace:
        if scheme in _BUCKETS | _FILE_SYSTEMS | _LOCAL:
            if not _nested(a.name.strip("/"), b.name.strip("/")):
                return DIFFERENT
            return PART_OF if a.name.strip("/") and b.name.strip("/") else CANDIDATE
        return CANDIDATE if scheme in _SERVERS and _tail(a.name, b.name) else DIFFERENT
    if scheme not in _SERVERS or not (a.name == b.name or _tail(a.name, b.name)):
        return DIFFERENT
    if not place or not other_place:
        return CANDIDATE
    # Snowflake's account locator and its organisation-account name cannot be turned into one another.
    if scheme == "snowflake" and ("." in place) != ("." in other_place):
        return CANDIDATE
    return DIFFERENT


def _tail(a: str, b: str) -> bool:
    shorter, longer = sorted((a.split("."), b.split(".")), key=len)
    return 2 <= len(shorter) < len(longer) and longer[-len(shorter) :] == shorter


def _split(namespace: str) -> tuple[str, str]:
    scheme, separator, place = namespace.partition("://")
    return (scheme, place) if separator else (namespace, "")


def _dataset(namespace: str, name: str) -> tuple[str, str, str]:
    """Return canonical namespace, canonical name and version of a dataset's names in NFC."""
    whole = _SCHEME.match(name)
    if whole and _folded(whole[1]) in _BUCKETS | _FILE_SYSTEMS | _LOCAL | _WEB:
        rest = name[whole.end() :]
        place, _, name = rest.partition("/")
        namespace = f"{whole[1]}://{place}"
    scheme, separator, place = namespace.partition("://")
    if not separator:
        scheme, separator, place = namespace.partition(":")
        if separator and (scheme.lower() not in {*_LOCAL, "bigquery"} or place.strip("/")):
            return _other(namespace, name)
    scheme = _folded(scheme)
    if scheme in _BUCKETS:
        return _bucket(scheme, place, name)
    if scheme in _LOCAL:
        return _local(scheme, place, name)
    if scheme in _FILE_SYSTEMS:
        host, _, folder = place.partition("/")
        if folder and "/" not in name:
            # A warehouse folder as namespace with a table's name: a catalogue, not a path.
            return f"{scheme}://{host.lower()}/{folder.strip('/')}", name, ""
        logical, version = _logical(_tidy(f"{folder}/{name}").strip("/"))
        return f"{scheme}://{host.lower()}", logical, version
    if scheme in _WEB and separator:
        return _web(scheme, place, name)
    if scheme == "bigquery":
        table, _, partition = name.partition("$")
        if separator and place and _PATHS.fullmatch(table):
            table = f"{place}.{table.strip('/').replace('/', '.')}"
        return "bigquery", table, partition
    if scheme in _SERVERS and (separator or not place):
        return _table(scheme, place, name)
    return _other(namespace, name)


def _folded(scheme: str) -> str:
    lower = scheme.lower()
    return _SCHEMES.get(lower, lower)


def _other(namespace: str, name: str) -> tuple[str, str, str]:
    if namespace.lower().startswith("arn:aws") and ":glue:" in namespace.lower():
        name = name.lower()
        table = re.fullmatch(r"([^./]+)\.([^./]+)", name)
        return namespace.lower(), f"table/{table[1]}/{table[2]}" if table else name, ""
    scheme, separator, rest = namespace.partition("://")
    return (f"{scheme.lower()}://{rest}" if separator else namespace), name, ""


def _bucket(scheme: str, place: str, name: str) -> tuple[str, str, str]:
    bucket, _, folder = place.partition("/")
    bucket = bucket.lower()
    if scheme == "abfss":
        container, at, host = bucket.partition("@")
        azure = _AZURE_HOST.match(host)
        bucket = f"{container}@{azure[1]}.dfs.core.{azure[2]}" if at and azure else bucket
    if folder.strip("/"):
        name = f"{folder.strip('/')}/{name.lstrip('/')}"
    logical, version = _logical(name.strip("/"))
    return f"{scheme}://{bucket}", logical, version


def _local(scheme: str, place: str, name: str) -> tuple[str, str, str]:
    if "\\" in name and (_DRIVE.match(name.replace("\\", "/")) or name.startswith("\\\\")):
        name = name.replace("\\", "/")
    if scheme == "file":
        name = _decoded(name)
    drive = _DRIVE.match(name)
    if drive:
        name = f"{drive[1].upper()}:/{name[drive.end() :]}"
    host, _, folder = place.strip("/").partition("/")
    host = "" if host.lower() == "localhost" else host.lower()
    logical, version = _logical(_tidy(f"{folder}/{name}").strip("/"))
    namespace = f"{scheme}://{host}" if host else scheme
    return namespace, "/" + logical.lstrip("/"), version


def _web(scheme: str, place: str, name: str) -> tuple[str, str, str]:
    host = _server(scheme, place)
    path, question, query = name.lstrip("/").partition("?")
    for pattern, store in ((_S3_HOST, "s3"), (_GOOGLE_HOST, "gs")):
        found = pattern.match(host)
        if found:
            bucket, _, inside = (found[1], "", path) if found[1] else path.partition("/")
            return (
                _bucket(store, bucket, _all_decoded(inside)) if bucket else (f"{scheme}://{host}", path, "")
            )
    azure = _AZURE_HOST.match(host)
    container, _, inside = path.partition("/")
    if azure and container:
        return _bucket("abfss", f"{container}@{host}", _all_decoded(inside))
    if question:
        return f"{scheme}://{host}", f"{_decoded(path)}?{query}", ""
    logical, version = _logical(_decoded(path).strip("/"))
    return f"{scheme}://{host}", logical, version


def _table(scheme: str, place: str, name: str) -> tuple[str, str, str]:
    host = _server(scheme, place)
    redshift = _REDSHIFT_HOST.match(host.partition(":")[0])
    if redshift:
        port = host.partition(":")[2] if scheme == "redshift" or not host.endswith(":5432") else "5439"
        scheme, host = "redshift", f"{redshift[1]}.{redshift[2]}:{port or '5439'}"
    if scheme in _TABLE_PATHS and _PATHS.fullmatch(name):
        name = name.strip("/").replace("/", ".")
    if scheme == "snowflake":
        host = host.removesuffix(".snowflakecomputing.com")
        name = _table_case(name, upper=True)
    elif scheme in _LOWER_TABLES:
        name = _table_case(name, upper=False)
    elif scheme == "kafka":
        host = ",".join(sorted({server.strip() for server in host.split(",") if server.strip()}))
        name = name.removeprefix("/")
    return (f"{scheme}://{host}" if host else scheme), name, ""


def _server(scheme: str, place: str) -> str:
    """Return the server of a namespace: lower case, without credentials, with the port that is meant."""
    host, slash, folder = place.strip("/").rpartition("@")[2].partition("/")
    host = host.lower()
    port = _PORTS.get(scheme, "")
    if scheme in _WEB:
        host = host.removesuffix(f":{port}")
    elif port and _HOST.fullmatch(host):
        host = f"{host}:{port}"
    return f"{host}{slash}{folder}"


def _table_case(name: str, *, upper: bool) -> str:
    """Fold a table's name as the database folds what is not quoted; a quoted part keeps its case and its quotes."""
    parts = re.findall(r'"(?:[^"]|"")*"|[^".]+|[."]', name)
    folded = []
    for part in parts:
        if len(part) > 2 and part[0] == part[-1] == '"':
            inner = part[1:-1]
            plain = inner.isidentifier() and inner == (inner.upper() if upper else inner.lower())
            folded.append(inner if plain else part)
        else:
            folded.append(part.upper() if upper else part.lower())
    return _nfc("".join(folded))


def _tidy(path: str) -> str:
    """Return a file system's path without empty and `.` segments, which it ignores itself."""
    return "/".join(segment for segment in path.split("/") if segment not in {"", "."})


def _logical(path: str) -> tuple[str, str]:
    """Cut `path` before its first partition or part file: the logical dataset, and the version below it.

    A lone part file at the root of a store keeps its name: the whole store is no dataset because of one file.
    """
    segments = path.split("/")
    for place, segment in enumerate(segments):
        partition = _PARTITION.match(segment)
        if partition or (place and _PART_FILE.match(segment)):
            logical = "/".join(segments[:place]).strip("/")
            return logical or "/", "/".join(segments[place:])
    return path or "/", ""


def _decoded(text: str) -> str:
    """Decode percent escapes as far as they cannot change how the path is cut, until nothing changes."""
    while "%" in text:
        further = _ESCAPES.sub(lambda run: _run(run[0]), text)
        if further == text:
            break
        text = further
    return _nfc(text)


def _run(escapes: str) -> str:
    try:
        characters = unquote_to_bytes(escapes).decode()
    except UnicodeDecodeError:
        return escapes.upper()
    return "".join(f"%{ord(one):02X}" if one in "/?#%" else one for one in characters)


def _all_decoded(text: str) -> str:
    raw = unquote_to_bytes(text)
    try:
        return _nfc(raw.decode())
    except UnicodeDecodeError:
        return text
