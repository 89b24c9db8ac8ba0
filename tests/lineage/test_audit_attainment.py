"""What was attained under an agreement: the arithmetic on numbers worked out by hand, and which series counts."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import lineage
from lineage.audit.attainment import (
    OCCURRENCES,
    RATIO_TIMESLICES,
    TIMESLICES,
    Promise,
    Slice,
    attained,
    increases,
    lasting,
    shares,
    values,
)
from lineage.audit.indicators import indicator
from lineage.audit.windows import WindowError, of_calendar, rolling
from lineage.model.facts import Key, Objective, Series
from lineage.model.vocabulary import Kind

GOOD = [2, 10, 12, 13, 13, 12, 13, 13, 12, 11]
TOTAL = [4, 10, 12, 13, 14, 15, 14, 13, 12, 11]
HOUR = 3_600_000_000


def at(text: str) -> int:
    """UTC microseconds of a time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def counted(good: Sequence[int] = GOOD, total: Sequence[int] = TOTAL) -> list[Slice]:
    """One slice a microsecond."""
    return [Slice(n, n + 1, Decimal(g), Decimal(t)) for n, (g, t) in enumerate(zip(good, total, strict=True))]


@pytest.mark.parametrize(
    ("method", "value", "left"),
    [
        (OCCURRENCES, 111 / 118, 1 - (7 / 118) / 0.05),
        (TIMESLICES, 6 / 10, 1 - 0.4 / 0.05),
        (RATIO_TIMESLICES, (2 / 4 + 13 / 14 + 12 / 15 + 13 / 14 + 6) / 10, None),
    ],
)
def test_the_three_methods_give_the_three_published_numbers(
    method: str, value: float, left: float | None
) -> None:
    """94.07 %, 60 % and 91.57 % of the same ten slices at a target of 95 %."""
    found = attained(counted(), Promise(">=", 0.95, method, slice_target=0.95), 0, 10)

    assert found.value == pytest.approx(value)
    assert (found.met, found.coverage, found.method) == (False, 1.0, method)
    assert left is None or found.budget_left == pytest.approx(left)


def test_a_ratio_just_kept_is_kept() -> None:
    """A thousand times 0.999 is 0.999, not a bit less."""
    slices = values(lasting(dict.fromkeys(range(0, 3_000, 3), 0.999), 3))

    found = attained(slices, Promise(">=", 0.999), 0, 3_000)

    assert (found.value, found.met, found.budget_left) == (0.999, True, 0.0)
    assert attained(slices, Promise(">", 0.999), 0, 3_000).met is False


@pytest.mark.parametrize(
    ("value", "measured", "met"),
    [(1.0, 100, True), (1.0, 95, True), (1.0, 89, None), (0.92, 99, True), (0.92, 95, None), (0.5, 90, False),
     (0.85, 50, None), (0.5, 10, None)],
)  # fmt: skip
def test_unmeasured_time_is_neither_good_nor_bad(value: float, measured: int, met: bool | None) -> None:
    """At 90 %: kept if all the rest were bad, missed if all the rest were good, undecided between."""
    slices = [Slice(n, n + 1, Decimal(str(value)), Decimal(1), spread=True) for n in range(measured)]

    found = attained(slices, Promise(">=", 0.9), 0, 100)

    assert (found.value, found.coverage, found.met) == (value, measured / 100, met)
    assert found.least == pytest.approx(value * measured / 100)
    assert found.most == pytest.approx(value * measured / 100 + 1 - measured / 100)
    assert bool(found.why) == (measured < 100)


def test_nothing_measured_is_not_kept_and_not_missed() -> None:
    """No slices, and slices in which nothing happened, have no value."""
    assert attained([], Promise(">=", 0.9), 0, 10).met is None
    quiet = attained(counted([0] * 10, [0] * 10), Promise(">=", 0.9), 0, 10)
    assert (quiet.value, quiet.met, quiet.coverage) == (None, None, 1.0)


