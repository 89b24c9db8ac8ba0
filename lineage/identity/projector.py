"""Which rows follow from what a record says? Facts in, commuting rows out.

The projector is fed every record's facts, while importing and when everything is made again from the log; it gives
names their entity, merges what is said of one run, and hands rows to `lineage.store.derived` whose statements commute.
What needs the whole set (merges of names, episodes, intervals) is worked out afterwards in `lineage.identity.resolve`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from lineage.identity.canonical import canonical
from lineage.identity.gathered import STATE_BIT, Frame, SeenRun, Slot, spans_of
from lineage.identity.stated import coverage_row, grant_row, happened_body, objective_row, series_row
from lineage.model.facts import (
    Alias,
    AnyFact,
    Bundle,
    Coverage,
    Entity,
    Grant,
    Happened,
    Key,
    Link,
    Measured,
    Objective,
    Run,
    Series,
)
from lineage.model.moment import LAST, Moment
from lineage.model.vocabulary import Kind
from lineage.store import derived
from lineage.store.database import Connection
from lineage.text import dumps

__all__ = ["STATE_BIT", "Projector"]

_REMEMBERED = 20_000
"""How many bundles and frames of runs are remembered from one flush to the next."""


class Projector:
    """Turns facts into derived rows on one connection; `flush` writes what has been gathered."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ids: dict[Key, int] = {}
        self._versions: dict[Key, str] = {}
        self._places: dict[tuple[str, str, str], int] = {}
        self._next_entity = derived.next_id(connection, "entity")
        self._next_run = derived.next_id(connection, "run")
        self._next_listing = derived.next_id(connection, "listing")
        self._empty = self._next_entity == 1
        self._no_runs = self._next_run == 1
        self._new_runs = self._next_run
        self._run_ids: dict[tuple[int, str], int] = {}
        self._listings: dict[str, int] = {}
        self._next_saying = derived.next_id(connection, "saying")
        self._saying_texts: dict[tuple[str, str], int] = {}
        self._sayings: dict[tuple[str, bytes], int] = {}
        self._values: dict[tuple[int, int], list[Any]] = {}
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in derived.ORDER}
        self._runs: dict[int, SeenRun] = {}
        self._run_records = self._rows["run_record"]
        self._frames: dict[tuple[int, ...], Frame] = {}
        self._once: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._links: dict[tuple[Any, ...], list[Any]] = {}
        self._shared: dict[int, list[Any]] = {}
        self._current: tuple[Key, int] | None = None
        self._bundles: dict[int, list[Any]] = {}
        self._prepared: dict[int, tuple[Bundle, list[Slot], list[AnyFact]]] = {}
        self._slots: dict[int, Slot] = {}
        self._sorts: dict[tuple[str, str, str, int], tuple[dict[str, Any], int]] = {}
        self._sort_ids: dict[tuple[str, str, str, str], int] = {}
        self._next_sort = derived.next_id(connection, "measure_sort")
        self._next_measure = derived.next_id(connection, "measure")
        self._apply: dict[type, Callable[[Any, int, int | None], None]] = {
            Entity: self._entity,
            Alias: self._alias,
            Link: self._link,
            Happened: self._happened,
            Objective: self._objective,
            Measured: self._measured,
            Series: self._series,
            Grant: self._grant,
            Coverage: self._coverage,
        }

    def apply(self, seq: int, facts: Sequence[AnyFact | Bundle]) -> None:
        """Take what record `seq` says. A fact without a time of its own has that of the record's run, if any."""
        at: int | None = None
        self._current = None
        for fact in facts:
            if type(fact) is Run:
                self._current = (fact.key, self._run(fact, seq))
                at = fact.at.lo
        for fact in facts:
            if type(fact) is tuple:
                held = self._bundles.get(id(fact))
                if held is None:
                    self._bundles[id(fact)] = [fact, at, at, seq]
                elif at is not None:
                    if held[1] is None or at < held[1]:
                        held[1] = at
                    if held[2] is None or at > held[2]:
                        held[2] = at
            elif type(fact) is not Run:
                self._apply[type(fact)](fact, seq, at)

    def entity(self, key: Key) -> int:
        """Return the id of the thing called `key`, making it known when it is new."""
        known = self._ids.get(key)
        if known is not None:
            return known
        if key.kind in (Kind.DATASET, Kind.COLUMN):
            place = canonical(key)
            name = place.key
            if place.version:
                self._versions[key] = place.version
        else:
            name = key
        spot = (str(name.kind), name.namespace, name.name)
        found = self._places.get(spot)
        if found is None and not self._empty:
            found = derived.find_entity(self._connection, *spot)
        if found is None:
            found = self._next_entity
            self._next_entity += 1
            self._rows["entity"].append((found, *spot, found))
        self._places[spot] = found
        self._ids[key] = found
        if (name.namespace, name.name) != (key.namespace, key.name):
            self._rows["spelling"].append((found, key.namespace, key.name))
        return found

    def _run_id(self, job: int, run_id: str) -> int:
        number = self._run_ids.get((job, run_id))
        if number is None:
            found = None if self._no_runs else derived.find_run(self._connection, job, run_id)
            if found is None:
                found = self._next_run
                self._next_run += 1
            number = found
            self._run_ids[job, run_id] = number
        return number

    def _run(self, fact: Run, seq: int) -> int:
        named = (
            id(fact.job),
            id(fact.inputs),
            id(fact.outputs),
            id(fact.attributes),
            id(fact.actor),
        )
        frame = self._frames.get(named)
        if frame is None:
            frame = self._frames[named] = self._frame(fact)
        name = fact.key.name
        number = self._run_ids.get((frame.job, name)) or self._run_id(frame.job, name)
        seen = self._runs.get(number)
        if seen is None:
            seen = self._runs[number] = SeenRun(frame, name)
        elif seen.frame is not frame:
            seen.join(frame)
        seen.take(fact)
        self._run_records.append((number, seq))
        if fact.individual:
            seen.entity = self.entity(fact.key)
        return number

    def _frame(self, fact: Run) -> Frame:
        job = self.entity(fact.job)
        uses = set()
        for output, used in enumerate((fact.inputs, fact.outputs)):
            for key, version in used:
                dataset = self._ids.get(key) or self.entity(key)
                uses.add((output, dataset, version or self._versions.get(key, "")))
        if fact.actor is not None:
            self.entity(fact.actor)
        said = set()
        for name, value in fact.attributes.items():
            spoken = self._saying_texts.get((name, value)) if type(value) is str else None
            said.add(self._saying(name, value) if spoken is None else spoken)
        pairs, words = tuple(sorted(uses)), tuple(sorted(said))
        once = self._once.setdefault
        return Frame(fact, job, once(pairs, pairs), once(words, words))

    def _entity(self, fact: Entity, seq: int, at: int | None) -> None:
        if not fact.listing and fact.at is None and fact.created is None and fact.ended is None:
            shared = self._shared.get(id(fact))
            if shared is None:
                self._shared[id(fact)] = [fact, at, at, seq]
            elif at is not None:
                shared[1] = at if shared[1] is None else min(shared[1], at)
                shared[2] = at if shared[2] is None else max(shared[2], at)
            return
        number = self._ids.get(fact.key) or self.entity(fact.key)
        when = fact.at.lo if fact.at is not None else at
        if not fact.listing and fact.created is None and fact.ended is None and when is not None:
            gathered = self._values.get((number, id(fact.attributes)))
            if gathered is None:
                self._values[number, id(fact.attributes)] = [fact.attributes, when, when, seq]
            elif when < gathered[1]:
                gathered[1] = when
            elif when > gathered[2]:
                gathered[2] = when
            return
        slot = fact.at.lo if fact.listing and fact.at is not None else 0
        self._span(number, fact.created, fact.ended, seq)
        for name, value in fact.attributes.items():
            self._rows["attribute"].append((number, name, slot, dumps(value).decode(), when, when, seq))
        if fact.listing and fact.at is not None:
            self._rows["sighting"].append((self._listing(fact.listing), fact.at.lo, number, seq))

    def _span(self, number: int, created: Moment | None, ended: Moment | None, seq: int) -> None:
        ends = (ended.lo, ended.hi) if ended else (None, None)
        self._rows["span"].append((created.lo if created else None, *ends, seq, number))

    def _listing(self, name: str) -> int:
        number = self._listings.get(name)
        if number is None:
            found = derived.find_listing(self._connection, name)
            if found is None:
                found = self._next_listing
                self._next_listing += 1
                self._rows["listing"].append((found, name))
            number = self._listings[name] = found
        return number

    def _saying(self, name: str, value: Any) -> int:
        text = dumps(value)
        number = self._sayings.get((name, text))
        if number is None:
            found = (
                derived.find_saying(self._connection, name, text.decode()) if self._next_saying > 1 else None
            )
            if found is None:
                found = self._next_saying
                self._next_saying += 1
                self._rows["saying"].append((found, name, text.decode()))
            number = found
            if len(self._sayings) > 200_000:
                self._sayings.clear()
                self._saying_texts.clear()
            self._sayings[name, text] = number
        if type(value) is str:
            self._saying_texts[name, value] = number
        return number

    def _alias(self, fact: Alias, seq: int, at: int | None) -> None:
        del at
        one = self.entity(fact.key)
        other = self.entity(fact.other)
        since = fact.since.lo if fact.since else 0
        until = fact.until.hi if fact.until else LAST
        self._rows["alias"].append((one, other, fact.relation, fact.rule, since, until, fact.confidence, seq))

    def _link(self, fact: Link, seq: int, at: int | None) -> None:
        when = fact.at.lo if fact.at is not None else at
        same = (fact.source, fact.target, fact.rule, fact.job, fact.ended, id(fact.detail))
        gathered = self._links.get(same)
        if gathered is None:
            self._links[same] = [fact, when, when, seq]
        elif when is not None:
            gathered[1] = when if gathered[1] is None else min(gathered[1], when)
            gathered[2] = when if gathered[2] is None else max(gathered[2], when)

    def _happened(self, fact: Happened, seq: int, at: int | None) -> None:
        del at
        body = happened_body(fact)
        hid = fact.id or sha256(body).hexdigest()[:24]
        actor = self.entity(fact.actor) if fact.actor is not None else None
        subject = self.entity(fact.subject)
        self._rows["happening"].append(
            (fact.type, subject, hid, fact.at.lo, fact.at.hi, str(fact.outcome), actor, body, seq)
        )
        if fact.listing:
            self._rows["sighting"].append((self._listing(fact.listing), fact.at.lo, subject, seq))

    def _objective(self, fact: Objective, seq: int, at: int | None) -> None:
        del at
        number = self.entity(fact.key)
        for dataset in fact.datasets:
            self.entity(dataset)
        self._span(number, fact.since, None, seq)
        self._rows["objective"].append(objective_row(number, fact, seq))

    def _grant(self, fact: Grant, seq: int, at: int | None) -> None:
        del at
        for named in (*fact.things, *((fact.by,) if fact.by else ())):
            self.entity(named)
        number = self.entity(fact.grantee)
        self._span(number, None, None, seq)
        self._rows["granted"].append(grant_row(number, fact, seq))

    def _series(self, fact: Series, seq: int, at: int | None) -> None:
        del at
        number = self.entity(fact.subject)
        self._span(number, None, None, seq)
        self._rows["series"].append(series_row(number, fact, seq))

    def _measured(self, fact: Measured, seq: int, at: int | None) -> None:
        del at
        subject = self._ids.get(fact.subject) or self.entity(fact.subject)
        value: float | str = "" if fact.value is None else fact.value
        success: int | str = "" if fact.success is None else int(fact.success)
        run: int | str = ""
        if fact.run is not None and self._current is not None and fact.run == self._current[0]:
            run = self._current[1]
        named = (fact.metric, fact.unit, fact.severity, id(fact.detail) if fact.detail else 0)
        held = self._sorts.get(named)
        if held is None:
            held = self._sorts[named] = (fact.detail, self._sort(fact))
        number = self._next_measure
        self._next_measure = number + 1
        self._rows["measure"].append((number, subject, held[1], fact.at.lo, value, success, run, seq))

    def _sort(self, fact: Measured) -> int:
        named = (fact.metric, fact.unit, fact.severity, dumps(fact.detail).decode())
        number = self._sort_ids.get(named)
        if number is None:
            found = derived.find_measure_sort(self._connection, named) if self._next_sort > 1 else None
            if found is None:
                found = self._next_sort
                self._next_sort += 1
                self._rows["measure_sort"].append((found, *named))
            number = self._sort_ids[named] = found
        return number

    def _coverage(self, fact: Coverage, seq: int, at: int | None) -> None:
        del at
        self._rows["coverage"].append(coverage_row(fact, seq))

    def flush(self) -> None:
        """Write what has been gathered; the caller commits."""
        rows = self._rows
        self._flush_bundles()
        for fact, first, last, seq in self._shared.values():
            number = self.entity(fact.key)
            for name, value in fact.attributes.items():
                rows["attribute"].append((number, name, 0, dumps(value).decode(), first, last, seq))
            rows["span"].append((None, None, None, seq, number))
        for (number, _), (attributes, first, last, seq) in self._values.items():
            for name, value in attributes.items():
                rows["attribute"].append((number, name, 0, dumps(value).decode(), first, last, seq))
            rows["span"].append((None, None, None, seq, number))
        for link, first, last, seq in self._links.values():
            rows["link"].append((*self._link_name(link), *self._link_rest(link, first, last, seq)))
        uses = rows["run_use"]
        said = rows["run_said"]
        for number, seen in sorted(self._runs.items()):
            rows["run"].append(seen.row(number))
            uses += [(number, output, dataset, version) for output, dataset, version in seen.uses]
            said += [(number, saying) for saying in seen.said]
        rows["run_record"].sort()
        rows["seen"] += spans_of(self._runs, rows["measure"])
        rows["seen_again"] += [(number,) for number in self._runs if number < self._new_runs]
        derived.write(self._connection, rows)
        self._new_runs = self._next_run
        for gathered in rows.values():
            gathered.clear()
        self._bundles.clear()
        if len(self._prepared) > _REMEMBERED or len(self._slots) > _REMEMBERED:
            self._prepared.clear()
            self._slots.clear()
        if len(self._frames) > _REMEMBERED:
            self._frames.clear()
            self._once.clear()
        self._sorts.clear()
        self._shared.clear()
        self._values.clear()
        self._links.clear()
        self._runs.clear()

    def _flush_bundles(self) -> None:
        touched = []
        for bundle, first, last, seq in self._bundles.values():
            known = self._prepared.get(id(bundle))
            if known is None:
                known = self._prepared[id(bundle)] = (bundle, *self._prepare(bundle, seq))
            for slot in known[1]:
                if slot.seq < 0:
                    touched.append(slot)
                slot.take(first, last, seq)
            for fact in known[2]:
                self._apply[type(fact)](fact, seq, first)
                if last != first:
                    self._apply[type(fact)](fact, seq, last)
        attributes = self._rows["attribute"]
        links = self._rows["link"]
        for slot in touched:
            if slot.link is None:
                attributes += [(*row, slot.first, slot.last, slot.seq) for row in slot.rows]
            else:
                links.append((*slot.rows[0], *self._link_rest(slot.link, slot.first, slot.last, slot.seq)))
            slot.seq = -1

    def _prepare(self, bundle: Bundle, seq: int) -> tuple[list[Slot], list[AnyFact]]:
        """Return the rows of a bundle's facts, and the facts whose rows are not known beforehand."""
        slots = []
        others: list[AnyFact] = []
        for fact in bundle:
            slot = self._slots.get(id(fact))
            if slot is None:
                if type(fact) is Link and fact.at is None:
                    slot = Slot([self._link_name(fact)], fact)
                elif (
                    type(fact) is Entity
                    and not fact.listing
                    and fact.at is None
                    and fact.created is None
                    and fact.ended is None
                ):
                    number = self.entity(fact.key)
                    self._rows["span"].append((None, None, None, seq, number))
                    slot = Slot(
                        [(number, name, 0, dumps(value).decode()) for name, value in fact.attributes.items()]
                    )
                else:
                    others.append(fact)
                    continue
                self._slots[id(fact)] = slot
            slots.append(slot)
        return slots, others

    def _link_name(self, link: Link) -> tuple[Any, ...]:
        return (
            self.entity(link.source),
            self.entity(link.target),
            str(link.type),
            str(link.basis),
            link.rule,
            self.entity(link.job) if link.job is not None else 0,
            dumps(link.detail).decode(),
            link.confidence,
        )

    def _link_rest(self, link: Link, first: int | None, last: int | None, seq: int) -> tuple[Any, ...]:
        ended = link.ended.hi if link.ended is not None else None
        run = None
        if link.run is not None and link.job is not None:
            run = self._run_ids.get((self.entity(link.job), link.run.name))
        return first, last, ended, run, seq
