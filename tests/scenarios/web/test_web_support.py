"""The inbox for people in a browser: a note, an answer written beforehand, whose it is."""

from __future__ import annotations

import pytest
from browsing import BROWSER, DESK, PHONE, Watched, begin, reads, say, sign_in
from playwright.async_api import expect

from chatworks.house import House

pytestmark = BROWSER


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_an_operator_gives_notes_and_answers(
    site: str, browsers: Watched, working: House, *, scripts: bool
) -> None:
    anna = await browsers.page()
    await begin(anna, site)
    await say(anna, "human")
    await reads(anna, "A person from MajiPro will answer you here.")
    desk = await (await browsers.context(viewport=DESK, java_script_enabled=scripts)).new_page()
    await sign_in(desk, site, working)

    await desk.goto(f"{site}/console/settings/answers")
    await desk.get_by_label("Shortcut").fill("hours")
    await desk.get_by_label("Text", exact=True).fill("{outlet} opens at seven.")
    await desk.get_by_role("button", name="Save the answer").click()
    await expect(desk.get_by_text("Answers are saved.")).to_be_visible()

    await desk.goto(f"{site}/console/messages?show=unassigned")
    await desk.locator("a.row").click()
    await desk.get_by_label("Assigned to").select_option("MajiPro owner")
    await desk.get_by_role("button", name="Assign").click()
    await expect(desk.get_by_label("Assigned to")).to_have_value(
        await desk.locator("#operator option", has_text="MajiPro owner").get_attribute("value")
        or ""
    )
    await desk.get_by_text("Add a note").click()
    await desk.get_by_label("Note for colleagues").fill("Asks often.")
    await desk.get_by_role("button", name="Keep the note").click()
    await expect(desk.locator(".note")).to_contain_text("Note by MajiPro owner")

    await desk.get_by_label("Your reply").fill("/hours")
    await desk.get_by_role("button", name="Send").click()
    await expect(desk.get_by_label("Your reply")).to_have_value("MajiPro opens at seven.")
    await desk.get_by_role("button", name="Send").click()
    await reads(anna, "MajiPro opens at seven.")
    await expect(desk.get_by_text("You hold this until")).to_be_visible()
    await desk.get_by_text("Attach a file").click()
    note = {"name": "price.txt", "mimeType": "text/plain", "buffer": b"20 L: 250"}
    await desk.get_by_label("Picture or file").set_input_files(note)  # type: ignore[arg-type]
    await desk.get_by_role("button", name="Send").click()
    await expect(anna.get_by_text("price.txt").last).to_be_visible()
    await expect(desk.get_by_role("link", name="price.txt")).to_be_visible()
    await expect(anna.get_by_text("Asks often.")).to_have_count(0)
    await desk.set_viewport_size(PHONE)  # type: ignore[arg-type]
    wide = (
        await desk.evaluate("document.documentElement.scrollWidth - innerWidth") if scripts else 0
    )
    assert wide <= 0
    await desk.goto(f"{site}/console/messages?show=waiting")
    await expect(desk.locator("a.row")).to_have_count(0)


async def test_a_list_shows_names_whole_and_what_was_said(
    site: str, browsers: Watched, working: House
) -> None:
    await begin(await browsers.page(), site)
    desk = await browsers.page()
    await sign_in(desk, site, working)
    await desk.goto(f"{site}/console/messages")
    row = desk.locator("a.row").first
    gist = await row.locator(".gist").text_content()
    assert gist == "Welcome to MajiPro. What can I do for you?"
    await expect(row.locator(".gist")).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    address = await row.get_attribute("href")
    for path, size in (("/console/messages", PHONE), (address, DESK)):
        await desk.set_viewport_size(size)  # type: ignore[arg-type]
        await desk.goto(f"{site}{path}")
        name = desk.locator("a.row .who b").first
        assert await name.evaluate("box => box.scrollWidth <= box.clientWidth"), path
        height = await desk.evaluate("document.documentElement.scrollHeight - innerHeight")
        assert size is PHONE or height <= 0, path
    await desk.goto(f"{site}/console/messages?show=waiting")
    await expect(desk.get_by_role("heading", name="No conversations here")).to_be_visible()
    await expect(desk.get_by_text("to see one arrive")).to_have_count(0)
