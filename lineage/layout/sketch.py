"""What do the steps of a layout hand to each other?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lineage.layout.bundles import Items, bundled
from lineage.layout.graph import Flags, Floats, Ints, Lane, LayoutGraph


@dataclass(frozen=True, slots=True)
class Sorted:
    """A graph in the order of its labels and keys, without self-loops and with parallel edges as one.

    Attributes:
        order: per sorted node, its index in the graph as given.
        source, target, weight: per distinct pair of nodes; the weight is the sum.
        pair: per edge as given, its distinct pair; -1 for a self-loop.
    """

    keys: tuple[str, ...]
    order: Ints
    width: Floats
    height: Floats
    lane: Ints
    source: Ints
    target: Ints
    weight: Floats
    pair: Ints

    @classmethod
    def of(cls, graph: LayoutGraph) -> Sorted:
        """Return `graph` in the order of its labels and keys."""
        count = len(graph.keys)
        names = list(zip(graph.labels or graph.keys, graph.keys, strict=True))
        order = np.array(sorted(range(count), key=names.__getitem__), dtype=np.int64)
        place = np.zeros(count, dtype=np.int64)
        place[order] = np.arange(count)
        source, target = place[graph.source], place[graph.target]
        code = source * max(count, 1) + target
        straight = source != target
        codes, pair_of = np.unique(code[straight], return_inverse=True)
        pair = np.full(len(source), -1, dtype=np.int64)
        pair[straight] = pair_of
        # Sums in the order given would differ in the last digit from one input order to the next.
        by_value = np.lexsort((graph.weight[straight], pair_of))
        weight = np.bincount(pair_of[by_value], graph.weight[straight][by_value], len(codes)).astype(
            np.float64
        )
        return cls(
            keys=tuple(graph.keys[index] for index in order.tolist()),
            order=order,
            width=graph.width[order],
            height=graph.height[order],
            lane=graph.lane[order],
            source=codes // max(count, 1),
            target=codes % max(count, 1),
            weight=weight,
            pair=pair,
        )


@dataclass(frozen=True, slots=True)
class Sketch:
    """Places without routes: column and centre height per node, trunk heights, and the sides of the columns."""

    column: Ints
    centre: Floats
    lanes: Mapping[Lane, float]
    left: Floats
    right: Floats


@dataclass(frozen=True, slots=True)
class Flow:
    """The edges as they run across the columns.

    Attributes:
        items: nodes, trunks and segments; `items.paths` has one entry per pair in `across`.
        across: the pairs whose ends stand in different columns.
        back: per pair in `across`, whether it runs from right to left.
    """

    items: Items
    across: Ints
    back: Flags


def flow(work: Sorted, column: Ints) -> Flow:
    """Return how the edges of `work` cross the columns."""
    across = np.flatnonzero(column[work.source] != column[work.target])
    source, target = work.source[across], work.target[across]
    back = column[target] < column[source]
    low, high = np.where(back, target, source), np.where(back, source, target)
    return Flow(bundled(column, low, high, work.weight[across], back), across, back)


def lane_keys(work: Sorted, items: Items) -> list[Lane | None]:
    """Return for each item the name under which its height is remembered; None for nodes."""
    found: list[Lane | None] = []
    for column, bundle in zip(items.column.tolist(), items.bundle, strict=True):
        found.append(None if bundle is None else (work.keys[bundle[0]], bundle[1], bundle[2], column))
    return found
