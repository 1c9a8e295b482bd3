"""The web application of a house, asked without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from chatworks.cli import web_app
from chatworks.house import House
from chatworks.web.sse import Streams


@pytest.fixture
def app(house: House) -> Any:
    """The whole application, doors and pages."""
    return web_app(house, Streams(house.listener))


@pytest.fixture
async def client(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client that asks the application itself."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
        yield asking
