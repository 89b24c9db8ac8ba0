"""What feeds a thing and what does it feed: on graphs small enough to draw on paper."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lineage
from lineage.graph.reach import between, build
from lineage.workspace import Workspace

HOUR = "2026-01-{day:02d}T10:{minute:02d}:00Z"
JOBS = {"copy b": (["a"], ["b"]), "copy c": (["a"], ["c"]), "join": (["b", "c"], ["d"])}


def event(
    job: str,
    inputs: list[str],
    outputs: list[str],
    *,
    day: int = 1,
    minute: int = 0,
    columns: dict[str, dict[str, list[str]]] | None = None,
) -> dict[str, object]:
    """Return one completed run of a job, with the columns of its outputs where it says them."""
    number = sum(map(ord, job)) * 10_000 + day * 100 + minute

    def dataset(name: str) -> dict[str, object]:
        said: dict[str, object] = {"namespace": "s3://lake", "name": name}
        if columns and name in columns:
            fields = {
                column: {
                    "inputFields": [
                        {"namespace": "s3://lake", "name": source, "field": column} for source in sources
                    ]
                }
                for column, sources in columns[name].items()
            }
            facet = {
                "_producer": "https://example.com/etl",
                "_schemaURL": "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json",
                "fields": fields,
            }
            said["facets"] = {"columnLineage": facet}
        return said

    return {
        "eventType": "COMPLETE",
        "eventTime": HOUR.format(day=day, minute=minute),
        "producer": "https://example.com/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": f"01900000-0000-7000-8000-{number:012d}"},
        "job": {"namespace": "etl", "name": job},
        "inputs": [dataset(name) for name in inputs],
        "outputs": [dataset(name) for name in outputs],
    }


def opened(place: Path) -> Workspace:
    """The workspace, open."""
    return lineage.open(place)


def names(answer: Any) -> dict[str, int]:
    """The depth of each thing in a trace, by its short name."""
    return {node["name"]: node["depth"] for node in answer.items[0]["nodes"]}


@pytest.fixture
def diamond(imported: Callable[..., Path]) -> Path:
    """One dataset goes two ways into one: a -> b, a -> c, b + c -> d."""
    return imported(*(event(job, *sides) for job, sides in JOBS.items()), name="events.ndjson")


def test_a_diamond_has_two_ways_and_each_thing_once(diamond: Path) -> None:
    """From the top everything is seen once, at its least distance; the paths are exactly two."""
    with opened(diamond) as workspace:
        down = workspace.trace("s3://lake/a", down=9)
        up = workspace.trace("s3://lake/d", up=9)
        paths = workspace.paths("s3://lake/a", "s3://lake/d").items[0]

    assert names(down) == {"a": 0, "copy b": 1, "copy c": 1, "b": 2, "c": 2, "join": 3, "d": 4}
    assert names(up) == {"d": 0, "join": -1, "b": -2, "c": -2, "copy b": -3, "copy c": -3, "a": -4}
    assert {(edge["from"], edge["to"]) for edge in down.items[0]["edges"]} == {
        (edge["from"], edge["to"]) for edge in up.items[0]["edges"]
    }
    assert paths["count"] == 2
    assert [path[2].rpartition("|")[2] for path in paths["paths"]] == ["b", "c"]


def test_hops_are_counted_and_one_direction_is_one_direction(diamond: Path) -> None:
    """`--up 1` shows one step upstream and nothing downstream."""
    with opened(diamond) as workspace:
        assert names(workspace.trace("s3://lake/b", up=1)) == {"b": 0, "copy b": -1}
        assert names(workspace.trace("s3://lake/b", down=2)) == {"b": 0, "join": 1, "d": 2}
        assert len(names(workspace.trace("s3://lake/b"))) == 5


def test_operators_select_what_a_trace_shows(diamond: Path) -> None:
    """`+x`, `x+1`, `x..y`, `&`, without: the same things as a walk on paper."""
    with opened(diamond) as workspace:

        def selected(text: str) -> set[str]:
            return {item["name"] for item in workspace.entities(text).items}

        assert selected("+s3://lake/b") == {"a", "copy b", "b"}
        assert selected("s3://lake/a+1") == {"a", "copy b", "copy c"}
        assert selected("s3://lake/a..s3://lake/b") == {"a", "copy b", "b"}
        assert selected("s3://lake/a+ & kind:dataset -s3://lake/d") == {"a", "b", "c"}
        assert selected("kind:job & ns:etl") == {"copy b", "copy c", "join"}
        assert selected("s3://lake/*") == {"a", "b", "c", "d"}
        assert selected("source:openlineage, -kind:job") == {"a", "b", "c", "d"}


def test_a_circle_ends(imported: Callable[..., Path]) -> None:
    """A feedback loop is walked once; paths that pass nothing twice are counted."""
    place = imported(
        event("fit", ["features", "labels"], ["scores"]),
        event("feed back", ["scores"], ["labels"]),
        event("serve", ["scores"], ["answers"]),
        name="events.ndjson",
    )
    with opened(place) as workspace:
        around = names(workspace.trace("s3://lake/labels", down=99))
        paths = workspace.paths("s3://lake/features", "s3://lake/answers").items[0]

    assert set(around) == {"labels", "fit", "scores", "feed back", "serve", "answers"}
    assert paths["count"] == len(paths["paths"]) == 1


def test_a_job_that_names_its_columns_does_not_mix_its_outputs(imported: Callable[..., Path]) -> None:
    """Where column lineage says which input fed which output, the other input is not shown; the job is one card."""
    place = imported(
        event(
            "split",
            ["left", "right"],
            ["from_left", "from_right"],
            columns={"from_left": {"x": ["left"]}, "from_right": {"y": ["right"]}},
        ),
        name="events.ndjson",
    )
    with opened(place) as workspace:
        up = workspace.trace("s3://lake/from_left", up=9)
        job = workspace.trace("split", up=1, down=1)
        paths = workspace.paths("s3://lake/left", "s3://lake/from_left").items[0]
        crossed = workspace.paths("s3://lake/left", "s3://lake/from_right").items[0]
        to_job = workspace.paths("s3://lake/left", "split").items[0]

    datasets = {node["name"] for node in up.items[0]["nodes"] if node["kind"] == "dataset"}
    assert datasets == {"from_left", "left"}
    assert [node["name"] for node in up.items[0]["nodes"] if node["kind"] == "job"] == ["split"]
    assert len([node for node in job.items[0]["nodes"] if node["kind"] == "dataset"]) == 4
    assert (paths["count"], crossed["count"], to_job["count"]) == (1, 0, 1)
    assert paths["display"][0][1] == "split"


def test_an_edge_is_shown_while_it_held(imported: Callable[..., Path]) -> None:
    """There is no edge before the first run; what three complete runs no longer use ended with the first of them."""
    runs = [event("load", ["old", "kept"], ["out"], day=day) for day in (2, 3)]
    runs += [event("load", ["kept"], ["out"], day=day) for day in (4, 5, 6)]
    place = imported(*runs, name="events.ndjson")
    with opened(place) as workspace:

        def fed_by(**how: Any) -> set[str]:
            return set(names(workspace.trace("s3://lake/out", up=9, **how))) - {"out", "load"}

        assert fed_by(as_of="2026-01-01") == set()
        assert fed_by(as_of="2026-01-03T12:00:00Z") == {"old", "kept"}
        assert fed_by(as_of="2026-01-05") == {"kept"}
        assert fed_by() == {"kept"}
        assert fed_by(ever=True) == {"old", "kept"}
        ended = [
            edge
            for edge in workspace.trace("s3://lake/old", down=1, ever=True).items[0]["edges"]
            if edge["valid_to"]
        ]
    assert [(edge["valid_from"], edge["valid_to"]) for edge in ended] == [
        ("2026-01-02T10:00:00Z", "2026-01-04T10:00:00Z")
    ]


def test_what_is_said_every_day_is_one_edge(imported: Callable[..., Path]) -> None:
    """Column lineage repeated by each run is one edge, from the first record that says so."""
    columns = {"out": {"x": ["in"]}}
    place = imported(
        *(event("load", ["in"], ["out"], day=day, columns=columns) for day in range(1, 8)),
        name="events.ndjson",
    )
    with opened(place) as workspace:
        item = workspace.trace("s3://lake/out#x", up=1).items[0]

    (edge,) = item["edges"]
    assert (edge["type"], edge["basis"], edge["valid_from"]) == (
        "column",
        "column-exact",
        "2026-01-01T10:00:00Z",
    )
    assert edge["evidence"][0]["line"] == 1


def test_a_serving_edge_that_only_a_listing_shows_is_bounded(sample_files: Path, tmp_path: Path) -> None:
    """The edge from model version to service begins between two times, and a question inside them shows it so."""
    seen = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "scorer", "namespace": "fraud", "creationTimestamp": "2026-10-05T10:00:00Z"},
        "spec": {"predictor": {"model": {"storageUri": "models:/eta-parcel/8"}}},
    }
    listing = tmp_path / "services.json"
    listing.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [seen]}), "utf-8")
    with opened(tmp_path / "made.trail") as workspace:
        workspace.import_([sample_files / "mlflow/mlflow.db"])
        workspace.import_([listing], labels={"cluster": "prod", "observed_at": "2026-11-01T00:00:00Z"})
        before = workspace.trace("prod/fraud/scorer", up=1, as_of="2026-10-01").items[0]["edges"]
        inside = workspace.trace("prod/fraud/scorer", up=1, as_of="2026-10-20").items[0]["edges"]

    assert before == []
    (edge,) = inside
    assert edge["valid_from"] == {"not_before": "2026-10-05T10:00:00Z", "not_after": "2026-11-01T00:00:00Z"}
    assert edge["_text"] == "valid_from: between 2026-10-05T10:00:00Z and 2026-11-01T00:00:00Z"


def test_a_model_is_traced_through_its_versions(company_workspace: Workspace) -> None:
    """Lineage of a model is that of its versions; of one that was deleted it is still there when asked for."""
    near = names(company_workspace.trace("eta-parcel", up=1))
    paths = company_workspace.paths("raw/scans", "eta-parcel").items[0]

    assert {name for name, depth in near.items() if depth == 0} >= {"eta-parcel", "eta-parcel/8"}
    assert paths["count"] > 0
    assert all(path[-1].startswith("model|") for path in paths["paths"])


_EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


def _graph(edges: list[tuple[int, int]]) -> nx.DiGraph[int]:
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(8))
    graph.add_edges_from(edges)
    return graph


@given(_EDGES, st.booleans(), st.integers(0, 7), st.integers(0, 7), st.integers(0, 5))
def test_paths_are_counted_as_a_simple_walk_counts_them(
    pairs: list[tuple[int, int]], acyclic: bool, source: int, target: int, limit: int
) -> None:
    """On any small graph, with circles or without: the exact number, and the shortest ones first."""
    edges = [(a, b) for a, b in pairs if a != b and (a < b or not acyclic)]
    graph = _graph(edges)
    expected = [[source]] if source == target else list(nx.all_simple_paths(graph, source, target))

    found = between(
        build([(a, b, 0, 9) for a, b in edges] or [(8, 9, 0, 9)]), source, target, lo=1, hi=1, limit=limit
    )

    assert found.count == len(expected)
    assert [len(path) for path in found.paths] == sorted(map(len, expected))[:limit]
    assert all(path in expected for path in found.paths)
    assert len({tuple(path) for path in found.paths}) == len(found.paths)


def test_paths_too_many_to_list_are_still_counted() -> None:
    """Sixty diamonds in a row have 2 to the 60th paths; the first ones come at once."""
    edges = []
    for number in range(60):
        top, bottom = 3 * number, 3 * number + 3
        edges += [
            (top, top + 1, 0, 9),
            (top, top + 2, 0, 9),
            (top + 1, bottom, 0, 9),
            (top + 2, bottom, 0, 9),
        ]

    found = between(build(edges), 0, 180, lo=1, hi=1, limit=3)

    assert found.count == 2**60
    assert [len(path) for path in found.paths] == [121] * 3


def test_paths_through_a_tangle_are_not_claimed_to_be_counted() -> None:
    """Where circles make counting hopeless the answer says so, and still lists paths."""
    edges = [(a, b, 0, 9) for a in range(14) for b in range(14) if a != b]

    found = between(build(edges), 0, 13, lo=1, hi=1, limit=2)

    assert found.count is None
    assert found.paths == [[0, 13], [0, 1, 13]]
