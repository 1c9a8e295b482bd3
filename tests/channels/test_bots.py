"""Bots: connected for the operator, held once, polled without loss, and their trouble told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import bot_api_schema
import psycopg
import pytest
import uvicorn
from structlog.testing import capture_logs

from chatworks.app import compose
from chatworks.bots import holder as bots
from chatworks.channels.models import Channel, WirePart
from chatworks.cli import Server, web_app
from chatworks.house import House
from chatworks.identity.service import issue_sign_in_link
from chatworks.kit.clock import SystemClock
from chatworks.outbox import store
from chatworks.outbox.models import NewPart
from chatworks.outlets import service as outlets
from chatworks.settings import read_settings
from chatworks.testing.telegram import BotApi, Fault
from chatworks.web.sse import Streams


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bots, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(bots, "BACKOFF_SECONDS_MIN", 0.05)
    monkeypatch.setattr(outlets, "DIRECTORY_SECONDS", 0.05)


@asynccontextmanager
async def running(*houses: House, sending: bool = False) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(house.bots.run()) for house in houses]
    if sending:
        tasks.append(asyncio.create_task(houses[0].sender.run()))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def another(url: str) -> AsyncIterator[House]:
    house = compose(read_settings(), url, SystemClock())
    await house.open()
    yield house
    await house.close()


async def until(wanted: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not wanted():  # noqa: ASYNC110 - a test looks
            await asyncio.sleep(0.01)


def query(url: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute(text).fetchall()  # type: ignore[call-overload,no-any-return]


def channel_row(url: str) -> tuple[Any, ...]:
    columns = "SELECT name, mode, status, trouble FROM channel WHERE kind = 'telegram'"
    return query(url, columns)[0]


def said_in(url: str) -> list[str]:
    return [row[0] for row in query(url, "SELECT event_id FROM inbox_event ORDER BY id")]


@pytest.fixture
async def channel(house: House) -> Channel:
    return (await house.directory.channels(kind="telegram"))[0]


async def test_a_public_address_gets_a_webhook_and_menus(
    house: House, bot_api: BotApi, database_url: str, channel: Channel
) -> None:
    house.bots.public_url = "https://shop.example"

    with capture_logs() as logs:
        async with running(house):
            await until(lambda: channel_row(database_url)[0] == "StandInBot")
            await until(lambda: logs)

    assert bot_api.webhook == {
        "url": f"https://shop.example/in/telegram/{channel.path}",
        "secret_token": channel.webhook_secret,
        "allowed_updates": [
            "message", "edited_message", "callback_query", "my_chat_member", "pre_checkout_query",
            "managed_bot",
        ],
        "max_connections": 40,
        "drop_pending_updates": False,
    }  # fmt: skip
    assert channel_row(database_url) == ("StandInBot", "webhook", "active", "")
    assert set(bot_api.commands) == {"", "sw"}
    assert bot_api.commands[""][0] == {"command": "order", "description": "Order water"}
    assert {"command": "menu", "description": "menyu"} in bot_api.commands["sw"]
    names = [command["command"] for command in bot_api.commands[""]]
    assert "staff" not in names
    button = bot_api.buttons[0]
    assert button == {
        "type": "web_app",
        "text": "MajiPro",
        "web_app": {"url": "https://shop.example/o/majipro/app"},
    }
    assert bot_api.polls == []
    assert [(e["event"], e["bot"], e["mode"]) for e in logs] == [
        ("bot connected", "@StandInBot", "webhook")
    ]


@bot_api_schema.needed
@pytest.mark.parametrize("public_url", ["https://shop.example", ""])
async def test_every_call_is_one_of_the_schema(
    house: House, bot_api: BotApi, public_url: str
) -> None:
    house.bots.public_url = public_url
    mode = "setWebhook" if public_url else "deleteWebhook"

    async with running(house):
        await until(lambda: len(bot_api.done("setMyCommands")) == 2)

    made = {call.method for call in bot_api.calls}
    assert made == {"getMe", mode, "setMyCommands", "setChatMenuButton"}
    misfits = [bot_api_schema.request_misfit(c.method, c.params) for c in bot_api.calls]
    assert set(misfits) == {""}
    poll = {"offset": 0, "timeout": 25, "allowed_updates": ["message"]}
    assert bot_api_schema.request_misfit("getUpdates", poll) == ""


async def test_a_refused_webhook_is_told_and_tried_again(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    house.bots.public_url = "https://shop.example:9999"
    trouble = (
        "Telegram refuses setWebhook: Bad Request: bad webhook: an HTTPS URL must be provided for"
        " webhook"
    )

    with capture_logs() as logs:
        async with running(house):
            await until(lambda: channel_row(database_url)[3])
            assert channel_row(database_url)[2:] == ("active", trouble)
            await until(lambda: len([c for c in bot_api.calls if c.method == "setWebhook"]) > 2)
            house.bots.public_url = "https://shop.example"
            await until(lambda: channel_row(database_url)[3] == "")
            await until(lambda: len(logs) == 2)

    assert channel_row(database_url) == ("StandInBot", "webhook", "active", "")
    assert [(e["event"], e.get("reason")) for e in logs] == [
        ("bot is not connected", trouble),
        ("bot connected", None),
    ]


async def test_a_menu_that_is_refused_does_not_stop_the_bot(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    bot_api.faults.append(Fault("500", "setMyCommands"))

    async with running(house):
        await until(lambda: bot_api.polls)

    told = "Telegram does not take setMyCommands now: Internal Server Error"
    assert channel_row(database_url) == ("StandInBot", "polling", "active", told)


async def test_telegram_out_of_reach_at_the_start_is_tried_until_it_answers(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    port = int(bot_api.base.rpartition(":")[2])
    await bot_api.stop()
    bot_api.updates.append(bot_api.text(5, "hello"))

    with capture_logs() as logs:
        async with running(house):
            await until(lambda: channel_row(database_url)[3])
            assert channel_row(database_url)[3] == "Telegram cannot be reached: no connection"
            await bot_api.start(port)
            await until(lambda: said_in(database_url))

    assert [e["event"] for e in logs] == ["bot is not connected", "bot connected"]
    assert channel_row(database_url)[3] == ""


async def test_what_is_wrong_with_a_webhook_is_told_until_it_is_well(
    house: House, bot_api: BotApi, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bots, "HEALTH_SECONDS", 0.05)
    house.bots.public_url = "https://shop.example"
    told = {**bot_api.methods["getWebhookInfo"]({})[1]}
    bot_api.methods["getWebhookInfo"] = lambda _: (0, {**told, **bot_api.webhook, **info})
    info: dict[str, Any] = {
        "last_error_date": int(house.clock.now().timestamp()),
        "last_error_message": "Wrong response from the webhook: 502 Bad Gateway",
        "pending_update_count": 101,
    }
    trouble = (
        "Telegram cannot deliver: Wrong response from the webhook: 502 Bad Gateway; "
        "101 updates wait at Telegram"
    )

    async with running(house):
        await until(lambda: channel_row(database_url)[3])
        assert channel_row(database_url)[1:] == ("webhook", "active", trouble)
        info |= {"last_error_date": info["last_error_date"] - 301, "pending_update_count": 100}
        await until(lambda: channel_row(database_url)[3] == "")

    assert len([c for c in bot_api.calls if c.method == "setWebhook"]) == 1


async def test_a_webhook_that_somebody_else_set_is_set_back(
    house: House, bot_api: BotApi, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bots, "HEALTH_SECONDS", 0.05)
    house.bots.public_url = "https://shop.example"

    async with running(house):
        await until(lambda: bot_api.webhook)
        ours = bot_api.webhook
        for theirs in ({**ours, "url": "https://thief.example/"}, {**ours, "allowed_updates": []}):
            bot_api.webhook = theirs
            await until(lambda: bot_api.webhook == ours)

    assert channel_row(database_url)[1:3] == ("webhook", "active")


# -- tokens ------------------------------------------------------------------------------------


async def queue(house: House, channel: Channel, text: str) -> None:
    """Queue a message to chat 5, as any feature would."""
    part = WirePart("sendMessage", {"chat_id": 5, "text": text})
    async with house.db.engine([channel.outlet_id]) as work:
        ids = (work.new_id(), channel.outlet_id, channel.id, channel.id)
        await store.queue(work, [NewPart(*ids, "5", 1, 0, part, work.now)])


def parts(url: str) -> list[tuple[Any, ...]]:
    return query(url, "SELECT payload->'params'->>'text', status FROM outbox_part ORDER BY n")


async def test_a_refused_token_stops_sending_and_loses_nothing(
    house: House, bot_api: BotApi, database_url: str, channel: Channel
) -> None:
    bot_api.token = "12345:another"
    reason = "Telegram refuses its token: Unauthorized"
    with capture_logs() as logs:
        async with running(house, sending=True):
            await until(lambda: channel_row(database_url)[2] == "broken")
            calls = len(bot_api.calls)
            await queue(house, channel, "first")
            await asyncio.sleep(0.4)
            assert (parts(database_url), len(bot_api.calls)) == ([("first", "queued")], calls)
    assert channel_row(database_url)[2:] == ("broken", reason)
    told = [e for e in logs if e["event"] == "bot is switched off until its token works"]
    assert [(e["token"], e["reason"]) for e in told] == [("TELEGRAM_TOKEN", reason)]
    assert "12345:stand-in" not in repr(logs)

    bot_api.token = "12345:stand-in"
    async with another(database_url) as restarted, running(restarted, sending=True):
        await bot_api.wait_for(5, 1)
        await until(lambda: parts(database_url) == [("first", "sent")])

    assert channel_row(database_url)[2:] == ("active", "")


async def test_a_token_revoked_while_we_work_keeps_what_waits(
    house: House, bot_api: BotApi, database_url: str, channel: Channel
) -> None:
    async with running(house, sending=True):
        await until(lambda: bot_api.polls)
        bot_api.token = "12345:another"
        await queue(house, channel, "first")
        await queue(house, channel, "second")
        await until(lambda: channel_row(database_url)[2] == "broken")
        await asyncio.sleep(0.3)

        assert parts(database_url) == [("first", "queued"), ("second", "queued")]
    assert bot_api.sent() == []


async def test_a_stray_no_to_a_send_heals_by_itself(
    house: House, bot_api: BotApi, database_url: str, channel: Channel
) -> None:
    house.bots.public_url = "https://shop.example"
    async with running(house, sending=True):
        await until(lambda: channel_row(database_url)[1] == "webhook")
        bot_api.faults.append(Fault("401", "sendMessage"))
        await queue(house, channel, "first")
        await bot_api.wait_for(5, 1)
        await until(lambda: parts(database_url) == [("first", "sent")])

    assert channel_row(database_url)[2:] == ("active", "")
    assert len(bot_api.done("getMe")) == 2


@pytest.mark.parametrize("before", ["active", "broken"])
async def test_a_token_that_is_not_set_is_told_and_skipped(
    house: House, bot_api: BotApi, database_url: str, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    monkeypatch.delenv("TELEGRAM_TOKEN")
    change = f"UPDATE channel SET status = '{before}', trouble = 'x' RETURNING 1"  # noqa: S608
    query(database_url, change)
    with capture_logs() as logs:
        async with another(database_url) as restarted, running(restarted):
            await until(lambda: channel_row(database_url)[3] == "TELEGRAM_TOKEN is not set")

    assert channel_row(database_url)[2] == "broken"
    assert bot_api.calls == []
    assert [e["reason"] for e in logs] == ["TELEGRAM_TOKEN is not set"]


# -- polling -----------------------------------------------------------------------------------


async def test_malformed_updates_neither_stop_the_poller_nor_lose_the_good_ones(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    good = [bot_api.text(5, "one"), bot_api.text(5, "two"), bot_api.text(5, "three")]
    bad = [
        {"update_id": 1500, "message": 5},
        "nothing",
        {"update_id": "x"},
        {"update_id": 1501, "poll": {"id": "1"}},
        {"update_id": 1502, "message": {**bot_api.text(5, "a\x00b")["message"]}},
    ]
    bot_api.updates.extend([good[0], *bad[:3], good[1], *bad[3:]])

    async with running(house):
        await until(lambda: len(said_in(database_url)) == 2)
        bot_api.updates.append({**good[2], "update_id": 1600})
        await until(lambda: len(said_in(database_url)) == 3)
        await until(lambda: query(database_url, "SELECT 1 FROM channel WHERE cursor = 1601"))

    assert [e.partition(".")[0] for e in said_in(database_url)] == ["1000", "1001", "1600"]


async def test_an_empty_or_odd_answer_is_survived(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    bot_api.faults.extend(Fault(kind, "getUpdates") for kind in ("500", "close", "429"))
    bot_api.updates.append(bot_api.text(5, "one"))

    async with running(house):
        await until(lambda: said_in(database_url))

    assert len(said_in(database_url)) == 1


async def test_one_process_holds_a_bot_and_another_takes_over(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    holders = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1129775106"
    async with another(database_url) as second, running(house, second):
        await until(lambda: bot_api.polls)
        bot_api.updates.append(bot_api.text(5, "one"))
        await until(lambda: len(said_in(database_url)) == 1)
        await asyncio.sleep(0.3)
        assert (len(bot_api.done("getMe")), bot_api.conflicts) == (1, 0)

        ((pid,),) = query(database_url, holders)
        query(database_url, f"SELECT pg_terminate_backend({pid})")
        await until(lambda: len(bot_api.done("getMe")) == 2)
        bot_api.updates.append(bot_api.text(5, "two"))
        await until(lambda: len(said_in(database_url)) == 2)
        ((new_pid,),) = query(database_url, holders)
        assert new_pid != pid

    assert [e.partition(".")[0] for e in said_in(database_url)] == ["1000", "1001"]


async def test_the_cursor_is_kept_over_a_restart(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    bot_api.updates.append(bot_api.text(5, "one"))
    async with running(house):
        await until(lambda: query(database_url, "SELECT 1 FROM channel WHERE cursor = 1001"))
    before = len(bot_api.polls)

    async with running(house):
        await until(lambda: len(bot_api.polls) > before)

    assert bot_api.polls[0] == 0
    assert bot_api.polls[before] == 1001
    assert len(said_in(database_url)) == 1


# -- the console -------------------------------------------------------------------------------


@asynccontextmanager
async def signed_in(house: House) -> AsyncIterator[Callable[[str], Awaitable[str]]]:
    """Serve the product and give a reader of the console's pages."""
    config = uvicorn.Config(
        web_app(house, Streams(house.listener)), port=0, lifespan="off", log_level="warning"
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with house.db.engine() as work:
        key = await issue_sign_in_link(work, (await house.directory.outlets())[0].id)
    jar = aiohttp.CookieJar(unsafe=True)  # unsafe: an address of numbers is meant
    async with aiohttp.ClientSession(base, cookie_jar=jar) as session:
        await session.post("/console/sign-in", data={"key": key})

        async def read(path: str) -> str:
            async with session.get(path) as answer:
                return await answer.text()

        yield read
    server.should_exit = True
    await task


async def test_the_console_shows_a_broken_channel_and_how_to_mend_it(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    reason = "Telegram refuses its token: Unauthorized"
    async with signed_in(house) as read:
        assert "switched off" not in await read("/console/settings") + await read(
            "/console/trouble"
        )
        bot_api.token = "12345:another"
        async with running(house):
            await until(lambda: channel_row(database_url)[2] == "broken")
        house.directory.forget()  # another process would see it within two seconds
        settings, trouble = await read("/console/settings"), await read("/console/trouble")

    assert reason in settings
    assert reason in trouble
    assert "Set TELEGRAM_TOKEN to the bot’s token" in trouble
