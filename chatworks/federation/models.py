"""Providers, what they say of a person, first factors, and what is kept of an identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from chatworks.identity.models import Browser, Session, Typed
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import ChatWorksError, Refusal
from chatworks.kit.work import Work

ATTEMPT_FOR = timedelta(minutes=10)  # to the provider and back; ASVS 5.0, 6.5.5
SUBJECT_LENGTH_MAX = 255  # OpenID Connect Core 1.0, 2: ``sub``
NAME_LENGTH_MAX = 100
CODE_LENGTH_MAX = 2048  # of what comes back in an address


class Purpose(StrEnum):
    """What an attempt is for: to sign in, or to connect an identity to the account signed in to."""

    SIGN_IN = "sign_in"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as the environment names it.

    ``vouches``: its word that an address is verified makes a *new* account's address verified. It
    never leads to an account that exists. ``token_use`` is Cognito's own claim.
    """

    key: str
    title: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    vouches: bool = False
    token_use: bool = False


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider is asked. ``names_itself``: its answers carry ``iss`` (RFC 9207)."""

    authorize: str
    token: str
    keys: str
    names_itself: bool = False
    secret_in_body: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a code was exchanged for; nothing keeps it."""

    identity: str = field(repr=False)
    access: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a provider proved. ``email`` is "" or in our one form; ``verified`` is only its word."""

    issuer: str
    subject: str
    email: str
    verified: bool
    name: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that has just been spent, by the browser that began it."""

    provider: str
    purpose: Purpose
    account_id: UUID | None
    back: str
    language: str


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity that is connected to an account."""

    id: UUID
    provider: str
    issuer: str
    subject: str
    linked_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stranger:
    """A proved person whom no account knows yet, and the methods by which they were proved."""

    provider: str
    person: Person
    methods: frozenset[str]
    language: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who signs up with an address and a password; ``email`` is in our one form."""

    email: str
    password: str = field(repr=False)
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody proved that they are this account's, by these methods: a session may begin.

    ``hold`` is what the first factor wants to find unchanged then.
    """

    account_id: UUID
    methods: frozenset[str]
    hold: str = field(default="", repr=False, compare=False)


class Wanted(StrEnum):
    """What a first factor wants to have next."""

    CODE = "code"  # of an authenticator app that it holds
    SET_UP = "set_up"  # an authenticator app: ``secret`` goes in, a code comes out
    PASSWORD = "new_password"  # noqa: S105 - a word for what is wanted
    ADDRESS = "address"  # which address is theirs
    PROOF = "proof"  # the code that was sent to that address


@dataclass(frozen=True, slots=True)
class Asked:
    """One more step. ``ticket`` is sealed, good for minutes, and brings the answer. ``secret`` is
    what goes into an authenticator app; ``email`` is suggested, or where the code went.
    """

    wanted: Wanted
    ticket: str = field(repr=False)
    secret: str = field(default="", repr=False)
    email: str = ""


class FirstFactor(Protocol):
    """An address and a password: who keeps them. Local and Cognito answer alike.

    ``sign_up`` and ``forgot`` answer the same whether or not there is such an account, with a
    *ticket* that brings the code. They raise ``NotRight`` or ``CodeNotRight``; ``NotFit`` of
    ``passwords`` says what is wrong with a new password, ``TooMany`` and ``Unavailable`` say
    nothing about anybody. Every call draws from the limits of ``identity`` before anything else,
    and none is made within a transaction, but for those that take one.
    """

    elsewhere: bool  # whether the rules of passwords are somebody else's

    async def sign_up(self, who: Newcomer, browser: Browser) -> str:
        """Begin an account; a code goes to the address. Returns the ticket."""

    async def resend(self, ticket: str, browser: Browser) -> str:
        """Send the code of a sign-up again; returns the ticket that brings it."""

    async def confirm(self, ticket: str, code: str, browser: Browser) -> None:
        """Prove the address with the code that was sent there at sign-up: now one may sign in."""

    async def sign_in(self, address: str, password: str, browser: Browser) -> Entered | Asked:
        """Check a typed address and a password."""

    async def stands(self, work: Work, entered: Entered) -> bool:
        """Return whether what let somebody in holds, and stays so until ``work`` ends.

        Whoever begins a session asks within its transaction.
        """

    async def answer(self, ticket: str, given: str, browser: Browser) -> Entered | Asked:
        """Give what was ``Asked`` for, here or by ``service.Strangers``."""

    async def forgot(self, typed: Typed, browser: Browser, language: str) -> str:
        """Have a code sent with which a new password can be set; returns the ticket."""

    async def reset(self, ticket: str, given: tuple[str, str], browser: Browser) -> None:
        """Set a new password by (code, password); every session of the account ends."""

    async def change(self, session: Session, passwords: tuple[str, str], browser: Browser) -> str:
        """Set a new password by (old, new); every other session of the account ends.

        Returns this session's new secret. Who has none yet sets the first one, or ``NotFresh``.
        """

    async def has_one(self, work: Work, account_id: UUID) -> bool:
        """Return whether an account has a password here."""

    async def length_min(self, work: Work, account_id: UUID) -> int:
        """Return how long an account's new password must be; 0 where only the keeper knows."""


class NotRight(Refusal):
    """The address and the password do not go together, or there is no such account: both alike."""


class CodeNotRight(Refusal):
    """The code is wrong, used, or too old, or nobody asked for it: all alike."""


class NotConnected(Refusal):
    """The way to the provider and back did not come to a good end; nothing has changed."""


class OthersIdentity(Refusal):
    """This identity is connected to another account."""


class Untrusted(ChatWorksError):
    """What came from a provider broke ``rule``; the rule is logged, and told to nobody."""

    status = 403

    def __init__(self, rule: str) -> None:
        super().__init__("the provider's answer cannot be trusted")
        self.rule = rule


class Unavailable(ChatWorksError):
    """The provider does not answer, or is busy: try again in a minute."""

    status = 503


def _of_person(category: str, purpose: str) -> Personal:
    return Personal(
        category=category,
        subject="account_id",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention="account closed + 30 days",  # or at once, when it is disconnected
        visible=("self",),
        erasure=Erasure.DELETE_ROW,
    )


DATA_MAP: DataMap = {
    "account_identity": {
        "account_id": operational("whose; the person is in account"),
        "id": operational("identifier"),
        "provider": operational("which button"),
        "issuer": operational("who proves it"),
        "subject": _of_person("user.unique_id", "sign in"),
        "linked_at": operational("when"),
        "used_at": operational("when it last signed somebody in"),
    },
    "federation_attempt": {
        "state_hash": operational("SHA-256 of a random secret"),
        "browser_hash": operational("SHA-256 of a random secret"),
        "provider": operational("which button"),
        "purpose": operational("sign in, or connect"),
        "account_id": operational("whose, where it is to be connected"),
        "back": operational("the page to go on with"),
        "language": operational("of the page where it began"),
        "expires_at": operational("until when"),
    },
}

Fields = Mapping[str, str]
