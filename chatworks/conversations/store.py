"""Conversations for everybody but a batch of turns, which has ``state``: who speaks, whom we can
reach, which chat is whose, and what pages show of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs
from psycopg.rows import dict_row

from chatworks.conversations.models import (
    Alias,
    ContactStatus,
    DialogueStatus,
    Journal,
    Speaker,
)
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.media import store as media
from chatworks.media.models import Arrived
from chatworks.sdk.messages import Message

QUERIES = load_queries(__package__)

_message = msgspec.json.Decoder(Message)


class Reachable(msgspec.Struct, frozen=True):
    """What a command must know of a conversation; ``holder`` is the name of who took it over."""

    thread_key: int
    speaker: Speaker
    status: ContactStatus
    language: str
    contact_id: UUID
    operator_id: UUID | None
    until: datetime | None
    holder: str


async def for_commands(work: Work, keys: Sequence[tuple[UUID, UUID]]) -> list[Reachable | None]:
    """Return each (outlet, conversation), locked against turns; None where there is none."""
    parameters = {"outlets": [key[0] for key in keys], "ids": [key[1] for key in keys]}
    cursor = await work.conn.execute(QUERIES["for_command"], parameters)
    lock_keys = [row[1] for row in await cursor.fetchall()]
    await work.conn.execute(QUERIES["lock_threads"], {"keys": lock_keys})
    cursor = await work.conn.execute(QUERIES["for_command"], parameters)
    found: list[Reachable | None] = [None] * len(keys)
    for row in await cursor.fetchall():
        found[row[0] - 1] = Reachable(row[1], Speaker(row[2]), ContactStatus(row[3]), *row[4:9])
    return found


class SpeakerChange(msgspec.Struct, frozen=True):
    """Who speaks from now on."""

    outlet_id: UUID
    conversation_id: UUID
    speaker: Speaker
    operator_id: UUID | None
    until: datetime | None


async def set_speakers(work: Work, changes: Sequence[SpeakerChange]) -> None:
    """Write who speaks."""
    await work.conn.execute(
        QUERIES["set_speaker"],
        {
            "outlets": [change.outlet_id for change in changes],
            "ids": [change.conversation_id for change in changes],
            "speakers": [change.speaker.value for change in changes],
            "operators": [change.operator_id for change in changes],
            "untils": [change.until for change in changes],
        },
    )


class Ended(msgspec.Struct, frozen=True):
    """A conversation whose lease ran out: who held it (None: nobody came), and whether its person
    still waits for an answer.
    """

    outlet_id: UUID
    conversation_id: UUID
    operator_id: UUID | None
    language: str
    waits: bool


async def end_leases(work: Work, limit: int) -> list[Ended]:
    """Give conversations whose lease ran out back to the bot; nobody else gets them."""
    cursor = await work.conn.execute(QUERIES["end_leases"], {"now": work.now, "limit": limit})
    return [Ended(*row) for row in await cursor.fetchall()]


async def find_by_thread(
    work: Work, outlet_id: UUID, channel_id: UUID, thread: str
) -> tuple[UUID, str] | None:
    """Return the id and language of the conversation in a chat, or None."""
    parameters = {"outlet_id": outlet_id, "channel_id": channel_id, "thread": thread}
    row = await (await work.conn.execute(QUERIES["by_thread"], parameters)).fetchone()
    return None if row is None else (row[0], row[1])


async def set_contact_status(
    work: Work, outlet_id: UUID, conversation_id: UUID, status: str
) -> None:
    """Write whether a contact can be reached; who said stop stays stopped."""
    parameters = {"outlet_id": outlet_id, "id": conversation_id, "status": status}
    await work.conn.execute(QUERIES["set_contact_status"], parameters)


async def close_window(work: Work, outlet_id: UUID, conversation_id: UUID, at: datetime) -> None:
    """Note that the vendor's window is closed, as of a message that was sent at ``at``."""
    parameters = {"outlet_id": outlet_id, "id": conversation_id, "at": at}
    await work.conn.execute(QUERIES["close_window"], parameters)


