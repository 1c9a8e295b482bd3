"""A person on Telegram, who speaks through the real door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from chatworks.channels.models import Channel
from chatworks.inbox.door import Door
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
