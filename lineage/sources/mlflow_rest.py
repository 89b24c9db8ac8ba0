"""What do saved answers of MLflow's REST API hold? The same as its database, as far as the server shows it.

Two shapes: a call a line (`method`, `path`, `query`, `body`, `status`, `response` as text), as `modeltrail import
https://...` keeps them, and the plain answer of one search or get. What REST hides is in sources-ml 2.2: no deleted
versions, no prompts, `runs/search` without the models a run read, `model-versions/search` without aliases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lineage.framing import lines, whole
from lineage.model.facts import Fact
from lineage.model.moment import parse
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _mlflow_facts as facts
from lineage.sources._epoch_times import milliseconds
from lineage.sources._mlflow_snapshot import Found, Store, ran_by, records_of
from lineage.sources._mlflow_values import pairs
from lineage.text import MalformedError, clip, dumps, loads

NAME = "mlflow-rest"
FORMAT = "MLflow REST API answers, saved: one call a line (JSON lines) or the JSON of one answer"
PROVES = ("who", "when", "what", "lineage")


class _Endpoint(NamedTuple):
    """One endpoint: the key of its items in the answer, what they are, and how much they are to be preferred."""

    key: str
    kind: str
    rank: int
    listing: str = ""


_ENDPOINTS = {
    "experiments/search": _Endpoint("experiments", "experiment", 1, "experiments"),
    "experiments/list": _Endpoint("experiments", "experiment", 1),
    "experiments/get": _Endpoint("experiment", "experiment", 2),
    "experiments/get-by-name": _Endpoint("experiment", "experiment", 2),
    "runs/search": _Endpoint("runs", "run", 1, "runs"),
    "runs/get": _Endpoint("run", "run", 2),
    "registered-models/search": _Endpoint("registered_models", "model", 1, "registered-models"),
    "registered-models/list": _Endpoint("registered_models", "model", 1),
    "registered-models/get": _Endpoint("registered_model", "model", 2),
    "model-versions/search": _Endpoint("model_versions", "version", 1, "model-versions"),
    "model-versions/get": _Endpoint("model_version", "version", 2),
    "logged-models/search": _Endpoint("models", "logged-model", 1, "logged-models"),
    "logged-models/get": _Endpoint("model", "logged-model", 2),
}
_PATH = re.compile(r"/mlflow/([a-z-]+/[a-z-]+)$")
_LOGGED_PATH = re.compile(r"/mlflow/logged-models/m-[0-9a-f]+$")
_CALL = re.compile(r'"path"\s*:\s*"[^"]*/mlflow/[a-z-]+/')
_PLAIN = (
    (
        re.compile(r'^\s*\{\s*"(?:runs"\s*:\s*\[\s*\{|run"\s*:\s*\{)\s*"info"\s*:\s*\{'),
        re.compile(r'"run_(?:uu)?id"'),
    ),
    (
        re.compile(r'^\s*\{\s*"(?:models"\s*:\s*\[\s*\{|model"\s*:\s*\{)\s*"info"\s*:\s*\{'),
        re.compile(r'"model_id"'),
    ),
    (
        re.compile(r'^\s*\{\s*"(?:experiments"\s*:\s*\[\s*\{|experiment"\s*:\s*\{)'),
        re.compile(r'"artifact_location"'),
    ),
    (
        re.compile(r'^\s*\{\s*"registered_models?"\s*:\s*[\[{]'),
        re.compile(r'"(?:creation|last_updated)_timestamp"'),
    ),
    (
        re.compile(r'^\s*\{\s*"model_versions?"\s*:\s*[\[{]'),
        re.compile(r'"(?:creation|last_updated)_timestamp"'),
    ),
)
_PLAIN_KEYS = {
    "experiments": "experiments/search",
    "experiment": "experiments/get",
    "runs": "runs/search",
    "run": "runs/get",
    "registered_models": "registered-models/search",
    "registered_model": "registered-models/get",
    "model_versions": "model-versions/search",
    "model_version": "model-versions/get",
    "models": "logged-models/search",
    "model": "logged-models/get",
}


class _Call(NamedTuple):
    """One call: what was asked, the answer, and the record it stands in. `asked` is None for a plain answer."""

    endpoint: str
    answer: dict[str, Any]
    record: Record
    asked: dict[str, Any] | None


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are answers of MLflow: calls to its paths, or the shape of one answer."""
    text = sample.text
    if not text.lstrip().startswith("{"):
        return 0.0
    if _CALL.search(text) and '"response"' in text:
        return 0.95
    return 0.9 if any(begin.search(text) and field.search(text) for begin, field in _PLAIN) else 0.0


