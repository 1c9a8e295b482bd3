"""What the bots offer."""

from __future__ import annotations

from typing import Any

from chatworks.bots import jobs, service
from chatworks.bots.models import DATA_MAP, RequestBot
from chatworks.commands.models import Call, Registration, Trace
from chatworks.conversations.models import BotMade
from chatworks.kit.feature import Feature


def _trace(call: Call[Any], _result: Any) -> Trace:
    conversation = "" if call.origin is None else call.origin.conversation_id.hex
    return Trace("conversation", conversation, {"by_code": int(bool(call.request.code))})


FEATURE = Feature(
    name="bots",
    registrations=(
        Registration(RequestBot, service.request_bots, frozenset({"customer"}), _trace),
    ),
    subscribers={BotMade: (jobs.take_bots,)},
    data_map=DATA_MAP,
)
