"""Operators, sessions, the commands about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from chatworks.commands.models import Command
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal

SIGN_IN_LINK_FOR = timedelta(hours=24)
STAFF_CODE_FOR = timedelta(minutes=10)
SESSION_IDLE_FOR = timedelta(hours=12)
SESSION_FOR = timedelta(days=7)
SECRET_BYTES = 32
STAFF_CODE_LENGTH = 8  # of Crockford's 32 letters: 40 bits, for ten minutes, few tries
STAFF_TRIES_BURST = 5  # wrong codes from one conversation at once, then one a minute
STAFF_TRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who runs an outlet."""

    outlet_id: UUID
    id: UUID
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in."""

    outlet_id: UUID
    id: UUID
    operator: Operator
    created_at: datetime
    last_seen_at: datetime
    user_agent: str


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


class NoOperator(Refusal):
    """The outlet has nobody who could sign in."""


class CodeNotValid(Refusal):
    """The code is wrong, was used, or is too old: the three look the same."""


class TooManyTries(Refusal):
    """Too many wrong codes from this conversation; wait a minute."""


def _of_operator(category: str, purpose: str, retention: str) -> Personal:
    return Personal(
        category=category,
        subject="operator",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        visible=("self", "operator"),
        erasure=Erasure.NULL,
    )


_CODE = {
    "outlet_id": operational("tenant"),
    "id": operational("identifier"),
    "operator_id": operational("whose; the person is in operator"),
    "secret_hash": operational("SHA-256 of a random secret"),
    "expires_at": operational("until when"),
}

DATA_MAP: DataMap = {
    "operator": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "name": _of_operator("user.name", "show who did what", "left the outlet + 1 year"),
        "role": operational("what they may do"),
        "created_at": operational("when"),
    },
    "one_time_code": {
        **_CODE,
        "purpose": operational("sign in or bind a chat"),
        "used_at": operational("when it was spent"),
    },
    "session": {
        **_CODE,
        "created_at": operational("when"),
        "last_seen_at": operational("when"),
        "revoked_at": operational("when it was ended"),
        "user_agent": _of_operator("user.device", "recognise own devices", "session ended + 30 d"),
        "address": _of_operator("user.device.ip_address", "notice theft", "session ended + 30 d"),
    },
    "staff_chat": {
        "outlet_id": operational("tenant"),
        "operator_id": operational("whose; the person is in operator"),
        "conversation_id": operational("which chat; the person is in contact"),
        "created_at": operational("when"),
    },
}
