"""In which column does each node stand, so that the edges are as short as they can be together?

The sum of weight x length over all edges, each at least one column long, is minimised exactly by network simplex on
a spanning tree (Gansner et al. 1993), with cut values kept as sums over subtrees. Above `PIVOTS` exchanges the best
arrangement found so far is taken, so the work is bounded by a count and never by a clock.
"""

from __future__ import annotations

import heapq

import numpy as np

from lineage.layout.graph import Floats, Ints, groups_of

PIVOTS = 6000
_TOLERANCE = 1e-9


def ranks(count: int, source: Ints, target: Ints, weight: Floats, shortest: Ints | None = None) -> Ints:
    """Return the column of each node, from 0, of an acyclic graph.

    Args:
        count: how many nodes there are.
        source: per edge, its left node.
        target: per edge, its right node.
        weight: per edge, the cost of one column of length; 0 for a mere constraint.
        shortest: per edge, the least length; 1 when not given.

    >>> ranks(4, np.array([0, 1, 3]), np.array([1, 2, 2]), np.ones(3)).tolist()
    [0, 1, 2, 1]
    """
    if not count:
        return np.zeros(0, dtype=np.int64)
    least = np.ones(len(source), dtype=np.int64) if shortest is None else shortest
    column = _longest_path(count, source, target, least)
    column = _pulled(count, source, target, weight, least, column)
    if len(source):
        column = _simplex(count, source, target, weight, least, column)
        column = _balanced(count, source, target, weight, least, column - column.min())
    moved: Ints = column - column.min()
    return moved


def _pull(count: int, source: Ints, target: Ints, weight: Floats) -> Floats:
    """Return by how much each node's edges to the right outweigh those to the left."""
    out, into = np.bincount(source, weight, count), np.bincount(target, weight, count)
    return (out - into).astype(np.float64)


def _topological(count: int, source: Ints, target: Ints) -> list[int]:
    order, starts = groups_of(count, source)
    heads, first = target[order].tolist(), starts.tolist()
    waiting = np.bincount(target, minlength=count).tolist()
    found = [node for node in range(count) if not waiting[node]]
    for node in found:
        for other in heads[first[node] : first[node + 1]]:
            waiting[other] -= 1
            if not waiting[other]:
                found.append(other)
    return found


def _longest_path(count: int, source: Ints, target: Ints, least: Ints) -> Ints:
    order, starts = groups_of(count, source)
    heads, lengths, first = target[order].tolist(), least[order].tolist(), starts.tolist()
    column = [0] * count
    for node in _topological(count, source, target):
        for at in range(first[node], first[node + 1]):
            column[heads[at]] = max(column[heads[at]], column[node] + lengths[at])
    return np.array(column, dtype=np.int64)


def _room(count: int, source: Ints, target: Ints, least: Ints) -> tuple[list[list[tuple[int, int]]], ...]:
    """Return per node its (neighbour, least length) pairs to the left and to the right."""
    before: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    after: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for start, end, length in zip(source.tolist(), target.tolist(), least.tolist(), strict=True):
        before[end].append((start, length))
        after[start].append((end, length))
    return before, after


def _pulled(count: int, source: Ints, target: Ints, weight: Floats, least: Ints, column: Ints) -> Ints:
    """Move each node to the heavier of its sides; a good start saves most exchanges of the simplex."""
    before, after = _room(count, source, target, least)
    pull = _pull(count, source, target, weight)
    at = column.tolist()
    sequence = _topological(count, source, target)
    for _ in range(3):
        for node in reversed(sequence):
            if pull[node] > 0 and after[node]:
                at[node] = min(at[other] - length for other, length in after[node])
        for node in sequence:
            if pull[node] < 0 and before[node]:
                at[node] = max(at[other] + length for other, length in before[node])
    return np.array(at, dtype=np.int64)


def _tight_tree(count: int, source: Ints, target: Ints, least: Ints, column: Ints) -> list[int]:
    """Return the edges of a spanning forest without slack, moving whole parts of `column` together.

    The smallest part always moves to its nearest neighbour part, so each node moves at most log2(n) times.
    """
    starts, ends, lengths = source.tolist(), target.tolist(), least.tolist()
    touching: list[list[int]] = [[] for _ in range(count)]
    for edge, (start, end) in enumerate(zip(starts, ends, strict=True)):
        touching[start].append(edge)
        touching[end].append(edge)
    at = column.tolist()
    part = list(range(count))
    members: dict[int, list[int]] = {node: [node] for node in range(count)}
    heap = [(1, node) for node in range(count)]
    tree: list[int] = []
    while heap:
        size, mine = heapq.heappop(heap)
        if mine not in members or len(members[mine]) != size:
            continue
        best, best_slack, shift = -1, 0, 0
        for node in members[mine]:
            for edge in touching[node]:
                start, end = starts[edge], ends[edge]
                if part[start] == part[end]:
                    continue
                slack = at[end] - at[start] - lengths[edge]
                if best < 0 or slack < best_slack:
                    best, best_slack = edge, slack
                    shift = slack if part[start] == mine else -slack
        if best < 0:
            continue
        other = part[ends[best]] if part[starts[best]] == mine else part[starts[best]]
        for node in members[mine]:
            at[node] += shift
            part[node] = other
        members[other] += members.pop(mine)
        heapq.heappush(heap, (len(members[other]), other))
        tree.append(best)
    column[:] = at
    return tree


