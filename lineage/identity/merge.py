"""Which names are names of one thing, and which of them stands for it?

Proven pairs (`same`) are joined, however many and in whatever order they came; candidates never are. The name that
stands for the group is chosen by what the names are, not by which came first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

_PHYSICAL = ("s3://", "gs://", "abfss://", "file", "hdfs://", "dbfs")
_CATALOGUES = ("kedro://", "airflow://", "great_expectations", "soda:")
"""Namespaces of names that a tool gives to what lies elsewhere."""


def groups(pairs: Iterable[tuple[int, int]], apart: Collection[tuple[int, int]] = ()) -> list[list[int]]:
    """Return the groups that `pairs` join, each sorted; no group holds both names of a pair that is kept `apart`.

    With names kept apart the order of `pairs` counts: the first that would bring two such names together does not.

    >>> groups([(1, 2), (4, 3), (2, 5)])
    [[1, 2, 5], [3, 4]]
    >>> groups([(1, 2), (2, 3)], apart=[(3, 1)])
    [[1, 2], [3]]
    """
    above: dict[int, int] = {}
    against: dict[int, set[int]] = {}
    for one, other in apart:
        against.setdefault(one, set()).add(other)
        against.setdefault(other, set()).add(one)
    within: dict[int, set[int]] = {member: {member} for member in against}

    def top(member: int) -> int:
        while above.setdefault(member, member) != member:
            above[member] = above[above[member]]
            member = above[member]
        return member

    for one, other in pairs:
        first, second = sorted((top(one), top(other)))
        if first == second:
            continue
        # Kept for each group: which names that are kept from others it holds, and which it must never hold.
        if not against.get(first, set()).isdisjoint(within.get(second, ())):
            continue
        above[second] = first
        if second in within:
            within.setdefault(first, set()).update(within.pop(second))
            against.setdefault(first, set()).update(against.get(second, ()))
    found: dict[int, list[int]] = {}
    for member in sorted(above):
        found.setdefault(top(member), []).append(member)
    return sorted(found.values())


def standing_for(group: Iterable[int], names: Mapping[int, tuple[str, str, str]]) -> int:
    """Return the member that stands for the group: the place of the bytes, then a word, then the shortest name.

    A table's name gives way to the place where its bytes lie, a tool's own name to that, a number to a word.

    >>> names = {1: ("dataset", "hive://h:9083", "a.b"), 2: ("dataset", "s3://lake", "a/b")}
    >>> standing_for([1, 2], names)
    2
    >>> standing_for([1, 3], {**names, 3: ("dataset", "soda:lake", "a")})
    1
    >>> standing_for([1, 3], {**names, 3: ("dataset", "kedro://churn/catalog", "b")})
    1
    """

    def rank(member: int) -> tuple[bool, bool, bool, int, str, str]:
        _, namespace, name = names[member]
        physical = namespace.startswith(_PHYSICAL)
        return (not physical, namespace.startswith(_CATALOGUES), name.isdigit(), len(name), namespace, name)

    return min(group, key=rank)


def roots(
    pairs: Iterable[tuple[int, int]],
    names: Mapping[int, tuple[str, str, str]],
    apart: Collection[tuple[int, int]] = (),
) -> list[tuple[int, int]]:
    """Return (root, member) for every member that another name stands for."""
    found: list[tuple[int, int]] = []
    for group in groups(pairs, apart):
        root = standing_for(group, names)
        found.extend((root, member) for member in group if member != root)
    return found
