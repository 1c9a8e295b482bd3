"""From Telegram's updates to our words: verify, split, read. Pure.

``split`` decodes an update with the very types that ``read`` uses, so that what was let in can be
read. Which kinds of update exist, and which of them anybody said to us, is decided in ``read``;
the rest is ``OTHER``: kept in the log and never answered.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from chatworks.channels.models import Arrival, Channel, Lane, RawRequest, Rejected
from chatworks.channels.telegram.limits import STARS
from chatworks.channels.telegram.threads import thread_of
from chatworks.channels.telegram.updates import (
    BESIDE,
    SERVICE,
    CallbackQuery,
    Chat,
    Contact,
    Entity,
    ManagedBotUpdated,
    Media,
    Message,
    Numbered,
    Other,
    PreCheckoutQuery,
    Update,
    User,
)
from chatworks.kit.money import Money
from chatworks.sdk.inbound import File, Inbound, InboundKind, Payment, Sender
from chatworks.sdk.messages import Place

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name
DEPTH_MAX = 64
# An update_id may start again at random after a week without updates, so the id that we are unique
# on also holds the content's own id, or else the week of its date; a retry carries the same.
WEEK_SECONDS = 604_800
GONE = frozenset({"kicked", "left"})
FILES = ("document", "audio", "video", "voice", "video_note", "sticker")
KINDS = (
    "message", "edited_message", "callback_query", "my_chat_member", "pre_checkout_query",
    "managed_bot",
)  # fmt: skip
LANES = {
    "pre_checkout_query": Lane.DEADLINE,
    "callback_query": Lane.TAP,
    "message": Lane.MESSAGE,
}

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_update = msgspec.json.Decoder(Update)
_numbered = msgspec.json.Decoder(Numbered)
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])
_other = msgspec.json.Decoder(Other)


def verify(request: RawRequest, channel: Channel) -> None:
    """Compare the secret token in constant time, before anything is parsed."""
    given = request.headers.get(SECRET_HEADER, "").encode()
    if not hmac.compare_digest(given, channel.webhook_secret.encode()):
        raise Rejected(401, "the secret token is missing or wrong")


# -- at the door -----------------------------------------------------------------------------


def split(request: RawRequest, _channel: Channel, _now: datetime) -> Sequence[Arrival]:
    """Return the one event of an update: Telegram sends one in each request."""
    body = request.body
    _check_bytes(body)
    try:
        update = _update.decode(body)
        kind, content = _content(update, body)
    except msgspec.ValidationError as error:
        raise Rejected(400, _problem(body, error)) from None
    except (msgspec.DecodeError, RecursionError):
        raise Rejected(400, "the body is not a JSON object") from None
    thread = _thread(content)
    if thread is None:
        raise Rejected(400, f"{kind or 'the update'} names no chat or person")
    number = update.update_id
    event_id = f"{number}.{_own_id(content)}"
    return (Arrival(event_id, thread, LANES.get(kind, Lane.REST), number, body),)


def _check_bytes(body: bytes) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejected(400, "the body is not UTF-8") from None
    if _too_deep(body):
        raise Rejected(400, f"the JSON is nested deeper than {DEPTH_MAX}")
    if b"\\u0000" in body and _holds_nul(body):  # the six bytes may also be a harmless text
        raise Rejected(400, "the text holds a NUL")


def _too_deep(body: bytes) -> bool:
    """Return whether the JSON nests too deeply; what people write in brackets does not count."""
    if body.count(b"{") + body.count(b"[") <= DEPTH_MAX:
        return False
    depth = 0
    for byte in _STRING.sub(b"", body):
        if byte in b"{[":
            depth += 1
            if depth > DEPTH_MAX:
                return True
        elif byte in b"}]":
            depth -= 1
    return False


def _holds_nul(body: bytes) -> bool:
    """Return whether a decoded string or name holds a NUL, which PostgreSQL cannot keep."""
    try:
        return "\x00" in _strings(msgspec.json.decode(body))
    except msgspec.DecodeError:
        return False  # it is refused as malformed


def _strings(value: Any) -> str:
    if isinstance(value, dict):
        return "".join([*value, *map(_strings, value.values())])
    if isinstance(value, list):
        return "".join(map(_strings, value))
    return value if isinstance(value, str) else ""


def _problem(body: bytes, error: msgspec.ValidationError) -> str:
    """Return what is wrong with an update that does not fit its types."""
    try:
        _numbered.decode(body)
    except msgspec.ValidationError as first:
        if "update_id" in str(first):
            return "update_id is missing or not a number"
        return "the body is not a JSON object"
    except msgspec.DecodeError:  # malformed further on
        return "the body is not a JSON object"
    return f"this is no update: {error}"


def _content(update: Update, body: bytes) -> tuple[str, Any]:
    """Return the update's kind and content; "" and an empty one where it has none."""
    for kind in KINDS:
        content = getattr(update, kind)
        if content is not None:
            return kind, content
    for kind, raw in _raw.decode(body).items():
        if kind not in KINDS and bytes(raw)[:1] == b"{":
            return kind, _other.decode(raw)
    return "", Other()


