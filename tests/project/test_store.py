"""The store: policies, append-only tables, registered columns, queries that fit the schema."""

from __future__ import annotations

import importlib
import pkgutil
import re
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

import chatworks
from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.kit.clock import SystemClock
from chatworks.kit.datamap import Operational, Personal
from chatworks.kit.db import Database, load_queries
from chatworks.kit.ids import uuid7

OWN, OTHER = UUID(int=1), UUID(int=2)
DOORS = {"inbox_event", "inbox_pending", "timer", "rate_limit"}  # outside tenant policies
GLOBAL = {  # of the installation, not of an outlet
    "audit_checkpoint", "audit_entry", "audit_node", "audit_pending", "mail_message",
}  # fmt: skip
# Global: an account is in no outlet. Their policies are forced, too, and pages may not touch them.
ACCOUNTS = {
    "account", "account_address", "account_contact", "account_password", "device", "one_time_code",
    "platform_role", "session",
    "account_identity", "federation_attempt",
    "factor_recovery", "passkey", "passkey_challenge", "passkey_second", "recovery_code", "step_up",
    "totp",
}  # fmt: skip


def modules() -> list[str]:
    return [m.name for m in pkgutil.walk_packages(chatworks.__path__, "chatworks.")]


def tables(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename NOT LIKE '%%yoyo%%' ORDER BY 1"
        ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.promise("commerce-data")
def test_every_column_is_registered_and_nothing_else(database_url: str) -> None:
    registered: dict[tuple[str, str], Personal | Operational] = {}
    for name in modules():
        if name.endswith(".models"):
            for table, columns in getattr(importlib.import_module(name), "DATA_MAP", {}).items():
                registered.update({(table, column): entry for column, entry in columns.items()})
    with psycopg.connect(database_url) as conn:
        found = {
            (row[0], row[1])
            for row in conn.execute(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name NOT LIKE '%%yoyo%%'"
            )
        }

    assert found == set(registered)


def test_tenant_tables_start_with_the_outlet_and_force_their_policies(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        firsts: dict[str, str] = dict(
            conn.execute(
                "SELECT c.relname, a.attname FROM pg_index i"
                " JOIN pg_class c ON c.oid = i.indrelid"
                " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
                # A leaf may have no outlet: its key is unique, and cannot be primary.
                " WHERE (i.indisprimary OR i.indisunique AND c.relname = 'audit_leaf')"
                " AND c.relnamespace = 'public'::regnamespace"
            ).fetchall()
        )
        forced: dict[str, bool] = dict(
            conn.execute(
                "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
                " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            ).fetchall()
        )
    tenant = [table for table in tables(database_url) if table not in DOORS]

    assert {firsts[table] for table in tenant if table not in GLOBAL | ACCOUNTS} == {"outlet_id"}
    assert [table for table in tenant if not forced[table]] == []


@pytest.mark.promise("access-control")
async def test_the_web_login_sees_and_changes_one_outlet_only(
    db: Database, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        for outlet in (OWN, OTHER):
            conn.execute(
                "INSERT INTO outlet VALUES (%s, %s, 'x', '{}', '{en}', 'KES', 'UTC', '{}', '{}',"
                " '{}', '{}', now(), now())",
                [outlet, f"outlet-{outlet.int}"],
            )
            conn.execute(
                "INSERT INTO product (outlet_id, id, sku, name, description, price_minor, currency,"
                " stock, updated_at) VALUES (%s, %s, 'A', '{}', '{}', 1, 'KES', 5, now())",
                [outlet, outlet],
            )

    async with db.web(OWN) as work:
        seen = await (await work.conn.execute("SELECT outlet_id FROM product")).fetchall()
        changed = (await work.conn.execute("UPDATE product SET stock = 0")).rowcount
        work.defer(audit.append, Leaf(OWN, "system", "test", "test.Stock", "product", "", {}))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with db.web(OWN) as work:
            await work.conn.execute(
                "INSERT INTO outlet_counter (outlet_id, name, value) VALUES (%s, 'order', 1)",
                [OTHER],
            )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with db.web(OWN) as work:
            await work.conn.execute("SELECT * FROM inbox_event")

    assert (seen, changed) == ([(OWN,)], 1)
    with psycopg.connect(database_url) as conn:
        stocks = conn.execute("SELECT outlet_id, stock FROM product ORDER BY 1").fetchall()
        counters = conn.execute("SELECT count(*) FROM outlet_counter").fetchone()
    assert (stocks, counters) == ([(OWN, 0), (OTHER, 5)], (0,))


async def test_without_an_outlet_nothing_is_seen(db: Database, web_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(web_url) as conn:
        for table in ("product", "message", "sales_order", "contact"):
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            row = await (await conn.execute(query)).fetchone()
            assert row == (0,)


@pytest.mark.promise("audit")
@pytest.mark.parametrize("change", ["UPDATE audit_leaf SET action = 'x'", "DELETE FROM audit_leaf"])
async def test_leaves_only_append(
    db: Database, database_url: str, engine_url: str, change: str
) -> None:
    leaf = uuid7(SystemClock())
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO outlet VALUES (%s, 'own', 'x', '{}', '{en}', 'KES', 'UTC', '{}', '{}',"
            " '{}', '{}', now(), now())",
            [OWN],
        )
        conn.execute(
            "INSERT INTO audit_leaf VALUES (%s, %s, now(), 'system', '', 'a', 'b', 'c', '', '')",
            [OWN, leaf],
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(change)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("TRUNCATE audit_leaf")
    for login in (engine_url, engine_url.replace("engine", "web")):
        with pytest.raises(psycopg.Error), psycopg.connect(login) as conn:
            conn.execute(change)
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT id, action FROM audit_leaf").fetchall() == [(leaf, "a")]


def queries() -> list[tuple[str, str, str]]:
    packages = {name.rpartition(".")[0] for name in modules() if name.endswith(".store")}
    return [
        (package, name, text)
        for package in sorted(packages)
        for name, text in load_queries(package).items()
    ]


@pytest.mark.parametrize(("package", "name", "text"), queries(), ids=lambda value: value[:40])
def test_every_query_fits_the_schema(engine_url: str, package: str, name: str, text: str) -> None:
    numbers: dict[str, int] = {}
    numbered = re.sub(
        r"%\((\w+)\)[sb]", lambda m: f"${numbers.setdefault(m[1], len(numbers) + 1)}", text
    )
    with psycopg.connect(engine_url) as conn:
        types = ", ".join("unknown" for _ in numbers)
        conn.execute(
            f"PREPARE q ({types}) AS {numbered}" if numbers else f"PREPARE q AS {numbered}"
        )
