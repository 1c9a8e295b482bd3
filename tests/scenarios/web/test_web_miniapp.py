"""The outlet's page inside of Telegram: who opens it is signed in to one conversation."""

from __future__ import annotations

from urllib.parse import quote

import psycopg
from browsing import BROWSER, Watched, reads, say
from playwright.async_api import Page, expect

from chatworks.house import House
from chatworks.testing.telegram import BotApi

pytestmark = BROWSER
AMINA = 501


async def open_app(page: Page, site: str, signed: str) -> None:
    """Open the Mini App as Telegram does: what it signed stands behind the #."""
    data = f"tgWebAppData={quote(signed, safe='')}&tgWebAppVersion=9.1&tgWebAppPlatform=android"
    await page.goto(f"{site}/o/majipro/app?lang=en#{data}")


async def test_one_person_has_one_conversation_on_every_device(
    site: str, browsers: Watched, working: House, bot_api: BotApi, database_url: str
) -> None:
    page = await browsers.page()
    await page.add_init_script(
        "window.told = []; window.TelegramWebviewProxy = {postEvent: (type) => told.push(type)}"
    )
    await open_app(page, site, bot_api.init_data(AMINA))
    await page.get_by_role("button", name="Start the chat").click()
    await expect(page.get_by_role("button", name="Order water").last).to_be_visible()
    await say(page, "human")
    await reads(page, "A person from MajiPro will answer you here.")
    assert page.url == f"{site}/o/majipro/app?lang=en"
    assert await page.evaluate("told") == ["web_app_ready", "web_app_expand"]
    await page.reload()
    await reads(page, "A person from MajiPro will answer you here.")

    other = await browsers.page()
    await open_app(other, site, bot_api.init_data(AMINA, start_param="help"))
    await reads(other, "A person from MajiPro will answer you here.")
    await reads(other, "/start help")
    somebody = await browsers.page()
    await open_app(somebody, site, bot_api.init_data(777))
    await expect(somebody.get_by_role("button", name="Start the chat")).to_be_visible()
    with psycopg.connect(database_url) as conn:
        visitors = conn.execute(
            "SELECT signed_vendor_id, signed_name FROM web_visitor ORDER BY 1"
        ).fetchall()
        names = conn.execute("SELECT name FROM contact").fetchall()
    assert visitors == [("501", "Person 501"), ("777", "Person 777")]
    assert names == [("Person 501",)]


async def test_a_text_that_was_used_opens_nothing(
    site: str, browsers: Watched, bot_api: BotApi, database_url: str
) -> None:
    browsers.expect("401")
    signed = bot_api.init_data(AMINA)
    first = await browsers.page()
    await open_app(first, site, signed)
    await expect(first.get_by_role("button", name="Start the chat")).to_be_visible()

    thief = await browsers.page()
    await open_app(thief, site, signed)
    await expect(thief.get_by_text("Please close this page and open it again")).to_be_visible()
    assert await thief.locator("[data-composer]").evaluate("form => form.inert")
    assert await thief.evaluate("Object.keys(localStorage)") == []
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM web_visitor").fetchone() == (1,)


async def test_telegrams_web_client_alone_may_frame_the_app(site: str, browsers: Watched) -> None:
    context = await browsers.context()
    for path, ancestors in (("/app", "https://web.telegram.org"), ("", "'none'")):
        answer = await context.request.get(f"{site}/o/majipro{path}")
        policy = answer.headers["content-security-policy"]
        assert policy.endswith(f"frame-ancestors {ancestors}")
        assert "default-src 'self'" in policy
