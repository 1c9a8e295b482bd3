"""Looking after Twilio's senders: connected, given their Content once, templates tracked, told."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from houses import opened, set_environment
from people import Shop
from twilio_account import Account
from twilio_people import PUBLIC, add_channels

from chatworks.app import compose, sign_in_link
from chatworks.broadcasts.models import Segment, WriteBroadcast
from chatworks.channels.models import Channel
from chatworks.channels.topics import TOPICS
from chatworks.channels.twilio.api import NotDone
from chatworks.cli import web_app
from chatworks.commands.models import Actor, ActorKind, Call, NotAllowed
from chatworks.house import House
from chatworks.kit.clock import SystemClock
from chatworks.kit.errors import Refusal
from chatworks.outlets.core import sms_price
from chatworks.outlets.models import (
    CheckChannel,
    NoSuchChannel,
    NoSuchTemplate,
    NotValid,
    RemoveTemplate,
    SaveTemplate,
    Sms,
)
from chatworks.settings import read_settings
from chatworks.testing.telegram import BotApi
from chatworks.testing.twilio import SMS
from chatworks.web.sse import Streams

CHANNEL = "SELECT status, trouble, webhook, webhook_set FROM channel WHERE kind = %s"
WHATSAPP_HOOK = f"{PUBLIC}/in/twilio_whatsapp/"


@pytest.fixture
async def house(
    twilio: Account,
    database_url: str,
    clock: SystemClock,
    bot_api: BotApi,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[House]:
    """MajiPro with WhatsApp and SMS; nobody looks after them but the test."""
    set_environment(monkeypatch, bot_api)
    async with opened(database_url, clock) as composed:
        await add_channels(composed)
        yield composed


async def channel(house: House, kind: str = "twilio_whatsapp") -> Channel:
    house.directory.forget()
    return (await house.directory.channels(kind=kind))[0]


async def test_a_first_look_connects_and_makes_the_pool_once(
    house: House, twilio: Account, shop: Shop
) -> None:
    await house.senders.round()
    await house.senders.round()  # nothing is due

    [(status, trouble, hook, is_set)] = shop.rows(CHANNEL, "twilio_whatsapp")
    assert (status, trouble, is_set) == ("active", "", None)
    assert hook.startswith(WHATSAPP_HOOK)
    assert hook.endswith("#rc=5&rp=all")
    assert shop.rows(CHANNEL, "twilio_sms")[0][3] is True
    assert len(twilio.done("CreateContent")) == 26
    kept = dict(shop.rows("SELECT name, vendor_id FROM channel_resource"))
    assert (await channel(house)).resources == kept
    assert len(kept) == 26
    assert shop.rows("SELECT DISTINCT name FROM channel WHERE kind = 'twilio_sms'") == [(SMS,)]


async def test_what_another_made_is_found_by_its_name(
    house: House, twilio: Account, shop: Shop
) -> None:
    await house.senders.round()
    shop.rows("DELETE FROM channel_resource RETURNING 1")
    shop.rows("UPDATE channel SET checked_at = NULL RETURNING 1")
    house.directory.forget()

    await house.senders.round()

    assert len(twilio.done("CreateContent")) == 26
    assert shop.rows("SELECT count(*) FROM channel_resource") == [(26,)]


async def test_two_processes_make_nothing_twice(
    house: House, twilio: Account, database_url: str, clock: SystemClock
) -> None:
    other = compose(read_settings(), database_url, clock)
    await other.open()
    try:
        await asyncio.gather(house.senders.round(), other.senders.round())
    finally:
        await other.close()

    names = [content.friendly_name for content in twilio.contents.values()]
    assert len(names) == len(set(names)) == 26


async def test_a_message_that_needs_content_now_makes_it_unless_another_does(
    house: House, twilio: Account, shop: Shop
) -> None:
    whatsapp = await channel(house)
    sid = await house.senders.resource_of(whatsapp, "buttons-2")
    assert await house.senders.resource_of(whatsapp, "buttons-2") == sid
    assert list(twilio.contents) == [sid]

    with psycopg.connect(shop.url, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (0x43570003, whatsapp.account))
        with pytest.raises(NotDone, match="rows-3 is being made"):
            await house.senders.resource_of(whatsapp, "rows-3")
    assert list(twilio.contents) == [sid]


async def test_a_refused_token_breaks_the_channel_until_it_works(
    house: House, twilio: Account, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_TOKEN", "revoked")
    house.directory.forget()
    await house.senders.round()
    [(status, trouble, _, _)] = shop.rows(CHANNEL, "twilio_sms")
    assert (status, trouble) == (
        "broken",
        "Twilio refuses the account or its token: Twilio refuses the account or its token (20003)",
    )

    monkeypatch.setenv("TWILIO_TOKEN", twilio.auth_token)
    house.directory.forget()
    await shop.submit(CheckChannel((await channel(house, "twilio_sms")).id))
    await house.senders.round()

    assert shop.rows(CHANNEL, "twilio_sms")[0][:2] == ("active", "")
    leaves = "SELECT count(*) FROM audit_leaf WHERE action = 'outlets.CheckChannel'"
    assert shop.rows(leaves) == [(1,)]


TEMPLATE = "SELECT status, reason, vendor_id <> '' FROM channel_template"
BODY = "Your order {{1}} is on its way."


async def test_a_template_is_submitted_tracked_and_used_while_approved(
    house: House, twilio: Account, shop: Shop
) -> None:
    whatsapp = await channel(house)
    asked = SaveTemplate(whatsapp.id, "order_way", "en", "order.on_its_way", BODY)
    await shop.submit(asked)
    assert shop.rows(TEMPLATE) == [("draft", "", False)]

    await house.senders.care(await channel(house))
    assert shop.rows(TEMPLATE) == [("pending", "", True)]
    [(sid,)] = shop.rows("SELECT vendor_id FROM channel_template")
    assert twilio.contents[sid].name == "order_way"
    for state, reason in (("approved", ""), ("paused", "bad quality"), ("approved", "")):
        twilio.decide(sid, state, reason)
        await house.senders.care(await channel(house))
        assert shop.rows(TEMPLATE) == [(state, reason, True)]
        assert (await channel(house)).templates[0].status == state
    twilio.decide(sid, "rejected", "too vague")
    await house.senders.care(await channel(house))
    assert shop.rows(TEMPLATE) == [("rejected", "too vague", True)]
    assert len([c for c in twilio.contents.values() if c.sid == sid]) == 1

    await shop.submit(RemoveTemplate(whatsapp.id, "order_way", "en"))
    assert shop.rows(TEMPLATE) == []
    leaves = "SELECT action FROM audit_leaf WHERE action LIKE 'outlets.%%Template' ORDER BY at, id"
    assert [row[0] for row in shop.rows(leaves)] == [
        "outlets.SaveTemplate", "outlets.RemoveTemplate",
    ]  # fmt: skip


async def test_what_twilio_refuses_of_a_template_is_its_reason(
    house: House, twilio: Account, shop: Shop
) -> None:
    whatsapp = await channel(house)
    await shop.submit(SaveTemplate(whatsapp.id, "way", "en", "reopen", "There is news."))
    twilio.fail_next("401", "CreateApprovalCreate")
    await house.senders.care(await channel(house))
    assert shop.rows(TEMPLATE) == [("draft", "", False)]  # the account is to blame, not it

    twilio.fail_next("close", "CreateApprovalCreate")
    await house.senders.care(await channel(house))
    await house.senders.care(await channel(house))
    assert shop.rows(TEMPLATE) == [("pending", "", True)]
    assert len([c for c in twilio.contents.values() if "template" in c.friendly_name]) == 1


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"body": "{{1}} is here."}, NotValid),
        ({"topic": " "}, NotValid),
        ({"topic": "order-accepted", "body": "Order {{1}}, that is {{2}}, is accepted."}, NotValid),
        ({"name": "taken"}, NotValid),
        ({"kind": "twilio_sms"}, NoSuchChannel),
    ],
)
async def test_a_template_that_cannot_be_is_refused_and_nothing_is_kept(
    house: House, shop: Shop, change: dict[str, str], refusal: type[Refusal]
) -> None:
    found = await channel(house)
    await shop.submit(SaveTemplate(found.id, "taken", "en", "reopen", "There is news."))
    at = await channel(house, change.pop("kind", "twilio_whatsapp"))
    asked: dict[str, Any] = {"name": "other", "topic": "reopen", "body": "There is news.", **change}

    with pytest.raises(refusal):
        await shop.submit(SaveTemplate(at.id, language="en", **asked))

    assert shop.rows("SELECT name FROM channel_template") == [("taken",)]


async def test_the_console_offers_the_topics_that_there_are(house: House, shop: Shop) -> None:
    found = await channel(house)
    texts = {"en": "Half price today!", "sw": "Nusu bei leo!"}
    await shop.submit(WriteBroadcast(UUID(int=7), "Easter", "easter", texts, Segment()))
    app = web_app(house, Streams(house.listener))
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    page = "/console/settings/channels"
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC) as client:
        key = (await sign_in_link(house, found.outlet_id)).partition("key=")[2]
        client.headers["origin"] = PUBLIC
        await client.post("/console/sign-in", data={"key": key})
        shown = html.unescape((await client.get(page)).text)
        form = {
            "do": "template",
            "name": "accepted",
            "language": "en",
            "topic": "order-accepted",
            "body": "Order {{1}} is accepted, {{2}}.",
        }
        wrong = await client.post(f"{page}/{found.id.hex}", data=form)
        form["body"] = "Order {{1}} is accepted."
        right = await client.post(f"{page}/{found.id.hex}", data=form)

    offered = re.findall(r'<option value="([a-z-]+)" ?>([a-z-]+): ', shown)
    assert offered == [(name, name) for name in [*TOPICS, "easter"]]
    assert "{{1}} the order’s number, {{2}} why" in shown
    assert (wrong.status_code, right.status_code) == (422, 303)
    assert 'value="order-accepted" selected' in wrong.text
    written = "SELECT topic, body FROM channel_template"
    assert shop.rows(written) == [("order-accepted", "Order {{1}} is accepted.")]


async def test_strangers_neither_check_nor_remove(house: House, shop: Shop) -> None:
    found = await channel(house)

    with pytest.raises(NoSuchTemplate):
        await shop.submit(RemoveTemplate(found.id, "none", "en"))
    with pytest.raises(NoSuchChannel):
        await shop.submit(CheckChannel(found.outlet_id))
    operator = await shop.operator()
    customer = Actor(ActorKind.CUSTOMER, operator.id.hex)
    async with house.db.engine() as work:
        call: Call[Any] = Call(found.outlet_id, customer, CheckChannel(found.id))
        [answer] = await house.dispatcher.run(work, [call])
    assert isinstance(answer, NotAllowed)


async def test_the_console_tells_what_an_sms_takes(house: House, shop: Shop) -> None:
    whatsapp = await channel(house)
    prices = 'UPDATE outlet SET sms = \'{"prices": {"+254": "0.80", "+": "2"}}\' RETURNING 1'
    shop.rows(prices)
    house.directory.forget()
    outlet = await house.directory.outlet(whatsapp.outlet_id)
    assert outlet.sms == Sms({"+254": "0.80", "+": "2"})
    told = [sms_price(outlet, number, 2) for number in ("+254712", "+1555", "254")]
    assert [price.show("en") if price else "" for price in told] == ["KES 1.60", "KES 4", ""]

    add_contact = (
        "INSERT INTO contact (outlet_id, id, channel_id, vendor_id, language, created_at)"
        " SELECT outlet_id, id, id, '+254712345678', 'en', now() FROM channel WHERE kind = %s"
        " RETURNING 1"
    )
    add_conversation = (
        "INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread, thread_key,"
        " last_at, created_at) SELECT outlet_id, id, id, id, '+254712345678', 5, now(), now()"
        " FROM channel WHERE kind = %s RETURNING replace(id::text, '-', '')"
    )
    shop.rows(add_contact, "twilio_sms")
    [(conversation,)] = shop.rows(add_conversation, "twilio_sms")
    app = web_app(house, Streams(house.listener))
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC) as client:
        link = await sign_in_link(house, whatsapp.outlet_id)
        key = link.partition("key=")[2]
        origin = {"origin": PUBLIC}
        await client.post("/console/sign-in", data={"key": key}, headers=origin)
        page = f"/console/messages/{conversation}"
        answers = [
            (await client.get(f"{page}/cost", params={"text": text})).text
            for text in ("a" * 161, "Sawa", " ")
        ]
        shown = (await client.get(page)).text

    assert answers == ["2 segments, about KES 1.60", "1 segment, about KES 0.80", ""]
    assert f'data-cost="{page}/cost"' in shown
