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
