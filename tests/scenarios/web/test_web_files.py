"""Files in the chat: picked, pasted, cancelled, refused, offline, and what becomes of them."""

from __future__ import annotations

import base64

from browsing import BROWSER, Watched, begin, sign_in
from playwright.async_api import Page, Route, expect
from richness import speak, the_conversation

from chatworks.house import House
from chatworks.sdk.messages import Message, Wanted

pytestmark = BROWSER

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
GATE = {"name": "gate.png", "mimeType": "image/png", "buffer": PIXEL}
NETWORK = ("ERR_INTERNET_DISCONNECTED", "ERR_INCOMPLETE", "ERR_FAILED", "ERR_ABORTED")


async def pick(page: Page, *files: dict[str, object]) -> None:
    """Choose files in the picker."""
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Attach a file (at most 16 MB)").click()
    await (await chooser.value).set_files(list(files))  # type: ignore[arg-type]


async def files(house: House) -> list[tuple[str, str, int]]:
    """Return (kind, name, bytes) of every file that came in."""
    async with house.db.engine() as work:
        found = await work.conn.execute(
            "SELECT content->'file'->>'kind', content->'file'->>'name',"
            " (content->'file'->>'size_bytes')::integer"
            " FROM message WHERE content->>'kind' = 'file' ORDER BY seq"
        )
        return list(await found.fetchall())


async def test_a_picture_is_sent_and_shown_to_both_sides(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page()
    await begin(page, site)
    await speak(working, Message("Show us the gate.", wanted=Wanted.FILE))
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose a file").click()
    await (await chooser.value).set_files([GATE])  # type: ignore[list-item]
    picture = page.get_by_role("button", name="Enlarge: gate.png")
    for _ in range(2):
        await expect(picture).to_be_visible()
        await expect(page.get_by_role("img", name="gate.png")).to_have_js_property(
            "naturalWidth", 1
        )
        await expect(
            page.locator(".bubble.in").last.get_by_role("img", name="Sent")
        ).to_be_visible()
        await page.reload()
    assert [row[:2] for row in await files(working)] == [("photo", "gate.png")]


async def test_progress_is_shown_and_a_file_can_be_cancelled(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect(*NETWORK)
    page = await browsers.page()
    await begin(page, site)

    async def hold(_route: Route) -> None:
        """Leave the request open, as a slow line does."""

    await page.route("**/files?*", hold)
    await pick(page, GATE)
    bubble = page.locator(".bubble.in").last
    await expect(bubble.get_by_role("progressbar", name="gate.png")).to_be_visible()
    await expect(bubble).to_contain_text("Uploading…")
    await bubble.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("progressbar")).to_have_count(0)
    await page.unroute("**/files?*")
    await page.reload()
    await expect(page.locator(".bubble.in")).to_have_count(1)  # the word that began the chat
    assert await files(working) == []


async def test_what_is_not_taken_says_why(site: str, browsers: Watched, working: House) -> None:
    browsers.expect("415")
    page = await browsers.page()
    await begin(page, site)
    await pick(page, {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""})
    await expect(page.locator(".bubble.failed").last).to_contain_text("This file is empty.")
    await pick(
        page, {"name": "page.html", "mimeType": "text/html", "buffer": b"<html><script>1</script>"}
    )
    refused = page.locator(".bubble.failed").last
    await expect(refused).to_contain_text("This kind of file is not taken here.")
    await expect(refused.get_by_role("button", name="Try again")).to_have_count(0)
    await page.evaluate(
        "const big = new File([new Uint8Array(17e6)], 'big.png', { type: 'image/png' });"
        "const data = new DataTransfer(); data.items.add(big);"
        "document.querySelector('[data-composer] textarea').dispatchEvent("
        " new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));"
    )
    await expect(page.locator(".bubble.failed").last).to_contain_text(
        "This is too large: a file may have at most 16 MB."
    )
    assert await files(working) == []


async def test_a_file_that_is_chosen_offline_survives_a_reload_and_is_sent_once(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect(*NETWORK)
    context = await browsers.context()
    page = await context.new_page()
    await begin(page, site)
    await context.set_offline(True)
    await page.evaluate(
        "(bytes) => { const data = new DataTransfer();"
        " data.items.add(new File([Uint8Array.from(bytes)], 'gate.png', { type: 'image/png' }));"
        " const chat = document.querySelector('[data-chat]');"
        " chat.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true })); }",
        list(PIXEL),
    )
    await expect(page.locator(".bubble.in").last).to_contain_text("Waiting for the network…")
    await context.set_offline(False)
    await page.reload()
    await expect(page.get_by_role("button", name="Enlarge: gate.png")).to_have_count(1)
    await page.reload()
    await expect(page.get_by_role("button", name="Enlarge: gate.png")).to_have_count(1)
    assert len(await files(working)) == 1


async def test_the_shop_sees_the_file(site: str, browsers: Watched, working: House) -> None:
    page = await browsers.page()
    await begin(page, site)
    await pick(page, GATE)
    await expect(page.get_by_role("button", name="Enlarge: gate.png")).to_be_visible()
    desk = await browsers.page()
    await sign_in(desk, site, working)
    _, conversation_id = await the_conversation(working)
    await desk.goto(f"{site}/console/messages/{conversation_id.hex}")
    sent = desk.get_by_role("img", name="Picture that was sent")
    await expect(sent).to_have_js_property("naturalWidth", 1)
