"""What do projects and exports of MLRun say? Models and datasets, the runs that made them, what serves them.

Read are project.yaml, single artifacts, runs, functions and model endpoints as YAML or JSON, and the lists that MLRun's
DB API answers with (`artifacts`, `runs`, `funcs`, `endpoints`, `projects`). A list shows an artifact once for each of
its tags, so an answer of up to 32 MiB is one record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _mlrun_facts as facts
from lineage.sources._said import Said, cut, parsed
from lineage.text import MalformedError, clip

NAME = "mlrun"
FORMAT = "MLRun project.yaml, artifacts, runs, functions, model endpoints: YAML, or JSON of the DB API"
PROVES = ("who", "when", "what", "lineage")

_LISTS = ("artifacts", "runs", "funcs", "functions", "endpoints", "projects")
_ARTIFACT_WORDS = frozenset({"db_key", "target_path", "producer", "model_file", "src_path", "import_from"})
_RUN_WORDS = frozenset({"output_path", "function", "handler", "hyper_param_options", "outputs"})
_SERVING = frozenset({"serving", "remote", "nuclio", "nuclio:serving"})
_JOBS = frozenset({"job", "handler", "local", "mpijob", "spark", "dask", "databricks", "application"})
_TEXT = re.compile(
    r'(?:^|[\s{,])"?(db_key|target_path|producer|artifact_uris|output_path|hyper_param_options|model_uri'
    r'|function_uri|artifact_path|endpoint_type)"?\s*:'
)


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is of MLRun: by the fields of its objects, which all have metadata and spec."""
    if sample.listing or not sample.text.strip() or "apiVersion" in sample.text:
        return 0.0
    words = set(_TEXT.findall(sample.text))
    if not words and "mlrun" not in sample.text:
        return 0.0
    value: Any = sample.first_json
    if value is None and sample.whole and sample.text.lstrip()[:1] not in {"{", "["}:
        try:
            value = parsed(Record(sample.head))
        except MalformedError:
            value = None
    if value is None:
        return 0.8 if len(words) >= 3 and '"metadata"' in sample.text else 0.0
    return 0.92 if any(kind_of(body) for body, _ in _objects(value, "", 0)) else 0.0


def kind_of(body: Mapping[str, Any]) -> str:
    """Return what an object is, by its fields; empty for none of MLRun's.

    >>> kind_of({"kind": "model", "metadata": {"key": "a", "tree": "t"}, "spec": {"db_key": "a"}})
    'artifact'
    """
    kind = body.get("kind")
    about, spec, status = (body.get(name) for name in ("metadata", "spec", "status"))
    if kind == "project" and isinstance(about, Mapping) and isinstance(spec, Mapping):
        return "project"
    if not isinstance(about, Mapping):
        flat = {"key", "db_key"} <= body.keys() and ({"tree", "target_path"} & body.keys())
        return "artifact" if flat else ""
    spec = spec if isinstance(spec, Mapping) else {}
    status = status if isinstance(status, Mapping) else {}
    if kind == "model-endpoint" or (
        "model_uri" in spec and ("function_uri" in spec or "first_request" in status)
    ):
        return "endpoint"
    if "key" in about and _ARTIFACT_WORDS & spec.keys():
        return "artifact"
    if "uid" in about and "state" in status and (_RUN_WORDS & spec.keys() or "artifact_uris" in status):
        return "run"
    if (
        isinstance(kind, str)
        and (kind in _SERVING or kind in _JOBS)
        and "name" in about
        and "project" in about
    ):
        return "function"
    return ""


def _objects(value: Any, listed: str, level: int) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the objects of MLRun in an answer, with the path of each."""
    if isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _objects(entry, f"{listed}[{number}]", level)
    elif isinstance(value, Mapping):
        if kind_of(value):
            yield value, listed
        elif level < 2:
            for name in ("data", "func", "project", "artifact", "run", *_LISTS):
                if name in value:
                    yield from _objects(value[name], name, level + 1)


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a whole answer, or its items where it is too large for one record; else documents and lines."""
    document = framing.whole(given)
    if isinstance(document, Record):
        raw = document.raw.lstrip(b"\xef\xbb\xbf \t\r\n")
        try:
            whole = (
                raw[:1] in (b"{", b"[")
                and len(document.raw) <= framing.MAX_RECORD
                and parsed(document) is not None
            )
        except MalformedError:
            whole = False
        if whole:
            yield document
            return
        if raw[:1] not in (b"{", b"["):
            yield from framing.yaml_documents(given)
            return
    yield from cut(given, *_LISTS)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what each object of a record states."""
    try:
        value = parsed(record)
    except MalformedError as error:
        line = max(error.line, 1) + record.line - 1 if record.line else 0
        return [Problem(error.code, error.reason, value=repr(record.raw[:80]), line=line)]
    zone = origin.label("timezone")
    objects = [(Said(body, zone, where), kind_of(body)) for body, where in _objects(value, "", 0)]
    if not objects:
        held = value if isinstance(value, dict) else {}
        if value == [] or any(held.get(name) == [] for name in _LISTS):
            return [Filtered("empty")]
        return [Problem("not-mlrun", "this is no object of MLRun", value=clip(value))]
    tags = _tags(objects)
    found: list[Fact | Problem | Filtered] = []
    left_out: list[Filtered] = []
    for said, kind in objects:
        for one in _one(said, kind, origin, tags):
            if isinstance(one, Filtered):
                left_out.append(one)
            else:
                found.append(one)
    return found or left_out[:1] or [Filtered("says-nothing")]


def _one(
    said: Said, kind: str, origin: Origin, tags: Mapping[tuple[str, ...], set[str]]
) -> Iterator[Fact | Problem | Filtered]:
    if kind == "artifact":
        return facts.artifact(said, origin, "", sorted(tags.get(_same(said), ())))
    if kind == "run":
        return facts.run(said, origin)
    if kind == "function":
        return facts.function(said, origin)
    return facts.endpoint(said, origin) if kind == "endpoint" else facts.project(said, origin)


def _same(said: Said) -> tuple[str, ...]:
    quiet = Said(said.body)
    about = quiet.part("metadata") if "metadata" in quiet.body else quiet
    spec = quiet.part("spec") if "spec" in quiet.body else quiet
    name = spec.text("db_key") or about.text("key")
    return about.text("project"), name, facts.identity_of(quiet)


def _tags(objects: list[tuple[Said, str]]) -> dict[tuple[str, ...], set[str]]:
    """Return the tags of each artifact in a list, which has one entry a tag."""
    found: dict[tuple[str, ...], set[str]] = {}
    for said, kind in objects:
        if kind == "artifact":
            quiet = Said(said.body)
            about = quiet.part("metadata") if "metadata" in quiet.body else quiet
            tag = about.text("tag")
            if tag:
                found.setdefault(_same(said), set()).add(tag)
    return found
