"""Server-sent events that wake when the database notifies, and stop when the process does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from litestar.response import Stream

from chatworks.kit.listen import Listener

HEARTBEAT_SECONDS = 15.0


class Streams:
    """The open streams of a process. ``stop`` ends them, so that Ctrl-C does not wait."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End every stream."""
        self._stopped.set()
        for topic in list(self._listener.topics()):
            self._listener.wake(topic)

    async def wakes(self, *topics: str) -> AsyncIterator[bool]:
        """Yield at once, then True for each notice and False for each heartbeat, until stopped."""
        with self._listener.subscribe(*topics) as wake:
            yield True
            while not self._stopped.is_set():
                try:
                    await asyncio.wait_for(wake.wait(), timeout=HEARTBEAT_SECONDS)
                    noticed = True
                except TimeoutError:
                    noticed = False
                wake.clear()
                if self._stopped.is_set():
                    return
                yield noticed


def event_stream(events: AsyncIterator[bytes]) -> Stream:
    """Return the response that sends ``events``, each already in the stream's format."""
    return Stream(
        events,
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


def event(data: bytes, number: int | None = None) -> bytes:
    """Return one event; ``number`` is what a reader resumes after."""
    head = b"" if number is None else b"id: %d\n" % number
    return head + b"data: " + data + b"\n\n"
