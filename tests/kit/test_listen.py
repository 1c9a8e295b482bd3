"""Wakes: a notice of any topic reaches whoever waits for it, and nobody else."""

from __future__ import annotations

import asyncio

import pytest

from chatworks.kit.db import Database
from chatworks.kit.listen import Listener


@pytest.mark.parametrize("topic", ["outbox", "chat 0123abcd"])
async def test_a_committed_notice_wakes_its_topic(
    db: Database, engine_url: str, topic: str
) -> None:
    listener = Listener(engine_url)
    await listener.open()
    with listener.subscribe(topic) as wanted, listener.subscribe("chat 77") as other:
        async with db.engine() as work:
            work.notify([topic])

        await asyncio.wait_for(wanted.wait(), timeout=5)
        assert not other.is_set()
    await listener.close()


async def test_a_waiter_knows_which_topics_were_noticed(db: Database, engine_url: str) -> None:
    listener = Listener(engine_url)
    await listener.open()
    with listener.subscribe("chat 77", "typing shop:77", "outlet 1") as wake:
        async with db.engine() as work:
            work.notify(["chat 77", "typing shop:77"])

        await asyncio.wait_for(wake.wait(), timeout=5)
        while len(wake.topics) < 2:  # noqa: ASYNC110 - the two notices of one commit come apart
            await asyncio.sleep(0.01)
        assert wake.topics == {"chat 77", "typing shop:77"}
        wake.clear()
        assert (wake.is_set(), wake.topics) == (False, set())
    await listener.close()


async def test_what_is_fleeting_is_not_repeated_when_the_connection_comes_back(
    db: Database, engine_url: str
) -> None:
    listener = Listener(engine_url)
    await listener.open()
    with listener.subscribe("chat 77", "typing shop:77") as wake:
        async with db.engine() as work:
            await work.conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN %' AND pid <> pg_backend_pid()"
            )

        await asyncio.wait_for(wake.wait(), timeout=5)
        assert wake.topics == {"chat 77"}
    await listener.close()
