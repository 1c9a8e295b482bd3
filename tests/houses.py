"""Opens the whole product for a test; the fixtures of both event loops use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from chatworks.app import House, compose, seed_outlet
from chatworks.kit.clock import Clock
from chatworks.outlets.models import Hours
from chatworks.outlets.service import read_file
from chatworks.settings import read_settings
from chatworks.testing.telegram import BotApi

SECRET = b"a secret of the tests, long enough"


def set_environment(monkeypatch: pytest.MonkeyPatch, bot_api: BotApi) -> None:
    """Point the settings at the stand-in of the Bot API."""
    monkeypatch.setenv("TELEGRAM_TOKEN", bot_api.token)
    monkeypatch.setenv("CHATWORKS_SECRET", SECRET.decode())
    monkeypatch.setenv("TELEGRAM_API_BASE", bot_api.base)


@asynccontextmanager
async def opened(database_url: str, clock: Clock) -> AsyncIterator[House]:
    """The whole product on a fresh database, with MajiPro seeded, open at every hour."""
    composed = compose(read_settings(), database_url, clock)
    await composed.open()
    file = read_file(Path(__file__).parents[1] / "outlets" / "majipro.toml")
    day = [("00:00", "00:00")]
    hours = Hours(*([day] * 7))  # type: ignore[arg-type]
    await seed_outlet(composed, msgspec.structs.replace(file, hours=hours))
    yield composed
    await composed.close()


@asynccontextmanager
async def at_work(house: House) -> AsyncIterator[House]:
    """The same, with its worker and sender running."""
    stop = asyncio.Event()
    task = asyncio.create_task(house.work(stop))
    yield house
    stop.set()
    await asyncio.wait_for(task, timeout=15)


@asynccontextmanager
async def stand_in() -> AsyncIterator[BotApi]:
    """A running stand-in of the Bot API."""
    api = BotApi()
    await api.start()
    yield api
    await api.stop()
