"""Payments in Telegram: asked in time ahead of any backlog, and taken for good."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import bot_api_schema
import msgspec
import psycopg
import pytest
from houses import at_work

from chatworks.channels.models import Channel, Lane, Prompt, RawRequest, Settle, WirePart
from chatworks.channels.telegram.plan import plan, refund, settle
from chatworks.commands.models import Call, Registration
from chatworks.conversations.models import MayPay, PaymentTaken, Verdict
from chatworks.house import House
from chatworks.inbox import store as inbox
from chatworks.inbox.models import NewEvent
from chatworks.kit.money import Money
from chatworks.kit.work import Work
from chatworks.outbox.sender import IN_FLIGHT
from chatworks.sdk.commerce import Invoice, Item
from chatworks.sdk.inbound import Payment
from chatworks.sdk.messages import Message
from chatworks.testing.telegram import BotApi

BACKLOG = 2000
PAID_EVENT = "SELECT payload FROM inbox_event WHERE payload LIKE '%successful_payment%'::bytea"
REFUSED = "Payment is not possible here yet. Nothing was charged."
STARS = Money(250, "XTR")


def invoice(**changed: Any) -> Message:
    """A message that shows an invoice in Stars."""
    given: dict[str, Any] = {
        "number": "7", "title": "Water", "description": "One bottle", "reference": "ord_1",
        "items": (Item("Water", 1, STARS),), "total": STARS,
    }  # fmt: skip
    return Message(shows=Invoice(**{**given, **changed}))


async def take(house: House, updates: Sequence[dict[str, Any]], age_seconds: int = 0) -> Channel:
    """Put updates into the inbox, as the webhook would have done so long ago."""
    channel = (await house.directory.channels(kind="telegram"))[0]
    events = []
    for update in updates:
        request = RawRequest({}, msgspec.json.encode(update))
        arrivals = house.kinds["telegram"].split(request, channel, house.clock.now())
        events += [NewEvent(channel.outlet_id, channel.id, arrival) for arrival in arrivals]
    async with house.db.engine() as work:
        await inbox.accept(work.conn, events, work.now - timedelta(seconds=age_seconds))
    return channel


async def until(wanted: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not wanted():  # noqa: ASYNC110 - a test looks
            await asyncio.sleep(0.01)


def rows(url: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute(text).fetchall()  # type: ignore[call-overload,no-any-return]


async def bill(house: House, bot_api: BotApi, person: int) -> None:
    """Let a bill stand in a person's chat."""
    channel = (await house.directory.channels(kind="telegram"))[0]
    (part,) = house.kinds["telegram"].plan(Prompt(str(person), 1, invoice())).parts
    send = house.kinds["telegram"].send
    assert send is not None
    await send(channel, part)


def sell(house: House, reason: str = "") -> list[Payment]:
    """Let somebody answer for the business; returns what was asked."""
    asked: list[Payment] = []

    async def handle(_work: Work, calls: Sequence[Call[Any]]) -> list[Verdict]:
        asked.extend(call.request.payment for call in calls)
        return [Verdict(reason) for _ in calls]

    house.dispatcher._known[MayPay] = Registration(MayPay, handle, frozenset({"customer"}))
    return asked


