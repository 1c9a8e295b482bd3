"""From the Cloud API's webhooks to our words: verify, greet, split, read. Pure.

A webhook is a batch: every message and every status of every change of every entry becomes an event
of its own, and what we do not know is passed over. A person is their business-scoped id where Meta
gives one, else their number; the other of the two is an alias, under which we may know them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec

from chatworks.channels.models import (
    Arrival,
    Channel,
    DoorAnswer,
    Lane,
    RawRequest,
    Rejected,
    Report,
)
from chatworks.channels.whatsapp.errors import meaning
from chatworks.channels.whatsapp.updates import (
    NOTHING,
    Answers,
    Attachment,
    Contact,
    Message,
    Request,
    Status,
    Stored,
    Value,
)
from chatworks.kit.digits import natural
from chatworks.sdk.inbound import File, Inbound, InboundKind, Sender, command_in
from chatworks.sdk.messages import Place

SIGNATURE = "x-hub-signature-256"
STATUSES = {"sent", "delivered", "read", "failed"}
FILES = ("image", "audio", "video", "document", "sticker")
TAPS = {"interactive", "button"}
QUIET = {"reaction", "system", "request_welcome", "ephemeral"}

_request = msgspec.json.Decoder(Request)
_value = msgspec.json.Decoder(Value)
_message = msgspec.json.Decoder(Message)
_status = msgspec.json.Decoder(Status)
_stored = msgspec.json.Decoder(Stored)
_answers = msgspec.json.Decoder(Answers)


def verify(request: RawRequest, channel: Channel) -> None:
    """Check the signature over the raw body, in constant time; raises ``Rejected``."""
    if not channel.signing_secret:
        raise Rejected(503, "the app secret of this channel is not set")
    digest = hmac.new(channel.signing_secret.encode(), request.body, hashlib.sha256).hexdigest()
    given = request.headers.get(SIGNATURE, "")
    if not hmac.compare_digest(given.encode(), f"sha256={digest}".encode()):
        raise Rejected(401, "the signature is wrong")


def greet(request: RawRequest, channel: Channel) -> DoorAnswer:
    """Answer Meta's question whether this address is ours; raises ``Rejected``."""
    query = parse_qs(request.target.partition("?")[2])
    token = query.get("hub.verify_token", [""])[0]
    challenge = query.get("hub.challenge", [""])[0]
    if query.get("hub.mode") != ["subscribe"] or not challenge.isalnum():
        raise Rejected(400, "this is not the question of a webhook")
    if not hmac.compare_digest(token.encode(), channel.webhook_secret.encode()):
        raise Rejected(403, "the verify token is wrong")
    return DoorAnswer("text/plain", challenge.encode())


