"""Guards: a change that must leave a trace is refused where its transaction wrote no leaf."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest

from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.kit.db import Database

OUTLET = UUID(int=7)
ACT = Leaf(OUTLET, "system", "test", "test.Act", "thing", "1", {})
ON_AN_ACCOUNT = Leaf(None, "account", "a1", "identity.ChangePassword", "account", "a1", {})


@pytest.fixture
def guarded(database_url: str) -> str:
    """A database with an outlet, and a guarded table of which only ``amount`` matters."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO outlet VALUES (%s, 'own', 'x', '{}', '{en}', 'KES', 'UTC', '{}', '{}',"
            " '{}', '{}', now(), now())",
            [OUTLET],
        )
        conn.execute("CREATE TABLE purse (amount integer, seen integer DEFAULT 0)")
        conn.execute("INSERT INTO purse (amount) VALUES (5)")
        conn.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON purse TO chatworks_engine")
        conn.execute("GRANT SELECT, UPDATE ON purse TO chatworks_web")
        conn.execute("SELECT guard_with_leaf('purse', 'amount')")
    return database_url


def purse(url: str) -> list[tuple[int, int]]:
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT amount, seen FROM purse ORDER BY amount").fetchall()


@pytest.mark.parametrize(
    "change", ["UPDATE purse SET amount = 6", "INSERT INTO purse VALUES (9)", "DELETE FROM purse"]
)
async def test_a_change_without_a_leaf_is_refused(guarded: str, db: Database, change: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="change of purse needs a leaf"):
        async with db.engine() as work:
            await work.conn.execute(change)

    assert purse(guarded) == [(5, 0)]


async def test_a_leaf_lets_it_through_on_either_login(guarded: str, db: Database) -> None:
    async with db.engine() as work:
        await work.conn.execute("UPDATE purse SET amount = 6")
        work.defer(audit.append, ON_AN_ACCOUNT)
    async with db.web(OUTLET) as work:
        work.defer(audit.append, ACT)
        await work.conn.execute("UPDATE purse SET amount = amount + 1")

    assert purse(guarded) == [(7, 0)]


async def test_a_leaf_counts_for_its_own_transaction_alone(guarded: str, db: Database) -> None:
    async with db.engine_pool.connection() as conn:
        async with conn.transaction():
            await audit.append(db._work(conn, ()), [ACT])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with conn.transaction():
                await conn.execute("UPDATE purse SET amount = 6")

    assert purse(guarded) == [(5, 0)]


async def test_a_leaf_that_was_rolled_back_does_not_count(guarded: str, db: Database) -> None:
    async def change() -> None:
        async with db.engine() as work:
            await work.conn.execute("UPDATE purse SET amount = 6")
            async with work.conn.transaction(force_rollback=True):
                await audit.append(work, [ACT])

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await change()

    assert purse(guarded) == [(5, 0)]


async def test_what_moves_by_itself_and_what_the_owner_repairs_need_none(
    guarded: str, db: Database
) -> None:
    async with db.engine() as work:
        await work.conn.execute("UPDATE purse SET seen = 1")
    with psycopg.connect(guarded, autocommit=True) as conn:
        conn.execute("UPDATE purse SET amount = 8")

    assert purse(guarded) == [(8, 1)]


async def test_no_login_of_the_product_makes_or_takes_a_guard(guarded: str, db: Database) -> None:
    for statement in (
        "SELECT guard_with_leaf('outlet')",
        "SELECT needs_no_leaf('outlet', 'mine')",
        "COMMENT ON TABLE purse IS 'needs no leaf: mine'",
        "ALTER TABLE purse DISABLE TRIGGER audit_guard",
        "DROP TRIGGER audit_guard ON purse",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with db.engine() as work:
                await work.conn.execute(statement)

    with psycopg.connect(guarded) as conn:
        assert conn.execute(
            "SELECT tgrelid::regclass::text, tgenabled FROM pg_trigger"
            " WHERE tgname = 'audit_guard' AND tgrelid IN ('purse'::regclass, 'outlet'::regclass)"
            " ORDER BY 1"
        ).fetchall() == [("outlet", "O"), ("purse", "O")]


async def test_a_leaf_without_an_outlet_is_the_engines_alone(guarded: str, db: Database) -> None:
    async with db.engine() as work:
        work.defer(audit.append, ON_AN_ACCOUNT)
        work.defer(audit.append, ACT)
    async with db.web(OUTLET) as work:
        seen = await (await work.conn.execute("SELECT action FROM audit_leaf")).fetchall()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with db.web(OUTLET) as work:
            work.defer(audit.append, ON_AN_ACCOUNT)

    assert seen == [("test.Act",)]
    with psycopg.connect(guarded) as conn:
        found = conn.execute(
            "SELECT outlet_id, actor_kind, action FROM audit_leaf ORDER BY outlet_id NULLS FIRST"
        ).fetchall()
    assert found == [
        (None, "account", "identity.ChangePassword"),
        (OUTLET, "system", "test.Act"),
    ]
