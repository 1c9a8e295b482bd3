"""Houses whose passwords somebody else keeps, and browsers at their account pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from houses import opened
from persons import Browsing, Person
from pools import Pool

from chatworks.app import House
from chatworks.cli import web_app
from chatworks.kit.clock import SystemClock
from chatworks.web.sse import Streams


def browsing(house: House) -> Browsing:
    """Give browsers of their own at a house's account pages."""
    transport = httpx.ASGITransport(web_app(house, Streams(house.listener)))  # type: ignore[arg-type]

    @asynccontextmanager
    async def open_one() -> AsyncIterator[Person]:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as web:
            yield Person(house, web)

    return open_one


@asynccontextmanager
async def cognito_house(
    database_url: str, clock: SystemClock, environment: pytest.MonkeyPatch, pool: Pool
) -> AsyncIterator[House]:
    """A house whose passwords a user pool keeps."""
    environment.setenv("CHATWORKS_IDENTITY", "cognito")
    environment.setenv("COGNITO_USER_POOL_ID", pool.id)
    environment.setenv("COGNITO_CLIENT_ID", pool.client_id)
    environment.setenv("COGNITO_CLIENT_SECRET", pool.client_secret)
    environment.setenv("COGNITO_ENDPOINT", pool.endpoint)
    async with opened(database_url, clock) as composed:
        yield composed
    environment.setenv("CHATWORKS_IDENTITY", "local")
