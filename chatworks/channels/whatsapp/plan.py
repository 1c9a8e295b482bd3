"""From our messages to the Cloud API's: pure, within every limit, and every loss reported.

The planner decides what stands in the chat; here each of its pieces becomes one message, an
interactive one where it offers something. Outside of the window only templates leave: one that
says the message in its stead, or one that asks the person to write while the message waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from chatworks.channels.capabilities import Length
from chatworks.channels.models import Plan, Prompt, Settle, Template, WirePart
from chatworks.channels.planning.drawing import draw
from chatworks.channels.planning.lengths import shorten
from chatworks.channels.planning.pieces import (
    Drawn,
    Offer,
    OfferKind,
    Person,
    Piece,
    Shown,
    Spot,
    Words,
)
from chatworks.channels.planning.rich import Rich, written
from chatworks.channels.planning.templates import filled, outside_window
from chatworks.channels.whatsapp.limits import CAPABILITIES, PARAMETER_MAX, TYPING_SECONDS
from chatworks.sdk.messages import Button, ContactCard, MediaKind, Message

MESSAGES, READ = "messages", "read"  # both leave for the same address


def plan(prompt: Prompt) -> Plan:
    """Return the messages that show ``prompt.message``, or what leaves outside of the window."""
    drawn = draw(prompt, CAPABILITIES)
    parts = tuple(
        WirePart(MESSAGES, {**_to(prompt.thread), **_content(piece, prompt)})
        for piece in drawn.pieces
    )
    if prompt.window_open:
        return Plan(parts, drawn.losses)
    carry = partial(_template, prompt, drawn)
    return outside_window(prompt, parts, list(drawn.losses), carry)


def _to(thread: str) -> dict[str, Any]:
    """Address a person: a scoped id in ``to`` is answered 200 and dropped."""
    scoped = not thread.lstrip("+").isdecimal()
    return {"messaging_product": "whatsapp", "recipient" if scoped else "to": thread}


def _text(body: Rich) -> str:
    return written(body, CAPABILITIES.markup)


def _content(piece: Piece, prompt: Prompt) -> dict[str, Any]:
    match piece:
        case Words(body, None):
            text = _text(body)
            return {"type": "text", "text": {"body": text, "preview_url": "https://" in text}}
        case Words(body, Offer() as offer):
            return _interactive(offer, _text(body), {})
        case Shown():
            return _file(piece, prompt)
        case Spot():
            place = piece.place
            at = {"latitude": place.latitude, "longitude": place.longitude}
            named = {"address": place.address} if place.address else {}
            return {"type": "location", "location": {**at, **named}}
        case Person():
            return {"type": "contacts", "contacts": [_contact(piece.contact)]}
        case _:
            raise TypeError(f"WhatsApp has no {type(piece).__name__}")


def _interactive(offer: Offer, text: str, header: dict[str, Any]) -> dict[str, Any]:
    match offer.kind:
        case OfferKind.BUTTONS:
            replies = [{"id": b.id, "title": b.label} for b in offer.buttons]
            kind = "button"
            action: dict[str, Any] = {"buttons": [{"type": "reply", "reply": r} for r in replies]}
        case OfferKind.ROWS:
            kind = "list"
            sections = [
                {
                    **({"title": section.title} if section.title else {}),
                    "rows": [_row(button) for button in section.buttons],
                }
                for section in offer.sections
            ]
            action = {"button": offer.opener, "sections": sections}
        case OfferKind.ASK:
            kind, action = "location_request_message", {"name": "send_location"}
    shown = {"type": kind, **header, "body": {"text": text}, "action": action}
    return {"type": "interactive", "interactive": shown}


def _row(button: Button) -> dict[str, str]:
    told = {"description": button.description} if button.description else {}
    return {"id": button.id, "title": button.label, **told}


def _file(piece: Shown, prompt: Prompt) -> dict[str, Any]:
    """Return a file, fetched by Meta from our public address."""
    media = piece.media[0]
    kind = media.kind.value
    shown: dict[str, Any] = {"link": f"{prompt.address}{media.path}"}
    if media.kind is MediaKind.DOCUMENT and media.name:
        shown["filename"] = media.name
    if piece.offer is not None:
        header = {"header": {"type": kind, kind: shown}}
        return _interactive(piece.offer, _text(piece.caption), header)
    if piece.caption.text:
        shown["caption"] = _text(piece.caption)
    return {"type": kind, kind: shown}


def _contact(contact: ContactCard) -> dict[str, Any]:
    first, _, last = contact.name.strip().partition(" ")
    name = {"formatted_name": contact.name.strip() or contact.phone, "first_name": first or "–"}
    card: dict[str, Any] = {"name": {**name, **({"last_name": last} if last else {})}}
    card["phones"] = [{"phone": contact.phone, "type": "CELL"}]
    if contact.email:
        card["emails"] = [{"email": contact.email}]
    if contact.organisation:
        card["org"] = {"company": contact.organisation}
    return card


def _template(prompt: Prompt, drawn: Drawn, template: Template) -> WirePart:
    values = filled(prompt, drawn, template, Length(PARAMETER_MAX))
    body = {"type": "body", "parameters": [{"type": "text", "text": v} for v in values]}
    shown: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    if values:
        shown["components"] = [body]
    params = {**_to(prompt.thread), "type": "template", "template": shown}
    return WirePart(MESSAGES, params, template=template.name)


def settle(settled: Settle) -> Sequence[WirePart]:
    """Show at once that it was read and is being answered; a notice is a message of its own."""
    parts = []
    if settled.reply_ref:
        shown = {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": settled.reply_ref,
            "typing_indicator": {"type": "text"},
        }
        parts.append(WirePart(READ, shown, urgent=True, expires_seconds=TYPING_SECONDS))
    if settled.notice:
        text = shorten(settled.notice, CAPABILITIES.text)
        parts += plan(Prompt(settled.thread, 0, Message(text))).parts
    return parts
