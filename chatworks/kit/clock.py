"""The one source of time and randomness, so that tests and simulations can set them.

Nothing else in the product calls ``datetime.now``, ``time.time``, ``random`` or ``secrets``.
"""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

DRAWN_BYTES = 512


class Clock(Protocol):
    """Wall time, elapsed time and random bytes."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return elapsed seconds from an arbitrary start."""

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` unpredictable bytes."""


class SystemClock:
    """The machine's own time and randomness, which is drawn in pieces: a call for each id of a
    turn would ask the kernel seven times.
    """

    def __init__(self) -> None:
        self._drawn = b""
        os.register_at_fork(after_in_child=self._forget)  # parent and child share no bytes

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return elapsed seconds from an arbitrary start."""
        return time.monotonic()

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` unpredictable bytes."""
        if len(self._drawn) < count:
            self._drawn = secrets.token_bytes(max(count, DRAWN_BYTES))
        given, self._drawn = self._drawn[:count], self._drawn[count:]
        return given

    def _forget(self) -> None:
        self._drawn = b""


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
