"""The loop that takes turns: claim a batch, take it, commit; alone where a batch fails.

If anything fails the whole batch rolls back. The conversation whose turn raised is tried alone, the
others again together; an event that fails alone ``ATTEMPTS_MAX`` times, with back-off, is parked
with its reason and shown in the console, and the conversation goes on. What an applet's own code
did wrong it would do again: that is parked, and the person told, at once.

Beside the turns the loop removes, a few at a time, what is kept no longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import psycopg
import structlog
from prometheus_client import Counter, Histogram

from chatworks.commands.store import forget_keys
from chatworks.conversations.batch import Parts, TurnFailed, take_batch
from chatworks.conversations.models import LeasesDue, Post
from chatworks.conversations.store import find_by_thread
from chatworks.identity.service import forget_old
from chatworks.inbox import store as inbox
from chatworks.inbox.models import PendingEvent, Tick
from chatworks.kit.db import Database
from chatworks.kit.listen import Listener, wait_until
from chatworks.kit.process import uncollected
from chatworks.kit.work import Work
from chatworks.sdk.applet import AppletError
from chatworks.sdk.messages import Message

ATTEMPTS_MAX = 5
BACKOFF_SECONDS = (1, 5, 30, 120)  # after the first, second, … failure alone
POLL_SECONDS = 1.0  # the longest delay of a lost notification, and of timers
TICK_SECONDS = 1.0
REASON_LENGTH_MAX = 500
TIDY_SECONDS = 60.0
TIDIED_MAX = 1000  # rows of one tidying: sixteen a second

log = structlog.get_logger()
turns_total = Counter("chatworks_turns_total", "Inbound events taken", ["how"])
batch_seconds = Histogram("chatworks_batch_seconds", "Time of one batch, commit included")


class Worker:
    """Takes turns in one process. Any number of workers may run beside each other."""

    def __init__(
        self, db: Database, parts: Parts, listener: Listener, batch_size: int = 300
    ) -> None:
        self._db = db
        self._parts = parts
        self._listener = listener
        self._batch_size = batch_size
        self._stopping = False
        self._ticked_at = float("-inf")
        self._tidy_at = 0.0  # of the monotonic clock

    async def run(self) -> None:
        """Take turns until ``stop``; survives a database that is away."""
        with self._listener.subscribe("inbox") as wake:
            while not self._stopping:
                wake.clear()
                try:
                    taken = await self.step()
                    await self._tick_now_and_then()
                    await self._tidy()
                except psycopg.OperationalError as error:
                    log.warning("turns wait for the database", error=type(error).__name__)
                    taken = 0
                    await asyncio.sleep(POLL_SECONDS)
                if not taken:
                    await wait_until(wake, POLL_SECONDS)

    def stop(self) -> None:
        """Let the running batch end, then leave ``run``."""
        self._stopping = True
        self._listener.wake("inbox")

    async def step(self) -> int:
        """Take one batch; returns how many events were taken."""
        await self._wake_timers()
        keys: list[int] = []
        try:
            return await self._batch(keys)
        except TurnFailed as failure:
            others = [key for key in keys if key != failure.thread_key]
            return await self._alone(failure.thread_key) + await self._again(others)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("a batch failed and is taken one by one", conversations=len(keys))
            return sum([await self._alone(key) for key in keys])

    async def tick(self) -> None:
        """Let whoever holds something that is due see to it.

        Leases end in a transaction of their own: it locks conversations before it writes anything.
        """
        async with self._db.engine() as work:
            work.publish(Tick())
        async with self._db.engine() as work:
            work.publish(LeasesDue())

    async def _tick_now_and_then(self) -> None:
        now = self._db.clock.monotonic()
        if now - self._ticked_at < TICK_SECONDS:
            return
        self._ticked_at = now
        try:
            await self.tick()
        except psycopg.OperationalError:
            raise
        except Exception:  # what is due stays due; turns go on
            log.exception("what is due could not be seen to")

    async def _tidy(self) -> None:
        """Once a minute remove idempotency keys, sessions and codes that are kept no longer."""
        if self._db.clock.monotonic() < self._tidy_at:
            return
        async with self._db.engine() as work:
            await forget_keys(work, TIDIED_MAX)
            await forget_old(work, TIDIED_MAX)
        self._tidy_at = self._db.clock.monotonic() + TIDY_SECONDS

    async def _wake_timers(self) -> None:
        async with self._db.engine() as work:
            await inbox.due_timers(work, self._batch_size)

    async def _batch(self, keys: list[int]) -> int:
        """Claim and take a batch; ``keys`` tells the caller what was claimed, should it fail."""
        with batch_seconds.time(), uncollected():
            async with self._db.engine() as work:
                keys += await inbox.claim(work, self._batch_size)
                return await self._take(work, keys)

    async def _take(self, work: Work, keys: Sequence[int]) -> int:
        events = await inbox.events_of(work, keys) if keys else []
        if events:
            await take_batch(work, self._parts, events)
            turns_total.labels("batch").inc(len(events))
        return len(events)

    async def _again(self, keys: Sequence[int]) -> int:
        """Take the innocent rest of a failed batch together; one by one if that fails too."""
        if not keys:
            return 0
        try:
            async with self._db.engine() as work:
                locked = await inbox.lock(work, keys)
                return await self._take(work, locked)
        except psycopg.OperationalError:
            raise
        except Exception:  # noqa: BLE001 - each is tried alone next, and says why there
            return sum([await self._alone(key) for key in keys])

    async def _alone(self, key: int) -> int:
        """Take the first event of one conversation; on failure count it, or park it."""
        first: PendingEvent | None = None
        try:
            async with self._db.engine() as work:
                if not await inbox.lock(work, [key]):
                    return 0
                events = (await inbox.events_of(work, [key]))[:1]
                if not events:
                    return 0
                first = events[0]
                await take_batch(work, self._parts, events)
                turns_total.labels("alone").inc()
        except psycopg.OperationalError:
            raise
        except Exception as error:
            if first is None:
                raise
            await self._failed(first, error)
        return 1

    async def _failed(self, event: PendingEvent, error: Exception) -> None:
        attempts = event.attempts + 1
        reason = str(error)[:REASON_LENGTH_MAX]
        log.warning("a turn failed", event_id=event.id, attempts=attempts, exc_info=error)
        async with self._db.engine() as work:
            if attempts < ATTEMPTS_MAX and not isinstance(error.__cause__, AppletError):
                wait = timedelta(seconds=BACKOFF_SECONDS[attempts - 1])
                await inbox.retry_later(work, event.id, attempts, work.now + wait)
                return
            turns_total.labels("parked").inc()
            await inbox.park(work, event.id, reason)
            await self._apologise(work, event)

    async def _apologise(self, work: Work, event: PendingEvent) -> None:
        found = await find_by_thread(work, event.outlet_id, event.source, event.thread)
        if found is None:
            return
        conversation_id, language = found
        text = self._parts.texts.text(
            language,
            "Something went wrong on our side with your last message. We have been told. "
            "Write “menu” to go on, or “human” for a person.",
        )
        work.publish(Post(event.outlet_id, conversation_id, Message(text)))
