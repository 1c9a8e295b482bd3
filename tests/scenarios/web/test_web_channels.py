"""The channels' page: connect a bot by pasting its token, see how it fares, and what people see."""

from __future__ import annotations

from browsing import BROWSER, Watched, sign_in
from playwright.async_api import expect

from chatworks.house import House
from chatworks.outlets import store as outlets
from chatworks.outlets.models import ConnectChannel

pytestmark = BROWSER
TOKEN = "7700000001:AAsecret_secret_secret_secret_secret"
HERE = "console/settings/channels"


async def test_a_token_is_pasted_sealed_and_never_shown(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect("422")
    page = await browsers.page(java_script_enabled=False)
    await sign_in(page, site, working)
    await page.goto(f"{site}/{HERE}")
    await page.get_by_label("Token", exact=True).fill("no token at all")
    await page.get_by_role("button", name="Connect the bot").click()
    await expect(page.get_by_role("alert").first).to_contain_text("must be BotFather's")
    assert len(await working.directory.channels(kind="telegram")) == 1

    await page.get_by_label("Token", exact=True).fill(TOKEN)
    await page.get_by_role("button", name="Connect the bot").click()
    await expect(page.get_by_role("status").first).to_contain_text("Done.")
    assert TOKEN not in await page.content()
    working.directory.forget()
    added = [c for c in await working.directory.channels(kind="telegram") if c.secret == TOKEN]
    assert len(added) == 1
    async with working.db.engine() as work:
        row = next(r for r in await outlets.channels(work) if r.id == added[0].id)
        leaf = await (
            await work.conn.execute(
                "SELECT convert_from(payload, 'UTF8') FROM audit_leaf WHERE action = %s",
                [ConnectChannel.request_name],
            )
        ).fetchone()
    assert row.secret_sealed is not None
    assert TOKEN.encode() not in row.secret_sealed
    assert leaf is not None
    assert TOKEN not in leaf[0]

    await page.get_by_label("Token", exact=True).fill(TOKEN)
    await page.get_by_role("button", name="Connect the bot").click()
    await expect(page.get_by_role("alert").first).to_contain_text("connected already")


async def test_a_service_is_shown_as_each_channel_draws_it(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page(java_script_enabled=False)
    await sign_in(page, site, working)
    await page.goto(f"{site}/{HERE}")
    await page.get_by_role("link", name="How “water” looks here").first.click()
    await page.get_by_role("link", name="SMS (Twilio)").click()

    await expect(page.get_by_text("Reply with a number: 1 to 2.").first).to_be_visible()
    await expect(page.get_by_text("Buttons: numbered text").first).to_be_visible()
    await page.get_by_role("link", name="WhatsApp", exact=True).click()
    await expect(page.get_by_text("Choose ▾").first).to_be_visible()
    for width in (390, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        overflow = "document.documentElement.scrollWidth > innerWidth"
        assert not await page.evaluate(overflow)
