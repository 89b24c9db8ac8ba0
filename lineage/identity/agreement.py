"""Which service level agreement was in force for a target at a time, and on what ground is that believed?

SLA documents seldom say from when they hold (sources-ops 0.10). The ground, best first: an annotation of the deployment
that names the agreement, the contract's own dates, the date in git, the date of the file, the date of the import. The
last two only bound the beginning: the document was there by then. Each version of an objective ends where the next
begins. Two documents that disagree about one metric of one target are a conflict, never a silent choice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lineage.identity.canonical import canonical
from lineage.model.facts import Key, Objective
from lineage.model.moment import LAST, Moment

ANNOTATION = "annotation"
GROUNDS = (ANNOTATION, "contract", "git", "file", "import")
"""Why an interval is believed, best first."""

NAMING_LABELS = frozenset(
    {"slo", "sla", "slos", "slas", "service-level", "service-level-objective", "service"}
)
"""Last segments of labels and annotations that name an objective or the service it is about."""

_PERCENTILE = re.compile(r"(.+)-p(\d{2,5}|\d+\.\d+)$")
_POSITION = re.compile(r"(?::\d+)+$|#.*$")
_VERSION = re.compile(r"(.+?)[@:]v?([\w.-]+)$")


@dataclass(frozen=True, slots=True)
class ObjectiveRow:
    """An objective as one record states it.

    Attributes:
        seen: when the document was there at the latest, for one that does not say since when it holds: the date of
            its commit, its file or its import, as `seen_ground` says.
        record: the sequence number of the evidence.
    """

    objective: Objective
    seen: Moment | None = None
    seen_ground: str = "import"
    record: int = 0


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target, or one episode of it, with what its object says of services and agreements while it lasts.

    Several rows may be given for one target: labels and annotations change from episode to episode.
    """

    key: Key
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    since: int = 0
    until: int = LAST

    @property
    def names(self) -> tuple[str, ...]:
        """The names a document may call the target by: its own, `namespace/name`, `cluster/namespace/name`."""
        parts = self.key.name.split("/")
        place = self.key.namespace.partition("://")[2]
        short = "/".join([parts[0], parts[-1]]) if len(parts) > 1 else parts[-1]
        return tuple(dict.fromkeys([parts[-1], short, f"{place}/{short}", self.key.name]))


@dataclass(frozen=True, slots=True)
class SlaInForce:
    """One objective in force (CONTRACT.md, `sla[]`).

    Attributes:
        effective_from, effective_to: the interval; bounded where only a file's or import's date is known.
        basis: the ground of the interval (`GROUNDS`).
        certain: false inside a bound: it was in force then, or was not yet, or no more.
        joined_by: how it came to the target: service-name, label, selector or dataset.
    """

    name: str
    version: str
    metric: str
    comparator: str
    target: float
    unit: str
    window: str
    effective_from: Moment | None
    effective_to: Moment | None
    basis: str
    document: str
    percentile: float | None = None
    certain: bool = True
    joined_by: str = ""
    key: Key | None = None
    record: int = 0


@dataclass(frozen=True, slots=True)
class SlaConflict:
    """Two documents that disagree about one metric of one target, from `since` until `until` (UTC microseconds)."""

    target: Key
    metric: str
    sides: tuple[SlaInForce, SlaInForce]
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class _Line:
    """One version of an objective with its interval."""

    row: ObjectiveRow
    since: Moment
    until: Moment | None
    basis: str


@dataclass(frozen=True, slots=True)
class _Joined:
    """A line as it applies to one target, for as long as the join holds."""

    line: _Line
    by: str
    since: int
    until: int
    annotated: bool


@dataclass(frozen=True, slots=True)
class Assignments:
    """Which objectives concern which targets and datasets.

    Attributes:
        joined: by target or (canonical) dataset.
        unassigned: objectives whose subject is nothing that is known.
        several: subjects that are the name of more than one target, with those targets.
        conflicts: documents that disagree while both are in force.
    """

    joined: Mapping[Key, tuple[_Joined, ...]]
    unassigned: tuple[Key, ...]
    several: tuple[tuple[str, tuple[Key, ...]], ...]
    conflicts: tuple[SlaConflict, ...]


