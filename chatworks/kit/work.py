"""A unit of work: one transaction, what it knows, and what it will still write before it commits.

Many callers take part in one transaction, and most of what they write can be written together.
``defer`` collects items per writer and calls each writer once with all of them; ``publish`` hands a
fact to whoever subscribed, in the same transaction. Application code never commits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from psycopg import AsyncConnection

from chatworks.kit.clock import Clock
from chatworks.kit.ids import uuid7

Item = TypeVar("Item")
Writer = Callable[["Work", list[Item]], Awaitable[None]]
Subscribers = Mapping[type, Sequence[Writer[Any]]]

FLUSH_ROUNDS_MAX = 16  # a writer may defer or publish again; more rounds than this is a loop


@dataclass(slots=True)
class Work:
    """One open transaction. ``outlets`` are the tenants that row-level security lets it see."""

    conn: AsyncConnection[Any]
    clock: Clock
    now: datetime
    outlets: tuple[UUID, ...]
    subscribers: Subscribers = field(default_factory=dict)
    _deferred: dict[Writer[Any], list[Any]] = field(default_factory=dict)
    _facts: dict[type, list[Any]] = field(default_factory=dict)
    _channels: set[str] = field(default_factory=set)

    def new_id(self) -> UUID:
        """Return a fresh UUIDv7."""
        return uuid7(self.clock)

    def defer(self, writer: Writer[Item], item: Item) -> None:
        """Have ``writer`` called once, before the commit, with every item deferred to it."""
        self._deferred.setdefault(writer, []).append(item)

    def publish(self, fact: object) -> None:
        """Tell the features that subscribed to this type of fact, in this transaction."""
        self._facts.setdefault(type(fact), []).append(fact)

    def notify(self, channels: Iterable[str]) -> None:
        """Send these PostgreSQL notifications with the commit."""
        self._channels.update(channels)

    async def flush(self) -> None:
        """Run subscribers and deferred writers until nothing is left, then queue notifications.

        All facts are heard before anything deferred is written: each writer then runs once, with
        everything there is, and takes its locks in one order.
        """
        for _ in range(FLUSH_ROUNDS_MAX):
            if self._facts:
                facts, self._facts = self._facts, {}
                for kind, items in facts.items():
                    for subscriber in self.subscribers.get(kind, ()):
                        await subscriber(self, items)
            elif self._deferred:
                deferred, self._deferred = self._deferred, {}
                for writer, items in deferred.items():
                    await writer(self, items)
            else:
                break
        else:
            raise RuntimeError("deferred writes keep deferring more")
        if self._channels:
            await self.conn.execute(
                "SELECT pg_notify(split_part(c, ' ', 1), split_part(c, ' ', 2))"
                " FROM unnest(%s::text[]) AS c",
                [sorted(self._channels)],
            )
            self._channels = set()
