"""Commits that many requests share, without a timer.

While one commit is in flight, arriving requests gather; the next commit takes them all. Under load
the groups grow by themselves; a lone request waits for nobody. One bad row would fail everybody's
statement, so after such a failure the rows are stored one by one, and only the bad one is refused.
While the database is away everybody is told at once: their senders come back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import psycopg

from chatworks.inbox import store
from chatworks.inbox.models import NewEvent
from chatworks.kit.db import Database
from chatworks.kit.errors import ChatWorksError

ROWS_MAX = 500  # of one commit; it bounds how long a request can wait for the one before
WAITING_MAX = 10_000  # requests; more are refused with 503 and come back


Group = Sequence[tuple[Sequence[NewEvent], asyncio.Future[None]]]


class Overloaded(ChatWorksError):
    """More requests wait than the database can take; the sender retries."""

    status = 503


class Committer:
    """Stores events for one process over one connection at a time."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: deque[tuple[Sequence[NewEvent], asyncio.Future[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def accept(self, events: Sequence[NewEvent]) -> None:
        """Return once ``events`` are committed (or were before); raises where they cannot be."""
        if not events:
            return
        if len(self._waiting) >= WAITING_MAX:
            raise Overloaded("the event inbox is overloaded")
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((events, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                group = self._next_group()
                try:
                    await self._commit([event for events, _ in group for event in events])
                except psycopg.OperationalError as away:
                    _settle(group, away)
                except (psycopg.Error, UnicodeError, OverflowError) as error:
                    await self._one_by_one(group, error)
                else:
                    _settle(group)
        finally:
            self._task = None

    def _next_group(self) -> Group:
        group = []
        rows = 0
        while self._waiting and rows < ROWS_MAX:
            item = self._waiting.popleft()
            rows += len(item[0])
            group.append(item)
        return group

    async def _commit(self, events: Sequence[NewEvent]) -> None:
        try:
            await self._store(events)
        except psycopg.OperationalError:
            # The connection was lost. Whether it had committed is unknown, and the unique key
            # makes a second try safe either way.
            await self._store(events)

    async def _store(self, events: Sequence[NewEvent]) -> None:
        async with self._db.engine_pool.connection() as conn:
            await conn.set_autocommit(True)
            try:
                await store.accept(conn, events, self._db.clock.now())
            finally:
                if not conn.closed:
                    await conn.set_autocommit(False)

    async def _one_by_one(self, group: Group, error: Exception) -> None:
        alone = len(group) == 1
        for events, future in group:
            if future.done():
                continue
            try:
                if alone:
                    raise error
                await self._commit(events)
            except (psycopg.Error, UnicodeError, OverflowError) as own:
                future.set_exception(own)
            else:
                future.set_result(None)


def _settle(group: Group, error: Exception | None = None) -> None:
    """Tell everybody of ``group`` how their commit ended; who has gone away is not told."""
    for _, future in group:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
