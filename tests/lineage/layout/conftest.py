"""Graphs to lay out, drawn from fixed seeds, and Graphviz as a second opinion."""

import itertools
import random
import shutil
import subprocess

import numpy as np
import pytest

from lineage.layout.graph import LayoutGraph


def _lineage_edges(seed: int, size: int, mixed: float = 0.12) -> list[tuple[str, str]]:
    """An invented ML estate of about `size` nodes: tables, jobs, features, runs, versions, targets, some hubs.

    Teams of some forty things mostly read their own; `mixed` is the share of what they read from others.
    """
    draw = random.Random(seed)
    edges: set[tuple[str, str]] = set()
    shared = ["calendar", "customers"]
    everything = list(shared)
    for team in range(max(1, size // 44)):
        tables = [f"t{team:03}-table{i}" for i in range(4)]
        made = list(tables)

        def read(recent: int, made: list[str] = made, everything: list[str] = everything) -> str:
            if draw.random() < mixed:
                return draw.choice(shared if draw.random() < 0.4 else everything)
            return draw.choice(made[-recent:])

        for i in range(9):
            job, out = f"t{team:03}-job{i}", f"t{team:03}-out{i}"
            edges |= {(read(6), job) for _ in range(draw.choice([1, 1, 2, 2, 3]))}
            edges.add((job, out))
            made.append(out)
        features = [f"t{team:03}-feature{i}" for i in range(8)]
        edges |= {(read(8), name) for name in features}
        for i in range(4):
            run, version = f"t{team:03}-run{i}", f"t{team:03}-version{i}"
            edges |= {(name, run) for name in draw.sample(features, draw.choice([2, 3, 4]))}
            edges |= {(run, version), (version, f"t{team:03}-target{draw.randrange(2)}")}
        everything += made
    return sorted(edges)


def _neighbourhood(edges: list[tuple[str, str]], start: str, most: int) -> list[tuple[str, str]]:
    """The edges among the `most` nodes that are nearest to `start`, up- and downstream alike."""
    near: dict[str, list[str]] = {}
    for a, b in edges:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    found = {start: None}
    queue = [start]
    while queue and len(found) < most:
        node = queue.pop(0)
        for other in near.get(node, ()):
            if other not in found and len(found) < most:
                found[other] = None
                queue.append(other)
    return [(a, b) for a, b in edges if a in found and b in found]


def _graph_of(edges, **more) -> LayoutGraph:
    """The graph of these edges, with all nodes of one size."""
    return LayoutGraph.of(sorted({key for pair in edges for key in pair}), edges, **more)


def _line_crossings(routes: list[np.ndarray]) -> int:
    """How often the drawn lines cross, by geometry alone: shared lines count once, touching ends do not."""
    lines = sorted(
        {
            tuple(sorted([tuple(np.round(a, 3)), tuple(np.round(b, 3))]))
            for route in routes
            for a, b in itertools.pairwise(route)
        }
    )
    if not lines:
        return 0
    a = np.array([line[0] for line in lines], dtype=float)
    b = np.array([line[1] for line in lines], dtype=float)

    def side(p, q, r):
        return np.sign(
            (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1])
            - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0])
        )

    total = 0
    for i in range(len(lines) - 1):
        p, q, c, d = a[i], b[i], a[i + 1 :], b[i + 1 :]
        proper = (side(p, q, c) * side(p, q, d) < 0) & (side(c, d, p) * side(c, d, q) < 0)
        total += int(proper.sum())
    return total


def dot_routes(graph: LayoutGraph) -> list[np.ndarray]:
    """Straight routes by Graphviz, cards of the same size, the setting that crosses least (splines=line)."""
    lines = [
        "digraph {rankdir=LR; splines=line; nslimit=1; nodesep=0.25; ranksep=1.2; node [shape=box fixedsize=true]"
    ]
    for i, (w, h) in enumerate(zip(graph.width.tolist(), graph.height.tolist(), strict=True)):
        lines.append(f"n{i} [width={w / 72:.4f} height={h / 72:.4f}]")
    lines += [f"n{a} -> n{b}" for a, b in zip(graph.source.tolist(), graph.target.tolist(), strict=True)]
    done = subprocess.run(
        ["dot", "-Tplain"], input="\n".join([*lines, "}"]), capture_output=True, text=True, check=True
    )
    routes = []
    for line in done.stdout.splitlines():
        words = line.split()
        if words[0] == "edge":
            count = int(words[3])
            points = np.array([float(word) for word in words[4 : 4 + 2 * count]]).reshape(-1, 2) * 72
            # The first and last control points of a straight line are its ends.
            routes.append(points[[0, -1]])
    return routes


@pytest.fixture
def lineage_edges():
    """Makes the edges of an invented estate: seed, size."""
    return _lineage_edges


@pytest.fixture
def neighbourhood():
    """Cuts the surroundings of one node: edges, start, most nodes."""
    return _neighbourhood


@pytest.fixture
def graph_of():
    """Makes a graph of edges."""
    return _graph_of


@pytest.fixture
def line_crossings():
    """Counts crossings by geometry alone."""
    return _line_crossings


@pytest.fixture
def dot():
    """The second opinion; the test is skipped where Graphviz is not installed."""
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    return dot_routes
