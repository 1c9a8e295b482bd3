"""Conversations, dialogues, what a turn decides, and the commands and facts about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from chatworks.channels.models import Settle
from chatworks.commands.models import Command, Query
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal
from chatworks.sdk.inbound import Inbound, InboundKind, Payment, Sender
from chatworks.sdk.messages import Media, Message
from chatworks.sdk.runtime import Entry

REPLY_LENGTH_MAX = 4000  # code points of one operator's reply
LEASE = timedelta(minutes=30)  # how long who took over holds it; each reply begins it anew


class Speaker(StrEnum):
    """Who answers in a conversation."""

    BOT = "bot"
    HUMAN = "human"


class ContactStatus(StrEnum):
    """Whether we may write to a contact."""

    ACTIVE = "active"
    STOPPED = "stopped"  # they said stop
    BLOCKED = "blocked"  # the messenger says that they cannot be reached


class DialogueStatus(StrEnum):
    """Where a dialogue stands."""

    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Installed:
    """An applet that an outlet switched on; ``settings`` is JSON."""

    applet: str
    version: str
    settings: bytes


@dataclass(frozen=True, slots=True)
class OutletView:
    """What the engine must know of an outlet. ``notices`` is the first-contact text by language."""

    id: UUID
    name: str
    languages: tuple[str, ...]
    notices: Mapping[str, str]
    installed: tuple[Installed, ...]
    continues: frozenset[UUID] = frozenset()  # channels whose menu offers to go on elsewhere


@dataclass(slots=True)
class NewMessage:
    """One message to write into the history; ``seq`` is known once it is written."""

    direction: str
    author: str
    content: Message | Inbound
    event_id: int | None = None
    seq: int = 0
    route_id: UUID | None = None  # it is a route's, which wants to know its number
    bulk: bool = False  # leaves after everybody's answers
    reference: UUID | None = None  # of a post whose writer wants to know its number


@dataclass(slots=True)
class Dialogue:
    """One run of an applet, as it is and as it will be written."""

    id: UUID
    applet: str
    version: str
    command: str
    language: str
    settings: bytes
    start: bytes
    started_at: datetime
    status: DialogueStatus = DialogueStatus.WAITING
    pages: int = 0
    entries: list[Entry] = field(default_factory=list)
    asked_seq: int = 0
    question: NewMessage | None = None  # asked in this batch: its seq is not known yet
    ended_at: datetime | None = None
    is_new: bool = False
    written: int = 0  # how many entries stand in the database
    rewritten: bool = False  # the code changed: the journal is written anew
    moved_to: UUID | None = None  # the conversation in which it goes on


@dataclass(slots=True)
class Conversation:
    """A conversation with its contact and the dialogue that waits, as loaded for a batch."""

    outlet_id: UUID
    id: UUID
    channel_id: UUID
    contact_id: UUID
    thread: str
    thread_key: int
    sender: Sender
    status: ContactStatus
    language: str
    is_group: bool = False
    speaker: Speaker = Speaker.BOT
    operator_id: UUID | None = None
    speaker_until: datetime | None = None
    dialogue: Dialogue | None = None
    offered: tuple[str, ...] = ()  # ids of the last menu: what an answer by number means
    is_new: bool = False


class Journal(msgspec.Struct, frozen=True):
    """A dialogue with everything that it was told; entries are plain JSON."""

    id: UUID
    applet: str
    version: str
    command: str
    language: str
    settings: str
    start: str
    status: DialogueStatus
    entries: list[list[Any]]


class PendingSettle(msgspec.Struct, frozen=True):
    """A settle whose question may have been asked in this very batch: its seq comes late.

    ``heard_at`` is when the event came in that it answers: what must be answered in time is not
    answered after it.
    """

    settle: Settle
    question: NewMessage | None
    heard_at: datetime


class NewTimer(msgspec.Struct, frozen=True):
    """Wake ``dialogue_id`` at ``due_at`` if its journal is still ``step`` entries long."""

    dialogue_id: UUID
    step: int
    due_at: datetime


class NewMove(msgspec.Struct, frozen=True):
    """Tell another conversation that it was joined, and which dialogue comes to it (None: none)."""

    conversation_id: UUID
    dialogue_id: UUID | None


@dataclass(slots=True)
class Update:
    """Everything that a transaction writes about one conversation.

    ``state`` is the conversation as a turn left it; None where somebody else only posts.
    """

    outlet_id: UUID
    conversation_id: UUID
    messages: list[NewMessage] = field(default_factory=list)
    settles: list[PendingSettle] = field(default_factory=list)
    dialogues: dict[UUID, Dialogue] = field(default_factory=dict)
    timers: list[NewTimer] = field(default_factory=list)
    moves: list[NewMove] = field(default_factory=list)
    state: Conversation | None = None
    contact_changed: bool = False
    must_reach: bool = False  # the last word to somebody who just said stop

    @property
    def heard(self) -> bool:
        """Whether the person said something in it: their vendor's window opens anew."""
        return any(message.direction == "in" for message in self.messages)


