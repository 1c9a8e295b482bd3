"""Bots made with one tap: who may, whose they become, and that their tokens stay sealed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import bot_api_schema
import msgspec
import pytest
from houses import at_work
from structlog.testing import capture_logs
from test_bots import query, until
from test_telegram_payments import take

from chatworks.app import seed_outlet
from chatworks.bots import holder
from chatworks.house import House
from chatworks.identity.service import issue_staff_code
from chatworks.identity.store import operators
from chatworks.kit.clock import SystemClock
from chatworks.kit.crypto import Vault
from chatworks.outlets import service as outlets
from chatworks.outlets.service import read_file
from chatworks.testing.telegram import BotApi, Fault
from chatworks.testing.telegram_people import BOT

MADE = 7_700_112_233
CHANNELS = (
    "SELECT o.slug, c.name, c.mode, c.status, c.secret_env IS NULL FROM channel c"
    " JOIN outlet o USING (outlet_id) WHERE c.kind = 'telegram' ORDER BY c.created_at"
)
ONE = [("majipro", "StandInBot", "webhook", "active", False)]
LEAVES = (
    "SELECT actor_kind, action, object_kind FROM audit_leaf WHERE action LIKE 'bots.%' ORDER BY at"
)
OVER = "UPDATE bot_request SET expires_at = now() WHERE bot_id IS NULL RETURNING 1"
BREAK = "UPDATE channel SET status = 'broken' WHERE secret_sealed IS NOT NULL RETURNING 1"
ASK_STAFF = "Only staff can do this: bind this chat with /staff first"


@pytest.fixture
async def at(
    house: House, bot_api: BotApi, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> AsyncIterator[House]:
    """A house at work whose bot has a webhook and may manage other bots."""
    monkeypatch.setattr(holder, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(outlets, "DIRECTORY_SECONDS", 0.05)
    bot_api.methods["getMe"] = lambda _: (0, {**BOT, "can_manage_bots": True})
    house.bots.public_url = "https://shop.example"
    async with at_work(house):
        await until(lambda: query(database_url, "SELECT 1 FROM channel WHERE manages_bots"))
        yield house


async def says(house: House, api: BotApi, person: int, text: str, answers: int = 1) -> list[Any]:
    before = len(api.sent(person))
    await take(house, [api.text(person, text)])
    return (await api.wait_for(person, before + answers))[before:]


async def code(house: House, outlet_id: UUID) -> str:
    async with house.db.engine([outlet_id]) as work:
        return await issue_staff_code(work, (await operators(work, outlet_id))[0])


async def staff(house: House, api: BotApi, person: int = 900) -> None:
    (outlet,) = await house.directory.outlets()
    await says(house, api, person, f"/staff {await code(house, outlet.id)}", answers=2)


async def made(house: House, api: BotApi, person: int, bot: int = MADE) -> None:
    await take(house, api.create_bot(person, bot, "MajiMtaaniBot"))


def sealed(url: str) -> Sequence[tuple[UUID, bytes]]:
    return query(url, "SELECT id, secret_sealed FROM channel WHERE secret_sealed IS NOT NULL")


@pytest.mark.promise("messaging")
async def test_staff_get_their_outlets_bot_in_one_tap(
    at: House, bot_api: BotApi, database_url: str
) -> None:
    await staff(at, bot_api)
    (offer,) = await says(at, bot_api, 900, "/newbot")
    (key,) = offer.params["reply_markup"]["keyboard"][0]
    assert offer.params["text"] == "Tap the button to make your bot. It is connected by itself."
    assert key == {
        "text": "Make a bot for MajiPro",
        "request_managed_bot": {"request_id": 1, "suggested_name": "MajiPro"},
    }
    if bot_api_schema.SPEC:
        assert bot_api_schema.request_misfit("sendMessage", offer.params) == ""

    await made(at, bot_api, 900)
    told = (await bot_api.wait_for(900, 4))[-1]

    assert (
        told.params["text"]
        == "Your bot @MajiMtaaniBot works for you now. Write to it to try it out."
    )
    name = f"Managed{MADE}Bot"  # what getMe says
    await until(
        lambda: query(database_url, CHANNELS)[1:] == [("majipro", name, "webhook", "active", True)]
    )
    ((channel_id, secret),) = sealed(database_url)
    assert f"{MADE}:managed".encode() not in secret
    at.directory.forget()
    channel = await at.directory.channel(channel_id)
    assert channel is not None
    assert channel.secret == f"{MADE}:managed"
    assert "managed" not in repr(channel)
    assert channel.webhook_secret
    assert query(database_url, LEAVES) == [
        ("customer", "bots.RequestBot", "conversation"),
        ("system", "bots.RequestBot", "channel"),
    ]


async def test_a_token_that_was_changed_is_fetched_and_used(
    at: House, bot_api: BotApi, database_url: str
) -> None:
    await staff(at, bot_api)
    await says(at, bot_api, 900, "/newbot")
    await made(at, bot_api, 900)
    await until(lambda: len(query(database_url, CHANNELS)) == 2)
    ((channel_id, first),) = sealed(database_url)

    update = bot_api.create_bot(900, MADE, "MajiMtaaniBot")[1]
    bot_api.managed[MADE] = f"{MADE}:another"
    await take(at, [update])
    await until(lambda: sealed(database_url)[0][1] != first)

    at.directory.forget()
    channel = await at.directory.channel(channel_id)
    assert channel is not None
    assert channel.secret == f"{MADE}:another"
    assert len(query(database_url, CHANNELS)) == 2


async def test_who_is_no_staff_gets_no_bot_and_a_strangers_bot_is_nobodys(
    at: House, bot_api: BotApi, database_url: str
) -> None:
    (*_, refused) = await says(at, bot_api, 501, "/newbot", answers=2)
    with capture_logs() as logs:
        await made(at, bot_api, 501)
        await until(lambda: not query(database_url, "SELECT 1 FROM inbox_pending"))

    assert refused.params["text"].startswith(ASK_STAFF)
    assert "somebody made a bot that nobody asked for" in [e["event"] for e in logs]
    assert query(database_url, CHANNELS) == ONE
    assert query(database_url, "SELECT 1 FROM bot_request") == []
    assert bot_api.done("getManagedBotToken") == []


async def test_a_request_is_spent_once_and_lasts_an_hour(
    at: House, bot_api: BotApi, database_url: str
) -> None:
    await staff(at, bot_api)
    await says(at, bot_api, 900, "/newbot")
    await made(at, bot_api, 900)
    await until(lambda: len(query(database_url, CHANNELS)) == 2)
    await made(at, bot_api, 900, MADE + 1)
    await until(lambda: not query(database_url, "SELECT 1 FROM inbox_pending"))
    await says(at, bot_api, 900, "/newbot")
    query(
        database_url, "UPDATE bot_request SET expires_at = now() WHERE bot_id IS NULL RETURNING 1"
    )
    await made(at, bot_api, 900, MADE + 2)
    await until(lambda: not query(database_url, "SELECT 1 FROM inbox_pending"))

    assert len(query(database_url, CHANNELS)) == 2
    assert {call.params["user_id"] for call in bot_api.done("getManagedBotToken")} == {MADE}


async def test_a_code_of_another_outlet_makes_that_outlets_bot(
    at: House, bot_api: BotApi, database_url: str
) -> None:
    file = read_file(outlets.Path("outlets/majipro.toml"))
    other = msgspec.structs.replace(file, slug="maji-mtaani", name="Maji Mtaani", channels=[])
    outlet = await seed_outlet(at, other)
    secret = await code(at, outlet.id)

    (*_, offer) = await says(at, bot_api, 777, f"/newbot {secret}", answers=2)
    (*_, again) = await says(at, bot_api, 778, f"/newbot {secret}", answers=2)
    await made(at, bot_api, 777)
    await until(lambda: len(query(database_url, CHANNELS)) == 2)

    assert offer.params["reply_markup"]["keyboard"][0][0]["text"] == "Make a bot for Maji Mtaani"
    assert again.params["text"].startswith("This code is not valid.")
    assert query(database_url, CHANNELS)[1][0] == "maji-mtaani"


async def test_a_bot_that_may_not_manage_says_so(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    async with at_work(house):
        await staff(house, bot_api)
        (refused,) = await says(house, bot_api, 900, "/newbot")

    assert refused.params["text"].startswith("This bot may not manage other bots yet.")
    assert query(database_url, "SELECT 1 FROM bot_request") == []


async def test_a_token_that_is_not_given_is_asked_for_again(
    at: House, bot_api: BotApi, database_url: str
) -> None:
    await staff(at, bot_api)
    await says(at, bot_api, 900, "/newbot")
    bot_api.faults.append(Fault("500", "getManagedBotToken"))

    await made(at, bot_api, 900)
    await until(lambda: query(database_url, "SELECT 1 FROM bot_request WHERE token_tries = 1"))
    query(database_url, "UPDATE bot_request SET token_at = now() RETURNING 1")

    await until(lambda: len(query(database_url, CHANNELS)) == 2)


async def test_a_seal_of_another_secret_stops_the_bot_and_says_why(
    at: House, bot_api: BotApi, database_url: str
) -> None:
    await staff(at, bot_api)
    await says(at, bot_api, 900, "/newbot")
    await made(at, bot_api, 900)
    await until(lambda: len(query(database_url, CHANNELS)) == 2)

    await until(lambda: query(database_url, CHANNELS)[1][2] == "webhook")  # it is connected
    at.directory.vault = Vault(b"x" * 32, SystemClock())

    trouble = "SELECT status, trouble FROM channel WHERE secret_sealed IS NOT NULL"
    query(
        database_url,
        "UPDATE channel SET status = 'broken' WHERE secret_sealed IS NOT NULL RETURNING 1",
    )
    await until(lambda: "cannot be opened" in query(database_url, trouble)[0][1])
    assert query(database_url, trouble) == [
        ("broken", "its sealed token cannot be opened: CHATWORKS_SECRET is another one")
    ]
