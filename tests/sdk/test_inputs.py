"""Every input: what it takes, and what it says when it does not."""

from __future__ import annotations

import contextlib
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.kit.money import Money
from chatworks.sdk import inputs
from chatworks.sdk.inputs import Choice, NotUnderstood, YesNo
from chatworks.sdk.messages import File, Inbound, InboundKind, Place, Sender

TODAY = date(2026, 11, 24)
BOTTLES = Choice((20, 10, 5), {20: "20 L refill", 10: "10 L bottle", 5: "5 L bottle"}.__getitem__)
PHOTO = File("photo", "f1", size_bytes=20_000_000)


def said(text: str) -> Inbound:
    return Inbound(InboundKind.TEXT, Sender("1"), text=text)


def tapped(ident: str) -> Inbound:
    return Inbound(InboundKind.TAP, Sender("1"), tap=ident)


PLACE = Inbound(InboundKind.PLACE, Sender("1"), place=Place(-1.2, 36.8))
SHARED = Inbound(InboundKind.PHONE, Sender("1"), phone="+254712345678")

TAKEN: list[tuple[Any, Inbound, Any]] = [
    (inputs.text(2, 5), said("  Joy "), "Joy"),
    (inputs.whole_number(1, 9), said("3"), 3),
    (inputs.whole_number(1, 9), said("3 bottles"), 3),
    (inputs.whole_number(1, 9), said("Tatu"), 3),
    (inputs.money(Money(1, "KES"), Money(99999, "KES")), said("KES 120"), Money(12000, "KES")),
    (inputs.money(Money(1, "KES"), Money(99999, "KES")), said("120.50"), Money(12050, "KES")),
    (inputs.day(TODAY, timedelta(days=60)), said("tomorrow"), date(2026, 11, 25)),
    (inputs.day(TODAY, timedelta(days=60)), said("24/12"), date(2026, 12, 24)),
    (inputs.day(TODAY, timedelta(days=60)), said("2026-12-01"), date(2026, 12, 1)),
    (BOTTLES, tapped("1"), 10),
    (BOTTLES, said("3"), 5),
    (BOTTLES, said("20 l REFILL"), 20),
    (BOTTLES, said("20 L refil"), 20),
    (YesNo(), said("Ndiyo"), True),
    (YesNo(), tapped("no"), False),
    (inputs.location(), PLACE, Place(-1.2, 36.8)),
    (inputs.location(), said("Ngong Road 5"), Place(address="Ngong Road 5")),
    (inputs.phone("KE"), said("0712 345 678"), "+254712345678"),
    (inputs.phone("KE"), SHARED, "+254712345678"),
]

REFUSED: list[tuple[Any, Inbound, str]] = [
    (inputs.text(2, 5), said("x"), "Please write at least 2 characters."),
    (inputs.text(2, 5), said("xxxxxx"), "Please write at most 5 characters."),
    (inputs.whole_number(1, 9), said("many"), "I need a whole number, for example 1."),
    (inputs.whole_number(1, 9), said("2.5"), "I need a whole number, for example 1."),
    (inputs.whole_number(1, 9), said("10"), "The number must be between 1 and 9."),
    (inputs.whole_number(1, 9), PLACE, "Please write your answer as a message."),
    (
        inputs.money(Money(100, "KES"), Money(99999, "KES")),
        said("lots"),
        "I need an amount of KES, for example 250.",
    ),
    (inputs.day(TODAY, timedelta(days=9)), said("31/02"), "I need a date, for example 2026-11-24."),
    (
        inputs.day(TODAY, timedelta(days=9)),
        said("2026-12-30"),
        "The date must be between 2026-11-24 and 2026-12-03.",
    ),
    (BOTTLES, tapped("7"), "Please choose one of the buttons."),
    (BOTTLES, said("beer"), "Please choose one of: 20 L refill, 10 L bottle, 5 L bottle."),
    (BOTTLES, said("bottle"), "Please choose one of: 20 L refill, 10 L bottle, 5 L bottle."),
    (YesNo(), said("maybe"), "Please answer yes or no."),
    (inputs.location(), said("x"), "Please write the address with a street or a place name."),
    (inputs.phone("KE"), said("call me"), "I need a phone number, for example 0712 345 678."),
    (inputs.phone("KE"), said("0000000000"), "This phone number does not exist. Please check it."),
    (inputs.file(), said("here"), "Please send one of these: photo, document."),
    (
        inputs.file(),
        Inbound(InboundKind.FILE, Sender("1"), file=PHOTO),
        "The file is larger than 10 MB.",
    ),
]


@pytest.mark.parametrize(("given_input", "inbound", "answer"), TAKEN)
def test_an_answer_is_taken(given_input: Any, inbound: Inbound, answer: Any) -> None:
    assert given_input.read(inbound) == answer


@pytest.mark.parametrize(("given_input", "inbound", "problem"), REFUSED)
def test_a_refusal_says_what_was_wrong(given_input: Any, inbound: Inbound, problem: str) -> None:
    with pytest.raises(NotUnderstood) as refused:
        given_input.read(inbound)

    assert str(refused.value) == problem


@given(st.text())
def test_no_text_breaks_an_input(text: str) -> None:
    for one in (
        inputs.text(),
        inputs.whole_number(1, 5),
        inputs.money(Money(1, "KES"), Money(9, "KES")),
        inputs.day(TODAY, timedelta(days=5)),
        BOTTLES,
        YesNo(),
        inputs.location(),
        inputs.phone("KE"),
    ):
        with contextlib.suppress(NotUnderstood):
            assert one.read(said(text)) is not None
