"""The whole message model in the page: each kind drawn, forms, marks of reading, who writes."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from browsing import BROWSER, DESK, Watched, begin, reads, say, sign_in
from playwright.async_api import Locator, Page, expect
from richness import CARDS, MESSAGES, speak, the_conversation

from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.house import House
from chatworks.outlets import store as outlets_store
from chatworks.outlets.models import Install
from chatworks.sdk.applet import Applets, load
from chatworks.sdk.messages import Message

pytestmark = BROWSER

NETWORK = ("ERR_INTERNET_DISCONNECTED", "ERR_INCOMPLETE")


async def shown(page: Page, house: House, name: str) -> Locator:
    """Have the message of this kind said; returns its bubble."""
    bubbles = page.locator(".bubble.out")
    count = await bubbles.count()
    await speak(house, MESSAGES[name])
    await expect(bubbles).to_have_count(count + 1)
    return bubbles.nth(count)


async def rows(box: Locator) -> list[list[str]]:
    """Return the rows of a card as they are read."""
    return [
        [(await cell.inner_text()).replace("\xa0", " ") for cell in await row.locator("span").all()]
        for row in await box.locator(".row").all()
    ]


async def showcase(house: House) -> None:
    """Install the demonstration applet, and switch it on."""
    applets = Applets([*house.applets._by_version.values(), load("showcase")])
    house.applets._by_version, house.applets._latest = applets._by_version, applets._latest
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        await outlets_store.add_install(work, outlet.id, Install("showcase", "1.0.0", b"{}"))
        switched = Leaf(outlet.id, "system", "test", "test.Switch", "outlet", "", {})
        work.defer(audit.append, switched)
    house.directory.forget()


async def test_text_cards_and_trade_are_drawn(site: str, browsers: Watched, working: House) -> None:
    page = await browsers.page()
    await begin(page, site)
    marked = await shown(page, working, "marks")
    assert await marked.locator("strong").all_inner_texts() == ["Fresh ", "and clean"]
    assert await marked.locator("em").all_inner_texts() == ["and clean"]
    assert await marked.locator("s").all_inner_texts() == ["not 10%"]
    assert await marked.locator("code").all_inner_texts() == ["MAJI20"]
    await expect(marked.locator("a")).to_have_attribute("href", "https://majipro.example/now")

    product = await shown(page, working, "product")
    await expect(product.locator(".price")).to_have_text("KES\xa0200")
    await expect(product.locator(".badge")).to_have_text("Only 3 left")
    await expect(page.locator(".choices").last.locator("button")).to_have_text(
        ["Order it", "Something else"]
    )
    order = await shown(page, working, "order")
    assert await rows(order) == [
        ["2 × 20 L refill", "KES 400"],
        ["Delivery to Kilimani", "KES 150"],
        ["Total", "KES 550"],
    ]
    await expect(order.locator(".title")).to_have_text("Order 1042")
    await expect(order.locator(".badge")).to_have_text("On its way")
    cart = await shown(page, working, "cart")
    assert await rows(cart) == [["2 × 20 L refill", "KES 400"], ["Total", "KES 400"]]
    invoice = await shown(page, working, "invoice")
    pay = invoice.get_by_role("link", name="Pay KES")
    await expect(pay).to_have_attribute("href", "https://pay.example/118")
    await expect(pay).to_have_attribute("rel", "noopener noreferrer")
    receipt = await shown(page, working, "receipt")
    await expect(receipt.locator(".paid")).to_contain_text("· M-Pesa")
    link = await shown(page, working, "link")
    preview = link.locator(".preview")
    await expect(preview).to_have_attribute("href", "https://majipro.example/clean")
    await expect(preview.locator(".host")).to_have_text("majipro.example")


async def test_places_people_and_files_are_drawn(
    site: str, browsers: Watched, working: House, tmp_path: Path
) -> None:
    page = await browsers.page()
    browsers.expect("404")  # the players' files: only their frames are looked at
    await begin(page, site)
    place = await shown(page, working, "place")
    await expect(place.get_by_role("link", name="Open in maps")).to_have_attribute(
        "href",
        "geo:-1.2921,36.7836?q=-1.2921%2C36.7836(Argwings%20Kodhek%20Road%2012%2C%20Nairobi)",
    )
    contact = await shown(page, working, "contact")
    await expect(contact.locator("a").first).to_have_attribute("href", "tel:+254712345678")
    async with page.expect_download() as saved:
        await contact.get_by_role("button", name="Save contact").click()
    card = await saved.value
    await card.save_as(tmp_path / "card.vcf")
    assert card.suggested_filename == "Otieno, the driver.vcf"
    assert (tmp_path / "card.vcf").read_bytes().decode().split("\r\n") == [
        "BEGIN:VCARD",
        "VERSION:4.0",
        "FN:Otieno\\, the driver",
        "ORG:MajiPro",
        "TEL;VALUE=uri:tel:+254712345678",
        "EMAIL:otieno@majipro.example",
        "END:VCARD",
        "",
    ]
    document = await shown(page, working, "document")
    await expect(document.locator("a.document")).to_have_attribute("download", "Prices 2026.svg")
    await expect(document.locator("a.document .muted")).to_have_text("1.4 MB")
    players = await shown(page, working, "players")
    await expect(players.locator("video")).to_have_attribute("aria-label", "A film")
    await expect(players.locator("audio")).to_have_attribute("src", "/media/0/sound")


async def test_pictures_open_large_and_escape_closes_them(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page(viewport=DESK)
    await begin(page, site)
    album = await shown(page, working, "album")
    first = album.get_by_role("button", name="Enlarge: A 5 L bottle")
    await first.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Picture")
    await expect(dialog.get_by_role("img", name="A 5 L bottle")).to_be_visible()
    await expect(dialog.locator(".caption")).to_have_text("A 5 L bottle · 1 / 3")
    await page.keyboard.press("ArrowLeft")
    await expect(dialog.get_by_role("img", name="Six small bottles")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(first).to_be_focused()


async def test_a_carousel_goes_by_arrow_keys_and_is_closed_by_an_answer(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page()
    await begin(page, site)
    await speak(working, MESSAGES["carousel"])
    track = page.get_by_role("list", name="4 cards")
    await expect(track.locator("li")).to_have_count(len(CARDS))
    await track.focus()
    await page.keyboard.press("ArrowRight")
    second = track.locator("li").nth(1)
    await expect(second).to_be_in_viewport(ratio=1)
    await expect(track.locator("li").first).not_to_be_in_viewport(ratio=0.5)
    await second.get_by_role("button", name="Order it").click()
    await expect(second.get_by_role("button")).to_have_class(re.compile("chosen"))
    for button in await track.get_by_role("button").all():
        await expect(button).to_be_disabled()
    await expect(page.locator(".bubble.in").last).to_contain_text("Order it")


async def test_a_list_shows_its_sections_whatever_page_it_is(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page()
    await begin(page, site)
    await speak(working, MESSAGES["sections"])
    bottles = page.get_by_role("group", name="Bottles")
    await expect(bottles.get_by_role("button")).to_have_count(2)
    await expect(bottles.get_by_role("button").first).to_contain_text(
        "Your empty bottle for a full one"
    )
    await expect(page.get_by_role("group", name="Help").get_by_role("button")).to_have_text(
        "Ask a person"
    )
    await bottles.get_by_role("button", name="10 L bottle").click()
    await expect(bottles.locator(".chosen")).to_contain_text("10 L bottle")


async def fill(page: Page) -> None:
    """Fill the demonstration's form in."""
    form = page.locator(".sheet").last
    await form.get_by_label("Your name").fill("Amina")
    await form.get_by_label("Phone number").fill("0712 345 678")
    await form.get_by_label("How many bottles?").fill("3")
    await form.get_by_role("radio", name="No").check()


