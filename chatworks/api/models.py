"""Keys, scopes, the commands about keys, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from chatworks.commands.models import Actor, Command, Query
from chatworks.kit.datamap import DataMap, operational
from chatworks.kit.errors import ChatWorksError, Refusal

NAME_LENGTH_MAX = 80  # code points of a key's name
KEYS_MAX = 50  # that work, of one outlet
DAYS_MAX = 365  # a key works for so long at most: what is forgotten ends by itself
SCOPES_MAX = 100


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: for which outlet, and as whom; the actor's cap is what the key names."""

    outlet_id: UUID
    actor: Actor


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the console lists it: never its secret. ``issuer`` is the operator's name."""

    id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    issuer: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyIssued:
    """A fresh key. ``secret`` is all of it, shown this once; ``repr`` does not show it."""

    key_id: UUID
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssueKey(Command[KeyIssued]):
    """Make a key with which a program may do what ``scopes`` name, for so many days."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
    scopes: tuple[str, ...]
    days: Annotated[int, Meta(ge=1, le=DAYS_MAX)]


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    """Which key works no more."""

    key_id: UUID


@dataclass(frozen=True, slots=True)
class RevokeKey(Command[KeyRevoked]):
    """End a key at once."""

    key_id: UUID


@dataclass(frozen=True, slots=True)
class ListKeys(Query[list[Key]]):
    """The outlet's keys, the newest first; those that ended too."""


class Fault(msgspec.Struct, frozen=True):
    """One place of a request that does not fit: a JSON pointer, and what is wrong there."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an answer is no result (RFC 9457). ``code`` and ``arguments`` are a refusal's: its kind,
    and what it says beside; ``errors`` name what does not fit.
    """

    type: str
    title: str
    status: int
    detail: str = ""
    code: str = ""
    arguments: list[str | int | float | bool | None] = []
    errors: list[Fault] = []


class NoSuchKey(Refusal):
    """There is no such key in this outlet, or it was revoked before."""


class KeyNotValid(Refusal):
    """What was asked for does not fit: the arguments name the field and the limit."""


class Malformed(ChatWorksError):
    """The body is no JSON in UTF-8."""

    status = 400


class TooLarge(ChatWorksError):
    """The body has more bytes than any request may have."""

    status = 413


class NotJson(ChatWorksError):
    """The body is called something else than JSON."""

    status = 415


class NotKnown(ChatWorksError):
    """The key is missing, is none of ours, has ended, or its issuer left: all look the same."""

    status = 401

    def __init__(self, *, presented: bool) -> None:
        super().__init__(
            "this key does not work: it is wrong, has ended, or its issuer has left"
            if presented
            else "show a key: Authorization: Bearer cw_live_…"
        )
        error = ', error="invalid_token"' if presented else ""
        self.headers = {"www-authenticate": f'Bearer realm="chatworks"{error}'}


class NotInScope(ChatWorksError):
    """The key is good, but names other things than this one."""

    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"this key does not name {scope} among what it may do")
        self.headers = {
            "www-authenticate": f'Bearer realm="chatworks", error="insufficient_scope", '
            f'scope="{scope}"'
        }


DATA_MAP: DataMap = {
    "api_key": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "name": operational("what the outlet calls the program"),
        "prefix": operational("the key's public part: lists and leak reports show it"),
        "secret_hash": operational("SHA-256 of the key; it is random and long"),
        "scopes": operational("what the program may do"),
        "membership_id": operational("who issued it; the person is found through their own row"),
        "created_at": operational("when"),
        "expires_at": operational("until when"),
        "last_used_at": operational("when it was used last, to the minute"),
        "revoked_at": operational("when it was ended"),
    },
}
