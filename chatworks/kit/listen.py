"""Wakes what waits in this process when PostgreSQL notifies: one connection for all of it.

A wake says "look again", never what to do: state is in the tables, so a lost notification costs a
delay (every waiter also polls), never an event.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import AsyncConnection, sql

CHANNELS = ("inbox", "outbox", "media", "mail", "chat", "outlet", "typing")
FLEETING = "typing"  # what passes by and stands in no table: nothing to look for after an absence
RECONNECT_SECONDS = 0.5


class Wake(asyncio.Event):
    """Set by a notice; ``topics`` are those noticed since the waiter cleared it."""

    def __init__(self) -> None:
        super().__init__()
        self.topics: set[str] = set()

    def notice(self, topic: str) -> None:
        """Set the event for ``topic``."""
        self.topics.add(topic)
        self.set()

    def clear(self) -> None:
        """Begin to wait anew."""
        self.topics = set()
        super().clear()


async def wait_until(wake: asyncio.Event, seconds: float) -> None:
    """Wait until ``wake`` is set, for ``seconds`` at most."""
    with suppress(TimeoutError):
        await asyncio.wait_for(wake.wait(), timeout=seconds)


class Listener:
    """Subscriptions of one process. A topic is ``inbox``, ``outbox``, ``media``, ``mail``,
    ``chat <hex id>``, ``outlet <hex id>`` or ``typing <who and where>``.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._waiting: dict[str, set[Wake]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def open(self) -> None:
        """Start listening; returns once the connection stands."""
        self._task = asyncio.create_task(self._run())
        await asyncio.wait_for(self._ready.wait(), timeout=10)

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @contextmanager
    def subscribe(self, *topics: str) -> Iterator[Wake]:
        """Give an event that a notice of one of ``topics`` sets; the waiter clears it."""
        event = Wake()
        for topic in topics:
            self._waiting[topic].add(event)
        try:
            yield event
        finally:
            for topic in topics:
                self._waiting[topic].discard(event)
                if not self._waiting[topic]:
                    del self._waiting[topic]

    def topics(self) -> list[str]:
        """Return what is waited for."""
        return list(self._waiting)

    def wake(self, topic: str) -> None:
        """Wake the waiters of ``topic`` in this process at once, without the round trip."""
        for event in self._waiting.get(topic, ()):
            event.notice(topic)

    async def _run(self) -> None:
        while True:
            try:
                async with await AsyncConnection.connect(self._conninfo, autocommit=True) as conn:
                    for channel in CHANNELS:
                        await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                    self._ready.set()
                    for topic in list(self._waiting):  # what was notified while we were away
                        if not topic.startswith(FLEETING):
                            self.wake(topic)
                    async for notice in conn.notifies():
                        self.wake(f"{notice.channel} {notice.payload}".strip())
            except psycopg.OperationalError:
                await asyncio.sleep(RECONNECT_SECONDS)
