"""What a batch loads of its conversations, and writes of what its turns decided.

One statement for each table: any number of conversations costs the same number of statements. Rows
are locked in key order, after all business rows. Everybody else's reads and writes are ``store``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from chatworks.conversations.models import (
    ContactStatus,
    Conversation,
    Dialogue,
    NewMessage,
    NewTimer,
    Speaker,
    Update,
)
from chatworks.conversations.store import QUERIES
from chatworks.kit.work import Work
from chatworks.sdk.inbound import Inbound, Sender
from chatworks.sdk.messages import Message
from chatworks.sdk.runtime import Entry

LAST_TEXT_LENGTH_MAX = 120  # code points of the list's preview

Key = tuple[UUID, UUID, str]  # outlet, channel, thread

_encode = msgspec.json.Encoder().encode
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
