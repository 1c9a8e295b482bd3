"""The console's page of programs: issuing, listing and stopping keys, in people's words."""

from __future__ import annotations

import re

import httpx
import pytest
from programs import Program, Tenant, step_up

from chatworks.api.words import in_words
from chatworks.console.key_pages import scopes
from chatworks.house import House

PAGE = "/console/settings/programs"


@pytest.fixture
async def browser(house: House, majipro: Tenant, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client that is signed in as MajiPro's owner."""
    await majipro.enters(client)
    return client


async def test_a_key_is_made_shown_once_used_and_stopped(
    majipro: Tenant, browser: httpx.AsyncClient
) -> None:
    form = {"name": "Price <script>", "orders": "see", "products": "change", "days": "30"}
    made = await step_up(browser, PAGE, form)
    secret = re.findall(r"cw_live_\w{12}_\w{38}", made.text)
    used = [
        (await Program(browser, secret[0]).ask(path, body)).status_code
        for path, body in (
            ("orders/list-orders", {}),
            ("orders/move-order", {}),
            ("catalog/all-products", {}),
        )
    ]
    page = await browser.get(PAGE)
    key = majipro.sql("SELECT id FROM api_key")[0][0]
    stopped = await browser.post(f"{PAGE}/revoke", data={"key": key.hex})
    again = await browser.post(f"{PAGE}/revoke", data={"key": key.hex})
    after = await browser.get(PAGE)

    assert (made.status_code, len(secret), used) == (200, 1, [200, 403, 200])
    assert made.headers["cache-control"] == "no-store"
    assert secret[0] not in page.text
    assert "Price &lt;script&gt;" in page.text
    assert "Orders: see<" in page.text
    assert "Products and prices: see and change<" in page.text
    assert "in 30 days" in page.text
    assert (stopped.status_code, stopped.headers["location"]) == (303, f"{PAGE}?saved=revoked")
    assert (again.status_code, "There is no such key" in again.text) == (422, True)
    assert "Keys that ended" in after.text
    assert (await Program(browser, secret[0]).ask("orders/list-orders")).status_code == 401


async def test_a_form_that_is_not_whole_comes_back_as_it_was_filled(
    majipro: Tenant, browser: httpx.AsyncClient
) -> None:
    nothing = await browser.post(PAGE, data={"name": "My script", "days": "30"})
    unnamed = await browser.post(PAGE, data={"name": "", "orders": "see", "days": "30"})
    strange = await browser.post(PAGE, data={"name": "x", "orders": "see", "days": "9999"})

    assert (nothing.status_code, 'value="My script"' in nothing.text) == (422, True)
    assert "Choose at least one thing that the program may do." in nothing.text
    assert "Say which program the key is for." in unnamed.text
    assert strange.status_code == 422
    assert majipro.sql("SELECT count(*) FROM api_key") == [(0,)]


async def test_who_may_not_let_programs_in_looks_only(
    majipro: Tenant, browser: httpx.AsyncClient
) -> None:
    majipro.sql("UPDATE membership SET role = 'operator'")
    page = await browser.get(PAGE)
    tried = await browser.post(PAGE, data={"name": "x", "orders": "see", "days": "30"})

    assert (page.status_code, tried.status_code) == (200, 403)
    assert "Your role does not change anything on this page." in page.text
    assert majipro.sql("SELECT count(*) FROM api_key") == [(0,)]


def test_scopes_are_told_in_words_and_back(house: House) -> None:
    chosen = {"orders": "see", "messages": "change", "trouble": "change", "products": "nothing"}
    named = scopes(chosen)

    assert named == ("orders:read", "conversations", "support", "inbox", "outbox")
    assert in_words([*named, "catalog.SetPrice"], house.dispatcher.offered()) == [
        ("Orders", "See"),
        ("Messages", "See and answer"),
        ("Trouble", "Try again or give up"),
        ("Products and prices", "Change a price, in minor units of the outlet's currency"),
    ]
