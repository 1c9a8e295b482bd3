"""People of the journeys: who writes on Telegram, through the real door, and who runs the shop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from chatworks.channels.models import Channel
from chatworks.commands.models import Actor, ActorKind, Command
from chatworks.commands.models import Call as Submitted
from chatworks.house import House
from chatworks.identity.models import Operator
from chatworks.identity.store import operators
from chatworks.inbox.door import Door
from chatworks.orders.models import MoveOrder, Status
from chatworks.outlets.models import SaveHours
from chatworks.testing.telegram import BotApi, Call


async def post_to(
    door: Door, path: str, body: bytes, headers: dict[str, str] | None = None, method: str = "POST"
) -> tuple[int, dict[str, Any]]:
    """Give one request to the door as its server would; returns status and JSON."""
    sent: list[dict[str, Any]] = []
    chunks = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return chunks.pop(0)

    async def send(message: Any) -> None:
        sent.append(dict(message))

    raw = [(k.encode(), v.encode()) for k, v in (headers or {}).items()]
    scope = {"type": "http", "method": method, "raw_path": path.encode(), "headers": raw}
    await door(scope, receive, send)
    return sent[0]["status"], msgspec.json.decode(sent[1]["body"])


def text(call: Call) -> str:
    """Return what a message says: its text, or what stands under its picture."""
    return str(call.params.get("text", call.params.get("caption")))


@dataclass
class Person:
    """Somebody in a private chat with the bot."""

    api: BotApi
    door: Door
    channel: Channel
    chat: int

    async def gives(self, update: dict[str, Any]) -> None:
        """Have Telegram deliver an update to the webhook."""
        status, _ = await post_to(
            self.door,
            f"/in/telegram/{self.channel.path}",
            msgspec.json.encode(update),
            {"x-telegram-bot-api-secret-token": self.channel.webhook_secret},
        )
        assert status == 200

    async def _answer(self, update: dict[str, Any], count: int) -> list[Call]:
        before = len(self.api.sent(self.chat))
        await self.gives(update)
        return (await self.api.wait_for(self.chat, before + count))[before:]

    async def says(self, text: str, answers: int = 1) -> list[Call]:
        """Send a text; returns the messages that answer it."""
        return await self._answer(self.api.text(self.chat, text), answers)

    async def taps(self, label: str, answers: int = 1) -> list[Call]:
        """Tap a button; returns the messages that answer it."""
        return await self._answer(self.api.tap(self.chat, label), answers)

    async def shares(self, latitude: float, longitude: float, answers: int = 1) -> list[Call]:
        """Share a location; returns the messages that answer it."""
        return await self._answer(self.api.location(self.chat, latitude, longitude), answers)

    async def is_told(self, said: str) -> Call:
        """Return the next message that begins with ``said``, once it is there."""
        async with asyncio.timeout(10):
            while True:
                for call in reversed(self.api.sent(self.chat)):
                    if text(call).startswith(said):
                        return call
                await asyncio.sleep(0.01)

    async def orders(self, bottle: str = "20 L refill", count: str = "2") -> Call:
        """Order from the first word to the card, by words and taps; returns the card."""
        await self.says("/order", answers=1 if self.api.sent(self.chat) else 2)
        await self.taps(bottle)
        await self.says(count)
        await self.says("Argwings Kodhek Road, Kilimani")
        (next_question,) = await self.taps("Yes")
        if text(next_question).startswith("Shall the driver ask"):
            await self.taps("Yes")
        else:
            await self.says("Amina")
            await self.says("0712 345 678")
        (card,) = await self.taps("Cash or M-Pesa")
        return card


@dataclass
class Shop:
    """The operator, who gives the same commands as the console's forms."""

    house: House
    outlet_id: UUID
    url: str

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database as it is."""
        with psycopg.connect(self.url) as conn:
            return conn.execute(query, values).fetchall()  # type: ignore[call-overload,no-any-return]

    async def operator(self) -> Operator:
        """Return the outlet's owner."""
        async with self.house.db.engine() as work:
            return (await operators(work, self.outlet_id))[0]

    async def submit(self, command: Command[Any]) -> None:
        """Give a command in a transaction of the web login."""
        operator = await self.operator()
        actor = Actor(ActorKind.OPERATOR, operator.id.hex, operator.role)
        async with self.house.db.web(self.outlet_id) as work:
            await self.house.dispatcher.one(work, Submitted(self.outlet_id, actor, command))

    async def moves(self, number: int, to: Status, reason: str = "") -> None:
        """Move an order on."""
        ((order_id,),) = self.rows("SELECT id FROM sales_order WHERE number = %s", number)
        await self.submit(MoveOrder(order_id, to, reason))

    async def opens(self, spans: list[tuple[str, str]]) -> None:
        """Serve every day at these hours."""
        days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        await self.submit(SaveHours(dict.fromkeys(days, spans)))
        self.house.directory.forget()
