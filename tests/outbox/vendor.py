"""A vendor with a window of free text, templates, reports and look-ups, in place of Telegram's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from chatworks.channels.models import (
    Accepted,
    Arrival,
    Channel,
    Lane,
    Outcome,
    Plan,
    Prompt,
    Report,
    WirePart,
)
from chatworks.conversations.models import Post
from chatworks.conversations.service import post
from chatworks.house import House
from chatworks.inbox.models import NewEvent
from chatworks.outbox.models import Part
from chatworks.sdk.inbound import Inbound, InboundKind, Sender
from chatworks.sdk.messages import Message

Sending = Callable[[], AbstractAsyncContextManager[None]]


@dataclass
class Vendor:
    """What the vendor received, and what it will answer; it takes everything else."""

    house: House
    channel: Channel
    url: str
    received: list[str] = field(default_factory=list)
    answers: dict[str, list[Outcome]] = field(default_factory=dict)
    fates: list[Outcome | None] = field(default_factory=list)
    known: dict[int, UUID] = field(default_factory=dict)
    events: int = 0

    def install(self, hours: int | None, *, asks: bool) -> None:
        """Take the place of Telegram."""
        kind = self.house.kinds["telegram"]
        self.house.kinds["telegram"] = replace(
            kind,
            capabilities=replace(kind.capabilities, window_hours=hours),
            plan=plan,
            read=read,
            send=self.send,
            reconcile=self.look if asks else None,
            limits=None,
        )

    async def send(self, _channel: Channel, part: WirePart) -> Outcome:
        """Take a message, or answer as told."""
        text = part.params["text"]
        waiting = self.answers.get(text)
        if waiting:
            return waiting.pop(0)
        self.received.append(text)
        times = self.received.count(text)
        return Accepted(f"id of {text}" if times == 1 else f"id of {text}, {times}")

    async def look(self, _channel: Channel, _part: WirePart, _since: datetime) -> Outcome | None:
        """Say what became of a message."""
        return self.fates.pop(0)

    async def say(self, chat: int, text: str, *, topic: str = "", bulk: bool = False) -> None:
        """Say something to a person who may never have written."""
        outlet, channel = self.channel.outlet_id, self.channel.id
        async with self.house.db.engine([outlet]) as work:
            if chat not in self.known:
                contact, self.known[chat] = work.new_id(), work.new_id()
                await work.conn.execute(
                    "INSERT INTO contact (outlet_id, id, channel_id, vendor_id, language,"
                    " created_at) VALUES (%s, %s, %s, %s, 'en', now())",
                    [outlet, contact, channel, str(chat)],
                )
                await work.conn.execute(
                    "INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread,"
                    " thread_key, last_at, created_at)"
                    " VALUES (%s, %s, %s, %s, %s, %s, now(), now())",
                    [outlet, self.known[chat], channel, contact, str(chat), chat],
                )
            message = Message(text, topic=topic)
            post(work, Post(outlet, self.known[chat], message, bulk=bulk))

    async def tell(self, *events: dict[str, Any], chat: int = 1) -> None:
        """Deliver events, and take them in turns until nothing is left."""
        new = []
        for event in events:
            self.events += 1
            payload = msgspec.json.encode(event)
            arrival = Arrival(f"e{self.events}", str(chat), Lane.MESSAGE, self.events, payload)
            new.append(NewEvent(self.channel.outlet_id, self.channel.id, arrival))
        await self.house.committer.accept(new)
        while await self.house.worker.step():
            pass

    def rows(self, columns: str, chat: int = 1) -> list[tuple[Any, ...]]:
        """Return columns of a chat's parts in the order of queueing."""
        with psycopg.connect(self.url) as conn:
            query = f"SELECT {columns} FROM outbox_part WHERE thread = %s ORDER BY n"  # noqa: S608
            return conn.execute(query, [str(chat)]).fetchall()

    def run(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement as the owner."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            cursor = conn.execute(query, values)
            return cursor.fetchall() if cursor.description else []


def plan(prompt: Prompt) -> Plan:
    """Say it as it is; with a closed window by its topic's template, or hold it and ask."""
    words = WirePart("send", {"text": prompt.message.text})
    if prompt.window_open:
        return Plan((words,))
    names = {template.topic: template.name for template in prompt.templates}
    if prompt.message.topic in names:
        name = names[prompt.message.topic]
        return Plan((WirePart("send", {"text": f"<{name}>"}, template=name),))
    if "reopen" not in names:
        return Plan((words,), held="window")
    asking = WirePart("send", {"text": "<please write>"}, template=names["reopen"])
    return Plan((words,), held="window", first=(asking,))


def read(payload: bytes, _channel: Channel) -> Inbound | Report:
    """Read what ``Vendor.tell`` delivers: words, or a report."""
    event = msgspec.json.decode(payload)
    if "status" in event:
        return msgspec.convert(event, Report)
    return Inbound(InboundKind.TEXT, Sender("1", name="P"), text=event["text"])


def ids(parts: Sequence[Part]) -> list[str]:
    """Return the texts of parts."""
    return [part.payload.params["text"] for part in parts]
