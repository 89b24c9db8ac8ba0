"""What served at a target, from when to when, and what kind of change was each step?

The happenings of one target, in the order of their times, become the items of its register: every change but a
deletion opens an episode that the next item ends (CONTRACT.md, `deployments`). A state that only a listing shows began
at some moment between the last sighting of the state before it and that listing. The answer depends on the set of
changes alone, never on the order in which they are given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import pairwise, zip_longest

from lineage.identity.person import Identified
from lineage.identity.registry import ModelLink
from lineage.identity.steps import REDEPLOY, classify, identities, with_rest
from lineage.model.facts import Key, Workload
from lineage.model.moment import Moment
from lineage.model.vocabulary import Outcome

APPLY = "apply"
OBSERVE = "observe"
DELETE = "delete"
ABSENT = "absent"

CHANGE = "change"

IN_LISTING_ONLY = "seen-in-listing-only"
NOT_EVIDENCED = "model-not-evidenced"
FROM_LISTING = "model-from-listing"
UNCHANGED = "unchanged"
AFTER_UNKNOWN = "after-unknown-change"
UNSEEN_DELETE = "unseen-delete"
ORDER_UNCERTAIN = "order-uncertain"
DETAILS_DIFFER = "details-differ-in-listing"
VERSION_DELETED = "version-deleted"
LINK_CONFLICT = "link-conflict"

_RANK = {DELETE: 0, APPLY: 1, OBSERVE: 2, ABSENT: 3}
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to a target, or a sighting of it.

    Attributes:
        id: of the happening; two changes with one id are one.
        type: `apply` (it was told to run `workload`), `observe` (a listing showed it running `workload`), `delete`,
            `absent` (a complete listing of the time `at` did not hold it).
        workload: None = the record does not hold the object.
        models: what the workload serves, one link a model-bearing component.
        creates: the happening made the target (the verb `create`).
        created: when the target was made, as the record says; a listing shows that of the object it saw.
        who, change: who did it and what the record says of the why (`commit`, `ticket`, ...).
        records: the sequence numbers of the evidence.
    """

    id: str
    target: Key
    at: Moment
    type: str
    outcome: Outcome = Outcome.DONE
    workload: Workload | None = None
    models: tuple[ModelLink, ...] = ()
    creates: bool = False
    created: Moment | None = None
    who: Identified | None = None
    change: Mapping[str, str] = field(default_factory=dict, hash=False)
    listing: str = ""
    records: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Episode:
    """One item of the register of a target.

    Attributes:
        id: stable for one change of one target.
        action: deploy, redeploy, rollback, canary, promote, traffic, delete or change (CONTRACT.md).
        start, end: when it came about and was ended; a deletion opens nothing and has no end.
        ended_by, replaces: the ids of the next and the previous item; empty when there is none. A first deployment
            after a deletion replaces nothing.
        models: what serves, with weights; empty where no record shows it.
        flags: what a reader has to know, in words of this module.
        opened: the change that is this item; `state`: the change whose record shows what serves (a later listing may
            show it for a change that does not).
        confirmed: the sequence numbers of records that only confirm it.
    """

    id: str
    target: Key
    action: str
    start: Moment
    end: Moment | None
    ended_by: str
    replaces: str
    models: tuple[ModelLink, ...]
    flags: tuple[str, ...]
    opened: Change
    state: Change | None
    confirmed: tuple[int, ...]

    @property
    def who(self) -> Identified | None:
        """Who made the change, as far as its own record says."""
        return self.opened.who


@dataclass(frozen=True, slots=True)
class Live:
    """What served at one moment.

    Attributes:
        episodes: the possibilities, in the order of their time; more than one inside the gap of a bounded change.
        or_nothing: it may be that nothing (known) served.
    """

    episodes: tuple[Episode, ...]
    or_nothing: bool

    @property
    def certain(self) -> bool:
        """True when exactly one answer is possible: this episode, or nothing."""
        return len(self.episodes) + self.or_nothing == 1


def episodes(changes: Iterable[Change]) -> tuple[Episode, ...]:
    """Return the register of one target from its changes, in the order of time; the order given does not matter.

    Only what was done counts: denied, failed and dry-run attempts are left out.

    >>> from lineage.model.moment import exactly
    >>> from lineage.model.vocabulary import Kind
    >>> target = Key(Kind.TARGET, "kubernetes://prod", "shop/inferenceservices/fraud")
    >>> made = Change("1", target, exactly(10), "apply", workload=Workload("kserve", fingerprint="a"))
    >>> gone = Change("2", target, exactly(20), "delete")
    >>> [(item.action, item.start.lo, item.end and item.end.lo) for item in episodes([gone, made, made])]
    [('deploy', 10, 20), ('delete', 20, None)]
    """
    track = _Track()
    for change in _in_order(changes):
        track.take(change)
    return track.frozen()


