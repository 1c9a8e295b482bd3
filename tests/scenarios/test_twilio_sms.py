"""The journey of an order by SMS through Twilio: numbers for answers, opt-out words, segments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from people import Shop
from twilio_people import Person, said

from chatworks.app import sign_in_link
from chatworks.channels.models import Channel
from chatworks.channels.twilio.segments import segments
from chatworks.cli import web_app
from chatworks.house import House
from chatworks.kit.money import Money
from chatworks.orders.models import Status
from chatworks.testing.twilio import Twilio
from chatworks.web.sse import Streams

AMINA = "+254712345678"
PARTS = "SELECT status FROM outbox_part ORDER BY n"


async def until(wanted: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not wanted():  # noqa: ASYNC110 - a test looks
            await asyncio.sleep(0.01)


@pytest.fixture
async def house(twilio_house: House) -> House:
    return twilio_house


@pytest.fixture
async def amina(twilio_channels: dict[str, Channel], twilio: Twilio) -> Person:
    return Person(twilio, twilio_channels["twilio_sms"], AMINA)


async def order(amina: Person) -> Any:
    """Order by numbers, from the first word to the card."""
    _, menu = await amina.says("Hi", answers=2)
    assert "1. Order water" in said(menu)
    (bottles,) = await amina.says("1")
    assert "1. 20 L refill" in said(bottles)
    assert said(bottles).endswith("Reply with a number: 1 to 5.")
    (many,) = await amina.says("1")
    assert said(many) == "How many? (1 to 20)"
    await amina.says("2")
    (right,) = await amina.says("Argwings Kodhek Road, Kilimani")
    assert said(right).endswith("1. Yes\n2. No\nReply with a number: 1 to 2.")
    await amina.says("1")
    await amina.says("Amina")
    await amina.says("0712 345 678")
    (card,) = await amina.says("1")
    return card


@pytest.mark.promise("messaging")
async def test_an_order_by_numbers(amina: Person, shop: Shop) -> None:
    card = await order(amina)

    assert said(card).startswith("Order 1001\nThank you!")
    assert shop.rows("SELECT status FROM sales_order") == [("placed",)]
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"})
    assert [call for call in amina.twilio.calls if not call.done] == []
    assert all(call.params["SmartEncoded"] == "true" for call in amina.twilio.sent(AMINA))


async def test_yes_is_a_word_of_twilios_and_never_an_answer(amina: Person, shop: Shop) -> None:
    await amina.says("Hi", answers=2)
    for answer in ("1", "1", "2", "Argwings Kodhek Road, Kilimani"):
        await amina.says(answer)
    before = len(amina.heard())

    await amina.gives(amina.twilio.text(AMINA, "YES"))
    await amina.gives(amina.twilio.text(AMINA, "INFO"))
    await until(lambda: shop.rows("SELECT count(*) FROM inbox_pending") == [(0,)])

    assert len(amina.heard()) == before
    (name,) = await amina.says("1")
    assert said(name) == "What name shall the driver ask for?"
    kinds = "SELECT content->>'kind' FROM message WHERE direction = 'in' ORDER BY seq"
    assert [row[0] for row in shop.rows(kinds)][-3:] == ["start", "noted", "text"]


@pytest.mark.promise("channel-choice")
async def test_stop_and_start_are_twilios_and_mirrored(amina: Person, shop: Shop) -> None:
    await order(amina)
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"})
    before = len(amina.heard())

    await amina.gives(amina.twilio.text(AMINA, "STOP"))
    await until(lambda: shop.rows("SELECT status FROM contact") == [("stopped",)])
    await shop.moves(1001, Status.ACCEPTED)
    await amina.gives(amina.twilio.text(AMINA, "hello?"))
    await until(lambda: shop.rows("SELECT count(*) FROM inbox_pending") == [(0,)])
    assert len(amina.heard()) == before

    await amina.gives(amina.twilio.text(AMINA, "START"))
    await until(lambda: shop.rows("SELECT status FROM contact") == [("active",)])
    assert len(amina.heard()) == before  # Twilio has answered it
    await shop.moves(1001, Status.OUT_FOR_DELIVERY)
    await amina.is_told("Order 1001 is out for delivery.")


async def test_who_opted_out_at_twilio_is_left_alone(amina: Person, shop: Shop) -> None:
    await order(amina)
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"})
    amina.twilio.opted_out.add((AMINA, amina.channel.address))

    await shop.moves(1001, Status.ACCEPTED)

    await until(lambda: shop.rows("SELECT status FROM contact") == [("blocked",)])
    failed = "SELECT error FROM outbox_part WHERE status = 'failed'"
    assert shop.rows(failed) == [("the person opted out of messages from this number (21610)",)]


async def test_a_full_queue_is_waited_for(amina: Person, shop: Shop) -> None:
    await amina.says("Hi", answers=2)
    amina.twilio.fail_next("429", "CreateMessage")

    (told,) = await amina.says("menu")

    assert said(told)
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"})
    assert shop.rows("SELECT max(attempts) FROM outbox_part") == [(1,)]


async def test_the_channels_page_tells_what_was_sent_and_spent(
    amina: Person, shop: Shop, house: House
) -> None:
    shop.rows('UPDATE outlet SET sms = \'{"prices": {"+254": "0.80"}}\' RETURNING 1')
    house.directory.forget()
    await amina.says("Hi", answers=2)
    await amina.says("1")
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"})
    bodies = [row[0] for row in shop.rows("SELECT payload->'params'->>'Body' FROM outbox_part")]
    counts = [segments(body).count for body in bodies]
    cents = sum(-(-count * 80 // 1) for count in counts)

    (outlet,) = await house.directory.outlets()
    app: Any = web_app(house, Streams(house.listener))
    transport, ours = httpx.ASGITransport(app), {"origin": house.settings.address}
    async with httpx.AsyncClient(transport=transport, base_url=house.settings.address) as client:
        key = (await sign_in_link(house, outlet.id)).partition("key=")[2]
        entered = await client.post("/console/sign-in", data={"key": key}, headers=ours)
        assert entered.status_code == 303
        page = (await client.get("/console/settings/channels")).text

    assert len(bodies) == 3
    assert f"<dt>Sent in 30 days</dt><dd>{len(bodies)}</dd>" in page
    spent = f"about {Money(cents, 'KES').show('en')}, {sum(counts)} segments"
    assert f"<dt>Spent in 30 days</dt><dd>{spent}</dd>" in page
