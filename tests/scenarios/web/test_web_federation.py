"""Signing in with another service in a browser, which really goes there and comes back."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from browsing import BROWSER, DESK, Watched, web_of
from houses import at_work, opened, set_environment
from playwright.async_api import Page, expect
from test_accessibility import serious
from test_web_account import code_of, mails, opens

from chatworks.app import House
from chatworks.kit.clock import SystemClock
from chatworks.testing.openid import CLIENT_ID, CLIENT_SECRET, OpenIdProvider
from chatworks.testing.telegram import BotApi

pytestmark = BROWSER

CODE = re.compile(r"^Subject: .*?\b([0-9A-Z]{4}-[0-9A-Z]{4})\b", re.MULTILINE)
PASSWORD = "Maziwa lala, asubuhi 7!"


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with OpenIdProvider() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def working(  # noqa: PLR0917 - fixtures
    database_url: str,
    clock: SystemClock,
    bot_api: BotApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    provider: OpenIdProvider,
) -> AsyncIterator[House]:
    """A house at work that knows the provider, and where it is reached itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    set_environment(monkeypatch, bot_api)
    monkeypatch.setenv("CHATWORKS_HOME", str(tmp_path))
    monkeypatch.setenv("CHATWORKS_PORT", str(port))
    monkeypatch.setenv("OIDC_ISSUER", provider.base)
    monkeypatch.setenv("OIDC_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("OIDC_CLIENT_SECRET", CLIENT_SECRET)
    monkeypatch.setenv("OIDC_NAME", "Example ID")
    async with opened(database_url, clock) as house, at_work(house):
        yield house


@pytest_asyncio.fixture(loop_scope="session")
async def site(working: House) -> AsyncIterator[str]:
    async with web_of(working, working.settings.port) as address:
        yield address


async def test_a_new_person_comes_with_another_service_in_swahili_on_a_phone(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page()
    await page.goto(f"{site}/account/sign-in?lang=sw")
    assert await serious(page) == []
    await page.get_by_role("button", name="Ingia kwa Example ID").click()
    address = page.get_by_label("Barua pepe yako")
    await expect(address).to_have_value("amina@example.org")
    assert await serious(page) == []
    await page.get_by_role("button", name="Nitumie msimbo").click()
    await page.get_by_label("Msimbo").fill(await code_of(working, 1))
    assert await serious(page) == []
    await page.get_by_role("button", name="Endelea").click()
    await page.get_by_role("link", name="Huduma nyingine").click()

    await expect(page.get_by_text("Example ID").first).to_be_visible()
    await expect(page.get_by_text("Iliunganishwa")).to_be_visible()
    assert await serious(page) == []


async def test_a_service_is_connected_and_disconnected_on_a_desk(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page(viewport=DESK)
    browsers.expect("403")  # a step-up is a refusal that says what to show
    await opens(page, site, working, "amina@example.org", 1)
    await page.get_by_role("link", name="Other services").click()
    await page.get_by_role("button", name="Connect Example ID").click()
    await expect(page.get_by_text("Let Example ID open your account")).to_be_visible()
    await confirms(page, working, 2)
    await expect(page.get_by_text("Your services are saved.")).to_be_visible()
    assert await serious(page) == []
    await page.get_by_role("button", name="Disconnect Example ID").click()
    await confirms(page, working, 3)

    await expect(page.get_by_role("button", name="Connect Example ID")).to_be_visible()
    await expect(page.get_by_role("button", name="Disconnect Example ID")).to_have_count(0)


async def code_number(house: House, count: int) -> str:
    """Return code number ``count`` of all that were mailed; other mails stand between them."""
    async with asyncio.timeout(20):
        while len(found := CODE.findall(" ".join(await mails(house, 0)))) < count:  # noqa: ASYNC110 - a folder
            await asyncio.sleep(0.05)
    return str(found[count - 1])


async def confirms(page: Page, house: House, count: int) -> None:
    """Show again who it is, by code number ``count``."""
    await page.get_by_role("button", name="a•••@example.org").click()
    await page.get_by_label("The code that you got").fill(await code_number(house, count))
    await page.get_by_role("button", name="Yes, do it").click()


async def test_an_account_is_opened_with_a_password(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page()
    await page.goto(f"{site}/account/sign-up?lang=en")
    await expect(page.get_by_role("button", name="Sign in with Example ID")).to_be_visible()
    await page.get_by_role("link", name="Open an account with a password").click()
    await page.get_by_label("Your name").fill("Amina Njeri")
    await page.get_by_label("E-mail address").fill("amina@example.org")
    await page.get_by_label("New password", exact=True).fill(PASSWORD)
    await page.get_by_label("The new password once more").fill(PASSWORD)
    assert await serious(page) == []
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("The code").fill(await code_of(working, 1))
    assert await serious(page) == []
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_role("link", name="Sign in").click()
    form = page.get_by_role("region", name="Password")
    await form.get_by_label("Your e-mail address or mobile number").fill("amina@example.org")
    await form.get_by_label("Password", exact=True).fill(PASSWORD)
    await form.get_by_role("button", name="Sign in").click()

    await expect(page.get_by_text("a•••@example.org")).to_be_visible()  # a new device asks first


async def test_somebody_who_says_no_is_told_so(
    site: str, browsers: Watched, provider: OpenIdProvider
) -> None:
    page = await browsers.page()
    browsers.expect("403")
    provider.claims = {"nonce": "of another attempt"}
    await page.goto(f"{site}/account/sign-in?lang=en")
    await page.get_by_role("button", name="Sign in with Example ID").click()

    await expect(page.get_by_role("alert")).to_contain_text("Nothing has changed")
    assert await serious(page) == []
    await page.get_by_role("link", name="Back to the ways to sign in").click()
    await expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
