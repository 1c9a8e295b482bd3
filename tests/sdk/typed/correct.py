"""An applet whose types mypy infers as its author expects."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import assert_type

from chatworks.catalog.models import ListProducts, ProductView
from chatworks.orders.models import LineRequest, MyOrders, OrderView, Placed, PlaceOrder
from chatworks.sdk import (
    Applet,
    Chat,
    Config,
    File,
    Inbound,
    Input,
    Money,
    NotUnderstood,
    Place,
    TimedOut,
    Wanted,
    day,
    file,
    location,
    money,
    phone,
    text,
    whole_number,
)

applet = Applet("correct")


class Settings(Config, frozen=True):
    largest: int = 20
    greeting: str = "Hello"


class Even:
    """An input of the author's own."""

    kind = "even"
    answer_type = int
    wanted = Wanted.NOTHING

    def read(self, inbound: Inbound) -> int:
        if not inbound.text.isdecimal():
            raise NotUnderstood("I need a whole number, for example {example}.", example=2)
        return int(inbound.text)

    def accepts(self, answer: int) -> bool:
        return answer % 2 == 0


@applet.command("buy", help="Buy")
async def buy(chat: Chat[Settings]) -> None:
    assert_type(chat.settings, Settings)
    assert_type(chat.settings.largest, int)
    assert_type(chat.language, str)
    products = await chat.do(ListProducts(tag="water"))
    assert_type(products, list[ProductView])
    product = await chat.choose("Which?", products, label=lambda p: p.title)
    assert_type(product, ProductView)
    assert_type(await chat.choose("Size?", ["small", "large"]), str)
    assert_type(await chat.choose("How many?", (1, 2, 3)), int)
    count = await chat.ask("How many?", whole_number(1, chat.settings.largest))
    assert_type(count, int)
    assert_type(await chat.ask("Name?", text()), str)
    assert_type(await chat.ask("Amount?", money(Money(1, "KES"), Money(9, "KES"))), Money)
    now = await chat.now()
    assert_type(now, datetime)
    assert_type(await chat.ask("When?", day(now.date(), timedelta(days=9))), date)
    place = await chat.ask("Where?", location(), timeout=600)
    assert_type(place, Place)
    assert_type(await chat.ask("Phone?", phone("KE")), str)
    assert_type(await chat.ask("Photo?", file()), File)
    assert_type(await chat.ask("Even?", Even()), int)
    assert_type(await chat.confirm("Sure?"), bool)
    try:
        placed = await chat.do(PlaceOrder((LineRequest(product.id, count),), place, "Joy", "0712"))
    except TimedOut:
        return
    assert_type(placed, Placed)
    assert_type(placed.total, Money)
    assert_type(await chat.do(MyOrders()), list[OrderView])
    await chat.say("Thank you for {number}", number=placed.number)
    await finish(chat)


async def finish(chat: Chat[Settings]) -> None:
    own: Input[int] = Even()
    assert_type(await chat.ask("Even?", own), int)
    await chat.restart({"again": True})
