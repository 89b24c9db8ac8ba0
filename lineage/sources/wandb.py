"""What do folders and exports of Weights & Biases say? Runs, and the artifacts that they used and made.

On disk: a folder `wandb` (or one run in it) with `wandb-metadata.json`, `wandb-summary.json` and `config.yaml`; the
transaction log `run-<id>.wandb` is the producer's own and is not read, which is said. From the server: JSON of the
public API's runs and artifacts, one, a list, one a line, under `runs` and `artifacts`, or as GraphQL answers them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.errors import UnreadableInputError
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _wandb_facts as facts
from lineage.sources._said import Said, cut, opened
from lineage.text import MalformedError, decode, dumps

NAME = "wandb"
FORMAT = "Weights & Biases run folders (wandb/run-*), runs and artifacts of the public API as JSON"
PROVES = ("who", "when", "what", "lineage")

_READ = ("wandb-metadata.json", "wandb-summary.json", "config.yaml")
_FILE = re.compile(
    r"(?:((?:offline-)?run-\d{8}_\d{6}-[\w-]+)/)?(files/(?:wandb-metadata\.json|wandb-summary\.json|config\.yaml)"
    r"|run-[\w-]+\.wandb)"
)
_SURE = re.compile(
    r"(?:(?:offline-)?run-\d{8}_\d{6}-[\w-]+/)?(?:files/wandb-(?:metadata|summary)\.json|run-[\w-]+\.wandb)"
)
_LISTS = ("runs", "artifacts")
_RUN_WORDS = frozenset({"state", "heartbeatAt", "heartbeat_at", "summaryMetrics", "displayName"})
_ARTIFACT_WORDS = frozenset({"digest", "aliases"})
_TEXT_WORDS = re.compile(
    r'"(heartbeatAt|summaryMetrics|displayName|versionIndex|digest|aliases|logged_by|used_by)"\s*:'
)
_MAX_FILE = 8 * 1024 * 1024


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a folder of runs, or an export, by what only W&B writes."""
    if sample.listing:
        return 0.93 if any(_SURE.fullmatch(path) for path in sample.listing) else 0.0
    if sample.text.lstrip()[:1] not in {"{", "["}:
        return 0.0
    value = sample.first_json
    if value is None:
        return 0.6 if len(set(_TEXT_WORDS.findall(sample.text))) >= 3 else 0.0
    bodies = [body for _, body in _objects(value, "")][:3]
    return 0.9 if any(_kind(body) for body in bodies) else 0.0


def _objects(value: Any, listed: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects of an export with the list they stand in; GraphQL's edges and envelopes are looked through."""
    if isinstance(value, list):
        for entry in value:
            yield from _objects(entry, listed)
    elif isinstance(value, dict):
        if _kind(value):
            yield listed, value
            return
        for name, inner in value.items():
            if name in {"data", "project", "node", "edges", "artifactCollection", "artifactType", *_LISTS}:
                yield from _objects(inner, name if name in _LISTS else listed)


def _kind(body: Mapping[str, Any]) -> str:
    """Return what an object is, by its fields; empty for none of W&B's."""
    if body.keys() >= _ARTIFACT_WORDS and ({"version", "versionIndex", "qualified_name"} & body.keys()):
        return "artifact"
    created = {"createdAt", "created_at"} & body.keys()
    return "run" if created and "state" in body and len(_RUN_WORDS & body.keys()) >= 2 else ""


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield one record for each run of a folder, or each run and artifact of an export."""
    folder = False
    runs: dict[str, dict[str, str]] = {}
    for path, member in given.members():
        folder = True
        match = _FILE.fullmatch(path)
        if not match:
            continue
        run = match[1] or given.name
        if match[2].endswith(".wandb"):
            runs.setdefault(run, {})
            reason = (
                "the transaction log of W&B is its own binary format and is not read: export the run's JSON"
            )
            yield Problem("not-read", reason, value=match[2], row=path, fatal=False)
            continue
        text = _text(path, member)
        if isinstance(text, Problem):
            yield text
        else:
            runs.setdefault(run, {})[match[2].removeprefix("files/")] = text
    for run, files in sorted(runs.items()):
        yield Record(dumps({"wandb": "run-folder", "folder": run, "files": files}), row=run)
    if not folder:
        yield from cut(given, *_LISTS)


def _text(path: str, member: Input) -> str | Problem:
    if member.size > _MAX_FILE:
        return Problem("too-large", f"the file is larger than {_MAX_FILE} bytes", row=path)
    try:
        file = framing.whole(member)
        if isinstance(file, Problem):
            return Problem(file.code, file.reason, row=path)
        return decode(file.raw)
    except UnreadableInputError as error:
        return Problem("unreadable", error.what, row=path)
    except MalformedError as error:
        return Problem(error.code, error.reason, row=path)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a run's folder, a run or an artifact states, or each of those in one answer."""
    said = opened(record, origin.label("timezone"))
    if isinstance(said, Problem):
        return [said]
    if said.body.get("wandb") == "run-folder":
        return facts.folder(said, origin)
    found: list[Fact | Problem | Filtered] = []
    shared = {name: said.body[name] for name in ("exported_at",) if said.body.get(name)}
    listed = record.row.rpartition("/")[0].rpartition("/")[2]
    for _, body in _objects(said.body, listed):
        one = Said({**shared, **body}, said.zone)
        found += facts.artifact(one, origin) if _kind(body) == "artifact" else facts.run(one, origin)
    if found:
        return found
    if any(isinstance(said.body.get(name), list) and not said.body[name] for name in _LISTS):
        return [Filtered("empty")]
    return [Problem("not-wandb", "this is no run and no artifact of W&B")]
