"""MajiPro and Aqua, somebody who runs Aqua signed in, and a client that MajiPro registered."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

sys.path.append(str(Path(__file__).parents[1] / "api"))

from asking import Asker, asker_of
from programs import Tenant, opened

from chatworks.cli import web_app
from chatworks.house import House
from chatworks.web.sse import Streams


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A browser."""
    transport = httpx.ASGITransport(web_app(house, Streams(house.listener)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as found:
        yield found


@pytest.fixture
async def majipro(house: House, database_url: str) -> Tenant:
    """The outlet whose operator registers the client."""
    return await opened(house, database_url, "majipro", "MajiPro")


@pytest.fixture
async def aqua(house: House, database_url: str) -> Tenant:
    """The outlet that the client is to act for."""
    return await opened(house, database_url, "aqua", "Aqua")


@pytest.fixture
async def browser(house: House, aqua: Tenant, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser that is signed in as Aqua's owner."""
    await aqua.enters(client)
    return client


@pytest.fixture
async def asker(majipro: Tenant, browser: httpx.AsyncClient) -> Asker:
    """A public client."""
    return await asker_of(majipro, browser, confidential=False)


@pytest.fixture
async def keeper(majipro: Tenant, browser: httpx.AsyncClient) -> Asker:
    """A confidential client."""
    return await asker_of(majipro, browser, confidential=True)
