"""Which edges must be drawn backwards so that all others can run left to right?

Exact minimality is not promised (it is NP-hard): inside each strongly connected part the order of Eades, Lin and
Smyth (1993) is used, which reverses at most half the edges minus a sixth of the nodes; then single nodes are moved
while that lets more weight run forwards, and edges that need not be reversed any more run forwards again. Nothing here
recurses.
"""

from __future__ import annotations

import heapq

import numpy as np

from lineage.layout.graph import Flags, Floats, Ints, groups_of
from lineage.layout.sift import sifted

_SIFTED = 400
"""Nodes of one strongly connected part up to which every move of a single node is tried."""

_CHECKED = 500_000
"""Steps that looking for needlessly reversed edges may take."""


def components(count: int, source: Ints, target: Ints) -> Ints:
    """Return for each node the number of its weakly connected component, numbered by first node.

    >>> components(4, np.array([0, 3]), np.array([2, 1])).tolist()
    [0, 1, 0, 1]
    """
    parent = list(range(count))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for start, end in zip(source.tolist(), target.tolist(), strict=True):
        a, b = root(start), root(end)
        if a != b:
            parent[max(a, b)] = min(a, b)
    roots = [root(node) for node in range(count)]
    number = {first: index for index, first in enumerate(sorted(set(roots)))}
    return np.array([number[first] for first in roots], dtype=np.int64)


def strong_components(count: int, source: Ints, target: Ints) -> list[int]:
    """Return for each node the number of its strongly connected component (Tarjan, with an explicit stack)."""
    order, starts = groups_of(count, source)
    heads = target[order].tolist()
    first = starts.tolist()
    index = [-1] * count
    low = [0] * count
    found = [-1] * count
    on_stack = [False] * count
    stack: list[int] = []
    clock = number = 0
    for top in range(count):
        if index[top] >= 0:
            continue
        work = [(top, first[top])]
        index[top] = low[top] = clock
        clock += 1
        stack.append(top)
        on_stack[top] = True
        while work:
            node, at = work.pop()
            while at < first[node + 1]:
                other = heads[at]
                at += 1
                if index[other] < 0:
                    work.append((node, at))
                    index[other] = low[other] = clock
                    clock += 1
                    stack.append(other)
                    on_stack[other] = True
                    work.append((other, first[other]))
                    break
                if on_stack[other]:
                    low[node] = min(low[node], index[other])
            else:
                if low[node] == index[node]:
                    while True:
                        member = stack.pop()
                        on_stack[member] = False
                        found[member] = number
                        if member == node:
                            break
                    number += 1
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[node])
    return found


def back_edges(count: int, source: Ints, target: Ints, weight: Floats) -> Flags:
    """Return which edges to reverse; the others form no cycle. Self-loops must have been taken out.

    >>> back_edges(3, np.array([0, 1, 2]), np.array([1, 2, 0]), np.ones(3)).tolist()
    [False, False, True]
    """
    part = np.array(strong_components(count, source, target), dtype=np.int64)
    inner = part[source] == part[target] if len(source) else np.zeros(0, dtype=np.bool_)
    flags = np.zeros(len(source), dtype=np.bool_)
    if not inner.any():
        return flags
    edges = np.flatnonzero(inner)
    position = _greedy_order(count, source[edges], target[edges], weight[edges])
    for number in np.unique(part[source[edges]]).tolist():
        mine = edges[part[source[edges]] == number]
        members = np.unique(source[mine])
        if len(members) <= _SIFTED:
            _sift_part(members, position, source[mine], target[mine], weight[mine])
    flags[edges] = position[source[edges]] > position[target[edges]]
    if int(flags.sum()) * len(edges) <= _CHECKED:
        _turn_forward(count, source[edges], target[edges], weight[edges], flags, edges)
    if len(edges) ** 2 <= _CHECKED:
        # Taking edges in by weight opens a cycle at its cheapest edge, which the order above may miss.
        other = np.zeros(len(source), dtype=np.bool_)
        other[edges] = True
        _turn_forward(count, source[edges], target[edges], weight[edges], other, edges)
        if weight[other].sum() <= weight[flags].sum():
            return other
    return flags


