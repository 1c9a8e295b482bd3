"""Mails in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.mail.models import KEPT_FOR, LEASE, Change, Leased

QUERIES = load_queries(__package__)


async def queue(work: Work, mails: Sequence[tuple[UUID, str, bytes, datetime]]) -> None:
    """Write mails of (id, recipient, sealed content, when it is of no use any more)."""
    await work.conn.execute(
        QUERIES["queue"],
        {
            "ids": [mail[0] for mail in mails],
            "recipients": [mail[1] for mail in mails],
            "contents": [mail[2] for mail in mails],
            "expires": [mail[3] for mail in mails],
            "now": work.now,
        },
    )
    work.notify(["mail"])


async def lease(work: Work, limit: int) -> list[Leased]:
    """Lease up to ``limit`` mails that may be sent now; each lease counts as a try."""
    parameters = {"now": work.now, "until": work.now + LEASE, "limit": limit}
    cursor = await work.conn.execute(QUERIES["lease"], parameters)
    return [Leased(*row) for row in await cursor.fetchall()]


async def finish(work: Work, mail: Leased, change: Change) -> bool:
    """Write what became of a try; False where another postman holds the mail by now."""
    parameters = {
        "now": work.now,
        "id": mail.id,
        "fence": mail.fence,
        "status": change.status.value,
        "doubts": change.doubts,
        "ready_at": change.ready_at,
        "error": change.error,
    }
    return (await work.conn.execute(QUERIES["finish"], parameters)).rowcount == 1


async def expire(work: Work) -> int:
    """End the mails that are of no use any more, and forget those that ended long ago."""
    ended = await work.conn.execute(QUERIES["expire"], {"now": work.now})
    await work.conn.execute(QUERIES["forget"], {"before": work.now - KEPT_FOR})
    return ended.rowcount


async def next_at(work: Work) -> datetime | None:
    """Return when the next mail may be sent, or a lease runs out."""
    row = await (await work.conn.execute(QUERIES["next"])).fetchone()
    return None if row is None else row[0]


async def depth(work: Work) -> tuple[int, float]:
    """Return how many mails are to be sent and the age of the oldest in seconds."""
    row = await (await work.conn.execute(QUERIES["depth"], {"now": work.now})).fetchone()
    return (0, 0.0) if row is None else (row[0], float(row[1] or 0))