def live(items: Sequence[Episode], as_of: int) -> Live:
    """Tell what served at the microsecond `as_of`, from the items of one target as `episodes` returns them.

    An item is possible when it may have come about by then and no other item certainly came after it by then.
    """
    last = max(
        ((item.start.lo, place) for place, item in enumerate(items) if item.start.hi <= as_of),
        default=(-1, -1),
    )
    possible = [
        item for place, item in enumerate(items) if item.start.lo <= as_of and (item.start.hi, place) >= last
    ]
    nothing = last == (-1, -1) or any(item.action == DELETE for item in possible)
    return Live(tuple(item for item in possible if item.action != DELETE), nothing)


def _in_order(changes: Iterable[Change]) -> list[Change]:
    """Return what was done, each happening once, in the order of time."""
    by_id: dict[str, list[Change]] = {}
    for change in changes:
        if change.outcome is Outcome.DONE and change.type in _RANK:
            by_id.setdefault(change.id, []).append(change)
    return sorted((_told_once(same) for same in by_id.values()), key=_place)


def _told_once(same: list[Change]) -> Change:
    """Return what several records say of one happening; what they say decides, not which was imported first."""
    if len(same) == 1:
        return same[0]
    told = sorted(
        same, key=lambda change: (*_place(change)[:-1], repr(replace(change, records=())), change.records)
    )
    return reduce(_joined, told)


def _place(change: Change) -> tuple[int, int, int, str, bool, str, tuple[int, ...]]:
    shown = change.workload.fingerprint if change.workload else ""
    rank = _RANK[change.type]
    return (change.at.lo, change.at.hi, rank, change.id, change.workload is None, shown, change.records)


def _joined(one: Change, other: Change) -> Change:
    records = tuple(sorted({*one.records, *other.records}))
    first, second = (other, one) if one.workload is None and other.workload is not None else (one, other)
    who = first.who if first.who and first.who.person else second.who or first.who
    return replace(
        first, at=one.at, who=who, records=records, creates=one.creates or other.creates,
        created=first.created or second.created,
    )  # fmt: skip


@dataclass(slots=True)
class _Item:
    """An item of the register while it is being worked out."""

    opened: Change
    action: str
    start: Moment
    models: tuple[ModelLink, ...] = ()
    stable: tuple[ModelLink, ...] = ()
    flags: list[str] = field(default_factory=list)
    state: Change | None = None
    confirmed: set[int] = field(default_factory=set)
    replaces: _Item | None = None

    @property
    def id(self) -> str:
        change = self.opened
        text = "\x1f".join([*change.target, str(change.at.lo), str(change.at.hi), change.id])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class _Track:
    """The register of one target as far as it has been worked out."""

    def __init__(self) -> None:
        self.items: list[_Item] = []
        self.running: _Item | None = None
        self.known: _Item | None = None
        self.earlier: set[object] = set()
        self.seen = 0

    def take(self, change: Change) -> None:
        """Let the next change in time happen."""
        if change.type == DELETE:
            self._delete(change)
        elif change.type == ABSENT:
            if self.running is not None:
                self._end(change, Moment(min(self.seen, change.at.lo), change.at.hi), [IN_LISTING_ONLY])
        elif change.workload is None:
            if change.type == APPLY:
                self._open(_Item(change, CHANGE, change.at, flags=[NOT_EVIDENCED]))
        elif change.type == OBSERVE:
            self._observe(change)
        else:
            self._apply(change)
        self.seen = max(self.seen, change.at.hi if change.type != OBSERVE else change.at.lo)

    def frozen(self) -> tuple[Episode, ...]:
        """Return the finished register."""
        for before, after in pairwise(self.items):
            if after.start.lo < before.start.hi:
                before.flags.append(ORDER_UNCERTAIN)
                after.flags.append(ORDER_UNCERTAIN)
        return tuple(_frozen(item, after) for item, after in zip_longest(self.items, self.items[1:]) if item)

    def _open(self, item: _Item) -> None:
        item.replaces = self.running
        self.items.append(item)
        self.running = item
        if item.state is not None:
            self._know(item)

    def _know(self, item: _Item) -> None:
        if self.known is not None:
            self.earlier |= identities(self.known.models)
        self.known = item

    def _delete(self, change: Change) -> None:
        last = self.items[-1] if self.items else None
        if last is not None and last.action == DELETE:
            last.confirmed.update(change.records)
        else:
            self._end(change, change.at, [])

    def _end(self, change: Change, start: Moment, flags: list[str]) -> None:
        self.items.append(_Item(change, DELETE, start, flags=flags, replaces=self.running))
        self.running = None

    def _apply(self, change: Change) -> None:
        running = self.running
        if running is not None and running.state is not None and not change.creates:
            restarted = _restarted(change) not in {"", _restarted(running.state)}
            if not restarted and _same_state(running.state, change):
                running.confirmed.update(change.records)
                return
        if (
            running is not None
            and change.workload is not None
            and change.workload.partial
            and not change.models
        ):
            self._open(_Item(change, CHANGE, change.at, flags=[NOT_EVIDENCED]))
            return
        item = self._item(change, change.at)
        if running is not None and running.state is None:
            item.flags.append(AFTER_UNKNOWN)
        if running is not None and change.creates:
            item.flags.append(UNSEEN_DELETE)
        self._open(item)

    def _observe(self, change: Change) -> None:
        running = self.running
        if running is None:
            lower = max(self.seen, change.created.lo if change.created else 0)
            item = self._item(change, Moment(min(lower, change.at.lo), change.at.hi))
            item.flags.append(IN_LISTING_ONLY)
            self._open(item)
            return
        lower = min(self.seen, change.at.lo)
        remade = change.created is not None and change.created.lo > self.seen + _SECOND
        if remade and change.created is not None:
            lower = min(change.created.lo, change.at.lo)
        if running.state is None and not remade:
            self._decide(running, change)
        elif not remade and self._agrees(running, change):
            running.confirmed.update(change.records)
        else:
            item = self._item(change, Moment(lower, change.at.hi))
            item.flags.append(IN_LISTING_ONLY)
            if remade:
                item.flags.append(UNSEEN_DELETE)
            self._open(item)

    def _decide(self, running: _Item, change: Change) -> None:
        """Let a listing show what the last change made, whose own record does not."""
        running.flags.remove(NOT_EVIDENCED)
        running.flags.append(FROM_LISTING)
        shown = self._item(change, running.start)
        running.models, running.stable, running.state = shown.models, shown.stable, change
        running.flags.extend(shown.flags)
        if self.known is not None and shown.action == REDEPLOY:
            running.flags.append(UNCHANGED)
        else:
            running.action = shown.action
        running.confirmed.update(change.records)
        self._know(running)

    def _agrees(self, running: _Item, change: Change) -> bool:
        """Tell whether a listing shows what runs: the same object, or the same models with the same weights."""
        if running.state is None or _same_state(running.state, change):
            return True
        models, _, _ = with_rest(change.models, running.models, running.stable)
        if not models or _shape(models) != _shape(running.models) or not _same_images(running.state, change):
            return False
        if DETAILS_DIFFER not in running.flags:
            running.flags.append(DETAILS_DIFFER)
        return True

    def _item(self, change: Change, start: Moment) -> _Item:
        known, running = self.known, self.running
        models, stable, flags = with_rest(
            change.models,
            known.models if known and running else (),
            known.stable if known and running else (),
        )
        if models or known is None:
            before = known.models if known else None
            action = classify(before, known.stable if known else (), models, frozenset(self.earlier))
        else:
            action = CHANGE
        if not models:
            flags = (*flags, NOT_EVIDENCED)
        return _Item(change, action, start, models, stable, [*flags], change)


