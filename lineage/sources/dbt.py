"""What do dbt's artifacts say of tables, the jobs that build them, their runs and tests, and the models they feed?

`manifest.json` v1 to v12, `run_results.json` v1 to v6, `sources.json` v1 to v3 and `catalog.json` v1, and their
forms before dbt 0.19; each is known by its content. A `target` folder that holds a manifest and nothing that is not
dbt's is one input: only the manifest knows which table a test is about. dbt-ol's events of the same invocation lose
seeds and skipped models and report skipped tests as failed; here stands what dbt itself recorded (sources-ops 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.errors import UnreadableInputError
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _dbt_nodes as nodes
from lineage.sources import _dbt_results as results
from lineage.sources._dbt_graph import Graph, invocation, items, mapping, word
from lineage.text import MalformedError, clip, dumps, loads

NAME = "dbt"
FORMAT = "dbt artifacts: manifest v1-v12, run_results v1-v6, sources v1-v3, catalog v1; JSON, also .gz"
PROVES = ("when", "what", "lineage")

_SCHEMA = re.compile(
    r'"dbt_schema_version"\s*:\s*"[^"]*/dbt/(manifest|run-results|sources|catalog|freshness)/v\d+'
)
_NODE = re.compile(r'"(?:model|seed|snapshot|source|test)\.\w+\.\w+')
_MANIFEST_FIELDS = frozenset({"nodes", "parent_map", "child_map"})
_OWN_FILES = frozenset(
    {
        "manifest.json",
        "run_results.json",
        "sources.json",
        "catalog.json",
        "semantic_manifest.json",
        "graph.gpickle",
        "graph_summary.json",
        "partial_parse.msgpack",
        "partial_parse.pickle",
        "perf_info.json",
        "index.html",
        "static_index.html",
    }
)
_OWN_FOLDERS = ("compiled/", "run/")
_READ = ("catalog.json", "manifest.json", "run_results.json", "sources.json")
_OTHERS = "joined by unique id: the manifest is of another invocation"


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is an artifact of dbt, or a `target` folder with a manifest and another."""
    if sample.listing:
        files = {_unpacked(name) for name in sample.listing}
        own = all(name in _OWN_FILES or name.startswith(_OWN_FOLDERS) for name in files)
        return 0.9 if own and "manifest.json" in files and len(files & set(_READ)) > 1 else 0.0
    if sample.text.lstrip()[:1] != "{":
        return 0.0
    if _SCHEMA.search(sample.text):
        return 0.97
    if sample.first_json is not None:
        return 0.8 if _artifact(mapping(sample.first_json)) else 0.0
    shaped = '"child_map"' in sample.text or ('"nodes"' in sample.text and '"fqn"' in sample.text)
    return 0.6 if shaped and _NODE.search(sample.text) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into one record for the project, one for each node, and one for each result with what the manifest adds."""
    members = {_unpacked(name): (name, member) for name, member in given.members()}
    if not members:
        document = _document(given, "")
        if isinstance(document, Problem):
            yield document
        else:
            yield from _cut(document, None, "")
        return
    graph: Graph | None = None
    if "manifest.json" in members:
        document = _document(members["manifest.json"][1], members["manifest.json"][0])
        if not isinstance(document, Problem) and _artifact(document) == "manifest":
            graph = Graph(document)
    for name in _READ:
        if name in members:
            shown, member = members[name]
            try:
                document = _document(member, shown)
            except UnreadableInputError as error:
                document = Problem("unreadable", error.what, row=shown)
            if isinstance(document, Problem):
                yield document
            else:
                yield from _cut(document, graph, f"{shown}#")


def _unpacked(name: str) -> str:
    return name[:-3] if name.lower().endswith(".gz") else name


def _document(given: Input, row: str) -> Mapping[str, Any] | Problem:
    whole = framing.whole(given)
    if isinstance(whole, Problem):
        return Problem(whole.code, whole.reason, whole.field, whole.value, whole.offset, whole.line, row)
    try:
        value = loads(whole.raw)
    except MalformedError as error:
        return Problem(
            error.code, error.reason, value=repr(whole.raw[:80]), offset=0, line=error.line or 1, row=row
        )
    if not isinstance(value, dict):
        return Problem(
            "not-an-object", "an artifact of dbt is an object", value=clip(value), offset=0, row=row
        )
    return value


def _artifact(document: Mapping[str, Any]) -> str:
    """Return which artifact this is: by the schema it names, else by its shape (before dbt 0.19); empty if none."""
    schema = word(mapping(document.get("metadata")).get("dbt_schema_version"))
    found = _SCHEMA.search(f'"dbt_schema_version": "{schema}"')
    if found:
        return {"run-results": "run_results", "freshness": "sources"}.get(found[1], found[1])
    if document.keys() >= _MANIFEST_FIELDS:
        return "manifest"
    given = document.get("results")
    first = mapping(given[0]) if isinstance(given, list) and given else {}
    if "elapsed_time" in document and ("unique_id" in first or "unique_id" in mapping(first.get("node"))):
        return "sources" if "snapshotted_at" in first else "run_results"
    if isinstance(document.get("sources"), dict) and "meta" in document and "nodes" not in document:
        return "sources"
    tables = [mapping(table) for table in list(mapping(document.get("nodes")).values())[:5]]
    listed = bool(tables) and all({"metadata", "columns", "stats"} <= table.keys() for table in tables)
    return "catalog" if listed else ""


def _cut(document: Mapping[str, Any], graph: Graph | None, place: str) -> Iterator[Record | Problem]:
    artifact = _artifact(document)
    if artifact == "manifest":
        for name, raw in Graph(document).records():
            yield Record(raw, row=f"{place}{name}")
    elif not artifact:
        yield Problem("not-recognised", "this is no artifact of dbt that is known here", offset=0, row=place)
    else:
        about = invocation(document)
        if not about.get("generated_at"):
            about |= {"generated_at": word(mapping(document.get("meta")).get("generated_at"))}
        for number, result in enumerate(_entries(document, artifact)):
            body = {"artifact": artifact, "about": about, "result": result}
            name = word(result.get("unique_id")) or word(mapping(result.get("node")).get("unique_id"))
            body |= _context(artifact, name, result, about, graph) if graph else {}
            yield Record(dumps(body), row=f"{place}{name or number}")


def _entries(document: Mapping[str, Any], artifact: str) -> Iterator[Mapping[str, Any]]:
    if artifact == "catalog":
        for container in ("nodes", "sources"):
            for name, table in mapping(document.get(container)).items():
                yield {"unique_id": name, **{key: value for key, value in mapping(table).items() if value}}
    elif isinstance(document.get("sources"), dict):
        for name, checked in mapping(document.get("sources")).items():
            yield {"unique_id": name, **mapping(checked)}
    else:
        yield from map(mapping, items(document.get("results")))


def _context(
    artifact: str, name: str, result: Mapping[str, Any], about: Mapping[str, Any], graph: Graph
) -> dict[str, Any]:
    """Return what the manifest beside an artifact adds to a result, unless the result itself speaks against it."""
    place = {field: graph.about.get(field) for field in ("project", "adapter")}
    held = bool(graph.node(name))
    if artifact == "catalog":
        return {"place": place} | ({"relation": graph.relation(name)} if held else {})
    if not held:
        return {}
    same = bool(about.get("invocation_id")) and about.get("invocation_id") == graph.about.get("invocation_id")
    joined: dict[str, Any] = {} if same else {"joined_by": _OTHERS}
    if artifact == "sources":
        return {"place": place, "relation": graph.relation(name)} | joined
    if name.partition(".")[0] not in ("test", "unit_test"):
        return {}
    check = graph.check(name)
    code = word(result.get("compiled_code")) or word(result.get("compiled_sql"))
    relation = word(mapping(check.get("of")).get("relation_name"))
    if not same and code and relation:
        if relation not in code:
            # The test ran against the table of another target than the one the manifest was written for.
            check.pop("of")
            return {"check": check}
        joined = {}
    return {"place": place, "check": check} | joined


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what one node or one result states."""
    try:
        body = mapping(loads(record.raw))
    except MalformedError as error:
        return [Problem(error.code, error.reason, value=repr(record.raw[:80]))]
    return list((nodes if body.get("artifact") == "manifest" else results).read(body, origin))
