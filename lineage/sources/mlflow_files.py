"""What does an `mlruns` folder hold? The experiments, runs, datasets and registry of MLflow's file store.

One small file for each tag, parameter and metric (sources-ml 2.3). Traps: an input's `destination_id` repeats the
dataset, so the run is only in the path; states are numbers; a key with `/` is a folder; the artifact addresses are
those of the machine that wrote them; deleted versions are not redacted; deleted experiments lie in `.trash`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from lineage.errors import UnreadableInputError
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _mlflow_facts as facts
from lineage.sources._epoch_times import milliseconds
from lineage.sources._mlflow_snapshot import Found, Store, ran_by, records_of
from lineage.sources._mlflow_values import pairs
from lineage.text import MalformedError, clip, decode, load_yaml

NAME = "mlflow-files"
FORMAT = "MLflow file store (an `mlruns` folder), MLflow 1.x to 3.x"
PROVES = ("who", "when", "what", "lineage")

MAX_FILE = 1 << 20
"""Bytes of one tag, parameter or meta file that are read; MLflow's own limit for a tag is 8,000 characters."""

_STATES = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
_MODEL_STATES = {"0": "UNSPECIFIED", "1": "PENDING", "2": "READY", "3": "FAILED"}
_EXPERIMENT = re.compile(r"^(?:\.trash/)?\d{1,20}/(?:meta\.yaml$|[0-9a-f]{32}/meta\.yaml$)")
_REGISTERED = re.compile(r"^models/[^/]+/(?:version-\d+/)?meta\.yaml$")
_EARLY = {"meta.yaml", "tags/mlflow.user", "tags/mlflow.source.git.commit"}
_OF_A_RUN = ("inputs", "outputs", "params", "tags", "metrics")


class _Place(NamedTuple):
    """Which thing a file belongs to: its kind, the folder of the thing, and the file's path in it."""

    kind: str
    folder: str
    path: str


def recognises(sample: Sample) -> float:
    """Return how sure it is that this folder is an `mlruns`: experiments by number, or registered models."""
    if any(_EXPERIMENT.match(path) for path in sample.listing):
        return 0.95
    return 0.7 if any(_REGISTERED.match(path) for path in sample.listing) else 0.0


