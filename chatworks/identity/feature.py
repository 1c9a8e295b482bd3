"""What identity offers."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.identity import service
from chatworks.identity.models import (
    DATA_MAP,
    BindStaffChat,
    IssueSignInLink,
    IssueStaffCode,
    UnbindStaffChats,
)
from chatworks.kit.feature import Feature


def _trace(call: Call[Any], _result: object) -> Trace:
    conversation = call.origin.conversation_id.hex if call.origin else ""
    return Trace("staff_chat", conversation or call.actor.id, {})


def _trace_issued(call: Call[Any], _result: object) -> Trace:
    return Trace("outlet", call.outlet_id.hex, {})  # for whom, never the secret


_OPERATOR = frozenset({"operator"})

FEATURE = Feature(
    name="identity",
    registrations=(
        Registration(
            IssueSignInLink, service.issue_sign_in_links, frozenset({"platform"}), _trace_issued
        ),
        Registration(
            IssueStaffCode,
            service.issue_staff_codes,
            _OPERATOR,
            _trace_issued,
            needs="own.write",
            personal=True,
            engine=True,
        ),
        Registration(BindStaffChat, service.bind_staff_chat, frozenset({"customer"}), _trace),
        Registration(
            UnbindStaffChats,
            service.unbind_staff_chats,
            _OPERATOR,
            _trace,
            needs="own.write",
            personal=True,
        ),
    ),
    data_map=DATA_MAP,
)
