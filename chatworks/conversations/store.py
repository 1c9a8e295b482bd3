"""Loads conversations for a batch and writes what turns decided: one statement for each table.

``load`` and ``write`` take any number of conversations with the same number of statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs
from psycopg.rows import dict_row

from chatworks.conversations.models import (
    Alias,
    ContactStatus,
    Conversation,
    Dialogue,
    DialogueStatus,
    Journal,
    NewMessage,
    NewTimer,
    Speaker,
    Update,
)
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.media import store as media
from chatworks.media.models import Arrived
from chatworks.sdk.inbound import Inbound, Sender
from chatworks.sdk.messages import Message
from chatworks.sdk.runtime import Entry

QUERIES = load_queries(__package__)
LAST_TEXT_LENGTH_MAX = 120  # code points of the list's preview

Key = tuple[UUID, UUID, str]  # outlet, channel, thread

_encode = msgspec.json.Encoder().encode
_message = msgspec.json.Decoder(Message)
_pages = msgspec.json.Decoder(list[list[Entry]])


async def load(work: Work, keys: Sequence[Key], thread_keys: Sequence[int]) -> list[Conversation]:
    """Return the conversations that exist among ``keys``, with contact, dialogue and journal."""
    cursor = await work.conn.execute(
        QUERIES["load"],
        {
            "outlets": [key[0] for key in keys],
            "channels": [key[1] for key in keys],
            "threads": [key[2] for key in keys],
        },
        binary=True,
    )
    return [
        _conversation(row, keys[row[0] - 1], thread_keys[row[0] - 1])
        for row in await cursor.fetchall()
    ]


def _conversation(row: tuple[Any, ...], key: Key, thread_key: int) -> Conversation:
    return Conversation(
        outlet_id=row[1],
        id=row[2],
        channel_id=key[1],
        contact_id=row[3],
        thread=key[2],
        thread_key=thread_key,
        is_group=row[4],
        speaker=Speaker(row[5]),
        operator_id=row[6],
        speaker_until=row[7],
        sender=Sender(row[8], name=row[9], username=row[10], phone=row[11] or ""),
        language=row[12],
        status=ContactStatus(row[13]),
        offered=tuple(row[14].split("\n")) if row[14] else (),
        dialogue=None if row[15] is None else _dialogue(row[15:]),
    )


async def arriving(work: Work, wanted: Sequence[tuple[UUID, UUID, UUID]]) -> dict[UUID, Dialogue]:
    """Return, by id, those of the (outlet, dialogue, conversation)s that were handed over."""
    parameters = {
        "outlets": [item[0] for item in wanted],
        "ids": [item[1] for item in wanted],
        "conversations": [item[2] for item in wanted],
    }
    cursor = await work.conn.execute(QUERIES["arriving"], parameters, binary=True)
    return {row[0]: _dialogue(row) for row in await cursor.fetchall()}


def _dialogue(row: tuple[Any, ...]) -> Dialogue:
    entries: list[Entry] = []
    if row[10]:
        for page in _pages.decode(f"[{row[10]}]"):
            entries.extend(page)
    return Dialogue(
        id=row[0],
        applet=row[1],
        version=row[2],
        command=row[3],
        language=row[4],
        settings=row[5].encode(),
        start=row[6].encode(),
        started_at=row[7],
        pages=row[8],
        asked_seq=row[9],
        entries=entries,
        written=len(entries),
    )


async def add_people(work: Work, new: Sequence[Conversation]) -> None:
    """Insert the contacts and conversations of people who write for the first time."""
    await work.conn.execute(
        QUERIES["add_contacts"],
        {
            "now": work.now,
            "outlets": [c.outlet_id for c in new],
            "ids": [c.contact_id for c in new],
            "channels": [c.channel_id for c in new],
            "vendor_ids": [c.sender.vendor_id for c in new],
            **_contact_columns(new),
        },
    )
    await work.conn.execute(
        QUERIES["add_conversations"],
        {
            "now": work.now,
            "outlets": [c.outlet_id for c in new],
            "ids": [c.id for c in new],
            "channels": [c.channel_id for c in new],
            "contacts": [c.contact_id for c in new],
            "threads": [c.thread for c in new],
            "thread_keys": [c.thread_key for c in new],
            "groups": [c.is_group for c in new],
        },
    )


def _contact_columns(conversations: Sequence[Conversation]) -> dict[str, list[Any]]:
    return {
        "names": [c.sender.name for c in conversations],
        "usernames": [c.sender.username for c in conversations],
        "phones": [c.sender.phone or None for c in conversations],
        "languages": [c.language for c in conversations],
        "statuses": [c.status.value for c in conversations],
    }


async def change_contacts(work: Work, changed: Sequence[Conversation]) -> None:
    """Write what turns learnt about known contacts."""
    await work.conn.execute(
        QUERIES["change_contacts"],
        {
            "now": work.now,
            "outlets": [c.outlet_id for c in changed],
            "ids": [c.contact_id for c in changed],
            **_contact_columns(changed),
        },
    )


class Held(msgspec.Struct, frozen=True):
    """A locked conversation: its last number, where it goes, its language, when it was heard."""

    last_seq: int
    channel_id: UUID
    thread: str
    is_group: bool
    status: ContactStatus
    language: str
    heard_at: datetime | None


async def hold(work: Work, updates: Sequence[Update]) -> dict[UUID, Held]:
    """Lock the conversations that will be written, in key order; returns those that exist."""
    return await hold_keys(work, [(update.outlet_id, update.conversation_id) for update in updates])


async def hold_keys(work: Work, keys: Sequence[tuple[UUID, UUID]]) -> dict[UUID, Held]:
    """Lock conversations, named by (outlet, id), in key order; returns those that exist."""
    parameters = {"outlets": [key[0] for key in keys], "ids": [key[1] for key in keys]}
    cursor = await work.conn.execute(QUERIES["hold"], parameters, binary=True)
    return {
        row[0]: Held(row[1], row[2], row[3], row[4], ContactStatus(row[5]), row[6], row[7])
        for row in await cursor.fetchall()
    }


async def advance(work: Work, updates: Sequence[Update], held: Mapping[UUID, Held]) -> None:
    """Write how far messages are numbered, and what turns decided about held conversations."""
    states = [update.state for update in updates]
    await work.conn.execute(
        QUERIES["advance"],
        {
            "now": work.now,
            "outlets": [update.outlet_id for update in updates],
            "ids": [update.conversation_id for update in updates],
            "seqs": [held[u.conversation_id].last_seq + len(u.messages) for u in updates],
            "last_texts": [_last_text(update.messages) for update in updates],
            "turned": [state is not None for state in states],
            "speakers": [None if s is None else s.speaker.value for s in states],
            "operators": [None if s is None else s.operator_id for s in states],
            "untils": [None if s is None else s.speaker_until for s in states],
            "dialogues": [
                None if s is None or s.dialogue is None else s.dialogue.id for s in states
            ],
            "offered": [None if s is None else "\n".join(s.offered) for s in states],
            "heard": [update.heard for update in updates],
        },
    )


def _last_text(messages: Sequence[NewMessage]) -> str | None:
    if not messages:
        return None
    content = messages[-1].content
    text = content.text
    if not text and isinstance(content, Message) and content.card is not None:
        text = content.card.title
    if not text and isinstance(content, Inbound):
        text = content.phone or content.kind.value
    return text[:LAST_TEXT_LENGTH_MAX]


Owned = tuple[Update, Dialogue]


async def write_dialogues(work: Work, owned: Sequence[Owned]) -> None:
    """Insert new dialogues, update known ones, and append each one's new journal page."""
    new = [pair for pair in owned if pair[1].is_new]
    known = [pair for pair in owned if not pair[1].is_new]
    pages = [(u, d, d.entries[d.written :]) for u, d in owned if len(d.entries) > d.written]
    for _, dialogue, _page in pages:
        dialogue.pages += 1
    if new:
        await work.conn.execute(QUERIES["add_dialogues"], _new_dialogue_columns(new))
    if known:
        await work.conn.execute(QUERIES["change_dialogues"], _known_dialogue_columns(known))
    if pages:
        await work.conn.execute(
            QUERIES["add_journal"],
            {
                "outlets": [update.outlet_id for update, _, _ in pages],
                "dialogues": [dialogue.id for _, dialogue, _ in pages],
                "pages": [dialogue.pages for _, dialogue, _ in pages],
                "entries": [_encode(entries).decode() for _, _, entries in pages],
            },
        )


