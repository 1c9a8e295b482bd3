"""The loop that ends recoveries whose time has come, tells of those that wait, and tidies up.

Any number of these loops may run beside each other: each locks the recoveries that it takes.
"""

from __future__ import annotations

import psycopg
import structlog

from chatworks.factors import store
from chatworks.factors.recoveries import PROVED_WITHIN, Recoveries
from chatworks.factors.service import note
from chatworks.kit.db import Database
from chatworks.kit.listen import Listener, wait_until

TOPIC = "factors"
POLL_SECONDS = 30.0
AT_ONCE = 20
FORGOTTEN_AT_ONCE = 1000

log = structlog.get_logger()


class Recoverer:
    """Sees to the recoveries of every account in one process."""

    def __init__(self, db: Database, recoveries: Recoveries, listener: Listener) -> None:
        self._db = db
        self._recoveries = recoveries
        self._listener = listener
        self._stopping = False

    async def run(self) -> None:
        """Take steps until ``stop``; survives a database that is away."""
        with self._listener.subscribe(TOPIC) as wake:
            while not self._stopping:
                wake.clear()
                try:
                    stepped = await self.step()
                except psycopg.OperationalError as error:
                    log.warning("recoveries wait for the database", error=type(error).__name__)
                    stepped = 0
                if not stepped:
                    await wait_until(wake, POLL_SECONDS)

    def stop(self) -> None:
        """Let the running step end, then leave ``run``."""
        self._stopping = True
        self._listener.wake(TOPIC)

    async def step(self) -> int:
        """End what is due and tell what waits; returns how many recoveries that were."""
        async with self._db.engine() as work:
            due = await store.due_recoveries(work, AT_ONCE)
            for asked in due:
                if asked.due_at is not None and asked.due_at <= work.now:
                    await self._recoveries.finish(work, asked)
                else:
                    await self._recoveries.tell_all(work, asked)
                    await store.told(work, asked)
            for account_id in await store.give_up_recoveries(work, PROVED_WITHIN):
                note(work, account_id, "GiveUpRecovery")
            await store.forget_old(work, FORGOTTEN_AT_ONCE)
        return len(due)
