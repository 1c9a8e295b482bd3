"""People with several apps: each side is a chat on one channel, spoken to through the inbox."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg

from chatworks.channels.models import Arrival, Channel, RawRequest
from chatworks.channels.webchat.adapter import arrival
from chatworks.conversations import store
from chatworks.house import House
from chatworks.inbox.models import NewEvent

_updates = itertools.count(1)
CODE = re.compile(r"GO-[2-9][0-9A-HJKMNP-TV-Z]{9}")


@dataclass
class Side:
    """One person's chat on one channel; ``thread`` is a number where that is Telegram."""

    house: House
    channel: Channel
    thread: str
    seen: int = 0

    async def give(self, text: str = "", tap: str = "") -> None:
        """Put what the person says or taps into the inbox."""
        taken = self._telegram(text) if self.channel.kind == "telegram" else self._web(text, tap)
        await self.house.committer.accept(
            [NewEvent(self.channel.outlet_id, self.channel.id, one) for one in taken]
        )

    def _web(self, text: str, tap: str) -> list[Arrival]:
        kind = {"kind": "tap", "tap": tap} if tap else {"kind": "text"}
        body = msgspec.json.encode({"id": str(uuid4()), "text": text, **kind})
        return [arrival(body, self.thread, "en")]

    def _telegram(self, text: str) -> list[Arrival]:
        number, chat = next(_updates), int(self.thread)
        content: dict[str, Any] = {
            "message_id": number,
            "date": 1_790_000_000,
            "chat": {"id": chat, "type": "private" if chat > 0 else "group"},
            "from": {"id": abs(chat), "is_bot": False, "first_name": "A", "language_code": "en"},
            "text": text,
        }
        if text.startswith("/"):
            length = len(text.split(" ", maxsplit=1)[0])
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        body = msgspec.json.encode({"update_id": number, "message": content})
        kind = self.house.kinds["telegram"]
        return list(kind.split(RawRequest({}, body), self.channel, self.house.clock.now()))

    async def says(self, text: str) -> list[str]:
        """Say something, let the engine work, and return the texts that answer here."""
        await self.give(text)
        return await self.hears()

    async def hears(self) -> list[str]:
        """Let the engine work; return what was said here since the last look."""
        await settle(self.house)
        return [m["text"] for m in await self.news()]

    async def news(self) -> list[dict[str, Any]]:
        """Return the messages that were sent here since the last look."""
        async with self.house.db.engine([self.channel.outlet_id]) as work:
            said = await store.history(work, self.channel.outlet_id, await self.id(), self.seen)
        self.seen = max([self.seen, *(m.seq for m in said)])
        return [{"text": "", **m.content, "seq": m.seq} for m in said if m.direction == "out"]

    async def id(self) -> UUID:
        """Return the conversation's id."""
        async with self.house.db.engine([self.channel.outlet_id]) as work:
            found = await store.find_by_thread(
                work, self.channel.outlet_id, self.channel.id, self.thread
            )
        assert found is not None
        return found[0]

    async def code(self) -> str:
        """Ask to go on elsewhere; return the code that is shown."""
        told = (await self.says("continue"))[-1]
        found = CODE.search(told)
        assert found is not None, told
        return found[0]


async def settle(house: House) -> None:
    """Let the engine take everything there is."""
    while await house.worker.step():
        pass


def rows(url: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Read the database as it is."""
    with psycopg.connect(url) as conn:
        return conn.execute(query, values).fetchall()  # type: ignore[call-overload,no-any-return]


def groups(url: str) -> list[list[str]]:
    """Return who belongs together, by the vendors' ids of contacts."""
    found = rows(
        url,
        "SELECT array_agg(p.vendor_id ORDER BY p.vendor_id) FROM contact_link l JOIN contact p"
        " ON p.id = l.contact_id GROUP BY l.person_id ORDER BY 1",
    )
    return [row[0] for row in found]
