"""A product's photo, by upload: its way up, what is refused, and where people see it."""

from __future__ import annotations

import io

from browsing import BROWSER, Watched, begin, sign_in, tap
from PIL import Image
from playwright.async_api import Page, expect

from chatworks.house import House
from chatworks.kit.work import Work
from chatworks.media import store as media

pytestmark = BROWSER
ROW = "li:has-text('W20-REFILL')"


def picture() -> bytes:
    """Return a PNG."""
    written = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(written, "PNG")
    return written.getvalue()


async def upload(page: Page, name: str, media_type: str, content: bytes) -> None:
    """Choose a file in the first product's row, and press its button."""
    row = page.locator(ROW)
    if not await row.locator("details[open]").count():
        await row.locator("summary").click()
    chosen = {"name": name, "mimeType": media_type, "buffer": content}
    await row.get_by_label("Picture of 20 L refill").set_input_files(chosen)  # type: ignore[arg-type]
    await row.get_by_role("button", name="Upload").click()


async def kept(work: Work, house: House) -> int:
    outlet = (await house.directory.outlets())[0]
    return (await media.total(work, outlet.id))[0]


async def test_a_photo_is_uploaded_and_shown_in_the_shop_and_the_chat(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect("422")
    desk = await browsers.page()
    await sign_in(desk, site, working)
    await desk.goto(f"{site}/console/products")
    await expect(desk.get_by_text("0 files, 0 MB of 10.7 GB")).to_be_visible()
    await upload(desk, "prices.txt", "text/plain", b"20 L: 250")
    await expect(desk.get_by_role("alert")).to_have_text(
        "A photo is a picture: JPEG, PNG, WebP or GIF."
    )
    async with working.db.engine() as work:
        assert await kept(work, working) == 0

    await upload(desk, "bottle.png", "image/png", picture())
    await expect(desk.get_by_text("✓ Saved")).to_be_visible()
    await expect(desk.get_by_text("1 file, 0 MB of 10.7 GB")).to_be_visible()
    path = await desk.locator(ROW).locator(".thumb img").get_attribute("src")
    assert path is not None
    assert path.startswith("/media/")
    person = await browsers.page()
    await begin(person, site)
    shown = person.locator(f".products img[src='{path}']")
    assert await shown.evaluate("picture => [picture.naturalWidth, picture.naturalHeight]") == [
        60,
        40,
    ]
    await tap(person, "Order water")
    await tap(person, "20 L refill")
    await expect(person.locator(f".chat img[src='{path}']").first).to_be_visible()

    wide = await desk.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    await desk.locator(ROW).locator("summary").click()
    await desk.get_by_role("button", name="Remove the photo of 20 L refill").click()
    await expect(desk.locator(ROW).locator(".thumb img")).to_have_count(0)


async def test_a_photo_is_uploaded_without_scripts(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect("422")
    desk = await browsers.page(java_script_enabled=False)
    await sign_in(desk, site, working)
    await desk.goto(f"{site}/console/products")
    await upload(desk, "bottle.png", "image/png", b"no picture")
    await expect(desk.get_by_role("alert")).to_be_visible()
    await upload(desk, "bottle.png", "image/png", picture())
    await expect(desk.get_by_text("✓ Saved")).to_be_visible()
