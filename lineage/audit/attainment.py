"""Was what was promised kept in a window of time, how much of it was measured, and can the rest change the verdict?

Three methods of OpenSLO (`budgetingMethod`), which differ a lot on the same numbers: occurrences (good events of all
events), timeslices (good slices of all slices), ratio-timeslices (the mean of the slices' ratios). Time that was not
measured is neither good nor bad. The verdict is worked out twice, with all of it bad and with all of it good (for
events: as many of them in that time as in the same length of measured time); where the two differ there is none.
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import NamedTuple

OCCURRENCES, TIMESLICES, RATIO_TIMESLICES = "occurrences", "timeslices", "ratio-timeslices"
WORST = "worst-value"
"""For a limit on a value: the worst value measured; one is enough to break the promise."""

_HOLDS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_DIGITS = 60
Span = tuple[int, int]


class Slice(NamedTuple):
    """What was measured from `begin` until before `end` (UTC microseconds).

    Attributes:
        part: how much of `total` is what the metric counts: good events, or bad ones for a rate of errors.
        spread: the ratio holds for every piece of the slice, so that it may be cut; events may not.
    """

    begin: int
    end: int
    part: Decimal
    total: Decimal
    spread: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """What has to be kept.

    Attributes:
        ratio: the target is a share (0..1) of events or time; else a limit of the value itself.
        slice_target: the ratio from which a slice is good; `slice_length`: microseconds, 0 = as measured.
    """

    comparator: str
    target: float
    method: str = ""
    ratio: bool = True
    slice_target: float | None = None
    slice_length: int = 0

    @property
    def more_is_better(self) -> bool:
        """Whether the target is a least value."""
        return self.comparator in (">=", ">")


@dataclass(frozen=True, slots=True)
class Attainment:
    """What was attained in a window.

    Attributes:
        value: on the measured time alone; `least`, `most`: with what was not measured counted against it, and for it.
        coverage: the measured share of the window, 0..1.
        met: None where the time not measured decides, or nothing was measured; `why` says so.
        budget_left: 1 = untouched, below 0 = overdrawn; on the measured time alone.
        bad, weight: how much went wrong of how much: events for occurrences, else microseconds.
    """

    value: float | None
    coverage: float
    met: bool | None
    method: str
    budget_left: float | None = None
    least: float | None = None
    most: float | None = None
    bad: float = 0.0
    weight: float = 0.0
    why: str = ""


def step_of(times: Sequence[int], stated: int = 0) -> int:
    """Return the microseconds between samples: as the source states, else the most common pause (the shortest such).

    >>> step_of([0, 60, 120, 400, 460]), step_of([5]), step_of([5], 60)
    (60, 0, 60)
    """
    if stated or len(times) < 2:
        return stated
    pauses = Counter(after - before for before, after in pairwise(times))
    return min(pauses, key=lambda pause: (-pauses[pause], pause))


def lasting(samples: Mapping[int, float], step: int) -> dict[Span, Decimal]:
    """Return what each sample stands for: from its time until the next, one step at most; a longer pause is a gap.

    >>> lasting({0: 0.5, 60: 1.0, 300: 0.25}, 60)
    {(0, 60): Decimal('0.5'), (60, 120): Decimal('1.0'), (300, 360): Decimal('0.25')}
    """
    times = sorted(samples)
    ends = (
        [min(time + step, after) for time, after in zip(times, [*times[1:], times[-1] + step], strict=True)]
        if times
        else []
    )
    return {
        (time, end): Decimal(repr(samples[time])) for time, end in zip(times, ends, strict=True) if end > time
    }


def increases(samples: Mapping[int, float], step: int) -> dict[Span, Decimal]:
    """Return by how much a total grew from sample to sample; a total that fell began again at 0.

    A pause of more than one and a half steps is a gap: what was counted then belongs to no known time, and a reset
    within would have lost some of it.

    >>> increases({0: 10.0, 60: 15.0, 120: 3.0, 600: 90.0}, 60)
    {(0, 60): Decimal('5.0'), (60, 120): Decimal('3.0')}
    """
    times = sorted(samples)
    found: dict[Span, Decimal] = {}
    for begin, end in pairwise(times):
        if 2 * (end - begin) <= 3 * step:
            before, after = Decimal(repr(samples[begin])), Decimal(repr(samples[end]))
            found[begin, end] = after - before if after >= before else after
    return found


def shares(part: Mapping[Span, Decimal], total: Mapping[Span, Decimal]) -> list[Slice]:
    """Return the spans for which both were counted, in the order of time; more good than all is no measurement.

    >>> shares({(0, 1): Decimal(3), (1, 2): Decimal(9)}, {(0, 1): Decimal(4), (1, 2): Decimal(8)})
    [Slice(begin=0, end=1, part=Decimal('3'), total=Decimal('4'), spread=False)]
    """
    both = sorted(part.keys() & total.keys())
    return [Slice(*span, part[span], total[span]) for span in both if 0 <= part[span] <= total[span]]


def values(lasted: Mapping[Span, Decimal]) -> list[Slice]:
    """Return a value that lasted, a ratio or any other, as slices."""
    return [Slice(*span, lasted[span], Decimal(1), spread=True) for span in sorted(lasted)]


def attained(slices: Sequence[Slice], promise: Promise, begin: int, end: int) -> Attainment:
    """Work out what was attained from `begin` until before `end`; `slices` in the order of time, without overlap.

    >>> good = [2, 10, 12, 13, 13, 12, 13, 13, 12, 11]
    >>> total = [4, 10, 12, 13, 14, 15, 14, 13, 12, 11]
    >>> given = [Slice(n, n + 1, Decimal(g), Decimal(t)) for n, (g, t) in enumerate(zip(good, total))]
    >>> for method in (OCCURRENCES, TIMESLICES, RATIO_TIMESLICES):
    ...     found = attained(given, Promise(">=", 0.95, method, slice_target=0.95), 0, 10)
    ...     print(round(found.value, 4), found.met, round(found.budget_left, 4))
    0.9407 False -0.1864
    0.6 False -7.0
    0.9157 False -0.6857
    """
    inside = within(slices, begin, end)
    length = end - begin
    measured = sum(piece.end - piece.begin for piece in inside)
    coverage = measured / length if length > 0 else 0.0
    counted = any(not piece.spread for piece in inside)
    method = promise.method or (OCCURRENCES if counted else RATIO_TIMESLICES) if promise.ratio else WORST
    refused = _refused(promise, method, inside, counted=counted)
    if refused:
        return Attainment(None, coverage, None, method, why=refused)
    if not promise.ratio:
        return _worst(inside, promise, coverage)
    with localcontext() as context:
        context.prec = _DIGITS
        if method == OCCURRENCES:
            part, weight = sum(piece.part for piece in inside), sum(piece.total for piece in inside)
        else:
            part, weight = _sliced(inside, promise, method, begin)
        if not weight:
            return Attainment(None, coverage, None, method, why="no event was counted in the measured time")
        value = Decimal(part) / weight
        share = Decimal(measured) / length
        least, most = value * share, value * share + 1 - share
        target = Decimal(repr(promise.target))
        worse = value if not promise.more_is_better else 1 - value
        allowed = target if not promise.more_is_better else 1 - target
        holds = _HOLDS[promise.comparator]
        verdicts = {holds(least, target), holds(most, target)}
        return Attainment(
            float(value),
            coverage,
            verdicts.pop() if len(verdicts) == 1 else None,
            method,
            float(1 - worse / allowed) if allowed > 0 else None,
            float(least),
            float(most),
            float(worse * weight),
            float(weight),
            _why(share, method) if share < 1 else "",
        )


def _why(share: Decimal, method: str) -> str:
    said = f"{100 * (1 - share):.6g} % of the window was not measured, which is neither good nor bad"
    if method == OCCURRENCES:
        said += "; taken to have had as many events per time as the rest"
    return said


def _refused(promise: Promise, method: str, inside: Sequence[Slice], *, counted: bool) -> str:
    if not inside:
        return "nothing was measured in the window"
    if promise.comparator not in _HOLDS:
        return f"what {promise.comparator!r} means over time is not said"
    if not promise.ratio:
        return ""
    if method == OCCURRENCES and not counted:
        return "by occurrences needs counts of good and of all events; a ratio does not say of how many"
    if method == TIMESLICES and promise.slice_target is None:
        return "the document does not say from which ratio on a time slice is good"
    if method == TIMESLICES and not promise.more_is_better:
        return "the promise is of a share of bad events, time slices are good ones"
    if method not in (OCCURRENCES, TIMESLICES, RATIO_TIMESLICES):
        return f"the method {method!r} is not known"
    return ""


def within(slices: Sequence[Slice], begin: int, end: int) -> list[Slice]:
    """Return the slices of a window: one that crosses its edge is cut where a ratio spreads, else left out."""
    first = bisect_left(slices, begin, key=lambda piece: piece.end)
    found = []
    for piece in slices[first : bisect_left(slices, end, key=lambda piece: piece.begin)]:
        cut = piece
        if piece.begin < begin or piece.end > end:
            if not piece.spread:
                continue
            cut = piece._replace(begin=max(piece.begin, begin), end=min(piece.end, end))
        if cut.end > cut.begin:
            found.append(cut)
    return found


def _sliced(inside: Iterable[Slice], promise: Promise, method: str, begin: int) -> tuple[Decimal, Decimal]:
    """Return the good and all measured time: by the verdict of each slice, or by its ratio."""
    groups: dict[int, list[Slice]] = {}
    for piece in inside:
        finer = piece.end - piece.begin < promise.slice_length
        number = (piece.begin - begin) // promise.slice_length if finer else -1 - piece.begin
        groups.setdefault(number, []).append(piece)
    good = weight = Decimal(0)
    for pieces in groups.values():
        if all(piece.spread for piece in pieces):
            part = sum((piece.part * (piece.end - piece.begin) for piece in pieces), Decimal(0))
            total = Decimal(sum(piece.end - piece.begin for piece in pieces))
        else:
            part = sum((piece.part for piece in pieces), Decimal(0))
            total = sum((piece.total for piece in pieces), Decimal(0))
        if not total:
            continue
        lasted = sum(piece.end - piece.begin for piece in pieces)
        ratio = part / total
        if method == TIMESLICES:
            ratio = Decimal(int(ratio >= Decimal(repr(promise.slice_target))))
        good += ratio * lasted
        weight += lasted
    return good, weight


def _worst(inside: Sequence[Slice], promise: Promise, coverage: float) -> Attainment:
    """Judge a limit on a value: one worse value breaks it, and it is kept only where all of the window was measured."""
    found = (min if promise.more_is_better else max)(piece.part for piece in inside)
    kept = _HOLDS[promise.comparator](found, Decimal(repr(promise.target)))
    met = None if kept and coverage < 1 else kept
    why = "kept wherever it was measured, but not all of the window was" if met is None else ""
    return Attainment(float(found), coverage, met, WORST, why=why)
