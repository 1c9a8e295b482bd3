"""Server-sent events that wake when the database notifies, and stop when the process does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from litestar.response import Stream

from chatworks.kit.listen import FLEETING, Listener

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

    async def wakes(self, *topics: str) -> AsyncGenerator[frozenset[str], None]:
        """Yield which topics were noticed, and none at a heartbeat, until stopped.

        The first time, at once, it is all of them but what is fleeting: look at everything.
        """
        with self._listener.subscribe(*topics) as wake:
            yield frozenset(topic for topic in topics if not topic.startswith(FLEETING))
            while not self._stopped.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), timeout=HEARTBEAT_SECONDS)
                noticed = frozenset(wake.topics)
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


def event(data: bytes, number: int | None = None, name: str = "") -> bytes:
    """Return one event; ``number`` is what a reader resumes after, ``name`` its type."""
    head = b"" if number is None else b"id: %d\n" % number
    head += f"event: {name}\n".encode() if name else b""
    return head + b"data: " + data + b"\n\n"