def test_a_method_is_not_used_on_what_it_cannot_be_worked_out_from() -> None:
    """No occurrences from a ratio, no time slices without what makes one good."""
    ratios = values(lasting({0: 0.9}, 10))

    occurrences = attained(ratios, Promise(">=", 0.9, OCCURRENCES), 0, 10)
    slices = attained(ratios, Promise(">=", 0.9, TIMESLICES), 0, 10)

    assert (occurrences.value, occurrences.met, slices.value, slices.met) == (None, None, None, None)
    assert "counts" in occurrences.why
    assert "slice" in slices.why


def test_a_share_of_errors_has_to_be_small() -> None:
    """Two bad events of a hundred: 2 % of errors at a limit of 5 % leaves 60 % of the budget."""
    found = attained([Slice(0, 10, Decimal(2), Decimal(100))], Promise("<=", 0.05), 0, 10)

    assert (found.value, found.met) == (0.02, True)
    assert found.budget_left == pytest.approx(0.6)


def test_a_longer_slice_is_judged_as_a_whole() -> None:
    """Slices of two: 12/14, 25/25, 25/29, 26/27, 23/23 of which three reach 95 %."""
    found = attained(counted(), Promise(">=", 0.5, TIMESLICES, slice_target=0.95, slice_length=2), 0, 10)

    assert (found.value, found.met) == (0.6, True)


def test_a_limit_is_broken_by_one_value_and_kept_only_where_all_was_measured() -> None:
    """Age of data at most 24 h: 30 once is a breach whatever else; 20 all the time but for a gap is undecided."""
    limit = Promise("<=", 24.0, ratio=False)

    assert attained(values(lasting({0: 20.0, 10: 30.0}, 10)), limit, 0, 100).met is False
    assert attained(values(lasting({0: 20.0, 10: 21.0}, 10)), limit, 0, 100).met is None
    kept = attained(values(lasting({0: 20.0, 10: 21.0}, 10)), limit, 0, 20)
    assert (kept.value, kept.met) == (21.0, True)


def test_a_total_that_begins_again_goes_on_from_nothing_and_a_gap_is_not_filled() -> None:
    """10, 15, 3 (restarted), 8: grew by 5, 3 and 5; over a pause of ten steps nobody knows when."""
    grown = increases({0: 10.0, 60: 15.0, 120: 3.0, 180: 8.0, 780: 900.0}, 60)

    assert [(span, int(value)) for span, value in grown.items()] == [
        ((0, 60), 5),
        ((60, 120), 3),
        ((120, 180), 5),
    ]


def test_events_that_cross_the_edge_of_a_window_belong_to_neither_side() -> None:
    """Nobody knows on which side of the edge they happened; a ratio holds on both."""
    events = [Slice(0, 10, Decimal(9), Decimal(10)), Slice(10, 20, Decimal(0), Decimal(10))]

    found = attained(events, Promise(">=", 0.5), 0, 15)
    ratio = attained([piece._replace(part=piece.part / 10, total=Decimal(1), spread=True) for piece in events],
                     Promise(">=", 0.5), 0, 15)  # fmt: skip

    assert (found.value, found.coverage) == (0.9, 10 / 15)
    assert ratio.value == pytest.approx(0.6)
    assert shares({(0, 1): Decimal(2)}, {(0, 1): Decimal(1)}) == []


