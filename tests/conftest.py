"""Fixtures that every test may use: a real PostgreSQL, migrated once, emptied after each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
import structlog
from copies import Copies, at
from houses import SECRET, at_work, opened, set_environment, stand_in
from psycopg import sql

from chatworks.house import House
from chatworks.kit.clock import FixedClock, SystemClock
from chatworks.kit.db import Database
from chatworks.kit.embedded import Embedded
from chatworks.kit.migrate import ENGINE, WEB, login_url, migrate
from chatworks.testing.telegram import BotApi

# A traceback with the values of every frame takes seconds to draw, and a house is in most of them.
PLAIN = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[structlog.processors.add_log_level, PLAIN])

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The owner's address of a server: ``TEST_DATABASE_URL``, or an embedded one."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    # Not under pytest's own folder: as root the server runs as another user, who cannot enter it.
    with TemporaryDirectory(prefix="chatworks-tests-") as folder:
        Path(folder).chmod(0o755)
        embedded = Embedded(Path(folder))
        url = embedded.start()
        _without_the_disk(url)
        yield url
        embedded.stop()


def _without_the_disk(url: str) -> None:
    """Have the server not wait for the disk: a database for each test costs half as much.

    Whatever is killed, the machine itself goes on, and so does what it was told to write.
    """
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("ALTER SYSTEM SET fsync = off")
        conn.execute("ALTER SYSTEM SET full_page_writes = off")
        conn.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """The name of a migrated database that tests copy."""
    name = f"cw_template_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate(at(server_url, name), SECRET)
    return name


@pytest.fixture(scope="session")
def copies(server_url: str, template: str) -> Copies:
    """Databases to take and to give back."""
    return Copies(server_url, template)


@pytest.fixture
def database_url(server_url: str, copies: Copies) -> Iterator[str]:
    """The owner's address of a migrated database with nothing in it."""
    name = copies.take()
    yield at(server_url, name)
    copies.give_back(name)


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """The owner's address of a database with nothing in it."""
    name = f"cw_empty_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield at(server_url, name)
        conn.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


@pytest.fixture
def secret() -> bytes:
    """The installation's secret, from which the logins' passwords come."""
    return SECRET


@pytest.fixture
def engine_url(database_url: str) -> str:
    """The address of the engine's login."""
    return login_url(database_url, ENGINE, SECRET)


@pytest.fixture
def web_url(database_url: str) -> str:
    """The address of the web login."""
    return login_url(database_url, WEB, SECRET)


@pytest.fixture
def clock() -> SystemClock:
    """The machine's clock."""
    return SystemClock()


@pytest.fixture
def fixed_clock() -> FixedClock:
    """A clock that moves only when told; it starts on Monday 2026-11-02 at 09:00 UTC."""
    return FixedClock()


@pytest.fixture
async def db(engine_url: str, web_url: str, clock: SystemClock) -> AsyncIterator[Database]:
    """An opened database."""
    database = Database.connect(engine_url, web_url, clock)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def bot_api() -> AsyncIterator[BotApi]:
    """A stand-in of the Bot API."""
    async with stand_in() as api:
        yield api


@pytest.fixture
async def house(
    database_url: str,
    clock: SystemClock,
    bot_api: BotApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[House]:
    """The whole product on a fresh database, with MajiPro seeded, open at every hour.

    Mails that it sends are files in the folder ``mail`` of ``tmp_path``.
    """
    set_environment(monkeypatch, bot_api)
    monkeypatch.setenv("CHATWORKS_HOME", str(tmp_path))
    async with opened(database_url, clock) as composed:
        yield composed


@pytest.fixture
async def working(house: House) -> AsyncIterator[House]:
    """The same, with its worker and sender running."""
    async with at_work(house):
        yield house
