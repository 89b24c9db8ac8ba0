"""How does Airflow call its runs and assets in the events it sends, so that its database meets them?

Airflow's OpenLineage provider derives a run's id from what the database holds: the logical date and a hash over the
configured namespace, the DAG, the task, the try and the map index (apache-airflow-providers-openlineage,
`plugins/adapter.py`; openlineage-python, `uuid.py`). The same rule here gives the same id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any, NamedTuple
from uuid import UUID

from lineage.model import naming
from lineage.model.facts import Key
from lineage.model.moment import Moment, from_seconds, parse

_ALIASES = frozenset({"asset_alias", "dataset_alias"})
_WHOLE = frozenset({"asset", "dataset"})


class Asset(NamedTuple):
    """What a task names as inlet or outlet: a place, or an alias that is resolved when the task runs."""

    uri: str
    name: str = ""
    alias: bool = False


def run_id(logical: Moment, *named: object) -> str:
    """Return the id that the provider gives a run; `named`: namespace, DAG, then clear number or task, try and index.

    The logical date counts in the form that Python's `isoformat` gives it in UTC.

    >>> run_id(parse("2026-11-20T00:00:00Z"), "airflow-dev", "orders_daily", 0)
    '01a1f640-bc00-7047-8387-207cfc6a8c56'
    """
    text = ".".join(str(part) for part in named)
    digest = sha1(f"{iso(logical)}{text}".encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    number = (logical.lo // 1000) << 80 | int.from_bytes(digest, "big") >> 84
    number = number & ~(0xF000 << 64) | 7 << 76
    return str(UUID(int=number & ~(0xC000 << 48) | 0x8000 << 48))


def iso(at: Moment) -> str:
    """Return a time as Airflow writes it into its events.

    >>> iso(parse("2026-11-20T00:00:00Z"))
    '2026-11-20T00:00:00+00:00'
    """
    seconds, rest = divmod(at.lo, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest).isoformat()


def time_of(value: object) -> Moment | None:
    """Read a time of the database; without a zone it is UTC by Airflow's own rule.

    Nothing gives None; raises `ValueError` for what is no time.

    >>> time_of("2026-11-20 00:00:00.000001")
    Moment(lo=1795132800000001, hi=1795132800000001, text='', assumed=False)
    """
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return from_seconds(value)
    at = parse(str(value).strip())
    return Moment(at.lo, at.hi) if at.assumed else at


def asset_key(uri: str) -> Key:
    """Return the dataset that an asset's URI names; one that is no address is an asset of Airflow's own.

    >>> asset_key("s3://lake/orders")[1:], asset_key("orders")[1:]
    (('s3://lake', 'orders'), ('airflow', 'orders'))
    """
    return naming.dataset_at(uri) if ":/" in uri else naming.dataset("airflow", uri)


def plain(value: Any) -> Any:
    """Return what Airflow's serialisation holds: `{"__type": .., "__var": ..}` and nothing else is a wrapping.

    >>> plain({"__type": "set", "__var": ["a"]})
    ['a']
    """
    while isinstance(value, Mapping) and "__var" in value:
        value = value["__var"]
    return value


def assets(items: Any) -> Iterator[Asset]:
    """Yield the assets in a task's serialised `inlets` or `outlets`, Airflow 2.4 to 3.x; other entries are passed over.

    >>> list(assets([{"__type": "dataset", "__var": {"uri": "s3://lake/a", "extra": None}}]))
    [Asset(uri='s3://lake/a', name='', alias=False)]
    """
    found = plain(items)
    for item in found if isinstance(found, list) else ():
        kind = item.get("__type") if isinstance(item, Mapping) else ""
        body = plain(item)
        if isinstance(body, str):
            if "://" in body:
                yield Asset(body)
            continue
        if not isinstance(body, Mapping):
            continue
        uri, name = _word(body, "uri", "url"), _word(body, "name")
        if kind in _ALIASES or (kind not in _WHOLE and not uri):
            # Of a reference by name alone the place is not known here, as little as of an alias.
            if name:
                yield Asset("", name, alias=True)
        elif uri:
            yield Asset(uri, name)


def words(items: Iterable[Any]) -> list[str]:
    """Return the texts among `items`, sorted, each once."""
    return sorted({item for item in items if isinstance(item, str) and item})


def _word(body: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = body.get(name)
        if isinstance(value, str) and value:
            return value
    return ""
