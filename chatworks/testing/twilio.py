"""A stand-in of Twilio on loopback: Messaging for WhatsApp and SMS, and the Content API.

It keeps the window, the opt-outs, the queues and the templates' states, carries each message
through its statuses, and asks the bot's webhook with Twilio's signature and retries. A test
reorders (``order``), doubles (``copies``) and delays (``delay``) the status callbacks.
``python -m chatworks.testing.twilio`` serves one for a laptop.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from chatworks.testing import twilio_rules as rules
from chatworks.testing import twilio_webhooks as webhooks
from chatworks.testing.server import Delivery
from chatworks.testing.twilio_api import ACCOUNT_SID as ACCOUNT_SID
from chatworks.testing.twilio_api import AUTH_TOKEN as AUTH_TOKEN
from chatworks.testing.twilio_api import SANDBOX as SANDBOX
from chatworks.testing.twilio_api import SMS as SMS
from chatworks.testing.twilio_api import WHATSAPP as WHATSAPP
from chatworks.testing.twilio_content_api import TwilioContentApi
from chatworks.testing.twilio_messages import Media, Message, new_sid
from chatworks.testing.twilio_webhooks import Event, Fields

UNDELIVERED = {30003, 30005, 30007, 63024, 63033}  # the others are "failed"
FETCH_SECONDS = 15


@dataclass(kw_only=True)
class Twilio(TwilioContentApi):
    """One stand-in. ``webhook`` is the public address that was entered at Twilio, with its fragment
    of retries; ``fallback`` is the one for errors. ``account_sid`` and ``auth_token`` authenticate.
    """

    webhook: str = ""
    webhooks: dict[str, str] = field(default_factory=dict)  # by sender, where it has another
    fallback: str = ""
    signs_port: bool = False  # sign the address with its port, as Twilio does at times
    advanced_opt_out: bool = False  # tell OptOutType, as a Messaging Service set so does
    steps: tuple[str, ...] = ("sent", "delivered")
    order: Callable[[list[Event]], Iterable[Event]] = list
    copies: int = 1
    delay: float = 0
    bsuids: dict[str, str] = field(default_factory=dict)  # by person: the scoped id (§4.5)

    # -- what a person does ------------------------------------------------------------------

    def text(self, person: str, text: str, to: str = "", **fields: Any) -> Event:
        """Return a text; ``fields`` are added (``ReferralSourceId=…``) or replace."""
        return self._event(person, to, {"Body": text, **fields})

    def media(
        self, person: str, *files: tuple[bytes, str], text: str = "", to: str = "", **fields: Any
    ) -> Event:
        """Return files, each its bytes and content type, with a text beside them."""
        sid = new_sid("MM")
        kept = [Media(new_sid("ME"), kind, content) for content, kind in files]
        message = self._inbound(sid, person, to, text)
        message.media = kept
        told: Fields = {"Body": text, "NumMedia": str(len(kept))}
        for index, media in enumerate(kept):
            told[f"MediaUrl{index}"] = f"{self.base}{message.uri}/Media/{media.sid}"
            told[f"MediaContentType{index}"] = media.content_type
        if rules.is_whatsapp(person) and kept:
            told["MessageType"] = _kind(kept[0].content_type)
        return self._event(person, to, {**told, **fields}, sid)

    def location(
        self, person: str, latitude: float, longitude: float, to: str = "", **fields: Any
    ) -> Event:
        """Return a shared place; ``Address`` and ``Label`` may be among ``fields``."""
        place = {"Latitude": str(latitude), "Longitude": str(longitude), "MessageType": "location"}
        return self._event(person, to, {**place, **fields})

    def tap(self, person: str, label: str) -> Event:
        """Return a tap on the newest button or list row that begins with ``label``."""
        for message in reversed(self.messages):
            if message.to != person:
                continue
            for fields in _choices(message.types):
                if fields["Body"].startswith(label):
                    replied = {"OriginalRepliedMessageSid": message.sid}
                    return self._event(person, message.sender, {**fields, **replied})
        raise LookupError(f"nothing {label!r} to tap for {person}")

    def status(self, sid: str, status: str, code: int = 0) -> Event:
        """Return a status callback of a message, to its own address or the webhook."""
        return self._status(self.message(sid), status, code)

    def block(self, person: str) -> None:
        """Let a person block the sender: 63033 on WhatsApp, 21610 by SMS."""
        self.refused[person] = 63033 if rules.is_whatsapp(person) else 21610

    async def say(self, person: str, text: str, to: str = "") -> Delivery:
        """Let a person write a text, and deliver it."""
        [delivery] = await self.deliver(self.text(person, text, to))
        return delivery

    async def deliver(self, *events: Event) -> list[Delivery]:
        """Send events to the bot in this order, each after the one before was answered."""
        return [await self._deliver(event) for event in events]

    def _number(self, person: str) -> str:
        kind = rules.is_whatsapp(person)
        return next(sender for sender in self.senders if rules.is_whatsapp(sender) == kind)

    def _event(self, person: str, to: str, fields: Fields, sid: str = "") -> Event:
        message = self._inbound(sid or new_sid("SM"), person, to, str(fields.get("Body", "")))
        told = webhooks.inbound(self.account_sid, message.sid, person, message.to)
        if rules.is_whatsapp(person):
            name = f"Person {person[-4:]}"
            told |= webhooks.of_whatsapp(person, name, self.bsuids.get(person, ""))
        else:
            told["NumSegments"] = str(rules.segments(message.body))
            word = rules.keyword(message.body)
            if word and self.advanced_opt_out:
                told["OptOutType"] = word
        return Event(self.webhooks.get(message.to, self.webhook), {**told, **fields})

    def _status(self, message: Message, status: str, code: int) -> Event:
        fields = webhooks.status(message.resource(), status, code)
        return Event(message.callback or self.webhook, {**fields, "From": message.sender})

    def _inbound(self, sid: str, person: str, to: str, body: str) -> Message:
        if sid in self._by_sid:
            return self._by_sid[sid]
        message = Message(
            account_sid=self.account_sid,
            sid=sid,
            to=to or self._number(person),
            sender=person,
            body=body,
            direction="inbound",
            status="received",
            created=self.clock.now(),
            sent_at=self.clock.now(),
        )
        return self.keep(message)

    # -- what Twilio does with it ------------------------------------------------------------

    async def _deliver(self, event: Event) -> Delivery:
        self._heed(event)
        policy = webhooks.policy(event.url)
        answer = Delivery(0)
        for attempt in range(1, policy.retries + 2):
            answer = await self._post(event, policy.timeout)
            answer = Delivery(answer.status, answer.body, attempt)
            if not policy.again(answer):
                break
        failed = not 0 < answer.status < webhooks.CLIENT_ERROR
        if failed and self.fallback and "MessageStatus" not in event.fields:
            told: Fields = {"ErrorCode": "11200", "ErrorUrl": event.address()}
            spare = Event(self.fallback, {**event.fields, **told}, event.as_json)
            last = await self._post(spare, policy.timeout)
            return Delivery(last.status, last.body, answer.attempts + 1)
        return answer

    async def _post(self, event: Event, timeout: aiohttp.ClientTimeout) -> Delivery:  # noqa: ASYNC109 - the address's own
        address = event.address()
        signed = webhooks.with_port(address) if self.signs_port else address
        fields = {} if event.as_json else event.fields
        kind = "application/json" if event.as_json else "application/x-www-form-urlencoded"
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": webhooks.signature(self.auth_token, signed, fields),
            "I-Twilio-Idempotency-Token": new_sid(""),
        }
        return await self.request(address, event.body(), headers, timeout=timeout)

    def _heed(self, event: Event) -> None:
        """Open the window, act on opt-out words, or take the status that an event tells."""
        if "MessageStatus" in event.fields:
            message = self._by_sid.get(str(event.fields["MessageSid"]))
            if message is not None:  # it may have been deleted
                message.move(str(event.fields["MessageStatus"]))
            return
        person, sender = str(event.fields["From"]), str(event.fields["To"])
        if rules.is_whatsapp(person):
            self.windows[person, sender] = self.clock.now()
            return
        pair, word = (person, sender), rules.keyword(str(event.fields["Body"]))
        heard = word == "HELP" or (word != "" and (pair in self.opted_out) == (word == "START"))
        if word == "STOP":
            self.opted_out.add(pair)
        elif word == "START":
            self.opted_out.discard(pair)
        if heard:
            self._answer(person, sender, rules.OWN_ANSWERS[word])

    def _answer(self, person: str, sender: str, text: str) -> None:
        now = self.clock.now()
        self.keep(
            Message(
                account_sid=self.account_sid,
                sid=new_sid("SM"),
                to=person,
                sender=sender,
                body=text,
                direction="outbound-reply",
                status="delivered",
                created=now,
                sent_at=now,
            )
        )

    # -- what becomes of a message -----------------------------------------------------------

    def accept(self, message: Message, code: int) -> None:
        """Carry a message through its statuses; ``code`` is what befalls it."""
        self.later(self._carry(message, code))

    async def _carry(self, message: Message, code: int) -> None:
        for url in message.media_urls:
            code = code or await self._media_problem(message.to, url)
        end = "undelivered" if code in UNDELIVERED else "failed"
        steps = (end,) if code else self.steps
        if code:
            message.code, message.told = code, rules.ERRORS[code]
        message.sent_at = message.sent_at or self.clock.now()
        events = [self._status(message, step, code) for step in steps]
        for step in steps:
            message.move(step)
        if not message.callback:
            return
        for event in self.order(events):
            for _ in range(self.copies):
                await asyncio.sleep(self.delay)
                await self._deliver(event)

    async def _media_problem(self, to: str, url: str) -> int:
        """Fetch a file of a message, as Twilio does, and return the code it meets, or 0."""
        if self._client is None:
            return 63019
        limit = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with self._client.get(self.reached(url), timeout=limit) as answer:
                size = len(await answer.read())
                if answer.status != 200:  # noqa: PLR2004 - HTTP
                    return 63019
                return rules.media_problem(to, answer.content_type, size)
        except (aiohttp.ClientError, TimeoutError):
            return 63019


def _kind(content_type: str) -> str:
    family = content_type.partition("/")[0]
    if content_type == "text/vcard":
        return "contacts"
    return family if family in {"image", "audio", "video"} else "document"


def _choices(types: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield what a tap on each button or row of a message would tell."""
    for value in types.values():
        for item in value.get("items", ()):
            title = item.get("item", "")
            kind = {"MessageType": "interactive", "Body": title}
            yield {**kind, "ListTitle": title, "ListId": item.get("id", "")}
        for holder in (value, *value.get("cards", ())):
            for action in holder.get("actions", ()):
                if action.get("type", "QUICK_REPLY") == "QUICK_REPLY" and "title" in action:
                    title = action["title"]
                    payload = action.get("id") or title
                    told = {"ButtonText": title, "ButtonPayload": payload}
                    yield {"MessageType": "button", "Body": title, **told}


async def _main(port: int, webhook: str) -> None:
    twilio = Twilio(webhook=webhook)
    await twilio.start(port)
    print(f"Twilio stand-in at {twilio.base}, account {ACCOUNT_SID}, token {AUTH_TOKEN}")  # noqa: T201 - a command's output
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A stand-in of Twilio")
    parser.add_argument("--port", type=int, default=8082)
    parser.add_argument("--webhook", default="")
    options = parser.parse_args()
    asyncio.run(_main(options.port, options.webhook))
