"""One message of every kind, as an applet of the demonstration would say it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chatworks.conversations.models import Post
from chatworks.conversations.service import post
from chatworks.house import House
from chatworks.kit.money import Money
from chatworks.sdk.commerce import Cart, Invoice, Item, OrderSheet, Product, Receipt
from chatworks.sdk.messages import (
    Button,
    Card,
    ContactCard,
    Field,
    FieldKind,
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
    Wanted,
)

PHOTOS = "/static/outlets/majipro"
REFILL = Item("20 L refill", 2, Money(40_000, "KES"))
DELIVERY = Item("Delivery to Kilimani", 1, Money(15_000, "KES"))
TOTAL = Money(55_000, "KES")

FORM = Form(
    (
        Field("name", "Your name"),
        Field("phone", "Phone number", FieldKind.PHONE),
        Field("count", "How many bottles?", FieldKind.NUMBER),
        Field("day", "Which day?", FieldKind.DATE, required=False),
        Field(
            "gate",
            "Which gate?",
            FieldKind.CHOICE,
            (Button("n", "North"), Button("s", "South")),
        ),
        Field("dog", "Is there a dog?", FieldKind.YES_NO),
    ),
    "Send the details",
)


def picture(name: str, alt: str) -> Media:
    return Media(MediaKind.IMAGE, f"{PHOTOS}/{name}.svg", "image/svg+xml", 2000, alt=alt)


CARDS = tuple(
    Card(
        title,
        price,
        (Line("Left", "12"),),
        photo=f"{PHOTOS}/{name}.svg",
        buttons=(Button(f"{name}:buy", "Order it") if name == "5l" else Button(name, "Order it"),),
    )
    for title, price, name in (
        ("20 L refill", "KES 200", "20l-refill"),
        ("20 L new bottle", "KES 750", "20l-new"),
        ("10 L bottle", "KES 350", "10l"),
        ("1.5 L × 6", "KES 300", "1-5l-pack"),
    )
)
SECTIONS = (
    Section(
        "Bottles",
        (
            Button("a", "20 L refill", description="Your empty bottle for a full one"),
            Button("b", "10 L bottle", description="With a tap"),
        ),
    ),
    Section("Help", (Button("c", "Ask a person"),)),
)

MESSAGES: dict[str, Message] = {
    "marks": Message(
        "💧 Fresh and clean: 20% off this week, not 10%. Code MAJI20 at https://majipro.example/now.",
        marks=(
            Mark(Style.BOLD, 2, 17),
            Mark(Style.ITALIC, 8, 17),
            Mark(Style.STRIKE, 38, 45),
            Mark(Style.CODE, 52, 58),
        ),
    ),
    "card": Message(
        "Here it is.",
        card=Card("Order 1042", "Kilimani", (Line("2 × 20 L", "KES 400"),), "Total KES 550"),
    ),
    "picture": Message("This is our depot.", media=(picture("20l-new", "A blue 20 L bottle"),)),
    "album": Message(
        media=(
            picture("5l", "A 5 L bottle"),
            picture("10l", "A 10 L bottle"),
            picture("1-5l-pack", "Six small bottles"),
        )
    ),
    "document": Message(
        "Our price list.",
        media=(
            Media(
                MediaKind.DOCUMENT,
                f"{PHOTOS}/logo.svg",
                "image/svg+xml",
                1_430_000,
                name="Prices 2026.svg",
            ),
        ),
    ),
    "players": Message(
        media=(
            Media(MediaKind.VIDEO, "/media/0/film", "video/mp4", 9000, alt="A film"),
            Media(MediaKind.AUDIO, "/media/0/sound", "audio/ogg", 900, alt="A sound"),
        )
    ),
    "place": Message(place=Place(-1.2921, 36.7836, "Argwings Kodhek Road 12, Nairobi")),
    "contact": Message(
        contact=ContactCard(
            "Otieno, the driver", "+254712345678", "otieno@majipro.example", "MajiPro"
        )
    ),
    "product": Message(
        shows=Product(
            "w20",
            "20 L refill",
            Money(20_000, "KES"),
            "Bring your empty bottle.",
            f"{PHOTOS}/20l-refill.svg",
            3,
        ),
        buttons=(Button("buy", "Order it"), Button("more", "Something else")),
    ),
    "cart": Message("Shall I order this?", shows=Cart((REFILL,), Money(40_000, "KES"))),
    "order": Message(
        shows=OrderSheet("1042", "On its way", (REFILL,), TOTAL, (DELIVERY,), "Kilimani, gate 3")
    ),
    "invoice": Message(
        shows=Invoice(
            "2026-118",
            "Water for November",
            "Due on 1 December",
            (REFILL, DELIVERY),
            TOTAL,
            "ref-118",
            "https://pay.example/118",
        )
    ),
    "receipt": Message(
        shows=Receipt(
            "77", (REFILL, DELIVERY), TOTAL, datetime(2026, 11, 24, 9, 30, tzinfo=UTC), "M-Pesa"
        )
    ),
    "link": Message(
        "Read how we clean it:",
        link=Link(
            "https://majipro.example/clean",
            "Seven steps to clean water",
            "From the borehole to your door.",
            f"{PHOTOS}/20l-new.svg",
            "Read it",
        ),
    ),
    "carousel": Message("Which one?", cards=CARDS),
    "sections": Message("What do you need?", sections=SECTIONS),
    "form": Message("Tell me where to bring it.", form=FORM),
    "wanted": Message("Where are you?", wanted=Wanted.LOCATION),
}


async def the_conversation(house: House) -> tuple[UUID, UUID]:
    """Return the only conversation there is."""
    async with house.db.engine() as work:
        found = await work.conn.execute("SELECT outlet_id, id FROM conversation")
        rows: list[Any] = await found.fetchall()
    assert len(rows) == 1
    return rows[0][0], rows[0][1]


async def speak(house: House, *messages: Message, author: str = "bot") -> None:
    """Have ``messages`` said in the only conversation."""
    outlet_id, conversation_id = await the_conversation(house)
    async with house.db.engine([outlet_id]) as work:
        for message in messages:
            post(work, Post(outlet_id, conversation_id, message, author))
