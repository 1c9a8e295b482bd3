"""No order of steps goes around a second factor: it is shown, or a recovery waited for and told."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pyotp
import pytest
from owners import HERE, enter, open_account

from chatworks.factors import service, store
from chatworks.factors.models import Lack, NothingToRecover
from chatworks.factors.proving import Given
from chatworks.house import House
from chatworks.identity import service as identity
from chatworks.identity.models import IssuedCode, Session

A, B = "amina@shop.example", "+254712345678"


@pytest.fixture
async def lost(house: House) -> Session:
    """A session of an account whose authenticator app is lost; it showed its password."""
    house.prover.ways.courier.directory = Texted()  # type: ignore[attr-defined]
    account_id = await open_account(house, A)
    first = await enter(house, account_id, "password")
    async with house.db.engine() as work:
        setup = await house.prover.authenticators.begin(work, account_id)
        code = pyotp.TOTP(setup.secret).generate_otp(int(work.now.timestamp()) // 30)
        done = await house.prover.authenticators.confirm(work, first, code)
    assert done is not None
    CODES[account_id] = done[1]
    return await enter(house, account_id, "password")


CODES: dict[UUID, list[str]] = {}


class Texted:
    """No outlet has an SMS channel: phones are no way."""

    async def channels(self, **_: object) -> list[object]:
        return []


def add_chat(database_url: str, account_id: UUID) -> None:
    """Bind a Telegram chat to an account, as its two codes would."""
    with psycopg.connect(database_url) as conn:
        outlet, channel = conn.execute(
            "SELECT outlet_id, id FROM channel WHERE kind = 'telegram'"
        ).fetchall()[0]
        conn.execute(
            "INSERT INTO contact (outlet_id, id, channel_id, vendor_id, language, created_at)"
            " VALUES (%s, %s, %s, '77', 'en', now())",
            [outlet, account_id, channel],
        )
        conn.execute(
            "INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread, thread_key,"
            " last_at, created_at) VALUES (%s, %s, %s, %s, '77', 1, now(), now())",
            [outlet, account_id, channel, account_id],
        )
        conn.execute(
            "INSERT INTO account_contact VALUES (%s, %s, %s, now() - interval '1 year')",
            [account_id, outlet, account_id],
        )


async def sent(house: House, session: Session, kind: str) -> IssuedCode:
    """Have a code sent over a kind of way, and return it as its owner gets it."""
    async with house.db.engine() as work:
        asked = await house.prover.recoveries.begin(work, session)
        ways = await house.prover.ways.of(work, session.account_id)
    way = next(way for way in ways if way.kind == kind)
    found = await house.prover.send(session, HERE, way.id, "recovery", asked.id)
    assert found is not None
    if kind == "email":
        return found[1]
    async with house.db.engine() as work:  # said in the chat, which answers
        spent = await identity.spend_code(work, "chat", found[1].secret)
        assert spent is not None
        outlet, _ = way.value.split(":")
        about = {**spent.about, "ticket": spent.id.hex, "outlet": outlet, "contact": way.id}
        form = identity.CodeForm.LETTERS
        answer = await identity.issue_code(work, "chat answer", spent.account_id, about, form)
    return IssuedCode(found[1].id, answer.secret)


async def prove(house: House, session: Session, kind: str) -> bool:
    code = await sent(house, session, kind)
    given = Given("code", code.secret, code.id)
    assert not await house.prover.recovery(session, HERE, Given("code", "7QKM3XTD", code.id))
    done = await house.prover.recovery(session, HERE, given)
    assert not await house.prover.recovery(session, HERE, given)
    return done


async def lacks(house: House, session: Session) -> Lack | None:
    async with house.db.engine() as work:
        return await service.lack(work, session)


def age(database_url: str, by: timedelta) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "UPDATE factor_recovery SET due_at = due_at - %s, told_at = told_at - %s", [by, by]
        )
        conn.execute("DELETE FROM rate_limit")


@pytest.mark.promise("secure-accounts")
async def test_two_kinds_of_ways_wait_are_told_each_day_and_then_it_goes(
    house: House, lost: Session, database_url: str
) -> None:
    add_chat(database_url, lost.account_id)
    assert await prove(house, lost, "email")
    assert await lacks(house, lost) is Lack.SECOND
    age(database_url, timedelta())
    assert await prove(house, lost, "telegram")

    assert (await lacks(house, lost), await house.recoverer.step()) == (Lack.SECOND, 0)
    age(database_url, timedelta(hours=71))
    assert await house.recoverer.step() == 1  # told again, and no more
    assert await house.recoverer.step() == 0
    assert await lacks(house, lost) is Lack.SECOND
    age(database_url, timedelta(hours=1))
    assert await house.recoverer.step() == 1

    again = await enter(house, lost.account_id, "password")
    assert await lacks(house, again) is not Lack.SECOND
    with psycopg.connect(database_url) as conn:
        alive = conn.execute(
            "SELECT count(*) FROM session WHERE account_id = %s AND revoked_at IS NULL",
            [lost.account_id],
        ).fetchone()
        told = conn.execute(
            "SELECT count(*) FROM message WHERE content::text LIKE '%%second factor%%'"
        ).fetchone()
    assert (alive, told) == ((1,), (3,))


async def test_one_kind_is_not_enough_and_two_addresses_are_one_kind(
    house: House, lost: Session, database_url: str
) -> None:
    assert await prove(house, lost, "email")
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "INSERT INTO account_address VALUES (%s, gen_random_uuid(), 'email',"
            " 'b@shop.example', now() - interval '1 year', false, now())",
            [lost.account_id],
        )
    age(database_url, timedelta())
    assert not await prove(house, lost, "email")

    async with house.db.engine() as work:
        waiting = await store.recovery(work, lost.account_id)
    assert waiting is not None
    assert (waiting.proved, waiting.due_at) == (["email"], None)
    assert await lacks(house, lost) is Lack.SECOND


async def test_a_way_that_was_bound_since_proves_nothing(
    house: House, lost: Session, database_url: str
) -> None:
    add_chat(database_url, lost.account_id)
    assert await prove(house, lost, "email")
    with psycopg.connect(database_url) as conn:  # somebody in a session bound a chat of theirs
        conn.execute("UPDATE account_contact SET bound_at = now() - interval '71 hours'")
    age(database_url, timedelta())

    assert not await prove(house, lost, "telegram")

    async with house.db.engine() as work:
        waiting = await store.recovery(work, lost.account_id)
    assert waiting is not None
    assert waiting.due_at is None


async def test_one_kind_and_a_recovery_code_do_not_wait(house: House, lost: Session) -> None:
    codes = CODES[lost.account_id]
    async with house.db.engine() as work:
        await house.prover.recoveries.begin(work, lost)
    assert not await house.prover.recovery(lost, HERE, Given("recovery", codes[0]))
    assert await lacks(house, lost) is Lack.SECOND
    assert await prove(house, lost, "email")
    assert not await house.prover.recovery(lost, HERE, Given("recovery", "0" * 16))
    assert await lacks(house, lost) is Lack.SECOND

    async with house.db.engine() as work:
        await work.conn.execute("DELETE FROM rate_limit")
    assert await house.prover.recovery(lost, HERE, Given("recovery", codes[0]))

    assert await lacks(house, lost) is not Lack.SECOND


async def test_a_link_cancels_with_one_tap_and_another_one_does_not(
    house: House, lost: Session, database_url: str
) -> None:
    add_chat(database_url, lost.account_id)
    await prove(house, lost, "email")
    age(database_url, timedelta())
    await prove(house, lost, "telegram")
    recoveries = house.prover.recoveries
    async with house.db.engine() as work:
        waiting = await store.recovery(work, lost.account_id)
        assert waiting is not None
        key = recoveries.cancel_link(waiting.id).partition("key=")[2]
        for wrong in ("", key[:-1], key[:32] + "0" * 32, waiting.id.hex, "ü" * 64):
            assert await recoveries.by_secret(work, wrong) is None
        found = await recoveries.by_secret(work, key)
        assert found is not None
        assert await recoveries.cancel(work, found, "link")
        assert not await recoveries.cancel(work, found, "link")
        assert await recoveries.by_secret(work, key) is None
    age(database_url, timedelta(hours=80))

    assert await house.recoverer.step() == 0
    assert await lacks(house, lost) is Lack.SECOND


async def test_showing_the_factor_again_cancels_too(
    house: House, lost: Session, database_url: str
) -> None:
    add_chat(database_url, lost.account_id)
    await prove(house, lost, "email")
    age(database_url, timedelta())
    await prove(house, lost, "telegram")

    assert await house.prover.second(lost, HERE, Given("recovery", CODES[lost.account_id][1]))

    async with house.db.engine() as work:
        assert await store.recovery(work, lost.account_id) is None


async def test_without_a_second_factor_or_ways_there_is_nothing_to_recover(
    house: House, session: Session
) -> None:
    async with house.db.engine() as work:
        with pytest.raises(NothingToRecover):
            await house.prover.recoveries.begin(work, session)


async def test_a_code_for_something_else_proves_nothing(
    house: House, lost: Session, database_url: str
) -> None:
    async with house.db.engine() as work:
        asked = await house.prover.recoveries.begin(work, lost)
        way = (await house.prover.ways.of(work, lost.account_id))[0]
        other = await house.prover.ways.send_code(
            work, lost.account_id, way, {"for": "device", "id": asked.id.hex}
        )
        signing = await identity.issue_code(
            work, "sign-in", lost.account_id, {}, identity.CodeForm.LETTERS
        )
    for code in (other, signing):
        given = Given("code", code.secret, code.id)
        assert not await house.prover.recovery(lost, HERE, given)
    assert await lacks(house, lost) is Lack.SECOND