class Post(msgspec.Struct, frozen=True):
    """A message to a conversation from outside its turns. ``bulk``: one of many, to many. Who gives
    a ``reference`` hears by ``PostWritten`` which message it has become.
    """

    outlet_id: UUID
    conversation_id: UUID
    message: Message
    author: str = "system"
    bulk: bool = False
    reference: UUID | None = None


class PostWritten(msgspec.Struct, frozen=True):
    """Fact: a post with a reference is written, as this message of its conversation. Nothing leaves
    where the person's ``status`` is no more ``active``, whatever it was when the post was decided.
    """

    outlet_id: UUID
    conversation_id: UUID
    message_seq: int
    reference: UUID
    status: ContactStatus = ContactStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class HumanWanted:
    """Fact: a customer asks for a person."""

    outlet_id: UUID
    conversation_id: UUID
    contact_name: str


@dataclass(frozen=True, slots=True)
class PaymentTaken:
    """Fact: the messenger took a payment. ``event_id`` is the inbox event that says so: the same
    payment is heard once.
    """

    outlet_id: UUID
    channel_id: UUID
    conversation_id: UUID
    contact_id: UUID
    event_id: int
    payment: Payment


@dataclass(frozen=True, slots=True)
class BotMade:
    """Fact: a person made a bot that the channel's own bot may manage, or gave it another token."""

    outlet_id: UUID
    channel_id: UUID
    conversation_id: UUID
    person: str  # the messenger's id of who made it
    bot_id: int
    username: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a payment may go on: ``reason`` says to the payer why not; "" where it may."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class MayPay(Query[Verdict]):
    """May this person pay this now? The messenger waits ten seconds for the answer."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class PersonWaits:
    """Fact: somebody said something that a person of the outlet is to answer."""

    outlet_id: UUID
    conversation_id: UUID


@dataclass(frozen=True, slots=True)
class PersonAnswered:
    """Fact: an operator answered."""

    outlet_id: UUID
    conversation_id: UUID
    operator_id: UUID | None


@dataclass(frozen=True, slots=True)
class BotSpeaks:
    """Fact: the bot answers again. ``forgot`` is whose lease ran out, where that is why."""

    outlet_id: UUID
    conversation_id: UUID
    forgot: UUID | None = None


@dataclass(frozen=True, slots=True)
class LeasesDue:
    """Fact: it is time to look whose lease ran out; heard in a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Who speaks in a conversation now."""

    speaker: str


@dataclass(frozen=True, slots=True)
class TakeOver(Command[Spoken]):
    """An operator answers from here on, for as long as the lease runs; the bot keeps silent.

    Who takes it from a colleague names them in ``holder_id``: of two who take it at the same
    moment one wins, and the other reads who did.
    """

    conversation_id: UUID
    holder_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class HandBack(Command[Spoken]):
    """The bot answers again; a colleague's conversation must be taken over first."""

    conversation_id: UUID


@dataclass(frozen=True, slots=True)
class Reply(Command[Spoken]):
    """An operator's own words to the person; they take the conversation over, or renew the lease.

    It is refused while a colleague holds the conversation.
    """

    conversation_id: UUID
    text: str
    media: tuple[Media, ...] = ()


class NoSuchConversation(Refusal):
    """There is no such conversation in this outlet."""


class HeldBy(Refusal):
    """A colleague holds the conversation: their name, and minutes until it is free."""


class CannotReach(Refusal):
    """The person stopped or blocked the channel."""


class NoSuchFile(Refusal):
    """There is no such file of this conversation or of the outlet."""


