"""Through which columns does each edge pass, and which edges share a line on the way?

Edges longer than one column run through one item per column between. All long edges that leave one node share these
items (a trunk), and so do all that enter one node; each edge joins the larger of its two bundles. The trunk is what
is drawn, so hubs cost one line instead of hundreds.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from lineage.layout.graph import Flags, Floats, Ints

Bundle = tuple[int, bool, bool]
"""Node, whether the edges enter it, whether they run backwards."""


@dataclass(frozen=True, slots=True)
class Items:
    """Nodes and trunk places, one column each, and the segments between neighbouring columns.

    Attributes:
        nodes: how many of the items are nodes; they come first, in their own order.
        column: the column of each item.
        bundle: per item, the bundle it belongs to; None for nodes.
        paths: per edge, its items from left to right (so reversed for an edge drawn backwards).
        left, right: per distinct segment, its two items.
        load: per distinct segment, the weight of the edges it carries.
    """

    nodes: int
    column: Ints
    bundle: tuple[Bundle | None, ...]
    paths: tuple[tuple[int, ...], ...]
    left: Ints
    right: Ints
    load: Floats


def bundled(column: Ints, low: Ints, high: Ints, weight: Floats, back: Flags) -> Items:
    """Return the items of a graph whose edges run from `low` to `high`, always to a greater column.

    >>> items = bundled(np.array([0, 1, 2]), np.array([0, 0]), np.array([1, 2]), np.ones(2), np.zeros(2, bool))
    >>> items.paths
    ((0, 1), (0, 3, 2))
    """
    at = column.tolist()
    starts, ends, turned = low.tolist(), high.tolist(), back.tolist()
    leaving: dict[Bundle, int] = {}
    for start, end, flag in zip(starts, ends, turned, strict=True):
        if at[end] - at[start] > 1:
            for bundle in ((start, False, flag), (end, True, flag)):
                leaving[bundle] = leaving.get(bundle, 0) + 1
    columns = list(at)
    owner: list[Bundle | None] = [None] * len(at)
    trunk: dict[tuple[Bundle, int], int] = {}
    paths: list[tuple[int, ...]] = []
    loads: dict[tuple[int, int], float] = {}
    for start, end, flag, cost in zip(starts, ends, turned, weight.tolist(), strict=True):
        path = [start]
        if at[end] - at[start] > 1:
            out, into = (start, False, flag), (end, True, flag)
            bundle = into if leaving[into] > leaving[out] else out
            for place in range(at[start] + 1, at[end]):
                item = trunk.get((bundle, place))
                if item is None:
                    item = trunk[bundle, place] = len(columns)
                    columns.append(place)
                    owner.append(bundle)
                path.append(item)
        path.append(end)
        paths.append(tuple(path))
        for segment in itertools.pairwise(path):
            loads[segment] = loads.get(segment, 0.0) + cost
    segments = sorted(loads)
    return Items(
        nodes=len(at),
        column=np.array(columns, dtype=np.int64),
        bundle=tuple(owner),
        paths=tuple(paths),
        left=np.array([segment[0] for segment in segments], dtype=np.int64),
        right=np.array([segment[1] for segment in segments], dtype=np.int64),
        load=np.array([loads[segment] for segment in segments], dtype=np.float64),
    )
