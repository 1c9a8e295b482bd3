"""Handles the commands about cases, notes and canned answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chatworks.commands.models import Call
from chatworks.conversations.models import NoSuchConversation
from chatworks.identity.store import operators
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
    EmptyNote,
    NoSuchOperator,
    Noted,
    WrongCanned,
)


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
        note_id = await store.add_note(work, key, UUID(call.actor.id), text)
        answers.append(NoSuchConversation() if note_id is None else Noted(note_id))
    work.notify(f"outlet {call.outlet_id.hex}" for call in calls)
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