@pytest.mark.promise("messaging")
async def test_a_checkout_overtakes_a_backlog_of_2000_messages(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    await bill(house, bot_api, 501)
    own = [bot_api.text(501, f"hello {n}") for n in range(100)]
    others = [bot_api.text(1000 + n % 1000, f"hello {n}") for n in range(BACKLOG - 100)]
    await take(house, [*own, *others])
    await take(house, [bot_api.pay(501)])
    bot_api.calls.clear()

    began = asyncio.get_running_loop().time()
    async with at_work(house):
        await until(lambda: bot_api.calls)
        await until(lambda: bot_api.done("answerPreCheckoutQuery"))
        waiting = rows(database_url, "SELECT count(*) FROM inbox_pending")[0][0]

    (answer,) = bot_api.done("answerPreCheckoutQuery")
    earlier = [call for call in bot_api.sent() if call.at < answer.at]
    assert answer.params["ok"] is False
    assert answer.params["error_message"] == REFUSED
    assert answer.at - began < 10
    assert len(earlier) < IN_FLIGHT  # it left with the very first, side by side
    assert waiting > BACKLOG / 2


async def test_a_checkout_does_not_wait_for_a_turn_that_failed(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    await bill(house, bot_api, 501)
    await take(house, [bot_api.text(501, "hello")])
    later = house.clock.now() + timedelta(hours=1)
    async with house.db.engine() as work:  # as after a turn that failed
        await work.conn.execute("UPDATE inbox_pending SET ready_at = %s, attempts = 1", [later])
    await take(house, [bot_api.pay(501)])

    async with at_work(house):
        await until(lambda: bot_api.done("answerPreCheckoutQuery"))

    assert rows(database_url, "SELECT lane FROM inbox_pending") == [(Lane.MESSAGE,)]


async def test_what_the_business_allows_is_paid_and_told_once(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    asked = sell(house)
    heard: list[PaymentTaken] = []

    async def hear(_work: Work, facts: list[PaymentTaken]) -> None:
        heard.extend(facts)

    house.db.subscribers[PaymentTaken] = [hear]  # type: ignore[index]
    await bill(house, bot_api, 501)
    async with at_work(house):
        await take(house, [bot_api.text(501, "stop")])  # and pays all the same
        stopped = "SELECT 1 FROM contact WHERE status = 'stopped'"
        await until(lambda: rows(database_url, stopped))
        channel = await take(house, [bot_api.pay(501)])
        await until(lambda: heard)  # what was paid came in by itself, as a message
        ((raw,),) = rows(database_url, PAID_EVENT)
        await take(house, [json.loads(raw)])  # Telegram may tell it twice
        await asyncio.sleep(0.2)

    charge = json.loads(raw)["message"]["successful_payment"]
    ids = (charge["telegram_payment_charge_id"], charge["provider_payment_charge_id"])
    assert asked == [Payment(250, "XTR", "ord_1")]
    assert [fact.payment for fact in heard] == [Payment(250, "XTR", "ord_1", *ids)]
    assert heard[0].channel_id == channel.id
    history = "SELECT content->>'text' FROM message WHERE content->>'kind' = 'paid'"
    assert rows(database_url, history) == [("⭐ 250",)]
    assert rows(database_url, PAID_EVENT.replace("payload FROM", "id FROM")) == [
        (heard[0].event_id,)
    ]


async def test_what_the_business_refuses_is_refused_in_its_words(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    sell(house, "Sold out since this morning.")
    await bill(house, bot_api, 501)
    await take(house, [bot_api.pay(501)])

    async with at_work(house):
        await until(lambda: bot_api.done("answerPreCheckoutQuery"))
        notice = (await bot_api.wait_for(501, 2))[1]

    (answer,) = bot_api.done("answerPreCheckoutQuery")
    assert answer.params["ok"] is False
    assert answer.params["error_message"] == "Sold out since this morning."
    assert notice.params["text"].startswith("MajiPro Ltd keeps what you write here")
    assert rows(database_url, "SELECT direction FROM message") == [("out",)]


@pytest.mark.parametrize(("age", "answers"), [(9, 1), (11, 0)])
async def test_a_checkout_is_answered_within_ten_seconds_or_not_at_all(
    house: House, bot_api: BotApi, database_url: str, age: int, answers: int
) -> None:
    asked = sell(house)
    await bill(house, bot_api, 501)
    await take(house, [bot_api.pay(501)], age)

    async with at_work(house):
        await until(lambda: len(bot_api.sent(501)) == 2)
        await until(lambda: not rows(database_url, "SELECT 1 FROM inbox_pending"))

    assert len(asked) == 1  # what it does is done all the same
    assert len(bot_api.done("answerPreCheckoutQuery")) == answers


@pytest.mark.parametrize(("age", "answers"), [(149, 1), (151, 0)])
async def test_a_tap_that_is_answered_too_late_still_does_what_it_says(
    house: House, bot_api: BotApi, age: int, answers: int
) -> None:
    await take(house, [bot_api.text(501, "/start")])
    async with at_work(house):
        await bot_api.wait_for(501, 2)
        await take(house, [bot_api.tap(501, "Order water")], age)
        (*_, bottles) = await bot_api.wait_for(501, 3)

    assert bottles.params["text"] == "Which bottle would you like?"
    assert len(bot_api.done("answerCallbackQuery")) == answers


# -- what leaves -------------------------------------------------------------------------------


def test_an_invoice_in_stars_has_one_price_and_keeps_to_its_limits() -> None:
    (part,) = plan(Prompt("501", 1, invoice())).parts

    assert part == WirePart(
        "sendInvoice",
        {
            "chat_id": 501, "title": "Water", "description": "One bottle", "payload": "ord_1",
            "currency": "XTR", "prices": [{"label": "Water", "amount": 250}],
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "at", "past"),
    [
        ("reference", "r" * 128, "r" * 129),
        ("reference", "ä" * 64, "ä" * 64 + "r"),
        ("total", Money(1, "XTR"), Money(0, "XTR")),
        ("total", Money(1, "XTR"), Money(1, "KES")),
    ],
)
def test_an_invoice_beyond_a_limit_is_words(field: str, at: Any, past: Any) -> None:
    (within,) = plan(Prompt("501", 1, invoice(**{field: at}))).parts
    beyond = plan(Prompt("501", 1, invoice(**{field: past}))).parts

    assert within.method == "sendInvoice"
    assert [part.method for part in beyond] == ["sendMessage"]
    assert "Water" in beyond[0].params["text"]


@pytest.mark.parametrize(
    ("field", "name", "most"), [("title", "title", 32), ("description", "description", 255)]
)
def test_an_invoices_words_are_shortened_past_their_limit(field: str, name: str, most: int) -> None:
    (at,) = plan(Prompt("501", 1, invoice(**{field: "x" * most}))).parts
    (past,) = plan(Prompt("501", 1, invoice(**{field: "x" * (most + 1)}))).parts

    assert at.params[name] == "x" * most
    assert past.params[name] == "x" * (most - 1) + "…"


def test_a_checkouts_answer_is_urgent_and_expires() -> None:
    (yes,) = settle(Settle("501", reply_ref="9", approved=True))
    (no,) = settle(Settle("501", reply_ref="9", notice="Sold out.", approved=False))

    told = {"pre_checkout_query_id": "9", "ok": False, "error_message": "Sold out."}
    assert yes.params == {"pre_checkout_query_id": "9", "ok": True}
    assert no == WirePart("answerPreCheckoutQuery", told, urgent=True, expires_seconds=10)


def test_stars_are_given_back_by_their_charge() -> None:
    part = refund("501", "stxAbC-123")

    assert part == WirePart(
        "refundStarPayment", {"user_id": 501, "telegram_payment_charge_id": "stxAbC-123"}
    )


@bot_api_schema.needed
def test_every_request_of_a_payment_is_one_of_the_schema() -> None:
    parts = [
        *plan(Prompt("501", 1, invoice())).parts,
        *settle(Settle("501", reply_ref="9", approved=True)),
        *settle(Settle("501", reply_ref="9", notice="No.", approved=False)),
        refund("501", "x"),
    ]

    assert [bot_api_schema.request_misfit(p.method, p.params) for p in parts] == [""] * 4
