"""Where do new cards go when everything already drawn must stay where it is?

Old nodes and trunks keep their column and height exactly. A new node stands one column right of what feeds it (or
left of what it feeds), in the free place nearest to its neighbours; what hangs on nothing drawn goes below it all.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lineage.layout.cycles import back_edges
from lineage.layout.fresh import fresh
from lineage.layout.graph import Floats, Ints, Lane, Layout, Spacing
from lineage.layout.sketch import Sketch, Sorted, flow, lane_keys
from lineage.layout.slots import Column


def kept(work: Sorted, previous: Layout, known: Mapping[int, int], spacing: Spacing) -> Sketch:
    """Return places for `work`; `known` maps its nodes to those of `previous`."""
    count = len(work.keys)
    column: dict[int, int] = {node: int(previous.column[old]) for node, old in known.items()}
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for start, end in zip(work.source.tolist(), work.target.tolist(), strict=True):
        after[start].append(end)
        before[end].append(start)
    arrived = _columns(work, column, before, after)
    centre = np.zeros(count)
    for node, old in known.items():
        centre[node] = float(previous.y[old]) + float(previous.height[old]) / 2
    columns: dict[int, Column] = {}
    for node in known:
        taken = columns.setdefault(column[node], Column())
        taken.add(float(centre[node]), float(work.height[node]), spacing.row)
    lanes = dict(previous.lanes)
    for key, y in lanes.items():
        columns.setdefault(key[3], Column()).add(y, 0.0, spacing.trunk)
    _settle(work, arrived, column, centre, columns, (before, after), spacing)
    rest = np.array([node for node in range(count) if node not in column], dtype=np.int64)
    shift = -min(*column.values(), 0)
    placed = np.array([column.get(node, 0) + shift for node in range(count)], dtype=np.int64)
    lanes = {(key, into, back, at + shift): y for (key, into, back, at), y in lanes.items()}
    if len(rest):
        _below(work, rest, placed, centre, lanes, spacing)
    left, right = _grid(work, placed, previous, shift, spacing)
    return Sketch(placed, centre, lanes, left, right)


def pinned(work: Sorted, sketch: Sketch, pins: Mapping[str, tuple[float, float]], spacing: Spacing) -> Sketch:
    """Return `sketch` with the cards of `pins` (left, top) in their places and what stood there moved aside.

    A pin goes to the column nearest to its left side; a second pin on the same place gives way to the first.
    """
    place = {key: node for node, key in enumerate(work.keys)}
    column, centre = sketch.column.copy(), sketch.centre.copy()
    fixed = sorted(place[key] for key in pins if key in place)
    for node in fixed:
        x, y = pins[work.keys[node]]
        column[node] = int(np.abs(sketch.left - x).argmin())
        centre[node] = y + float(work.height[node]) / 2
    columns: dict[int, Column] = {}
    held = set(fixed)
    others = [node for node in np.argsort(centre, kind="stable").tolist() if node not in held]
    for node in [*fixed, *others]:
        taken = columns.setdefault(int(column[node]), Column())
        centre[node] = taken.take(float(centre[node]), float(work.height[node]), spacing.row)
    return Sketch(column, centre, sketch.lanes, sketch.left, sketch.right)


def completed(work: Sorted, sketch: Sketch, spacing: Spacing) -> dict[Lane, float]:
    """Return a height for every trunk in every column it passes: the known one where it is free, else near the line."""
    running = flow(work, sketch.column)
    items = running.items
    names = lane_keys(work, items)
    columns: dict[int, Column] = {}
    for node, at in enumerate(sketch.column.tolist()):
        taken = columns.setdefault(at, Column())
        taken.add(float(sketch.centre[node]), float(work.height[node]), spacing.row)
    found: dict[Lane, float] = {}
    missing: list[int] = []
    for item in range(items.nodes, len(names)):
        name = names[item]
        if name is None:
            continue
        at = columns.setdefault(name[3], Column())
        y = sketch.lanes.get(name)
        if y is not None and at.free(y, 0.0, spacing.trunk):
            at.add(y, 0.0, spacing.trunk)
            found[name] = y
        else:
            missing.append(item)
    ends = _ends(items.paths, missing)
    for item in missing:
        name = names[item]
        if name is None:
            continue
        start, end = ends[item]
        span = sketch.column[end] - sketch.column[start]
        share = (name[3] - sketch.column[start]) / span
        wish = sketch.centre[start] + share * (sketch.centre[end] - sketch.centre[start])
        found[name] = columns[name[3]].take(float(wish), 0.0, spacing.trunk)
    return found


def _ends(paths: tuple[tuple[int, ...], ...], missing: list[int]) -> dict[int, tuple[int, int]]:
    """Return for each trunk item the ends of the first edge that runs through it."""
    wanted = set(missing)
    found: dict[int, tuple[int, int]] = {}
    for path in paths:
        for item in path[1:-1]:
            if item in wanted and item not in found:
                found[item] = (path[0], path[-1])
    return found


def _columns(
    work: Sorted, column: dict[int, int], before: list[list[int]], after: list[list[int]]
) -> list[int]:
    """Give every new node that hangs on a drawn one a column; return these nodes, nearest first."""
    fresh_pair = np.array(
        [a not in column and b not in column for a, b in zip(work.source, work.target, strict=True)],
        dtype=np.bool_,
    )
    source, target = work.source[fresh_pair], work.target[fresh_pair]
    back = back_edges(len(work.keys), source, target, work.weight[fresh_pair])
    turned = set(zip(source[back].tolist(), target[back].tolist(), strict=True))
    waiting = [node for node in range(len(work.keys)) if node not in column]
    arrived: list[int] = []
    while waiting:
        left: list[int] = []
        for node in waiting:
            feeds = [other for other in before[node] if (other, node) not in turned]
            # A feeder that is itself still without a column will be placed first if it can be.
            if any(other in column for other in feeds) and not any(
                other not in column and _reaches(other, column, before, turned) for other in feeds
            ):
                column[node] = max(column[other] for other in feeds if other in column) + 1
                arrived.append(node)
            else:
                left.append(node)
        if len(left) == len(waiting):
            fed = [node for node in left if any(other in column for other in after[node])]
            if not fed:
                break
            node = fed[0]
            column[node] = min(column[other] for other in after[node] if other in column) - 1
            arrived.append(node)
            left.remove(node)
        waiting = left
    return arrived


def _reaches(
    node: int, column: dict[int, int], before: list[list[int]], turned: set[tuple[int, int]]
) -> bool:
    """Return whether something drawn feeds this new node, directly or through new ones."""
    seen = {node}
    stack = [node]
    while stack:
        at = stack.pop()
        for other in before[at]:
            if (other, at) in turned or other in seen:
                continue
            if other in column:
                return True
            seen.add(other)
            stack.append(other)
    return False


def _settle(
    work: Sorted,
    arrived: list[int],
    column: dict[int, int],
    centre: Floats,
    columns: dict[int, Column],
    sides: tuple[list[list[int]], list[list[int]]],
    spacing: Spacing,
) -> None:
    """Put the new nodes into free places of their columns, near what they hang on."""
    done = set(column) - set(arrived)
    by_column: dict[int, list[int]] = {}
    wishes: dict[int, float] = {}
    for node in arrived:
        near = [other for side in sides for other in side[node] if other in done]
        wishes[node] = float(np.mean(centre[near])) if near else 0.0
        centre[node] = wishes[node]
        done.add(node)
        by_column.setdefault(column[node], []).append(node)
    for at in sorted(by_column):
        group = sorted(by_column[at], key=lambda node: (wishes[node], node))
        taken = columns.setdefault(at, Column())
        places = [taken.take(wishes[node], float(work.height[node]), spacing.row) for node in group]
        if len({float(work.height[node]) for node in group}) == 1:
            # Cards of equal size may trade places, so that they stand in the order of their wishes.
            places.sort()
        for node, y in zip(group, places, strict=True):
            centre[node] = y


def _below(
    work: Sorted, rest: Ints, column: Ints, centre: Floats, lanes: dict[Lane, float], spacing: Spacing
) -> None:
    """Lay out what hangs on nothing drawn as a picture of its own under everything else."""
    chosen = np.zeros(len(work.keys), dtype=np.bool_)
    chosen[rest] = True
    local = np.cumsum(chosen) - 1
    inside = chosen[work.source] & chosen[work.target]
    part = Sorted(
        keys=tuple(work.keys[node] for node in rest.tolist()),
        order=np.arange(len(rest)),
        width=work.width[rest],
        height=work.height[rest],
        lane=np.full(len(rest), -1, dtype=np.int64),
        source=local[work.source[inside]],
        target=local[work.target[inside]],
        weight=work.weight[inside],
        pair=np.zeros(0, dtype=np.int64),
    )
    drawn = fresh(part, spacing)
    floor = float((centre + work.height / 2)[~chosen].max()) if not chosen.all() else 0.0
    floor = max([floor, *lanes.values()]) + spacing.component
    top = float((drawn.centre - part.height / 2).min())
    column[rest] = drawn.column
    centre[rest] = drawn.centre - top + floor
    lanes.update({name: y - top + floor for name, y in drawn.lanes.items()})


def _grid(
    work: Sorted, column: Ints, previous: Layout, shift: int, spacing: Spacing
) -> tuple[Floats, Floats]:
    """Return the sides of the columns: the previous ones, wider only where a new card is, more at both ends."""
    old = len(previous.column_left)
    count = max(int(column.max()) + 1, shift + old)
    width = np.zeros(count)
    np.maximum.at(width, column, work.width)
    gap = np.full(count, spacing.column)
    kept_width = previous.column_right - previous.column_left
    width[shift : shift + old] = np.maximum(width[shift : shift + old], kept_width)
    gap[shift : shift + max(old - 1, 0)] = previous.column_left[1:] - previous.column_right[:-1]
    left = np.zeros(count)
    left[1:] = np.cumsum(width + gap)[:-1]
    left += float(previous.column_left[0]) - left[shift] if old else 0.0
    return left, left + width
