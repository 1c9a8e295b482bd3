"""The events that our own chat page sends. Pure.

``{"id": "<uuid>", "kind": "text", "text": "…"}``; the other kinds are ``tap`` (with the label as
text), ``place`` and ``phone``. The page makes the id, so that a repeat is the same event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from chatworks.channels.capabilities import ButtonRules, Capabilities, Length
from chatworks.channels.models import (
    Arrival,
    Channel,
    ChannelKind,
    Lane,
    Plan,
    Prompt,
    RawRequest,
    Rejected,
    Settle,
    WirePart,
)
from chatworks.sdk.inbound import Inbound, InboundKind, Sender
from chatworks.sdk.messages import Place, Style, Wanted

TEXT_LENGTH_MAX = 4000


class WebEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event of the page."""

    id: UUID
    kind: Literal["text", "tap", "place", "phone"]
    text: Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)] = ""
    tap: Annotated[str, Meta(max_length=100)] = ""
    latitude: Annotated[float, Meta(ge=-90, le=90)] = 0.0
    longitude: Annotated[float, Meta(ge=-180, le=180)] = 0.0
    phone: Annotated[str, Meta(max_length=40)] = ""
    thread: str = ""  # ours: set by the server from the visitor's token
    language: str = ""  # ours as well
    name: str = ""  # ours: of who signed in through a messenger


_event = msgspec.json.Decoder(WebEvent)


def arrival(body: bytes, thread: str, language: str, name: str = "") -> Arrival:
    """Return the event of a visitor's request; raises ``Rejected`` with the field's problem."""
    try:
        event = _event.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Rejected(400, str(error)) from None
    if "\x00" in event.text or "\x00" in event.tap or "\x00" in event.phone:
        raise Rejected(400, "the text holds a NUL")
    if event.kind == "text" and not event.text.strip():
        raise Rejected(400, "text is empty")
    event = msgspec.structs.replace(event, thread=thread, language=language, name=name)
    lane = Lane.TAP if event.kind == "tap" else Lane.MESSAGE
    return Arrival(f"{thread}:{event.id.hex}", thread, lane, 0, msgspec.json.encode(event))


def read(payload: bytes, _channel: Channel) -> Inbound:
    """Return a stored event in our words."""
    event = _event.decode(payload)
    place = Place(event.latitude, event.longitude) if event.kind == "place" else None
    command = event.kind == "text" and event.text.startswith("/")
    word, _, arguments = event.text[1:].partition(" ") if command else (event.text, "", "")
    return Inbound(
        kind=InboundKind.COMMAND if command else InboundKind(event.kind),
        sender=Sender(event.thread, event.name, language=event.language),
        text=word.lower() if command else word,
        arguments=arguments.strip(),
        tap=event.tap,
        place=place,
        phone=event.phone,
        message_ref=str(event.id),
    )


def verify(_request: RawRequest, _channel: Channel) -> None:
    """Refuse: the page speaks to its own routes, with the visitor's token."""
    raise Rejected(404, "there is no such channel")


def split(_request: RawRequest, _channel: Channel, _now: datetime) -> Sequence[Arrival]:
    """Return nothing: see ``verify``."""
    return ()


def plan(_prompt: Prompt) -> Plan:
    """Return no parts: the page draws the message itself."""
    return Plan(())


def settle(_settle: Settle) -> Sequence[WirePart]:
    """Return no parts: the page disables the buttons of a question by itself."""
    return ()


CAPABILITIES = Capabilities(
    text=Length(1_000_000),
    styles=frozenset(Style),
    buttons=ButtonRules(
        most=1000, label=Length(1000), id_bytes=100, body=Length(1_000_000), unique=False
    ),
    asks=frozenset({Wanted.LOCATION}),
    place=True,
    contact=True,
    cards=True,
)
WEBCHAT = ChannelKind("webchat", "Web chat", CAPABILITIES, verify, split, read, plan, settle)
TERMINAL = ChannelKind("terminal", "Terminal", CAPABILITIES, verify, split, read, plan, settle)
