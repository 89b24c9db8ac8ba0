"""What the tree over the evidence proves, and what it does not let pass."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.evidence.merkle import (
    EMPTY_ROOT,
    Frontier,
    entry,
    inclusion_proof,
    leaf_hash,
    load,
    node_hash,
    root_of,
    verify_inclusion,
)

LEAVES = [leaf_hash(bytes([number])) for number in range(40)]

# The vectors of the reference implementation of RFC 6962, whose hashes RFC 9162 keeps (merkle_tree_test.cc).
INPUTS = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def slow_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + slow_root(leaves[:split]) + slow_root(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_vectors(size: int) -> None:
    """The roots over the well-known eight inputs."""
    assert root_of([leaf_hash(content) for content in INPUTS[:size]]).hex() == ROOTS[size - 1]


def test_an_empty_tree_has_the_root_of_nothing() -> None:
    """SHA-256 of no bytes."""
    assert Frontier().root() == EMPTY_ROOT == slow_root([])


@pytest.mark.parametrize("size", range(1, len(LEAVES) + 1))
def test_every_leaf_of_every_small_tree_is_proven(size: int) -> None:
    """Root and proofs agree with the definition; a proof fails at any other index, size or root."""
    leaves = LEAVES[:size]
    root = slow_root(leaves)
    assert root_of(leaves) == root
    for index in range(size):
        proof = inclusion_proof(leaves, index)
        assert len(proof) <= (size - 1).bit_length()
        assert verify_inclusion(leaves[index], index, size, proof, root)
        assert not any(
            verify_inclusion(leaves[index], at, size, proof, root) for at in range(size + 2) if at != index
        )
        assert not verify_inclusion(
            leaves[index], index, size, proof, root_of([*LEAVES[: size - 1], b"x" * 32])
        )


@given(
    size=st.integers(1, 70), index=st.integers(0, 69), where=st.integers(0, 2**16), bit=st.integers(0, 255)
)
def test_a_forged_proof_fails(size: int, index: int, where: int, bit: int) -> None:
    """One bit changed in the leaf, the root or a step, a step more, fewer or moved: nothing passes."""
    leaves = [leaf_hash(number.to_bytes(2, "big")) for number in range(size)]
    index %= size
    proof = inclusion_proof(leaves, index)
    root = root_of(leaves)
    assert verify_inclusion(leaves[index], index, size, proof, root)

    def flipped(value: bytes) -> bytes:
        changed = bytearray(value)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    assert not verify_inclusion(flipped(leaves[index]), index, size, proof, root)
    assert not verify_inclusion(leaves[index], index, size, proof, flipped(root))
    assert not verify_inclusion(leaves[index], index, size, [*proof, flipped(root)], root)
    if proof:
        at = where % len(proof)
        assert not verify_inclusion(leaves[index], index, size, proof[:at] + proof[at + 1 :], root)
        assert not verify_inclusion(
            leaves[index], index, size, [*proof[:at], flipped(proof[at]), *proof[at + 1 :]], root
        )
        if len(proof) > 1:
            assert not verify_inclusion(leaves[index], index, size, proof[1:] + proof[:1], root)


def test_a_node_cannot_pass_for_a_leaf() -> None:
    """Leaves and inner nodes are hashed apart, so two leaves joined are no third."""
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)
    assert not verify_inclusion(leaf_hash(left + right), 0, 1, [], root_of([left, right]))


@given(st.lists(st.binary(max_size=4), max_size=60), st.integers(0, 60))
def test_a_tree_goes_on_where_it_was_stored(contents: list[bytes], split: int) -> None:
    """Stored and loaded at any size, a frontier grows to the same root, with one hash for each bit of the size."""
    leaves = [leaf_hash(content) for content in contents]
    tree = Frontier()
    for leaf in leaves[:split]:
        tree.append(leaf)
    again = load(tree.size, tree.dump())
    assert len(again.hashes) == tree.size.bit_count()
    for leaf in leaves[split:]:
        again.append(leaf)
    assert again.root() == root_of(leaves) == slow_root(leaves)


def test_an_entry_binds_bytes_and_place() -> None:
    """Two records differ in the tree when bytes, file, line or offset do."""
    digest = sha256(b"record").digest()
    places = [(1, 1, 0), (2, 1, 0), (1, 2, 0), (1, 1, 1), (1, 0, 2**40)]
    entries = {entry(digest, *place) for place in places} | {entry(sha256(b"other").digest(), 1, 1, 0)}
    assert len(entries) == 6
    assert {len(one) for one in entries} == {56}


@given(st.lists(st.integers(0, 40), max_size=8))
def test_leaves_added_many_at_a_time_make_the_same_tree(sizes: list[int]) -> None:
    """However a log is cut into commits, its root and frontier are those of one by one."""
    tree, slow = Frontier(), Frontier()
    number = 0
    for size in sizes:
        leaves = [leaf_hash(value.to_bytes(4, "big")) for value in range(number, number + size)]
        number += size
        tree.extend(leaves)
        for leaf in leaves:
            slow.append(leaf)
        assert (tree.size, tree.root(), tree.dump()) == (slow.size, slow.root(), slow.dump())