def split(request: RawRequest, channel: Channel, _now: datetime) -> Sequence[Arrival]:
    """Return every event of a request; raises ``Rejected`` where one cannot be read."""
    try:
        request.body.decode("utf-8")
        batch = _request.decode(request.body)
        values = [
            _value.decode(change.value)
            for entry in batch.entry
            for change in entry.changes
            if change.field == "messages"
        ]
        for value in values:
            if value.metadata.phone_number_id not in {"", channel.account}:
                raise Rejected(400, "the request is about another phone number")
        return [arrival for value in values for arrival in _arrivals(value)]
    except UnicodeDecodeError:
        raise Rejected(400, "the body is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Rejected(400, f"the body cannot be read: {error}") from None


def _arrivals(value: Value) -> Iterator[Arrival]:
    for raw in value.messages:
        message = _message.decode(raw)
        contact = _contact(value.contacts, message)
        if not message.person:
            raise Rejected(400, "a message names no person")
        lane = Lane.TAP if message.type in TAPS else Lane.MESSAGE
        rank = natural(message.timestamp) or 0
        stored = msgspec.json.encode(Stored(message=raw, contact=contact))
        yield Arrival(message.id, _thread(message), lane, rank, stored)
    for raw in value.statuses:
        status = _status.decode(raw)
        recipient = status.recipient_user_id or status.recipient_id
        if status.status in STATUSES and recipient:
            stored = msgspec.json.encode(Stored(status=raw))
            yield Arrival(f"{status.id}:{status.status}", recipient, Lane.REST, 0, stored)


def _thread(message: Message) -> str:
    """Return where the person is from now on: a changed scoped id counts at once."""
    changed = message.system.user_id if message.system is not None else ""
    return changed or message.person


def _contact(contacts: Sequence[Contact], message: Message) -> Contact | None:
    for contact in contacts:
        if message.from_user_id and contact.user_id == message.from_user_id:
            return contact
        if message.sender and contact.wa_id == message.sender:
            return contact
    return None


def read(payload: bytes, _channel: Channel) -> Inbound | Report:
    """Return a stored event in our words."""
    stored = _stored.decode(payload)
    if stored.status != NOTHING:
        return _report(_status.decode(stored.status))
    message = _message.decode(stored.message)
    sender = _sender(message, stored.contact)
    fields = _content(message)
    context = message.context.id if message.context is not None else ""
    came_from = ""
    if message.referral is not None:
        came_from = message.referral.source_url or message.referral.headline
    kind = fields.pop("kind")
    ref = context if kind is InboundKind.TAP else message.id
    # WhatsApp shows that we read it and are writing, until the answer is there.
    seen = "" if kind is InboundKind.OTHER else message.id
    return Inbound(kind, sender, message_ref=ref, reply_ref=seen, referral=came_from, **fields)


def _report(status: Status) -> Report:
    recipient = status.recipient_user_id or status.recipient_id
    if not status.errors:
        return Report(status.id, status.status, recipient)
    error = status.errors[0]
    details = error.error_data.details if error.error_data is not None else ""
    said = meaning(error.code)
    reason = f"{error.code}: {details or error.title}"
    return Report(status.id, status.status, recipient, reason, said.consequence)


def _sender(message: Message, contact: Contact | None) -> Sender:
    number = message.sender or (contact.wa_id if contact is not None else "")
    person = _thread(message)
    others = (message.from_user_id, number)
    profile = contact.profile if contact is not None else None
    return Sender(
        person,
        name=profile.name if profile is not None else "",
        username=profile.username if profile is not None else "",
        phone=f"+{number}" if number.isdecimal() else "",
        aliases=tuple(other for other in others if other and other != person),
    )


def _content(message: Message) -> dict[str, Any]:
    """Return an event's kind and what it holds, as the fields of an ``Inbound``."""
    if message.text is not None:
        return _words(message.text.body)
    for name in FILES:
        attachment = getattr(message, name)
        if attachment is not None:
            return _file(name, attachment)
    if message.location is not None:
        at = message.location
        named = ", ".join(part for part in (at.name, at.address) if part)
        return {"kind": InboundKind.PLACE, "place": Place(at.latitude, at.longitude, named)}
    if message.contacts and message.contacts[0].phones:
        return {"kind": InboundKind.PHONE, "phone": message.contacts[0].phones[0].phone}
    if message.interactive is not None or message.button is not None:
        return _tap(message)
    kind = InboundKind.OTHER if message.type in QUIET else InboundKind.UNKNOWN
    return {"kind": kind, "text": message.type}


def _words(text: str) -> dict[str, Any]:
    """Return a text, or the chat command that begins with a slash."""
    command = command_in(text)
    if command is None:
        return {"kind": InboundKind.TEXT, "text": text}
    return {"kind": InboundKind.COMMAND, "text": command[0], "arguments": command[1]}


def _file(name: str, attachment: Attachment) -> dict[str, Any]:
    kind = {"image": "photo"}.get(name, name)
    file = File(kind, attachment.id, attachment.filename, attachment.mime_type)
    return {"kind": InboundKind.FILE, "file": file, "text": attachment.caption}


def _tap(message: Message) -> dict[str, Any]:
    """Return a tap; a template's button without an id of ours is read as the words on it."""
    answer = message.interactive
    if answer is not None and answer.nfm_reply is not None:
        return _form(answer.nfm_reply.response_json)
    reply = None if answer is None else answer.button_reply or answer.list_reply
    if reply is not None:
        return {"kind": InboundKind.TAP, "tap": reply.id, "text": reply.title}
    button = message.button
    if button is not None and button.payload.partition(".")[0].isdecimal():
        return {"kind": InboundKind.TAP, "tap": button.payload, "text": button.text}
    return _words(button.text if button is not None else "")


def _form(response: str) -> dict[str, Any]:
    try:
        answers = _answers.decode(response)
    except (msgspec.DecodeError, RecursionError):
        return {"kind": InboundKind.UNKNOWN, "text": "form"}
    values = {name: str(value) for name, value in answers.items() if name != "flow_token"}
    token = answers.get("flow_token", "")
    return {"kind": InboundKind.FORM, "values": values, "tap": str(token)}
