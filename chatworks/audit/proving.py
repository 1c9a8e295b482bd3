"""Proofs out of kept nodes: that a leaf is in the tree, and that one tree begins with another.

Where the nodes come from is the caller's business: the database, or the log's public tiles.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from chatworks.audit import store
from chatworks.audit.merkle import (
    TILE_WIDTH,
    Nodes,
    Range,
    Span,
    consistency,
    inclusion,
    range_hash,
    spans,
)
from chatworks.audit.notes import Checkpoint, Note, Proof
from chatworks.kit.errors import NotFound
from chatworks.kit.work import Work

Read = Callable[[Sequence[Span]], Awaitable[Nodes]]


class NotPlaced(NotFound):
    """The leaf has no place in the tree yet: it gets one within seconds."""

    def __init__(self) -> None:
        super().__init__("this leaf is not in a signed tree yet: ask again in a few seconds")


async def consistent(read: Read, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of ``new`` leaves begins with the one of ``old``."""
    parts = consistency(old, new)
    return _hashes(parts, await read(spans(parts)))


async def prove(work: Work, leaf_id: UUID) -> Proof:
    """Return the proof of a leaf under the newest checkpoint; raises ``NotPlaced``."""
    place, head = await store.place_of(work, leaf_id), await store.head(work)
    if place is None or not head:
        raise NotPlaced
    parts = inclusion(place[0], Checkpoint.parse(Note.parse(head).text).size)
    path = _hashes(parts, await store.nodes(work, spans(parts)))
    return Proof(place[0], tuple(path), head)


async def tile(work: Work, level: int, number: int, width: int) -> bytes:
    """Return the hashes of a tile, or of the first ``width`` of it; fewer where there are fewer."""
    first = number * TILE_WIDTH
    kept = await store.nodes(work, [Span(level, first, width)])
    return b"".join(kept[level, n] for n in range(first, first + width) if (level, n) in kept)


def _hashes(parts: Sequence[Range], nodes: Nodes) -> list[bytes]:
    return [range_hash(part, nodes) for part in parts]
