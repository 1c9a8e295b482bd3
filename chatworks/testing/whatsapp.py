"""A stand-in of the WhatsApp Cloud API on loopback: messages, media, templates, batched webhooks.

It keeps the window, the rates and the templates' states, and carries each message through its
statuses. What the webhook did not answer with 200 waits, and ``redeliver`` sends it again, as the
real one does for seven days. A person is a number without its +, or a business-scoped id.
``python -m chatworks.testing.whatsapp`` serves one for a laptop.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from chatworks.testing import whatsapp_webhooks as webhooks
from chatworks.testing.server import Delivery
from chatworks.testing.whatsapp_api import APP_SECRET as APP_SECRET
from chatworks.testing.whatsapp_api import NUMBER as NUMBER
from chatworks.testing.whatsapp_api import TOKEN as TOKEN
from chatworks.testing.whatsapp_api import VERIFY_TOKEN as VERIFY_TOKEN
from chatworks.testing.whatsapp_api import WABA as WABA
from chatworks.testing.whatsapp_api import File, WhatsAppApi

Event = Mapping[str, Any]
RETRIED = timedelta(days=7)
PHONE = "15005550001"
TAKEN = 200


@dataclass(kw_only=True)
class WhatsApp(WhatsAppApi):
    """One stand-in. ``webhook`` is the bot's public address."""

    webhook: str = ""
    app_secret: str = APP_SECRET
    verify_token: str = VERIFY_TOKEN
    steps: tuple[str, ...] = ("sent", "delivered")
    order: Callable[[list[Event]], Iterable[Event]] = list
    copies: int = 1
    delay: float = 0
    bsuids: dict[str, str] = field(default_factory=dict)  # by person: the scoped id (§4.5)
    waiting: list[tuple[datetime, bytes]] = field(default_factory=list)  # since when, and what
    posted: dict[str, dict[str, Any]] = field(default_factory=dict)  # by a message's id
    fates: dict[str, int] = field(default_factory=dict)  # the code of each message, or 0

    # -- what a person does ------------------------------------------------------------------

    def text(self, person: str, text: str, **more: Any) -> Event:
        """Return a text; ``more`` is added: ``context={"id": …}``, ``referral={…}``."""
        return self.event(person, {"type": "text", "text": {"body": text}, **more})

    def media(
        self, person: str, kind: str, content: bytes, content_type: str, **more: Any
    ) -> Event:
        """Return an image, audio, video, document or sticker; ``more`` is in it: ``caption``."""
        file = File(str(secrets.randbelow(10**15)), content_type, content)
        self.uploads[file.id] = file
        shown = {name: file.resource("")[name] for name in ("mime_type", "sha256", "id")}
        return self.event(person, {"type": kind, kind: {**shown, **more}})

    def location(self, person: str, latitude: float, longitude: float, **more: Any) -> Event:
        """Return a shared place; ``name`` and ``address`` may be among ``more``."""
        place = {"latitude": latitude, "longitude": longitude, **more}
        return self.event(person, {"type": "location", "location": place})

    def contact(self, person: str, phone: str, name: str = "P") -> Event:
        """Return a contact card."""
        card = {"name": {"formatted_name": name}, "phones": [{"phone": phone, "type": "CELL"}]}
        return self.event(person, {"type": "contacts", "contacts": [card]})

    def order_of(
        self, person: str, catalog: str, *items: Mapping[str, Any], text: str = ""
    ) -> Event:
        """Return a cart that was sent: items have a product's id, a quantity, a price."""
        order = {"catalog_id": catalog, "text": text, "product_items": list(items)}
        return self.event(person, {"type": "order", "order": order})

    def tap(self, person: str, label: str) -> Event:
        """Return a tap on the newest button or list row that begins with ``label``."""
        for ident, message in reversed(self.posted.items()):
            if self.people[ident] != person:
                continue
            for title, content in _choices(message):
                if title.startswith(label):
                    return self.event(person, {**content, "context": {"id": ident}})
        raise LookupError(f"nothing {label!r} to tap for {person}")

    def changed_id(self, person: str, new: str) -> Event:
        """Return that a person's scoped id is another now (§4.5)."""
        told = {"type": "user_changed_user_id", "user_id": new, "body": "User changed"}
        return self.event(person, {"type": "system", "system": told})

    def event(self, person: str, content: Mapping[str, Any]) -> Event:
        """Return a message of a person with any content."""
        ident = f"wamid.{secrets.token_urlsafe(24)}"
        self.people[ident] = person
        at, bsuid = int(self.clock.now().timestamp()), self.bsuids.get(person, "")
        made: Event = webhooks.message(person, ident, at, content, bsuid)
        return made

    def status(self, ident: str, status: str, code: int = 0) -> Event:
        """Return a status of a message."""
        at = int(self.clock.now().timestamp())
        made: Event = webhooks.status(ident, self.people[ident], status, at, code)
        return made

    def block(self, person: str) -> None:
        """Let a person block the number: messages to them are undeliverable."""
        self.refused[person] = 131026

    async def say(self, person: str, text: str) -> Delivery:
        """Let a person write a text, and deliver it."""
        [delivery] = await self.deliver(self.text(person, text))
        return delivery

    async def deliver(self, *events: Event, merge: bool = False) -> list[Delivery]:
        """Send events to the bot in one batch: each a change of its own, or all in one change."""
        for event in events:
            self._heed(event)
        values = [webhooks.merged(events)] if merge else events
        return [await self._send(webhooks.batch(values, self.waba, self.number, PHONE))]

    async def redeliver(self) -> list[Delivery]:
        """Send again, in another order, what was not taken in the last seven days."""
        oldest = self.clock.now() - RETRIED
        waiting, self.waiting = self.waiting[::-1], []
        return [await self._send(body, since) for since, body in waiting if since > oldest]

    async def verify(self) -> bool:
        """Ask the webhook whether it is the bot's, as Meta does when the address is entered."""
        challenge = secrets.token_hex(8)
        query = {
            "hub.mode": "subscribe",
            "hub.verify_token": self.verify_token,
            "hub.challenge": challenge,
        }
        answer = await self.request(f"{self.webhook}?{urlencode(query)}", method="GET")
        return answer == Delivery(TAKEN, challenge)

    # -- what WhatsApp does with it ----------------------------------------------------------

    def decide(self, name: str, status: str, language: str = "en") -> None:
        """Let WhatsApp say of a template: APPROVED, REJECTED, PAUSED or DISABLED."""
        self.templates[name, language]["status"] = status

    async def _send(self, body: bytes, since: datetime | None = None) -> Delivery:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": webhooks.signature(self.app_secret, body),
        }
        answer = await self.request(self.webhook, body, headers)
        if answer.status != TAKEN:
            self.waiting.append((since or self.clock.now(), body))
        return answer

    def _heed(self, event: Event) -> None:
        for message in event.get("messages", ()):
            self.windows[self.people[message["id"]]] = self.clock.now()
            if "from_user_id" in message:  # the window is the person's, by either name
                self.windows[message["from_user_id"]] = self.clock.now()

    def accept(self, ident: str, message: dict[str, Any], code: int) -> None:
        """Carry a message through its statuses; ``code`` is what befalls it."""
        self.posted[ident], self.fates[ident] = message, code
        if self.webhook:
            self.later(self._carry(ident, code))

    async def _carry(self, ident: str, code: int) -> None:
        steps = ("failed",) if code else self.steps
        for event in self.order([self.status(ident, step, code) for step in steps]):
            for _ in range(self.copies):
                await asyncio.sleep(self.delay)
                await self.deliver(event)


def _choices(message: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the title of each button and row of a message, and what a tap on it tells."""
    action = message.get("interactive", {}).get("action", {})
    for button in action.get("buttons", ()):
        reply = button["reply"]
        told = {"type": "button_reply", "button_reply": reply}
        yield reply["title"], {"type": "interactive", "interactive": told}
    for section in action.get("sections", ()):
        for row in section.get("rows", ()):
            told = {"type": "list_reply", "list_reply": row}
            yield row["title"], {"type": "interactive", "interactive": told}
    for part in message.get("template", {}).get("components", ()):
        for value in part.get("parameters", ()) if part["type"] == "button" else ():
            payload = value.get("payload", "")
            yield payload, {"type": "button", "button": {"payload": payload, "text": payload}}


async def _main(port: int, webhook: str) -> None:
    whatsapp = WhatsApp(webhook=webhook)
    await whatsapp.start(port)
    print(f"Cloud API stand-in at {whatsapp.base}, number {NUMBER}, token {TOKEN}")  # noqa: T201 - a command's output
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A stand-in of the WhatsApp Cloud API")
    parser.add_argument("--port", type=int, default=8083)
    parser.add_argument("--webhook", default="")
    options = parser.parse_args()
    asyncio.run(_main(options.port, options.webhook))
