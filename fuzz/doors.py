"""What comes from messengers and chat pages: the door, the adapters, the Mini App, the web chat.

A target takes bytes and raises where the product would: what a parser refuses by its own promised
error is well, and whatever else comes out of it is a finding. What a target is given is cut at the
byte 0x1E into as many fields as it needs.
"""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode
from uuid import UUID

from chatworks.channels.models import Arrival, Channel, ChannelKind, RawRequest, Rejected
from chatworks.channels.telegram import adapter as telegram
from chatworks.channels.telegram import miniapp
from chatworks.channels.twilio import adapter as twilio
from chatworks.channels.twilio import signature
from chatworks.channels.webchat import adapter as webchat
from chatworks.channels.whatsapp import adapter as whatsapp
from chatworks.inbox.door import Door, Scope, check
from chatworks.inbox.models import NewEvent
from chatworks.kit.clock import SystemClock

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ADDRESS = "https://shop.example"
TOKEN = "123456:fuzz"
CHANNEL = Channel(
    UUID(int=1),
    UUID(int=2),
    "telegram",
    "abcdefgh",
    "FuzzBot",
    "webhook",
    secret=TOKEN,
    webhook_secret="ours",
    signing_secret="theirs",
    account="AC1",
)


def fields(data: bytes, count: int) -> list[bytes]:
    """Return ``count`` fields of ``data``; those that are not there are empty."""
    found = data.split(b"\x1e", count - 1)
    return found + [b""] * (count - len(found))


def telegram_updates(data: bytes) -> None:
    """Take an update: the secret, then the body; what is let in can be read."""
    secret, body = fields(data, 2)
    headers = {telegram.SECRET_HEADER: secret.decode("latin-1")}
    with suppress(Rejected):
        telegram.verify(RawRequest(headers, body), CHANNEL)
    _let_in(telegram.split, telegram.read, RawRequest({}, body))


def twilio_forms(data: bytes) -> None:
    """Take a form or a JSON body of Twilio's, rightly signed or not."""
    kind, given, body = fields(data, 3)
    media_type = signature.JSON if kind[:1] == b"j" else signature.FORM
    headers = {"content-type": media_type, signature.HEADER: given.decode("latin-1")}
    target = "/in/whatsapp/abcdefgh?" + quote(given, safe="=&%+")
    request = RawRequest(headers, body, "POST", target)
    with suppress(Rejected):
        signature.verify(ADDRESS, request, CHANNEL)
    with suppress(Rejected):
        form = signature.form_of(request)
        proof = signature.compute(CHANNEL.secret, f"{ADDRESS}{target}", form)
        signature.verify(
            ADDRESS,
            RawRequest({**headers, "content-type": signature.FORM, signature.HEADER: proof}, body,
                       "POST", target),
            CHANNEL,
        )  # fmt: skip
    _let_in(twilio.split, twilio.read, request)


def whatsapp_batches(data: bytes) -> None:
    """Take a batch of the Cloud API, and the question whether the address is ours."""
    given, body = fields(data, 2)
    text = given.decode("latin-1")
    for signed in (text, "sha256=" + hmac.digest(b"theirs", body, "sha256").hex()):
        with suppress(Rejected):
            whatsapp.verify(RawRequest({whatsapp.SIGNATURE: signed}, body), CHANNEL)
    with suppress(Rejected):
        whatsapp.greet(RawRequest({}, b"", "GET", f"/in/whatsapp/x?{text}"), CHANNEL)
    _let_in(whatsapp.split, whatsapp.read, RawRequest({}, body))


def web_chat(data: bytes) -> None:
    """Take an event of the chat page."""
    with suppress(Rejected):
        arrival = webchat.arrival(data, "a" * 32, "en", "Amina")
        check(arrival)
        webchat.read(arrival.payload, CHANNEL)


