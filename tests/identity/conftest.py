"""Browsers at the account pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from persons import Browsing, Person

from chatworks.cli import web_app
from chatworks.house import House
from chatworks.web.sse import Streams


@pytest.fixture
def browse(house: House) -> Browsing:
    """Give browsers of their own at the account pages."""
    transport = httpx.ASGITransport(web_app(house, Streams(house.listener)))  # type: ignore[arg-type]

    @asynccontextmanager
    async def opened() -> AsyncIterator[Person]:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as web:
            yield Person(house, web)

    return opened


@pytest.fixture
async def person(browse: Browsing) -> AsyncIterator[Person]:
    """One of them."""
    async with browse() as opened:
        yield opened