def test_calendar_windows_follow_their_zone() -> None:
    """Vienna's March has 743 hours, its October 745; a quarter begins in January, a week on Monday."""
    months = of_calendar("P1M", at("2026-03-05"), at("2026-11-01T00:00"), "Europe/Vienna")
    hours = [(until - since) // HOUR for since, until in months]

    assert months[-1] == (at("2026-02-28T23:00"), at("2026-03-31T22:00"))
    assert (hours[-1], hours[1]) == (743, 745)
    assert of_calendar("P3M", at("2026-05-02"), at("2026-05-03")) == [(at("2026-04-01"), at("2026-07-01"))]
    assert of_calendar("P1W", at("2026-11-24"), at("2026-11-25")) == [(at("2026-11-23"), at("2026-11-30"))]
    started = of_calendar(
        "P1W", at("2026-11-24"), at("2026-11-25"), "America/New_York", "2022-01-01 12:00:00"
    )
    assert started == [(at("2026-11-21T17:00"), at("2026-11-28T17:00"))]
    with pytest.raises(WindowError, match="Europe/Nowhere"):
        of_calendar("P1M", 0, HOUR, "Europe/Nowhere")


def test_rolling_windows_end_where_asked() -> None:
    """28 days are 28 times 24 hours, a month is back to the same day or the last there is."""
    assert rolling("P28D", at("2026-03-20"), at("2026-03-29")) == [(at("2026-03-01"), at("2026-03-29"))]
    assert rolling("P1M", at("2026-03-20"), at("2026-03-31")) == [(at("2026-02-28"), at("2026-03-31"))]


def rows(
    *series: tuple[str, dict[str, str], dict[int, float]], counter: bool = False
) -> list[dict[str, Any]]:
    """Series as `gathering.series` returns them."""
    made = []
    for number, (metric, labels, samples) in enumerate(series):
        name = metric + repr(sorted(labels.items()))
        fact = Series(Key(Kind.MONITOR, "prometheus", name), metric, tuple(samples), tuple(samples.values()),
                      counter=counter, step=60, labels=labels)  # fmt: skip
        made.append({"entity": number, "fact": fact, "record": number})
    return made


def objective(metric: str = "availability", **more: Any) -> Objective:
    """A promise about the service `iris`."""
    key = Key(Kind.SLA, "iris", "iris-up")
    return Objective(key, metric, more.pop("comparator", ">="), more.pop("target", 0.9), more.pop("unit", "ratio"),
                     subjects=("iris",), **more)  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "labels", "taken"),
    [
        ("availability", {"service": "iris"}, True),
        ("sli:availability:ratio", {"service": "iris"}, True),
        ("iris_up", {"slo": "iris-up"}, True),
        ("availability", {"target": "prod/dev/iris"}, True),
        ("availability", {}, False),
        ("availability", {"service": "iris-2"}, False),
        ("availability", {"service": "iris", "slo": "other"}, False),
        ("uptime", {"service": "iris"}, False),
        ("availability", {"pod": "iris"}, False),
    ],
)
def test_a_series_counts_only_where_its_names_say_so(
    metric: str, labels: dict[str, str], taken: bool
) -> None:
    """The metric and a label both have to bear the document's names, and no label another's."""
    found = indicator(objective(), {}, rows((metric, labels, {0: 1.0, 60: 1.0})), ["prod/dev/iris"])

    assert bool(found.slices) is taken
    assert bool(found.why) is not taken


def test_two_series_of_the_same_names_are_none() -> None:
    """Nobody says which of two clusters the promise is measured in."""
    two = [("availability", {"service": "iris", "cluster": name}, {0: 1.0, 60: 1.0}) for name in "ab"]

    found = indicator(objective(), {}, rows(*two))

    assert (found.slices, "several series" in found.why) == ((), True)


def test_percentiles_are_not_averaged() -> None:
    """A p95 of a month is not the mean of the p95s of its minutes, and is not given as such."""
    promise = objective("latency", comparator="<=", target=0.2, unit="s", percentile=0.95)

    found = indicator(promise, {}, rows(("latency", {"service": "iris"}, {0: 0.1, 60: 0.1})))

    assert (found.slices, "percentiles cannot be averaged" in found.why) == ((), True)


def test_running_totals_in_pieces_and_in_any_order_give_one_answer() -> None:
    """Good and all events, cut into overlapping records, shuffled: 19 of 20; a time told twice differently is left."""
    labels = {"service": "iris"}
    good: list[tuple[str, dict[str, str], dict[int, float]]] = [
        ("availability_good_total", labels, {0: 100.0, 60: 110.0}),
        ("availability_good_total", labels, {60: 110.0, 120: 9.0, 180: 12.0}),
    ]
    total: list[tuple[str, dict[str, str], dict[int, float]]] = [
        ("availability_total", labels, {0: 200.0, 60: 210.0, 120: 10.0}),
        ("availability_total", labels, {120: 10.0, 180: 13.0}),
        ("availability_total", labels, {180: 14.0}),
    ]
    answers = set()
    for order in itertools.islice(itertools.permutations(rows(*good, *total, counter=True)), 40):
        found = indicator(objective(), {}, order)
        said = attained(found.slices, found.promise, 0, 180)
        answers.add((said.value, said.coverage, said.weight, said.method, found.records))

    assert answers == {(0.95, 120 / 180, 20.0, OCCURRENCES, (0, 1, 2, 3, 4))}


