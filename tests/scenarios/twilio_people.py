"""People of the journeys on WhatsApp and by SMS: through the real door, signed, by HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from chatworks.app import seed_outlet
from chatworks.channels.models import Channel, Limits
from chatworks.house import House
from chatworks.inbox.door import Door
from chatworks.outlets.models import ChannelSpec
from chatworks.outlets.service import read_file
from chatworks.testing.server import Delivery
from chatworks.testing.twilio import ACCOUNT_SID, SMS, WHATSAPP, Twilio
from chatworks.testing.twilio_webhooks import Event

PUBLIC = "https://shop.example"  # what Twilio signs over; the stand-in reaches it on loopback
TOKEN = "TWILIO_TOKEN"
CHANNELS = [
    ChannelSpec("twilio_whatsapp", "", TOKEN, ACCOUNT_SID, WHATSAPP.removeprefix("whatsapp:")),
    ChannelSpec("twilio_sms", "", TOKEN, ACCOUNT_SID, SMS),
]


async def add_channels(house: House) -> None:
    """Give MajiPro its WhatsApp and its SMS, as its file would."""
    file = read_file(Path(__file__).parents[2] / "outlets" / "majipro.toml")
    await seed_outlet(house, msgspec.structs.replace(file, channels=CHANNELS))


@asynccontextmanager
async def reachable(house: House) -> AsyncIterator[str]:
    """Serve the inbox's door over HTTP; gives its address."""
    door = Door(house.kinds, house.directory.resolve, house.committer, house.clock)

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        path, _, query = request.raw_path.partition("?")
        scope = {
            "type": "http",
            "method": request.method,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(k.lower(), v) for k, v in request.raw_headers],
        }
        await door(scope, receive, send)
        headers = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
        return web.Response(status=sent[0]["status"], body=sent[1]["body"], headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def hurry(house: House) -> None:
    """Nobody waits a second for each message; the real limits have tests of their own."""
    for kind in ("twilio_whatsapp", "twilio_sms"):
        limits = Limits(0.0001, 100, 0.0001, 100, 0.0001, 100)
        house.kinds[kind] = replace(house.kinds[kind], limits=limits)


def said(message: Any) -> str:
    """Return what a message of Twilio's says."""
    card = message.types.get("twilio/card", {})
    return str(message.body or card.get("title", ""))


@dataclass
class Person:
    """Somebody who writes to one of the channel's senders. ``address`` is theirs at Twilio."""

    twilio: Twilio
    channel: Channel
    address: str
    known_as: str = ""  # where our answers go, if not there

    def heard(self) -> list[Any]:
        """Return the messages that we sent them."""
        to = self.known_as or self.address
        return [m for m in self.twilio.messages if m.to == to and m.direction == "outbound-api"]

    async def gives(self, event: Event) -> Delivery:
        """Deliver an event; it must be taken, and answered with TwiML that says nothing."""
        self.twilio.webhook = f"{PUBLIC}/in/{self.channel.kind}/{self.channel.path}#rc=5&rp=all"
        placed = Event(self.twilio.webhook, event.fields, event.as_json)
        [delivery] = await self.twilio.deliver(placed)
        assert (delivery.status, delivery.body) == (200, "<Response/>")
        return delivery

    async def after(self, event: Event, answers: int) -> list[Any]:
        """Deliver an event; returns the messages that answer it."""
        before = len(self.heard())
        await self.gives(event)
        async with asyncio.timeout(15):
            while len(self.heard()) < before + answers:  # noqa: ASYNC110 - a test looks
                await asyncio.sleep(0.01)
        return self.heard()[before:]

    async def says(self, text: str, answers: int = 1, **fields: Any) -> list[Any]:
        """Write a text; returns what answers it."""
        return await self.after(self.twilio.text(self.address, text, **fields), answers)

    async def taps(self, label: str, answers: int = 1) -> list[Any]:
        """Tap a button or row; returns what answers it."""
        event = self.twilio.tap(self.known_as or self.address, label)
        return await self.after(Event(event.url, {**event.fields, "From": self.address}), answers)

    async def is_told(self, beginning: str) -> Any:
        """Return the newest message that begins so, once it is there."""
        async with asyncio.timeout(15):
            while True:
                for message in reversed(self.heard()):
                    if said(message).startswith(beginning):
                        return message
                await asyncio.sleep(0.01)
