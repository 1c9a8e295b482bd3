"""Logs tell what happened and where, and nothing that a person said or a secret holds."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import msgspec
import psycopg
import pytest
import structlog

from chatworks.channels.webchat.adapter import arrival
from chatworks.cli import web_app
from chatworks.conversations import worker
from chatworks.house import House
from chatworks.inbox.models import NewEvent
from chatworks.kit.logs import configure
from chatworks.terminal import Terminal
from chatworks.testing.telegram import BotApi
from chatworks.web.sse import Streams

NAME, PHONE, STREET = "Wanjiku Njoroge", "0712 987 654", "Argwings Kodhek Road 17, Kilimani"
SAID = ["/order", "1", "two", STREET, "1", NAME, PHONE, "1"]


@pytest.fixture(params=["console", "json"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def logged(form: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What is logged, configured as a process does; all is as it was afterwards."""
    root, stream = logging.getLogger(), StringIO()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr("sys.stderr", stream)
    configure(form)
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


async def get(app: Any, path: str) -> tuple[int, str]:
    """Ask the application for a page as its server would."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], body.decode()


async def fail_a_turn(house: House, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a turn fail with an error that quotes what was said."""

    async def broken(*_: Any) -> None:
        raise ValueError(f"cannot read {PHONE!r} of {NAME}") from psycopg.DataError(STREET)

    with monkeypatch.context() as patched:
        patched.setattr(worker, "take_batch", broken)
        event = msgspec.json.encode({"id": "0" * 32, "kind": "text", "text": PHONE})
        taken = arrival(event, terminal.thread, "en")
        await house.committer.accept([NewEvent(terminal.outlet.id, terminal.channel.id, taken)])
        await house.worker.step()


async def test_nothing_personal_and_no_secret_is_logged(
    house: House,
    bot_api: BotApi,
    form: str,
    logged: StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(house.work(stop))
    terminal = await Terminal.open(house, "majipro")
    shown = [line for text in ["/start", *SAID] for line in await terminal.give(text)]
    stop.set()
    await working
    assert "Order 1001" in "\n".join(shown)

    await fail_a_turn(house, terminal, monkeypatch)

    async def failing(_slug: str) -> None:
        raise LookupError(f"{NAME} {STREET}")

    monkeypatch.setattr(house.directory, "by_slug", failing)
    status, _ = await get(web_app(house, Streams(house.listener)), "/o/majipro")
    assert status == 500
    logging.getLogger("another.package").error("sent %s to %s: %s", 3, PHONE, ValueError(NAME))
    asyncio.get_running_loop().call_exception_handler(
        {"message": "never retrieved", "exception": ValueError(STREET), "future": NAME}
    )

    (channel,) = await house.directory.channels(kind="telegram")
    text = logged.getvalue()
    secrets = [bot_api.token, channel.webhook_secret, house.settings.secret.get_secret_value()]
    for hidden in [NAME, "Wanjiku", PHONE, "712987654", STREET, "Kodhek", *secrets]:
        assert hidden not in text
    for told in ["a turn failed", "a request failed", "ValueError", "LookupError", "test_logs.py:"]:
        assert told in text
    if form == "json":
        lines = [json.loads(line) for line in text.strip().split("\n")]
        assert {"event", "level", "timestamp"} <= set.intersection(*(set(line) for line in lines))
        (foreign,) = [line for line in lines if line.get("logger") == "another.package"]
        assert (foreign["event"], foreign["values"]) == (
            "sent %s to %s: %s",
            ["3", "ValueError"],
        )


async def test_readiness_is_about_the_database(house: House, database_url: str) -> None:
    app = web_app(house, Streams(house.listener))
    assert await get(app, "/healthz") == (200, "ok")
    assert await get(app, "/readyz") == (200, "ready")
    status, text = await get(app, "/metrics")
    assert status == 200
    assert "chatworks_turns_total" in text

    await house.db.engine_pool.close()

    assert (await get(app, "/readyz"))[0] == 503
    assert await get(app, "/healthz") == (200, "ok")
