"""Passwords on the account's pages: chosen, used, forgotten, changed; and what strangers try."""

from __future__ import annotations

import asyncio
import re

import psycopg
import pytest
from persons import Browsing, Person

from chatworks.identity import limits
from chatworks.identity.models import Browser
from chatworks.passwords import hasher
from chatworks.passwords.models import Right

EMAIL = "amina@example.com"
GOOD = "correct horse battery staple"
NEW = "a wholly new sentence of mine"


async def chooses(person: Person, password: str = GOOD) -> None:
    """Set a first password, just after signing up."""
    answer = await person.post("/account/password", new=password, again=password)
    assert answer.status_code == 303, person.page


async def signs_in(person: Person, password: str, address: str = EMAIL) -> int:
    answer = await person.post("/account/sign-in/password", address=address, password=password)
    return answer.status_code


async def forgets(person: Person, address: str = EMAIL) -> str:
    await person.post("/account/forgot", address=address)
    assert person.status == 200
    return await person.code()


async def test_who_signed_up_is_offered_a_password_and_comes_back_with_it(
    person: Person, browse: Browsing
) -> None:
    await person.post("/account/sign-up", kind="person", name="Amina", email=EMAIL, by="code")
    ticket, asked = person.ticket, re.search(r'name="next" value="([^"]+)"', person.page)
    assert asked is not None
    answer = await person.post(
        "/account/sign-up/finish", code=await person.code(), ticket=ticket, next=asked[1]
    )
    assert answer.headers["location"] == "/account/password?new=1"
    await person.get("/account/password?new=1")
    assert "Go on without a password" in person.page
    await chooses(person)

    async with browse() as again:
        assert await signs_in(again, GOOD) == 303
        assert await again.signed_in()
        await again.get("/account/history")
        assert "with a password" in again.page


async def test_wrong_passwords_and_unknown_addresses_are_answered_alike(
    person: Person, browse: Browsing
) -> None:
    await person.signs_up()
    await chooses(person)
    async with browse() as known, browse() as unknown:
        await signs_in(known, "wrong")
        await signs_in(unknown, "wrong", "nobody@example.com")
        assert (known.status, known.page) == (unknown.status, unknown.page)
        assert known.status == 422
        assert "The address or the password is not right." in known.page
        assert not await known.signed_in()
        await known.post("/account/forgot", address=EMAIL)
        await unknown.post("/account/forgot", address="nobody@example.com")
        pages = [
            re.sub(r"[0-9a-f]{32}|amina@example.com|nobody@example.com", "", page)
            for page in (known.page, unknown.page)
        ]
        assert known.status == unknown.status == 200
        assert pages[0] == pages[1]


async def test_a_forgotten_password_is_set_anew_and_nobody_is_signed_in_by_it(
    person: Person, browse: Browsing
) -> None:
    await person.signs_up()
    await chooses(person)
    async with browse() as elsewhere:
        code = await forgets(elsewhere)
        await elsewhere.post("/account/forgot/finish", code=code, new=NEW, again=NEW)
        assert (elsewhere.status, "Your new password is set" in elsewhere.page) == (200, True)
        assert not await elsewhere.signed_in()
        assert not await person.signed_in()  # every session ended
        told = (await elsewhere.mails())[-1]
        assert told[:2] == (EMAIL, "Your password was changed")
        assert "/account/forgot" in told[2]
        assert await signs_in(elsewhere, GOOD) == 422
        assert await signs_in(elsewhere, NEW) == 303
        await elsewhere.post("/account/forgot/finish", code=code, new=GOOD, again=GOOD)
        assert elsewhere.status == 422  # a code is good once


async def test_a_new_password_ends_what_was_sent_to_sign_in_with(
    person: Person, browse: Browsing
) -> None:
    await person.signs_up()
    await chooses(person)
    async with browse() as thief:
        await thief.post("/account/sign-in/code", address=EMAIL)
        code = await thief.code()
        await person.post("/account/password", old=GOOD, new=NEW, again=NEW)
        assert person.status == 303
        await thief.post("/account/sign-in/finish", code=code)
        assert thief.status == 422
        assert not await thief.signed_in()


