"""Trying and changing passwords against the database: budgets, equal work, sessions that end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Literal
from uuid import UUID

import psycopg
import pytest
from argon2 import PasswordHasher

from chatworks.house import House
from chatworks.identity import limits, store
from chatworks.identity import service as identity
from chatworks.identity.limits import Budget
from chatworks.identity.models import Browser, Closed, Secrets
from chatworks.kit.errors import TooMany
from chatworks.passwords.breached import Breached
from chatworks.passwords.hasher import Hasher
from chatworks.passwords.models import LENGTH_MAX, NotFit, Prepared, Right
from chatworks.passwords.service import Passwords

GOOD = "correct horse battery staple"
NEW = "a wholly new sentence of mine"
EMAIL = "asha@example.com"
HERE = Browser("Firefox", "198.51.100.7")
KS_AT_ONE_IN_A_HUNDRED = 1.63  # times sqrt(2 / n): Smirnov's two-sample test


class Counting(PasswordHasher):
    """Argon2 with cheap parameters that counts its verifications."""

    def __init__(self) -> None:
        super().__init__(1, 64, 1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - its
        self.verified += 1
        return super().verify(hash, password)


@pytest.fixture
def counting() -> Counting:
    """How many verifications there were."""
    return Counting()


@pytest.fixture
def passwords(house: House, counting: Counting) -> Iterator[Passwords]:
    """The passwords of the house, hashed cheaply."""
    hasher = Hasher(b"p" * 32, house.clock, argon2=counting)
    yield Passwords(house.db, hasher, Breached.shipped(), house.couriers)
    hasher.close()


async def new_account(house: House, passwords: Passwords | None, url: str, email: str) -> UUID:
    """Make an account with a verified address and, where asked, the password ``GOOD``."""
    async with house.db.engine() as work:
        account_id, address_id = work.new_id(), work.new_id()
    with psycopg.connect(url) as conn:
        conn.execute(
            "INSERT INTO account (id, kind, name, created_at) VALUES (%s, 'person', 'Asha', now())",
            [account_id],
        )
        conn.execute(
            "INSERT INTO account_address (account_id, id, kind, value, verified_at, is_main,"
            " created_at) VALUES (%s, %s, 'email', %s, now(), true, now())",
            [account_id, address_id, email],
        )
    if passwords is not None:
        prepared = await passwords.prepare(GOOD, ["Asha", email])
        async with house.db.engine() as work:
            await passwords.put(work, account_id, prepared)
    return account_id


@pytest.fixture
async def account_id(house: House, passwords: Passwords, database_url: str) -> UUID:
    """An account with the password ``GOOD``."""
    return await new_account(house, passwords, database_url, EMAIL)


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everybody try as often as they like."""
    free = dict.fromkeys(limits.PASSWORD, Budget(100_000, 0.001))
    monkeypatch.setattr(limits, "BUDGETS", {**limits.BUDGETS, "password": free})


async def sign_in(house: House, account_id: UUID, browser: Browser = HERE) -> Secrets:
    async with house.db.engine() as work:
        return await identity.sign_in_as(work, account_id, {"password"}, browser)


def acts(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            "SELECT action FROM audit_leaf WHERE actor_kind = 'account' ORDER BY action"
        ).fetchall()
    return [row[0].removeprefix("identity.") for row in rows]


