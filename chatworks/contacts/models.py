"""Links, consent, routes: the commands, facts and refusals about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from chatworks.commands.models import Command
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal
from chatworks.sdk.messages import Message

CODE_FOR = timedelta(minutes=10)
CODE_LENGTH = 10  # a digit from 2 to 9, then nine of Crockford's 32 letters: 48 bits
TRIES_BURST, TRY_SECONDS = 5, 60.0  # codes that one conversation gives, or has shown
PERSON_CONTACTS_MAX = 20
ROUTES_KEPT = 20  # of one conversation
PRESENT_FOR = timedelta(minutes=10)  # after their last word people look at the page, and are awake


class Purpose(StrEnum):
    """Why a message is sent."""

    TRANSACTIONAL = "transactional"  # what follows from something that they asked for
    MARKETING = "marketing"  # offers: only to those who wanted them


# -- links -------------------------------------------------------------------------------


class Way(msgspec.Struct, frozen=True):
    """Another channel of the outlet. Who opens ``link`` gives the code there; where there is no
    such link, the code is written to ``number``, or on the page behind ``page``.
    """

    app: str
    link: str = ""
    number: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """A fresh code, and where it can be given; ``repr`` does not show it."""

    code: str = field(repr=False)
    ways: tuple[Way, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfferLink(Command[Offered]):
    """Make the code that joins this conversation's contact to another one; the last one counts.

    ``here`` is the conversation's channel, which is no other way.
    """

    here: UUID


@dataclass(frozen=True, slots=True)
class Joined:
    """The contact that gave the code and the one that was shown it are one person now."""

    contact_id: UUID  # that was shown the code
    app: str  # where


@dataclass(frozen=True, slots=True)
class GiveLink(Command[Joined]):
    """Give a code that the other side was shown; what waits there comes here."""

    code: str


@dataclass(frozen=True, slots=True)
class Unlinked:
    """The contact is a person of its own again."""


@dataclass(frozen=True, slots=True)
class Unlink(Command[Unlinked]):
    """Take this conversation's contact out of its person."""


class NoOtherWay(Refusal):
    """The outlet has no other channel that could be given a code."""


class LinkNotValid(Refusal):
    """The code is wrong, was used, is too old, or of another outlet: they look the same."""


class OwnLink(Refusal):
    """The code was given where it was shown; it still counts on the other side."""


class TooManyTries(Refusal):
    """Too many in a short time: wait a minute."""


class TooManyContacts(Refusal):
    """One person has at most twenty contacts."""


class NotLinked(Refusal):
    """The contact is joined to no other."""


# -- consent -----------------------------------------------------------------------------


class Choice(msgspec.Struct, frozen=True):
    """What somebody decided about one purpose."""

    purpose: Purpose
    given: bool


@dataclass(frozen=True, slots=True)
class Agreed:
    """How a contact's consent stands."""

    transactional: bool = True  # unless they said stop
    marketing: bool = False  # until they ask for offers


@dataclass(frozen=True, slots=True)
class SetConsent(Command[Agreed]):
    """Log what somebody decided. ``wording`` is what they read, in their language; ``version`` is
    the same text in English, of which a digest is kept.
    """

    choices: tuple[Choice, ...]
    source: str
    wording: str
    version: str


# -- routes ------------------------------------------------------------------------------


class SendTo(msgspec.Struct, frozen=True):
    """Fact: the person behind a conversation is to be told something, wherever it reaches them.

    ``at_home`` asks for that very conversation as long as it can be reached.
    """

    outlet_id: UUID
    conversation_id: UUID
    message: Message
    purpose: Purpose = Purpose.TRANSACTIONAL
    at_home: bool = True


class Deliver(msgspec.Struct, frozen=True):
    """Fact: a route chose ``conversation_id``; whoever writes conversations says the message.
    ``bulk``: it leaves behind everybody's answers, as an offer does.
    """

    outlet_id: UUID
    conversation_id: UUID
    message: Message
    route_id: UUID
    bulk: bool = False


class Why(StrEnum):
    """Why a candidate was passed over."""

    STOPPED = "stopped"
    BLOCKED = "blocked"
    NO_CONSENT = "no_consent"
    CHANNEL_OFF = "channel_off"
    CHANNEL_BROKEN = "channel_broken"
    WINDOW_CLOSED = "window_closed"
    FAILED = "failed"