async def test_a_form_says_what_is_missing_and_is_answered_at_once(
    site: str, browsers: Watched, working: House
) -> None:
    await showcase(working)
    day = (working.clock.now() + timedelta(days=3)).date().isoformat()
    page = await browsers.page()
    await begin(page, site)
    await say(page, "visit")
    form = page.locator(".sheet")
    await expect(form.get_by_label("Phone number")).to_have_attribute("type", "tel")
    await expect(form.get_by_label("Which day?")).to_have_attribute("type", "date")
    await fill(page)
    await form.get_by_label("Your name").fill(" ")
    await form.get_by_role("button").click()
    name = form.get_by_label("Your name")
    await expect(name).to_be_focused()
    await expect(name).to_have_attribute("aria-invalid", "true")
    assert await form.locator(".problem:visible").all_inner_texts() == ["Please fill this in."] * 2
    assert await page.locator(".bubble.in").count() == 2

    await name.fill("Amina")
    await form.get_by_label("Which day?").fill(day)
    await form.get_by_role("button").click()
    await reads(page, f"Amina: 3 on {day}, no dog")
    for _ in range(2):  # and so it stays after a reload
        await expect(form.get_by_label("Your name")).to_be_disabled()
        await expect(form.get_by_label("Your name")).to_have_value("Amina")
        await expect(form.get_by_role("radio", name="No")).to_be_checked()
        await expect(page.locator(".bubble.in").last).to_contain_text("How many bottles?: 3")
        await page.reload()
        await reads(page, f"Amina: 3 on {day}, no dog")


