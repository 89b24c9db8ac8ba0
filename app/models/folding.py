"""Which things of a drawing are so alike in their place that one card can stand for them all?

Things are siblings when they are of one kind, equally far from the middle, and tied in the same way to the same cards
nearer to it. Beyond a folded group its own neighbours may in turn be siblings, so that thirty datasets with a job each
are two cards. Nothing is left out in silence: a group says how many of how many stand behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

FEWEST = 5
"""From how many siblings on they are folded (issue 4)."""
PREFIX = "group|"


@dataclass(frozen=True, slots=True)
class Group:
    """Siblings, folded or not.

    Attributes:
        key: its stable name; kind: of its members.
        members: ids of all siblings; folded: those for which the card stands, none when it is unfolded.
    """

    key: str
    kind: str
    members: tuple[str, ...]
    folded: tuple[str, ...]


@dataclass(frozen=True)
class Folds:
    """The groups of a drawing.

    Attributes:
        groups: all, by key; stands: the card for each folded thing; group_of: the group of each sibling.
    """

    groups: Mapping[str, Group] = field(default_factory=dict)
    stands: Mapping[str, str] = field(default_factory=dict)
    group_of: Mapping[str, str] = field(default_factory=dict)

    def card(self, key: str) -> str:
        """Return the key of the card that stands for a thing."""
        return self.stands.get(key, key)


def fold(
    kinds: Mapping[str, str],
    pairs: Iterable[tuple[str, str]],
    centre: str,
    *,
    opened: frozenset[str] = frozenset(),
    alone: frozenset[str] = frozenset(),
) -> Folds:
    """Return the groups of a graph.

    Args:
        kinds: the kind of each thing, by id.
        pairs: the ids at both ends of each edge.
        centre: the thing in the middle, which is never folded.
        opened: keys of groups whose members all have cards of their own.
        alone: things that keep a card of their own, such as those pulled out.

    >>> graph = {"m": "model", **{f"d{n}": "dataset" for n in range(6)}}
    >>> found = fold(graph, [(f"d{n}", "m") for n in range(6)], "m", alone=frozenset({"d3"}))
    >>> [(len(group.folded), len(group.members)) for group in found.groups.values()], found.card("d3")
    ([(5, 6)], 'd3')
    """
    near: dict[str, set[tuple[str, str]]] = {key: set() for key in kinds}
    for begin, end in pairs:
        if begin in near and end in near and begin != end:
            near[begin].add((end, "feeds"))
            near[end].add((begin, "fed by"))
    groups: dict[str, Group] = {}
    stands: dict[str, str] = {}
    group_of: dict[str, str] = {}
    told = {centre}
    ring = [centre] if centre in kinds else []
    while ring:
        ahead = sorted({other for key in ring for other, _ in near[key]} - told)
        alike: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
        for key in ahead:
            # By the group, not the card, so that unfolding one does not change the names of those beyond it.
            ties = sorted({(group_of.get(other, other), how) for other, how in near[key] if other in told})
            alike.setdefault((kinds[key], tuple(ties)), []).append(key)
        for (kind, tied), members in alike.items():
            if len(members) < FEWEST:
                continue
            name = f"{PREFIX}{kind}|{blake2b(repr(tied).encode(), digest_size=12).hexdigest()}"
            folded = () if name in opened else tuple(key for key in members if key not in alone)
            if len(folded) < 2:
                folded = ()
            groups[name] = Group(name, kind, tuple(members), folded)
            group_of.update(dict.fromkeys(members, name))
            stands.update(dict.fromkeys(folded, name))
        told.update(ahead)
        ring = ahead
    return Folds(groups, stands, group_of)


def folded_words(folds: Folds) -> dict[str, str]:
    """Return for each folded thing what the outline says of its card."""
    return {
        key: f"folded with {len(group.folded) - 1} of {len(group.members) - 1} like it"
        for group in folds.groups.values()
        for key in group.folded
    }
