"""The one source of time and randomness, so that tests and simulations can set them.

Nothing else in the product calls ``datetime.now``, ``time.time``, ``random`` or ``secrets``.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time, elapsed time and random bytes."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return elapsed seconds from an arbitrary start."""

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` unpredictable bytes."""


class SystemClock:
    """The machine's own time and randomness."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return elapsed seconds from an arbitrary start."""
        return time.monotonic()

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` unpredictable bytes."""
        return secrets.token_bytes(count)


class FixedClock:
    """A clock for tests: it moves only when told, and its bytes count up."""

    def __init__(self, start: datetime = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._elapsed = 0.0
        self._drawn = 0

    def now(self) -> datetime:
        """Return the time that was set."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds by which the clock was moved."""
        return self._elapsed

    def random_bytes(self, count: int) -> bytes:
        """Return the next number, big endian, in ``count`` bytes."""
        self._drawn += 1
        return self._drawn.to_bytes(count, "big")

    def move(self, by: timedelta) -> None:
        """Let ``by`` pass."""
        self._now += by
        self._elapsed += by.total_seconds()
