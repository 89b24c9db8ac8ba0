"""Does the cost of a question stay with what it touches, however large the graph is?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lineage.bench import Measure, interleaved, median
from lineage.graph import reach
from lineage.model.moment import LAST
from lineage.store import asking
from lineage.store.consequences import insert_edges
from lineage.store.database import Connection, Database, create_indexes, open_database

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EDGES = 1_000_000
REPEATS = 5
NEAR_GOAL = 1.5
IMPACT_GOAL = 0.05
AT = 500_000
_NEAR_STARTS = 400
_IMPACT_STARTS = 5


def graph_edges(count: int, seed: int = 7) -> NDArray[np.int64]:
    """Return a seeded layered graph of about `count` edges: source, target, valid from, valid to.

    Two and a half edges a node, three in a hundred nodes with many consumers, three in ten edges ended.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    nodes = int(count / 2.5)
    source = rng.integers(1, nodes, count)
    hubs = rng.random(count) < 0.03
    source[hubs] = rng.integers(1, max(2, nodes // 1000), int(hubs.sum()))
    distance = rng.geometric(20 / nodes, count)
    target = source + distance
    kept = target < nodes
    begin = rng.integers(0, AT, count)
    end = np.where(rng.random(count) < 0.3, begin + rng.integers(1, AT, count), LAST)
    return np.unique(np.stack([source, target, begin, end], axis=1)[kept], axis=0).astype(np.int64)


def _store(place: Path, rows: NDArray[np.int64]) -> Database:
    database = open_database(place, create=True)
    with database.writing() as connection:
        insert_edges(
            connection,
            (
                (source, "input", target, begin, end, "observed", 1.0, "bench", None, None, None, 0, 0)
                for source, target, begin, end in rows.tolist()
            ),
        )
        create_indexes(connection)
    return database


def _near(connection: Connection, starts: list[int]) -> Callable[[], None]:
    def work() -> None:
        for start in starts:
            asking.neighbours(connection, [start], up=False, hops=3, lo=AT, hi=AT, limit=50_000)

    return work


def run(size: int) -> list[Measure]:
    """Ask the same of a graph of `size` edges (a million when 0) and of one a tenth of it; impact against networkx."""
    import networkx as nx
    import numpy as np

    count = size or EDGES
    with tempfile.TemporaryDirectory(prefix="modeltrail-bench-") as folder:
        large, small = graph_edges(count), graph_edges(count // 10)
        rng = np.random.default_rng(3)
        stores = [_store(Path(folder) / f"{len(rows)}.trail", rows) for rows in (large, small)]
        connections = [store.connect() for store in stores]
        try:
            works = [
                _near(connection, _quiet_starts(rows, rng, _NEAR_STARTS))
                for connection, rows in zip(connections, (large, small), strict=True)
            ]
            near = [median(costs) for costs in interleaved(REPEATS, *works)]
        finally:
            for connection, store in zip(connections, stores, strict=True):
                connection.close()
                store.close()
        held = large[(large[:, 2] <= AT) & (large[:, 3] > AT)]
        compact = reach.build(large)
        plain: nx.DiGraph[int] = nx.DiGraph()
        plain.add_edges_from(held[:, :2].tolist())
        starts = [int(node) for node in rng.choice(held[:, 0], _IMPACT_STARTS)]
        sizes: dict[str, list[int]] = {"ours": [], "theirs": []}

        def ours() -> None:
            sizes["ours"] = [len(reach.reach_arrays(compact, [node], lo=AT, hi=AT)[0]) for node in starts]

        def theirs() -> None:
            sizes["theirs"] = [len(nx.descendants(plain, node)) + 1 for node in starts]

        impact = [median(costs) for costs in interleaved(3, ours, theirs)]
    assert sizes["ours"] == sizes["theirs"], "two ways to the same answer disagree"  # noqa: S101 - a bench checks itself
    return [
        Measure(
            f"{_NEAR_STARTS} 3-hop as-of questions, {len(large)} edges",
            f"the same with {len(small)} edges",
            near[0].cpu / near[1].cpu,
            NEAR_GOAL,
            near[0].cpu,
            near[0].wall,
        ),
        Measure(
            f"full as-of impact, {len(large)} edges, {sum(sizes['ours'])} things reached",
            "networkx.descendants on the edges that held",
            impact[0].cpu / impact[1].cpu,
            IMPACT_GOAL,
            impact[0].cpu,
            impact[0].wall,
        ),
    ]


def _quiet_starts(rows: NDArray[np.int64], rng: np.random.Generator, count: int) -> list[int]:
    """Return nodes with the usual number of edges: a hub's neighbourhood grows with the graph by its nature."""
    import numpy as np

    degrees = np.bincount(rows[:, 0])
    usual = np.flatnonzero((degrees > 0) & (degrees <= 4))
    return [int(node) for node in rng.choice(usual[usual > len(degrees) // 10], count)]
