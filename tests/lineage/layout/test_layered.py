"""A drawing people can follow: nothing overlaps, all runs left to right, and what was drawn stays."""

import itertools
import random

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.layout.graph import LayoutGraph
from lineage.layout.layered import layout


def overlaps(drawn) -> list[tuple[str, str]]:
    """Pairs of cards that touch each other."""
    left, top = drawn.x, drawn.y
    right, bottom = left + drawn.width, top + drawn.height
    apart = 1e-6
    hit = (
        (left[:, None] < right[None, :] - apart)
        & (left[None, :] < right[:, None] - apart)
        & (top[:, None] < bottom[None, :] - apart)
        & (top[None, :] < bottom[:, None] - apart)
    )
    return [(drawn.keys[a], drawn.keys[b]) for a, b in np.argwhere(np.triu(hit, 1)).tolist()]


def lines_through_cards(graph, drawn) -> list[tuple[int, str]]:
    """Edges whose line passes through a card that is not one of its ends."""
    found = []
    for edge in range(len(graph.source)):
        route = drawn.route(edge)
        ends = {int(graph.source[edge]), int(graph.target[edge])}
        for (x1, y1), (x2, y2) in zip(route.tolist(), route.tolist()[1:], strict=False):
            low_x, high_x = min(x1, x2), max(x1, x2)
            inside = (drawn.x < high_x - 1) & (drawn.x + drawn.width > low_x + 1)
            inside &= (drawn.y < max(y1, y2) - 1) & (drawn.y + drawn.height > min(y1, y2) + 1)
            found += [(edge, drawn.keys[node]) for node in np.flatnonzero(inside) if node not in ends]
    return found


def assert_sound(graph, drawn):
    """What holds for every drawing."""
    assert overlaps(drawn) == []
    assert lines_through_cards(graph, drawn) == []
    assert (drawn.loop == (graph.source == graph.target)).all()
    for edge, (a, b) in enumerate(zip(graph.source.tolist(), graph.target.tolist(), strict=True)):
        route = drawn.route(edge)
        if drawn.loop[edge]:
            assert len(route) == 0
            continue
        assert len(route) >= 2
        if not drawn.back[edge]:
            assert route[0, 0] == drawn.x[a] + drawn.width[a]
            assert route[-1, 0] == drawn.x[b]
            assert (np.diff(route[:, 0]) > 0).all()
        for node, (_, y) in ((a, route[0]), (b, route[-1])):
            assert drawn.y[node] <= y <= drawn.y[node] + drawn.height[node]


def kept_share(before, after) -> float:
    """The share of the nodes in both drawings that moved by more than half their height, a common shift apart."""
    place = {key: index for index, key in enumerate(after.keys)}
    both = [(index, place[key]) for index, key in enumerate(before.keys) if key in place]
    old, new = np.array([a for a, _ in both]), np.array([b for _, b in both])
    dx, dy = after.x[new] - before.x[old], after.y[new] - before.y[old]
    moved = np.hypot(dx - np.median(dx), dy - np.median(dy)) > before.height[old] / 2
    return float(moved.mean())


@pytest.fixture(params=[0, 1, 2])
def neighbours(request, lineage_edges, neighbourhood):
    """Edges of what lies around one table, 120 to 300 nodes: what a person looks at."""
    start, most = [("t005-out4", 120), ("t009-feature3", 200), ("t012-version2", 300)][request.param]
    return neighbourhood(lineage_edges(request.param, 1000), start, most)


def test_a_usual_view_is_sound(neighbours, graph_of):
    """No overlap, no line through a card, all edges of an acyclic graph left to right."""
    graph = graph_of(neighbours)

    drawn = layout(graph)

    assert_sound(graph, drawn)
    assert not drawn.back.any()


def test_all_edges_are_as_short_as_they_can_be_together(neighbours, graph_of):
    """The columns are an optimum: a dual certificate exists, found by networkx as a flow of equal cost."""
    graph = graph_of(neighbours)

    drawn = layout(graph)

    span = int((drawn.column[graph.target] - drawn.column[graph.source]).sum())
    flow = nx.DiGraph()
    flow.add_nodes_from(range(len(graph.keys)), demand=0)
    for a, b in zip(graph.source.tolist(), graph.target.tolist(), strict=True):
        # Minimising the lengths is the dual of the dearest flow, each edge at least one long.
        flow.add_edge(a, b, weight=-1)
        flow.nodes[a]["demand"] -= 1
        flow.nodes[b]["demand"] += 1
    assert span == -nx.min_cost_flow_cost(flow)


