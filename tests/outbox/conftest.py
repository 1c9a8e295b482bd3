"""A vendor that reports, asks for templates and can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from vendor import Sending, Vendor

from chatworks.house import House


@pytest.fixture
async def vendor(house: House, database_url: str) -> Vendor:
    channel = (await house.directory.channels(kind="telegram"))[0]
    made = Vendor(house, channel, database_url)
    made.install(None, asks=False)
    return made


@pytest.fixture
def sending(house: House) -> Sending:
    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        house.sender._stopping = False  # a test stops and starts it
        task = asyncio.create_task(house.sender.run())
        yield
        house.sender.stop()
        await task

    return run
