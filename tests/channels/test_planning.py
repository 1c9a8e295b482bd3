"""The planner on channels of every shape: within every limit, whole, every choice reachable."""

from __future__ import annotations

import re

import pytest
from capable import BARE, KINDS, SMALL, messages, misfits
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chatworks.channels.capabilities import Capabilities
from chatworks.channels.models import Loss, Prompt
from chatworks.channels.planning.drawing import draw
from chatworks.channels.planning.pieces import (
    Carousel,
    Drawn,
    Offer,
    OfferKind,
    Shown,
    Spot,
    Words,
)
from chatworks.channels.planning.rich import Rich, bold, join, written
from chatworks.kit.money import Money
from chatworks.sdk.chat import LOCATION_BUTTON
from chatworks.sdk.commerce import Item, OrderSheet
from chatworks.sdk.messages import (
    Button,
    Card,
    ContactCard,
    Field,
    Form,
    Link,
    Mark,
    Media,
    MediaKind,
    Message,
    Place,
    Section,
    Style,
)


def drawn(message: Message, capable: Capabilities, language: str = "en") -> Drawn:
    return draw(Prompt("1", 7, message, language=language, address="https://shop.example"), capable)


def offer(result: Drawn) -> Offer | None:
    last = result.pieces[-1]
    assert isinstance(last, Words | Shown)
    return last.offer


def said(result: Drawn) -> str:
    found = []
    for piece in result.pieces:
        body = piece.caption if isinstance(piece, Shown) else getattr(piece, "body", Rich())
        found.append(body.text)
    return "\n".join(found)


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=120, deadline=None)
@given(message=messages(), seq=st.integers(1, 10**6))
def test_any_message_keeps_to_what_the_channel_can(name: str, message: Message, seq: int) -> None:
    result = draw(Prompt("1", seq, message, address="https://shop.example"), KINDS[name])

    assert misfits(result, KINDS[name]) == []
    assert result.pieces


def reachable(message: Message, capable: Capabilities) -> set[str]:
    """Tap More as long as there is one; returns every id that was offered, or its number shown."""
    found: set[str] = set()
    firsts, at = set[int](), 0
    while at not in firsts:
        firsts.add(at)
        result = drawn(replace(message, first=at), capable)
        if result.numbered:
            numbers = {int(n) for n in re.findall(r"^(\d+)\. ", said(result), re.MULTILINE)}
            return {b.id for n, b in enumerate(message.choices, 1) if n in numbers}
        shown = offer(result)
        if shown is None:
            return found
        rows = [b for section in shown.sections for b in section.buttons] or list(shown.buttons)
        for row in rows:
            ident = row.id.removeprefix("7.")
            if ident.startswith("more:"):
                at = int(ident.removeprefix("more:"))
            else:
                found.add(ident)
    return found


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=60, deadline=None)
@given(message=messages())
def test_every_choice_stays_reachable(name: str, message: Message) -> None:
    message = Message("Which?", message.buttons, sections=message.sections)

    assert reachable(message, KINDS[name]) == {button.id for button in message.choices}


def choices(count: int, label: str = "Choice {}") -> tuple[Button, ...]:
    return tuple(Button(str(n), label.format(n)) for n in range(count))


@pytest.mark.parametrize(
    ("count", "kind", "rows"),
    [(3, OfferKind.BUTTONS, 3), (4, OfferKind.ROWS, 4), (10, OfferKind.ROWS, 10)],
)
def test_buttons_become_a_list_at_their_limit(count: int, kind: OfferKind, rows: int) -> None:
    result = drawn(Message("Which?", choices(count)), SMALL)

    shown = offer(result)
    assert shown is not None
    assert shown.kind is kind
    assert len(shown.buttons or shown.sections[0].buttons) == rows
    assert result.losses == ()


def test_one_more_than_a_list_holds_makes_pages() -> None:
    first = drawn(Message("Which?", choices(11)), SMALL)
    second = drawn(Message("Which?", choices(11), first=9), SMALL)

    shown, rest = offer(first), offer(second)
    assert shown is not None
    assert rest is not None
    assert [b.id for b in shown.sections[0].buttons][-2:] == ["7.8", "7.more:9"]
    assert shown.sections[0].buttons[-1].label == "More"
    assert [b.id for b in rest.sections[0].buttons] == ["7.9", "7.10", "7.more:0"]
    assert rest.sections[0].buttons[-1].label == "Back to the first"
    assert first.losses == (Loss("11 choices at once", "pages of 9, with “More”"),)


def test_a_label_that_is_too_long_for_a_button_goes_into_a_list_whole() -> None:
    long = "Twenty litres of water, brought to you today"
    result = drawn(Message("Which?", (Button("0", "None"), Button("1", long))), SMALL)

    shown = offer(result)
    assert shown is not None
    row = shown.sections[0].buttons[1]
    assert (row.label, row.description) == ("Twenty litres of water,…", long)
    assert result.losses == ()


def test_without_buttons_choices_are_numbered_and_words_that_never_arrive_are_told() -> None:
    message = Message("Right?", (Button("yes", "Yes"), Button("no", "No")))
    result = drawn(message, BARE, "sw")

    assert said(result) == "Right?\n\n1. Yes\n2. No\nJibu kwa nambari: 1 hadi 2."
    assert result.numbered
    assert result.losses == (
        Loss("buttons", "numbered text"),
        Loss("the word “YES” as an answer", "answered by its number"),
    )


