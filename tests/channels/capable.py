"""Channels of every shape, random messages, and whether a drawing keeps to what a channel can."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from chatworks.channels.capabilities import (
    ButtonRules,
    Capabilities,
    CarouselRules,
    Length,
    MediaRule,
    RowRules,
    Unit,
)
from chatworks.channels.planning.lengths import size
from chatworks.channels.planning.pieces import (
    Bill,
    Carousel,
    Drawn,
    Offer,
    OfferKind,
    Person,
    Sheet,
    Shown,
    Spot,
    Words,
    Writing,
)
from chatworks.channels.planning.rich import Rich, written
from chatworks.channels.telegram.limits import CAPABILITIES as TELEGRAM
from chatworks.channels.twilio.limits import SMS, WHATSAPP
from chatworks.channels.webchat.adapter import CAPABILITIES as WEBCHAT
from chatworks.kit.money import Money
from chatworks.sdk.commerce import Cart, Invoice, Item, OrderSheet, Product, Receipt
from chatworks.sdk.messages import (
    Button,
    Card,
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

SMALL = Capabilities(  # a messenger with short buttons, a list, inline formatting, and pictures
    text=Length(1600, Unit.UTF16),
    styles=frozenset({Style.BOLD, Style.ITALIC}),
    markup={Style.BOLD: "*", Style.ITALIC: "_"},
    buttons=ButtonRules(most=3, label=Length(20), id_bytes=200, body=Length(1024)),
    rows=RowRules(
        most=10,
        label=Length(24),
        description=Length(72),
        id_bytes=200,
        body=Length(1024),
        opener=Length(20),
        sections=10,
        section=Length(24),
    ),
    media={
        MediaKind.IMAGE: MediaRule(5_000_000, frozenset({"image/jpeg", "image/png"})),
        MediaKind.DOCUMENT: MediaRule(16_000_000, frozenset()),
    },
    caption=Length(1024),
    carousel=CarouselRules(2, 10, Length(160), 2, Length(20), photo_needed=True),
    place=True,
)
BARE = Capabilities(text=Length(160, Unit.BYTES), reserved=frozenset({"YES", "CANCEL"}))
KINDS = {
    "telegram": TELEGRAM,
    "webchat": WEBCHAT,
    "twilio_whatsapp": WHATSAPP,
    "twilio_sms": SMS,
    "small": SMALL,
    "bare": BARE,
}

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)
labels = st.text("abc de é漢👍🏽–YESCANCEL 0123456789", max_size=80)
texts = st.one_of(
    words,
    st.lists(words, max_size=80).map(" ".join),
    st.integers(1, 2000).map("word ".__mul__),
)
ids = st.integers(0, 9999).map(str) | st.text("abcdef:", min_size=1, max_size=70)
buttons = st.lists(
    st.builds(Button, ids, labels, st.just(""), st.just("") | labels), max_size=30,
    unique_by=lambda button: button.id,
).map(tuple)  # fmt: skip
money = st.integers(0, 10**7).map(lambda minor: Money(minor, "KES"))
items = st.lists(st.builds(Item, words, st.integers(1, 9), money), max_size=5).map(tuple)
lines = st.lists(st.builds(Line, words, words), max_size=4).map(tuple)
photos = st.sampled_from(["", "/media/a/b.jpg", "/static/x.svg", "/media/c/d.png"])
cards = st.builds(Card, words, words, lines, words, photos)
media = st.builds(
    Media,
    st.sampled_from(list(MediaKind)),
    st.just("/media/1/2"),
    st.sampled_from(["image/jpeg", "image/webp", "application/pdf", "video/mp4", "audio/mpeg"]),
    st.integers(0, 60_000_000),
    words,
)
places = st.builds(Place, st.none() | st.floats(-90, 90), st.floats(-180, 180), words)
contacts = st.builds(ContactCard, words, st.sampled_from(["", "+254712345678"]), words, words)
PAID_AT = datetime(2026, 11, 24, tzinfo=UTC)
commerce = st.one_of(
    st.builds(Product, ids, words, money, words, photos),
    st.builds(Cart, items, money),
    st.builds(OrderSheet, words, words, items, money, items, words),
    st.builds(Invoice, words, words, words, items, money, st.just("ref")),
    st.builds(Receipt, words, items, money, st.just(PAID_AT), words),
)
forms = st.builds(Form, st.lists(st.builds(Field, ids, words), max_size=4).map(tuple), labels)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Draw any message: mostly simple, sometimes everything at once."""
    text = draw(texts)
    marks = ()
    if len(text) > 1 and draw(st.booleans()):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        marks = (Mark(draw(st.sampled_from(list(Style))), start, end),)
    offered = draw(buttons)
    sections: tuple[Section, ...] = ()
    if offered and draw(st.booleans()):
        middle = draw(st.integers(0, len(offered)))
        halves = [offered[:middle], offered[middle:]]
        sections = tuple(Section(draw(labels), half) for half in halves if half)
        offered = ()
    maybe = st.none
    return Message(
        text=text,
        buttons=offered,
        card=draw(maybe() | cards),
        marks=marks,
        sections=sections,
        first=draw(st.just(0) | st.integers(0, 40)),
        media=draw(st.just(()) | st.lists(media, max_size=3).map(tuple)),
        place=draw(maybe() | places),
        contact=draw(maybe() | contacts),
        shows=draw(maybe() | commerce),
        link=draw(maybe() | st.builds(Link, st.just("https://shop.example/a"), words, words)),
        form=draw(maybe() | maybe() | maybe() | forms),
    )


