"""The pages: what a session lacks comes first, a step-up comes back with the very same form."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pyotp
import pytest
from owners import open_account

from chatworks.cli import web_app
from chatworks.factors import store
from chatworks.house import House
from chatworks.identity import service as identity
from chatworks.identity import store as accounts
from chatworks.identity.models import Browser
from chatworks.web.sse import Streams

PASSWORD = "a long walk by the lake at dawn"
HOST = "127.0.0.1"
HTML = {"accept": "text/html"}
PEOPLE = "/console/settings/people"


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a session."""
    app: Any = web_app(house, Streams(house.listener))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as found:
        yield found


async def owner_of(house: House, *addresses: str) -> UUID:
    """Make an owner of MajiPro with a password and these addresses."""
    account_id = await open_account(house, *addresses)
    prepared = await house.passwords.prepare(PASSWORD, [])
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        await house.passwords.put(work, account_id, prepared)
        await accounts.add_membership(work, outlet.id, account_id, "owner")
    return account_id


async def enter(house: House, client: httpx.AsyncClient, account_id: UUID, *methods: str) -> None:
    async with house.db.engine() as work:
        secrets = await identity.sign_in_as(work, account_id, methods, Browser("Firefox", "::1"))
    client.cookies.set("cw_session", secrets.session, domain=HOST)
    client.cookies.set("cw_device", secrets.device, domain=HOST)


async def app_of(house: House, account_id: UUID) -> pyotp.TOTP:
    """Give an account an authenticator app."""
    async with house.db.engine() as work:
        setup = await house.prover.authenticators.begin(work, account_id)
        app = pyotp.TOTP(setup.secret)
        found = await store.totp(work, account_id)
        assert found is not None
        assert await store.confirm_totp(work, account_id, found[0], 0)
    return app


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's first form that holds a step-up."""
    form = next(f for f in page.split("<form")[1:] if "proof-id" in f)
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))


def now(app: pyotp.TOTP) -> str:
    return app.now()


@pytest.mark.promise("mfa")
async def test_a_first_factor_alone_opens_nothing_where_a_second_is_set(
    house: House, client: httpx.AsyncClient
) -> None:
    account_id = await owner_of(house)
    app = await app_of(house, account_id)
    await enter(house, client, account_id, "password")
    before = client.cookies["cw_session"]

    for path in ("/console", PEOPLE, "/account", "/account/security", "/account/devices"):
        page = await client.get(path, headers=HTML)
        assert (page.status_code, page.headers["location"]) == (302, f"/account/second?next={path}")
    assert (await client.get("/console/live")).status_code == 403
    for path in (PEOPLE, "/account/details", "/account/security/codes", "/account/security/app"):
        assert (await client.post(path, data={})).status_code == 403

    wrong = await client.post("/account/second", data={"method": "totp", "text": "000000"})
    assert wrong.status_code == 422
    shown = {"method": "totp", "text": now(app), "next": PEOPLE}
    right = await client.post("/account/second", data=shown)

    assert (right.status_code, right.headers["location"]) == (303, PEOPLE)
    assert client.cookies["cw_session"] != before
    assert (await client.get(PEOPLE, headers=HTML)).status_code == 200
    client.cookies.set("cw_session", before, domain=HOST)  # the old secret is dead at once
    assert (await client.get("/account")).status_code == 401
    again = await client.post("/account/second", data=shown)
    assert again.status_code == 401


async def test_a_step_up_comes_back_with_the_very_same_form(
    house: House, client: httpx.AsyncClient, database_url: str
) -> None:
    account_id = await owner_of(house)
    await enter(house, client, account_id, "password")
    form = {"do": "invite", "email": "ben@shop.example", "role": "support"}

    asked = await client.post(PEOPLE, data=form)
    fields = hidden(asked.text)
    assert asked.status_code == 403
    assert "Invite ben@shop.example to work here as support" in asked.text
    assert {name: fields[name] for name in form} == form
    for text in ("wrong", ""):
        no = await client.post(PEOPLE, data={**fields, "proof-text": text})
        assert (no.status_code, "Please try again" in no.text) == (403, True)
    changed = {**fields, "role": "operator", "proof-text": PASSWORD}
    other = await client.post(PEOPLE, data=changed)
    assert other.status_code == 403  # proved, but for another role
    assert "Invite ben@shop.example to work here as operator" in other.text
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM invitation").fetchone() == (0,)

    done = await client.post(PEOPLE, data={**hidden(other.text), "proof-text": PASSWORD})

    assert (done.status_code, done.headers["location"]) == (303, f"{PEOPLE}?saved=people-invite")
    with psycopg.connect(database_url) as conn:
        rows = conn.execute("SELECT email, role FROM invitation").fetchall()
    assert rows == [("ben@shop.example", "operator")]
    late = await client.post(PEOPLE, data={**fields, "proof-text": PASSWORD})
    assert late.status_code == 403


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        (f"http://127.0.0.1:8000{PEOPLE}?saved=x", PEOPLE),
        ("http://127.0.0.1:8000//evil.example/x", "/console"),
        ("javascript:alert(1)", "/console"),
        ("http://[broken", "/console"),
        ("", "/console"),
    ],
)
async def test_no_leads_back_to_where_the_form_was(
    house: House, client: httpx.AsyncClient, referer: str, back: str
) -> None:
    await enter(house, client, await owner_of(house), "password")

    asked = await client.post(PEOPLE, data={"do": "demand"}, headers={"referer": referer})
    again = await client.post(PEOPLE, data={**hidden(asked.text), "proof-text": "wrong"})

    for page in (asked.text, again.text):
        assert f'<a href="{back}">No, go back</a>' in page


