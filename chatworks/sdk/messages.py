"""What is said: the one message model that every channel draws in its own way.

An applet builds an outgoing ``Message``; a channel turns a vendor's event into an ``Inbound``.
Both are frozen, JSON-encodable by msgspec, and stored in the conversation's history as they are.
Text is plain; the only formatting is a card's bold title. Limits are the channels', not ours.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Button(msgspec.Struct, frozen=True, omit_defaults=True):
    """A choice to tap. ``id`` comes back as the answer; ``label`` is read. ``photo`` is shown where
    the messenger can: a path of this installation.
    """

    id: str
    label: str
    photo: str = ""


class Line(msgspec.Struct, frozen=True):
    """One row of a card: what it is, and its value at the right ("2 × 20 L", "KES 400")."""

    label: str
    value: str


class Card(msgspec.Struct, frozen=True):
    """A product, an order: a bold title, a subtitle, rows, and a footer."""

    title: str
    subtitle: str = ""
    lines: tuple[Line, ...] = ()
    footer: str = ""
    photo: str = ""  # a path of this installation: /media/…


class Wanted(StrEnum):
    """What the messenger's own button should offer to send."""

    NOTHING = ""
    LOCATION = "location"
    PHONE = "phone"
    FILE = "file"


class Message(msgspec.Struct, frozen=True):
    """One outgoing message. Buttons are one choice each, in order."""

    text: str = ""
    buttons: tuple[Button, ...] = ()
    card: Card | None = None
    wanted: Wanted = Wanted.NOTHING


class Place(msgspec.Struct, frozen=True):
    """A place on the map, an address, or both. Degrees of WGS 84."""

    latitude: float | None = None
    longitude: float | None = None
    address: str = ""


class File(msgspec.Struct, frozen=True):
    """A photo or file that came in, as the channel can fetch it again."""

    kind: str  # photo, document, audio, video, voice, video_note, animation, sticker
    vendor_id: str
    name: str = ""
    media_type: str = ""
    size_bytes: int | None = None


class InboundKind(StrEnum):
    """What came in."""

    TEXT = "text"
    COMMAND = "command"  # text: the word without its slash; arguments: the rest
    TAP = "tap"  # tap: "<asked_seq>.<button id>"
    PLACE = "place"
    PHONE = "phone"
    FILE = "file"
    EDITED = "edited"  # the person changed a message that was already taken
    BLOCKED = "blocked"  # the person blocked the bot, or left
    UNBLOCKED = "unblocked"
    TIMER = "timer"  # arguments: "<dialogue id> <step>"
    UNKNOWN = "unknown"  # something this channel cannot take yet; text names it
    OTHER = "other"  # nothing that was said to us (a reaction, a pinned message); text names it


class Sender(msgspec.Struct, frozen=True):
    """The person behind an event, as the channel knows them."""

    vendor_id: str
    name: str = ""
    username: str = ""
    language: str = ""
    phone: str = ""  # only where the messenger vouches for it


class Inbound(msgspec.Struct, frozen=True):
    """One event of a conversation, in the words of no vendor."""

    kind: InboundKind
    sender: Sender
    text: str = ""
    arguments: str = ""
    tap: str = ""
    place: Place | None = None
    phone: str = ""
    file: File | None = None
    message_ref: str = ""  # the vendor's id of the message, or of the one whose button was tapped
    reply_ref: str = ""  # what must be answered at once (a callback query's id)
    is_group: bool = False
    chat_title: str = ""  # the group's name
