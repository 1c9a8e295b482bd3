"""What identity offers."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.identity.models import DATA_MAP, BindStaffChat, UnbindStaffChats
from chatworks.identity.service import bind_staff_chat, unbind_staff_chats
from chatworks.kit.feature import Feature


def _trace(call: Call[Any], _result: object) -> Trace:
    conversation = call.origin.conversation_id.hex if call.origin else ""
    return Trace("staff_chat", conversation or call.actor.id, {})


FEATURE = Feature(
    name="identity",
    registrations=(
        Registration(BindStaffChat, bind_staff_chat, frozenset({"customer"}), _trace),
        Registration(UnbindStaffChats, unbind_staff_chats, frozenset({"operator"}), _trace),
    ),
    data_map=DATA_MAP,
)
