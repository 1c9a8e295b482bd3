"""An account in a browser: opened on a phone in Swahili, used on a desk, joined with a chat."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import uuid4

import pytest
from browsing import BROWSER, DESK, Watched
from playwright.async_api import Page, expect
from test_accessibility import serious
from visitors import Visitor

from chatworks.house import House

pytestmark = BROWSER

CODE = re.compile(r"\b([0-9A-Z]{4}-[0-9A-Z]{4})\b")


async def mails(house: House, count: int) -> list[str]:
    """Return ``count`` mails as soon as they were carried, headers and all, the oldest first."""
    folder = house.settings.home / "mail"
    async with asyncio.timeout(20):
        while len(found := sorted(folder.glob("[0-9]*.eml"))) < count:  # noqa: ASYNC110 - a folder tells nobody
            await asyncio.sleep(0.05)
    return [path.read_text() for path in found]


async def code_of(house: House, count: int) -> str:
    """Return the code of mail number ``count``."""
    return str(CODE.findall((await mails(house, count))[count - 1])[-1])


async def opens(page: Page, site: str, house: House, email: str, count: int) -> None:
    await page.goto(f"{site}/account/sign-up?lang=en")
    await page.get_by_label("Your name").fill("Amina Njeri")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("The code").fill(await code_of(house, count))
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_role("link", name="My details").click()
    await expect(page.get_by_role("heading", name="My details")).to_be_visible()


@pytest.mark.promise("secure-accounts")
async def test_an_account_is_opened_in_swahili_on_a_phone(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page()
    await page.goto(f"{site}/account/sign-in")
    await page.get_by_role("link", name="Kiswahili").click()
    await page.get_by_role("link", name="Fungua akaunti").click()
    await page.get_by_label("Jina lako").fill("Amina Njeri")
    await page.get_by_label("Ya shirika").check()
    await page.get_by_label("Jina la shirika").fill("Maji Bora")
    await page.get_by_label("Barua pepe").fill("amina@example.com")
    await page.get_by_role("button", name="Nitumie msimbo").click()
    await expect(page.get_by_text("amina@example.com")).to_be_visible()
    await page.get_by_label("Msimbo").fill((await code_of(working, 1)).lower().replace("-", " "))
    await page.get_by_role("button", name="Endelea").click()
    await page.get_by_role("link", name="Maelezo yangu").click()

    await expect(page.get_by_role("heading", name="Maelezo yangu")).to_be_visible()
    await expect(page.get_by_text("Maji Bora").first).to_be_visible()
    await page.get_by_role("link", name="Anwani zangu").click()
    await expect(page.get_by_text("Imethibitishwa")).to_be_visible()


@pytest.mark.promise("secure-accounts")
async def test_a_link_in_another_browser_asks_first(
    site: str, browsers: Watched, working: House
) -> None:
    page = await browsers.page()
    await opens(page, site, working, "amina@example.com", 1)
    await page.get_by_role("button", name="Sign out").click()
    await page.locator("#address").fill("amina@example.com")
    await page.get_by_role("button", name="Send me a code").click()
    text = (await mails(working, 2))[1].replace("=\n", "").replace("=3D", "=")
    link = re.findall(r"/account/link\?\S+", text)[0]

    other = await browsers.page()
    await other.goto(f"{site}{link}")
    await expect(other.get_by_text("asked for in another browser")).to_be_visible()
    await other.get_by_role("button", name="Yes, sign me in here").click()
    await expect(other.get_by_role("heading", name="My details")).to_be_visible()
    await other.get_by_role("link", name="Devices").click()
    await expect(other.get_by_text("This browser")).to_be_visible()


@pytest.mark.promise("secure-accounts")
async def test_a_chat_is_added_by_two_codes_and_a_session_ended_from_afar(
    site: str, browsers: Watched, working: House
) -> None:
    outlet = (await working.directory.outlets())[0]
    channel = (await working.directory.channels(outlet.id, "webchat"))[0]
    visitor = Visitor(working, channel, str(uuid4()))
    phone, desk = await browsers.page(), await (await browsers.context(viewport=DESK)).new_page()
    await opens(phone, site, working, "amina@example.com", 1)

    await phone.get_by_role("link", name="My chats").click()
    await phone.get_by_role("button", name="Show me the code").click()
    await phone.get_by_label("The code that the chat answered").fill(await answer(visitor, phone))
    await phone.get_by_role("button", name="Go on").click()
    await expect(phone.get_by_text("Your chats are saved.")).to_be_visible()

    await desk.goto(f"{site}/account/sign-in?next=/account/devices")
    await desk.get_by_role("button", name="Sign in with a chat").click()
    await desk.get_by_label("The code that the chat answered").fill(await answer(visitor, desk))
    await desk.get_by_role("button", name="Go on").click()
    await expect(desk.get_by_role("heading", name="A new device")).to_be_visible()
    await desk.get_by_role("button", name="a•••@example.com").click()
    await desk.get_by_label("The code that you got").fill(await proving(working))
    await desk.get_by_role("button", name="Go on").click()
    await expect(desk.get_by_role("heading", name="Devices", exact=True)).to_be_visible()
    await desk.get_by_role("button", name="Sign out there").click()
    await expect(desk.get_by_text("is not any more")).to_be_visible()
    await phone.goto(f"{site}/account")
    await expect(phone.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


async def proving(house: House) -> str:
    """Return the code that confirms a device, as soon as its mail was carried."""
    folder = house.settings.home / "mail"
    async with asyncio.timeout(20):
        while True:
            texts = [path.read_text() for path in folder.glob("[0-9]*.eml")]
            if found := [text for text in texts if "Subject: Your code: " in text]:
                return str(CODE.findall(found[0])[0])
            await asyncio.sleep(0.05)


async def answer(visitor: Visitor, page: Page) -> str:
    """Say what the page shows, and return what the chat answers."""
    said = await page.locator("[data-code]").inner_text()
    await visitor.give(kind="text", text=said)
    for _ in range(200):
        for message in reversed(await visitor.answers()):
            if found := CODE.findall(str(message.get("text", ""))):
                return str(found[-1])
        await page.wait_for_timeout(50)
    raise LookupError(said)


async def test_nothing_serious_on_the_account_pages(
    site: str, browsers: Watched, working: House
) -> None:
    browsers.expect("422")
    page = await browsers.page()
    found: list[str] = []

    async def look(where: str) -> Any:
        found.extend(f"{where}: {text}" for text in await serious(page))

    for path in ("sign-in", "sign-up", "link?key=a", "sign-in?lang=sw"):
        await page.goto(f"{site}/account/{path}")
        await look(path)
    await page.goto(f"{site}/account/sign-up")
    await page.get_by_role("button", name="Send me a code").click()
    await look("sign-up, wrong")
    await page.goto(f"{site}/account/sign-in")
    await page.get_by_role("button", name="Sign in with a chat").click()
    await look("chat")
    await opens(page, site, working, "amina@example.com", 1)
    for path in ("", "/addresses", "/chats", "/devices", "/memberships", "/history"):
        await page.goto(f"{site}/account{path}")
        await look(path)
    await page.goto(f"{site}/account/chats")
    await page.get_by_role("button", name="Show me the code").click()
    await look("chats, code")
    assert found == []
