"""The journey of an order on Telegram, through the webhook and the Bot API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from people import Person

from chatworks.app import House
from chatworks.testing.telegram import BotApi


@pytest.mark.promise("messaging")
async def test_an_order_from_the_first_word_to_the_card(
    working: House, person: Callable[[int], Person], bot_api: BotApi
) -> None:
    amina = person(501)

    notice, menu = await amina.says("/start", answers=2)
    assert notice.params["text"].startswith("MajiPro Ltd keeps what you write here")
    assert menu.params["text"] == "Welcome to MajiPro. What can I do for you?"

    (bottles,) = await amina.taps("Order water")
    assert bottles.params["text"] == "Which bottle would you like?"
    labels = [b["text"] for row in bottles.params["reply_markup"]["inline_keyboard"] for b in row]
    assert labels[0] == "20 L refill · KES 250"

    (many,) = await amina.taps("20 L refill")
    assert many.params["text"] == "How many? (1 to 20)"
    (wrong,) = await amina.says("a lot")
    assert wrong.params["text"].startswith("I need a whole number, for example 1.")
    (where,) = await amina.says("two")
    assert where.params["reply_markup"]["keyboard"][0][0]["request_location"] is True
    (right,) = await amina.shares(-1.2921, 36.7836)
    assert "2 × 20 L refill: KES 500" in right.params["text"]
    assert "Total: KES 600" in right.params["text"]
    (name,) = await amina.taps("Yes")
    assert name.params["text"] == "What name shall the driver ask for?"
    (phone,) = await amina.says("Amina")
    (pay,) = await amina.says("0712 345 678")
    assert phone.params["text"] == "Which phone number can the driver call?"
    assert pay.params["text"] == "How will you pay?"
    (card,) = await amina.taps("Cash or M-Pesa")

    assert card.params["text"].startswith("Order 1001\nThank you!")
    assert card.params["entities"] == [{"type": "bold", "offset": 0, "length": 10}]
    edits = [c for c in bot_api.calls if c.method == "editMessageText"]
    assert edits[0].params["text"] == "Which bottle would you like?\n✓ 20 L refill · KES 250"
    answered = [c for c in bot_api.calls if c.method == "answerCallbackQuery"]
    assert len(answered) == 4

    (orders,) = await amina.says("where is my order")
    assert "Order 1001 · KES 600: Waiting for the shop" in orders.params["text"]
