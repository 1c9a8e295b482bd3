"""Sessions and devices: secrets change, ends are ends, lists are one's own, old rows go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from persons import Browsing, Person

from chatworks.house import House
from chatworks.identity import service, store
from chatworks.identity.models import Browser, Secrets, Session
from chatworks.kit.clock import FixedClock
from chatworks.kit.db import Database
from chatworks.web.cookies import SecretCookie

AT = Browser("Firefox", "203.0.113.9")


@pytest.fixture
async def db(engine_url: str, web_url: str, fixed_clock: FixedClock) -> AsyncIterator[Database]:
    """A database at a time that moves only when told."""
    database = Database.connect(engine_url, web_url, fixed_clock)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def owner(db: Database, database_url: str) -> UUID:
    """An account that owns two outlets, 1 and 2."""
    with psycopg.connect(database_url) as conn:
        for number in (1, 2):
            conn.execute(
                "INSERT INTO outlet VALUES (%s, %s, 'x', '{}', '{en}', 'KES', 'UTC', '{}', '{}',"
                " '{}', '{}', now(), now())",
                [UUID(int=number), f"outlet-{number}"],
            )
    async with db.engine() as work:
        await service.add_first_operator(work, UUID(int=1), "Amina")
        account = (await store.operators(work, UUID(int=1)))[0].account_id
        await store.add_membership(work, UUID(int=2), account, "support")
    return account


async def enter(db: Database, account: UUID, browser: Browser = AT) -> Secrets:
    async with db.engine() as work:
        return await service.sign_in_as(work, account, {"code"}, browser)


async def seen(db: Database, secret: str) -> Session | None:
    async with db.engine() as work:
        return await service.session_of(work, secret)


@pytest.mark.promise("secure-accounts")
async def test_a_secret_changes_with_what_it_may_and_the_old_one_is_dead(
    db: Database, owner: UUID
) -> None:
    first = (await enter(db, owner)).session
    session = await seen(db, first)
    assert session is not None
    assert (session.acting.role, session.methods) == ("owner", {"code"})
    async with db.engine() as work:
        second = await service.refresh(work, session, "totp")
    assert second is not None
    fresh = await seen(db, second)
    assert fresh is not None
    assert fresh.methods == {"code", "totp"}
    assert await seen(db, first) is None
    async with db.engine() as work:
        third = await service.switch_outlet(work, fresh, UUID(int=2))
        assert await service.switch_outlet(work, fresh, UUID(int=3)) is None
    assert third is not None
    there = await seen(db, third)
    assert there is not None
    assert (there.id, there.acting.role) == (session.id, "support")
    assert await seen(db, second) is None


@pytest.mark.promise("secure-accounts")
async def test_sessions_end_by_idleness_by_age_and_at_once(
    db: Database, owner: UUID, fixed_clock: FixedClock
) -> None:
    idle, long, gone = [(await enter(db, owner)).session for _ in range(3)]
    async with db.engine() as work:
        session = await service.session_of(work, gone)
        assert session is not None
        assert await service.revoke_session(work, owner, session.id)
        assert not await service.revoke_session(work, UUID(int=9), session.id)
    assert await seen(db, gone) is None
    for _ in range(16):
        fixed_clock.move(timedelta(hours=11))
        alive = await seen(db, long) is not None
    assert not alive  # 176 hours: it was never idle, but a week is over
    assert await seen(db, idle) is None


async def test_who_left_has_no_outlet_with_the_next_request(
    db: Database, owner: UUID, database_url: str
) -> None:
    secret = (await enter(db, owner)).session
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE membership SET role = 'support' WHERE outlet_id = %s", [UUID(int=1)])
    session = await seen(db, secret)
    assert session is not None
    assert session.acting.role == "support"
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE membership SET left_at = now() WHERE outlet_id = %s", [UUID(int=1)])
    session = await seen(db, secret)
    assert session is not None
    assert session.operator is None
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE account SET closed_at = now()")
    assert await seen(db, secret) is None


async def test_a_device_is_known_by_its_own_secret_and_forgotten_with_its_sessions(
    db: Database, owner: UUID
) -> None:
    first = await enter(db, owner)
    again = await enter(db, owner, Browser("Firefox", "198.51.100.1", first.device))
    planted = await enter(db, owner, Browser("Chrome", "198.51.100.2", "planted-by-somebody"))
    async with db.engine() as work:
        devices = await store.devices(work, owner)
    assert again.device == first.device
    assert len(devices) == 2
    assert planted.device.startswith("planted-by-somebody.")
    async with db.engine() as work:
        known = service.device_hashes(Browser("", "", "planted-by-somebody"))
        assert await store.knows_device(work, owner, known) is None
        known = service.device_hashes(Browser("", "", first.device))
        device = await store.knows_device(work, owner, known)
        assert device is not None
        assert await service.forget_device(work, owner, device)
    assert [await seen(db, secrets.session) for secrets in (first, again)] == [None, None]
    assert await seen(db, planted.session) is not None


@pytest.mark.promise("secure-accounts")
async def test_what_is_kept_no_longer_is_removed(
    db: Database, owner: UUID, fixed_clock: FixedClock, database_url: str
) -> None:
    secrets = await enter(db, owner)
    async with db.engine() as work:
        await service.sign_out(work, secrets.session)
        device = (await store.devices(work, owner))[0]
        await service.forget_device(work, owner, device.id)

    async def left() -> list[int]:
        async with db.engine() as work:
            await service.forget_old(work, 100)
        with psycopg.connect(database_url) as conn:
            counts = [conn.execute(f"SELECT count(*) FROM {t}") for t in ("session", "device")]  # noqa: S608 - two names
            return [row[0] for row in (count.fetchone() for count in counts) if row]

    fixed_clock.move(timedelta(days=29))
    assert await left() == [1, 1]
    fixed_clock.move(timedelta(days=2))
    assert await left() == [0, 0]
    with psycopg.connect(database_url) as conn:
        acts = [row[0] for row in conn.execute("SELECT action FROM audit_leaf ORDER BY at, id")]
    assert acts[-1] == "identity.ForgetOld"


@pytest.mark.promise("secure-accounts")
async def test_a_planted_session_is_never_taken_over(person: Person, browse: Browsing) -> None:
    """Session fixation: signing in draws a new secret, and ends what the browser brought."""
    async with browse() as mallory:
        await mallory.signs_up("mallory@example.com", "Mallory")
        planted = mallory.web.cookies["cw_session"]
        person.web.cookies.set("cw_session", planted, domain="127.0.0.1", path="/")
        await person.signs_up()
        assert [c.value for c in person.web.cookies.jar if c.name == "cw_session"] != [planted]
        assert not await mallory.signed_in()
    person.web.cookies.delete("cw_session")
    person.web.cookies.set("cw_session", planted)
    assert not await person.signed_in()


async def test_signing_out_there_counts_with_the_next_request(
    person: Person, browse: Browsing, database_url: str
) -> None:
    await person.signs_up()
    async with browse() as other:
        await other.post("/account/sign-in/code", address="amina@example.com")
        await other.post("/account/sign-in/finish", code=await other.code())
        assert await other.signed_in()
        await person.post("/account/devices", do="others")
        assert not await other.signed_in()
        assert await person.signed_in()
    page = (await person.get("/account/history")).text
    for act in ("Signed out everywhere else", "A new device", "The account was opened"):
        assert act in page


async def test_ids_of_other_accounts_do_nothing(
    person: Person, browse: Browsing, database_url: str
) -> None:
    await person.signs_up()
    async with browse() as mallory:
        await mallory.signs_up("mallory@example.com", "Mallory")
        with psycopg.connect(database_url) as conn:
            query = (
                "SELECT s.id, s.device_id, d.id FROM session s"
                " JOIN account a ON a.id = s.account_id"
                " JOIN account_address d ON d.account_id = a.id WHERE a.name = 'Amina'"
            )
            row = conn.execute(query).fetchone()
        assert row is not None
        session, device, address = (value.hex for value in row)
        await mallory.post("/account/devices", do="end", id=session)
        await mallory.post("/account/devices", do="forget", id=device)
        await mallory.post("/account/addresses", do="remove", id=address)
        await mallory.post("/account/addresses", do="main", id=address)
        assert (await mallory.post("/account/memberships", outlet="0" * 32)).status_code == 404
        with psycopg.connect(database_url) as conn:
            main = conn.execute("SELECT count(*) FROM account_address WHERE is_main").fetchone()
    assert main == (2,)
    assert await person.signed_in()
    assert "amina@example.com" in (await person.get("/account/addresses")).text


def test_cookies_are_for_the_browser_alone() -> None:
    secure = SecretCookie("cw_session", "https://shop.example").keep("s").to_header()
    plain = SecretCookie("cw_session", "http://127.0.0.1:8000").keep("s").to_header()
    for part in ("__Host-cw_session=s", "HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert part in secure
    assert "Domain" not in secure
    assert "cw_session=s; HttpOnly" in plain
    assert "Secure" not in plain
    assert "__Host" not in plain


async def test_the_console_wants_a_membership(person: Person, house: House) -> None:
    await person.signs_up()
    assert (await person.get("/console")).status_code == 403