def _new_dialogue_columns(new: Sequence[Owned]) -> dict[str, list[Any]]:
    return {
        **_known_dialogue_columns(new),
        "conversations": [dialogue.moved_to or update.conversation_id for update, dialogue in new],
        "applets": [dialogue.applet for _, dialogue in new],
        "commands": [dialogue.command for _, dialogue in new],
        "languages": [dialogue.language for _, dialogue in new],
        "settings": [dialogue.settings.decode() for _, dialogue in new],
        "starts": [dialogue.start.decode() for _, dialogue in new],
        "started": [dialogue.started_at for _, dialogue in new],
    }


def _known_dialogue_columns(known: Sequence[Owned]) -> dict[str, list[Any]]:
    return {
        "outlets": [update.outlet_id for update, _ in known],
        "ids": [dialogue.id for _, dialogue in known],
        "statuses": [dialogue.status.value for _, dialogue in known],
        "pages": [dialogue.pages for _, dialogue in known],
        "steps": [len(dialogue.entries) for _, dialogue in known],
        "asked": [dialogue.asked_seq for _, dialogue in known],
        "ended": [dialogue.ended_at for _, dialogue in known],
        "versions": [dialogue.version for _, dialogue in known],
        "moved": [dialogue.moved_to for _, dialogue in known],
    }