def mini_app(data: bytes) -> None:
    """Take a Mini App's signed text: as it comes, and with a signature that holds."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(miniapp.Refused):
        miniapp.check_third_party(text, 123456, NOW)
    for given in (text, _signed(text)):
        with suppress(miniapp.Refused):
            miniapp.check(given, TOKEN, NOW)


def door(data: bytes) -> None:
    """Take a whole request: path, query, two headers and the body, for each kind of channel."""
    path, query, name, value, body = fields(data, 5)
    for kind in KINDS:
        headers = [(name.lower(), value), (telegram.SECRET_HEADER.encode(), b"ours")]
        proof = "sha256=" + hmac.digest(b"theirs", body, "sha256").hex()
        headers.append((whatsapp.SIGNATURE.encode(), proof.encode()))
        with suppress(Rejected):
            headers += _twilio_proof(kind, query, body)
        raw = f"/in/{kind}/".encode() + (path or b"abcdefgh")
        for method in ("POST", "GET"):
            _walk(method, raw, query, headers, body)


def _twilio_proof(kind: str, query: bytes, body: bytes) -> list[tuple[bytes, bytes]]:
    url = f"{ADDRESS}/in/{kind}/abcdefgh" + (f"?{query.decode('latin-1')}" if query else "")
    digest = signature.compute(CHANNEL.secret, url, signature.form_of(RawRequest({}, body)))
    return [(b"content-type", signature.FORM.encode()), (b"x-twilio-signature", digest.encode())]


def _walk(
    method: str, raw: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """Lead one request through the door; nothing in it waits, so no loop is needed."""
    answers: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        answers.append(message)

    scope: Scope = {"method": method, "raw_path": raw, "query_string": query, "headers": headers}
    walk = _DOOR(scope, receive, send)
    try:
        walk.send(None)
    except StopIteration:
        assert answers[0]["status"] in {200, 400, 401, 403, 404, 405, 413, 415, 503}
        return
    raise AssertionError("the door waited")


def _let_in(split: object, read: object, request: RawRequest) -> None:
    arrivals: list[Arrival] = []
    with suppress(Rejected):
        arrivals += split(request, CHANNEL, NOW)  # type: ignore[operator]
        for arrival in arrivals:
            check(arrival)
        for arrival in arrivals:
            read(arrival.payload, CHANNEL)  # type: ignore[operator]


def _signed(text: str) -> str:
    pairs = dict(parse_qsl(text, keep_blank_values=True, errors="replace"))
    pairs.pop("hash", None)
    if pairs.get("auth_date") == "now":
        pairs["auth_date"] = str(int(NOW.timestamp()))
    secret = hmac.new(b"WebAppData", TOKEN.encode(), hashlib.sha256).digest()
    lines = "\n".join(f"{name}={pairs[name]}" for name in sorted(pairs))
    digest = hmac.new(secret, lines.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    return urlencode({**pairs, "hash": digest}, errors="replace")


class _Shelf:
    """Stands where events are stored: it takes what the database would take."""

    async def accept(self, events: list[NewEvent]) -> None:
        """Look at what would be written."""
        for event in events:
            event.arrival.event_id.encode()
            event.arrival.thread.encode()


async def _resolve(kind: str, path: str) -> Channel | None:
    return replace(CHANNEL, kind=kind) if path == "abcdefgh" else None


def _kinds() -> dict[str, ChannelKind]:
    """Return what the door needs of each kind: it draws and sends nothing."""
    empty = webchat.WEBCHAT
    twilio_verify = partial(signature.verify, ADDRESS)
    return {
        "telegram": replace(
            empty, verify=telegram.verify, split=telegram.split, read=telegram.read
        ),
        "whatsapp": replace(
            empty,
            verify=whatsapp.verify,
            split=whatsapp.split,
            read=whatsapp.read,
            greet=whatsapp.greet,
        ),
        "sms": replace(empty, verify=twilio_verify, split=twilio.split, read=twilio.read),
        "webchat": empty,
    }


KINDS = _kinds()
_DOOR = Door(KINDS, _resolve, _Shelf(), SystemClock())  # type: ignore[arg-type]
TARGETS = (telegram_updates, twilio_forms, whatsapp_batches, web_chat, mini_app, door)