class EmptyReply(Refusal):
    """A reply needs 1 to 4,000 characters."""


def _of_contact(category: str, purpose: str, retention: str) -> Personal:
    return Personal(
        category=category,
        subject="contact",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        visible=("self", "operator"),
        erasure=Erasure.NULL,
    )


_TALK = "last message + 24 months"
_ENGINE_ONLY = ("engine",)

DATA_MAP: DataMap = {
    "contact": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "channel_id": operational("channel"),
        "vendor_id": _of_contact("user.unique_id.pseudonymous", "reach the person", _TALK),
        "name": _of_contact("user.name", "address the person", _TALK),
        "username": _of_contact("user.account.username", "recognise the person", _TALK),
        "phone": _of_contact("user.contact.phone_number", "reach the person", _TALK),
        "phone_proof": operational("who vouched for the number"),
        "phone_proved_at": operational("when"),
        "language": _of_contact("user.preferences", "speak the person's language", _TALK),
        "status": operational("whether we may write"),
        "created_at": operational("first contact"),
    },
    "conversation": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "channel_id": operational("channel"),
        "contact_id": operational("whose it is"),
        "thread": _of_contact("user.unique_id.pseudonymous", "send answers to the chat", _TALK),
        "thread_key": operational("lock key: a hash of channel and chat"),
        "is_group": operational("kind of chat"),
        "speaker": operational("bot or human"),
        "operator_id": operational("who took it over; the person is in operator"),
        "speaker_until": operational("when the bot speaks again"),
        "dialogue_id": operational("the dialogue that waits"),
        "offered": operational("ids of the last menu, for answers by number"),
        "heard_at": operational("when the person last wrote: the vendor's window"),
        "last_seq": operational("number of messages"),
        "read_seq": operational("read up to here by operators"),
        "seen_seq": operational("seen up to here by the person, where their page tells"),
        "last_at": operational("order of the list"),
        "last_minute": operational("order of the list, for its index"),
        "last_text": _of_contact("user.content.private", "show the list of messages", _TALK),
        "created_at": operational("first message"),
    },
    "message": {
        "outlet_id": operational("tenant"),
        "conversation_id": operational("where it was said"),
        "seq": operational("order"),
        "direction": operational("in or out"),
        "author": operational("kind of author or operator id"),
        "content": _of_contact("user.content.private", "answer, prove what was agreed", _TALK),
        "event_id": operational("the event that brought it"),
        "created_at": operational("when"),
    },
    "dialogue": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "conversation_id": operational("where it runs"),
        "applet": operational("which applet"),
        "version": operational("which version it is pinned to"),
        "command": operational("which command"),
        "language": operational("snapshot"),
        "settings": operational("snapshot of the applet's settings"),
        "start": Personal(
            category="user.content.private",
            subject="conversation",
            purpose="what the dialogue began with",
            basis=Basis.CONTRACT,
            retention="dialogue ended + 90 days",
            visible=_ENGINE_ONLY,
            erasure=Erasure.NULL,
        ),
        "status": operational("waiting, done, cancelled, failed"),
        "pages": operational("journal pages"),
        "steps": operational("journal entries"),
        "asked_seq": operational("the open question's message"),
        "started_at": operational("when"),
        "ended_at": operational("when"),
    },
    "journal": {
        "outlet_id": operational("tenant"),
        "dialogue_id": operational("whose journal"),
        "page": operational("order"),
        "entries": Personal(
            category="user.content.private",
            subject="dialogue",
            purpose="continue the dialogue where it was",
            basis=Basis.CONTRACT,
            retention="dialogue ended + 90 days",
            visible=_ENGINE_ONLY,
            erasure=Erasure.DELETE_ROW,
        ),
    },
}

Alias = tuple[UUID, UUID, str, str, int]  # outlet, channel, known as, thread now, its lock key

HISTORY_KINDS = frozenset(
    {
        InboundKind.TEXT,
        InboundKind.COMMAND,
        InboundKind.TAP,
        InboundKind.PLACE,
        InboundKind.PHONE,
        InboundKind.FILE,
        InboundKind.PAID,
        InboundKind.FORM,
        InboundKind.STOP,
        InboundKind.START,
        InboundKind.NOTED,
        InboundKind.EDITED,
        InboundKind.UNKNOWN,
    }
)
