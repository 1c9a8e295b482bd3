"""Kept files, whose they are, what is still to be fetched, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

import msgspec

from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import ChatWorksError
from chatworks.sdk.inbound import File
from chatworks.sdk.messages import Media, MediaKind

TYPES = {  # what is taken, and how such a file's name ends
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "application/pdf": "pdf",
    "video/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/amr": "amr",
    "text/plain": "txt",
    "text/vcard": "vcf",
}
NAME_LENGTH_MAX = 120
ALT_LENGTH_MAX = 500
KEPT_FOR = timedelta(days=730)  # after a conversation's last message, as DATA_MAP says
UNSENT_FOR = timedelta(days=1)  # an upload that no message names
ATTEMPTS_MAX = 5
LEASE = timedelta(seconds=120)
FETCH_SECONDS_MAX = 90.0  # shorter than the lease


class Origin(StrEnum):
    """Where a file came from."""

    INBOUND = "inbound"  # a messenger
    VISITOR = "visitor"  # a web chat's page
    OPERATOR = "operator"  # the console, for one conversation
    OUTLET = "outlet"  # the outlet's own: a product's photo


class State(StrEnum):
    """Where a file that came in stands."""

    WAITING = "waiting"
    LEASED = "leased"
    HERE = "here"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Examined:
    """A file that may be kept: its content as it will be served, and what it is."""

    content: bytes
    media_type: str
    name: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a file is: a conversation's, a web chat visitor's, or (neither) the outlet's own."""

    origin: Origin = Origin.OUTLET
    conversation_id: UUID | None = None
    visitor_id: UUID | None = None


class Kept(msgspec.Struct, frozen=True):
    """A kept file without its content. ``key`` is the secret half of its address."""

    outlet_id: UUID
    id: UUID
    key: bytes
    sha256: bytes
    media_type: str
    size_bytes: int
    name: str
    alt: str
    width: int | None
    height: int | None
    origin: Origin


class Loaded(msgspec.Struct, frozen=True):
    """A file with its content, for an adapter that uploads it."""

    content: bytes
    media_type: str
    name: str


class Wanted(msgspec.Struct, frozen=True):
    """A file that a message brought: ``seq`` numbers the message in its conversation."""

    outlet_id: UUID
    channel_id: UUID
    conversation_id: UUID
    seq: int
    file: File


class Fetch(msgspec.Struct, frozen=True):
    """A wanted file that this fetcher holds; ``attempts`` counts this try."""

    wanted: Wanted
    attempts: int
    fence: int


class Arrived(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a page shows of a file that came in: it, that it is being fetched, or why not."""

    state: State
    media: Media | None = None
    reason: str = ""
    width: int | None = None  # of a picture, in pixels
    height: int | None = None


class Change(msgspec.Struct, frozen=True):
    """What a try does to its fetch."""

    state: State
    ready_at: datetime
    media_id: UUID | None = None
    reason: str = ""


class NotTaken(ChatWorksError):
    """The file is of a kind that is not taken, or damaged."""

    status: ClassVar[int] = 415


class TooLarge(ChatWorksError):
    """The file is longer than the limit, which the message names."""

    status: ClassVar[int] = 413

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"a file may have at most {most_bytes:,} bytes")
        self.most_bytes = most_bytes


class OutletFull(ChatWorksError):
    """The outlet's files together would pass the limit."""

    status: ClassVar[int] = 507


def kind_of(media_type: str) -> MediaKind:
    """Return what a file of ``media_type`` is shown as."""
    head = media_type.partition("/")[0]
    return MediaKind(head) if head in {"image", "audio", "video"} else MediaKind.DOCUMENT


def _sent(purpose: str, erasure: Erasure = Erasure.DELETE_ROW) -> Personal:
    return Personal(
        category="user.content.private",
        subject="conversation_id",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention="last message + 24 months",
        visible=("self", "operator"),
        erasure=erasure,
    )


DATA_MAP: DataMap = {
    "media": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier, half of its address"),
        "key": operational("the secret half of its address"),
        "conversation_id": operational("whose it is: a conversation's"),
        "visitor_id": operational("whose it is: a web chat visitor's"),
        "origin": operational("messenger, visitor, operator or outlet"),
        "sha256": operational("equal bytes of one owner are kept once"),
        "media_type": operational("found from the bytes"),
        "size_bytes": operational("length"),
        "name": _sent("name the file to who reads it"),
        "alt": _sent("say what a picture shows"),
        "width": operational("of a picture"),
        "height": operational("of a picture"),
        "content": _sent("show the files that were sent"),
        "created_at": operational("when"),
    },
    "media_fetch": {
        "outlet_id": operational("tenant"),
        "conversation_id": operational("where it was sent"),
        "message_seq": operational("with which message"),
        "channel_id": operational("channel that can fetch it"),
        "file": _sent("fetch the file from the messenger"),
        "status": operational("where it stands"),
        "attempts": operational("tries"),
        "ready_at": operational("not before"),
        "lease_until": operational("held until"),
        "fence": operational("number of the lease"),
        "media_id": operational("the kept file"),
        "reason": operational("why it could not be had"),
        "created_at": operational("when"),
        "finished_at": operational("when"),
    },
}
