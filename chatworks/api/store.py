"""Keys in the database. Secrets come in as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chatworks.api.models import Key
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)
LISTED_MAX = 200
USE_NOTED_EVERY = timedelta(minutes=1)  # a busy program writes its row once a minute, not always


@dataclass(frozen=True, slots=True)
class Found:
    """A key that works, with the role that its issuer has today."""

    outlet_id: UUID
    id: UUID
    secret_hash: bytes
    scopes: tuple[str, ...]
    membership_id: UUID
    role: str
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to insert."""

    id: UUID
    name: str
    prefix: str
    secret_hash: bytes
    scopes: Sequence[str]
    membership_id: UUID
    expires_at: datetime


async def add(work: Work, outlet_id: UUID, key: NewKey) -> None:
    """Insert a key."""
    await work.conn.execute(
        QUERIES["add_key"],
        {
            "outlet_id": outlet_id,
            "id": key.id,
            "name": key.name,
            "prefix": key.prefix,
            "hash": key.secret_hash,
            "scopes": list(key.scopes),
            "membership_id": key.membership_id,
            "expires_at": key.expires_at,
            "now": work.now,
        },
    )


async def working(work: Work, outlet_id: UUID) -> int:
    """Return how many keys of an outlet have not ended."""
    parameters = {"outlet_id": outlet_id, "now": work.now}
    row = await (await work.conn.execute(QUERIES["working_keys"], parameters)).fetchone()
    return 0 if row is None else int(row[0])


async def keys(work: Work, outlet_id: UUID) -> list[Key]:
    """Return an outlet's keys, the newest first."""
    parameters = {"outlet_id": outlet_id, "limit": LISTED_MAX}
    rows = await (await work.conn.execute(QUERIES["keys"], parameters)).fetchall()
    return [Key(row[0], row[1], row[2], tuple(row[3]), *row[4:]) for row in rows]


async def revoke(work: Work, outlet_id: UUID, key_id: UUID) -> bool:
    """End a key; returns whether it had not been ended before."""
    parameters = {"outlet_id": outlet_id, "id": key_id, "now": work.now}
    return (await work.conn.execute(QUERIES["revoke_key"], parameters)).rowcount == 1


async def find(work: Work, prefix: str) -> list[Found]:
    """Return the keys with this prefix that work: one, or none."""
    cursor = await work.conn.execute(QUERIES["find_key"], {"prefix": prefix, "now": work.now})
    rows = await cursor.fetchall()
    return [Found(row[0], row[1], row[2], tuple(row[3]), *row[4:]) for row in rows]


async def note_use(work: Work, key: Found) -> None:
    """Note that a key was used now, unless that was noted within the minute."""
    before = work.now - USE_NOTED_EVERY
    if key.last_used_at is None or key.last_used_at < before:
        parameters = {"outlet_id": key.outlet_id, "id": key.id, "now": work.now, "before": before}
        await work.conn.execute(QUERIES["note_use"], parameters)
