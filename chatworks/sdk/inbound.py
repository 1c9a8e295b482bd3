"""What comes in, in the words of no vendor: the other half of the message model.

A channel turns a vendor's event into an ``Inbound``, which a turn takes. It is frozen, and stored
in the conversation's history as it is.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from chatworks.sdk.messages import Place


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
    FORM = "form"  # values: the fields' answers; tap: "<asked_seq>.<form id>"
    CHECKOUT = "checkout"  # the messenger asks whether a payment may go on; seconds count
    PAID = "paid"  # the messenger took a payment
    STOP = "stop"  # the messenger's own opt-out word: it has already answered it
    START = "start"  # the messenger's own opt-in word
    NOTED = "noted"  # another word that the messenger answers by itself: kept, and not answered
    EDITED = "edited"  # the person changed a message that was already taken
    BLOCKED = "blocked"  # the person blocked the bot, or left
    UNBLOCKED = "unblocked"
    MOVED = "moved"  # the chat has another id now: arguments
    BOT = "bot"  # the person made a bot that we may manage; arguments: "<id> <user name>"
    TIMER = "timer"  # arguments: "<dialogue id> <step>"
    MOVE = "move"  # text: leave, arguments: "<conversation id>"; or arrive, and "<dialogue id>"
    UNKNOWN = "unknown"  # something this channel cannot take yet; text names it
    OTHER = "other"  # nothing that was said to us (a reaction, a pinned message); text names it


class Sender(msgspec.Struct, frozen=True, omit_defaults=True):
    """The person behind an event, as the channel knows them.

    ``vendor_id`` is the channel's own scoped id; ``aliases`` are other ids of the same person there
    (a number beside a business-scoped id), under which we may know them from before.
    """

    vendor_id: str
    name: str = ""
    username: str = ""
    language: str = ""
    phone: str = ""  # only where the messenger vouches for it
    aliases: tuple[str, ...] = ()


class Payment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A payment through the messenger: minor units, our ``reference``, the vendor's charge."""

    minor: int
    currency: str
    reference: str
    charge_id: str = ""
    provider_charge_id: str = ""


class Inbound(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event of a conversation, in the words of no vendor."""

    kind: InboundKind
    sender: Sender
    text: str = ""
    arguments: str = ""
    tap: str = ""
    place: Place | None = None
    phone: str = ""
    file: File | None = None
    values: dict[str, str] = msgspec.field(default_factory=dict)
    payment: Payment | None = None
    referral: str = ""  # what they came from: an advertisement, a link
    message_ref: str = ""  # the vendor's id of the message, or of the one whose button was tapped
    reply_ref: str = ""  # what must be answered at once (a callback query's id)
    is_group: bool = False
    chat_title: str = ""  # the group's name


def command_in(text: str) -> tuple[str, str] | None:
    """Return the word and the arguments of a chat command that is written out (``/order two``)."""
    if not text.startswith("/"):
        return None
    word, _, arguments = text[1:].partition(" ")
    return word.lower(), arguments.strip()
