"""One browser for a whole session of tests, and the product on a port of loopback for each.

Playwright belongs to the event loop that it was started in. So the tests that use it run in the
session's loop (``pytestmark = BROWSER``), and the product that they use is opened there too: these
fixtures take the place of those with the same names.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from houses import at_work, opened, set_environment, stand_in
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from chatworks.cli import Server, web_app
from chatworks.house import House
from chatworks.identity.service import issue_sign_in_link
from chatworks.kit.clock import SystemClock
from chatworks.testing.telegram import BotApi
from chatworks.web.security import App
from chatworks.web.sse import Streams

BROWSER = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
WAIT_MS = 20_000  # many testers may share the machine
expect.set_options(timeout=WAIT_MS)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser of this session."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def bot_api() -> AsyncIterator[BotApi]:
    """A stand-in of the Bot API."""
    async with stand_in() as api:
        yield api


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    database_url: str,
    clock: SystemClock,
    bot_api: BotApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[House]:
    """The whole product on a fresh database, with MajiPro seeded, open at every hour."""
    set_environment(monkeypatch, bot_api)
    monkeypatch.setenv("CHATWORKS_HOME", str(tmp_path))
    async with opened(database_url, clock) as composed:
        yield composed


@pytest_asyncio.fixture(loop_scope="session")
async def working(house: House) -> AsyncIterator[House]:
    """The same, with its worker and sender running."""
    async with at_work(house):
        yield house


@asynccontextmanager
async def serving(app: App, port: int = 0) -> AsyncIterator[str]:
    """Serve an ASGI application on a port of loopback; gives its address."""
    config = uvicorn.Config(app, port=port, lifespan="off", log_level="warning", ws="none")  # type: ignore[arg-type]
    server = Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag, no event
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@asynccontextmanager
async def web_of(house: House, port: int = 0) -> AsyncIterator[str]:
    """Serve a house's web; its open streams end with it."""
    streams = Streams(house.listener)
    async with serving(web_app(house, streams), port) as address:
        yield address
        streams.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def site(working: House) -> AsyncIterator[str]:
    """The product on a free port of loopback."""
    async with web_of(working) as address:
        yield address


Open = Callable[..., Awaitable[Page]]


class Watched:
    """The browsers of one test: each has storage of its own. Collects what must not be."""

    def __init__(self, chromium: Browser) -> None:
        self._chromium = chromium
        self.contexts: list[BrowserContext] = []
        self.trouble: list[str] = []
        self.expected: tuple[str, ...] = ()

    async def context(self, **options: Any) -> BrowserContext:
        """Return a fresh browser, as wide as a phone unless told otherwise."""
        given: dict[str, Any] = {"viewport": PHONE, "reduced_motion": "reduce", **options}
        context = await self._chromium.new_context(**given)
        context.set_default_timeout(WAIT_MS)
        context.on("weberror", lambda error: self.trouble.append(str(error.error)))
        context.on("console", lambda m: self._note(m.text) if m.type == "error" else None)
        context.on("request", lambda request: self._host(request.url))
        self.contexts.append(context)
        return context

    async def page(self, **options: Any) -> Page:
        """Return the page of a fresh browser."""
        return await (await self.context(**options)).new_page()

    def expect(self, *texts: str) -> None:
        """Let errors pass that hold one of ``texts``: the test brings them about itself."""
        self.expected = texts

    def _note(self, text: str) -> None:
        if not any(known in text for known in self.expected):
            self.trouble.append(text)

    def _host(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:")):
            self.trouble.append(url)


@pytest_asyncio.fixture(loop_scope="session")
async def browsers(chromium: Browser) -> AsyncIterator[Watched]:
    """The browsers of a test: no page error, no policy violation, no foreign host."""
    watched = Watched(chromium)
    yield watched
    for context in watched.contexts:
        await context.close()
    assert watched.trouble == []


async def sign_in(page: Page, site: str, house: House) -> None:
    """Open a one-time link, and press its button."""
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        key = await issue_sign_in_link(work, outlet.id)
    await page.goto(f"{site}/console/sign-in?key={key}")
    await page.get_by_role("button", name="Open the console").click()
    await expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()


async def begin(page: Page, site: str, language: str = "en") -> None:
    """Open the outlet's page, and start the chat."""
    await page.goto(f"{site}/o/majipro?lang={language}")
    await page.get_by_role("button", name="Start the chat").click()
    await expect(page.get_by_role("button", name="Order water").last).to_be_visible()


async def say(page: Page, text: str) -> None:
    """Write into the chat."""
    await page.get_by_label("Your message").fill(text)
    await page.get_by_label("Your message").press("Enter")


async def tap(page: Page, label: str) -> None:
    """Tap the newest button with this label that is alive."""
    await page.locator(".choices button:enabled", has_text=label).last.click()


async def reads(page: Page, text: str) -> None:
    """Wait until the chat says ``text``."""
    await expect(page.get_by_role("log").get_by_text(text).last).to_be_visible()


async def order(page: Page, bottle: str = "20 L refill", count: str = "2") -> None:
    """Order from the menu to the card."""
    await tap(page, "Order water")
    await tap(page, bottle)
    await reads(page, "How many?")
    await say(page, count)
    await reads(page, "Where shall we bring it?")
    await say(page, "Argwings Kodhek Road, Kilimani")
    await tap(page, "Yes")
    await reads(page, "What name shall the driver ask for?")
    await say(page, "Amina")
    await reads(page, "Which phone number can the driver call?")
    await say(page, "0712 345 678")
    await tap(page, "Cash or M-Pesa")
    await reads(page, "To pay on delivery")
