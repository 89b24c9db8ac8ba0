"""What do saved answers of the Kubeflow Model Registry hold, each entry with its kind and its owner?

An answer is known by the path it was asked of, by its file's name (`model_versions.json`,
`model_versions-12-artifacts.json`), else by the fields of its entries. Lists are `{items, nextPageToken, pageSize,
size}`, single entries stand by themselves. Source: kubeflow/hub api/openapi/model-registry.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lineage.source import Problem, Record
from lineage.sources._epoch_times import milliseconds
from lineage.text import MalformedError, clip, loads

COLLECTIONS = {
    "registered_models": "registered-model",
    "model_versions": "model-version",
    "versions": "model-version",
    "model_artifacts": "model-artifact",
    "artifacts": "",
    "serving_environments": "serving-environment",
    "inference_services": "inference-service",
    "serve_models": "serve-model",
    "serves": "serve-model",
    "experiments": "experiment",
    "experiment_runs": "experiment-run",
}
"""The last part of a path or of a file's name, and the kind of what is listed there; artifacts say it themselves."""

_PATH = re.compile(r"/api/model_registry/v\w+/(.+?)/?$")
_ONE = {name.removesuffix("s"): kind for name, kind in COLLECTIONS.items()}
_NAMED = re.compile(
    r"(?:(model_versions?|inference_services?|registered_models?)[./_-](\d+)[./_-])?"
    rf"({'|'.join(sorted(COLLECTIONS, key=len, reverse=True))})(?:[._-]?(?:page)?[._-]?\d+)?\.(?:json|jsonl|ndjson)$"
)
_ARTIFACTS = {
    "model-artifact": "model-artifact",
    "dataset-artifact": "dataset",
    "doc-artifact": "other",
    "metric": "other",
    "parameter": "other",
}
_MARKS = ("createTimeSinceEpoch", "lastUpdateTimeSinceEpoch")
_VALUES = ("string_value", "int_value", "double_value", "bool_value")


class Answer(NamedTuple):
    """One answer: what was asked for, and what came.

    Attributes:
        kind: of the entries; empty where only their fields tell. collection: the last part of the path.
        owner: the collection and id that the path goes through (`model_versions`, `12`); blanks where it does not.
        entries: the entries, each with its JSON pointer; token: of the next page; query: what the call said, None
            where no call is recorded.
    """

    kind: str
    collection: str
    owner: tuple[str, str]
    entries: list[tuple[str, dict[str, Any]]]
    token: str
    query: dict[str, Any] | None
    line: int
    offset: int


def named(path: str) -> tuple[str, tuple[str, str]]:
    """Return the collection that a file's name or a call's path speaks of, and the owner in it; blanks for neither.

    >>> named("saved/model_versions-12-artifacts.json"), named("registered_models.json")
    (('artifacts', ('model_versions', '12')), ('registered_models', ('', '')))
    """
    found = _NAMED.search(path.replace("\\", "/").lower())
    if found is None:
        return "", ("", "")
    owner = (found[1].removesuffix("s") + "s", found[2]) if found[1] else ("", "")
    return found[3], owner


def asked(path: str) -> tuple[str, str, tuple[str, str]] | None:
    """Return kind, collection and owner of a call's path; None for a path that is none of the registry's.

    >>> asked("/api/model_registry/v1alpha3/model_versions/12/artifacts")
    ('', 'artifacts', ('model_versions', '12'))
    >>> asked("/api/model_registry/v1alpha3/registered_models/3")[:2]
    ('registered-model', 'registered_models')
    """
    found = _PATH.search(path.partition("?")[0])
    if found is None:
        return None
    parts = found[1].split("/")
    last = parts[-1]
    if last in COLLECTIONS:
        owner = (parts[-3], parts[-2]) if len(parts) >= 3 else ("", "")
        return COLLECTIONS[last], last, owner
    if len(parts) >= 2 and parts[-2] in COLLECTIONS and last.isdecimal():
        return COLLECTIONS[parts[-2]], parts[-2], ("", "")
    return (_ONE[last], f"{last}s", ("", "")) if last in _ONE else None


def kind_of(entry: Mapping[str, Any]) -> str:
    """Return the kind of an entry by its fields; a model and an experiment alike are taken for a model.

    >>> kind_of({"id": "3", "name": "v2", "registeredModelId": "1"}), kind_of({"id": "4", "servingEnvironmentId": "1"})
    ('model-version', 'inference-service')
    """
    if entry.get("artifactType"):
        return _ARTIFACTS.get(str(entry["artifactType"]), "other")
    if "servingEnvironmentId" in entry:
        return "inference-service"
    if "registeredModelId" in entry:
        return "model-version"
    if "modelVersionId" in entry:
        return "serve-model"
    if "experimentId" in entry:
        return "experiment-run"
    return "registered-model" if "state" in entry or "owner" in entry else "serving-environment"


