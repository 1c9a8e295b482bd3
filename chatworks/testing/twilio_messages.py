"""A message at Twilio: its resource, its rank-ordered status, the queue of its sender, the list."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import format_datetime
from operator import eq, ge, le
from typing import Any

from chatworks.testing.twilio_rules import is_whatsapp, segments

PAGE_SIZE, PAGE_SIZE_MAX = 50, 1000
RANKS = (
    "accepted", "scheduled", "queued", "sending", "sent", "delivered", "read", "undelivered",
    "failed", "received",
)  # fmt: skip


def new_sid(kind: str) -> str:
    """Return a sid: two letters and 32 hexadecimal digits."""
    return kind + secrets.token_hex(16)


@dataclass
class Media:
    """A file of a message."""

    sid: str
    content_type: str
    content: bytes


@dataclass
class Message:
    """One message, sent or received. ``types`` is a content resource's types as they were sent."""

    account_sid: str
    sid: str
    to: str
    sender: str
    body: str
    direction: str
    status: str
    created: datetime
    sent_at: datetime | None = None
    service_sid: str | None = None
    callback: str = ""
    code: int = 0
    told: str = ""  # the words of its code
    types: dict[str, Any] = field(default_factory=dict)
    media: list[Media] = field(default_factory=list)
    media_urls: list[str] = field(default_factory=list)

    @property
    def uri(self) -> str:
        """Its path, without the ending."""
        return f"/2010-04-01/Accounts/{self.account_sid}/Messages/{self.sid}"

    @property
    def person(self) -> str:
        """The person's address."""
        return self.sender if self.direction == "inbound" else self.to

    def move(self, status: str) -> None:
        """Take a status, unless a later one is known."""
        if RANKS.index(status) > RANKS.index(self.status):
            self.status = status

    def resource(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        count = len(self.media) + len(self.media_urls)
        assigned = self.service_sid is None or self.status != "accepted"
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": format_datetime(self.created),
            "date_sent": format_datetime(self.sent_at) if self.sent_at else None,
            "date_updated": format_datetime(self.sent_at or self.created),
            "direction": self.direction,
            "error_code": self.code or None,
            "error_message": self.told or None,
            "from": self.sender if assigned else None,
            "messaging_service_sid": self.service_sid,
            "num_media": str(count),
            "num_segments": str(1 if is_whatsapp(self.to) else segments(self.body)),
            "price": None,
            "price_unit": None,
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{self.uri}/Media.json"},
            "to": self.to,
            "uri": f"{self.uri}.json",
        }

    def media_resource(self, media: Media) -> dict[str, Any]:
        """Return one of its files as the API shows it."""
        return {
            "sid": media.sid,
            "account_sid": self.account_sid,
            "parent_sid": self.sid,
            "content_type": media.content_type,
            "date_created": format_datetime(self.created),
            "date_updated": format_datetime(self.created),
            "uri": f"{self.uri}/Media/{media.sid}.json",
        }


def matching(messages: Iterable[Message], query: Mapping[str, str]) -> list[Message]:
    """Return what a list shows, newest first: by To, From, and the day it was sent.

    ``ValueError`` where a date is none.
    """
    found = list(messages)[::-1]
    if "To" in query:
        found = [message for message in found if message.to == query["To"]]
    if "From" in query:
        found = [message for message in found if message.sender == query["From"]]
    for name, fits in (("DateSent", eq), ("DateSent<", le), ("DateSent>", ge)):
        if name in query:
            asked = date.fromisoformat(query[name][:10])
            found = [m for m in found if m.sent_at and fits(m.sent_at.date(), asked)]
    return found


def page(rows: list[Any], query: Mapping[str, str]) -> tuple[list[Any], int, int, bool]:
    """Return a page's rows, its number, its size, and whether another follows."""
    size = min(max(int(query.get("PageSize", PAGE_SIZE)), 1), PAGE_SIZE_MAX)
    number = int(query.get("Page", 0))
    return rows[number * size : (number + 1) * size], number, size, len(rows) > (number + 1) * size


@dataclass
class Queue:
    """How long a sender's queue is: each message takes its share of a second, in order."""

    free_at: float = 0

    def wait(self, now: float) -> float:
        """Return how many seconds a message that comes now waits."""
        return max(self.free_at - now, 0)

    def put(self, now: float, seconds: float) -> None:
        """Take a message whose sending takes ``seconds``."""
        self.free_at = max(self.free_at, now) + seconds
