"""What does a system of incidents say of one of them: what it is, what it concerns, and which steps it went through?

Whatever keeps the incident (PagerDuty, ServiceNow, Jira), the facts are the same: one entity with times as attributes,
and a happening for each step whose time is recorded. A step is told by two records of one system (a list and a log)
with the same id, so that it happened once; an actor is named only where the record names one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from lineage.model.facts import Entity, Fact, Happened, Hop, Json, Key
from lineage.model.moment import Moment, to_iso
from lineage.model.vocabulary import Kind
from lineage.source import Origin, Problem
from lineage.sources._agreement_times import AmbiguousDateError, moment_of
from lineage.text import MalformedError, clip

OPEN, ACKNOWLEDGE, RESOLVE, CLOSE, REOPEN = "open", "acknowledge", "resolve", "close", "reopen"

_TIMES = {OPEN: "opened_at", ACKNOWLEDGE: "acknowledged_at", RESOLVE: "resolved_at", CLOSE: "closed_at"}
_MONTHS = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
_NAMED = re.compile(r"(\d{1,2})[/\-. ]([A-Za-z]{3,9})\.?[/\-. ,]+(\d{4}|\d\d)(?:,? +(.+))?")
_NAMED_FIRST = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}), *(\d{4})(?:,? +(.+))?")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d\d)(?::(\d\d))?(?:\s*([ap])\.?m\.?)?(?=$|[\s+.\-Z])", re.IGNORECASE)


class Step(NamedTuple):
    """One step of an incident.

    Attributes:
        what: `open`, `acknowledge`, `resolve`, `close`, `reopen`, or the system's own word for another one.
        actor, kind, name: who took it as recorded, what the system says he is, and how it shows him.
    """

    what: str
    at: Moment
    actor: Key | None = None
    kind: str = ""
    name: str = ""
    detail: Mapping[str, Json] = {}


def told(
    key: Key, attributes: Mapping[str, Json], steps: Iterable[Step], seen: Moment | None = None
) -> Iterator[Fact]:
    """Yield what is known of the incident `key`: itself, those who acted, and its steps.

    `seen` is when the record was written; without it the last step's time is taken.

    >>> from lineage.model.moment import parse
    >>> key = Key(Kind.INCIDENT, "pagerduty:acme", "7")
    >>> facts = list(told(key, {"title": "slow"}, [Step("open", parse("2026-06-02T11:00:00Z"))]))
    >>> facts[0].attributes["opened_at"], facts[1].type, facts[1].id
    ('2026-06-02T11:00:00Z', 'incident-open', '7/open@2026-06-02T11:00:00Z')
    """
    taken = sorted(steps, key=lambda step: (step.at.lo, step.at.hi, step.what))
    said = {name: value for name, value in attributes.items() if value not in (None, "", [], {})}
    for step in taken:
        if step.what in _TIMES:
            said.setdefault(_TIMES[step.what], _shown(step.at))
    opened = next((step.at for step in taken if step.what == OPEN), None)
    yield Entity(key, said, seen or (taken[-1].at if taken else None), created=opened)
    for step in taken:
        if step.actor is not None and (step.name or step.kind):
            shown = {"name": step.name, "kind": step.kind}
            yield Entity(step.actor, {name: value for name, value in shown.items() if value}, step.at)
        yield Happened(
            type=f"incident-{step.what}",
            subject=key,
            at=step.at,
            # A log writes milliseconds where the list of incidents writes seconds.
            id=f"{key.name}/{step.what}@{to_iso(step.at.lo - step.at.lo % 1_000_000)}",
            actor=step.actor,
            actor_kind=step.kind,
            chain=(Hop(step.name, "display-name"),) if step.name and step.actor else (),
            detail={name: value for name, value in step.detail.items() if value not in (None, "", [], {})},
        )


def _shown(at: Moment) -> Json:
    return to_iso(at.lo) if at.exact else {"not_before": to_iso(at.lo), "not_after": to_iso(at.hi)}


def local_time(text: str, origin: Origin, report: Callable[[Problem], None], field: str) -> Moment | None:
    """Return the time of a cell, None for an empty one or one that cannot be read, which is reported.

    Lists give local times without a zone (label `timezone`, else UTC, marked as assumed), clocks of twelve hours and
    months by their English names. A date of two readings is the bound that spans both (label `dates`).

    >>> to_iso(local_time("02/Jun/26 3:02 PM", Origin("a"), print, "Created").lo)
    '2026-06-02T15:02:00Z'
    """
    try:
        return moment_of(plain_time(text), origin)
    except AmbiguousDateError as error:
        report(Problem(error.code, error.reason, field, clip(text), fatal=False))
        return error.between
    except MalformedError as error:
        report(Problem(error.code, error.reason, field, clip(text), fatal=False))
    return None


def plain_time(text: str) -> str:
    """Return a time with its month as a number and its clock in 24 hours, where they are written in words.

    Raises `MalformedError` for a month or an hour that there is not.
    """
    said = text.strip()
    named = _NAMED.fullmatch(said)
    found = named or _NAMED_FIRST.fullmatch(said)
    if found:
        day, month = (found[1], found[2]) if named else (found[2], found[1])
        number = _MONTHS.get(month[:3].lower())
        if number is None:
            raise MalformedError("bad-time", f"no month is called {month!r}")
        year = found[3] if len(found[3]) == 4 else f"20{found[3]}"
        said = f"{year}-{number:02}-{int(day):02}" + (f" {found[4]}" if found[4] else "")
    clock = _CLOCK.search(said)
    if clock is None:
        return said
    hour = int(clock[1])
    if clock[4]:
        if not 1 <= hour <= 12:
            raise MalformedError("bad-time", "there is no such hour on a clock of twelve")
        hour = hour % 12 + (12 if clock[4].lower() == "p" else 0)
    return f"{said[: clock.start()]}{hour:02}:{clock[2]}:{clock[3] or '00'}{said[clock.end() :]}"


def in_order(steps: Iterable[Step], report: Callable[[Problem], None]) -> None:
    """Report when an incident was resolved or closed before it was opened; what is recorded stays as it is."""
    times = {step.what: step.at for step in steps}
    opened = times.get(OPEN)
    for what in (ACKNOWLEDGE, RESOLVE, CLOSE):
        if opened is not None and what in times and times[what].hi < opened.lo:
            reason = "the incident was opened after this"
            value = times[what].text or to_iso(times[what].lo)
            report(Problem("reversed-interval", reason, _TIMES[what], value, fatal=False))


def incident(system: str, instance: str, number: str) -> Key:
    """Return the key of incident `number` of one instance of a system; `pagerduty` alone where none is named."""
    return Key(Kind.INCIDENT, f"{system}:{instance}" if instance else system, number)
