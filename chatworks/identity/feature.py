"""What identity offers."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.identity import chats, service
from chatworks.identity.models import (
    DATA_MAP,
    BindStaffChat,
    FindAccountPage,
    IssueSignInLink,
    IssueStaffCode,
    SayAccountCode,
    UnbindStaffChats,
)
from chatworks.kit.feature import Feature


def _trace(call: Call[Any], _result: object) -> Trace:
    conversation = call.origin.conversation_id.hex if call.origin else ""
    return Trace("staff_chat", conversation or call.actor.id, {})


def _trace_issued(call: Call[Any], _result: object) -> Trace:
    return Trace("outlet", call.outlet_id.hex, {})  # for whom, never the secret


def _trace_said(call: Call[Any], _result: object) -> Trace:
    return Trace("contact", call.actor.id, {})


def feature(address: str) -> Feature:
    """Return the manifest; ``address`` is the installation's public one."""
    platform, operator, customer = (
        frozenset({who}) for who in ("platform", "operator", "customer")
    )
    own = "own.write"
    return Feature(
        name="identity",
        registrations=(
            Registration(IssueSignInLink, service.issue_sign_in_links, platform, _trace_issued),
            Registration(
                IssueStaffCode,
                service.issue_staff_codes,
                operator,
                _trace_issued,
                own,
                personal=True,
                engine=True,
            ),
            Registration(BindStaffChat, service.bind_staff_chat, customer, _trace),
            Registration(
                UnbindStaffChats, service.unbind_staff_chats, operator, _trace, own, personal=True
            ),
            Registration(SayAccountCode, chats.say_codes, customer, _trace_said),
            Registration(FindAccountPage, chats.FindPage(address), customer),
        ),
        data_map=DATA_MAP,
        texts="chatworks.identity",
    )
