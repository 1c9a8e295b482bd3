"""What Twilio sends to a bot: fields of messages and statuses, its signature, its retries.

The signature is the published algorithm: base64 of HMAC-SHA1 with the auth token over the full
address and, sorted by name, each name and value of the form (values of one name sorted, without
doubles); a JSON body is signed through ``bodySHA256`` in the query. Retries follow the address's
fragment: ``#rc=5&rp=all``. Without one, only a connection that failed is tried again, once: an
answer of 500 or none at all loses the event (reference/messaging.md §4.2).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import aiohttp

from chatworks.testing.server import Delivery

Fields = dict[str, str | list[str]]
CONNECT_MS, TOTAL_MS = 5_000, 15_000
CONNECT_MS_LEAST, CONNECT_MS_MOST, MS_MOST = 100, 10_000, 15_000
RETRIES_MAX = 5
POLICIES = {"ct", "rt", "4xx", "5xx"}
CLIENT_ERROR, SERVER_ERROR = 400, 500


@dataclass(frozen=True, slots=True)
class Event:
    """One request to the bot: where to, and its form (or its JSON body)."""

    url: str
    fields: Fields
    as_json: bool = False

    def body(self) -> bytes:
        """Return the request's body."""
        if self.as_json:
            return json.dumps(self.fields).encode()
        return urlencode(self.fields, doseq=True).encode()

    def address(self) -> str:
        """Return where the request goes, without the fragment, with the hash of a JSON body."""
        parts = urlsplit(self.url)._replace(fragment="")
        if self.as_json:
            digest = hashlib.sha256(self.body()).hexdigest()
            joint = "&" if parts.query else ""
            parts = parts._replace(query=f"{parts.query}{joint}bodySHA256={digest}")
        return urlunsplit(parts)


def signature(token: str, url: str, fields: Mapping[str, str | list[str]]) -> str:
    """Return ``X-Twilio-Signature`` of a request; ``fields`` is empty for a JSON body."""
    text = url
    for name, value in sorted(fields.items()):
        values = sorted(set(value)) if isinstance(value, list) else [value]
        text += "".join(name + one for one in values)
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def with_port(url: str) -> str:
    """Return an address with its scheme's port, which Twilio signs at times."""
    parts = urlsplit(url)
    if parts.port is None:
        port = 443 if parts.scheme == "https" else 80
        parts = parts._replace(netloc=f"{parts.netloc}:{port}")
    return urlunsplit(parts)


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and for what a request is tried again, and how long it may take."""

    retries: int = 1
    kinds: frozenset[str] = frozenset({"ct"})
    timeout: aiohttp.ClientTimeout = field(default_factory=aiohttp.ClientTimeout)

    def again(self, delivery: Delivery) -> bool:
        """Return whether this outcome is one to try again."""
        if delivery.status <= 0:
            kind = "rt" if delivery.status else "ct"
        elif delivery.status < CLIENT_ERROR:
            return False
        else:
            kind = "5xx" if delivery.status >= SERVER_ERROR else "4xx"
        return kind in self.kinds


def policy(url: str) -> Policy:
    """Return what the fragment of a webhook's address asks for; nonsense in it counts as absent."""
    asked = dict(parse_qsl(urlsplit(url).fragment))
    retries = _number(asked.get("rc"), 0, RETRIES_MAX, 1)
    connect = _number(asked.get("ct"), CONNECT_MS_LEAST, CONNECT_MS_MOST, CONNECT_MS)
    read = _number(asked.get("rt"), CONNECT_MS_LEAST, MS_MOST, TOTAL_MS)
    total = _number(asked.get("tt"), CONNECT_MS_LEAST, MS_MOST, TOTAL_MS)
    named = set(asked.get("rp", "ct").split(","))
    kinds = POLICIES if "all" in named else named & POLICIES
    timeout = aiohttp.ClientTimeout(
        total=total / 1000, sock_connect=connect / 1000, sock_read=read / 1000
    )
    return Policy(retries, frozenset(kinds), timeout)


def _number(text: str | None, least: int, most: int, default: int) -> int:
    value = int(text) if text and text.isdigit() else default
    return value if least <= value <= most else default


def inbound(account: str, sid: str, person: str, sender: str) -> Fields:
    """Return the fields that every message of a person has."""
    return {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": account,
        "ApiVersion": "2010-04-01",
        "From": person,
        "To": sender,
        "Body": "",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
    }


def of_whatsapp(person: str, name: str, bsuid: str) -> Fields:
    """Return what WhatsApp tells of a person: a name, the number where it is known, the id that is
    scoped to the business (§4.5).
    """
    bare = person.removeprefix("whatsapp:")
    fields: Fields = {"ProfileName": name, "MessageType": "text", "ChannelMetadata": ""}
    if bare.startswith("+"):
        fields["WaId"] = bare.removeprefix("+")
    if bsuid or not bare.startswith("+"):
        fields["ExternalUserId"] = bsuid or bare
    context: dict[str, Any] = {
        "ProfileName": name,
        **{k: fields[k] for k in ["WaId"] if k in fields},
    }
    metadata = {"type": "whatsapp", "data": {"context": context}}
    return {**fields, "ChannelMetadata": json.dumps(metadata)}


def status(message: Mapping[str, Any], what: str, code: int = 0) -> Fields:
    """Return the fields of a status callback of a message resource."""
    fields: Fields = {
        "MessageSid": message["sid"],
        "SmsSid": message["sid"],
        "MessageStatus": what,
        "SmsStatus": what,
        "AccountSid": message["account_sid"],
        "ApiVersion": "2010-04-01",
        "From": message["from"] or "",
        "To": message["to"],
    }
    if str(message["to"]).startswith("whatsapp:"):
        fields |= {"ChannelPrefix": "whatsapp", "ChannelToAddress": message["to"]}
    if what == "read":
        fields["EventType"] = "READ"
    if code:
        fields["ErrorCode"] = str(code)
    return fields
