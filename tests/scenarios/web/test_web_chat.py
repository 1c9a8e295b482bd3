"""The chat as a place: tabs, reloads, offline, restarts, scrolling, keyboard, locations."""

from __future__ import annotations

import re

from browsing import BROWSER, DESK, Watched, begin, reads, say, tap, web_of
from playwright.async_api import expect

from chatworks.house import House

pytestmark = BROWSER

NETWORK = ("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE", "401")


async def test_two_tabs_show_the_same_and_keep_their_drafts(site: str, browsers: Watched) -> None:
    context = await browsers.context(viewport=DESK)
    first, second = await context.new_page(), await context.new_page()
    await second.goto(f"{site}/o/majipro")
    await second.get_by_label("Your message").fill("half a thought")
    await begin(first, site)
    await expect(second.get_by_role("button", name="Order water")).to_be_visible()
    await tap(first, "Order water")
    await expect(second.locator(".choices.rich button")).to_have_count(5)
    await tap(second, "10 L bottle")
    await reads(first, "How many?")
    await expect(second.get_by_label("Your message")).to_have_value("half a thought")
    for page in (first, second):
        await expect(page.locator(".bubble.in")).to_have_count(3)


async def test_answered_buttons_stay_closed_and_menus_alive_after_a_reload(
    site: str, browsers: Watched
) -> None:
    page = await browsers.page()
    await begin(page, site)
    await tap(page, "Order water")
    await tap(page, "10 L bottle")
    await reads(page, "How many?")
    for _ in range(2):
        chosen = page.locator(".choices.rich button.chosen")
        await expect(chosen).to_have_count(1)
        await expect(chosen).to_be_disabled()
        await expect(chosen).to_contain_text("10 L bottle")
        await expect(page.get_by_role("button", name="Order water")).to_be_enabled()
        await page.reload()
        await reads(page, "How many?")


async def test_what_is_written_offline_survives_a_reload_and_is_sent_once(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect(*NETWORK)
    context = await browsers.context()
    page = await context.new_page()
    await begin(page, site)
    await context.set_offline(True)
    await say(page, "order")
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await expect(page.locator(".bubble.in .state")).to_contain_text("Waiting for the network…")
    await page.get_by_label("Your message").fill("and a dra")
    await context.set_offline(False)
    await page.reload()
    await expect(page.locator(".choices.rich button")).to_have_count(5)
    await expect(page.get_by_text("You are offline.")).to_be_hidden()
    await expect(page.get_by_label("Your message")).to_have_value("and a dra")
    async with working.db.engine() as work:
        said = await work.conn.execute(
            "SELECT content->>'text' FROM message WHERE direction = 'in'"
        )
        assert [row[0] for row in await said.fetchall()] == ["start", "order"]


async def test_the_chat_resumes_when_the_server_comes_back(
    browsers: Watched, working: House
) -> None:
    browsers.expect(*NETWORK)
    page = await browsers.page()
    async with web_of(working) as address:
        await begin(page, address)
    await say(page, "order")
    async with web_of(working, int(address.rpartition(":")[2])):
        await expect(page.locator(".choices.rich button")).to_have_count(5)
        await expect(page.locator(".bubble.in")).to_have_count(2)


async def test_a_token_that_is_not_known_any_more_begins_anew(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect(*NETWORK)
    page = await browsers.page()
    await begin(page, site)
    async with working.db.engine() as work:
        await work.conn.execute("UPDATE web_visitor SET secret_hash = decode('00', 'hex')")
    await say(page, "order")  # is not lost: it is the first word of the new conversation
    await expect(page.locator(".choices.rich button")).to_have_count(5)
    await reads(page, "MajiPro Ltd keeps what you write here")
    await expect(page.locator(".bubble.in")).to_have_count(1)

    async with working.db.engine() as work:
        await work.conn.execute("DELETE FROM web_visitor")
    await page.reload()
    await expect(page.get_by_role("button", name="Start the chat")).to_be_visible()
    await expect(page.locator(".bubble")).to_have_count(0)


async def test_who_reads_above_is_not_moved_and_is_told_of_new_messages(
    site: str, browsers: Watched
) -> None:
    context = await browsers.context(viewport={"width": 390, "height": 500})
    page, other = await context.new_page(), await context.new_page()
    await begin(page, site)
    await other.goto(f"{site}/o/majipro")
    log = page.get_by_role("log")
    pill = page.get_by_role("button", name="New messages")
    await expect(pill).to_be_hidden()
    await log.evaluate("log => { log.scrollTop = 0; }")
    await say(other, "help")
    await expect(pill).to_be_visible()
    assert await log.evaluate("log => log.scrollTop") == 0
    await pill.click()
    await expect(pill).to_be_hidden()
    assert await log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 2


async def test_a_location_is_shared_and_links_are_links(site: str, browsers: Watched) -> None:
    context = await browsers.context(
        geolocation={"latitude": -1.2921, "longitude": 36.7836}, permissions=["geolocation"]
    )
    page = await context.new_page()
    await begin(page, site)
    notice = page.locator(".bubble.out a")
    await expect(notice.first).to_have_attribute("href", "mailto:privacy@majipro.example")
    await expect(notice.last).to_have_attribute("href", re.compile(r"/o/majipro/privacy$"))
    await expect(notice.last).to_have_attribute("rel", "noopener noreferrer")
    await tap(page, "Order water")
    await tap(page, "5 L bottle")
    await reads(page, "How many?")
    await say(page, "3")
    await tap(page, "Share my location")
    await reads(page, "Delivery to Kilimani")
    await expect(page.get_by_text("📍 My location")).to_be_visible()


async def test_markup_is_shown_as_it_was_written(site: str, browsers: Watched) -> None:
    page = await browsers.page()
    await begin(page, site)
    await say(page, "<img src=x onerror=alert(1)> & <b>bold</b>")
    await reads(page, "<img src=x onerror=alert(1)> & <b>bold</b>")
    await expect(page.locator(".bubble img, .bubble b")).to_have_count(0)


async def test_a_refused_message_says_so_and_can_be_edited(site: str, browsers: Watched) -> None:
    browsers.expect("400")
    page = await browsers.page()
    await begin(page, site)
    await page.evaluate("document.querySelector('[data-composer] textarea').maxLength = 9000")
    await say(page, "x" * 4001)
    await expect(page.locator(".bubble.failed .state")).to_contain_text("This could not be sent.")
    await page.get_by_role("button", name="Edit and send again").click()
    await expect(page.get_by_label("Your message")).to_have_value("x" * 4001)
    await expect(page.locator(".bubble.failed")).to_have_count(0)


async def test_the_keyboard_reaches_everything_in_the_order_it_is_read(
    site: str, browsers: Watched
) -> None:
    page = await browsers.page(viewport=DESK)
    await page.goto(f"{site}/o/majipro")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the chat")).to_be_focused()
    names = []
    for _ in range(10):
        await page.keyboard.press("Tab")
        names.append(
            await page.evaluate(
                "document.activeElement.getAttribute('aria-label')"
                " || document.activeElement.textContent.trim()"
            )
        )
    assert names == [
        "MajiPro",
        "English",
        "Kiswahili",
        "Notifications and sound",
        "Conversation",
        "Start the chat",
        "Attach a file (at most 16 MB)",
        "Your message",
        "Send",
        "Order in the chat",
    ]
    await page.get_by_role("button", name="Start the chat").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Your message")).to_be_focused()
    outline = await page.get_by_label("Your message").evaluate(
        "e => getComputedStyle(e).outlineStyle"
    )
    assert outline == "solid"
