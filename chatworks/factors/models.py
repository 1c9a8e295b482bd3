"""Factors, ways, recoveries and step-ups, the commands about them, and what is kept of people."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from chatworks.commands.models import Command
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import ChatWorksError, Refusal

ISSUER = "ChatWorks"  # what authenticator apps show beside the account
TOTP_DIGITS = 6  # what every authenticator app shows
TOTP_SECONDS = 30  # RFC 6238, 5.2
TOTP_TOLERANCE = (
    1  # steps to either side: RFC 6238, 5.2 recommends one for the delay of the network
)
RECOVERY_CODES = 10
RECOVERY_LETTERS = 16  # of Crockford's 32: 80 bits
TELL_AGAIN = timedelta(days=1)
KINDS_ASKED = 2  # of ways, for a recovery that waits
STEP_UP_FOR = timedelta(minutes=5)
SETUP_FOR = timedelta(minutes=15)  # of an authenticator app, from its key to its first code
CHALLENGE_FOR = timedelta(minutes=5)  # WebAuthn level 3, 15.1 recommends 5 to 10 minutes
CHALLENGE_BYTES = 32  # WebAuthn level 3, 13.4.3 asks for 16
PASSKEYS_MAX = 20
PASSKEY_NAME_MAX = 60
LEFTOVERS_KEPT = timedelta(days=1)

SECOND = frozenset({"totp", "passkey", "recovery"})  # methods that count beside a first factor
CODES = frozenset({"code", "link"})  # first factors that came over an address
ADDRESSES = frozenset({"email", "phone"})  # kinds of ways that are no chat
# Methods that open what a first factor opens, on any device: whoever runs the installation gave it.
TRUSTED = frozenset({"cli"})


class Lack(StrEnum):
    """What a session must still show: its second factor, or that the account knows the device."""

    SECOND = "second"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """For whom browsers make passkeys: a domain, and the one origin that may ask for them."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account has set, as the database has it now."""

    totp: bool
    passkeys: int
    passkey_second: bool
    recovery_left: int
    password: bool
    password_alone: bool = True  # it is long enough without a second factor

    @property
    def has_second(self) -> bool:
        """Whether a first factor alone opens nothing."""
        return self.totp or (self.passkey_second and self.passkeys > 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is to know before every page: the account's factors, whether it knows the device,
    and whether the outlet that the console shows demands a second factor.
    """

    held: Factors
    device_known: bool
    demanded: bool


@dataclass(frozen=True, slots=True)
class Way:
    """An address or a chat that is bound to an account. ``hint`` shows it without giving it away.

    ``kind`` is ``email``, ``phone``, or the kind of the chat's channel (``telegram``).
    """

    id: str
    kind: str
    hint: str
    value: str = field(repr=False)  # the address, or the chat as "outlet:conversation"
    since: datetime


@dataclass(frozen=True, slots=True)
class Tell:
    """A fact: the owner of an account is to be told, by this letter, over every way."""

    account_id: UUID
    key: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Setup:
    """A fresh authenticator secret, shown until a first code confirms it."""

    secret: str = field(repr=False)
    address: str = field(repr=False)  # otpauth://, for the QR code


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner sees it, and as a signature is checked against it."""

    account_id: UUID
    id: UUID
    credential_id: bytes
    public_key: bytes = field(repr=False)
    name: str
    transports: list[str]
    synced: bool
    created_at: datetime
    last_used_at: datetime | None
    doubted_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey as it is stored."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    transports: list[str]
    synced: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser is asked to sign: the challenge's ticket, and the options as JSON."""

    ticket: UUID
    options: str

    def document(self) -> dict[str, Any]:
        """Return both as one JSON document, for a page's script."""
        return {"ticket": self.ticket.hex, "options": msgspec.json.decode(self.options)}


@dataclass(frozen=True, slots=True)
class Recovery:
    """Asking for the second factor to be taken away, as it stands."""

    id: UUID
    account_id: UUID
    proved: list[str]
    asked_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepUp:
    """A fresh factor that is asked for: ``asks`` says for what, with ``said`` in its fields."""

    id: UUID
    account_id: UUID
    session_id: UUID
    asks: str
    said: dict[str, str]


@dataclass(frozen=True, slots=True)
class Demanded:
    """Whether the outlet demands a second factor of its staff now."""

    demanded: bool


@dataclass(frozen=True, slots=True)
class DemandSecondFactor(Command[Demanded]):
    """Demand a second factor of everybody who works for the outlet, or stop demanding it."""

    demanded: bool


class FactorNotValid(Refusal):
    """The code or the signature is wrong, was used, or is too old: they look the same."""


class NoFactor(Refusal):
    """The account has nothing that could be shown: it must set something first."""


class AlreadySet(Refusal):
    """There is one already: it must be removed first."""


class TooManyPasskeys(Refusal):
    """An account holds a limited number of passkeys (it is the argument)."""


class LastWayIn(Refusal):
    """Without this nobody could sign in to the account any more; it is asked for once more."""


class PasswordTooShort(Refusal):
    """The password is not long enough to stand alone: a longer one must be chosen first."""


class NothingToRecover(Refusal):
    """No second factor is set, or the account has too few ways for a recovery."""


class PasskeysNotHere(ChatWorksError):
    """This installation's address is none that browsers make passkeys for."""

    status = 404


def _of_account(category: str, purpose: str, retention: str) -> Personal:
    return Personal(
        category=category,
        subject="account_id",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        visible=("self",),
        erasure=Erasure.DELETE_ROW,
    )


_WHOSE = operational("whose; the person is in account")
_ID = operational("identifier")
_WHEN = operational("when")
_REMOVED = "factor removed"

DATA_MAP: DataMap = {
    "totp": {
        "account_id": _WHOSE,
        "id": operational("of this secret: its seal is bound to it"),
        "secret_sealed": _of_account(
            "user.authorization.credentials", "check codes of the authenticator app", _REMOVED
        ),
        "last_step": operational("the step of the last code that was taken: older ones are spent"),
        "created_at": _WHEN,
        "confirmed_at": operational("when a first code confirmed it"),
    },
    "recovery_code": {
        "account_id": _WHOSE,
        "id": _ID,
        "secret_hash": operational("SHA-256 of 80 random bits"),
        "created_at": _WHEN,
        "used_at": operational("when it was burnt"),
    },
    "factor_recovery": {
        "account_id": _WHOSE,
        "id": _ID,
        "proved": operational("kinds of channels over which a code came back"),
        "asked_at": _WHEN,
        "due_at": operational("when the second factor goes"),
        "told_at": operational("when every way was last told"),
        "ended_at": operational("when it was done or cancelled"),
        "ended_how": operational("how it ended"),
    },
    "step_up": {
        "id": _ID,
        "account_id": _WHOSE,
        "session_id": operational("the session that asks"),
        "operation": operational("SHA-256 of what is asked"),
        "asks": operational("what is asked, in words with fields"),
        "said": _of_account("user.content.private", "say what is asked", "step-up over + 1 day"),
        "asked_at": _WHEN,
        "expires_at": operational("until when"),
        "proved_at": operational("when a factor was shown"),
        "method": operational("which factor"),
        "spent_at": operational("when the operation was done"),
    },
    "factor_demand": {
        "outlet_id": operational("tenant"),
        "since": _WHEN,
    },
    "passkey": {
        "account_id": _WHOSE,
        "id": _ID,
        "credential_id": _of_account(
            "user.authorization.credentials", "find the passkey that signs in", _REMOVED
        ),
        "public_key": _of_account(
            "user.authorization.credentials", "check a passkey's signature", _REMOVED
        ),
        "sign_count": operational("a copied passkey shows by it"),
        "name": _of_account("user.device", "tell one's passkeys apart", _REMOVED),
        "transports": operational("how its authenticator is reached"),
        "synced": operational("its maker keeps a copy"),
        "created_at": _WHEN,
        "last_used_at": _WHEN,
        "doubted_at": operational("when its count went back"),
    },
    "passkey_second": {
        "account_id": _WHOSE,
        "since": _WHEN,
    },
    "passkey_challenge": {
        "id": _ID,
        "purpose": operational("what signing it is good for"),
        "session_id": operational("the session that it was made for"),
        "challenge": operational("random bytes"),
        "expires_at": operational("until when"),
        "used_at": operational("when it was signed"),
    },
}