async def clear_journals(work: Work, owned: Sequence[Owned]) -> None:
    """Remove the journals of dialogues whose code changed: they are written anew."""
    await work.conn.execute(
        QUERIES["clear_journals"],
        {
            "outlets": [update.outlet_id for update, _ in owned],
            "dialogues": [dialogue.id for _, dialogue in owned],
        },
    )


async def write_messages(work: Work, updates: Sequence[Update]) -> None:
    """Append the numbered messages to the history."""
    pairs = [(update, message) for update in updates for message in update.messages]
    await work.conn.execute(
        QUERIES["add_messages"],
        {
            "now": work.now,
            "outlets": [update.outlet_id for update, _ in pairs],
            "conversations": [update.conversation_id for update, _ in pairs],
            "seqs": [message.seq for _, message in pairs],
            "directions": [message.direction for _, message in pairs],
            "authors": [message.author for _, message in pairs],
            "contents": [_encode(message.content).decode() for _, message in pairs],
            "events": [message.event_id for _, message in pairs],
        },
    )


async def write_timers(work: Work, timers: Iterable[tuple[Conversation, NewTimer]]) -> None:
    """Set timers; a due one comes back through the inbox."""
    rows = list(timers)
    await work.conn.execute(
        QUERIES["add_timers"],
        {
            "outlets": [conversation.outlet_id for conversation, _ in rows],
            "ids": [work.new_id() for _ in rows],
            "sources": [conversation.channel_id for conversation, _ in rows],
            "threads": [conversation.thread for conversation, _ in rows],
            "dialogues": [timer.dialogue_id for _, timer in rows],
            "steps": [timer.step for _, timer in rows],
            "due": [timer.due_at for _, timer in rows],
        },
    )


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
