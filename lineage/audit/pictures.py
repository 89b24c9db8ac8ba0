"""What stood at one pair of times: what served where, the edges, versions, aliases, agreements and rights?

A picture holds texts, not rows, so that two of them can be compared though they come from different connections. What
had ended by then is in it too, as nothing, with what ended it: that is where a comparison finds the event and person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.audit.agreements import Binding
from lineage.audit.register import serving_at
from lineage.audit.rights import HELD, NOT, Right, Rights
from lineage.audit.view import View, names, thing_name
from lineage.model.answer import bounded
from lineage.model.moment import LAST, Moment
from lineage.store import asking, gathering, listing, pairing
from lineage.text import dumps

Key = tuple[str, str]
"""What sort of statement (`serving`, `edge`, `version`, `alias`, `stage`, `sla`, `right`), and of what."""

_NOTHING = "nothing"
NOT_KNOWN = "not known: nobody had looked yet"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said of one thing at a time.

    Attributes:
        texts: every possibility, sorted; an empty text = nothing. More than one where history has a gap.
        at: when it came to be so, as answers write it; `actor`, `person`: who made it so.
        records: the evidence.
    """

    texts: tuple[str, ...]
    at: Any = None
    actor: str | None = None
    person: str | None = None
    event: str | None = None
    records: tuple[int, ...] = ()

    @property
    def certain(self) -> bool:
        """False where history has a gap."""
        return len(self.texts) < 2 and NOT_KNOWN not in self.texts

    @property
    def text(self) -> str | None:
        """The possibilities in words, None for nothing.

        >>> Entry(("churn 1", "churn 2")).text, Entry(("", "churn 1")).text, Entry(("",)).text
        ('churn 1 or churn 2', 'churn 1 or nothing', None)
        """
        if self.texts in ((), ("",)):
            return None
        said = [text for text in self.texts if text]
        return " or ".join([*said, _NOTHING] if "" in self.texts else said)


Picture = dict[Key, Entry]


def picture(view: View) -> Picture:
    """Return all that stood at the view's pair of times."""
    made: Picture = {}
    for part in (_serving, _edges, _versions, _listed, _agreed, _rights):
        made.update(part(view))
    return made


def _serving(view: View) -> Iterable[tuple[Key, Entry]]:
    moment = view.moment
    by_target: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in listing.episodes(view.connection):
        by_target[row["target"]].append(row)
    for rows in by_target.values():
        begun = [row for row in rows if row["start_lo"] <= moment]
        if not begun:
            continue
        possible, nothing = serving_at(rows, moment)
        last = (possible or begun)[-1]
        body = last["body"]
        texts = {_served(row["body"]) for row in possible} | ({""} if nothing or not possible else set())
        records = {seq for row in possible or [last] for seq in row["body"]["records"]}
        yield (
            ("serving", body["target"]),
            Entry(
                tuple(sorted(texts)),
                body["deployed_at"],
                body["actor"],
                body["deployed_by"],
                body["action"],
                tuple(sorted(records)),
            ),
        )


def _served(body: dict[str, Any]) -> str:
    said = [
        f"{model['model'] or model['uri'] or 'unknown model'} {model['version'] or 'of unknown version'}"
        + (f" ({round(100 * model['weight'])} %)" if model["weight"] not in (None, 1, 1.0) else "")
        for model in body["models"]
    ]
    return ", ".join(said) or "a model that is not evidenced"