@pytest.mark.promise("mfa")
async def test_where_a_second_factor_is_set_a_password_proves_nothing(
    house: House, client: httpx.AsyncClient
) -> None:
    account_id = await owner_of(house)
    app = await app_of(house, account_id)
    await enter(house, client, account_id, "password", "totp")
    asked = await client.post("/account/security/app/remove", data={})
    fields = hidden(asked.text)
    assert "Your password" not in asked.text

    weak = {**fields, "proof-method": "password", "proof-text": PASSWORD}
    assert (await client.post("/account/security/app/remove", data=weak)).status_code == 403
    async with house.db.engine() as work:
        assert (await store.factors(work, account_id)).totp
    strong = {**fields, "proof-text": now(app)}
    assert (await client.post("/account/security/app/remove", data=strong)).status_code == 303

    async with house.db.engine() as work:
        assert not (await store.factors(work, account_id)).has_second


async def test_the_last_second_factor_stays_where_the_password_is_too_short_alone(
    house: House, client: httpx.AsyncClient
) -> None:
    account_id = await owner_of(house)
    app = await app_of(house, account_id)
    prepared = await house.passwords.prepare("lake at 9", [], alone=False)
    async with house.db.engine() as work:
        await house.passwords.change(work, account_id, prepared)
    await enter(house, client, account_id, "password", "totp")
    fields = hidden((await client.post("/account/security/app/remove", data={})).text)

    shown = {**fields, "proof-text": now(app)}
    answer = await client.post("/account/security/app/remove", data=shown)

    assert (answer.status_code, "a longer password first" in answer.text) == (422, True)
    async with house.db.engine() as work:
        assert (await store.factors(work, account_id)).totp


async def test_an_account_with_nothing_to_show_is_led_to_set_something(
    house: House, client: httpx.AsyncClient
) -> None:
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        link = await identity.issue_sign_in_link(work, outlet.id)
        secrets = await identity.sign_in(work, link, Browser("Firefox", "::1"))
    assert secrets is not None
    client.cookies.set("cw_session", secrets.session, domain=HOST)

    asked = await client.post(PEOPLE, data={"do": "demand"})
    assert (asked.status_code, 'href="/account/security"' in asked.text) == (403, True)
    setup = await client.post("/account/security/app", data={})
    key = re.search(r"code-big key\">([A-Z2-7-]+)<", setup.text)
    assert key is not None
    app = pyotp.TOTP(key[1].replace("-", ""))
    codes = await client.post("/account/security/app/confirm", data={"text": now(app)})

    found = re.findall(r"<code>([0-9A-Z-]{19})</code>", codes.text)
    assert len(set(found)) == 10
    assert (await client.get("/account/security", headers=HTML)).text.count(found[0]) == 0


async def test_an_outlet_that_demands_it_opens_no_console_before(
    house: House, client: httpx.AsyncClient
) -> None:
    account_id = await owner_of(house)
    await enter(house, client, account_id, "password")
    fields = hidden((await client.post(PEOPLE, data={"do": "demand"})).text)
    done = await client.post(PEOPLE, data={**fields, "proof-text": PASSWORD})
    assert done.status_code == 303

    page = await client.get("/console", headers=HTML)
    assert (page.status_code, page.headers["location"]) == (302, "/account/security?demanded=1")
    assert (await client.post(PEOPLE, data={"do": "no-demand"})).status_code == 403
    assert (await client.get("/account/security", headers=HTML)).status_code == 200
    app = await app_of(house, account_id)
    await client.post("/account/second", data={"method": "totp", "text": now(app)})

    assert (await client.get(PEOPLE, headers=HTML)).status_code == 200