def read(record: Record, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what one record states: an item of an answer, or a call that says nothing of lineage."""
    if record.row.startswith("call/"):
        yield Filtered(record.row.removeprefix("call/"))
        return
    yield from facts.read(record)


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a record for each thing that the answers show, each call that is of no use, and each that failed."""
    reader = _Reader(lambda: _calls(given))
    yield from reader.look()
    yield from records_of(reader.store, origin)


def _calls(given: Input) -> Iterator[_Call | Record | Problem]:
    """Yield the useful calls, the useless ones as records, and what cannot be read or failed."""
    for record in _pieces(given):
        if isinstance(record, Problem):
            yield record
            continue
        try:
            value = loads(record.raw)
        except MalformedError as error:
            yield Problem(
                error.code, error.reason, value=clip(record.raw[:80]), line=record.line, offset=record.offset
            )
            continue
        if not isinstance(value, dict):
            yield Problem("not-a-call", "the line is no call and no answer of MLflow", line=record.line)
        elif "path" in value and "response" in value:
            yield _call(value, record)
        else:
            key = next((key for key in _PLAIN_KEYS if key in value), None)
            if key is None:
                yield Record(record.raw, record.offset, record.line, "call/no-answer")
            else:
                yield _Call(_PLAIN_KEYS[key], value, record, None)


def _pieces(given: Input) -> Iterator[Record | Problem]:
    """Cut the input into calls: lines where the first line is one whole value, else all of it."""
    with given.open() as stream:
        head = stream.read(1 << 20).lstrip(b"\xef\xbb\xbf \t\r\n")
    first, newline, after = head.partition(b"\n")
    try:
        json.loads(first)
        by_line = bool(newline and after.strip()) or b'"response"' in first
    except (ValueError, RecursionError):
        by_line = not newline and b'"path"' in first[:65_536]
    if by_line:
        yield from lines(given)
    else:
        yield whole(given)


def _call(value: dict[str, Any], record: Record) -> _Call | Record | Problem:
    path = str(value.get("path") or "").partition("?")[0]
    found = _PATH.search(path)
    endpoint = found.group(1) if found else ""
    if _LOGGED_PATH.search(path):
        endpoint = "logged-models/get"
    status = milliseconds(value.get("status"))
    if endpoint not in _ENDPOINTS:
        return Record(record.raw, record.offset, record.line, "call/call-not-relevant")
    if status == 404:
        return Record(record.raw, record.offset, record.line, "call/http-404")
    if status != 200:
        reason = f"the server answered {status} to {endpoint}: what it would have shown is missing"
        answer = clip(value.get("response"))
        return Problem("call-failed", reason, "status", answer, record.offset, record.line, f"{endpoint}")
    answer = value["response"]
    if isinstance(answer, str):
        try:
            answer = loads(answer)
        except MalformedError as error:
            reason = f"the answer to {endpoint} is not JSON: {error.reason}"
            return Problem(error.code, reason, "response", clip(answer), record.offset, record.line)
    if not isinstance(answer, dict):
        reason = f"the answer to {endpoint} is no object"
        return Problem("missing-field", reason, "response", clip(answer), record.offset, record.line)
    asked = {**pairs(value.get("query")), **pairs(value.get("body")), "at": value.get("at")}
    if isinstance(value.get("workspace"), str):
        asked["workspace"] = value["workspace"]
    return _Call(endpoint, answer, record, asked)


class _Reader:
    """Reads all calls twice: first to see what there is and join it, then to give the runs one by one."""

    def __init__(self, calls: Callable[[], Iterator[_Call | Record | Problem]]) -> None:
        self.calls = calls
        self.store = Store("rest")
        self.best: dict[tuple[str, str], tuple[int, int, int]] = {}
        self.found: dict[tuple[str, str], Found] = {}
        self.pages: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
        self.unasked: set[str] = set()
        self.failed: set[str] = set()
        self.datasets: dict[str, Found] = {}

    def look(self) -> Iterator[Record | Problem]:
        """Read the calls once, fill the store, and yield what is no item of it."""
        for call in self.calls():
            if not isinstance(call, _Call):
                if isinstance(call, Problem) and call.row:
                    self.failed.add(call.row)
                yield call
                continue
            self.note(call)
            for number, (kind, name, item, rank) in enumerate(_items(call)):
                self.take(kind, name, Found(item, call.record.line, call.record.offset), rank, number)
        store = self.store
        by_kind = {
            "experiment": store.experiments,
            "model": store.models,
            "version": store.versions,
            "logged-model": store.logged_models,
        }
        for (kind, _), found in sorted(self.found.items(), key=lambda pair: pair[0]):
            by_kind[kind].append(found)
            store.times += [value for name in _TIMES if isinstance(value := found.item.get(name), int)]
        store.datasets += self.datasets.values()
        workspaces = {found.item.get("workspace") for found in store.experiments} - {None}
        if len(workspaces) == 1:
            store.workspace = str(workspaces.pop())
        store.runs = self.runs
        experiments = {str(found.item["experiment_id"]) for found in store.experiments}
        for endpoint, pages in self.pages.items():
            listing = _ENDPOINTS[endpoint].listing
            if listing:
                store.listings[listing] = endpoint not in self.failed and _complete(
                    endpoint, pages, experiments
                )
        whole_experiments = store.listings.get("experiments", False)
        for listing in ("runs", "logged-models"):
            if listing in store.listings and not whole_experiments:
                store.listings[listing] = False
        if store.listings.get("runs"):
            store.run_ids = {name for kind, name in self.best if kind == "run"}

    def note(self, call: _Call) -> None:
        """Keep what tells whether a listing was shown whole, and when."""
        asked = call.asked
        token = str(call.answer.get("next_page_token") or "")
        mine = str((asked or {}).get("page_token") or "")
        self.pages.setdefault(call.endpoint, []).append(
            (mine, token, {"plain": True} if asked is None else asked)
        )
        if asked and isinstance(asked.get("at"), str):
            try:
                at = parse(asked["at"]).lo
            except ValueError:
                return
            self.store.said_at = max(at, self.store.said_at or at)
        if asked and asked.get("workspace"):
            self.store.workspace = str(asked["workspace"])

    def take(self, kind: str, name: str, found: Found, rank: int, number: int) -> None:
        """Keep the fullest and latest answer on each thing; of runs only where it stands, and what others need."""
        place = (rank, found.line, number)
        if self.best.get((kind, name), (-1, 0, 0)) > place:
            return
        self.best[kind, name] = place
        if kind != "run":
            self.found[kind, name] = found
            return
        item = found.item
        self.store.ran[name] = ran_by(item["tags"], item.get("user_id"))
        times = [value for field in ("start_time", "end_time") if isinstance(value := item.get(field), int)]
        self.store.times.append(max(times, default=0))
        for entry in item["inputs"]:
            row = {**entry["dataset"], "experiment_id": item.get("experiment_id")}
            key = "\x00".join(str(row.get(part)) for part in ("experiment_id", "name", "digest", "source"))
            self.datasets.setdefault(key, Found(row, found.line, found.offset))

    def runs(self) -> Iterator[Found]:
        """Yield each run from the call that says most of it."""
        for call in self.calls():
            if isinstance(call, _Call) and _ENDPOINTS[call.endpoint].kind == "run":
                for number, (kind, name, item, rank) in enumerate(_items(call)):
                    if self.best.get((kind, name)) == (rank, call.record.line, number):
                        for entry in item["inputs"]:
                            entry["dataset"] = {
                                key: value
                                for key, value in entry["dataset"].items()
                                if key not in {"schema", "profile"}
                            }
                        yield Found(item, call.record.line, call.record.offset)


_TIMES = (
    "creation_time",
    "last_update_time",
    "last_updated_time",
)


def _items(call: _Call) -> Iterator[tuple[str, str, dict[str, Any], int]]:
    """Yield what the answer lists: kind, name, item in the common shape, and rank."""
    endpoint = _ENDPOINTS[call.endpoint]
    listed = call.answer.get(endpoint.key)
    for item in listed if isinstance(listed, list) else [listed]:
        if not isinstance(item, dict):
            continue
        if endpoint.kind == "experiment" and "experiment_id" in item:
            yield (
                "experiment",
                str(item["experiment_id"]),
                {**item, "tags": pairs(item.get("tags"))},
                endpoint.rank,
            )
        elif endpoint.kind == "run" and isinstance(item.get("info"), dict):
            run = _run(item)
            yield "run", run["run_id"], run, endpoint.rank
        elif endpoint.kind == "logged-model" and isinstance(item.get("info"), dict):
            model = _logged_model(item)
            yield "logged-model", str(model.get("model_id")), model, endpoint.rank
        elif endpoint.kind == "version" and "name" in item:
            yield "version", f"{item['name']}/{item.get('version')}", _version(item), endpoint.rank
        elif endpoint.kind == "model" and "name" in item:
            latest = item.get("latest_versions")
            yield "model", str(item["name"]), _model(item), endpoint.rank
            for version in latest if isinstance(latest, list) else []:
                if isinstance(version, dict) and "name" in version:
                    yield "version", f"{version['name']}/{version.get('version')}", _version(version), 0


def _run(item: dict[str, Any]) -> dict[str, Any]:
    info = item["info"]
    said = _dict(item.get("data"))
    inputs = _dict(item.get("inputs"))
    outputs = _dict(item.get("outputs"))
    run = {name: value for name, value in info.items() if name != "run_uuid"}
    run["run_id"] = str(info.get("run_id") or info.get("run_uuid") or "")
    run["tags"] = pairs(said.get("tags"))
    run["params"] = pairs(said.get("params"))
    run["metrics"] = {
        str(metric.get("key")): {name: metric.get(name) for name in ("value", "timestamp", "step")}
        for metric in _dicts(said.get("metrics"))
    }
    run["inputs"] = [
        {"dataset": entry["dataset"], "tags": pairs(entry.get("tags"))}
        for entry in _dicts(inputs.get("dataset_inputs"))
        if isinstance(entry.get("dataset"), dict)
    ]
    run["model_inputs"] = _dicts(inputs.get("model_inputs"))
    run["model_outputs"] = _dicts(outputs.get("model_outputs"))
    return run


def _logged_model(item: dict[str, Any]) -> dict[str, Any]:
    said = _dict(item.get("data"))
    model = _renamed(item["info"], ("_timestamp_ms", "_time"), ("artifact_uri", "artifact_location"))
    status = str(model.get("status") or "").removeprefix("LOGGED_MODEL_")
    model["status"] = {"UPLOAD_FAILED": "FAILED", "STATUS_UNSPECIFIED": "UNSPECIFIED"}.get(status, status)
    model["tags"] = pairs(model.get("tags"))
    model["params"] = pairs(said.get("params"))
    model["metrics"] = _dicts(said.get("metrics"))
    return model


def _model(item: dict[str, Any]) -> dict[str, Any]:
    model = _renamed(item, ("_timestamp", "_time"))
    model.pop("latest_versions", None)
    model["tags"] = pairs(model.get("tags"))
    model["aliases"] = {
        str(entry.get("alias")): str(entry.get("version")) for entry in _dicts(model.get("aliases"))
    }
    return model


def _version(item: dict[str, Any]) -> dict[str, Any]:
    version = _renamed(item, ("_timestamp", "_time"))
    version["version"] = str(version.get("version", ""))
    version["tags"] = pairs(version.get("tags"))
    return version


def _renamed(item: dict[str, Any], *changes: tuple[str, str]) -> dict[str, Any]:
    """Return `item` with the endings of its field names changed to those of the database."""
    found = {}
    for name, value in item.items():
        for old, new in changes:
            if name.endswith(old):
                found[name.removesuffix(old) + new] = value
                break
        else:
            found[name] = value
    return found


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _complete(endpoint: str, pages: list[tuple[str, str, dict[str, Any]]], experiments: set[str]) -> bool:
    """Tell whether all pages of a listing are there, unfiltered and with what was deleted.

    Tokens are those of one search: two searches of other experiments may use the same ones.
    """
    searches: dict[bytes, list[tuple[str, str]]] = {}
    for mine, token, asked in pages:
        if asked.get("plain") or asked.get("filter") or asked.get("filter_string"):
            return False
        search = dumps({name: value for name, value in asked.items() if name not in {"page_token", "at"}})
        searches.setdefault(search, []).append((mine, token))
    for found in searches.values():
        asked_for = {mine for mine, _ in found}
        if "" not in asked_for or not {token for _, token in found} <= asked_for | {""}:
            return False
    if endpoint == "experiments/search":
        return all(asked.get("view_type") == "ALL" for _, _, asked in pages)
    if endpoint in {"runs/search", "logged-models/search"}:
        view = endpoint == "logged-models/search" or all(
            asked.get("run_view_type") == "ALL" for _, _, asked in pages
        )
        covered = {str(number) for _, _, asked in pages for number in asked.get("experiment_ids") or ()}
        return view and experiments <= covered
    return True
