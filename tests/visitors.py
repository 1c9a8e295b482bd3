"""A person without a messenger: events go in through the inbox, answers are read from history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec

from chatworks.channels.models import Channel
from chatworks.channels.webchat.adapter import arrival
from chatworks.conversations import store
from chatworks.house import House
from chatworks.inbox.models import NewEvent


@dataclass
class Visitor:
    house: House
    channel: Channel
    thread: str
    seen: int = 0
    language: str = "en"

    async def give(self, **event: Any) -> None:
        """Put an event into the inbox."""
        body = msgspec.json.encode({"id": str(uuid4()), **event})
        taken = arrival(body, self.thread, self.language)
        await self.house.committer.accept(
            [NewEvent(self.channel.outlet_id, self.channel.id, taken)]
        )

    async def conversation(self) -> Any:
        async with self.house.db.engine([self.channel.outlet_id]) as work:
            found = await store.find_by_thread(
                work, self.channel.outlet_id, self.channel.id, self.thread
            )
        assert found is not None
        return found[0]

    async def answers(self) -> list[dict[str, Any]]:
        """Return what was said to this person since the last look."""
        async with self.house.db.engine([self.channel.outlet_id]) as work:
            found = await store.find_by_thread(
                work, self.channel.outlet_id, self.channel.id, self.thread
            )
            if found is None:
                return []
            said = await store.history(work, self.channel.outlet_id, found[0], self.seen)
        self.seen = max([self.seen, *(m.seq for m in said)])
        return [{**m.content, "seq": m.seq} for m in said if m.direction == "out"]

    async def says(self, text: str) -> list[str]:
        """Say something, let the engine work, and return the texts that answer."""
        await self.give(kind="text", text=text)
        return await self.hears()

    async def hears(self) -> list[str]:
        while await self.house.worker.step():
            pass
        self.last = await self.answers()
        return [m.get("text") or m["card"]["title"] for m in self.last]

    async def taps(self, label: str) -> list[str]:
        """Tap a button of the last answers."""
        for message in reversed(self.last):
            for button in message.get("buttons", ()):
                if button["label"].startswith(label):
                    await self.give(kind="tap", tap=f"{message['seq']}.{button['id']}", text=label)
                    return await self.hears()
        raise LookupError(label)

    async def orders(self) -> list[str]:
        """Order two refills, from the first word to the card."""
        await self.says("order water")
        await self.taps("20 L refill")
        await self.says("2")
        await self.says("Argwings Kodhek Road, Kilimani")
        await self.taps("Yes")
        await self.says("Amina")
        await self.says("0712345678")
        return await self.taps("Cash")