async def test_a_device_that_the_account_does_not_know_asks_for_another_way(
    house: House, client: httpx.AsyncClient, database_url: str
) -> None:
    account_id = await owner_of(house, "amina@shop.example")
    await enter(house, client, account_id, "password")
    assert (await client.get("/account", headers=HTML)).headers["location"] == (
        "/account/device?next=/account"
    )
    page = await client.get("/account/device?next=/account/devices", headers=HTML)
    way = re.search(r'name="send" value="([0-9a-f]{32})"', page.text)
    assert way is not None
    sent = await client.post("/account/device", data={"send": way[1], "next": "/account/devices"})
    ticket = re.search(r'name="ticket" value="([0-9a-f]{32})"', sent.text)
    assert ticket is not None
    assert "a•••@shop.example" in sent.text
    code = await mailed(house)
    typed = {"ticket": ticket[1], "text": code.lower(), "next": "/account/devices"}

    wrong = await client.post("/account/device", data={**typed, "text": "7QKM-3XTD"})
    right = await client.post("/account/device", data=typed)

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert (await client.get("/account", headers=HTML)).status_code == 200
    with psycopg.connect(database_url) as conn:
        acts = conn.execute(
            "SELECT action FROM audit_leaf WHERE object_id = %s ORDER BY id", [account_id.hex]
        ).fetchall()
    assert ("identity.ConfirmDevice",) in acts


async def mailed(house: House) -> str:
    """Return the code of the last mail that has one."""
    async with house.db.engine() as work:
        cursor = await work.conn.execute("SELECT id, content FROM mail_message ORDER BY id")
        rows = await cursor.fetchall()
    opened = [house.directory.vault.open(c, f"mail_message.content|{i.hex}") for i, c in rows]
    codes = [found[1] for text in opened if (found := re.search(r"code: ([0-9A-Z-]{9})", text))]
    return codes[-1]


@pytest.mark.parametrize(
    "methods", [("code",), ("link",), ("code", "email"), ("cli",), ("passkey",)]
)
async def test_a_device_is_not_asked_for_over_the_way_that_was_used(
    house: House, client: httpx.AsyncClient, methods: tuple[str, ...]
) -> None:
    account_id = await owner_of(house, "amina@shop.example")

    await enter(house, client, account_id, *methods)

    assert (await client.get("/account", headers=HTML)).status_code == 200


async def test_a_way_is_added_or_removed_by_a_fresh_factor_where_there_is_one(
    house: House, client: httpx.AsyncClient, database_url: str
) -> None:
    account_id = await owner_of(house)
    await enter(house, client, account_id, "password")
    chat = {"do": "remove", "outlet": "0" * 32, "contact": "0" * 32}
    tries: list[tuple[str, dict[str, str]]] = [
        ("/account/addresses/add", {"address": "thief@shop.example"}),
        ("/account/addresses", {"do": "remove", "id": "0" * 32}),
        ("/account/chats", {"do": "add"}),
        ("/account/chats", chat),
    ]
    for path, form in tries:
        asked = await client.post(path, data=form)
        assert (path, asked.status_code) == (path, 403)
        assert "Your password" in asked.text
    with psycopg.connect(database_url) as conn:
        codes = conn.execute("SELECT count(*) FROM one_time_code").fetchone()
    assert codes == (0,)

    fields = hidden((await client.post(*tries[0][:1], data=tries[0][1])).text)
    sent = await client.post(tries[0][0], data={**fields, "proof-text": PASSWORD})
    assert (sent.status_code, "thief@shop.example" in sent.text) == (200, True)


async def test_strangers_cannot_lock_a_known_device_out(
    house: House, client: httpx.AsyncClient
) -> None:
    account_id = await owner_of(house)
    app = await app_of(house, account_id)
    await enter(house, client, account_id, "password")
    mine = {"cw_session": client.cookies["cw_session"], "cw_device": client.cookies["cw_device"]}
    client.cookies.clear()
    await enter(house, client, account_id, "password")  # somebody who has the password
    client.cookies.delete("cw_device")
    for _ in range(5):
        wrong = await client.post("/account/second", data={"method": "totp", "text": "000000"})
        assert wrong.status_code == 422
    full = await client.post("/account/second", data={"method": "totp", "text": "000000"})
    assert full.status_code == 429

    client.cookies.clear()
    for name, value in mine.items():
        client.cookies.set(name, value, domain=HOST)
    shown = await client.post("/account/second", data={"method": "totp", "text": now(app)})

    assert shown.status_code == 303