def assign(objectives: Sequence[ObjectiveRow], targets: Sequence[TargetRow]) -> Assignments:
    """Join objectives to targets by exact service name, a label that names them or a label selector; and to datasets.

    The order of either does not matter. An objective about a dataset concerns the dataset (DESIGN 3).

    >>> from lineage.model.vocabulary import Kind
    >>> key = Key(Kind.SLA, "iris", "iris-availability")
    >>> said = Objective(key, "availability", ">=", 0.999, "ratio", subjects=("iris",), since=Moment(5, 5),
    ...                  ground="contract")
    >>> iris = Key(Kind.TARGET, "kubernetes://dev", "dev/inferenceservices/iris")
    >>> made = assign([ObjectiveRow(said)], [TargetRow(iris)])
    >>> [(sla.name, sla.target, sla.basis) for sla in in_force(made, iris, 5)], in_force(made, iris, 4)
    ([('iris-availability', 0.999, 'contract')], ())
    """
    lines = _lines(objectives)
    index = _Index(lines)
    joined: dict[Key, set[_Joined]] = defaultdict(set)
    found: set[Key] = set()
    subjects: dict[str, set[Key]] = defaultdict(set)
    for target in targets:
        for join in index.of(target, subjects):
            joined[target.key].add(join)
            found.add(join.line.row.objective.key)
    for line in lines:
        for dataset in line.row.objective.datasets:
            joined[canonical(dataset).key].add(_Joined(line, "dataset", 0, LAST, annotated=False))
            found.add(line.row.objective.key)
    ordered = {key: tuple(sorted(joins, key=_join_order)) for key, joins in sorted(joined.items())}
    every = {line.row.objective.key for line in lines}
    return Assignments(
        ordered,
        tuple(sorted(every - found)),
        tuple((name, tuple(sorted(keys))) for name, keys in sorted(subjects.items()) if len(keys) > 1),
        tuple(conflict for key, joins in ordered.items() for conflict in _conflicts(key, joins)),
    )


def in_force(assignments: Assignments, target: Key, at: int) -> tuple[SlaInForce, ...]:
    """Return the objectives in force for a target (or dataset) at the microsecond `at`, by name and metric.

    Inside the bound of a beginning or an end both sides are given, as not certain.
    """
    key = canonical(target).key
    best: dict[tuple[Key, str, float, str], SlaInForce] = {}
    for join in assignments.joined.get(key, ()):
        sla = _at(join, at)
        if sla is not None:
            objective = join.line.row.objective
            name = (objective.key, objective.version, objective.target, objective.metric)
            held = best.get(name)
            if held is None or (held.certain, -GROUNDS.index(held.basis)) < (
                sla.certain,
                -GROUNDS.index(sla.basis),
            ):
                best[name] = sla
    return tuple(sorted(best.values(), key=_sla_order))


def _sla_order(sla: SlaInForce) -> tuple[str | float, ...]:
    what = (sla.name, sla.metric, sla.version, sla.target, sla.comparator, sla.unit, sla.window)
    return (*what, sla.percentile or 0.0, sla.basis, sla.document, sla.record)


class _Index:
    """Lines by everything that a target may be joined by."""

    def __init__(self, lines: Iterable[_Line]) -> None:
        self.by_name: dict[str, list[_Line]] = defaultdict(list)
        self.by_subject: dict[str, list[_Line]] = defaultdict(list)
        self.by_pair: dict[str, list[tuple[frozenset[str], _Line]]] = defaultdict(list)
        for line in lines:
            objective = line.row.objective
            for name in {objective.key.name, objective.key.name.partition("/")[0]}:
                self.by_name[name].append(line)
            for subject in objective.subjects:
                pairs = frozenset(pair.strip() for pair in subject.split(",") if "=" in pair)
                if pairs:
                    self.by_pair[min(pairs)].append((pairs, line))
                else:
                    self.by_subject[subject].append(line)

    def of(self, target: TargetRow, subjects: dict[str, set[Key]]) -> Iterable[_Joined]:
        """Yield the joins of one target; note in `subjects` which subject was taken for its name."""
        for name in target.names:
            if name in self.by_subject:
                subjects[name].add(target.key)
            for line in self.by_subject.get(name, ()):
                yield _Joined(line, "service-name", 0, LAST, annotated=False)
        carried = {**target.labels, **target.annotations}
        for label, text in carried.items():
            last = label.rpartition("/")[2].lower()
            if last in NAMING_LABELS:
                for line, annotated in self._named(text, service=last == "service"):
                    yield _Joined(line, "label", target.since, target.until, annotated)
        pairs = {f"{label}={text}" for label, text in carried.items()}
        for pair in pairs & self.by_pair.keys():
            for wanted, line in self.by_pair[pair]:
                if wanted <= pairs:
                    yield _Joined(line, "selector", target.since, target.until, annotated=False)

    def _named(self, text: str, *, service: bool) -> Iterable[tuple[_Line, bool]]:
        for name in (part.strip() for part in text.split(",")):
            if service:
                yield from ((line, False) for line in self.by_subject.get(name, ()))
                continue
            versioned = _VERSION.match(name)
            exact = self.by_name.get(name, ())
            yield from ((line, True) for line in exact)
            if versioned and not exact:
                for line in self.by_name.get(versioned[1], ()):
                    if line.row.objective.version.removeprefix("v") == versioned[2]:
                        yield line, True
            yield from ((line, False) for line in self.by_subject.get(name, ()) if line not in exact)


def _lines(rows: Iterable[ObjectiveRow]) -> list[_Line]:
    """Give every version of every objective its interval; the same statement in two records is one version."""
    by_key: dict[Key, dict[object, ObjectiveRow]] = defaultdict(dict)
    for row in sorted(rows, key=_row_order):
        by_key[row.objective.key].setdefault(_statement(row.objective), row)
    lines: list[_Line] = []
    for versions in by_key.values():
        ordered = sorted(versions.values(), key=_row_order)
        starts: list[Moment] = []
        for row in ordered:
            start, _ = _begin(row)
            floor = max((before.hi for before in starts if before.hi < start.hi), default=start.lo)
            starts.append(start if start.exact else Moment(max(start.lo, floor), start.hi, start.text))
        for row, start in zip(ordered, starts, strict=True):
            later = next((other for other in starts if other.hi > start.hi), None)
            until = row.objective.until
            if later is not None and (until is None or later.hi < until.hi):
                until = later
            lines.append(_Line(row, start, until, _begin(row)[1]))
    return sorted(lines, key=lambda line: (line.row.objective.key, _row_order(line.row)))


