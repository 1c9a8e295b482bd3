"""Idempotency keys of commands: spent with the command, in its transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)
KEPT_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a key was used for, and what came of it (JSON)."""

    request_hash: bytes
    result: str | None


async def take_key(work: Work, outlet_id: UUID, key: str, request_hash: bytes) -> Kept | None:
    """Spend ``key``; returns what it was spent on before, or None where this is the first use.

    A second caller waits here until the first has committed or rolled back.
    """
    parameters = {"outlet_id": outlet_id, "key": key, "hash": request_hash, "now": work.now}
    cursor = await work.conn.execute(QUERIES["take_key"], parameters)
    if cursor.rowcount:
        return None
    cursor = await work.conn.execute(QUERIES["kept"], parameters)
    row = await cursor.fetchone()
    if row is None:  # it was old and was removed between the two: it is free again
        return await take_key(work, outlet_id, key, request_hash)
    return Kept(*row)


async def keep_result(work: Work, outlet_id: UUID, key: str, result: str) -> None:
    """Store what the command returned."""
    parameters = {"outlet_id": outlet_id, "key": key, "result": result}
    await work.conn.execute(QUERIES["keep_result"], parameters)


async def forget_keys(work: Work, limit: int) -> int:
    """Remove up to ``limit`` keys that are older than a day; returns how many."""
    parameters = {"before": work.now - KEPT_FOR, "limit": limit}
    return (await work.conn.execute(QUERIES["forget_keys"], parameters)).rowcount
