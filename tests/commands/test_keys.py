"""Idempotency keys are kept for a day; a working process removes older ones, bit by bit."""

from __future__ import annotations

import asyncio

import psycopg
from houses import at_work

from chatworks.commands import store
from chatworks.house import House

KEPT = "SELECT key FROM command_key ORDER BY key"


def spend(url: str) -> None:
    """Have keys of today and of the day before yesterday."""
    with psycopg.connect(url) as conn:
        conn.execute(
            "INSERT INTO command_key (outlet_id, key, request_hash, created_at)"
            " SELECT outlet_id, key, '', now() - age FROM outlet, (VALUES"
            " ('new', interval '23 hours'), ('old', interval '25 hours'),"
            " ('older', interval '2 days')) AS spent (key, age)"
        )


def kept(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return [row[0] for row in conn.execute(KEPT).fetchall()]


async def test_a_working_process_removes_keys_older_than_a_day(
    house: House, database_url: str
) -> None:
    spend(database_url)

    async with at_work(house), asyncio.timeout(10):
        while "old" in kept(database_url):  # noqa: ASYNC110 - a test looks
            await asyncio.sleep(0.02)

    assert kept(database_url) == ["new"]


async def test_the_oldest_keys_go_first_and_no_more_than_asked_for(
    house: House, database_url: str
) -> None:
    spend(database_url)

    async with house.db.engine() as work:
        removed = await store.forget_keys(work, 1)

    assert removed == 1
    assert kept(database_url) == ["new", "old"]
