"""Parts, their statuses, and the facts that sending brings to light."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from uuid import UUID

import msgspec

from chatworks.channels.models import Report, WirePart
from chatworks.commands.models import Command
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal

ATTEMPTS_MAX = 8
LEASE = timedelta(seconds=60)
SEND_SECONDS_MAX = 40.0  # shorter than the lease: a sender knows its own outcome first
BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_MAX = 1.0, 300.0
LOOK_SECONDS = (2.0, 8.0, 30.0)  # waits before the vendor is asked about a part in doubt
HELD_FOR_MOST = timedelta(days=30)
REPORTS_KEPT_FOR = timedelta(days=2)  # vendors report again for hours, and no send settles later


class Status(StrEnum):
    """Where a part stands; ``RANK`` orders them."""

    QUEUED = "queued"
    HELD = "held"
    LEASED = "leased"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    EXPIRED = "expired"


# A vendor that took a message may say later that it failed: that is the end of this attempt. Yet
# what a person has seen did arrive, whatever else was said of it, before or after.
RANK = {
    Status.QUEUED: 0,
    Status.HELD: 0,
    Status.LEASED: 1,
    Status.UNKNOWN: 2,
    Status.EXPIRED: 3,
    Status.SENT: 4,
    Status.FAILED: 5,
    Status.DELIVERED: 6,
    Status.READ: 7,
}
REPORTABLE = frozenset({Status.SENT, Status.FAILED, Status.DELIVERED, Status.READ})


class PartLane(IntEnum):
    """Which parts leave first: an answer never waits for a broadcast."""

    URGENT = 0
    NORMAL = 1
    BULK = 2


class NewPart(msgspec.Struct, frozen=True):
    """A part to queue; ``held_for`` says what it must wait for ("" where it may leave)."""

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
    held_for: str = ""
    bulk: bool = False

    @property
    def lane(self) -> PartLane:
        """Return the lane that it leaves by."""
        if self.payload.urgent:
            return PartLane.URGENT
        return PartLane.BULK if self.bulk else PartLane.NORMAL


class Part(msgspec.Struct, frozen=True):
    """A part that this sender holds, to send it, or to ask the vendor what became of it.

    ``n`` is its place in the order of queueing; ``refers_vendor_id`` is what an edit edits, if
    known; ``looks`` counts how often the vendor was asked.
    """

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
    n: int
    lane: int
    looks: int
    in_doubt: bool
    kind: str


class Change(msgspec.Struct, frozen=True):
    """What an attempt does to its part. ``look_at`` is when to ask the vendor what became of it."""

    status: Status
    attempts: int
    ready_at: datetime
    vendor_id: str | None = None
    error: str | None = None
    finished: bool = True
    looks: int = 0
    look_at: datetime | None = None


class Waiting(msgspec.Struct, frozen=True):
    """One lane of one channel that has queued parts: whether some are ready, and when the next of
    the others will be.
    """

    lane: PartLane
    channel_id: UUID
    kind: str
    ready: bool
    next_at: datetime | None


class Leased(msgspec.Struct, frozen=True):
    """Parts to send now, and when to look again if nothing else happens."""

    parts: list[Part]
    again_at: datetime | None


class Reported(msgspec.Struct, frozen=True):
    """A report with whose it is."""

    outlet_id: UUID
    channel_id: UUID
    report: Report


class Told(msgspec.Struct, frozen=True):
    """A part that the vendor said something about; ``changed`` tells whether it went forward.

    ``at`` is when it had been sent.
    """

    outlet_id: UUID
    channel_id: UUID
    conversation_id: UUID
    part_id: UUID
    message_seq: int
    template: str
    at: datetime
    changed: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a message stands: the status of its slowest part, with the reason if it failed."""

    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A part that needs a person's eye. ``held_for`` says what a held one waits for."""

    id: UUID
    conversation_id: UUID
    message_seq: int
    method: str
    status: Status
    error: str
    created_at: datetime
    held_for: str


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
class WindowClosed:
    """Fact: the vendor takes only templates for this person; a part sent at ``at`` was refused.

    A refused part that is itself a template waits for nothing and stays failed.
    """

    outlet_id: UUID
    conversation_id: UUID
    part_id: UUID
    message_seq: int
    at: datetime


@dataclass(frozen=True, slots=True)
class TemplateRefused:
    """Fact: the vendor does not take this template any more, or not as we fill it."""

    outlet_id: UUID
    channel_id: UUID
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Fact: the vendor said something that an operator should look at."""

    outlet_id: UUID
    channel_id: UUID
    conversation_id: UUID
    reason: str


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
        "lane": operational("which parts it overtakes"),
        "payload": _said("send it, and show what was sent"),
        "status": operational("where it stands"),
        "held_for": operational("what it waits for"),
        "looks": operational("how often the vendor was asked about it"),
        "look_at": operational("when the vendor is asked next"),
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
    "outbox_report": {
        "outlet_id": operational("tenant"),
        "channel_id": operational("channel"),
        "vendor_id": operational("the vendor's id of the message"),
        "status": operational("what the vendor says of it"),
        "error": operational("the vendor's reason"),
        "consequence": operational("what follows from it"),
        "received_at": operational("when; forgotten after two days"),
    },
    "rate_limit": {
        "scope": operational("channel and chat, or a keyed hash of an address"),
        "arrival_at": operational("GCRA's theoretical arrival time"),
    },
}
