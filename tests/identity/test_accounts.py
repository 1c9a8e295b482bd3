"""Accounts on the web: opened, signed in to, changed; and what strangers try."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

import psycopg
import pytest
from persons import Browsing, Person
from stepping import proved

from chatworks.commands.models import Actor, ActorKind, Call
from chatworks.house import House
from chatworks.identity import accounts, store
from chatworks.identity.models import Typed
from chatworks.identity.service import note
from chatworks.memberships.models import Invite

LINK = re.compile(r"https?://\S+/account/link\?\S+")


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute(query).fetchall()


@pytest.mark.promise("secure-accounts")
async def test_opening_an_account_and_coming_back_by_a_code(
    person: Person, browse: Browsing
) -> None:
    await person.signs_up()
    assert await person.signed_in()
    assert "Amina" in person.page
    await person.post("/account/sign-out")
    assert not await person.signed_in()

    async with browse() as again:
        await again.post("/account/sign-in/code", address="Amina@Example.com")
        assert "amina@example.com" in again.page
        answer = await again.post("/account/sign-in/finish", code=await again.code())
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert await again.signed_in()
        for path in ("addresses", "chats", "devices", "memberships", "history"):
            assert (await again.get(f"/account/{path}")).status_code == 200, again.page


async def test_a_code_is_read_as_people_type_it_and_counts_once(person: Person) -> None:
    await person.signs_up()
    await person.post("/account/sign-in/code", address="amina@example.com")
    code, ticket = await person.code(), person.ticket
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else " \u200b\u2013" for c in code.lower())

    first = await person.post("/account/sign-in/finish", code=f" {wide}\u00a0", ticket=ticket)
    again = [
        await person.post("/account/sign-in/finish", code=variant, ticket=ticket)
        for variant in (code, wide, f"{code}\u200b", code.replace("-", ""))
    ]

    assert first.status_code == 303
    assert {answer.status_code for answer in again} == {422}


@pytest.mark.promise("secure-accounts")
async def test_of_sixty_four_who_type_one_code_exactly_one_gets_in(
    person: Person, house: House
) -> None:

    await person.signs_up()
    await person.post("/account/sign-in/code", address="amina@example.com")
    code, ticket = await person.code(), UUID(hex=person.ticket)

    async def spend() -> UUID | None:
        async with house.db.engine() as work:
            return await accounts.finish_sign_in(work, ticket, code)

    got = await asyncio.gather(*(spend() for _ in range(64)))

    assert sum(account is not None for account in got) == 1


async def test_five_wrong_codes_spend_the_right_one(person: Person, database_url: str) -> None:
    await person.signs_up()
    await person.post("/account/sign-in/code", address="amina@example.com")
    code, ticket = await person.code(), person.ticket
    with psycopg.connect(database_url) as conn:
        conn.execute("DELETE FROM rate_limit")

    for _ in range(5):
        await person.post("/account/sign-in/finish", code="0000-0000", ticket=ticket)
        with psycopg.connect(database_url) as conn:
            conn.execute("DELETE FROM rate_limit")  # the code's own tries are counted here
    await person.post("/account/sign-in/finish", code=code, ticket=ticket)

    assert person.status == 422
    left = "SELECT tries_left, used_at FROM one_time_code WHERE purpose = 'sign-in'"
    assert rows(database_url, left) == [(0, None)]


async def test_a_link_signs_in_by_post_alone_once_and_says_where_it_was_asked_for(
    person: Person, browse: Browsing
) -> None:
    await person.signs_up()
    await person.post("/account/sign-out")
    await person.post("/account/sign-in/code", address="amina@example.com")
    link = LINK.findall((await person.mails())[-1][2])[0]
    path = "/account/" + link.partition("/account/")[2]
    key = path.rpartition("key=")[2]

    async with browse() as other:
        for _ in range(2):  # a preview opens links, too
            assert "asked for in another browser" in (await other.get(path)).text
        assert not await other.signed_in()
        assert "asked for in another browser" not in (await person.get(path)).text
        code = await person.code()
        assert (await other.post("/account/link", key=key)).status_code == 303
        assert await other.signed_in()
    assert (await person.post("/account/link", key=key)).status_code == 422
    # The letter's code goes with its link.
    assert (await person.post("/account/sign-in/finish", code=code)).status_code == 422
    assert not await person.signed_in()


@pytest.mark.promise("secure-accounts")
async def test_an_unverified_address_claims_nothing(
    person: Person, browse: Browsing, database_url: str
) -> None:
    """Pre-hijack: whoever names another's address first has nothing when its owner comes."""
    form = {"kind": "person", "name": "Mallory", "email": "amina@example.com", "by": "code"}
    await person.post("/account/sign-up", **form)
    hijack = person.ticket
    assert rows(database_url, "SELECT count(*) FROM account_address") == [(0,)]
    async with browse() as mallory:
        await mallory.signs_up("mallory@example.com", "Mallory")
        await mallory.post("/account/addresses/add", address="amina@example.com")
        claimed, code_of_claim = mallory.ticket, await mallory.code()

        async with browse() as amina:
            await amina.signs_up()

        # Even with the code that went to Amina's mailbox, it is too late.
        finish = {"code": code_of_claim, "ticket": claimed}
        assert (await mallory.post("/account/addresses/finish", **finish)).status_code == 422
    late = await person.post("/account/sign-up/finish", ticket=hijack, code="0000-0000")
    assert late.status_code == 422
    found = "SELECT a.name, d.value FROM account a JOIN account_address d ON d.account_id = a.id"
    assert sorted(rows(database_url, found)) == [
        ("Amina", "amina@example.com"),
        ("Mallory", "mallory@example.com"),
    ]


