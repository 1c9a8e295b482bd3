"""The journey of an order in a browser: from the first word to the door, and what stops it."""

from __future__ import annotations

import re

import msgspec
import pytest
from browsing import BROWSER, DESK, Watched, begin, order, reads, say, sign_in, tap
from houses import leave_leaf
from playwright.async_api import expect

from chatworks.house import House
from chatworks.outlets import store as outlets
from chatworks.outlets.models import Hours

pytestmark = BROWSER


@pytest.mark.promise("applets")
async def test_an_order_from_the_first_word_to_the_door(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page()
    await page.goto(f"{site}/o/majipro")
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Clean water at your door, today."
    )
    await begin(page, site)
    await reads(page, "MajiPro Ltd keeps what you write here")
    await tap(page, "Order water")
    await expect(page.locator(".choices.rich img").first).to_have_js_property(
        "complete", value=True
    )
    await tap(page, "20 L refill")
    await reads(page, "How many? (1 to 20)")

    await page.reload()
    await reads(page, "How many? (1 to 20)")
    await say(page, "two")
    await reads(page, "Where shall we bring it?")
    await say(page, "Moon")
    await reads(page, "We do not deliver there yet")
    await say(page, "Argwings Kodhek Road, Kilimani")
    await expect(page.locator(".slip .photo img")).to_be_visible()
    await tap(page, "Yes")
    await reads(page, "What name shall the driver ask for?")
    await say(page, "Amina")
    await reads(page, "Which phone number can the driver call?")
    await say(page, "0712 345 678")
    await tap(page, "Cash or M-Pesa")
    await reads(page, "Order 1001")
    await reads(page, "To pay on delivery: KES 600")

    console = await browsers.page(viewport=DESK)
    await sign_in(console, site, working)
    await console.get_by_role("link", name="Order 1001").click()
    for button, told in (
        ("Accept", "order 1001 is accepted"),
        ("Out for delivery", "is out for delivery"),
        ("Delivered", "Order 1001 is delivered"),
    ):
        await console.get_by_role("button", name=button).click()
        await expect(console.get_by_role("status").first).to_contain_text("has been told")
        await reads(page, told)

    await console.get_by_role("link", name="Open the conversation").click()
    await console.get_by_label("Your reply").fill("Thank you, Amina!")
    await console.get_by_label("Your reply").press("Enter")
    await reads(page, "Thank you, Amina!")
    await expect(page.locator(".bubble.person .who")).to_have_text("Person")
    await expect(console.get_by_text("You hold this until")).to_be_visible()
    await console.get_by_role("button", name="Hand back to the bot").click()
    await expect(console.get_by_text("The bot speaks")).to_be_visible()


async def test_a_customer_asks_where_the_order_is_and_takes_it_back(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page()
    await begin(page, site)
    await order(page)
    await say(page, "where is my order")
    await reads(page, "Waiting for the shop")

    await say(page, "cancel my order")
    await tap(page, "Order 1001")
    await reads(page, "Cancel order 1001?")
    await tap(page, "Yes")
    await reads(page, "Order 1001 is cancelled.")
    await say(page, "where is my order")
    await expect(page.locator(".slip .row span:last-child").last).to_have_text("Cancelled")
    async with working.db.engine() as work:
        status = await work.conn.execute("SELECT status FROM sales_order")
        assert await status.fetchall() == [("cancelled",)]
        stock = await work.conn.execute("SELECT stock FROM product WHERE sku = 'W20-REFILL'")
        assert await stock.fetchone() == (120,)

    await say(page, "cancel my order")
    await reads(page, "You have no order that can still be cancelled here.")


async def test_an_operator_cancels_with_a_reason_and_the_customer_reads_it(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page()
    await begin(page, site)
    await order(page)
    console = await browsers.page(viewport=DESK)
    await sign_in(console, site, working)
    await console.get_by_role("link", name="Order 1001").click()
    await console.get_by_text("Cancel this order…").click()
    await console.get_by_label("Reason").fill("The road is flooded")
    await console.get_by_role("button", name="Cancel the order").click()

    await reads(page, "Order 1001 was cancelled by the shop: The road is flooded")
    await expect(console.get_by_text("The road is flooded")).to_be_visible()
    await expect(console.get_by_role("button", name="Accept")).to_have_count(0)


async def test_a_closed_outlet_says_when_it_opens(
    site: str, browsers: Watched, working: House
) -> None:
    outlet = (await working.directory.outlets())[0]
    closed = msgspec.structs.replace(Hours(), mon=[("07:00", "19:00")])
    async with working.db.engine() as work:
        await outlets.save_hours(work, outlet.id, closed)
        leave_leaf(work)
        now = work.now
    if now.weekday() == 0:  # never today: the next Monday is a week away
        closed = msgspec.structs.replace(Hours(), tue=[("07:00", "19:00")])
        async with working.db.engine() as work:
            await outlets.save_hours(work, outlet.id, closed)
            leave_leaf(work)
    working.directory.forget()

    page = await browsers.page()
    await begin(page, site)
    await expect(page.locator(".pill.closed")).to_contain_text(
        re.compile("Closed · opens (Mon|Tue)")
    )
    await tap(page, "Order water")
    await reads(page, "We are closed now. We open on")
    await expect(page.locator(".choices.rich")).to_have_count(0)


async def test_what_is_sold_out_is_marked_and_not_offered(
    site: str, browsers: Watched, working: House
) -> None:
    async with working.db.engine() as work:
        await work.conn.execute("UPDATE product SET stock = 0 WHERE sku = 'W10'")
        await work.conn.execute("UPDATE product SET stock = 1 WHERE sku = 'W5'")
        leave_leaf(work)
    page = await browsers.page()
    await begin(page, site)
    await expect(page.locator(".product.sold-out h3")).to_have_text("10 L bottle")
    await tap(page, "Order water")
    await expect(page.locator(".choices.rich .label")).to_have_text(
        ["20 L refill", "20 L with new bottle", "5 L bottle", "6 × 1.5 L pack"]
    )
    await tap(page, "5 L bottle")
    await reads(page, "How many? (1 to 1)")
    await say(page, "2")
    await expect(page.locator(".bubble.out").last).to_contain_text("1")
    await say(page, "1")
    await reads(page, "Where shall we bring it?")


async def test_swahili_is_spoken_all_the_way(site: str, browsers: Watched) -> None:
    page = await browsers.page()
    await page.goto(f"{site}/o/majipro?lang=sw")
    await expect(page.locator("html")).to_have_attribute("lang", "sw")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Maji safi mlangoni pako, leo.")
    await page.get_by_role("button", name="Anza mazungumzo").click()
    await page.locator(".choices button", has_text="Agiza maji").click()
    await page.locator(".choices.rich button", has_text="Kujaza lita 20").click()
    await page.reload()
    await expect(page.get_by_role("log")).to_have_attribute("lang", "sw")
    await expect(page.get_by_label("Ujumbe wako")).to_be_editable()
