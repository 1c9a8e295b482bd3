"""What the event inbox offers."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.inbox.models import DATA_MAP, DropParked, ReplayParked
from chatworks.inbox.service import drop_parked, replay_parked
from chatworks.kit.feature import Feature


def _trace(call: Call[Any], _result: object) -> Trace:
    return Trace("inbox_event", str(call.request.event_id), {})


_OPERATOR = frozenset({"operator"})

FEATURE = Feature(
    name="inbox",
    registrations=(
        Registration(
            ReplayParked, replay_parked, _OPERATOR, _trace, needs="trouble.write", engine=True
        ),
        Registration(
            DropParked, drop_parked, _OPERATOR, _trace, needs="trouble.write", engine=True
        ),
    ),
    data_map=DATA_MAP,
)
