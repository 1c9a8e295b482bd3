"""The widget on other people's pages: where it is allowed, where not, and how it behaves."""

from __future__ import annotations

from browsing import BROWSER, PHONE, Watched, reads, serving, tap
from houses import leave_leaf
from playwright.async_api import FrameLocator, Page, expect

from chatworks.house import House
from chatworks.outlets import store as outlets
from chatworks.web.security import App, Receive, Scope, Send

pytestmark = BROWSER


def foreign(site: str, policy: str = "") -> App:
    """Return somebody else's site, whose one page carries the loader's line."""
    page = (
        "<!DOCTYPE html><html lang=en><title>Elsewhere</title><h1>Elsewhere</h1>"
        f'<p><a href="/more">More</a></p><script src="{site}/widget.js" data-outlet="majipro">'
        "</script>"
    ).encode()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/html"), (b"referrer-policy", b"no-referrer")]
        headers += [(b"content-security-policy", policy.encode())] if policy else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page})

    return app


async def allow(house: House, *origins: str) -> None:
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine() as work:
        await outlets.save_widget_sites(work, outlet.id, origins)
        leave_leaf(work)
    house.directory.forget()


async def open_widget(page: Page) -> FrameLocator:
    await page.get_by_role("button", name="Chat with us").click()
    return page.frame_locator("iframe")


async def test_the_widget_chats_on_a_site_that_is_listed(
    site: str, browsers: Watched, working: House
) -> None:
    async with serving(foreign(site, f"script-src {site}; frame-src {site}")) as elsewhere:
        await allow(working, elsewhere)
        page = await browsers.page(viewport={"width": 1000, "height": 700})
        await page.goto(elsewhere)
        button = page.get_by_role("button", name="Chat with us")
        await expect(button).to_have_attribute("aria-expanded", "false")
        frame = await open_widget(page)
        await expect(button).to_have_attribute("aria-expanded", "true")
        await frame.get_by_role("button", name="Start the chat").click()
        await frame.locator(".choices button", has_text="Order water").click()
        await expect(frame.locator(".choices.rich button")).to_have_count(5)

        await frame.get_by_label("Your message").press("Escape")
        await expect(page.locator("iframe")).to_be_hidden()
        await expect(button).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(frame.get_by_label("Your message")).to_be_focused()
        for _ in range(4):  # forward out of the frame: the keyboard is not kept in it
            await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.tagName") != "IFRAME"


async def test_messages_that_come_while_it_is_closed_are_counted(
    site: str, browsers: Watched, working: House
) -> None:
    async with serving(foreign(site)) as elsewhere:
        await allow(working, elsewhere)
        page = await browsers.page(viewport={"width": 1000, "height": 700})
        await page.goto(elsewhere)
        frame = await open_widget(page)
        await frame.get_by_role("button", name="Start the chat").click()
        await expect(frame.locator(".choices button").first).to_be_visible()
        await frame.get_by_role("button", name="Close the chat").click()
        await expect(page.locator("iframe")).to_be_hidden()
        async with working.db.engine() as work:
            found = await work.conn.execute("SELECT outlet_id, id FROM conversation")
            outlet_id, conversation_id = (await found.fetchall())[0]
        async with working.db.engine([outlet_id]) as work:
            from chatworks.conversations.models import Post  # noqa: PLC0415
            from chatworks.conversations.service import post  # noqa: PLC0415
            from chatworks.sdk.messages import Message  # noqa: PLC0415

            post(work, Post(outlet_id, conversation_id, Message("It is at your door.")))
        badge = page.get_by_role("button", name="Chat with us").locator("span")
        await expect(badge).to_have_text("1")
        await page.goto(elsewhere)  # and on every other page, before it is opened
        await expect(badge).to_have_text("1")
        await expect(page.get_by_role("button", name="Chat with us (1)")).to_be_visible()
        await open_widget(page)
        await expect(badge).to_be_hidden()
        await expect(frame.get_by_text("It is at your door.")).to_be_visible()


async def test_a_site_that_is_not_listed_is_refused_by_the_browser(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect("frame-ancestors", "Framing", "chrome-error", "ERR_BLOCKED_BY_RESPONSE")
    await allow(working, "https://shop.example")
    async with serving(foreign(site)) as elsewhere:
        page = await browsers.page(viewport={"width": 1000, "height": 700})
        await page.goto(elsewhere)
        async with page.expect_response("**/w/majipro") as answered:
            frame = await open_widget(page)
        headers = (await answered.value).headers
        assert headers["content-security-policy"].endswith(
            "frame-ancestors 'self' https://shop.example"
        )
        await expect(frame.get_by_role("button", name="Start the chat")).to_have_count(0)


async def test_on_a_phone_it_fills_the_screen(site: str, browsers: Watched, working: House) -> None:
    async with serving(foreign(site)) as elsewhere:
        await allow(working, elsewhere)
        page = await browsers.page()
        await page.goto(elsewhere)
        frame = await open_widget(page)
        await frame.get_by_role("button", name="Start the chat").click()
        await expect(frame.locator(".choices button").first).to_be_visible()
        box = await page.locator("iframe").bounding_box()
        assert box == {"x": 0, "y": 0, "width": PHONE["width"], "height": PHONE["height"]}
        await expect(page.get_by_role("button", name="Chat with us")).to_be_hidden()
        await frame.get_by_role("button", name="Close the chat").click()
        await expect(page.get_by_role("button", name="Chat with us")).to_be_visible()


async def test_the_same_conversation_goes_on_in_the_page_itself(
    site: str, browsers: Watched
) -> None:
    context = await browsers.context()
    page = await context.new_page()
    await page.goto(f"{site}/w/majipro")
    await page.get_by_role("button", name="Start the chat").click()
    await tap(page, "Order water")
    await page.goto(f"{site}/o/majipro")
    await reads(page, "Which bottle would you like?")