def _turn_forward(count: int, source: Ints, target: Ints, weight: Floats, flags: Flags, edges: Ints) -> None:
    """Clear the flags, the dearest first, that no cycle needs: what is left is needed by each of its edges."""
    after: list[list[int]] = [[] for _ in range(count)]
    for start, end, flag in zip(source.tolist(), target.tolist(), flags[edges].tolist(), strict=True):
        if not flag:
            after[start].append(end)
    flagged = np.flatnonzero(flags[edges])
    for at in flagged[np.lexsort((flagged, -weight[flagged]))].tolist():
        start, end = int(source[at]), int(target[at])
        if not _leads(end, start, after):
            flags[edges[at]] = False
            after[start].append(end)


def _leads(start: int, end: int, after: list[list[int]]) -> bool:
    seen = {start}
    stack = [start]
    while stack:
        node = stack.pop()
        if node == end:
            return True
        for other in after[node]:
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return False


def _sift_part(members: Ints, position: Ints, source: Ints, target: Ints, weight: Floats) -> None:
    """Improve the order of one strongly connected part in place."""
    order = members[np.argsort(position[members], kind="stable")]
    row = np.searchsorted(members, order)
    place = np.zeros(len(members), dtype=np.int64)
    place[row] = np.arange(len(members))
    costs = np.zeros((len(members), len(members)))
    start = place[np.searchsorted(members, source)]
    end = place[np.searchsorted(members, target)]
    # Whoever stands after what it feeds has that edge run backwards.
    np.add.at(costs, (end, start), weight)
    better = sifted(costs - costs.T, 1e-9)
    if better is not None:
        position[order[better]] = np.sort(position[order])


def _greedy_order(count: int, source: Ints, target: Ints, weight: Floats) -> Ints:
    """Return a position for each node that has an edge here: sources early, sinks late, then by surplus."""
    leaving: list[dict[int, float]] = [{} for _ in range(count)]
    entering: list[dict[int, float]] = [{} for _ in range(count)]
    for start, end, cost in zip(source.tolist(), target.tolist(), weight.tolist(), strict=True):
        leaving[start][end] = leaving[start].get(end, 0.0) + cost
        entering[end][start] = entering[end].get(start, 0.0) + cost
    nodes = sorted(set(source.tolist()) | set(target.tolist()))
    surplus = {node: sum(leaving[node].values()) - sum(entering[node].values()) for node in nodes}
    heap = [(-surplus[node], node) for node in nodes]
    heapq.heapify(heap)
    sinks = [node for node in nodes if not leaving[node]]
    sources = [node for node in nodes if not entering[node]]
    early: list[int] = []
    late: list[int] = []
    left = set(nodes)

    def take(node: int) -> None:
        left.discard(node)
        for other, cost in leaving[node].items():
            if other in left:
                del entering[other][node]
                surplus[other] += cost
                heapq.heappush(heap, (-surplus[other], other))
                if not entering[other]:
                    sources.append(other)
        for other, cost in entering[node].items():
            if other in left:
                del leaving[other][node]
                surplus[other] -= cost
                heapq.heappush(heap, (-surplus[other], other))
                if not leaving[other]:
                    sinks.append(other)

    while left:
        if sinks:
            node = sinks.pop()
            if node in left:
                late.append(node)
                take(node)
        elif sources:
            node = sources.pop()
            if node in left:
                early.append(node)
                take(node)
        else:
            value, node = heapq.heappop(heap)
            if node in left and -value == surplus[node]:
                early.append(node)
                take(node)
    position = np.zeros(count, dtype=np.int64)
    position[np.array(early + late[::-1], dtype=np.int64)] = np.arange(len(nodes))
    return position