def _begin(row: ObjectiveRow) -> tuple[Moment, str]:
    """Return when a version began, and the ground for that."""
    objective = row.objective
    if objective.since is not None:
        return objective.since, objective.ground if objective.ground in GROUNDS else "contract"
    if row.seen is None:
        return Moment(0, 0), "import"
    if row.seen_ground == "git":
        return row.seen, "git"
    return Moment(0, row.seen.hi), row.seen_ground if row.seen_ground in GROUNDS else "import"


def _statement(objective: Objective) -> object:
    return (
        objective.version, _metric(objective), objective.comparator, objective.target, objective.unit, objective.window,
        objective.rolling, objective.since and objective.since.lo, objective.until and objective.until.lo,
        objective.subjects, objective.datasets,
    )  # fmt: skip


def _row_order(row: ObjectiveRow) -> tuple[int | str | float, ...]:
    objective = row.objective
    start, ground = _begin(row)
    rank = GROUNDS.index(ground)
    said = (objective.version, objective.metric, objective.target, objective.document)
    return (start.hi, start.lo, rank, *said, repr(objective), row.record, repr(row.seen), row.seen_ground)


def _join_order(join: _Joined) -> tuple[object, ...]:
    return (
        join.line.row.objective.key,
        *_row_order(join.line.row),
        join.by,
        join.since,
        join.until,
        join.annotated,
    )


def _at(join: _Joined, at: int) -> SlaInForce | None:
    if not join.since <= at < join.until:
        return None
    line = join.line
    since, until, basis = line.since, line.until, line.basis
    undated = basis in {"file", "import"}
    if join.annotated and undated:
        # The deployment itself names the agreement, which is better than the date of a file.
        since, basis = Moment(join.since, join.since), ANNOTATION
    if at < since.lo or (until is not None and at >= until.hi):
        return None
    certain = at >= since.hi and (until is None or at < until.lo)
    objective = line.row.objective
    return SlaInForce(
        name=objective.key.name,
        version=objective.version,
        metric=objective.metric,
        comparator=objective.comparator,
        target=objective.target,
        unit=objective.unit,
        window=objective.window,
        effective_from=since,
        effective_to=until,
        basis=basis,
        document=objective.document,
        percentile=objective.percentile,
        certain=certain,
        joined_by=join.by,
        key=objective.key,
        record=line.row.record,
    )


def _conflicts(key: Key, joins: Sequence[_Joined]) -> Iterable[SlaConflict]:
    """Yield each pair of documents that promise different values of one metric while both hold."""
    found: dict[tuple[object, str, str], SlaConflict] = {}
    by_metric: dict[object, list[_Joined]] = defaultdict(list)
    for join in joins:
        by_metric[_metric(join.line.row.objective)].append(join)
    for metric, same in by_metric.items():
        for place, one in enumerate(same):
            for other in same[place + 1 :]:
                if not _disagree(one, other):
                    continue
                since = max(_start(one), _start(other))
                sides = _at(one, since), _at(other, since)
                until = min(_stop(one), _stop(other))
                if sides[0] is None or sides[1] is None or since >= until:
                    continue
                pair = (metric, _document(one), _document(other))
                found.setdefault(pair, SlaConflict(key, sides[0].metric, (sides[0], sides[1]), since, until))
    return found.values()


def _disagree(one: _Joined, other: _Joined) -> bool:
    mine, theirs = one.line.row.objective, other.line.row.objective
    if _document(one) == _document(other):
        return False
    if mine.window and theirs.window and (mine.window, mine.rolling) != (theirs.window, theirs.rolling):
        return False
    return (mine.comparator, mine.target, mine.unit) != (theirs.comparator, theirs.target, theirs.unit)


def _document(join: _Joined) -> str:
    """Return the document a line stands in, without the place in it; a nameless one stands for itself."""
    return _POSITION.sub("", join.line.row.objective.document) or repr(join.line.row.objective)


def _start(join: _Joined) -> int:
    undated = join.line.basis in {"file", "import"}
    return max(join.since, 0 if join.annotated and undated else join.line.since.hi)


def _stop(join: _Joined) -> int:
    return min(join.until, join.line.until.lo if join.line.until else LAST)


def _metric(objective: Objective) -> tuple[str, float | None]:
    """Return the metric that is promised, spelled one way: `latency_p95` is latency at 0.95."""
    name = objective.metric.strip().lower().replace("_", "-").replace(" ", "-")
    found = _PERCENTILE.match(name)
    if objective.percentile is None and found:
        digits = found[2].replace(".", "")
        return found[1], float(f"0.{digits}")
    return name, objective.percentile
