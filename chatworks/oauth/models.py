"""Clients, grants, tokens, the commands about clients, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from chatworks.commands.models import Command, Query
from chatworks.kit.datamap import DataMap, operational
from chatworks.kit.errors import ChatWorksError, Refusal

NAME_LENGTH_MAX = 80  # code points of a client's name
REDIRECTS_MAX = 10
REDIRECT_LENGTH_MAX = 300
CLIENTS_MAX = 50  # of one outlet
CODE_FOR = timedelta(seconds=60)  # RFC 6749, 4.1.2: ten minutes at most; a redirect takes seconds
ACCESS_FOR = timedelta(minutes=15)
REFRESH_FOR = timedelta(days=30)  # without use


class TokenKind(StrEnum):
    """What a secret of a grant is good for."""

    CODE = "code"
    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Client:
    """A registered program. ``secret_hash`` is None of a public one, which can keep no secret;
    ``outlet_name`` is whose operator registered it.
    """

    outlet_id: UUID
    id: UUID
    name: str
    redirects: tuple[str, ...]
    secret_hash: bytes | None = field(repr=False)
    outlet_name: str = ""


@dataclass(frozen=True, slots=True)
class ClientView:
    """A client as its outlet lists it."""

    client_id: UUID
    name: str
    redirects: tuple[str, ...]
    confidential: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ClientRegistered:
    """A new client. ``secret`` is shown this once; "" of a public one."""

    client_id: UUID
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegisterClient(Command[ClientRegistered]):
    """Register a program that others may let act for their outlets. ``redirects`` are where it is
    answered, compared letter by letter; a ``confidential`` one can keep a secret.
    """

    name: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
    redirects: tuple[str, ...]
    confidential: bool


@dataclass(frozen=True, slots=True)
class ClientRemoved:
    """Which client is no more."""

    client_id: UUID


@dataclass(frozen=True, slots=True)
class RemoveClient(Command[ClientRemoved]):
    """Remove a client: whatever was granted to it ends at once."""

    client_id: UUID


@dataclass(frozen=True, slots=True)
class ListClients(Query[list[ClientView]]):
    """The clients that the outlet registered, the newest first."""


class ClientNotValid(Refusal):
    """What was asked for does not fit: the arguments name the field and the limit."""


class NoSuchClient(Refusal):
    """The outlet has no such client."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for, once it may ask."""

    client: Client
    redirect: str
    scopes: tuple[str, ...]
    state: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody let a client do, as they see it in their account."""

    outlet_id: UUID
    id: UUID
    client: str
    outlet: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Token:
    """A secret of a grant as it is stored, with the grant's client and who gave it, of today."""

    outlet_id: UUID
    id: UUID
    grant_id: UUID
    client_id: UUID
    kind: TokenKind
    scopes: tuple[str, ...]
    membership_id: UUID
    role: str
    expires_at: datetime
    challenge: str
    redirect: str
    last_used_at: datetime | None
    good: bool  # neither spent nor too old


@dataclass(frozen=True, slots=True)
class Tokens:
    """A fresh pair. ``repr`` shows neither."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    scopes: tuple[str, ...]


class NotAsked(ChatWorksError):
    """The request names no client of ours, or an address that it did not register: nobody is led
    anywhere by it.
    """

    status = 400


_WHAT = {"outlet_id": operational("tenant"), "id": operational("identifier")}

DATA_MAP: DataMap = {
    "oauth_client": {
        **_WHAT,
        "name": operational("what the program is called"),
        "redirects": operational("where it is answered"),
        "secret_hash": operational("SHA-256 of its secret; none of a public one"),
        "confidential": operational("whether it has one"),
        "registered_by": operational("by whom; the person is found through their own row"),
        "created_at": operational("when"),
        "removed_at": operational("when it was removed"),
    },
    "oauth_grant": {
        **_WHAT,
        "client_outlet_id": operational("whose client"),
        "client_id": operational("which client"),
        "membership_id": operational("who gave it; the person is found through their own row"),
        "scopes": operational("what the program may do"),
        "created_at": operational("when"),
        "last_used_at": operational("when it was used last, to the minute"),
        "revoked_at": operational("when it was ended"),
    },
    "oauth_token": {
        **_WHAT,
        "grant_id": operational("of which grant"),
        "kind": operational("code, access or refresh"),
        "secret_hash": operational("SHA-256 of the secret; it is random and long"),
        "challenge": operational("what the one who redeems the code must know (RFC 7636)"),
        "redirect": operational("where the code was sent"),
        "created_at": operational("when"),
        "expires_at": operational("until when"),
        "used_at": operational("when it was spent or revoked"),
    },
}
