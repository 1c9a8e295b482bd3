"""The adapter interface: verify, split, read, plan are pure; send is the only effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import msgspec

from chatworks.kit.errors import ChatWorksError
from chatworks.sdk.messages import Inbound, Message


class Lane(IntEnum):
    """Which events overtake which; inside a conversation order always holds."""

    DEADLINE = 0  # the vendor gives seconds
    TAP = 1
    MESSAGE = 2
    REST = 3


@dataclass(frozen=True, slots=True)
class Channel:
    """One connected account, as the processes know it.

    ``secret`` comes from the environment variable ``secret_env``. ``trouble`` says for people what
    is wrong ("" while all is well); a ``broken`` channel sends nothing until it is connected again.
    """

    outlet_id: UUID
    id: UUID
    kind: str
    path: str
    name: str
    mode: str
    broken: bool = False
    trouble: str = ""
    secret_env: str = ""
    secret: str = field(repr=False, default="")
    webhook_secret: str = field(repr=False, default="")


class RawRequest(msgspec.Struct, frozen=True):
    """What stood at the door: header names in lower case, body as received."""

    headers: Mapping[str, str]
    body: bytes


class Arrival(msgspec.Struct, frozen=True):
    """One event as the inbox stores it; ``payload`` is its own JSON."""

    event_id: str
    thread: str
    lane: Lane
    rank: int
    payload: bytes


class Rejected(ChatWorksError):
    """The request is not taken: the reason goes into the 4xx answer, nothing is stored."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.http_status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Loss:
    """What a channel cannot show, and how it is shown instead."""

    what: str
    instead: str


class WirePart(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request to the vendor, as JSON. ``urgent`` parts overtake and do not wait for a turn.

    ``refers_to`` names the message (its seq in the conversation) whose vendor id the sender puts
    into ``params["message_id"]`` when it sends: an edit of what was sent before.
    """

    method: str
    params: dict[str, Any]
    urgent: bool = False
    expires_seconds: int | None = None
    refers_to: int | None = None


class Plan(msgspec.Struct, frozen=True):
    """What a message becomes on a channel."""

    parts: tuple[WirePart, ...]
    losses: tuple[Loss, ...] = ()


class Consequence(StrEnum):
    """What a vendor's permanent no means beyond the one message."""

    NONE = "none"
    STOP_CONTACT = "stop_contact"
    DISABLE_CHANNEL = "disable_channel"


class Accepted(msgspec.Struct, frozen=True):
    """The vendor took it. ``vendor_id`` is its id of the message ("" where it gives none)."""

    vendor_id: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Not now: wait ``seconds``. ``scope`` is 'chat' or 'channel'; ``reason`` is for people."""

    seconds: float
    scope: str
    reason: str


@dataclass(frozen=True, slots=True)
class Permanent:
    """It will never work."""

    reason: str
    consequence: Consequence = Consequence.NONE
    migrate_to: str = ""  # the chat has this id now: try again there


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The bytes left and no answer came: it may or may not have been delivered."""

    reason: str


Outcome = Accepted | RetryAfter | Permanent | Ambiguous


class Prompt(msgspec.Struct, frozen=True):
    """The message to plan, with where it goes. ``seq`` is its number in the conversation;
    ``open_question`` is true where its buttons answer the dialogue's question.
    """

    thread: str
    seq: int
    message: Message
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor bears: GCRA emission intervals in seconds, and bursts in messages."""

    channel_interval: float
    channel_burst: int
    chat_interval: float
    chat_burst: int
    group_interval: float
    group_burst: int


Send = Callable[[Channel, WirePart], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """A messenger's manifest: what its folder offers.

    ``verify`` raises ``Rejected`` (constant time, on raw bytes); ``split`` gives every event of a
    request or raises ``Rejected``; ``read`` gives the event in our words; ``plan`` draws a message;
    ``settle`` gives the parts that answer a tap at once and take away the buttons of an answered
    question; ``send`` is None where the message history itself is the wire (web chat, terminal).
    """

    kind: str
    verify: Callable[[RawRequest, Channel], None]
    split: Callable[[bytes, datetime], Sequence[Arrival]]
    read: Callable[[bytes, Channel], Inbound]
    plan: Callable[[Prompt], Plan]
    settle: Callable[[Settle], Sequence[WirePart]]
    limits: Limits | None = None
    send: Send | None = None


class Settle(msgspec.Struct, frozen=True):
    """A question was answered, or a stale button tapped.

    ``reply_ref`` is the callback to answer ("" if none), ``notice`` a short text shown with it,
    ``asked_seq`` the message whose buttons go (0 if none), ``chosen`` the label to leave in place.
    """

    thread: str
    reply_ref: str = ""
    notice: str = ""
    asked_seq: int = 0
    message_ref: str = ""
    message: Message | None = None
    chosen: str = ""
