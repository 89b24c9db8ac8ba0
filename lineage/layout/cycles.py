"""Which edges must be drawn backwards so that all others can run left to right?

Exact minimality is not promised (it is NP-hard): inside each strongly connected part the order of Eades, Lin and
Smyth (1993) is used, which reverses at most half the edges minus a sixth of the nodes. Nothing here recurses.
"""

from __future__ import annotations

import heapq

import numpy as np

from lineage.layout.graph import Flags, Floats, Ints, groups_of


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
    flags[edges] = position[source[edges]] > position[target[edges]]
    return flags


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
