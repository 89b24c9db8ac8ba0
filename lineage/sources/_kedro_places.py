"""Where does a dataset of a Kedro catalog lie, and under which names do a project's things go?

The place is the key, in OpenLineage's naming; a path inside the project is named within the project, since a catalog
does not say where the project lies. The name in the catalog is a further name of it (sources-ml 6).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lineage.model import naming
from lineage.model.facts import Key
from lineage.model.moment import Moment, parse
from lineage.model.vocabulary import Kind

STAMP = r"\d{4}-\d{2}-\d{2}T\d{2}\.\d{2}\.\d{2}\.\d{3}Z"
"""How Kedro writes the version of a dataset: the time of the session that saved it, UTC."""

SECRET = re.compile(
    r"credential|secret|password|passwd|token|api_?key|access_?key|^con$|connection|auth", re.IGNORECASE
)
"""Names of fields whose values are not taken."""

_VERSIONED = re.compile(rf"(?P<path>(?:[^/]+/)*(?P<name>[^/]+))/(?P<stamp>{STAMP})/(?P=name)(?:/.*)?")
_TEMPLATE = re.compile(r"\$\{([^${}]*)\}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_LOCATED = ("filepath", "path", "url", "uri")
_MAX_ROUNDS = 10


class Version(NamedTuple):
    """A file of a versioned dataset: the dataset's path, and the version."""

    path: str
    stamp: str


def slug(name: str) -> str:
    """Return the name that a project goes by: folder, package and title of one project differ only in this.

    >>> slug("Halden Churn"), slug("halden_churn")
    ('halden-churn', 'halden-churn')
    """
    return re.sub(r"[\s_]+", "-", name.strip()).lower()


def versioned(path: str) -> Version | None:
    """Return what the path of a file says of a version that Kedro saved, None where it says nothing.

    >>> versioned("data/02/a.csv/2026-03-01T06.10.01.041Z/a.csv")
    Version(path='data/02/a.csv', stamp='2026-03-01T06.10.01.041Z')
    """
    found = _VERSIONED.fullmatch(path)
    return Version(found["path"], found["stamp"]) if found else None


def time_of(stamp: str) -> Moment:
    """Return the time that a version is called by; raises `ValueError` for what is none.

    >>> time_of("1970-01-01T00.00.01.000Z").lo
    1000000
    """
    day, _, clock = stamp.partition("T")
    hour, minute, rest = clock.split(".", 2)
    return parse(f"{day}T{hour}:{minute}:{rest}")


def catalog_key(project: str, environment: str, name: str) -> Key:
    """Return the key of a dataset by its name in the catalog of an environment; a transcoding (`@spark`) is no other.

    >>> catalog_key("churn", "base", "orders@spark")[1:]
    ('kedro://churn/catalog', 'orders')
    """
    place = f"kedro://{project}/catalog"
    return naming.dataset(
        place if environment == "base" else f"{place}@{environment}", name.partition("@")[0]
    )


def job_key(project: str, name: str) -> Key:
    """Return the key of a node of a project's pipelines."""
    return Key(Kind.JOB, f"kedro://{project}", name)


def file_key(project: str, path: str, root: str = "") -> Key:
    """Return the key of what lies at `path`: an address, an absolute path, or one inside the project.

    `root` is the folder that the project ran in, where a person said so.

    >>> file_key("churn", "./data/a.csv")[1:], file_key("churn", "data/a.csv", "/srv/churn")[1:]
    (('kedro://churn', 'data/a.csv'), ('file', '/srv/churn/data/a.csv'))
    """
    if _SCHEME.match(path) or path.startswith("/") or _DRIVE.match(path):
        return naming.dataset_at(path)
    inside = posixpath.normpath(path.replace("\\", "/"))
    return (
        naming.dataset_at(posixpath.join(root, inside))
        if root
        else naming.dataset(f"kedro://{project}", inside)
    )


def place_of(project: str, entry: Mapping[str, Any], root: str = "") -> Key | None:
    """Return where the dataset of a catalog entry lies; None where the entry does not say it.

    >>> place_of("churn", {"type": "pandas.GBQTableDataset", "project": "p", "dataset": "d", "table_name": "t"})[1:]
    ('bigquery', 'p.d.t')
    """
    kind = word(entry, "type").lower()
    for name in _LOCATED:
        if word(entry, name):
            return file_key(project, word(entry, name), root)
    inner = entry.get("dataset")
    if isinstance(inner, Mapping):
        return place_of(project, inner, root)
    table = word(entry, "table_name") or word(entry, "table")
    if "gbqtable" in kind and table and word(entry, "dataset"):
        parts = (word(entry, "project"), word(entry, "dataset"), table)
        return naming.dataset("bigquery", ".".join(filter(None, parts)))
    if "sparkhive" in kind and table and word(entry, "database"):
        return naming.dataset("hive", f"{word(entry, 'database')}.{table}")
    if "snowpark" in kind and table and word(entry, "database") and word(entry, "schema"):
        return naming.dataset("snowflake", f"{word(entry, 'database')}.{word(entry, 'schema')}.{table}")
    return None


def word(entry: Mapping[str, Any], name: str) -> str:
    """Return the text in this field, empty where there is none."""
    found = entry.get(name)
    return found.strip() if isinstance(found, str) else ""


def resolved(value: Any, known: Mapping[str, str]) -> Any:
    """Return `value` with every template in its texts replaced that `known` has a plain text for.

    `known` holds `globals:<name>` for the files of globals and the catalog's own `_variables`.

    >>> resolved({"filepath": "${globals:lake}/a.csv", "x": "${oc.env:X}"}, {"globals:lake": "s3://lake"})
    {'filepath': 's3://lake/a.csv', 'x': '${oc.env:X}'}
    """
    if isinstance(value, str):
        for _ in range(_MAX_ROUNDS):
            further = _TEMPLATE.sub(lambda found: known.get(_name(found[1]), found[0]), value)
            if further == value or len(further) > 10_000:
                break
            value = further
        return value
    if isinstance(value, Mapping):
        return {name: resolved(item, known) for name, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, known) for item in value]
    return value


def templates(value: Any) -> Iterator[str]:
    """Yield the templates that are left in the texts of `value`.

    >>> list(templates({"a": ["${runtime_params:x}"]}))
    ['${runtime_params:x}']
    """
    if isinstance(value, str):
        yield from (found[0] for found in _TEMPLATE.finditer(value))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from templates(item)
    elif isinstance(value, list):
        for item in value:
            yield from templates(item)


def _name(inside: str) -> str:
    """Return what a template refers to, its default left out: a default holds only where nothing else does."""
    return inside.partition(",")[0].strip()
