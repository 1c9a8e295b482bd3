"""What is said: the one message model that every channel draws in its own way.

An outgoing ``Message`` is a text, what it shows (a card, media, a place, an order …) and what it
offers (buttons, a list in sections, a form). It is frozen, JSON-encodable by msgspec, and stored in
the conversation's history as it is. Text is plain; its formatting stands beside it as ``marks``, so
that nothing a person wrote can turn into markup. Limits are the channels', not ours: the planner
draws a message within them and reports every loss. What comes in is in ``inbound``.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from chatworks.sdk.commerce import Cart, Invoice, OrderSheet, Product, Receipt

Commerce = Product | Cart | OrderSheet | Invoice | Receipt


class Style(StrEnum):
    """Light formatting, as every messenger with formatting has it."""

    BOLD = "bold"
    ITALIC = "italic"
    STRIKE = "strike"
    CODE = "code"


class Mark(msgspec.Struct, frozen=True):
    """A style over the characters ``start`` to ``end`` (not included), in code points."""

    style: Style
    start: int
    end: int


class Button(msgspec.Struct, frozen=True, omit_defaults=True):
    """A choice to tap. ``id`` comes back as the answer; ``label`` is read, ``description`` where
    the messenger has room for it. ``photo`` is shown where it can: a path of this installation.
    """

    id: str
    label: str
    photo: str = ""
    description: str = ""


class Section(msgspec.Struct, frozen=True):
    """A titled part of a list of choices."""

    title: str
    buttons: tuple[Button, ...]


class Line(msgspec.Struct, frozen=True):
    """One row of a card: what it is, and its value at the right ("2 × 20 L", "KES 400")."""

    label: str
    value: str


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """A bold title, a subtitle, rows, a footer. Its own ``buttons`` are for a carousel's cards."""

    title: str
    subtitle: str = ""
    lines: tuple[Line, ...] = ()
    footer: str = ""
    photo: str = ""  # a path of this installation: /media/…
    buttons: tuple[Button, ...] = ()


class Wanted(StrEnum):
    """What the messenger's own button should offer to send."""

    NOTHING = ""
    LOCATION = "location"
    PHONE = "phone"
    FILE = "file"
    BOT = "bot"  # a bot of their own, which ours may manage


class MediaKind(StrEnum):
    """What a file is shown as."""

    IMAGE = "image"
    DOCUMENT = "document"
    AUDIO = "audio"
    VIDEO = "video"


class Media(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file to send: ``path`` of this installation (/media/…), its IANA media type and size."""

    kind: MediaKind
    path: str
    media_type: str
    size_bytes: int
    name: str = ""
    alt: str = ""  # what it shows, for those who do not see it


class Place(msgspec.Struct, frozen=True):
    """A place on the map, an address, or both. Degrees of WGS 84."""

    latitude: float | None = None
    longitude: float | None = None
    address: str = ""


class ContactCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody's business card. ``phone`` is E.164."""

    name: str
    phone: str = ""
    email: str = ""
    organisation: str = ""


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    """An address to open, with what its preview says. ``label`` names the button that opens it."""

    url: str
    title: str = ""
    text: str = ""
    photo: str = ""
    label: str = ""


class FieldKind(StrEnum):
    """What one field of a form takes."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    PHONE = "phone"
    CHOICE = "choice"
    YES_NO = "yes_no"


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question of a form. ``options`` are a choice's; ids come back."""

    id: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    options: tuple[Button, ...] = ()
    required: bool = True


class Form(msgspec.Struct, frozen=True):
    """Several questions at once. Where a messenger has no forms the SDK asks one by one."""

    fields: tuple[Field, ...]
    submit: str


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One outgoing message. ``buttons`` are one choice each, in order; ``sections`` are a longer
    list of them; ``cards`` stand side by side. A list's page begins at its choice ``first``.
    ``topic`` names what it is about ("order-accepted"): a template of that topic may carry it where
    a messenger takes nothing else, filled with ``values``, or with the lines of the text where
    there are none. ``typing`` alone says that an answer is being written.
    """

    text: str = ""
    buttons: tuple[Button, ...] = ()
    card: Card | None = None
    wanted: Wanted = Wanted.NOTHING
    marks: tuple[Mark, ...] = ()
    sections: tuple[Section, ...] = ()
    first: int = 0
    cards: tuple[Card, ...] = ()
    media: tuple[Media, ...] = ()
    place: Place | None = None
    contact: ContactCard | None = None
    shows: Commerce | None = None
    link: Link | None = None
    form: Form | None = None
    typing: bool = False
    topic: str = ""
    values: tuple[str, ...] = ()

    @property
    def choices(self) -> tuple[Button, ...]:
        """Everything that can be chosen, in the order of its numbers."""
        if self.sections:
            return tuple(button for section in self.sections for button in section.buttons)
        return self.buttons or tuple(
            Button(button.id, _of_card(card, button), button.photo or card.photo)
            for card in self.cards
            for button in card.buttons
        )


def _of_card(card: Card, button: Button) -> str:
    """Return what a card's button says away from its card."""
    return card.title if len(card.buttons) == 1 else f"{card.title}: {button.label}"
