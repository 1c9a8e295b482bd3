"""Appends leaves, many at a time, and keeps the tree; nothing here changes what was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from chatworks.audit.core import canonical
from chatworks.audit.merkle import Nodes, Span, leaf_hash
from chatworks.audit.models import Asked, Entry, Kept, Leaf, Queued
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)
SEQUENCER_LOCK = 0x43570025  # any number, the same in every process

Row = tuple[Any, ...]


async def append(work: Work, leaves: list[Leaf]) -> None:
    """Write all ``leaves`` with one statement; meant for ``work.defer``."""
    ids = [work.new_id() for _ in leaves]
    payloads = [canonical(leaf, i, work.now) for leaf, i in zip(leaves, ids, strict=True)]
    await work.conn.execute(
        QUERIES["append"],
        {
            "at": work.now,
            "outlets": [leaf.outlet_id for leaf in leaves],
            "ids": ids,
            "actor_kinds": [leaf.actor_kind for leaf in leaves],
            "actor_ids": [leaf.actor_id for leaf in leaves],
            "actions": [leaf.action for leaf in leaves],
            "object_kinds": [leaf.object_kind for leaf in leaves],
            "object_ids": [leaf.object_id for leaf in leaves],
            "payloads": payloads,
            "hashes": [leaf_hash(payload) for payload in payloads],
        },
    )


async def wrote(work: Work) -> bool:
    """Say whether this transaction changed anything yet, or locked a row."""
    return bool((await _rows(work, "wrote"))[0][0])


async def leaves(work: Work, outlet_id: UUID, asked: Asked, limit: int) -> list[Kept]:
    """Return the newest leaves of an outlet that ``asked`` fits, newest first."""
    parameters = {**asdict(asked), "outlet_id": outlet_id, "limit": limit}
    name = "leaves_of_object" if asked.object_id else "leaves"
    return [Kept(*row) for row in await _rows(work, name, parameters)]


async def places(work: Work, leaf_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the places of those leaves that have one."""
    return dict(await _rows(work, "places", {"leaves": list(leaf_ids)}))


async def _rows(work: Work, name: str, parameters: dict[str, Any] | None = None) -> list[Row]:
    return await (await work.conn.execute(QUERIES[name], parameters)).fetchall()


async def be_snapshot(work: Work) -> None:
    """Have this transaction see one moment, and plan for reading everything; call it first."""
    await work.conn.execute(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
        " SET LOCAL enable_seqscan = on; SET LOCAL plan_cache_mode = auto"
    )


async def try_lock(work: Work) -> bool:
    """Be the only sequencer until the transaction ends; False where another one is."""
    return bool((await _rows(work, "try_lock", {"key": SEQUENCER_LOCK}))[0][0])


async def take(work: Work, limit: int) -> list[tuple[UUID | None, UUID, bytes]]:
    """Take up to ``limit`` leaves that wait: their outlet, id and hash, oldest id first."""
    taken = await _rows(work, "take", {"limit": limit})
    return sorted(((o, i, bytes(h)) for o, i, h in taken), key=lambda row: row[1])


async def head(work: Work) -> str:
    """Return the newest checkpoint; "" where there is none."""
    found = await _rows(work, "head")
    return found[0][0] if found else ""


async def nodes(work: Work, asked: Sequence[Span]) -> Nodes:
    """Return the nodes that ``asked`` names, as far as they are there."""
    if not asked:
        return {}
    levels, firsts, counts = (list(column) for column in zip(*asked, strict=True))
    parameters = {"levels": levels, "firsts": firsts, "counts": counts}
    return {(level, n): bytes(h) for level, n, h in await _rows(work, "nodes", parameters)}


async def add(
    work: Work,
    first: int,
    taken: Sequence[tuple[UUID | None, UUID, bytes]],
    completed: Sequence[tuple[int, int, bytes]],
) -> None:
    """Give ``taken`` their places from ``first`` on, and keep the nodes that they completed."""
    outlets, leaves_taken, hashes = (list(column) for column in zip(*taken, strict=True))
    ns = list(range(first, first + len(taken)))
    entries = {"ns": ns, "outlets": outlets, "leaves": leaves_taken, "hashes": hashes}
    await work.conn.execute(QUERIES["add_entries"], entries)
    if completed:
        levels, numbers, made = (list(column) for column in zip(*completed, strict=True))
        inner = {"levels": levels, "ns": numbers, "hashes": made}
        await work.conn.execute(QUERIES["add_nodes"], inner)


async def add_checkpoint(work: Work, size: int, note: str) -> None:
    """Keep a signed checkpoint."""
    parameters = {"size": size, "now": work.now, "note": note}
    await work.conn.execute(QUERIES["add_checkpoint"], parameters)


async def waiting(work: Work) -> tuple[int, datetime | None]:
    """Return how many leaves have no place yet, and since when the oldest waits."""
    return (await _rows(work, "waiting"))[0]


async def entry_hashes(work: Work, first: int, end: int) -> list[bytes]:
    """Return the hashes of the entries from ``first`` to ``end``, without ``end``."""
    found = await _rows(work, "entry_hashes", {"first": first, "end": end})
    return [bytes(row[0]) for row in found]


async def entries(work: Work, first: int, limit: int) -> list[Entry]:
    """Return up to ``limit`` entries from ``first`` on, in order, with their leaves."""
    found = await _rows(work, "entries", {"first": first, "limit": limit})
    return [
        Entry(n, outlet, leaf, hashed, Kept(outlet, leaf, *kept) if kept[0] else None)
        for n, outlet, leaf, hashed, *kept in found
    ]


async def unplaced(work: Work) -> list[Queued]:
    """Return the leaves that have no place in the tree, with their hash in the queue."""
    return [Queued(Kept(*row[:-1]), row[-1]) for row in await _rows(work, "unplaced")]


async def queued_for_nothing(work: Work) -> list[UUID]:
    """Return what is queued although there is no such leaf."""
    return [row[0] for row in await _rows(work, "queued_for_nothing")]


async def all_nodes(work: Work) -> dict[tuple[int, int], bytes]:
    """Return every inner node that is kept."""
    return {(level, n): hashed for level, n, hashed in await _rows(work, "all_nodes")}


async def checkpoints(work: Work) -> list[tuple[int, str]]:
    """Return every checkpoint: its size as the row has it, and the note."""
    return [(size, note) for size, note in await _rows(work, "checkpoints")]


async def unguarded(work: Work) -> list[str]:
    """Return the tables that neither have a guard nor say why they need none."""
    return [row[0] for row in await _rows(work, "unguarded")]


async def watchmen(work: Work) -> set[str]:
    """Return the triggers of the log's own tables that are switched on."""
    return {row[0] for row in await _rows(work, "watchmen")}


async def place_of(work: Work, leaf_id: UUID) -> tuple[int, UUID | None] | None:
    """Return a leaf's place and outlet; None where it has no place yet."""
    found = await _rows(work, "place_of", {"leaf_id": leaf_id})
    return (found[0][0], found[0][1]) if found else None


async def leaf(work: Work, outlet_id: UUID | None, leaf_id: UUID) -> Kept | None:
    """Return one leaf; None where there is no such leaf of that outlet."""
    found = await _rows(work, "leaf", {"outlet_id": outlet_id, "leaf_id": leaf_id})
    return Kept(*found[0]) if found else None
