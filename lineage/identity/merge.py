"""Which names are names of one thing, and which of them stands for it?

Proven pairs (`same`) are joined, however many and in whatever order they came; candidates never are. The name that
stands for the group is chosen by what the names are, not by which came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_PHYSICAL = ("s3://", "gs://", "abfss://", "file", "hdfs://", "dbfs")


def groups(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the groups that `pairs` join, each sorted.

    >>> groups([(1, 2), (4, 3), (2, 5)])
    [[1, 2, 5], [3, 4]]
    """
    above: dict[int, int] = {}

    def top(member: int) -> int:
        while above.setdefault(member, member) != member:
            above[member] = above[above[member]]
            member = above[member]
        return member

    for one, other in pairs:
        first, second = sorted((top(one), top(other)))
        above[second] = first
    found: dict[int, list[int]] = {}
    for member in sorted(above):
        found.setdefault(top(member), []).append(member)
    return sorted(found.values())


def standing_for(group: Iterable[int], names: Mapping[int, tuple[str, str, str]]) -> int:
    """Return the member that stands for the group: the place of the bytes, then a word, then the shortest name.

    A table's name gives way to the place where its bytes lie, a number to a word.

    >>> names = {1: ("dataset", "hive://h:9083", "a.b"), 2: ("dataset", "s3://lake", "a/b")}
    >>> standing_for([1, 2], names)
    2
    """

    def rank(member: int) -> tuple[bool, bool, int, str, str]:
        _, namespace, name = names[member]
        physical = namespace.startswith(_PHYSICAL)
        return (not physical, name.isdigit(), len(name), namespace, name)

    return min(group, key=rank)


def roots(
    pairs: Iterable[tuple[int, int]], names: Mapping[int, tuple[str, str, str]]
) -> list[tuple[int, int]]:
    """Return (root, member) for every member that another name stands for."""
    found: list[tuple[int, int]] = []
    for group in groups(pairs):
        root = standing_for(group, names)
        found.extend((root, member) for member in group if member != root)
    return found