async def test_an_address_without_an_account_gets_a_word_and_a_code_that_opens_nothing(
    person: Person,
) -> None:
    await person.post("/account/forgot", address="nobody@example.com")
    to, subject, text = (await person.mails())[-1]
    assert (to, subject) == ("nobody@example.com", "There is no account for this address")
    assert re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", text) is None

    await person.post("/account/forgot/finish", code="AAAA-AAAA", new=NEW, again=NEW)
    assert person.status == 422


async def test_changing_it_needs_the_old_one_and_ends_the_other_browsers(
    person: Person, browse: Browsing
) -> None:
    await person.signs_up()
    await chooses(person)
    async with browse() as other:
        assert await signs_in(other, GOOD) == 303
        await person.post("/account/password", old="not mine", new=NEW, again=NEW)
        assert (person.status, "not your current password" in person.page) == (422, True)
        assert await other.signed_in()
        assert await signs_in(other, NEW) == 422

        before = person.web.cookies["cw_session"]
        await person.post("/account/password", old=GOOD, new=NEW, again=NEW)
        assert person.status == 303
        assert person.web.cookies["cw_session"] != before
        assert await person.signed_in()
        assert not await other.signed_in()


async def test_a_first_password_needs_a_proof_of_just_now(
    person: Person, database_url: str
) -> None:
    await person.signs_up()
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE session SET fresh_at = now() - interval '6 minutes'")
    await person.post("/account/password", new=GOOD, again=GOOD)
    assert person.status == 422
    assert "sign out and in again" in person.page
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM account_password").fetchone() == (0,)


WHY_NOT = [
    ("short", "short", "it needs 15 characters"),
    ("x" * 1025, "x" * 1025, "at most 1024 characters"),
    ("amina@example.com", "amina@example.com", "Your name or address"),
    ("qwertyuiopasdfghjkl", "qwertyuiopasdfghjkl", "a simple pattern"),
    ("1q2w3e4r5t6y7u8i9o0p", "1q2w3e4r5t6y7u8i9o0p", "a list of stolen ones"),
    ("correct horse\x07battery staple", "correct horse\x07battery staple", "no keyboard"),
    (GOOD, f"{GOOD} ", "two different ways"),
    ("", "", "it needs 15 characters"),
]


async def test_why_a_password_is_not_taken_is_said_and_it_is_not_shown(
    person: Person, database_url: str
) -> None:
    await person.signs_up()
    for new, again, said in WHY_NOT:
        await person.post("/account/password", new=new, again=again)
        assert (person.status, said in person.page) == (422, True), new
        assert new not in person.page or new in {"", "short"}

    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM account_password").fetchone() == (0,)


async def test_it_is_said_in_swahili(person: Person) -> None:
    await person.get("/account/sign-in?lang=sw")
    assert "Ingia kwa nenosiri lako" in person.page
    await person.post("/account/sign-in/password?lang=sw", address=EMAIL, password="x")
    assert "Anwani au nenosiri si sahihi." in person.page
    await person.post("/account/forgot?lang=sw", address=EMAIL)
    await person.post("/account/forgot/finish?lang=sw", code="X", new="fupi", again="fupi")
    assert "linahitaji herufi 15" in person.page


async def test_the_persons_own_words_are_looked_at_only_behind_the_right_code(
    person: Person, browse: Browsing
) -> None:
    await person.signs_up(name="Wanjikuwangechi")
    await chooses(person)
    mine = "wanjikuwangechi7"
    async with browse() as elsewhere:
        code = await forgets(elsewhere)
        await elsewhere.post("/account/forgot/finish", code="AAAA-AAAA", new=mine, again=mine)
        assert "This code is not valid" in elsewhere.page
        await elsewhere.post("/account/forgot/finish", code=code, new=mine, again=mine)
        assert "Your name or address" in elsewhere.page
        await elsewhere.post("/account/forgot/finish", code=code, new=NEW, again=NEW)
        assert elsewhere.status == 200  # the code was still good