def answers(record: Record, name: str) -> Iterator[Answer | Record | Problem]:
    """Take one line or document apart: a recorded call, an answer, or several answers by the name of their collection.

    `name` is that of the file. A call that is of no use here comes back as a record that says so.
    """
    try:
        value = loads(record.raw)
    except MalformedError as error:
        line = record.line + max(error.line - 1, 0) if record.line else error.line
        yield Problem(error.code, error.reason, value=clip(record.raw[:80]), line=line, offset=record.offset)
        return
    place = (record.line, record.offset)
    if isinstance(value, dict) and "path" in value and "response" in value:
        yield from _call(value, record)
        return
    collection, owner = named(name)
    kind = COLLECTIONS.get(collection, "")
    if isinstance(value, dict) and value.keys() & COLLECTIONS.keys() and "id" not in value:
        for inner in sorted(value.keys() & COLLECTIONS.keys()):
            found = _entries(value[inner], f"/{inner}")
            yield Answer(COLLECTIONS[inner], inner, ("", ""), found, _token(value[inner]), None, *place)
        return
    entries = _entries(value, "")
    if not entries and not (isinstance(value, dict) and isinstance(value.get("items"), list)):
        yield Problem(
            "not-an-answer", "this is no answer of a model registry", value=clip(value), line=record.line
        )
        return
    yield Answer(kind, collection, owner, entries, _token(value), None, *place)


def _call(value: dict[str, Any], record: Record) -> Iterator[Answer | Record | Problem]:
    path = str(value.get("path") or "")
    found = asked(path)
    if found is None:
        yield Record(record.raw, record.offset, record.line, "call/call-not-relevant")
        return
    status = milliseconds(value.get("status", 200))
    if status == 404:
        yield Record(record.raw, record.offset, record.line, "call/http-404")
        return
    if status not in (200, 201):
        reason = f"the server answered {status}: what it would have shown is missing"
        yield Problem("call-failed", reason, "status", clip(path), record.offset, record.line)
        return
    answer = value["response"]
    if isinstance(answer, str):
        try:
            answer = loads(answer)
        except MalformedError as error:
            yield Problem(error.code, error.reason, "response", clip(answer), record.offset, record.line)
            return
    if not isinstance(answer, dict):
        reason = "the answer is no object"
        yield Problem("missing-field", reason, "response", clip(answer), record.offset, record.line)
        return
    query = value.get("query")
    said = {"at": value.get("at"), **(query if isinstance(query, dict) else {})}
    if not isinstance(query, dict):
        text = str(query or path.partition("?")[2])
        said |= {name: inner for name, _, inner in (pair.partition("=") for pair in text.split("&")) if name}
    kind, collection, owner = found
    yield Answer(
        kind,
        collection,
        owner,
        _entries(answer, "/response"),
        _token(answer),
        said,
        record.line,
        record.offset,
    )


def _token(value: object) -> str:
    return str(value.get("nextPageToken") or "") if isinstance(value, dict) else ""


def _entries(value: object, pointer: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the entries of a list answer, of a bare list, or the one entry that the value is."""
    listed = value.get("items") if isinstance(value, dict) else value
    if isinstance(listed, list):
        base = f"{pointer}/items" if isinstance(value, dict) else pointer
        return [(f"{base}/{number}", entry) for number, entry in enumerate(listed) if isinstance(entry, dict)]
    if isinstance(value, dict) and "id" in value and any(mark in value for mark in _MARKS):
        return [(pointer, value)]
    return []


def plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with its custom properties as plain values, as the database holds them.

    >>> plain({"customProperties": {"n": {"metadataType": "MetadataIntValue", "int_value": "5"}}})
    {'customProperties': {'n': 5}}
    """
    found = {name: value for name, value in entry.items() if value is not None}
    custom = found.pop("customProperties", None)
    values: dict[str, Any] = {}
    for name, held in custom.items() if isinstance(custom, dict) else ():
        if not isinstance(held, dict):
            values[name] = held
            continue
        field = next((field for field in _VALUES if field in held), None)
        if field is not None:
            number = milliseconds(held[field]) if field == "int_value" else None
            values[name] = held[field] if number is None else number
    return {**found, "customProperties": values} if values else found
