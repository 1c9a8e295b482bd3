"""Opens the whole product for a test; the fixtures of both event loops use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import psycopg
import pytest

from chatworks.app import compose, seed_outlet
from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.house import House
from chatworks.kit.clock import Clock
from chatworks.kit.work import Work
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
    with TemporaryDirectory() as home:  # what a database's log publishes is its own
        settings = read_settings().model_copy(update={"home": Path(home)})
        composed = compose(settings, database_url, clock)
        await composed.open()
        await seed(composed)
        forget_leaves(database_url)
        yield composed
        await composed.close()


async def seed(house: House) -> None:
    """Seed MajiPro, open at every hour."""
    file = read_file(Path(__file__).parents[1] / "outlets" / "majipro.toml")
    day = [("00:00", "00:00")]
    hours = Hours(*([day] * 7))  # type: ignore[arg-type]
    await seed_outlet(house, msgspec.structs.replace(file, hours=hours))


def forget_leaves(database_url: str) -> None:
    """Let a test begin with an empty log, as only a superuser can: the seeding left a leaf."""
    with psycopg.connect(database_url) as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("DELETE FROM audit_leaf")
        conn.execute("DELETE FROM audit_pending")


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


def leave_leaf(work: Work) -> None:
    """Leave the leaf that the database demands of what a test changes by SQL of its own."""
    work.defer(audit.append, Leaf(None, "system", "test", "tests.Change", "test", "", {}))
