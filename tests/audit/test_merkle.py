"""The Merkle tree against a naive one, and against the published vectors of RFC 6962's tree."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    Nodes,
    Range,
    consistency,
    extends,
    includes,
    inclusion,
    leaf_hash,
    range_hash,
    spans,
    subtree_hashes,
)

# The eight leaves, roots and proofs that the log servers of Certificate Transparency share.
LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
          "606162636465666768696a6b6c6d6e6f")  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION_0_OF_8 = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)
CONSISTENCY_6_TO_8 = (
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
)
sizes = st.integers(1, 700)  # above two whole tiles


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(i.to_bytes(4, "big")) for i in range(count)]


def naive(row: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not row:
        return hashlib.sha256(b"").digest()
    if len(row) == 1:
        return row[0]
    k = 1
    while k * 2 < len(row):
        k *= 2
    return hashlib.sha256(b"\x01" + naive(row[:k]) + naive(row[k:])).digest()


def naive_path(index: int, row: list[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1, word for word."""
    if len(row) == 1:
        return []
    k = 1
    while k * 2 < len(row):
        k *= 2
    if index < k:
        return [*naive_path(index, row[:k]), naive(row[k:])]
    return [*naive_path(index - k, row[k:]), naive(row[:k])]


def naive_proof(old: int, row: list[bytes], *, whole: bool = True) -> list[bytes]:
    """RFC 6962 §2.1.2, word for word."""
    if old == len(row):
        return [] if whole else [naive(row)]
    k = 1
    while k * 2 < len(row):
        k *= 2
    if old <= k:
        return [*naive_proof(old, row[:k], whole=whole), naive(row[k:])]
    return [*naive_proof(old - k, row[k:], whole=False), naive(row[:k])]


def grown(count: int) -> tuple[Frontier, Nodes]:
    frontier, nodes = Frontier(), {}
    for n, hashed in enumerate(hashes(count)):
        nodes[0, n] = hashed
        nodes |= {(level, number): made for level, number, made in frontier.append(hashed)}
    return frontier, nodes


def read(parts: list[Range], nodes: Nodes) -> list[bytes]:
    """Compute ranges from nothing but the nodes that ``spans`` asks for."""
    needed = {
        (level, i): nodes[level, i]
        for level, first, count in spans(parts)
        for i in range(first, first + count)
    }
    return [range_hash(part, needed) for part in parts]


def test_the_published_roots_and_proofs() -> None:
    frontier, nodes = Frontier(), {}
    for n, (data, root) in enumerate(zip(LEAVES, ROOTS, strict=True)):
        nodes[0, n] = leaf_hash(bytes.fromhex(data))
        frontier.append(nodes[0, n])
        assert frontier.root().hex() == root

    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [h.hex() for h in read(inclusion(0, 8), nodes)] == list(INCLUSION_0_OF_8)
    assert [h.hex() for h in read(consistency(6, 8), nodes)] == list(CONSISTENCY_6_TO_8)


@given(sizes)
def test_roots_are_those_of_the_definition(size: int) -> None:
    frontier, nodes = grown(size)
    whole = Range(0, size)

    assert frontier.root() == naive(hashes(size)) == read([whole], nodes)[0]
    assert Frontier(size, subtree_hashes(whole, nodes)).root() == frontier.root()


@given(sizes.flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_inclusion_is_proved_and_nothing_else_is(asked: tuple[int, int]) -> None:
    index, size = asked
    frontier, nodes = grown(size)
    leaf, root = nodes[0, index], frontier.root()
    proof = read(inclusion(index, size), nodes)

    assert proof == naive_path(index, hashes(size))
    assert includes(index, size, leaf, proof, root)
    assert not includes(index, size, leaf_hash(b"another"), proof, root)
    assert not includes(index, size, leaf, [*proof, leaf], root)
    assert not includes(size, size, leaf, proof, root)
    if proof:
        assert not includes(index, size, leaf, proof[:-1], root)
        assert not includes(index ^ 1, size, leaf, proof, root)


@given(sizes.flatmap(lambda new: st.tuples(st.integers(0, new), st.just(new))))
def test_consistency_is_proved_and_nothing_else_is(asked: tuple[int, int]) -> None:
    old, new = asked
    row = hashes(new)
    frontier, nodes = grown(new)
    before, after = naive(row[:old]), frontier.root()
    proof = read(consistency(old, new), nodes)
    forged = naive([*row[: old - 1], leaf_hash(b"forged")]) if old else leaf_hash(b"forged")

    assert proof == (naive_proof(old, row) if old else [])
    assert extends(old, before, new, after, proof)
    assert not extends(old, forged, new, after, proof)
    assert not extends(old, before, new, leaf_hash(b"forged"), proof) or old == 0
    assert not extends(old, before, new, after, [*proof, after])
    if proof:
        assert not extends(old, before, new, after, proof[:-1])


def test_what_is_no_tree_is_refused() -> None:
    assert not extends(3, EMPTY_ROOT, 2, EMPTY_ROOT, [])
    with pytest.raises(ValueError, match="no leaf 5"):
        inclusion(5, 5)
    with pytest.raises(ValueError, match="does not begin"):
        consistency(3, 2)
    with pytest.raises(ValueError, match="one hash"):
        Frontier(3, [EMPTY_ROOT])
