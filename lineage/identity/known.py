"""What do the registries and people lists in the workspace say, in the form that the ladders read?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lineage.identity import kubeflow
from lineage.identity.person import People, PersonRow, Principal
from lineage.identity.versions import AliasSpan, Registry, VersionRow, location
from lineage.model.facts import Key
from lineage.model.moment import LAST, Moment, exactly
from lineage.model.vocabulary import Kind
from lineage.store import asking, gathering
from lineage.store.asking import Thing
from lineage.store.database import Connection

ANY_SYSTEM = "*"
"""The namespace of a principal that a people list names without a system."""


def key_of(thing: Thing) -> Key:
    """Return the key of a thing."""
    return Key(Kind(thing.kind), thing.namespace, thing.name)


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registries in the workspace say.

    Attributes:
        registry: every model version, and how aliases moved; `ids`: the version's entities.
        deleted: the versions that are deleted, and when, where that is evidenced.
        aliases: on which version each alias stood and when.
        shown: the record that showed a model's aliases at a time.
    """

    registry: Registry
    ids: dict[Key, int]
    deleted: dict[Key, Moment | None]
    aliases: tuple[AliasSpan, ...]
    shown: dict[tuple[Key, int], int]


def registered(connection: Connection, confirmed: Mapping[str, Key]) -> Registered:
    """Return every model version that a registry knows, how aliases moved, and what people `confirmed` is served."""
    things = asking.things_of_kind(connection, Kind.MODEL_VERSION)
    models = asking.things_of_kind(connection, Kind.MODEL)
    by_id = kubeflow.by_id(models, asking.things_of_kind(connection, Kind.TARGET))
    rows = {thing.id: row for thing in things if (row := _version(thing, by_id)) is not None}
    loose = {thing.id for thing in things if thing.attributes.get("unregistered")}
    rows = {number: rows[number] for number in _standing(rows, loose)}
    spans: list[AliasSpan] = []
    shown: dict[tuple[Key, int], int] = {}
    for model in models:
        seen = gathering.observed(connection, model.id, "aliases")
        spans += alias_spans(key_of(model), [(at, value) for at, value, _ in seen if isinstance(value, dict)])
        shown.update({(key_of(model), at): record for at, _, record in seen})
    return Registered(
        Registry(rows.values(), spans, confirmed),
        {row.key: number for number, row in rows.items()},
        {row.key: row.deleted_at for row in rows.values() if row.deleted},
        tuple(spans),
        shown,
    )


def _standing(rows: Mapping[int, VersionRow], loose: Collection[int]) -> list[int]:
    """Return the versions but for artifacts of no registry (`loose`) at whose place a registered version lies.

    One model's files are then known by the version that somebody registered, and not twice.
    """
    taken = {location(row.storage_location) for number, row in rows.items() if number not in loose} - {None}
    return [
        number
        for number, row in rows.items()
        if number not in loose or location(row.storage_location) not in taken
    ]


def _version(thing: Thing, by_id: kubeflow.ById) -> VersionRow | None:
    said = thing.attributes
    model, version = said.get("model") or by_id.model_of(thing), said.get("version")
    if not model or version in (None, "") or said.get("logged"):
        return None
    created = exactly(thing.created) if thing.created is not None else None
    ended = None
    if thing.ended_hi is not None:
        ended = Moment(thing.ended_lo or thing.ended_hi, thing.ended_hi)
    tags = {str(name): str(value) for name, value in (said.get("tags") or {}).items()}
    tags.update(by_id.tags_of(thing))
    if said.get("git_commit"):
        tags.setdefault("git_commit", str(said["git_commit"]))
    if said.get("arn"):
        tags.setdefault("arn", str(said["arn"]))
    return VersionRow(
        key_of(thing),
        str(model),
        str(version),
        thing.namespace,
        str(said.get("storage_location") or ""),
        str(said.get("source") or ""),
        str(said.get("run_id") or ""),
        str(said.get("logged_model_id") or ""),
        tags,
        str(said.get("stage") or ""),
        tuple(said.get("aliases") or ()),
        created,
        bool(said.get("deleted")),
        ended,
    )


def alias_spans(model: Key, seen: Iterable[tuple[int, Mapping[str, Any]]]) -> list[AliasSpan]:
    """Return on which version each alias stood and when, from what listings at several times showed.

    A registry that keeps no history shows only the present: an alias began after the last listing without it (or at an
    unknown time before the first listing), and ended before the first listing that shows it elsewhere (DESIGN 2.4).

    >>> spans = alias_spans(Key(Kind.MODEL, "r", "m"), [(10, {"live": "1"}), (20, {"live": "2"})])
    >>> [(span.version, span.since.lo, span.since.hi, span.until and span.until.hi) for span in spans]
    [('1', 0, 10, 20), ('2', 10, 20, None)]
    """
    spans: list[AliasSpan] = []
    open_: dict[str, tuple[str, Moment]] = {}
    last = 0
    for at, aliases in sorted(seen, key=lambda pair: pair[0]):
        held = {str(name): str(version) for name, version in aliases.items()}
        for name in sorted(open_.keys() | held.keys()):
            before = open_.get(name)
            version = held.get(name)
            if before is not None and before[0] == version:
                continue
            if before is not None:
                spans.append(AliasSpan(model, name, before[0], before[1], Moment(last, at)))
                del open_[name]
            if version is not None:
                open_[name] = (version, Moment(last, at))
        last = at
    spans.extend(AliasSpan(model, name, version, since) for name, (version, since) in sorted(open_.items()))
    return spans


def people(connection: Connection, same: Iterable[tuple[Key, Key]] = ()) -> People:
    """Return every person that a people list names, with the principals that are theirs and when.

    `same` are names that somebody decided are one: among them principals that no list gives to their person.
    """
    listed = {
        thing.id: thing
        for thing in asking.things_of_kind(connection, Kind.ACTOR)
        if thing.namespace == "people"
    }
    principals: dict[int, list[Principal]] = defaultdict(list)
    for row in gathering.principals(connection):
        if row["person"] in listed:
            system = "" if row["namespace"] == ANY_SYSTEM else row["namespace"]
            since = exactly(row["since"]) if row["since"] else None
            until = exactly(row["until"]) if row["until"] != LAST else None
            principals[row["person"]].append(Principal(row["name"], system, since, until))
    numbers = {key_of(thing): number for number, thing in listed.items()}
    for pair in same:
        for person, principal in (pair, pair[::-1]):
            if person in numbers and principal.namespace != "people" and principal.kind is Kind.ACTOR:
                principals[numbers[person]].append(Principal(principal.name, principal.namespace))
    rows = []
    for number, thing in listed.items():
        said = thing.attributes
        rows.append(
            PersonRow(
                key_of(thing),
                str(said.get("name") or ""),
                str(said.get("email") or ""),
                str(said.get("kind") or "person"),
                tuple(principals[number]),
            )
        )
    return People.of(sorted(rows, key=lambda row: row.key))
