"""What is kept of passwords in the database."""

from __future__ import annotations

from uuid import UUID

from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.passwords.models import Prepared, Stored

QUERIES = load_queries(__package__)


async def stored(work: Work, account_id: UUID) -> Stored | None:
    """Return the password of an account that is not closed, or None where it has none."""
    cursor = await work.conn.execute(QUERIES["stored"], {"account_id": account_id})
    row = await cursor.fetchone()
    return None if row is None else Stored(row[0], row[1])


async def put(work: Work, account_id: UUID, prepared: Prepared) -> None:
    """Set an account's password."""
    parameters = {
        "account_id": account_id,
        "hash": prepared.hash,
        "alone": prepared.alone,
        "now": work.now,
    }
    await work.conn.execute(QUERIES["put"], parameters)


async def stands(work: Work, account_id: UUID, hash_: str) -> bool:
    """Return whether an account's password has this hash; it stays so until ``work`` ends."""
    parameters = {"account_id": account_id, "hash": hash_}
    return (await work.conn.execute(QUERIES["stands"], parameters)).rowcount == 1


async def rehash(work: Work, account_id: UUID, old: str, new: str) -> bool:
    """Replace a hash by one of the same password; False where the password changed meanwhile."""
    parameters = {"account_id": account_id, "old": old, "hash": new}
    return (await work.conn.execute(QUERIES["rehash"], parameters)).rowcount == 1
