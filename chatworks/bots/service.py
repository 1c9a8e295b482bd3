"""Handles ``RequestBot``: who may make which outlet a bot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chatworks.bots import store
from chatworks.bots.models import BotRequested, CannotManage, NotStaff
from chatworks.commands.models import Call
from chatworks.identity.service import spend_staff_code
from chatworks.identity.store import staff_chats
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work
from chatworks.outlets import store as outlets


async def request_bots(work: Work, calls: Sequence[Call[Any]]) -> list[BotRequested | Refusal]:
    """Handle ``RequestBot``: few, and each is a person of its own."""
    return [await _request(work, call) for call in calls]


async def _request(work: Work, call: Call[Any]) -> BotRequested | Refusal:
    if call.origin is None:
        return CannotManage()
    here = call.origin.conversation_id
    asked = await store.manager(work, call.outlet_id, here)
    if asked is None:
        return CannotManage()
    outlet_id = await _outlet_of(work, call, here)
    if isinstance(outlet_id, Refusal):
        return outlet_id
    await store.add_request(work, outlet_id, asked, here)
    return BotRequested((await outlets.find(work, [outlet_id]))[0].name)


async def _outlet_of(work: Work, call: Call[Any], here: UUID) -> UUID | Refusal:
    """Return whose staff speaks here: a code names its outlet, else it is this chat's own."""
    if call.request.code:
        owner = await spend_staff_code(work, here, call.request.code, None)
        return owner if isinstance(owner, Refusal) else owner[0]
    chats = await staff_chats(work, [call.outlet_id])
    return call.outlet_id if any(chat[1] == here for chat in chats) else NotStaff()
