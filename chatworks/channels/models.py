"""The adapter interface: verify, split, read, plan and settle are pure; send, fetch and reconcile
are the only effects. What a channel can show is data, in ``capabilities``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import msgspec

from chatworks.channels.capabilities import Capabilities
from chatworks.kit.errors import ChatWorksError
from chatworks.sdk.inbound import File, Inbound
from chatworks.sdk.messages import Message


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
    ``webhook_secret`` is ours; ``signing_secret`` is the vendor's, where it signs with another than
    its token (from ``<secret_env>_SIGNING``). ``account`` is the vendor's id of the account where
    the secret alone does not name it (Twilio's account SID, the Cloud API's phone number id);
    ``address`` is what messages leave from there, a number or a service; ``resources`` are ids of
    what we made there once (Content resources by name); ``templates`` are its messages approved
    ahead.
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
    signing_secret: str = field(repr=False, default="")
    account: str = ""
    address: str = ""
    resources: Mapping[str, str] = field(default_factory=dict)
    templates: tuple[Template, ...] = ()


class Template(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message that the vendor approved ahead: what leaves when it takes nothing else.

    ``body`` holds ``{{1}}``, ``{{2}}`` …: what fills them are the lines of the message's text.
    ``status`` is pending, approved, paused or rejected; only an approved one is used.
    """

    name: str
    language: str
    topic: str
    body: str
    vendor_id: str
    status: str
    category: str = "utility"


@dataclass(frozen=True, slots=True)
class Connected:
    """An account that works. ``mode`` is webhook or polling; ``trouble`` is what is not as it
    should be; ``manages_bots``: it may be given bots that people make.
    """

    name: str
    mode: str
    trouble: str = ""
    manages_bots: bool = False


class RawRequest(msgspec.Struct, frozen=True):
    """What stood at the door: header names in lower case, body as received; ``target`` is the raw
    path with its query, as the vendor signed it.
    """

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    target: str = ""


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

    ``refers_to`` names the message (its seq in the conversation) whose vendor id the kind's
    ``refer`` fills in when it is sent: an edit of what was sent before. ``uploads`` are files that
    travel with it: the name that ``params`` calls them by, and their path here. ``template`` is the
    name of the template that it fills; such a part needs no open window.
    """

    method: str
    params: dict[str, Any]
    urgent: bool = False
    expires_seconds: int | None = None
    refers_to: int | None = None
    uploads: dict[str, str] = {}
    template: str = ""


WINDOW = "window"  # why a part is held: until the person writes


class Plan(msgspec.Struct, frozen=True):
    """What a message becomes on a channel. ``held`` says why its parts must wait (``WINDOW``, or
    ""); ``first`` are parts that leave all the same (a template).
    """

    parts: tuple[WirePart, ...]
    losses: tuple[Loss, ...] = ()
    held: str = ""
    first: tuple[WirePart, ...] = ()


class Consequence(StrEnum):
    """What a vendor's no means beyond the one message."""

    NONE = "none"
    STOP_CONTACT = "stop_contact"  # this person must not be written to any more
    CLOSE_WINDOW = "close_window"  # only templates until they write again: plan anew
    DISABLE_TEMPLATE = "disable_template"
    ALERT = "alert"  # an operator should look
    DISABLE_CHANNEL = "disable_channel"


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a vendor says later about a message that we sent. ``status`` is one of the outbox's
    (sent, delivered, read, failed), or "" where it tells nothing new; ``recipient`` is the chat.
    """

    vendor_id: str
    status: str
    recipient: str
    error: str = ""
    consequence: Consequence = Consequence.NONE


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
    """The message to plan, with where it goes. ``seq`` is its number in the conversation.

    ``language`` is the reader's, for the planner's own few words; ``address`` is this
    installation's public one, before the paths of media. ``window_open`` is false where the vendor
    takes only templates now.
    """

    thread: str
    seq: int
    message: Message
    is_group: bool = False
    language: str = "en"
    address: str = ""
    window_open: bool = True
    templates: tuple[Template, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor bears: GCRA emission intervals in seconds, and bursts in messages.

    ``is_group`` tells from a thread whether the limits of a group hold for it; ``chat_of`` gives
    the chat whose limits they are, where several threads stand in one.
    """

    channel_interval: float
    channel_burst: int
    chat_interval: float
    chat_burst: int
    group_interval: float
    group_burst: int
    is_group: Callable[[str], bool] = lambda _thread: False
    chat_of: Callable[[str], str] = str


class Fetched(msgspec.Struct, frozen=True):
    """A file that came in, fetched from its vendor; the media type is only what the vendor says."""

    content: bytes
    media_type: str
    name: str = ""


class NotFetched(Exception):
    """The vendor does not give the file: it is gone, too large, or cannot be reached now.

    The reason is for people; ``for_good`` says that trying again is no use.
    """

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.for_good = for_good


Send = Callable[[Channel, WirePart], Awaitable[Outcome]]
Fetch = Callable[[Channel, File, int], Awaitable[Fetched]]  # at most so many bytes
# What became of a part whose fate is unknown, by asking the vendor; the datetime is when the part
# was queued. ``Accepted``: it has it. ``RetryAfter``: it surely does not, so it is sent again.
# ``Permanent``: it has refused it. ``Ambiguous`` or None: it cannot say yet.
Reconcile = Callable[[Channel, WirePart, datetime], Awaitable[Outcome | None]]


@dataclass(frozen=True, slots=True)
class DoorAnswer:
    """What the vendor hears when its events are committed."""

    media_type: str = "application/json"
    body: bytes = b"{}"


class Settle(msgspec.Struct, frozen=True):
    """A question was answered, or a stale button tapped.

    ``reply_ref`` is the callback to answer ("" if none), ``notice`` a short text shown with it;
    ``approved`` makes it the answer to a checkout, whose refusal the ``notice`` explains;
    ``asked_seq`` the message whose buttons go (0 if none), ``chosen`` the label to leave in place.
    """

    thread: str
    reply_ref: str = ""
    notice: str = ""
    asked_seq: int = 0
    message_ref: str = ""
    message: Message | None = None
    chosen: str = ""
    approved: bool | None = None


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """A messenger's manifest: what its folder offers. ``kind`` stands in its webhook's path.

    ``verify`` raises ``Rejected`` (constant time, on raw bytes); ``split`` gives every event of a
    request or raises ``Rejected``; ``read`` gives the event in our words, or the report that it is;
    ``plan`` draws a message; ``settle`` gives the parts that answer a tap at once and take away the
    buttons of an answered question; ``send`` is None where the message history itself is the wire
    (web chat, terminal). ``greet`` answers the vendor's GET that proves the address to be ours.
    ``repeatable`` are methods that may be sent again when their fate is unknown; ``refer`` fills in
    the vendor's id of the message that a part refers to.
    """

    kind: str
    title: str
    capabilities: Capabilities
    verify: Callable[[RawRequest, Channel], None]
    split: Callable[[RawRequest, Channel, datetime], Sequence[Arrival]]
    read: Callable[[bytes, Channel], Inbound | Report]
    plan: Callable[[Prompt], Plan]
    settle: Callable[[Settle], Sequence[WirePart]]
    limits: Limits | None = None
    send: Send | None = None
    fetch: Fetch | None = None
    reconcile: Reconcile | None = None
    greet: Callable[[RawRequest, Channel], DoorAnswer] | None = None
    answer: DoorAnswer = DoorAnswer()
    repeatable: frozenset[str] = frozenset()
    refer: Callable[[WirePart, str], WirePart] | None = None
