"""Requests for bots in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chatworks.bots.models import REQUEST_FOR, TRIES_MAX, Wanted
from chatworks.conversations.models import BotMade
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)

Manager = tuple[UUID, UUID, str]  # its outlet and channel, and who speaks with it


async def manager(work: Work, outlet_id: UUID, conversation_id: UUID) -> Manager | None:
    """Return the managing bot of a private chat and who speaks there; None where there is none."""
    parameters = {"outlet_id": outlet_id, "conversation_id": conversation_id}
    row = await (await work.conn.execute(QUERIES["manager"], parameters)).fetchone()
    return None if row is None else (row[0], row[1], row[2])


async def add_request(work: Work, outlet_id: UUID, asked: Manager, conversation_id: UUID) -> None:
    """Let a person make ``outlet_id`` a bot, within an hour."""
    await work.conn.execute(
        QUERIES["add_request"],
        {
            "outlet_id": outlet_id,
            "id": work.new_id(),
            "manager_outlet": asked[0],
            "manager_channel": asked[1],
            "conversation_id": conversation_id,
            "person": asked[2],
            "expires_at": work.now + REQUEST_FOR,
        },
    )


async def take(work: Work, made: BotMade) -> bool:
    """Spend a request for a bot that was made, or have a known bot's new token fetched.

    False where nobody asked for it.
    """
    parameters = {
        "channel_id": made.channel_id,
        "bot_id": made.bot_id,
        "person": made.person,
        "username": made.username,
        "now": work.now,
    }
    for query in ("renew", "spend_request"):
        if (await work.conn.execute(QUERIES[query], parameters)).rowcount:
            return True
    return False


async def wanted(work: Work, managers: Sequence[UUID]) -> list[Wanted]:
    """Return the bots whose tokens these managers should fetch now."""
    parameters = {"managers": list(managers), "now": work.now}
    cursor = await work.conn.execute(QUERIES["wanted"], parameters)
    return [Wanted(*row) for row in await cursor.fetchall()]


async def postpone(work: Work, item: Wanted, at: datetime) -> None:
    """Count a try that failed; after the last one it is given up."""
    parameters = {"outlet_id": item.outlet_id, "id": item.id, "at": at, "most": TRIES_MAX}
    await work.conn.execute(QUERIES["postpone"], parameters)


async def fetched(work: Work, item: Wanted) -> bool:
    """Note that a token is here; True to exactly one caller."""
    parameters = {"outlet_id": item.outlet_id, "id": item.id}
    return (await work.conn.execute(QUERIES["fetched"], parameters)).rowcount == 1


async def name_channel(work: Work, item: Wanted, channel_id: UUID) -> None:
    """Note which channel a bot became."""
    parameters = {"outlet_id": item.outlet_id, "id": item.id, "channel_id": channel_id}
    await work.conn.execute(QUERIES["name_channel"], parameters)
