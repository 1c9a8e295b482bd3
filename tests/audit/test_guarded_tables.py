"""Which tables are guarded: every table of the schema is, or says why it is not."""

from __future__ import annotations

import psycopg

from chatworks.audit import store
from chatworks.kit.db import Database

GUARDED = {
    "applet_install", "channel", "contact_link", "membership", "order_line",
    "outlet", "product", "sales_order", "staff_chat",
}  # fmt: skip


async def test_every_table_is_guarded_or_says_why_not(db: Database, database_url: str) -> None:
    async with db.engine() as work:
        assert await store.unguarded(work) == []

    with psycopg.connect(database_url) as conn:
        guarded = conn.execute(
            "SELECT tgrelid::regclass::text, obj_description(tgrelid, 'pg_class') FROM pg_trigger"
            " WHERE tgname = 'audit_guard'"
        ).fetchall()
    assert {table for table, _ in guarded} >= GUARDED
    assert [table for table, why in guarded if why is not None] == []


async def test_a_table_that_says_nothing_is_named(db: Database, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("CREATE TABLE purse (amount integer)")
        conn.execute("CREATE TABLE diary (day date)")
        conn.execute("SELECT needs_no_leaf('diary', 'nobody reads it')")
        conn.execute("ALTER TABLE product DISABLE TRIGGER audit_guard")

    async with db.engine() as work:
        assert await store.unguarded(work) == ["product", "purse"]
