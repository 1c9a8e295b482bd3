"""What enters, the limits of the door, and what the queue gives to the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from chatworks.channels.models import Arrival
from chatworks.commands.models import Command
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal

BODY_BYTES_MAX = 1_048_576  # Telegram's updates stay far below; Twilio's and Meta's too
JSON_DEPTH_MAX = 64
EVENTS_PER_REQUEST_MAX = 64
ID_BYTES_MAX = 200
TIMER_EVENT_PREFIX = "timer:"
MOVE_EVENT_PREFIX = "move:"  # what one conversation tells another
EVENTS_PER_THREAD_MAX = 20  # of one conversation in one batch


class NewEvent(msgspec.Struct, frozen=True):
    """One event to store. ``headers`` is JSON of the few headers that we keep."""

    outlet_id: UUID
    source: UUID
    arrival: Arrival
    headers: str = "{}"


class PendingEvent(msgspec.Struct, frozen=True):
    """One event that is ready to be taken."""

    id: int
    outlet_id: UUID
    source: UUID
    thread: str
    thread_key: int
    attempts: int
    received_at: datetime
    payload: bytes
    event_id: str


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """One event that waits for an operator."""

    id: int
    source: UUID
    thread: str
    received_at: datetime
    parked_at: datetime
    reason: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Tick:
    """Fact, about once a second in each worker: whoever holds something that is due sees to it."""


@dataclass(frozen=True, slots=True)
class Handled:
    """A parked event was dealt with."""

    event_id: int


@dataclass(frozen=True, slots=True)
class ReplayParked(Command[Handled]):
    """Take a parked event again, as if it had just come in."""

    event_id: int


@dataclass(frozen=True, slots=True)
class DropParked(Command[Handled]):
    """Give a parked event up; the log keeps it."""

    event_id: int


class NotParked(Refusal):
    """There is no such event among those that are parked in this outlet."""


def _event(category: str, purpose: str) -> Personal:
    return Personal(
        category=category,
        subject="thread",
        purpose=purpose,
        basis=Basis.LEGITIMATE_INTEREST,
        retention="received + 30 days",
        visible=("operator", "engine"),
        erasure=Erasure.DELETE_ROW,
    )


_QUEUE = {
    "id": operational("the event"),
    "outlet_id": operational("tenant"),
    "source": operational("channel"),
}

DATA_MAP: DataMap = {
    "inbox_event": {
        **_QUEUE,
        "event_id": operational("the vendor's id of the event, or ours"),
        "thread": _event("user.unique_id.pseudonymous", "find the conversation"),
        "received_at": operational("when it came"),
        "headers": operational("content type and user agent of the vendor"),
        "payload": _event("user.content.private", "prove and replay what came in"),
    },
    "inbox_pending": {
        **_QUEUE,
        "thread_key": operational("lock key: a hash of channel and chat"),
        "lane": operational("which overtakes"),
        "rank": operational("the vendor's order"),
        "ready_at": operational("not before"),
        "attempts": operational("failed turns"),
        "parked_at": operational("since when it waits for an operator"),
        "reason": operational("why: the kind of error, without what was said"),
    },
    "timer": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "source": operational("channel"),
        "thread": _event("user.unique_id.pseudonymous", "find the conversation"),
        "dialogue_id": operational("which dialogue"),
        "step": operational("which question"),
        "due_at": operational("when"),
    },
}
