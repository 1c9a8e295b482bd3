"""The door of a Mini App: in once by what Telegram signed, as the same visitor every time."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import psycopg
import pytest
import uvicorn

from chatworks.cli import Server, web_app
from chatworks.house import House
from chatworks.testing.telegram import TOKEN
from chatworks.web.sse import Streams

AMINA = '{"id":501,"first_name":"Amina","last_name":"Otieno","language_code":"sw"}'
JUMA = '{"id":777,"first_name":"Juma"}'


def signed(at: datetime, user: str = AMINA, token: str = TOKEN, **more: str) -> str:
    pairs = {"user": user, "auth_date": str(int(at.timestamp())), **more}
    secret = hmac.digest(b"WebAppData", token.encode(), "sha256")
    lines = "\n".join(f"{name}={pairs[name]}" for name in sorted(pairs))
    return urlencode({**pairs, "hash": hmac.digest(secret, lines.encode(), "sha256").hex()})


@asynccontextmanager
async def served(house: House) -> AsyncIterator[aiohttp.ClientSession]:
    app = web_app(house, Streams(house.listener))
    server = Server(uvicorn.Config(app, port=0, lifespan="off", log_level="warning"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - a test looks
        await asyncio.sleep(0.01)
    base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with aiohttp.ClientSession(base) as session:
        yield session
    server.should_exit = True
    await task


async def post(
    session: aiohttp.ClientSession, init_data: str, outlet: str = "majipro"
) -> tuple[int, Any]:
    body = {"outlet": outlet, "init_data": init_data}
    async with session.post("/telegram/session", json=body) as answer:
        return answer.status, await answer.json(content_type=None)


def rows(url: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute(text).fetchall()  # type: ignore[call-overload,no-any-return]


VISITORS = (
    "SELECT v.signed_vendor_id, v.signed_name, v.language, c.kind FROM web_visitor v"
    " JOIN channel c ON c.id = v.signed_channel_id ORDER BY 1"
)


@pytest.mark.promise("messaging")
async def test_a_person_comes_in_as_their_contact_and_finds_their_chat_again(
    working: House, database_url: str
) -> None:
    now = working.clock.now()
    async with served(working) as session:
        status, first = await post(session, signed(now, start_param="order-W20"))
        _, again = await post(session, signed(now, query_id="another"))
        _, other = await post(session, signed(now, JUMA))
        headers = {"authorization": f"Bearer {first['token']}"}
        said = {"id": "01a20dec-7bd7-7bb8-b527-28fdd4d3b616", "kind": "text", "text": "hello"}
        async with session.post("/chat/majipro/messages", json=said, headers=headers) as taken:
            assert taken.status == 200
        async with asyncio.timeout(10):
            while not rows(database_url, "SELECT 1 FROM contact"):  # noqa: ASYNC110 - it looks
                await asyncio.sleep(0.01)

    assert status == 201
    assert first["start"] == "order-W20"
    assert (again["token"], again["thread"]) == (first["token"], first["thread"])
    assert other["thread"] != first["thread"]
    assert rows(database_url, VISITORS) == [
        ("501", "Amina Otieno", "sw", "telegram"),
        ("777", "Juma", "en", "telegram"),
    ]
    assert rows(database_url, "SELECT vendor_id, name, language FROM contact") == [
        (first["thread"], "Amina Otieno", "sw")
    ]
    token = first["token"].encode()
    assert not rows(database_url, f"SELECT 1 FROM web_visitor WHERE secret_hash = '{token.hex()}'")  # noqa: S608


async def test_a_text_signs_in_once_among_many(house: House, database_url: str) -> None:
    text = signed(house.clock.now())
    async with served(house) as session:
        answers = await asyncio.gather(*(post(session, text) for _ in range(8)))

    assert sorted(status for status, _ in answers) == [201, *[401] * 7]
    refused = next(body for status, body in answers if status == 401)
    assert "the signed text was used before" in str(refused)
    assert rows(database_url, "SELECT count(*) FROM telegram_sign_in") == [(1,)]


async def test_what_is_not_signed_for_this_outlets_bot_opens_nothing(
    house: House, database_url: str
) -> None:
    now = house.clock.now()
    async with served(house) as session:
        answers = [
            await post(session, signed(now, token="12345:another")),
            await post(session, signed(now - timedelta(minutes=11))),
            await post(session, signed(now).replace("Amina", "Joyce")),
            await post(session, signed(now), outlet="nobody"),
            await post(session, ""),
        ]
        async with session.post("/telegram/session", data=b"[]") as malformed:
            assert malformed.status == 400

    assert [status for status, _ in answers] == [401, 401, 401, 404, 401]
    assert "the signed text is too old" in str(answers[1][1])
    assert rows(database_url, "SELECT count(*) FROM web_visitor") == [(0,)]
    assert rows(database_url, "SELECT count(*) FROM telegram_sign_in") == [(0,)]


async def test_spent_texts_are_forgotten_once_they_are_too_old(
    house: House, database_url: str
) -> None:
    async with served(house) as session:
        await post(session, signed(house.clock.now(), query_id="1"))
        async with house.db.engine() as work:
            await work.conn.execute(
                "UPDATE telegram_sign_in SET expires_at = now() - interval '1s'"
            )
        await post(session, signed(house.clock.now(), query_id="2"))

    assert rows(database_url, "SELECT count(*) FROM telegram_sign_in") == [(1,)]
