"""What the tests of the stand-ins share: a webhook, a client, and a time that passes when told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from hooks import Hook

from chatworks.kit.clock import FixedClock


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    """A running webhook."""
    kept = Hook()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", kept.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    kept.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield kept
    await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def time() -> FixedClock:
    """The stand-in's time, which passes when told."""
    return FixedClock()
