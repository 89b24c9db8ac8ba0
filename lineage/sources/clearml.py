"""What do exports of ClearML say? Tasks with their models and datasets, from the API's answers or an offline session.

Read are `task.json` of an offline session (no user, no time in it), what `Task.export_task()` gives, and the answers
of `tasks.get_all`, `models.get_all`, `projects.get_all`, their `_ex` forms and `Dataset.list_datasets()`: with the
server's envelope (`meta`, `data`), without it, as a list, or one a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _clearml_facts as facts
from lineage.sources._said import Said, cut, opened

NAME = "clearml"
FORMAT = (
    "ClearML tasks, models, datasets, projects: offline session, export_task, answers of the API 2.x; JSON"
)
PROVES = ("who", "when", "what", "lineage")

_LISTS = ("tasks", "models", "projects", "datasets")
_TASK = frozenset({"id", "script", "execution", "type"})
_MODEL = frozenset({"id", "uri", "ready", "framework"})
_PROJECT = frozenset({"id", "name", "default_output_destination", "company"})
_DATASET = frozenset({"id", "name", "project", "version", "created", "tags"})
_ENDPOINT = re.compile(r'"endpoint"\s*:\s*\{[^}]*"name"\s*:\s*"(?:tasks|models|projects)\.get_(?:all|by_id)')
_FIELDS = re.compile(
    r'"(hyperparams|script|execution|last_metrics|version_num|session_api_version|offline_folder)"'
)
_PLACES = frozenset({"hyperparams", "script", "execution", "version_num"})


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are answers of ClearML or a task of it, by the fields that only it has."""
    text = sample.text.lstrip()
    if text[:1] not in {"{", "["}:
        return 0.0
    if _ENDPOINT.search(text):
        return 0.95
    value = sample.first_json
    if value is None:
        return 0.85 if set(_FIELDS.findall(text)) >= _PLACES else 0.0
    body = value
    if isinstance(body, dict):
        body = body.get("data", body) if isinstance(body.get("meta"), dict) else body
        name = next((name for name in _LISTS if isinstance(body.get(name), list)), "")
        body = body.get(name) if name else body
    first = body[0] if isinstance(body, list) and body else body
    return 0.93 if isinstance(first, dict) and _kind(first) else 0.0


def _kind(body: Mapping[str, Any]) -> str:
    """Return what an object is, by its fields; empty for none of ClearML's."""
    if body.keys() >= _TASK or ("hyperparams" in body and "script" in body):
        return "task"
    if body.keys() >= _MODEL:
        return "model"
    if body.keys() >= _PROJECT:
        return "project"
    return "dataset" if body.keys() >= _DATASET and "type" not in body else ""


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into the items of a list, or the lines, or the whole; an answer in its envelope stays whole."""
    yield from cut(given, *_LISTS)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a task, a model, a dataset or a project states, or each of those in one answer."""
    said = opened(record, origin.label("timezone"))
    if isinstance(said, Problem):
        return [said]
    held = said.part("data") if isinstance(said.body.get("data"), dict) else said
    named = [name for name in (*_LISTS, "task", "model", "project") if name in held.body]
    if held is said and not _kind(said.body):
        named = [name for name in named if name in _LISTS]
    elif held is said:
        named = []
    if not named:
        return _one(said, origin, _listed_in(record.row))
    found: list[Fact | Problem | Filtered] = []
    for name in named:
        if name in _LISTS:
            for one in held.each(name):
                found += _one(Said(one.body, one.zone, one.where), origin, name)
        else:
            found += _one(held.part(name), origin, f"{name}s")
    found += [problem for problem in held.problems if problem not in found]
    return found or [Filtered("empty")]


def _listed_in(row: str) -> str:
    """Return the list that an item stands in, by its place (`/models/3`)."""
    return row.rpartition("/")[0].rpartition("/")[2]


def _one(said: Said, origin: Origin, listed: str) -> list[Fact | Problem | Filtered]:
    """Read one object; an answer to a question for some fields only is known by the list it stands in."""
    kind = _kind(said.body) or (listed.removesuffix("s") if "id" in said.body else "")
    if kind == "task":
        return list(facts.task(said, origin))
    if kind == "model":
        return list(facts.model(said, origin))
    if kind == "project":
        return list(facts.project(said, origin))
    if kind == "dataset":
        return list(facts.listed_dataset(said, origin))
    return [Problem("not-clearml", "this is no task, model, dataset or project of ClearML")]
