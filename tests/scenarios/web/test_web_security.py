"""Passkeys in Chromium's virtual authenticator, an authenticator app, and what each page looks like
to axe-core: the journeys of an owner who makes their account safe.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pyotp
import pytest
import pytest_asyncio
from browsing import BROWSER, Watched, web_of
from playwright.async_api import Page, expect
from test_accessibility import serious

from chatworks.factors.core import relying_party
from chatworks.factors.passkeys import Passkeys
from chatworks.house import House
from chatworks.identity import service as identity
from chatworks.identity import store as accounts
from chatworks.identity.models import Account

pytestmark = BROWSER

ADDRESS, PASSWORD = "amina@shop.example", "a long walk by the lake at dawn"
CODE = re.compile(r"code: ([0-9A-Z]{4}-[0-9A-Z]{4})")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest_asyncio.fixture(loop_scope="session")
async def localhost(working: House) -> AsyncIterator[str]:
    """The product at a name that browsers make passkeys for."""
    port = free_port()
    address = f"http://localhost:{port}"
    working.prover = replace(working.prover, passkeys=Passkeys(relying_party(address)))
    async with web_of(working, port):
        yield address


async def open_account(house: House, language: str = "en") -> UUID:
    prepared = await house.passwords.prepare(PASSWORD, [])
    async with house.db.engine() as work:
        account = Account(work.new_id(), "person", "Amina", None, language, "UTC", work.now)
        await accounts.add_account(work, account)
        await work.conn.execute(
            "INSERT INTO account_address (account_id, id, kind, value, verified_at, is_main,"
            " created_at) VALUES (%s, %s, 'email', %s, now(), true, now())",
            [account.id, work.new_id(), ADDRESS],
        )
        await house.passwords.put(work, account.id, prepared)
        identity.note(work, account.id, "OpenAccount")
    return account.id


async def with_authenticator(page: Page) -> None:
    """Give a browser an authenticator that holds passkeys and knows its person."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    await devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


