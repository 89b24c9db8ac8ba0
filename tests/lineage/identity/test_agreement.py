"""Which agreement bound a target at a time, since when, and who says so."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.identity.agreement import ObjectiveRow, TargetRow, assign, in_force
from lineage.model.facts import Key, Objective
from lineage.model.moment import LAST, Moment, exactly
from lineage.model.naming import dataset
from lineage.model.naming import target as target_key
from lineage.model.vocabulary import Kind

IRIS = target_key("dev", "shop", "inferenceservices", "iris")


def said(value=0.999, name="iris-availability", *, record=1, seen=None, seen_ground="import", **more):
    """Return an objective of the service iris, as one record states it."""
    settings = {"subjects": ("iris",), "ground": "contract", "document": f"doc{record}.yaml", **more}
    metric = settings.pop("metric", "availability")
    key = Key(Kind.SLA, "slo", name)
    objective = Objective(key, metric, ">=", value, "ratio", **settings)
    return ObjectiveRow(objective, seen, seen_ground, record)


def at(time, rows, targets=None, target=IRIS):
    """Return value, basis and certainty of what is in force."""
    made = assign(rows, targets if targets is not None else [TargetRow(target)])
    return [(sla.target, sla.basis, sla.certain) for sla in in_force(made, target, time)]


def test_the_contracts_own_dates_decide():
    """In force from its first instant up to, not including, its end."""
    row = said(since=exactly(100), until=exactly(200))
    assert at(99, [row]) == []
    assert at(100, [row]) == [(0.999, "contract", True)]
    assert at(199, [row]) == [(0.999, "contract", True)]
    assert at(200, [row]) == []


def test_every_field_of_the_contract_is_there():
    """CONTRACT.md, `sla[]`: name, version, metric, comparator, target, unit, window, from, to, basis, document."""
    row = said(
        since=exactly(100), version="1.2.0", window="P28D", document="a.yaml:3", percentile=None, record=7
    )
    (sla,) = in_force(assign([row], [TargetRow(IRIS)]), IRIS, 150)
    assert (sla.name, sla.version, sla.metric, sla.comparator) == (
        "iris-availability",
        "1.2.0",
        "availability",
        ">=",
    )
    assert (sla.target, sla.unit, sla.window, sla.document, sla.record) == (
        0.999,
        "ratio",
        "P28D",
        "a.yaml:3",
        7,
    )
    assert (sla.effective_from, sla.effective_to, sla.joined_by) == (exactly(100), None, "service-name")


def test_a_version_ends_where_the_next_begins():
    """An end that the document names itself comes first where it is earlier."""
    rows = [
        said(0.99, since=exactly(100)),
        said(0.995, since=exactly(200), until=exactly(250)),
        said(0.999, since=exactly(300)),
    ]
    for order in itertools.permutations(rows):
        assert at(199, order) == [(0.99, "contract", True)]
        assert at(200, order) == [(0.995, "contract", True)]
        assert at(270, order) == []
        assert at(300, order) == [(0.999, "contract", True)]


def test_a_document_without_dates_was_there_by_the_date_of_its_file_or_import():
    """Before that it may have held, and the answer says that it is not certain, and why it is believed."""
    row = said(seen=exactly(500))
    assert at(499, [row]) == [(0.999, "import", False)]
    assert at(500, [row]) == [(0.999, "import", True)]
    assert at(499, [said(seen=exactly(500), seen_ground="file")]) == [(0.999, "file", False)]
    assert at(499, [said(seen=exactly(500), seen_ground="git")]) == []
    assert at(500, [said(seen=exactly(500), seen_ground="git")]) == [(0.999, "git", True)]


def test_two_undated_versions_change_at_an_unknown_time_between_their_dates():
    """Old file of 500, new file of 900: at 700 either; the same file imported again is no new version."""
    rows = [
        said(0.99, seen=exactly(500)),
        said(0.999, seen=exactly(900), record=2),
        said(0.999, seen=exactly(950), record=3),
    ]
    assert at(499, rows) == [(0.99, "import", False)]
    assert at(700, rows) == [(0.99, "import", False), (0.999, "import", False)]
    assert at(900, rows) == [(0.999, "import", True)]
    (sla,) = in_force(assign(rows, [TargetRow(IRIS)]), IRIS, 900)
    assert sla.effective_from == Moment(500, 900)


def test_an_annotation_that_names_the_agreement_is_the_best_ground_for_an_undated_one():
    """The deployment says under which agreement it runs, from its own beginning on."""
    row = said(seen=exactly(500), subjects=())
    target = TargetRow(IRIS, annotations={"example.com/slo": "iris-availability"}, since=100, until=200)
    assert at(150, [row], [target]) == [(0.999, "annotation", True)]
    assert at(99, [row], [target]) == []
    assert at(200, [row], [target]) == []
    dated = said(since=exactly(120), subjects=())
    assert at(150, [dated], [target]) == [(0.999, "contract", True)]
    assert at(110, [dated], [target]) == []


def test_an_annotation_may_name_the_version():
    """`name@version` joins that version only."""
    rows = [
        said(0.99, version="1", seen=exactly(1), subjects=()),
        said(0.999, version="2", seen=exactly(2), subjects=()),
    ]
    target = TargetRow(IRIS, annotations={"sla": "iris-availability@2"})
    assert at(5, rows, [target]) == [(0.999, "annotation", True)]


@pytest.mark.parametrize(
    ("subject", "labels", "joined"),
    [
        ("iris", {}, "service-name"),
        ("shop/iris", {}, "service-name"),
        ("dev/shop/iris", {}, "service-name"),
        ("prod/shop/iris", {}, None),
        ("Iris", {}, None),
        ("iris-eu", {}, None),
        ("flowers", {"service": "flowers"}, "label"),
        ("flowers", {"example.com/service": "flowers"}, "label"),
        ("flowers", {"app": "flowers"}, None),
        ("tier=gold", {"tier": "gold"}, "selector"),
        ("tier=gold,team=a", {"tier": "gold", "team": "a"}, "selector"),
        ("tier=gold,team=a", {"tier": "gold"}, None),
    ],
)
def test_a_subject_joins_by_exact_name_label_or_selector(subject, labels, joined):
    """sources-ops 6: exact names only; what matches nothing is left for a person."""
    made = assign([said(since=exactly(0), subjects=(subject,))], [TargetRow(IRIS, labels)])
    assert [sla.joined_by for sla in in_force(made, IRIS, 5)] == ([joined] if joined else [])
    assert bool(made.unassigned) is (joined is None)


def test_labels_count_only_while_the_object_carries_them():
    """One row an episode: the label was taken off at 200."""
    row = said(since=exactly(0), subjects=("tier=gold",))
    rows = [TargetRow(IRIS, {"tier": "gold"}, since=100, until=200), TargetRow(IRIS, {}, since=200)]
    assert [bool(at(time, [row], rows)) for time in (99, 100, 199, 200)] == [False, True, True, False]


def test_an_objective_about_a_dataset_concerns_the_dataset_in_any_spelling():
    """A data contract's server is a place; its canonical form is asked for."""
    place = dataset("s3a://Lake", "/daily/")
    row = said(since=exactly(0), subjects=(), datasets=(place,), metric="freshness")
    made = assign([row], [TargetRow(IRIS)])
    assert made.unassigned == ()
    assert [sla.joined_by for sla in in_force(made, dataset("s3://lake", "daily"), 5)] == ["dataset"]
    assert in_force(made, IRIS, 5) == ()


