"""Passkeys: what is signed for another site, session, challenge or person signs nobody in."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest
from owners import enter, open_account
from softkey import SoftKey, data, text

from chatworks.factors import passkeys, store
from chatworks.factors.models import Asked, FactorNotValid, LastWayIn, PasskeysNotHere
from chatworks.factors.passkeys import Passkeys
from chatworks.house import House
from chatworks.identity.models import Session
from chatworks.kit.errors import Invalid


@pytest.fixture
async def mine(house_here: House, key: SoftKey) -> Session:
    """A session of an account that holds the passkey."""
    session = await enter(house_here, await open_account(house_here, "a@shop.example"), "password")
    await register(house_here, session, key)
    return session


async def register(house: House, session: Session, key: SoftKey) -> UUID:
    async with house.db.engine() as work:
        asked = await house.prover.passkeys.ask_to_register(work, session)
        made = key.make(asked.options)
        return await house.prover.passkeys.register(work, session, asked.ticket, made, "Phone")


async def ask(house: House, session: Session | None) -> Asked:
    async with house.db.engine() as work:
        return await house.prover.passkeys.ask(work, session)


async def check(house: House, session: Session | None, asked: Asked, answer: str) -> UUID | None:
    async with house.db.engine() as work:
        found = await house.prover.passkeys.check(work, session, asked.ticket, answer)
    return None if found is None else found.account_id


@pytest.mark.promise("secure-accounts")
async def test_a_passkey_names_its_account_and_signs_in_once(
    house_here: House, mine: Session, key: SoftKey
) -> None:
    asked = await ask(house_here, None)
    answer = key.sign(asked.options)

    assert json.loads(asked.options)["userVerification"] == "required"
    assert json.loads(asked.options)["allowCredentials"] == []
    assert await check(house_here, None, asked, answer) == mine.account_id
    assert await check(house_here, None, asked, answer) is None


async def test_signing_in_asks_for_a_verified_person_and_a_second_factor_does_not(
    house_here: House, mine: Session, key: SoftKey
) -> None:
    key.verifies = False
    alone, second = await ask(house_here, None), await ask(house_here, mine)

    assert await check(house_here, None, alone, key.sign(alone.options)) is None
    assert await check(house_here, mine, second, key.sign(second.options)) == mine.account_id


async def test_a_challenge_is_good_for_its_purpose_its_session_and_its_minutes(
    house_here: House, mine: Session, key: SoftKey, database_url: str
) -> None:
    other = await enter(house_here, mine.account_id, "password")
    for made_for, shown_by in ((mine, other), (mine, None), (None, mine)):
        asked = await ask(house_here, made_for)
        assert await check(house_here, shown_by, asked, key.sign(asked.options)) is None
    asked = await ask(house_here, mine)
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE passkey_challenge SET expires_at = now()")
    assert await check(house_here, mine, asked, key.sign(asked.options)) is None


@pytest.mark.parametrize("wrong", ["origin", "handle", "signature", "challenge", "unknown"])
async def test_what_is_signed_for_something_else_is_worth_nothing(
    house_here: House, mine: Session, key: SoftKey, wrong: str
) -> None:
    asked = await ask(house_here, None)
    changes: dict[str, Any] = {}
    options = asked.options
    match wrong:
        case "origin":
            key.origin = "https://sh0p.example"
        case "handle":
            changes = {"userHandle": text(b"\x00" * 16)}
        case "signature":
            changes = {"signature": text(b"\x30\x06\x02\x01\x01\x02\x01\x01")}
        case "challenge":
            options = (await ask(house_here, None)).options
        case "unknown":
            key.id = b"another"

    assert await check(house_here, None, asked, key.sign(options, **changes)) is None


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"id": 1}',
        "\x00",
        "9" * 20_000,
        '{"id": "a", "rawId": "a", "type": "x"}',
    ],
)
async def test_what_is_no_answer_at_all_is_refused_and_spends_the_challenge(
    house_here: House, mine: Session, key: SoftKey, answer: str
) -> None:
    asked = await ask(house_here, mine)

    assert await check(house_here, mine, asked, answer) is None
    assert await check(house_here, mine, asked, key.sign(asked.options)) is None
    async with house_here.db.engine() as work:
        begun = await house_here.prover.passkeys.ask_to_register(work, mine)
    with pytest.raises(FactorNotValid):
        async with house_here.db.engine() as work:
            await house_here.prover.passkeys.register(work, mine, begun.ticket, answer, "X")


async def test_another_accounts_passkey_proves_nothing_here(
    house_here: House, mine: Session, key: SoftKey
) -> None:
    stranger = await enter(house_here, await open_account(house_here), "password")
    asked = await ask(house_here, stranger)

    assert await check(house_here, stranger, asked, key.sign(asked.options)) is None
    with pytest.raises(FactorNotValid):
        await register(house_here, stranger, key)  # it is somebody's already


async def test_a_count_that_went_back_is_refused_noted_and_told(
    house_here: House, mine: Session, key: SoftKey, database_url: str
) -> None:
    asked = await ask(house_here, mine)
    key.count = 7
    assert await check(house_here, mine, asked, key.sign(asked.options)) == mine.account_id
    asked = await ask(house_here, mine)
    key.count = 3

    assert await check(house_here, mine, asked, key.sign(asked.options)) is None

    with psycopg.connect(database_url) as conn:
        doubted = conn.execute("SELECT doubted_at IS NOT NULL, sign_count FROM passkey").fetchone()
        leaf = conn.execute(
            "SELECT count(*) FROM audit_leaf WHERE action = 'factors.PasskeyCountFell'"
        ).fetchone()
    assert (doubted, leaf) == ((True, 8), (1,))


async def test_the_last_way_in_is_removed_after_a_warning_only(
    house_here: House, key: SoftKey
) -> None:
    session = await enter(house_here, await open_account(house_here), "cli")
    passkey_id = await register(house_here, session, key)
    ways = house_here.prover.ways
    with pytest.raises(LastWayIn):
        async with house_here.db.engine() as work:
            await passkeys.remove(work, ways, session, passkey_id, warned=False)
    async with house_here.db.engine() as work:
        assert len(await store.passkeys(work, session.account_id)) == 1
        assert await passkeys.rename(work, session, passkey_id, "  Old\n phone ")
        assert (await store.passkeys(work, session.account_id))[0].name == "Old phone"
        assert await passkeys.remove(work, ways, session, passkey_id, warned=True)
        assert await store.passkeys(work, session.account_id) == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x1bb", "\u202eabc"])
def test_a_name_is_short_and_can_be_seen(name: str) -> None:
    with pytest.raises(Invalid):
        passkeys.passkey_name(name)


async def test_where_browsers_make_none_nothing_is_asked(house: House, session: Session) -> None:
    with pytest.raises(PasskeysNotHere):
        async with house.db.engine() as work:
            await Passkeys(None).ask(work, session)


def test_the_soft_key_speaks_base64url() -> None:
    assert data(text(b"\xff\xfe")) == b"\xff\xfe"
