"""Where do the data sources of Feast lie, in OpenLineage's naming?

A source is a name in a project that may be pointed at another place by the next `feast apply`: name and place are kept
apart, and the name is only a candidate for the place. Names of tables stand as written (OpenLineage,
docs/spec/naming); where Feast names no server or account, the table may lie in any (sources-ml 6.3).
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple

from lineage.model.facts import Json, Key
from lineage.model.naming import dataset, dataset_at
from lineage.sources._withheld import clean
from lineage.text import MalformedError, clip, loads

MAX_TEXT = 4_000


class Place(NamedTuple):
    """Where a data source lies.

    Attributes:
        key: the dataset that lineage runs through: its place, or its name in Feast where that is all there is.
        proven: true when `key` is a place that Feast names in full.
        maybe: a name it may go by, never proven; same: names that mean the very place (a cluster's other servers).
        said: what else Feast says of the place.
    """

    key: Key
    proven: bool = False
    maybe: Key | None = None
    same: tuple[Key, ...] = ()
    said: Mapping[str, Json] = {}


_OPTIONS = ("file", "bigquery", "snowflake", "redshift", "spark", "trino", "athena", "custom")
_CUSTOM_SYSTEMS = ("postgres", "mssql", "clickhouse", "oracle", "couchbase", "mongodb", "iceberg")


def place(own: Key, source: Mapping[str, Any]) -> Place:
    """Return where `source` (a DataSource, or a SavedDataset's storage) lies; `own` is its name in Feast.

    >>> own = dataset("feast:shop/sources", "daily")
    >>> place(own, {"fileOptions": {"uri": "s3://lake/daily/"}}).key[1:]
    ('s3://lake', 'daily/')
    >>> place(own, {"snowflakeOptions": {"database": "MAIN", "table": "T"}})[:3:2]
    (Key(kind=<Kind.DATASET: 'dataset'>, namespace='feast:shop/sources', name='daily'),
     Key(kind=<Kind.DATASET: 'dataset'>, namespace='snowflake', name='MAIN.T'))
    """
    kafka = _texts(source.get("kafkaOptions"))
    if kafka.get("topic"):
        return _kafka(own, kafka)
    kinesis = _texts(source.get("kinesisOptions"))
    if kinesis.get("streamName"):
        maybe = dataset(f"kinesis://{kinesis.get('region', '')}", kinesis["streamName"])
        return Place(own, maybe=maybe, said={"stream": kinesis["streamName"]})
    for system in _OPTIONS:
        options = _texts(source.get(f"{system}Options") or source.get(f"{system}Storage"))
        if not options:
            continue
        if system == "custom":
            return _stored(own, *_custom(str(source.get("dataSourceClassType") or ""), options))
        return _stored(own, system, options)
    return Place(own)


def _stored(own: Key, system: str, options: Mapping[str, str]) -> Place:
    uri = options.get("uri") or options.get("path", "")
    if uri:
        return _file(own, uri, options)
    table = options.get("table", "")
    if not table:
        return Place(own, said={"sql": clip(options["query"], MAX_TEXT)} if options.get("query") else {})
    if system == "bigquery":
        name = table.strip("`").replace(":", ".", 1)
        whole = name.count(".") == 2
        place = dataset("bigquery", name)
        said = {"table": name}
        return Place(place, proven=True, said=said) if whole else Place(own, maybe=place, said=said)
    if system == "athena":
        leading = (options.get("dataSource") or "AwsDataCatalog", options.get("database", ""))
        maybe = dataset("awsathena", ".".join(filter(None, (*leading, table))))
    else:
        leading = (options.get("database", ""), options.get("schema", ""))
        maybe = dataset(system or "table", ".".join(filter(None, (*leading, table))))
    return Place(own, maybe=maybe, said={"table": maybe.name, **({"system": system} if system else {})})


def _file(own: Key, uri: str, options: Mapping[str, str]) -> Place:
    uri = clean(uri)
    said: dict[str, Json] = {"location": clip(uri, MAX_TEXT)}
    if options.get("s3EndpointOverride"):
        said["endpoint"] = clean(options["s3EndpointOverride"])
    place = dataset_at(uri)
    drive = len(uri) > 2 and uri[0].isalpha() and uri[1] == ":" and uri[2] in "\\/"
    if place.namespace == "file" and not drive and not place.name.startswith(("/", "\\\\")):
        # Relative to a folder that only the machine of `feast apply` knows.
        return Place(own, maybe=place, said=said)
    return Place(place, proven=True, said=said)


def _kafka(own: Key, options: Mapping[str, str]) -> Place:
    topic = options["topic"]
    servers = [server.strip() for server in options.get("kafkaBootstrapServers", "").split(",")]
    servers = sorted({server for server in servers if server})
    if not servers:
        return Place(own, maybe=dataset("kafka", topic), said={"topic": topic})
    each = tuple(dataset(f"kafka://{server}", topic) for server in servers)
    key = dataset(f"kafka://{','.join(servers)}", topic)
    said: dict[str, Json] = {"topic": topic, "servers": list(servers)}
    return Place(key, proven=True, same=each if len(each) > 1 else (), said=said)


def _custom(kind: str, options: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the system and the table or query of a contributed store: its configuration is JSON in bytes.

    A dump holds the bytes in base64.
    """
    raw = options.get("configuration", "")
    said: object = None
    for attempt in (raw, _unpacked(raw)):
        try:
            said = loads(attempt)
        except MalformedError:
            continue
        break
    known = _texts(said)
    found = {name: known[name] for name in ("table", "query", "path") if known.get(name)}
    for name in ("table_str", "table_name", "table_ref"):
        if known.get(name) and "table" not in found:
            found["table"] = known[name]
    system = next((system for system in _CUSTOM_SYSTEMS if system in kind.lower()), "")
    return system, found


def _unpacked(raw: str) -> bytes:
    try:
        return b64decode(raw, validate=True)
    except ValueError:
        return b""


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {str(name): text for name, text in value.items() if isinstance(text, str) and text}
