"""Turns per second in steady state: committed inbox rows in, everything written and committed.

Every turn of the order dialogue is one round over all conversations, so that a batch holds one turn
of each. Workers are processes of their own; the clock runs from the moment they are let go until
the queue is empty. The sender does not run: its parts are written and wait.
"""

from __future__ import annotations

import asyncio
import multiprocessing as mp
import time
from typing import Any

import psycopg
import uvloop

from bench import place
from bench.updates import AGAIN, STEPS, update
from chatworks.channels.models import RawRequest
from chatworks.inbox import store
from chatworks.inbox.models import NewEvent
from chatworks.kit.process import settle

CONVERSATIONS = 6000
LISTED = 5  # products


def _worker(url: str, go: Any, done: Any, rounds: int) -> None:
    place.environment()
    uvloop.run(_work(url, go, done, rounds))


async def _work(url: str, go: Any, done: Any, rounds: int) -> None:
    house = place.house(url)
    await house.open()
    settle()
    for _ in range(rounds):
        await asyncio.get_running_loop().run_in_executor(None, go.wait)
        idle = 0
        while idle < 2:
            idle = 0 if await house.worker.step() else idle + 1
        await asyncio.get_running_loop().run_in_executor(None, done.wait)
    await house.close()


async def _insert(url: str, number: int, step: str) -> None:
    house = place.house(url)
    await house.open()
    channel = (await house.directory.channels(kind="telegram"))[0]
    kind = house.kinds["telegram"]
    now = house.clock.now()
    for first in range(0, CONVERSATIONS, 500):
        events = [
            NewEvent(channel.outlet_id, channel.id, arrival)
            for chat in range(first + 1, first + 501)
            for arrival in kind.split(
                RawRequest({}, update(number + chat, chat, step)), channel, now
            )
        ]
        async with house.db.engine() as work:
            await store.accept(work.conn, events, now)
    await house.close()


def measure(owner_url: str, workers: int, dialogues: int = 2) -> dict[str, float]:
    """Return turns per second over ``dialogues`` orders of every conversation."""
    url = place.fresh(owner_url, "bench_turns")

    async def seed() -> None:
        made = place.house(url)
        await made.open()
        await place.majipro(made)
        await made.close()

    asyncio.run(seed())
    rounds = [*STEPS, *(step for _ in range(dialogues - 1) for step in AGAIN)]
    context = mp.get_context("spawn")
    go, done = context.Barrier(workers + 1), context.Barrier(workers + 1)
    processes = [
        context.Process(target=_worker, args=(url, go, done, len(rounds))) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    spent = 0.0
    for index, step in enumerate(rounds):
        asyncio.run(_insert(url, index * 10_000, step))
        if index == len(STEPS):  # steady state: what autovacuum does within a minute is done
            with psycopg.connect(url, autocommit=True) as conn:
                conn.execute("ANALYZE")
        go.wait()
        started = time.perf_counter()
        done.wait()
        if index >= len(STEPS):  # the first order makes contacts and conversations
            spent += time.perf_counter() - started
    for process in processes:
        process.join()
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "SELECT (SELECT count(*) FROM sales_order), (SELECT count(*) FROM inbox_pending),"
            " (SELECT count(*) FROM outbox_part),"
            " (SELECT count(*) FROM audit_leaf WHERE action = 'orders.PlaceOrder')"
        ).fetchone()
    orders = CONVERSATIONS * dialogues
    if row is None or row[0] != orders or row[1] != 0 or row[3] != orders:
        raise AssertionError(f"the dialogues did not end as they should: {row}")
    taken = CONVERSATIONS * (len(rounds) - len(STEPS))
    return {"turns_per_s": taken / spent, "products": LISTED, "workers": workers}


if __name__ == "__main__":
    place.environment()
    embedded, base = place.server()
    for count in (1, 2, 3):
        print(measure(base, count))
    embedded.stop()
