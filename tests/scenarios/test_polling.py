"""``TELEGRAM_TOKEN=… chatworks run`` on a laptop: long polling, over a stop and a kill."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from people import text

from chatworks.testing.telegram import BotApi, Call

ROOT = Path(__file__).parents[2]
SECRET = "a secret of the tests, long enough"
CHAT = 501


class Laptop:
    """The product as a process of its own."""

    def __init__(self, environment: dict[str, str], url: str, api: BotApi) -> None:
        self.environment = environment
        self.url = url
        self.api = api
        self.running: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it; returns once it polls."""
        before = len(self.api.polls)
        command = [sys.executable, "-m", "chatworks", "run"]
        self.running = subprocess.Popen(  # noqa: ASYNC220, S603 - our own, left running
            command, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL
        )
        await until(lambda: len(self.api.polls) > before, 30)

    async def end(self, number: signal.Signals) -> int:
        """Stop it by a signal, with nothing on its way to Telegram; returns its exit status."""
        open_parts = "SELECT 1 FROM outbox_part WHERE status IN ('queued', 'leased')"
        await until(lambda: self.rows(open_parts) == [], 5)
        assert self.running is not None
        self.running.send_signal(number)
        return await asyncio.to_thread(self.running.wait, 20)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as conn:
            return conn.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]

    async def hears(self, update: dict[str, Any], said: str) -> Call:
        """Give an update to whoever polls; returns the answer, which begins with ``said``."""
        count = len(self.api.sent(CHAT))
        self.api.updates.append(update)
        await until(lambda: text_of(self.api, count).startswith(said), 20)
        return self.api.sent(CHAT)[-1]


def text_of(api: BotApi, after: int) -> str:
    sent = api.sent(CHAT)[after:]
    return text(sent[-1]) if sent else ""


async def until(wanted: Callable[[], Any], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not wanted():  # noqa: ASYNC110 - a test looks
            await asyncio.sleep(0.02)


@pytest.fixture
async def laptop(database_url: str, bot_api: BotApi, tmp_path: Path) -> AsyncIterator[Laptop]:
    file = (ROOT / "outlets" / "majipro.toml").read_text()
    always = re.sub(r'(\w{3} = )\[\["\d\d:\d\d", "\d\d:\d\d"\]\]', r'\1[["00:00", "00:00"]]', file)
    (tmp_path / "majipro.toml").write_text(always)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Laptop(
        {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "CHATWORKS_SECRET": SECRET,
            "CHATWORKS_PORT": str(port),
            "CHATWORKS_OUTLET_FILE": str(tmp_path / "majipro.toml"),
            "DATABASE_URL": database_url,
            "TELEGRAM_TOKEN": bot_api.token,
            "TELEGRAM_API_BASE": bot_api.base,
        },
        database_url,
        bot_api,
    )
    yield made
    if made.running is not None and made.running.poll() is None:
        made.running.kill()
        made.running.wait()


async def test_an_order_by_polling_survives_a_stop_and_a_kill(
    laptop: Laptop, bot_api: BotApi
) -> None:
    await laptop.start()
    await laptop.hears(bot_api.text(CHAT, "/order"), "Which bottle")
    await laptop.hears(bot_api.tap(CHAT, "10 L"), "How many?")
    await until(lambda: laptop.rows("SELECT cursor FROM channel WHERE cursor = 1002"), 5)

    assert await laptop.end(signal.SIGINT) == 0
    before = len(bot_api.polls)
    await laptop.start()
    assert bot_api.polls[before] == 1002
    await laptop.hears(bot_api.text(CHAT, "3"), "Where shall we bring it?")

    await laptop.end(signal.SIGKILL)
    before = len(bot_api.polls)
    await laptop.start()
    assert bot_api.polls[before] in {1002, 1003}  # killed before or after it noted how far it came
    await laptop.hears(bot_api.location(CHAT, -1.2921, 36.7836), "Your order")
    await laptop.hears(bot_api.tap(CHAT, "Yes"), "What name")
    await laptop.hears(bot_api.text(CHAT, "Amina"), "Which phone")
    await laptop.hears(bot_api.contact(CHAT, "254712345678"), "How will you pay?")
    await laptop.hears(bot_api.tap(CHAT, "Cash"), "Order 1001")
    await laptop.end(signal.SIGKILL)

    events = [row[0] for row in laptop.rows("SELECT event_id FROM inbox_event ORDER BY id")]
    taken = laptop.rows("SELECT count(*), count(DISTINCT event_id) FROM message WHERE event_id > 0")
    assert [event.partition(".")[0] for event in events] == [str(n) for n in range(1000, 1008)]
    assert taken == [(8, 8)]
    assert laptop.rows("SELECT number, status FROM sales_order") == [(1001, "placed")]
    assert laptop.rows("SELECT stock FROM product WHERE sku = 'W10'") == [(57,)]
    assert bot_api.conflicts == 0
