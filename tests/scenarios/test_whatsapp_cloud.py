"""An order on WhatsApp through Meta's API: batches, signatures, lists, statuses in any order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from houses import at_work, opened, set_environment
from people import Shop
from twilio_people import reachable

from chatworks.app import seed_outlet
from chatworks.channels.models import Limits
from chatworks.house import House
from chatworks.kit.clock import SystemClock
from chatworks.orders.models import Status
from chatworks.outlets.models import ChannelSpec
from chatworks.outlets.service import read_file
from chatworks.testing.telegram import BotApi
from chatworks.testing.whatsapp import APP_SECRET, NUMBER, TOKEN, Event, WhatsApp

AMINA = "254712345678"
FILE = Path(__file__).parents[2] / "outlets" / "majipro.toml"


async def until(wanted: Callable[[], Any], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not wanted():  # noqa: ASYNC110 - a test looks
            await asyncio.sleep(0.01)


@pytest.fixture
async def whatsapp(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WhatsApp]:
    """A stand-in of the Cloud API that answers its statuses twice, the last one first."""
    backwards = lambda events: reversed(list(events))  # noqa: E731 - one word for it
    async with WhatsApp(order=backwards, copies=2, steps=("sent", "delivered", "read")) as api:
        monkeypatch.setenv("WHATSAPP_TOKEN", TOKEN)
        monkeypatch.setenv("WHATSAPP_TOKEN_SIGNING", APP_SECRET)
        monkeypatch.setenv("WHATSAPP_API_BASE", api.base)
        monkeypatch.setenv("CHATWORKS_PUBLIC_URL", "https://shop.example")
        yield api


@pytest.fixture
async def house(
    whatsapp: WhatsApp,
    database_url: str,
    clock: SystemClock,
    bot_api: BotApi,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[House]:
    set_environment(monkeypatch, bot_api)
    async with opened(database_url, clock) as house, reachable(house) as reach:
        file = read_file(FILE)
        spec = ChannelSpec("whatsapp", "", "WHATSAPP_TOKEN", NUMBER)
        await seed_outlet(house, msgspec.structs.replace(file, channels=[spec]))
        quick = Limits(0.0001, 100, 0.0001, 100, 0.0001, 100)
        house.kinds["whatsapp"] = replace(house.kinds["whatsapp"], limits=quick)
        (channel,) = await house.directory.channels(kind="whatsapp")
        whatsapp.webhook = f"{reach}/in/whatsapp/{channel.path}"
        whatsapp.verify_token = channel.webhook_secret
        async with at_work(house):
            yield house


@pytest.fixture
async def shop(house: House, database_url: str) -> Shop:
    outlet = (await house.directory.outlets())[0]
    return Shop(house, outlet.id, database_url)


def said(message: dict[str, Any]) -> str:
    """Return what a message of ours says."""
    kind = message["type"]
    if kind == "interactive":
        return str(message["interactive"]["body"]["text"])
    return str(message[kind].get("body", message[kind].get("caption", "")))


@dataclass
class Person:
    """Somebody who writes to the number."""

    api: WhatsApp
    number: str

    def heard(self) -> list[dict[str, Any]]:
        return [call.params for call in self.api.sent(self.number)]

    async def gives(self, event: Event, answers: int = 1) -> list[dict[str, Any]]:
        before = len(self.heard())
        (delivery,) = await self.api.deliver(event)
        assert delivery.status == 200
        await until(lambda: len(self.heard()) >= before + answers)
        return self.heard()[before:]

    async def says(self, text: str, answers: int = 1) -> list[dict[str, Any]]:
        return await self.gives(self.api.text(self.number, text), answers)

    async def taps(self, label: str) -> list[dict[str, Any]]:
        return await self.gives(self.api.tap(self.number, label))


async def test_the_address_is_proved(house: House, whatsapp: WhatsApp) -> None:
    assert await whatsapp.verify()
    whatsapp.verify_token = "another"
    assert not await whatsapp.verify()
    whatsapp.app_secret = "another"
    (refused,) = await whatsapp.deliver(whatsapp.text(AMINA, "Hi"))
    assert refused.status == 401


@pytest.mark.promise("messaging")
async def test_an_order_from_the_first_word_to_the_card(whatsapp: WhatsApp, shop: Shop) -> None:
    amina = Person(whatsapp, AMINA)
    notice, menu = await amina.says("Hi", answers=2)
    assert said(notice).startswith("MajiPro Ltd keeps what you write here")
    assert said(menu).startswith("Welcome to MajiPro.")

    (bottles,) = await amina.taps("Order water")
    assert bottles["interactive"]["type"] == "list"
    (many,) = await amina.taps("20 L refill")
    assert said(many) == "How many? (1 to 20)"
    (where,) = await amina.says("two")
    assert where["interactive"]["type"] == "location_request_message"
    (right,) = await amina.gives(whatsapp.location(AMINA, -1.2921, 36.7836))
    assert "2 × 20 L refill: KES 500" in said(right)
    assert right["interactive"]["header"]["image"]["link"].startswith("https://shop.example/")
    await amina.taps("Yes")
    await amina.says("Amina")
    await amina.says("0712 345 678")
    (card,) = await amina.taps("Cash or M-Pesa")

    assert said(card).startswith("*Order 1001*\nThank you!")
    assert shop.rows("SELECT status FROM sales_order") == [("placed",)]
    parts = "SELECT DISTINCT status FROM outbox_part WHERE payload->>'method' = 'messages'"
    await until(lambda: shop.rows(parts) == [("read",)])
    assert [call for call in whatsapp.calls if not call.done] == []
    heard = [ident for ident in whatsapp.people if ident not in whatsapp.posted]
    assert whatsapp.typing == heard  # what came in was marked read, and an answer announced
    assert whatsapp.read == heard


NEWS = "There is news from MajiPro. Reply to read it."


@pytest.mark.parametrize("topic", ["order-accepted", "reopen"])
async def test_outside_the_window_a_template_tells_of_the_order_or_asks_to_write(
    whatsapp: WhatsApp, shop: Shop, topic: str
) -> None:
    amina = Person(whatsapp, AMINA)
    await order(amina)
    body = "Order {{1}} is accepted." if topic == "order-accepted" else NEWS
    approve(whatsapp, shop, topic, body)
    ago = "UPDATE conversation SET heard_at = heard_at - interval '25 hours' RETURNING 1"
    assert shop.rows(ago) == [(1,)]
    whatsapp.windows[AMINA] -= timedelta(hours=25)

    await shop.moves(1001, Status.ACCEPTED)

    await until(lambda: amina.heard()[-1]["type"] == "template")
    sent = amina.heard()[-1]["template"]
    assert (sent["name"], sent["language"]) == ("news", {"code": "en"})
    held = "SELECT status FROM outbox_part WHERE held_for <> ''"
    if topic == "order-accepted":
        (filled,) = sent["components"]
        assert filled["parameters"] == [{"type": "text", "text": "1001"}]
        assert shop.rows(held) == []
        return
    assert "components" not in sent
    assert shop.rows(held) == [("held",)]
    (news, _) = await amina.says("What is it?", answers=2)
    assert said(news).startswith("Good news: order 1001 is accepted.")


def approve(whatsapp: WhatsApp, shop: Shop, topic: str, body: str) -> None:
    """Let WhatsApp approve a template, and the installation know it."""
    parts = [{"type": "BODY", "text": body}]
    whatsapp.templates["news", "en"] = {
        "name": "news",
        "language": "en",
        "category": "UTILITY",
        "components": parts,
        "status": "APPROVED",
    }
    written = (
        "INSERT INTO channel_template (outlet_id, channel_id, name, language, topic, body,"
        " category, status, vendor_id, updated_at) SELECT outlet_id, id, 'news', 'en', %s, %s,"
        " 'utility', 'approved', '1', now() FROM channel WHERE kind = 'whatsapp' RETURNING 1"
    )
    assert shop.rows(written, topic, body) == [(1,)]
    shop.house.directory.forget()


async def order(amina: Person) -> None:
    await amina.says("Hi", answers=2)
    await amina.taps("Order water")
    await amina.taps("20 L refill")
    await amina.says("2")
    await amina.says("Argwings Kodhek Road, Kilimani")
    await amina.taps("Yes")
    await amina.says("Amina")
    await amina.says("0712 345 678")
    await amina.taps("Cash or M-Pesa")


async def test_every_item_of_a_batch_counts_once(whatsapp: WhatsApp, shop: Shop) -> None:
    people = [f"2547000000{n:02}" for n in range(8)]
    events = [whatsapp.text(person, "Hi") for person in people]

    for merge in (False, True):  # the same events in two shapes: the second is all repeats
        (delivery,) = await whatsapp.deliver(*events, merge=merge)
        assert delivery.status == 200

    await until(lambda: all(len(whatsapp.sent(person)) == 2 for person in people))
    counted = shop.rows("SELECT count(*) FROM message WHERE direction = 'in'")
    assert counted == [(len(people),)]


async def test_a_scoped_id_keeps_the_conversation_of_its_number(
    whatsapp: WhatsApp, shop: Shop
) -> None:
    amina = Person(whatsapp, AMINA)
    await amina.says("Hi", answers=2)
    await amina.taps("Order water")
    whatsapp.bsuids[AMINA] = "KE.amina1"

    await whatsapp.deliver(whatsapp.text(AMINA, "20 L refill"))

    await until(lambda: whatsapp.sent("KE.amina1"))
    (many,) = [call.params for call in whatsapp.sent("KE.amina1")]
    assert (said(many), many["recipient"]) == ("How many? (1 to 20)", "KE.amina1")
    assert shop.rows("SELECT count(*) FROM conversation WHERE thread = 'KE.amina1'") == [(1,)]
    assert shop.rows("SELECT count(*) FROM conversation") == [(1,)]
