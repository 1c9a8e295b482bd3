"""An order on WhatsApp through Twilio: signed webhooks, Content, window, statuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from people import Shop
from twilio_people import PUBLIC, Person, said

from chatworks.broadcasts.models import Move, MoveBroadcast, Segment, WriteBroadcast
from chatworks.channels.models import Channel
from chatworks.house import House
from chatworks.kit.ids import thread_key
from chatworks.orders.models import Status
from chatworks.outlets.models import SaveTemplate
from chatworks.testing.twilio import WHATSAPP, Twilio
from chatworks.testing.twilio_webhooks import Event

AMINA = "whatsapp:+254712345678"
PARTS = "SELECT status FROM outbox_part WHERE payload->>'method' = 'Messages' ORDER BY n"


async def until(wanted: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not wanted():  # noqa: ASYNC110 - a test looks
            await asyncio.sleep(0.01)


@pytest.fixture
async def house(twilio_house: House) -> House:
    return twilio_house


@pytest.fixture
async def amina(twilio_channels: dict[str, Channel], twilio: Twilio) -> Person:
    return Person(twilio, twilio_channels["twilio_whatsapp"], AMINA)


@pytest.fixture
async def twilio_order(amina: Person, shop: Shop) -> tuple[Person, Shop]:
    """Somebody who has ordered, and the shop."""
    await amina.says("Hi", answers=2)
    await order(amina)
    return amina, shop


@pytest.mark.promise("messaging")
async def test_an_order_from_the_first_word_to_the_card(amina: Person, shop: Shop) -> None:
    twilio = amina.twilio
    notice, menu = await amina.says("Hi", answers=2)
    assert said(notice).startswith("MajiPro Ltd keeps what you write here")
    assert said(menu).startswith("Welcome to MajiPro.")

    (bottles,) = await amina.taps("Order water")
    assert said(bottles) == "Which bottle would you like?"
    [listed] = bottles.types.values()
    assert [item["item"][:11] for item in listed["items"]][:2] == ["20 L refill", "20 L with n"]
    (many,) = await amina.taps("20 L refill")
    assert said(many) == "How many? (1 to 20)"
    (wrong,) = await amina.says("a lot")
    assert said(wrong).startswith("I need a whole number, for example 1.")
    (where,) = await amina.says("two")
    assert "Where" in said(where)
    (right,) = await amina.after(twilio.location(AMINA, -1.2921, 36.7836), 1)
    assert "2 × 20 L refill: KES 500" in said(right)
    assert "*" in said(right)
    (name,) = await amina.taps("Yes")
    await amina.says("Amina")
    (pay,) = await amina.says("0712 345 678")
    (card,) = await amina.taps("Cash or M-Pesa")

    assert said(name) == "What name shall the driver ask for?"
    assert said(pay) == "How will you pay?"
    assert said(card).startswith("*Order 1001*\nThank you!")
    assert shop.rows("SELECT status FROM sales_order") == [("placed",)]
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"})
    assert twilio.typing  # what came in was marked read, and an answer announced
    friendly = [content.friendly_name for content in twilio.contents.values()]
    assert len(friendly) == len(set(friendly))
    assert [call for call in twilio.calls if not call.done] == []


async def test_outside_the_window_a_template_asks_and_the_message_arrives(
    amina: Person, shop: Shop
) -> None:
    await amina.says("Hi", answers=2)
    await order(amina)
    body = await approved(shop, amina)
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"})
    a_day_later(shop, amina)

    await shop.moves(1001, Status.ACCEPTED)
    asked = await amina.is_told("There is news")
    assert asked.types == {"twilio/text": {"body": body}}
    held = "SELECT status, held_for FROM outbox_part WHERE status = 'held'"
    assert shop.rows(held) == [("held", "window")]
    await amina.says("What is it?", answers=1)

    await amina.is_told("Good news: order 1001 is accepted.")
    assert shop.rows(held) == []


ACCEPTED = "Order {{1}} is accepted and being prepared."
CANCELLED = "Order {{1}} was cancelled: {{2}}. We are sorry."


@pytest.mark.parametrize(
    ("saying", "to", "told", "filled"),
    [
        (
            ("order-accepted", ACCEPTED),
            Status.ACCEPTED,
            "Order 1001 is accepted and being prepared.",
            {"1": "1001"},
        ),
        (
            ("order-cancelled", CANCELLED),
            Status.CANCELLED,
            "Order 1001 was cancelled: no water today. We are sorry.",
            {"1": "1001", "2": "no water today"},
        ),
    ],
)
async def test_outside_the_window_the_template_of_the_topic_tells_of_the_order(
    twilio_order: tuple[Person, Shop],
    saying: tuple[str, str],
    to: Status,
    told: str,
    filled: dict[str, str],
) -> None:
    amina, shop = twilio_order
    await approved(shop, amina, *saying)
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"})
    a_day_later(shop, amina)

    await shop.moves(1001, to, "no water today" if to is Status.CANCELLED else "")

    assert (await amina.is_told(told)).types == {"twilio/text": {"body": told}}
    sent = (
        "SELECT payload->'params'->>'ContentVariables' FROM outbox_part WHERE payload ? 'template'"
    )
    assert [msgspec.json.decode(row[0]) for row in shop.rows(sent)] == [filled]
    assert shop.rows("SELECT count(*) FROM outbox_part WHERE status = 'held'") == [(0,)]


async def test_a_window_that_twilio_closes_first_is_planned_anew(amina: Person, shop: Shop) -> None:
    await amina.says("Hi", answers=2)
    await order(amina)
    await approved(shop, amina)
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"})
    amina.twilio.windows.clear()  # it counts other than we do

    await shop.moves(1001, Status.ACCEPTED)
    await amina.is_told("There is news")
    await until(lambda: shop.rows("SELECT 1 FROM outbox_part WHERE status = 'held'"))
    await amina.says("Yes?", answers=1)

    await until(
        lambda: [said(m) for m in amina.heard() if said(m).startswith("Good news")][1:],
    )


async def test_who_blocks_us_is_left_alone(amina: Person, shop: Shop) -> None:
    await amina.says("Hi", answers=2)
    await order(amina)
    amina.twilio.block(AMINA)

    await shop.moves(1001, Status.ACCEPTED)
    await until(lambda: shop.rows("SELECT status FROM contact") == [("blocked",)])
    before = len(amina.heard())
    await shop.moves(1001, Status.OUT_FOR_DELIVERY)
    await asyncio.sleep(0.3)
    assert len(amina.heard()) == before

    amina.twilio.refused.clear()
    await amina.says("menu")
    assert shop.rows("SELECT status FROM contact") == [("active",)]


async def test_statuses_in_any_order_and_twice_end_the_same(amina: Person, shop: Shop) -> None:
    twilio = amina.twilio
    twilio.steps, twilio.copies = ("sent", "delivered", "read"), 2
    twilio.order = lambda events: events[::-1]
    event = twilio.text(AMINA, "Hi")

    await amina.after(event, 2)
    await amina.gives(event)  # Twilio tries again what it thinks we missed
    await twilio.settled()
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"read"})

    assert len(amina.heard()) == 2
    assert shop.rows("SELECT count(*) FROM conversation") == [(1,)]
    await until(lambda: shop.rows("SELECT count(*) FROM inbox_pending") == [(0,)])
    assert shop.rows("SELECT count(*) FROM message WHERE direction = 'in'") == [(1,)]


async def test_a_person_known_by_number_keeps_their_conversation(amina: Person, shop: Shop) -> None:
    await amina.says("Hi", answers=2)
    await amina.taps("Order water")
    amina.known_as = "whatsapp:KE.abcDEF123"
    amina.twilio.windows[amina.known_as, WHATSAPP] = amina.twilio.clock.now()

    (many,) = await amina.says("20 L refill", ExternalUserId="KE.abcDEF123")

    assert said(many) == "How many? (1 to 20)"
    assert shop.rows("SELECT thread FROM conversation") == [(amina.known_as,)]
    assert shop.rows("SELECT vendor_id, phone FROM contact") == [(amina.known_as, "+254712345678")]
    assert shop.rows("SELECT DISTINCT thread FROM timer") in ([], [(amina.known_as,)])


async def test_a_move_waits_for_whoever_holds_the_old_conversation(
    amina: Person, shop: Shop
) -> None:
    await amina.says("Hi", answers=2)
    amina.known_as = "whatsapp:KE.abcDEF123"
    amina.twilio.windows[amina.known_as, WHATSAPP] = amina.twilio.clock.now()
    failed = "SELECT attempts FROM inbox_pending WHERE attempts > 0"
    with psycopg.connect(shop.url, autocommit=True) as held:
        key = thread_key(amina.channel.id, AMINA)
        await until(lambda: held.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()[0])  # type: ignore[index]
        await amina.gives(amina.twilio.text(AMINA, "menu", ExternalUserId="KE.abcDEF123"))
        await until(lambda: shop.rows(failed) == [(1,)])
        assert shop.rows("SELECT thread FROM conversation") == [(AMINA,)]

    await amina.is_told("Welcome to MajiPro.")
    assert shop.rows("SELECT thread FROM conversation") == [(amina.known_as,)]


async def test_a_paused_template_is_put_aside(amina: Person, shop: Shop) -> None:
    await amina.says("Hi", answers=2)
    await order(amina)
    await approved(shop, amina)
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"})
    a_day_later(shop, amina)
    [(sid,)] = shop.rows("SELECT vendor_id FROM channel_template")
    amina.twilio.decide(sid, "paused")  # nobody has asked about it yet

    await shop.moves(1001, Status.ACCEPTED)

    template = "SELECT status, reason FROM channel_template"
    await until(lambda: shop.rows(template) == [("paused", "WhatsApp paused the template (63041)")])
    assert shop.rows("SELECT held_for FROM outbox_part WHERE status = 'held'") == [("window",)]
    await amina.says("Hello?", answers=1)
    await amina.is_told("Good news: order 1001 is accepted.")


async def test_an_answer_that_was_lost_is_looked_for_and_not_sent_twice(
    amina: Person, shop: Shop
) -> None:
    await amina.says("Hi", answers=2)
    amina.twilio.fail_next("after", "CreateMessage")

    await amina.says("help")
    await until(lambda: {row[0] for row in shop.rows(PARTS)} == {"delivered"}, 20)

    assert len([m for m in amina.heard() if said(m) == said(amina.heard()[-1])]) == 1
    assert amina.twilio.done("ListMessage")


async def test_nobody_else_can_speak_for_twilio(amina: Person, shop: Shop) -> None:
    amina.twilio.auth_token, real = "guessed", amina.twilio.auth_token
    url = f"{PUBLIC}/in/twilio_whatsapp/{amina.channel.path}"
    text = amina.twilio.text(AMINA, "Hi")

    [forged] = await amina.twilio.deliver(Event(url, text.fields))
    amina.twilio.auth_token = real
    amina.twilio.signs_port = True
    await amina.after(amina.twilio.text(AMINA, "Hi"), 2)

    assert forged.status == 403
    assert shop.rows("SELECT count(*) FROM message WHERE direction = 'in'") == [(1,)]


# -- on the way ------------------------------------------------------------------------------


async def order(amina: Person) -> None:
    await amina.taps("Order water")
    await amina.taps("20 L refill")
    await amina.says("2")
    await amina.says("Argwings Kodhek Road, Kilimani")
    await amina.taps("Yes")
    await amina.says("Amina")
    await amina.says("0712 345 678")
    await amina.taps("Cash or M-Pesa")


NEWS = "There is news from MajiPro. Reply to read it."


async def approved(shop: Shop, amina: Person, topic: str = "reopen", body: str = NEWS) -> str:
    """Have a template approved by WhatsApp, by default one that asks to write; returns its text."""
    asked = SaveTemplate(amina.channel.id, "news", "en", topic, body)
    await shop.submit(asked)
    status = "SELECT status FROM channel_template"
    await care(shop, amina)
    [(sid,)] = shop.rows("SELECT vendor_id FROM channel_template")
    assert shop.rows(status) == [("pending",)]
    amina.twilio.decide(sid, "approved")
    await care(shop, amina)
    assert shop.rows(status) == [("approved",)]
    return body


async def care(shop: Shop, amina: Person) -> None:
    shop.house.directory.forget()
    found = await shop.house.directory.channel(amina.channel.id)
    assert found is not None
    await shop.house.senders.care(found)


def a_day_later(shop: Shop, amina: Person) -> None:
    """Let 25 hours pass for the window, ours and Twilio's."""
    ago = "UPDATE conversation SET heard_at = heard_at - interval '25 hours' RETURNING 1"
    assert shop.rows(ago) == [(1,)]
    for pair in amina.twilio.windows:
        amina.twilio.windows[pair] -= timedelta(hours=25)


