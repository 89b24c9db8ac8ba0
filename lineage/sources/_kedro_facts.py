"""What does one record of a Kedro project or of Kedro-Viz state, as facts?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from lineage.model.facts import Alias, Entity, Fact, Json, Key, Link, Run, Use
from lineage.model.moment import Moment, parse
from lineage.model.vocabulary import Basis, Kind, Relation, RunState
from lineage.source import Filtered, Origin, Problem, Record
from lineage.sources._kedro_places import (
    catalog_key,
    file_key,
    job_key,
    place_of,
    templates,
    time_of,
    word,
)
from lineage.sources._withheld import clean, table
from lineage.text import MalformedError, clip, loads

_Said = Fact | Problem | Filtered
_Body = Mapping[str, Any]
_RUN: Final = "kedro run"
"""The job of a whole run: neither a saved version nor Kedro-Viz says which pipeline it was."""

_STATES: Final = {
    "success": RunState.COMPLETE,
    "successful": RunState.COMPLETE,
    "failed": RunState.FAIL,
    "failure": RunState.FAIL,
    "running": RunState.RUNNING,
    "started": RunState.RUNNING,
}


def read(record: Record, origin: Origin) -> Iterator[_Said]:
    """Say what one record states."""
    try:
        body = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    reader = _READERS.get(word(body, "kind")) if isinstance(body, dict) else None
    if reader is None or not word(body, "project"):
        yield Problem("not-recognised", "this is no record of a Kedro project", value=repr(record.raw[:80]))
        return
    yield from reader(body, word(body, "project"), origin)


def _entry(body: _Body, project: str, origin: Origin) -> Iterator[_Said]:
    name, entry = word(body, "name"), _map(body, "entry")
    if not name:
        yield Problem("missing-field", "an entry of a catalog has a name", "name")
        return
    if "{" in name:
        # It stands for every dataset of a matching name, and is none itself; Kedro-Viz shows those that there are.
        yield Filtered("dataset-factory")
        return
    environment = word(body, "environment") or "base"
    key = catalog_key(project, environment, name)
    about: dict[str, Json] = {"catalog_name": name, "environment": environment, "project": project}
    for field in ("type", "table_name", "model_name", "stage_or_version", "alias"):
        if word(entry, field):
            about[field if field != "type" else "dataset_type"] = clip(clean(word(entry, field)), 500)
    if word(entry, "credentials"):
        about["credentials_name"] = word(entry, "credentials")
    if word(entry, "versioned").lower() == "true":
        about["versioned"] = True
    metadata = _map(entry, "metadata")
    about |= table(
        "metadata", {str(field): value for field, value in metadata.items() if field != "kedro-viz"}
    )
    if word(metadata, "owner"):
        about["owners"] = [word(metadata, "owner")]
    layer = word(_map(metadata, "kedro-viz"), "layer") or word(entry, "layer")
    if layer:
        about["layer"] = layer
    left = list(dict.fromkeys(templates(entry)))
    place = place_of(project, entry, origin.label("root"))
    if left and place is not None and any(one in f"{place.namespace}/{place.name}" for one in left):
        reason = "the catalog leaves open what stands for this: its place is not known"
        yield Problem("unresolved-template", reason, "entry", clip(", ".join(left)), fatal=False)
        about["unresolved"] = left
        place = None
    yield Entity(key, about)
    if place is not None:
        yield Alias(key, place, "kedro-catalog")


def _session(body: _Body, project: str, origin: Origin) -> Iterator[_Said]:
    stamp = word(body, "stamp")
    try:
        at = time_of(stamp)
    except ValueError:
        yield Problem("bad-time", "a version of Kedro is called by a time", "stamp", clip(stamp))
        return
    files = [word(file, "path") for file in _list(body, "files") if isinstance(file, Mapping)]
    outputs = tuple(Use(file_key(project, path, origin.label("root")), stamp) for path in files if path)
    key = Key(Kind.RUN, f"kedro://{project}", stamp)
    # That it saved these is seen; that it went on to a good end is not.
    yield Run(
        key, job_key(project, _RUN), RunState.OTHER, at, (), outputs, at, attributes={"kedro_session": stamp}
    )


def _task(body: _Body, project: str, origin: Origin) -> Iterator[_Said]:
    task = _map(body, "task")
    job = _job(task, project)
    if job is None:
        yield Problem("missing-field", "a node of a pipeline has a name", "name")
        return
    about: dict[str, Json] = {"integration": "KEDRO", "job_type": "NODE", "project": project}
    for name in ("pipelines", "tags"):
        said = sorted({one for one in _list(task, name) if isinstance(one, str)})
        if said:
            about[name] = said
    if word(task, "code"):
        about["code"] = {"path": word(task, "code")}
    about |= table("parameters", _map(task, "parameters"))
    yield Entity(job, about)
    for side in ("inputs", "outputs"):
        for dataset in _list(task, side):
            key = _dataset_key(dataset, project)
            if key is None:
                yield Problem("missing-field", "a dataset has a name", side, clip(dataset), fatal=False)
                continue
            yield from _dataset(dataset, key, project)
            if side == "inputs":
                yield Link(key, job, Relation.INPUT, Basis.DECLARED, "kedro-pipeline")
            else:
                yield Link(job, key, Relation.OUTPUT, Basis.DECLARED, "kedro-pipeline")


def _job(task: _Body, project: str) -> Key | None:
    return job_key(project, word(task, "name")) if word(task, "name") else None


def _dataset_key(dataset: Any, project: str) -> Key | None:
    name = word(dataset, "name") if isinstance(dataset, Mapping) else ""
    return catalog_key(project, "base", name) if name else None


def _dataset(dataset: _Body, key: Key, project: str) -> Iterator[_Said]:
    """Yield what Kedro-Viz says of a dataset: an absolute path is a place, any other has lost its protocol."""
    about: dict[str, Json] = {"catalog_name": word(dataset, "name"), "project": project}
    for field, name in (("type", "dataset_type"), ("layer", "layer")):
        if word(dataset, field):
            about[name] = word(dataset, field)
    yield Entity(key, about)
    path = word(dataset, "filepath")
    if not path.startswith("/") and "://" not in path and path[1:2] != ":":
        return
    place = file_key(project, path)
    yield Alias(key, place, "kedro-viz-filepath")
    before, folder, inside = path.replace("\\", "/").partition(f"/{project}/")
    if folder and before and f"/{project}/" not in f"/{inside}":
        yield Alias(file_key(project, inside), place, "kedro-project-path")


def _run(body: _Body, project: str, origin: Origin) -> Iterator[_Said]:
    run = _map(body, "run")
    problems: list[Problem] = []
    started, ended = _time(run, "start_time", origin, problems), _time(run, "end_time", origin, problems)
    number, at = word(run, "run_id"), ended or started
    if not number or at is None:
        yield Problem("missing-field", "a run has an id and a time", "start_time" if number else "run_id")
        yield from problems
        return
    whole = Key(Kind.RUN, f"kedro://{project}", number)
    job = job_key(project, _RUN)
    state = _state(run, problems)
    over = ended if state in (RunState.COMPLETE, RunState.FAIL) else None
    yield Run(whole, job, state, at, (), (), started, over, attributes=_failure(run))
    for item in _list(body, "tasks"):
        task, ran = (_map(item, name) if isinstance(item, Mapping) else {} for name in ("task", "ran"))
        node = _job(task, project)
        state = _state(ran, problems)
        if node is None or state is RunState.OTHER:
            continue
        uses = {
            side: tuple(
                Use(key) for one in _list(task, side) if (key := _dataset_key(one, project)) is not None
            )
            for side in ("inputs", "outputs")
        }
        about = {"root_run": number, **_failure(ran)}
        if isinstance(ran.get("duration"), (int, float)) and not isinstance(ran.get("duration"), bool):
            about["duration_seconds"] = ran["duration"]
        yield Link(job, node, Relation.PARENT, Basis.DECLARED, "kedro-viz-run")
        # Only how long a node took is written down, not when: it ran within the whole run.
        within = Moment(started.lo, at.hi) if started is not None and started.lo <= at.hi else at
        outputs = () if state is RunState.FAIL else uses["outputs"]
        key = Key(Kind.RUN, f"kedro://{project}", f"{number}/{node.name}")
        yield Run(key, node, state, within, uses["inputs"], outputs, parent=whole, attributes=about)
    yield from problems


def _state(said: _Body, problems: list[Problem]) -> RunState:
    status = word(said, "status").lower()
    if status and status not in _STATES and status not in ("skipped", "pending", "none"):
        problems.append(Problem("bad-value", "no such status", "status", clip(status), fatal=False))
    return _STATES.get(status, RunState.OTHER)


def _failure(said: _Body) -> dict[str, Json]:
    error = said.get("error")
    text = word(error, "message") or word(error, "error") if isinstance(error, Mapping) else error
    return {"error": clip(clean(text), 2_000)} if isinstance(text, str) and text else {}


def _time(said: _Body, name: str, origin: Origin, problems: list[Problem]) -> Moment | None:
    text = word(said, name)
    if not text:
        return None
    try:
        return parse(text, origin.label("timezone"))
    except (ValueError, OverflowError):
        problems.append(Problem("bad-time", "not a time", name, clip(text), fatal=False))
        return None


_READERS: Final[dict[str, Callable[[_Body, str, Origin], Iterator[_Said]]]] = {
    "entry": _entry,
    "session": _session,
    "task": _task,
    "run": _run,
}


def _map(body: _Body, name: str) -> _Body:
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def _list(body: _Body, name: str) -> list[Any]:
    found = body.get(name)
    return found if isinstance(found, list) else []
