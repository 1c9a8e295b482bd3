"""Parts, their statuses, and the facts that sending brings to light."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from chatworks.channels.models import WirePart
from chatworks.commands.models import Command
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal

ATTEMPTS_MAX = 8
LEASE = timedelta(seconds=60)
SEND_SECONDS_MAX = 40.0  # shorter than the lease: a sender knows its own outcome first
BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_MAX = 1.0, 300.0


class Status(StrEnum):
    """Where a part stands; ``RANK`` orders them."""

    QUEUED = "queued"
    LEASED = "leased"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    EXPIRED = "expired"


RANK = {
    Status.QUEUED: 0,
    Status.LEASED: 1,
    Status.UNKNOWN: 2,
    Status.EXPIRED: 3,
    Status.FAILED: 3,
    Status.SENT: 4,
    Status.DELIVERED: 5,
    Status.READ: 6,
}


class NewPart(msgspec.Struct, frozen=True):
    """A part to queue."""

    id: UUID
    outlet_id: UUID
    channel_id: UUID
    conversation_id: UUID
    thread: str
    message_seq: int
    part: int
    payload: WirePart
    ready_at: datetime
    expires_at: datetime | None = None


class Part(msgspec.Struct, frozen=True):
    """A part that this sender holds. ``refers_vendor_id`` is what an edit edits, if known."""

    outlet_id: UUID
    id: UUID
    channel_id: UUID
    conversation_id: UUID
    thread: str
    message_seq: int
    payload: WirePart
    attempts: int
    fence: int
    created_at: datetime
    refers_vendor_id: str | None


class Change(msgspec.Struct, frozen=True):
    """What an attempt does to its part."""

    status: Status
    attempts: int
    ready_at: datetime
    vendor_id: str | None = None
    error: str | None = None
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Trouble:
    """A part that needs a person's eye."""

    id: UUID
    conversation_id: UUID
    message_seq: int
    method: str
    status: Status
    error: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ContactUnreachable:
    """Fact: the vendor says that this person cannot be reached."""

    outlet_id: UUID
    conversation_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class PartFailed:
    """Fact: a part of a message was not sent, and will not be."""

    outlet_id: UUID
    conversation_id: UUID
    message_seq: int


@dataclass(frozen=True, slots=True)
class ChannelBroken:
    """Fact: the vendor refuses the channel itself (a wrong or revoked token)."""

    outlet_id: UUID
    channel_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class ChatMigrated:
    """Fact: a chat has another id now."""

    outlet_id: UUID
    channel_id: UUID
    conversation_id: UUID
    thread: str


@dataclass(frozen=True, slots=True)
class Requeued:
    """A part is queued again."""

    part_id: UUID


@dataclass(frozen=True, slots=True)
class ResendPart(Command[Requeued]):
    """Send a part again that failed, or whose fate is unknown: the person may get it twice."""

    part_id: UUID


class NotInTrouble(Refusal):
    """There is no such part in this outlet that failed or whose fate is unknown."""


def _said(purpose: str) -> Personal:
    return Personal(
        category="user.content.private",
        subject="conversation_id",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention="sent + 90 days",
        visible=("operator", "engine"),
        erasure=Erasure.NULL,
    )


DATA_MAP: DataMap = {
    "outbox_part": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "n": operational("order of queueing"),
        "channel_id": operational("channel"),
        "conversation_id": operational("to whom"),
        "thread": _said("address the chat"),
        "message_seq": operational("which message"),
        "part": operational("which part of it"),
        "urgent": operational("whether it overtakes"),
        "payload": _said("send it, and show what was sent"),
        "status": operational("where it stands"),
        "attempts": operational("tries"),
        "ready_at": operational("not before"),
        "expires_at": operational("not after"),
        "lease_until": operational("held until"),
        "fence": operational("number of the lease"),
        "vendor_id": operational("the vendor's id of the sent message"),
        "error": operational("the vendor's reason"),
        "created_at": operational("when"),
        "finished_at": operational("when"),
    },
    "rate_limit": {
        "scope": operational("channel and chat, or a keyed hash of an address"),
        "arrival_at": operational("GCRA's theoretical arrival time"),
    },
}
