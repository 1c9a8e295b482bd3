"""From our messages to Bot API requests: pure, within every limit, and every loss reported.

The planner decides what stands in the chat; here each of its pieces becomes one request. Text goes
out as text with entities beside it, never as markup. Choices are inline keyboards; a question for a
location or a phone number gets Telegram's own keyboard, which the next message without choices
takes away again (that is harmless where none is shown).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from chatworks.channels.capabilities import Capabilities, Length, Unit
from chatworks.channels.models import Loss, Plan, Prompt, Settle, WirePart
from chatworks.channels.planning.drawing import draw
from chatworks.channels.planning.lengths import fits, shorten, size
from chatworks.channels.planning.pieces import (
    Bill,
    Offer,
    OfferKind,
    Person,
    Piece,
    Shown,
    Spot,
    Words,
    Writing,
)
from chatworks.channels.planning.rich import Rich
from chatworks.channels.telegram.limits import (
    CALLBACK_SECONDS_MAX,
    CAPABILITIES,
    CAPTION_UNITS_MAX,
    CHECKOUT_SECONDS_MAX,
    COMMANDS_MAX,
    DESCRIPTION_UNITS_MAX,
    ENTITIES_MAX,
    INVOICE_PAYLOAD_BYTES_MAX,
    INVOICE_TEXT_MAX,
    INVOICE_TITLE_MAX,
    NOTICE_UNITS_MAX,
    TEXT_UNITS_MAX,
    TYPING_SECONDS,
)
from chatworks.channels.telegram.threads import address, chat_of
from chatworks.sdk.chat import BOT_BUTTON, LOCATION_BUTTON, PHONE_BUTTON
from chatworks.sdk.commerce import Invoice
from chatworks.sdk.messages import Button, ContactCard, Media, MediaKind, Message, Style

COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}")
SHORT_LABEL = 14  # code points up to which two buttons share a row
REMOVE_KEYBOARD = {"remove_keyboard": True}
REQUESTS = {LOCATION_BUTTON: "request_location", PHONE_BUTTON: "request_contact"}
ENTITY = {
    Style.BOLD: "bold",
    Style.ITALIC: "italic",
    Style.STRIKE: "strikethrough",
    Style.CODE: "code",
}
MEDIA = {
    MediaKind.IMAGE: ("sendPhoto", "photo"),
    MediaKind.VIDEO: ("sendVideo", "video"),
    MediaKind.AUDIO: ("sendAudio", "audio"),
    MediaKind.DOCUMENT: ("sendDocument", "document"),
}


def plan(prompt: Prompt) -> Plan:
    """Return the requests that show ``prompt.message`` in its chat."""
    drawn = draw(prompt, capabilities(prompt.message))
    chat = address(prompt.thread)
    last = len(drawn.pieces) - 1
    parts = [
        _part(piece, chat, tidy=index == last and not prompt.is_group)
        for index, piece in enumerate(drawn.pieces)
    ]
    return Plan(tuple(parts), drawn.losses)


def capabilities(message: Message) -> Capabilities:
    """Return what Telegram shows of ``message``: an invoice beyond its limits becomes text."""
    shown = message.shows
    if isinstance(shown, Invoice):
        reference = len(shown.reference.encode())
        payable = shown.total.minor >= 1 and bool(shown.title.strip())
        if not (payable and 1 <= reference <= INVOICE_PAYLOAD_BYTES_MAX):
            return dataclasses.replace(CAPABILITIES, invoices=frozenset())
    return CAPABILITIES


def _part(piece: Piece, chat: dict[str, Any], *, tidy: bool) -> WirePart:
    """Return the request for one piece; ``tidy`` takes an old keyboard of Telegram's own away."""
    match piece:
        case Words():
            params = {**chat, "text": piece.body.text, **_entities(piece.body, "entities")}
            return WirePart("sendMessage", {**params, **_markup(piece.offer, tidy=tidy)})
        case Shown():
            return _files(piece, chat, tidy=tidy)
        case Spot():
            place = piece.place
            at = {"latitude": place.latitude, "longitude": place.longitude}
            return WirePart("sendLocation", {**chat, **at, **_markup(None, tidy=tidy)})
        case Person():
            return WirePart("sendContact", {**chat, **_contact(piece.contact)})
        case Bill():
            return WirePart("sendInvoice", {**chat, **_invoice(piece)})
        case Writing():
            params = {**chat, "action": "typing"}
            return WirePart("sendChatAction", params, expires_seconds=TYPING_SECONDS)
        case _:
            raise TypeError(f"Telegram has no {type(piece).__name__}")


