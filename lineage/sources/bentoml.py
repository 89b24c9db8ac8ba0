"""What does a BentoML store hold? Its models, the bentos they are packed into, and what BentoCloud serves of them.

A store (`$BENTOML_HOME`) is one input: `models/<name>/<version>/model.yaml`, `bentos/<name>/<version>/bento.yaml` and
a file `latest` beside the versions of each. A single model.yaml or bento.yaml is read as well, and the answer of
`bentoml deployment list -o json`. No user stands in a store (sources-ml 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lineage import framing
from lineage.errors import UnreadableInputError
from lineage.model import moment
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _bentoml_facts as facts
from lineage.sources._said import opened, parsed
from lineage.text import MalformedError, dumps

NAME = "bentoml"
FORMAT = (
    "BentoML store (models, bentos), model.yaml, bento.yaml, `bentoml deployment list -o json`; BentoML 1.x"
)
PROVES = ("when", "what", "lineage")

_LISTED = re.compile(r"models/[^/]+/[^/]+/model\.yaml|bentos/[^/]+/[^/]+/bento\.yaml")
_MEMBER = re.compile(r"(?:bentos/[^/]+/[^/]+/)?models/[^/]+/[^/]+/model\.yaml|bentos/[^/]+/[^/]+/bento\.yaml")
_LATEST = re.compile(r"(models|bentos)/([^/]+)/latest")
_TOP = re.compile(r"^([a-z_]+):", re.MULTILINE)
_MODEL = frozenset({"name", "version", "module", "signatures", "api_version", "creation_time"})
_BENTO = frozenset({"name", "version", "service", "bentoml_version", "creation_time"})
_DEPLOYMENT = frozenset({"name", "bento", "cluster", "admin_console", "created_by", "status"})
_MAX_LATEST = 1024


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a store, one of its files, or BentoCloud's list of deployments."""
    if sample.listing:
        return 0.95 if any(_LISTED.fullmatch(path) for path in sample.listing) else 0.0
    text = sample.text.lstrip()
    if text[:1] in {"[", "{"}:
        return _of_deployments(sample)
    top = set(_TOP.findall(text))
    if top >= _BENTO or top >= _MODEL:
        return 0.93
    return 0.0


def _of_deployments(sample: Sample) -> float:
    value = sample.first_json
    if value is None and not sample.whole:
        return 0.9 if all(f'"{name}"' in sample.text for name in (*_DEPLOYMENT, "endpoint_urls")) else 0.0
    first = value[0] if isinstance(value, list) and value else value
    return 0.93 if isinstance(first, dict) and first.keys() >= _DEPLOYMENT else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a file of a store as it stands, then what its folders say; of JSON, each deployment."""
    found: dict[str, Any] = {"models": [], "bentos": [], "latest": {"models": {}, "bentos": {}}, "at": ""}
    folder = False
    for path, member in given.members():
        folder = True
        pointer = _LATEST.fullmatch(path)
        if not pointer and not _MEMBER.fullmatch(path):
            continue
        try:
            file = framing.whole(member)
        except UnreadableInputError as error:
            file = Problem("unreadable", error.what)
        if isinstance(file, Problem):
            yield Problem(file.code, file.reason, file.field, file.value, row=path)
        elif pointer:
            version = file.raw[:_MAX_LATEST].decode("utf-8", "replace").strip()
            if version:
                found["latest"][pointer[1]][pointer[2]] = version
        else:
            record = Record(file.raw, row=path)
            _note(found, path, record)
            yield record
    if folder:
        yield Record(dumps({"bentoml": "store", **found}), row="store")
        return
    yield from framing.documents(given)


def _note(found: dict[str, Any], path: str, record: Record) -> None:
    """Note which version lies there, by its folders, and the youngest time in the store."""
    parts = path.split("/")
    if len(parts) == 4:
        found[parts[0]].append(f"{parts[1]}:{parts[2]}")
    try:
        value = parsed(record)
        at = str(value.get("creation_time") or "") if isinstance(value, dict) else ""
        if not found["at"] or moment.parse(at).lo > moment.parse(found["at"]).lo:
            moment.parse(at)
            found["at"] = at
    except (MalformedError, ValueError):
        return


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what one model, bento, deployment or store states."""
    said = opened(record, origin.label("timezone"))
    if isinstance(said, Problem):
        return [said]
    if said.body.get("bentoml") == "store":
        return facts.store(said, origin)
    if said.body.keys() >= {"admin_console", "status"}:
        return facts.deployment(said, origin)
    if "service" in said.body or "bentoml_version" in said.body:
        return facts.bento(said, origin)
    if "creation_time" in said.body or "signatures" in said.body:
        return facts.model(said, origin)
    return [Problem("not-bentoml", "this is no model, bento or deployment of BentoML")]
