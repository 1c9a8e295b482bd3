"""Mails, what becomes of them, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational

SUBJECT_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 50_000
HTML_LENGTH_MAX = 200_000
GOOD_FOR = timedelta(days=1)  # how long a mail is tried, where its sender does not say
LEASE = timedelta(seconds=120)
SEND_SECONDS_MAX = 60.0  # of one mail, all steps together: shorter than the lease
KEPT_FOR = timedelta(days=30)  # after its end, without what it said; as DATA_MAP says
PAUSE_SECONDS_MIN = 5.0
PAUSE_SECONDS_MAX = 1_800.0  # RFC 5321 4.5.4.1: a sender waits about thirty minutes


class Status(StrEnum):
    """Where a mail stands."""

    QUEUED = "queued"
    LEASED = "leased"
    SENT = "sent"  # a server took it; whether it arrived, no server promises
    UNKNOWN = "unknown"  # a server may have taken it
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one address, which is in its one form (``kit.addresses.email_of``)."""

    to: str
    subject: str
    text: str
    html: str = ""
    good_for: timedelta = GOOD_FOR


class Content(msgspec.Struct, frozen=True):
    """What a mail says: the part that is sealed."""

    subject: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Leased:
    """A mail in a postman's hands; ``doubts`` are its earlier tries that may have arrived."""

    id: UUID
    recipient: str
    content: bytes
    attempts: int
    doubts: int
    fence: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Server:
    """An SMTP server, and how it is reached.

    ``tls_at_once`` is RFC 8314's own port; else STARTTLS is begun wherever it is offered, and
    ``must_hide`` says that nothing is sent where it is not.
    """

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls_at_once: bool = False
    must_hide: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """The server took the mail: it is the server's to deliver."""


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing was taken, and another try may help."""

    reason: str


@dataclass(frozen=True, slots=True)
class Never:
    """The server refused this mail for good."""

    reason: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """The mail left, and no answer came."""

    reason: str


Fate = Taken | Later | Never | Doubt


@dataclass(frozen=True, slots=True)
class Change:
    """What a try does to a mail. A mail that is over has no ``ready_at``."""

    status: Status
    doubts: int
    ready_at: datetime | None = None
    error: str = ""


DATA_MAP: DataMap = {
    "mail_message": {
        "id": operational("identifier; the message's own id is made of it"),
        "recipient": Personal(
            category="user.account.email",
            subject="account_address of this value",
            purpose="send codes, links and what happened to an account",
            basis=Basis.CONTRACT,
            retention="mail over + 30 days",
            visible=("engine",),
            erasure=Erasure.DELETE_ROW,
        ),
        "content": Personal(
            category="user.account.email",
            subject="account_address of recipient",
            purpose="what the mail says, sealed, until its fate is known",
            basis=Basis.CONTRACT,
            retention="mail over + 0 days",
            visible=("engine",),
            erasure=Erasure.DELETE_ROW,
        ),
        "status": operational("where it stands"),
        "attempts": operational("tries"),
        "doubts": operational("tries that may have arrived"),
        "ready_at": operational("not before; while leased: until when"),
        "expires_at": operational("of no use after"),
        "fence": operational("refuses a late postman"),
        "error": operational("the server's code, and at which step; never its words"),
        "created_at": operational("when"),
        "finished_at": operational("when its fate was known"),
    },
}