def test_sections_stand_in_a_list_or_in_the_text() -> None:
    sections = (
        Section("Bottles", choices(2)),
        Section("Trucks", (Button("t", "Ten thousand", description="For a tank"),)),
    )
    native = offer(drawn(Message("Which?", sections=sections), SMALL))
    plain = drawn(Message("Which?", sections=sections), BARE)

    assert native is not None
    assert [section.title for section in native.sections] == ["Bottles", "Trucks"]
    assert native.sections[1].buttons[0].description == "For a tank"
    assert said(plain).startswith(
        "Which?\n\nBottles\n1. Choice 0\n2. Choice 1\n\nTrucks\n3. Ten thousand — For a tank"
    )


def test_a_question_for_a_place_is_asked_in_words_where_there_is_no_button() -> None:
    message = Message("Where?", (Button(LOCATION_BUTTON, "Share my location"),))

    assert drawn(message, BARE) == Drawn(
        (Words(Rich("Where?")),), (Loss("a button that shares", "asked in words"),)
    )


def test_formatting_goes_where_there_is_none_and_signs_count() -> None:
    message = Message("Order 7 is on its way", marks=(Mark(Style.BOLD, 0, 7),))

    assert drawn(message, BARE).losses == (Loss("bold text", "plain text"),)
    (words,) = drawn(message, SMALL).pieces
    assert isinstance(words, Words)
    assert written(words.body, SMALL.markup) == "*Order 7* is on its way"
    full = Message("x" * 1600, marks=(Mark(Style.BOLD, 0, 1600),))
    pieces = [p.body for p in drawn(full, SMALL).pieces if isinstance(p, Words)]
    assert [len(written(body, SMALL.markup)) for body in pieces] == [1600, 4]


def test_pictures_stand_above_their_text_with_buttons_beneath() -> None:
    photo = Media(MediaKind.IMAGE, "/media/1/a", "image/jpeg", 5_000_000)
    message = Message("Ours", choices(2), media=(photo,))

    (shown,) = drawn(message, SMALL).pieces
    assert isinstance(shown, Shown)
    assert shown.caption == Rich("Ours")
    assert shown.offer is not None
    many = drawn(replace(message, buttons=choices(5)), SMALL).pieces
    assert [type(piece) for piece in many] == [Shown, Words]
    huge = drawn(replace(message, media=(replace(photo, size_bytes=5_000_001),)), SMALL)
    assert huge.losses == (Loss("an image", "a document"),)
    none = drawn(replace(message, media=(replace(photo, name="cup.jpg"),)), BARE)
    assert none.losses[-1] == Loss("the image cup.jpg", "a link")
    assert "https://shop.example/media/1/a" in said(none)


def test_a_place_a_contact_and_a_link_in_words() -> None:
    message = Message(
        place=Place(-1.2921, 36.8219, "Moi Avenue 1"),
        contact=ContactCard("Joy", "+254712345678"),
        link=Link("https://shop.example/x", "Our water"),
    )

    assert said(drawn(message, BARE)) == (
        "Our water\nhttps://shop.example/x\n\nMoi Avenue 1\n-1.292100, 36.821900\n\n"
        "Joy\n+254712345678"
    )
    assert isinstance(drawn(message, SMALL).pieces[0], Spot)


def test_cards_side_by_side_or_a_list_of_them() -> None:
    cards = tuple(
        Card(f"Bottle {n}", "KES 200", photo="/media/1/a.jpg", buttons=(Button(str(n), "Order"),))
        for n in range(2)
    )
    (native,) = drawn(Message("Ours", cards=cards), SMALL).pieces
    plain = drawn(Message("Ours", cards=cards), BARE)

    assert isinstance(native, Carousel)
    assert [card.buttons[0].id for card in native.cards] == ["7.0", "7.1"]
    assert "1. Bottle 0\n2. Bottle 1" in said(plain)
    assert "Bottle 1\nKES 200" in said(plain)


def test_an_order_reads_as_a_card_in_the_readers_language() -> None:
    water = Item("20 L", 2, Money(40_000, "KES"))
    order = OrderSheet("1042", "Accepted", (water,), Money(50_000, "KES"))

    text = said(drawn(Message(shows=order), SMALL, "sw"))
    assert text == "Oda 1042\nAccepted\n\n2 × 20 L: Ksh 400\nJumla: Ksh 500"


def test_a_form_is_listed_where_there_is_none() -> None:
    form = Form((Field("name", "Your name"), Field("day", "Which day?")), "Send")

    result = drawn(Message("Details", form=form), BARE)
    assert said(result) == "Details\n\n• Your name\n• Which day?"
    assert result.losses == (Loss("a form", "its questions, one by one"),)


def test_rich_texts_join_and_slice() -> None:
    both = join([bold("Ab"), Rich(""), Rich("cde", (Mark(Style.CODE, 1, 3),))], "\n")

    assert both == Rich("Ab\ncde", (Mark(Style.BOLD, 0, 2), Mark(Style.CODE, 4, 6)))
    assert both.slice(1, 5) == Rich("b\ncd", (Mark(Style.BOLD, 0, 1), Mark(Style.CODE, 3, 4)))
    assert written(bold(" two \n lines "), {Style.BOLD: "*"}) == " *two* \n *lines* "
