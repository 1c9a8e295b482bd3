"""What conversations offer."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.contacts.models import Deliver
from chatworks.conversations import jobs, service
from chatworks.conversations.models import (
    DATA_MAP,
    HandBack,
    HumanWanted,
    LeasesDue,
    Post,
    Reply,
    TakeOver,
)
from chatworks.conversations.service import Scribe
from chatworks.kit.feature import Feature
from chatworks.outbox.models import Alert, ChatMigrated, ContactUnreachable, WindowClosed


def _trace(call: Call[Any], result: Any) -> Trace:
    details = {"speaker": result.speaker}
    return Trace("conversation", call.request.conversation_id.hex, details)


def feature(scribe: Scribe) -> Feature:
    """Return the manifest; ``scribe`` writes what is said."""
    allow = frozenset({"operator"})
    return Feature(
        name="conversations",
        registrations=(
            Registration(TakeOver, service.take_over, allow, _trace, needs="messages.write"),
            Registration(HandBack, service.hand_back, allow, _trace, needs="messages.write"),
            Registration(Reply, service.reply, allow, _trace, needs="messages.write"),
        ),
        subscribers={
            Post: (scribe.hear_posts,),
            Deliver: (scribe.hear_routes,),
            ContactUnreachable: (jobs.close_contacts,),
            ChatMigrated: (jobs.move_chats,),
            WindowClosed: (scribe.hear_closed,),
            HumanWanted: (jobs.call_staff,),
            Alert: (jobs.warn_staff,),
            LeasesDue: (jobs.end_leases,),
        },
        data_map=DATA_MAP,
    )
