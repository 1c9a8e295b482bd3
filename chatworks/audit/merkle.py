"""The Merkle tree of the log (RFC 6962) and its proofs. Pure.

Words: a *range* is the leaves ``first`` to ``end`` (without it); its hash is RFC 6962's ``MTH``. A
*node* is the hash of a complete range of 256^level leaves, named (level, number): nodes of level 0
are the leaves' own hashes, and the nodes of each level, 256 in a row, are the tiles of C2SP's
tlog-tiles. A *frontier* is all that a growing tree must keep: one hash for each complete subtree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

LEAF_PREFIX = b"\x00"  # RFC 6962 §2.1: leaves and inner nodes hash under different prefixes
INNER_PREFIX = b"\x01"
EMPTY_ROOT = hashlib.sha256(b"").digest()  # RFC 6962 §2.1: the hash of no leaf at all
HASH_BYTES = 32
TILE_HEIGHT = 8  # C2SP tlog-tiles: a tile is 256 hashes wide
TILE_WIDTH = 1 << TILE_HEIGHT

Nodes = Mapping[tuple[int, int], bytes]
"""Hashes by (level, number)."""


class Range(NamedTuple):
    """The leaves from ``first`` to ``end``, without ``end``."""

    first: int
    end: int


class Span(NamedTuple):
    """Nodes in a row: ``width`` of ``level`` from number ``first``."""

    level: int
    first: int
    width: int


def leaf_hash(payload: bytes) -> bytes:
    """Return the hash of a leaf's bytes."""
    return hashlib.sha256(LEAF_PREFIX + payload).digest()


def inner_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(INNER_PREFIX + left + right).digest()


class Frontier:
    """A tree that grows: its size, and the hashes of its complete subtrees, largest first."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError("a frontier has one hash for each one in its size")
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf's hash; returns the nodes that it completed, as (level, number, hash)."""
        completed = []
        height, kept = 0, self.hashes
        while self.size >> height & 1:
            leaf = inner_hash(kept.pop(), leaf)
            height += 1
            if height % TILE_HEIGHT == 0:
                completed.append((height // TILE_HEIGHT, self.size >> height, leaf))
        kept.append(leaf)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the tree's root."""
        return _folded(self.hashes) if self.hashes else EMPTY_ROOT


def _folded(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over complete subtrees that stand beside each other, largest first."""
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = inner_hash(left, folded)
    return folded


def subtrees(part: Range) -> Iterator[tuple[int, int]]:
    """Yield the complete subtrees of a range of a proof, as (height, number), largest first."""
    first = part.first
    while first < part.end:
        height = (part.end - first).bit_length() - 1
        yield height, first >> height
        first += 1 << height


def spans(parts: Sequence[Range]) -> list[Span]:
    """Return the nodes from which the hashes of ``parts`` can be computed."""
    return [_span(height, number) for part in parts for height, number in subtrees(part)]


def _span(height: int, number: int) -> Span:
    level, above = divmod(height, TILE_HEIGHT)
    return Span(level, number << above, 1 << above)


def range_hash(part: Range, nodes: Nodes) -> bytes:
    """Return the hash of a range; ``nodes`` hold what ``spans`` named."""
    hashes = subtree_hashes(part, nodes)
    return _folded(hashes) if hashes else EMPTY_ROOT


def subtree_hashes(part: Range, nodes: Nodes) -> list[bytes]:
    """Return the hashes of a range's complete subtrees: of a whole tree, its frontier."""
    hashes = []
    for height, number in subtrees(part):
        level, first, count = _span(height, number)
        row = [nodes[level, i] for i in range(first, first + count)]
        while len(row) > 1:
            row = [inner_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
        hashes.append(row[0])
    return hashes


def inclusion(index: int, size: int) -> list[Range]:
    """Return the ranges whose hashes prove leaf ``index`` in a tree of ``size`` (RFC 6962
    §2.1.1), from the leaf's sibling to the root's child.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[Range] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(Range(middle, end))
            end = middle
        else:
            path.append(Range(first, middle))
            first = middle
    return path[::-1]


def consistency(old: int, new: int) -> list[Range]:
    """Return the ranges whose hashes prove that a tree of ``new`` leaves begins with the tree of
    ``old`` (RFC 6962 §2.1.2); none where one of them is empty or they are the same.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not begin with {old}")
    if old in {0, new}:
        return []
    path: list[Range] = []
    first, end, known = 0, new, True
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            path.append(Range(middle, end))
            end = middle
        else:
            path.append(Range(first, middle))
            first, known = middle, False
    if not known:
        path.append(Range(first, end))
    return path[::-1]


def _split(count: int) -> int:
    """Return the largest power of two below ``count``, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def includes(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether ``proof`` shows ``leaf`` at ``index`` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for hashed in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = inner_hash(hashed, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = inner_hash(found, hashed)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def extends(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether ``proof`` shows that the new tree begins with the old (RFC 9162 §2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for hashed in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = inner_hash(hashed, before), inner_hash(hashed, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = inner_hash(after, hashed)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root
