"""From our messages to Twilio's requests: pure, within every limit, and every loss reported.

``Messages`` is a request that makes a message. Whom it is from, where its statuses go and the sid
of a Content resource are the account's, so that they are filled in when it is sent: ``Content``
names a resource of the pool, ``Files`` are paths of this installation, ``Said`` is what a template
will read like.

Outside the 24 hours WhatsApp takes approved templates only: one that says the message in its stead,
or one that asks the person to write while the message waits (``held``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from msgspec.structs import replace

from chatworks.channels.capabilities import Length, Unit
from chatworks.channels.models import Loss, Plan, Prompt, Settle, Template, WirePart
from chatworks.channels.planning.drawing import draw
from chatworks.channels.planning.lengths import shorten
from chatworks.channels.planning.pieces import (
    Drawn,
    Offer,
    OfferKind,
    Piece,
    Shown,
    Spot,
    Words,
)
from chatworks.channels.planning.rich import Rich, written
from chatworks.channels.planning.templates import filled, outside_window
from chatworks.channels.twilio import content
from chatworks.channels.twilio.limits import (
    BODY_MAX,
    SMS,
    TYPING_SECONDS,
    VARIABLE_ADVISED_MAX,
    WHATSAPP,
)
from chatworks.sdk.messages import MediaKind, Message

MESSAGES, TYPING = "Messages", "Typing"
LABEL_MAX = 128  # of a place's name


# -- WhatsApp --------------------------------------------------------------------------------


def plan_whatsapp(prompt: Prompt) -> Plan:
    """Return the requests that show ``prompt.message`` on WhatsApp."""
    drawn = draw(prompt, WHATSAPP)
    losses = list(drawn.losses)
    parts = tuple(part for piece in drawn.pieces for part in _whatsapp(prompt, piece, losses))
    if prompt.window_open or not parts:
        return Plan(parts, tuple(losses))
    carry = partial(_template, prompt, drawn, losses)
    return outside_window(prompt, parts, losses, carry)


def _whatsapp(prompt: Prompt, piece: Piece, losses: list[Loss]) -> list[WirePart]:
    """Return the requests for one piece."""
    match piece:
        case Words():
            return [_words(prompt.thread, piece.body, piece.offer, losses)]
        case Shown():
            return _files(prompt, piece, losses)
        case Spot():
            place = piece.place
            label = shorten(" ".join(place.address.split()), Length(LABEL_MAX)).replace("|", "/")
            at = f"geo:{place.latitude:.6f},{place.longitude:.6f}"
            where = f"{at}|{label}" if label else at
            return [_message(prompt.thread, Body=label or "📍", PersistentAction=[where])]
        case _:
            raise TypeError(f"WhatsApp has no {type(piece).__name__}")


def _message(thread: str, **params: object) -> WirePart:
    return WirePart(MESSAGES, {"To": thread, **params})


def _words(thread: str, body: Rich, offer: Offer | None, losses: list[Loss]) -> WirePart:
    text = written(body, WHATSAPP.markup)
    if offer is None:
        return _message(thread, Body=text)
    if offer.kind is OfferKind.BUTTONS:
        tapped = [value for button in offer.buttons for value in (button.label, button.id)]
        return _filled(thread, content.buttons(len(offer.buttons)), [text, *tapped])
    return _list(thread, text, offer, losses)


def _list(thread: str, text: str, offer: Offer, losses: list[Loss]) -> WirePart:
    listed = [button for section in offer.sections for button in section.buttons]
    losses += [
        Loss(f"the title “{section.title}”", "left out")
        for section in offer.sections
        if section.title and section.title not in text
    ]
    described = any(button.description for button in listed)
    values = [text, offer.opener]
    for button in listed:
        values += [button.label, button.id]
        if described:
            values.append(button.description or content.NO_DESCRIPTION)
    return _filled(thread, content.rows(len(listed), described=described), values)


def _filled(thread: str, resource: content.Content, values: Sequence[str]) -> WirePart:
    variables = msgspec.json.encode(content.numbered(values)).decode()
    return _message(thread, Content=resource.name, ContentVariables=variables)


def _files(prompt: Prompt, piece: Shown, losses: list[Loss]) -> list[WirePart]:
    """Return a file with what stands beneath it. A document or sound carries no words of its own:
    they follow it, and so do buttons that no card can carry.
    """
    text = written(piece.caption, WHATSAPP.markup)
    media, offer = piece.media[0], piece.offer
    seen = media.kind in {MediaKind.IMAGE, MediaKind.VIDEO}
    path = media.path
    if offer is not None and seen and prompt.address.startswith("https://"):
        tapped = [value for button in offer.buttons for value in (button.label, button.id)]
        resource = content.card(len(offer.buttons), prompt.address)
        return [_filled(prompt.thread, resource, [text, path.lstrip("/"), *tapped])]
    if offer is None and seen and text:
        return [_message(prompt.thread, Body=text, Files=[path])]
    parts = [_message(prompt.thread, Files=[path])]
    if text:
        parts.append(_words(prompt.thread, piece.caption, offer, losses))
    return parts


# -- the window ------------------------------------------------------------------------------


def _template(prompt: Prompt, drawn: Drawn, losses: list[Loss], template: Template) -> WirePart:
    """Return the request of a template, filled with the lines of what would have been said."""
    if template.language.partition("_")[0] != prompt.language:
        losses.append(Loss(f"the language {prompt.language}", f"a template in {template.language}"))
    values = filled(prompt, drawn, template, Length(VARIABLE_ADVISED_MAX, Unit.UTF16))
    variables = content.numbered(values)
    said = content.SPOT.sub(lambda spot: variables[spot[1]], template.body)
    params: dict[str, object] = {"ContentSid": template.vendor_id, "Said": said}
    if variables:
        params["ContentVariables"] = msgspec.json.encode(variables).decode()
    part = _message(prompt.thread, **params)
    return replace(part, template=template.name)


# -- SMS -------------------------------------------------------------------------------------


def plan_sms(prompt: Prompt) -> Plan:
    """Return the texts that tell ``prompt.message`` by SMS."""
    drawn = draw(prompt, SMS)
    parts = [
        _message(prompt.thread, Body=piece.body.text)
        for piece in drawn.pieces
        if isinstance(piece, Words)
    ]
    return Plan(tuple(parts), drawn.losses)


# -- taps ------------------------------------------------------------------------------------


def settle_whatsapp(settled: Settle) -> Sequence[WirePart]:
    """Show at once that a tap was read and is being answered; a notice is a message of its own."""
    parts = []
    if settled.reply_ref:
        params = {"channel": "WHATSAPP", "messageId": settled.reply_ref}
        parts.append(WirePart(TYPING, params, urgent=True, expires_seconds=TYPING_SECONDS))
    return [*parts, *_notice(settled, plan_whatsapp)]


def settle_sms(settled: Settle) -> Sequence[WirePart]:
    """Say a notice; an SMS has no buttons to take away."""
    return _notice(settled, plan_sms)


def _notice(settled: Settle, planner: Callable[[Prompt], Plan]) -> Sequence[WirePart]:
    if not settled.notice:
        return ()
    text = shorten(settled.notice, Length(BODY_MAX, Unit.UTF16))
    return planner(Prompt(settled.thread, 0, Message(text))).parts