def _entities(body: Rich, name: str) -> dict[str, Any]:
    """Return the marks as entities: their places count UTF-16 code units."""
    entities = []
    for mark in body.marks[:ENTITIES_MAX]:
        offset = size(body.text[: mark.start], Unit.UTF16)
        length = size(body.text[mark.start : mark.end], Unit.UTF16)
        if length:
            entities.append({"type": ENTITY[mark.style], "offset": offset, "length": length})
    return {name: entities} if entities else {}


def _files(piece: Shown, chat: dict[str, Any], *, tidy: bool) -> WirePart:
    caption = {"caption": piece.caption.text} if piece.caption.text else {}
    caption |= _entities(piece.caption, "caption_entities")
    if len(piece.media) == 1:
        media = piece.media[0]
        method, name = MEDIA[media.kind]
        params = {**chat, name: f"attach://{name}", **caption, **_markup(piece.offer, tidy=tidy)}
        return WirePart(method, params, uploads={name: media.path})
    album = [_of_album(number, media) for number, media in enumerate(piece.media)]
    album[0] |= caption
    uploads = {f"file{number}": media.path for number, media in enumerate(piece.media)}
    return WirePart("sendMediaGroup", {**chat, "media": album}, uploads=uploads)


def _of_album(number: int, media: Media) -> dict[str, Any]:
    kind = "photo" if media.kind is MediaKind.IMAGE else media.kind.value
    return {"type": kind, "media": f"attach://file{number}"}


def _contact(contact: ContactCard) -> dict[str, Any]:
    """Return the fields of a contact; what Telegram has no field for goes into its vCard."""
    params = {"phone_number": contact.phone, "first_name": contact.name}
    if contact.email or contact.organisation:
        lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{_vcard(contact.name)}", f"TEL:{contact.phone}"]
        if contact.email:
            lines.append(f"EMAIL:{_vcard(contact.email)}")
        if contact.organisation:
            lines.append(f"ORG:{_vcard(contact.organisation)}")
        params["vcard"] = "\r\n".join([*lines, "END:VCARD"])
    return params


def _vcard(text: str) -> str:
    """Escape a value of a vCard (RFC 2426 §5)."""
    for sign in ("\\", ",", ";"):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", "\\n")


def _invoice(piece: Bill) -> dict[str, Any]:
    """Return an invoice in Telegram Stars: one price, no provider's token."""
    invoice = piece.invoice
    return {
        "title": shorten(invoice.title, Length(INVOICE_TITLE_MAX)),
        "description": shorten(invoice.description or invoice.title, Length(INVOICE_TEXT_MAX)),
        "payload": invoice.reference,
        "currency": invoice.total.currency,
        "prices": [
            {
                "label": shorten(invoice.title, Length(INVOICE_TITLE_MAX)),
                "amount": invoice.total.minor,
            }
        ],
    }


def _markup(offer: Offer | None, *, tidy: bool) -> dict[str, Any]:
    if offer is None:
        return {"reply_markup": REMOVE_KEYBOARD} if tidy else {}
    if offer.kind is OfferKind.ASK:
        return {"reply_markup": _request_keyboard(offer.buttons)}
    return {"reply_markup": {"inline_keyboard": _keys(offer.buttons)}}


def _keys(buttons: Sequence[Button]) -> list[list[dict[str, str]]]:
    rows: list[list[dict[str, str]]] = []
    for button in buttons:
        key = {"text": button.label, "callback_data": button.id}
        short = len(button.label) <= SHORT_LABEL
        if short and rows and len(rows[-1]) == 1 and len(rows[-1][0]["text"]) <= SHORT_LABEL:
            rows[-1].append(key)
        else:
            rows.append([key])
    return rows


def _request_keyboard(buttons: Sequence[Button]) -> dict[str, Any]:
    """Return Telegram's own keyboard: what its buttons send are messages, so they have no data."""
    rows = []
    for button in buttons:
        key: dict[str, Any] = {"text": button.label}
        if button.id in REQUESTS:
            key[REQUESTS[button.id]] = True
        elif button.id == BOT_BUTTON:  # its description is the name that the new bot gets
            wanted = {"request_id": 1, "suggested_name": button.description or button.label}
            key["request_managed_bot"] = wanted
        rows.append([key])
    return {"keyboard": rows, "resize_keyboard": True, "one_time_keyboard": True}


