"""What other features and operators may do with the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prometheus_client import Gauge

from chatworks.commands.models import Call
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work
from chatworks.outbox import store
from chatworks.outbox.models import NotInTrouble, Requeued
from chatworks.outbox.store import queue as queue
from chatworks.outbox.store import trouble as trouble

open_parts = Gauge("chatworks_outbox_open", "Parts that are queued or in a sender's hands")
oldest_part = Gauge("chatworks_outbox_oldest_seconds", "Age of the oldest open part")


async def resend_parts(work: Work, calls: Sequence[Call[Any]]) -> list[Requeued | Refusal]:
    """Handle ``ResendPart``."""
    answers: list[Requeued | Refusal] = []
    for call in calls:
        part_id = call.request.part_id
        done = await store.resend(work, call.outlet_id, part_id)
        answers.append(Requeued(part_id) if done else NotInTrouble())
        work.notify([f"outlet {call.outlet_id.hex}"])
    return answers


async def measure(work: Work) -> None:
    """Set the gauges of what waits to be sent."""
    count, age_seconds = await store.depth(work)
    open_parts.set(count)
    oldest_part.set(age_seconds)