class Candidate(msgspec.Struct, frozen=True):
    """One conversation of a person, as a route sees it.

    ``status`` is the contact's; ``channel`` is "" for a channel that works, else what is wrong with
    it (off, broken); ``pushes`` is false where a message waits on a page; ``window_hours`` is None
    where the messenger has no window, which opened at ``window_at`` (None: it is closed);
    ``template`` says that one could be sent then; ``heard_at`` is when they wrote last.
    """

    conversation_id: UUID
    kind: str
    status: str = "active"
    agreed: Agreed = Agreed()
    channel: str = ""
    pushes: bool = True
    window_hours: int | None = None
    template: bool = False
    heard_at: datetime | None = None
    window_at: datetime | None = None
    phone: str = ""


class Rules(msgspec.Struct, frozen=True):
    """An outlet's rules: kinds of channels by preference, and what one message costs there; and of
    the one message where it belongs (``home``), and in which conversations it has failed.
    """

    prefer: tuple[str, ...] = ()
    prices: Mapping[str, int] = {}
    home: UUID | None = None
    tried: tuple[UUID, ...] = ()


class Passed(msgspec.Struct, frozen=True):
    """A candidate that was passed over, and why."""

    conversation_id: UUID
    kind: str
    why: Why


class Chosen(msgspec.Struct, frozen=True):
    """A candidate that can be taken; the first one is. ``because`` is what put it there."""

    conversation_id: UUID
    kind: str
    because: str


class Decision(msgspec.Struct, frozen=True):
    """In which order the candidates are tried, and why the others are not."""

    chosen: tuple[Chosen, ...] = ()
    passed: tuple[Passed, ...] = ()


class Route(msgspec.Struct, frozen=True):
    """A message to a person, as it is stored."""

    outlet_id: UUID
    id: UUID
    wish: SendTo
    status: str
    decision: Decision
    due_at: datetime | None = None
    sent_to: UUID | None = None
    message_seq: int | None = None
    tried: tuple[UUID, ...] = ()


# -- the register of personal data -------------------------------------------------------


def _of_contact(category: str, purpose: str, basis: Basis, retention: str) -> Personal:
    return Personal(
        category=category,
        subject="contact_id",
        purpose=purpose,
        basis=basis,
        retention=retention,
        visible=("self", "operator"),
        erasure=Erasure.DELETE_ROW,
    )


DATA_MAP: DataMap = {
    "contact_link": {
        "outlet_id": operational("tenant"),
        "contact_id": operational("whose; the person is in contact"),
        "person_id": _of_contact(
            "user.unique_id.pseudonymous",
            "reach a person on the channels that they joined themselves",
            Basis.CONSENT,
            "until they unlink",
        ),
        "linked_at": operational("when"),
    },
    "link_code": {
        "outlet_id": operational("tenant"),
        "conversation_id": operational("where it was shown"),
        "secret_hash": operational("SHA-256 of a random code"),
        "expires_at": operational("until when"),
        "used_at": operational("when it was spent"),
    },
    "consent": {
        "outlet_id": operational("tenant"),
        "contact_id": operational("whose; the person is in contact"),
        "n": operational("order"),
        "purpose": operational("what for"),
        "given": Personal(
            category="user.privacy_preferences",
            subject="contact_id",
            purpose="prove what was agreed to, and when it was taken back",
            basis=Basis.LEGAL_OBLIGATION,
            retention="contact erased + 3 years",
            visible=("self", "operator"),
            erasure=Erasure.KEEP,
        ),
        "source": operational("how they said so"),
        "wording": operational("our own words, which they read"),
        "version": operational("digest of those words"),
        "at": operational("when"),
    },
    "route": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "conversation_id": operational("to whom; the person is in contact"),
        "at_home": operational("whether it belongs in that conversation"),
        "purpose": operational("why it is sent"),
        "message": Personal(
            category="user.content.private",
            subject="conversation_id",
            purpose="send it elsewhere where one channel fails",
            basis=Basis.CONTRACT,
            retention="the newest twenty of a conversation",
            visible=("self", "operator"),
            erasure=Erasure.NULL,
        ),
        "status": operational("held, sent or nowhere"),
        "due_at": operational("end of quiet hours"),
        "sent_to": operational("which conversation has it"),
        "message_seq": operational("its number there"),
        "tried": operational("conversations in which it failed"),
        "decision": operational("channels by id, with reasons"),
        "created_at": operational("when"),
        "changed_at": operational("when"),
    },
}
