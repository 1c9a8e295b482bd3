"""Accounts on the web: opened, signed in to, changed; and what strangers try."""

from __future__ import annotations

from persons import Browsing, Person


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