async def test_of_sixty_four_resets_with_one_code_exactly_one_sets_a_password(
    person: Person, browse: Browsing, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    await person.signs_up()
    await chooses(person)
    free = dict.fromkeys(limits.CODE, limits.Budget(100_000, 0.01))
    monkeypatch.setattr(limits, "BUDGETS", {**limits.BUDGETS, "code": free})
    async with browse() as thief:
        code = await forgets(thief)
        form = {"ticket": thief.ticket, "code": code}
        words = [f"{n} sentences of my very own" for n in range(64)]
        answers = await asyncio.gather(
            *(
                thief.web.post("/account/forgot/finish", data={**form, "new": w, "again": w})
                for w in words
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 63
    with psycopg.connect(database_url) as conn:
        row = conn.execute(
            "SELECT count(*) FROM audit_leaf WHERE action = 'identity.ChangePassword'"
        ).fetchone()
    assert row == (1,)


async def test_guessing_the_code_of_a_reset_ends_it(
    person: Person, browse: Browsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person.signs_up()
    await chooses(person)
    free = dict.fromkeys(limits.CODE, limits.Budget(100_000, 0.01))
    monkeypatch.setattr(limits, "BUDGETS", {**limits.BUDGETS, "code": free})
    async with browse() as thief:
        code = await forgets(thief)
        for guess in ("AAAA-AAAA", "BBBB-BBBB", "CCCC-CCCC", "DDDD-DDDD", "EEEE-EEEE"):
            await thief.post("/account/forgot/finish", code=guess, new=NEW, again=NEW)
            assert thief.status == 422
        await thief.post("/account/forgot/finish", code=code, new=NEW, again=NEW)
        assert thief.status == 422
    async with browse() as owner:
        assert await signs_in(owner, GOOD) == 303


async def test_too_many_and_too_busy_are_said_as_what_they_are(
    person: Person, browse: Browsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person.signs_up()
    async with browse() as stranger:
        for _ in range(limits.PASSWORD["account"].burst):
            assert await signs_in(stranger, "wrong") == 422
        assert await signs_in(stranger, "wrong") == 429
    places = person.house.passwords._hasher._places
    monkeypatch.setattr(places, "_value", 0)
    assert await signs_in(person, "wrong", "other@example.com") == 503
    assert hasher.refused_total._value.get() >= 1


async def test_a_change_between_the_try_and_the_session_lets_nobody_in(
    person: Person, browse: Browsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person.signs_up()
    await chooses(person)
    passwords = person.house.passwords
    verify = passwords.verify

    async def then_changed(address: str, text: str, browser: Browser) -> Right | None:
        right = await verify(address, text, browser)
        await person.post("/account/password", old=GOOD, new=NEW, again=NEW)
        return right

    monkeypatch.setattr(passwords, "verify", then_changed)
    async with browse() as thief:
        assert await signs_in(thief, GOOD) == 422
        assert not await thief.signed_in()
    assert person.status == 303


async def test_nobody_is_led_elsewhere_after_signing_in(person: Person) -> None:
    await person.signs_up()
    await chooses(person)
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"):
        answer = await person.post(
            "/account/sign-in/password", address=EMAIL, password=GOOD, next=elsewhere
        )
        assert answer.headers["location"] == "/account"


async def test_a_form_sets_nothing_but_the_password(person: Person, database_url: str) -> None:
    await person.signs_up()
    await person.post(
        "/account/password", new=GOOD, again=GOOD, account_id="0" * 32, enough_alone="false"
    )
    with psycopg.connect(database_url) as conn:
        row = conn.execute(
            "SELECT a.name, p.enough_alone FROM account_password p"
            " JOIN account a ON a.id = p.account_id"
        ).fetchall()
    assert row == [("Amina", True)]
