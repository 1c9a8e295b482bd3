"""Random messages of every kind, for plans and drawings to be tried on. Pure, by a given seed.

Most are what applets say: a text with a few choices. Some hold what breaks a careless sender: texts
at a limit, flags and families, choices by the dozen, labels alike, files of every size and type.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import TypeVar

from chatworks.kit.money import Money
from chatworks.sdk.commerce import Cart, Invoice, Item, OrderSheet, Product, Receipt
from chatworks.sdk.messages import (
    Button,
    Card,
    Commerce,
    ContactCard,
    Field,
    Form,
    Line,
    Link,
    Mark,
    Media,
    MediaKind,
    Message,
    Place,
    Section,
    Style,
)

PIECES = (  # words, and what is more than one code point
    *("water", "maji", "YES", "*20 L*", "Ksh 1,200", " ", "·", "\n\n", "2_3", "~"),
    *("漢字", "👨\u200d👩\u200d👧\u200d👦", "🇰🇪", "e\u0301"),
)
WEIGHTS = (9, 9, 2, 2, 2, 9, 1, 1, 1, 1, 1, 1, 1, 1)
LENGTHS = (0, 1, 3, 8, 20, 60, 160, 1024, 1600, 4096, 6000)  # characters, about
TYPES = ("image/jpeg", "image/png", "image/webp", "application/pdf", "video/mp4", "audio/mpeg")
SIZES = (0, 4_999_999, 5_000_000, 5_000_001, 16_000_001, 60_000_000)
PHOTOS = ("", "", "/media/0a/1b.jpg", "/static/outlets/x.svg", "/media/0a/1b.png")
PAID_AT = datetime(2026, 11, 24, tzinfo=UTC)

Made = TypeVar("Made")


def message(random: Random) -> Message:
    """Return a message."""
    text = _text(random, random.choice(LENGTHS))
    buttons, sections = _choices(random)
    return Message(
        text=text,
        buttons=buttons,
        card=_rare(random, _card),
        marks=_marks(random, text),
        sections=sections,
        first=random.choice((0, 0, 0, 9, 40)),
        cards=tuple(_card(random, 1) for _ in range(_few(random, 30, 12))),
        media=tuple(_media(random) for _ in range(_few(random, 8, 4))),
        place=_rare(random, _place),
        contact=_rare(random, _contact),
        shows=_rare(random, _commerce),
        link=_rare(random, _link),
        form=_rare(random, _form),
    )


def _one_in(random: Random, count: int) -> bool:
    return random.randrange(count) == 0


def _few(random: Random, rarity: int, most: int) -> int:
    """Return 0, or once in ``rarity`` times a number below ``most``."""
    return random.randrange(most) if _one_in(random, rarity) else 0


def _rare(random: Random, make: Callable[[Random], Made]) -> Made | None:
    return make(random) if _one_in(random, 10) else None


def _text(random: Random, about: int) -> str:
    """Return a text of about so many characters."""
    words = random.choices(PIECES, WEIGHTS, k=about // 5 + 1)
    return " ".join(words)[:about]


def _label(random: Random) -> str:
    return _text(random, random.choice((2, 6, 14, 20, 21, 24, 25, 64, 90))).strip()


def _choices(random: Random) -> tuple[tuple[Button, ...], tuple[Section, ...]]:
    count = random.choice((0, 0, 1, 2, 3, 4, 9, 10, 11, 30, 101))
    described = _one_in(random, 4)
    buttons = tuple(
        Button(
            ("x" * random.choice((60, 200, 256)) if _one_in(random, 20) else "") + str(n),
            _label(random),
            description=_label(random) if described else "",
        )
        for n in range(count)
    )
    if not count or not _one_in(random, 4):
        return buttons, ()
    size = random.randrange(1, count + 1)
    groups = [buttons[at : at + size] for at in range(0, count, size)]
    return (), tuple(Section(_label(random), group) for group in groups)


def _marks(random: Random, text: str) -> tuple[Mark, ...]:
    if not text or not _one_in(random, 3):
        return ()
    places = sorted(random.randrange(len(text) + 1) for _ in range(4))
    pairs = zip(places[::2], places[1::2], strict=True)
    return tuple(Mark(random.choice(tuple(Style)), a, b) for a, b in pairs if a < b)


def _money(random: Random) -> Money:
    return Money(random.randrange(10**7), random.choice(("KES", "XTR")))


def _items(random: Random) -> tuple[Item, ...]:
    count = random.randrange(5)
    return tuple(Item(_label(random), n + 1, _money(random)) for n in range(count))


def _card(random: Random, buttons: int = 0) -> Card:
    lines = tuple(Line(_label(random), _label(random)) for _ in range(random.randrange(4)))
    own = tuple(Button(f"c{random.randrange(10**6)}", _label(random)) for _ in range(buttons))
    return Card(_label(random), _label(random), lines, _label(random), random.choice(PHOTOS), own)


def _media(random: Random) -> Media:
    kind = random.choice(tuple(MediaKind))
    return Media(kind, "/media/0a/1b", random.choice(TYPES), random.choice(SIZES), _label(random))


def _place(random: Random) -> Place:
    if _one_in(random, 3):
        return Place(address=_text(random, 60))
    return Place(random.uniform(-90, 90), random.uniform(-180, 180), _text(random, 30))


def _contact(random: Random) -> ContactCard:
    phone = random.choice(("", "+254712345678"))
    return ContactCard(_label(random) or "Joy", phone, "joy@example.org", _label(random))


def _link(random: Random) -> Link:
    return Link(
        "https://shop.example/" + "a" * random.randrange(80), _label(random), _label(random)
    )


def _form(random: Random) -> Form:
    fields = (Field(f"f{n}", _label(random)) for n in range(random.randrange(1, 5)))
    return Form(tuple(fields), "Send")


def _commerce(random: Random) -> Commerce:
    title, text, money, items = _label(random), _text(random, 300), _money(random), _items(random)
    match random.randrange(5):
        case 0:
            return Product("p1", title, money, text, random.choice(PHOTOS))
        case 1:
            return Cart(items, money)
        case 2:
            return OrderSheet("1042", title, items, money, items, text)
        case 3:
            return Invoice(
                "7", title or "Water", text, items, money, "ref", "https://shop.example/p"
            )
        case _:
            return Receipt("7", items, money, PAID_AT, title)
