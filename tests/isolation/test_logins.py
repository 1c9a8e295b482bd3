"""The two logins, what a pooled connection remembers, and what unique and foreign keys tell."""

from __future__ import annotations

import asyncio
import random

import psycopg
import pytest
from psycopg import Connection, errors
from row_maker import OUTLETS, Maker
from tenancy import KEYS_ACROSS_OUTLETS, LINKS_ACROSS_OUTLETS, TABLES

from chatworks.kit.clock import SystemClock
from chatworks.kit.db import Database
from chatworks.kit.migrate import ENGINE, WEB

TENANT = sorted(name for name, table in TABLES.items() if table.tenant)
SWITCHES = 600
AT_ONCE = 12


def put_one_of_each(url: str, tables: list[str]) -> None:
    """Commit a row of each table, and what it refers to, for each of two outlets."""
    with psycopg.connect(url) as conn:
        conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        maker = Maker(conn)
        for number in (1, 2):
            made: dict[str, dict[str, object]] = {}
            for name in tables:
                maker.family(name, number, made)


@pytest.fixture
def filled(database_url: str) -> str:
    put_one_of_each(database_url, ["product", "conversation", "staff_chat"])
    return database_url


@pytest.mark.parametrize("login", [ENGINE, WEB])
def test_a_login_owns_nothing_and_stands_under_the_policies(database_url: str, login: str) -> None:
    with psycopg.connect(database_url) as conn:
        able = conn.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
            " FROM pg_roles WHERE rolname = %s",
            [login],
        ).fetchone()
        member = conn.execute(
            "SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole", [login]
        ).fetchone()
        owns = conn.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = %s::regrole", [login]
        ).fetchone()

    assert (able, member, owns) == ((False,) * 5, (0,), (0,))


def test_the_web_login_cannot_become_another(web_url: str) -> None:
    with psycopg.connect(web_url, autocommit=True) as conn:
        for role in (ENGINE, "postgres"):
            with pytest.raises(errors.InsufficientPrivilege):
                conn.execute(f"SET ROLE {role}")
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute("ALTER TABLE product DISABLE ROW LEVEL SECURITY")
        # PostgreSQL refuses then what it would have to filter.
        conn.execute("SET row_security = off")
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute("SELECT * FROM product")


def test_without_an_outlet_every_query_fails_loudly(filled: str, web_url: str) -> None:
    with psycopg.connect(web_url, autocommit=True) as conn:
        with pytest.raises(errors.UndefinedObject):  # nobody has named one on this connection
            conn.execute("SELECT * FROM product")
        with conn.transaction():
            conn.execute("SELECT set_config('app.outlet', %s, true)", [str(OUTLETS[0])])
            assert len(conn.execute("SELECT * FROM product").fetchall()) == 1

        assert conn.execute("SELECT current_setting('app.outlet', true)").fetchone() == ("",)
        with pytest.raises(errors.InvalidTextRepresentation):  # the last one's is forgotten
            conn.execute("SELECT * FROM product")


async def visit(db: Database, draw: random.Random) -> int:
    """Read as one outlet, and perhaps fail, be cancelled or time out; returns foreign rows."""
    mine = draw.choice(OUTLETS)
    ending = draw.choices(["well", "error", "sql", "cancelled"], [14, 3, 2, 1])[0]
    foreign = 0

    async def look() -> None:
        nonlocal foreign
        async with db.web(mine) as work:
            for table in ("product", "conversation", "staff_chat"):
                rows = await (await work.conn.execute(f"SELECT outlet_id FROM {table}")).fetchall()  # noqa: S608 - constants
                assert len(rows) == 1
                foreign += sum(row != (mine,) for row in rows)
            if ending == "error":
                raise LookupError
            if ending == "sql":
                await work.conn.execute("SELECT 1 / 0")
            if ending == "cancelled":
                await work.conn.execute("SELECT pg_sleep(5)")

    task = asyncio.create_task(look())
    if ending == "cancelled":
        await asyncio.sleep(draw.random() / 50)
        task.cancel()
    done = (await asyncio.gather(task, return_exceptions=True))[0]
    allowed = (LookupError, errors.DivisionByZero, asyncio.CancelledError)
    if isinstance(done, BaseException) and not isinstance(done, allowed):
        raise done
    return foreign


async def switching(db: Database, switches: int) -> int:
    draw = random.Random(20261124)  # noqa: S311 - the same run each time
    foreign = 0
    for _ in range(0, switches, AT_ONCE):
        foreign += sum(await asyncio.gather(*(visit(db, draw) for _ in range(AT_ONCE))))
    return foreign


@pytest.mark.promise("access-control")
async def test_pooled_connections_never_show_another_outlets_row(
    filled: str, engine_url: str, web_url: str
) -> None:
    db = Database.connect(engine_url, web_url, SystemClock(), pool_size_max=3)
    await db.open()

    assert await switching(db, SWITCHES) == 0
    await db.close()


@pytest.mark.slow
async def test_ten_thousand_switches(filled: str, engine_url: str, web_url: str) -> None:
    db = Database.connect(engine_url, web_url, SystemClock(), pool_size_max=3)
    await db.open()

    assert await switching(db, 10_000) == 0
    await db.close()


def keys(conn: Connection) -> set[str]:
    """Return the unique keys of tenants' tables that do not begin with the outlet."""
    return {
        name
        for (name,) in conn.execute(
            "SELECT indexrelid::regclass::text FROM pg_index"
            " JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
            " WHERE indisunique AND attname <> 'outlet_id'"
            " AND indrelid::regclass::text = ANY(%s)",
            [TENANT],
        )
    }


def test_a_unique_key_begins_with_the_outlet_or_says_why_not(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        found = keys(conn)

    assert found == set(KEYS_ACROSS_OUTLETS)


def test_a_foreign_key_stays_within_the_outlet_or_says_why_not(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        maker = Maker(conn)
        found = {
            link.name
            for name in TENANT
            for link in maker.shape(name).links
            if dict(zip(link.columns, link.targets, strict=True)).get("outlet_id") != "outlet_id"
        }

    assert found == set(LINKS_ACROSS_OUTLETS)


@pytest.mark.parametrize("key", sorted(KEYS_ACROSS_OUTLETS))
def test_a_key_across_outlets_cannot_be_asked_by_pages(database_url: str, key: str) -> None:
    """Who can neither insert a row nor set the key's columns learns nothing from it."""
    with psycopg.connect(database_url) as conn:
        table, columns = conn.execute(
            "SELECT indrelid::regclass::text, ARRAY(SELECT attname::text FROM pg_attribute"
            " WHERE attrelid = indrelid AND attnum = ANY(indkey)) FROM pg_index"
            " WHERE indexrelid = %s::regclass",
            [key],
        ).fetchone()  # type: ignore[misc]
        may = conn.execute(
            "SELECT has_any_column_privilege(%s, %s, 'INSERT'),"
            " (SELECT bool_or(has_column_privilege(%s, %s, c, 'UPDATE'))"
            " FROM unnest(%s::text[]) AS c)",
            [WEB, table, WEB, table, columns],
        ).fetchone()

    assert may == (False, False)