def misfits(drawn: Drawn, capable: Capabilities) -> list[str]:
    """Return where a drawing leaves what ``capable`` can show; empty where it keeps to it."""
    return [problem for piece in drawn.pieces for problem in _piece(piece, capable)]


def _over(what: str, body: Rich, length: Length, capable: Capabilities) -> list[str]:
    said = written(body, capable.markup)
    return [f"{what}: {size(said, length.unit)}"] if size(said, length.unit) > length.most else []


def _piece(piece: object, capable: Capabilities) -> list[str]:  # noqa: PLR0911 - one for each piece
    match piece:
        case Words(body, offer):
            empty = [] if body.text.strip() else ["an empty text"]
            return empty + _over("text", body, capable.text, capable) + _offer(body, offer, capable)
        case Shown():
            return _shown(piece, capable)
        case Carousel(_, side):
            rules = capable.carousel
            fits = rules is not None and rules.least <= len(side) <= rules.most
            return [] if fits else ["a carousel"]
        case Spot():
            return [] if capable.place else ["a place"]
        case Person():
            return [] if capable.contact else ["a contact"]
        case Bill():
            return [] if capable.invoices else ["an invoice"]
        case Sheet():
            return [] if capable.form else ["a form"]
        case Writing():
            return [] if capable.typing else ["typing"]
    return [f"an unknown piece {piece}"]


def _shown(piece: Shown, capable: Capabilities) -> list[str]:
    found = [] if len(piece.media) <= max(1, capable.album) else ["too many files"]
    for file in piece.media:
        rule = capable.media.get(file.kind)
        if rule is None or file.size_bytes > rule.bytes_most:
            found.append(f"{file.kind} of {file.size_bytes} bytes")
        elif rule.types and file.media_type not in rule.types:
            found.append(f"{file.kind} of {file.media_type}")
    if piece.caption.text:
        room = capable.caption or Length(0)
        found += _over("caption", piece.caption, room, capable)
        found += _offer(piece.caption, piece.offer, capable)
    return found


def _offer(body: Rich, offer: Offer | None, capable: Capabilities) -> list[str]:
    if offer is None or offer.kind is OfferKind.ASK:
        return []
    if offer.kind is OfferKind.BUTTONS:
        rules = capable.buttons
        if rules is None or len(offer.buttons) > rules.most:
            return ["buttons"]
        names = [button.label for button in offer.buttons]
        found = _over("above buttons", body, rules.body, capable)
        found += [
            f"label {n}" for n in names if not 0 < size(n, rules.label.unit) <= rules.label.most
        ]
        found += [b.id for b in offer.buttons if len(b.id.encode()) > rules.id_bytes]
        return found + (["two alike"] if rules.unique and len(set(names)) < len(names) else [])
    rows = capable.rows
    listed = [button for section in offer.sections for button in section.buttons]
    if rows is None or not 0 < len(listed) <= rows.most or len(offer.sections) > rows.sections:
        return ["rows"]
    found = _over("above rows", body, rows.body, capable)
    found += [f"label {b.label}" for b in listed if not 0 < len(b.label) <= rows.label.most]
    found += [b.description for b in listed if len(b.description) > rows.description.most]
    found += [s.title for s in offer.sections if len(s.title) > rows.section.most]
    found += ["a nameless section"] if len(offer.sections) > 1 and not all(
        section.title for section in offer.sections
    ) else []  # fmt: skip
    return found + [b.id for b in listed if len(b.id.encode()) > rows.id_bytes]
