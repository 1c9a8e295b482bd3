"""Accounts, memberships, sessions, devices, one-time codes, and the commands about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chatworks.commands.models import Command, Proof, Query
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import ChatWorksError, Forbidden, Refusal

# How long a code of a purpose is good for, where that is not CODE_FOR.
CODES_FOR = {"sign_in": timedelta(hours=24), "invitation": timedelta(days=7)}
CODE_FOR = timedelta(minutes=10)  # ASVS 5.0, 6.5.5: the longest life of an out-of-band code
SESSION_IDLE_FOR = timedelta(hours=12)
SESSION_FOR = timedelta(days=7)
SECRET_BYTES = 32
CODE_LENGTH = 8  # of Crockford's 32 letters: 40 bits; ASVS 5.0, 6.5.4 asks for 20
CODE_TRIES = 5  # for one code; Warehouse's second factor has as many in five minutes
DEVICES_REMEMBERED = 5  # accounts that one browser is known to, in its one cookie
AGENT_LENGTH_MAX = 300
NAME_LENGTH_MAX = 100
KEPT_AFTER_END = timedelta(days=30)  # device and address of a session that has ended
CODES_KEPT = timedelta(days=1)


class CodeForm(StrEnum):
    """What a one-time secret looks like: letters that a person types, or a link to be opened."""

    LETTERS = "letters"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Operator:
    """A membership: an account acting in an outlet, by the name that its colleagues know."""

    outlet_id: UUID
    id: UUID
    name: str
    role: str
    account_id: UUID
    is_visit: bool = False  # somebody of the platform, let in for a time


@dataclass(frozen=True, slots=True)
class Account:
    """A person, or an organisation that ``name`` speaks for; it is in no outlet by itself."""

    id: UUID
    kind: str
    name: str
    organisation_name: str | None
    language: str
    time_zone: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Details:
    """What an owner says about themselves. A person has no ``organisation_name``."""

    kind: str
    name: str
    organisation_name: str
    language: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Typed:
    """An address that somebody typed, in its normal form: it is nobody's yet."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address or a phone number of an account."""

    id: UUID
    kind: str
    value: str
    verified_at: datetime | None
    is_main: bool


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that is bound to an account: where, and as whom the messenger knows its person."""

    outlet_id: UUID
    contact_id: UUID
    outlet_name: str
    channel_kind: str
    name: str
    bound_at: datetime


@dataclass(frozen=True, slots=True)
class Browser:
    """Who asks: its user agent, its network address, and the value of its device cookie."""

    user_agent: str
    address: str
    known: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a browser is given when it is signed in: the values of its two cookies."""

    session: str = field(repr=False)
    device: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in to an account, as the database has it now.

    ``methods`` are the ways in which its person proved themselves, ``fresh_at`` is when they last
    did. ``operator`` is the membership that the console shows, None where there is none (any more).
    ``proof`` is the step-up that this very request presents; it is in no database.
    """

    id: UUID
    account_id: UUID
    device_id: UUID | None
    methods: frozenset[str]
    fresh_at: datetime
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    operator: Operator | None
    proof: Proof | None = None

    @property
    def acting(self) -> Operator:
        """The membership that the console shows; raises ``NoOutlet`` where there is none."""
        if self.operator is None:
            raise NoOutlet("this account runs no outlet")
        return self.operator

    @property
    def outlet_id(self) -> UUID:
        """The outlet that the console shows; raises ``NoOutlet`` where there is none."""
        return self.acting.outlet_id


@dataclass(frozen=True, slots=True)
class SeenSession:
    """A session as its owner sees it in their list."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    address: str
    methods: list[str]


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that an account knows by its cookie."""

    id: UUID
    user_agent: str
    address: str
    first_seen_at: datetime
    last_seen_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A fresh one-time secret, shown this once. ``id`` is the ticket that a page keeps beside it:
    it is no secret, and wrong tries are counted by it.
    """

    id: UUID
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewCode:
    """A one-time code as it is stored."""

    purpose: str
    account_id: UUID | None
    about: Mapping[str, str]
    secret_hash: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session as it is stored; ``operator`` is the membership that the console shows."""

    account_id: UUID
    device_id: UUID
    secret_hash: bytes
    methods: Collection[str]
    operator: Operator | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SpentCode:
    """What a spent code was about, and whose it was (None: nobody's)."""

    id: UUID
    account_id: UUID | None
    about: dict[str, str]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fact: an account was signed in to; ``new_device`` where the browser was not known."""

    account_id: UUID
    session_id: UUID
    device_id: UUID
    new_device: bool
    methods: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bound:
    """Whose staff chat this is now."""

    operator_name: str


@dataclass(frozen=True, slots=True)
class BindStaffChat(Command[Bound]):
    """Make the conversation that gives ``code`` a staff chat of the operator who got it."""

    code: str


@dataclass(frozen=True, slots=True)
class Unbound:
    """How many staff chats were removed."""

    count: int


@dataclass(frozen=True, slots=True)
class UnbindStaffChats(Command[Unbound]):
    """Remove the operator's own staff chats."""


@dataclass(frozen=True, slots=True)
class OneTime:
    """A fresh one-time secret, shown this once; ``repr`` does not show it."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssueSignInLink(Command[OneTime]):
    """Make a secret that signs the outlet's owner in, once, within a day."""


@dataclass(frozen=True, slots=True)
class IssueStaffCode(Command[OneTime]):
    """Make a code that binds a chat to the operator who asks, once, within ten minutes."""


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """The code with which a chat answers a page's."""

    code: str


@dataclass(frozen=True, slots=True)
class SayAccountCode(Command[ChatAnswer]):
    """Say in a chat the code that a page of the account shows."""

    code: str


@dataclass(frozen=True, slots=True)
class Door:
    """Where the account pages are."""

    address: str


@dataclass(frozen=True, slots=True)
class FindAccountPage(Query[Door]):
    """Ask where an account is opened and looked after."""


class NoAccountHere(Refusal):
    """This chat is no account's."""


class LastWayIn(Refusal):
    """Without this there would be no way left into the account."""


class NoOperator(Refusal):
    """The outlet has nobody who could sign in."""


class NoOutlet(Forbidden):
    """This account has no membership, or none any more: the console has nothing to show."""


class Closed(ChatWorksError):
    """The limits cannot be asked, so nobody is let in; it says nothing of why."""

    status = 503


class CodeNotValid(Refusal):
    """The code is wrong, was used, or is too old: the three look the same."""


class TooManyTries(Refusal):
    """Too many wrong codes from this conversation; wait a minute."""


def _of_account(category: str, purpose: str, retention: str, erasure: Erasure) -> Personal:
    return Personal(
        category=category,
        subject="account_id",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        visible=("self",),
        erasure=erasure,
    )


_CLOSED = "account closed + 30 days"
_ENDED = "session ended + 30 days"  # service.forget_old removes it
_OWNER = {
    "account_id": operational("whose; the person is in account"),
    "id": operational("identifier"),
    "secret_hash": operational("SHA-256 of a random secret"),
}

DATA_MAP: DataMap = {
    "account": {
        "id": operational("identifier"),
        "kind": operational("person or organisation"),
        "name": _of_account("user.name", "address the person", _CLOSED, Erasure.PSEUDONYM),
        "organisation_name": _of_account(
            "user.workplace", "name the organisation", _CLOSED, Erasure.NULL
        ),
        "language": _of_account(
            "user.preferences", "speak their language", _CLOSED, Erasure.PSEUDONYM
        ),
        "time_zone": _of_account(
            "user.location.approximate", "show times", _CLOSED, Erasure.PSEUDONYM
        ),
        "picture": _of_account("user.name", "be recognised", _CLOSED, Erasure.NULL),
        "created_at": operational("when"),
        "closed_at": operational("when it was closed"),
    },
    "account_address": {
        "account_id": operational("whose; the person is in account"),
        "id": operational("identifier"),
        "kind": operational("e-mail or phone"),
        "value": _of_account(
            "user.account.contact", "sign in, and tell of what happens", _CLOSED, Erasure.DELETE_ROW
        ),
        "verified_at": operational("when it was proved"),
        "is_main": operational("where messages go"),
        "created_at": operational("when"),
    },
    "account_password": {
        "account_id": operational("whose; the person is in account"),
        "hash": _of_account(
            "user.authorization.password", "sign in", "password changed", Erasure.DELETE_ROW
        ),
        "changed_at": operational("when"),
    },
    "account_contact": {
        "account_id": operational("whose; the person is in account"),
        "outlet_id": operational("tenant of the contact"),
        "contact_id": operational("which chat identity; the person is in contact"),
        "bound_at": operational("when both sides gave their code"),
    },
    "platform_role": {
        "account_id": operational("whose; the person is in account"),
        "role": operational("what they may do for the installation"),
        "granted_at": operational("when"),
    },
    "membership": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "account_id": operational("whose; the person is in account"),
        "name": Personal(
            category="user.name",
            subject="account_id",
            purpose="show who did what",
            basis=Basis.CONTRACT,
            retention="left the outlet + 1 year",
            visible=("self", "operator"),
            erasure=Erasure.PSEUDONYM,
        ),
        "role": operational("what they may do"),
        "joined_at": operational("when"),
        "left_at": operational("when they left or were removed"),
        "ends_at": operational("until when a visit lasts"),
        "is_visit": operational("somebody of the platform, let in for a time"),
    },
    "device": {
        **_OWNER,
        "user_agent": _of_account(
            "user.device", "recognise own devices", "device forgotten + 30 days", Erasure.DELETE_ROW
        ),
        "address": _of_account(
            "user.device.ip_address",
            "notice theft",
            "device forgotten + 30 days",
            Erasure.DELETE_ROW,
        ),
        "first_seen_at": operational("when"),
        "last_seen_at": operational("when"),
        "confirmed_at": operational("when another channel of the account confirmed it"),
        "forgotten_at": operational("when its owner forgot it"),
    },
    "one_time_code": {
        **_OWNER,
        "purpose": operational("what it is good for"),
        "about": _of_account(
            "user.account.contact",
            "prove an address or a chat",
            "code expired + 1 day",
            Erasure.DELETE_ROW,
        ),
        "tries_left": operational("how many wrong guesses it still takes"),
        "expires_at": operational("until when"),
        "used_at": operational("when it was spent"),
    },
    "session": {
        **_OWNER,
        "device_id": operational("on which device"),
        "outlet_id": operational("the outlet that the console shows"),
        "membership_id": operational("as which member"),
        "created_at": operational("when"),
        "last_seen_at": operational("when"),
        "expires_at": operational("until when"),
        "revoked_at": operational("when it was ended"),
        "user_agent": _of_account(
            "user.device", "recognise own devices", _ENDED, Erasure.DELETE_ROW
        ),
        "address": _of_account(
            "user.device.ip_address", "notice theft", _ENDED, Erasure.DELETE_ROW
        ),
        "methods": operational("how they proved themselves"),
        "fresh_at": operational("when they last did"),
    },
    "staff_chat": {
        "outlet_id": operational("tenant"),
        "operator_id": operational("whose; the person is in account"),
        "conversation_id": operational("which chat; the person is in contact"),
        "created_at": operational("when"),
    },
}