def test_a_limit_of_unsaid_unit_is_not_compared_with_seconds() -> None:
    """`< 500` may be milliseconds: a series in seconds would always keep it."""
    row = rows(("search-latency", {"service": "iris"}, {0: 0.3, 60: 0.3}))
    (only,) = row
    fact = only["fact"]
    only["fact"] = Series(
        fact.subject, fact.metric, fact.times, fact.values, "s", step=60, labels=fact.labels
    )

    assert "is in s" in indicator(objective("search-latency < 500", target=0.99), {}, row).why


def test_a_value_without_a_unit_is_not_taken_for_a_share() -> None:
    """`99 % of events by latency` is not kept by a latency of 0.995, which may be seconds."""
    found = indicator(
        objective("latency", target=0.99), {}, rows(("latency", {"service": "iris"}, {0: 0.995, 60: 1}))
    )

    assert (found.slices, "value itself" in found.why) == ((), True)


SLO = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: scorer-availability, annotations: {effective-from: "2026-01-01T00:00:00Z"}}
spec:
  service: scorer
  budgetingMethod: RatioTimeslices
  timeWindow: [{duration: 1M, isRolling: false, calendar: {startTime: "2026-01-01 00:00:00", timeZone: Europe/Vienna}}]
  indicator: {metadata: {name: ok}, spec: {ratioMetric: {}}}
  objectives: [{displayName: available, target: 0.99}]
"""


def measured(missing: int = 0) -> list[str]:
    """Hourly rows of Vienna's March 2026: three hours at nothing on the 20th, the last hours missing."""
    start = datetime(2026, 2, 28, 23, tzinfo=UTC)
    lines = []
    for hour in range(743 - missing):
        time = start + timedelta(hours=hour)
        bad = time.day == 20 and time.month == 3 and time.hour in (3, 4, 5)
        lines.append(f"{time:%Y-%m-%dT%H:%M:%SZ},scorer,availability,{0 if bad else 1},ratio")
    return lines


@pytest.fixture
def attained_in(tmp_path: Path, audit_event: Callable[..., Any]) -> Callable[[list[str]], Path]:
    """A function that makes a workspace of an agreement, two deployments and these measurements."""
    import json

    def make(lines: list[str]) -> Path:
        files = tmp_path / "files"
        files.mkdir()
        (files / "slo.yaml").write_text(SLO.lstrip(), "utf-8")
        calls = [
            audit_event("2026-01-10T10:00:00.000000Z", "a@example.com", number=1),
            audit_event("2026-03-15T12:00:00.000000Z", "a@example.com", verb="update", code=200,
                        uri="s3://models/churn/2", number=2),
        ]  # fmt: skip
        (files / "audit.log").write_text("".join(f"{json.dumps(call)}\n" for call in calls), "utf-8")
        if lines:
            text = "\n".join(["time,service,sli,value,unit", *lines, ""])
            (files / "sli.csv").write_text(text, "utf-8")
        place = tmp_path / "made.trail"
        with lineage.open(place) as workspace:
            workspace.import_([files], labels={"cluster": "prod"})
        return place

    return make


