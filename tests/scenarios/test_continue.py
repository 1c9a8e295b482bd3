"""An order goes from the web chat to Telegram and back, and a notice finds its way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from people import Person, Shop, text

from chatworks.channels.webchat.adapter import arrival
from chatworks.conversations import store
from chatworks.house import House
from chatworks.inbox.models import NewEvent
from chatworks.orders.models import Status
from chatworks.testing.telegram import BotApi

pytestmark = pytest.mark.usefixtures("brisk", "working")
LINK = re.compile(r"https://t\.me/(\w+)\?start=([A-Za-z0-9_-]{1,64})")


class Web:
    """Somebody in the web chat, as its routes give and read."""

    def __init__(self, house: House, channel: Any) -> None:
        self.house, self.channel, self.thread = house, channel, "visitor"
        self.seen = 0

    async def gives(self, said: str) -> None:
        """Say something."""
        body = msgspec.json.encode({"id": str(uuid4()), "kind": "text", "text": said})
        taken = arrival(body, self.thread, "en")
        await self.house.committer.accept(
            [NewEvent(self.channel.outlet_id, self.channel.id, taken)]
        )

    async def says(self, said: str, answer: str) -> str:
        """Say something; returns the newer message that begins with ``answer``."""
        await self.gives(said)
        return await self.is_told(answer)

    async def is_told(self, answer: str) -> str:
        return await self._finds(lambda content: content.get("text", ""), answer)

    async def is_told_card(self, title: str) -> str:
        return await self._finds(lambda content: (content.get("card") or {}).get("title"), title)

    async def _finds(self, said: Callable[[dict[str, Any]], str | None], answer: str) -> str:
        """Return the next message that begins with ``answer``, once it is there."""
        outlet = self.channel.outlet_id
        async with asyncio.timeout(10):
            while True:
                async with self.house.db.engine([outlet]) as work:
                    found = await store.find_by_thread(work, outlet, self.channel.id, self.thread)
                    told = [] if found is None else await store.history(work, outlet, found[0])
                for one in told:
                    words = said(one.content) or ""
                    fresh = one.seq > self.seen and one.direction == "out"
                    if fresh and words.startswith(answer):
                        self.seen = one.seq
                        return words
                await asyncio.sleep(0.02)


async def test_an_order_goes_to_telegram_and_back(
    house: House, person: Callable[[int], Person], bot_api: BotApi, shop: Shop
) -> None:
    async with asyncio.timeout(10):  # the bot tells its name once it is connected
        while shop.rows("SELECT 1 FROM channel WHERE kind = 'telegram' AND name = 'Telegram'"):  # noqa: ASYNC110 - a test looks
            await asyncio.sleep(0.02)
    house.directory.forget()
    web = Web(house, (await house.directory.channels(kind="webchat"))[0])
    await web.says("order water", "Which bottle")
    await web.says("1", "How many?")
    await web.says("2", "Where shall we bring it?")

    shown = await web.says("continue", "Go on in another app")
    link = LINK.search(shown)
    assert link is not None
    assert (link[1],) == shop.rows("SELECT name FROM channel WHERE kind = 'telegram'")[0]
    amina = person(501)
    notice, joined, question = await amina.says(f"/start {link[2]}", answers=3)

    assert text(notice).startswith("MajiPro Ltd keeps what you write here")
    assert text(joined).startswith("This app and Web chat are joined now")
    assert text(question).startswith("Where shall we bring it?")
    await web.is_told("We go on in your other app")

    (shown_here,) = await amina.says("/continue")
    code = re.search(r"write (GO-\w{10})", text(shown_here))
    assert code is not None
    await web.says(code[1], "Where shall we bring it?")
    await amina.is_told("We go on in your other app")
    await web.gives("Ring Road, Kileleshwa")
    await web.is_told_card("Your order")
    await web.says("yes", "What name shall the driver ask for?")
    await web.says("Amina", "Which phone number can the driver call?")
    await web.says("0712 345 678", "How will you pay?")
    await web.gives("1")
    await web.is_told_card("Order 1001")
    ((actions,),) = shop.rows(
        "SELECT array_agg(action ORDER BY id) FROM audit_leaf WHERE actor_id <> 'outlet file'"
    )
    assert actions == ["contacts.GiveLink", "contacts.GiveLink", "orders.PlaceOrder"]

    await shop.moves(1001, Status.ACCEPTED)
    await web.is_told("Good news: order 1001 is accepted.")
    before = len(bot_api.sent(501))
    await web.says("stop", "You will get no more messages")
    await shop.moves(1001, Status.OUT_FOR_DELIVERY)  # not on the page any more

    told = (await bot_api.wait_for(501, before + 1))[before:]
    assert [text(call) for call in told] == [
        "Order 1001 is out for delivery. Please keep your phone near."
    ]
    ((sent_to,),) = shop.rows(
        "SELECT c.thread FROM route r JOIN conversation c ON c.id = r.sent_to"
        " ORDER BY r.id DESC LIMIT 1"
    )
    assert sent_to == "501"
