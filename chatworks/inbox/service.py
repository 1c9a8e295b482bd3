"""What an operator decides about parked events, and how full the queue is.

A parked event is taken again, or given up; both leave an audit leaf.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from prometheus_client import Gauge

from chatworks.channels.models import Lane
from chatworks.commands.models import Call
from chatworks.inbox import store
from chatworks.inbox.models import Handled, NotParked
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work

ready_events = Gauge("chatworks_inbox_ready", "Events that wait for a turn", ["lane"])
parked_events = Gauge("chatworks_inbox_parked", "Events that wait for an operator", ["lane"])
oldest_event = Gauge("chatworks_inbox_oldest_seconds", "Age of the oldest ready event", ["lane"])

Act = Callable[[Work, UUID, int], Awaitable[bool]]


async def replay_parked(work: Work, calls: Sequence[Call[Any]]) -> list[Handled | Refusal]:
    """Handle ``ReplayParked``."""
    return await _settle(work, calls, store.replay)


async def drop_parked(work: Work, calls: Sequence[Call[Any]]) -> list[Handled | Refusal]:
    """Handle ``DropParked``."""
    return await _settle(work, calls, store.drop_parked)


async def _settle(work: Work, calls: Sequence[Call[Any]], act: Act) -> list[Handled | Refusal]:
    """Settle each event by one atomic statement: of two operators one is told that it is done."""
    answers: list[Handled | Refusal] = []
    for call in calls:
        event_id = call.request.event_id
        done = await act(work, call.outlet_id, event_id)
        answers.append(Handled(event_id) if done else NotParked())
        work.notify([f"outlet {call.outlet_id.hex}"])
    return answers


async def measure(work: Work) -> None:
    """Set the gauges of the queue: how many events wait in each lane, and for how long."""
    found = {depth.lane: depth for depth in await store.depth(work)}
    for lane in Lane:
        depth = found.get(lane, store.Depth(lane, 0, 0, 0.0))
        name = lane.name.lower()
        ready_events.labels(name).set(depth.ready)
        parked_events.labels(name).set(depth.parked)
        oldest_event.labels(name).set(depth.age_seconds)
