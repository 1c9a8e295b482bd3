"""Web chat visitors: a token's hash names a thread; and how far both sides have read."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import msgspec

from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)


async def add_visitor(
    work: Work, channel: tuple[UUID, UUID], secret_hash: bytes, language: str, user_agent: str
) -> UUID:
    """Store a visitor of (outlet, channel); returns the thread."""
    thread = work.new_id()
    await work.conn.execute(
        QUERIES["add_visitor"],
        {
            "outlet_id": channel[0],
            "channel_id": channel[1],
            "id": thread,
            "hash": secret_hash,
            "language": language,
            "user_agent": user_agent,
            "now": work.now,
        },
    )
    return thread


class Signed(NamedTuple):
    """Somebody whom a messenger knows: their channel and id there, and their name."""

    channel_id: UUID
    vendor_id: str
    name: str


async def signed_visitor(
    work: Work,
    channel: tuple[UUID, UUID],
    signed: Signed,
    new: tuple[UUID, bytes],
    device: tuple[str, str],
) -> UUID:
    """Return the thread of who signed in so on (outlet, channel): at the first time ``new``, a
    thread with its token's hash. ``device`` is its language and user agent.
    """
    row = await (
        await work.conn.execute(
            QUERIES["signed_visitor"],
            {
                "outlet_id": channel[0],
                "channel_id": channel[1],
                "id": new[0],
                "hash": new[1],
                "language": device[0],
                "user_agent": device[1],
                "now": work.now,
                "signed_channel_id": signed.channel_id,
                "signed_vendor_id": signed.vendor_id,
                "signed_name": signed.name,
            },
        )
    ).fetchone()
    if row is None:
        raise RuntimeError("an insert that returns its row returned none")
    thread: UUID = row[0]
    return thread


async def visitor(
    work: Work, outlet_id: UUID, secret_hash: bytes
) -> tuple[UUID, UUID, str, UUID | None, str] | None:
    """Return a visitor's thread, channel, language, conversation (None before a word), and name."""
    parameters = {"outlet_id": outlet_id, "hash": secret_hash}
    row = await (await work.conn.execute(QUERIES["visitor"], parameters)).fetchone()
    return None if row is None else (row[0], row[1], row[2], row[3], row[4])


class Marks(msgspec.Struct, frozen=True):
    """How far a conversation was read: by the shop, and by the person."""

    read: int = 0
    seen: int = 0


async def marks(work: Work, outlet_id: UUID, conversation_id: UUID) -> Marks:
    """Return how far the two sides have read."""
    parameters = {"outlet_id": outlet_id, "id": conversation_id}
    row = await (await work.conn.execute(QUERIES["marks"], parameters)).fetchone()
    return Marks() if row is None else Marks(*row)


async def mark_seen(work: Work, outlet_id: UUID, conversation_id: UUID, seq: int) -> None:
    """Note that the person has seen up to ``seq``, and tell the console where that is new."""
    parameters = {"outlet_id": outlet_id, "id": conversation_id, "seq": seq}
    if (await work.conn.execute(QUERIES["mark_seen"], parameters)).rowcount:
        work.notify([f"outlet {outlet_id.hex}"])
