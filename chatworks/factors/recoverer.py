"""The loop that ends recoveries whose time has come, tells of those that wait, and tidies up.

Any number of these loops may run beside each other: each locks the recoveries that it takes.
"""

from __future__ import annotations

import structlog

from chatworks.factors import store
from chatworks.factors.recoveries import PROVED_WITHIN, Recoveries
from chatworks.factors.service import note
from chatworks.kit.db import Database
from chatworks.kit.listen import Listener
from chatworks.kit.stepping import Stepper

TOPIC = "factors"
POLL_SECONDS = 30.0
AT_ONCE = 20
FORGOTTEN_AT_ONCE = 1000

log = structlog.get_logger()


class Recoverer(Stepper):
    """Sees to the recoveries of every account in one process."""

    topic = TOPIC
    poll_seconds = POLL_SECONDS

    def __init__(self, db: Database, recoveries: Recoveries, listener: Listener) -> None:
        super().__init__(listener)
        self._db = db
        self._recoveries = recoveries

    async def step(self) -> bool:
        """End what is due and tell what waits; returns whether there was any."""
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
        return bool(due)
