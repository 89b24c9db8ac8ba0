"""Who could change what serves, at a time, and who did, with or without a listed right?

As far as the imported roles, policies and lists show: conditions are kept as text, denials and boundaries are named,
but nothing is simulated, and a group whose members are kept elsewhere stands for itself. A change is set against the
rights of whoever made it at that moment: his own, those of the role he had assumed or the account he acted as, and
those that a people list shows to be the same person's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from lineage.audit.reaching import Wanted, reaches
from lineage.audit.rights import HELD, NOT, Path, Rights
from lineage.audit.view import View, spoken
from lineage.identity import known
from lineage.identity.person import People, identify
from lineage.model.answer import Answer, Item, bounded
from lineage.model.facts import Key
from lineage.model.moment import Moment
from lineage.model.naming import display, identifier
from lineage.model.vocabulary import Kind, Outcome
from lineage.store import asking, gathering

_CHANGES = frozenset({"apply", "delete"})
_GROUPS = "kubernetes-group"
_ASSUMED = ":assumed-role/"
_CERTAINTY = {HELD: "yes", 1: "perhaps", NOT: "no"}

Row = dict[str, Any]


def access(
    view: View,
    selector: str = "",
    *,
    since: int | None = None,
    until: int | None = None,
    limit: int | None = None,
) -> Answer:
    """List principals with what they could do at the valid time to what serves, and the changes they made by then.

    The selector picks targets or environments (else: anything that serves), or principals. `since` and `until` bound
    the changes, not the rights. `right` of a change: `listed`, `perhaps`, `denied`, `none`, or `not-imported` where no
    rights in the system it was made in are known at all.
    """
    asked = _Asked(view, selector)
    people = known.people(view.connection)
    happened = [row["fact"] for row in gathering.happenings_of(view.connection, _RIGHT_CHANGES)]
    rights = Rights(
        gathering.grants(view.connection), happened, gathering.complete_listings(view.connection, "access")
    )
    principals = _Principals(view, rights, people)
    could = {
        key: found
        for key in principals.named
        if asked.principal(key) and (found := _could(rights.paths(key), asked.targets, view.moment))
    }
    did: dict[Key, list[tuple[Row, str, tuple[Path, ...]]]] = defaultdict(list)
    for row in _changes(view, asked, since, until):
        actor = row["fact"].actor
        if actor is not None and asked.principal(actor):
            did[actor].append((row, *principals.right(row)))
    items = [
        _item(key, could.get(key, []), did.get(key, []), principals, people, view.moment)
        for key in sorted({*could, *did})
    ]
    shown = items if limit is None else items[:limit]
    evidence = view.evidence(seq for _, records in shown for seq in records)
    for item, records in shown:
        item["evidence"] = [evidence[seq] for seq in dict.fromkeys(records) if seq in evidence]
        for entry in (*item["could"], *item["did"]):
            entry["evidence"] = [evidence[seq] for seq in entry.pop("_records") if seq in evidence]
    return view.answer([item for item, _ in shown], len(items))


_RIGHT_CHANGES = ("grant", "revoke", "role-change", "role-delete")


class _Asked:
    """What a selector asks about: targets (None = anything that serves), and principals (None = anybody)."""

    def __init__(self, view: View, selector: str) -> None:
        things = {thing.id: thing for thing in asking.things_of_kind(view.connection, Kind.TARGET)}
        self.ids: set[int] | None = None
        self.targets: list[Wanted] | None = None
        self.actors: set[Key] | None = None
        self.all = {number: _wanted(thing) for number, thing in things.items()}
        if not selector.strip():
            return
        picked = asking.things(view.connection, view.select(selector))
        self.ids = {number for number in picked if number in things}
        named = {known.key_of(thing) for thing in picked.values() if thing.kind == Kind.ACTOR}
        if self.ids:
            self.targets = [self.all[number] for number in sorted(self.ids)]
            self.actors = named or None
        else:
            self.ids = None
            self.actors = named

    def principal(self, key: Key) -> bool:
        """Tell whether a principal is asked about."""
        return self.actors is None or key in self.actors


def _wanted(thing: asking.Thing) -> Wanted:
    return Wanted(known.key_of(thing), str(thing.attributes.get("environment") or ""))


def _changes(view: View, asked: _Asked, since: int | None, until: int | None) -> Iterable[Row]:
    for row in gathering.target_happenings(view.connection):
        fact, at = row["fact"], row["at_lo"]
        done = fact.type in _CHANGES and fact.outcome is Outcome.DONE and not fact.listing
        picked = asked.ids is None or row["target"] in asked.ids
        within = (since is None or at >= since) and (until is None or at < until) and at <= view.moment
        if done and picked and within:
            yield {**row, "wanted": asked.all.get(row["target"]) or Wanted(fact.subject, "")}


def _could(paths: Iterable[Path], targets: Sequence[Wanted] | None, moment: int) -> list[Path]:
    """Return the ways by which somebody may change one of the targets at a moment, denials too."""
    return [path for path in paths if path.at(moment) != NOT and reaches(path, targets)]


class _Principals:
    """Who is who among those who have rights and those who make changes."""

    def __init__(self, view: View, rights: Rights, people: People) -> None:
        self.rights = rights
        self.people = people
        self.moment = view.moment
        self.said = {
            known.key_of(thing): thing.attributes
            for thing in asking.things_of_kind(view.connection, Kind.ACTOR)
        }
        self.named = [key for key in rights.of if not self._is_role(key)]
        self._persons: dict[str, list[Key]] = defaultdict(list)
        self._spelled: dict[str, list[Key]] = defaultdict(list)
        for key in self.named:
            person = self.person(key, self.moment)
            if person:
                self._persons[person].append(key)
            self._spelled[key.name.lower()].append(key)

    def _is_role(self, key: Key) -> bool:
        """Tell whether a key is no principal but what principals are given: its rights are told of those."""
        kind = self.said.get(key, {}).get("kind")
        if kind == "policy":
            return not self.said[key].get("declared")
        return key.namespace.startswith("kubernetes://") or (key.namespace == "aws" and kind == "group")

    def kind(self, key: Key) -> str | None:
        """Return what a source says a principal is."""
        kind = self.said.get(key, {}).get("kind")
        return str(kind) if kind else None

    def person(self, key: Key, moment: int) -> str | None:
        """Return the person that a principal is evidenced to be."""
        if key.namespace == _GROUPS:
            return None
        said = {"group": "bot", "role": "role", "service-account": "service-account", "policy": "bot"}
        return identify(key, said.get(self.kind(key) or "", ""), "", (), {}, moment, self.people).person

    def right(self, row: Row) -> tuple[str, tuple[Path, ...]]:
        """Tell by which right a change was made at its moment, and show the ways that count."""
        fact, at, wanted = row["fact"], row["at_lo"], row["wanted"]
        ways = [
            (path.at(at), path)
            for key in self._acting(fact.actor, fact.effective, at)
            for path in self.rights.paths(key)
            if path.at(at) != NOT and reaches(path, [wanted])
        ]
        denied = [path for sure, path in ways if not path.allowed and sure == HELD and not path.conditional]
        if denied:
            return "denied", tuple(denied)
        held = [path for sure, path in ways if path.allowed and sure == HELD and not _open(path)]
        if held:
            return "listed", tuple(held)
        perhaps = [path for _, path in ways if path.allowed]
        if perhaps:
            return "perhaps", tuple(perhaps)
        return ("none" if self._looked(wanted) else "not-imported"), ()

    def _looked(self, wanted: Wanted) -> bool:
        """Tell whether any rights in the system of a target are known, so that their absence says something."""
        return any(place in {"", wanted.place} for place in self.rights.places)

    def _acting(self, actor: Key, effective: str, at: int) -> Iterable[Key]:
        """Yield every principal whose rights an actor acts with."""
        found: dict[Key, None] = {}
        for name in filter(None, (actor.name, effective)):
            own = Key(Kind.ACTOR, actor.namespace, name)
            found[own] = None
            found.update(dict.fromkeys(_groups(own)))
            if _ASSUMED in name:
                account, _, rest = name.partition(_ASSUMED)
                role = f":{account.rpartition(':')[2]}:role/"
                suffix = "/" + rest.partition("/")[0]
                roles = (key for key in self.rights.of if role in key.name and key.name.endswith(suffix))
                found.update(dict.fromkeys(roles))
            found.update(dict.fromkeys(key for key in self._spelled.get(name.lower(), ()) if _same(key, own)))
        person = self.person(actor, at)
        if person:
            found.update(dict.fromkeys(self._persons.get(person, ())))
        return tuple(found)


def _same(key: Key, own: Key) -> bool:
    return key.namespace in {"*", own.namespace}


def _groups(key: Key) -> Iterable[Key]:
    """Yield the groups that Kubernetes puts every authenticated user and service account into."""
    if key.namespace != "kubernetes":
        return
    names = ["system:authenticated"]
    if key.name.startswith("system:serviceaccount:"):
        names += ["system:serviceaccounts", f"system:serviceaccounts:{key.name.split(':')[2]}"]
    for name in names:
        yield Key(Kind.ACTOR, _GROUPS, name)


def _open(path: Path) -> bool:
    """Tell whether it is not known what a way allows: a condition, or a role that was not imported."""
    return bool(path.conditional) or not (path.last.fact.permissions or path.last.basis == "list")


def _item(
    key: Key,
    could: Sequence[Path],
    did: Sequence[tuple[Row, str, tuple[Path, ...]]],
    principals: _Principals,
    people: People,
    moment: int,
) -> tuple[Item, list[int]]:
    paths = [_path(path, moment) for path in could]
    acts = [_act(row, right, ways, people) for row, right, ways in did]
    marks = {act["right"] for act in acts}
    worst = next(
        (word for word in ("denied", "none", "perhaps", "not-imported", "listed") if word in marks), None
    )
    item: Item = {
        "principal": key.name,
        "principal_id": identifier(*key),
        "system": key.namespace,
        "kind": principals.kind(key),
        # Not that of a change: an account that several share is nobody's.
        "person": principals.person(key, moment),
        "could": paths,
        "did": acts,
        "right": worst,
        "unused": bool(paths) and not acts,
    }
    records = [seq for entry in (*paths, *acts) for seq in entry["_records"]]
    return item, records


def _path(path: Path, moment: int) -> Item:
    rights, fact = path.rights, path.last.fact
    first = rights[0].fact
    begun = [right.since for right in rights if right.since is not None]
    over = [right.until for right in rights if right.until is not None]
    since = max(begun, key=lambda at: (at.hi, at.lo), default=None)
    until = min(over, key=lambda at: (at.lo, at.hi), default=None)
    item: Item = {
        "role": first.role,
        "permissions": list(fact.permissions),
        "where": path.where or None,
        "place": fact.place or None,
        "via": list(dict.fromkeys(right.fact.via for right in rights if right.fact.via)),
        "allowed": path.allowed,
        "conditional": path.conditional or None,
        "holds": _CERTAINTY[path.at(moment)],
        "basis": next((right.basis for right in rights if right.basis != "stated"), "stated"),
        "role_imported": bool(fact.permissions) or path.last.basis == "list",
        "since": _time(since),
        "until": _time(until),
        "granted_by": first.by.name if first.by else None,
        "ticket": first.detail.get("ticket"),
    }
    item |= spoken(item, "since", "until")
    return {**item, "_records": [seq for right in rights for seq in right.records]}


def _time(at: Moment | None) -> Any:
    return bounded(at.lo or None, at.hi) if at is not None else None


def _act(row: Row, right: str, ways: Sequence[Path], people: People) -> Item:
    fact = row["fact"]
    who = identify(fact.actor, fact.actor_kind, fact.effective, fact.chain, fact.change, row["at_lo"], people)
    return {
        "at": bounded(row["at_lo"], row["at_hi"]),
        "type": fact.type,
        "target": display(*row["wanted"].key),
        "target_id": identifier(*row["wanted"].key),
        "person": who.person,
        "effective_identity": who.effective_identity,
        "right": right,
        "by_right": list(dict.fromkeys(" -> ".join(_way(path)) for path in ways)),
        "change_ref": fact.change.get("ticket") or fact.change.get("commit") or None,
        "_records": [row["record"]],
    }


def _way(path: Path) -> list[str]:
    return list(
        dict.fromkeys(step for right in path.rights for step in (right.fact.via, right.fact.role) if step)
    )
