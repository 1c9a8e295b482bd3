"""Handles the commands about cases, notes and canned answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chatworks.commands.models import Call
from chatworks.conversations.models import NoSuchConversation
from chatworks.identity.store import operators
from chatworks.kit import cursors
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work
from chatworks.support import core, store
from chatworks.support.models import (
    CANNED_LENGTH_MAX,
    CANNED_MAX,
    NOTE_LENGTH_MAX,
    SHORTCUT,
    Assigned,
    Canned,
    CannedSaved,
    ConversationPage,
    EmptyNote,
    ListConversations,
    ListMessages,
    MessagePage,
    NoSuchOperator,
    NoSuchPage,
    Noted,
    WrongCanned,
)

AHEAD = timedelta(minutes=1)  # clocks of several processes differ a little: the newest is listed


async def assign(work: Work, calls: Sequence[Call[Any]]) -> list[Assigned | Refusal]:
    """Handle ``Assign``."""
    answers: list[Assigned | Refusal] = []
    for call in calls:
        wanted = call.request.operator_id
        known = {operator.id for operator in await operators(work, call.outlet_id)}
        if wanted is not None and wanted not in known:
            answers.append(NoSuchOperator())
        elif await store.assign(work, (call.outlet_id, call.request.conversation_id), wanted):
            answers.append(Assigned(wanted))
        else:
            answers.append(NoSuchConversation())
    work.notify(f"outlet {call.outlet_id.hex}" for call in calls)
    return answers


async def add_note(work: Work, calls: Sequence[Call[Any]]) -> list[Noted | Refusal]:
    """Handle ``AddNote``."""
    answers: list[Noted | Refusal] = []
    for call in calls:
        text = call.request.text.strip()
        if not 0 < len(text) <= NOTE_LENGTH_MAX:
            answers.append(EmptyNote())
            continue
        key = (call.outlet_id, call.request.conversation_id)
        note_id = await store.add_note(work, key, call.actor.operator_id, text)
        answers.append(NoSuchConversation() if note_id is None else Noted(note_id))
    work.notify(f"outlet {call.outlet_id.hex}" for call in calls)
    return answers


async def list_conversations(
    work: Work, calls: Sequence[Call[Any]]
) -> list[ConversationPage | Refusal]:
    """Handle ``ListConversations``: few, and each reads a bounded page by the list's index."""
    answers: list[ConversationPage | Refusal] = []
    for call in calls:
        asked: ListConversations = call.request
        first = (work.now + AHEAD, UUID(int=0))
        place = cursors.read(asked.cursor, tuple[datetime, UUID]) if asked.cursor else first
        if place is None or place[0].tzinfo is None:
            answers.append(NoSuchPage())
            continue
        rows = await store.page(work, call.outlet_id, place, asked.kind, asked.limit)
        full = len(rows) == asked.limit
        more = cursors.show(rows[-1].last_at, rows[-1].conversation_id) if full else ""
        answers.append(ConversationPage(rows, more))
    return answers


async def list_messages(work: Work, calls: Sequence[Call[Any]]) -> list[MessagePage | Refusal]:
    """Handle ``ListMessages``: few, and each reads a bounded page of one conversation."""
    answers: list[MessagePage | Refusal] = []
    for call in calls:
        asked: ListMessages = call.request
        key = (call.outlet_id, asked.conversation_id)
        found = await store.messages(work, key, asked.after, asked.limit)
        if found is None:
            answers.append(NoSuchConversation())
        else:
            answers.append(MessagePage(found, found[-1].seq if found else asked.after))
    return answers


async def save_canned(work: Work, calls: Sequence[Call[Any]]) -> list[CannedSaved | Refusal]:
    """Handle ``SaveCanned``."""
    answers: list[CannedSaved | Refusal] = []
    for call in calls:
        canned = Canned(call.request.shortcut, call.request.text.strip())
        known = {item.shortcut for item in await store.canned(work, call.outlet_id)}
        problem = _problem(canned, known)
        if not problem:
            await store.save_canned(work, call.outlet_id, canned)
        answers.append(WrongCanned(problem) if problem else CannedSaved(canned.shortcut))
    return answers


def _problem(canned: Canned, known: set[str]) -> str:
    if not re.fullmatch(SHORTCUT, canned.shortcut):
        return "A shortcut has 1 to 32 small letters, digits or hyphens."
    if not 0 < len(canned.text) <= CANNED_LENGTH_MAX:
        return f"An answer needs 1 to {CANNED_LENGTH_MAX:,} characters."
    if strange := core.unknown(canned.text):
        return f"Nothing fills {{{strange[0]}}}: use {{name}}, {{order}} or {{outlet}}."
    if len(known | {canned.shortcut}) > CANNED_MAX:
        return f"There may be at most {CANNED_MAX} answers."
    return ""


async def remove_canned(work: Work, calls: Sequence[Call[Any]]) -> list[CannedSaved | Refusal]:
    """Handle ``RemoveCanned``; what is gone already is as good as removed."""
    for call in calls:
        await store.remove_canned(work, call.outlet_id, call.request.shortcut)
    return [CannedSaved(call.request.shortcut) for call in calls]
