"""The settings area, without scripts: what is saved holds, what is refused changes nothing."""

from __future__ import annotations

from browsing import BROWSER, Watched, begin, reads, sign_in, tap
from playwright.async_api import Page, expect

from chatworks.house import House
from chatworks.outlets import store as outlets
from chatworks.outlets.models import Outlet

pytestmark = BROWSER


async def saved(house: House) -> Outlet:
    async with house.db.engine() as work:
        return (await outlets.find(work))[0]


async def form(browsers: Watched, site: str, house: House, path: str) -> Page:
    page = await browsers.page(java_script_enabled=False)
    await sign_in(page, site, house)
    await page.goto(f"{site}/console/settings/{path}")
    return page


async def test_opening_hours_are_saved_or_refused_beside_the_day(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect("422")
    page = await form(browsers, site, working, "hours")
    await page.get_by_label("Monday, opens (1)").fill("07:30")
    await page.get_by_label("Monday, closes (1)").fill("12:00")
    await page.get_by_label("Monday, opens (2)").fill("13:00")
    await page.get_by_label("Monday, closes (2)").fill("18:00")
    await page.get_by_label("Sunday, opens (1)").fill("")
    await page.get_by_label("Sunday, closes (1)").fill("")
    await page.get_by_label("Closed on, new (1)").fill("2026-12-26")
    await page.get_by_role("button", name="Save opening hours").click()
    await expect(page.get_by_role("status").first).to_have_text("Opening hours are saved.")
    hours = (await saved(working)).hours
    assert hours.mon == [("07:30", "12:00"), ("13:00", "18:00")]
    assert hours.sun == []
    assert hours.closed == ["2026-12-26"]
    await expect(page.get_by_label("Monday, closes (2)")).to_have_value("18:00")

    await page.get_by_label("Monday, opens (2)").fill("11:00")
    await page.get_by_label("Tuesday, closes (1)").fill("")
    await page.get_by_role("button", name="Save opening hours").click()
    await expect(page.get_by_role("alert")).to_have_text(
        ["Monday: These times overlap.", "Tuesday: Give both times, or leave both empty."]
    )
    await expect(page.get_by_label("Monday, opens (2)")).to_have_value("11:00")
    assert (await saved(working)).hours == hours


async def test_an_applets_settings_are_a_form_of_its_own_config(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect("422")
    page = await form(browsers, site, working, "services/water")
    await page.get_by_label("Largest order").fill("0")
    await page.get_by_label("Country of phone numbers").fill("Kenya")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".problem")).to_have_text(
        [
            "Largest order must be a whole number from 1 to 1,000.",
            "Country of phone numbers does not have the form described here.",
        ]
    )
    await expect(page.get_by_label("Country of phone numbers")).to_have_value("Kenya")
    before = {i.applet: i.settings for i in (await saved(working)).installed}
    assert before["water"] == b'{"largest_order":20}'

    await page.get_by_label("Largest order").fill("6")
    await page.get_by_label("Country of phone numbers").fill("UG")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status").first).to_contain_text("Saved.")
    await expect(page.get_by_label("Largest order")).to_have_value("6")
    customer = await browsers.page()
    await begin(customer, site)
    await tap(customer, "Order water")
    await tap(customer, "20 L refill")
    await reads(customer, "How many? (1 to 6)")


async def test_sites_that_may_show_the_chat_are_saved_or_refused(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect("422")
    page = await form(browsers, site, working, "widget")
    await expect(page.locator("pre code")).to_contain_text('data-outlet="majipro"')
    sites = page.get_by_label("Sites that may show the chat")
    await sites.fill("https://Shop.example/\nhttps://www.shop.example")
    await page.get_by_role("button", name="Save sites").click()
    await expect(page.get_by_role("status").first).to_have_text("Sites are saved.")
    kept = ("https://shop.example", "https://www.shop.example")
    assert (await saved(working)).widget_origins == kept
    for wrong in ("http://shop.example", "https://x.example; script-src *", "shop.example/page"):
        await sites.fill(wrong)
        await page.get_by_role("button", name="Save sites").click()
        await expect(page.get_by_role("alert")).to_contain_text("is no https address of a site")
        await expect(sites).to_have_value(wrong)
    assert (await saved(working)).widget_origins == kept


async def test_channels_say_what_is_connected(site: str, browsers: Watched, working: House) -> None:
    page = await form(browsers, site, working, "channels")
    await expect(page.get_by_role("heading", level=2)).to_have_text(
        ["Telegram", "Terminal", "Web chat", "Connect another"]
    )
    async with working.db.engine() as work:
        await work.conn.execute("UPDATE channel SET status = 'off' WHERE kind = 'telegram'")
    working.directory.forget()
    await page.reload()
    await expect(page.get_by_role("heading", level=2)).to_have_text(
        ["Terminal", "Web chat", "Connect another"]
    )
    await expect(page.get_by_role("button", name="Connect the bot")).to_be_visible()
