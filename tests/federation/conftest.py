"""An OpenID Connect provider and a user pool on loopback, and a house that knows them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from federated import browsing
from houses import opened, set_environment
from persons import Browsing, Person
from pools import Pool, cognito_server, new_pool

from chatworks.app import House
from chatworks.kit.clock import SystemClock
from chatworks.kit.http import HttpClient
from chatworks.testing.openid import CLIENT_ID, CLIENT_SECRET, OpenIdProvider
from chatworks.testing.telegram import BotApi


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    await client.open()
    yield client
    await client.close()


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with OpenIdProvider() as running:
        yield running


@pytest.fixture
def environment(
    monkeypatch: pytest.MonkeyPatch, bot_api: BotApi, tmp_path: Path, provider: OpenIdProvider
) -> pytest.MonkeyPatch:
    """Settings of a house that knows the provider; a test may say more."""
    set_environment(monkeypatch, bot_api)
    monkeypatch.setenv("CHATWORKS_HOME", str(tmp_path))
    monkeypatch.setenv("OIDC_ISSUER", provider.base)
    monkeypatch.setenv("OIDC_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("OIDC_CLIENT_SECRET", CLIENT_SECRET)
    monkeypatch.setenv("OIDC_NAME", "Example ID")
    return monkeypatch


@pytest.fixture
async def house(
    database_url: str, clock: SystemClock, environment: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    async with opened(database_url, clock) as composed:
        yield composed


@pytest.fixture
def browse(house: House) -> Browsing:
    return browsing(house)


@pytest.fixture
async def person(browse: Browsing) -> AsyncIterator[Person]:
    async with browse() as one:
        yield one


@pytest.fixture(scope="session")
def cognito_endpoint() -> Iterator[str]:
    with cognito_server() as endpoint:
        yield endpoint


@pytest.fixture
def pool(cognito_endpoint: str) -> Pool:
    return new_pool(cognito_endpoint)