def _simplex(count: int, source: Ints, target: Ints, weight: Floats, least: Ints, column: Ints) -> Ints:
    column = column.copy()
    tree = _tight_tree(count, source, target, least, column)
    net = _pull(count, source, target, weight)
    parent, children, down = _rooted(count, source, target, tree)
    below = net.copy()
    for node in reversed(_depth_first(parent, children)):
        if parent[node] >= 0:
            below[parent[node]] += below[node]
    # The cut value of a node's edge to its parent: what shortening would lose, minus what it would win.
    cut = np.where(np.array(parent) >= 0, below * down, 0.0)
    for _ in range(min(PIVOTS, 40 * count)):
        leave = int(cut.argmin())
        if cut[leave] > -_TOLERANCE:
            break
        inside = np.zeros(count, dtype=np.bool_)
        inside[_below(leave, children)] = True
        forward = down[leave] > 0
        tail, head = (target, source) if forward else (source, target)
        crossing = np.flatnonzero(inside[tail] & ~inside[head])
        slack = column[target[crossing]] - column[source[crossing]] - least[crossing]
        enter = int(crossing[slack.argmin()])
        column[inside] += -slack.min() if forward else slack.min()
        new, other = (
            (int(target[enter]), int(source[enter])) if forward else (int(source[enter]), int(target[enter]))
        )
        _exchange(leave, new, other, parent, children, below, cut, down)
        down[new] = 1.0 if new == int(source[enter]) else -1.0
        cut[new] = below[new] * down[new]
    return column


def _rooted(
    count: int, source: Ints, target: Ints, tree: list[int]
) -> tuple[list[int], list[set[int]], Floats]:
    """Return parents, children, and +1 where a node's edge to its parent leaves the node, else -1."""
    near: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    for edge in tree:
        start, end = int(source[edge]), int(target[edge])
        near[start].append((end, -1.0))
        near[end].append((start, 1.0))
    parent = [-2] * count
    children: list[set[int]] = [set() for _ in range(count)]
    down = np.zeros(count)
    for root in range(count):
        if parent[root] != -2:
            continue
        parent[root] = -1
        stack = [root]
        while stack:
            node = stack.pop()
            for other, leaves in near[node]:
                if parent[other] == -2:
                    parent[other] = node
                    children[node].add(other)
                    down[other] = leaves
                    stack.append(other)
    return parent, children, down


def _depth_first(parent: list[int], children: list[set[int]]) -> list[int]:
    found = [node for node, above in enumerate(parent) if above < 0]
    for node in found:
        found.extend(children[node])
    return found


def _below(top: int, children: list[set[int]]) -> list[int]:
    found = [top]
    for node in found:
        found.extend(children[node])
    return found


def _exchange(
    leave: int,
    new: int,
    other: int,
    parent: list[int],
    children: list[set[int]],
    below: Floats,
    cut: Floats,
    down: Floats,
) -> None:
    """Cut the tree above `leave` and hang that part, turned so that `new` is its top, below `other`."""
    moved = float(below[leave])
    above = parent[leave]
    children[above].discard(leave)
    while above >= 0:
        below[above] -= moved
        cut[above] = below[above] * down[above] if parent[above] >= 0 else 0.0
        above = parent[above]
    path = [new]
    while path[-1] != leave:
        path.append(parent[path[-1]])
    sums = [float(below[node]) for node in path]
    turned = [float(down[node]) for node in path]
    for at in range(len(path) - 1):
        child, top = path[at], path[at + 1]
        children[top].discard(child)
        children[child].add(top)
        parent[top] = child
        below[top] = moved - sums[at]
        down[top] = -turned[at]
        cut[top] = below[top] * down[top]
    parent[new] = other
    children[other].add(new)
    below[new] = moved
    above = other
    while above >= 0:
        below[above] += moved
        cut[above] = below[above] * down[above] if parent[above] >= 0 else 0.0
        above = parent[above]


def _balanced(count: int, source: Ints, target: Ints, weight: Floats, least: Ints, column: Ints) -> Ints:
    """Move nodes that may stand in several columns at equal cost to the emptiest of them."""
    before, after = _room(count, source, target, least)
    pull = _pull(count, source, target, weight)
    at = column.tolist()
    load = np.bincount(column, minlength=int(column.max()) + 1).tolist()
    for node in range(count):
        if abs(pull[node]) > _TOLERANCE or not before[node] or not after[node]:
            continue
        low = max(at[other] + length for other, length in before[node])
        high = min(at[other] - length for other, length in after[node])
        best = min(range(low, high + 1), key=lambda place: (load[place] - (place == at[node]), place))
        load[at[node]] -= 1
        load[best] += 1
        at[node] = best
    return np.array(at, dtype=np.int64)
