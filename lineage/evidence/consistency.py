"""Did the log only grow between two checkpoints? The consistency proofs of RFC 9162, section 2.1.4."""

from __future__ import annotations

from collections.abc import Sequence

from lineage.evidence.merkle import EMPTY_ROOT, Frontier, node_hash


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """Return the hashes that lead from the root over the first leaves to that over all (RFC 9162, 2.1.4.1)."""
    if not 0 < first < len(leaves):
        return []
    return _part(leaves, 0, len(leaves), first, whole=True)


def _part(leaves: Sequence[bytes], begin: int, end: int, first: int, *, whole: bool) -> list[bytes]:
    size = end - begin
    if first == size:
        return [] if whole else [_root(leaves, begin, end)]
    split = 1 << (size - 1).bit_length() - 1
    if first <= split:
        return [
            *_part(leaves, begin, begin + split, first, whole=whole),
            _root(leaves, begin + split, end),
        ]
    return [
        *_part(leaves, begin + split, end, first - split, whole=False),
        _root(leaves, begin, begin + split),
    ]


def _root(leaves: Sequence[bytes], begin: int, end: int) -> bytes:
    tree = Frontier()
    tree.extend(leaves[begin:end])
    return tree.root()


def verify_consistency(first: int, root: bytes, second: int, later: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether the tree of size `second` and root `later` holds that of `first` and `root` (RFC 9162, 2.1.4.2).

    >>> from lineage.evidence.merkle import leaf_hash, root_of
    >>> leaves = [leaf_hash(bytes([n])) for n in range(9)]
    >>> all(
    ...     verify_consistency(m, root_of(leaves[:m]), 9, root_of(leaves), consistency_proof(leaves, m))
    ...     for m in range(10)
    ... )
    True
    """
    if first == second:
        return not proof and root == later
    if first == 0:
        return not proof and root == EMPTY_ROOT
    if first > second or not proof:
        return False
    path = list(proof)
    if not first & (first - 1):
        path.insert(0, root)
    node, last = first - 1, second - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, step)
        node >>= 1
        last >>= 1
    return last == 0 and old == root and new == later


class Tree:
    """All subtrees of a log, for making many proofs: about two hashes a leaf, made once.

    >>> from lineage.evidence.merkle import inclusion_proof, leaf_hash
    >>> leaves = [leaf_hash(bytes([n])) for n in range(11)]
    >>> Tree(leaves).inclusion(6) == inclusion_proof(leaves, 6)
    True
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            self._levels.append(
                [node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
                + below[len(below) & ~1 :]
            )

    def root(self) -> bytes:
        """Return the root."""
        return self._levels[-1][0] if self._levels[0] else EMPTY_ROOT

    def inclusion(self, index: int) -> list[bytes]:
        """Return the hashes that lead from leaf `index` to the root (RFC 9162, 2.1.3.1)."""
        proof = []
        for level in self._levels[:-1]:
            beside = index ^ 1
            if beside < len(level):
                proof.append(level[beside])
            index >>= 1
        return proof
