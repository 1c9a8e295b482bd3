"""The journey of an order on Telegram, through the webhook and the Bot API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from people import Person, Shop, text

from chatworks.channels.telegram import send
from chatworks.identity.service import issue_staff_code
from chatworks.orders.models import Status
from chatworks.outbox.models import Alert
from chatworks.testing.telegram import BotApi, Call, Fault
from chatworks.testing.telegram_people import BOT

People = Callable[[int], Person]
pytestmark = pytest.mark.usefixtures("brisk", "working")
REMOVE = {"remove_keyboard": True}
OPEN_PARTS = "SELECT 1 FROM outbox_part WHERE status IN ('queued', 'leased')"
NO_ORDER = "You have no order that can still be cancelled here. Write “human” to talk to us."


async def until(wanted: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not wanted():  # noqa: ASYNC110 - a test looks
            await asyncio.sleep(0.01)


def buttons(call: Call) -> list[str]:
    rows = call.params["reply_markup"]["inline_keyboard"]
    return [button["text"] for row in rows for button in row]


@pytest.mark.promise("messaging")
async def test_an_order_from_the_first_word_to_the_card(person: People, bot_api: BotApi) -> None:
    amina = person(501)

    notice, menu = await amina.says("/start", answers=2)
    assert text(notice).startswith("MajiPro Ltd keeps what you write here")
    assert text(menu) == "Welcome to MajiPro. What can I do for you?"

    (bottles,) = await amina.taps("Order water")
    assert text(bottles) == "Which bottle would you like?"
    assert buttons(bottles)[0] == "20 L refill · KES 250"

    (many,) = await amina.taps("20 L refill")
    assert text(many) == "How many? (1 to 20)"
    (wrong,) = await amina.says("a lot")
    assert text(wrong).startswith("I need a whole number, for example 1.")
    (where,) = await amina.says("two")
    assert where.params["reply_markup"]["keyboard"][0][0]["request_location"] is True
    (right,) = await amina.shares(-1.2921, 36.7836)
    assert "2 × 20 L refill: KES 500" in text(right)
    assert "Total: KES 600" in text(right)
    (name,) = await amina.taps("Yes")
    assert text(name) == "What name shall the driver ask for?"
    assert name.params["reply_markup"] == REMOVE
    (phone,) = await amina.says("Amina")
    (pay,) = await amina.says("0712 345 678")
    assert text(phone) == "Which phone number can the driver call?"
    assert phone.params["reply_markup"]["keyboard"][0][0]["request_contact"] is True
    assert text(pay) == "How will you pay?"
    (card,) = await amina.taps("Cash or M-Pesa")

    assert text(card).startswith("Order 1001\nThank you!")
    assert card.params["entities"] == [{"type": "bold", "offset": 0, "length": 10}]
    assert card.params["reply_markup"] == REMOVE
    await until(lambda: len(bot_api.done("editMessageText")) == 2)
    edits = [call.params["text"] for call in bot_api.done("editMessageText")]
    assert edits[0] == "Which bottle would you like?\n✓ 20 L refill · KES 250"
    (edited,) = bot_api.done("editMessageCaption")  # under the bottle's picture
    assert edited.params["caption"].endswith("Is this right?\n✓ Yes")
    assert len(bot_api.done("answerCallbackQuery")) == 4
    assert [call for call in bot_api.calls if not call.done] == []

    (orders,) = await amina.says("where is my order")
    assert "Order 1001 · KES 600: Waiting for the shop" in text(orders)


async def test_the_phone_is_shared_and_places_are_typed(person: People, bot_api: BotApi) -> None:
    juma = person(502)
    await juma.says("/order", answers=2)
    await juma.taps("5 L")
    await juma.says("1")

    (far,) = await juma.shares(-4.0435, 39.6682)
    assert text(far).startswith("We do not deliver there yet, or I did not find the area.")
    (label,) = await juma.says("Share my location")  # what a client without that button sends
    assert text(label).startswith("Please write the address with a street or a place name.")
    (unknown,) = await juma.says("Moi Avenue, Mombasa")
    assert text(unknown).startswith("We do not deliver there yet")
    (right,) = await juma.says("Ring Road, Kileleshwa")
    assert "Delivery to Kileleshwa: KES 100" in text(right)
    await juma.taps("Yes")
    await juma.says("Juma")
    (typed,) = await juma.says("Share my phone number")
    assert text(typed).startswith("I need a phone number, for example 0712 123456.")
    await juma.gives(bot_api.contact(502, "254733000111"))
    await juma.is_told("How will you pay?")
    (card,) = await juma.taps("Cash")

    assert text(card).startswith("Order 1001")


async def test_an_order_is_cancelled_while_that_is_allowed(person: People, shop: Shop) -> None:
    amina = person(501)
    await amina.orders()

    (sure,) = await amina.says("/cancel_order")
    (sure,) = await amina.taps("Order 1001")
    assert text(sure) == "Cancel order 1001?"
    (kept,) = await amina.taps("No")
    assert text(kept) == "Good, it stays."
    await amina.says("/cancel_order")
    await amina.taps("Order 1001")
    (gone,) = await amina.taps("Yes")

    assert text(gone) == "Order 1001 is cancelled."
    assert shop.rows("SELECT status FROM sales_order") == [("cancelled",)]
    assert shop.rows("SELECT stock FROM product WHERE sku = 'W20-REFILL'") == [(120,)]
    (none,) = await amina.says("/cancel_order")
    assert text(none) == NO_ORDER


async def test_too_late_to_cancel(person: People, shop: Shop) -> None:
    amina = person(501)
    await amina.orders()
    await amina.says("/cancel_order")
    await amina.taps("Order 1001")

    await shop.moves(1001, Status.ACCEPTED)
    await amina.is_told("Good news: order 1001 is accepted.")
    (late,) = await amina.taps("Yes")

    assert text(late).startswith("It is too late: the order is on its way.")
    assert shop.rows("SELECT status FROM sales_order") == [("accepted",)]
    (none,) = await amina.says("/cancel_order")
    assert text(none) == NO_ORDER


async def test_each_step_of_an_order_is_told_where_it_was_ordered(
    person: People, shop: Shop, bot_api: BotApi
) -> None:
    amina = person(501)
    await amina.orders()
    await amina.orders()

    await shop.moves(1001, Status.ACCEPTED)
    await amina.is_told("Good news: order 1001 is accepted. We are preparing it.")
    await shop.moves(1001, Status.OUT_FOR_DELIVERY)
    await amina.is_told("Order 1001 is out for delivery. Please keep your phone near.")
    await shop.moves(1001, Status.DELIVERED)
    await amina.is_told("Order 1001 is delivered. Thank you!")
    await shop.moves(1002, Status.CANCELLED, "the road is closed")
    await amina.is_told("Order 1002 was cancelled by the shop: the road is closed")

    (orders,) = await amina.says("/where")
    assert "Order 1002 · KES 600: Cancelled\nOrder 1001 · KES 600: Delivered" in text(orders)
    assert {int(call.params["chat_id"]) for call in bot_api.sent()} == {501}


async def test_a_closed_shop_says_when_it_opens(person: People, shop: Shop) -> None:
    await shop.opens([])
    (_, closed) = await person(501).says("/order", answers=2)

    assert text(closed) == "We are closed now. We open on —; please come back then."
    assert shop.rows("SELECT count(*) FROM sales_order") == [(0,)]


async def test_a_shop_that_closes_meanwhile_takes_no_order(person: People, shop: Shop) -> None:
    amina = person(501)
    await amina.says("/order", answers=2)
    await amina.taps("20 L refill")
    await amina.says("1")
    await amina.says("Kilimani, Ring Road")
    await amina.taps("Yes")
    await amina.says("Amina")
    await amina.says("0712345678")
    await shop.opens([])

    (closed,) = await amina.taps("Cash")

    assert text(closed).startswith("We are closed now.")
    assert shop.rows("SELECT count(*) FROM sales_order") == [(0,)]
    assert shop.rows("SELECT stock FROM product WHERE sku = 'W20-REFILL'") == [(120,)]


# -- staff -------------------------------------------------------------------------------------


@pytest.mark.promise("counterparties")
async def test_staff_bind_their_chat_and_are_alerted(person: People, shop: Shop) -> None:
    staff, amina = person(900), person(501)
    async with shop.house.db.engine([shop.outlet_id]) as work:
        code = await issue_staff_code(work, await shop.operator())

    (_, bound) = await staff.says(f"/staff {code}", answers=2)
    assert text(bound) == "Done, MajiPro owner: new orders are announced here."
    await amina.orders()
    alert = await staff.is_told("New order 1001")

    assert "Kilimani" in text(alert)
    assert "2 × 20 L refill: KES 500" in text(alert)
    assert "Total: KES 600" in text(alert)
    for secret in ("712", "0712 345 678", "Argwings"):
        assert secret not in text(alert)


async def test_staff_hear_once_what_a_messenger_complains_of(person: People, shop: Shop) -> None:
    staff, amina = person(900), person(501)
    async with shop.house.db.engine([shop.outlet_id]) as work:
        code = await issue_staff_code(work, await shop.operator())
    await staff.says(f"/staff {code}", answers=2)
    await amina.says("hello", answers=2)
    channel, talk = shop.rows("SELECT channel_id, id FROM conversation WHERE thread = '501'")[0]

    async with shop.house.db.engine([shop.outlet_id]) as work:
        for _ in range(3):
            work.publish(Alert(shop.outlet_id, channel, talk, "30007: filtered"))

    told = await staff.is_told("A messenger complains: 30007: filtered.")
    assert text(told).endswith("Please look at Trouble in the console.")
    said = "SELECT count(*) FROM message WHERE content->>'text' LIKE 'A messenger complains%%'"
    assert shop.rows(said) == [(1,)]


async def test_a_code_is_spent_once_and_guesses_are_limited(person: People, shop: Shop) -> None:
    staff, thief = person(900), person(666)
    async with shop.house.db.engine([shop.outlet_id]) as work:
        code = await issue_staff_code(work, await shop.operator())
    await staff.says(f"/staff {code}", answers=2)

    (_, spent) = await thief.says(f"/staff {code}", answers=2)
    wrong = [await thief.says(f"/staff WRONG00{n}") for n in range(5)]

    assert text(spent) == "This code is not valid. Please make a new one in the console."
    assert [text(answer) for (answer,) in wrong] == [
        *["This code is not valid. Please make a new one in the console."] * 4,
        "Too many tries. Please wait a minute.",
    ]
    assert len(shop.rows("SELECT 1 FROM staff_chat")) == 1


# -- what may go wrong on the way --------------------------------------------------------------


def contact(shop: Shop, chat: int) -> str:
    return str(shop.rows("SELECT status FROM contact WHERE vendor_id = %s", str(chat))[0][0])


async def test_who_blocks_the_bot_is_left_alone_and_comes_back_by_writing(
    person: People, shop: Shop, bot_api: BotApi
) -> None:
    amina = person(501)
    await amina.orders()
    await until(lambda: shop.rows(OPEN_PARTS) == [])
    await amina.gives(bot_api.membership(501, "kicked"))
    await until(lambda: contact(shop, 501) == "blocked")
    before = len(bot_api.calls)

    await shop.moves(1001, Status.ACCEPTED)
    await asyncio.sleep(0.3)
    assert len(bot_api.calls) == before
    await amina.gives(bot_api.membership(501, "member"))
    await until(lambda: contact(shop, 501) == "active")
    await shop.moves(1001, Status.OUT_FOR_DELIVERY)
    await amina.is_told("Order 1001 is out for delivery.")

    bot_api.faults.append(Fault("blocked", chat=501))
    await shop.moves(1001, Status.DELIVERED)
    await until(lambda: contact(shop, 501) == "blocked")
    bot_api.faults.clear()
    (menu,) = await amina.says("menu")
    assert text(menu).startswith("Welcome to MajiPro.")
    assert contact(shop, 501) == "active"


async def test_a_429_holds_one_chat_for_as_long_as_it_says(person: People, bot_api: BotApi) -> None:
    amina, juma = person(501), person(502)
    bot_api.faults.append(Fault("429", "sendMessage", chat=501, retry_after=1))

    told, other = await asyncio.gather(
        amina.says("/start", answers=2), juma.says("/start", answers=2)
    )

    refused = next(c for c in bot_api.calls if not c.done)
    assert (refused.params["chat_id"], refused.method) == (501, "sendMessage")
    assert told[0].at - refused.at >= 1.0
    assert other[1].at - refused.at < 1.0
    assert len(bot_api.sent(501)) == 2


async def test_500_closed_and_unanswered_sends_go_as_designed(
    person: People, shop: Shop, bot_api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "SEND_SECONDS_MAX", 0.3)
    amina = person(501)
    await amina.says("/start", answers=2)
    states = "SELECT count(*) FILTER (WHERE status = %s) FROM outbox_part"

    for kind, state, count in (("500", "sent", 3), ("close", "unknown", 1), ("hang", "unknown", 2)):
        bot_api.faults.append(Fault(kind, "sendMessage"))
        await amina.gives(bot_api.text(501, "help"))
        await until(lambda state=state, count=count: shop.rows(states, state) == [(count,)])

    tries = shop.rows("SELECT status, attempts FROM outbox_part ORDER BY n")
    assert tries == [
        ("sent", 1), ("sent", 1), ("sent", 2), ("unknown", 1), ("unknown", 1),
    ]  # fmt: skip
    assert len(bot_api.sent(501)) == 3
    (menu,) = await amina.says("menu")
    assert text(menu).startswith("Welcome")


async def test_an_edit_that_changes_nothing_is_fine(
    person: People, shop: Shop, bot_api: BotApi
) -> None:
    amina = person(501)
    await amina.says("/order", answers=2)
    bottles = amina.api.sent(501)[-1]
    key = bottles.params["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    taken = "Which bottle would you like?\n✓ 20 L refill · KES 250"
    bot_api.chats[501, bottles.message_id] = {"text": taken}

    await amina.gives(bot_api.tap_data(501, key, bottles))
    await amina.is_told("How many?")

    edits = "SELECT status FROM outbox_part WHERE payload->>'method' = 'editMessageText'"
    await until(lambda: shop.rows(edits) == [("sent",)])
    assert [c.method for c in bot_api.calls if not c.done] == ["editMessageText"]


async def test_a_group_orders_and_moves(person: People, shop: Shop, bot_api: BotApi) -> None:
    amina, group, moved = person(501), -4455667788, -1002233445566

    def says(chat: int, said: str, to: Call | None = None) -> dict[str, Any]:
        update = bot_api.group_text(chat, "Kilimani Neighbours", 501, said)
        if to is not None:
            replied = {"message_id": to.message_id, "date": 0, "from": BOT, "text": text(to)}
            update["message"]["reply_to_message"] = {**replied, "chat": update["message"]["chat"]}
        return update

    await until(lambda: bot_api.polls)  # our own name is known once we are connected
    await amina.gives(says(group, "who has water?"))
    await amina.gives(says(group, "/order@OtherBot"))
    await amina.gives(says(group, "/order@StandInBot"))
    notice, bottles = await bot_api.wait_for(group, 2)
    assert text(bottles) == "Which bottle would you like?"
    assert "reply_markup" not in notice.params

    bot_api.migrated[group] = moved
    await amina.gives(says(group, "1"))  # said to the neighbours, not to the bot
    await amina.gives(says(group, "1", to=bottles))
    (many,) = await bot_api.wait_for(moved, 1)

    assert text(many).startswith("How many?")
    assert shop.rows("SELECT thread, is_group FROM conversation") == [(str(moved), True)]
    await amina.gives(says(moved, "2", to=many))
    (_, where) = await bot_api.wait_for(moved, 2)
    assert text(where).startswith("Where shall we bring it?")
    assert "reply_markup" not in where.params


async def test_a_reaction_and_a_moving_location_are_kept_and_never_answered(
    person: People, shop: Shop, bot_api: BotApi
) -> None:
    amina = person(501)
    place = {"latitude": -1.29, "longitude": 36.78, "live_period": 900}
    reaction = {"message_id": 1, "old_reaction": [], "new_reaction": []}
    await amina.gives(bot_api.update("message_reaction", 501, reaction))
    await amina.gives(bot_api.update("edited_message", 501, {"location": place}))
    await amina.gives(bot_api.update("inline_query", 501, {"id": "9", "query": "x", "offset": ""}))

    await until(lambda: shop.rows("SELECT count(*) FROM inbox_pending") == [(0,)])

    assert shop.rows("SELECT count(*) FROM inbox_event") == [(3,)]
    assert shop.rows("SELECT count(*) FROM conversation") == [(0,)]
    assert bot_api.sent() == []
