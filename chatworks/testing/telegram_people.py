"""The people's side of the Bot API's stand-in: what they do is an update, as Telegram makes it.

An update is made first and delivered then, so a test may reverse, repeat or withhold it. What
nobody takes waits, for a limited time: a callback 150 seconds, a message 24 hours.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chatworks.testing.server import Call, Delivery, Fault, StandIn

BOT = {"id": 12345, "is_bot": True, "first_name": "Stand-in", "username": "StandInBot"}
EPOCH = 1_790_000_000
QUERY_SECONDS, MESSAGE_SECONDS = 150, 24 * 3600  # how long an update waits (§4.1)
LIFE_SECONDS = {
    "callback_query": QUERY_SECONDS,
    "pre_checkout_query": QUERY_SECONDS,
    "inline_query": 30,
    "chosen_inline_result": 600,
}
UNASKED = {"chat_member", "message_reaction", "message_reaction_count"}  # sent only where asked for
TAKEN = range(200, 300)


@dataclass(kw_only=True)
class Upload:
    """A file at Telegram."""

    name: str
    content_type: str
    content: bytes
    shared_at: datetime | None = None  # when getFile gave its address


@dataclass(kw_only=True)
class People(StandIn):
    """What people do, and the updates that wait."""

    updates: deque[Any] = field(default_factory=deque)
    webhook: dict[str, Any] = field(default_factory=dict)
    born: dict[int, datetime] = field(default_factory=dict)  # by update_id
    queries: dict[str, datetime] = field(default_factory=dict)  # when a query was made, by its id
    sales: dict[str, dict[str, Any]] = field(default_factory=dict)  # by pre_checkout_query's id
    files: dict[str, Upload] = field(default_factory=dict)  # by file_id
    migrated: dict[int, int] = field(default_factory=dict)  # a group's old id and its new one
    privacy: bool = False  # of a group, give commands, mentions and answers alone
    managed: dict[int, str] = field(default_factory=dict)  # a managed bot's id and its token
    _ids: dict[int, itertools.count[int]] = field(
        default_factory=lambda: defaultdict(lambda: itertools.count(1))
    )
    _update_ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1000))

    # -- what a person does ------------------------------------------------------------------

    def update(self, kind: str, chat: int, content: dict[str, Any]) -> dict[str, Any]:
        """Return an update of one person in a private chat."""
        number = next(self._update_ids)
        self.born[number] = self.clock.now()
        common: dict[str, Any] = {"from": _person(chat)}
        if kind not in {"callback_query", "pre_checkout_query"}:
            place = {"id": chat, "type": "private", "first_name": f"Person {chat}"}
            common |= {"chat": place, "date": EPOCH + number}
        if kind in {"message", "edited_message"}:
            common["message_id"] = 10_000 + number
        return {"update_id": number, kind: {**common, **content}}

    def text(self, chat: int, text: str) -> dict[str, Any]:
        """Return a text, or a command if it starts with a slash."""
        return self.update("message", chat, _text(text))

    def group_text(self, group: int, title: str, person: int, text: str) -> dict[str, Any]:
        """Return what a person writes in a group."""
        place = {"id": group, "type": "supergroup", "title": title}
        return self.update("message", person, {**_text(text), "chat": place})

    def membership(self, chat: int, status: str) -> dict[str, Any]:
        """Return that a person blocked the bot (``kicked``) or unblocked it (``member``)."""
        was = "member" if status == "kicked" else "kicked"
        old, new = ({"status": s, "user": BOT} for s in (was, status))
        content: dict[str, Any] = {"old_chat_member": old, "new_chat_member": new}
        return self.update("my_chat_member", chat, content)

    def block(self, chat: int) -> dict[str, Any]:
        """Let a person block the bot; return the update that tells it."""
        self.faults.append(Fault("blocked", chat=chat))
        return self.membership(chat, "kicked")

    def tap(self, chat: int, label: str) -> dict[str, Any]:
        """Return a tap on the newest button that begins with ``label``."""
        for call in reversed(self.sent(chat)):
            rows = (call.params.get("reply_markup") or {}).get("inline_keyboard", [])
            for button in (button for row in rows for button in row):
                if button["text"].startswith(label):
                    return self.tap_data(chat, button["callback_data"], call)
        raise LookupError(f"no button {label!r} in chat {chat}")

    def tap_data(self, chat: int, data: str, call: Call) -> dict[str, Any]:
        """Return a tap with this callback data, on the keyboard of ``call``."""
        shown = ("text", "caption", "reply_markup")
        message: dict[str, Any] = {key: call.params[key] for key in shown if key in call.params}
        message |= {"message_id": call.message_id, "date": EPOCH}
        message["chat"] = {"id": chat, "type": "private"}
        number = f"{chat}{len(self.calls)}{next(self._ids[-1])}"
        self.queries[number] = self.clock.now()
        return self.update(
            "callback_query",
            chat,
            {"id": number, "message": message, "chat_instance": "1", "data": data},
        )

    def location(self, chat: int, latitude: float, longitude: float) -> dict[str, Any]:
        """Return a shared location."""
        place = {"latitude": latitude, "longitude": longitude}
        return self.update("message", chat, {"location": place})

    def contact(self, chat: int, phone: str) -> dict[str, Any]:
        """Return the person's own contact."""
        shared = {"phone_number": phone, "first_name": "P", "user_id": chat}
        return self.update("message", chat, {"contact": shared})

    def media(
        self, chat: int, kind: str, content: bytes, content_type: str, caption: str = ""
    ) -> dict[str, Any]:
        """Return a photo, document, audio, video or voice."""
        name = f"{kind}.{content_type.partition('/')[2]}"
        ident = self.keep(Upload(name=name, content_type=content_type, content=content))
        told: dict[str, Any] = {kind: self.shown(kind, ident)}
        return self.update("message", chat, told | ({"caption": caption} if caption else {}))

    def pay(self, chat: int) -> dict[str, Any]:
        """Return the question before the payment of the newest invoice in a chat.

        Answered with ok within 10 seconds, the payment follows by itself, as a message.
        """
        invoice = next(c for c in reversed(self.sent(chat)) if c.method == "sendInvoice").params
        ident = f"{chat}{next(self._ids[-1])}"
        self.queries[ident] = self.clock.now()
        asked = {
            "currency": invoice["currency"],
            "total_amount": sum(price["amount"] for price in invoice["prices"]),
            "invoice_payload": invoice["payload"],
        }
        self.sales[ident] = {**asked, "chat": chat, "state": "asked"}
        return self.update("pre_checkout_query", chat, {"id": ident, **asked})

    def migrate(self, old: int, new: int, title: str, person: int) -> list[dict[str, Any]]:
        """Let a group become a supergroup; return the two messages that tell it."""
        self.migrated[old] = new
        group = {"chat": {"id": old, "type": "group", "title": title}}
        whole = {"chat": {"id": new, "type": "supergroup", "title": title}}
        return [
            self.update("message", person, {**group, "migrate_to_chat_id": new}),
            self.update("message", person, {**whole, "migrate_from_chat_id": old}),
        ]

    def create_bot(self, chat: int, bot: int, username: str) -> list[dict[str, Any]]:
        """Let a person make a managed bot; return the message and the update that tell it."""
        self.managed[bot] = f"{bot}:managed"
        user = {"id": bot, "is_bot": True, "first_name": username, "username": username}
        told = self.update("message", chat, {"managed_bot_created": {"bot": user}})
        number = next(self._update_ids)
        self.born[number] = self.clock.now()
        return [told, {"update_id": number, "managed_bot": {"user": _person(chat), "bot": user}}]

    # -- files -------------------------------------------------------------------------------

    def keep(self, upload: Upload) -> str:
        """Keep a file and return its id."""
        ident = f"file-{len(self.files) + 1}"
        self.files[ident] = upload
        return ident

    def shown(self, kind: str, ident: str) -> Any:
        """Return a file as a message shows it."""
        upload = self.files[ident]
        base = {"file_id": ident, "file_unique_id": f"u{ident}", "file_size": len(upload.content)}
        named = {"file_name": upload.name, "mime_type": upload.content_type}
        match kind:
            case "photo":
                return [{**base, "width": 1, "height": 1}]
            case "audio" | "voice":
                return {**base, "mime_type": upload.content_type, "duration": 1}
            case "video" | "animation":
                return {**base, **named, "width": 1, "height": 1, "duration": 1}
        return {**base, **named}

    # -- what Telegram does with it ----------------------------------------------------------

    async def say(self, chat: int, text: str) -> Delivery:
        """Let a person write a text, and deliver it."""
        [delivery] = await self.deliver(self.text(chat, text))
        return delivery

    async def deliver(self, *updates: dict[str, Any]) -> list[Delivery]:
        """Give updates to the webhook, each once the one before was answered; without a webhook
        they wait for ``getUpdates``. What was not taken waits for ``redeliver``.
        """
        return [await self._deliver(update) for update in updates]

    async def redeliver(self) -> list[Delivery]:
        """Give what waits to the webhook again; what waited too long is gone."""
        self.forget_expired()
        waiting = [*self.updates]
        self.updates.clear()
        return await self.deliver(*waiting)

    def forget_expired(self) -> None:
        """Take out of ``updates`` what waited too long."""
        for update in [*self.updates]:
            if self._is_expired(update):
                self.updates.remove(update)

    def _is_expired(self, update: Any) -> bool:
        born = self.born.get(number_of(update))
        if born is None or not isinstance(update, dict):
            return False
        kind = next((key for key in update if key in LIFE_SECONDS), "")
        age = (self.clock.now() - born).total_seconds()
        return age > LIFE_SECONDS.get(kind, MESSAGE_SECONDS)

    def is_wanted(self, update: Any, allowed: list[str] | None) -> bool:
        """Return whether the bot asked for updates of this kind."""
        kinds = set(update) - {"update_id"} if isinstance(update, dict) else set()
        return not (kinds - set(allowed) if allowed else kinds & UNASKED)

    async def _deliver(self, update: dict[str, Any]) -> Delivery:
        url = self.webhook.get("url")
        if self.privacy and not _is_for_bot(update.get("message", {})):
            return Delivery(0, "privacy mode")
        if not self.is_wanted(update, self.webhook.get("allowed_updates")):
            return Delivery(0, "not asked for")
        if not url:
            self.updates.append(update)
            return Delivery(0, "waits for getUpdates")
        headers = {"Content-Type": "application/json"}
        if "secret_token" in self.webhook:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.webhook["secret_token"]
        answer = await self.request(url, json.dumps(update).encode(), headers)
        if answer.status not in TAKEN:
            self.updates.append(update)
        return answer


def number_of(update: Any) -> int:
    """Return an update's number; what is malformed on purpose counts as an old one."""
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) else 0


def _is_for_bot(message: dict[str, Any]) -> bool:
    """Return whether privacy mode lets a message through: in a group, what speaks to the bot."""
    said = message.get("text", message.get("caption", ""))
    entities = message.get("entities", [])
    return (
        message.get("chat", {}).get("type", "private") == "private"
        or any(entity["type"] == "bot_command" for entity in entities)
        or f"@{BOT['username']}" in said
        or message.get("reply_to_message", {}).get("from", {}).get("id") == BOT["id"]
        or not {"text", "caption", "photo", "document", "location", "contact"} & set(message)
    )


def _person(chat: int) -> dict[str, Any]:
    name = f"Person {chat}"
    return {"id": chat, "is_bot": False, "first_name": name, "language_code": "en"}


def _text(text: str) -> dict[str, Any]:
    if not text.startswith("/"):
        return {"text": text}
    length = len(text.split(" ", maxsplit=1)[0])
    command = {"type": "bot_command", "offset": 0, "length": length}
    return {"text": text, "entities": [command]}