async def test_a_claim_dies_when_its_owner_verifies(
    person: Person, browse: Browsing, database_url: str
) -> None:
    form = {"kind": "person", "name": "Mallory", "by": "code"}
    both = {"email": "mallory@example.com", "phone": "+254712345678"}
    await person.post("/account/sign-up", **form, **both)
    await person.post("/account/sign-up/finish", code=await person.code())
    claims = "SELECT value, verified_at IS NOT NULL FROM account_address ORDER BY value"
    assert rows(database_url, claims) == [("+254712345678", False), ("mallory@example.com", True)]
    house = person.house
    async with browse() as amina:
        await amina.signs_up()

        async with house.db.engine() as work:
            owner = await store.find_account(work, "email", "amina@example.com")
            assert owner is not None
            await store.prove_address(work, owner, Typed("phone", "+254712345678"))
            note(work, owner, "VerifyAddress", kind="phone")

    owners = "SELECT a.name FROM account a JOIN account_address d ON d.account_id = a.id"
    assert rows(database_url, f"{owners} WHERE d.value = '+254712345678'") == [("Amina",)]


async def test_only_our_own_paths_come_next(person: Person, browse: Browsing) -> None:
    await person.signs_up()
    for wanted in (
        "https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example",
        "/\t/evil.example", "javascript:alert(1)", "/account/../../evil", "/%0d%0aset-cookie: a=b",
        " //evil.example", "/" * 600, "https:/evil.example", "///evil.example",
    ):  # fmt: skip
        await person.post("/account/sign-in/chat", next=wanted)
        assert "evil.example" not in person.page
    async with browse() as other:
        await other.post(
            "/account/sign-in/code", address="amina@example.com", next="//evil.example"
        )
        answer = await other.post(
            "/account/sign-in/finish", code=await other.code(), next="//evil.example"
        )
        assert answer.headers["location"] == "/account"


@pytest.mark.promise("secure-accounts")
async def test_details_take_their_five_fields_and_nothing_else(
    person: Person, database_url: str
) -> None:
    """Mass assignment: what a form adds is not read."""
    await person.signs_up()
    before = rows(database_url, "SELECT id, created_at, closed_at, picture FROM account ORDER BY 1")
    extra = {
        "id": "0" * 32, "account_id": "0" * 32, "closed_at": "2020-01-01", "role": "platform-owner",
        "verified_at": "2020-01-01", "picture": "x", "email": "other@example.com",
        "methods": "totp",
    }  # fmt: skip
    own = {"kind": "organisation", "name": "Amina N", "organisation_name": "Maji Ltd",
           "language": "sw", "time_zone": "Africa/Nairobi"}  # fmt: skip

    assert (await person.post("/account/details", **own, **extra)).status_code == 303

    assert "Maelezo yangu" in (await person.get("/account")).text
    after = rows(database_url, "SELECT id, created_at, closed_at, picture FROM account ORDER BY 1")
    assert after == before
    kept = (
        "SELECT kind, name, organisation_name, language, time_zone FROM account"
        " WHERE kind <> 'person'"
    )
    assert rows(database_url, kept) == [tuple(own.values())]
    assert rows(database_url, "SELECT count(*) FROM platform_role") == [(0,)]
    assert rows(database_url, "SELECT value FROM account_address") == [("amina@example.com",)]


async def test_another_address_is_verified_and_the_old_one_is_told(person: Person) -> None:
    await person.signs_up()
    await person.post("/account/addresses/add", address="new@example.com")
    await person.post("/account/addresses/finish", code=await person.code())
    told = (await person.mails())[-1]
    assert told[:2] == ("amina@example.com", "An address was added to your account")
    assert "new@example.com was added" in told[2]

    old = re.findall(
        r'name="id" value="([0-9a-f]{32})"', (await person.get("/account/addresses")).text
    )
    await person.post("/account/addresses", id=old[0], do="remove")
    assert sorted(mail[0] for mail in (await person.mails())[-2:]) == [
        "amina@example.com",
        "new@example.com",
    ]
    left = re.findall(
        r'name="id" value="([0-9a-f]{32})"', (await person.get("/account/addresses")).text
    )
    assert len(left) == 1
    refused = await person.post("/account/addresses", id=left[0], do="remove")
    assert (refused.status_code, "last way into" in refused.text) == (422, True)
    assert "new@example.com" in (await person.get("/account/addresses")).text


async def test_an_invitation_leads_a_new_person_to_the_console(
    person: Person, house: House, database_url: str
) -> None:
    """Its link asks to sign in first, and comes back to the button that accepts it."""
    outlet = (await house.directory.outlets())[0]
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT id, account_id FROM membership").fetchone()
    assert row is not None
    actor = Actor(ActorKind.OPERATOR, row[0].hex, "owner")
    invite = Invite("joy@example.com", "support")
    call = await proved(house, Call(outlet.id, actor, invite), row[1])
    async with house.db.engine([outlet.id]) as work:
        await house.dispatcher.one(work, call)
    link = re.findall(r"/account/invitation\?key=\S+", (await person.mails())[-1][2])[0]

    asked = await person.get(link)
    assert asked.headers["location"].startswith("/account/sign-in?next=/account/invitation%3Fkey")
    await person.post(
        "/account/sign-up", kind="person", name="Joy", email="joy@example.com", by="code", next=link
    )
    entered = await person.post("/account/sign-up/finish", code=await person.code(), next=link)
    assert entered.headers["location"] == link
    await person.get(link)
    key = link.rpartition("=")[2]
    assert (await person.post("/account/invitation", key=key)).status_code == 303
    assert (await person.post("/account/invitation", key=key)).status_code == 422
    assert outlet.name in (await person.get("/account/memberships")).text
    await person.post("/account/memberships", outlet=outlet.id.hex)
    assert (await person.get("/console/messages")).status_code == 200