def test_one_name_in_two_clusters_is_said():
    """The document names no cluster: both get it, and a person is told."""
    other = target_key("prod", "shop", "inferenceservices", "iris")
    made = assign([said(since=exactly(0))], [TargetRow(IRIS), TargetRow(other)])
    assert made.several == (("iris", (IRIS, other)),)
    assert in_force(made, IRIS, 5)
    assert in_force(made, other, 5)


def test_documents_that_disagree_are_a_conflict_with_both_sides():
    """Contract 99.9 %, team file 99.5 %, both about iris from 200 to 300."""
    rows = [
        said(0.999, since=exactly(100), until=exactly(300), record=1),
        said(0.995, "iris-slo", since=exactly(200), record=2),
    ]
    for order in (rows, rows[::-1]):
        (found,) = assign(order, [TargetRow(IRIS)]).conflicts
        assert (found.target, found.metric, found.since, found.until) == (IRIS, "availability", 200, 300)
        assert {side.target for side in found.sides} == {0.999, 0.995}
    assert at(250, rows) == [(0.999, "contract", True), (0.995, "contract", True)]


@pytest.mark.parametrize(
    ("value", "name", "more"),
    [
        (0.999, "other", {}),
        (0.995, "other", {"since": exactly(300)}),
        (0.995, "other", {"window": "P1D"}),
        (0.995, "other", {"metric": "latency"}),
        (0.995, "other", {"document": "doc1.yaml:40"}),
        (0.995, "other", {"subjects": ("elsewhere",)}),
        (0.995, "iris-availability", {"since": exactly(300)}),
    ],
)
def test_what_is_no_disagreement(value, name, more):
    """The same value, another time, window, metric or target; two objectives of one document; a later version."""
    first = said(0.999, since=exactly(100), until=exactly(300), window="P28D")
    second = said(value, name, record=2, **{"since": exactly(100), "window": "P28D", **more})
    assert assign([first, second], [TargetRow(IRIS)]).conflicts == ()


def test_a_percentile_in_the_name_of_a_metric_is_the_percentile():
    """A CSV's `latency_p95` and OpenSLO's latency at 0.95 are one metric."""
    rows = [
        said(0.2, "a", since=exactly(0), metric="latency_p95", record=1),
        said(0.3, "b", since=exactly(0), metric="latency", percentile=0.95, record=2),
        said(0.4, "c", since=exactly(0), metric="latency", percentile=0.99, record=3),
    ]
    (found,) = assign(rows, [TargetRow(IRIS)]).conflicts
    assert {side.name for side in found.sides} == {"a", "b"}


ROWS = st.lists(
    st.builds(
        said,
        st.sampled_from([0.9, 0.99, 0.999]),
        st.sampled_from(["a", "b"]),
        record=st.integers(1, 5),
        seen=st.one_of(st.none(), st.integers(0, 50).map(exactly)),
        since=st.one_of(st.none(), st.integers(0, 50).map(exactly)),
        until=st.one_of(st.none(), st.integers(20, 90).map(exactly)),
        subjects=st.sampled_from([("iris",), ("tier=gold",), ("elsewhere",)]),
    ),
    max_size=6,
)


@given(ROWS, st.integers(0, 100), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(rows, time, random):
    """The documents are a set: any order and repetition gives the same answer and the same conflicts."""
    targets = [TargetRow(IRIS, {"tier": "gold"}, since=10, until=LAST)]
    shuffled = [*rows, *rows[:2]]
    random.shuffle(shuffled)
    one, other = assign(rows, targets), assign(shuffled, targets)
    assert in_force(one, IRIS, time) == in_force(other, IRIS, time)
    assert one == other