@st.composite
def any_graph(draw):
    """Small graphs with everything odd: cycles, self-loops, parallel edges, islands, cards of many sizes."""
    count = draw(st.integers(1, 14))
    keys = [f"n{index}" for index in range(count)]
    edges = draw(st.lists(st.tuples(st.sampled_from(keys), st.sampled_from(keys)), max_size=30))
    sizes = {key: (draw(st.floats(40, 300)), draw(st.floats(20, 90))) for key in keys}
    return keys, edges, sizes


@given(any_graph())
def test_any_graph_can_be_drawn(case):
    """Cycles, loops, parallel edges, islands and odd sizes never raise and never overlap."""
    keys, edges, sizes = case
    graph = LayoutGraph.of(keys, edges, sizes=sizes)

    assert_sound(graph, layout(graph))


@given(any_graph(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(case, chance):
    """The same keys and edges in another order give the same picture to the last bit."""
    keys, edges, sizes = case
    first = layout(LayoutGraph.of(keys, edges, sizes=sizes))
    chance.shuffle(keys := list(keys))
    order = list(range(len(edges)))
    chance.shuffle(order)
    second = layout(LayoutGraph.of(keys, [edges[index] for index in order], sizes=sizes))

    places = {key: (first.x[index], first.y[index]) for index, key in enumerate(first.keys)}
    assert places == {key: (second.x[index], second.y[index]) for index, key in enumerate(second.keys)}
    for new, old in enumerate(order):
        assert second.route(new).tolist() == first.route(old).tolist()


@given(any_graph(), any_graph())
def test_any_graph_can_become_any_other(before, after):
    """Old cards stay when enough of them do, nothing overlaps, whatever came and went."""
    keys, edges, sizes = before
    first = layout(LayoutGraph.of(keys, edges, sizes=sizes))
    later = LayoutGraph.of(after[0], after[1], sizes={**after[2], **sizes})

    second = layout(later, first)

    assert_sound(later, second)


def test_an_edge_against_the_stream_is_flagged_and_only_it():
    """One edge of a cycle runs backwards; the others keep their direction."""
    graph = LayoutGraph.of(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")])

    drawn = layout(graph)

    assert drawn.back.sum() == 1
    assert_sound(graph, drawn)


def test_a_chain_of_five_thousand_is_drawn():
    """Deep lineage is no error: nothing recurses."""
    keys = [f"n{index:05}" for index in range(5000)]
    graph = LayoutGraph.of(keys, list(itertools.pairwise(keys)))

    drawn = layout(graph)

    assert drawn.column.tolist() == list(range(5000))
    assert len(np.unique(drawn.y)) == 1


def test_a_dense_fold_full_of_cycles_is_drawn():
    """133 groups and 2,369 edges in one strongly connected part, as folding by namespace gives (issue 4)."""
    chance = random.Random(3)
    keys = [f"g{index:03}" for index in range(133)]
    edges = {(keys[index], keys[(index + 1) % 133]) for index in range(133)}
    while len(edges) < 2369:
        edges.add(tuple(chance.sample(keys, 2)))
    graph = LayoutGraph.of(keys, sorted(edges))

    drawn = layout(graph)

    assert overlaps(drawn) == []
    # Eades, Lin and Smyth promise at most half the edges minus a sixth of the nodes.
    assert drawn.back.sum() <= 2369 / 2 - 133 / 6


def test_parts_share_a_page(graph_of):
    """Many small parts lie in shelves, not in one tower."""
    graph = graph_of([(f"a{index}", f"b{index}") for index in range(60)])

    left, top, right, bottom = layout(graph).bounds()

    assert 0.6 < (right - left) / (bottom - top) < 4


def test_growth_moves_nothing(neighbours, graph_of):
    """Two per cent more nodes: at most 5 % of the old ones move, nothing overlaps (issue 4)."""
    before = layout(graph_of(neighbours))
    chance = random.Random(5)
    keys = sorted({key for pair in neighbours for key in pair})
    more = [
        (chance.choice(keys), f"new{index}")
        if chance.random() < 0.6
        else (f"new{index}", chance.choice(keys))
        for index in range(max(2, len(keys) // 50))
    ]
    graph = graph_of(neighbours + more)

    after = layout(graph, before)

    assert kept_share(before, after) <= 0.05
    assert_sound(graph, after)


def test_expanding_one_node_moves_nothing(neighbours, graph_of):
    """One node opened to twenty: at most 5 % of the old ones move, the twenty stand together (issue 4)."""
    before = layout(graph_of(neighbours))
    degree = dict(nx.DiGraph(neighbours).degree)
    opened = max(sorted(degree), key=degree.__getitem__)
    graph = graph_of(neighbours + [(opened, f"part{index:02}") for index in range(20)])

    after = layout(graph, before)

    assert kept_share(before, after) <= 0.05
    assert_sound(graph, after)
    parts = [index for index, key in enumerate(after.keys) if key.startswith("part")]
    assert len(set(after.column[parts].tolist())) == 1
    assert after.keys[int(np.array(parts)[after.y[parts].argmin()])] == "part00"


def test_taking_away_and_bringing_back_gives_the_same_picture(neighbours, graph_of):
    """Collapsing what was expanded leaves everything else where it was."""
    before = layout(graph_of(neighbours))
    more = [(neighbours[0][1], f"part{index}") for index in range(7)]

    after = layout(graph_of(neighbours), layout(graph_of(neighbours + more), before))

    assert after.x.tolist() == before.x.tolist()
    assert after.y.tolist() == before.y.tolist()


def test_a_pinned_card_stands_where_it_was_put(neighbours, graph_of):
    """A pin wins over the layout, others make room, and nothing overlaps."""
    graph = graph_of(neighbours)
    free = layout(graph)
    other = int(free.y.argmax())
    target = int(np.flatnonzero(free.column == free.column[other])[0])

    drawn = layout(graph, pins={graph.keys[target]: (float(free.x[other]), float(free.y[other]) + 10.0)})

    assert (drawn.x[target], drawn.y[target]) == (free.x[other], free.y[other] + 10.0)
    assert_sound(graph, drawn)


def test_lanes_stand_left_of_each_other(neighbours, graph_of):
    """With lanes by kind, every dataset stands left of every run, and so on."""
    kinds = ["table", "customers", "calendar", "job", "out", "feature", "run", "version", "target"]
    lane = {"run": 1, "version": 2, "target": 3}
    keys = {key for pair in neighbours for key in pair}
    of = {key: lane.get(next(kind for kind in kinds if kind in key), 0) for key in keys}
    graph = graph_of(neighbours, lanes=of)

    drawn = layout(graph)

    assert_sound(graph, drawn)
    for left, right in ((0, 1), (1, 2), (2, 3)):
        ends = [column for column, group in zip(drawn.column, graph.lane, strict=True) if group == left]
        begins = [column for column, group in zip(drawn.column, graph.lane, strict=True) if group == right]
        if ends and begins:
            assert max(ends) < min(begins)


def test_lines_cross_little_more_than_graphviz_lets_them(
    dot, lineage_edges, neighbourhood, graph_of, line_crossings
):
    """On nine neighbourhoods our drawn lines cross at most 1.5 times as often as dot's straight ones."""
    ours = theirs = 0
    for seed in range(3):
        estate = lineage_edges(seed, 1000)
        for start, most in (("t005-out4", 120), ("t009-feature3", 200), ("t012-version2", 300)):
            graph = graph_of(neighbourhood(estate, start, most))
            drawn = layout(graph)
            crossings = line_crossings([drawn.route(edge) for edge in range(len(graph.source))])
            assert crossings == drawn.crossings
            ours += crossings
            theirs += line_crossings(dot(graph))

    print(f"crossings: ours {ours}, dot {theirs}, ratio {ours / theirs:.2f}")
    assert ours <= 1.5 * theirs


def test_things_with_the_same_neighbours_stand_in_the_order_of_their_labels():
    """Twelve runs that read the same table are a list, whatever their keys are."""
    keys = ["table", *(f"k{(7 * index) % 12:02}" for index in range(12))]
    labels = ["a", *(f"run {index:02}" for index in range(12))]
    graph = LayoutGraph.of(keys, [("table", key) for key in keys[1:]], labels=labels)

    drawn = layout(graph)

    assert (np.diff(drawn.y[1:]) > 0).all()


def test_a_long_cycle_is_opened_at_its_cheapest_edge():
    """The edge that feeds back runs backwards, whatever the names are, and no other."""
    chance = random.Random(11)
    for _ in range(20):
        keys = [f"n{number}" for number in chance.sample(range(100), 9)]
        ring = list(zip(keys, keys[1:] + keys[:1], strict=True))
        side = [(keys[1], keys[4]), (keys[2], keys[7]), (keys[0], keys[8])]
        weights = [1.0] * 8 + [0.5] + [1.0] * 3

        drawn = layout(LayoutGraph.of(keys, ring + side, weights=weights))

        assert np.flatnonzero(drawn.back).tolist() == [8]
