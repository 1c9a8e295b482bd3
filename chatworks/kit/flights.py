"""Tasks of a loop that are under way: how many there are, what wakes the loop when one lands, and
waiting for the last of them. A task that fails is logged; it ends nobody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import structlog

GRACE_SECONDS = 10.0

log = structlog.get_logger()


def _nothing() -> None:
    """Do nothing more."""


class Flights:
    """The tasks of one loop; ``what`` names one of them in the log."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._tasks)

    def launch(
        self,
        task: Coroutine[object, object, None],
        wake: asyncio.Event,
        landed: Callable[[], None] = _nothing,
    ) -> None:
        """Start a task. When it has ended ``landed`` is called, and ``wake`` is set."""
        started = asyncio.create_task(task)
        self._tasks.add(started)

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            landed()
            wake.set()
            if not done.cancelled() and done.exception() is not None:
                log.error("settling failed", what=self._what, exc_info=done.exception())

        started.add_done_callback(ended)

    async def land(self) -> None:
        """Wait for what is under way, for ``GRACE_SECONDS`` at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
