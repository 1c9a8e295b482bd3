"""Two outlets, MajiPro and Aqua, with an order and a conversation each, and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from programs import EVERYTHING, Program, Tenant, opened

from chatworks.cli import web_app
from chatworks.house import House
from chatworks.web.sse import Streams


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the web application."""
    transport = httpx.ASGITransport(web_app(house, Streams(house.listener)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as found:
        yield found


@pytest.fixture
async def majipro(house: House, database_url: str) -> Tenant:
    """MajiPro."""
    return await opened(house, database_url, "majipro", "MajiPro")


@pytest.fixture
async def aqua(house: House, database_url: str) -> Tenant:
    """Another outlet."""
    return await opened(house, database_url, "aqua", "Aqua")


@pytest.fixture
async def program(majipro: Tenant, client: httpx.AsyncClient) -> Program:
    """A program that may do everything for MajiPro."""
    return Program(client, (await majipro.key(*EVERYTHING)).secret)
