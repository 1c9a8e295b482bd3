"""The journey in a real browser: order, reload, two tabs, console, widget."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from chatworks.app import House
from chatworks.cli import Server, web_app
from chatworks.identity.service import issue_sign_in_link
from chatworks.testing.telegram import BotApi
from chatworks.web.sse import Streams

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture
async def site(working: House) -> AsyncIterator[str]:
    """The product on a free port of loopback."""
    import uvicorn  # noqa: PLC0415

    streams = Streams(working.listener)
    config = uvicorn.Config(
        web_app(working, streams), port=0, lifespan="off", log_level="warning", ws="none"
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag, no event
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    streams.stop()
    server.should_exit = True
    await task


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


def watch(page: Page, site: str) -> list[str]:
    """Collect what must not be: errors, policy violations, foreign hosts."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda m: found.append(m.text) if m.type == "error" else None)
    page.on(
        "request",
        lambda r: None if r.url.startswith((site, "data:", "blob:")) else found.append(r.url),
    )
    return found


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Your message").fill(text)
    await page.keyboard.press("Enter")


@pytest.mark.promise("applets")
async def test_the_journey_of_an_order(
    site: str, browser: Browser, working: House, bot_api: BotApi
) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    trouble = watch(page, site)

    await page.goto(f"{site}/o/majipro")
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Clean water at your door, today."
    )
    await page.get_by_role("button", name="Start the chat").click()
    await expect(page.get_by_text("MajiPro Ltd keeps what you write here")).to_be_visible()
    await page.get_by_role("button", name="Order water").click()
    await page.get_by_role("button", name="20 L refill").click()
    await expect(page.get_by_text("How many? (1 to 20)")).to_be_visible()

    await page.reload()
    await expect(page.get_by_text("How many? (1 to 20)")).to_be_visible()
    second = await context.new_page()
    await second.goto(f"{site}/o/majipro")
    await say(page, "two")
    await expect(second.get_by_text("Where shall we bring it?")).to_be_visible()
    await second.close()

    await say(page, "Moon")
    await expect(page.get_by_text("We do not deliver there yet")).to_be_visible()
    await say(page, "Argwings Kodhek Road, Kilimani")
    await page.get_by_role("button", name="Yes").click()
    await expect(page.get_by_text("What name shall the driver ask for?")).to_be_visible()
    await say(page, "Amina")
    await expect(page.get_by_text("Which phone number can the driver call?")).to_be_visible()
    await say(page, "0712 345 678")
    await page.get_by_role("button", name="Cash or M-Pesa").click()
    await expect(page.get_by_text("Order 1001")).to_be_visible()
    await expect(page.get_by_text("To pay on delivery: KES 600")).to_be_visible()

    console = await browser.new_page(viewport={"width": 1280, "height": 900})
    await sign_in(console, site, working)
    await console.get_by_role("link", name="1001").click()
    await console.get_by_role("button", name="Accept").click()
    await expect(page.get_by_text("order 1001 is accepted")).to_be_visible()
    await console.get_by_role("button", name="Out for delivery").click()
    await expect(page.get_by_text("is out for delivery")).to_be_visible()
    await console.get_by_role("button", name="Delivered").click()
    await expect(page.get_by_text("Order 1001 is delivered")).to_be_visible()

    await console.get_by_role("link", name="Open the conversation").click()
    await console.get_by_label("Your reply").fill("Thank you, Amina!")
    await console.keyboard.press("Enter")
    await expect(page.get_by_text("Thank you, Amina!")).to_be_visible()
    await expect(console.get_by_text("a person speaks")).to_be_visible()
    assert trouble == []


async def sign_in(page: Page, site: str, house: House) -> None:
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        key = await issue_sign_in_link(work, outlet.id)
    await page.goto(f"{site}/console/sign-in?key={key}")
    await page.get_by_role("button", name="Open the console").click()
    await expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()


async def test_prices_and_stock_are_edited_in_the_console(
    site: str, browser: Browser, working: House
) -> None:
    page = await browser.new_page()
    trouble = watch(page, site)
    await sign_in(page, site, working)
    await page.get_by_role("link", name="Products").click()
    await page.get_by_label("Price of W20-REFILL").fill("260.50")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Price of W20-REFILL")).to_have_value("260.50")
    await page.get_by_label("Stock of W20-REFILL").fill("-3")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("stock must be a whole number, or empty")
    await page.get_by_label("Stock of W20-REFILL").fill("3")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await page.goto(f"{site}/o/majipro")
    await expect(page.get_by_text("KES 260.50")).to_be_visible()
    await expect(page.get_by_text("Only 3 left")).to_be_visible()
    assert trouble == []


async def test_no_page_of_the_console_opens_without_signing_in(site: str, browser: Browser) -> None:
    page = await browser.new_page()
    for path in ("", "/messages", "/products", "/trouble", "/settings", "/live", "/orders/0"):
        answer = await page.goto(f"{site}/console{path}")
        assert page.url == f"{site}/console/sign-in"
        assert answer is not None
    for path in ("/products/0", "/trouble", "/settings/staff", "/messages/0", "/orders/0"):
        posted = await page.request.post(f"{site}/console{path}", form={"do": "reply"})
        assert posted.status == 401


async def test_another_sites_form_is_refused(site: str, browser: Browser) -> None:
    page = await browser.new_page()
    answer = await page.request.post(
        f"{site}/console/sign-in", headers={"sec-fetch-site": "cross-site"}, form={"key": "x"}
    )

    assert answer.status == 403
    assert (await answer.json())["title"] == "this request comes from another site"


async def test_the_widget_shows_the_chat_on_another_page(
    site: str, browser: Browser, tmp_path: Path
) -> None:
    page = await browser.new_page(viewport={"width": 1000, "height": 700})
    await page.goto(f"{site}/o/majipro/privacy")
    await page.evaluate(
        "(src) => { const s = document.createElement('script'); s.src = src;"
        " s.dataset.outlet = 'majipro'; document.head.append(s); }",
        f"{site}/widget.js",
    )
    await page.get_by_role("button", name="Chat with us").click()
    frame = page.frame_locator("iframe")
    await frame.get_by_role("button", name="Start the chat").click()
    await expect(frame.get_by_role("button", name="Order water")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("iframe")).to_be_hidden()


def test_the_loader_is_small() -> None:
    from chatworks.web.templating import static_root  # noqa: PLC0415

    assert (static_root() / "js" / "widget.js").stat().st_size <= 4096
