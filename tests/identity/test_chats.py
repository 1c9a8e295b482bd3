"""Chat identities: a code in each direction, and what one side alone can do with it: nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest
from persons import CODE, Browsing, Person
from visitors import Visitor

from chatworks.house import House

Chats = Callable[[], Visitor]


@pytest.fixture
async def chat(house: House) -> Chats:
    """Give people of the web chat."""
    outlet = (await house.directory.outlets())[0]
    channel = (await house.directory.channels(outlet.id, "webchat"))[0]
    return lambda: Visitor(house, channel, str(uuid4()))


def said(page: str) -> str:
    """Return what a page asks to have said."""
    found = re.search(r"data-code>(/account [0-9A-Z-]+)<", page)
    assert found, page
    return found[1]


def bound(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return [
            row[0]
            for row in conn.execute(
                "SELECT a.name FROM account_contact c JOIN account a ON a.id = c.account_id"
                " ORDER BY 1"
            )
        ]


async def answer(visitor: Visitor, text: str) -> str:
    """Say ``text`` and return the code that answers."""
    found = CODE.findall((await visitor.says(text))[-1])
    assert found, visitor.last
    return str(found[-1])


async def add(person: Person, visitor: Visitor) -> None:
    await person.post("/account/chats", do="begin")
    await person.post("/account/chats/finish", code=await answer(visitor, said(person.page)))
    assert person.status == 303


@pytest.mark.promise("secure-accounts")
async def test_a_chat_is_added_and_signs_in(
    person: Person, browse: Browsing, chat: Chats, database_url: str
) -> None:
    await person.signs_up()
    visitor = chat()
    await add(person, visitor)
    assert bound(database_url) == ["Amina"]
    assert (await person.mails())[-1][1] == "A chat was added to your account"

    async with browse() as other:
        await other.post("/account/sign-in/chat")
        code = await answer(visitor, said(other.page))
        assert (
            await other.post("/account/chat/finish", wanted="sign-in", code=code)
        ).status_code == 303
        assert await other.signed_in()
        again = await other.post("/account/chat/finish", wanted="sign-in", code=code)
        assert again.status_code == 422


async def test_an_account_is_opened_from_a_chat_alone(
    browse: Browsing, chat: Chats, database_url: str
) -> None:
    visitor = chat()
    assert "/account/sign-up" in (await visitor.says("/account"))[-1]
    async with browse() as joy:
        await joy.post("/account/sign-up", kind="person", name="Joy", by="chat")
        code = await answer(visitor, said(joy.page))
        await joy.post("/account/chat/finish", wanted="sign-up", code=code)
        assert joy.status == 303
        assert await joy.signed_in()
        assert bound(database_url) == ["Joy"]
        # The only way in cannot be taken away.
        with psycopg.connect(database_url) as conn:
            row = conn.execute("SELECT outlet_id, contact_id FROM account_contact").fetchone()
        assert row is not None
        form = {"outlet": row[0].hex, "contact": row[1].hex}
        assert (await joy.post("/account/chats", do="remove", **form)).status_code == 422
    assert bound(database_url) == ["Joy"]


@pytest.mark.promise("secure-accounts")
async def test_a_strangers_code_said_by_a_victim_binds_nothing(
    person: Person, browse: Browsing, chat: Chats, database_url: str
) -> None:
    """Link-CSRF: the stranger shows the victim a code; its answer stays with the victim."""
    await person.signs_up("mallory@example.com", "Mallory")
    await person.post("/account/chats", do="begin")
    ticket = person.ticket
    victim = chat()
    code = await answer(victim, said(person.page))

    assert bound(database_url) == []
    guess = await person.post("/account/chats/finish", ticket=ticket, code="0000-0000")
    async with (
        browse() as amina
    ):  # the victim types it on a page of their own: it is not that page's
        await amina.signs_up()
        for wanted in ("sign-in", "sign-up"):
            form = {"wanted": wanted, "code": code, "ticket": ticket}
            assert (await amina.post("/account/chat/finish", **form)).status_code == 422
        finish = {"code": code, "ticket": ticket}
        assert (await amina.post("/account/chats/finish", **finish)).status_code == 422

    assert guess.status_code == 422
    assert bound(database_url) == []


async def test_who_reads_the_chats_answer_cannot_use_it(
    person: Person, browse: Browsing, chat: Chats
) -> None:
    """The outlet's operators read the conversation; without the page's ticket a code is nothing."""
    await person.signs_up()
    visitor = chat()
    await add(person, visitor)
    async with browse() as other, browse() as operator:
        await other.post("/account/sign-in/chat")
        code = await answer(visitor, said(other.page))
        await operator.post("/account/sign-in/chat")
        await operator.post("/account/chat/finish", wanted="sign-in", code=code)
        assert operator.status == 422
        assert not await operator.signed_in()
        await other.post("/account/chat/finish", wanted="sign-in", code=code)
        assert await other.signed_in()


@pytest.mark.promise("secure-accounts")
async def test_a_recycled_name_or_number_is_another_chat(
    person: Person, browse: Browsing, chat: Chats, database_url: str
) -> None:
    await person.signs_up()
    old = chat()
    await add(person, old)
    new = chat()
    await new.says("hi")
    with psycopg.connect(database_url) as conn:  # who comes later bears all that is not immutable
        conn.execute(
            "UPDATE contact SET name = 'Amina', username = 'amina', phone = '+254712345678',"
            " phone_proof = 'messenger', phone_proved_at = now()"
        )

    async with browse() as other:
        await other.post("/account/sign-in/chat")
        told = await new.says(said(other.page))
        assert "No account has this chat" in told[-1]
        assert not await other.signed_in()


async def test_a_chat_is_one_accounts(
    person: Person, browse: Browsing, chat: Chats, database_url: str
) -> None:
    await person.signs_up()
    visitor = chat()
    await add(person, visitor)
    async with browse() as joy:
        await joy.signs_up("joy@example.com", "Joy")
        await joy.post("/account/chats", do="begin")
        code = await answer(visitor, said(joy.page))
        assert (await joy.post("/account/chats/finish", code=code)).status_code == 422
    assert bound(database_url) == ["Amina"]