def _thread(content: Any) -> str | None:
    """Return where an update belongs: its chat or topic, or the private chat with its person."""
    message = content.message if isinstance(content, CallbackQuery) else content
    chat: Chat | None = getattr(message, "chat", None)
    if isinstance(message, Message) and message.is_topic_message and message.chat.is_group:
        return thread_of(message.chat.id, message.message_thread_id)
    holder = chat or getattr(content, "sender", None) or getattr(content, "user", None)
    return None if holder is None else thread_of(holder.id)


def _own_id(content: Any) -> str:
    """Return what tells apart two updates of one number."""
    if isinstance(content, ManagedBotUpdated):
        return str(content.bot.id)
    if isinstance(content, CallbackQuery | PreCheckoutQuery | Other) and content.id is not None:
        return str(content.id)
    date = getattr(content, "edit_date", 0) or content.date
    return str(date // WEEK_SECONDS)


# -- in a turn -------------------------------------------------------------------------------


def read(payload: bytes, channel: Channel) -> Inbound:  # noqa: PLR0911 - one for each kind
    """Return a stored update in our words.

    What somebody said and we cannot take is ``UNKNOWN``, what nobody said to us is ``OTHER``; the
    text of both names it.
    """
    kind, content = _content(_update.decode(payload), payload)
    match kind:
        case "message":
            return _message(content, payload, channel)
        case "callback_query":
            return _tap(content)
        case "pre_checkout_query":
            return _checkout(content)
        case "managed_bot":
            made = f"{content.bot.id} {content.bot.username}".strip()
            return Inbound(InboundKind.BOT, _sender(content), arguments=made)
        case "edited_message" if _said(content) and _to_us(content, channel):
            return Inbound(InboundKind.EDITED, text=_said(content), **_base(content))
        case "my_chat_member":
            gone = content.new_chat_member.status in GONE
            reached = InboundKind.BLOCKED if gone else InboundKind.UNBLOCKED
            return Inbound(reached, _sender(content), **_place(content.chat))
        case _:  # also a live location that moves on: an edit without words
            where = _place(content.chat) if content.chat is not None else {}
            return Inbound(InboundKind.OTHER, _sender(content), text=kind, **where)


def _tap(query: CallbackQuery) -> Inbound:
    """Read a tap; its label, for the history, is found on the message that carries the button."""
    message = query.message
    rows = message.reply_markup.inline_keyboard if message and message.reply_markup else []
    labels = (b.text for row in rows for b in row if b.callback_data == query.data)
    return Inbound(
        InboundKind.TAP,
        _sender(query),
        text=next(labels, ""),
        tap=query.data,
        message_ref=str(message.message_id) if message else "",
        reply_ref=query.id,
        **(_place(message.chat) if message else {}),
    )


def _checkout(query: PreCheckoutQuery) -> Inbound:
    """Read the question whether somebody may pay."""
    asked = Payment(query.total_amount, query.currency, query.invoice_payload)
    return Inbound(InboundKind.CHECKOUT, _sender(query), payment=asked, reply_ref=query.id)


def _sender(content: Any) -> Sender:
    """Return who is behind an update: a person, or the chat itself where nobody is named."""
    person: User | Chat | None = getattr(content, "sender", None) or getattr(content, "user", None)
    person = person or getattr(content, "chat", None)
    if person is None:
        return Sender("")
    contact: Contact | None = getattr(content, "contact", None)
    own = contact is not None and contact.user_id == person.id
    return Sender(
        vendor_id=str(person.id),
        name=f"{person.first_name} {person.last_name}".strip(),
        username=person.username,
        language=person.language_code if isinstance(person, User) else "",
        phone=_international(contact) if own and contact is not None else "",
    )


def _international(contact: Contact) -> str:
    number = contact.phone_number
    return number if number.startswith("+") or not number else f"+{number}"


def _place(chat: Chat) -> dict[str, Any]:
    """Return the fields that tell of a group; a private chat has none."""
    return {"is_group": True, "chat_title": chat.title} if chat.is_group else {}


def _base(message: Message) -> dict[str, Any]:
    return {
        "sender": _sender(message),
        "message_ref": str(message.message_id),
        **_place(message.chat),
    }


def _message(message: Message, payload: bytes, channel: Channel) -> Inbound:
    base = _base(message)
    if message.successful_payment is not None:
        return _paid(message, base)
    if message.migrate_to_chat_id is not None:
        moved_to = thread_of(message.migrate_to_chat_id)
        return Inbound(InboundKind.MOVED, arguments=moved_to, **base)
    if not _to_us(message, channel):
        return _uncommon(payload, base, InboundKind.OTHER)
    if message.text is not None:
        return _text(message.text, message, channel)
    return _shared(message, payload, base, channel)


def _shared(message: Message, payload: bytes, base: dict[str, Any], channel: Channel) -> Inbound:
    """Read a place, a contact or a file."""
    if message.venue is not None:
        at, venue = message.venue.location, message.venue
        address = ", ".join(part for part in (venue.title, venue.address) if part)
        return Inbound(InboundKind.PLACE, place=Place(at.latitude, at.longitude, address), **base)
    if message.location is not None:
        at = message.location
        return Inbound(InboundKind.PLACE, place=Place(at.latitude, at.longitude), **base)
    if message.contact is not None:
        return Inbound(InboundKind.PHONE, phone=_international(message.contact), **base)
    file = _file(message)
    if file is not None:
        caption = message.caption
        if message.chat.is_group:
            caption = _unmentioned(caption, message.caption_entities, channel)
        return Inbound(InboundKind.FILE, file=file, text=caption, **base)
    return _uncommon(payload, base, InboundKind.UNKNOWN)


def _paid(message: Message, base: dict[str, Any]) -> Inbound:
    paid = message.successful_payment
    assert paid is not None  # noqa: S101 - the caller has looked
    payment = Payment(
        minor=paid.total_amount,
        currency=paid.currency,
        reference=paid.invoice_payload,
        charge_id=paid.telegram_payment_charge_id,
        provider_charge_id=paid.provider_payment_charge_id,
    )
    shown = f"⭐ {payment.minor}"  # Stars have no smaller unit
    if payment.currency != STARS:
        shown = Money(payment.minor, payment.currency).show("en")
    return Inbound(InboundKind.PAID, text=shown, payment=payment, **base)


def _uncommon(payload: bytes, base: dict[str, Any], kind: InboundKind) -> Inbound:
    """Name a message that carries nothing we take, or that was not said to us."""
    names = [name for name in _raw.decode(_raw.decode(payload)["message"]) if name not in BESIDE]
    told = next((name for name in names if name in SERVICE), None)
    if told is not None:
        return Inbound(InboundKind.OTHER, text=told, **base)
    return Inbound(kind, text=names[0] if names else "message", **base)


# -- in a group --------------------------------------------------------------------------------


def _to_us(message: Message, channel: Channel) -> bool:
    """Whether a message was said to the bot: in a group its commands, mentions and replies are.

    That is what Telegram's privacy mode shows a bot; with the mode off the rest is still not ours.
    """
    if not message.chat.is_group:
        return True
    replied = message.reply_to_message
    if replied is not None and replied.sender is not None and _is_us(replied.sender, channel):
        return True
    text, entities = message.text or message.caption, message.entities or message.caption_entities
    if message.text and any(e.type == "bot_command" and e.offset == 0 for e in entities):
        return True
    return any(_mentions_us(text, entity, channel) for entity in entities)


def _is_us(user: User, channel: Channel) -> bool:
    ident = channel.secret.partition(":")[0]  # a token begins with the bot's id
    named = bool(user.username) and user.username.casefold() == channel.name.casefold()
    return named or str(user.id) == ident


def _mentions_us(text: str, entity: Entity, channel: Channel) -> bool:
    if entity.type == "text_mention":
        return entity.user is not None and _is_us(entity.user, channel)
    if entity.type != "mention":
        return False
    return _cut(text, entity)[1].casefold() == f"@{channel.name}".casefold()


def _cut(text: str, entity: Entity) -> tuple[str, str, str]:
    """Return what stands before, in and after an entity; its place counts UTF-16 units."""
    whole = text.encode("utf-16-le", "ignore")
    start, end = 2 * max(entity.offset, 0), 2 * max(entity.offset + entity.length, 0)
    start, end = min(start, len(whole)), min(end, len(whole))
    runs = (whole[:start], whole[start:end], whole[end:])
    before, inside, after = (run.decode("utf-16-le", "ignore") for run in runs)
    return before, inside, after


def _unmentioned(text: str, entities: Sequence[Entity], channel: Channel) -> str:
    """Return the words without the bot's own name: “@OurBot, two bottles” says “two bottles”."""
    for entity in reversed(entities):
        if _mentions_us(text, entity, channel):
            before, _, after = _cut(text, entity)
            text = f"{before.rstrip(' ,')} {after.lstrip(' ,:')}".strip()
    return text


def _said(message: Message) -> str:
    return message.text or message.caption


# -- words and files ---------------------------------------------------------------------------


def _text(text: str, message: Message, channel: Channel) -> Inbound:
    """Tell a command (a ``bot_command`` entity at the very start) from text.

    In a group ``/order@OtherBot`` is for another bot; alone with us every command is ours.
    """
    for entity in message.entities:
        if entity.type == "bot_command" and entity.offset == 0 and text.startswith("/"):
            # Offsets count UTF-16 units; a command is ASCII, so they are code points here.
            name, _, bot = text[1 : max(entity.length, 1)].partition("@")
            if bot and message.chat.is_group and bot.casefold() != channel.name.casefold():
                return Inbound(InboundKind.OTHER, text=f"/{name}@{bot}", **_base(message))
            arguments = text[max(entity.length, 1) :].strip()
            command = {"text": name.lower(), "arguments": arguments, **_base(message)}
            return Inbound(InboundKind.COMMAND, **command)
    if message.chat.is_group:
        text = _unmentioned(text, message.entities, channel)
    return Inbound(InboundKind.TEXT, text=text, **_base(message))


def _file(message: Message) -> File | None:
    if message.photo:
        best = max(message.photo, key=lambda size: size.width)
        return File("photo", best.file_id, size_bytes=best.file_size)
    if message.animation is not None:  # it comes with a document of the same file
        return _kept("animation", message.animation)
    for kind in FILES:
        item: Media | None = getattr(message, kind)
        if item is not None:
            return _kept(kind, item)
    return None


def _kept(kind: str, item: Media) -> File:
    return File(kind, item.file_id, item.file_name, item.mime_type, item.file_size)
