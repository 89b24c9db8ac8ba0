"""What do saved answers of a Kubeflow Model Registry hold? The same entries as its database, as far as they were asked.

Answers as `curl` saves them, a file each or a folder of them; several in one object by the names of their collections;
or a call a line (`path`, `query`, `status`, `response`). The answers call other entries by id, so a folder of answers
is read as one. The name of the registry stands nowhere in them: say it with the label `instance`, else the folder's
name is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lineage.framing import lines, whole
from lineage.model.facts import Fact
from lineage.model.moment import parse
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _registry_facts as facts
from lineage.sources._epoch_times import sound_time
from lineage.sources._kubeflow_answers import Answer, answers, kind_of, named, plain
from lineage.sources._snapshot_time import observed
from lineage.text import dumps

NAME = "kubeflow-registry"
FORMAT = "Kubeflow Model Registry REST API answers (v1alpha3), saved: a file, a folder, or one call a line"
PROVES = ("when", "what", "lineage")

_CALL = re.compile(r'"path"\s*:\s*"[^"]*/api/model_registry/')
_TIME = re.compile(r'"(?:createTimeSinceEpoch|lastUpdateTimeSinceEpoch)"\s*:\s*"')
_OURS = re.compile(
    r'"(?:registeredModelId|modelVersionId|servingEnvironmentId|experimentId|artifactType|customProperties|state)"\s*:'
)
_OTHERS = re.compile(r'"(?:source_id|apiVersion|eventType)"\s*:')
_LISTINGS = {
    "registered-model": ("registered_models", "registered-models"),
    "model-version": ("model_versions", "model-versions"),
    "inference-service": ("inference_services", "inference-services"),
    "experiment-run": ("experiment_runs", "experiment-runs"),
}
_ONLY_HERE = {
    "serving_environments",
    "inference_services",
    "serves",
    "serve_models",
    "model_artifacts",
    "artifacts",
}
"""Collections that MLflow's registry, with models and versions as well, does not have."""
_NARROWED = ("filterQuery", "name", "externalId", "parentResourceId")


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are the registry's answers: calls to its paths, or entries of its shape."""
    if sample.listing:
        known = [named(path)[0] for path in sample.listing]
        return 0.9 if all(known) and _ONLY_HERE & set(known) else 0.0
    text = sample.text
    if not text.lstrip().startswith(("{", "[")):
        return 0.0
    if _CALL.search(text) and '"response"' in text:
        return 0.95
    if _TIME.search(text) and not _OTHERS.search(text) and '"id"' in text:
        if named(sample.name)[0] or '"nextPageToken"' in text:
            return 0.9
        return 0.8 if _OURS.search(text) else 0.0
    listed = '"nextPageToken"' in text and '"pageSize"' in text and '"items"' in text
    return 0.6 if listed and named(sample.name)[0] else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a record for each entry, each listing shown whole, each call that is of no use, and what cannot be read."""
    shown = _Shown()
    inputs = list(given.members()) or [("", given)]
    for path, part in inputs:
        for record in _pieces(part):
            if isinstance(record, Problem):
                yield Problem(
                    record.code, record.reason, record.field, record.value, record.offset, record.line, path
                )
                continue
            for found in answers(record, path or origin.path):
                if isinstance(found, Answer):
                    shown.take(found, path)
                else:
                    yield found
    yield from shown.records(origin)


def read(record: Record, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what one entry states, or why a call says nothing."""
    if record.row.startswith("call/"):
        yield Filtered(record.row.removeprefix("call/"))
        return
    yield from facts.read(record)


def _pieces(given: Input) -> Iterator[Record | Problem]:
    """Cut the input into calls or answers: lines where the first line is one whole object, else all of it."""
    with given.open() as stream:
        head = stream.read(1 << 20).lstrip(b"\xef\xbb\xbf \t\r\n")
    first, newline, after = head.partition(b"\n")
    if first.startswith(b"{") and first.rstrip().endswith(b"}") and newline and after.strip():
        yield from lines(given)
    else:
        yield whole(given)


