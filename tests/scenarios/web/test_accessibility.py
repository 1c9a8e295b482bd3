"""Nothing serious: axe-core over every page, light and dark, on a phone and on a desk.

axe-core comes with a pinned package (decision 0011) and runs inside the page; nothing is fetched.
"""

from __future__ import annotations

from importlib import resources

import pytest
from browsing import BROWSER, DESK, PHONE, Watched, begin, order, reads, say, sign_in, tap
from houses import leave_leaf
from playwright.async_api import BrowserContext, Page, expect
from richness import MESSAGES, speak

from chatworks.house import House
from chatworks.sdk.messages import Message

pytestmark = BROWSER

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
RULES = {  # beside the colours nothing differs in the dark
    "light": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "dark": {"type": "rule", "values": ["color-contrast"]},
}
RUN = """async (rules) => (await axe.run(document, {
    resultTypes: ["violations"],
    runOnly: rules,
})).violations
    .filter((found) => ["serious", "critical"].includes(found.impact))
    .map((found) => `${found.id}: ${found.nodes.map((n) => n.target.join(" ")).join(" | ")}`)"""


async def serious(page: Page) -> list[str]:
    """Return what axe finds on the page as it is, in both schemes and at both widths."""
    found = []
    await page.evaluate(AXE)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for size in (PHONE, DESK):
            await page.set_viewport_size(size)  # type: ignore[arg-type]
            width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            seen = await page.evaluate(RUN, RULES[scheme])
            found += [f"{scheme} {size['width']}: {text}" for text in seen]
            found += [f"{scheme} {size['width']}: {width} px too wide"] if width > 0 else []
    return found


async def visit(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    page = await context.new_page()
    await page.goto(address)
    return page, [f"{address}: {text}" for text in await serious(page)]


async def test_every_kind_of_message(site: str, browsers: Watched, working: House) -> None:
    browsers.expect("404")  # the players' files
    page = await browsers.page()
    await begin(page, site)
    await speak(working, *MESSAGES.values(), Message(typing=True))
    await expect(page.locator(".dots")).to_be_visible()
    found = await serious(page)
    await page.get_by_role("button", name="Send the details").click()
    await page.locator("summary").click()
    found += await serious(page)
    await page.get_by_role("button", name="Enlarge: A 5 L bottle").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    found += await serious(page)
    await page.keyboard.press("Escape")
    await say(page, "menu")  # closes every question
    await expect(page.get_by_role("button", name="Send the details")).to_be_hidden()
    found += await serious(page)

    assert found == []


async def test_the_public_pages(site: str, browsers: Watched, working: House) -> None:
    browsers.expect("404", "ERR_INTERNET_DISCONNECTED", "ERR_INCOMPLETE")
    context = await browsers.context()
    found = []
    for path in (
        "/o/majipro",
        "/o/majipro?lang=sw",
        "/o/majipro/privacy",
        "/w/majipro",
        "/console/sign-in",
        "/console/sign-in?key=abc",
        "/nothing/here",
    ):
        page, more = await visit(context, site + path)
        found += more
        await page.close()
    page = await context.new_page()
    await begin(page, site)
    await tap(page, "Order water")
    await expect(page.locator(".choices.rich button")).to_have_count(5)
    found += await serious(page)
    await tap(page, "10 L bottle")
    await reads(page, "How many?")
    await say(page, "human")
    await reads(page, "A person from MajiPro will answer you here.")
    outlet = (await working.directory.outlets())[0]
    async with working.db.engine([outlet.id]) as work:
        await work.conn.execute(
            "UPDATE message SET author = 'operator:1' WHERE direction = 'out' AND seq % 2 = 0"
        )
    await context.set_offline(True)
    await say(page, "hello?")
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    found += await serious(page)
    await context.set_offline(False)
    await page.reload()
    await expect(page.locator(".bubble.person").first).to_be_visible()
    found += await serious(page)

    assert found == []


@pytest.mark.parametrize("state", ["empty", "full"])
async def test_the_console(site: str, browsers: Watched, working: House, state: str) -> None:
    browsers.expect("422", "404")
    full = state == "full"
    paths = [
        "",
        "/messages",
        "/products",
        "/broadcasts",
        "/broadcasts/new",
        "/trouble",
        "/settings",
        "/nothing",
    ]
    if full:
        customer = await browsers.page()
        await begin(customer, site)
        await order(customer)
        await say(customer, "human")
        await reads(customer, "A person from MajiPro will answer you here.")
        paths += [f"/settings/{name}" for name in ("hours", "services/water", "channels")]
        paths += [
            "/settings/widget",
            "/settings/staff",
            "/settings/answers",
            "/settings/programs",
            "/settings/apps",
        ]
        outlet = (await working.directory.outlets())[0]
        async with working.db.engine([outlet.id]) as work:
            ids = await work.conn.execute("SELECT o.id, o.conversation_id FROM sales_order o")
            order_id, conversation_id = (await ids.fetchall())[0]
            paths += [f"/orders/{order_id.hex}", f"/messages/{conversation_id.hex}"]
            await work.conn.execute(
                "INSERT INTO inbox_pending (id, outlet_id, source, thread_key, lane, rank,"
                " ready_at, attempts, parked_at, reason) SELECT id, outlet_id, source, 1, 2, 0,"
                " now(), 5, now(), 'the shelf fell over' FROM inbox_event ORDER BY id LIMIT 1"
            )
            await work.conn.execute(
                "INSERT INTO outbox_part (outlet_id, id, channel_id, conversation_id, thread,"
                " message_seq, part, payload, status, ready_at, error, created_at)"
                " SELECT outlet_id, gen_random_uuid(), channel_id, id, thread, 1, 0,"
                " '{\"method\": \"sendMessage\"}', s, now(), 'chat not found', now()"
                " FROM conversation, unnest('{failed,unknown,expired,held}'::text[]) AS s"
            )
            await work.conn.execute("UPDATE product SET stock = 0, active = false WHERE sku = 'W5'")
            leave_leaf(work)
    context = await browsers.context()
    await sign_in(await context.new_page(), site, working)
    found = []
    for path in paths:
        page, more = await visit(context, f"{site}/console{path}")
        found += more
        if full and path == "/products":
            await page.get_by_label("Stock of 10 L bottle").fill("-1")
            await page.get_by_role("button", name="Save 10 L bottle").click()
            await expect(page.get_by_role("alert")).to_be_visible()
            found += await serious(page)
        if full and path == "/settings/services/water":
            await page.get_by_label("Largest order").fill("0")
            await page.get_by_role("button", name="Save").click()
            await expect(page.locator(".problem")).to_be_visible()
            found += await serious(page)
        await page.close()

    assert found == []
