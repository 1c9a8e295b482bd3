"""A broadcast in a browser: its form, whom it would reach, and a progress bar that moves itself."""

from __future__ import annotations

import pytest
from browsing import BROWSER, DESK, PHONE, Watched, sign_in
from playwright.async_api import ViewportSize, expect

from chatworks.house import House

pytestmark = BROWSER


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_an_operator_sends_one_and_watches(
    site: str, browsers: Watched, working: House, size: ViewportSize
) -> None:
    outlet = (await working.directory.outlets())[0]
    async with working.db.engine([outlet.id]) as work:
        await work.conn.execute(
            "WITH people AS (INSERT INTO contact (outlet_id, id, channel_id, vendor_id, language,"
            " created_at) SELECT h.outlet_id, gen_random_uuid(), h.id, (2000 + n)::text, 'en',"
            " now() FROM channel h, generate_series(1, 60) AS n WHERE h.kind = 'telegram'"
            " RETURNING outlet_id, id, channel_id, vendor_id), said AS (INSERT INTO consent"
            " SELECT outlet_id, id, 1, 'marketing', true, 'chat', '', '', now() FROM people"
            " WHERE vendor_id <= '2050')"
            " INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread, thread_key,"
            " last_at, created_at) SELECT outlet_id, gen_random_uuid(), channel_id, id, vendor_id,"
            " 0, now(), now() FROM people"
        )
    desk = await (await browsers.context(viewport=size)).new_page()
    await sign_in(desk, site, working)

    await desk.get_by_role("link", name="Broadcasts").click()
    await desk.get_by_role("link", name="Write one").click()
    await desk.get_by_label("Name").fill("Monday’s offer")
    for language in outlet.languages:
        await desk.get_by_label(f"Text ({language})").fill("Half price today, until six.")
    await desk.get_by_role("button", name="Save and count").click()
    await expect(desk.get_by_text("It would reach 50 of 60 people")).to_be_visible()
    await desk.get_by_role("button", name="Send", exact=True).click()

    await expect(desk.get_by_role("progressbar")).to_be_visible()
    await expect(desk.get_by_role("heading", name="60 of 60 people")).to_be_visible()
    await expect(desk.get_by_text("Done", exact=True)).to_be_visible()
    await expect(desk.locator(".tally")).to_contain_text("Left out: did not ask for offers10")
    await expect(desk.locator(".tally")).to_contain_text("Sent50", timeout=15_000)
    wide = await desk.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
