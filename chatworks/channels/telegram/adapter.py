"""From Telegram's updates to our words: verify, split, read. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from chatworks.channels.models import Arrival, Channel, Lane, RawRequest, Rejected
from chatworks.sdk.messages import File, Inbound, InboundKind, Place, Sender

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name
DEPTH_MAX = 64
# An update_id may start again at random after a week without updates, so the id that we are unique
# on also holds the week of its message; a retry carries the same date and so the same id.
WEEK_SECONDS = 604_800
GONE = frozenset({"kicked", "left"})

_loads = msgspec.json.Decoder(dict[str, Any]).decode


def verify(request: RawRequest, channel: Channel) -> None:
    """Compare the secret token in constant time, before anything is parsed."""
    given = request.headers.get(SECRET_HEADER, "").encode()
    if not hmac.compare_digest(given, channel.webhook_secret.encode()):
        raise Rejected(401, "the secret token is missing or wrong")


def split(body: bytes, _now: datetime) -> Sequence[Arrival]:
    """Return the one event of an update."""
    update = _update(body)
    update_id = update.get("update_id")
    if not isinstance(update_id, int) or update_id < 0:
        raise Rejected(400, "update_id is missing or not a number")
    kind, content = _content(update)
    thread = _thread(content)
    if thread is None:
        raise Rejected(400, f"{kind or 'the update'} names no chat or person")
    message = content.get("message", content)
    date = message.get("date", 0) if isinstance(message, dict) else 0
    week = date // WEEK_SECONDS if isinstance(date, int) else 0
    event_id = f"{update_id}" if kind == "callback_query" else f"{update_id}.{week}"
    return (Arrival(event_id, thread, _lane(kind), update_id, body),)


def _update(body: bytes) -> dict[str, Any]:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejected(400, "the body is not UTF-8") from None
    if _too_deep(body):
        raise Rejected(400, f"the JSON is nested deeper than {DEPTH_MAX}")
    if b"\\u0000" in body:
        raise Rejected(400, "the text holds a NUL")
    try:
        return _loads(body)
    except (msgspec.DecodeError, RecursionError):
        raise Rejected(400, "the body is not a JSON object") from None


def _too_deep(body: bytes) -> bool:
    """Return whether the JSON may nest too deeply; brackets in strings count, which errs safely."""
    if body.count(b"{") + body.count(b"[") <= DEPTH_MAX:
        return False
    depth = 0
    for byte in body:
        if byte in b"{[":
            depth += 1
            if depth > DEPTH_MAX:
                return True
        elif byte in b"}]":
            depth -= 1
    return False


def _content(update: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    for kind, content in update.items():
        if kind != "update_id" and isinstance(content, dict):
            return kind, content
    return "", {}


def _thread(content: dict[str, Any]) -> str | None:
    for holder in (content, content.get("message")):
        chat = holder.get("chat") if isinstance(holder, dict) else None
        if isinstance(chat, dict) and isinstance(chat.get("id"), int):
            return str(chat["id"])
    for name in ("from", "user"):
        person = content.get(name)
        if isinstance(person, dict) and isinstance(person.get("id"), int):
            return str(person["id"])
    return None


def _lane(kind: str) -> Lane:
    lanes = {
        "pre_checkout_query": Lane.DEADLINE,
        "callback_query": Lane.TAP,
        "message": Lane.MESSAGE,
    }
    return lanes.get(kind, Lane.REST)


def read(payload: bytes) -> Inbound:
    """Return a stored update in our words; what we do not handle is ``UNKNOWN`` with its name."""
    kind, content = _content(_loads(payload))
    sender = _sender(content)
    match kind:
        case "message":
            return _message(content, sender)
        case "callback_query":
            message = content.get("message") or {}
            return Inbound(
                InboundKind.TAP,
                sender,
                text=_button_label(message, content.get("data", "")),
                tap=content.get("data", ""),
                message_ref=str(message.get("message_id", "")),
                reply_ref=str(content["id"]),
                is_group=_is_group(message),
            )
        case "edited_message":
            text = content.get("text", content.get("caption", ""))
            return Inbound(InboundKind.EDITED, sender, text=text, is_group=_is_group(content))
        case "my_chat_member":
            status = content.get("new_chat_member", {}).get("status")
            gone = InboundKind.BLOCKED if status in GONE else InboundKind.UNBLOCKED
            return Inbound(gone, sender, is_group=_is_group(content))
        case _:
            return Inbound(InboundKind.UNKNOWN, sender, text=kind, is_group=_is_group(content))


def _button_label(message: dict[str, Any], data: str) -> str:
    rows = (message.get("reply_markup") or {}).get("inline_keyboard") or []
    labels = (b.get("text", "") for row in rows for b in row if b.get("callback_data") == data)
    return next(labels, "")


def _sender(content: dict[str, Any]) -> Sender:
    person = content.get("from") or content.get("user") or content.get("chat") or {}
    names = (person.get("first_name", ""), person.get("last_name", ""))
    contact = content.get("contact") or {}
    own = contact.get("user_id") is not None and contact.get("user_id") == person.get("id")
    return Sender(
        vendor_id=str(person.get("id", "")),
        name=" ".join(name for name in names if name),
        username=person.get("username", ""),
        language=person.get("language_code", ""),
        phone=_international(contact) if own else "",
    )


def _international(contact: dict[str, Any]) -> str:
    number = str(contact.get("phone_number", ""))
    return number if number.startswith("+") else f"+{number}"


def _is_group(message: dict[str, Any]) -> bool:
    return (message.get("chat") or {}).get("type") in {"group", "supergroup", "channel"}


def _message(message: dict[str, Any], sender: Sender) -> Inbound:
    base: dict[str, Any] = {
        "sender": sender,
        "message_ref": str(message.get("message_id", "")),
        "is_group": _is_group(message),
    }
    if "text" in message:
        return _text(message, base)
    place = message.get("location") or (message.get("venue") or {}).get("location")
    if place:
        address = (message.get("venue") or {}).get("address", "")
        found = Place(place["latitude"], place["longitude"], address)
        return Inbound(InboundKind.PLACE, place=found, **base)
    if "contact" in message:
        number = _international(message["contact"])
        return Inbound(InboundKind.PHONE, phone=number, **base)
    file = _file(message)
    if file is not None:
        return Inbound(InboundKind.FILE, file=file, text=message.get("caption", ""), **base)
    told = [name for name in message if name not in {"message_id", "date", "chat", "from"}]
    return Inbound(InboundKind.UNKNOWN, text=told[0] if told else "message", **base)


def _text(message: dict[str, Any], base: dict[str, Any]) -> Inbound:
    """Tell a command (a ``bot_command`` entity at the very start) from text."""
    text = message["text"]
    for entity in message.get("entities", ()):
        if entity.get("type") == "bot_command" and entity.get("offset") == 0:
            # Offsets count UTF-16 units; a command is ASCII, so they are code points here.
            word = text[1 : entity["length"]]
            name = word.partition("@")[0]
            arguments = text[entity["length"] :].strip()
            command = {"text": name.lower(), "arguments": arguments, **base}
            return Inbound(InboundKind.COMMAND, **command)
    return Inbound(InboundKind.TEXT, text=text, **base)


def _file(message: dict[str, Any]) -> File | None:
    if message.get("photo"):
        best = max(message["photo"], key=lambda size: size.get("width", 0))
        return File("photo", best["file_id"], size_bytes=best.get("file_size"))
    for kind in ("document", "audio", "video", "voice", "video_note", "animation", "sticker"):
        item = message.get(kind)
        if item:
            return File(
                kind,
                item["file_id"],
                item.get("file_name", ""),
                item.get("mime_type", ""),
                item.get("file_size"),
            )
    return None