def settle(settled: Settle) -> Sequence[WirePart]:
    """Answer a tap or a checkout at once, and take the buttons away from an answered question.

    Only the answer is urgent: an edit keeps its place behind the question that it edits. A notice
    that is too long for the tap's answer is a message of its own.
    """
    if settled.approved is not None:
        return (_verdict(settled, approved=settled.approved),)
    parts = []
    if settled.reply_ref:
        params: dict[str, Any] = {"callback_query_id": settled.reply_ref}
        short = fits(settled.notice, Length(NOTICE_UNITS_MAX, Unit.UTF16))
        if settled.notice and short:
            params["text"] = settled.notice
        answer = "answerCallbackQuery"
        parts.append(WirePart(answer, params, urgent=True, expires_seconds=CALLBACK_SECONDS_MAX))
        if not short:
            parts.extend(plan(Prompt(settled.thread, 0, Message(settled.notice))).parts)
    if settled.asked_seq and settled.message is not None:
        parts.extend(_close(settled, settled.message))
    return parts


def _verdict(settled: Settle, *, approved: bool) -> WirePart:
    """Answer a checkout: after ten seconds nobody hears it."""
    params: dict[str, Any] = {"pre_checkout_query_id": settled.reply_ref, "ok": approved}
    if not approved:
        params["error_message"] = settled.notice
    method = "answerPreCheckoutQuery"
    return WirePart(method, params, urgent=True, expires_seconds=CHECKOUT_SECONDS_MAX)


def refund(person: str, charge_id: str) -> WirePart:
    """Return the request that gives Stars back to who paid them: the whole of one charge."""
    params = {"user_id": int(person), "telegram_payment_charge_id": charge_id}
    return WirePart("refundStarPayment", params)


def _close(settled: Settle, message: Message) -> Sequence[WirePart]:
    """Remove the keyboard, and leave what was chosen under the question, if there is room."""
    last = draw(Prompt(settled.thread, settled.asked_seq, message), CAPABILITIES).pieces[-1]
    if not isinstance(last, Words | Shown) or last.offer is None:
        return ()
    if last.offer.kind is OfferKind.ASK:
        return ()
    params = chat_of(settled.thread)
    refers_to = None
    if settled.message_ref:
        params["message_id"] = int(settled.message_ref)
    else:
        refers_to = settled.asked_seq
    under = isinstance(last, Shown)
    body = last.caption if isinstance(last, Shown) else last.body
    text = f"{body.text}\n✓ {settled.chosen}"
    most = CAPTION_UNITS_MAX if under else TEXT_UNITS_MAX
    if not settled.chosen or not fits(text, Length(most, Unit.UTF16)):
        return (WirePart("editMessageReplyMarkup", params, refers_to=refers_to),)
    if under:
        params |= {"caption": text, **_entities(body, "caption_entities")}
        return (WirePart("editMessageCaption", params, refers_to=refers_to),)
    params |= {"text": text, **_entities(body, "entities")}
    return (WirePart("editMessageText", params, refers_to=refers_to),)


def refer(part: WirePart, vendor_id: str) -> WirePart:
    """Return ``part`` as an edit of the message that Telegram numbered ``vendor_id``."""
    return replace(part, params={**part.params, "message_id": int(vendor_id)}, refers_to=None)


def menu(
    listed: Sequence[tuple[str, str]],
) -> tuple[list[dict[str, str]], tuple[Loss, ...]]:
    """Return a bot's menu of (name, description) as ``setMyCommands`` takes it."""
    commands: dict[str, str] = {}
    losses = []
    for name, description in listed:
        text = " ".join(description.split())
        if not COMMAND_NAME.fullmatch(name) or not text or len(commands) == COMMANDS_MAX:
            losses.append(Loss(f"/{name}", "left out of the menu"))
        elif name not in commands:
            commands[name] = shorten(text, Length(DESCRIPTION_UNITS_MAX, Unit.UTF16))
            if commands[name] != text:
                losses.append(Loss(f"the description of /{name}", "shortened"))
    return [{"command": name, "description": text} for name, text in commands.items()], tuple(
        losses
    )
