"""The log as an operator reads it: from an order to what was done to it, and to everything."""

from __future__ import annotations

import re

from browsing import BROWSER, DESK, PHONE, Watched, begin, order, sign_in
from playwright.async_api import expect
from test_accessibility import serious

from chatworks.house import House

pytestmark = BROWSER


async def test_from_an_order_to_what_was_done_to_it_and_by_whom(
    site: str, browsers: Watched, working: House
) -> None:
    customer = await browsers.page()
    await begin(customer, site)
    await order(customer)
    page = await browsers.page(viewport=DESK)
    await sign_in(page, site, working)
    await page.get_by_role("button", name="Accept").click()
    await page.get_by_role("link", name=re.compile("^Order 1001")).first.click()
    await page.get_by_role("link", name="Everything that was done to this order").click()

    await expect(page.get_by_role("heading", name="What was done to Order 1001")).to_be_visible()
    acts = page.locator(".acts li")
    await expect(acts).to_have_count(2)
    await expect(acts.nth(0)).to_contain_text("MajiPro owner moved an order on")
    await expect(acts.nth(0)).to_contain_text("status: accepted")
    await expect(acts.nth(1)).to_contain_text("A customer placed an order")
    await expect(acts.nth(1)).to_contain_text("total: KES 600")
    assert await serious(page) == []

    await page.get_by_role("link", name="Show everything").click()
    await page.get_by_label("What").select_option(label="Products")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    await page.goto(f"{site}/console/settings")
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    await page.get_by_role("link", name="History").click()
    await expect(page.locator(".acts li").first).to_be_visible()
    assert await serious(page) == []