async def by_password(page: Page, site: str) -> None:
    await page.goto(f"{site}/account/sign-in?lang=en")
    await page.locator("#password-address").fill(ADDRESS)
    await page.locator("#password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def mailed(house: House) -> str:
    """Return the code as soon as its mail was carried."""
    folder = house.settings.home / "mail"
    async with asyncio.timeout(20):
        while True:
            texts = [path.read_text() for path in folder.glob("[0-9]*.eml")]
            if found := next((m[1] for text in texts if (m := CODE.search(text))), ""):
                return found
            await asyncio.sleep(0.05)


async def confirm_device(page: Page, house: House) -> None:
    await expect(page.get_by_role("heading", name="A new device")).to_be_visible()
    assert await serious(page) == []
    await page.get_by_role("button", name="a•••@shop.example").click()
    await expect(page.get_by_label("The code that you got")).to_be_visible()
    assert await serious(page) == []
    await page.get_by_label("The code that you got").fill(await mailed(house))
    await page.get_by_role("button", name="Go on").click()
    await expect(page.get_by_role("heading", name="My details")).to_be_visible()


async def make_a_passkey(page: Page, localhost: str) -> None:
    await page.goto(f"{localhost}/account/security")
    assert await serious(page) == []
    await page.get_by_label("A name for the new one").fill("Amina’s phone")
    await page.get_by_role("button", name="Make a passkey").click()
    await expect(page.get_by_text("Add the passkey “Amina’s phone”")).to_be_visible()
    assert await serious(page) == []
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Yes, do it").click()
    await expect(page.get_by_role("status")).to_contain_text("Your passkey is kept.")
    await expect(page.get_by_role("group", name="Amina’s phone")).to_be_visible()
    assert await serious(page) == []

    # The passkey alone signs in; it is both factors at once.
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("button", name="Use my passkey").click()
    await expect(page.get_by_role("heading", name="My details")).to_be_visible()


async def set_an_app_up(page: Page, localhost: str) -> list[str]:
    await page.goto(f"{localhost}/account/security")
    await page.get_by_role("button", name="Set it up").click()
    await expect(page.get_by_text("Set up an authenticator app")).to_be_visible()
    await page.get_by_role("button", name="Use my passkey").click()
    await expect(page.get_by_role("img", name="QR code for the app")).to_be_visible()
    assert await serious(page) == []
    key = (await page.locator(".code-big.key").inner_text()).replace("-", "")
    await page.get_by_label("The six digits of your authenticator app").fill(pyotp.TOTP(key).now())
    await page.get_by_role("button", name="Turn it on").click()
    await expect(page.locator(".codes li")).to_have_count(10)
    assert await serious(page) == []
    async with page.expect_download() as kept:
        await page.get_by_role("link", name="Keep them as a file").click()
    codes = await page.locator(".codes code").all_inner_texts()
    assert (await (await kept.value).path()).read_text().split()[1:] == codes
    return codes


@pytest.mark.promise("mfa")
async def test_passkeys_and_an_app_from_the_first_to_the_last_page(
    localhost: str, browsers: Watched, working: House
) -> None:
    browsers.expect("403", "422")
    await open_account(working)
    page = await browsers.page()
    await with_authenticator(page)
    await by_password(page, localhost)
    await confirm_device(page, working)

    await make_a_passkey(page, localhost)  # after the password was shown for just that
    codes = await set_an_app_up(page, localhost)  # after the passkey was

    # From now on the password opens one page: here the passkey is the second factor.
    await page.get_by_role("button", name="Sign out").click()
    await by_password(page, localhost)
    await expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    await page.goto(f"{localhost}/account/addresses")
    await expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    assert await serious(page) == []
    await page.get_by_role("button", name="Use my passkey").click()
    await expect(page.get_by_role("heading", name="My addresses")).to_be_visible()

    # Without the passkey, a recovery code; without either, a recovery that waits.
    await page.get_by_role("button", name="Sign out").click()
    await by_password(page, localhost)
    await page.get_by_role("link", name="I have lost all of these").click()
    await expect(page.get_by_role("heading", name="Lost your second factor?")).to_be_visible()
    assert await serious(page) == []
    await page.get_by_role("link", name="Back").click()
    await page.get_by_label("Or one of the recovery codes that you keep").fill(codes[4].lower())
    await page.get_by_role("button", name="Use this recovery code").click()
    await expect(page.get_by_role("heading", name="My details")).to_be_visible()
    await page.goto(f"{localhost}/account/security")
    await expect(page.get_by_text("9 codes are left.")).to_be_visible()
    assert await serious(page) == []


async def test_the_pages_speak_swahili(localhost: str, browsers: Watched, working: House) -> None:
    browsers.expect("403")
    account_id = await open_account(working, "sw")
    page = await browsers.page()
    await by_password(page, localhost)
    async with working.db.engine() as work:
        await work.conn.execute("UPDATE device SET confirmed_at = now()")
        identity.note(work, account_id, "ConfirmDevice")
    await page.goto(f"{localhost}/account/security")
    await expect(page.get_by_role("heading", name="Usalama", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Iweke").click()
    await expect(page.get_by_text("Weka programu ya uthibitishaji")).to_be_visible()
    await page.get_by_label("Nenosiri lako").fill(PASSWORD)
    await page.get_by_role("button", name="Ndiyo, fanya").click()
    key = (await page.locator(".code-big.key").inner_text()).replace("-", "")
    await page.locator("#totp").fill(pyotp.TOTP(key).now())
    await page.get_by_role("button", name="Washa").click()
    await expect(page.locator(".codes li")).to_have_count(10)
    await page.get_by_role("button", name="Toka").click()
    await by_password(page, localhost)
    await expect(page.get_by_role("heading", name="Hatua moja zaidi")).to_be_visible()