async def said(work: Work, outlet_id: UUID, conversation_id: UUID, seq: int) -> Message | None:
    """Return the message that we sent with number ``seq``, or None."""
    parameters = {"outlet_id": outlet_id, "id": conversation_id, "seq": seq}
    row = await (await work.conn.execute(QUERIES["said"], parameters)).fetchone()
    return None if row is None else _message.decode(row[0])


async def move_thread(
    work: Work, conversation: tuple[UUID, UUID], thread: str, thread_key: int
) -> None:
    """Give a conversation, named by (outlet, id), another chat id."""
    outlet_id, ident = conversation
    parameters = {"outlet_id": outlet_id, "id": ident, "thread": thread, "thread_key": thread_key}
    await work.conn.execute(QUERIES["move_thread"], parameters)


async def adopt(work: Work, aliases: Sequence[Alias]) -> None:
    """Move conversations that are known under an alias to the thread that their person has now."""
    names = ("outlets", "channels", "aliases", "threads", "thread_keys")
    columns = [list(column) for column in zip(*aliases, strict=True)]
    await work.conn.execute(QUERIES["adopt"], dict(zip(names, columns, strict=True)))


async def mark_read(work: Work, outlet_id: UUID, conversation_id: UUID, seq: int) -> None:
    """Note that an operator has read up to ``seq``, and tell the person's page if that is new."""
    parameters = {"outlet_id": outlet_id, "id": conversation_id, "seq": seq}
    if (await work.conn.execute(QUERIES["mark_read"], parameters)).rowcount:
        work.notify([f"chat {conversation_id.hex}"])


async def latest(
    work: Work, outlet_id: UUID, before: datetime, limit: int = 50, kind: str = ""
) -> list[dict[str, Any]]:
    """Return an outlet's conversations for the console, the latest first."""
    async with work.conn.cursor(row_factory=dict_row) as cursor:
        asked = {"outlet_id": outlet_id, "before": before, "limit": limit, "kind": kind}
        await cursor.execute(QUERIES["latest"], asked)
        return await cursor.fetchall()


async def one(work: Work, outlet_id: UUID, conversation_id: UUID) -> dict[str, Any] | None:
    """Return one conversation for the console, or None."""
    async with work.conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["one"], {"outlet_id": outlet_id, "id": conversation_id})
        return await cursor.fetchone()


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message of the history, as pages and the chat read it; ``file`` is what it brought."""

    seq: int
    direction: str
    author: str
    content: dict[str, Any]
    at: datetime
    file: Arrived | None = None


async def history(
    work: Work, outlet_id: UUID, conversation_id: UUID, after: int = 0, limit: int = 200
) -> list[Said]:
    """Return the messages after ``after`` in order; without ``after`` the newest ones."""
    parameters = {
        "outlet_id": outlet_id,
        "id": conversation_id,
        "after": after,
        "limit": limit,
    }
    cursor = await work.conn.execute(QUERIES["history" if after else "tail"], parameters)
    said = [
        Said(row[0], row[1], row[2], msgspec.json.decode(row[3]), row[4])
        for row in await cursor.fetchall()
    ]
    seqs = [message.seq for message in said if message.content.get("file")]
    if not seqs:
        return said
    files = await media.arrived(work, outlet_id, conversation_id, seqs)
    return [structs.replace(message, file=files.get(message.seq)) for message in said]


async def journals(work: Work, outlet_id: UUID, conversation_id: UUID) -> list[Journal]:
    """Return a conversation's dialogues with their journals, the oldest first."""
    parameters = {"outlet_id": outlet_id, "id": conversation_id}
    cursor = await work.conn.execute(QUERIES["journals"], parameters)
    return [
        Journal(
            id=row[0],
            applet=row[1],
            version=row[2],
            command=row[3],
            language=row[4],
            settings=row[5],
            start=row[6] or "{}",
            status=DialogueStatus(row[7]),
            entries=[e for page in msgspec.json.decode(f"[{row[8] or ''}]") for e in page],
        )
        for row in await cursor.fetchall()
    ]
