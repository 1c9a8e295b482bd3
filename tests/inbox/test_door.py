"""The door: durable before the 200, and nothing stored that is not ours and whole."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatworks.channels.models import Channel
from chatworks.house import House
from chatworks.inbox.door import Door

SECRET_HEADER = b"x-telegram-bot-api-secret-token"


async def post(
    door: Door,
    path: str,
    body: bytes,
    headers: dict[bytes, bytes],
    method: str = "POST",
) -> tuple[int, dict[str, Any]]:
    sent: list[Any] = []
    chunks = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return chunks.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "raw_path": path.encode(),
        "headers": list(headers.items()),
    }
    await door(scope, receive, send)
    return sent[0]["status"], msgspec.json.decode(sent[1]["body"])


@pytest.fixture
async def channel(house: House) -> Channel:
    return (await house.directory.channels(kind="telegram"))[0]


@pytest.fixture
async def door(house: House) -> Door:
    return Door(house.kinds, house.directory.resolve, house.committer, house.clock)


def update(number: int, chat: int = 7, text: str = "hi") -> bytes:
    person = {"id": chat, "first_name": "A", "is_bot": False}
    message = {
        "message_id": number,
        "date": 1_790_000_000,
        "chat": {"id": chat, "type": "private"},
        "from": person,
        "text": text,
    }
    return json.dumps({"update_id": number, "message": message}).encode()


def stored(url: str) -> tuple[int, int]:
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "SELECT (SELECT count(*) FROM inbox_event), (SELECT count(*) FROM inbox_pending)"
        ).fetchone()
    assert row is not None
    return row


async def test_an_update_is_stored_before_the_answer_and_once(
    door: Door, channel: Channel, database_url: str
) -> None:
    path = f"/in/telegram/{channel.path}"
    headers = {SECRET_HEADER: channel.webhook_secret.encode()}

    first = await post(door, path, update(1), headers)
    second = await post(door, path, update(1), headers)

    assert (first, second) == ((200, {}), (200, {}))
    assert stored(database_url) == (1, 1)
    with psycopg.connect(database_url) as conn:
        kept = conn.execute("SELECT headers, thread FROM inbox_event").fetchone()
    assert kept == ({}, "7")


DEEP = b'{"update_id":1,"message":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

BAD = {
    "malformed": (b"{", 400, "the body is not a JSON object"),
    "not an object": (b"[1]", 400, "the body is not a JSON object"),
    "no update id": (b'{"message":{"chat":{"id":1}}}', 400, "update_id is missing or not a number"),
    "not UTF-8": (b'{"update_id":1,"message":{"text":"\xff"}}', 400, "the body is not UTF-8"),
    "a NUL": (update(1, text="a\x00b"), 400, "the text holds a NUL"),
    "too deep": (DEEP, 400, "the JSON is nested deeper than 64"),
    "too long": (b"x" * 1_048_577, 413, "the body is longer than 1048576 bytes"),
    "nobody": (b'{"update_id":1,"poll":{"id":"1"}}', 400, "poll names no chat or person"),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_body_is_refused_with_its_reason(
    door: Door, channel: Channel, database_url: str, case: str
) -> None:
    body, status, reason = BAD[case]
    headers = {SECRET_HEADER: channel.webhook_secret.encode()}

    answer = await post(door, f"/in/telegram/{channel.path}", body, headers)

    assert answer == (status, {"type": "about:blank", "status": status, "title": reason})
    assert stored(database_url) == (0, 0)


async def test_who_is_not_telegram_is_refused(
    door: Door, channel: Channel, database_url: str
) -> None:
    path = f"/in/telegram/{channel.path}"
    right = {SECRET_HEADER: channel.webhook_secret.encode()}

    assert (await post(door, path, update(1), {}))[0] == 401
    assert (await post(door, path, update(1), {SECRET_HEADER: b"wrong"}))[0] == 401
    assert (await post(door, path, update(1), right, "GET"))[0] == 405
    for wrong in ("/in/telegramx/" + channel.path, path + "x", path + "/", "/in/telegram/../x"):
        assert (await post(door, wrong, update(1), right))[0] == 404
    assert stored(database_url) == (0, 0)


@pytest.mark.promise("secrets")
async def test_no_secret_reaches_the_log(door: Door, channel: Channel, database_url: str) -> None:
    headers = {
        SECRET_HEADER: channel.webhook_secret.encode(),
        b"authorization": b"Bearer canary",
        b"cookie": b"canary",
        b"user-agent": b"Telegram",
    }

    await post(door, f"/in/telegram/{channel.path}", update(1), headers)

    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT headers::text FROM inbox_event").fetchone()
    assert row == ('{"user-agent": "Telegram"}',)


async def test_many_requests_share_commits_and_none_is_lost(
    door: Door, channel: Channel, database_url: str
) -> None:
    path = f"/in/telegram/{channel.path}"
    headers = {SECRET_HEADER: channel.webhook_secret.encode()}
    bodies = [update(n % 250, chat=n % 250) for n in range(500)]

    answers = await asyncio.gather(*(post(door, path, body, headers) for body in bodies))

    assert {status for status, _ in answers} == {200}
    assert stored(database_url) == (250, 250)


async def test_while_the_database_is_away_everybody_is_told_at_once(
    door: Door, channel: Channel, house: House, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    tries = 0

    async def away(*_arguments: object) -> int:
        nonlocal tries
        tries += 1
        raise psycopg.OperationalError("the server is gone")

    monkeypatch.setattr("chatworks.inbox.store.accept", away)
    headers = {SECRET_HEADER: channel.webhook_secret.encode()}
    answers = await asyncio.gather(
        *(post(door, f"/in/telegram/{channel.path}", update(n), headers) for n in range(1, 51))
    )

    assert {status for status, _ in answers} == {503}
    assert tries <= 6  # a group is tried twice, never request by request
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM inbox_event").fetchone() == (0,)


async def test_a_killed_connection_loses_nothing(
    door: Door, house: House, channel: Channel, database_url: str
) -> None:
    path = f"/in/telegram/{channel.path}"
    headers = {SECRET_HEADER: channel.webhook_secret.encode()}
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'chatworks_engine' AND datname = current_database()"
        )

    statuses = [(await post(door, path, update(n), headers))[0] for n in range(3)]

    assert set(statuses) <= {200, 503}
    assert stored(database_url)[0] == statuses.count(200)
    assert (await post(door, path, update(9), headers))[0] == 200


CHANNEL = Channel(UUID(int=1), UUID(int=2), "telegram", "path", "StandInBot", "webhook")


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(body=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
def test_random_bodies_never_break_the_adapter(body: bytes) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    from chatworks.channels.models import RawRequest, Rejected  # noqa: PLC0415
    from chatworks.channels.telegram import adapter  # noqa: PLC0415

    problem = 0
    arrivals: Any = ()
    try:
        arrivals = adapter.split(RawRequest({}, body), CHANNEL, datetime.now(UTC))
    except Rejected as no:
        problem = no.http_status
    assert len(arrivals) == 1 if not problem else 400 <= problem < 500