def read(record: Record, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what one record of the store states."""
    return facts.read(record)


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a record for each thing of the store, with the text of its files; a problem for each unreadable file."""
    reader = _Reader(given)
    yield from reader.look()
    yield from records_of(reader.store, origin)
    yield from reader.late


def place_of_file(path: str) -> _Place | None:
    """Return which thing the file at `path` belongs to; None for artifacts, traces and what is not MLflow's.

    >>> place_of_file("7/0123456789abcdef0123456789abcdef/tags/mlflow.user")[::2]
    ('run', 'tags/mlflow.user')
    """
    parts = path.split("/")
    trash = parts[0] == ".trash"
    top = parts[1:] if trash else parts
    if len(top) < 2:
        return None
    if top[0] == "models" and not trash and len(top) >= 3:
        if re.fullmatch(r"version-\d+", top[2]) and len(top) >= 4:
            return _Place("version", "/".join(parts[:3]), "/".join(top[3:]))
        return _Place("model", "/".join(parts[:2]), "/".join(top[2:]))
    if not top[0].isdecimal():
        return None
    base = len(parts) - len(top) + 1
    if top[1] in {"meta.yaml", "tags"}:
        return _Place("experiment", "/".join(parts[:base]), "/".join(top[1:]))
    if top[1] == "datasets" and len(top) == 4 and top[3] == "meta.yaml":
        return _Place("dataset", "/".join(parts[: base + 2]), "meta.yaml")
    if top[1] == "models" and len(top) >= 4:
        kept = top[3] in {"meta.yaml", "tags", "params", "metrics"}
        return _Place("logged-model", "/".join(parts[: base + 2]), "/".join(top[3:])) if kept else None
    if re.fullmatch(r"[0-9a-f]{32}", top[1]) and len(top) >= 3 and top[2] in {"meta.yaml", *_OF_A_RUN}:
        return _Place("run", "/".join(parts[: base + 1]), "/".join(top[2:]))
    return None


class _Reader:
    """Walks the folder twice: first for all but the runs' own files, then run by run."""

    def __init__(self, given: Input) -> None:
        self.given = given
        self.store = Store("files")
        self.late: list[Problem] = []
        self.broken: set[str] = set()
        self.bundles: dict[tuple[str, str], dict[str, str]] = {}
        self.datasets: dict[tuple[str, str], dict[str, Any]] = {}

    def look(self) -> Iterator[Problem]:
        """Read everything but what belongs to one run only, and fill the store."""
        runs: dict[str, dict[str, str]] = {}
        for path, member in self.given.members():
            place = place_of_file(path)
            if place is None:
                continue
            if place.kind == "run":
                runs.setdefault(place.folder, {})
                if place.path not in _EARLY:
                    continue
            text = self.text(path, member)
            if isinstance(text, Problem):
                yield text
            elif place.kind == "run":
                runs[place.folder][place.path] = text
            else:
                self.bundles.setdefault((place.kind, place.folder), {})[place.path] = text
        store = self.store
        kinds: dict[
            str, tuple[list[Found], Callable[[str, dict[str, str], dict[str, Any]], dict[str, Any]]]
        ] = {
            "experiment": (store.experiments, _experiment),
            "dataset": (store.datasets, _dataset),
            "model": (store.models, _model),
            "version": (store.versions, _version),
            "logged-model": (store.logged_models, _logged_model),
        }
        for (kind, folder), files in self.bundles.items():
            told = f"{folder}/meta.yaml" in self.broken
            meta = self.meta(folder, files)
            if isinstance(meta, Problem):
                if not told:
                    yield meta
                continue
            found, make = kinds[kind]
            item = make(folder, files, meta)
            found.append(Found(item, files={f"{folder}/{path}": text for path, text in files.items()}))
            names = ("creation_time", "last_update_time", "last_updated_time")
            store.times += [time for name in names if (time := milliseconds(item.get(name))) is not None]
            if kind == "dataset":
                row = {name: value for name, value in item.items() if name not in {"schema", "profile"}}
                self.datasets[item["experiment_id"], folder.rpartition("/")[2]] = row
        store.run_ids = set()
        for folder, files in runs.items():
            run = folder.rpartition("/")[2]
            store.run_ids.add(run)
            told = f"{folder}/meta.yaml" in self.broken
            meta = self.meta(folder, files)
            if isinstance(meta, Problem):
                if not told:
                    yield meta
                continue
            store.ran[run] = ran_by(_below("tags", files), meta.get("user_id"))
            times = [milliseconds(meta.get(name)) or 0 for name in ("start_time", "end_time", "deleted_time")]
            store.times.append(max(times))
        store.runs = self.runs
        for listing, there in (
            ("experiments", True),
            ("runs", True),
            ("logged-models", bool(store.logged_models)),
        ):
            if there:
                store.listings[listing] = not self.broken
        if store.models or store.versions:
            store.listings |= {"registered-models": not self.broken, "model-versions": not self.broken}

    def meta(self, folder: str, files: dict[str, str]) -> dict[str, Any] | Problem:
        """Return a thing's `meta.yaml`; without it the thing is not one of MLflow's."""
        if "meta.yaml" not in files:
            return self.problem(
                "missing-field", "the folder has no readable meta.yaml", f"{folder}/meta.yaml"
            )
        try:
            value = load_yaml(files["meta.yaml"])
        except MalformedError as error:
            return self.problem(error.code, error.reason, f"{folder}/meta.yaml", error.line)
        if not isinstance(value, dict):
            return self.problem("malformed-yaml", "the file holds no mapping", f"{folder}/meta.yaml")
        return {str(name): inner for name, inner in value.items() if inner is not None}

    def problem(self, code: str, reason: str, path: str, line: int = 0) -> Problem:
        self.broken.add(path)
        return Problem(code, reason, line=line, row=path)

    def text(self, path: str, member: Input) -> str | Problem:
        """Return the text of one small file; of a long metric history only its last lines."""
        try:
            with member.open() as stream:
                raw = stream.read(MAX_FILE + 1)
                if "/metrics/" in path:
                    while more := stream.read(MAX_FILE):
                        raw = raw[-4096:] + more
                    raw = raw[-4096:].partition(b"\n")[2] if len(raw) > 4096 else raw
        except (OSError, UnreadableInputError) as error:
            return self.problem("unreadable-file", f"the file cannot be read: {error}", path)
        if len(raw) > MAX_FILE:
            return self.problem("too-large", f"the file is larger than {MAX_FILE} bytes", path)
        try:
            return decode(raw)
        except MalformedError as error:
            return self.problem(error.code, error.reason, path)

    def runs(self) -> Iterator[Found]:
        """Yield each run with all its files."""
        members = (
            (place, path, member)
            for path, member in self.given.members()
            if (place := place_of_file(path)) is not None and place.kind == "run"
        )
        for folder, group in groupby(members, key=lambda entry: entry[0].folder):
            files: dict[str, str] = {}
            for place, path, member in group:
                text = self.text(path, member)
                if isinstance(text, Problem):
                    if place.path != "meta.yaml":
                        self.late.append(text)
                else:
                    files[place.path] = text
            meta = self.meta(folder, files)
            if not isinstance(meta, Problem):
                item = self.run(folder, files, meta)
                yield Found(item, files={f"{folder}/{path}": text for path, text in files.items()})

    def run(self, folder: str, files: dict[str, str], meta: dict[str, Any]) -> dict[str, Any]:
        experiment, _, run = folder.removeprefix(".trash/").partition("/")
        item = {name: value for name, value in meta.items() if name not in {"run_uuid", "tags"}}
        status = str(meta.get("status", "RUNNING"))
        item |= {
            "run_id": run,
            "experiment_id": experiment,
            "run_name": meta.get("run_name") or meta.get("name") or "",
            "status": _STATES.get(status, status),
            "tags": _below("tags", files),
            "params": _below("params", files),
            "metrics": {name: _metric(text) for name, text in _below("metrics", files).items()},
        }
        for path, text in sorted(files.items()):
            parts = path.split("/")
            if len(parts) != 3 or parts[2] != "meta.yaml" or parts[0] not in {"inputs", "outputs"}:
                continue
            try:
                edge = load_yaml(text)
            except MalformedError as error:
                self.late.append(self.problem(error.code, error.reason, f"{folder}/{path}", error.line))
                continue
            if isinstance(edge, dict):
                self.edge(item, parts, edge)
        return item

    def edge(self, item: dict[str, Any], parts: list[str], edge: dict[str, Any]) -> None:
        """Add one input or output; which run it belongs to is in the path, not in the file."""
        if parts[0] == "outputs":
            item.setdefault("model_outputs", []).append(
                {"model_id": parts[1], "step": milliseconds(edge.get("step")) or 0}
            )
        elif str(edge.get("source_type")) in {"MODEL", "RUN_INPUT", "MODEL_INPUT"}:
            item.setdefault("model_inputs", []).append({"model_id": edge.get("source_id")})
        else:
            row = self.datasets.get((item["experiment_id"], str(edge.get("source_id"))))
            entry = {"dataset": row, "dataset_id": edge.get("source_id"), "tags": pairs(edge.get("tags"))}
            item.setdefault("inputs", []).append(entry)


def _below(folder: str, files: dict[str, str]) -> dict[str, str]:
    """Return the files below `folder` by their path in it, which is the key, slashes and all."""
    start = f"{folder}/"
    return {path.removeprefix(start): text for path, text in files.items() if path.startswith(start)}


def _metric(text: str) -> dict[str, Any]:
    """Return the latest value of a metric: that of the greatest step, then time, as MLflow has it.

    A line is time, value, step; then dataset name and digest from 3.x on.
    """
    best: tuple[int, int, str] | None = None
    for line in text.splitlines():
        parts = line.split()
        if len(parts) < 2 or (time := milliseconds(parts[0])) is None:
            continue
        step = milliseconds(parts[2]) if len(parts) > 2 else 0
        found = (step or 0, time, parts[1])
        if best is None or found[:2] >= best[:2]:
            best = found
    if best is None:
        return {"value": clip(text)}
    return {"value": _number(best[2]), "timestamp": best[1], "step": best[0]}


def _number(text: str) -> float | str:
    try:
        value = float(text)
    except ValueError:
        return clip(text)
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _experiment(folder: str, files: dict[str, str], meta: dict[str, Any]) -> dict[str, Any]:
    return {**meta, "experiment_id": folder.rpartition("/")[2], "tags": _below("tags", files)}


def _dataset(folder: str, files: dict[str, str], meta: dict[str, Any]) -> dict[str, Any]:
    return {**meta, "experiment_id": folder.removeprefix(".trash/").partition("/")[0]}


def _model(folder: str, files: dict[str, str], meta: dict[str, Any]) -> dict[str, Any]:
    aliases = {name: str(version) for name, version in pairs(meta.get("aliases")).items()}
    aliases |= {name: text.strip() for name, text in _below("aliases", files).items()}
    model = _timed(meta, "_timestamp")
    return {
        **model,
        "name": meta.get("name", folder.rpartition("/")[2]),
        "tags": _below("tags", files),
        "aliases": aliases,
    }


def _version(folder: str, files: dict[str, str], meta: dict[str, Any]) -> dict[str, Any]:
    version = _timed(meta, "_timestamp")
    version.pop("aliases", None)
    number = str(meta.get("version") or folder.rpartition("version-")[2])
    return {**version, "version": number, "tags": _below("tags", files)}


def _logged_model(folder: str, files: dict[str, str], meta: dict[str, Any]) -> dict[str, Any]:
    model = _timed(meta, "_timestamp_ms", "_timestamp")
    if "artifact_uri" in model:
        model.setdefault("artifact_location", model.pop("artifact_uri"))
    status = str(meta.get("status", "0"))
    metrics = []
    for name, text in _below("metrics", files).items():
        parts = (text.splitlines() or [""])[-1].split()
        if len(parts) >= 4:
            metric = {
                "key": name,
                "value": _number(parts[1]),
                "timestamp": milliseconds(parts[0]),
                "run_id": parts[3],
            }
            metrics.append(
                {**metric, **dict(zip(("dataset_name", "dataset_digest"), parts[4:6], strict=False))}
            )
    return {
        **model,
        "model_id": folder.rpartition("/")[2],
        "experiment_id": folder.removeprefix(".trash/").partition("/")[0],
        "status": _MODEL_STATES.get(status, status),
        "tags": _below("tags", files),
        "params": _below("params", files),
        "metrics": metrics,
    }


def _timed(meta: dict[str, Any], *endings: str) -> dict[str, Any]:
    """Return `meta` with the names of its times as the database has them."""
    found = {}
    for name, value in meta.items():
        ending = next((ending for ending in endings if name.endswith(ending)), None)
        found[name.removesuffix(ending) + "_time" if ending else name] = value
    return found