def _edges(view: View) -> Iterable[tuple[Key, Entry]]:
    rows = pairing.edges(view.connection)
    moment = view.moment
    held: dict[tuple[int, str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["valid_from"] <= moment:
            held[row["src"], row["type"], row["dst"]].append(row)
    things = names(view.connection, {end for key in held for end in (key[0], key[2])})
    for (source, sort, target), known in held.items():
        now = [row for row in known if row["valid_to"] > moment]
        sure = any((row["uncertain"] or row["valid_from"]) <= moment for row in now)
        row = (
            min(now, key=lambda each: each["valid_from"]) if now else max(known, key=lambda e: e["valid_to"])
        )
        at = (
            bounded(row["valid_from"], row["uncertain"] or row["valid_from"])
            if now
            else bounded(row["valid_to"], row["valid_to"])
        )
        told = f"{row['basis']} ({row['rule']})"
        texts = (told,) if sure else ("", told) if now else ("",)
        subject = f"{thing_name(things[source])} -> {thing_name(things[target])} [{sort}]"
        records = tuple(dict.fromkeys((row["ev_first"], row["ev_last"])))
        yield ("edge", subject), Entry(texts, at, row["actor"], None, None, records)


def _versions(view: View) -> Iterable[tuple[Key, Entry]]:
    moment = view.moment
    things = asking.things_of_kind(view.connection, "model-version")
    told: dict[int, list[dict[str, Any]]] = defaultdict(list)
    numbers = [thing.id for thing in things]
    for row in listing.happenings(view.connection, subjects=numbers) if numbers else ():
        if row["type"] in {"register", "delete"} and row["at_lo"] <= moment:
            told[row["subject"]].append(row)
    for thing in things:
        begun = thing.created if thing.created is not None else thing.first_seen
        if begun is None or begun > moment:
            continue
        lo, hi = thing.ended_lo, thing.ended_hi
        over = lo is not None and lo <= moment
        texts = ("registered",) if not over else ("", "registered") if (hi or LAST) > moment else ("",)
        step = told[thing.id][-1] if told[thing.id] else None
        at = bounded(lo, hi) if over else bounded(begun, begun)
        records = (step["record"],) if step else (thing.record,) if thing.record is not None else ()
        actor, person = (step["actor"], step["person"]) if step else (None, None)
        if not over and actor is None:
            actor = thing.attributes.get("created_by") or None
        yield (
            ("version", thing_name(thing)),
            Entry(texts, at, actor, person, step["type"] if step else None, records),
        )


def _listed(view: View) -> Iterable[tuple[Key, Entry]]:
    """Yield aliases and stages, which registries only show when they are looked at: between two looks, either value."""
    seen: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in pairing.shown(view.connection, ("aliases", "stage")):
        seen[row["name"], f"{row['thing']}"].append(row)
    for (name, subject), rows in seen.items():
        before = [row for row in rows if row["slot"] <= view.moment]
        after = [row for row in rows if row["slot"] > view.moment]
        texts = {_plain(row["value"]) for row in (*before[-1:], *after[:1])}
        if texts == {""}:
            continue
        texts = texts if before else {NOT_KNOWN}
        near = (*before[-1:], *after[:1])
        now = _plain(near[0]["value"])
        began = 0
        for place, row in enumerate(before):
            if _plain(row["value"]) != now:
                began = place + 1
        first = before[began]["slot"] if began < len(before) else near[0]["slot"]
        at = bounded(before[began - 1]["slot"] if began else None, first)
        word = "alias" if name == "aliases" else name
        yield (word, subject), Entry(tuple(sorted(texts)), at, records=tuple(row["record"] for row in near))


def _plain(value: Any) -> str:
    if value in (None, "", [], {}, "None"):
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{name}={value[name]}" for name in sorted(value))
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(sorted(value))
    return value if isinstance(value, str) else str(dumps(value), "utf-8")


def _agreed(view: View) -> Iterable[tuple[Key, Entry]]:
    binding = Binding(view)
    records = {(row["fact"].key.name, row["fact"].version or None): row["record"] for row in binding.rows}
    things = asking.things_of_kind(view.connection, "target")
    for thing in things:
        said: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item in binding.at(thing.id, view.moment):
            said[f"{thing_name(thing)}: {item['name']} ({item['metric']}, {item['basis']})"].append(item)
        for subject, items in said.items():
            texts = {f"{each['comparator']} {each['target']} {each['unit']}".strip() for each in items}
            texts |= {""} if any(not each["certain"] for each in items) else set()
            seqs = [records.get((each["name"], each["version"])) for each in items]
            yield (
                ("sla", subject),
                Entry(
                    tuple(sorted(texts)),
                    items[0]["effective_from"],
                    records=tuple(seq for seq in seqs if seq is not None),
                ),
            )


def _rights(view: View) -> Iterable[tuple[Key, Entry]]:
    calls = gathering.happenings_of(view.connection, ("grant", "revoke", "role-change", "role-delete"))
    rights = Rights(
        gathering.grants(view.connection),
        [row["fact"] for row in calls],
        gathering.complete_listings(view.connection, "access"),
    )
    made = {(row["fact"].at.lo, str(row["fact"].detail.get("via"))): row["fact"] for row in calls}
    for listed in rights.of.values():
        told: dict[str, list[Right]] = defaultdict(list)
        for right in listed:
            if right.since is None or right.since.lo <= view.moment:
                fact = right.fact
                told[f"{fact.grantee.name}: {fact.role or fact.via} at {fact.where or fact.place}"].append(
                    right
                )
        for subject, known in told.items():
            yield ("right", subject), _right(known, view.moment, made)


def _right(known: Sequence[Right], moment: int, made: dict[tuple[int, str], Any]) -> Entry:
    held = [right for right in known if right.at(moment) != NOT]
    texts = {_allowed(right) for right in held}
    if not any(right.at(moment) == HELD for right in held):
        texts.add("")
    right = (held or known)[-1]
    at: Moment | None = right.since if held else right.until
    call = made.get((at.lo, right.fact.via)) if at is not None else None
    actor = call.actor.name if call is not None and call.actor is not None else None
    when = bounded(at.lo, at.hi) if at is not None else None
    return Entry(tuple(sorted(texts)), when, actor, None, None, right.records)


def _allowed(right: Right) -> str:
    fact = right.fact
    word = "" if fact.allowed else "denied: "
    return word + (", ".join(fact.permissions) or fact.role)
