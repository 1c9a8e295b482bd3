"""What the inbox for people offers."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.conversations.models import BotSpeaks, PersonAnswered, PersonWaits
from chatworks.kit.feature import Feature
from chatworks.support import jobs, service
from chatworks.support.models import (
    DATA_MAP,
    AddNote,
    Assign,
    ListConversations,
    ListMessages,
    RemoveCanned,
    SaveCanned,
)


def _trace_assigned(call: Call[Any], result: Any) -> Trace:
    to = None if result.operator_id is None else result.operator_id.hex
    return Trace("conversation", call.request.conversation_id.hex, {"operator": to})


def _trace_noted(call: Call[Any], result: Any) -> Trace:
    details = {"note": result.note_id.hex}
    return Trace("conversation", call.request.conversation_id.hex, details)


def _trace_canned(call: Call[Any], result: Any) -> Trace:
    return Trace("outlet", call.outlet_id.hex, {"shortcut": result.shortcut})


_OPERATOR = frozenset({"operator"})

FEATURE = Feature(
    name="support",
    registrations=(
        Registration(
            ListConversations, service.list_conversations, _OPERATOR, needs="messages.read"
        ),
        Registration(ListMessages, service.list_messages, _OPERATOR, needs="messages.read"),
        Registration(Assign, service.assign, _OPERATOR, _trace_assigned, needs="messages.write"),
        Registration(AddNote, service.add_note, _OPERATOR, _trace_noted, needs="messages.write"),
        Registration(
            SaveCanned, service.save_canned, _OPERATOR, _trace_canned, needs="messages.write"
        ),
        Registration(
            RemoveCanned, service.remove_canned, _OPERATOR, _trace_canned, needs="messages.write"
        ),
    ),
    subscribers={
        PersonWaits: (jobs.begin_waits,),
        PersonAnswered: (jobs.keep_answers,),
        BotSpeaks: (jobs.end_waits,),
    },
    data_map=DATA_MAP,
)