def test_a_month_is_judged_in_its_zone_and_its_breach_charged_to_the_version_that_ran(
    attained_in: Callable[[list[str]], Path],
) -> None:
    """740 of 743 hours at 99 %; the three bad hours are the second deployment's, in whatever order they are read."""
    lines = measured()
    random.Random(4).shuffle(lines)

    with lineage.open(attained_in(lines)) as workspace:
        (item,) = workspace.sla(as_of="2026-04-01").items

    assert (item["window_from"], item["window_to"]) == ("2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z")
    assert (item["value"], item["met"], item["coverage"]) == (None, None, 0.0)
    march = item["windows"][1]
    assert (march["window_from"], march["window_to"]) == ("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z")
    assert march["value"] == pytest.approx(740 / 743)
    assert (march["met"], march["coverage"], march["method"]) == (True, 1.0, "ratio-timeslices")
    assert march["budget_left"] == pytest.approx(1 - 3 / 7.43)
    assert [(each["bad"], each["bad_unit"]) for each in march["episodes"]] == [(0.0, "s"), (10_800.0, "s")]
    assert march["episodes"][1]["budget_used"] == pytest.approx(3 / 7.43)
    assert [episode["value"] == 1.0 for episode in item["episodes"]] == [True, False]
    assert any(reference["file"].endswith("sli.csv") for reference in item["evidence"])


def test_five_hours_that_nobody_measured_leave_the_verdict_open(
    attained_in: Callable[[list[str]], Path],
) -> None:
    """735 of 743 would be missed, 740 of 743 kept: it is neither."""
    with lineage.open(attained_in(measured(missing=5))) as workspace:
        (item,) = workspace.sla().items

    assert item["value"] == pytest.approx(735 / 738)
    assert item["coverage"] == pytest.approx(738 / 743)
    assert (item["met"], item["windows"][0]["least"]) == (None, pytest.approx(735 / 743))
    assert "not measured" in item["why"]


def test_an_agreement_that_nothing_measures_says_so(attained_in: Callable[[list[str]], Path]) -> None:
    """Without a series there is no number, and the reason stands where it would be."""
    with lineage.open(attained_in([])) as workspace:
        (item,) = workspace.sla().items

    assert (item["value"], item["met"], item["coverage"], item["windows"]) == (None, None, 0.0, [])
    assert item["why"] == "no measurements are imported"


def test_what_was_not_yet_measured_or_known_is_no_part_of_an_earlier_answer(
    attained_in: Callable[[list[str]], Path],
) -> None:
    """As of the 10th nothing was bad and the month not over; before the import nothing was known at all."""
    with lineage.open(attained_in(measured())) as workspace:
        (tenth,) = workspace.sla(as_of="2026-03-10T23:00:00Z").items
        (march,) = workspace.sla(since="2026-03-02", until="2026-03-30").items
        before = workspace.sla(known_at="2020-01-01").items

    assert (tenth["value"], tenth["met"], len(tenth["windows"])) == (1.0, None, 1)
    assert tenth["coverage"] == pytest.approx(10 * 24 / 743)
    assert [window["window_from"] for window in march["windows"]] == ["2026-02-28T23:00:00Z"]
    assert before == []


def test_a_missed_agreement_is_a_finding(
    attained_in: Callable[[list[str]], Path],
) -> None:
    """A day at nothing, 719 of 743 hours, is below 99 % whatever else; it names window, number and deployment."""
    lines = [
        line.replace(",1,ratio", ",0,ratio") if line.startswith("2026-03-20") else line for line in measured()
    ]

    with lineage.open(attained_in(lines)) as workspace:
        (item,) = workspace.sla().items
        (found,) = [each for each in workspace.findings().items if each["code"] == "sla-missed"]
        second = item["episodes"][1]["id"]

    assert (item["met"], item["value"]) == (False, pytest.approx(719 / 743))
    assert "2026-02-28T23:00:00Z to 2026-03-31T22:00:00Z" in found["text"]
    assert found["text"].endswith(f"Charged to deployment {second}.")
    assert [side["evidence"][0]["file"].rpartition("/")[2] for side in found["sides"]] == [
        "slo.yaml",
        "sli.csv",
    ]


def test_an_open_verdict_is_no_finding(attained_in: Callable[[list[str]], Path]) -> None:
    """Nobody is told that a promise was broken where nobody measured."""
    with lineage.open(attained_in(measured(missing=5))) as workspace:
        codes = {item["code"] for item in workspace.findings().items}

    assert "sla-missed" not in codes
