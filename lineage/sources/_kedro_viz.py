"""Which records does the JSON that Kedro-Viz builds make: nodes of the pipelines, and how their last run went?

`main` holds nodes and edges, `nodes/<id>` the details of each; so one record is put together for each node of a
pipeline, and one for the run. Edges to or from groups of nodes (`modularPipeline`) repeat those inside them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.errors import UnreadableInputError
from lineage.source import Input, Origin, Problem, Record
from lineage.sources._kedro_places import SECRET, slug
from lineage.text import MalformedError, dumps, loads

_DATA = "data"
_SOURCE = re.compile(r"([^/]+)/src/")


class Viz:
    """What one build of Kedro-Viz holds."""

    def __init__(self, members: Mapping[str, Input], origin: Origin) -> None:
        self._members = members
        self._origin = origin
        self._problems: list[Problem] = []
        self._nodes: dict[str, Mapping[str, Any]] = {}
        self._reads: dict[str, list[str]] = defaultdict(list)
        self._writes: dict[str, list[str]] = defaultdict(list)

    def records(self) -> Iterator[Record | Problem]:
        """Yield a record for each node of a pipeline and one for the run; what cannot be read as problems."""
        main = self._json("main")
        if isinstance(main, Mapping):
            self._take(main)
            details = {number: self._json(f"nodes/{number}") for number in self._nodes}
            project = slug(self._origin.label("project")) or _project(details.values())
            project = project or slug(self._origin.folder) or "unnamed"
            data = {
                number: _dataset(node, details[number])
                for number, node in self._nodes.items()
                if node.get("type") == _DATA
            }
            tasks = {
                number: self._task(number, node, details[number], data)
                for number, node in self._nodes.items()
                if node.get("type") == "task"
            }
            for number, task in tasks.items():
                yield Record(dumps({"kind": "task", "project": project, "task": task}), row=f"main#{number}")
            status = self._json("run-status")
            if isinstance(status, Mapping) and isinstance(status.get("pipeline"), Mapping):
                yield Record(dumps(self._run(project, status, tasks)), row="run-status")
        elif not self._problems:
            self._problems.append(Problem("bad-type", "the JSON of Kedro-Viz is an object", row="main"))
        yield from self._problems

    def _take(self, main: Mapping[str, Any]) -> None:
        for node in _items(main, "nodes"):
            if isinstance(node, Mapping) and isinstance(node.get("id"), str):
                self._nodes[node["id"]] = node
        for edge in _items(main, "edges"):
            if not isinstance(edge, Mapping):
                continue
            source, target = edge.get("source"), edge.get("target")
            if not isinstance(source, str) or not isinstance(target, str):
                continue
            kinds = tuple(self._nodes.get(end, {}).get("type") for end in (source, target))
            if kinds == (_DATA, "task"):
                self._reads[target].append(source)
            elif kinds == ("task", _DATA):
                self._writes[source].append(target)

    def _task(
        self, number: str, node: Mapping[str, Any], details: Any, data: Mapping[str, dict[str, Any]]
    ) -> dict[str, Any]:
        said = details if isinstance(details, Mapping) else {}
        return {
            "id": number,
            "name": node.get("full_name") or node.get("name"),
            "pipelines": node.get("pipelines"),
            "tags": node.get("tags"),
            "parameters": dict(_flat(node.get("parameters") or said.get("parameters"))),
            "code": said.get("filepath"),
            "inputs": sorted((data[end] for end in set(self._reads[number])), key=dumps),
            "outputs": sorted((data[end] for end in set(self._writes[number])), key=dumps),
        }

    def _run(
        self, project: str, status: Mapping[str, Any], tasks: Mapping[str, dict[str, Any]]
    ) -> dict[str, Any]:
        nodes = status.get("nodes")
        ran = nodes if isinstance(nodes, Mapping) else {}
        return {
            "kind": "run",
            "project": project,
            "run": status["pipeline"],
            "tasks": [
                {"task": tasks[number], "ran": ran[number]} for number in sorted(ran) if number in tasks
            ],
        }

    def _json(self, name: str) -> Any:
        member = self._members.get(name)
        if member is None:
            return None
        try:
            whole = framing.whole(member)
            if isinstance(whole, Record):
                return loads(whole.raw)
            problem = Problem(whole.code, whole.reason, offset=whole.offset, line=whole.line, row=name)
        except UnreadableInputError as error:
            problem = Problem("unreadable", error.what, row=name)
        except MalformedError as error:
            problem = Problem(error.code, error.reason, line=error.line or 1, offset=0, row=name)
        self._problems.append(problem)
        return None


def _project(details: Any) -> str:
    """Return the folder of the project, in which the code of its nodes lies; empty where they do not agree."""
    found = set()
    for said in details:
        path = said.get("filepath") if isinstance(said, Mapping) and "code" in said else None
        named = _SOURCE.match(path) if isinstance(path, str) else None
        if named:
            found.add(named[1])
    return slug(found.pop()) if len(found) == 1 else ""


def _dataset(node: Mapping[str, Any], details: Any) -> dict[str, Any]:
    said = details if isinstance(details, Mapping) else {}
    return {
        "name": node.get("name"),
        "type": node.get("dataset_type") or said.get("type"),
        "layer": node.get("layer"),
        "filepath": said.get("filepath"),
    }


def _flat(said: Any, above: str = "", level: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield parameters under their names joined by dots, without those that are secret by their names."""
    for name, value in said.items() if isinstance(said, Mapping) else ():
        if SECRET.search(str(name)):
            continue
        if isinstance(value, Mapping):
            if level < 20:
                yield from _flat(value, f"{above}{name}.", level + 1)
        else:
            yield f"{above}{name}", value


def _items(body: Mapping[str, Any], name: str) -> list[Any]:
    found = body.get(name)
    return found if isinstance(found, list) else []