def mails(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return [row[0] for row in conn.execute("SELECT recipient FROM mail_message ORDER BY id")]


async def test_the_right_password_is_right(
    passwords: Passwords, account_id: UUID, database_url: str
) -> None:
    assert await passwords.verify("Asha@Example.COM", GOOD, HERE) == Right(account_id, alone=True)
    assert await passwords.verify_own(account_id, GOOD, HERE) == Right(account_id, alone=True)
    assert acts(database_url) == ["SetPassword"]


LOOK_ALIKES = [
    f" {GOOD}", f"{GOOD} ", GOOD.upper(), GOOD.replace(" ", "  "), GOOD.replace("o", "ο"),
    GOOD.replace("c", "ｃ"), GOOD[:-1], f"{GOOD}\x00", f"{GOOD}\n", "", "x" * LENGTH_MAX * 4,
    GOOD + " " * LENGTH_MAX, "\ud800",
]  # fmt: skip


async def test_what_only_looks_like_the_password_is_wrong_and_costs_as_much(
    passwords: Passwords, account_id: UUID, counting: Counting, unlimited: None
) -> None:
    counting.verified = 0
    for n, typed in enumerate(LOOK_ALIKES, 1):
        assert await passwords.verify(EMAIL, typed, HERE) is None, typed
        assert counting.verified == n


async def test_what_a_keyboard_writes_otherwise_is_the_same_password(
    passwords: Passwords, account_id: UUID
) -> None:
    for space in ("\u00a0", "\u2003", "\u3000"):
        assert await passwords.verify(EMAIL, GOOD.replace(" ", space), HERE) is not None


async def test_of_sixty_four_wrong_passwords_at_once_the_budget_is_looked_at(
    passwords: Passwords, account_id: UUID, counting: Counting, database_url: str
) -> None:
    counting.verified = 0
    tries = [passwords.verify(EMAIL, f"wrong {n}", HERE) for n in range(64)]
    answers = await asyncio.gather(*tries, return_exceptions=True)

    budget = limits.PASSWORD["account"].burst
    assert answers.count(None) == budget
    assert sum(isinstance(answer, TooMany) for answer in answers) == 64 - budget
    assert counting.verified == budget
    assert acts(database_url).count("WrongPassword") == budget
    with pytest.raises(TooMany):  # the right one is not looked at, either
        await passwords.verify(EMAIL, GOOD, HERE)


async def test_a_stranger_locks_out_nobody_who_comes_from_a_known_browser(
    house: House, passwords: Passwords, account_id: UUID
) -> None:
    secrets = await sign_in(house, account_id)
    known = Browser("Firefox", "203.0.113.9", secrets.device)
    for n in range(limits.PASSWORD["account"].burst):
        await passwords.verify(EMAIL, f"wrong {n}", HERE)
    with pytest.raises(TooMany):
        await passwords.verify(EMAIL, GOOD, HERE)

    assert await passwords.verify(EMAIL, GOOD, known) == Right(account_id, alone=True)


async def test_tries_of_an_unknown_address_are_limited_as_those_of_a_known_one(
    passwords: Passwords, account_id: UUID, database_url: str
) -> None:
    for email in (EMAIL, "nobody@example.com"):
        answers = await asyncio.gather(
            *(passwords.verify(email, "wrong", HERE) for _ in range(12)), return_exceptions=True
        )
        assert answers.count(None) == limits.PASSWORD["account"].burst
    assert acts(database_url).count("WrongPassword") == 2 * limits.PASSWORD["account"].burst


async def test_who_is_not_there_costs_one_verification(
    passwords: Passwords, counting: Counting
) -> None:
    strangers = ("nobody@x.com", "no address", "", "+254700000000", "a" * 5000, "\ud800@x.com")
    for n, address in enumerate(strangers, 1):
        assert await passwords.verify(address, GOOD, HERE) is None
        assert counting.verified == n


async def test_an_account_without_a_password_costs_one_too(
    house: House, passwords: Passwords, counting: Counting, database_url: str
) -> None:
    account_id = await new_account(house, None, database_url, "by-link@example.com")

    assert await passwords.verify("by-link@example.com", GOOD, HERE) is None
    assert await passwords.verify("by-link@example.com", "nobody's", HERE) is None
    assert counting.verified == 2
    async with house.db.engine() as work:
        assert await passwords.has_one(work, account_id) is False
        assert await passwords.enough_alone(work, account_id) is True


async def test_a_closed_account_is_nobodys(
    passwords: Passwords, account_id: UUID, database_url: str
) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE account SET closed_at = now()")

    assert await passwords.verify(EMAIL, GOOD, HERE) is None
    assert await passwords.verify_own(account_id, GOOD, HERE) is None


async def test_an_address_that_nobody_verified_signs_nobody_in(
    passwords: Passwords, account_id: UUID, database_url: str
) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE account_address SET verified_at = NULL")

    assert await passwords.verify(EMAIL, GOOD, HERE) is None


def _apart(first: list[float], second: list[float]) -> float:
    """Return how far two samples' distributions are apart (Kolmogorov and Smirnov)."""
    points = sorted((*first, *second))
    return max(
        abs(sum(t <= p for t in first) / len(first) - sum(t <= p for t in second) / len(second))
        for p in points
    )


async def test_nobody_learns_from_the_time_whether_an_account_exists(
    passwords: Passwords, account_id: UUID, unlimited: None
) -> None:
    count = 60

    async def measure() -> float:
        times: dict[str, list[float]] = {EMAIL: [], "nobody@example.com": []}
        for n in range(count + 5):
            for email, taken in times.items():
                began = time.perf_counter()
                await passwords.verify(email, f"wrong {n}", HERE)
                taken.append(time.perf_counter() - began)
        known, unknown = (taken[5:] for taken in times.values())  # the first warm up
        return _apart(known, unknown)

    # Equal times look different once in a hundred; three times in a row, once in a million.
    bound = KS_AT_ONE_IN_A_HUNDRED * (2 / count) ** 0.5
    apart = [await measure()]
    while apart[-1] > bound and len(apart) < 3:
        apart.append(await measure())
    assert apart[-1] <= bound, apart


async def test_a_changed_password_ends_every_other_session_and_the_person_is_told(
    house: House, passwords: Passwords, account_id: UUID, database_url: str
) -> None:
    mine, other, stranger = [await sign_in(house, account_id) for _ in range(3)]
    async with house.db.engine() as work:
        kept = await identity.session_of(work, mine.session)
    assert kept is not None
    prepared = await passwords.prepare(NEW, ["Asha"])

    async with house.db.engine() as work:
        await passwords.change(work, account_id, prepared, kept.id)

    async with house.db.engine() as work:
        assert await identity.session_of(work, mine.session) is not None
        assert await identity.session_of(work, other.session) is None
        assert await identity.session_of(work, stranger.session) is None
    assert await passwords.verify(EMAIL, GOOD, HERE) is None
    assert await passwords.verify(EMAIL, NEW, HERE) == Right(account_id, alone=True)
    assert mails(database_url) == [EMAIL] * 3  # of two new devices, and of the change
    assert acts(database_url) == [
        "ChangePassword", "NewDevice", "NewDevice", "NewDevice", "RevokeSessions", "SetPassword",
        "SignIn", "SignIn", "SignIn", "WrongPassword",
    ]  # fmt: skip


async def test_a_password_that_was_right_is_not_once_it_is_changed(
    house: House, passwords: Passwords, account_id: UUID
) -> None:
    right = await passwords.verify(EMAIL, GOOD, HERE)
    assert right is not None
    async with house.db.engine() as work:
        assert await passwords.stands(work, right) is True
    prepared = await passwords.prepare(NEW, ["Asha"])
    async with house.db.engine() as work:
        await passwords.change(work, account_id, prepared)

    async with house.db.engine() as work:
        assert await passwords.stands(work, right) is False


async def test_a_session_that_begins_while_the_password_changes_is_ended_by_the_change(
    house: House, passwords: Passwords, account_id: UUID, database_url: str
) -> None:
    right = await passwords.verify(EMAIL, GOOD, HERE)
    prepared = await passwords.prepare(NEW, ["Asha"])
    assert right is not None

    async def change() -> None:
        async with house.db.engine() as work:
            await passwords.change(work, account_id, prepared)

    async with house.db.engine() as work:
        assert await passwords.stands(work, right) is True
        changing = asyncio.create_task(change())
        await asyncio.sleep(0.2)
        assert not changing.done()  # it waits for this sign-in
        await identity.sign_in_as(work, account_id, {"password"}, HERE)
    await changing

    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT count(*) FROM session WHERE revoked_at IS NULL").fetchone()
    assert row == (0,)


async def test_a_reset_ends_every_session_and_signs_nobody_in(
    house: House, passwords: Passwords, account_id: UUID, database_url: str
) -> None:
    signed_in = await sign_in(house, account_id)
    prepared = await passwords.prepare(NEW, ["Asha"])
    async with house.db.engine() as work:
        await passwords.change(work, account_id, prepared)

    async with house.db.engine() as work:
        assert await identity.session_of(work, signed_in.session) is None
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT count(*) FROM session WHERE revoked_at IS NULL").fetchone()
    assert row == (0,)


async def test_a_change_that_fails_changes_nothing(
    house: House, passwords: Passwords, account_id: UUID, database_url: str
) -> None:
    signed_in = await sign_in(house, account_id)
    prepared = await passwords.prepare(NEW, ["Asha"])

    async def fails() -> None:
        async with house.db.engine() as work:
            await passwords.change(work, account_id, prepared)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    with pytest.raises(NotFit):
        await passwords.prepare("too short", ["Asha"])

    async with house.db.engine() as work:
        assert await identity.session_of(work, signed_in.session) is not None
    assert await passwords.verify(EMAIL, GOOD, HERE) is not None
    assert mails(database_url) == []


async def test_a_short_password_is_marked_as_not_enough_alone(
    house: House, passwords: Passwords, account_id: UUID
) -> None:
    short = await passwords.prepare("x7#Lq9!v", ["Asha"], alone=False)
    assert short.alone is False
    async with house.db.engine() as work:
        await passwords.change(work, account_id, short)

    assert await passwords.verify(EMAIL, "x7#Lq9!v", HERE) == Right(account_id, alone=False)
    async with house.db.engine() as work:
        assert await passwords.enough_alone(work, account_id) is False


async def test_a_hash_of_other_parameters_is_made_anew_once_its_password_is_known(
    house: House, passwords: Passwords, account_id: UUID, database_url: str
) -> None:
    today = Hasher(b"p" * 32, house.clock, argon2=PasswordHasher(2, 128, 1))
    stronger = Passwords(house.db, today, Breached.shipped(), house.couriers)
    assert await stronger.verify(EMAIL, "wrong", HERE) is None
    assert await stronger.verify(EMAIL, GOOD, HERE) is not None
    assert await stronger.verify(EMAIL, GOOD, HERE) is not None
    stronger.close()

    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT hash FROM account_password").fetchone()
    assert row is not None
    assert row[0].startswith("$argon2id$v=19$m=128,t=2,p=1$")
    assert acts(database_url) == ["RehashPassword", "SetPassword", "WrongPassword"]


async def test_where_the_limits_cannot_be_asked_nobody_tries(
    passwords: Passwords, account_id: UUID, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> bool:
        raise psycopg.OperationalError

    counting.verified = 0
    monkeypatch.setattr(store, "may_try_all", away)
    with pytest.raises(Closed):
        await passwords.verify(EMAIL, GOOD, HERE)
    assert counting.verified == 0


async def test_nothing_of_a_password_is_kept_or_shown(
    passwords: Passwords, account_id: UUID, database_url: str
) -> None:
    await passwords.verify(EMAIL, GOOD, HERE)
    prepared = await passwords.prepare(NEW, ["Asha"])

    assert prepared.hash not in repr(prepared)
    assert repr(prepared) == repr(Prepared(prepared.hash, alone=True))
    with psycopg.connect(database_url) as conn:
        tables = [
            row[0]
            for row in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        for table in tables:
            for row in conn.execute(f'SELECT t::text FROM "{table}" t'):  # noqa: S608 - the catalogue's own names
                assert "horse" not in row[0]
