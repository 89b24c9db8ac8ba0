"""What do MLflow's loose values mean: its times, its tag lists, its storage places and the sources of its datasets?

MLflow stores what a client sends. A time may be seconds, a tag may hold a password, a dataset may lie on the laptop of
somebody: here each such value becomes either a sound value of ours or a problem that names it (sources-ml 2.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lineage.model.facts import Json, Key
from lineage.model.naming import dataset, dataset_at
from lineage.sources._epoch_times import Notes
from lineage.sources._withheld import MAX_TEXT, clean
from lineage.text import MalformedError, clip, loads

_LOGGED = re.compile(r"(?:^models:/|/models/)(m-[0-9a-f]{32})(?:/|$)")
_VERSION = re.compile(r"^models:/(?!/)([^@]+)/(\d+)$")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]+):")
_REDACTED = "REDACTED-"


class Place(NamedTuple):
    """Where a dataset of MLflow lies.

    Attributes:
        key: its name; own: true when the source names no place, so that the dataset is known only as itself.
        other: names it may go by elsewhere, never proven; attributes: what else its source says.
    """

    key: Key
    own: bool = False
    other: tuple[Key, ...] = ()
    attributes: Mapping[str, Json] = {}


def pairs(value: object) -> dict[str, Any]:
    """Return a tag table as a dict, be it one or MLflow's list of `key` and `value`.

    >>> pairs([{"key": "team", "value": "ml"}])
    {'team': 'ml'}
    """
    if isinstance(value, Mapping):
        return {str(name): inner for name, inner in value.items()}
    if isinstance(value, list):
        return {
            str(entry["key"]): entry.get("value")
            for entry in value
            if isinstance(entry, dict) and "key" in entry
        }
    return {}


def person(tag: object, column: object) -> tuple[str, str]:
    """Return the user that a run or logged model names, and whether the tag or the column says so; else two blanks.

    A client that sends nothing is stored as `unknown` or as an empty text: both mean that nobody is evidenced.
    """
    for value, basis in ((tag, "tag"), (column, "column")):
        if isinstance(value, str) and value.strip() and value.strip().lower() != "unknown":
            return value, basis
    return "", ""


def flag(value: object) -> bool:
    """Tell whether a tag says true."""
    return str(value).strip().lower() in {"true", "1", "yes"}


def redacted(value: object) -> bool:
    """Tell whether `value` is what MLflow puts in the place of a deleted version's own."""
    return isinstance(value, str) and value.startswith(_REDACTED)


def run_in(location: str) -> str:
    """Return the run id that an artifact's location names, or "".

    >>> run_in("runs:/4cfcd3ef5b544e42be620d5835745e31/churn_lr")
    '4cfcd3ef5b544e42be620d5835745e31'
    >>> run_in("s3://models/by-hand")
    ''
    """
    if location.startswith("runs:/"):
        name = location.removeprefix("runs:").lstrip("/").partition("/")[0]
        return name if re.fullmatch(r"[0-9a-f]{32}", name) else ""
    found = re.search(r"/([0-9a-f]{32})/artifacts(?:/|$)", location)
    return found.group(1) if found else ""


def logged_model_in(location: str) -> str:
    """Return the logged model's id that a source or location names, or "".

    >>> logged_model_in("models:/m-7d9ddf46dc6a47a5917a01af5e73fb1f")
    'm-7d9ddf46dc6a47a5917a01af5e73fb1f'
    """
    found = _LOGGED.search(location)
    return found.group(1) if found else ""


def version_in(source: str) -> tuple[str, str] | None:
    """Return model and version that a copied version's source names; None for aliases, stages and other places.

    >>> version_in("models:/churn-classifier/3")
    ('churn-classifier', '3')
    >>> version_in("models:/churn-classifier@champion")
    """
    found = _VERSION.match(source)
    return (found.group(1), found.group(2)) if found else None


def place_of(namespace: str, row: Mapping[str, Any], notes: Notes | None = None) -> Place:
    """Return where the dataset of `row` (MLflow's name, source_type, source, experiment_id) lies.

    What only one machine or one MLflow server can resolve (local paths, code, `mlflow-artifacts:/`, a table without its
    host) is named below `namespace`, so that equal words of two places never become one dataset (sources-ml 6).
    """
    name = str(row.get("name", ""))
    own = Place(dataset(f"{namespace}/{row.get('experiment_id', '')}", name), own=True)
    kind = str(row.get("source_type") or "")
    raw = row.get("source")
    source: Any = raw
    if isinstance(raw, str):
        try:
            source = loads(raw)
        except MalformedError as error:
            if notes is not None:
                notes.add(
                    error.code, f"the dataset's source is not JSON: {error.reason}", "dataset_source", raw
                )
            return own
    if not isinstance(source, dict):
        return own
    said = {key: value for key, value in source.items() if isinstance(value, str) and value}
    if kind == "hugging_face" and "path" in said:
        return _hugging_face(own, said, namespace)
    for key in ("delta_table_name", "table_name"):
        if key in said:
            system = "delta" if key == "delta_table_name" else "spark"
            table = said[key]
            version = source.get("delta_table_version")
            details: dict[str, Json] = {"table": table, "system": system}
            if version is not None:
                details["table_version"] = str(version)
            return Place(
                dataset(f"{namespace}/{system}", table), other=(dataset(system, table),), attributes=details
            )
    if "dataset_id" in said:
        return Place(dataset(f"{namespace}/evaluation-datasets", said["dataset_id"]))
    if "sql" in said:
        return own._replace(attributes={"sql": clip(said["sql"], MAX_TEXT)})
    for key in ("uri", "url", "path"):
        if key in said:
            return _address(own, kind, said[key], namespace)
    return own


def _hugging_face(own: Place, said: Mapping[str, str], namespace: str) -> Place:
    path = said["path"]
    if path.startswith(("/", ".", "~")):
        return _address(own, "local", path, namespace)
    details: dict[str, Json] = {
        name: said[name]
        for name in ("config_name", "split", "revision", "data_dir")
        if said.get(name, "None") != "None"
    }
    return Place(dataset_at(f"hf://datasets/{path}"), attributes=details)


def _address(own: Place, kind: str, address: str, namespace: str) -> Place:
    address = clean(address)
    details: dict[str, Json] = {"location": clip(address, MAX_TEXT)}
    match = _SCHEME.match(address)
    scheme = match.group(1).lower() if match else ""
    if kind == "uc_volume":
        return Place(dataset(f"{namespace}/volumes", address), attributes=details)
    if scheme in {"", "file"} or len(scheme) == 1:
        path = address.removeprefix("file:") if scheme == "file" else address
        path = "/" + path.lstrip("/") if path.startswith("/") else path
        if not path.startswith("/") and not re.match(r"[A-Za-z]:[\\/]", path):
            return own._replace(attributes=details)
        return Place(dataset(f"{namespace}/local", path), attributes=details)
    if scheme in {"runs", "models"} or (scheme == "mlflow-artifacts" and "://" not in address):
        return Place(dataset(f"{namespace}/artifacts", address), attributes=details)
    return Place(dataset_at(address), attributes=details)