async def test_a_broadcast_goes_by_its_topics_template_where_the_window_is_closed(
    amina: Person, shop: Shop
) -> None:
    await amina.says("Hi", answers=2)
    await amina.says("offers on")
    a_day_later(shop, amina)
    shop.rows("UPDATE message SET created_at = created_at - interval '25 hours' RETURNING 1")
    counted = "SELECT counted->'reached', counted->'left_out' FROM broadcast"
    texts = {"en": "Half price today!", "sw": "Nusu bei leo!"}
    draft = WriteBroadcast(UUID(int=7), "Monday", "offer", texts, Segment())
    await shop.submit(draft)
    assert shop.rows(counted) == [({}, {"window_closed": 1})]

    body = await approved(shop, amina, "offer", "Today everything costs half at MajiPro.")
    await shop.submit(draft)
    assert shop.rows(counted) == [({"twilio_whatsapp": 1}, {})]
    await shop.submit(MoveBroadcast(draft.broadcast_id, Move.SEND))

    told = await amina.is_told("Today everything")
    assert told.types == {"twilio/text": {"body": body}}
    await until(lambda: shop.rows("SELECT status FROM broadcast") == [("done",)])
    assert shop.rows("SELECT status FROM broadcast_recipient") == [("sent",)]
    assert [said(m) for m in amina.heard()].count(said(told)) == 1