def _frozen(item: _Item, after: _Item | None) -> Episode:
    flags = list(item.flags)
    if any(link.deleted for link in item.models):
        flags.append(VERSION_DELETED)
    if any(link.conflict for link in item.models):
        flags.append(LINK_CONFLICT)
    ends = after is not None and item.action != DELETE
    return Episode(
        id=item.id,
        target=item.opened.target,
        action=item.action,
        start=item.start,
        end=after.start if after is not None and ends else None,
        ended_by=after.id if after is not None and ends else "",
        replaces=item.replaces.id if item.replaces is not None else "",
        models=item.models,
        flags=tuple(dict.fromkeys(flags)),
        opened=item.opened,
        state=item.state,
        confirmed=tuple(sorted(item.confirmed - set(item.opened.records))),
    )


def _same_state(one: Change, other: Change) -> bool:
    if one.workload is None or other.workload is None:
        return False
    if one.workload.partial or other.workload.partial:
        return bool(other.models) and _shape(one.models) == _shape(other.models)
    if one.workload.fingerprint and other.workload.fingerprint:
        return one.workload.fingerprint == other.workload.fingerprint
    return bool(one.models) and _shape(one.models) == _shape(other.models) and _same_images(one, other)


def _shape(models: Iterable[ModelLink]) -> list[tuple[str, float]]:
    """What a set of models looks like in a record: a moved alias is no change of the target."""
    return sorted((link.uri, 1.0 if link.weight is None else round(link.weight, 6)) for link in models)


def _same_images(one: Change, other: Change) -> bool:
    """Tell whether two whole objects run the same container images; of a patch it is not known."""
    workloads = [
        change.workload for change in (one, other) if change.workload and not change.workload.partial
    ]
    images = [{part.image for part in workload.components if part.image} for workload in workloads]
    return len(images) < 2 or images[0] == images[1]


def _restarted(change: Change) -> str:
    """Return when somebody asked for a restart, as `kubectl rollout restart` writes it; empty when nobody did."""
    annotations = change.workload.annotations if change.workload else {}
    return next((value for name, value in sorted(annotations.items()) if name.endswith("/restartedAt")), "")
