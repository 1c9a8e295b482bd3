"""Broadcasts, their recipients and figures, and the commands about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from chatworks.commands.models import Command
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal

NAME_LENGTH_MAX = 80  # code points
TEXT_LENGTH_MAX = 1000  # code points of each language
DAYS_MAX = 3650
TOPIC = r"[a-z0-9][a-z0-9_-]{0,31}"
COUNTED_MAX = 5000  # persons of a segment whose channel is looked for when it is counted
STEP_MAX = 200  # recipients of one step
STEP_SECONDS = 1.0
AHEAD_SECONDS = 3.0  # of a channel's rate that is queued: a pause takes effect within them
ANSWERED_WITHIN = timedelta(hours=24)


class Status(StrEnum):
    """Where a broadcast stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


class Move(StrEnum):
    """What an operator does with a broadcast."""

    SEND = "send"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class LeftOut(StrEnum):
    """Why nobody tried: beside the router's reasons (``contacts.models.Why``)."""

    JOINED = "joined"  # by now they are one person with somebody who has it
    NOWHERE = "nowhere"  # no conversation of theirs is meant


class Segment(msgspec.Struct, frozen=True):
    """Who is meant: on these kinds of channels, reading these languages (empty: all), who ordered
    within so many days (None: whoever), or who never ordered.
    """

    kinds: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    ordered_days: int | None = None
    never_ordered: bool = False


class Counted(msgspec.Struct, frozen=True):
    """Whom a broadcast would reach now. Of ``persons`` only ``looked`` were looked at closely:
    ``reached`` counts them by kind of channel, ``left_out`` by reason; ``quiet`` of those reached
    would wait for the end of quiet hours.
    """

    persons: int = 0
    looked: int = 0
    reached: Mapping[str, int] = {}
    left_out: Mapping[str, int] = {}
    quiet: int = 0


class Broadcast(msgspec.Struct, frozen=True):
    """A broadcast as it is stored."""

    outlet_id: UUID
    id: UUID
    name: str
    topic: str
    texts: Mapping[str, str]
    segment: Segment
    counted: Counted
    counted_at: datetime
    status: Status
    step_at: datetime | None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Recipient(msgspec.Struct, frozen=True):
    """A person whose turn it is. ``joined``: they are one with somebody else of this broadcast."""

    person_id: UUID
    conversation_id: UUID
    language: str
    joined: bool


class Outcome(msgspec.Struct, frozen=True):
    """What a step did about a recipient: ``sent_to`` a conversation, left out for ``why``, or, with
    neither, put off until ``due_at``.
    """

    person_id: UUID
    sent_to: UUID | None = None
    why: str = ""
    due_at: datetime | None = None


class Figures(msgspec.Struct, frozen=True):
    """How far a broadcast has come. ``standing`` counts the messages by where the slowest part of
    each stands; ``page`` are those that wait on a page of ours. ``answered``: within a day.
    """

    waiting: int = 0
    sent: int = 0
    standing: Mapping[str, int] = {}
    left_out: Mapping[str, int] = {}
    answered: int = 0

    @property
    def persons(self) -> int:
        """Return how many people the segment had at the start."""
        return self.waiting + self.seen_to

    @property
    def seen_to(self) -> int:
        """Return how many got it, or were left out."""
        return self.sent + sum(self.left_out.values())


@dataclass(frozen=True, slots=True)
class BroadcastWritten:
    """A draft, and how many it would reach of how many."""

    broadcast_id: UUID
    reached: int
    persons: int


@dataclass(frozen=True, slots=True)
class WriteBroadcast(Command[BroadcastWritten]):
    """Write a draft, in place of the one with the same id, and count whom it would reach."""

    broadcast_id: UUID
    name: str
    topic: str
    texts: Mapping[str, str]
    segment: Segment


@dataclass(frozen=True, slots=True)
class BroadcastMoved:
    """Where a broadcast stands now."""

    status: Status


@dataclass(frozen=True, slots=True)
class MoveBroadcast(Command[BroadcastMoved]):
    """Send a draft (``at`` a time, or at once), pause, resume or cancel."""

    broadcast_id: UUID
    move: Move
    at: datetime | None = None


class NoSuchBroadcast(Refusal):
    """There is no such broadcast in this outlet."""


class WrongBroadcast(Refusal):
    """What is wrong with a broadcast."""


class CannotMove(Refusal):
    """From where the broadcast stands it cannot go there: its status."""


DATA_MAP: DataMap = {
    "broadcast": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "name": operational("what operators call it"),
        "topic": operational("which template may carry it"),
        "texts": operational("the outlet's own words"),
        "segment": operational("who is meant, in general terms"),
        "counted": operational("numbers of people"),
        "counted_at": operational("when"),
        "status": operational("where it stands"),
        "step_at": operational("when it goes on"),
        "created_at": operational("when"),
        "started_at": operational("when"),
        "ended_at": operational("when"),
    },
    "broadcast_recipient": {
        "outlet_id": operational("tenant"),
        "broadcast_id": operational("which broadcast"),
        "person_id": Personal(
            category="user.unique_id.pseudonymous",
            subject="conversation_id",
            purpose="send an offer once to each person who agreed to offers",
            basis=Basis.CONSENT,
            retention="last message + 24 months",
            visible=("operator",),
            erasure=Erasure.DELETE_ROW,
        ),
        "conversation_id": operational("to whom; the person is in contact"),
        "status": operational("whether it was sent"),
        "due_at": operational("not before"),
        "why": operational("reason for leaving somebody out"),
        "sent_to": operational("which conversation got it"),
        "message_seq": operational("its number there"),
        "sent_at": operational("when"),
    },
}