@dataclass(slots=True)
class _Shown:
    """Everything that an input shows, and what its entries know of each other."""

    found: list[tuple[str, dict[str, Any], str, int, int]] = field(default_factory=list)
    by_id: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    pages: dict[str, list[tuple[str, str, bool]]] = field(default_factory=dict)
    said_at: int | None = None

    def take(self, answer: Answer, path: str) -> None:
        """Keep the entries of an answer, with the owner that its path names."""
        query = answer.query or {}
        if isinstance(query.get("at"), str):
            try:
                at = parse(query["at"]).lo
            except ValueError:
                at = 0
            self.said_at = max(at, self.said_at or 0) or None
        if answer.query is not None and not answer.owner[0]:
            narrowed = any(query.get(name) for name in _NARROWED)
            page = (str(query.get("nextPageToken") or ""), answer.token, narrowed)
            self.pages.setdefault(answer.collection, []).append(page)
        for pointer, entry in answer.entries:
            kind = answer.kind if answer.kind != "model-artifact" else ""
            kind = kind or kind_of(entry)
            item = plain(entry)
            number = str(item.get("id") or "")
            self.found.append((kind, item, f"{path}{pointer}", answer.line, answer.offset))
            if number:
                self.by_id[kind, number] = item
            if number and answer.owner[0] in {"model_versions", "inference_services"}:
                self.owners[kind, number] = answer.owner[1]

    def records(self, origin: Origin) -> Iterator[Record | Problem]:
        """Yield the entries as records, each with what the others say of what it refers to."""
        times = [
            time
            for _, item, *_ in self.found
            for name in ("createTimeSinceEpoch", "lastUpdateTimeSinceEpoch")
            if (time := sound_time(item.get(name))) is not None
        ]
        at, problem = observed(origin, max(times, default=None))
        if problem:
            yield problem
        if self.said_at and not origin.label("observed_at"):
            at = self.said_at
        instance = origin.label("instance") or origin.folder or "unnamed"
        shared = {"form": "rest", "instance": instance, "at": at}
        artifacts: dict[str, dict[str, dict[str, Any]]] = {}
        for (kind, number), owner in self.owners.items():
            if kind in {"model-artifact", "other"}:
                artifacts.setdefault(owner, {})[number] = self.by_id[kind, number]
        for kind, item, row, line, offset in self.found:
            said = {
                **shared,
                "kind": kind,
                "listing": _LISTINGS.get(kind, ("", ""))[1],
                "item": item,
                "joined": self.joined(kind, item, artifacts),
            }
            yield Record(dumps(said), offset, line, row)
        for kind, (collection, listing) in _LISTINGS.items():
            if _complete(self.pages.get(collection, ())):
                count = len({number for known, number in self.by_id if known == kind})
                found = {"listing": listing, "count": count, "complete": True}
                yield Record(dumps({**shared, "kind": "listing", "item": found}), row=f"listing/{listing}")

    def joined(
        self, kind: str, item: dict[str, Any], artifacts: dict[str, dict[str, dict[str, Any]]]
    ) -> dict[str, Any]:
        """Return what other entries of the input say of what `item` refers to."""
        number = str(item.get("id") or "")
        known: dict[str, Any] = {}
        if kind == "model-version":
            held = artifacts.get(number, {})
            known = {
                "model": self.name("registered-model", item.get("registeredModelId")),
                "artifacts": [held[one] for one in sorted(held, key=lambda one: one.zfill(20))],
            }
        elif kind == "inference-service":
            known = {"environment": self.name("serving-environment", item.get("servingEnvironmentId"))}
        elif kind == "experiment-run":
            known = {"experiment": self.name("experiment", item.get("experimentId"))}
        elif kind == "model-artifact" and (kind, number) in self.owners:
            owner = self.owners[kind, number]
            version = self.by_id.get(("model-version", owner), {})
            known = {
                "version_id": owner,
                "version": str(version.get("name") or ""),
                "model": self.name("registered-model", version.get("registeredModelId")),
            }
        elif kind == "serve-model" and (kind, number) in self.owners:
            owner = self.owners[kind, number]
            service = self.by_id.get(("inference-service", owner), {})
            version = self.by_id.get(("model-version", str(item.get("modelVersionId"))), {})
            known = {
                "service_id": owner,
                "service": str(service.get("name") or ""),
                "environment": self.name("serving-environment", service.get("servingEnvironmentId")),
                "model_id": str(version.get("registeredModelId") or service.get("registeredModelId") or ""),
            }
        return {name: value for name, value in known.items() if value not in ("", [])}

    def name(self, kind: str, number: object) -> str:
        """Return the name of the entry of that kind and id; empty where the input does not show it."""
        return str(self.by_id.get((kind, str(number)), {}).get("name") or "")


def _complete(pages: Iterable[tuple[str, str, bool]]) -> bool:
    """Tell whether the pages of a listing lead from its first, unnarrowed, to its last."""
    following = {mine: token for mine, token, narrowed in pages if not narrowed}
    seen: set[str] = set()
    at = ""
    while at in following and at not in seen:
        seen.add(at)
        at = following[at]
        if not at:
            return True
    return False
