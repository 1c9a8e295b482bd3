"""What the outbox offers."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.kit.feature import Feature
from chatworks.outbox.models import DATA_MAP, ResendPart
from chatworks.outbox.service import resend_parts


def _trace(call: Call[Any], _result: object) -> Trace:
    return Trace("outbox_part", call.request.part_id.hex, {})


FEATURE = Feature(
    name="outbox",
    registrations=(
        Registration(
            ResendPart,
            resend_parts,
            frozenset({"operator"}),
            _trace,
            needs="trouble.write",
            engine=True,
        ),
    ),
    data_map=DATA_MAP,
)