async def test_a_form_that_is_sent_offline_waits_and_is_delivered_once(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect(*NETWORK)
    await showcase(working)
    day = (working.clock.now() + timedelta(days=3)).date().isoformat()
    context = await browsers.context()
    page = await context.new_page()
    await begin(page, site)
    await say(page, "visit")
    await expect(page.locator(".sheet")).to_be_visible()
    await context.set_offline(True)
    await fill(page)
    await page.get_by_label("Which day?").fill(day)
    await page.locator(".sheet").get_by_role("button").click()
    state = page.locator(".bubble.in .state")
    await expect(state).to_contain_text("Waiting for the network…")
    await context.set_offline(False)
    await page.reload()
    await reads(page, f"Amina: 3 on {day}, no dog")
    async with working.db.engine() as work:
        found = await work.conn.execute(
            "SELECT count(*) FROM message WHERE content->>'kind' = 'form'"
        )
        assert await found.fetchone() == (1,)


async def test_both_sides_see_what_was_read_and_who_writes(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect("ERR_INCOMPLETE")
    page = await browsers.page()
    await begin(page, site)
    await say(page, "human")
    await reads(page, "A person from MajiPro will answer you here.")
    mine = page.locator(".bubble.in").last
    await expect(mine.get_by_role("img", name="Sent")).to_be_visible()

    desk = await browsers.page(viewport=DESK)
    await sign_in(desk, site, working)
    _, conversation_id = await the_conversation(working)
    await desk.goto(f"{site}/console/messages/{conversation_id.hex}")
    await expect(mine.get_by_role("img", name="Read")).to_be_visible()
    await expect(desk.locator(".bubble.in time").last).to_contain_text("Seen")

    await page.get_by_label("Your message").press_sequentially("Hello")
    await expect(desk.get_by_text("They are writing…")).to_be_visible()
    await desk.get_by_label("Your reply").press_sequentially("Good")
    await expect(page.get_by_role("status").filter(has_text="MajiPro is writing…")).to_have_count(1)
    await expect(page.locator(".dots")).to_be_visible()
    await desk.get_by_label("Your reply").press("Enter")
    await reads(page, "Good")
    await expect(page.locator(".dots")).to_have_count(0)
    async with working.db.engine() as work:
        rows = await work.conn.execute("SELECT content->>'text' FROM message ORDER BY seq")
        assert "Hello" not in [row[0] for row in await rows.fetchall()]  # writing is no message


async def test_a_sign_of_writing_is_forgotten(site: str, browsers: Watched, working: House) -> None:
    page = await browsers.page()
    await begin(page, site)
    await page.clock.install()
    await speak(working, Message(typing=True))
    await expect(page.locator(".dots")).to_be_visible()
    await page.clock.run_for(6100)
    await expect(page.locator(".dots")).to_have_count(0)


async def test_what_is_new_is_counted_and_seen_when_it_is_looked_at(
    site: str, browsers: Watched, working: House
) -> None:
    context = await browsers.context(permissions=["notifications"])
    page = await context.new_page()
    await page.add_init_script(
        "window.notices = []; window.Notification = class extends EventTarget {"
        " static permission = 'granted';"
        " static async requestPermission() { return 'granted'; }"
        " constructor(title, { body }) { super(); window.notices.push(`${title}: ${body}`); } };"
        "let away = false; window.leave = (gone) => { away = gone;"
        " document.dispatchEvent(new Event('visibilitychange')); };"
        "Object.defineProperty(document, 'hidden', { get: () => away });"
    )
    async with page.expect_response("**/seen"):
        await begin(page, site)
    menu = page.locator("summary")
    await expect(page.get_by_role("checkbox", name="Sound")).to_be_hidden()
    await menu.click()
    await expect(page.get_by_role("checkbox", name="Sound")).not_to_be_checked()
    await page.get_by_role("checkbox", name="Notify me of answers").check()
    await page.keyboard.press("Escape")
    await expect(menu).to_be_focused()

    title = await page.title()
    await page.evaluate("leave(true)")
    await speak(working, Message("It is at your door."), Message("Hello?"))
    await reads(page, "Hello?")
    assert await page.title() == f"(2) {title}"
    await expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("^data:"))
    assert await page.evaluate("notices") == ["MajiPro: It is at your door.", "MajiPro: Hello?"]
    last = await seen(working)
    await page.evaluate("leave(false)")
    assert await page.title() == title
    await expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("svg$"))
    async with page.expect_response("**/seen"):
        pass
    assert await seen(working) == last + 2


async def seen(house: House) -> int:
    """Return up to which message the person has seen the only conversation."""
    async with house.db.engine() as work:
        found: Any = await (await work.conn.execute("SELECT seen_seq FROM conversation")).fetchone()
    return int(found[0])


@pytest.mark.parametrize("path", ["https://elsewhere.example/x.png", "//elsewhere.example/x.png"])
async def test_nothing_is_fetched_from_a_foreign_host(
    site: str, browsers: Watched, working: House, path: str
) -> None:
    from chatworks.sdk.messages import Card, Media, MediaKind  # noqa: PLC0415 - of this test alone

    page = await browsers.page()
    await begin(page, site)
    await speak(
        working,
        Message(
            "Look",
            card=Card("A card", photo=path),
            media=(Media(MediaKind.IMAGE, path, "image/png", 9),),
        ),
        Message("That is all."),
    )
    await reads(page, "That is all.")
    await expect(page.locator(".bubble img, .bubble .thumb")).to_have_count(0)
