"""Which decisions of people about names hold, and what do they say?

A person may say that two names are one thing (`merge`), that they are not (`split`), or which registered version it is
that is served under a URI, an image or a name (`confirm`). Decisions stand above every rule, are recorded with who and
why, and can be taken back; then the rules decide again (DESIGN 3, sources-ml 6.8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lineage.model.facts import Key
from lineage.model.vocabulary import Kind


class Action(StrEnum):
    """What a person can decide."""

    MERGE = "merge"
    SPLIT = "split"
    CONFIRM = "confirm"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Decisions:
    """What holds.

    Attributes:
        same: pairs of names that are one thing.
        apart: pairs of names that are not, whatever else says so.
        served: what is served (URI, image or the text of a claim, as written), and the version that it is.
    """

    same: tuple[tuple[Key, Key], ...] = ()
    apart: tuple[tuple[Key, Key], ...] = ()
    served: Mapping[str, Key] = field(default_factory=dict)


def holding(rows: Iterable[Mapping[str, Any]]) -> Decisions:
    """Return what holds of decisions in the order they were made: of two about the same names the later.

    >>> a, b = ["dataset", "s3://lake", "a"], ["dataset", "s3://lake", "b"]
    >>> made = {"id": 1, "action": "merge", "one": a, "other": b, "undone_by": None}
    >>> [[key.name for key in pair] for pair in holding([made]).same]
    [['a', 'b']]
    >>> holding([made | {"undone_by": 2}]).same
    ()
    >>> holding([made, made | {"id": 2, "action": "split", "one": b, "other": a}]).same
    ()
    """
    pairs: dict[frozenset[Key], tuple[str, tuple[Key, Key]]] = {}
    served: dict[str, Key] = {}
    for row in rows:
        if row["undone_by"] is not None or row["action"] == Action.UNDO:
            continue
        if row["action"] == Action.CONFIRM:
            served[str(row["one"])] = key_in(row["other"])
        else:
            pair = key_in(row["one"]), key_in(row["other"])
            pairs[frozenset(pair)] = (row["action"], pair)
    said = sorted(pairs.values())
    return Decisions(
        tuple(pair for action, pair in said if action == Action.MERGE),
        tuple(pair for action, pair in said if action == Action.SPLIT),
        served,
    )


def key_in(said: Any) -> Key:
    """Return the key that a decision names."""
    kind, namespace, name = said
    return Key(Kind(kind), str(namespace), str(name))
