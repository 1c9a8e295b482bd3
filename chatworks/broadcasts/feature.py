"""What broadcasts offer."""

from __future__ import annotations

from typing import Any

from chatworks.broadcasts import jobs, service
from chatworks.broadcasts.models import DATA_MAP, MoveBroadcast, WriteBroadcast
from chatworks.broadcasts.service import Planner
from chatworks.commands.models import Call, Registration, Trace
from chatworks.conversations.models import PostWritten
from chatworks.kit.feature import Feature


def _trace_written(call: Call[Any], result: Any) -> Trace:
    details = {"reached": result.reached, "persons": result.persons}
    return Trace("broadcast", call.request.broadcast_id.hex, details)


def _trace_moved(call: Call[Any], result: Any) -> Trace:
    details = {"move": call.request.move.value, "status": result.status.value}
    return Trace("broadcast", call.request.broadcast_id.hex, details)


def feature(planner: Planner) -> Feature:
    """Return the manifest; ``planner`` knows whom an outlet can reach."""
    allow = frozenset({"operator"})
    return Feature(
        name="broadcasts",
        registrations=(
            Registration(
                WriteBroadcast, planner.write, allow, _trace_written, needs="broadcasts.write"
            ),
            Registration(
                MoveBroadcast, service.move, allow, _trace_moved, needs="broadcasts.write"
            ),
        ),
        subscribers={PostWritten: (jobs.note_written,)},
        data_map=DATA_MAP,
    )
