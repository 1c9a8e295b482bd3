"""The console as an operator uses it: live, with forms that say what was saved, behind its door."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
from browsing import BROWSER, DESK, Watched, begin, order, reads, say, sign_in, tap
from playwright.async_api import expect

from chatworks.conversations.menu import Menu
from chatworks.house import House
from chatworks.testing.telegram import BotApi

pytestmark = BROWSER


async def test_orders_and_messages_appear_without_a_reload(
    site: str, browsers: Watched, working: House
) -> None:
    context = await browsers.context(viewport=DESK)
    board, messages = await context.new_page(), await context.new_page()
    await sign_in(board, site, working)
    await messages.goto(f"{site}/console/messages")
    await expect(messages.get_by_role("heading", name="No conversations yet")).to_be_visible()
    await board.evaluate("window.here = 1")
    await messages.evaluate("window.here = 1")

    page = await browsers.page()
    await begin(page, site)
    row = messages.locator("a.row.unread")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("Welcome to MajiPro.")
    await order(page)
    ticket = board.locator(".lane.placed .ticket")
    await expect(ticket).to_contain_text("Order 1001")
    await expect(ticket).to_contain_text("2 × 20 L refill")
    await expect(board.locator("[data-count=orders]")).to_contain_text("1")
    await expect(board.locator("[data-announce]")).to_have_text("A new order has come in.")
    assert await board.title() == "(1) Orders · MajiPro"

    await row.click()
    await expect(messages.get_by_role("log")).to_contain_text("To pay on delivery: KES 600")
    await messages.get_by_label("Your reply").fill("One mo")
    await say(page, "are you there?")
    await expect(messages.locator(".bubble.out").last).to_contain_text("are you there?")
    await expect(messages.get_by_label("Your reply")).to_have_value("One mo")
    await board.get_by_role("button", name="Accept").click()
    await expect(board.locator(".lane.accepted .ticket")).to_contain_text("Order 1001")
    await expect(board.get_by_role("status").first).to_have_text(
        "Accepted. The customer has been told."
    )
    await reads(page, "order 1001 is accepted")


async def test_who_asks_for_a_person_is_counted_until_read(
    site: str, browsers: Watched, working: House
) -> None:
    console = await browsers.page(viewport=DESK)
    await sign_in(console, site, working)
    page = await browsers.page()
    await begin(page, site)
    await tap(page, "Talk to a person")
    await reads(page, "A person from MajiPro will answer you here.")
    await expect(console.locator("[data-count=messages]")).to_contain_text("1")
    await console.get_by_role("link", name="Messages").click()
    await console.locator("a.row").click()
    await expect(console.get_by_text("Waits for a person")).to_be_visible()
    await console.get_by_role("link", name="Orders").click()
    await expect(console.locator("[data-count=messages]")).to_have_count(0)


async def test_a_row_of_products_is_saved_or_says_what_is_wrong(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect("422")
    page = await browsers.page(java_script_enabled=False)
    await sign_in(page, site, working)
    await page.goto(f"{site}/console/products")
    price, stock = (
        page.get_by_label("Price of 20 L refill"),
        page.get_by_label("Stock of 20 L refill"),
    )
    await price.fill("260.50")
    await stock.fill("3")
    await stock.press("Enter")
    await expect(page.locator(".stock-row", has=page.get_by_role("status"))).to_contain_text(
        "W20-REFILL ✓ Saved"
    )
    await expect(price).to_have_value("260.50")

    await price.fill("cheap")
    await stock.fill("-3")
    await page.get_by_role("button", name="Save 20 L refill").click()
    await expect(page.get_by_role("alert")).to_have_text(
        [
            "Price must be an amount of KES, for example 250 or 250.50.",
            "Stock must be a whole number from 0 to 1,000,000, or empty.",
        ]
    )
    await expect(price).to_have_value("cheap")
    await expect(price).to_have_attribute("aria-invalid", "true")
    async with working.db.engine() as work:
        row = await work.conn.execute(
            "SELECT price_minor, stock FROM product WHERE sku = 'W20-REFILL'"
        )
        assert await row.fetchone() == (26050, 3)
        leaves = await work.conn.execute(
            "SELECT action FROM audit_leaf WHERE action LIKE 'catalog.%%' ORDER BY action"
        )
        assert [leaf[0] for leaf in await leaves.fetchall()] == [
            "catalog.SetPrice",
            "catalog.SetStock",
        ]

    await page.goto(f"{site}/console/products")
    await page.get_by_role("button", name="Hide 10 L bottle").click()
    await expect(page.get_by_role("button", name="Show 10 L bottle")).to_be_visible()
    await page.goto(f"{site}/o/majipro")
    await expect(page.locator(".product h3")).to_have_text(
        ["20 L refill", "20 L with new bottle", "5 L bottle", "6 × 1.5 L pack"]
    )
    await expect(page.get_by_text("KES 260.50")).to_be_visible()
    await expect(page.get_by_text("Only 3 left")).to_be_visible()


async def test_a_parked_event_is_shown_with_its_reason_and_tried_again(
    site: str, browsers: Watched, working: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, console = await browsers.page(), await browsers.page(viewport=DESK)
    await begin(page, site)
    await sign_in(console, site, working)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the shelf fell over")

    with monkeypatch.context() as fault:
        fault.setattr("chatworks.conversations.worker.BACKOFF_SECONDS", (0.0,) * 5)
        fault.setattr(Menu, "main", broken)
        await say(page, "menu")
        await reads(page, "Something went wrong on our side with your last message.")
    await expect(console.locator("[data-count=trouble]")).to_contain_text("1")
    await console.get_by_role("link", name="Trouble").click()
    await expect(console.get_by_role("heading", name="“menu”")).to_be_visible()
    await expect(console.get_by_text("the shelf fell over")).to_be_visible()

    menus = page.get_by_text("Welcome to MajiPro. What can I do for you?")
    await expect(menus).to_have_count(1)
    await console.get_by_role("button", name="Try again").click()
    await expect(console.get_by_text("Every message that came in was handled.")).to_be_visible()
    await expect(menus).to_have_count(2)


async def test_a_sign_in_link_works_once_and_a_new_one_is_issued(
    site: str, browsers: Watched, working: House, database_url: str
) -> None:
    browsers.expect("403")
    link = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatworks", "operator", "link",
        env={**os.environ, "DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed = (await link.communicate())[0].decode().strip()
    key = printed.partition("/console/sign-in?key=")[2]
    first, second = await browsers.page(), await browsers.page()
    for page in (first, second):
        await page.goto(f"{site}/console/sign-in?key={key}")
        await page.get_by_role("button", name="Open the console").click()
    await expect(first.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
    await expect(second.get_by_role("alert")).to_have_text(
        "This link was used, is too old, or is not ours."
    )
    await sign_in(second, site, working)
    await first.get_by_role("button", name="Sign out").click()
    await expect(first.get_by_role("heading", name="Sign in")).to_be_visible()
    await first.goto(f"{site}/console")
    await expect(first.get_by_role("heading", name="Sign in")).to_be_visible()
    await second.reload()
    await expect(second.get_by_role("heading", name="Orders", exact=True)).to_be_visible()


async def test_a_staff_chat_is_bound_by_the_code_and_hears_of_orders(
    site: str, browsers: Watched, working: House, bot_api: BotApi
) -> None:
    console = await browsers.page(viewport=DESK)
    await sign_in(console, site, working)
    await console.goto(f"{site}/console/settings/staff")
    await console.get_by_role("button", name="Make a code").click()
    code = (await console.locator(".code-big").inner_text()).strip()
    staff, customer = await browsers.page(), await browsers.page()
    await begin(staff, site)
    await say(staff, code)
    await reads(staff, "Done, MajiPro owner: new orders are announced here.")
    await begin(customer, site)
    await order(customer)
    await reads(staff, "New order 1001")
    await expect(staff.get_by_role("log")).not_to_contain_text("712 345 678")
    await console.goto(f"{site}/console/settings/staff")
    await expect(console.get_by_text("1 chat bound")).to_be_visible()
