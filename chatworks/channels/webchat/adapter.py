"""The events that our own chat page sends. Pure.

``{"id": "<uuid>", "kind": "text", "text": "…"}``; the other kinds are ``tap`` (with the label as
text), ``form`` (``values`` by field; the text is what people read of them), ``file`` (as its upload
was answered), ``place`` and ``phone``. The page makes the id, so that a repeat is the same event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from chatworks.channels.capabilities import (
    ButtonRules,
    Capabilities,
    CarouselRules,
    Length,
    MediaRule,
    RowRules,
)
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
from chatworks.sdk.inbound import File, Inbound, InboundKind, Sender, command_in
from chatworks.sdk.messages import MediaKind, Place, Style, Wanted

TEXT_LENGTH_MAX = 4000  # code points, of a text and of each answer in a form
FIELDS_MAX = 50
FOREVER = 1_000_000  # a length that nothing reaches: the page has no limit of its own

Answer = Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)]


class Upload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that the page uploaded before: its address is the proof that it is theirs."""

    path: Annotated[str, Meta(pattern=r"^/media/[0-9a-f]{32}/[\w-]{1,64}$")]
    media_type: Annotated[str, Meta(max_length=100)]
    size_bytes: Annotated[int, Meta(ge=0)]
    kind: MediaKind = MediaKind.DOCUMENT
    name: Annotated[str, Meta(max_length=300)] = ""
    alt: Annotated[str, Meta(max_length=1000)] = ""


class WebEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event of the page."""

    id: UUID
    kind: Literal["text", "tap", "form", "file", "place", "phone"]
    text: Answer = ""
    tap: Annotated[str, Meta(max_length=100)] = ""
    latitude: Annotated[float, Meta(ge=-90, le=90)] = 0.0
    longitude: Annotated[float, Meta(ge=-180, le=180)] = 0.0
    phone: Annotated[str, Meta(max_length=40)] = ""
    values: Annotated[dict[str, Answer], Meta(max_length=FIELDS_MAX)] = {}
    file: Upload | None = None
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
    said = [event.text, event.tap, event.phone, *event.values, *event.values.values()]
    if event.file is not None:
        said += [event.file.name, event.file.alt, event.file.media_type]
    if any("\x00" in text for text in said):
        raise Rejected(400, "the text holds a NUL")
    if event.kind == "text" and not event.text.strip():
        raise Rejected(400, "text is empty")
    if event.kind in {"tap", "form"} and "." not in event.tap:
        raise Rejected(400, "tap names no message")
    event = msgspec.structs.replace(event, thread=thread, language=language, name=name)
    if (event.kind == "file") != (event.file is not None):
        raise Rejected(400, "a file event, and no other, carries a file")
    lane = Lane.TAP if event.kind in {"tap", "form"} else Lane.MESSAGE
    return Arrival(f"{thread}:{event.id.hex}", thread, lane, 0, msgspec.json.encode(event))


def read(payload: bytes, _channel: Channel) -> Inbound:
    """Return a stored event in our words."""
    event = _event.decode(payload)
    place = Place(event.latitude, event.longitude) if event.kind == "place" else None
    command = command_in(event.text) if event.kind == "text" else None
    text, arguments = command or (event.text, "")
    return Inbound(
        kind=InboundKind(event.kind) if command is None else InboundKind.COMMAND,
        sender=Sender(event.thread, event.name, language=event.language),
        text=text,
        arguments=arguments,
        tap=event.tap,
        place=place,
        phone=event.phone,
        values=event.values,
        file=None if event.file is None else _file(event.file),
        message_ref=str(event.id),
    )


def _file(upload: Upload) -> File:
    kind = "photo" if upload.kind is MediaKind.IMAGE else upload.kind.value
    return File(kind, upload.path, upload.name, upload.media_type, upload.size_bytes)


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
    text=Length(FOREVER),
    styles=frozenset(Style),
    buttons=ButtonRules(
        most=1000, label=Length(1000), id_bytes=100, body=Length(FOREVER), unique=False
    ),
    rows=RowRules(
        most=1000,
        label=Length(1000),
        description=Length(1000),
        id_bytes=100,
        body=Length(FOREVER),
        opener=Length(1000),
        sections=100,
        section=Length(1000),
    ),
    media=dict.fromkeys(MediaKind, MediaRule(bytes_most=2**40, types=frozenset())),
    caption=Length(FOREVER),
    album=100,
    carousel=CarouselRules(
        least=1, most=100, body=Length(FOREVER), buttons=10, label=Length(1000), photo_needed=False
    ),
    asks=frozenset({Wanted.LOCATION}),
    asks_in_groups=True,
    place=True,
    contact=True,
    form=True,
    preview=True,
    typing=True,
)
WEBCHAT = ChannelKind("webchat", "Web chat", CAPABILITIES, verify, split, read, plan, settle)
# In a terminal whatever can be chosen has a number, and a form is asked question by question.
IN_A_TERMINAL = Capabilities(
    text=Length(FOREVER), buttons=CAPABILITIES.buttons, asks=CAPABILITIES.asks
)
TERMINAL = ChannelKind("terminal", "Terminal", IN_A_TERMINAL, verify, split, read, plan, settle)
