"""What a channel draws, in the words of no vendor: the planner's result, an encoder's input.

The ids of an offer's buttons are final: ``<seq>.<id>``. A page that is not the whole list has one
more row, ``<seq>.more:<first>``, which shows the page that begins at that choice.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from chatworks.channels.models import Loss
from chatworks.channels.planning.rich import Rich
from chatworks.sdk.commerce import Invoice
from chatworks.sdk.messages import Button, Card, ContactCard, Form, Media, Place, Section


class OfferKind(StrEnum):
    """How choices are shown."""

    BUTTONS = "buttons"
    ROWS = "rows"  # a list that opens
    ASK = "ask"  # the messenger's own buttons that share a place or a number


class Offer(msgspec.Struct, frozen=True):
    """Choices beneath a text. ``opener`` and ``sections`` are a list's."""

    kind: OfferKind
    buttons: tuple[Button, ...] = ()
    sections: tuple[Section, ...] = ()
    opener: str = ""


class Words(msgspec.Struct, frozen=True):
    """A text, and what can be chosen beneath it."""

    body: Rich
    offer: Offer | None = None


class Shown(msgspec.Struct, frozen=True):
    """One file, or several of a kind that stand together; the caption is the first one's."""

    media: tuple[Media, ...]
    caption: Rich = Rich()
    offer: Offer | None = None


class Spot(msgspec.Struct, frozen=True):
    """A place on the map."""

    place: Place


class Person(msgspec.Struct, frozen=True):
    """Somebody's contact card."""

    contact: ContactCard


class Carousel(msgspec.Struct, frozen=True):
    """Cards side by side, each with buttons of its own."""

    body: Rich
    cards: tuple[Card, ...]


class Bill(msgspec.Struct, frozen=True):
    """An invoice that is paid in the messenger."""

    invoice: Invoice


class Sheet(msgspec.Struct, frozen=True):
    """A form."""

    body: Rich
    form: Form
    id: str


class Writing(msgspec.Struct, frozen=True):
    """Somebody is writing."""


Piece = Words | Shown | Spot | Person | Carousel | Bill | Sheet | Writing


class Drawn(msgspec.Struct, frozen=True):
    """A message as it will stand in the chat. ``numbered``: its choices are answered by number."""

    pieces: tuple[Piece, ...]
    losses: tuple[Loss, ...] = ()
    numbered: bool = False
