"""A loop of steps: one after the other while there is something to do, then asleep until a topic
wakes it or a time has passed. It survives a database that is away.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import psycopg
import structlog

from chatworks.kit.listen import Listener, wait_until

log = structlog.get_logger()


class Stepper(ABC):
    """What a loop of steps shares. Any number of one kind may run beside each other."""

    topic: ClassVar[str]
    poll_seconds: ClassVar[float]

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._stopping = False

    @abstractmethod
    async def step(self) -> bool:
        """Take one step; returns whether there may be another at once."""

    async def run(self) -> None:
        """Take steps until ``stop``."""
        with self._listener.subscribe(self.topic) as wake:
            while not self._stopping:
                wake.clear()
                try:
                    stepped = await self.step()
                except psycopg.OperationalError as error:
                    log.warning(
                        "a loop waits for the database", loop=self.topic, error=type(error).__name__
                    )
                    stepped = False
                if not stepped:
                    await wait_until(wake, self.poll_seconds)

    def stop(self) -> None:
        """Let the running step end, then leave ``run``."""
        self._stopping = True
        self._listener.wake(self.topic)
