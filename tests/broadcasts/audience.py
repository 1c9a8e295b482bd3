"""People of an outlet on Telegram, and a broadcast to them, driven step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg

from chatworks.broadcasts import store
from chatworks.broadcasts.models import (
    Broadcast,
    Figures,
    Move,
    MoveBroadcast,
    Segment,
    WriteBroadcast,
)
from chatworks.commands.models import Actor, ActorKind, Call
from chatworks.house import House

TEXTS = {"en": "Half price today!", "sw": "Nusu bei leo!"}


@dataclass
class Audience:
    """Contacts of a Telegram channel. ``first`` is the number of the next one's chat."""

    house: House
    url: str
    outlet_id: UUID = field(default_factory=uuid4)
    channel_id: UUID = field(default_factory=uuid4)
    first: int = 1001

    def add(self, people: int, *, language: str = "en", agreed: bool = True) -> list[UUID]:
        """Make contacts with a conversation each; returns the conversations."""
        made = []
        for chat in range(self.first, self.first + people):
            contact, conversation = uuid4(), uuid4()
            self.sql(
                "INSERT INTO contact (outlet_id, id, channel_id, vendor_id, language, created_at)"
                " VALUES (%s, %s, %s, %s, %s, now())",
                self.outlet_id, contact, self.channel_id, str(chat), language,
            )  # fmt: skip
            self.sql(
                "INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread,"
                " thread_key, last_at, created_at) VALUES (%s, %s, %s, %s, %s, 0, now(), now())",
                self.outlet_id, conversation, self.channel_id, contact, str(chat),
            )  # fmt: skip
            if agreed:
                self.sql(
                    "INSERT INTO consent (outlet_id, contact_id, n, purpose, given, source,"
                    " wording, version, at) VALUES (%s, %s, 1, 'marketing', true, 'chat', '', '',"
                    " now())",
                    self.outlet_id, contact,
                )  # fmt: skip
            made.append(conversation)
        self.first += people
        return made

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement as the owner."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            cursor = conn.execute(statement, parameters)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    async def give(self, command: Any, role: str = "owner") -> Any:
        """Give a command as an operator, as the console does."""
        actor = Actor(ActorKind.OPERATOR, uuid4().hex, role)
        async with self.house.db.web(self.outlet_id) as work:
            return await self.house.dispatcher.one(work, Call(self.outlet_id, actor, command))

    async def write(self, segment: Segment | None = None, **more: Any) -> UUID:
        """Write a draft; returns its id."""
        command = WriteBroadcast(
            **{
                "broadcast_id": uuid4(),
                "name": "Monday",
                "topic": "offer",
                "texts": TEXTS,
                "segment": segment or Segment(),
                **more,
            }
        )
        written = await self.give(command)
        return UUID(hex=written.broadcast_id.hex)

    async def move(self, broadcast_id: UUID, move: Move, at: datetime | None = None) -> str:
        """Move a broadcast; returns where it stands."""
        return str((await self.give(MoveBroadcast(broadcast_id, move, at))).status)

    async def found(self, broadcast_id: UUID) -> Broadcast:
        """Return a broadcast as it is stored."""
        async with self.house.db.web(self.outlet_id) as work:
            found = await store.broadcast(work, (self.outlet_id, broadcast_id))
        assert found is not None
        return found

    async def figures(self, broadcast_id: UUID) -> Figures:
        """Return how far a broadcast has come, as the console reads it."""
        async with self.house.db.web(self.outlet_id) as work:
            return await store.figures(work, (self.outlet_id, broadcast_id))

    def sent(self, statuses: str = "sent") -> None:
        """Have the outbox be empty, as if everything in it had been sent."""
        self.sql("UPDATE outbox_part SET status = %s WHERE status = 'queued'", statuses)

    def due(self) -> None:
        """Have a second pass."""
        self.sql("UPDATE broadcast SET step_at = now() WHERE step_at IS NOT NULL")
        self.sql("UPDATE broadcast_recipient SET due_at = now() WHERE status = 'waiting'")

    async def all_steps(self) -> None:
        """Take steps until nothing is left to do, with an outbox that sends."""
        for _ in range(20):
            self.due()
            if not await self.house.broadcaster.step():
                return
            self.sent()
        raise AssertionError("a broadcast does not end")

    def heard(self) -> list[str]:
        """Return the chats that were told something, each as often as it was."""
        return [
            row[0]
            for row in self.sql(
                "SELECT c.thread FROM message m JOIN conversation c ON c.id = m.conversation_id"
                " WHERE m.author LIKE 'broadcast:%%' ORDER BY c.thread"
            )
        ]
